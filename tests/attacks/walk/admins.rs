//! What admins do in their own workspaces, while everybody else is at work.

use serde_json::{Value, json};

use super::{Walk, callers::Caller, tenants};
use crate::world::{PROVIDER, text};

impl Walk {
    pub(super) async fn administrate(&mut self) {
        let tenant = self.any_tenant();
        self.serial += 1;
        match self.dice.below(11) {
            0 => self.replace_connector(tenant).await,
            1 | 2 => self.change_connector(tenant).await,
            3 | 4 => self.replace_key().await,
            5 => self.change_app().await,
            6 => self.forget_user().await,
            7 => self.define_provider(tenant).await,
            8 => self.rotate_encryption_key(tenant).await,
            9 => self.revoke_all_of_a_connector(tenant).await,
            _ => self.look_at_everything(tenant).await,
        }
    }

    async fn manage(&mut self, tenant: usize, method: &str, rest: &str, body: Option<&Value>) -> (u16, Value) {
        let path = self.tenants[tenant].workspace.path(rest);
        let answer = self.ask("administrate", Caller::Admin(tenant), (method, &path), body).await;
        assert!(matches!(answer.status, 200..300 | 409), "{:?}: {answer:?}", self.step);
        (answer.status, if answer.text.is_empty() { Value::Null } else { answer.json() })
    }

    async fn replace_connector(&mut self, tenant: usize) {
        let at = self.dice.below(self.tenants[tenant].connectors.len());
        let id = self.tenants[tenant].connectors[at].id.clone();
        let revoke = self.dice.one(&["", "?revoke=false"]);
        self.manage(tenant, "DELETE", &format!("/connectors/{id}{revoke}"), None).await;
        let name = format!("{}new-{}", self.tenants[tenant].place().mark(), self.serial);
        let connector = tenants::connector(&self.world, &self.tenants[tenant], &name).await;
        self.tenants[tenant].connectors[at] = connector;
    }

    /// Looks first, and then ends what was seen.
    async fn revoke_all_of_a_connector(&mut self, tenant: usize) {
        let at = self.dice.below(self.tenants[tenant].connectors.len());
        let criteria = json!({"connector_id": self.tenants[tenant].connectors[at].id});
        let (_, look) = self.manage(tenant, "POST", "/revocations", Some(&criteria)).await;
        let wish = json!({"connector_id": criteria["connector_id"], "dry_run": false, "confirm": look["confirm"]});
        let (_, begun) = self.manage(tenant, "POST", "/revocations", Some(&wish)).await;
        let report = format!("/revocations/{}", text(&begun["revocation_id"]));
        self.manage(tenant, "GET", &report, None).await;
        self.manage(tenant, "GET", "/revocations", None).await;
        self.manage(tenant, "DELETE", &report, None).await;
    }

    async fn change_connector(&mut self, tenant: usize) {
        let at = self.dice.below(self.tenants[tenant].connectors.len());
        let (id, secret) = {
            let connector = &self.tenants[tenant].connectors[at];
            (connector.id.clone(), connector.client_secret.clone())
        };
        let name = format!("{}renamed-{}", self.tenants[tenant].place().mark(), self.serial);
        let change = match self.dice.below(3) {
            0 => json!({"name": name}),
            1 => json!({"client_secret": secret}),
            _ => json!({"scopes": ["read"]}),
        };
        self.manage(tenant, "PUT", &format!("/connectors/{id}"), Some(&change)).await;
    }

    /// A new key for a backend; the old one is revoked, and tried again later.
    async fn replace_key(&mut self) {
        let seat = self.any_seat();
        let (tenant, app) = (self.seats[seat].tenant, self.seats[seat].app.id.clone());
        let name = self.sight(Caller::Backend(seat)).unwrap().mark();
        let body = json!({"name": name, "permissions": ["tokens:offline"]});
        let (_, made) = self.manage(tenant, "POST", &format!("/apps/{app}/keys"), Some(&body)).await;
        let (key, id) = (text(&made["key"]), text(&made["key_id"]));
        let old_key = std::mem::replace(&mut self.seats[seat].app.service_key, key);
        let old_id = std::mem::replace(&mut self.seats[seat].app.service_key_id, id);
        self.manage(tenant, "DELETE", &format!("/apps/{app}/keys/{old_id}"), None).await;
        self.revoked.push((old_key, self.now()));
    }

    async fn change_app(&mut self) {
        let seat = self.any_seat();
        let name = format!("{}app-{}", self.sight(Caller::Backend(seat)).unwrap().mark(), self.serial);
        let path = format!("/apps/{}", self.seats[seat].app.id);
        self.manage(self.seats[seat].tenant, "PUT", &path, Some(&json!({"name": name}))).await;
    }

    async fn forget_user(&mut self) {
        let (seat, user) = self.any_user();
        let (tenant, name) = (self.seats[seat].tenant, self.seats[seat].users[user]);
        let path = format!("/apps/{}/users/{name}", self.seats[seat].app.id);
        self.manage(tenant, "DELETE", &path, None).await;
    }

    /// A provider of the workspace's own; the one of the walk goes and comes back.
    async fn define_provider(&mut self, tenant: usize) {
        self.manage(tenant, "DELETE", &format!("/providers/{PROVIDER}"), None).await;
        let mut definition = self.world.provider.registration(PROVIDER);
        definition["name"] = json!(format!("{}provider", self.tenants[tenant].place().mark()));
        self.manage(tenant, "POST", "/providers", Some(&definition)).await;
    }

    async fn rotate_encryption_key(&mut self, tenant: usize) {
        // Now and then: each leaves a generation behind.
        if self.dice.percent(20) {
            self.manage(tenant, "POST", "/encryption-keys", Some(&json!({}))).await;
        }
    }

    async fn look_at_everything(&mut self, tenant: usize) {
        for rest in [
            "/connectors",
            "/apps",
            "/keys",
            "/providers",
            "/encryption-keys",
            "/webhooks",
            "/audit",
            "/audit/verify",
            "/health",
            "/audit",
            "/connector-governance",
            "/connector-governance/bulk",
            "/health",
            "/proposals",
            "",
        ] {
            self.manage(tenant, "GET", rest, None).await;
        }
        let (seat, user) = self.any_user();
        let (tenant, name) = (self.seats[seat].tenant, self.seats[seat].users[user]);
        let path = format!("/apps/{}/users/{name}/connections", self.seats[seat].app.id);
        self.manage(tenant, "GET", &path, None).await;
    }
}
