//! For every route that changes something, a request that does it.

use age::x25519::Identity;
use serde_json::{Value, json};

use crate::world::{Browser, Call, Connector, PROVIDER, World, journeys::handle, jwks, text};

/// A request that changes something, by whoever may.
pub(super) struct Example {
    path: String,
    body: Option<Value>,
    by: By,
}

/// Who asks.
enum By {
    Bearer(String),
    /// The page of a link, in the browser that opened it.
    Page(Box<Browser>),
}

impl Example {
    fn admin(world: &World, rest: &str, body: impl Into<Option<Value>>) -> Self {
        let by = By::Bearer(world.workspace.admin_key.clone());
        Self { path: world.workspace.path(rest), body: body.into(), by }
    }

    fn alice(world: &World, rest: &str, body: impl Into<Option<Value>>) -> Self {
        Self { path: world.app.path(rest), body: body.into(), by: By::Bearer(world.app.user(world, "alice")) }
    }

    /// Asks, and answers with which status.
    pub(super) async fn ask(&self, world: &World, method: &str) -> u16 {
        match &self.by {
            By::Bearer(token) => self.call(world, method).bearer(token).send().await.status,
            By::Page(browser) => {
                let (link, what) = self.path.rsplit_once('/').unwrap();
                browser.as_ref().clone().on_page(world, &format!("https://connect.example{link}"), what).await.status
            }
        }
    }

    /// Asks the same without any proof of who it is.
    pub(super) async fn ask_as_nobody(&self, world: &World, method: &str) -> u16 {
        self.call(world, method).send().await.status
    }

    /// Asks for something that is no such request.
    pub(super) async fn ask_nonsense(&self, world: &World, method: &str) -> Option<u16> {
        let By::Bearer(token) = &self.by else { return None };
        self.body.as_ref()?;
        let call = world.call(method, &self.path).bearer(token).json(&json!({"nonsense": [1]}));
        Some(call.send().await.status)
    }

    fn call(&self, world: &World, method: &str) -> Call {
        let call = world.call(method, &self.path);
        if let Some(body) = &self.body { call.json(body) } else { call }
    }
}

/// An example of a route, where everything that it needs is there; nothing if there is none for it.
pub(super) async fn example(world: &World, (method, route): (&str, &str)) -> Option<Example> {
    if let Some(rest) = route.strip_prefix("/api/workspace/{ws}") {
        return match (method, rest) {
            (_, rest) if rest.starts_with("/connectors") => of_connectors(world, (method, rest)).await,
            (_, rest) if rest.starts_with("/apps") => of_apps(world, (method, rest)).await,
            (_, rest) if rest.starts_with("/webhooks") => of_webhooks(world, (method, rest)).await,
            (_, rest) if rest.starts_with("/proposals") => of_proposals(world, (method, rest)).await,
            _ => of_workspace(world, (method, rest)).await,
        };
    }
    of_users(world, (method, route)).await
}

fn client(name: &str) -> Value {
    json!({"integration_type": PROVIDER, "name": name, "client_id": "id", "client_secret": "s", "scopes": ["read"]})
}

async fn connected(world: &World) -> (Connector, String) {
    let connector = world.connector("Calendar").await;
    let connection = world.connect(&connector, "alice").await;
    (connector, connection)
}

/// What has all of a connector ended.
async fn confirmed(world: &World) -> Value {
    let (connector, _) = connected(world).await;
    world.advance(60);
    let look = world.revoke_matching(&world.workspace, &json!({"connector_id": connector.id})).await;
    json!({"connector_id": connector.id, "dry_run": false, "confirm": look.expect(200)["confirm"]})
}

async fn exportable(world: &World) -> Connector {
    let connector = world.connector("Calendar").await;
    world.change(&connector, &json!({"exportable": true})).await;
    world.advance(86_400);
    connector
}

async fn of_connectors(world: &World, of: (&str, &str)) -> Option<Example> {
    let admin = |rest: &str, body: Value| Some(Example::admin(world, rest, body));
    match of {
        ("POST", "/connectors") => admin("/connectors", client("Calendar")),
        ("PUT", "/connectors/{id}") => {
            admin(&format!("/connectors/{}", world.connector("Calendar").await.id), json!({"exportable": true}))
        }
        ("DELETE", "/connectors/{id}") => {
            Some(Example::admin(world, &format!("/connectors/{}", world.connector("Calendar").await.id), None))
        }
        ("POST", "/connectors/{id}/import") => {
            let connector = world.connector("Calendar").await;
            let grant = world.made_elsewhere(&connector, &world.app, "bob");
            admin(&format!("/connectors/{}/import", connector.id), json!({"connections": [grant]}))
        }
        ("POST", "/connectors/{id}/import/nango") => {
            let connector = world.connector("Calendar").await;
            let (kept, mapping) = (
                world.kept_by_nango(&connector, "bob"),
                json!({"app_id": world.app.id, "user": "connection_id", "client_id": connector.client_id}),
            );
            let body = json!({"connections": [kept], "mapping": mapping});
            admin(&format!("/connectors/{}/import/nango", connector.id), body)
        }
        ("POST", "/connectors/{id}/export") => {
            let body = json!({"recipient": Identity::generate().to_public().to_string()});
            admin(&format!("/connectors/{}/export", exportable(world).await.id), body)
        }
        ("DELETE", "/connectors/{id}/connections/{connection}") => {
            let (connector, connection) = connected(world).await;
            let who = format!("app_id={}&issuer={}&sub=alice", world.app.id, world.app.issuer);
            let rest = format!("/connectors/{}/connections/{connection}?{who}", connector.id);
            Some(Example::admin(world, &rest, None))
        }
        ("DELETE", "/connectors/{id}/connection") => {
            let connector = world.shared_connector("Team").await;
            assert_eq!(world.connect_shared(&connector, "team@provider").await, "completed");
            Some(Example::admin(world, &format!("/connectors/{}/connection", connector.id), None))
        }
        _ => None,
    }
}

async fn of_apps(world: &World, of: (&str, &str)) -> Option<Example> {
    let id = &world.app.id;
    let admin = |rest: &str, body: Option<Value>| Some(Example::admin(world, rest, body));
    match of {
        ("POST", "/apps") => admin("/apps", Some(json!({"name": "Second"}))),
        ("PUT", "/apps/{app}") => admin(&format!("/apps/{id}"), Some(json!({"name": "Renamed"}))),
        ("DELETE", "/apps/{app}") => admin(&format!("/apps/{id}"), None),
        ("PUT", "/apps/{app}/identity") => {
            let body = json!({"issuer": "https://other.example", "audience": "a", "jwks": jwks(&[&world.app.signer])});
            admin(&format!("/apps/{id}/identity"), Some(body))
        }
        ("DELETE", "/apps/{app}/identity") => admin(&format!("/apps/{id}/identity"), None),
        ("POST", "/apps/{app}/keys") => admin(&format!("/apps/{id}/keys"), Some(json!({"name": "backend"}))),
        ("DELETE", "/apps/{app}/keys/{key_id}") => {
            let (_, key) = world.service_key(&world.workspace, id, &[]).await;
            admin(&format!("/apps/{id}/keys/{key}"), None)
        }
        ("DELETE", "/apps/{app}/users/{sub}") => admin(&format!("/apps/{id}/users/bob"), None),
        _ => None,
    }
}

async fn of_webhooks(world: &World, of: (&str, &str)) -> Option<Example> {
    let made = async |world: &World| {
        let body = json!({"url": "http://127.0.0.1:9/hook"});
        text(&world.admin("POST", "/webhooks").json(&body).send().await.expect(201)["id"])
    };
    match of {
        ("POST", "/webhooks") => Some(Example::admin(world, "/webhooks", json!({"url": "http://127.0.0.1:9/hook"}))),
        ("PUT", "/webhooks/{webhook}") => {
            Some(Example::admin(world, &format!("/webhooks/{}", made(world).await), json!({"rotate_secret": true})))
        }
        ("DELETE", "/webhooks/{webhook}") => {
            Some(Example::admin(world, &format!("/webhooks/{}", made(world).await), None))
        }
        ("POST", "/webhooks/{webhook}/replay") => {
            let body = json!({"since": "2026-11-22T00:00:00Z"});
            Some(Example::admin(world, &format!("/webhooks/{}/replay", made(world).await), body))
        }
        _ => None,
    }
}

async fn of_proposals(world: &World, of: (&str, &str)) -> Option<Example> {
    let mut connector = client("Calendar");
    drop(connector.as_object_mut().unwrap().remove("client_secret"));
    let proposal = json!({"kind": "add", "connector": connector});
    let proposed = async |world: &World| {
        text(&world.admin("POST", "/proposals").json(&proposal).send().await.expect(201)["proposal_id"])
    };
    match of {
        ("POST", "/proposals") => Some(Example::admin(world, "/proposals", proposal)),
        ("POST", "/proposals/{proposal}/confirm") => {
            let path = format!("/proposals/{}/confirm", proposed(world).await);
            Some(Example::admin(world, &path, json!({"client_secret": "s"})))
        }
        ("POST", "/proposals/{proposal}/decline") => {
            Some(Example::admin(world, &format!("/proposals/{}/decline", proposed(world).await), None))
        }
        _ => None,
    }
}

async fn of_workspace(world: &World, of: (&str, &str)) -> Option<Example> {
    let admin = |rest: &str, body: Option<Value>| Some(Example::admin(world, rest, body));
    let switched_off = json!({"integration_type": PROVIDER, "per_user_connection_enabled": false});
    match of {
        ("DELETE", "") => admin(&format!("?confirm={}", world.workspace.id), None),
        ("PUT", "/connector-governance") => admin("/connector-governance", Some(switched_off)),
        ("PUT", "/connector-governance/bulk") => admin("/connector-governance/bulk", Some(json!([switched_off]))),
        ("POST", "/keys") => admin("/keys", Some(json!({"name": "ops", "role": "read"}))),
        ("DELETE", "/keys/{key_id}") => {
            let body = json!({"name": "ops", "role": "read"});
            let made = world.admin("POST", "/keys").json(&body).send().await.expect(201);
            admin(&format!("/keys/{}", text(&made["key_id"])), None)
        }
        ("POST", "/encryption-keys") => admin("/encryption-keys", Some(json!({}))),
        ("PUT", "/encryption-keys") => {
            let own = text(&world.aws.kms("CreateKey", &json!({})).await["KeyMetadata"]["Arn"]);
            admin("/encryption-keys", Some(json!({"kms_key_arn": own})))
        }
        ("POST", "/providers") => admin("/providers", Some(world.provider.registration("second"))),
        ("DELETE", "/providers/{type}") => admin(&format!("/providers/{PROVIDER}"), None),
        ("PUT", "/identity") => admin("/identity", Some(identity(world))),
        ("DELETE", "/identity") => {
            world.admin("PUT", "/identity").json(&identity(world)).send().await.expect(200);
            admin("/identity", None)
        }
        ("POST", "/revocations") => admin("/revocations", Some(confirmed(world).await)),
        ("DELETE", "/revocations/{revocation}") => {
            let begun = world.revoke_matching(&world.workspace, &confirmed(world).await).await.expect(202);
            admin(&format!("/revocations/{}", text(&begun["revocation_id"])), None)
        }
        _ => None,
    }
}

fn identity(world: &World) -> Value {
    json!({
        "issuer": "https://people.example", "client_id": "console", "jwks": jwks(&[&world.app.signer]),
        "admins": {"claim": "groups", "values": ["admins"]},
    })
}

async fn of_users(world: &World, of: (&str, &str)) -> Option<Example> {
    match of {
        ("DELETE", "/api/apps/{app}/app-user-auth/connectors/{id}") => {
            let (connector, _) = connected(world).await;
            Some(Example::alice(world, &format!("/app-user-auth/connectors/{}", connector.id), None))
        }
        ("POST", "/api/apps/{app}/app-user-auth/sessions/{session}/finish") => {
            let connector = world.connector("Calendar").await;
            let (session, url) = world.link(&connector, "alice").await;
            let mut browser = Browser::default();
            let callback = world.provider.approve(&browser.open_link(world, &url).await, "alice@provider");
            let handle = handle(&browser.open(world, &callback).await);
            let rest = format!("/app-user-auth/sessions/{session}/finish");
            Some(Example::alice(world, &rest, json!({"handle": handle})))
        }
        ("POST", "/connect/{session}/disconnect") => {
            let (connector, _) = connected(world).await;
            let body = json!({"user": {"sub": "alice"}, "connector_id": connector.id, "manage": true});
            let call = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
            let link = call.json(&body).send().await.expect(201);
            let mut browser = Browser::default();
            browser.on_page(world, &text(&link["connect_url"]), "open").await.expect(200);
            let path = format!("/connect/{}/disconnect", text(&link["session_id"]));
            Some(Example { path, body: None, by: By::Page(Box::new(browser)) })
        }
        _ => None,
    }
}
