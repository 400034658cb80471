//! A grant on its way from one place that keeps tokens to another: without anything that belongs to either of them.

mod format;
mod nango;

use jiff::{Timestamp, civil::Date};

use super::{
    account::Account,
    client_key::BOUND,
    connector::Connector,
    digest::{joined, sha256},
    fields::FieldError,
    ids::{AppId, Issuer, Subject},
    provider::{Provider, RefreshGrant, Values},
    scopes::Scopes,
    secret::{AccessToken, RefreshToken, Secret},
    user::{ConnectionKey, Owner},
};

pub use nango::{Mapping, NangoUser};

/// A grant, with its tokens.
#[derive(Debug)]
pub struct PortableGrant {
    /// Whose it is.
    pub owner: PortableOwner,
    /// The client it was granted to. Its refresh token works with no other.
    pub client_id: String,
    /// The access token, if it is known.
    pub access: Option<Secret<AccessToken>>,
    /// The refresh token, if there is one.
    pub refresh: Option<Secret<RefreshToken>>,
    /// The access token's type as the provider spells it.
    pub token_type: String,
    /// When the access token was obtained, if that is known.
    pub issued_at: Option<Timestamp>,
    /// When the access token ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// What it may do; what the connector asks for, if nobody says.
    pub scopes: Option<Scopes>,
    /// Whose account it is.
    pub account: Option<Account>,
    /// What the user calls it.
    pub label: Option<String>,
    /// What differs between the accounts of a provider.
    pub details: Values,
    /// When its user granted it, if that is known.
    pub connected_at: Option<Timestamp>,
    /// The day on which its tokens were last used, if that is known.
    pub last_used_on: Option<Date>,
}

/// Whose a portable grant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortableOwner {
    /// A user's own.
    User {
        /// The app that they use.
        app: AppId,
        /// Who vouches for them; the app's own issuer, if nobody is named.
        issuer: Option<Issuer>,
        /// Who they are to that issuer.
        subject: Subject,
    },
    /// The workspace's.
    Workspace,
}

impl PortableOwner {
    /// The owner of a connection.
    #[must_use]
    pub fn of(owner: &Owner) -> Self {
        match owner {
            Owner::User(user) => {
                let (app, subject) = (user.app.clone(), user.subject.clone());
                Self::User { app, issuer: Some(user.issuer.clone()), subject }
            }
            Owner::Workspace => Self::Workspace,
        }
    }
}

impl PortableGrant {
    /// What tells this grant from every other at its place: the same as long as it was not refreshed.
    #[must_use]
    pub fn digest(&self, place: &ConnectionKey) -> [u8; 32] {
        let access = self.access.as_ref().map_or("", Secret::expose);
        let refresh = self.refresh.as_ref().map_or("", Secret::expose);
        sha256(&joined(&["portable_grant", place.id().as_str(), &self.client_id, access, refresh]))
    }

    /// Why nothing could be done with it as a connection of this connector, if so.
    #[must_use]
    pub fn objections(&self, connector: &Connector, provider: &Provider, now: Timestamp) -> Vec<FieldError> {
        let mut objections = Vec::new();
        let mut object = |pointer: &str, detail: &str| {
            objections.push(FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        if self.client_id != connector.client_id {
            object("/client_id", "is not the connector's: what was granted to another client works with that one only");
        }
        if self.token_type.eq_ignore_ascii_case(BOUND) {
            object("/token_type", "must not be DPoP: such a token works with the key only that it was given to");
        }
        if let Some((pointer, detail)) = self.uselessness(provider, now) {
            object(pointer, detail);
        }
        objections
    }

    /// Whether anything can be done with its tokens at this provider.
    #[must_use]
    pub fn is_of_use(&self, provider: &Provider, now: Timestamp) -> bool {
        self.uselessness(provider, now).is_none()
    }

    /// Where it lacks what would be of use, and what.
    fn uselessness(&self, provider: &Provider, now: Timestamp) -> Option<(&'static str, &'static str)> {
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        let has_refresh = provider.refresh.grant == RefreshGrant::RefreshToken && self.refresh.is_some();
        let is_renewable = has_refresh && !is_over(self.refresh_expires_at);
        Some(match (&self.access, is_renewable) {
            (None, false) if has_refresh => ("/refresh_expires_at", "has passed, and there is no access token"),
            (None, false) => ("/access_token", "is required: there is nothing to get one with"),
            (None, true) if provider.shows_access_token() => ("/access_token", "is required by this provider"),
            (Some(_), false) if is_over(self.expires_at) => {
                ("/expires_at", "has passed, and there is nothing to renew it with")
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
