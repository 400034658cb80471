//! Every route that there is, asked with every proof that is not the right one. A route that is added is asked too.

use serde_json::{Value, json};

use crate::{
    doubles::{ROUTES, example_of},
    world::{App, Call, Connector, SigningKey, Workspace, World, jwks},
};

/// What is answered to anybody: the catalogue, the SDK's reports, public keys, pages whose address is the proof, and where a
/// workspace's people sign in. And what has a form of its own for proofs, and tests of its own: the exchange of tokens.
const PUBLIC: [&str; 17] = [
    "/oauth/token",
    "/api/providers",
    "/api/providers/{type}",
    "/api/apps/{app}/analytics/track/batch",
    "/.well-known/oauth-protected-resource/mcp/{ws}",
    "/.well-known/oauth-protected-resource/mcp/apps/{app}",
    "/connect.js",
    "/connect-1.0.0.js",
    "/connect/{session}",
    "/connect/{session}/open",
    "/connect/{session}/continue",
    "/connect/{session}/decline",
    "/connect/{session}/disconnect",
    "/api/workspace/{ws}/sign-in",
    "/api/workspace/{ws}/sign-in/token",
    "/api/external-auth/callback/{connector_id}",
    "/api/external-auth/jwks/{connector_id}",
];

/// Somebody's age key.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Who vouches for the people of both workspaces, by keys that were registered with each.
const ORGANISATION: &str = "https://people.example";

/// A world with a victim (a workspace with everything in it), and with others who want something of it.
struct Two {
    world: World,
    connector: Connector,
    session: String,
    /// The id of a connection, and what has to be said beside it.
    connection: String,
    /// The id of a revocation that has begun, and ends nothing.
    revocation: String,
    webhook: String,
    proposal: String,
    sibling: App,
    hostile: Workspace,
    theirs: App,
    /// Signs for the people of each workspace: ours, theirs.
    people: [SigningKey; 2],
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let connector = world.connector("Calendar").await;
        world.connect(&connector, "alice").await;
        let session = world.begin(&connector, "alice").await.session;
        let listed = world.admin("GET", &format!("/connectors/{}/connections", connector.id)).send().await.expect(200);
        let connection = listed["connections"][0]["connection_id"].as_str().unwrap();
        let connection = format!("{connection}?app_id={}&issuer={}&sub=alice", world.app.id, world.app.issuer);
        let looked_at = json!({"connected_before": "2020-01-01T00:00:00Z"});
        let look = world.admin("POST", "/revocations").json(&looked_at).send().await.expect(200);
        let wish = json!({"connected_before": "2020-01-01T00:00:00Z", "dry_run": false, "confirm": look["confirm"]});
        let begun = world.admin("POST", "/revocations").json(&wish).send().await.expect(202);
        let revocation = begun["revocation_id"].as_str().unwrap().to_owned();
        let webhook = json!({"url": "https://receiver.example/hook"});
        let webhook = world.admin("POST", "/webhooks").json(&webhook).send().await.expect(201)["id"].clone();
        let webhook = webhook.as_str().unwrap().to_owned();
        let sibling = world.register_app(&world.workspace, "sibling-app").await;
        let hostile = world.found("Hostile").await;
        let theirs = world.register_app(&hostile, "their-app").await;
        let rename = json!({"kind": "update", "connector_id": connector.id, "connector": {"name": "Proposed"}});
        let proposed = world.admin("POST", "/proposals").json(&rename).send().await.expect(201);
        let proposal = proposed["proposal_id"].as_str().unwrap().to_owned();
        let people = ["ours", "theirs"].map(SigningKey::p256);
        for (workspace, signer) in [&world.workspace, &hostile].into_iter().zip(&people) {
            let identity = json!({
                "issuer": ORGANISATION, "client_id": workspace.id, "jwks": jwks(&[signer]),
                "admins": {"claim": "sub", "values": ["ada"]},
            });
            workspace.admin(&world, "PUT", "/identity").json(&identity).send().await.expect(200);
        }
        Self { world, connector, session, connection, revocation, webhook, proposal, sibling, hostile, theirs, people }
    }

    /// A token that says to be of an admin of this workspace, signed for the people of the first or the second.
    fn person(&self, workspace: &Workspace, signer: usize) -> String {
        let now = self.world.clock.now().as_second();
        let claims = json!({"iss": ORGANISATION, "aud": workspace.id, "sub": "ada", "exp": now + 600});
        self.people[signer].sign(&claims)
    }

    fn path(&self, route: &str) -> String {
        let confirmed = format!("{}?confirm={}", self.world.workspace.id, self.world.workspace.id);
        let ws = if route == "/api/workspace/{ws}" { &confirmed } else { &self.world.workspace.id };
        let parameters = [
            ("ws", ws.as_str()),
            ("app", &self.world.app.id),
            ("id", &self.connector.id),
            ("connector_id", &self.connector.id),
            ("session", &self.session),
            ("connection", &self.connection),
            ("revocation", &self.revocation),
            ("proposal", &self.proposal),
            ("key_id", &self.world.app.service_key_id),
            ("webhook", &self.webhook),
            ("type", "fake"),
            ("sub", "alice"),
        ];
        example_of(route, &parameters)
    }

    /// A body that this route would take.
    fn body(&self, method: &str, route: &str) -> Value {
        match (method, route) {
            ("POST", "/api/workspace/{ws}/apps") => json!({"name": "Planted"}),
            ("POST", "/api/workspace/{ws}/connectors") => json!({
                "integration_type": "fake", "name": "Planted", "client_id": "id", "client_secret": "s",
            }),
            ("POST", "/api/workspace/{ws}/providers") => self.world.provider.registration("planted"),
            ("PUT", "/api/workspace/{ws}/apps/{app}/identity") => json!({
                "issuer": self.theirs.issuer, "audience": "a", "jwks": crate::world::jwks(&[&self.theirs.signer]),
            }),
            ("PUT", "/api/workspace/{ws}/identity") => json!({
                "issuer": self.theirs.issuer, "client_id": "c", "jwks": crate::world::jwks(&[&self.theirs.signer]),
                "admins": {"claim": "sub", "values": ["mallory"]},
            }),
            ("PUT", "/api/workspace/{ws}/connectors/{id}") => json!({"client_secret": "planted"}),
            ("PUT", "/api/workspace/{ws}/connector-governance") => json!({
                "integration_type": "fake", "per_user_connection_enabled": false,
            }),
            ("PUT", "/api/workspace/{ws}/connector-governance/bulk") => json!([{
                "integration_type": "fake", "per_user_connection_enabled": false,
            }]),
            ("POST", "/api/workspace/{ws}/proposals") => json!({"kind": "delete", "connector_id": self.connector.id}),
            ("PUT", "/api/workspace/{ws}/apps/{app}") => json!({"return_urls": ["https://evil.example/"]}),
            ("PUT", "/api/workspace/{ws}/encryption-keys") => json!({"kms_key_arn": null}),
            ("POST", "/api/apps/{app}/connect-sessions") => json!({
                "user": {"issuer": self.world.app.issuer, "sub": "alice"}, "connector_id": self.connector.id,
            }),
            ("POST", "/api/workspace/{ws}/connectors/{id}/import") => json!({"connections": [{}]}),
            ("POST", "/api/workspace/{ws}/connectors/{id}/import/nango") => json!({
                "connections": [{}], "mapping": {"client_id": "c"},
            }),
            ("POST", route) if route.ends_with("/replay") => json!({"since": self.world.clock.now().to_string()}),
            ("POST", route) if route.ends_with("/export") => json!({"recipient": RECIPIENT}),
            ("POST", "/api/workspace/{ws}/revocations") => json!({"connector_id": self.connector.id}),
            ("POST", route) if route.ends_with("/identity/check") => json!({"token": "planted"}),
            ("POST", route) if route.ends_with("/finish") => json!({"handle": "h"}),
            (_, route) if route.ends_with("/keys") && method == "POST" => json!({"name": "planted"}),
            _ => json!({}),
        }
    }

    /// A call of this route.
    fn call(&self, method: &str, route: &str) -> Call {
        let (call, body) = (self.world.call(method, &self.path(route)), self.body(method, route));
        if method == "GET" || method == "DELETE" { call } else { call.json(&body) }
    }

    /// Everything that others may show, each with what to do with a call.
    fn wrong_proofs(&self) -> Vec<(&'static str, String, Option<String>)> {
        let world = &self.world;
        let (own, sibling, theirs) =
            (world.app.user(world, "alice"), self.sibling.user(world, "alice"), self.theirs.user(world, "alice"));
        let forged = self.theirs.signer.sign(&world.app.claims(world, "alice"));
        let key = |key: &str| key.to_owned();
        vec![
            ("an admin of another workspace", key(&self.hostile.admin_key), None),
            ("an admin of another workspace, for a user", key(&self.hostile.admin_key), Some(own.clone())),
            ("the backend of a sibling app", key(&self.sibling.service_key), None),
            ("the backend of a sibling app, for a user here", key(&self.sibling.service_key), Some(own.clone())),
            ("the backend of a foreign app", key(&self.theirs.service_key), None),
            ("the backend of a foreign app, for a user here", key(&self.theirs.service_key), Some(own)),
            ("the backend here, for a user of a foreign app", key(&world.app.service_key), Some(theirs.clone())),
            ("the backend here, for a forged user", key(&world.app.service_key), Some(forged.clone())),
            ("a user of a sibling app", sibling.clone(), None),
            ("a user of a foreign app", theirs, None),
            ("a forged user", forged.clone(), None),
            ("a forged user, for another", forged, Some(sibling)),
            ("an admin of another organisation", self.person(&self.hostile, 1), None),
            ("an admin of another organisation, for ours", self.person(&world.workspace, 1), None),
            ("nonsense", "nonsense".to_owned(), None),
        ]
    }
}

fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().flat_map(|routes| routes.iter().copied()).filter(|(_, path)| !PUBLIC.contains(path))
}

/// Whether the backend's key alone is the right proof here.
fn is_for_the_backend(route: &str) -> bool {
    let ends = [
        "/connect-sessions",
        "/connections",
        "/oauth-redirect-uris",
        "/users/{sub}/connectors/{id}/token",
        "/connectors/{type}/call",
        "/external-auth/tokens/{type}",
        "/external-auth/tokens/connectors/{id}",
    ];
    ends.iter().any(|end| route.starts_with("/api/apps/") && route.ends_with(end))
}

/// The lines of a dump, in an order of their own. That a true key was shown is noted wherever it is shown.
fn sorted(dump: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        dump.lines().filter(|line| !line.starts_with("last_used_on=")).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// PUB-15, PUB-19, PUB-24, PUB-25: and nothing changes, whoever asks.
#[tokio::test]
async fn no_route_opens_to_a_proof_that_is_for_somebody_else() {
    let two = Two::new().await;
    let before = two.world.aws.dump().await;
    for (method, route) in routes() {
        let nobody = two.call(method, route).send().await;
        assert_eq!(nobody.refusal(), (401, "unauthorized".to_owned()), "{method} {route} without any proof");
        for (who, bearer, on_behalf_of) in two.wrong_proofs() {
            if who.starts_with("the backend here") && is_for_the_backend(route) {
                continue;
            }
            let call = two.call(method, route).bearer(&bearer);
            let call = if let Some(user) = on_behalf_of { call.on_behalf_of(&user) } else { call };
            let answer = call.send().await;
            assert!(matches!(answer.status, 401 | 403 | 404), "{who}: {method} {route}: {answer:?}");
            assert!(!answer.text.contains("alice"), "{who}: {method} {route}: {answer:?}");
        }
    }
    assert_eq!(sorted(&two.world.aws.dump().await), sorted(&before));
}

/// A proof of the right tenant and of the wrong kind: an admin reads no tokens, a backend manages nothing, and a user is
/// neither.
#[tokio::test]
async fn every_kind_of_proof_opens_its_own_kind_of_route_only() {
    let two = Two::new().await;
    let (world, user) = (&two.world, two.world.app.user(&two.world, "alice"));
    let person = two.person(&world.workspace, 0);
    let is_for_admins = |route: &str| route.starts_with("/api/workspace/") || route.ends_with("/oauth-redirect-uris");
    let is_for_users = |route: &str| {
        let is_for_others = is_for_admins(route) || is_for_the_backend(route) || route.starts_with("/mcp/");
        !is_for_others && !route.ends_with("/connectors/{id}/token")
    };
    let before = sorted(&world.aws.dump().await);
    for (method, route) in routes() {
        for (who, bearer, is_for_them) in [
            ("an admin", &world.workspace.admin_key, is_for_admins(route)),
            ("a person who is an admin", &person, is_for_admins(route)),
            ("a backend without a user", &world.app.service_key, is_for_the_backend(route)),
            ("a user", &user, is_for_users(route)),
        ] {
            if !is_for_them {
                let answer = two.call(method, route).bearer(bearer).send().await;
                assert!(matches!(answer.status, 401 | 403), "{who}: {method} {route}: {answer:?}");
            }
        }
    }
    assert_eq!(sorted(&world.aws.dump().await), before);
}

/// PUB-26: nor does the answer depend on whether there is such a thing.
#[tokio::test]
async fn to_others_what_is_there_and_what_is_not_look_alike_on_every_route() {
    let two = Two::new().await;
    let nothing = [
        (two.world.workspace.id.as_str(), "ws_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (two.world.app.id.as_str(), "never-was"),
        (two.connector.id.as_str(), "con_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ];
    // What assistants call says where its own metadata is: by the address that was asked for, whatever is there.
    for (method, route) in routes().filter(|(_, route)| !route.starts_with("/mcp/")) {
        for key in [&two.hostile.admin_key, &two.theirs.service_key, &two.sibling.service_key] {
            let there = two.call(method, route).bearer(key).send().await;
            let path = nothing.iter().fold(two.path(route), |path, (known, other)| path.replace(known, other));
            let call = two.world.call(method, &path).bearer(key);
            let call = if method == "GET" || method == "DELETE" { call } else { call.json(&json!({})) };
            assert_eq!(there.without_ids(), call.send().await.without_ids(), "{method} {route}");
        }
    }
}

/// PUB-25: an admin in their own workspace, with the ids of another's in the rest of the path.
#[tokio::test]
async fn nothing_of_another_workspace_is_reached_through_ones_own() {
    let two = Two::new().await;
    let before = sorted(&two.world.aws.dump().await);
    let own = &two.hostile.id;
    let names_more = |route: &str| {
        ["{app}", "{id}", "{key_id}", "{type}", "{webhook}", "{revocation}"].iter().any(|name| route.contains(name))
    };
    for (method, route) in routes().filter(|(_, route)| route.starts_with("/api/workspace/") && names_more(route)) {
        let path = two.path(&route.replace("{ws}", own));
        let call = two.world.call(method, &path).bearer(&two.hostile.admin_key);
        let call = if method == "GET" || method == "DELETE" { call } else { call.json(&two.body(method, route)) };
        let answer = call.send().await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{method} {path}: {answer:?}");
        assert!(!answer.text.contains("alice"), "{method} {path}: {answer:?}");
    }
    assert_eq!(sorted(&two.world.aws.dump().await), before);
}

/// A key that may only look changes nothing on any route, and reads on every one that it is for.
#[tokio::test]
async fn a_reading_key_changes_nothing_on_any_route_there_is() {
    let two = Two::new().await;
    let made = two.world.admin("POST", "/keys").json(&json!({"name": "audit", "role": "read"})).send().await;
    let reader = made.expect(201)["key"].as_str().unwrap().to_owned();
    for (method, route) in routes().filter(|(_, route)| route.starts_with("/api/workspace/")) {
        let answer = two.call(method, route).bearer(&reader).send().await;
        let expected = if method == "GET" { 200 } else { 403 };
        assert_eq!(answer.status, expected, "{method} {route}: {answer:?}");
    }
}

/// A key for assistants reads what it may propose about, and opens no other route that there is.
#[tokio::test]
async fn an_assistants_key_opens_what_it_is_for_and_nothing_else_on_any_route_there_is() {
    const OPEN: [&str; 6] =
        ["/connectors", "/connectors/{id}", "/providers", "/providers/{type}", "/proposals", "/proposals/{proposal}"];
    let two = Two::new().await;
    let made = two.world.admin("POST", "/keys").json(&json!({"name": "assistant", "role": "builder"})).send().await;
    let builder = made.expect(201)["key"].as_str().unwrap().to_owned();
    for (method, route) in routes() {
        let answer = two.call(method, route).bearer(&builder).send().await;
        let below = route.strip_prefix("/api/workspace/{ws}");
        let expected = match (method, below) {
            ("GET", Some(below)) if OPEN.contains(&below) => 200..=200,
            ("POST", Some("/proposals")) => 201..=201,
            (_, Some(_)) => 403..=403,
            (_, None) => 401..=404,
        };
        assert!(expected.contains(&answer.status), "{method} {route}: {answer:?}");
    }
}

/// PUB-15: an unknown key makes nobody be asked anything: neither the issuer of the token beside it nor a table of users.
#[tokio::test]
async fn a_wrong_key_makes_no_issuer_be_asked_about_the_token_beside_it() {
    let two = Two::new().await;
    let evil = crate::doubles::Evil::start().await;
    evil.play("/keys", crate::doubles::Script::json(&crate::world::jwks(&[&two.world.app.signer])));
    let identity = json!({"issuer": two.world.app.issuer, "audience": "first-app", "jwks_uri": evil.url("/keys")});
    two.world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(200);
    two.world.advance(61);
    let (asked, stranger) = (evil.told().len(), crate::world::SigningKey::p256("stranger"));
    let unknown = stranger.sign(&two.world.app.claims(&two.world, "alice"));
    let path = two.path("/api/apps/{app}/app-user-auth/connectors/{id}/token");
    for key in ["uck_app_nonsense", &two.hostile.admin_key, &two.theirs.service_key] {
        let refused = two.world.call("GET", &path).bearer(key).on_behalf_of(&unknown).send().await;
        assert!(matches!(refused.status, 401 | 404), "{refused:?}");
    }
    assert_eq!(evil.told().len(), asked);
    two.world.call("GET", &path).bearer(&two.world.app.service_key).on_behalf_of(&unknown).send().await.expect(401);
    assert_eq!(evil.told().len(), asked + 1, "with the right key the issuer is asked");
}
