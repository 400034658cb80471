//! Connectors made as an admin makes them, and connections written as the product writes them: sealed by its own vault,
//! with the attributes that completing a session gives them.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, PutRequest, WriteRequest},
};
use connectors::{
    domain::{
        ids::{AppId, ConnectorId, Issuer, Subject, WorkspaceId},
        secret::{AccessToken, Kind, RefreshToken, Secret},
        user::{ConnectionKey, Owner, User},
    },
    random::Random,
    store::{
        WorkspaceKeys,
        schema::{CONNECTOR_SHARDS, DUE_SHARDS},
    },
    vault::{Place, Ready, Vault},
};
use futures::{StreamExt, stream};
use serde_json::json;

use super::{
    Fleet,
    provider::{NAME, secret},
};

/// How many connections each connector has.
const PER_CONNECTOR: usize = 50;

/// How many items one request writes: the service's own limit.
const PER_REQUEST: usize = 25;

/// How many requests are on their way at a time.
const AT_A_TIME: usize = 8;

type Item = HashMap<String, AttributeValue>;

impl Fleet {
    /// Adds `number` connections that were used today and are due, with tokens of an hour. Answers the bytes of one item.
    pub async fn load(&self, number: usize) -> usize {
        let vault = self.vault();
        let workspace = WorkspaceId::parse(&self.workspace).unwrap();
        let ready = vault.make_ready(&workspace).await.unwrap();
        let table = self.config().tables.connections;
        let mut connectors = Vec::new();
        for connector in 0..number.div_ceil(PER_CONNECTOR) {
            connectors.push(self.connector(connector).await);
        }
        let items =
            (0..number).map(|number| self.connection(&workspace, &connectors[number / PER_CONNECTOR], &ready, number));
        let size = items.clone().next().map_or(0, |item| size_of(&item));
        let puts = items.map(|item| {
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        });
        stream::iter(Chunks(puts))
            .for_each_concurrent(AT_A_TIME, async |chunk| {
                let answer = self.client.batch_write_item().request_items(&table, chunk).send().await.unwrap();
                assert!(answer.unprocessed_items.unwrap_or_default().is_empty());
            })
            .await;
        size
    }

    async fn connector(&self, number: usize) -> (ConnectorId, String) {
        let client_id = format!("client-{number}");
        let body = json!({
            "integration_type": NAME, "name": format!("Connector {number}"), "client_id": client_id,
            "client_secret": secret("secret", number), "scopes": ["read", "write"],
        });
        let made = self.administer("/connectors", &body).await;
        (ConnectorId::parse(made["id"].as_str().unwrap()).unwrap(), client_id)
    }

    fn connection(
        &self,
        workspace: &WorkspaceId,
        (connector, client_id): &(ConnectorId, String),
        ready: &Ready<'_>,
        number: usize,
    ) -> Item {
        let user = User {
            app: AppId::parse("app-1").unwrap(),
            issuer: Issuer::parse("https://login.example").unwrap(),
            subject: Subject::parse(&format!("user-{number}")).unwrap(),
        };
        let (pk, sk) = (format!("USER#{}#{}", user.app, user.digest()), format!("CONN#{connector}"));
        let owner = Owner::User(user.clone());
        let key = ConnectionKey { workspace: workspace.clone(), owner, connector: connector.clone() };
        let shard = shard_of(&pk, &sk);
        let now = self.clock.now();
        let ago = |duration: Duration| now.checked_sub(duration).unwrap().as_millisecond().to_string();
        let scopes = ["read", "write"].map(|scope| AttributeValue::S(scope.to_owned()));
        let texts = [
            ("pk", pk),
            ("sk", sk),
            ("workspace_id", workspace.to_string()),
            ("app_id", user.app.to_string()),
            ("issuer", user.issuer.to_string()),
            ("subject", user.subject.to_string()),
            ("connector_id", connector.to_string()),
            ("connector_shard", format!("{connector}#{}", shard % CONNECTOR_SHARDS)),
            ("client_id", client_id.clone()),
            ("token_type", "Bearer".to_owned()),
            ("due_shard", format!("DUE#{}", shard % DUE_SHARDS)),
            ("last_used_on", now.to_string()[..10].to_owned()),
        ];
        let numbers = [
            ("v", "1".to_owned()),
            ("ver", "1".to_owned()),
            ("fence", "1".to_owned()),
            ("scopes_revision", "1".to_owned()),
            ("connected_at", ago(Duration::from_hours(24))),
            ("issued_at", ago(Duration::from_mins(50))),
            ("expires_at", now.checked_add(Duration::from_mins(10)).unwrap().as_millisecond().to_string()),
            ("due_at", ago(Duration::from_mins(1))),
        ];
        let place = Place::connection(&key);
        let mut item: Item = texts.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into();
        item.extend(numbers.map(|(name, value)| (name.to_owned(), AttributeValue::N(value))));
        item.insert("granted".to_owned(), AttributeValue::L(scopes.to_vec()));
        item.insert("access_token".to_owned(), sealed::<AccessToken>(ready, "at", number, &place));
        item.insert("refresh_token".to_owned(), sealed::<RefreshToken>(ready, "rt", number, &place));
        item
    }

    /// The product's vault, on this deployment's key.
    fn vault(&self) -> Vault {
        let config = self.config();
        let credentials = aws_sdk_kms::config::Credentials::new("local", "local", None, None, "local");
        let kms = aws_sdk_kms::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_kms::config::Region::new(config.aws.region.clone()))
            .credentials_provider(credentials)
            .endpoint_url(config.aws.kms_endpoint.clone().unwrap())
            .http_client(connectors::network::client().unwrap());
        Vault::new(
            aws_sdk_kms::Client::from_conf(kms.build()),
            config.kms_key_id.clone(),
            config.deployment.clone(),
            config.max_key_age,
            WorkspaceKeys::new(&self.client, &config.tables),
            self.clock.clone(),
            Random::default(),
        )
    }
}

/// Items as many as one request takes, made when they are asked for.
struct Chunks<I>(I);

impl<I: Iterator> Iterator for Chunks<I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk: Vec<_> = self.0.by_ref().take(PER_REQUEST).collect();
        (!chunk.is_empty()).then_some(chunk)
    }
}

fn sealed<K: Kind>(ready: &Ready<'_>, kind: &str, number: usize, place: &Place) -> AttributeValue {
    let sealed = ready.seal(&Secret::<K>::new(secret(kind, number)), place);
    AttributeValue::B(Blob::new(sealed.as_bytes()))
}

fn shard_of(pk: &str, sk: &str) -> u16 {
    let digest = digest(&SHA256, format!("{pk}|{sk}").as_bytes());
    u16::from_be_bytes([digest.as_ref()[0], digest.as_ref()[1]])
}

/// As the service counts: names and values.
fn size_of(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::L(values) => {
            3 + values.iter().map(|value| 1 + value.as_s().map_or(0, String::len)).sum::<usize>()
        }
        _ => 0,
    };
    item.iter().map(|(name, content)| name.len() + value(content)).sum()
}
