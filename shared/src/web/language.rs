//! In which language to speak to a person.

use axum::http::{HeaderMap, header};

/// Which of what is `spoken` the person's browser prefers (RFC 9110, section 12.5.4), by the primary subtag that each is
/// `called`; `None` if it names none of them.
#[must_use]
pub fn preferred<'a, T>(request: &HeaderMap, spoken: &'a [T], called: fn(&T) -> &str) -> Option<&'a T> {
    let wishes = request.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(&T, f32)> = None;
    for wish in wishes.flat_map(|value| value.split(',')) {
        let (range, weight) = wish.split_once(';').unwrap_or((wish, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        let primary = range.trim().split('-').next().unwrap_or_default();
        let known = spoken.iter().find(|language| called(language).eq_ignore_ascii_case(primary));
        if let (Some(language), Some(weight)) = (known, weight)
            && weight > best.map_or(0.0, |(_, weight)| weight)
        {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_wished_for_most_of_those_that_are_spoken() {
        for (given, expected) in [
            ("de", Some("de")),
            ("he-IL,he;q=0.9,en-US;q=0.8,en;q=0.7", Some("he")),
            ("fr-FR, de;q=0.5, en;q=0.9", Some("en")),
            ("en;q=0, DE-at;q=0.1", Some("de")),
            ("fr, *;q=0.5", None),
            ("de;q=many", None),
            (";;,-,", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_str(given).unwrap())]);
            let found = preferred(&headers, &["de", "en", "he"], |language| language);
            assert_eq!(found.copied(), expected, "{given}");
        }
        assert_eq!(preferred(&HeaderMap::new(), &["en"], |language| language), None);
    }
}
