//! The authorization request: pure.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, basic::BasicClient};
use url::{ParseError, Url, form_urlencoded};

use super::{placeholders::Values, recipe::hex, wire};
use crate::domain::{
    provider::{PkceChallenge, Provider, ScopeEncoding},
    scopes::Scopes,
    secret::{CodeVerifier, Secret, State},
};

/// What one authorization request is made of, beside the provider.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// The client id at the provider.
    pub client_id: &'a str,
    /// The exact redirect URI of the connector; the same text must be sent when the code is exchanged.
    pub redirect_uri: &'a str,
    /// The scopes that the connector wants.
    pub scopes: &'a Scopes,
    /// The `state`.
    pub state: &'a Secret<State>,
    /// The PKCE verifier, of which only the challenge is sent.
    pub verifier: &'a Secret<CodeVerifier>,
    /// Who the user says they are, for providers that take a hint.
    pub login_hint: Option<&'a str>,
}

/// Where the browser is sent (RFC 6749, section 4.1.1; RFC 7636, section 4.3, method S256).
///
/// # Errors
/// [`ParseError`] if the provider's endpoint or the redirect URI is no URL.
pub fn authorization_url(provider: &Provider, request: &AuthorizationRequest<'_>) -> Result<Url, ParseError> {
    let data = &provider.authorize;
    let client = BasicClient::new(ClientId::new(request.client_id.to_owned()))
        .set_auth_uri(AuthUrl::new(data.url.clone())?)
        .set_redirect_uri(RedirectUrl::new(request.redirect_uri.to_owned())?);
    let state = request.state.expose().to_owned();
    let mut authorize = client.authorize_url(|| CsrfToken::new(state));
    if provider.sends_pkce() {
        let verifier = PkceCodeVerifier::new(request.verifier.expose().to_owned());
        authorize = authorize.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    }
    let scopes = provider.scopes_to_request(request.scopes);
    let joined = scopes.join(&data.scope.separator);
    let values = Values { client_id: Some(request.client_id), scopes: Some(&joined), ..Values::default() };
    for (name, value) in wire::filled(&data.params, &values) {
        authorize = authorize.add_extra_param(name, value);
    }
    if asks_for_consent(provider, &scopes) {
        authorize = authorize.add_extra_param("prompt", "consent");
    }
    if let (Some(param), Some(hint)) = (&data.login_hint, request.login_hint) {
        authorize = authorize.add_extra_param(param, hint);
    }
    let mut url = shaped(authorize.url().0, provider, request.verifier);
    if data.scope.send && !scopes.is_empty() && !data.omit.iter().any(|name| name == "scope") {
        add_scopes(&mut url, provider, &scopes);
    }
    if let Some(fragment) = &data.fragment {
        url.set_fragment(Some(fragment));
    }
    Ok(url)
}

/// How long a `state` must be for this provider, in characters.
#[must_use]
pub fn shortest_state(provider: &Provider) -> usize {
    provider.authorize.state_min.and_then(|length| usize::try_from(length).ok()).unwrap_or(0)
}

/// OpenID Connect Core, section 11: `offline_access` is ignored unless consent is asked for.
fn asks_for_consent(provider: &Provider, scopes: &Scopes) -> bool {
    provider.oidc.is_some() && scopes.contains("offline_access") && !provider.authorize.params.contains_key("prompt")
}

/// The provider's name for a parameter.
pub(super) fn name_of<'n>(provider: &'n Provider, standard: &'n str) -> &'n str {
    provider.authorize.names.get(standard).or_else(|| provider.names.get(standard)).map_or(standard, String::as_str)
}

/// The same URL with the parameters that the provider wants, by its names. What is in the query of the endpoint itself
/// stays as it is.
fn shaped(mut url: Url, provider: &Provider, verifier: &Secret<CodeVerifier>) -> Url {
    let own: Vec<String> = Url::parse(&provider.authorize.url)
        .map(|endpoint| endpoint.query_pairs().map(|(name, _)| name.into_owned()).collect())
        .unwrap_or_default();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let is_kept =
        |name: &str| own.iter().any(|known| known == name) || !provider.authorize.omit.iter().any(|o| o == name);
    let hex = (provider.authorize.pkce_challenge == PkceChallenge::S256Hex)
        .then(|| hex(digest(&SHA256, verifier.expose().as_bytes()).as_ref()));
    let shaped = pairs.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| match (name.as_str(), &hex) {
        ("code_challenge", Some(hex)) => (name_of(provider, name), hex),
        _ => (name_of(provider, name), value),
    });
    url.query_pairs_mut().clear().extend_pairs(shaped);
    url
}

/// Adds the scopes: as one parameter, or with the separator as it is.
fn add_scopes(url: &mut Url, provider: &Provider, scopes: &Scopes) {
    let scope = &provider.authorize.scope;
    let param = if scope.param == "scope" { name_of(provider, "scope") } else { &scope.param };
    match scope.encode {
        ScopeEncoding::Form => {
            url.query_pairs_mut().append_pair(param, &scopes.join(&scope.separator));
        }
        ScopeEncoding::Raw => {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let list: Vec<String> = scopes.iter().map(encoded).collect();
            let pair = format!("{}={}", encoded(param), list.join(&scope.separator));
            let query = url.query().filter(|query| !query.is_empty());
            url.set_query(Some(&query.map_or(pair.clone(), |query| format!("{query}&{pair}"))));
        }
    }
}

/// The PKCE verifier made of 256 random bits: 43 characters (RFC 7636, section 4.1).
#[must_use]
pub fn code_verifier(random: [u8; 32]) -> Secret<CodeVerifier> {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::{domain::provider::ProviderType, oauth::catalogue};

    /// RFC 7636, appendix B.
    const VERIFIER_BYTES: [u8; 32] = [
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
        240, 91, 88, 5, 88, 83, 132, 141, 121,
    ];

    fn custom(extra: &Value) -> Provider {
        let mut value = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/authorize?tenant=1"}, "token": {"url": "https://p.example/token"}});
        for (table, fields) in extra.as_object().expect("an object") {
            for (name, field) in fields.as_object().expect("an object") {
                value[table][name] = field.clone();
            }
        }
        Provider::parse_custom(value).expect("a provider")
    }

    fn sent(provider: &Provider, scopes: &str, login_hint: Option<&str>) -> BTreeMap<String, String> {
        let request = AuthorizationRequest {
            client_id: "client 1",
            redirect_uri: "https://c.example/api/external-auth/callback/con_1",
            scopes: &Scopes::parse(scopes.split_whitespace()).expect("scopes"),
            state: &Secret::new("st&te"),
            verifier: &code_verifier(VERIFIER_BYTES),
            login_hint,
        };
        let url = authorization_url(provider, &request).expect("a URL");
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(map.len(), pairs.len(), "a parameter is sent twice: {url}");
        map
    }

    fn of_catalogue(id: &str) -> &'static Provider {
        catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue")
    }

    #[test]
    fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
        assert_eq!(code_verifier(VERIFIER_BYTES).expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let sent = sent(&custom(&json!({})), "a b", None);
        assert_eq!(sent["code_challenge"], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(sent["code_challenge_method"], "S256");
    }

    #[test]
    fn the_request_has_what_the_rfc_asks_for_and_keeps_the_query_of_the_endpoint() {
        let sent = sent(&custom(&json!({})), "a b", Some("alice@example.com"));
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "client 1"),
            ("redirect_uri", "https://c.example/api/external-auth/callback/con_1"),
            ("state", "st&te"),
            ("scope", "a b"),
            ("tenant", "1"),
        ] {
            assert_eq!(sent[name], value, "{name}");
        }
        assert!(!sent.contains_key("login_hint"), "no hint where none is taken");
    }

    #[test]
    fn the_verifier_is_never_in_the_url() {
        for provider in catalogue::all_described().filter(|provider| provider.unavailable.is_none()) {
            let sent = sent(&provider.samples()[0], "a", None);
            assert!(!format!("{sent:?}").contains("dBjftJeZ4CVP"), "{}", provider.id);
            let sends_challenge = sent.keys().any(|name| name.contains("challenge"));
            assert_eq!(sends_challenge, provider.sends_pkce(), "{}", provider.id);
        }
    }

    #[test]
    fn each_provider_is_asked_in_its_own_way() {
        let google = sent(of_catalogue("googlecalendar"), "", Some("alice@example.com"));
        assert_eq!(google["scope"], "https://www.googleapis.com/auth/calendar.readonly openid email");
        assert_eq!((google["access_type"].as_str(), google["prompt"].as_str()), ("offline", "consent"));
        assert!(!google.contains_key("include_granted_scopes"), "a token has the scopes of its own connector");
        assert_eq!(google["login_hint"], "alice@example.com");
        let slack = sent(of_catalogue("slack"), "chat:write users:read", None);
        assert_eq!(slack["user_scope"], "chat:write,users:read");
        assert!(!slack.contains_key("scope"));
        let notion = sent(of_catalogue("notion"), "read", None);
        assert_eq!(notion["owner"], "user");
        assert!(!notion.contains_key("scope"));
        assert!(!sent(of_catalogue("github"), "", None).contains_key("scope"), "an empty scope is left out");
    }

    #[test]
    fn parameters_go_by_the_names_of_the_provider() {
        let sent = sent(&custom(&json!({"authorize": {"names": {"client_id": "client_key"}}})), "a", None);
        assert_eq!(sent["client_key"], "client 1");
        assert!(!sent.contains_key("client_id"));
    }

    #[test]
    fn a_name_may_hold_for_all_requests_or_for_this_one() {
        let data = json!({
            "id": "p", "name": "P", "names": {"client_id": "client_key", "redirect_uri": "redirect_url", "scope": "scopes"},
            "authorize": {"url": "https://p.example/authorize", "names": {"client_id": "app_id"}, "omit": ["response_type"]},
            "token": {"url": "https://p.example/token"},
        });
        let sent = sent(&Provider::parse_custom(data).expect("a provider"), "a b", None);
        for (name, value) in [
            ("app_id", Some("client 1")),
            ("scopes", Some("a b")),
            ("client_key", None),
            ("client_id", None),
            ("response_type", None),
            ("scope", None),
        ] {
            assert_eq!(sent.get(name).map(String::as_str), value, "{name}");
        }
        assert!(sent.contains_key("redirect_url") && sent.contains_key("state"));
    }

    #[test]
    fn a_challenge_may_be_the_digest_in_hexadecimal() {
        let sent = sent(&custom(&json!({"authorize": {"pkce_challenge": "s256_hex"}})), "a", None);
        let digest = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";
        assert_eq!((sent["code_challenge"].as_str(), sent["code_challenge_method"].as_str()), (digest, "S256"));
    }

    #[test]
    fn a_parameter_may_repeat_the_scopes_and_name_the_client() {
        let scope = json!({"separator": ","});
        let params = json!({"optional_scope": "{scopes}", "app": "x-{client_id}"});
        let sent = sent(&custom(&json!({"authorize": {"scope": scope, "params": params}})), "a b", None);
        assert_eq!((sent["optional_scope"].as_str(), sent["app"].as_str()), ("a,b", "x-client 1"));
    }

    fn address(authorize: &Value, scopes: &str) -> String {
        let request = AuthorizationRequest {
            client_id: "c",
            redirect_uri: "https://c.example/cb",
            scopes: &Scopes::parse(scopes.split_whitespace()).expect("scopes"),
            state: &Secret::new("s"),
            verifier: &code_verifier(VERIFIER_BYTES),
            login_hint: None,
        };
        authorization_url(&custom(&json!({"authorize": authorize})), &request).expect("a URL").into()
    }

    #[test]
    fn a_raw_separator_stays_what_it_is() {
        let raw = address(&json!({"scope": {"separator": "+", "encode": "raw"}}), "a:x b&c");
        assert!(raw.ends_with("&scope=a%3Ax+b%26c"), "{raw}");
        let form = address(&json!({"scope": {"separator": "+"}}), "a b");
        assert!(form.ends_with("&scope=a%2Bb"), "{form}");
    }

    #[test]
    fn a_fragment_stands_at_the_end() {
        let address = address(&json!({"fragment": "/oauth/authorize"}), "a");
        assert!(address.ends_with("#/oauth/authorize") && address.contains("state=s"), "{address}");
    }

    #[test]
    fn offline_access_comes_with_consent_at_an_openid_provider() {
        let oidc = custom(&json!({"oidc": {"issuer": "https://p.example"}}));
        assert_eq!(sent(&oidc, "openid offline_access", None)["prompt"], "consent");
        assert!(!sent(&oidc, "openid", None).contains_key("prompt"));
        assert!(!sent(&custom(&json!({})), "offline_access", None).contains_key("prompt"));
    }
}
