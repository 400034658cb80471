//! What stands in a table. Input: `READER ITEM`, by the names below, and then changes of the item's attributes, a line each:
//! `-name` takes one away, `name=S:text`, `name=N:digits`, `name=B:text`, `name=T`, `name=F` and `name=0` put one in its
//! place, `name=J:{"L":[]}` one of any kind.
//!
//! Whatever stands there is read, or refused; a reader of one kind meets items of all.

use std::future::Future;

use base64::{Engine, prelude::BASE64_STANDARD};
use connectors::{
    domain::{
        ids::{AppId, ConnectorId, Issuer, KeyId, Subject, WorkspaceId},
        provider::ProviderType,
        secret::Secret,
        session::SessionId,
        user::{ConnectionKey, Owner, User},
    },
    store::{
        ApiKeys, Apps, AuditLog, Connections, Connectors, CustomProviders, Endings, Healths, ItemKey, Schedule,
        SealedRows, Sessions, Sought, StoreError, TokenReads, WorkspaceKeys, Workspaces,
    },
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    text::{choose, first_line},
    world::{APP, ISSUER, World},
};

type Item = Map<String, Value>;

/// Asks the store for one kind of item. Answers what it said, as text.
type Reader = fn(&World, &Place) -> String;

/// Where the readers look.
struct Place {
    workspace: WorkspaceId,
    user: User,
    key: ConnectionKey,
    item: ItemKey,
    now: Timestamp,
}

const READERS: [(&str, Reader); 18] = [
    ("api-key", |w, _| said(w, ApiKeys::new(&w.dynamodb, &w.tables).find(&key_id()))),
    ("app", |w, at| said(w, Apps::new(&w.dynamodb, &w.tables).find(&at.user.app))),
    ("apps", |w, at| said(w, Apps::new(&w.dynamodb, &w.tables).of_workspace(&at.workspace))),
    ("audit", |w, at| {
        let sought = Sought::default();
        said(w, async move {
            AuditLog::new(&w.dynamodb, &w.tables).page(&at.workspace, &sought, None, (at.now, at.now), 10).await
        })
    }),
    ("connection", |w, at| said(w, Connections::new(&w.dynamodb, &w.tables).find(&at.key))),
    ("connections", |w, at| said(w, Connections::new(&w.dynamodb, &w.tables).of_user(&at.user))),
    ("connections-of", |w, at| {
        said(w, Connections::new(&w.dynamodb, &w.tables).of_connector(&at.key.connector, None, None, 3))
    }),
    ("connector", |w, at| said(w, Connectors::new(&w.dynamodb, &w.tables).find(&at.workspace, &at.key.connector))),
    ("due", |w, at| said(w, Schedule::new(&w.dynamodb, &w.tables).of_shard(0, at.now, None, 10))),
    ("ending", |w, at| said(w, Endings::new(&w.dynamodb, &w.tables).claim(&at.item, at.now, at.now))),
    ("generations", |w, at| said(w, WorkspaceKeys::new(&w.dynamodb, &w.tables).generations(&at.workspace))),
    ("health", |w, at| said(w, Healths::new(&w.dynamodb, &w.tables).find(&at.key.connector))),
    ("provider", |w, at| said(w, CustomProviders::new(&w.dynamodb, &w.tables).find(&at.workspace, &provider()))),
    ("sealed-secret", |w, at| said(w, SealedRows::new(&w.dynamodb, &w.tables).next_secret(&at.workspace, None))),
    ("sealed-tokens", |w, at| said(w, SealedRows::new(&w.dynamodb, &w.tables).page(&at.key.connector, None, 3))),
    ("session", |w, _| said(w, Sessions::new(&w.dynamodb, &w.tables).find(&session()))),
    ("token-reads", |w, at| said(w, TokenReads::new(&w.dynamodb, &w.tables).find(&at.key))),
    ("workspace", |w, at| said(w, Workspaces::new(&w.dynamodb, &w.tables).find(&at.workspace))),
];

/// Where an item of each kind stands: its table, and what its keys begin with. Of some kinds none is stored: these begin
/// with nothing.
const ITEMS: [(&str, [&str; 3]); 14] = [
    ("api-key", ["registry", "APIKEY#", ""]),
    ("app", ["registry", "APP#", ""]),
    ("audit", ["audit", "AUDIT#", ""]),
    ("connection", ["connections", "USER#", "CONN#"]),
    ("connector", ["registry", "WS#", "CONNECTOR#"]),
    ("ended-grant", ["connections", "USER#", "ENDED#con_"]),
    ("forgotten", ["connections", "", "ENDED#USER"]),
    ("health", ["none", "", ""]),
    ("key", ["registry", "WS#", "KEY#"]),
    ("provider", ["registry", "WS#", "PROVIDER#"]),
    ("purge", ["connections", "", "ENDED#WORKSPACE"]),
    ("session", ["sessions", "SESSION#", ""]),
    ("sweep", ["connections", "", "ENDED#SWEEP#"]),
    ("workspace", ["registry", "WS#", "META"]),
];

/// Takes an input.
pub fn run(input: &[u8]) {
    let said = read(&World::get(), input);
    assert!(!said.contains("given-"), "what is sealed was printed: {said}");
}

/// What a reader says of an item.
fn read(world: &World, input: &[u8]) -> String {
    let (first, rest) = first_line(input);
    let (reader, kind) = first.split_once(' ').unwrap_or((&first, ""));
    let kind = *choose(&ITEMS, kind);
    let mut item = stored(world, kind);
    for line in rest.split(|byte| *byte == b'\n') {
        change(&mut item, line);
    }
    let place = place(world, &item);
    world.endpoint.lay_out(kind[0], item);
    let said = choose(&READERS, reader)(world, &place);
    world.endpoint.clear_away();
    said
}

/// The first item of a kind that the product itself has stored.
fn stored(world: &World, [table, pk, sk]: [&str; 3]) -> Item {
    let is_of_kind = |name: &str, item: &Item| {
        let begins = |key: &str, prefix| item[key]["S"].as_str().is_some_and(|text| text.starts_with(prefix));
        name.ends_with(table) && begins("pk", pk) && begins("sk", sk)
    };
    world.endpoint.find(is_of_kind).unwrap_or_default()
}

fn change(item: &mut Item, line: &[u8]) {
    if let [b'-', name @ ..] = line {
        item.remove(&*String::from_utf8_lossy(name));
        return;
    }
    let Some(at) = line.iter().position(|byte| *byte == b'=') else { return };
    let (name, value) = (String::from_utf8_lossy(&line[..at]).into_owned(), &line[at + 1..]);
    item.insert(name, attribute(value));
}

fn attribute(value: &[u8]) -> Value {
    let (kind, value) = value.split_first().unwrap_or((&b'S', &[]));
    let value = value.strip_prefix(b":").unwrap_or(value);
    let text = String::from_utf8_lossy(value);
    match kind {
        b'N' => json!({"N": text}),
        b'B' => json!({"B": BASE64_STANDARD.encode(value)}),
        b'T' => json!({"BOOL": true}),
        b'F' => json!({"BOOL": false}),
        b'0' => json!({"NULL": true}),
        b'J' => serde_json::from_slice(value).unwrap_or_else(|_| json!({"S": text})),
        _ => json!({"S": text}),
    }
}

fn place(world: &World, item: &Item) -> Place {
    let workspace = WorkspaceId::parse(&world.names["workspace"]).unwrap();
    let user = User {
        app: AppId::parse(APP).unwrap(),
        issuer: Issuer::parse(ISSUER).unwrap(),
        subject: Subject::parse("alice").unwrap(),
    };
    let connector = ConnectorId::parse(&world.names["connector"]).unwrap();
    let part = |name: &str| item.get(name).and_then(|value| value["S"].as_str()).unwrap_or("none").to_owned();
    Place {
        key: ConnectionKey { workspace: workspace.clone(), owner: Owner::User(user.clone()), connector },
        user,
        workspace,
        item: ItemKey { pk: part("pk"), sk: part("sk") },
        now: world.clock.now(),
    }
}

/// What a reader said, as the log would have it.
fn said<T: std::fmt::Debug>(world: &World, asked: impl Future<Output = Result<T, StoreError>>) -> String {
    match world.run(asked) {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

fn key_id() -> KeyId {
    KeyId::parse("01KAMXJ5E0KEY0000000000000").unwrap()
}

fn provider() -> ProviderType {
    ProviderType::parse("given").unwrap()
}

fn session() -> SessionId {
    SessionId::of_state(&Secret::new("state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_reads_what_the_product_has_stored() {
        let world = World::get();
        for (reader, kind) in [
            ("api-key", "api-key"),
            ("app", "app"),
            ("audit", "audit"),
            ("connection", "connection"),
            ("connections", "connection"),
            ("connections-of", "connection"),
            ("connector", "connector"),
            ("due", "connection"),
            ("ending", "ended-grant"),
            ("ending", "forgotten"),
            ("ending", "purge"),
            ("ending", "sweep"),
            ("generations", "key"),
            ("provider", "provider"),
            ("sealed-secret", "connector"),
            ("sealed-tokens", "connection"),
            ("session", "session"),
            ("token-reads", "connection"),
            ("workspace", "workspace"),
        ] {
            let said = read(&world, format!("{reader} {kind}").as_bytes());
            assert!(!said.contains("Unreadable") && said != "None", "{reader} {kind}: {said}");
            let item = stored(&world, *choose(&ITEMS, kind));
            assert!(!item.is_empty(), "nothing is stored as {kind}");
        }
    }
}
