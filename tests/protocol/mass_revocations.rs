//! Many connections ended at once: exactly those that were looked at, whoever dies in the middle.

use serde_json::{Value, json};

use crate::{
    deletions::{left, let_pass},
    world::{App, Connector, World, text},
};

/// Two connectors and two apps, with these many users each: at ten, eleven, twelve and one o'clock.
struct Many {
    world: World,
    calendar: Connector,
    mail: Connector,
    second: App,
}

const EACH: usize = 12;

fn users(prefix: &str) -> Vec<String> {
    (0..EACH).map(|number| format!("{prefix}-{number}")).collect()
}

impl Many {
    async fn new() -> Self {
        let world = World::new().await;
        let (calendar, mail) = (world.connector("Calendar").await, world.connector("Mail").await);
        let second = world.register_app(&world.workspace, "second-app").await;
        for (connector, app) in [(&calendar, &world.app), (&mail, &world.app), (&calendar, &second), (&mail, &second)] {
            world.import_users(connector, app, &users("user")).await;
            world.advance(3_600);
        }
        Self { world, calendar, mail, second }
    }

    async fn look(&self, criteria: &Value) -> Value {
        self.world.revoke_matching(&self.world.workspace, criteria).await.expect(200)
    }

    /// Looks, and begins.
    async fn begin(&self, criteria: &Value) -> String {
        let look = self.look(criteria).await;
        let mut body = criteria.clone();
        (body["dry_run"], body["confirm"]) = (json!(false), look["confirm"].clone());
        text(&self.world.revoke_matching(&self.world.workspace, &body).await.expect(202)["revocation_id"])
    }

    async fn report(&self, id: &str) -> Value {
        self.world.admin("GET", &format!("/revocations/{id}")).send().await.expect(200)
    }

    /// Whether a user of an app still has a token.
    async fn is_connected(&self, connector: &Connector, app: &App, user: &str) -> bool {
        let rest = format!("/app-user-auth/connectors/{}/token", connector.id);
        match self.world.on_behalf(app, user, "GET", &rest).send().await.status {
            200 => true,
            404 => false,
            status => panic!("{status}"),
        }
    }

    /// How many connections there are.
    async fn left(&self) -> usize {
        left(&self.world).await.0
    }
}

#[tokio::test]
async fn each_criterion_ends_what_it_says_and_nothing_else() {
    let many = Many::new().await;
    let (first, second) = (&many.world.app, &many.second);
    for (criteria, matches, stays) in [
        (json!({"user": {"app_id": first.id, "sub": "user-0"}}), 2, (&many.calendar, second, "user-0")),
        (
            json!({"user": {"app_id": first.id, "sub": "user-1"}, "connector_id": many.mail.id}),
            1,
            (&many.calendar, first, "user-1"),
        ),
        (
            json!({"app_id": second.id, "connected_before": "2026-11-22T12:30:00Z"}),
            EACH,
            (&many.mail, second, "user-0"),
        ),
        (json!({"connected_after": "2026-11-22T13:00:00Z"}), EACH, (&many.calendar, first, "user-2")),
        (json!({"connector_id": many.mail.id}), EACH - 2, (&many.calendar, first, "user-2")),
    ] {
        let before = many.left().await;
        let look = many.look(&criteria).await;
        assert_eq!((&look["matches"], &look["has_more"]), (&json!(matches), &json!(false)), "{criteria}");
        let id = many.begin(&criteria).await;
        assert_eq!(many.left().await, before, "nothing ends while somebody waits for the answer");
        let_pass(&many.world, 10).await;
        let report = many.report(&id).await;
        let counts = ["status", "ended", "revoked", "pending", "failed"].map(|name| report[name].clone());
        assert_eq!(
            counts,
            [json!("finished"), json!(matches), json!(matches), json!(0), json!(0)],
            "{criteria}: {report}"
        );
        assert_eq!(many.left().await, before - matches, "{criteria}");
        let (connector, app, user) = stays;
        assert!(many.is_connected(connector, app, user).await, "{criteria}");
    }
    assert!(!many.is_connected(&many.calendar, first, "user-0").await);
    assert!(!many.is_connected(&many.mail, second, "user-5").await);
    let deeds = many.world.deeds("connections.revocation").await;
    assert_eq!(deeds.len(), 10, "{deeds:?}");
}

#[tokio::test]
async fn nothing_is_ended_that_was_not_looked_at_first() {
    let many = Many::new().await;
    let workspace = &many.world.workspace;
    let criteria = json!({"connector_id": many.mail.id});
    let confirm = many.look(&criteria).await["confirm"].clone();
    let begin = |criteria: Value, confirm: Value| {
        let mut body = criteria;
        (body["dry_run"], body["confirm"]) = (json!(false), confirm);
        body
    };
    let others = json!({"connector_id": many.calendar.id});
    for body in [
        begin(criteria.clone(), json!("yes")),
        begin(others, confirm.clone()),
        json!({"connector_id": many.mail.id, "dry_run": false}),
    ] {
        let refused = many.world.revoke_matching(workspace, &body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/confirm", "{body}");
    }
    many.world.advance(901);
    many.world.revoke_matching(workspace, &begin(criteria, confirm)).await.expect(422);
    for (body, pointer) in [
        (json!({}), "/connector_id"),
        (json!({"connector_id": "con_01ARZ3NDEKTSV4RRFFQ69G5FAV"}), "/connector_id"),
        (json!({"app_id": "never-was"}), "/app_id"),
        (json!({"app_id": many.second.id, "user": {"app_id": many.world.app.id, "sub": "a"}}), "/user/app_id"),
        (json!({"user": {"sub": "a"}}), "/user/app_id"),
        (json!({"user": {"app_id": "never-was", "sub": "a"}}), "/user/app_id"),
        (json!({"user": {}, "connector_id": many.mail.id}), "/user/app_id"),
        (json!({"user": null, "connector_id": many.mail.id}), "/user"),
        (json!({"connector_id": many.mail.id, "connected_before": null}), "/connected_before"),
        (json!({"connector_id": many.mail.id, "dry_run": "no"}), "/dry_run"),
        (json!({"connector_id": many.mail.id, "everything": true}), "/everything"),
        (json!({"connected_before": "yesterday"}), "/connected_before"),
    ] {
        let refused = many.world.revoke_matching(workspace, &body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(many.left().await, 4 * EACH);
    many.world.admin("GET", "/revocations/rev_01ARZ3NDEKTSV4RRFFQ69G5FAV").send().await.expect(404);
}

#[tokio::test]
async fn who_connects_after_the_look_stays_connected() {
    let many = Many::new().await;
    let id = many.begin(&json!({"connector_id": many.calendar.id})).await;
    many.world.advance(1);
    many.world.connect(&many.calendar, "user-3").await;
    many.world.connect(&many.calendar, "new").await;
    let_pass(&many.world, 10).await;
    let report = many.report(&id).await;
    assert_eq!((&report["status"], &report["ended"]), (&json!("finished"), &json!(2 * EACH - 1)));
    for user in ["user-3", "new"] {
        assert!(many.is_connected(&many.calendar, &many.world.app, user).await, "{user}");
    }
    assert!(!many.is_connected(&many.calendar, &many.world.app, "user-4").await);
}

/// Every message is lost in the middle, and whoever was at it died: the table knows, and the schedule reminds.
#[tokio::test]
async fn a_revocation_whose_worker_died_is_gone_on_with_by_another() {
    let many = Many::new().await;
    let id = many.begin(&json!({"connector_id": many.calendar.id})).await;
    let_pass(&many.world, 3).await;
    let ended = many.report(&id).await["ended"].as_u64().unwrap();
    assert!((1..2 * EACH as u64).contains(&ended), "{ended}");
    // Once after a group was ended, and once in the middle of one.
    many.world.aws.refuse("UpdateItem", "looked_at + :looked", 0);
    let_pass(&many.world, 1).await;
    many.world.advance(180);
    many.world.aws.refuse("TransactWriteItems", "ended_count", 2);
    many.world.remind_of_what_is_due().await;
    let_pass(&many.world, 1).await;
    many.world.aws.refuse_nothing();
    assert_eq!(many.report(&id).await["status"], "running");
    assert_exact(&many, &id).await;
    many.world.advance(180);
    many.world.lose_revocations();
    many.world.remind_of_what_is_due().await;
    let_pass(&many.world, 10).await;
    let report = many.report(&id).await;
    let counts = ["status", "looked_at", "ended", "revoked", "pending"].map(|name| report[name].clone());
    let all = json!(2 * EACH);
    assert_eq!(counts, [json!("finished"), all.clone(), all.clone(), all, json!(0)], "{report}");
    assert_eq!(many.left().await, 2 * EACH);
    assert_eq!(many.world.provider.journal("/revoke").len(), 2 * EACH, "each grant is ended once");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_holds_nobody_up_and_the_report_is_let_go_of_in_the_end() {
    let many = Many::new().await;
    many.world.provider.answer_revocations_with(crate::world::Revocation::Failing);
    let id = many.begin(&json!({"app_id": many.second.id})).await;
    let_pass(&many.world, 12).await;
    let report = many.report(&id).await;
    let counts = ["status", "ended", "revoked", "pending"].map(|name| report[name].clone());
    assert_eq!(counts, [json!("finished"), json!(2 * EACH), json!(0), json!(2 * EACH)]);
    assert_eq!(many.left().await, 2 * EACH);
    // What comes of them later is in the report, too.
    many.world.provider.answer_revocations_with(crate::world::Revocation::Done);
    many.world.advance(3_600);
    many.world.remind_of_what_is_due().await;
    let_pass(&many.world, 2).await;
    let report = many.report(&id).await;
    assert_eq!((&report["revoked"], &report["pending"]), (&json!(2 * EACH), &json!(0)), "{report}");
    many.world.advance(31 * 86_400);
    many.world.remind_of_what_is_due().await;
    while many.world.deliver_revocations().await.is_some() {}
    many.world.admin("GET", &format!("/revocations/{id}")).send().await.expect(404);
}

/// What a workspace shares belongs to no app's users.
#[tokio::test]
async fn a_shared_connection_is_ended_by_its_connector_or_its_time_and_not_by_an_app() {
    let world = World::new().await;
    let connector = world.shared_connector("Team").await;
    assert_eq!(world.connect_shared(&connector, "team@provider").await, "completed");
    world.advance(60);
    for (criteria, matches) in
        [(json!({"app_id": world.app.id}), 0), (json!({"connected_before": "2030-01-01T00:00:00Z"}), 1)]
    {
        let look = world.revoke_matching(&world.workspace, &criteria).await.expect(200);
        assert_eq!(look["matches"], matches, "{criteria}");
    }
    let look = world.revoke_matching(&world.workspace, &json!({"connector_id": connector.id})).await.expect(200);
    let body = json!({"connector_id": connector.id, "dry_run": false, "confirm": look["confirm"]});
    world.revoke_matching(&world.workspace, &body).await.expect(202);
    let_pass(&world, 5).await;
    assert_eq!(world.shared_token(&world.app, &connector.by_id()).await.status, 404);
}

/// What the report says of connections that are gone is how many are.
async fn assert_exact(many: &Many, id: &str) {
    let report = many.report(id).await;
    assert_eq!(report["ended"], json!(4 * EACH - many.left().await), "{report}");
}

#[tokio::test]
async fn two_who_end_the_same_at_once_end_each_connection_once() {
    let many = Many::new().await;
    let criteria = json!({"connector_id": many.calendar.id});
    let (one, other) = (many.begin(&criteria).await, many.begin(&criteria).await);
    let_pass(&many.world, 20).await;
    let mut ended = 0;
    for id in [&one, &other] {
        let report = many.report(id).await;
        assert_eq!((&report["status"], &report["pending"]), (&json!("finished"), &json!(0)), "{report}");
        assert_eq!(report["ended"], report["revoked"]);
        ended += report["ended"].as_u64().unwrap();
    }
    assert_eq!(ended, 2 * EACH as u64);
    assert_eq!(many.world.provider.journal("/revoke").len(), 2 * EACH);
}

/// A connection of the moment that a range begins with is in it, one of the moment that it ends with is not.
#[tokio::test]
async fn a_range_begins_with_its_first_moment_and_ends_before_its_last() {
    let many = Many::new().await;
    for (after, before, matches) in [
        ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", EACH),
        ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00.001Z", 2 * EACH),
        ("2026-11-22T10:00:00.001Z", "2026-11-22T11:00:00Z", 0),
        ("2026-11-22T13:00:00+02:00", "2026-11-22T12:00:00Z", EACH),
    ] {
        let look = many.look(&json!({"connected_after": after, "connected_before": before})).await;
        assert_eq!(look["matches"], matches, "{after} {before}");
    }
    // The last moment that there is can be named, and read again.
    let id = many.begin(&json!({"connected_after": "9999-12-30T22:00:00.999Z"})).await;
    let_pass(&many.world, 3).await;
    assert_eq!(many.report(&id).await["status"], "finished");
    for (after, before) in
        [("2026-11-22T11:00:00Z", "2026-11-22T10:00:00Z"), ("2026-11-22T11:00:00Z", "2026-11-22T11:00:00Z")]
    {
        let never = json!({"connected_after": after, "connected_before": before});
        let refused = many.world.revoke_matching(&many.world.workspace, &never).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/connected_after");
    }
}

#[tokio::test]
async fn a_workspace_sees_its_latest_revocations_newest_first_and_nobody_elses() {
    let many = Many::new().await;
    let mut begun = Vec::new();
    for number in 0..52 {
        let criteria = json!({"user": {"app_id": many.second.id, "sub": format!("nobody-{number}")}});
        begun.push(many.begin(&criteria).await);
        many.world.advance(1);
    }
    let list = async |query: &str| many.world.admin("GET", &format!("/revocations{query}")).send().await;
    let first = list("").await.expect(200);
    let ids = |page: &Value| -> Vec<String> {
        page["revocations"].as_array().unwrap().iter().map(|report| text(&report["revocation_id"])).collect()
    };
    begun.reverse();
    assert_eq!(ids(&first), begun[..50]);
    let rest = list(&format!("?cursor={}", text(&first["next_cursor"]))).await.expect(200);
    assert_eq!((ids(&rest), &rest["next_cursor"]), (begun[50..].to_vec(), &Value::Null));
    assert_eq!(list("?cursor=x").await.expect(422)["errors"][0]["pointer"], "?cursor");
    let other = many.world.found("Other").await;
    let theirs = other.admin(&many.world, "GET", "/revocations").send().await.expect(200);
    assert_eq!(theirs, json!({"revocations": [], "next_cursor": null}));
    let stolen = format!("/revocations?cursor={}", begun[0]);
    let theirs = other.admin(&many.world, "GET", &stolen).send().await.expect(200);
    assert_eq!(theirs["revocations"], json!([]));
}

/// An import that began before the look brings the rest of its grants after it: nobody has seen those.
#[tokio::test]
async fn what_an_import_that_was_under_way_brings_after_the_look_stays() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grants = ["early", "late"].map(|user| world.made_elsewhere(&connector, &world.app, user));
    let mut held = world.aws.hold("TransactWriteItems", "imported_digest");
    let body = json!({"connections": grants});
    let import = world.import(&connector, &body);
    let begun = async {
        held.arrived().await;
        world.advance(5);
        let look = world.revoke_matching(&world.workspace, &json!({"connector_id": connector.id})).await.expect(200);
        held.release();
        look["confirm"].clone()
    };
    let (imported, confirm) = futures::join!(import, begun);
    assert_eq!(imported.expect(200)["imported"], 2);
    let body = json!({"connector_id": connector.id, "dry_run": false, "confirm": confirm});
    world.revoke_matching(&world.workspace, &body).await.expect(202);
    let_pass(&world, 5).await;
    world.token(&connector, "late").await.expect(200);
}
