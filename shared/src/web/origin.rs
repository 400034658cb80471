//! Which pages may call for an app, and what a browser is told about it (CORS, Fetch Standard).

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{auth::Authenticator, domain::ids::AppId};

/// Says whether pages of an origin may call for an app.
#[derive(Clone)]
pub struct Origins(Arc<Authenticator>);

impl fmt::Debug for Origins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Origins")
    }
}

/// How the addresses of an app begin: those of its users and backend, that of its agents, and what tells these who gives
/// tokens.
const OF_APPS: [&str; 3] = ["/api/apps/", "/mcp/apps/", "/.well-known/oauth-protected-resource/mcp/apps/"];

impl Origins {
    /// By the apps that the authenticator knows.
    #[must_use]
    pub fn new(authenticator: Arc<Authenticator>) -> Self {
        Self(authenticator)
    }

    /// Whether pages of `origin` may call the address `path`. Only addresses of an app can be called from a page.
    pub(super) fn allow<'a>(
        &'a self,
        path: &'a str,
        origin: &'a str,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let app = OF_APPS.iter().find_map(|start| path.strip_prefix(start)?.split('/').next());
            let Some(app) = app.and_then(|raw| AppId::parse(raw).ok()) else { return false };
            self.0.allows_origin(&app, origin).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "an app's origins could not be read");
                false
            })
        })
    }
}
