//! Extractors that prove who is calling. A handler that takes one of them cannot run without the proof.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{StatusCode, request::Parts},
};

use super::{
    presented::{self, Presented},
    problem::Problem,
};
use crate::{
    auth::{Admin, AppUser, Authenticator, Service, Unauthenticated},
    domain::{
        app::App,
        ids::{AppId, WorkspaceId},
    },
};

/// What the extractors need of a router's state.
#[derive(Debug, Clone)]
pub struct Callers(pub Arc<Authenticator>);

/// Somebody who may look at the connectors and providers of the workspace `{ws}` of the path.
#[derive(Debug)]
pub struct BuilderCaller(pub Admin);

/// Somebody who may propose changes to the workspace `{ws}` of the path.
#[derive(Debug)]
pub struct ProposerCaller(pub Admin);

/// Somebody who may look at all of the workspace `{ws}` of the path.
#[derive(Debug)]
pub struct AdminCaller(pub Admin);

/// Somebody who may change the workspace `{ws}` of the path.
#[derive(Debug)]
pub struct WriterCaller(pub Admin);

/// The backend of the app `{app}` of the path.
#[derive(Debug)]
pub struct ServiceCaller(pub Service);

/// The app `{app}` of the path, for its backend or an admin of its workspace.
#[derive(Debug)]
pub struct OwnerCaller(pub Arc<App>);

/// The backend of the app `{app}` of the path, in the name of one of its users.
#[derive(Debug)]
pub struct DelegateCaller(pub Service, pub AppUser);

/// The backend of the app `{app}` of the path, in the name of one of its users or in its own.
#[derive(Debug)]
pub struct BackendCaller(pub Service, pub Option<AppUser>);

/// A user of the app `{app}` of the path: by their own token, or by the app's backend in their name.
#[derive(Debug)]
pub struct UserCaller(pub AppUser);

impl<S> FromRequestParts<S> for BuilderCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Callers(authenticator) = Callers::from_ref(state);
        let Presented { bearer, .. } = Presented::by(parts);
        let workspace = presented::workspace(parts);
        let nowhere = || WorkspaceId::parse("-").map_err(|_| Problem::not_found());
        match workspace {
            Some(workspace) => authenticator.admin(bearer, &workspace).await.map(Self).map_err(refused),
            // The proof comes first, also for an id that cannot be one.
            None => match authenticator.admin(bearer, &nowhere()?).await {
                Ok(_) | Err(Unauthenticated::Elsewhere) => Err(Problem::not_found()),
                Err(error) => Err(refused(error)),
            },
        }
    }
}

impl<S> FromRequestParts<S> for ProposerCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let BuilderCaller(admin) = BuilderCaller::from_request_parts(parts, state).await?;
        if admin.may_propose() {
            Ok(Self(admin))
        } else {
            Err(Problem::forbidden("This key may look, but not propose anything."))
        }
    }
}

impl<S> FromRequestParts<S> for AdminCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let BuilderCaller(admin) = BuilderCaller::from_request_parts(parts, state).await?;
        if admin.may_look() {
            Ok(Self(admin))
        } else {
            Err(Problem::forbidden("This key may look at connectors and providers, and propose: nothing else."))
        }
    }
}

impl<S> FromRequestParts<S> for WriterCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AdminCaller(admin) = AdminCaller::from_request_parts(parts, state).await?;
        if admin.may_write() {
            Ok(Self(admin))
        } else {
            Err(Problem::forbidden(
                "You may look here, but not change anything: this needs an admin's key, or an admin.",
            ))
        }
    }
}

impl<S> FromRequestParts<S> for ServiceCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Callers(authenticator) = Callers::from_ref(state);
        let (app, Presented { bearer, .. }) = (app(parts)?, Presented::by(parts));
        authenticator.service(bearer, &app).await.map(Self).map_err(refused)
    }
}

impl<S> FromRequestParts<S> for OwnerCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Callers(authenticator) = Callers::from_ref(state);
        let (app, Presented { bearer, .. }) = (app(parts)?, Presented::by(parts));
        authenticator.owner(bearer, &app).await.map(Self).map_err(refused)
    }
}

impl<S> FromRequestParts<S> for DelegateCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Callers(authenticator) = Callers::from_ref(state);
        let (app, Presented { bearer, on_behalf_of }) = (app(parts)?, Presented::by(parts));
        let (service, user) = authenticator.delegate(bearer, on_behalf_of, &app).await.map_err(refused)?;
        Ok(Self(service, user))
    }
}

impl<S> FromRequestParts<S> for BackendCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    /// A user who is named must be proven: nobody is dropped because their token is no good.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if presented::names_somebody(parts) {
            let DelegateCaller(service, user) = DelegateCaller::from_request_parts(parts, state).await?;
            return Ok(Self(service, Some(user)));
        }
        let ServiceCaller(service) = ServiceCaller::from_request_parts(parts, state).await?;
        Ok(Self(service, None))
    }
}

impl<S> FromRequestParts<S> for UserCaller
where
    Callers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Callers(authenticator) = Callers::from_ref(state);
        let (app, Presented { bearer, on_behalf_of }) = (app(parts)?, Presented::by(parts));
        authenticator.user_or_delegate(bearer, on_behalf_of, &app).await.map(Self).map_err(refused)
    }
}

/// The app of the path. One that cannot exist is answered like one that does not.
fn app(parts: &Parts) -> Result<AppId, Problem> {
    presented::app(parts).ok_or_else(Problem::unauthorized)
}

pub(super) fn refused(error: Unauthenticated) -> Problem {
    match error {
        Unauthenticated::NoProof => Problem::unauthorized(),
        Unauthenticated::Elsewhere => Problem::not_found(),
        Unauthenticated::ServiceOnly => {
            let detail = "This route is for the app's backend: call it with the app's service key.";
            Problem::new(StatusCode::FORBIDDEN, "service_only", detail)
        }
        Unauthenticated::NotAMember(claims) => Problem::not_a_member(&claims),
        Unauthenticated::Store(cause) => cause.into(),
    }
}
