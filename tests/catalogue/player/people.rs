//! What the provider tells by its API: whose account it is, and where it lives.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    play::Play,
    request::{Demand, Wanted},
};
use crate::{
    facts::{Facts, filled, filled_json, find, put},
    values::Source,
};

/// What a user of the provider is shown to be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) avatar: Option<String>,
}

const EMAIL: &str = "alice@example.com";
const NAME: &str = "Alice Example";
const SUBJECT: &str = "sub-of-alice";
const AVATAR: &str = "https://pictures.example/alice.png";

impl Play {
    pub(super) fn identity_demand(&self) -> Demand {
        let identity = self.facts().table("/identity");
        let mut demand = self.demand(identity, identity.text("/url").unwrap_or_default(), "GET");
        demand.document = identity.at("/body").map(|body| filled_json(body, &self.values()));
        match identity.text("/auth") {
            Some("none") => {}
            Some("client") => {
                let token = self.grant().access.clone();
                self.with_parameters(&mut demand, Facts(&Value::Null), vec![("token", Wanted::Is(token))]);
                self.with_client(&mut demand, Facts(&Value::Null), self.client_auth());
            }
            _ => self.with_bearer(&mut demand, &self.grant().access),
        }
        demand
    }

    pub(super) fn tell_person(&self) -> Value {
        let mut answer = json!({});
        let success = self.facts().table("/identity/success");
        if let Some(path) = success.text("/path") {
            put(&mut answer, path, success.at("/equals").cloned().unwrap_or_default());
        }
        self.put_person(&mut answer);
        answer
    }

    /// Writes the person where the data looks for them.
    pub(super) fn put_person(&self, answer: &mut Value) {
        let identity = self.facts().table("/identity");
        for path in identity.paths("/id", &["sub"]) {
            put(answer, &path, format!("{}-of-alice", path.replace('.', "-")).into());
        }
        for (name, standard, value) in [
            ("/email", &["email"][..], EMAIL),
            ("/label", &["name", "preferred_username", "email"], NAME),
            ("/avatar", &["picture"], AVATAR),
        ] {
            if let Some(path) = identity.paths(name, standard).first() {
                put(answer, path, value.into());
            }
        }
    }

    /// Who the user must be shown to be; `None` where nothing tells.
    pub(super) fn person(&self) -> Option<Person> {
        let identity = self.facts().table("/identity");
        if self.gives_id_token() && identity.text("/from").is_none() && identity.paths("/id", &["sub"]) == ["sub"] {
            return Some(Person {
                id: SUBJECT.to_owned(),
                email: Some(EMAIL.to_owned()),
                label: Some(NAME.to_owned()),
                avatar: Some(AVATAR.to_owned()),
            });
        }
        identity.0.as_object()?;
        let lacks = identity
            .text("/needs_scope")
            .is_some_and(|needed| !self.grant().scopes.iter().any(|scope| scope == needed));
        if lacks && identity.text("/from") != Some("token_answer") {
            return None;
        }
        let mut answer = json!({});
        self.put_person(&mut answer);
        let read = |path: &String| find(&answer, path).and_then(Value::as_str).map(str::to_owned);
        let first = |name: &str, standard: &[&str]| identity.paths(name, standard).iter().find_map(read);
        let parts: Option<Vec<String>> = identity.paths("/id", &["sub"]).iter().map(read).collect();
        Some(Person {
            id: parts?.join(":"),
            email: first("/email", &["email"]),
            label: first("/label", &["name", "preferred_username", "email"]),
            avatar: first("/avatar", &["picture"]),
        })
    }

    /// Whether an ID token comes with the tokens (OpenID Connect Core, section 3.1.3.3): to who asked for it.
    fn gives_id_token(&self) -> bool {
        self.facts().has("/oidc/issuer") && self.grant().scopes.iter().any(|scope| scope == "openid")
    }

    /// Writes the ID token, if there is one. Nobody looks at its signature.
    pub(super) fn put_id_token(&self, answer: &mut Value) {
        if !self.gives_id_token() {
            return;
        }
        let issuer = filled(self.facts().text("/oidc/issuer").unwrap_or_default(), &self.values());
        let claims = json!({
            "iss": issuer, "aud": self.client.id, "sub": SUBJECT, "email": EMAIL, "name": NAME, "picture": AVATAR,
        });
        let id_token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        put(answer, "id_token", id_token.into());
    }

    pub(super) fn discover_demand(&self, step: usize) -> Demand {
        let steps = self.facts().tables("/discover");
        let step = steps[step];
        let mut demand = self.demand(step, step.text("/url").unwrap_or_default(), "GET");
        demand.document = step.at("/body").map(|body| filled_json(body, &self.values()));
        self.with_bearer(&mut demand, &self.grant().access);
        demand
    }

    /// The list in which one entry is the account that was meant, with others beside it where the data can tell them apart.
    pub(super) fn take_discover(&mut self, step: usize) -> Value {
        self.grant.as_mut().expect("a grant").discovered = step + 1;
        let steps = self.facts().tables("/discover");
        let step = steps[step];
        let mut meant = json!({});
        let wanted = step.at("/match").and_then(Value::as_object).into_iter().flatten();
        for (path, value) in wanted {
            put(&mut meant, path, value.clone());
        }
        for (field, path) in step.map("/into") {
            put(&mut meant, &path, self.discovered(&field).into());
        }
        let mut other = json!({});
        for path in step.map("/into").into_values() {
            put(&mut other, &path, "somebody-elses".into());
        }
        let is_list = step.has("/list") || step.has("/match") || step.has("/choose");
        let list = match (step.has("/match"), step.text("/choose")) {
            (true, _) => json!([other, meant]),
            (false, Some("only")) => json!([meant]),
            (false, _) => json!([meant, other]),
        };
        match step.text("/list") {
            Some(path) => {
                let mut answer = json!({});
                put(&mut answer, path, list);
                answer
            }
            None if is_list => list,
            None => meant,
        }
    }

    /// What a field is that a call after connecting tells.
    pub(super) fn discovered(&self, field: &str) -> String {
        let of_field = |source: &Source| matches!(source, Source::Discovery(name) if name == field);
        let variable = self.variables.iter().find(|variable| of_field(&variable.source));
        variable.map_or_else(|| format!("found-{field}"), |variable| variable.told.clone())
    }
}
