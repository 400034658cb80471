//! Clients for AWS: one HTTP client, few roots, and no longer waits than somebody has who waits for us.

use std::time::Duration;

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider as Tls, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use super::ServicesError;
use crate::config::AwsConfig;

/// The certificate authorities that AWS endpoints are signed by. Reading these few, and not the operating system's
/// hundred and fifty, makes a cold start five milliseconds shorter.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../certificates/amazon-roots.pem");

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one try of one request may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a request may take, all tries together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// One client for each service.
pub(super) struct AwsClients {
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
}

impl AwsClients {
    pub(super) fn new(config: &AwsConfig) -> Result<Self, ServicesError> {
        let shared = shared(config)?;
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&shared);
        dynamodb.set_endpoint_url(config.dynamodb_endpoint.clone());
        let mut kms = aws_sdk_kms::config::Builder::from(&shared);
        kms.set_endpoint_url(config.kms_endpoint.clone());
        let mut sqs = aws_sdk_sqs::config::Builder::from(&shared);
        sqs.set_endpoint_url(config.sqs_endpoint.clone());
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        })
    }
}

/// The client of the event bus. Apart from the others, because one function only needs it: what it consists of is not
/// linked into the rest.
pub(super) fn event_bus(config: &AwsConfig) -> Result<aws_sdk_eventbridge::Client, ServicesError> {
    let mut eventbridge = aws_sdk_eventbridge::config::Builder::from(&shared(config)?);
    eventbridge.set_endpoint_url(config.eventbridge_endpoint.clone());
    Ok(aws_sdk_eventbridge::Client::from_conf(eventbridge.build()))
}

fn shared(config: &AwsConfig) -> Result<SdkConfig, ServicesError> {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().map_err(|_| ServicesError)?;
    let http = Builder::new().tls_provider(Tls::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https();
    let (id, secret, token) = config.credentials.clone();
    let credentials = Credentials::new(id, secret, token, None, "environment");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    Ok(SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .build())
}
