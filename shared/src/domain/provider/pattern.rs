//! Which values fit: a regular expression over the whole value, and the characters that it lets through.

use regex_lite::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};

/// How long a pattern may be, in bytes.
const MAX_PATTERN: usize = 512;

/// How large a compiled pattern may get, in bytes: people write them, and some repeat repetitions.
const MAX_COMPILED: usize = 256 * 1024;

/// A regular expression that a whole value must fit.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern for whole values; `None` when it is none, or too long.
    #[must_use]
    pub fn whole(source: &str) -> Option<Self> {
        Self::compiled(source, &format!(r"\A(?:{source})\z"))
    }

    /// Compiles a pattern that is looked for anywhere in a value; `None` when it is none, or too long.
    #[must_use]
    pub fn within(source: &str) -> Option<Self> {
        Self::compiled(source, source)
    }

    fn compiled(source: &str, regex: &str) -> Option<Self> {
        if source.is_empty() || source.len() > MAX_PATTERN {
            return None;
        }
        // By itself first: what closes a group that it did not open would escape the anchors.
        RegexBuilder::new(source).size_limit(MAX_COMPILED).build().ok()?;
        let regex = RegexBuilder::new(regex).size_limit(MAX_COMPILED).build().ok()?;
        Some(Self { source: source.into(), regex })
    }

    /// Whether a value fits.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether every value that fits consists of characters that `is_allowed`. When in doubt: no.
    #[must_use]
    pub fn lets_only(&self, is_allowed: impl Fn(char) -> bool) -> bool {
        Letters { rest: self.source.chars().peekable() }.are_all(&is_allowed)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// Walks over what a pattern's parts can match, one character at a time. It knows the plain parts of the language; any
/// other counts as matching everything.
struct Letters<I: Iterator<Item = char>> {
    rest: std::iter::Peekable<I>,
}

/// What one part of a class or pattern matches.
enum Part {
    Char(char),
    Digits,
    Word,
    Anything,
}

impl<I: Iterator<Item = char>> Letters<I> {
    fn are_all(mut self, is_allowed: &impl Fn(char) -> bool) -> bool {
        while let Some(next) = self.rest.next() {
            let allowed = match next {
                '^' | '$' | '|' | ')' | '*' | '+' | '?' => true,
                '(' => self.is_plain_group(),
                '{' => self.rest.by_ref().find(|c| !c.is_ascii_digit() && *c != ',') == Some('}'),
                '.' => false,
                '[' => self.class(is_allowed),
                '\\' => match self.rest.next() {
                    Some('b' | 'B' | 'A' | 'z') => true,
                    Some(escaped) => lets(&escape(escaped), is_allowed),
                    None => false,
                },
                plain => is_allowed(plain),
            };
            if !allowed {
                return false;
            }
        }
        true
    }

    /// `(` or `(?:`; whoever names groups or sets flags is not followed.
    fn is_plain_group(&mut self) -> bool {
        if self.rest.peek() != Some(&'?') {
            return true;
        }
        self.rest.next();
        self.rest.next() == Some(':')
    }

    fn class(&mut self, is_allowed: &impl Fn(char) -> bool) -> bool {
        let mut before: Option<char> = None;
        let mut is_first = true;
        while let Some(next) = self.rest.next() {
            let part = match next {
                '^' if is_first => return false,
                ']' if !is_first => return true,
                '[' | '&' | '~' => return false,
                '-' if before.is_some() && self.rest.peek().is_some_and(|c| *c != ']') => {
                    let (Some(from), Some(to)) = (before.take(), self.rest.next()) else { return false };
                    if to == '\\' || to == '[' || to == '-' || !(from..=to).all(is_allowed) {
                        return false;
                    }
                    continue;
                }
                '\\' => match self.rest.next() {
                    Some(escaped) => escape(escaped),
                    None => return false,
                },
                plain => Part::Char(plain),
            };
            is_first = false;
            before = if let Part::Char(plain) = part { Some(plain) } else { None };
            if !lets(&part, is_allowed) {
                return false;
            }
        }
        false
    }
}

fn escape(escaped: char) -> Part {
    match escaped {
        'd' => Part::Digits,
        'w' => Part::Word,
        punctuation if punctuation.is_ascii_punctuation() => Part::Char(punctuation),
        _ => Part::Anything,
    }
}

fn lets(part: &Part, is_allowed: &impl Fn(char) -> bool) -> bool {
    match part {
        Part::Char(plain) => is_allowed(*plain),
        Part::Digits => ('0'..='9').all(is_allowed),
        Part::Word => ('0'..='9').chain('a'..='z').chain('A'..='Z').chain(['_']).all(is_allowed),
        Part::Anything => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of_label(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
    }

    #[test]
    fn a_value_fits_as_a_whole_or_not_at_all() {
        for (pattern, value, fits) in [
            ("[a-z]+", "shop", true),
            ("^[a-z]+$", "shop", true),
            ("[a-z]+", "shop.evil", false),
            ("[a-z]+", "shop\n", false),
            ("a|b", "ab", false),
            ("(?m)^a$", "a\nb", false),
        ] {
            assert_eq!(Pattern::whole(pattern).expect("a pattern").fits(value), fits, "{pattern} {value:?}");
        }
    }

    #[test]
    fn what_would_get_out_of_its_anchors_is_no_pattern() {
        for raw in ["", "a)|(b", "(", "[a", "((a{999}){999}){999}", &"a".repeat(MAX_PATTERN + 1)] {
            assert!(Pattern::whole(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn what_a_pattern_lets_through_is_known_or_taken_for_anything() {
        for (pattern, only) in [
            ("^[a-z0-9][a-z0-9-]*$", true),
            (r"\d{10,19}", true),
            (r"[\w-]+", true),
            ("(?:eu|us)[0-9]?", true),
            ("(eu|us)", true),
            ("[a-z-]+", true),
            ("[a-z.]+", false),
            (r"[a-z]+\.[a-z]+", false),
            (".+", false),
            ("[^/]+", false),
            (r"\S+", false),
            (r"[\S]+", false),
            ("[ -~]+", false),
            ("[+-9]+", false),
            ("[a-z]+@", false),
            ("(?i)[a-z]+", false),
            ("[[:alpha:]]+", false),
            ("a/b", false),
            (r"\x2e", false),
            ("[]a]", false),
            ("é", false),
        ] {
            let pattern = Pattern::whole(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(pattern.lets_only(is_of_label), only, "{}", pattern.as_str());
        }
    }
}
