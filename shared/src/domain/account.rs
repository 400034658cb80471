//! Whose account a connection is to.

use serde::{Deserialize, Serialize};

/// How long a name or address may be, in characters; longer ones are cut.
const MAX_LABEL: usize = 256;

/// How long the URL of a picture may be, in bytes; a longer one is dropped.
const MAX_URL: usize = 1024;

/// The account at the provider that a connection is to, as far as the provider told. For people and for noticing that
/// the account changed; nothing is decided by a name or an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What tells it from every other account there.
    pub id: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// An email address, not verified by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// An https URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl Account {
    /// The account with this id; `None` when it is empty, longer than 256 characters or has control characters: a cut
    /// id could be somebody else's.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        let fits = !id.is_empty() && id.chars().count() <= MAX_LABEL && !id.chars().any(char::is_control);
        fits.then(|| Self { id: id.into(), label: None, email: None, avatar_url: None })
    }

    /// With a name for people; control characters are dropped and what is too long is cut.
    #[must_use]
    pub fn with_label(self, label: Option<&str>) -> Self {
        Self { label: label.and_then(shown), ..self }
    }

    /// With an email address; control characters are dropped and what is too long is cut.
    #[must_use]
    pub fn with_email(self, email: Option<&str>) -> Self {
        Self { email: email.and_then(shown), ..self }
    }

    /// With a picture, if its URL is an https one that fits.
    #[must_use]
    pub fn with_avatar(self, url: Option<&str>) -> Self {
        let is_shown = |url: &&str| {
            url.starts_with("https://") && url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic())
        };
        Self { avatar_url: url.filter(is_shown).map(str::to_owned), ..self }
    }
}

fn shown(text: &str) -> Option<String> {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect();
    (!shown.trim().is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_whole_or_not_at_all() {
        assert!(Account::new(&"a".repeat(256)).is_some());
        for id in [String::new(), "a".repeat(257), "a\nb".into()] {
            assert_eq!(Account::new(&id), None, "{} characters", id.len());
        }
    }

    #[test]
    fn a_long_label_is_cut_and_an_odd_picture_dropped() {
        let account = Account::new("7").expect("an id");
        let account = account.with_label(Some(&"\u{1F600}".repeat(300))).with_avatar(Some("javascript:alert(1)"));
        assert_eq!(account.label.expect("a label").chars().count(), 256);
        assert_eq!(account.avatar_url, None);
    }
}
