//! The AWS endpoints, spoken to by the AWS SDK as the functions do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod dynamodb;
mod endpoint;
mod kms;
mod sqs;
