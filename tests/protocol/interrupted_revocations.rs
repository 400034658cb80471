//! A revocation of many connections, interrupted at each of its steps: whoever goes on with it ends what is left, once, and the
//! report says what happened.

use serde_json::json;

use crate::{
    deletions::{left, let_pass},
    world::{Connector, World, text},
};

const USERS: usize = 3;

/// How long somebody who died holds what they had begun, and the schedule with it.
const HELD: u64 = 180;

async fn begin(world: &World, connector: &Connector) -> String {
    let criteria = json!({"connector_id": connector.id});
    let look = world.revoke_matching(&world.workspace, &criteria).await.expect(200);
    assert_eq!(look["matches"], USERS);
    let mut body = criteria;
    (body["dry_run"], body["confirm"]) = (json!(false), look["confirm"].clone());
    text(&world.revoke_matching(&world.workspace, &body).await.expect(202)["revocation_id"])
}

/// What was to be done is done: by messages, and by the schedule where they are lost.
async fn go_on(world: &World) {
    let_pass(world, 3).await;
    world.aws.refuse_nothing();
    for _ in 0..3 {
        world.advance(HELD);
        world.lose_revocations();
        world.remind_of_what_is_due().await;
        let_pass(world, 2).await;
    }
}

/// Begins a revocation for each step, has it interrupted there, and looks what came of it.
async fn assert_exact_however(steps: usize, interrupt: impl Fn(&World, usize)) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for step in 0..steps {
        let users: Vec<String> = (0..USERS).map(|number| format!("user-{step}-{number}")).collect();
        world.import_users(&connector, &world.app, &users).await;
        world.advance(1);
        let asked = world.provider.journal("/revoke").len();
        let id = begin(&world, &connector).await;
        interrupt(&world, step);
        go_on(&world).await;
        let report = world.admin("GET", &format!("/revocations/{id}")).send().await.expect(200);
        let counts = ["status", "looked_at", "ended", "revoked", "pending", "failed"].map(|name| report[name].clone());
        let all = json!(USERS);
        let expected = [json!("finished"), all.clone(), all.clone(), all, json!(0), json!(0)];
        assert_eq!(counts, expected, "{step}: {report}");
        assert_eq!(left(&world).await, (0, 0), "{step}");
        // Where it was not written down that a provider had ended one, that one is asked for again (RFC 7009).
        let asked = world.provider.journal("/revoke").len() - asked;
        assert!((USERS..=USERS + 1).contains(&asked), "{step}: {asked}");
    }
}

#[tokio::test]
async fn a_revocation_that_fails_at_a_write_is_gone_on_with() {
    assert_exact_however(5, |world, step| world.aws.refuse("UpdateItem", "", step)).await;
}

#[tokio::test]
async fn a_revocation_that_fails_at_an_end_is_gone_on_with() {
    assert_exact_however(6, |world, step| world.aws.refuse("TransactWriteItems", "", step)).await;
}

#[tokio::test]
async fn a_revocation_that_fails_at_a_look_is_gone_on_with() {
    assert_exact_however(4, |world, step| world.aws.refuse("Query", "", step)).await;
    assert_exact_however(4, |world, step| world.aws.refuse("GetItem", "", step)).await;
}

/// Done, and nobody was told: it is not done a second time, and counted once.
#[tokio::test]
async fn a_revocation_whose_writes_were_made_unheard_is_gone_on_with() {
    let writes =
        [("UpdateItem", "looked_at"), ("TransactWriteItems", "ended_count"), ("TransactWriteItems", "revoked_count")];
    assert_exact_however(writes.len(), |world, step| world.aws.lose_answer(writes[step].0, writes[step].1)).await;
}
