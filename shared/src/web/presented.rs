//! What a request presents of who makes it, and of what. Nothing here is proof.

use std::borrow::Cow;

use axum::{
    extract::MatchedPath,
    http::{HeaderMap, HeaderName, header, request::Parts},
};
use percent_encoding::percent_decode_str;

use crate::domain::ids::{AppId, WorkspaceId};

/// The header by which a backend shows the token of the user it speaks for.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("on-behalf-of");

/// The tokens and keys of a request.
#[derive(Clone, Copy)]
pub(super) struct Presented<'p> {
    pub(super) bearer: Option<&'p str>,
    /// The token of the user a backend speaks for.
    pub(super) on_behalf_of: Option<&'p str>,
}

impl<'p> Presented<'p> {
    pub(super) fn by(parts: &'p Parts) -> Self {
        let token = |name| token(&parts.headers, &name);
        Self { bearer: token(header::AUTHORIZATION), on_behalf_of: token(ON_BEHALF_OF) }
    }
}

/// Whether a backend means to speak for somebody, whatever it shows of them.
pub(super) fn names_somebody(parts: &Parts) -> bool {
    parts.headers.contains_key(ON_BEHALF_OF)
}

/// The workspace `{ws}` of the path, if there can be one of this id.
pub(super) fn workspace(parts: &Parts) -> Option<WorkspaceId> {
    WorkspaceId::parse(&in_path(parts, "ws")?).ok()
}

/// The app `{app}` of the path, if there can be one of this id.
pub(super) fn app(parts: &Parts) -> Option<AppId> {
    AppId::parse(&in_path(parts, "app")?).ok()
}

/// A value of the path by its name. Whatever else in the path can't be read says nothing about who is calling.
fn in_path<'p>(parts: &'p Parts, name: &str) -> Option<Cow<'p, str>> {
    let route = parts.extensions.get::<MatchedPath>()?.as_str();
    let is_named = |place: &str| place.strip_prefix('{').and_then(|place| place.strip_suffix('}')) == Some(name);
    let (_, raw) = route.split('/').zip(parts.uri.path().split('/')).find(|(place, _)| is_named(place))?;
    percent_decode_str(raw).decode_utf8().ok()
}

/// The token behind `Bearer` (RFC 6750, section 2.1). A header that comes twice proves nothing.
fn token<'p>(headers: &'p HeaderMap, name: &HeaderName) -> Option<&'p str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
