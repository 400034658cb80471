//! Scopes: what a grant may do, as an ordered set of scope tokens (RFC 6749, section 3.3).

use std::fmt;

/// How many scopes one connector or grant may have. The longest lists seen in use have about sixty.
pub const MAX_SCOPES: usize = 200;

/// How long one scope may be, in bytes.
pub const MAX_SCOPE_LENGTH: usize = 256;

/// An ordered set of scope tokens. The order is the one they were given in; a second mention is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Box<str>>);

/// Why a list of scopes was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopes {
    /// The scope at this index is empty, too long, or has a character that RFC 6749 does not allow.
    #[error("scope {0} is empty, longer than 256 characters, or has a character that a scope cannot have")]
    Token(usize),
    /// There are more than [`MAX_SCOPES`].
    #[error("there are more than 200 scopes")]
    TooMany,
}

impl Scopes {
    /// Parses scopes that came from outside.
    ///
    /// # Errors
    /// [`InvalidScopes`] names the first scope that is not a scope token, or says that there are too many.
    pub fn parse<'a>(raw: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScopes> {
        let mut scopes: Vec<Box<str>> = Vec::new();
        for (index, token) in raw.into_iter().enumerate() {
            if index >= MAX_SCOPES {
                return Err(InvalidScopes::TooMany);
            }
            if !is_scope_token(token) {
                return Err(InvalidScopes::Token(index));
            }
            if !scopes.iter().any(|known| **known == *token) {
                scopes.push(token.into());
            }
        }
        Ok(Self(scopes))
    }

    /// Reads what a provider says it granted. Providers separate with spaces, commas or both; what is no scope token is
    /// dropped, because a grant must not be lost to a stray character.
    #[must_use]
    pub fn lenient(raw: &str, separator: &str) -> Self {
        let separators: Vec<char> = separator.chars().chain([' ', '\n', '\t']).collect();
        let tokens = raw.split(|c| separators.contains(&c)).filter(|token| is_scope_token(token));
        Self::parse(tokens.take(MAX_SCOPES)).unwrap_or_default()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether this scope is among them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|known| known == scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that `granted` lacks.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.iter().filter(|scope| !granted.contains(scope)).cloned().collect())
    }

    /// These, then those of `more` that are not yet among them.
    #[must_use]
    pub fn union(&self, more: &Self) -> Self {
        let mut scopes = self.0.clone();
        scopes.extend(more.missing_from(self).0);
        Self(scopes)
    }

    /// All of them in one text.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        self.0.join(separator)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.join(" "))
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope_token(token: &str) -> bool {
    (1..=MAX_SCOPE_LENGTH).contains(&token.len())
        && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(raw: &str) -> Scopes {
        Scopes::parse(raw.split_whitespace()).expect("valid scopes")
    }

    #[test]
    fn order_is_kept_and_a_second_mention_is_dropped() {
        assert_eq!(scopes("b a b").to_string(), "b a");
    }

    #[test]
    fn what_is_no_scope_token_is_refused_by_its_index() {
        for (raw, index) in
            [(vec!["ok", ""], 1), (vec!["a b"], 0), (vec!["a\"b"], 0), (vec!["ü"], 0), (vec!["a", "b", "c\\"], 2)]
        {
            assert_eq!(Scopes::parse(raw.iter().copied()), Err(InvalidScopes::Token(index)), "{raw:?}");
        }
    }

    #[test]
    fn too_many_scopes_are_refused() {
        let many: Vec<String> = (0..=MAX_SCOPES).map(|n| format!("s{n}")).collect();
        assert_eq!(Scopes::parse(many.iter().map(String::as_str)), Err(InvalidScopes::TooMany));
    }

    #[test]
    fn a_grant_is_read_whatever_its_separator() {
        assert_eq!(Scopes::lenient("repo,gist", ","), scopes("repo gist"));
        assert_eq!(Scopes::lenient("repo gist", ","), scopes("repo gist"));
        assert_eq!(Scopes::lenient("  ", " "), Scopes::default());
    }

    #[test]
    fn missing_scopes_are_those_that_were_not_granted() {
        assert_eq!(scopes("a b c").missing_from(&scopes("b")), scopes("a c"));
    }
}
