//! The product: every function's routes in one router, and the functions that take events.

use std::sync::Arc;

use axum::Router;
use connectors::{
    clock::Clock,
    config::{Config, ConfigError},
    services::{Services, ServicesError},
    store::schema,
    web::{EventError, EventHandler},
};
use serde_json::Value;

use crate::{
    environment::Environment,
    tables::{self, TableError},
};

/// What the functions are, all together.
#[derive(Clone)]
pub struct Product {
    /// The routes of every function. No route is written twice: these are the ones that are deployed.
    pub routes: Router,
    /// Takes the event of the schedule, the queue of connections to refresh, and the queue of answers to salvage.
    pub refresh: EventHandler,
    /// Takes the queue of grants to revoke.
    pub disconnect: EventHandler,
    /// Takes the queue of events to tell.
    pub deliver_events: EventHandler,
    /// Takes the event that makes a deployment's first workspace.
    pub manage_connector: EventHandler,
}

/// Why the functions can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    /// A function would not start with this environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The clients can't be made.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// A table can't be created.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Product {
    /// The product as it is in this environment, with its tables.
    ///
    /// # Errors
    /// [`ProductError`].
    pub async fn open(environment: &Environment, clock: Clock) -> Result<Self, ProductError> {
        let config = Config::read(|name| environment.get(name).map(str::to_owned))?;
        tables::create_missing(
            &tables::client(environment).map_err(ServicesError::from)?,
            &schema::tables(&config.tables),
        )
        .await?;
        Ok(Self::new(&Services::with_clock(&config, clock)?)?)
    }

    fn new(services: &Arc<Services>) -> Result<Self, ServicesError> {
        let tell = services.deliver_events()?;
        let routes = Router::new()
            .merge(start_authorization::router(services))
            .merge(callback::router(services))
            .merge(finish_authorization::router(services))
            .merge(get_token::router(services))
            .merge(call_provider::router(services))
            .merge(list_connections::router(services))
            .merge(disconnect::router(services))
            .merge(manage_connector::router(services))
            .merge(move_grants::router(services))
            .merge(mcp::router(services))
            .merge(console::router(services));
        Ok(Self {
            routes: services.dress(routes),
            refresh: handler(services, |services, event| async move { refresh::on_event(&services, event).await }),
            disconnect: handler(
                services,
                |services, event| async move { disconnect::on_event(&services, event).await },
            ),
            deliver_events: Arc::new(move |event| {
                let tell = tell.clone();
                Box::pin(async move { deliver_events::on_event(&tell, event).await })
            }),
            manage_connector: handler(services, |services, event| async move {
                manage_connector::on_event(&services, event).await
            }),
        })
    }
}

fn handler<F>(
    services: &Arc<Services>,
    function: impl Fn(Arc<Services>, Value) -> F + Send + Sync + 'static,
) -> EventHandler
where
    F: Future<Output = Result<Value, EventError>> + Send + 'static,
{
    let services = services.clone();
    Arc::new(move |event| Box::pin(function(services.clone(), event)))
}
