//! The end of a grant: what is asked (RFC 7009 or otherwise), and what is answered.

use serde_json::{Value, json};

use super::{
    play::Play,
    request::{Demand, Wanted, Written},
};
use crate::facts::{Facts, put};

impl Play {
    /// The tokens that are to be revoked, in order.
    fn to_revoke(&self) -> Vec<String> {
        let grant = self.grant();
        let (access, refresh) = (Some(grant.access.clone()), grant.refresh.clone());
        match self.facts().text("/revoke/token") {
            Some("access_token") => vec![grant.access.clone()],
            Some("refresh_token") => refresh.or(access).into_iter().collect(),
            _ => refresh.into_iter().chain(access).collect(),
        }
    }

    pub(super) fn revoke_demand(&self) -> Option<Demand> {
        let revoke = self.facts().table("/revoke");
        let token = self.to_revoke().get(self.grant().revoked)?.clone();
        let mut demand = self.demand(revoke, revoke.text("/url")?, "POST");
        let auth = revoke.text("/auth").unwrap_or(self.client_auth());
        let mut standard = Vec::new();
        let parameter = revoke.text("/token_param").unwrap_or("token");
        let is_spelt_out = revoke.map("/params").values().any(|value| value.contains("_token}"));
        if revoke.flag("/send_token") != Some(false) && !is_spelt_out {
            standard.push((parameter, Wanted::Is(token.clone())));
        }
        if demand.written == Written::Form {
            standard.push(("token_type_hint", Wanted::Maybe));
        }
        self.with_parameters(&mut demand, revoke, standard);
        if auth == "bearer" {
            demand.authorization = Some(format!("Bearer {token}"));
        } else {
            self.with_client(&mut demand, revoke, auth);
        }
        Some(demand)
    }

    pub(super) fn take_revocation(&mut self) -> Value {
        let in_all = self.to_revoke().len();
        let grant = self.grant.as_mut().expect("a grant");
        grant.revoked += 1;
        grant.is_over = grant.revoked == in_all;
        let success = self.facts().table("/revoke/success");
        let mut answer = json!({});
        if let Some(path) = success.text("/path") {
            put(&mut answer, path, success.at("/equals").cloned().unwrap_or_default());
        }
        answer
    }

    /// The answer to a refresh of a grant that is over: in the provider's own words, where it has some.
    pub(super) fn grant_is_over(&self) -> (u16, Value) {
        let response = self.facts().table("/token/response");
        let word = response.texts("/error/invalid_grant").into_iter().next().unwrap_or_else(|| "invalid_grant".into());
        Self::error(response, &word)
    }

    /// The answer to what should never have been asked.
    pub(super) fn refusal(&self) -> (u16, Value) {
        Self::error(self.facts().table("/token/response"), "invalid_request")
    }

    fn error(response: Facts<'_>, word: &str) -> (u16, Value) {
        let mut answer = json!({"message": "said no"});
        let path = response.paths("/error/code", &["error"]).remove(0);
        put(&mut answer, &path, word.into());
        if let (Some(path), Some(equals)) = (response.text("/success/path"), response.at("/success/equals")) {
            put(&mut answer, path, if equals == &json!(true) { json!(false) } else { json!("no") });
        }
        // Who has words of its own for an error, or a sign of success, says 200 to everything.
        let is_frank = !response.has("/error") && !response.has("/success");
        (if is_frank { 400 } else { 200 }, answer)
    }
}
