//! An issuer whose metadata changes: what is safe is followed and told in the audit trail, what is not waits for an admin.

use serde_json::{Value, json};

use crate::world::{Connector, FakeProvider, World, journeys::parameter, text};

/// A connector to a provider of which nothing but the issuer was said, through which alice has connected.
pub(crate) async fn discovered() -> (World, Connector) {
    let world = World::new().await;
    world.provider.publish(world.provider.metadata());
    let body = json!({"id": "issued", "name": "Issued", "issuer": world.provider.issuer()});
    world.admin("POST", "/providers").json(&body).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "issued", "Issued", &["read", "write"]).await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

/// The issuer's metadata with its token endpoint there.
pub(crate) fn move_to(world: &World, token_endpoint: &str) {
    let mut moved = world.provider.metadata();
    moved["token_endpoint"] = json!(token_endpoint);
    world.provider.publish(moved);
}

/// What the doctor finds when an admin asks, a minute after the last time.
pub(crate) async fn found(world: &World, connector: &Connector) -> Vec<String> {
    world.advance(60);
    let found = world.admin("POST", &format!("/connectors/{}/doctor", connector.id)).send().await.expect(200);
    found["findings"].as_array().unwrap().iter().map(|finding| text(&finding["code"])).collect()
}

/// What the trail has of one deed, the latest first.
async fn told(world: &World, action: &str) -> Vec<Value> {
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let events = trail["events"].as_array().unwrap().iter().filter(|event| event["action"] == action);
    events.map(|event| event["details"].clone()).collect()
}

async fn defined_token_endpoint(world: &World) -> String {
    text(&world.admin("GET", "/providers/issued").send().await.expect(200)["token"]["url"])
}

fn host(url: &str) -> String {
    url.trim_start_matches("http://").split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_endpoint_that_moved_on_its_host_is_followed_and_told_once() {
    let (world, connector) = discovered().await;
    let mut begun = world.begin(&connector, "bob").await;
    move_to(&world, &world.provider.url("/v2/token"));
    assert_eq!(found(&world, &connector).await, [""; 0]);
    assert_eq!(found(&world, &connector).await, [""; 0]);
    let host = host(&world.provider.issuer());
    let expected = json!({"fields": "token.url", "hosts_before": host, "hosts": host});
    assert_eq!(told(&world, "connector.endpoints_updated").await, std::slice::from_ref(&expected));
    assert_eq!(told(&world, "provider.updated").await, [expected]);
    assert!(told(&world, "connector.endpoints_moved").await.is_empty());
    assert_eq!(defined_token_endpoint(&world).await, world.provider.url("/v2/token"));
    assert!(world.provider.probes().iter().all(|probe| probe.at == "/v2"), "the client is shown where it is by now");
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!((&shown["revision"], &shown["doctor"]["outdated"]), (&json!(2), &json!(false)));
    // Who was at the provider meanwhile comes back to what was fixed when they left.
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    let landed = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "completed");
    assert_eq!(world.provider.exchanges().last().unwrap().at, "");
    world.connect(&connector, "carol").await;
    assert_eq!(world.provider.exchanges().last().unwrap().at, "/v2");
    world.advance(3_600);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.provider.refreshes().last().unwrap().at, "/v2");
}

#[tokio::test]
async fn the_nightly_examination_follows_as_well() {
    let (world, connector) = discovered().await;
    world.deliver_all_refreshes().await;
    move_to(&world, &world.provider.url("/v2/token"));
    for _ in 0..48 {
        world.advance(1_800);
        world.fire_schedule().await;
        world.deliver_all_refreshes().await;
    }
    assert_eq!(told(&world, "connector.endpoints_updated").await.len(), 1);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.provider.refreshes().last().unwrap().at, "/v2");
}

#[tokio::test]
async fn what_moved_to_another_host_is_told_once_and_followed_by_nobody_until_an_admin_accepts_it() {
    let (world, connector) = discovered().await;
    let (elsewhere, third) = (FakeProvider::start(false).await, FakeProvider::start(false).await);
    let nobody_came = || elsewhere.journal("/token").is_empty() && elsewhere.probes().is_empty();
    let mut begun = world.begin(&connector, "bob").await;
    move_to(&world, &elsewhere.url("/token"));
    for _ in 0..2 {
        assert_eq!(found(&world, &connector).await, ["endpoint_moved"]);
    }
    let (old, new) = (host(&world.provider.issuer()), host(&elsewhere.issuer()));
    let expected = json!({"fields": "token.url", "hosts_before": old, "hosts": new});
    assert_eq!(told(&world, "connector.endpoints_moved").await, std::slice::from_ref(&expected), "not every night");
    assert!(told(&world, "connector.endpoints_updated").await.is_empty());
    assert_eq!(defined_token_endpoint(&world).await, world.provider.url("/token"));
    world.advance(3_600);
    world.access_token(&connector, "alice").await;
    assert!(nobody_came(), "no secret and no token goes there");
    move_to(&world, &third.url("/token"));
    assert_eq!(found(&world, &connector).await, ["endpoint_moved"]);
    assert_eq!(told(&world, "connector.endpoints_moved").await.len(), 2, "another place is another move");
    move_to(&world, &elsewhere.url("/token"));
    world.change(&connector, &json!({"accept_endpoints": true})).await;
    assert_eq!(told(&world, "connector.endpoints_updated").await, [expected]);
    assert_eq!(told(&world, "connector.changed").await, [json!({"changed": "endpoints"})]);
    assert_eq!(defined_token_endpoint(&world).await, elsewhere.url("/token"));
    // A code that was made for the old host goes to no other.
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    begun.browser.open(&world, &callback).await;
    assert!(nobody_came());
    found(&world, &connector).await;
    assert_eq!((elsewhere.probes().len(), third.probes().len()), (1, 0), "from now on the client is shown there");
    assert_eq!(told(&world, "connector.endpoints_updated").await.len(), 1, "what was accepted is not taken back");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_or_is_another_changes_nothing() {
    let (world, connector) = discovered().await;
    world.provider.publish_nothing();
    assert_eq!(found(&world, &connector).await, ["metadata_missing"]);
    let mut other = world.provider.metadata();
    other["issuer"] = json!(format!("{}/", world.provider.issuer()));
    other["token_endpoint"] = json!(world.provider.url("/v2/token"));
    world.provider.publish(other);
    assert_eq!(found(&world, &connector).await, ["metadata_of_another_issuer"]);
    let path = format!("/connectors/{}", connector.id);
    let refused = world.admin("PUT", &path).json(&json!({"accept_endpoints": true})).send().await;
    assert_eq!(refused.expect(422)["errors"][0]["pointer"], "/accept_endpoints");
    let shown = world.admin("GET", &path).send().await.expect(200);
    assert_eq!(shown["revision"], 1);
    assert!(world.deeds("connector.endpoints").await.is_empty() && world.deeds("provider.updated").await.is_empty());
}

#[tokio::test]
async fn a_provider_that_begins_to_bind_tokens_is_followed_with_a_key() {
    let (world, connector) = discovered().await;
    let mut metadata = world.provider.metadata();
    metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    world.provider.publish(metadata);
    world.provider.demand_proofs("invalid_grant");
    assert_eq!(found(&world, &connector).await, [""; 0]);
    assert_eq!(told(&world, "connector.endpoints_updated").await[0]["fields"], "token.dpop");
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_ne!(shown["key"], Value::Null);
    world.connect(&connector, "bob").await;
    assert_eq!(world.token(&connector, "bob").await.expect(200)["token_type"], "DPoP");
}

#[tokio::test]
async fn an_admin_who_changes_the_connector_at_the_same_time_goes_before() {
    let (world, connector) = discovered().await;
    move_to(&world, &world.provider.url("/v2/token"));
    world.advance(60);
    let mut held = world.aws.hold("TransactWriteItems", &connector.id);
    let path = format!("/connectors/{}", connector.id);
    let examination = tokio::spawn(world.admin("POST", &format!("{path}/doctor")).send());
    held.arrived().await;
    world.change(&connector, &json!({"name": "Renamed"})).await;
    held.release();
    examination.await.unwrap().expect(200);
    let shown = world.admin("GET", &path).send().await.expect(200);
    assert_eq!((&shown["name"], &shown["revision"]), (&json!("Renamed"), &json!(2)));
    assert!(told(&world, "connector.endpoints_updated").await.is_empty());
    found(&world, &connector).await;
    assert_eq!(told(&world, "connector.endpoints_updated").await.len(), 1, "the next examination follows");
}
