//! The beginning of a session for a whole workspace: an admin connects one account for all of its apps, from the console.

use super::{Asked, Beginner, Begun, StartAuthorization, StartError, Wanted};
use crate::{
    auth::Admin,
    domain::{
        app::{HandleDelivery, ReturnUrl, SessionBinding},
        audit::Actor,
        connector::Connector,
        digest::sha256,
        ids::{ConnectorId, WorkspaceId},
        provider::{Step, Values},
        secret::{BrowserBinding, Secret},
        session::{Binding, Wishes},
    },
    journeys::{filled, profile},
};

/// What an admin wants of the session.
#[derive(Debug, Default)]
pub struct SharedWanted {
    /// Where the admin is to be sent afterwards: a page of the console, or a registered address of one of the workspace's
    /// apps. The connector's page of the console if not given.
    pub return_to: Option<String>,
    /// Values of variables that the connector leaves open.
    pub connection_config: Values,
}

impl StartAuthorization {
    /// Begins the session that connects a shared connector, or connects it anew, at the request of an admin's own browser,
    /// which is handed a cookie. It completes in that browser only: there is no other way to finish it.
    ///
    /// # Errors
    /// [`StartError`]; [`StartError::UnknownConnector`] for a connector through which users connect.
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn begin_shared(
        &self,
        admin: &Admin,
        connector: &ConnectorId,
        wanted: SharedWanted,
        actor: Actor,
    ) -> Result<Begun, StartError> {
        let connector = self.connectors.find(admin.workspace(), connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(StartError::UnknownConnector)?;
        let place = connector.shared_place().ok_or(StartError::UnknownConnector)?;
        let provider = profile(&connector).ok_or(StartError::UnknownConnector)?;
        self.allowed(&connector).await?;
        let beginner = Beginner {
            actor,
            return_url: self.admins_return_url(&connector, wanted.return_to.as_deref()).await?,
            wishes: Wishes { session_binding: SessionBinding::Strict, handle_delivery: HandleDelivery::Fragment },
        };
        let cookie = Secret::<BrowserBinding>::new(self.random.token());
        let bound = sha256(cookie.expose().as_bytes());
        let wanted = Wanted { connection_config: wanted.connection_config, ..Wanted::default() };
        let fresh =
            self.fresh(beginner, &connector, provider, place, wanted, |_| Binding::Begun { cookie: bound }).await?;
        let provider = filled(provider, &connector, &fresh.session.inputs, Step::Authorize)?;
        let asked = Asked { session: &fresh.session, state: &fresh.state, verifier: &fresh.verifier, login_hint: None };
        let redirect_url = self.address(&connector, &provider, asked).await?;
        self.sessions.put_new(&fresh.session).await?;
        Ok(fresh.begun(redirect_url, cookie))
    }

    /// Pages of the console at this deployment's own address, and what the workspace's apps have registered: nobody is sent
    /// anywhere else.
    async fn admins_return_url(&self, connector: &Connector, asked: Option<&str>) -> Result<ReturnUrl, StartError> {
        let console = format!("{}/console", self.public_base_url);
        let Some(asked) = asked else {
            let page = format!("{console}/{}/connectors/{}", connector.workspace, connector.id);
            return ReturnUrl::parse(&page).map_err(|_| StartError::NoReturnUrl);
        };
        let asked = ReturnUrl::parse(asked).map_err(|_| StartError::ReturnUrlNotRegistered)?;
        let is_page_of = |console: &ReturnUrl| {
            asked == *console || asked.as_str().strip_prefix(console.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if ReturnUrl::parse(&console).is_ok_and(|console| is_page_of(&console)) {
            return Ok(asked);
        }
        if self.is_registered(&connector.workspace, &asked).await? {
            return Ok(asked);
        }
        Err(StartError::ReturnUrlNotRegistered)
    }

    async fn is_registered(&self, workspace: &WorkspaceId, asked: &ReturnUrl) -> Result<bool, StartError> {
        for id in self.apps.of_workspace(workspace).await? {
            let app = self.apps.find(&id).await?.filter(|app| app.workspace == *workspace);
            if app.is_some_and(|app| app.return_urls.contains(asked)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
