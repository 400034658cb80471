//! Deleted is unusable at once; what is left at providers is ended in the background, at a pace they can bear, and
//! nothing of it is forgotten.

use futures::{future::join_all, join};
use serde_json::json;

use crate::world::{Browser, Connector, Hold, RETURN_URL, Revocation, World};

/// As long as a session that began before a deletion may still come back, in seconds.
pub(crate) const LINGER: u64 = 720;

pub(crate) async fn connected(users: usize) -> (World, Connector, Vec<String>) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut tokens = Vec::new();
    for number in 0..users {
        let user = format!("user-{number}");
        world.connect(&connector, &user).await;
        tokens.push(world.access_token(&connector, &user).await);
    }
    (world, connector, tokens)
}

/// Lets this many seconds pass, and the function work off what comes up in each.
pub(crate) async fn let_pass(world: &World, seconds: u64) {
    for _ in 0..seconds {
        world.advance(1);
        while world.deliver_revocations().await.is_some() {}
    }
}

fn path(connector: &Connector) -> String {
    format!("/connectors/{}", connector.id)
}

async fn delete(world: &World, connector: &Connector) {
    world.admin("DELETE", &path(connector)).send().await.expect(202);
}

/// What is left of a connector in the registry, beside the claim to its id.
pub(crate) async fn remains(world: &World, connector: &Connector) -> bool {
    let items = world.aws.items("TABLE_REGISTRY").await;
    items.iter().filter(|item| !item.contains_key("claimed_by")).any(|item| {
        item["pk"].as_s().unwrap().contains(&connector.id) || item["sk"].as_s().unwrap().contains(&connector.id)
    })
}

/// How many connections there are, and grants that have ended and not yet at their provider.
pub(crate) async fn left(world: &World) -> (usize, usize) {
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let begin = |prefix: &str| items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with(prefix)).count();
    (begin("CONN#"), begin("ENDED#con_"))
}

/// PUB-49: ten in a second, however many sweeps there are.
#[tokio::test]
async fn a_deleted_connector_ends_all_its_grants_at_its_pace_and_then_its_secret() {
    let (world, connector, tokens) = connected(200).await;
    delete(&world, &connector).await;
    for number in 0..20 {
        assert_eq!(world.token(&connector, &format!("user-{number}")).await.status, 404, "{number}");
    }
    world.admin("GET", &path(&connector)).send().await.expect(404);
    assert_eq!(world.admin("GET", "/connectors").send().await.expect(200), json!({"connectors": []}));
    world.deliver_revocations().await;
    let mut asked = world.provider.journal("/revoke").len();
    assert_eq!(asked, 10);
    for second in 1..20 {
        let_pass(&world, 1).await;
        let now = world.provider.journal("/revoke").len();
        assert_eq!(now - asked, 10, "in second {second}");
        asked = now;
    }
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
    assert_eq!(left(&world).await, (0, 0));
    // A session that began before the deletion may still end in a grant to be ended: the secret waits for that.
    world.advance(LINGER - 20);
    while world.deliver_revocations().await.is_some() {}
    assert!(remains(&world, &connector).await);
    let_pass(&world, 2).await;
    assert!(!remains(&world, &connector).await);
    assert_eq!(world.waiting_revocations(), 0);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty(), "neither a sweep nor its pace is left");
    assert_eq!(world.provider.journal("/revoke").len(), 200);
    // Its name is free at once, and so is deleting it again.
    world.connector("Calendar").await;
    world.admin("DELETE", &path(&connector)).send().await.expect(404);
}

/// PUB-49: two sweeps of one connector share its pace, and a message that comes twice is no second sweep.
#[tokio::test]
async fn sweeps_at_the_same_time_do_not_ask_the_provider_more_often() {
    let (world, connector, _) = connected(25).await;
    world.admin("DELETE", &format!("/apps/{}", world.app.id)).send().await.expect(202);
    delete(&world, &connector).await;
    world.remind_of_what_is_due().await;
    world.deliver_revocations().await;
    assert_eq!(world.provider.journal("/revoke").len(), 10);
    for at_most in [20, 30] {
        let_pass(&world, 1).await;
        assert!(world.provider.journal("/revoke").len() <= at_most);
    }
    let_pass(&world, 5).await;
    assert_eq!(world.provider.journal("/revoke").len(), 25);
    assert_eq!(left(&world).await, (0, 0));
}

/// PUB-49: what fails for one user is that user's grant alone.
#[tokio::test]
async fn a_grant_that_its_provider_does_not_end_holds_no_other_up_and_keeps_the_secret_it_needs() {
    let (world, connector, tokens) = connected(12).await;
    world.provider.answer_revocations_with(Revocation::FailingFor("user-3@provider"));
    delete(&world, &connector).await;
    world.deliver_revocations().await;
    let_pass(&world, 2).await;
    let alive = tokens.iter().filter(|token| world.provider.honours(token)).count();
    assert_eq!((alive, left(&world).await), (1, (0, 1)));
    for _ in 0..10 {
        let_pass(&world, 1).await;
        world.advance(900);
    }
    assert!(remains(&world, &connector).await, "its secret is needed still");
    world.provider.answer_revocations_with(Revocation::Done);
    for _ in 0..3 {
        world.advance(900);
        let_pass(&world, 1).await;
    }
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
    assert!(!remains(&world, &connector).await);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// Every message is lost, all the time: the table knows, and the schedule reminds.
#[tokio::test]
async fn a_sweep_whose_messages_are_lost_goes_on_when_it_is_due() {
    let (world, connector, tokens) = connected(15).await;
    delete(&world, &connector).await;
    world.lose_revocations();
    assert_eq!(world.remind_of_what_is_due().await, 1);
    world.deliver_revocations().await;
    world.advance(1);
    world.lose_revocations();
    assert_eq!(world.provider.journal("/revoke").len(), 10);
    world.advance(60);
    world.remind_of_what_is_due().await;
    world.deliver_revocations().await;
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
}

/// The code was on its way when the connector was deleted: the grant that came of it is ended with the others.
#[tokio::test]
async fn a_connection_that_was_made_while_its_connector_was_deleted_is_ended_too() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let deletes = async {
        hold.arrived().await;
        delete(&world, &connector).await;
        world.deliver_revocations().await;
        hold.release();
    };
    join!(begun.browser.open(&world, &callback), deletes);
    world.token(&connector, "alice").await.expect(404);
    world.advance(LINGER);
    let_pass(&world, 1).await;
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    let_pass(&world, 301).await;
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert!(!remains(&world, &connector).await);
}

#[tokio::test]
async fn an_admin_may_delete_a_connector_and_leave_its_grants_to_the_provider() {
    let (world, connector, tokens) = connected(1).await;
    world.admin("DELETE", &format!("{}?revoke=false", path(&connector))).send().await.expect(202);
    world.deliver_revocations().await;
    world.token(&connector, "user-0").await.expect(404);
    assert!(world.provider.honours(&tokens[0]));
    assert_eq!(left(&world).await, (0, 0));
}

/// A deleted app takes the connections of its users with it, and nobody else's.
#[tokio::test]
async fn a_deleted_app_ends_the_grants_of_its_users_only() {
    let (world, connector, tokens) = connected(1).await;
    let second = world.register_app(&world.workspace, "second-app").await;
    let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let begun = world.on_behalf(&second, "user-0", "POST", &rest).send().await;
    let mut browser = Browser::default();
    browser.remember(&begun);
    let callback = world.provider.approve(begun.json()["redirect_url"].as_str().unwrap(), "second@provider");
    browser.open(&world, &callback).await.location();
    world.advance(1);
    world.admin("DELETE", "/apps/second-app").send().await.expect(202);
    world.deliver_revocations().await;
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    assert_eq!(world.access_token(&connector, "user-0").await, tokens[0]);
    assert!(world.provider.honours(&tokens[0]));
    assert_eq!(left(&world).await, (1, 0));
    world.advance(LINGER);
    let_pass(&world, 1).await;
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await.len(), 1, "the sweep is over");
}

/// A user may be at the provider while their app is deleted: what they come back with is ended, too.
#[tokio::test]
async fn a_session_that_ends_after_its_app_was_deleted_leaves_no_grant_behind() {
    let (world, connector, _) = connected(1).await;
    let mut begun = world.begin(&connector, "bob").await;
    world.admin("DELETE", "/apps/first-app").send().await.expect(202);
    world.deliver_revocations().await;
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    begun.browser.open(&world, &callback).await;
    world.advance(LINGER);
    let_pass(&world, 1).await;
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert_eq!(world.provider.journal("/revoke").len(), 2);
}

/// An app that is registered anew under its old id keeps what its users connect from then on.
#[tokio::test]
async fn an_app_that_is_registered_anew_loses_the_old_connections_and_keeps_the_new_ones() {
    let (world, connector, tokens) = connected(1).await;
    world.advance(1);
    world.admin("DELETE", "/apps/first-app").send().await.expect(202);
    world.advance(61);
    let app = json!({"id": "first-app", "name": "Anew", "return_urls": [RETURN_URL]});
    world.admin("POST", "/apps").json(&app).send().await.expect(201);
    let identity = json!({
        "issuer": world.app.issuer, "audience": "first-app", "jwks": crate::world::jwks(&[&world.app.signer]),
    });
    world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(200);
    world.advance(1);
    world.connect(&connector, "bob").await;
    world.remind_of_what_is_due().await;
    for _ in 0..2 {
        let_pass(&world, 2).await;
        world.advance(LINGER);
    }
    assert!(!world.provider.honours(&tokens[0]));
    assert_eq!(left(&world).await, (1, 0));
    assert_eq!(world.view(&connector, "bob").await["status"], "active");
}

/// Users who are told that they are disconnected are so whoever else is at it.
#[tokio::test]
async fn a_disconnect_during_a_sweep_ends_each_grant_once() {
    let (world, connector, tokens) = connected(5).await;
    let second = world.connector("Mail").await;
    world.connect(&second, "user-0").await;
    let disconnects = join_all((0..5).map(|number| {
        let (world, connector) = (&world, &connector);
        async move { world.disconnect(connector, &format!("user-{number}")).await }
    }));
    let sweep = async {
        delete(&world, &connector).await;
        world.deliver_revocations().await
    };
    let (answers, _) = join!(disconnects, sweep);
    assert!(answers.iter().all(|answer| [200, 404].contains(&answer.status)));
    let_pass(&world, 2).await;
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
    assert_eq!(world.provider.journal("/revoke").len(), 5);
    assert_eq!(left(&world).await, (1, 0));
}
