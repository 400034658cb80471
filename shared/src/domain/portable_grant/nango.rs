//! A connection as Nango's API answers it (`GET /connections/{id}?refresh_token=true`), read as a portable grant.
//!
//! Its shape grows with every version, so what is not known here is passed over. Nango does not say which client a grant
//! is of, nor whose user somebody is: that is for whoever imports it to say.

use serde_json::Value;

use super::{
    PortableGrant, PortableOwner,
    format::{BEARER, moment, token},
};
use crate::domain::{
    connection::kept,
    fields::FieldError,
    ids::{AppId, Issuer, Subject},
    provider::{Provider, Values},
    scopes::Scopes,
    secret::Secret,
};

/// What has to be known beside Nango's answers.
#[derive(Debug)]
pub struct Mapping {
    /// The app whose users they are; none where they become the workspace's own connection.
    pub app: Option<AppId>,
    /// Who vouches for the users; the app's own issuer, if nobody is named.
    pub issuer: Option<Issuer>,
    /// What names a user there.
    pub user: NangoUser,
    /// The client id of the integration there.
    pub client_id: String,
    /// Which integration's connections are meant; all, if none is named.
    pub provider_config_key: Option<String>,
}

/// What names a connection's user, in a Nango of this or that version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NangoUser {
    /// The connection's own id, where the app chose it.
    ConnectionId,
    /// `end_user.id`, as it was called until tags came.
    EndUser,
    /// The tag `end_user_id`.
    Tag,
}

impl NangoUser {
    /// Where it stands in an answer.
    fn pointer(self) -> &'static str {
        match self {
            Self::ConnectionId => "/connection_id",
            Self::EndUser => "/end_user/id",
            Self::Tag => "/tags/end_user_id",
        }
    }
}

impl PortableGrant {
    /// Reads one of Nango's connections to this provider.
    ///
    /// # Errors
    /// What is missing or wrong, at its place; nothing of a value is repeated.
    pub fn of_nango(value: &Value, mapping: &Mapping, provider: &Provider) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |pointer: &str, detail: String| errors.push(FieldError { pointer: pointer.to_owned(), detail });
        if mapping.provider_config_key.as_deref().is_some_and(|key| value["provider_config_key"] != key) {
            wrong("/provider_config_key", "is another integration's than the mapping names".to_owned());
        }
        if value["credentials"]["type"] != "OAUTH2" {
            let detail = "must be OAUTH2: what else Nango keeps is no grant that a user gave to a client";
            wrong("/credentials/type", detail.to_owned());
        }
        let mut optional = |pointer: &str, read: fn(&Value) -> Result<String, String>| {
            let given = value.pointer(pointer).filter(|value| !value.is_null() && *value != "");
            given.and_then(|value| read(value).map_err(|detail| wrong(pointer, detail)).ok())
        };
        let access = optional("/credentials/access_token", token);
        let refresh = optional("/credentials/refresh_token", token);
        let of_its_own = optional("/credentials/config_override/client_id", token)
            .or(optional("/connection_config/oauth_client_id_override", token));
        let expires_at = optional("/credentials/expires_at", |value| moment(value).map(|at| at.to_string()));
        let owner = owner(value, mapping).map_err(|error| errors.push(error)).ok();
        let Some(owner) = owner.filter(|_| errors.is_empty()) else { return Err(errors) };
        Ok(Self {
            owner,
            client_id: of_its_own.unwrap_or_else(|| mapping.client_id.clone()),
            access: access.map(Secret::new),
            refresh: refresh.map(Secret::new),
            token_type: BEARER.to_owned(),
            issued_at: None,
            expires_at: expires_at.and_then(|at| at.parse().ok()),
            refresh_expires_at: None,
            scopes: scopes(value, provider),
            account: None,
            label: None,
            details: details(value, provider),
            // What is not a moment there tells nothing, and is needed for nothing.
            connected_at: value.get("created_at").and_then(|at| moment(at).ok()),
            last_used_on: None,
        })
    }
}

fn owner(value: &Value, mapping: &Mapping) -> Result<PortableOwner, FieldError> {
    let Some(app) = mapping.app.clone() else { return Ok(PortableOwner::Workspace) };
    let pointer = mapping.user.pointer();
    let subject = value.pointer(pointer).and_then(Value::as_str).and_then(|raw| Subject::parse(raw).ok());
    let subject = subject.ok_or_else(|| FieldError {
        pointer: pointer.to_owned(),
        detail: "must name the user: 1 to 255 characters without control characters".to_owned(),
    })?;
    Ok(PortableOwner::User { app, issuer: mapping.issuer.clone(), subject })
}

/// What the provider's token answer said, as far as Nango has kept it.
fn scopes(value: &Value, provider: &Provider) -> Option<Scopes> {
    let raw = match &value["credentials"]["raw"]["scope"] {
        Value::String(raw) => raw.clone(),
        Value::Array(scopes) => scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let scopes = Scopes::lenient(&raw, &provider.token.response.scope_separator);
    Some(scopes).filter(|scopes| !scopes.is_empty())
}

/// Of its details those that this provider has a place for.
fn details(value: &Value, provider: &Provider) -> Values {
    let details = value["connection_config"].as_object().into_iter().flatten();
    let known = details.filter(|(name, _)| provider.vars.contains_key(*name));
    kept(known.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
}
