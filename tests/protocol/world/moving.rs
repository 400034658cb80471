//! Grants that somebody else kept until now, and what becomes of them here.

use std::{collections::HashSet, io::Read};

use age::{Decryptor, armor::ArmoredReader, x25519::Identity};
use serde_json::{Value, json};

use super::{Answer, App, Connector, PROVIDER, Workspace, World, text};

impl World {
    /// A grant of this user's to the connector's client, made elsewhere, as an import takes it.
    pub(crate) fn made_elsewhere(&self, connector: &Connector, app: &App, user: &str) -> Value {
        let tokens = self.provider.grant(&connector.client_id, &format!("{user}@provider"), "read write");
        json!({
            "app_id": app.id, "user": {"sub": user}, "client_id": connector.client_id,
            "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
            "expires_at": self.in_an_hour(), "scopes": ["read", "write"],
        })
    }

    /// The same, as Nango's API answers it.
    pub(crate) fn kept_by_nango(&self, connector: &Connector, user: &str) -> Value {
        let tokens = self.provider.grant(&connector.client_id, &format!("{user}@provider"), "read write");
        json!({
            "id": 7, "connection_id": user, "provider_config_key": "fake", "provider": "fake", "errors": [],
            "end_user": {"id": user, "email": null}, "metadata": {"team": 1}, "connection_config": {"subdomain": "x"},
            "created_at": "2026-01-01T00:00:00.000Z",
            "credentials": {
                "type": "OAUTH2", "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
                "expires_at": self.in_an_hour(), "raw": tokens,
            },
        })
    }

    fn in_an_hour(&self) -> String {
        self.clock.now().checked_add(std::time::Duration::from_hours(1)).unwrap().to_string()
    }

    /// An admin of the first workspace imports.
    pub(crate) async fn import(&self, connector: &Connector, body: &Value) -> Answer {
        self.admin("POST", &format!("/connectors/{}/import", connector.id)).json(body).send().await
    }

    /// Imports grants of these users, all of which must become connections.
    pub(crate) async fn import_users(&self, connector: &Connector, app: &App, users: &[String]) {
        for users in users.chunks(100) {
            let grants: Vec<Value> = users.iter().map(|user| self.made_elsewhere(connector, app, user)).collect();
            let answer = self.import(connector, &json!({"connections": grants})).await.expect(200);
            assert_eq!(answer["imported"], users.len(), "{answer}");
        }
    }

    pub(crate) async fn export(&self, connector: &Connector, body: &Value) -> Answer {
        self.admin("POST", &format!("/connectors/{}/export", connector.id)).json(body).send().await
    }

    /// A connector with the client of another, in the first workspace of this deployment.
    pub(crate) async fn connector_with_client_of(&self, other: &Connector) -> Connector {
        let body = json!({
            "integration_type": PROVIDER, "name": "Moved", "client_id": other.client_id,
            "client_secret": other.client_secret, "scopes": ["read", "write"],
        });
        let created = self.admin("POST", "/connectors").json(&body).send().await.expect(201);
        let (id, redirect_uri) = (text(&created["id"]), text(&created["redirect_uri"]));
        Connector { id, redirect_uri, ..other.clone() }
    }

    /// No token that the provider gave out is in a table, in the log, or in an answer that is not for it.
    pub(crate) async fn assert_no_token_is_to_be_read(&self) {
        let secrets = self.provider.secrets();
        let tokens: HashSet<&str> = secrets
            .iter()
            .map(String::as_str)
            .filter(|known| known.starts_with("at_") || known.starts_with("rt_"))
            .collect();
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let answers = self.answers.lock().unwrap().clone();
        let of_others = answers.into_iter().filter(|(request, _)| !request.contains("/token"));
        let mut texts: Vec<String> = of_others.map(|(_, answer)| answer.text).collect();
        texts.extend([self.aws.dump().await, self.log.text()]);
        for text in &texts {
            let seen = text.split(|c| !is_of_token(c)).find(|word| tokens.contains(word));
            assert!(seen.is_none(), "{:?}…", seen.map(|token| &token[..4]));
            assert!(!tokens.iter().take(20).any(|token| text.contains(token)));
        }
    }

    /// What an admin asks of many connections at once.
    pub(crate) async fn revoke_matching(&self, workspace: &Workspace, body: &Value) -> Answer {
        workspace.admin(self, "POST", "/revocations").json(body).send().await
    }
}

/// What an age file says to who has the key: by the format's own implementation.
pub(crate) fn opened(file: &str, key: &Identity) -> String {
    let decryptor = Decryptor::new(ArmoredReader::new(file.as_bytes())).unwrap();
    let mut opened = String::new();
    decryptor.decrypt(std::iter::once(key as _)).unwrap().read_to_string(&mut opened).unwrap();
    opened
}
