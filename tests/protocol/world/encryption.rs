//! The keys of a workspace, what they sealed, and the work of sealing anew.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use super::{Item, Workspace, World, text};

/// When sealing anew begins at the earliest, counted from the making of a key, in seconds.
pub(crate) const NOTICED: u64 = 480;

/// How long a process remembers a key, in seconds.
pub(crate) const CACHED: u64 = 300;

/// Attributes that hold sealed values for longer than a session.
const SEALED: [&str; 5] = ["access_token", "refresh_token", "client_secret", "signing_key", "earlier_signing_key"];

impl World {
    /// An admin asks for a new key of the first workspace.
    pub(crate) async fn rotate(&self) -> Value {
        self.admin("POST", "/encryption-keys").json(&json!({})).send().await.expect(202)
    }

    /// The keys of the first workspace as its admin sees them, the newest first.
    pub(crate) async fn keys(&self) -> Vec<Value> {
        self.keys_of(&self.workspace).await
    }

    pub(crate) async fn keys_of(&self, workspace: &Workspace) -> Vec<Value> {
        let listed = workspace.admin(self, "GET", "/encryption-keys").send().await.expect(200);
        listed["encryption_keys"].as_array().unwrap().clone()
    }

    /// The states of the first workspace's keys, the newest first.
    pub(crate) async fn key_states(&self) -> Vec<String> {
        self.keys().await.iter().map(|key| text(&key["state"])).collect()
    }

    /// Lets time pass and messages be delivered until everything is sealed anew.
    pub(crate) async fn seal_anew(&self) {
        self.advance(NOTICED);
        for _ in 0..200 {
            assert_eq!(self.deliver_all_refreshes().await, 0);
            if !self.keys().await[0]["resealed_at"].is_null() {
                return;
            }
            self.advance(60);
        }
        panic!("sealing anew does not come to an end: {:?}", self.keys().await);
    }

    /// The generations of all sealed values that last longer than a session, with how many there are in all.
    pub(crate) async fn sealed_by(&self) -> (BTreeSet<u32>, usize) {
        let mut values = Vec::new();
        for table in ["TABLE_REGISTRY", "TABLE_CONNECTIONS"] {
            for item in self.aws.items(table).await {
                values.extend(SEALED.iter().filter_map(|name| generation(item.get(*name)?)));
            }
        }
        (values.iter().copied().collect(), values.len())
    }

    /// The only item of the table of connections.
    pub(crate) async fn only_connection(&self) -> Item {
        let mut items = self.aws.items("TABLE_CONNECTIONS").await;
        assert_eq!(items.len(), 1);
        items.remove(0)
    }
}

/// The generation that a sealed value begins with, behind one byte of layout.
pub(crate) fn generation(value: &AttributeValue) -> Option<u32> {
    match value.as_b().ok()?.as_ref() {
        [1, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        other => panic!("not a sealed value of {} bytes", other.len()),
    }
}
