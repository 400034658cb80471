//! The keys that seal a workspace's secrets: listed, replaced by a new one, wrapped by another KMS key.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use connectors::{
    domain::encryption_key::{KeyGeneration, KmsKeyArn},
    journeys::rotate_key::{DEPLOYMENT_KEY, RotateError, RotateKey, Wrapping},
    vault::VaultError,
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked, seconds},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor};

/// The field that names a workspace's own KMS key, in requests and in the event that founds a workspace.
pub(crate) const KMS_KEY: &str = "kms_key_arn";

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/encryption-keys", get(list).post(rotate).put(wrap))
}

#[derive(Serialize)]
struct KeyOnWire {
    generation: u32,
    state: &'static str,
    created_at: Option<String>,
    /// An ARN, or `deployment`.
    kms_key: String,
    /// How many values were sealed anew under it so far.
    resealed: u64,
    /// How many values did not open when the last pass came upon them.
    unopened: u64,
    /// When nothing older was found any more.
    resealed_at: Option<String>,
}

impl KeyOnWire {
    fn new(key: &KeyGeneration, all: &[KeyGeneration]) -> Self {
        Self {
            generation: key.number,
            state: key.state(all).as_str(),
            created_at: key.created_at.map(|at| seconds(at).to_string()),
            kms_key: key.kms_key.as_ref().map_or(DEPLOYMENT_KEY, KmsKeyArn::as_str).to_owned(),
            resealed: key.progress.resealed,
            unopened: key.progress.unopened,
            resealed_at: key.progress.done_at.map(|at| seconds(at).to_string()),
        }
    }
}

/// The newest first.
#[derive(Serialize)]
struct Listing {
    encryption_keys: Vec<KeyOnWire>,
}

/// Lists the keys that seal what the workspace has, the newest first. Never a key.
async fn list(State(journey): State<RotateKey>, AdminCaller(admin): AdminCaller) -> Result<Json<Listing>, Problem> {
    let keys = journey.list(admin.workspace()).await?;
    Ok(Json(Listing { encryption_keys: keys.iter().rev().map(|key| KeyOnWire::new(key, &keys)).collect() }))
}

#[derive(Serialize)]
struct Generation {
    /// The key that seals from now on.
    generation: u32,
    state: &'static str,
}

/// Makes a new key to seal by. Everything that the earlier ones sealed is sealed anew in the background.
async fn rotate(
    State(journey): State<RotateKey>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Generation>), Problem> {
    checked(&body, |_| ())?;
    let generation = journey.rotate(admin.workspace(), actor(&admin)).await.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, Json(Generation { generation, state: RESEALING })))
}

/// Has the workspace's keys wrapped by a KMS key of its own, or by the deployment's (`null`). 422 if the key service refuses
/// it, 200 if it is so already.
async fn wrap(
    State(journey): State<RotateKey>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Generation>), Problem> {
    let kms_key = checked(&body, |body| body.require(KMS_KEY, body.read(KMS_KEY, kms_key)))?;
    let wrapping = journey.wrap_by(admin.workspace(), kms_key.as_ref(), actor(&admin)).await.map_err(problem)?;
    Ok(match wrapping {
        Wrapping::New(generation) => (StatusCode::ACCEPTED, Json(Generation { generation, state: RESEALING })),
        Wrapping::Unchanged(generation) => (StatusCode::OK, Json(Generation { generation, state: UNCHANGED })),
    })
}

/// There is a new key, and what the earlier ones sealed is being sealed anew.
const RESEALING: &str = "resealing";

/// The KMS key that was named wraps the workspace's key already.
const UNCHANGED: &str = "unchanged";

/// A workspace's own KMS key; `null` is the deployment's.
pub(crate) fn kms_key(value: &Value) -> Result<Option<KmsKeyArn>, String> {
    match value {
        Value::Null => Ok(None),
        value => {
            let raw = value.as_str().ok_or("must be the ARN of a KMS key, or null for the deployment's own")?;
            KmsKeyArn::parse(raw).map(Some).map_err(|error| error.to_string())
        }
    }
}

/// What to do when the key service refuses a workspace's own key. The service's word for it is no secret.
pub(crate) fn refusal(code: &str) -> String {
    format!(
        "is refused by the key service ({code}): the key must be enabled and symmetric, stand in this deployment's region, be \
         one of the deployment's `WorkspaceKeyArns`, and its key policy must allow this deployment's account \
         `kms:GenerateDataKey` and `kms:Decrypt`"
    )
}

fn problem(error: RotateError) -> Problem {
    match error {
        RotateError::Refused(code) => Problem::invalid_field(&format!("/{KMS_KEY}"), refusal(&code)),
        RotateError::Taken => {
            Problem::conflict("Somebody else made a new key at the same time: theirs is the one that seals.")
        }
        RotateError::Store(cause) => cause.into(),
        // A workspace without a key is one that was deleted a moment ago.
        RotateError::Vault(VaultError::NoKey) => Problem::not_found(),
        RotateError::Vault(cause) => cause.into(),
        RotateError::Queue(cause) => Problem::unavailable(&cause),
    }
}
