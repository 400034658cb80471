//! What users, their browsers and their app's backend do, step by step or as a whole.

use local::product::Product;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, App, Browser, Call, Connector, World, text};

/// A session that a user's own request began, in the browser that was handed its cookie.
pub(crate) struct Begun {
    pub(crate) session: String,
    pub(crate) redirect_url: String,
    pub(crate) connection_id: String,
    pub(crate) browser: Browser,
}

impl World {
    pub(crate) fn as_user(&self, user: &str, method: &str, rest: &str) -> Call {
        self.call(method, &self.app.path(rest)).bearer(&self.app.user(self, user))
    }

    /// The app's backend in the name of a user.
    pub(crate) fn on_behalf(&self, app: &App, user: &str, method: &str, rest: &str) -> Call {
        self.call(method, &app.path(rest)).bearer(&app.service_key).on_behalf_of(&app.user(self, user))
    }

    pub(crate) async fn begin(&self, connector: &Connector, user: &str) -> Begun {
        self.begin_with(connector, user, &json!({})).await
    }

    pub(crate) async fn begin_with(&self, connector: &Connector, user: &str, wishes: &Value) -> Begun {
        let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
        let answer = self.as_user(user, "POST", &rest).json(wishes).send().await;
        let begun = answer.expect(200);
        let mut browser = Browser::default();
        browser.remember(&answer);
        for (_, cookie) in answer.cookies() {
            self.keep_secret(&cookie);
        }
        let redirect_url = text(&begun["redirect_url"]);
        self.keep_secret(&parameter(&redirect_url, "state"));
        Begun {
            session: text(&begun["session_id"]),
            redirect_url,
            connection_id: text(&begun["connection_id"]),
            browser,
        }
    }

    /// A user connects in one browser, as account `{user}@provider`. Answers the connection's id.
    pub(crate) async fn connect(&self, connector: &Connector, user: &str) -> String {
        let mut begun = self.begin(connector, user).await;
        let callback = self.provider.approve(&begun.redirect_url, &format!("{user}@provider"));
        let answer = begun.browser.open(self, &callback).await;
        assert_eq!(parameter(answer.location(), "status"), "completed");
        begun.connection_id
    }

    /// The token that the app's backend gets for a user.
    pub(crate) async fn token(&self, connector: &Connector, user: &str) -> Answer {
        self.token_with(connector, user, "").await
    }

    pub(crate) async fn token_with(&self, connector: &Connector, user: &str, query: &str) -> Answer {
        let rest = format!("/app-user-auth/connectors/{}/token{query}", connector.id);
        self.on_behalf(&self.app, user, "GET", &rest).send().await
    }

    /// The access token that the app's backend gets for a user; the test ends here if it gets none.
    pub(crate) async fn access_token(&self, connector: &Connector, user: &str) -> String {
        text(&self.token(connector, user).await.expect(200)["access_token"])
    }

    /// The connector as the user sees it.
    pub(crate) async fn view(&self, connector: &Connector, user: &str) -> Value {
        let rest = format!("/app-user-auth/connectors/{}", connector.id);
        self.as_user(user, "GET", &rest).send().await.expect(200)
    }

    pub(crate) async fn disconnect(&self, connector: &Connector, user: &str) -> Answer {
        self.as_user(user, "DELETE", &format!("/app-user-auth/connectors/{}", connector.id)).send().await
    }

    /// As [`World::disconnect`], by an instance whose process dies while it waits for the provider.
    pub(crate) async fn disconnect_and_die(&self, connector: &Connector, user: &str) {
        let (environment, clock, provider) = (self.aws.environment.clone(), self.clock.clone(), self.provider.clone());
        let path = self.app.path(&format!("/app-user-auth/connectors/{}", connector.id));
        let token = self.app.user(self, user);
        let asked_before = provider.journal("/revoke").len();
        let life = tokio::task::spawn_blocking(move || {
            let process = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            process.block_on(async {
                let product = Product::open(&environment, clock).await.unwrap();
                let call = Call::new(product.routes, "DELETE", &path).bearer(&token);
                tokio::spawn(call.send());
                while provider.journal("/revoke").len() == asked_before {
                    tokio::task::yield_now().await;
                }
            });
        });
        life.await.unwrap();
    }

    /// What the audit trail says was done, the latest first: the actions that begin like this.
    pub(crate) async fn deeds(&self, prefix: &str) -> Vec<String> {
        let trail = self.admin("GET", "/audit").send().await.expect(200);
        let actions = trail["events"].as_array().unwrap().iter().map(|event| text(&event["action"]));
        actions.filter(|action| action.starts_with(prefix)).collect()
    }

    /// A link to connect, for a user that the app's backend names.
    pub(crate) async fn link(&self, connector: &Connector, user: &str) -> (String, String) {
        let body = json!({"user": {"issuer": self.app.issuer, "sub": user}, "connector_id": connector.id});
        let call = self.call("POST", &self.app.path("/connect-sessions")).bearer(&self.app.service_key);
        let link = call.json(&body).send().await.expect(201);
        (text(&link["session_id"]), text(&link["connect_url"]))
    }

    pub(crate) async fn finish(&self, session: &str, user: &str, handle: &str) -> Answer {
        let call = self.as_user(user, "POST", &format!("/app-user-auth/sessions/{session}/finish"));
        call.json(&json!({"handle": handle})).send().await
    }

    /// How a session stands, for its user.
    pub(crate) async fn session(&self, session: &str, user: &str) -> Value {
        self.as_user(user, "GET", &format!("/app-user-auth/sessions/{session}")).send().await.expect(200)
    }
}

/// A parameter of an address's query, empty if it is not there.
pub(crate) fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The one-time handle that a browser is sent home with, in the fragment.
pub(crate) fn handle(answer: &Answer) -> String {
    assert_eq!(parameter(answer.location(), "status"), "awaiting_finish");
    answer.location().split_once("#handle=").expect("a handle").1.to_owned()
}
