//! What an admin connects once, and every app of the workspace uses.

use serde_json::{Value, json};

use super::{Answer, App, Browser, Connector, PROVIDER, Workspace, World, journeys::parameter, text};

impl World {
    /// A connector of the first workspace through which its apps share one account.
    pub(crate) async fn shared_connector(&self, name: &str) -> Connector {
        self.shared_connector_of(&self.workspace, PROVIDER, name).await
    }

    pub(crate) async fn shared_connector_of(&self, workspace: &Workspace, provider: &str, name: &str) -> Connector {
        self.connector_of_kind(workspace, provider, name, &["read", "write"], "shared").await
    }

    /// An admin begins to connect a shared connector. Answers their browser and where it goes.
    pub(crate) async fn begin_shared(&self, workspace: &Workspace, connector: &Connector) -> (Browser, String) {
        let path = format!("/connectors/{}/connect", connector.id);
        let answer = workspace.admin(self, "POST", &path).json(&json!({})).send().await;
        let begun = answer.expect(200);
        let mut browser = Browser::default();
        browser.remember(&answer);
        for (_, cookie) in answer.cookies() {
            self.keep_secret(&cookie);
        }
        let redirect_url = text(&begun["redirect_url"]);
        self.keep_secret(&parameter(&redirect_url, "state"));
        (browser, redirect_url)
    }

    /// An admin of the first workspace connects this account. Answers how the session ended.
    pub(crate) async fn connect_shared(&self, connector: &Connector, account: &str) -> String {
        self.connect_shared_of(&self.workspace, connector, account).await
    }

    pub(crate) async fn connect_shared_of(
        &self,
        workspace: &Workspace,
        connector: &Connector,
        account: &str,
    ) -> String {
        let (mut browser, redirect_url) = self.begin_shared(workspace, connector).await;
        let landed = browser.open(self, &self.provider.approve(&redirect_url, account)).await;
        parameter(landed.location(), "status")
    }

    /// The shared token that an app's backend gets: by `connectors/{id}` or by type.
    pub(crate) async fn shared_token(&self, app: &App, by: &str) -> Answer {
        self.call("GET", &app.path(&format!("/external-auth/tokens/{by}"))).bearer(&app.service_key).send().await
    }

    /// The connector as an admin of the first workspace sees it.
    pub(crate) async fn shared_view(&self, connector: &Connector) -> Value {
        self.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200)
    }

    pub(crate) async fn disconnect_shared(&self, connector: &Connector) -> Answer {
        self.admin("DELETE", &format!("/connectors/{}/connection", connector.id)).send().await
    }
}

impl Connector {
    /// How its shared token is asked for.
    pub(crate) fn by_id(&self) -> String {
        format!("connectors/{}", self.id)
    }
}
