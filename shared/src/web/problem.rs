//! Refusals, as problem details (RFC 9457). The `detail` is always a text, and the `code` is what programs go by.

use std::{fmt::Display, time::Duration};

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    domain::{
        fields::FieldError,
        plan::{Limit, PlanRequired},
    },
    oauth::TokenError,
    store::StoreError,
    vault::VaultError,
};

/// The header that repeats the code, for callers that see headers only.
pub(super) const CODE_HEADER: HeaderName = HeaderName::from_static("x-base44-connector-error");

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    upstream: Option<Box<Upstream>>,
    plan: Option<Box<PlanLimit>>,
    retry_after: Option<Duration>,
    challenge: Option<Box<HeaderValue>>,
}

/// What a provider said, made harmless.
#[derive(Debug, Clone, Serialize)]
pub struct Upstream {
    error: Option<String>,
    status: Option<u16>,
}

impl Upstream {
    /// What a token endpoint said instead of giving tokens.
    #[must_use]
    pub fn of(error: &TokenError) -> Self {
        match error {
            TokenError::Rejected { error, status }
            | TokenError::ClientRejected { error, status }
            | TokenError::Refused { error, status } => Self { error: Some(error.to_string()), status: Some(*status) },
            TokenError::Passing { error, status, .. } => {
                Self { error: error.as_ref().map(ToString::to_string), status: *status }
            }
            TokenError::Blocked(_) => Self { error: None, status: None },
        }
    }
}

/// What of a workspace's plan stands in the way.
#[derive(Debug, Clone, Serialize)]
struct PlanLimit {
    name: String,
    limit: &'static str,
    most: u32,
    used: Option<u64>,
}

impl From<&PlanRequired> for PlanLimit {
    fn from(required: &PlanRequired) -> Self {
        let (most, used) = match required.limit {
            Limit::Connectors { most, used } | Limit::Connections { most, used } => (most, Some(used)),
            Limit::CustomProviders | Limit::Shared => (0, None),
        };
        Self { name: required.plan.to_string(), limit: required.limit.as_str(), most, used }
    }
}

impl Problem {
    /// A refusal with a status, a code and a sentence that says what, why, and what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            upstream: None,
            plan: None,
            retry_after: None,
            challenge: None,
        }
    }

    /// The same for every cause, so that nobody can find out which it was.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The request needs a valid API key or user token.")
    }

    /// The same for what is another tenant's and what never was.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here that you have access to.")
    }

    /// There is no connection, or no such connector: which of the two is nobody's business.
    #[must_use]
    pub fn no_connection() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No active connection found for this connector")
    }

    /// The workspace has switched off this type of provider. Whatever is connected is kept.
    #[must_use]
    pub fn blocked_by_policy() -> Self {
        let detail = "The workspace has switched off connections of this type. What is connected is kept, and works again once an admin switches them on.";
        Self::new(StatusCode::FORBIDDEN, "blocked_by_policy", detail)
    }

    /// The connector's connections are on their way to another deployment: nothing is added to them here.
    #[must_use]
    pub fn moving_out() -> Self {
        Self::conflict(
            "The connections of this connector are on their way to another deployment, so none is added here. If they stay \
             after all, an admin says so (`moving_out`).",
        )
    }

    /// The workspace has switched off connectors of this kind and type, so that none is added.
    #[must_use]
    pub fn switched_off() -> Self {
        let detail = "The workspace has switched off connectors of this kind to this type of provider, so none is added. An admin can switch them on under Policies.";
        Self::new(StatusCode::FORBIDDEN, "blocked_by_policy", detail)
    }

    /// The workspace's plan does not have it: which limit of which plan, and how much of it is used, stands beside the words.
    #[must_use]
    pub fn plan_required(required: &PlanRequired) -> Self {
        let problem = Self::new(StatusCode::PAYMENT_REQUIRED, "plan_required", required.to_string());
        Self { plan: Some(Box::new(required.into())), ..problem }
    }

    /// The workspace's plan has no room for a connection more. Users of an app are told nothing else of the plan.
    #[must_use]
    pub fn no_room_for_connection() -> Self {
        let detail = "There is no room for another connection: the workspace has as many as its plan allows. What is connected goes on working.";
        Self::new(StatusCode::PAYMENT_REQUIRED, "plan_required", detail)
    }

    /// A link that is unknown, spent or too old: which of them is nobody's business.
    #[must_use]
    pub fn link_over() -> Self {
        let detail = "The link was used before, or is older than ten minutes. Ask the app for a new one.";
        Self::new(StatusCode::GONE, "session_expired", detail)
    }

    /// A link that another browser opened first.
    #[must_use]
    pub fn link_elsewhere() -> Self {
        let detail = "The link was opened in another browser first. Go on there, or ask the app for a new one.";
        Self::new(StatusCode::GONE, "session_user_mismatch", detail)
    }

    /// Somebody who may look, but not change.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Somebody whom the workspace's issuer vouches for, and whom none of these claims lets in.
    #[must_use]
    pub fn not_a_member(claims: &[String]) -> Self {
        Self::forbidden(format!(
            "Your organisation knows you, but this workspace does not let you in: it goes by `{}`. Ask an admin of the \
             workspace to add you, or the value that you have.",
            claims.join("` and `")
        ))
    }

    /// Fields that were not accepted, each with its place.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "The request has fields that can't be accepted; `errors` names them.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail) }
    }

    /// One field that was not accepted.
    #[must_use]
    pub fn invalid_field(pointer: &str, detail: impl Display) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_string() }])
    }

    /// Something else stands in the way.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Nobody's fault but ours, or passing. The cause goes to the log, the caller reads a constant.
    #[must_use]
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "a request could not be answered");
        let detail = "Something went wrong on our side. Nothing was lost; please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Something that we depend on does not answer for now.
    #[must_use]
    pub fn unavailable(cause: &dyn std::error::Error) -> Self {
        tracing::warn!(error = %cause, "a request could not be answered for now");
        let detail = "The service can't answer for now. Nothing was lost; please try again shortly.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(Duration::from_secs(2))
    }

    /// With what a provider said.
    #[must_use]
    pub fn upstream(self, upstream: Upstream) -> Self {
        Self { upstream: Some(Box::new(upstream)), ..self }
    }

    /// With how long to wait, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        Self { retry_after: Some(delay), ..self }
    }

    /// How long to wait, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let seconds = self.retry_after?.as_millis().div_ceil(1_000).max(1);
        Some(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    /// With how to prove who one is, where that is more than `Bearer` (RFC 9110, section 11.6.1).
    #[must_use]
    pub fn challenge(self, challenge: HeaderValue) -> Self {
        Self { challenge: Some(Box::new(challenge)), ..self }
    }

    /// The fields that were not accepted.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// What of the workspace's plan stands in the way, in fields.
    #[must_use]
    pub fn plan(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self.plan.as_deref()?).ok()
    }

    /// What people read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What programs go by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(&error),
            StoreError::Refused(_) | StoreError::Unreadable(_) => Self::internal(&error),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::KeyService(_) => Self::unavailable(&error),
            VaultError::Store(cause) => cause.into(),
            VaultError::NoKey | VaultError::DoesNotOpen => Self::internal(&error),
        }
    }
}

/// A refusal (RFC 9457).
#[derive(Serialize)]
struct ProblemOnWire<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    /// What, why, and what to do, for people.
    detail: &'a str,
    /// What programs go by.
    code: &'a str,
    /// The id of the request, for whoever asks us about it.
    request_id: &'a str,
    /// Fields that were not accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<RefusedField<'a>>,
    /// What a provider said.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<&'a Upstream>,
    /// What of the workspace's plan stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a PlanLimit>,
}

/// A field that was not accepted.
#[derive(Serialize)]
struct RefusedField<'a> {
    /// A JSON pointer (RFC 6901) into the body; `?name` is one of the query.
    pointer: &'a str,
    detail: &'a str,
}

impl Problem {
    /// The refusal as it is sent, with the id of the request.
    pub(super) fn answer(&self, request_id: &str) -> Response {
        let errors = self.errors.iter().map(|error| RefusedField { pointer: &error.pointer, detail: &error.detail });
        let body = ProblemOnWire {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: errors.collect(),
            upstream: self.upstream.as_deref(),
            plan: self.plan.as_deref(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CODE_HEADER, HeaderValue::from_static(self.code));
        let is_unproven = self.status == StatusCode::UNAUTHORIZED;
        let challenge = self.challenge.as_deref().cloned();
        if let Some(challenge) = challenge.or(is_unproven.then_some(HeaderValue::from_static("Bearer"))) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Leaves the refusal for `layers::dress`, which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
