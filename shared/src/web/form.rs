//! Form bodies, which OAuth speaks (RFC 6749, appendix B).

use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};

use super::{body, problem::Problem};

const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form, in their order. Empty ones count as left out (RFC 6749, section 3.2).
#[derive(Debug, Default)]
pub struct FormBody(Vec<(String, String)>);

impl FormBody {
    /// Reads a form.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        let fields = url::form_urlencoded::parse(raw).filter(|(_, value)| !value.is_empty());
        Self(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field, if it came once.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        value.filter(|_| !self.is_repeated(name))
    }

    /// Whether a field came more than once: two readers may go by different ones.
    #[must_use]
    pub fn is_repeated(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(FORM) {
            let detail = "The body must be a form, with `Content-Type: application/x-www-form-urlencoded`.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        Ok(Self::parse(&body::of_request(request).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_twice_has_no_value_and_an_empty_one_was_never_there() {
        let form = FormBody::parse(b"a=1&b=2&a=3&c=&c=x%26y+z");
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (None, Some("2"), Some("x&y z")));
        assert!(form.is_repeated("a") && !form.is_repeated("c"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "3"]);
    }
}
