//! The form that a provider wants a token request in: what the data of its tables comes to, and how a request of the RFC
//! is given that form.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::header;
use jiff::Timestamp;
use oauth2::HttpRequest;

use super::{
    placeholders::Values,
    wire::{self, Parameters},
};
use crate::{
    domain::{
        gather::Gather,
        provider::{AuthHeader, Body, ClientAuth, Derive, ExchangeStep, Function, Method, Provider},
    },
    random::Random,
};

type Texts = BTreeMap<String, String>;

/// The form of one kind of request.
pub(super) struct Recipe<'a> {
    /// The endpoint, with placeholders.
    pub(super) url: &'a str,
    /// How the client proves who it is; `None` where nothing beside the parameters says so.
    pub(super) client_auth: Option<ClientAuth>,
    auth_header: Option<&'a AuthHeader>,
    method: Method,
    body: Body,
    params: BTreeMap<&'a str, &'a str>,
    query: BTreeMap<&'a str, &'a str>,
    headers: BTreeMap<&'a str, &'a str>,
    names: BTreeMap<&'a str, &'a str>,
    omit: Vec<&'a str>,
    derive: Option<&'a BTreeMap<String, Derive>>,
}

impl<'a> Recipe<'a> {
    /// The form of the request that exchanges a code.
    pub(super) fn of_code(provider: &'a Provider) -> Self {
        let token = &provider.token;
        Self {
            url: &token.url,
            client_auth: Some(token.client_auth),
            auth_header: token.auth_header.as_ref(),
            method: token.method,
            body: token.body,
            params: layered([&token.params]),
            query: layered([&token.query]),
            headers: layered([&token.headers]),
            names: layered([&provider.names, &token.names]),
            omit: texts(&token.omit),
            derive: Some(&token.derive),
        }
    }

    /// The form of a refresh: that of the code's exchange, as far as the data says nothing else.
    pub(super) fn of_refresh(provider: &'a Provider) -> Self {
        let (token, refresh) = (&provider.token, &provider.refresh);
        let mut params = layered([&token.params]);
        // How the code is presented says nothing about how a refresh is.
        params.remove("grant_type");
        params.extend(layered([&refresh.params]));
        Self {
            url: provider.refresh_url(),
            client_auth: Some(refresh.client_auth.unwrap_or(token.client_auth)),
            auth_header: provider.refresh_auth_header(),
            method: refresh.method.unwrap_or(token.method),
            body: refresh.body.unwrap_or(token.body),
            params,
            query: layered([&token.query, &refresh.query]),
            headers: layered([&token.headers, &refresh.headers]),
            names: layered([&provider.names, &token.names, &refresh.names]),
            omit: texts(refresh.omit.as_ref().unwrap_or(&token.omit)),
            derive: Some(&token.derive),
        }
    }

    /// The form of a step that swaps one token for another.
    pub(super) fn of_step(provider: &'a Provider, step: &'a ExchangeStep) -> Self {
        Self {
            url: &step.url,
            client_auth: step.client_auth,
            auth_header: step.auth_header.as_ref(),
            method: step.method,
            body: step.body,
            params: layered([&step.params]),
            query: layered([&step.query]),
            headers: layered([&step.headers]),
            names: layered([&provider.names, &step.names]),
            // The request that is built for a step is one for its form only.
            omit: vec!["grant_type"],
            derive: None,
        }
    }

    /// Whether the data says itself where in the request the access token goes.
    pub(super) fn places_access_token(&self) -> bool {
        let texts = self.params.values().chain(self.query.values()).chain(self.headers.values());
        texts.copied().chain([self.url]).any(|text| text.contains("{access_token}"))
    }

    /// The same without a parameter of the RFC.
    pub(super) fn without(mut self, parameter: &'a str) -> Self {
        self.omit.push(parameter);
        self
    }

    /// Gives a request of the RFC this form. A parameter that needs a value which the request does not have, such as the
    /// secret of a public client, is left out.
    pub(super) fn shape(&self, request: &mut HttpRequest, values: &Values<'_>, now: Timestamp, random: &Random) {
        let mut parameters = wire::parameters(request);
        if matches!(self.client_auth, None | Some(ClientAuth::BasicSecretOnly)) {
            parameters.retain(|(name, _)| name != "client_id");
        }
        match (self.client_auth, self.auth_header) {
            (Some(ClientAuth::BasicSecretOnly), _) => {
                if let Some(proof) = values.client_secret.and_then(wire::basic_of_secret) {
                    request.headers_mut().insert(header::AUTHORIZATION, proof);
                }
            }
            (Some(ClientAuth::Header), Some(wanted)) => {
                wire::put_auth_header(request.headers_mut(), &mut parameters, wanted, values);
            }
            _ => {}
        }
        parameters.retain(|(name, _)| !self.omit.contains(&name.as_str()) && !self.params.contains_key(name.as_str()));
        for (name, _) in &mut parameters {
            if let Some(theirs) = self.names.get(name.as_str()) {
                *name = (*theirs).to_owned();
            }
        }
        parameters.extend(filled(&self.params, values));
        parameters.extend(derived(self.derive, values, now, random));
        *request.method_mut() = wire::method(self.method);
        let body = if self.method == Method::Get { Body::Query } else { self.body };
        wire::put_parameters(request, parameters, body);
        wire::add_query(request, &filled(&self.query, values));
        for (name, value) in filled(&self.headers, values) {
            wire::put_header(request.headers_mut(), &name, &value);
        }
    }
}

/// Several tables in one; a later one goes before an earlier one.
fn layered<const N: usize>(tables: [&Texts; N]) -> BTreeMap<&str, &str> {
    tables.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).gathered()
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The texts with their values; those that lack one are left out.
fn filled(texts: &BTreeMap<&str, &str>, values: &Values<'_>) -> Parameters {
    texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), values.fill(text)?))).collect()
}

/// The parameters that are computed.
fn derived(
    derive: Option<&BTreeMap<String, Derive>>,
    values: &Values<'_>,
    now: Timestamp,
    random: &Random,
) -> Parameters {
    let computed = |(name, derive): (&String, &Derive)| {
        let over = derive.over.as_deref().map_or(Some(String::new()), |over| values.fill(over))?;
        Some((name.clone(), computed(derive.function, &over, values.client_secret, now, random)?))
    };
    derive.into_iter().flatten().filter_map(computed).collect()
}

fn computed(function: Function, over: &str, secret: Option<&str>, now: Timestamp, random: &Random) -> Option<String> {
    let hmac = || {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret?.as_bytes());
        Some(hmac::sign(&key, over.as_bytes()))
    };
    Some(match function {
        Function::Sha256Hex => hex(digest::digest(&digest::SHA256, over.as_bytes()).as_ref()),
        Function::HmacSha256Hex => hex(hmac()?.as_ref()),
        Function::HmacSha256Base64 => BASE64_STANDARD.encode(hmac()?),
        Function::Base64 => BASE64_STANDARD.encode(over),
        Function::NowSeconds => now.as_second().to_string(),
        Function::NowMilliseconds => now.as_millisecond().to_string(),
        Function::Uuid => uuid(random.bytes()),
    })
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// A UUID of version 4 made of random bits (RFC 9562, section 5.4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_what_others_compute() {
        let compute = |function, over: &str| {
            let now = Timestamp::from_millisecond(1_700_000_000_123).expect("a time");
            computed(function, over, Some("key"), now, &Random::default()).expect("a value")
        };
        let text = "The quick brown fox jumps over the lazy dog";
        let digest = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592";
        assert_eq!(compute(Function::Sha256Hex, text), digest);
        let mac = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(compute(Function::HmacSha256Hex, text), mac);
        assert_eq!(compute(Function::HmacSha256Base64, text), "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=");
        assert_eq!(compute(Function::Base64, "a:b"), "YTpi");
        assert_eq!(compute(Function::NowSeconds, ""), "1700000000");
        assert_eq!(compute(Function::NowMilliseconds, ""), "1700000000123");
        assert_eq!(uuid([0xFF; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_ne!(compute(Function::Uuid, ""), compute(Function::Uuid, ""));
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        let signed = computed(Function::HmacSha256Hex, "x", None, Timestamp::UNIX_EPOCH, &Random::default());
        assert_eq!(signed, None);
    }
}
