//! The `Authorization` header of a provider that takes its clients in a scheme of its own (RFC 9110, section 11.6.2).

use serde::Serialize;

use super::{
    Provider,
    choice::ClientAuth,
    refresh::RevocationAuth,
    template::{Piece, pieces},
};
use crate::domain::fields::{self, Table};

/// What the header says, with places for the client's id and secret and for nothing else. It is data and holds neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuthHeader(String);

impl AuthHeader {
    /// Reads `auth_header` of a table.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        table.read("auth_header", |value| Self::parse(fields::text(value)?))
    }

    fn parse(text: String) -> Result<Self, String> {
        fields::unless(!text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "must be ASCII")?;
        let is_fit = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => !text.contains(['{', '}']),
            Piece::Placeholder(name) => matches!(*name, "client_id" | "client_secret"),
        };
        let pieces = pieces(&text);
        fields::unless(!pieces.iter().all(is_fit), "may have {client_id} and {client_secret}, and no other braces")?;
        fields::unless(!pieces.contains(&Piece::Placeholder("client_secret")), "must have {client_secret}")?;
        Ok(Self(text))
    }

    /// The text, with its placeholders.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says which client it is of, so that no parameter has to.
    #[must_use]
    pub fn names_client(&self) -> bool {
        self.0.contains("{client_id}")
    }
}

impl Provider {
    /// What a refresh shows in `Authorization`, where clients are taken in a scheme of the provider's own.
    #[must_use]
    pub fn refresh_auth_header(&self) -> Option<&AuthHeader> {
        self.refresh.auth_header.as_ref().or(self.token.auth_header.as_ref())
    }

    /// The same of a revocation.
    #[must_use]
    pub fn revoke_auth_header(&self) -> Option<&AuthHeader> {
        let own = self.revoke.as_ref().and_then(|revoke| revoke.auth_header.as_ref());
        own.or(self.token.auth_header.as_ref())
    }

    /// Notes every header that nothing shows, and every request that is to show one and has none.
    pub(super) fn check_auth_headers(&self, table: &Table<'_>) {
        let (token, refresh) = (&self.token, &self.refresh);
        let refuse = |place: &str, detail: &str| table.refuse_at(&format!("{place}/auth_header"), detail);
        let check = |place: &str, shows: bool, own: Option<&AuthHeader>, any: Option<&AuthHeader>| {
            if shows && any.is_none() {
                refuse(place, "is required where the client is presented by a header of its own");
            } else if !shows && own.is_some() {
                refuse(place, "is only for a client that is presented by a header of its own");
            }
        };
        let of_token = token.auth_header.as_ref();
        let by_header = token.client_auth == ClientAuth::Header;
        check("/token", by_header, of_token, of_token);
        for (index, step) in self.exchange.iter().enumerate() {
            let (shows, own) = (step.client_auth == Some(ClientAuth::Header), step.auth_header.as_ref());
            check(&format!("/exchange/{index}"), shows, own, own);
        }
        // What others would go by was missed there already.
        if by_header && of_token.is_none() {
            return;
        }
        let shows = refresh.client_auth.unwrap_or(token.client_auth) == ClientAuth::Header;
        check("/refresh", shows, refresh.auth_header.as_ref(), self.refresh_auth_header());
        if let Some(revoke) = &self.revoke {
            let shows = revoke.auth == RevocationAuth::Header;
            check("/revoke", shows, revoke.auth_header.as_ref(), self.revoke_auth_header());
        }
    }
}
