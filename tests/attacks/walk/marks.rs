//! Marks: texts that say whose they are, wherever they turn up. `canary.{workspace}.{app}.{user}.`, with `all` for what
//! belongs to everybody of the one before it.

/// Whose something is, or how far somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) workspace: &'static str,
    /// `None`: the whole workspace's.
    pub(super) app: Option<&'static str>,
    /// `None`: the whole app's.
    pub(super) user: Option<&'static str>,
}

impl Place {
    /// The mark of what belongs here.
    pub(super) fn mark(self) -> String {
        format!("canary.{}.{}.{}.", self.workspace, self.app.unwrap_or("all"), self.user.unwrap_or("all"))
    }

    /// Whether somebody here may see what carries this mark.
    fn sees(self, mark: &[&str; 3]) -> bool {
        let fits = |own: Option<&str>, marked: &str| marked == "all" || own.is_none_or(|own| own == marked);
        self.workspace == mark[0] && fits(self.app, mark[1]) && fits(self.user, mark[2])
    }
}

/// Every mark in a text.
pub(super) fn marks(text: &str) -> impl Iterator<Item = [&str; 3]> {
    text.match_indices("canary.").map(|(at, found)| {
        let mut parts = text[at + found.len()..].splitn(4, '.');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    })
}

/// The first mark in a text that somebody at this place may not see; at no place, any.
pub(super) fn foreign(text: &str, place: Option<Place>) -> Option<String> {
    let mut foreign = marks(text).filter(|mark| !place.is_some_and(|place| place.sees(mark)));
    foreign.next().map(|mark| mark.join("."))
}

/// Tokens and codes of the provider in a text: `at_`, `rt_` or `code_`, and 43 characters.
pub(super) fn tokens(text: &str) -> Vec<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let found = ["at_", "rt_", "code_"].into_iter().flat_map(|kind| text.match_indices(kind));
    let token = |(at, kind): (usize, &str)| {
        let length = text.as_bytes()[at + kind.len()..].iter().take_while(|byte| is_part(byte)).count();
        (length == 43).then(|| &text[at..at + kind.len() + length])
    };
    found.filter_map(token).collect()
}

#[test]
fn marks_and_tokens_are_found_and_judged() {
    let place = |app, user| Place { workspace: "w1", app, user };
    let text = format!("x{}y \"{}z\"", place(Some("a1"), Some("alice")).mark(), place(None, None).mark());
    assert_eq!(marks(&text).count(), 2);
    assert_eq!(foreign(&text, Some(place(Some("a1"), Some("alice")))), None);
    assert_eq!(foreign(&text, Some(place(None, None))), None);
    assert_eq!(foreign(&text, Some(place(Some("a1"), Some("bob")))), Some("w1.a1.alice".to_owned()));
    assert_eq!(foreign(&text, Some(Place { workspace: "w2", app: None, user: None })), Some("w1.a1.alice".to_owned()));
    assert!(foreign(&text, None).is_some());
    let token = format!("at_{}", "a".repeat(43));
    assert_eq!(tokens(&format!("expires_at_once {token}, at_x")), [token]);
}
