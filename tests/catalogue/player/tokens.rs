//! Tokens for a code, for a refresh token and for another token: what is asked, and what is answered.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    play::{Code, Grant, Play, challenge, seconds},
    request::{Demand, Wanted},
};
use crate::{
    facts::{Facts, Values, find, put},
    values::Source,
};

/// What one answer with tokens tells.
struct Told<'a> {
    access: &'a str,
    refresh: Option<&'a str>,
    life: Option<u64>,
    scopes: Option<&'a [String]>,
    /// Whether it is the answer to a code: those may have more in them than later ones.
    is_first: bool,
}

impl Play {
    pub(super) fn code_demand(&self) -> Demand {
        let token = self.facts().table("/token");
        let mut demand = self.demand(token, token.text("/url").unwrap_or_default(), "POST");
        let code = self.code.as_ref();
        let mut standard = vec![
            ("grant_type", Wanted::Is("authorization_code".into())),
            ("code", Wanted::Is(code.map(|code| code.value.clone()).unwrap_or_default())),
            ("redirect_uri", Wanted::Is(self.client.redirect_uri.clone())),
        ];
        if code.is_some_and(|code| code.challenge.is_some()) {
            standard.push(("code_verifier", Wanted::Any));
        }
        self.with_parameters(&mut demand, token, standard);
        self.with_client(&mut demand, token, self.client_auth());
        demand
    }

    pub(super) fn take_code(&mut self, came: &Values) -> Result<Value, String> {
        let facts = self.facts();
        let verifier = came.get(&self.named(facts.table("/token"), "code_verifier"));
        let code = self.code.as_ref().expect("the demand was for one");
        let shown = verifier.map(|verifier| challenge(verifier, facts.text("/authorize/pkce_challenge")));
        if shown != code.challenge {
            return Err("shows a verifier that does not fit the challenge".into());
        }
        let Code { scopes, .. } = self.code.take().expect("looked at above");
        let refresh = self.has_refresh_tokens().then(|| Self::fresh("rt"));
        let life = self.life();
        self.grant = Some(Grant {
            scopes,
            access: Self::fresh("at"),
            issued_at: self.now(),
            life,
            refresh,
            exchanged: 0,
            discovered: 0,
            refreshed: 0,
            revoked: 0,
            is_over: false,
        });
        let response = self.facts().table("/token/response").0.clone();
        Ok(self.answer_with_tokens(Facts(&response), true, true))
    }

    /// Whether an answer to a code has a refresh token in it.
    fn has_refresh_tokens(&self) -> bool {
        matches!(self.facts().text("/refresh/grant"), None | Some("refresh_token"))
    }

    pub(super) fn exchange_demand(&self, step: usize) -> Demand {
        let steps = self.facts().tables("/exchange");
        let step = steps[step];
        let mut demand = self.demand(step, step.text("/url").unwrap_or_default(), "POST");
        self.with_parameters(&mut demand, step, Vec::new());
        match step.text("/client_auth") {
            // Nothing beside the parameters proves anything, and a client id tells nothing.
            None | Some("none") => {
                demand.parameters.entry(self.named(step, "client_id")).or_insert(Wanted::Maybe);
            }
            Some(auth) => self.with_client(&mut demand, step, auth),
        }
        demand
    }

    pub(super) fn take_exchange(&mut self, step: usize) -> Value {
        let now = self.now();
        let grant = self.grant.as_mut().expect("a grant");
        (grant.access, grant.issued_at, grant.exchanged) = (Self::fresh("longer"), now, step + 1);
        let response = self.facts().tables("/exchange")[step].table("/response").0.clone();
        self.answer_with_tokens(Facts(&response), true, false)
    }

    /// The request of a refresh: what its table does not say is as with a code.
    fn refresh_request(&self) -> Value {
        const ADDED_TO: [&str; 5] = ["params", "query", "headers", "names", "derive"];
        let mut merged = self.data["token"].clone();
        for (name, value) in self.data["refresh"].as_object().into_iter().flatten() {
            match (&mut merged[name.as_str()], value) {
                (Value::Object(base), Value::Object(over)) if ADDED_TO.contains(&name.as_str()) => {
                    base.extend(over.clone());
                }
                (place, value) => *place = value.clone(),
            }
        }
        // What is computed over the code has nothing to be computed over any more.
        if let Some(Value::Object(computed)) = merged.get_mut("derive") {
            computed.retain(|_, how| !how["over"].as_str().unwrap_or_default().contains("{code}"));
        }
        merged
    }

    pub(super) fn refresh_demand(&self) -> Demand {
        let (refresh, grant) = (self.facts().table("/refresh"), self.grant());
        let by_access_token = refresh.text("/grant") == Some("access_token");
        let merged = self.refresh_request();
        let merged = Facts(&merged);
        let mut demand = self.demand(merged, merged.text("/url").unwrap_or_default(), "POST");
        let presented = if by_access_token { Some(&grant.access) } else { grant.refresh.as_ref() };
        let mut standard = vec![("grant_type", Wanted::Is("refresh_token".into()))];
        let is_spelt_out = refresh
            .map("/params")
            .values()
            .any(|value| value.contains("{access_token}") || value.contains("{refresh_token}"));
        if !is_spelt_out {
            standard.push(("refresh_token", Wanted::Is(presented.cloned().unwrap_or_default())));
        }
        if refresh.flag("/send_scope") == Some(true) {
            standard.push(("scope", Wanted::Is(self.joined(&grant.scopes))));
        }
        self.with_parameters(&mut demand, merged, standard);
        let auth = refresh.text("/client_auth").unwrap_or(self.client_auth());
        self.with_client(&mut demand, merged, auth);
        if by_access_token && auth == "none" {
            demand.parameters.insert(self.named(merged, "client_id"), Wanted::Maybe);
        }
        demand
    }

    pub(super) fn take_refresh(&mut self) -> Result<Value, String> {
        let facts = self.facts();
        let (by_access_token, extends) =
            (facts.text("/refresh/grant") == Some("access_token"), facts.flag("/refresh/extends") == Some(true));
        let rotates = !matches!(facts.text("/refresh/rotation"), Some("never")) && !by_access_token;
        let age = self.now().duration_since(self.grant().issued_at);
        let youngest = facts.number("/refresh/min_age_seconds").unwrap_or(0);
        if age < seconds(youngest) {
            return Err(format!("comes when the token is {age} old"));
        }
        if by_access_token && !self.honours(&self.grant().access) {
            return Err("presents an access token that has ended".into());
        }
        let (now, life) = (self.now(), self.life());
        let grant = self.grant.as_mut().expect("a grant");
        grant.refreshed += 1;
        (grant.issued_at, grant.life) = (now, life);
        if !extends {
            grant.access = Self::fresh("at");
        }
        if rotates {
            grant.refresh = Some(Self::fresh("rt"));
        }
        let refresh = facts_response(&self.data);
        Ok(self.answer_with_tokens(Facts(&refresh), false, rotates))
    }

    /// Whether an access token opens anything here.
    pub(super) fn honours(&self, access: &str) -> bool {
        self.grant.as_ref().is_some_and(|grant| {
            !grant.is_over && grant.access == access && grant.end().is_none_or(|end| self.now() < end)
        })
    }

    /// The answer as the provider writes it, where only the first answer tells what it tells once.
    fn answer_with_tokens(&mut self, response: Facts<'_>, is_first: bool, with_refresh: bool) -> Value {
        let is_assumed = response.number("/expiry/assume").is_some();
        let is_last = !is_first && response.text("/expiry/zero_means") == Some("never") && self.grant().refreshed > 1;
        if is_last {
            self.grant.as_mut().expect("a grant").life = None;
        }
        if let Some(assumed) = response.number("/expiry/assume").filter(|_| is_first) {
            self.grant.as_mut().expect("a grant").life = Some(assumed);
        }
        // A swap of tokens says nothing of scopes, unless its data does: what was granted stays granted.
        let is_swap = is_first && self.grant().exchanged > 0;
        let says_how = response.has("/scope_separator") || response.has("/fields/scope");
        let tells_scopes = !self.facts().has("/callback/scope_param") && (!is_swap || says_how);
        let grant = self.grant();
        let told = Told {
            access: &grant.access,
            refresh: grant.refresh.as_deref().filter(|_| with_refresh),
            life: if is_last { Some(0) } else { grant.life.filter(|_| !(is_first && is_assumed)) },
            scopes: Some(grant.scopes.as_slice()).filter(|_| tells_scopes),
            is_first,
        };
        let answer = self.written_out(response, &told);
        for (name, path) in response.map("/keep").into_iter().filter(|_| is_first) {
            let kept = find(&answer, &path).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.kept.insert(name, kept);
        }
        answer
    }

    fn written_out(&self, response: Facts<'_>, told: &Told<'_>) -> Value {
        let mut answer = json!({});
        let mut say = |field: &str, value: Value| {
            let paths = response.paths(&format!("/fields/{field}"), &[field]);
            let path = if told.is_first { paths.first() } else { paths.last() };
            put(&mut answer, path.expect("a path"), value);
        };
        say("access_token", told.access.into());
        if let Some(refresh) = told.refresh {
            say("refresh_token", refresh.into());
        }
        if let Some(scopes) = told.scopes.filter(|scopes| !scopes.is_empty()) {
            say("scope", self.granted_text(scopes).into());
        }
        match (response.text("/expiry/at/path"), told.life) {
            (Some(path), Some(life)) => drop(put(&mut answer, path, self.end(response, life))),
            (None, Some(life)) => say("expires_in", life.into()),
            (_, None) => {}
        }
        if let (Some(path), Some(_)) = (response.text("/expiry/refresh_seconds"), told.refresh) {
            put(&mut answer, path, 31_536_000.into());
        }
        if let Some(path) = response.text("/success/path") {
            put(&mut answer, path, response.at("/success/equals").cloned().unwrap_or_default());
        }
        if told.is_first {
            self.put_details(&mut answer, response);
            self.put_id_token(&mut answer);
        }
        put(&mut answer, "token_type", "bearer".into());
        answer
    }

    /// What the provider tells about the account beside the tokens.
    fn put_details(&self, answer: &mut Value, response: Facts<'_>) {
        for variable in &self.variables {
            if let Source::TokenAnswer(path) = &variable.source {
                put(answer, path, variable.told.clone().into());
            }
        }
        if self.facts().text("/identity/from") == Some("token_answer") {
            self.put_person(answer);
        }
        for (name, path) in response.map("/keep") {
            put(answer, &path, format!("kept-{name}").into());
        }
    }

    fn end(&self, response: Facts<'_>, life: u64) -> Value {
        let end: Timestamp = self.now().checked_add(seconds(life)).unwrap();
        match response.text("/expiry/at/format") {
            Some("epoch_s") => end.as_second().into(),
            Some("epoch_ms") => end.as_millisecond().into(),
            _ => Timestamp::from_second(end.as_second()).unwrap().to_string().into(),
        }
    }
}

/// How an answer to a refresh is written: as an answer to a code, unless the data says more.
fn facts_response(data: &Value) -> Value {
    let facts = Facts(data);
    let own = facts.at("/refresh/response").or_else(|| facts.at("/token/response"));
    own.cloned().unwrap_or(Value::Null)
}
