//! People of a workspace, by the tokens of its own issuer. Who vouches for them is read at most once a minute.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Unauthenticated,
    cache::Cache,
    user_tokens::{TokenCheck, TokenFlaw},
};
use crate::{
    clock::Clock,
    domain::{
        agent_scope::GrantedScopes,
        api_key::WorkspaceRole,
        ids::WorkspaceId,
        person::{Person, WorkspaceIdentity},
    },
    store::{StoreError, WorkspaceIdentities},
};

#[derive(Debug)]
pub(super) struct People {
    identities: WorkspaceIdentities,
    known: Cache<WorkspaceId, Arc<WorkspaceIdentity>>,
    clock: Clock,
}

/// Somebody whom the workspace's issuer vouches for, and when that ends, in seconds since 1970.
#[derive(Debug, Clone)]
pub struct KnownPerson {
    /// Who they are.
    pub person: Person,
    /// What they may do.
    pub role: WorkspaceRole,
    /// When their token ends.
    pub expires_at: i64,
}

/// Why a person's token lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonFlaw {
    /// The token proves nothing.
    Token(TokenFlaw),
    /// The token is another client's (`azp`), or of another sign-in (`nonce`).
    Elsewhere,
    /// The issuer vouches for them, but none of these claims lets them in.
    NotAMember(Vec<String>),
}

impl People {
    pub(super) fn new(identities: WorkspaceIdentities, clock: Clock) -> Self {
        Self { identities, known: Cache::new(), clock }
    }

    /// Who vouches for the workspace's people. Absence is not remembered: what was just saved works at once.
    pub(super) async fn identity(&self, workspace: &WorkspaceId) -> Result<Option<Arc<WorkspaceIdentity>>, StoreError> {
        if let Some(identity) = self.known.get(workspace, self.clock.now()) {
            return Ok(Some(identity));
        }
        let Some(identity) = self.identities.find(workspace).await?.map(Arc::new) else { return Ok(None) };
        self.known.put(workspace.clone(), Arc::clone(&identity), self.clock.now());
        Ok(Some(identity))
    }

    /// Who shows this token to the product itself: it must be for the workspace's client, and given to no other (OpenID
    /// Connect Core, section 3.1.3.7).
    pub(super) async fn member(
        &self,
        tokens: &TokenCheck,
        token: &str,
        workspace: &WorkspaceId,
    ) -> Result<KnownPerson, Unauthenticated> {
        let identity = self.identity(workspace).await?.ok_or(Unauthenticated::NoProof)?;
        signed_in(tokens, token, &identity, None).await.map_err(Unauthenticated::from)
    }

    /// Who shows this access token to a part of the product that has an audience of its own, whichever client it was given
    /// to, and what it is good for.
    pub(super) async fn member_at(
        &self,
        tokens: &TokenCheck,
        token: &str,
        workspace: &WorkspaceId,
        audience: &str,
    ) -> Result<(KnownPerson, GrantedScopes), Unauthenticated> {
        let identity = self.identity(workspace).await?.ok_or(Unauthenticated::NoProof)?;
        let verified = tokens.bearer_for(token, &identity.issuer, audience).await;
        let verified = verified.map_err(|_| Unauthenticated::NoProof)?;
        let granted = GrantedScopes::of_claims(&verified.claims, identity.issuer.agent_scopes);
        Ok((known(&identity, verified)?, granted))
    }
}

/// The person that an ID token for the workspace's client names; `nonce` is what their sign-in sent, where it is known.
pub(super) async fn signed_in(
    tokens: &TokenCheck,
    token: &str,
    identity: &WorkspaceIdentity,
    nonce: Option<&str>,
) -> Result<KnownPerson, PersonFlaw> {
    let client_id = identity.issuer.audience.as_str();
    let verified = tokens.verify_for(token, &identity.issuer, client_id).await.map_err(PersonFlaw::Token)?;
    let is_own = match verified.claims.get("azp") {
        None => true,
        Some(party) => party == client_id,
    };
    let is_of_this_sign_in =
        nonce.is_none_or(|nonce| verified.claims.get("nonce").and_then(Value::as_str) == Some(nonce));
    if !is_own || !is_of_this_sign_in {
        return Err(PersonFlaw::Elsewhere);
    }
    known(identity, verified)
}

/// What a verified token says.
pub(super) struct Verified {
    pub(super) subject: crate::domain::ids::Subject,
    pub(super) expires_at: i64,
    pub(super) claims: Map<String, Value>,
}

fn known(identity: &WorkspaceIdentity, verified: Verified) -> Result<KnownPerson, PersonFlaw> {
    let Verified { subject, expires_at, claims } = verified;
    let role = identity
        .role(&claims)
        .ok_or_else(|| PersonFlaw::NotAMember(identity.deciding_claims().into_iter().map(str::to_owned).collect()))?;
    Ok(KnownPerson { person: Person::of_claims(identity.issuer.issuer.clone(), subject, &claims), role, expires_at })
}

impl From<PersonFlaw> for Unauthenticated {
    fn from(flaw: PersonFlaw) -> Self {
        match flaw {
            PersonFlaw::NotAMember(claims) => Self::NotAMember(claims),
            PersonFlaw::Token(_) | PersonFlaw::Elsewhere => Self::NoProof,
        }
    }
}
