//! The Lambda function `deliver-events`: wiring only.

use std::sync::Arc;

use connectors::{
    config::Config,
    services::Services,
    telemetry,
    web::{EventHandler, serve},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start();
    let services = Services::new(&Config::from_env()?)?;
    let routes = services.dress(deliver_events::router(&services));
    let journey = services.deliver_events()?;
    let on_event: EventHandler = Arc::new(move |event| {
        let journey = journey.clone();
        Box::pin(async move { deliver_events::on_event(&journey, event).await })
    });
    serve(routes, Some(on_event)).await
}
