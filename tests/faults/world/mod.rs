//! A deployment with everything that can go wrong within reach: tables, key and queues behind fault proxies, a provider
//! that does as it is told, a workspace with one app and one connector.

mod bootstraps;
mod deliveries;
mod ledger;
mod local;
mod reads;
mod tenants;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use ::local::{
    aws::{self, Engines, dynamodb::Engine, kms::KeyService, sqs::Queues},
    environment::Environment,
    product::Product,
    settings::Settings,
    tables,
};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use axum::Router;
use connectors::{
    clock::Clock,
    domain::{
        ids::{AppId, Issuer, Subject},
        user::User,
    },
};

pub(crate) use self::local::Local;
pub(crate) use bootstraps::{bootstrap, pairs};
pub(crate) use deliveries::{Deliveries, processes_of};
pub(crate) use ledger::{Ledger, user_name};
pub(crate) use reads::Read;
use tenants::Tenant;

use crate::{
    provider::{FakeProvider, Rotate},
    proxy::FaultProxy,
};

/// The lease of a refresh, the constant of the product.
pub(crate) const LEASE: Duration = connectors::journeys::refresh_connection::LEASE;

const BASE_URL: &str = "https://connect.example";

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Everything.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) provider: FakeProvider,
    pub(crate) queues: Arc<Queues>,
    /// What stands before the services for the instances of this process.
    pub(crate) front: FaultProxy,
    pub(crate) product: Product,
    tenant: Tenant,
    behind: Router,
    pub(crate) ledger: Ledger,
    db: Client,
    connections: String,
    _folder: tempfile::TempDir,
}

impl World {
    /// One whose time stands still until it is moved.
    pub(crate) async fn held(rotate: Rotate) -> Self {
        Self::start(Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap()), rotate).await
    }

    /// One that goes by the real clock.
    pub(crate) async fn live(rotate: Rotate) -> Self {
        Self::start(Clock::system(), rotate).await
    }

    async fn start(clock: Clock, rotate: Rotate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = Path::new(":memory:");
        let queues = Arc::new(Queues::open(memory, "eu-west-1", clock.clone()).unwrap());
        let behind = aws::router(Engines {
            dynamodb: Some(Engine::open(memory).unwrap()),
            kms: Some(Arc::new(KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap())),
            sqs: Some(queues.clone()),
            events: Arc::default(),
        });
        let ledger = Ledger::default();
        let provider = FakeProvider::start(&clock, ledger.clone(), rotate).await;
        let front = FaultProxy::before(behind.clone(), ledger.clone()).await;
        let quiet = FaultProxy::before(behind.clone(), ledger.clone()).await;
        let environment = environment(&front);
        let product = Product::open(&environment, clock.clone()).await.unwrap();
        let tenant = Tenant::register(&product, &provider).await;
        let connections = environment.get("TABLE_CONNECTIONS").unwrap().to_owned();
        let db = tables::client(&self::environment(&quiet)).unwrap();
        Self { clock, provider, queues, front, product, tenant, behind, ledger, db, connections, _folder: folder }
    }

    /// Another proxy before the same services.
    pub(crate) async fn proxy(&self) -> FaultProxy {
        FaultProxy::before(self.behind.clone(), self.ledger.clone()).await
    }

    /// Another instance of every function, with caches of its own, on the same tables.
    pub(crate) async fn instance(&self, proxy: &FaultProxy) -> Product {
        Product::open(&environment(proxy), self.clock.clone()).await.unwrap()
    }

    /// A user connects.
    pub(crate) async fn connect(&self, user: &str) {
        self.ledger.add_user(person(user).digest(), user);
        self.tenant.connect(&self.product, &self.provider, &self.clock, user).await;
    }

    /// The row of a connection.
    pub(crate) async fn row(&self, user: &str) -> Option<Item> {
        let request = self.db.get_item().table_name(&self.connections).consistent_read(true);
        request.set_key(Some(self.key(user))).send().await.unwrap().item
    }

    /// The access token of a user has come to its end, as it does by itself an hour later.
    pub(crate) async fn expire(&self, user: &str) {
        // At the provider first: as soon as the row says so, somebody may refresh it, and what they get has not ended.
        self.provider.expire_access(user);
        self.end_in(user, -1_000).await;
    }

    /// The access token of a user has this long to live, in milliseconds.
    pub(crate) async fn end_in(&self, user: &str, milliseconds: i64) {
        let now = self.clock.now().as_millisecond();
        let number = |value: i64| AttributeValue::N(value.to_string());
        let request = self.db.update_item().table_name(&self.connections).set_key(Some(self.key(user)));
        let request = request
            .update_expression("SET issued_at = :issued, expires_at = :ends, due_at = :due")
            .expression_attribute_values(":issued", number(now - 3_600_000 + milliseconds))
            .expression_attribute_values(":ends", number(now + milliseconds))
            .expression_attribute_values(":due", number(now + milliseconds.min(0)));
        request.send().await.unwrap();
    }

    fn key(&self, user: &str) -> Item {
        let text = |text: String| AttributeValue::S(text);
        let pk = format!("USER#{}#{}", tenants::APP, person(user).digest());
        [("pk".to_owned(), text(pk)), ("sk".to_owned(), text(format!("CONN#{}", self.tenant.connector)))].into()
    }
}

/// The environment of functions that reach their services through this proxy.
pub(crate) fn environment(proxy: &FaultProxy) -> Environment {
    let settings = Settings::read(|_| None).unwrap();
    Environment::new(&settings, BASE_URL, proxy.address, |_| None)
}

/// A user of the app, as the product knows them.
fn person(user: &str) -> User {
    User {
        app: AppId::parse(tenants::APP).unwrap(),
        issuer: Issuer::parse(tenants::ISSUER).unwrap(),
        subject: Subject::parse(user).unwrap(),
    }
}
