//! Query parameters, each at most once.

use std::collections::BTreeMap;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;

/// The query of a request. A parameter that comes twice is refused: two readers may go by different ones.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query string.
    ///
    /// # Errors
    /// [`Problem`] if a parameter comes twice.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            if parameters.insert(name.to_string(), value.to_string()).is_some() {
                return Err(Problem::invalid_field(&format!("?{name}"), "must not come twice"));
            }
        }
        Ok(Self(parameters))
    }

    /// All parameters, by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A parameter that is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Refuses a request whose parameter of this name, if it has one, is not what was found in the path: a gateway may have
    /// decoded a path twice, and so made one name of two; a query comes as it was written.
    ///
    /// # Errors
    /// [`Problem`] that names the parameter.
    pub fn confirms(&self, name: &str, in_path: &str) -> Result<(), Problem> {
        match self.get(name) {
            Some(written) if written != in_path => {
                Err(Problem::invalid_field(&format!("?{name}"), "is not what the path says: encode both once"))
            }
            _ => Ok(()),
        }
    }

    /// A parameter, read by its rule.
    ///
    /// # Errors
    /// [`Problem`] that names the parameter.
    pub fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(raw) => read(raw).map(Some).ok_or_else(|| Problem::invalid_field(&format!("?{name}"), expected)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_comes_twice_is_refused() {
        assert!(Query::parse("state=a&state=b").is_err());
        assert_eq!(Query::parse("state=a%20b&code=").unwrap().get("state"), Some("a b"));
        assert_eq!(Query::parse("state=a&code=").unwrap().get("code"), None);
    }

    #[test]
    fn a_name_that_the_path_has_lost_on_its_way_is_noticed() {
        let query = |raw| Query::parse(raw).unwrap();
        assert!(query("sub=al%2569ce").confirms("sub", "alice").is_err());
        assert!(query("sub=al%2569ce").confirms("sub", "al%69ce").is_ok());
        assert!(query("").confirms("sub", "alice").is_ok());
    }
}
