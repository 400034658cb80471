//! A developer's machine: one running process over a folder of its own, and what the demo app's page does with it.

use connectors::clock::Clock;
use local::{
    settings::Settings,
    stack::{self, Running},
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::http::{Answer, send};

pub(crate) struct Machine {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) running: Running,
}

impl Machine {
    pub(crate) async fn start() -> Self {
        Self::start_over(tempfile::tempdir().unwrap(), &[]).await
    }

    /// Starts on any free port over this folder, with these variables set as well.
    pub(crate) async fn start_over(folder: tempfile::TempDir, set: &[(&str, &str)]) -> Self {
        let data_dir = folder.path().to_str().unwrap().to_owned();
        let variable = |name: &str| match name {
            "PORT" => Some("0".to_owned()),
            "DATA_DIR" => Some(data_dir.clone()),
            name => set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let settings = Settings::read(variable).unwrap();
        let running = stack::start(&settings, Clock::system(), variable).await.unwrap();
        Self { folder, running }
    }

    /// Stops, and starts again over the same folder; the port is another one.
    pub(crate) async fn restart(self) -> Self {
        self.running.stop().await;
        Self::start_over(self.folder, &[]).await
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.running.dev.base_url)).unwrap()
    }

    pub(crate) async fn sign_in(&self, user: &str) -> User<'_> {
        let answer = send("POST", &self.url(&format!("/demo/users/{user}/token")), &[], "").await;
        User { machine: self, token: answer.json()["token"].as_str().unwrap().to_owned() }
    }
}

/// A demo user in a browser.
pub(crate) struct User<'a> {
    machine: &'a Machine,
    token: String,
}

impl User<'_> {
    pub(crate) async fn send(&self, method: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        send(method, &self.machine.url(path), &headers, "").await
    }

    fn connectors(&self) -> String {
        format!("/api/apps/{}/app-user-auth/connectors", self.machine.running.dev.app_id)
    }

    /// The demo connector as the user sees it.
    pub(crate) async fn connector(&self) -> Value {
        let list = self.send("GET", &self.connectors()).await.json();
        let list = list.as_array().or(list["connectors"].as_array()).unwrap().clone();
        let id = &self.machine.running.dev.connector_id;
        list.into_iter().find(|connector| connector["connector_id"] == id.as_str()).unwrap()
    }

    /// Connects the demo calendar, allowing these scopes; answers where the browser ends up.
    pub(crate) async fn connect(&self, allowed: &[&str]) -> Url {
        let dev = &self.machine.running.dev;
        let started = self.send("POST", &format!("{}/{}/initiate", self.connectors(), dev.connector_id)).await;
        let consent_url = Url::parse(started.json()["redirect_url"].as_str().unwrap()).unwrap();
        let page = send("GET", &consent_url, &[], "").await;
        let request = page.body.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("request", request), ("account", "1001"), ("decision", "allow")]);
        form.extend_pairs(allowed.iter().map(|scope| (format!("allow.{scope}"), "on")));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &page.cookies())];
        let decision = self.machine.url("/demo-provider/authorize/decision");
        let callback = send("POST", &decision, &headers, &form.finish()).await.location();
        send("GET", &callback, &[("cookie", &started.cookies())], "").await.location()
    }

    pub(crate) async fn disconnect(&self) -> Answer {
        self.send("DELETE", &format!("{}/{}", self.connectors(), self.machine.running.dev.connector_id)).await
    }

    /// What the demo app's backend answers to "Show my events".
    pub(crate) async fn events(&self) -> Answer {
        self.send("POST", "/demo/backend/events").await
    }
}
