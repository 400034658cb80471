//! Whether a user's token would be taken, for whoever sets up an app's sign-in. Users and strangers never learn why one is
//! refused; an admin of the app's workspace may. Nothing of the token is in the answer, a log or the audit trail.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use connectors::{
    auth::TokenFlaw,
    journeys::manage::ManageApps,
    web::{Callers, JsonBody, Problem, WriterCaller, checked},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Function,
    apps::{parse, problem},
};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/apps/{app}/identity/check", post(check))
}

/// What was found.
#[derive(Serialize)]
struct Checked {
    valid: bool,
    /// What programs go by.
    problem: Option<&'static str>,
    /// What is wrong and what to do about it.
    detail: &'static str,
}

/// Says whether a user's token would be taken, and if not, why. An issuer may be asked for its keys because of it: a reader
/// may not.
async fn check(
    State(journey): State<ManageApps>,
    State(Callers(authenticator)): State<Callers>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<Checked>, Problem> {
    let app = journey.find(admin.workspace(), &parse(&app)?).await.map_err(problem)?;
    let token = checked(&body, |body| {
        let token = body.read("token", token);
        if token.is_none() {
            body.require_given("token");
        }
        token
    })?;
    let outcome = authenticator.examine(token.unwrap_or_default().trim(), &app).await;
    Ok(Json(match outcome {
        Ok(_) => Checked { valid: true, problem: None, detail: "This token is taken: it says who the user is." },
        Err(flaw) => {
            let (problem, detail) = advice(flaw);
            Checked { valid: false, problem: Some(problem), detail }
        }
    }))
}

/// However long it is: that it is too long is something to be told, like all else that is wrong with it.
fn token(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| "must be a text".to_owned())
}

fn advice(flaw: TokenFlaw) -> (&'static str, &'static str) {
    match flaw {
        TokenFlaw::NoIdentity => {
            ("no_identity", "Nobody vouches for this app's users yet: save an issuer and an audience.")
        }
        TokenFlaw::TooLong => ("too_long", "The token is longer than 8 KiB. Leave out claims that are not needed."),
        TokenFlaw::NoToken => (
            "not_a_token",
            "This is no signed JSON web token, or not the whole of one: it has three parts with dots between.",
        ),
        TokenFlaw::Header => (
            "header",
            "The header is not that of a token that says who a user is: `typ` must be `JWT`, `at+jwt` or absent, and `crit` \
             and `b64` absent, and `alg` a known one.",
        ),
        TokenFlaw::UnknownKey => (
            "unknown_key",
            "The issuer has no such key: `kid` names one that is not among its keys, or there are several and it names none. \
             Is the token of this issuer? Keys that were just added are looked for at most every half minute.",
        ),
        TokenFlaw::Algorithm => (
            "algorithm",
            "The token is not signed by RS256, ES256 or EdDSA, or by another algorithm than its key is for.",
        ),
        TokenFlaw::Signature => ("signature", "The signature is not of the issuer's key: the token was changed."),
        TokenFlaw::Issuer => {
            ("issuer", "`iss` is not the app's issuer. The two are compared to the letter, also a `/` at the end.")
        }
        TokenFlaw::Audience => ("audience", "`aud` does not have the app's audience."),
        TokenFlaw::Claim => ("claim", "`exp`, `iss`, `aud` and `sub` must all be there: a number and texts."),
        TokenFlaw::Expired => ("expired", "The token has expired. Sign in again and paste a new one."),
        TokenFlaw::NotYet => ("not_yet", "`nbf` lies in the future: the issuer's clock is ahead."),
    }
}
