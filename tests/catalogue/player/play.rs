//! One provider that is being played: its data, its client, and what a user granted.

use std::fmt::Write;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use connectors::{clock::Clock, random::Random};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    Client,
    request::{Demand, Wanted, Written},
};
use crate::{
    facts::{Facts, Values, filled},
    values::Variable,
};

/// The life of an access token where nothing asks for another, in seconds.
const LIFE: u64 = 3_600;

/// A provider with one client and the grants of one user, one after another.
pub(crate) struct Play {
    pub(super) data: Value,
    pub(super) variables: Vec<Variable>,
    pub(super) client: Client,
    /// Whether tokens come in a form.
    pub(super) as_form: bool,
    pub(super) clock: Clock,
    /// A request that was pushed, by the reference to it.
    pub(super) pushed: Option<(String, String)>,
    pub(super) code: Option<Code>,
    pub(super) grant: Option<Grant>,
    /// What the answers with tokens told that is to be kept.
    pub(super) kept: Values,
    /// What came and was as it must be, by the kind of request.
    pub(super) done: Vec<&'static str>,
    /// What came and was not.
    pub(super) refused: Vec<String>,
}

/// A code on its way.
pub(super) struct Code {
    pub(super) value: String,
    pub(super) challenge: Option<String>,
    pub(super) scopes: Vec<String>,
}

/// What a user granted.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) scopes: Vec<String>,
    pub(super) access: String,
    pub(super) issued_at: Timestamp,
    /// How long the access token works, in seconds, whether the answer told or not.
    pub(super) life: Option<u64>,
    pub(super) refresh: Option<String>,
    /// Steps of the exchange that are done.
    pub(super) exchanged: usize,
    pub(super) discovered: usize,
    pub(super) refreshed: usize,
    /// Tokens that are still to be revoked before the grant is over.
    pub(super) revoked: usize,
    pub(super) is_over: bool,
}

impl Grant {
    /// When the access token ends, if it does.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.issued_at.checked_add(seconds(self.life?)).ok()
    }
}

impl Play {
    pub(super) fn new(data: Value, as_form: bool, clock: Clock) -> Self {
        Self {
            data,
            variables: Vec::new(),
            client: Client::default(),
            as_form,
            clock,
            pushed: None,
            code: None,
            grant: None,
            kept: Values::new(),
            done: Vec::new(),
            refused: Vec::new(),
        }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts(&self.data)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn grant(&self) -> &Grant {
        self.grant.as_ref().expect("a grant")
    }

    /// Everything that a placeholder may stand for now.
    pub(super) fn values(&self) -> Values {
        let mut values: Values = crate::values::by_name(&self.variables);
        values.insert("client_id".into(), self.client.id.clone());
        values.insert("client_secret".into(), self.client.secret.clone());
        values.insert("redirect_uri".into(), self.client.redirect_uri.clone());
        if let Some(code) = &self.code {
            values.insert("code".into(), code.value.clone());
            values.insert("scopes".into(), self.joined(&code.scopes));
        }
        if let Some(grant) = &self.grant {
            values.insert("access_token".into(), grant.access.clone());
            values.insert("scopes".into(), self.joined(&grant.scopes));
            if let Some(refresh) = &grant.refresh {
                values.insert("refresh_token".into(), refresh.clone());
            }
        }
        values
    }

    /// Scopes as they are asked for.
    pub(super) fn joined(&self, scopes: &[String]) -> String {
        scopes.join(self.facts().text("/authorize/scope/separator").unwrap_or(" "))
    }

    /// How this provider calls a standard parameter in the requests of a table.
    pub(super) fn named(&self, table: Facts<'_>, standard: &str) -> String {
        let own = table.text(&format!("/names/{standard}"));
        own.or_else(|| self.facts().text(&format!("/names/{standard}"))).unwrap_or(standard).to_owned()
    }

    /// How long its access tokens work, in seconds; `None` for ever.
    pub(super) fn life(&self) -> Option<u64> {
        let facts = self.facts();
        let youngest = facts.number("/refresh/min_age_seconds").map(|age| age * 3);
        facts.number("/refresh/ttl_seconds").or(youngest).or(Some(LIFE))
    }

    /// A request that a table describes, with everything that stays the same each time.
    pub(super) fn demand(&self, table: Facts<'_>, url: &str, method: &str) -> Demand {
        let values = self.values();
        let mut demand = Demand::new(table.text("/method").unwrap_or(method), &filled(url, &values));
        demand.query = filled_all(table.map("/query"), &values);
        demand.headers = filled_all(table.map("/headers"), &values);
        demand.written = match table.text("/body") {
            Some("json") => Written::Json,
            Some("query") => Written::Query,
            _ => Written::Form,
        };
        demand
    }

    /// Puts standard parameters, the table's constant ones and its computed ones into a demand.
    pub(super) fn with_parameters(&self, demand: &mut Demand, table: Facts<'_>, standard: Vec<(&str, Wanted)>) {
        let omitted = table.texts("/omit");
        for (name, wanted) in standard {
            if !omitted.iter().any(|omitted| omitted == name) {
                demand.parameters.insert(self.named(table, name), wanted);
            }
        }
        let values = self.values();
        for (name, value) in filled_all(table.map("/params"), &values) {
            demand.parameters.insert(name, Wanted::Is(value));
        }
        let computed = table.at("/derive").and_then(Value::as_object).into_iter().flatten();
        for (name, how) in computed {
            demand.parameters.insert(name.clone(), self.computed(Facts(how), &values));
        }
    }

    fn computed(&self, how: Facts<'_>, values: &Values) -> Wanted {
        let over = filled(how.text("/over").unwrap_or_default(), values);
        let mac = || {
            let key = hmac::Key::new(hmac::HMAC_SHA256, self.client.secret.as_bytes());
            hmac::sign(&key, over.as_bytes()).as_ref().to_vec()
        };
        match how.text("/fn").unwrap_or_default() {
            "sha256_hex" => Wanted::Is(hex(digest(&SHA256, over.as_bytes()).as_ref())),
            "hmac_sha256_hex" => Wanted::Is(hex(&mac())),
            "hmac_sha256_base64" => Wanted::Is(BASE64_STANDARD.encode(mac())),
            "base64" => Wanted::Is(BASE64_STANDARD.encode(over)),
            "now_s" => Wanted::Is(self.now().as_second().to_string()),
            "now_ms" => Wanted::Is(self.now().as_millisecond().to_string()),
            _ => Wanted::Any,
        }
    }

    /// Has the client prove itself in this way.
    pub(super) fn with_client(&self, demand: &mut Demand, table: Facts<'_>, auth: &str) {
        let omitted = table.texts("/omit");
        let mut ask = |standard: &str, wanted: Wanted| {
            let name = self.named(table, standard);
            if !omitted.iter().any(|omitted| omitted == standard) {
                demand.parameters.entry(name).or_insert(wanted);
            }
        };
        match auth {
            "basic" => {
                let pair = format!("{}:{}", encoded(&self.client.id), encoded(&self.client.secret));
                demand.authorization = Some(format!("Basic {}", BASE64_STANDARD.encode(pair)));
            }
            "basic_secret_only" => {
                let pair = format!("{}:", encoded(&self.client.secret));
                demand.authorization = Some(format!("Basic {}", BASE64_STANDARD.encode(pair)));
                ask("client_id", Wanted::Maybe);
            }
            "none" => ask("client_id", Wanted::Is(self.client.id.clone())),
            "header" => {
                let header = table.text("/auth_header").or(self.facts().text("/token/auth_header")).unwrap_or_default();
                demand.authorization = Some(filled(header, &self.values()));
                if !header.contains("{client_id}") {
                    ask("client_id", Wanted::Is(self.client.id.clone()));
                }
            }
            _ => {
                ask("client_id", Wanted::Is(self.client.id.clone()));
                ask("client_secret", Wanted::Is(self.client.secret.clone()));
            }
        }
    }

    /// Has the access token shown as the API takes it.
    pub(super) fn with_bearer(&self, demand: &mut Demand, token: &str) {
        let place = self.facts().table("/api/token_in");
        if let Some(parameter) = place.text("/query") {
            demand.query.insert(parameter.to_owned(), token.to_owned());
            return;
        }
        let scheme = place.text("/scheme").unwrap_or("Bearer");
        let shown = if scheme.is_empty() { token.to_owned() } else { format!("{scheme} {token}") };
        match place.text("/header").filter(|name| !name.eq_ignore_ascii_case("authorization")) {
            Some(header) => drop(demand.headers.insert(header.to_owned(), shown)),
            None => demand.authorization = Some(shown),
        }
    }

    /// How the client proves itself where tokens are asked for.
    pub(super) fn client_auth(&self) -> &str {
        self.facts().text("/token/client_auth").unwrap_or("post")
    }

    /// A new token, code or id of this kind.
    pub(super) fn fresh(kind: &str) -> String {
        format!("{kind}_{}", Random::default().token())
    }
}

pub(super) fn filled_all(texts: Values, values: &Values) -> Values {
    texts.into_iter().map(|(name, text)| (name, filled(&text, values))).collect()
}

/// The PKCE challenge of a verifier, as the provider wants it.
pub(super) fn challenge(verifier: &str, kind: Option<&str>) -> String {
    let digest = digest(&SHA256, verifier.as_bytes());
    if kind == Some("s256_hex") { hex(digest.as_ref()) } else { BASE64_URL_SAFE_NO_PAD.encode(digest) }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn seconds(count: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(count).unwrap())
}
