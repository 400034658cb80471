//! The values of variables that people and responses bring: taken when a connector is saved, when a session begins, and
//! when the user is back.

use super::{
    Provider, Unfilled, Values,
    vars::{Source, Var},
};
use crate::domain::{
    fields::{FieldError, step},
    gather::Gather,
};

impl Provider {
    /// The details of a new connector: variables in the form in which they are used, with the defaults that hold from now
    /// on, and whatever else the admin wants apps to read.
    ///
    /// # Errors
    /// Every variable that is missing or wrong, by its pointer in the connector.
    pub fn accept_config(&self, config: &Values) -> Result<Values, Vec<FieldError>> {
        let (mut accepted, mut errors) = (Values::new(), Vec::new());
        for (name, value) in config {
            match self.setting(name, value) {
                Ok(value) => {
                    accepted.insert(name.clone(), value);
                }
                Err(detail) => errors.push(wrong(name, detail)),
            }
        }
        for (name, var) in self.vars.iter().filter(|(name, var)| var.from == Source::App && !config.contains_key(*name))
        {
            match &var.default {
                Some(default) => {
                    accepted.insert(name.clone(), default.clone());
                }
                None => errors.push(wrong(name, "is required by this provider")),
            }
        }
        if errors.is_empty() { Ok(accepted) } else { Err(errors) }
    }

    /// The details of a connector that has `earlier` ones. Variables decide where secrets are sent, so they stay as they
    /// are, also where they are left out.
    ///
    /// # Errors
    /// Every variable that would change.
    pub fn accept_change(&self, earlier: &Values, config: &Values) -> Result<Values, Vec<FieldError>> {
        let is_kept = |name: &String| self.vars.contains_key(name);
        let mut accepted: Values = earlier.iter().filter(|(name, _)| is_kept(name)).map(owned).gathered();
        let mut errors = Vec::new();
        for (name, value) in config {
            let stays = |value: &String| !is_kept(name) || earlier.get(name) == Some(value);
            match self.setting(name, value) {
                Ok(value) if stays(&value) => {
                    accepted.insert(name.clone(), value);
                }
                Ok(_) => errors.push(wrong(name, "can't be changed: make a new connector")),
                Err(detail) => errors.push(wrong(name, detail)),
            }
        }
        if errors.is_empty() { Ok(accepted) } else { Err(errors) }
    }

    /// What the user brings to a session, for variables that the connector leaves to them: what they say now, what their
    /// earlier connection has, or the default.
    ///
    /// # Errors
    /// Every variable that is missing, wrong, or not the user's to set.
    pub fn accept_inputs(&self, config: &Values, given: &Values, earlier: &Values) -> Result<Values, Vec<FieldError>> {
        let is_open = |name: &String, var: &Var| var.from == Source::Input && !config.contains_key(name);
        let mut errors: Vec<FieldError> = given
            .keys()
            .filter(|name| !self.vars.get(*name).is_some_and(|var| is_open(name, var)))
            .map(|name| wrong(name, "is nothing that this connector leaves to its users"))
            .collect();
        let needed = self.needed_vars();
        let mut inputs = Values::new();
        for (name, var) in self.vars.iter().filter(|(name, var)| is_open(name, var)) {
            let known = given.get(name).or(earlier.get(name)).or(var.default.as_ref());
            match known.map(|value| var.accept(value)) {
                Some(Ok(value)) => {
                    inputs.insert(name.clone(), value);
                }
                Some(Err(detail)) => errors.push(wrong(name, detail)),
                None if needed.contains(name.as_str()) => errors.push(wrong(name, "is required by this provider")),
                None => {}
            }
        }
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }

    /// The variables that an authorization response brings. `parameter` looks one up.
    ///
    /// # Errors
    /// [`Unfilled`] names the first that is not what it may be, or is missing although something needs it.
    pub fn captured<'r>(&self, parameter: impl Fn(&str) -> Option<&'r str>) -> Result<Values, Unfilled> {
        let mut captured = Values::new();
        if self.vars.is_empty() {
            return Ok(captured);
        }
        let needed = self.needed_vars();
        for (name, var) in &self.vars {
            let Source::Callback(param) = &var.from else { continue };
            let unfit = || Unfilled { pointer: format!("/vars/{name}"), var: name.clone() };
            match parameter(param).map(|value| var.accept(value)) {
                Some(Ok(value)) => {
                    captured.insert(name.clone(), value);
                }
                Some(Err(_)) => return Err(unfit()),
                None if var.default.is_none() && needed.contains(name.as_str()) => return Err(unfit()),
                None => {}
            }
        }
        Ok(captured)
    }

    /// A detail of a connector in the form in which it is used; one that is no variable is the app's own affair.
    fn setting(&self, name: &str, value: &str) -> Result<String, String> {
        match self.vars.get(name) {
            None => Ok(value.to_owned()),
            Some(var) if var.from.is_of_connector() => var.accept(value),
            Some(_) => Err("comes from the provider and can't be set".to_owned()),
        }
    }
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn wrong(name: &str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: format!("/connection_config/{}", step(name)), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider() -> Provider {
        Provider::from_value(&json!({
            "id": "p", "name": "P",
            "vars": {
                "region": {"from": "app", "choices": ["eu", "us"], "default": "us"},
                "tenant": {"from": "app", "pattern": "[a-z]+"},
                "shop": {"from": "input", "pattern": "[a-z]+", "strip_suffix": ".shops.example"},
                "realm": {"from": "callback:realmId", "pattern": "[0-9]+"},
                "extra": {"from": "callback:extra", "pattern": "[0-9]+"},
            },
            "authorize": {"url": "https://{shop}.shops.example/{region}/{tenant}"},
            "token": {"url": "https://p.example/{realm}/t"},
        }))
        .expect("a provider")
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn names(result: Result<Values, Vec<FieldError>>) -> Vec<String> {
        result.err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_connector_keeps_what_it_was_made_with_defaults_included() {
        let accepted =
            provider().accept_config(&values(&[("tenant", "a"), ("shop", "b.shops.example"), ("note", "x")]));
        let expected = values(&[("note", "x"), ("region", "us"), ("shop", "b"), ("tenant", "a")]);
        assert_eq!(accepted, Ok(expected));
        for (config, wrong) in [
            (&[][..], "tenant"),
            (&[("tenant", "A")], "tenant"),
            (&[("tenant", "a"), ("region", "moon")], "region"),
            (&[("tenant", "a"), ("shop", "b.evil.example")], "shop"),
            (&[("tenant", "a"), ("realm", "7")], "realm"),
        ] {
            assert_eq!(names(provider().accept_config(&values(config))), [format!("/connection_config/{wrong}")]);
        }
    }

    #[test]
    fn no_variable_of_a_connector_ever_changes() {
        let earlier = values(&[("tenant", "a"), ("region", "us"), ("note", "x")]);
        let change = |config: &[(&str, &str)]| provider().accept_change(&earlier, &values(config));
        assert_eq!(change(&[("note", "y")]), Ok(values(&[("tenant", "a"), ("region", "us"), ("note", "y")])));
        assert_eq!(change(&[]), Ok(values(&[("tenant", "a"), ("region", "us")])));
        assert!(change(&[("tenant", "a"), ("region", "us")]).is_ok());
        assert_eq!(names(change(&[("region", "eu")])), ["/connection_config/region"]);
        // What was left to the users has gone into their connections.
        assert_eq!(names(change(&[("shop", "b")])), ["/connection_config/shop"]);
    }

    #[test]
    fn users_set_what_is_left_to_them_and_nothing_else() {
        let (mine, none) = (values(&[("shop", "mine")]), Values::new());
        let open = values(&[("tenant", "a"), ("region", "us")]);
        let closed = values(&[("tenant", "a"), ("region", "us"), ("shop", "set")]);
        let provider = provider();
        assert_eq!(provider.accept_inputs(&open, &mine, &none), Ok(mine.clone()));
        assert_eq!(provider.accept_inputs(&open, &none, &mine), Ok(mine.clone()));
        assert_eq!(provider.accept_inputs(&closed, &none, &mine), Ok(none.clone()));
        assert_eq!(names(provider.accept_inputs(&open, &none, &none)), ["/connection_config/shop"]);
        assert_eq!(names(provider.accept_inputs(&closed, &mine, &none)), ["/connection_config/shop"]);
        for (name, value) in [("shop", "a.evil.example"), ("tenant", "b"), ("realm", "7"), ("note", "x")] {
            let given = values(&[("shop", "ok"), (name, value)]);
            assert_eq!(names(provider.accept_inputs(&open, &given, &none)), [format!("/connection_config/{name}")]);
        }
    }

    #[test]
    fn what_a_response_lacks_counts_only_where_it_is_needed() {
        let captured = |pairs: &[(&str, &str)]| {
            let response = values(pairs);
            provider().captured(|name| response.get(name).map(String::as_str)).map_err(|error| error.var)
        };
        assert_eq!(captured(&[("realmId", "7")]), Ok(values(&[("realm", "7")])));
        assert_eq!(captured(&[("realmId", "7"), ("extra", "1")]), Ok(values(&[("realm", "7"), ("extra", "1")])));
        assert_eq!(captured(&[]), Err("realm".to_owned()));
        assert_eq!(captured(&[("realmId", "7/..")]), Err("realm".to_owned()));
        assert_eq!(captured(&[("realmId", "7"), ("extra", "x")]), Err("extra".to_owned()));
    }
}
