//! Grants whose place an import gives to others: they end at the provider too, and never take the new one with them.

use connectors::domain::digest::{hex, sha256};
use serde_json::{Value, json};

use crate::{
    deletions::left,
    end_races::make_unreadable,
    world::{Connector, Hold, Revocation, Rotate, World, text},
};

/// Within this time what was replaced is due to be ended, by any schedule.
const MINUTE: u64 = 60;

fn replacing(grant: &Value) -> Value {
    json!({"connections": [grant], "on_conflict": "replace"})
}

async fn replace(world: &World, connector: &Connector, grant: &Value) {
    let answer = world.import(connector, &replacing(grant)).await.expect(200);
    assert_eq!(answer["imported"], 1, "{answer}");
    assert!(answer["results"][0]["replaced"].is_boolean(), "{answer}");
}

/// The schedule comes by, and what it reminds of is done.
async fn work_off(world: &World) {
    world.advance(MINUTE);
    world.remind_of_what_is_due().await;
    while world.deliver_revocations().await.is_some() {}
}

/// The refresh tokens that the provider was asked to end.
fn shown(world: &World) -> Vec<String> {
    world.provider.journal("/revoke").iter().map(|entry| entry.get("token").unwrap_or_default().to_owned()).collect()
}

/// A grant of another account to alice's place.
fn of_account(world: &World, connector: &Connector, holder: &str) -> Value {
    let mut grant = world.made_elsewhere(connector, &world.app, holder);
    grant["user"]["sub"] = json!("alice");
    grant["account"] = json!({"id": format!("{holder}@provider")});
    grant
}

/// A connector whose provider's refresh tokens stay the same for the whole of a grant, as its data says.
async fn steady(world: &World) -> Connector {
    let mut registration = world.provider.registration("steady");
    registration["refresh"]["rotation"] = json!("never");
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    world.provider.rotate(Rotate::None);
    world.connector_at(&world.workspace, "steady", "Steady", &["read"]).await
}

/// A connector whose provider ends everything that an account granted by any token of it, as its data says.
async fn wide(world: &World) -> Connector {
    let mut registration = world.provider.registration("wide");
    registration["revoke"]["wider_than_token"] = json!(true);
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    world.provider.answer_revocations_with(Revocation::EndsTheAccountsGrants);
    world.connector_at(&world.workspace, "wide", "Wide", &["read"]).await
}

#[tokio::test]
async fn a_grant_that_an_import_replaces_ends_at_its_provider() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let earlier = world.access_token(&connector, "alice").await;
    let grant = of_account(&world, &connector, "bob");
    let mut looked = replacing(&grant);
    looked["dry_run"] = json!(true);
    let told = world.import(&connector, &looked).await.expect(200);
    assert_eq!(told["results"][0]["replaced"], true, "{told}");
    assert_eq!(left(&world).await, (1, 0), "looking ends nothing");
    replace(&world, &connector, &grant).await;
    assert!(world.provider.honours(&earlier), "nobody who imports waits for the provider");
    assert_eq!(left(&world).await, (1, 1));
    work_off(&world).await;
    assert!(!world.provider.honours(&earlier));
    assert_eq!((shown(&world).len(), left(&world).await), (1, (1, 0)));
    let own = text(&grant["access_token"]);
    assert_eq!(world.access_token(&connector, "alice").await, own);
    assert!(world.provider.honours(&own));
    assert_eq!(world.deeds("connection.revoked").await.len(), 1);
    world.advance(3_700);
    world.access_token(&connector, "alice").await;
    // The provider may be away for a while.
    world.provider.answer_revocations_with(Revocation::Failing);
    let next = of_account(&world, &connector, "carol");
    replace(&world, &connector, &next).await;
    work_off(&world).await;
    world.provider.answer_revocations_with(Revocation::Done);
    work_off(&world).await;
    assert_eq!(left(&world).await, (1, 0));
    assert!(world.provider.honours(next["access_token"].as_str().unwrap()));
    world.assert_no_token_is_to_be_read().await;
}

/// Where a refresh token never changes, another one is another grant's, whoever's account it may be to.
#[tokio::test]
async fn where_refresh_tokens_stay_the_same_a_grant_with_another_one_is_known_to_be_another() {
    let world = World::new().await;
    let connector = steady(&world).await;
    world.connect(&connector, "alice").await;
    let earlier = world.access_token(&connector, "alice").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    replace(&world, &connector, &grant).await;
    work_off(&world).await;
    assert!(!world.provider.honours(&earlier));
    assert!(world.provider.honours(grant["access_token"].as_str().unwrap()));
    assert_eq!(left(&world).await, (1, 0));
}

/// RFC 9700, section 4.14.2: a refresh token that was exchanged ends all that came of it when it is shown again.
#[tokio::test]
async fn a_grant_that_somebody_else_refreshed_meanwhile_is_not_ended_by_what_it_was() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    replace(&world, &connector, &grant).await;
    let later = world.provider.refresh_elsewhere(&connector.client_id, &text(&grant["refresh_token"]));
    let mut come_again = grant.clone();
    for name in ["access_token", "refresh_token"] {
        come_again[name] = later[name].clone();
    }
    replace(&world, &connector, &come_again).await;
    work_off(&world).await;
    assert!(world.provider.journal("/revoke").is_empty());
    assert_eq!(left(&world).await, (1, 0));
    assert!(world.provider.honours(&text(&later["access_token"])));
    world.advance(3_700);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// Without its refresh token nobody can tell whether it is the same.
#[tokio::test]
async fn a_grant_of_which_only_another_access_token_comes_in_is_not_ended() {
    let world = World::new().await;
    let connector = steady(&world).await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    replace(&world, &connector, &grant).await;
    let later = world.provider.refresh_elsewhere(&connector.client_id, &text(&grant["refresh_token"]));
    let mut come_again = grant.clone();
    come_again["access_token"] = later["access_token"].clone();
    come_again.as_object_mut().unwrap().remove("refresh_token");
    replace(&world, &connector, &come_again).await;
    work_off(&world).await;
    assert!(world.provider.journal("/revoke").is_empty());
    assert!(world.provider.honours(&text(&later["access_token"])));
}

#[tokio::test]
async fn a_grant_that_is_replaced_by_itself_is_not_ended() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    replace(&world, &connector, &grant).await;
    // Somebody knows a part of it only, or takes it for another account's.
    let mut without_access = grant.clone();
    without_access.as_object_mut().unwrap().remove("access_token");
    let mut of_another = grant.clone();
    of_another["access_token"] = json!("at_unknown");
    of_another["account"] = json!({"id": "another"});
    for known in [without_access, of_another] {
        replace(&world, &connector, &known).await;
    }
    work_off(&world).await;
    assert!(world.provider.journal("/revoke").is_empty());
    assert_eq!(left(&world).await, (1, 0));
    world.advance(3_700);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

#[tokio::test]
async fn a_grant_that_comes_back_before_it_was_ended_stays() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let [first, second] = ["bob", "carol"].map(|holder| of_account(&world, &connector, holder));
    for grant in [&first, &second, &first] {
        replace(&world, &connector, grant).await;
    }
    work_off(&world).await;
    assert_eq!(shown(&world), [text(&second["refresh_token"])]);
    assert!(world.provider.honours(first["access_token"].as_str().unwrap()));
    assert_eq!(left(&world).await, (1, 0));
    assert_eq!(world.deeds("connection.revocation_superseded").await.len(), 1);
}

#[tokio::test]
async fn where_one_token_ends_all_of_an_account_only_another_accounts_grant_is_ended() {
    let world = World::new().await;
    let connector = wide(&world).await;
    for (user, account, is_ended) in
        [("alice", None, false), ("bob", Some("bob@provider"), false), ("carol", Some("dora@provider"), true)]
    {
        world.connect(&connector, user).await;
        let earlier = world.access_token(&connector, user).await;
        let mut grant = world.made_elsewhere(&connector, &world.app, user);
        if let Some(account) = account {
            let holder = account.strip_suffix("@provider").unwrap();
            let tokens = world.made_elsewhere(&connector, &world.app, holder);
            for name in ["access_token", "refresh_token"] {
                grant[name] = tokens[name].clone();
            }
            grant["account"] = json!({"id": account});
        }
        replace(&world, &connector, &grant).await;
        work_off(&world).await;
        assert_eq!(world.provider.honours(&earlier), !is_ended, "{user}");
        assert!(world.provider.honours(grant["access_token"].as_str().unwrap()), "{user}");
    }
    assert_eq!(left(&world).await, (3, 0));
}

/// The user goes back to the account before, while its revocation is still to be tried.
#[tokio::test]
async fn a_replaced_grant_does_not_end_what_its_account_connects_since() {
    let world = World::new().await;
    let connector = wide(&world).await;
    world.connect(&connector, "alice").await;
    replace(&world, &connector, &of_account(&world, &connector, "bob")).await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.connect(&connector, "alice").await;
    let fresh = world.access_token(&connector, "alice").await;
    work_off(&world).await;
    assert!(world.provider.honours(&fresh));
}

/// What is ended are the tokens as they are at that moment.
#[tokio::test]
async fn a_refresh_in_the_middle_of_a_replacement_leaves_no_tokens_behind() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let earlier = world.access_token(&connector, "alice").await;
    let grant = of_account(&world, &connector, "bob");
    let mut held = world.aws.hold("TransactWriteItems", "was_replaced");
    let query = format!("?rejected_token_sha256={}", hex(&sha256(earlier.as_bytes())));
    let refreshed = async {
        held.arrived().await;
        let refreshed = world.token_with(&connector, "alice", &query).await.expect(200);
        held.release();
        text(&refreshed["access_token"])
    };
    let (refreshed, ()) = futures::join!(refreshed, replace(&world, &connector, &grant));
    assert!(world.provider.honours(&refreshed));
    work_off(&world).await;
    assert!(!world.provider.honours(&refreshed));
    assert!(world.provider.honours(grant["access_token"].as_str().unwrap()));
    assert_eq!(left(&world).await, (1, 0));
}

/// The provider is at a refresh of the grant before, and answers when another is in its place.
#[tokio::test]
async fn tokens_that_arrive_for_a_replaced_grant_are_ended_and_the_new_one_stays() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(3_600);
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let grant = of_account(&world, &connector, "bob");
    let replaced = async {
        hold.arrived().await;
        replace(&world, &connector, &grant).await;
        hold.release();
    };
    let (answer, ()) = futures::join!(world.token(&connector, "alice"), replaced);
    let own = text(&grant["access_token"]);
    assert_eq!(answer.expect(200)["access_token"], own.as_str());
    work_off(&world).await;
    assert_eq!(left(&world).await, (1, 0));
    assert_eq!(shown(&world).len(), 2, "what it was, and what it became");
    assert!(world.provider.honours(&own));
    world.advance(3_700);
    world.access_token(&connector, "alice").await;
}

/// The grant comes back while the provider is at its refresh: what that brings is not ended, because both are one.
#[tokio::test]
async fn tokens_that_arrive_for_a_grant_that_came_back_are_not_ended() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    replace(&world, &connector, &grant).await;
    world.advance(3_600);
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let mut without_access = grant.clone();
    without_access.as_object_mut().unwrap().remove("access_token");
    let replaced = async {
        hold.arrived().await;
        replace(&world, &connector, &without_access).await;
        hold.release();
    };
    futures::join!(world.token(&connector, "alice"), replaced);
    work_off(&world).await;
    assert!(world.provider.journal("/revoke").is_empty());
}

#[tokio::test]
async fn what_can_not_be_read_is_replaced_by_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    make_unreadable(&world, "alice", &connector.id).await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let before = world.aws.items("TABLE_CONNECTIONS").await;
    for (mode, reason) in [("skip", "connected"), ("replace", "unreadable")] {
        for dry_run in [true, false] {
            let body = json!({"connections": [grant], "on_conflict": mode, "dry_run": dry_run});
            let answer = world.import(&connector, &body).await.expect(200);
            assert_eq!(answer["results"][0]["reason"], reason, "{answer}");
        }
    }
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await, before);
}
