//! A session that is about to begin: what is asked for, what is fixed until it ends, and what of an earlier connection it may
//! take over.

use super::{Beginner, Begun, StartAuthorization, StartError, Wanted};
use crate::{
    domain::{
        connection::{Connection, Grant},
        connector::Connector,
        ids::ConnectionId,
        provider::{Provider, Values},
        scopes::Scopes,
        secret::{BrowserBinding, CodeVerifier, Secret, State},
        session::{Binding, Earlier, Pinned, SESSION_LIFE, Session, SessionId, Stage},
        standing::{Standing, Status},
        user::ConnectionKey,
    },
    journeys::{connection_quota::Quota, refresh_endpoint, values},
    oauth::authorize::{code_verifier, shortest_state},
    store::Start,
    vault::Place,
};

/// A session that nobody has stored yet, with what only its beginner knows.
pub(super) struct Fresh {
    pub(super) state: Secret<State>,
    pub(super) verifier: Secret<CodeVerifier>,
    pub(super) session: Session,
    already_authorized: bool,
}

impl Fresh {
    pub(super) fn begun(self, redirect_url: String, cookie: Secret<BrowserBinding>) -> Begun {
        Begun {
            redirect_url,
            connection_id: self.session.key.id(),
            session_id: self.session.id,
            already_authorized: self.already_authorized,
            cookie,
        }
    }
}

impl StartAuthorization {
    /// A session as this beginner wants it, if the plan has room for what comes of it.
    pub(super) async fn fresh(
        &self,
        beginner: Beginner,
        connector: &Connector,
        provider: &Provider,
        place: ConnectionKey,
        wanted: Wanted,
        bind: impl FnOnce((&SessionId, &ConnectionKey, &Secret<State>)) -> Binding,
    ) -> Result<Fresh, StartError> {
        if let Some(reason) = &provider.unavailable {
            return Err(StartError::Unavailable(reason.clone()));
        }
        let existing = self.existing(&place, wanted.connection_id.as_ref()).await?;
        let quota = self.quotas.of(&place.workspace).await?;
        if let (None, Some(quota)) = (&existing, &quota) {
            quota.has_room().map_err(StartError::Plan)?;
        }
        let nothing = Values::new();
        let earlier_details = existing.as_ref().map_or(&nothing, |connection| &connection.details);
        let inputs = provider
            .accept_inputs(&connector.connection_config, &wanted.connection_config, earlier_details)
            .map_err(StartError::Config)?;
        let now = self.clock.now();
        if let Start::TooMany(retry_after) = self.starts.count(&place, now).await? {
            return Err(StartError::TooMany { retry_after });
        }
        let requested = provider.scopes_to_request(&scopes(connector, existing.as_ref(), wanted.scopes)?);
        let state = self.state(shortest_state(provider));
        let verifier = code_verifier(self.random.bytes());
        let id = SessionId::of_state(&state);
        let sealed = self.vault.seal(&verifier, &Place::session(&id, &place)).await?;
        let already_authorized = existing.as_ref().is_some_and(|connection| {
            let standing = Standing::of(connection, connector, provider, now);
            standing.status == Status::Active && provider.missing(&requested, &connection.granted).is_empty()
        });
        let session = Session {
            binding: bind((&id, &place, &state)),
            id,
            key: place,
            stage: Stage::Pending,
            pinned: self.pinned(connector, provider, &inputs, quota.as_ref()).await?,
            inputs,
            requested,
            earlier: existing.as_ref().map(|connection| earlier(connection, connector, provider)),
            begun_by: beginner.actor,
            label: wanted.label.or_else(|| existing.and_then(|connection| connection.label)),
            return_url: beginner.return_url,
            wishes: beginner.wishes,
            verifier: Some(sealed),
            expires_at: now.checked_add(SESSION_LIFE).unwrap_or(now),
        };
        Ok(Fresh { state, verifier, session, already_authorized })
    }

    /// The connection that stands there; the one that is meant, if one is.
    async fn existing(
        &self,
        place: &ConnectionKey,
        meant: Option<&ConnectionId>,
    ) -> Result<Option<Connection>, StartError> {
        if meant.is_some_and(|id| *id != place.id()) {
            return Err(StartError::UnknownConnection);
        }
        let existing = self.connections.find(place).await?;
        if meant.is_some() && existing.is_none() { Err(StartError::UnknownConnection) } else { Ok(existing) }
    }

    /// What is fixed until the session ends.
    async fn pinned(
        &self,
        connector: &Connector,
        provider: &Provider,
        inputs: &Values,
        quota: Option<&Quota>,
    ) -> Result<Pinned, StartError> {
        Ok(Pinned {
            client_id: connector.client_id.clone(),
            redirect_uri: connector.redirect_uri(&self.public_base_url),
            token_endpoint: provider.with_known(&values(connector, inputs)).token.url.clone(),
            scopes_revision: connector.scopes_revision,
            bound: provider.may_bind_tokens() && self.healths.is_bound(&connector.id).await?,
            room: quota.map(Quota::room),
        })
    }

    /// 256 random bits, and more where the provider asks for a longer text.
    fn state(&self, shortest: usize) -> Secret<State> {
        let mut state = self.random.token();
        while state.len() < shortest {
            state.push_str(&self.random.token());
        }
        Secret::new(state)
    }
}

/// What to ask for: all that the connector has; or less, if less was asked for, but never less than the user has
/// granted before: many providers replace the old grant by the new one.
fn scopes(connector: &Connector, existing: Option<&Connection>, asked: Option<Scopes>) -> Result<Scopes, StartError> {
    let Some(asked) = asked.filter(|scopes| !scopes.is_empty()) else { return Ok(connector.scopes.clone()) };
    let foreign = asked.missing_from(&connector.scopes);
    if !foreign.is_empty() {
        return Err(StartError::ScopesNotAllowed(foreign));
    }
    let Some(existing) = existing else { return Ok(asked) };
    let kept = connector.scopes.missing_from(&connector.scopes.missing_from(&existing.granted));
    Ok(asked.union(&kept))
}

fn earlier(connection: &Connection, connector: &Connector, provider: &Provider) -> Earlier {
    let same_client = connection.client_id == connector.client_id;
    let refresh_endpoint = refresh_endpoint(provider, connector, &connection.details);
    let has_endpoint = provider.vars.is_empty() || refresh_endpoint.is_some();
    Earlier {
        account_id: connection.account.as_ref().map(|account| account.id.clone()),
        refresh_endpoint,
        refresh_token_lives: same_client
            && has_endpoint
            && connection.grant == Grant::Live
            && connection.tokens.refresh.is_some(),
    }
}
