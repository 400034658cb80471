//! The Lambda function `mcp`: wiring only.

use connectors::{config::Config, services::Services, telemetry, web::serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::start();
    let services = Services::new(&Config::from_env()?)?;
    serve(services.dress(mcp::router(&services)), None).await
}
