//! What the provider's redirect brings (RFC 6749, section 4.1.2), read and checked by its data: pure.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use percent_encoding::percent_decode_str;

use crate::domain::{
    provider::{Provider, SignatureEncoding, Step, Unfilled, Values, Verify},
    scopes::Scopes,
    secret::{AuthorizationCode, ClientSecret, Secret},
};

/// The parameters of a redirect. A code may be among them, so nothing of it is printed.
#[derive(Default)]
pub struct AuthorizationResponse(BTreeMap<String, String>);

/// What a response that keeps all rules has brought.
#[derive(Debug)]
pub struct Arrived {
    /// The code, as it is exchanged.
    pub code: Secret<AuthorizationCode>,
    /// Variables that it brought.
    pub details: Values,
    /// The granted scopes, where it tells them.
    pub scopes: Option<Scopes>,
}

/// Why a response is not what the provider would send. Its code goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// There is no code.
    #[error("there is no code")]
    NoCode,
    /// A variable is missing or not what it may be.
    #[error(transparent)]
    Variable(#[from] Unfilled),
    /// A parameter is another than the session's.
    #[error("the parameter `{0}` is not the session's")]
    NotEqual(String),
    /// The signature is missing or wrong.
    #[error("the response is not signed with the client secret")]
    Signature,
}

impl AuthorizationResponse {
    /// The response with these parameters.
    #[must_use]
    pub fn of(parameters: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(parameters.into_iter().collect())
    }

    /// A parameter that is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Reads a response to a request of a session in which `values` are known.
    ///
    /// # Errors
    /// [`ResponseError`], the first rule that it breaks.
    pub fn read(
        &self,
        provider: &Provider,
        values: &Values,
        client_secret: Option<&Secret<ClientSecret>>,
    ) -> Result<Arrived, ResponseError> {
        let details = provider.captured(|name| self.get(name))?;
        let mut known = details.clone();
        known.extend(values.clone());
        let provider = provider.filled(&known, Step::Callback)?;
        let callback = &provider.callback;
        if let Some((name, _)) = callback.must_equal.iter().find(|(name, value)| self.get(name) != Some(value.as_str()))
        {
            return Err(ResponseError::NotEqual(name.clone()));
        }
        if let Some(verify) = &callback.verify {
            let secret = client_secret.ok_or(ResponseError::Signature)?;
            self.check_signature(verify, secret)?;
        }
        let code = self.get(&callback.code_param).ok_or(ResponseError::NoCode)?;
        let code = callback.code_strip_suffix.as_ref().and_then(|end| code.strip_suffix(end.as_str())).unwrap_or(code);
        let code = match callback.code_decode {
            Some(_) => percent_decode_str(code).decode_utf8().map_err(|_| ResponseError::NoCode)?.into_owned(),
            None => code.to_owned(),
        };
        let scopes = callback.scope_param.as_ref().and_then(|name| self.get(name));
        let separator = &provider.token.response.scope_separator;
        Ok(Arrived { code: Secret::new(code), details, scopes: scopes.map(|raw| Scopes::lenient(raw, separator)) })
    }

    fn check_signature(&self, verify: &Verify, secret: &Secret<ClientSecret>) -> Result<(), ResponseError> {
        let written = self.get(&verify.param).ok_or(ResponseError::Signature)?;
        let signature = match verify.encoding {
            SignatureEncoding::Hex => of_hex(written),
            SignatureEncoding::Base64 => of_base64(written),
        };
        let signature = signature.ok_or(ResponseError::Signature)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        hmac::verify(&key, self.signed(verify).as_bytes(), &signature).map_err(|_| ResponseError::Signature)
    }

    /// What is signed: the other parameters, sorted by name. The characters that part them are encoded in them, so that no
    /// two responses have the same text.
    fn signed(&self, verify: &Verify) -> String {
        let escaped = |text: &str| text.replace('%', "%25").replace('&', "%26");
        let is_signed = |name: &str| name != verify.param && !verify.without.iter().any(|other| other == name);
        let pairs = self.0.iter().filter(|(name, _)| is_signed(name));
        let pairs = pairs.map(|(name, value)| format!("{}={}", escaped(name).replace('=', "%3D"), escaped(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{} parameters]", self.0.len())
    }
}

fn of_hex(written: &str) -> Option<Vec<u8>> {
    if !written.len().is_multiple_of(2) || !written.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..written.len()).step_by(2).map(|at| u8::from_str_radix(written.get(at..at + 2)?, 16).ok()).collect()
}

fn of_base64(written: &str) -> Option<Vec<u8>> {
    let standard = written.trim_end_matches('=').replace('-', "+").replace('_', "/");
    BASE64_STANDARD_NO_PAD.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::digest::hex;

    fn provider(callback: &Value) -> Provider {
        Provider::from_value(&json!({
            "id": "p", "name": "P",
            "vars": {"shop": {"from": "input", "pattern": "[a-z]+"}, "realm": {"from": "callback:realmId", "pattern": "[0-9]+"}},
            "authorize": {"url": "https://{shop}.shops.example/a"},
            "token": {"url": "https://p.example/t", "response": {"scope_separator": ","}},
            "callback": callback,
        }))
        .expect("a provider")
    }

    fn read(callback: &Value, query: &str) -> Result<Arrived, ResponseError> {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        let values = [("shop".to_owned(), "acme".to_owned())].into();
        AuthorizationResponse::of(pairs).read(&provider(callback), &values, Some(&Secret::new("hush")))
    }

    fn signed(message: &str) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"hush"), message.as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn a_code_is_read_where_and_how_the_provider_writes_it() {
        for (callback, query, code) in [
            (json!({}), "code=a%20b", Some("a b")),
            (json!({}), "code=", None),
            (json!({"code_param": "auth_code"}), "auth_code=x&code=y", Some("x")),
            (json!({"code_decode": "percent"}), "code=a%252Fb", Some("a/b")),
            (json!({"code_decode": "percent"}), "code=%25FF", None),
            (json!({"code_strip_suffix": "#_"}), "code=abc%23_", Some("abc")),
            (json!({"code_strip_suffix": "#_"}), "code=abc", Some("abc")),
        ] {
            let arrived = read(&callback, query).ok();
            assert_eq!(arrived.as_ref().map(|arrived| arrived.code.expose()), code, "{query} {callback}");
        }
    }

    #[test]
    fn what_must_equal_and_what_is_captured_is_compared_before_the_code_counts() {
        let callback = json!({"must_equal": {"shop": "{shop}.shops.example"}});
        assert!(read(&callback, "code=c&shop=acme.shops.example").is_ok());
        for query in ["code=c", "code=c&shop=", "code=c&shop=evil.shops.example", "code=c&shop=acme.shops.example.evil"]
        {
            assert_eq!(read(&callback, query).err(), Some(ResponseError::NotEqual("shop".to_owned())), "{query}");
        }
        assert_eq!(read(&json!({}), "code=c&realmId=77").expect("arrived").details["realm"], "77");
        assert!(matches!(read(&json!({}), "code=c&realmId=7%2F.."), Err(ResponseError::Variable(_))));
    }

    #[test]
    fn scopes_of_a_response_are_those_that_were_ticked() {
        let callback = json!({"scope_param": "granted"});
        let scopes = |query| read(&callback, query).expect("arrived").scopes.map(|scopes| scopes.to_string());
        assert_eq!(scopes("code=c&granted=a,b"), Some("a b".to_owned()));
        assert_eq!(scopes("code=c"), None);
    }

    #[test]
    fn only_the_holder_of_the_client_secret_signs_a_response() {
        let hexed =
            json!({"verify": {"kind": "hmac_sha256", "encoding": "hex", "param": "hmac", "without": ["signature"]}});
        let based = json!({"verify": {"kind": "hmac_sha256", "encoding": "base64", "param": "hmac"}});
        let good = signed("code=c&shop=acme.shops.example&state=s");
        let query = |mac: &str| format!("state=s&hmac={mac}&shop=acme.shops.example&code=c");
        assert!(read(&hexed, &query(&hex(&good))).is_ok());
        assert!(read(&hexed, &query(&hex(&good).to_uppercase())).is_ok());
        assert!(read(&hexed, &format!("{}&signature=old", query(&hex(&good)))).is_ok());
        let standard = BASE64_STANDARD_NO_PAD.encode(&good).replace('+', "%2B").replace('/', "%2F");
        assert!(read(&based, &query(&standard)).is_ok());
        for mac in ["", "00", "zz", &hex(&good)[2..], &hex(&signed("code=d&shop=acme.shops.example&state=s"))] {
            assert_eq!(read(&hexed, &query(mac)).err(), Some(ResponseError::Signature), "{mac}");
        }
        let more = format!("{}&extra=1", query(&hex(&good)));
        assert_eq!(read(&hexed, &more).err(), Some(ResponseError::Signature));
        // A value that looks like two pairs is not two pairs.
        let split = format!("hmac={}&code=c%26shop%3Dacme.shops.example&state=s", hex(&good));
        assert_eq!(read(&hexed, &split).err(), Some(ResponseError::Signature));
    }

    #[test]
    fn nothing_of_a_response_is_printed() {
        let response = AuthorizationResponse::of([("code".to_owned(), "canary".to_owned())]);
        assert_eq!(format!("{response:?}"), "[1 parameters]");
    }
}
