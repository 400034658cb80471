//! Where a call leads: to the root of the provider's API, or to another host that its data names. Nowhere else.

use url::Url;

use super::{CallPath, Query};
use crate::domain::provider::Api;

/// The address of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    /// The host as the caller named it; `None` for the root of the API.
    host: Option<String>,
    /// The host of the API's root, if it is known.
    root: Option<String>,
}

/// Why a call leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// The provider's data does not say where its API is.
    #[error("is needed: nothing is known about where this provider's API is")]
    NoRoot,
    /// The provider's data does not name this host.
    #[error("is no host of this provider's API")]
    UnknownHost,
    /// The address comes to something else than what it was made of.
    #[error("makes an address that can't be used")]
    Unusable,
}

impl Target {
    /// The address of a path below the root of the API or, if `host` names another of its hosts, below that host's. `api`
    /// has all its values.
    ///
    /// # Errors
    /// [`NoTarget`].
    pub fn of(api: &Api, host: Option<&str>, path: &CallPath, query: &Query) -> Result<Self, NoTarget> {
        let base = api.base_url.as_deref();
        let scheme = base.and_then(|base| base.split_once("://")).map_or("https", |(scheme, _)| scheme);
        let host = host.map(str::to_ascii_lowercase);
        let is_of_base = |host: &String| base.and_then(authority).is_some_and(|own| own.eq_ignore_ascii_case(host));
        let other = host.filter(|host| !is_of_base(host));
        let root = match &other {
            None => base.ok_or(NoTarget::NoRoot)?.to_owned(),
            Some(host) if is_named(api, host) => format!("{scheme}://{host}"),
            Some(_) => return Err(NoTarget::UnknownHost),
        };
        let root = Url::parse(&root).map_err(|_| NoTarget::Unusable)?;
        let wanted = format!("{}{}", root.as_str().trim_end_matches('/'), path.as_str());
        let mut url = Url::parse(&wanted).map_err(|_| NoTarget::Unusable)?;
        // Nothing was folded, dropped or moved to another part on the way.
        if url.as_str() != wanted || root.query().is_some() || root.fragment().is_some() {
            return Err(NoTarget::Unusable);
        }
        let query = query.encoded();
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        Ok(Self { url, host: other, root: base.and_then(authority).map(str::to_ascii_lowercase) })
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it leads to this host, or, without one, below the root of the API: the root's own host stands for it.
    #[must_use]
    pub fn is_at(&self, host: Option<&str>) -> bool {
        self.host.as_deref() == host.filter(|host| self.root.as_deref() != Some(*host))
    }

    /// Where a redirect from here leads, if that is a host of the API too.
    #[must_use]
    pub fn redirect(&self, api: &Api, location: &str) -> Option<Url> {
        let url = self.url.join(location).ok()?;
        let host = authority(url.as_str())?;
        let is_own = authority(self.url.as_str()) == Some(host);
        let is_of_base = api.base_url.as_deref().and_then(authority).is_some_and(|own| own.eq_ignore_ascii_case(host));
        let is_known = is_own || is_of_base || is_named(api, host);
        (is_known && url.scheme() == self.url.scheme() && url.username().is_empty() && url.password().is_none())
            .then_some(url)
    }
}

/// Whether the data names this host, with its port; a `*.` in front of a name stands for one label or several.
fn is_named(api: &Api, host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let is_label = |label: &str| !label.is_empty() && !label.contains(':');
    let fits = |named: &String| match named.to_ascii_lowercase().strip_prefix('*') {
        None => named.eq_ignore_ascii_case(host),
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|labels| labels.split('.').all(is_label)),
    };
    host.bytes().all(is_plain) && api.hosts.iter().any(fits)
}

/// The host of an address, with its port and whatever else stands before the path.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(base: Option<&str>, hosts: &[&str]) -> Api {
        Api {
            base_url: base.map(str::to_owned),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Api::default()
        }
    }

    fn target(api: &Api, host: Option<&str>, raw: &str) -> Result<String, NoTarget> {
        let (path, query) = CallPath::parse(raw).expect("a path");
        Target::of(api, host, &path, &query).map(|target| target.url().to_string())
    }

    #[test]
    fn a_call_leads_below_the_root_or_to_a_host_that_is_named() {
        let api = api(Some("https://api.example/v1/"), &["upload.example", "*.storage.example", "other.example:8443"]);
        for (host, expected) in [
            (None, Ok("https://api.example/v1/files?a=b")),
            (Some("api.example"), Ok("https://api.example/v1/files?a=b")),
            (Some("API.example"), Ok("https://api.example/v1/files?a=b")),
            (Some("upload.example"), Ok("https://upload.example/files?a=b")),
            (Some("other.example:8443"), Ok("https://other.example:8443/files?a=b")),
            (Some("x.storage.example"), Ok("https://x.storage.example/files?a=b")),
            (Some("x.y.storage.example"), Ok("https://x.y.storage.example/files?a=b")),
            (Some("storage.example"), Err(NoTarget::UnknownHost)),
            (Some(".storage.example"), Err(NoTarget::UnknownHost)),
            (Some("evilstorage.example"), Err(NoTarget::UnknownHost)),
            (Some("evil.example#.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("evil.example/.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("evil.example:1.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("evil.example?.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("evil.example\\.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("u@x.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("*.storage.example"), Err(NoTarget::UnknownHost)),
            (Some("upload.example."), Err(NoTarget::UnknownHost)),
            (Some("upload.example:443"), Err(NoTarget::UnknownHost)),
            (Some("other.example"), Err(NoTarget::UnknownHost)),
            (Some("upload.example@evil.example"), Err(NoTarget::UnknownHost)),
            (Some("https://upload.example"), Err(NoTarget::UnknownHost)),
            (Some("uploаd.example"), Err(NoTarget::UnknownHost)),
            (Some("169.254.169.254"), Err(NoTarget::UnknownHost)),
            (Some("localhost"), Err(NoTarget::UnknownHost)),
            (Some(""), Err(NoTarget::UnknownHost)),
        ] {
            assert_eq!(target(&api, host, "/files?a=b"), expected.map(str::to_owned), "{host:?}");
        }
    }

    #[test]
    fn without_a_root_a_host_must_be_named() {
        assert_eq!(target(&api(None, &["a.example"]), None, "/x"), Err(NoTarget::NoRoot));
        assert_eq!(target(&api(None, &["a.example"]), Some("a.example"), "/x"), Ok("https://a.example/x".to_owned()));
        assert_eq!(target(&api(Some("https://a.example/x?y=z"), &[]), None, "/x"), Err(NoTarget::Unusable));
    }

    #[test]
    fn a_redirect_is_told_only_if_it_stays_with_the_api() {
        let api = api(Some("https://api.example/v1"), &["upload.example"]);
        let (path, query) = CallPath::parse("/files/1").expect("a path");
        let target = Target::of(&api, None, &path, &query).expect("a target");
        let redirect = |location| target.redirect(&api, location).map(|url| url.to_string());
        for (location, expected) in [
            ("/v1/files/2", Some("https://api.example/v1/files/2")),
            ("https://upload.example/x", Some("https://upload.example/x")),
            ("http://upload.example/x", None),
            ("https://evil.example/x", None),
            ("//evil.example/x", None),
            ("https://u:p@upload.example/x", None),
            ("https://upload.example@evil.example/x", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(redirect(location).as_deref(), expected, "{location}");
        }
    }
}
