//! Authorization server metadata (RFC 8414; OpenID Connect Discovery), mapped onto the tables of a provider. The one
//! place where the names of the two meet: for a person who pastes metadata, and for discovery.

use serde_json::{Map, Value, json};

use super::{FieldError, Provider};

/// What a person registers as a provider of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// By its endpoints: complete.
    Endpoints(Box<Provider>),
    /// By its issuer: the rest is to be discovered.
    Issuer {
        /// The issuer identifier.
        issuer: String,
        /// What was said beside it; it goes before what is discovered, save the endpoints.
        body: Value,
    },
}

/// What has been mapped so far, and where each value came from.
struct Mapping {
    body: Map<String, Value>,
    origins: Vec<(String, &'static str)>,
    errors: Vec<FieldError>,
}

/// Metadata that stands for one field of the data.
const FIELDS: [(&str, &str, &str); 6] = [
    ("issuer", "oidc", "issuer"),
    ("authorization_endpoint", "authorize", "url"),
    ("pushed_authorization_request_endpoint", "authorize", "par_url"),
    ("token_endpoint", "token", "url"),
    ("revocation_endpoint", "revoke", "url"),
    ("userinfo_endpoint", "identity", "url"),
];

/// Metadata that is translated.
const TRANSLATED: [&str; 6] = [
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "require_pushed_authorization_requests",
    "dpop_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
];

impl Registration {
    /// Reads a registration: `{id, name, issuer}` or `{id, name, authorize: {url}, token: {url}}`, each with any other
    /// part of a catalogue file, or with the names of RFC 8414 at the top.
    ///
    /// # Errors
    /// Every field that is missing, unknown or wrong, with its JSON pointer.
    pub fn parse(value: Value) -> Result<Self, Vec<FieldError>> {
        let mapping = Mapping::of_person(value)?;
        let issuer = mapping.field("oidc", "issuer").and_then(Value::as_str).map(str::to_owned);
        let names_endpoints = mapping.field("authorize", "url").or(mapping.field("token", "url")).is_some();
        match issuer {
            Some(issuer) if !names_endpoints => {
                let body = Value::Object(mapping.body.clone());
                mapping.with_stand_in_endpoints().provider()?;
                Ok(Self::Issuer { issuer, body })
            }
            _ => mapping.provider().map(|provider| Self::Endpoints(Box::new(provider))),
        }
    }
}

impl Provider {
    /// Reads a provider that a workspace registers by its endpoints.
    ///
    /// # Errors
    /// Every field that is missing, unknown or wrong, with its JSON pointer.
    pub fn parse_custom(value: Value) -> Result<Self, Vec<FieldError>> {
        Mapping::of_person(value)?.provider()
    }

    /// The provider that `body`, a [`Registration::Issuer`], and the metadata of its issuer describe together.
    ///
    /// # Errors
    /// What in the metadata makes it unusable.
    pub fn from_metadata(body: Value, metadata: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut mapping = Mapping::of(body.clone())?;
        mapping.add(metadata);
        let mut provider = mapping.provider()?;
        if let Some(oidc) = &mut provider.oidc {
            oidc.registration = Some(body);
        }
        Ok(provider)
    }
}

impl Mapping {
    fn of(value: Value) -> Result<Self, Vec<FieldError>> {
        match value {
            Value::Object(body) => Ok(Self { body, origins: Vec::new(), errors: Vec::new() }),
            _ => Err(vec![FieldError { pointer: String::new(), detail: "must be an object".into() }]),
        }
    }

    /// Maps what a person sent. Metadata that is of no use here is dropped from a paste, so that a whole metadata
    /// document is accepted; without a metadata endpoint in it, an unknown field is a mistake and stays one.
    fn of_person(value: Value) -> Result<Self, Vec<FieldError>> {
        let mut mapping = Self::of(value)?;
        let is_paste = ["authorization_endpoint", "token_endpoint"].iter().any(|name| mapping.body.contains_key(*name));
        let (metadata, body) = std::mem::take(&mut mapping.body)
            .into_iter()
            .partition(|(name, _)| is_mapped(name) || (is_paste && is_other_metadata(name)));
        mapping.body = body;
        mapping.add(&metadata);
        if mapping.field("oidc", "registration").is_some() {
            let detail = "is not said, but kept of what was".to_owned();
            return Err(vec![FieldError { pointer: "/oidc/registration".to_owned(), detail }]);
        }
        Ok(mapping)
    }

    fn add(&mut self, metadata: &Map<String, Value>) {
        for (name, table, field) in FIELDS {
            if let Some(value) = metadata.get(name) {
                self.put(table, field, value.clone(), name);
            }
        }
        if metadata.contains_key("token_endpoint") {
            self.add_client_auth(metadata.get("token_endpoint_auth_methods_supported"));
            self.check_signing(metadata.get("token_endpoint_auth_signing_alg_values_supported"));
        }
        self.add_protection(metadata);
        if let Some(methods) = metadata.get("code_challenge_methods_supported") {
            let pkce = if lists(methods, "S256") { "supported" } else { "forbidden" };
            self.put("authorize", "pkce", json!(pkce), "code_challenge_methods_supported");
        }
        if metadata.contains_key("issuer") || self.field("oidc", "issuer").is_some() {
            self.add_oidc(metadata);
        }
    }

    fn add_oidc(&mut self, metadata: &Map<String, Value>) {
        if let Some(value) = metadata.get("authorization_response_iss_parameter_supported") {
            let name = "authorization_response_iss_parameter_supported";
            self.put("oidc", "iss_parameter_supported", value.clone(), name);
        }
        if metadata.contains_key("userinfo_endpoint") {
            self.put("identity", "needs_scope", json!("openid"), "userinfo_endpoint");
            self.put("authorize", "login_hint", json!("login_hint"), "issuer");
        }
    }

    /// RFC 8414, section 2: where the methods are left out, it is `client_secret_basic`.
    fn add_client_auth(&mut self, methods: Option<&Value>) {
        // An own key has to be made known to the provider: for whoever asks for it, or where nothing else will do.
        const KNOWN: [(&str, &str); 4] = [
            ("client_secret_basic", "basic"),
            ("client_secret_post", "post"),
            ("none", "none"),
            ("private_key_jwt", "private_key_jwt"),
        ];
        let name = "token_endpoint_auth_methods_supported";
        let known = KNOWN.iter().find(|(method, _)| methods.is_none_or(|methods| lists(methods, method)));
        match known {
            Some((_, auth)) => self.put("token", "client_auth", json!(auth), name),
            None if self.field("token", "client_auth").is_some() => {}
            None => self.errors.push(FieldError {
                pointer: format!("/{name}"),
                detail: "must have client_secret_basic, client_secret_post, none or private_key_jwt".into(),
            }),
        }
    }

    /// A client that signs does so by ES256. Where nothing is said of algorithms (RFC 8414, section 2 asks for it), it is
    /// tried.
    fn check_signing(&mut self, algorithms: Option<&Value>) {
        let signs = self.field("token", "client_auth") == Some(&json!("private_key_jwt"));
        if signs && algorithms.is_some_and(|algorithms| !lists(algorithms, "ES256")) {
            self.errors.push(FieldError {
                pointer: "/token_endpoint_auth_signing_alg_values_supported".into(),
                detail: "must have ES256".into(),
            });
        }
    }

    /// What protects requests and tokens beyond RFC 6749. Whether every token must be bound (RFC 9449) no metadata says:
    /// that is found out with the first code.
    fn add_protection(&mut self, metadata: &Map<String, Value>) {
        let name = "require_pushed_authorization_requests";
        if let Some(value) = metadata.get(name) {
            self.put("authorize", "par_required", value.clone(), name);
        }
        let name = "dpop_signing_alg_values_supported";
        if metadata.get(name).is_some_and(|algorithms| lists(algorithms, "ES256")) {
            self.put("token", "dpop", json!("when_asked"), name);
        }
    }

    /// Puts a value where nothing is yet.
    fn put(&mut self, table: &'static str, field: &'static str, value: Value, origin: &'static str) {
        let fields = self.body.entry(table).or_insert_with(|| json!({}));
        let Some(fields) = fields.as_object_mut().filter(|fields| !fields.contains_key(field)) else { return };
        fields.insert(field.into(), value);
        self.origins.push((format!("/{table}/{field}"), origin));
    }

    fn field(&self, table: &str, field: &str) -> Option<&Value> {
        self.body.get(table)?.get(field)
    }

    /// Lets the rest be checked before anything is fetched.
    fn with_stand_in_endpoints(mut self) -> Self {
        for table in ["authorize", "token"] {
            self.put(table, "url", json!("https://stand-in.invalid/"), "issuer");
        }
        if self.field("authorize", "par_required").is_some() {
            self.put("authorize", "par_url", json!("https://stand-in.invalid/"), "issuer");
        }
        if self.body.contains_key("revoke") {
            self.put("revoke", "url", json!("https://stand-in.invalid/"), "issuer");
        }
        if self.body.contains_key("identity") {
            self.put("identity", "url", json!("https://stand-in.invalid/"), "issuer");
        }
        self
    }

    /// Reads the provider; what is wrong is told by the names that were sent.
    fn provider(self) -> Result<Provider, Vec<FieldError>> {
        let Self { body, origins, mut errors } = self;
        let read = Provider::from_value(&Value::Object(body));
        let named = |mut error: FieldError| {
            if let Some((_, origin)) = origins.iter().find(|(pointer, _)| *pointer == error.pointer) {
                error.pointer = format!("/{origin}");
            }
            error
        };
        match read {
            Ok(provider) if errors.is_empty() => Ok(provider),
            Ok(_) => Err(errors),
            Err(more) => {
                errors.extend(more.into_iter().map(named));
                Err(errors)
            }
        }
    }
}

fn is_mapped(name: &str) -> bool {
    FIELDS.iter().any(|(known, ..)| *known == name) || TRANSLATED.contains(&name)
}

/// Names in the style of the registry of RFC 8414, section 7.1, that nothing here reads.
fn is_other_metadata(name: &str) -> bool {
    const SINGLE: [&str; 3] = ["service_documentation", "signed_metadata", "mtls_endpoint_aliases"];
    SINGLE.contains(&name) || ["_supported", "_endpoint", "_uri", "_required"].iter().any(|end| name.ends_with(end))
}

fn lists(values: &Value, wanted: &str) -> bool {
    values.as_array().is_some_and(|values| values.iter().any(|value| value == wanted))
}

#[cfg(test)]
mod tests;
