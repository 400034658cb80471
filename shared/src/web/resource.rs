//! Addresses that clients ask tokens of their own for (RFC 8707), and what tells them where (RFC 9728): a token that is for
//! anything else proves nothing here.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderValue, StatusCode, request::Parts},
};

use super::{
    callers::{Callers, refused},
    presented::{self, Presented},
    problem::Problem,
};
use crate::{
    auth::{Admin, AppUser, Unauthenticated},
    domain::{
        agent_scope::{AgentScope, GrantedScopes},
        ids::{AppId, WorkspaceId},
    },
};

/// The deployment's resources.
#[derive(Debug, Clone)]
pub struct Resources(Arc<str>);

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    url: String,
    metadata_url: String,
}

/// What an assistant's token is good for, at the resource that it is for.
#[derive(Debug, Clone)]
pub struct Access {
    resource: Resource,
    granted: GrantedScopes,
}

/// Somebody of the workspace `{ws}` of the path, by a token of its issuer for this address.
#[derive(Debug)]
pub struct AssistantCaller(pub Admin, pub Access);

/// A user of the app `{app}` of the path, by a token of its issuer for this address.
#[derive(Debug)]
pub struct AgentCaller(pub AppUser, pub Access);

impl Resources {
    /// The resources below the address at which people and providers reach this deployment.
    #[must_use]
    pub fn new(public_base_url: &str) -> Self {
        Self(public_base_url.into())
    }

    /// Where assistants of a workspace's people call.
    #[must_use]
    pub fn of_workspace(&self, workspace: &WorkspaceId) -> Resource {
        self.at(&format!("/mcp/{workspace}"))
    }

    /// Where agents of an app's users call.
    #[must_use]
    pub fn of_app(&self, app: &AppId) -> Resource {
        self.at(&format!("/mcp/apps/{app}"))
    }

    /// The metadata stands between host and path (RFC 9728, section 3.1).
    fn at(&self, path: &str) -> Resource {
        let base = &self.0;
        let metadata_url = format!("{base}/.well-known/oauth-protected-resource{path}");
        Resource { url: format!("{base}{path}"), metadata_url }
    }
}

impl Resource {
    /// Its name, which is its address: what a token for it has as its audience.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The refusal of whoever does not prove anything, with where it says who gives tokens (RFC 9728, section 5.1), and what
    /// to ask for first, if the issuer has our scopes.
    fn unauthorized(&self, was_shown: bool, scope: Option<AgentScope>) -> Problem {
        let error = if was_shown { ", error=\"invalid_token\"" } else { "" };
        let scope = scope.map(|scope| format!(", scope=\"{}\"", scope.as_str())).unwrap_or_default();
        let problem = Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This needs an access token whose audience is this address; `WWW-Authenticate` says who gives them.",
        );
        challenged(problem, &format!("Bearer resource_metadata=\"{}\"{error}{scope}", self.metadata_url))
    }

    /// The refusal of a token that is not good for something, with all that it would have to be good for (RFC 6750, section
    /// 3.1).
    fn insufficient(&self, wanted: &BTreeSet<AgentScope>) -> Problem {
        let wanted = wanted.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let detail = format!("This needs an access token with the scope `{wanted}`.");
        let problem = Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", detail);
        let metadata_url = &self.metadata_url;
        challenged(
            problem,
            &format!("Bearer error=\"insufficient_scope\", scope=\"{wanted}\", resource_metadata=\"{metadata_url}\""),
        )
    }

    fn refused(&self, error: Unauthenticated, was_shown: bool, scope: Option<AgentScope>) -> Problem {
        match error {
            Unauthenticated::NoProof | Unauthenticated::Elsewhere | Unauthenticated::ServiceOnly => {
                self.unauthorized(was_shown, scope)
            }
            error => refused(error),
        }
    }
}

impl Access {
    /// That the token is good for this.
    ///
    /// # Errors
    /// A refusal that says which scopes to ask for.
    pub fn require(&self, scope: AgentScope) -> Result<(), Problem> {
        if self.granted.allow(scope) { Ok(()) } else { Err(self.resource.insufficient(&self.granted.with(scope))) }
    }
}

fn challenged(problem: Problem, challenge: &str) -> Problem {
    match HeaderValue::from_str(challenge) {
        Ok(challenge) => problem.challenge(challenge),
        Err(_) => problem,
    }
}

impl<S> FromRequestParts<S> for AssistantCaller
where
    Callers: FromRef<S>,
    Resources: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let workspace = presented::workspace(parts).ok_or_else(Problem::unauthorized)?;
        let resource = Resources::from_ref(state).of_workspace(&workspace);
        let Callers(authenticator) = Callers::from_ref(state);
        let Presented { bearer, .. } = Presented::by(parts);
        match authenticator.admin_at(bearer, &workspace, resource.url()).await {
            Ok((person, granted)) => Ok(Self(person, Access { resource, granted })),
            Err(error) => {
                // Whether there is such a workspace is told by the metadata as well. What can't be read is not told.
                let identity = authenticator.identity_of(&workspace).await.ok().flatten();
                let has_scopes = identity.is_some_and(|identity| identity.issuer.agent_scopes);
                Err(resource.refused(error, bearer.is_some(), has_scopes.then_some(AgentScope::ReadConnectors)))
            }
        }
    }
}

impl<S> FromRequestParts<S> for AgentCaller
where
    Callers: FromRef<S>,
    Resources: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = presented::app(parts).ok_or_else(Problem::unauthorized)?;
        let resource = Resources::from_ref(state).of_app(&app);
        let Callers(authenticator) = Callers::from_ref(state);
        let Presented { bearer, .. } = Presented::by(parts);
        match authenticator.user_at(bearer, &app, resource.url()).await {
            Ok((user, granted)) => Ok(Self(user, Access { resource, granted })),
            Err(error) => {
                let known = authenticator.app_with_identity(&app).await.ok().flatten();
                let identity = known.as_ref().and_then(|app| app.identity.as_ref());
                let has_scopes = identity.is_some_and(|identity| identity.agent_scopes);
                Err(resource.refused(error, bearer.is_some(), has_scopes.then_some(AgentScope::ReadConnections)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_and_its_metadata_stand_at_the_same_path() {
        let resources = Resources::new("https://connect.example");
        let (workspace, app) = (WorkspaceId::parse("w1").unwrap(), AppId::parse("a1").unwrap());
        let (own, agents) = (resources.of_workspace(&workspace), resources.of_app(&app));
        assert_eq!(
            (own.url(), agents.url()),
            ("https://connect.example/mcp/w1", "https://connect.example/mcp/apps/a1")
        );
        assert_eq!(agents.metadata_url, "https://connect.example/.well-known/oauth-protected-resource/mcp/apps/a1");
    }
}
