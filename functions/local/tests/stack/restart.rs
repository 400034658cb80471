//! What survives, and what several processes share.

use std::os::unix::fs::PermissionsExt;

use crate::machine::Machine;

const ALL: [&str; 3] = ["profile", "events.read", "events.write"];

#[tokio::test]
async fn after_a_restart_on_another_port_the_workspace_is_the_same_and_the_demo_works() {
    let machine = Machine::start().await;
    let before = machine.running.dev.clone();
    machine.sign_in("alice").await.connect(&ALL).await;
    let machine = machine.restart().await;
    let after = &machine.running.dev;
    assert_ne!(before.base_url, after.base_url);
    assert_eq!((&before.workspace_id, &before.admin_key), (&after.workspace_id, &after.admin_key));
    assert_eq!((&before.app_id, &before.service_key), (&after.app_id, &after.service_key));
    let alice = machine.sign_in("alice").await;
    alice.connect(&ALL).await;
    assert_eq!(alice.events().await.json()["calendar"], "robin@calendar.example");
}

#[tokio::test]
async fn a_second_process_over_the_endpoints_of_the_first_has_a_workspace_of_its_own() {
    let first = Machine::start().await;
    let endpoint = first.running.dev.endpoints["kms"].clone();
    let second = Machine::start_over(tempfile::tempdir().unwrap(), &[("AWS_ENDPOINT_URL", &endpoint)]).await;
    assert_ne!(first.running.dev.workspace_id, second.running.dev.workspace_id);
    assert_eq!(second.running.dev.endpoints["dynamodb"], endpoint);
    let alice = second.sign_in("alice").await;
    alice.connect(&ALL).await;
    assert_eq!(alice.events().await.json()["calendar"], "robin@calendar.example");
    assert!(!second.folder.path().join("dynamodb.sqlite").exists());
}

#[tokio::test]
async fn every_file_is_readable_by_its_owner_alone() {
    let machine = Machine::start().await;
    for entry in std::fs::read_dir(machine.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
}
