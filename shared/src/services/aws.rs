//! Clients for AWS: one network for all of them, and no longer waits than somebody has who waits for us.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, retry::RetryConfig, stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

use super::ServicesError;
use crate::{config::AwsConfig, network};

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
    let (id, secret, token) = config.credentials.clone();
    let credentials = Credentials::new(id, secret, token, None, "environment");
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(network::client()?)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        // An answer is read as a whole within a try's time: there is no stream that could stall.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .build())
}
