//! What follows from a provider's data for whoever works with it.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Pkce, Provider, RefreshGrant, Rotation};
use crate::domain::scopes::Scopes;

impl Provider {
    /// Every URL that this product or a browser may be sent to, with its JSON pointer.
    pub fn endpoints(&self) -> impl Iterator<Item = (Cow<'static, str>, &str)> {
        let named = [
            ("/authorize/url", Some(&self.authorize.url).filter(|url| !url.is_empty())),
            ("/authorize/par_url", self.authorize.par_url.as_ref()),
            ("/token/url", Some(&self.token.url).filter(|url| !url.is_empty())),
            ("/refresh/url", self.refresh.url.as_ref()),
            ("/revoke/url", self.revoke.as_ref().map(|revoke| &revoke.url)),
            ("/identity/url", self.identity.as_ref().and_then(|identity| identity.url.as_ref())),
            ("/api/base_url", self.api.base_url.as_ref()),
        ];
        let named = named.into_iter().filter_map(|(pointer, url)| Some((Cow::Borrowed(pointer), url?.as_str())));
        let swaps = self.exchange.iter().map(|step| step.url.as_str());
        let calls = self.discover.iter().map(|step| step.url.as_str());
        named.chain(numbered("exchange", swaps)).chain(numbered("discover", calls))
    }

    /// What is asked for when these scopes are wanted: the default when none is, and always what the provider needs.
    #[must_use]
    pub fn scopes_to_request(&self, wanted: &Scopes) -> Scopes {
        let scope = &self.authorize.scope;
        let wanted = if wanted.is_empty() { &scope.default } else { wanted };
        wanted.union(&scope.always)
    }

    /// The wanted scopes that the grant does not cover, neither by name nor by a scope that stands for them.
    #[must_use]
    pub fn missing(&self, wanted: &Scopes, granted: &Scopes) -> Scopes {
        let aliases = &self.authorize.scope.aliases;
        let is_covered = |scope: &str| {
            let others = aliases.get(scope).into_iter().flatten();
            granted.contains(scope) || others.into_iter().any(|other| granted.contains(other))
        };
        let missing = wanted.iter().filter(|scope| self.authorize.scope.send && !is_covered(scope));
        Scopes::parse(missing).unwrap_or_default()
    }

    /// Whether a refresh may end the token that was presented. What nobody knows counts as yes. A token whose life it only
    /// extends is ended by none.
    #[must_use]
    pub fn rotates(&self) -> bool {
        self.refresh.rotation != Rotation::Never && !self.refresh.extends
    }

    /// Whether a refresh token that was used may be used again for a while, in case the answer was lost.
    #[must_use]
    pub fn gives_grace(&self) -> bool {
        self.refresh.grace_seconds > 0
    }

    /// Whether asking again after a lost answer may end the grant.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.rotates() && !self.gives_grace()
    }

    /// Whether an access token can be had without the user.
    #[must_use]
    pub fn refreshes(&self) -> bool {
        self.refresh.grant != RefreshGrant::None
    }

    /// Whether a refresh shows the provider the access token: for a new one, or beside the refresh token.
    #[must_use]
    pub fn shows_access_token(&self) -> bool {
        let refresh = &self.refresh;
        let texts = [&refresh.params, &refresh.query, &refresh.headers].into_iter().flat_map(BTreeMap::values);
        refresh.grant == RefreshGrant::AccessToken
            || texts.chain(&refresh.url).any(|text| text.contains("{access_token}"))
    }

    /// Where a refresh token is presented.
    #[must_use]
    pub fn refresh_url(&self) -> &str {
        self.refresh.url.as_deref().unwrap_or(&self.token.url)
    }

    /// Whether a PKCE challenge is sent (RFC 7636): always, unless it would make the request fail.
    #[must_use]
    pub fn sends_pkce(&self) -> bool {
        self.authorize.pkce != Pkce::Forbidden
    }
}

/// The URLs of a list of tables, with their JSON pointers.
fn numbered<'a>(
    table: &'static str,
    urls: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (Cow<'static, str>, &'a str)> {
    urls.enumerate().map(move |(index, url)| (Cow::Owned(format!("/{table}/{index}/url")), url))
}
