//! An app's id outlives the app: whoever registers it next owes nothing to whoever had it before.

use std::sync::Arc;

use futures::join;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::world::{App, RETURN_URL, Reply, SigningKey, Workspace, World, jwks, serve};

/// An issuer that hands its keys out when it is told to.
struct SlowIssuer {
    uri: String,
    asked: Arc<Notify>,
    answers: Arc<Notify>,
}

impl SlowIssuer {
    async fn start(signer: &SigningKey) -> Self {
        let (asked, answers, keys) = (Arc::new(Notify::new()), Arc::new(Notify::new()), jwks(&[signer]));
        let (ask, answer) = (asked.clone(), answers.clone());
        let address = serve(Arc::new(move |_| {
            let (ask, answer, keys) = (ask.clone(), answer.clone(), keys.clone());
            Box::pin(async move {
                ask.notify_one();
                answer.notified().await;
                Reply::json(200, &keys)
            })
        }))
        .await;
        Self { uri: format!("http://{address}/keys"), asked, answers }
    }

    fn identity(&self, app: &App) -> Value {
        json!({"issuer": app.issuer, "audience": app.id, "jwks_uri": self.uri})
    }
}

async fn delete_app(world: &World, workspace: &Workspace) {
    workspace.admin(world, "DELETE", "/apps/first-app").send().await.expect(202);
}

/// A connector of the workspace through which `user` has a connection in this app.
async fn uri_of_token(world: &World, app: &App, workspace: &Workspace) -> String {
    let connector = world.connector_of(workspace, "Theirs", &["read"]).await;
    let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let begun = world.on_behalf(app, "alice", "POST", &rest).send().await;
    let callback = world.provider.approve(begun.expect(200)["redirect_url"].as_str().unwrap(), "alice@provider");
    let mut browser = crate::world::Browser::default();
    browser.remember(&begun);
    browser.open(world, &callback).await.location();
    app.path(&format!("/users/alice/connectors/{}/token", connector.id))
}

#[tokio::test]
async fn a_service_key_opens_nothing_of_the_app_that_another_workspace_registers_under_its_apps_id() {
    let world = World::new().await;
    let (key, _) = world.service_key(&world.workspace, "first-app", &["tokens:offline"]).await;
    delete_app(&world, &world.workspace).await;
    world.advance(61);
    let other = world.found("Second").await;
    world.define_provider(&other, crate::world::PROVIDER).await;
    let theirs = world.register_app(&other, "first-app").await;
    let token = uri_of_token(&world, &theirs, &other).await;
    for path in [token, theirs.path("/connections"), theirs.path("/oauth-redirect-uris")] {
        assert_eq!(world.call("GET", &path).bearer(&key).send().await.status, 401, "{path}");
    }
    let link = json!({"user": {"issuer": theirs.issuer, "sub": "alice"}});
    let link = world.call("POST", &theirs.path("/connect-sessions")).bearer(&key).json(&link).send().await;
    assert_eq!(link.status, 401);
    assert_eq!(world.call("GET", &theirs.path("/connections")).bearer(&theirs.service_key).send().await.status, 200);
}

#[tokio::test]
async fn a_service_key_of_a_deleted_app_is_refused_when_the_same_workspace_registers_the_id_anew() {
    let world = World::new().await;
    let key = world.app.service_key.clone();
    delete_app(&world, &world.workspace).await;
    world.advance(61);
    let anew = world.register_app(&world.workspace, "first-app").await;
    assert_eq!(world.call("GET", &anew.path("/connections")).bearer(&key).send().await.status, 401);
    assert_eq!(world.call("GET", &anew.path("/connections")).bearer(&anew.service_key).send().await.status, 200);
    let listed = world.admin("GET", "/apps/first-app/keys").send().await.expect(200);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1, "the keys of the app before are gone");
}

/// The issuer answers when the app is somebody else's.
#[tokio::test]
async fn an_identity_that_comes_late_changes_no_app_of_another_workspace() {
    let world = World::new().await;
    let issuer = SlowIssuer::start(&world.app.signer).await;
    let other = world.found("Second").await;
    let identify = world.admin("PUT", "/apps/first-app/identity").json(&issuer.identity(&world.app)).send();
    let changes_hands = async {
        issuer.asked.notified().await;
        delete_app(&world, &world.workspace).await;
        world.advance(61);
        let theirs = world.register_app(&other, "first-app").await;
        issuer.answers.notify_one();
        theirs
    };
    let (late, theirs) = join!(identify, changes_hands);
    assert_eq!(late.status, 404);
    assert_eq!(other.admin(&world, "GET", "/apps/first-app").send().await.expect(200)["id"], "first-app");
    assert_eq!(world.admin("GET", "/apps/first-app").send().await.status, 404);
    let listing = world.call("GET", &theirs.path("/connections")).bearer(&theirs.service_key).send().await;
    assert_eq!(listing.status, 200);
}

/// Neither of two changes at the same time undoes the other: a return address that was taken away stays away.
#[tokio::test]
async fn settings_that_change_while_an_identity_is_looked_up_stay_changed() {
    let world = World::new().await;
    let issuer = SlowIssuer::start(&world.app.signer).await;
    let identify = world.admin("PUT", "/apps/first-app/identity").json(&issuer.identity(&world.app)).send();
    let narrows = async {
        issuer.asked.notified().await;
        let change = json!({"return_urls": ["https://app.example/only"]});
        world.admin("PUT", "/apps/first-app").json(&change).send().await.expect(200);
        issuer.answers.notify_one();
    };
    let (identified, ()) = join!(identify, narrows);
    identified.expect(200);
    let app = world.admin("GET", "/apps/first-app").send().await.expect(200);
    assert_eq!(app["return_urls"], json!(["https://app.example/only"]));
    assert_eq!(app["identity"]["jwks_uri"], issuer.uri.as_str());
    let back = json!({"return_urls": [RETURN_URL], "origins": []});
    world.admin("PUT", "/apps/first-app").json(&back).send().await.expect(200);
    world.admin("DELETE", "/apps/first-app/identity").send().await.expect(204);
    let app = world.admin("GET", "/apps/first-app").send().await.expect(200);
    assert_eq!(
        (&app["return_urls"], &app["origins"], &app["identity"]),
        (&back["return_urls"], &json!([]), &Value::Null)
    );
}
