//! What a refusal says, in the language that its reader's browser prefers. The texts are in `texts/`, a file for each language.

use axum::http::HeaderMap;
use connectors::web::language;

/// What a refusal says, in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) language: &'static str,
    /// Which way it is read: `ltr` or `rtl`.
    pub(crate) dir: &'static str,
    pub(crate) state_mismatch: &'static str,
    pub(crate) session_expired: &'static str,
    pub(crate) issuer_mismatch: &'static str,
    pub(crate) session_user_mismatch: &'static str,
    pub(crate) invalid_request: &'static str,
    pub(crate) unavailable: &'static str,
    /// What to do if nothing was connected.
    pub(crate) again: &'static str,
    /// What to do if it may work in a moment.
    pub(crate) later: &'static str,
    /// What stands before the code of the refusal.
    pub(crate) code: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// What whoever knows none of the other languages reads.
const ENGLISH: usize = 1;

impl Texts {
    /// The texts for whoever sent this request.
    pub(crate) fn of(request: &HeaderMap) -> &'static Self {
        language::preferred(request, &ALL, |texts| texts.language).unwrap_or(&ALL[ENGLISH])
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn whoever_prefers_no_language_that_is_spoken_reads_english_and_hebrew_runs_from_right_to_left() {
        for (given, language, dir) in
            [("fr", "en", "ltr"), ("", "en", "ltr"), ("de-AT", "de", "ltr"), ("he-IL, en;q=0.5", "he", "rtl")]
        {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_str(given).unwrap())]);
            let texts = Texts::of(&headers);
            assert_eq!((texts.language, texts.dir), (language, dir), "{given}");
        }
    }
}
