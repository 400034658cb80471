//! Who vouches for the workspace's own people.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use connectors::{
    domain::{
        fields::{Table, text},
        ids::Issuer,
        person::{ClaimRule, InvalidRule, WorkspaceIdentity},
        secret::Secret,
    },
    journeys::{
        manage::{IdentityError, KeySource, ManageIdentity, SecretChange, WorkspaceIdentityDraft},
        sign_in::SIGNED_IN_PAGE,
    },
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked, seconds},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, PublicBaseUrl, key_set};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/identity", get(show).put(save).delete(remove))
}

/// Everything but the secret.
#[derive(Serialize)]
struct IdentityOnWire {
    issuer: String,
    client_id: String,
    has_client_secret: bool,
    jwks_uri: Option<String>,
    /// The keys themselves, where they were registered in place of an address.
    jwks: Option<Value>,
    keys_fetched_at: String,
    /// Whether the issuer gives tokens with the scopes of assistants.
    agent_scopes: bool,
    admins: RuleOnWire,
    readers: Option<RuleOnWire>,
    /// What has to be registered at the issuer for the console.
    redirect_uri: String,
    /// Whether people can sign in at the console: the issuer's metadata names where.
    console_sign_in: bool,
    updated_at: String,
}

#[derive(Serialize)]
struct RuleOnWire {
    claim: String,
    values: Vec<String>,
}

impl From<&ClaimRule> for RuleOnWire {
    fn from(rule: &ClaimRule) -> Self {
        Self { claim: rule.claim().to_owned(), values: rule.values().to_vec() }
    }
}

impl IdentityOnWire {
    fn new(identity: &WorkspaceIdentity, base: &PublicBaseUrl) -> Self {
        let issuer = &identity.issuer;
        Self {
            issuer: issuer.issuer.to_string(),
            client_id: issuer.audience.clone(),
            has_client_secret: identity.client_secret.is_some(),
            jwks_uri: Some(issuer.jwks_uri.clone()).filter(|uri| !uri.is_empty()),
            jwks: key_set::registered(issuer),
            keys_fetched_at: seconds(issuer.jwks_fetched_at).to_string(),
            agent_scopes: issuer.agent_scopes,
            admins: (&identity.admins).into(),
            readers: identity.readers.as_ref().map(RuleOnWire::from),
            redirect_uri: format!("{}{SIGNED_IN_PAGE}", base.0),
            console_sign_in: identity.sign_in.is_some(),
            updated_at: seconds(identity.updated_at).to_string(),
        }
    }
}

/// Shows who vouches for the workspace's own people. 404 as long as nobody does.
async fn show(
    State(journey): State<ManageIdentity>,
    State(base): State<PublicBaseUrl>,
    AdminCaller(admin): AdminCaller,
) -> Result<Json<IdentityOnWire>, Problem> {
    let identity = journey.find(admin.workspace()).await.map_err(problem)?;
    Ok(Json(IdentityOnWire::new(&identity, &base)))
}

/// Sets who vouches for the workspace's own people, and which of their claims make an admin or a reader. The issuer's keys
/// are found as for apps. Another issuer or client forgets the secret.
async fn save(
    State(journey): State<ManageIdentity>,
    State(base): State<PublicBaseUrl>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<Json<IdentityOnWire>, Problem> {
    let draft = checked(&body, draft)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let identity = journey.save(admin.workspace(), draft, admin.actor()).await.map_err(problem)?;
    Ok(Json(IdentityOnWire::new(&identity, &base)))
}

/// Removes who vouches for the workspace's own people. Their tokens open nothing within a minute.
async fn remove(
    State(journey): State<ManageIdentity>,
    WriterCaller(admin): WriterCaller,
) -> Result<StatusCode, Problem> {
    journey.remove(admin.workspace(), admin.actor()).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn draft(body: &Table<'_>) -> Option<WorkspaceIdentityDraft> {
    let issuer = body
        .read("issuer", |value| Issuer::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string()));
    let client_id = body.read("client_id", text);
    let client_secret = body.read("client_secret", secret).unwrap_or(SecretChange::Keep);
    let uri = body.read("jwks_uri", text);
    let given = body.read("jwks", key_set::read);
    let agent_scopes = body.flag("agent_scopes");
    let (admins, readers) = (rule(body, "admins"), rule(body, "readers"));
    for (name, is_read) in
        [("issuer", issuer.is_some()), ("client_id", client_id.is_some()), ("admins", admins.is_some())]
    {
        if !is_read {
            body.require_given(name);
        }
    }
    if uri.is_some() && given.is_some() {
        body.refuse("jwks", "must not come together with `jwks_uri`");
    }
    let keys = match (uri, given) {
        (Some(uri), _) => KeySource::Uri(uri),
        (None, Some(keys)) => KeySource::Given(keys),
        (None, None) => KeySource::Discovery,
    };
    Some(WorkspaceIdentityDraft {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        keys,
        agent_scopes,
        admins: admins?,
        readers,
    })
}

/// A text sets it, an empty one removes it.
fn secret(value: &Value) -> Result<SecretChange, String> {
    match value.as_str() {
        Some("") => Ok(SecretChange::Remove),
        _ => text(value).map(|secret| SecretChange::Set(Secret::new(secret))),
    }
}

fn rule(body: &Table<'_>, name: &'static str) -> Option<ClaimRule> {
    let table = body.table(name);
    let claim = table.read("claim", text);
    let values = table.texts("values");
    if table.is_given() {
        for (field, is_read) in [("claim", claim.is_some()), ("values", values.is_some())] {
            if !is_read {
                table.require_given(field);
            }
        }
    }
    let rule = claim.zip(values).and_then(|(claim, values)| match ClaimRule::new(&claim, values) {
        Ok(rule) => Some(rule),
        Err(error) => {
            let field = if error == InvalidRule::Claim { "claim" } else { "values" };
            table.refuse(field, error.to_string());
            None
        }
    });
    table.close();
    rule
}

fn problem(error: IdentityError) -> Problem {
    match error {
        IdentityError::None => Problem::not_found(),
        IdentityError::Changed => Problem::conflict("Somebody else changed it in this moment. Look at it again."),
        IdentityError::Discovery(_) => Problem::invalid_field("/issuer", error),
        IdentityError::Keys(_) => Problem::invalid_field("/jwks_uri", error),
        IdentityError::NoUsableKey => Problem::invalid_field("/jwks", error),
        IdentityError::Store(cause) => cause.into(),
        IdentityError::Vault(cause) => cause.into(),
    }
}
