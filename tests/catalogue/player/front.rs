//! What the browser brings and takes back: the authorization request and its response (RFC 6749, sections 4.1.1 and 4.1.2).

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use super::{
    play::{Code, Play, filled_all, hex},
    request::{Wanted, compared, decoded},
};
use crate::{
    facts::{Facts, filled},
    values::Source,
};

impl Play {
    /// The user looks at the request and says yes to all but one of the scopes. Answers where the browser is sent.
    pub(super) fn approve(
        &mut self,
        request: &str,
        scopes: &[String],
        unticked: Option<&str>,
    ) -> Result<String, String> {
        let state = self
            .meant(request)
            .and_then(|request| self.check_authorization(&request, scopes))
            .map_err(|why| format!("the authorization request {why}"))?;
        let granted: Vec<String> = scopes.iter().filter(|scope| Some(scope.as_str()) != unticked).cloned().collect();
        let code = self.code.as_mut().expect("a code was made for the request");
        code.scopes.clone_from(&granted);
        self.grant = None;
        self.done.push("authorize");
        let mut response = self.response(&state)?;
        if let Some(name) = self.facts().text("/callback/scope_param") {
            let scopes = self.granted_text(&granted);
            response.push((name.to_owned(), scopes));
        }
        self.sign(&mut response);
        let mut back = Url::parse(&self.client.redirect_uri).unwrap();
        back.query_pairs_mut().extend_pairs(response);
        Ok(back.into())
    }

    fn check_authorization(&mut self, request: &str, scopes: &[String]) -> Result<String, String> {
        let facts = self.facts();
        let authorize = facts.table("/authorize");
        let url = Url::parse(request).map_err(|error| error.to_string())?;
        let endpoint = filled(authorize.text("/url").unwrap_or_default(), &self.values());
        let endpoint = Url::parse(&endpoint).map_err(|error| error.to_string())?;
        if (url.origin(), decoded(url.path())) != (endpoint.origin(), decoded(endpoint.path())) {
            return Err(format!("goes to {} instead of {}", url.path(), endpoint.path()));
        }
        if url.fragment() != authorize.text("/fragment").map(|fragment| fragment.trim_start_matches('#')) {
            return Err(format!("has the fragment {:?}", url.fragment()));
        }
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        wanted.extend(endpoint.query_pairs().into_owned().map(|(name, value)| (name, Wanted::Is(value))));
        self.expect_standard(authorize, &mut wanted);
        let mut values = self.values();
        values.insert("scopes".into(), self.joined(scopes));
        for (name, value) in filled_all(authorize.map("/params"), &values) {
            wanted.insert(name, Wanted::Is(value));
        }
        self.expect_scopes(authorize, &url, scopes, &mut wanted)?;
        if facts.has("/oidc") && scopes.iter().any(|scope| scope == "offline_access") {
            // OpenID Connect Core, section 11: without it the scope is ignored.
            wanted.entry("prompt".into()).or_insert(Wanted::Is("consent".into()));
        }
        let came: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let seen = compared("the query", &came, &wanted)?;
        let get = |standard: &str| seen.get(&self.named(authorize, standard)).cloned();
        let state = get("state").ok_or("lacks a state")?;
        if state.len() < usize::try_from(authorize.number("/state_min").unwrap_or(1)).unwrap() {
            return Err(format!("has a state of only {} characters", state.len()));
        }
        let challenge = get("code_challenge");
        let is_lone = challenge.is_some() != get("code_challenge_method").is_some();
        if is_lone && !authorize.texts("/omit").iter().any(|name| name == "code_challenge_method") {
            return Err("has a challenge without a method, or a method without a challenge".into());
        }
        self.code = Some(Code { value: Self::fresh("code"), challenge, scopes: Vec::new() });
        Ok(state)
    }

    fn expect_standard(&self, authorize: Facts<'_>, wanted: &mut BTreeMap<String, Wanted>) {
        let omitted = authorize.texts("/omit");
        let pkce = match authorize.text("/pkce") {
            Some("forbidden") => None,
            Some("required") => Some((Wanted::Any, Wanted::Is("S256".into()))),
            _ => Some((Wanted::Maybe, Wanted::Maybe)),
        };
        let mut ask = |standard: &str, value: Wanted| {
            if !omitted.iter().any(|omitted| omitted == standard) {
                wanted.insert(self.named(authorize, standard), value);
            }
        };
        ask("response_type", Wanted::Is("code".into()));
        ask("client_id", Wanted::Is(self.client.id.clone()));
        ask("redirect_uri", Wanted::Is(self.client.redirect_uri.clone()));
        ask("state", Wanted::Any);
        if let Some((challenge, method)) = pkce {
            ask("code_challenge", challenge);
            ask("code_challenge_method", method);
        }
        if let Some(parameter) = authorize.text("/login_hint") {
            wanted.insert(parameter.to_owned(), Wanted::Is(LOGIN_HINT.into()));
        }
    }

    fn expect_scopes(
        &self,
        authorize: Facts<'_>,
        url: &Url,
        scopes: &[String],
        wanted: &mut BTreeMap<String, Wanted>,
    ) -> Result<(), String> {
        if scopes.is_empty() {
            return Ok(());
        }
        let name = authorize.text("/scope/param").map_or_else(|| self.named(authorize, "scope"), str::to_owned);
        let joined = self.joined(scopes);
        if authorize.text("/scope/encode") == Some("raw") {
            let raw = format!("{name}={joined}");
            if !url.query().unwrap_or_default().split('&').any(|pair| pair == raw) {
                return Err(format!("does not have {raw} as it is"));
            }
            wanted.insert(name, Wanted::Any);
        } else {
            wanted.insert(name, Wanted::Is(joined));
        }
        Ok(())
    }

    /// What the browser brings back, but for a signature.
    fn response(&self, state: &str) -> Result<Vec<(String, String)>, String> {
        let facts = self.facts();
        let code = &self.code.as_ref().expect("a code was made").value;
        let mut mangled = match facts.text("/callback/code_decode") {
            Some("percent") => code.replace('_', "%5F"),
            _ => code.clone(),
        };
        mangled.push_str(facts.text("/callback/code_strip_suffix").unwrap_or_default());
        let code_name = facts.text("/callback/code_param").unwrap_or("code").to_owned();
        let mut response =
            vec![(code_name, mangled), (self.named(facts.table("/authorize"), "state"), state.to_owned())];
        let named = |response: &[(String, String)], name: &str| response.iter().any(|(known, _)| known == name);
        for variable in &self.variables {
            if let Source::Callback(parameter) = &variable.source
                && !named(&response, parameter)
            {
                response.push((parameter.clone(), variable.told.clone()));
            }
        }
        for (name, value) in filled_all(facts.map("/callback/must_equal"), &self.values()) {
            if response.iter().any(|(known, told)| *known == name && *told != value) {
                return Err(format!("can't be answered: /callback/must_equal/{name} is not what the variable is"));
            }
            if !named(&response, &name) {
                response.push((name, value));
            }
        }
        if facts.flag("/oidc/iss_parameter_supported") == Some(true) {
            response.push(("iss".into(), facts.text("/oidc/issuer").unwrap_or_default().to_owned()));
        }
        // What nobody asked for and everybody must bear.
        response.push(("session_hint".into(), "x y&z".into()));
        Ok(response)
    }

    /// Signs the response with the client's secret, where the provider does.
    fn sign(&self, response: &mut Vec<(String, String)>) {
        let facts = self.facts();
        let Some(parameter) = facts.text("/callback/verify/param") else { return };
        let without = facts.texts("/callback/verify/without");
        let mut signed: Vec<_> = response.iter().filter(|(name, _)| !without.contains(name)).collect();
        signed.sort();
        // What parts the pairs is escaped within them, so that no value can pass for two pairs.
        let escaped = |text: &str| text.replace('%', "%25").replace('&', "%26");
        let pair =
            |(name, value): &&(String, String)| format!("{}={}", escaped(name).replace('=', "%3D"), escaped(value));
        let joined: Vec<String> = signed.iter().map(pair).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.client.secret.as_bytes());
        let mac = hmac::sign(&key, joined.join("&").as_bytes());
        let shown = match facts.text("/callback/verify/encoding") {
            Some("base64") => BASE64_STANDARD.encode(mac),
            _ => hex(mac.as_ref()),
        };
        response.push((parameter.to_owned(), shown));
    }

    /// Granted scopes as the provider tells them.
    pub(super) fn granted_text(&self, scopes: &[String]) -> String {
        scopes.join(self.facts().text("/token/response/scope_separator").unwrap_or(" "))
    }
}

/// Whom the app says the user is.
pub(crate) const LOGIN_HINT: &str = "alice@example.com";
