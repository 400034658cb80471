//! How each of it happens.

use serde_json::{Value, json};

use super::Stage;
use crate::{
    deletions::let_pass,
    world::{Browser, PROVIDER, Revocation, Step, journeys::handle, text},
};

impl Stage {
    async fn admin(&self, method: &str, rest: &str, body: Value, status: u16) -> Value {
        self.world.admin(method, rest).json(&body).send().await.expect(status)
    }

    async fn refuse_client(&self) {
        self.world.advance(3_700);
        self.world.provider.next(Step::answer(401, &[], &json!({"error": "invalid_client"}).to_string()));
        self.world.token(&self.connector, "alice").await;
    }

    pub(super) async fn happens(&self, what: &str) {
        let (world, connector) = (&self.world, &self.connector);
        let path = format!("/connectors/{}", connector.id);
        match what {
            "a user connects" => drop(world.connect(connector, "bob").await),
            "a user connects again" => drop(world.connect(connector, "alice").await),
            "a user comes back with another account" => {
                let mut begun = world.begin(connector, "alice").await;
                let callback = world.provider.approve(&begun.redirect_url, "other@provider");
                begun.browser.open(world, &callback).await.location();
            }
            "a user finishes elsewhere" => {
                let begun = world.begin(connector, "bob").await;
                let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
                let handle = handle(&Browser::default().open(world, &callback).await);
                world.finish(&begun.session, "bob", &handle).await.expect(200);
            }
            "a user declines" => {
                let mut begun = world.begin(connector, "bob").await;
                let back = world.provider.refuse(&begun.redirect_url, "access_denied", "");
                begun.browser.open(world, &back).await;
            }
            "a grant is imported" => world.import_users(connector, &world.app, &["bob".to_owned()]).await,
            "a grant is imported over another" => {
                let grant = world.made_elsewhere(connector, &world.app, "alice");
                let body = json!({"on_conflict": "replace", "connections": [grant]});
                assert_eq!(world.import(connector, &body).await.expect(200)["imported"], 1);
            }
            "an import is tried out" => {
                let grant = world.made_elsewhere(connector, &world.app, "bob");
                world.import(connector, &json!({"dry_run": true, "connections": [grant]})).await.expect(200);
            }
            "a change is foreseen" => {
                drop(self.admin("POST", &format!("{path}/foresee"), json!({"scopes": ["more"]}), 200).await);
            }
            _ if what.contains("provider") || what.contains("refresh") => self.provider_does(what).await,
            _ if what.contains("a connector") => self.connector_becomes(what, &path).await,
            _ => self.ends_or_stays(what, &path).await,
        }
    }

    async fn provider_does(&self, what: &str) {
        let (world, connector) = (&self.world, &self.connector);
        match what {
            "a token is refreshed" => {
                world.advance(3_700);
                world.access_token(connector, "alice").await;
            }
            "a refresh fails for now" => {
                world.advance(3_700);
                world.provider.next(Step::answer(500, &[], ""));
                world.token(connector, "alice").await;
            }
            "the provider takes a grant back, and a token is asked for" => {
                world.provider.take_back("alice@provider");
                world.advance(3_700);
                assert_eq!(world.token(connector, "alice").await.status, 404);
                assert_eq!(world.token(connector, "alice").await.status, 404);
            }
            "the provider takes a grant back, and the schedule finds it" => {
                world.provider.take_back("alice@provider");
                for _ in 0..2 {
                    world.advance(3_500);
                    world.fire_schedule().await;
                    world.deliver_all_refreshes().await;
                }
            }
            "the provider narrows a grant" => {
                world.advance(3_700);
                let narrow =
                    r#"{"access_token":"at_narrow","refresh_token":"rt_narrow","expires_in":3600,"scope":"read"}"#;
                world.provider.next(Step::answer(200, &[], narrow));
                world.access_token(connector, "alice").await;
            }
            "the provider refuses to end a grant" => {
                world.provider.answer_revocations_with(Revocation::Refused);
                world.disconnect(connector, "alice").await.expect(200);
            }
            "the provider ends a grant at no time" => {
                world.provider.answer_revocations_with(Revocation::Failing);
                world.disconnect(connector, "alice").await.expect(200);
                for _ in 0..40 {
                    world.advance(3_600);
                    world.fire_schedule().await;
                    while world.deliver_revocations().await.is_some() {}
                }
            }
            "the provider refuses the client, twice" => {
                self.refuse_client().await;
                self.refuse_client().await;
            }
            "the provider refuses the client, and the next one" => {
                self.refuse_client().await;
                world.change(connector, &json!({"client_secret": connector.client_secret})).await;
                self.refuse_client().await;
            }
            _ => panic!("nobody knows how it happens that {what}"),
        }
    }

    async fn connector_becomes(&self, what: &str, path: &str) {
        let (world, connector) = (&self.world, &self.connector);
        match what {
            "a connector is made" => drop(world.connector("Mail").await),
            "a connector is proposed, and confirmed" => {
                let mail = json!({"integration_type": PROVIDER, "name": "Mail", "client_id": "id", "scopes": ["read"]});
                let made = self.admin("POST", "/proposals", json!({"kind": "add", "connector": mail}), 201).await;
                let confirm = format!("/proposals/{}/confirm", text(&made["proposal_id"]));
                let answer = world.admin("POST", &confirm).json(&json!({"client_secret": "s"})).send().await;
                assert!((200..300).contains(&answer.status), "{}", answer.text);
            }
            "a connector is renamed" => drop(world.change(connector, &json!({"name": "Renamed"})).await),
            "a connector asks for more" => {
                world.change(connector, &json!({"scopes": ["read", "write", "more"]})).await;
                assert_eq!(world.view(connector, "alice").await["reason"], "scopes_changed");
            }
            "a connector is deleted" | "a connector is deleted, and nothing revoked" => {
                let revoke = what == "a connector is deleted";
                world.admin("DELETE", &format!("{path}?revoke={revoke}")).send().await.expect(202);
                let_pass(world, 5).await;
            }
            _ => panic!("nobody knows how it happens that {what}"),
        }
    }

    async fn ends_or_stays(&self, what: &str, path: &str) {
        let (world, connector, app) = (&self.world, &self.connector, &self.world.app);
        match what {
            "a user disconnects" => drop(world.disconnect(connector, "alice").await.expect(200)),
            "an admin disconnects a user" => {
                let who = format!("app_id={}&issuer={}&sub=alice", app.id, app.issuer);
                let rest = format!("{path}/connections/{}?{who}", self.connection);
                drop(world.admin("DELETE", &rest).send().await.expect(200));
            }
            "a user is forgotten" => {
                let rest = format!("/apps/{}/users/alice", app.id);
                world.admin("DELETE", &rest).send().await.expect(202);
            }
            "many are ended at once" => {
                let look = self.admin("POST", "/revocations", json!({"connector_id": connector.id}), 200).await;
                let body = json!({"connector_id": connector.id, "dry_run": false, "confirm": look["confirm"]});
                self.admin("POST", "/revocations", body, 202).await;
                let_pass(world, 5).await;
            }
            "the app is deleted" => {
                let answer = world.admin("DELETE", &format!("/apps/{}", app.id)).send().await;
                assert!((200..300).contains(&answer.status), "{}", answer.text);
                let_pass(world, 5).await;
            }
            "a shared account is connected and disconnected" => {
                let team = world.shared_connector("Team").await;
                assert_eq!(world.connect_shared(&team, "team@provider").await, "completed");
                assert_eq!(world.disconnect_shared(&team).await.status, 200);
            }
            "the type is switched off and on" => {
                for is_on in [false, true] {
                    let body = json!({"integration_type": PROVIDER, "per_user_connection_enabled": is_on});
                    self.admin("PUT", "/connector-governance", body, 200).await;
                }
            }
            "everything is sealed anew" => {
                world.rotate().await;
                world.seal_anew().await;
            }
            "the workspace is deleted" => {
                let answer = world.admin("DELETE", &format!("?confirm={}", world.workspace.id)).send().await;
                assert!((200..300).contains(&answer.status), "{}", answer.text);
                let_pass(world, 800).await;
            }
            _ => panic!("nobody knows how it happens that {what}"),
        }
    }
}
