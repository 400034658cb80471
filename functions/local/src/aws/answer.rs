//! How the AWS JSON protocols answer.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// An error as an AWS service words it: a code that the SDK turns into a typed error, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct AwsError {
    code: &'static str,
    query_code: Option<&'static str>,
    message: &'static str,
    status: StatusCode,
}

impl AwsError {
    /// The caller's mistake: status 400.
    #[must_use]
    pub const fn client(code: &'static str, message: &'static str) -> Self {
        Self { code, query_code: None, message, status: StatusCode::BAD_REQUEST }
    }

    /// This side's failure: status 500, which the SDK retries.
    #[must_use]
    pub const fn server(code: &'static str, message: &'static str) -> Self {
        Self { code, query_code: None, message, status: StatusCode::INTERNAL_SERVER_ERROR }
    }

    /// Adds the code of the older query protocol, which SQS sends along and some SDKs read first.
    #[must_use]
    pub const fn with_query_code(self, code: &'static str) -> Self {
        Self { query_code: Some(code), ..self }
    }

    /// Whether the request itself is wrong, so that sending it again changes nothing.
    #[must_use]
    pub fn is_the_callers(&self) -> bool {
        self.status.is_client_error()
    }

    /// What a client matches on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

/// An operation that these endpoints do not know.
pub(super) const UNKNOWN_OPERATION: AwsError =
    AwsError::client("UnknownOperationException", "the operation is not known here");

/// A body that is no request of the operation, or asks for what these endpoints do not do.
const UNREADABLE: AwsError =
    AwsError::client("SerializationException", "the body has a member that is missing, mistyped or not supported here");

/// Reads a request body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|_| UNREADABLE)
}

/// A result or an error, on the wire.
pub(super) fn respond<T: Serialize>(content_type: &'static str, result: Result<T, AwsError>) -> Response {
    let content_type = [(header::CONTENT_TYPE, content_type)];
    match result.map(|value| serde_json::to_string(&value)) {
        Ok(Ok(body)) => (StatusCode::OK, content_type, body).into_response(),
        Ok(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(error) => {
            let body = json!({"__type": error.code, "message": error.message}).to_string();
            let query_error = error
                .query_code
                .map(|code| [(HeaderName::from_static("x-amzn-query-error"), format!("{code};Sender"))]);
            match query_error {
                Some(header) => (error.status, content_type, header, body).into_response(),
                None => (error.status, content_type, body).into_response(),
            }
        }
    }
}
