//! A secret is where it belongs and nowhere else: not in a log, not in an answer, not in a table.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::world::{Browser, Revocation, Step, World, journeys::handle};

const DESCRIPTION: &str = "canary: free text & more of the provider";

/// The forms in which a secret may have been written down.
fn forms(secret: &str) -> [String; 4] {
    let encoded = byte_serialize(secret.as_bytes()).collect();
    [secret.to_owned(), BASE64_STANDARD_NO_PAD.encode(secret), BASE64_URL_SAFE_NO_PAD.encode(secret), encoded]
}

fn assert_hidden(secrets: &[String], place: &str, text: &str) {
    for secret in secrets {
        for form in forms(secret) {
            assert!(
                !text.contains(&form),
                "{}… of {} bytes is in {place}",
                &secret[..4.min(secret.len())],
                secret.len()
            );
        }
    }
}

/// Something of everything: both ways to finish, links, failures of every kind, disconnects, an admin at work.
async fn lived_in() -> World {
    let world = World::new().await;
    let calendar = world.connector("Calendar").await;
    let mail = world.connector("Mail").await;
    world.connect(&calendar, "alice").await;
    let begun = world.begin(&mail, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    world.keep_secret(&handle);
    world.finish(&begun.session, "bob", "guessed").await;
    world.finish(&begun.session, "alice", &handle).await.expect(200);
    let mut denied = world.begin(&mail, "bob").await;
    let back = world.provider.refuse(&denied.redirect_url, "access_denied", DESCRIPTION);
    denied.browser.open(&world, &back).await;
    let error = json!({"error": DESCRIPTION, "error_description": DESCRIPTION}).to_string();
    for (status, body) in [(400, error.as_str()), (500, DESCRIPTION), (200, DESCRIPTION)] {
        world.advance(3_700);
        world.provider.next(Step::answer(status, &[], body));
        world.token(&calendar, "alice").await;
    }
    world.advance(60);
    world.provider.next(Step::Without(&["access_token"]));
    world.token(&calendar, "alice").await;
    world.advance(60);
    world.token(&calendar, "alice").await.expect(200);
    world.provider.take_back("alice@provider");
    world.advance(3_600);
    world.fire_schedule().await;
    world.deliver_refreshes().await;
    world.token(&calendar, "alice").await;
    world.change(&mail, &json!({"client_secret": mail.client_secret, "name": "Post"})).await;
    world.connect(&calendar, "bob").await;
    world.link(&calendar, "carol").await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&calendar, "bob").await.expect(200);
    world.admin("DELETE", &format!("/connectors/{}", mail.id)).send().await.expect(202);
    world.advance(900);
    world.deliver_revocations().await;
    for rest in ["/connectors", "/apps", "/apps/first-app/keys", "/keys", "/providers", "/audit"] {
        world.admin("GET", rest).send().await.expect(200);
    }
    world.admin("GET", &format!("/connectors/{}", calendar.id)).send().await.expect(200);
    world.admin("GET", &format!("/connectors/{}/connections", calendar.id)).send().await.expect(200);
    world.call("GET", &world.app.path("/connections")).bearer(&world.app.service_key).send().await.expect(200);
    world.keep_secret(DESCRIPTION);
    world
}

/// PUB-51.
#[tokio::test]
async fn no_secret_is_in_any_line_of_the_log() {
    let world = lived_in().await;
    let log = world.log.text();
    assert!(log.contains("refreshed a connection"), "the log is tapped");
    assert_hidden(&world.secrets(), "the log", &log);
}

/// PUB-53.
#[tokio::test]
async fn no_secret_is_in_any_table_or_queue() {
    let world = lived_in().await;
    let dump = world.aws.dump().await;
    assert!(dump.contains("refresh_token="), "the tables are tapped");
    assert_hidden(&world.secrets(), "a table", &dump);
    world.advance(900);
    let bodies = world.bodies();
    assert!(bodies.iter().any(|body| body.contains("ENDED#")), "the queues are tapped");
    assert_hidden(&world.secrets(), "a queue", &bodies.join("\n"));
}

/// PUB-50, PUB-51: each kind of secret has one kind of answer that it may be in, and most have none.
#[tokio::test]
async fn no_secret_is_in_an_answer_that_is_not_for_it() {
    let world = lived_in().await;
    let secrets = world.secrets();
    let answers = world.answers.lock().unwrap().clone();
    for (request, answer) in answers {
        let is_for = |secret: &&String| match secret.as_str() {
            secret if secret.starts_with("at_") => !(request.ends_with("/token") && answer.status == 200),
            secret if secret.starts_with("uck_") => !(request.starts_with("POST") && request.ends_with("/keys")),
            secret => {
                ["rt_", "code_", "secret-", "ey"].iter().any(|prefix| secret.starts_with(prefix))
                    || secret == DESCRIPTION
            }
        };
        let hidden: Vec<String> = secrets.iter().filter(is_for).cloned().collect();
        assert_hidden(&hidden, &request, &format!("{:?} {}", answer.headers, answer.text));
    }
}

/// PUB-50.
#[tokio::test]
async fn a_client_secret_goes_in_and_never_comes_out() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!(
        (&shown["has_client_secret"], &shown["client_secret_changed_at"]),
        (&json!(true), &json!("2026-11-22T10:00:00Z"))
    );
    assert!(shown.get("client_secret").is_none());
}

/// PUB-53.
#[tokio::test]
async fn the_same_token_of_two_users_is_stored_as_two_texts_and_opens_only_where_it_was_sealed() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        let body = r#"{"access_token":"at_same","refresh_token":"rt_same","expires_in":3600}"#;
        world.provider.next(Step::answer(200, &[], body));
        world.connect(&connector, user).await;
    }
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let [one, two] = items.as_slice() else { panic!("two connections") };
    for name in ["access_token", "refresh_token"] {
        assert_ne!(one[name], two[name]);
    }
    world.aws.overwrite("access_token", one, two).await;
    let mut statuses = [world.token(&connector, "alice").await.status, world.token(&connector, "bob").await.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
}
