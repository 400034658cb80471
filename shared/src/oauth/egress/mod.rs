//! The one way out to providers. Addresses in a connector are chosen by people we do not know, so every request is
//! guarded: https only, to the public internet only, no redirect (a 307 would carry the client secret to another host),
//! no proxy, no cookie, no reused connection (one that the server closes after reading leaves it unknown whether a
//! refresh token was used up), and bounded in time and size.

mod address;
mod fetch;
mod reach;
mod resolver;
mod rules;

use std::{error::Error, sync::OnceLock, time::Duration};

use http::{HeaderMap, Request, Response, StatusCode};
use jiff::Timestamp;
use reqwest::redirect;
use url::Url;

pub use self::{
    address::{is_global, is_loopback},
    fetch::{Allowance, Ending, FetchError, Fetched},
    reach::Unreachable,
    resolver::Names,
    rules::EgressRefusal,
};
use self::{
    resolver::{AddressRefused, GuardedResolver},
    rules::Reach,
};
use super::wire;

/// How long one request usually may take, from the first look-up of the name to the last byte of the answer.
pub const DEADLINE: Duration = Duration::from_secs(8);

/// How long any request may take, whoever asks for it: those whose answer must not be lost are waited for the longest.
pub const LONGEST: Duration = Duration::from_secs(12);

/// How long connecting may take, TLS included: some of [`DEADLINE`] must remain for the answer.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may be, in bytes. Two tokens of 16 KiB and an ID token fit; nothing else that is read here is long.
pub const MAX_BODY: usize = 64 * 1024;

/// What the client calls itself. Some APIs refuse requests that say nothing.
const USER_AGENT: &str = concat!("connectors/", env!("CARGO_PKG_VERSION"));

/// The guarded client. One per process; making one is cheap, the TLS configuration is built with the first request.
#[derive(Debug)]
pub struct Egress {
    reach: Reach,
    names: Names,
    client: OnceLock<Option<reqwest::Client>>,
}

/// Why there is no answer. What counts is whether the request may have been processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The guard refused the URL or where it led to. Nothing was sent.
    #[error("the address {0}")]
    Blocked(#[from] EgressRefusal),
    /// There was no connection. Nothing was sent.
    #[error("the host could not be reached")]
    NotSent,
    /// The request, or a part of it, was sent, and no complete answer came in time.
    #[error("no answer came")]
    Unanswered,
    /// An answer began with this status and was cut off, or was longer than [`MAX_BODY`].
    #[error("the answer was cut off or too long")]
    Cut(StatusCode),
}

impl Default for Egress {
    fn default() -> Self {
        Self::new()
    }
}

/// What a receiver said, as far as anybody goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its status.
    pub status: StatusCode,
    /// How long it asks to be left alone; an hour at most.
    pub retry_after: Option<Duration>,
}

impl Egress {
    /// The client for everything that is deployed: https to the public internet.
    #[must_use]
    pub const fn new() -> Self {
        Self { reach: Reach::Public, names: Names::system(), client: OnceLock::new() }
    }

    /// A client that also speaks plain http to this machine. It exists for the local server and for tests: with it, a
    /// connector can be pointed at whatever listens on loopback.
    #[must_use]
    pub const fn allowing_plain_http_to_loopback() -> Self {
        Self { reach: Reach::PublicAndLoopback, names: Names::system(), client: OnceLock::new() }
    }

    /// The same client, with addresses from elsewhere. They are guarded like any others.
    #[must_use]
    pub fn resolving_by(self, names: Names) -> Self {
        Self { names, ..self }
    }

    /// Checks a URL before it is stored, without resolving its name; [`Egress::send`] checks again, with its addresses.
    ///
    /// # Errors
    /// [`EgressRefusal`] when the URL cannot lead to the public internet by https.
    pub fn check(&self, url: &str) -> Result<Url, EgressRefusal> {
        rules::check(url, self.reach)
    }

    /// Sends one request and reads the whole answer, within `deadline` or [`LONGEST`], whichever is shorter. Any status
    /// is an answer; a redirect is one too and is not followed.
    ///
    /// # Errors
    /// [`EgressError`], which says whether the request may have been processed.
    pub async fn send(&self, request: Request<Vec<u8>>, deadline: Duration) -> Result<Response<Vec<u8>>, EgressError> {
        let exchange = async { read(self.answered(request, LONGEST).await?).await };
        tokio::time::timeout(deadline.min(LONGEST), exchange).await.unwrap_or(Err(EgressError::Unanswered))
    }

    /// Sends one request and waits for the status of its answer, within `deadline`. Of the answer nothing else is read, however
    /// long it is and however slowly it comes.
    ///
    /// # Errors
    /// [`EgressError`], never [`EgressError::Cut`].
    pub async fn notify(
        &self,
        request: Request<Vec<u8>>,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<Acknowledged, EgressError> {
        let exchange = async {
            let answer = self.answered(request, deadline).await?;
            let retry_after = wire::retry_after(answer.headers(), now);
            Ok(Acknowledged { status: answer.status(), retry_after })
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or(Err(EgressError::Unanswered))
    }

    /// The beginning of an answer, all of which may take so long.
    async fn answered(&self, request: Request<Vec<u8>>, longest: Duration) -> Result<reqwest::Response, EgressError> {
        let url = self.check(&request.uri().to_string())?;
        let client =
            self.client.get_or_init(|| client(self.reach, &self.names).ok()).as_ref().ok_or(EgressError::NotSent)?;
        let (parts, body) = request.into_parts();
        let request = client.request(parts.method, url.clone()).headers(parts.headers).body(body);
        let response = request.timeout(longest).send().await.map_err(|error| without_answer(&error))?;
        if response.remote_addr().is_some_and(|peer| !rules::fits(&url, peer.ip(), self.reach)) {
            return Err(EgressRefusal::Host.into());
        }
        Ok(response)
    }
}

/// Builds the client. `no_proxy` keeps the environment from choosing where requests go.
#[expect(clippy::disallowed_methods, reason = "this is the one client that the others are forbidden for")]
fn client(reach: Reach, names: &Names) -> Result<reqwest::Client, Box<dyn Error>> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .dns_resolver(GuardedResolver { reach, names: names.clone() })
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT)
        .timeout(LONGEST)
        .user_agent(USER_AGENT)
        .build()?;
    Ok(client)
}

/// TLS with the roots that browsers trust, compiled in: reading those of the operating system takes milliseconds of
/// every cold start.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// What an error of the client means for the request. Its text may hold the address and is dropped here.
fn without_answer(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<AddressRefused>() {
            return EgressRefusal::Host.into();
        }
        cause = error.source();
    }
    if error.is_connect() || error.is_dns() || error.is_builder() {
        EgressError::NotSent
    } else {
        EgressError::Unanswered
    }
}

/// Reads the body up to [`MAX_BODY`]; what is longer is not read on.
async fn read(mut response: reqwest::Response) -> Result<Response<Vec<u8>>, EgressError> {
    let status = response.status();
    let headers: HeaderMap = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| EgressError::Cut(status))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(EgressError::Cut(status));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

#[cfg(test)]
mod tests;
