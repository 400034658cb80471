//! Who holds which refresh token among the grants that came together: where refresh tokens are replaced as they are used, whoever
//! refreshes second ends the grant of both.

use std::collections::HashMap;

use crate::domain::{
    digest::sha256, fields::FieldError, ids::ConnectionId, portable_grant::PortableGrant, provider::Provider,
    secret::Secret, user::ConnectionKey,
};

/// Refresh tokens, by their digests, with the connections that they came for.
#[derive(Default)]
pub(super) struct Holders(HashMap<[u8; 32], ConnectionId>);

impl Holders {
    /// Why this grant can't be a connection of its own beside those that came before it, if so.
    pub(super) fn objection(
        &self,
        place: &ConnectionKey,
        grant: &PortableGrant,
        provider: &Provider,
    ) -> Option<FieldError> {
        let holder = self.0.get(&digest(grant)?)?;
        (provider.rotates() && *holder != place.id()).then(|| FieldError {
            pointer: "/refresh_token".to_owned(),
            detail: "is that of another connection of this request too: this provider replaces it with each use, so that of two \
                     who have it the second ends the grant of both"
                .to_owned(),
        })
    }

    /// Notes whose the grant's refresh token is.
    pub(super) fn note(&mut self, place: &ConnectionKey, grant: &PortableGrant) {
        if let Some(digest) = digest(grant) {
            self.0.entry(digest).or_insert_with(|| place.id());
        }
    }
}

fn digest(grant: &PortableGrant) -> Option<[u8; 32]> {
    grant.refresh.as_ref().map(|token| sha256(Secret::expose(token).as_bytes()))
}
