//! Providers whose tokens come in steps, nested, or renew themselves.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use url::Url;

use crate::world::{Browser, Connector, Reply, World, journeys::parameter, serve, text};

const DAY: u64 = 86_400;

/// A server that answers by its path, and what it was asked: the paths with their queries, and the bodies.
pub(crate) struct Odd {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Odd {
    /// `answer` says what to answer to a path, the how manieth time it is asked.
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let noted = asked.clone();
        let address = serve(Arc::new(move |request| {
            let path = request.path.split('?').next().unwrap_or_default().to_owned();
            let mut noted = noted.lock().unwrap();
            let times = noted.iter().filter(|line| line.split(['?', ' ']).next() == Some(&path)).count();
            noted.push(format!("{} {}", request.path, request.body).trim_end().to_owned());
            let (status, body) = answer(&path, times);
            Box::pin(async move { Reply::json(status, &body) })
        }))
        .await;
        Self { base: format!("http://{address}"), asked }
    }

    /// What was asked of a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|line| line.split(['?', ' ']).next() == Some(path)).cloned().collect()
    }

    /// A connector to it, where the tables are added to what every provider has. URLs in them are paths.
    pub(crate) async fn connector(&self, world: &World, tables: &Value) -> Connector {
        let mut data = json!({
            "id": "odd", "name": "Odd", "authorize": {"url": format!("{}/authorize", self.base)},
            "token": {"url": format!("{}/token", self.base)},
        });
        for (name, table) in tables.as_object().unwrap() {
            if let (Some(known), Some(more)) = (data[name].as_object_mut(), table.as_object()) {
                known.extend(more.clone());
            } else {
                data[name] = table.clone();
            }
        }
        let at = |url: &mut Value| *url = format!("{}{}", self.base, url.as_str().unwrap()).into();
        for pointer in ["/exchange/0/url", "/discover/0/url", "/discover/1/url", "/refresh/url", "/revoke/url"] {
            data.pointer_mut(pointer).into_iter().for_each(at);
        }
        world.admin("POST", "/providers").json(&data).send().await.expect(201);
        world.connector_at(&world.workspace, "odd", "Odd", &["read"]).await
    }
}

/// A user goes to the provider, says yes and comes back. Answers how that ended.
pub(crate) async fn connect(world: &World, connector: &Connector, user: &str) -> String {
    let mut begun = world.begin(connector, user).await;
    let state = parameter(&begun.redirect_url, "state");
    let mut back = Url::parse(&connector.redirect_uri).unwrap();
    back.query_pairs_mut().extend_pairs([("code", "the-code"), ("state", &state)]);
    let browser: &mut Browser = &mut begun.browser;
    parameter(browser.open(world, back.as_str()).await.location(), "status")
}

#[tokio::test]
async fn a_short_lived_token_is_never_handed_out_where_it_is_swapped_for_a_longer_one() {
    let world = World::new().await;
    let odd = Odd::start(|path, _| match path {
        "/token" => (200, json!({"access_token": "short", "expires_in": 3_600, "user": {"id": 7}})),
        "/swap" => (200, json!({"access_token": "long", "expires_in": 5_184_000})),
        _ => (404, json!({})),
    })
    .await;
    let swap = json!({"url": "/swap", "method": "GET", "params": {"grant_type": "swap", "client_secret": "{client_secret}", "access_token": "{access_token}"}});
    let identity = json!({"from": "token_answer", "id": "user.id"});
    let connector = odd.connector(&world, &json!({"exchange": [swap], "identity": identity})).await;
    assert_eq!(connect(&world, &connector, "alice").await, "completed");
    let token = world.token(&connector, "alice").await.expect(200);
    assert_eq!((&token["access_token"], &token["account"]["id"]), (&json!("long"), &json!("7")));
    let secret = &connector.client_secret;
    let expected = format!("/swap?access_token=short&client_secret={secret}&grant_type=swap");
    assert_eq!(odd.asked("/swap"), [expected]);
    world.advance(2 * 3_600);
    assert_eq!(world.access_token(&connector, "alice").await, "long", "its own end counts");
}

#[tokio::test]
async fn a_swap_that_fails_connects_nobody_and_leaves_no_token_at_the_provider() {
    let world = World::new().await;
    let odd = Odd::start(|path, _| match path {
        "/token" => (200, json!({"access_token": "short"})),
        "/swap" => (400, json!({"error": "invalid_client"})),
        _ => (200, json!({})),
    })
    .await;
    let tables = json!({
        "exchange": [{"url": "/swap", "params": {"token": "{access_token}"}}],
        "revoke": {"url": "/revoke", "token": "access_token"},
    });
    let connector = odd.connector(&world, &tables).await;
    let mut begun = world.begin(&connector, "alice").await;
    let state = parameter(&begun.redirect_url, "state");
    let back = format!("{}?code=the-code&state={state}", connector.redirect_uri);
    let home = begun.browser.open(&world, &back).await;
    assert_eq!(parameter(home.location(), "status"), "failed");
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "connector_misconfigured");
    world.token(&connector, "alice").await.expect(404);
    let revoked = odd.asked("/revoke");
    assert!(revoked.len() == 1 && revoked[0].contains("token=short"), "{revoked:?}");
}

#[tokio::test]
async fn tokens_deep_in_an_answer_that_calls_every_status_200_live_as_long_as_it_says() {
    let world = World::new().await;
    let ends = |seconds: u64| (1_795_341_600 + seconds) * 1_000;
    let odd = Odd::start(move |path, times| match (path, times) {
        ("/token", 0) => {
            (200, json!({"code": 0, "data": {"token": "t1", "renew": "r1", "ends": ends(600), "rights": ["read"]}}))
        }
        ("/token", 1) => (200, json!({"code": 0, "data": {"token": "t2", "renew": "r2", "ends": ends(4_200)}})),
        _ => (200, json!({"code": 40_105, "message": "no"})),
    })
    .await;
    let response = json!({
        "success": {"path": "code", "equals": 0},
        "error": {"code": "code", "invalid_grant": ["40105"]},
        "fields": {"access_token": "data.token", "refresh_token": "data.renew", "scope": "data.rights"},
        "expiry": {"at": {"path": "data.ends", "format": "epoch_ms"}},
    });
    let token = json!({"body": "json", "names": {"client_id": "app_id", "code": "auth_code"}, "response": response});
    let connector = odd.connector(&world, &json!({"token": token})).await;
    assert_eq!(connect(&world, &connector, "alice").await, "completed");
    let given = world.token(&connector, "alice").await.expect(200);
    assert_eq!((&given["access_token"], &given["granted_scopes"]), (&json!("t1"), &json!(["read"])));
    let code: Value = serde_json::from_str(odd.asked("/token")[0].split_once(' ').unwrap().1).unwrap();
    assert_eq!((&code["app_id"], &code["auth_code"]), (&json!(connector.client_id), &json!("the-code")));

    world.advance(600);
    assert_eq!(world.access_token(&connector, "alice").await, "t2");
    let refresh: Value = serde_json::from_str(odd.asked("/token")[1].split_once(' ').unwrap().1).unwrap();
    assert_eq!((&refresh["refresh_token"], &refresh["app_id"]), (&json!("r1"), &json!(connector.client_id)));

    world.advance(3_600);
    let over = world.token(&connector, "alice").await;
    assert_ne!(over.status, 200, "what the body calls an error is one");
    assert_eq!(world.view(&connector, "alice").await["reason"], "refresh_rejected");
}

/// A provider whose access tokens live for sixty days and renew themselves, once they are a day old.
async fn renewing(world: &World, refresh: &Value) -> (Odd, Connector) {
    let odd = Odd::start(|path, times| match path {
        "/token" => (200, json!({"access_token": "a0", "expires_in": 60 * DAY})),
        "/renew" => (200, json!({"access_token": format!("a{}", times + 1), "expires_in": 60 * DAY})),
        _ => (404, json!({})),
    })
    .await;
    let mut table = json!({
        "grant": "access_token", "url": "/renew", "method": "GET", "client_auth": "none", "omit": ["client_id"],
        "params": {"grant_type": "again", "access_token": "{access_token}"}, "min_age_seconds": DAY,
    });
    table.as_object_mut().unwrap().extend(refresh.as_object().unwrap().clone());
    let connector = odd.connector(world, &json!({"refresh": table})).await;
    assert_eq!(connect(world, &connector, "alice").await, "completed");
    (odd, connector)
}

#[tokio::test]
async fn an_access_token_renews_itself_and_the_new_one_renews_itself_again() {
    let world = World::new().await;
    let (odd, connector) = renewing(&world, &json!({})).await;
    for (renewal, presented) in ["a0", "a1", "a2"].into_iter().enumerate() {
        world.advance(60 * DAY - 30);
        let token = world.access_token(&connector, "alice").await;
        assert_eq!(token, format!("a{}", renewal + 1));
        assert_eq!(odd.asked("/renew")[renewal], format!("/renew?access_token={presented}&grant_type=again"));
    }
}

#[tokio::test]
async fn an_idle_connection_is_renewed_before_its_access_token_ends() {
    let world = World::new().await;
    let (odd, connector) = renewing(&world, &json!({})).await;
    for day in 0..100 {
        world.advance(DAY);
        world.fire_schedule().await;
        assert_eq!(world.deliver_all_refreshes().await, 0, "on day {day}");
    }
    assert!((2..=4).contains(&odd.asked("/renew").len()), "{:?}", odd.asked("/renew"));
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

#[tokio::test]
async fn a_token_that_is_too_young_is_not_presented_whoever_asks() {
    let world = World::new().await;
    let (odd, connector) = renewing(&world, &json!({})).await;
    let rejected = connectors::domain::digest::hex(&connectors::domain::digest::sha256(b"a0"));
    world.advance(DAY - 1);
    let refused = world.token_with(&connector, "alice", &format!("?rejected_token_sha256={rejected}")).await;
    assert_eq!(refused.status, 503);
    assert!(odd.asked("/renew").is_empty());
    world.advance(1);
    let renewed = world.token_with(&connector, "alice", &format!("?rejected_token_sha256={rejected}")).await;
    assert_eq!(text(&renewed.expect(200)["access_token"]), "a1");
}

#[tokio::test]
async fn an_access_token_that_has_ended_renews_nothing_and_the_user_is_asked_to_connect_again() {
    let world = World::new().await;
    let (odd, connector) = renewing(&world, &json!({})).await;
    world.advance(60 * DAY);
    assert_ne!(world.token(&connector, "alice").await.status, 200);
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("expired")));
    assert!(odd.asked("/renew").is_empty());
}
