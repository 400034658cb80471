//! A workspace whose keys are wrapped by a KMS key of its own.

use serde_json::{Value, json};

use crate::world::{Answer, Connector, World, encryption::CACHED, text};

const HOUR: u64 = 3_600;

async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

async fn kms_key(world: &World) -> String {
    text(&world.aws.kms("CreateKey", &json!({})).await["KeyMetadata"]["Arn"])
}

async fn disable(world: &World, key: &str) {
    world.aws.kms("DisableKey", &json!({"KeyId": key})).await;
    world.advance(CACHED);
}

async fn deployments_key(world: &World) -> String {
    text(&world.aws.kms("DescribeKey", &json!({"KeyId": "alias/connectors"})).await["KeyMetadata"]["Arn"])
}

async fn wrap_by(world: &World, key: &Value) -> Answer {
    world.admin("PUT", "/encryption-keys").json(&json!({"kms_key_arn": key})).send().await
}

#[tokio::test]
async fn what_a_workspaces_own_key_wraps_opens_without_the_deployments() {
    let (world, connector) = connected().await;
    let other = world.found("Second").await;
    let own = kms_key(&world).await;
    assert_eq!(wrap_by(&world, &json!(own)).await.expect(202)["generation"], 2);
    assert_eq!(world.keys().await[0]["kms_key"], own.as_str());
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
    disable(&world, &deployments_key(&world).await).await;
    world.access_token(&connector, "alice").await;
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.rotate().await["generation"], 3);
    assert_eq!(world.keys().await[0]["kms_key"], own.as_str(), "the next key is wrapped by the same");
    // Whoever has no key of their own has the deployment's.
    let body = json!({"integration_type": "github", "name": "Theirs", "client_id": "id", "client_secret": "s"});
    assert_eq!(other.admin(&world, "POST", "/connectors").json(&body).send().await.status, 503);
    assert_eq!(world.keys_of(&other).await[0]["kms_key"], "deployment");
}

#[tokio::test]
async fn without_its_own_key_nothing_of_a_workspace_opens() {
    let (world, connector) = connected().await;
    let own = kms_key(&world).await;
    wrap_by(&world, &json!(own)).await.expect(202);
    world.seal_anew().await;
    disable(&world, &own).await;
    assert_eq!(world.token(&connector, "alice").await.status, 503);
    world.aws.kms("EnableKey", &json!({"KeyId": own})).await;
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn a_workspace_goes_back_to_the_deployments_key_the_same_way() {
    let (world, connector) = connected().await;
    let own = kms_key(&world).await;
    wrap_by(&world, &json!(own)).await.expect(202);
    world.seal_anew().await;
    assert_eq!(wrap_by(&world, &json!(own)).await.expect(200), json!({"generation": 2, "state": "unchanged"}));
    assert_eq!(wrap_by(&world, &json!(null)).await.expect(202)["generation"], 3);
    world.seal_anew().await;
    disable(&world, &own).await;
    assert_eq!(world.keys().await[0]["kms_key"], "deployment");
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn a_workspace_is_founded_with_its_own_key() {
    let world = World::new().await;
    let own = kms_key(&world).await;
    let founded = world.found_with(&json!({"workspace_name": "Own", "kms_key_arn": own})).await.unwrap();
    let keys = world.keys_of(&founded).await;
    assert_eq!((keys.len(), &keys[0]["kms_key"]), (1, &json!(own)));
    let unknown = format!("{}0", &own[..own.len() - 1]).replace(&own[own.len() - 8..own.len() - 1], "0000000");
    for (arn, told) in [("nonsense", "must be the ARN of a KMS key"), (unknown.as_str(), "`WorkspaceKeyArns`")] {
        let refused = world.found_with(&json!({"workspace_name": "Own", "kms_key_arn": arn})).await.err().unwrap();
        assert!(refused.contains("kms_key_arn") && refused.contains(told), "{refused}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_or_can_not_be_used_is_refused_with_what_to_do_and_changes_nothing() {
    let (world, connector) = connected().await;
    let own = kms_key(&world).await;
    disable(&world, &own).await;
    let nobodys = "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-4000-8000-000000000000";
    for (arn, told) in [
        (json!("alias/mine"), "not of an alias"),
        (json!("arn:aws:kms:eu-west-1:000000000000:alias/mine"), "not of an alias"),
        (json!(7), "or null"),
        (json!(nobodys), "NotFoundException"),
        (json!(own), "DisabledException"),
    ] {
        let refused = wrap_by(&world, &arn).await.expect(422);
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], "/kms_key_arn", "{arn}");
        assert!(text(&error["detail"]).contains(told), "{error}");
    }
    assert!(text(&wrap_by(&world, &json!(nobodys)).await.expect(422)["errors"][0]["detail"]).contains("key policy"));
    assert_eq!(world.keys().await.len(), 1);
    world.access_token(&connector, "alice").await;
}

/// A key that wraps but may not unwrap would lock the workspace out of everything that it seals.
#[tokio::test]
async fn a_key_that_may_not_unwrap_is_refused_before_anything_is_sealed_with_it() {
    let (world, _) = connected().await;
    let own = kms_key(&world).await;
    world.aws.refuse("Decrypt", &own, 0);
    let refused = wrap_by(&world, &json!(own)).await.expect(422);
    assert!(text(&refused["errors"][0]["detail"]).contains("AccessDeniedException"), "{refused}");
    assert_eq!(world.keys().await.len(), 1);
}
