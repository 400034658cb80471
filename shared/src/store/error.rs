//! What can go wrong with the storage, by what the caller can do about it.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
};

/// Why the storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is throttled, or is out of order; later it may answer.
    #[error("the storage can't answer now ({0})")]
    Unavailable(String),
    /// It refuses the request: a missing permission, a missing table, or a mistake of ours.
    #[error("the storage refused the request ({0})")]
    Refused(String),
    /// A stored item is not what this version of the code can read. It is left as it is.
    #[error("a stored item can't be read: {0}")]
    Unreadable(&'static str),
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// It is stored.
    Done,
    /// The condition did not hold; nothing was changed.
    Conflict,
}

/// Turns an SDK error into what the caller can do about it. Only the error's code is kept: messages may quote items.
pub(super) fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> StoreError {
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown").to_owned();
            match code.as_str() {
                "AccessDeniedException"
                | "ResourceNotFoundException"
                | "ValidationException"
                | "UnrecognizedClientException"
                | "SerializationException" => StoreError::Refused(code),
                _ => StoreError::Unavailable(code),
            }
        }
        SdkError::TimeoutError(_) => StoreError::Unavailable("timeout".to_owned()),
        SdkError::DispatchFailure(_) => StoreError::Unavailable("no connection".to_owned()),
        _ => StoreError::Unavailable("no readable answer".to_owned()),
    }
}

/// Errors that may say "the condition did not hold".
pub(super) trait Conditional {
    fn condition_failed(&self) -> bool;
}

impl Conditional for PutItemError {
    fn condition_failed(&self) -> bool {
        self.is_conditional_check_failed_exception()
    }
}

impl Conditional for UpdateItemError {
    fn condition_failed(&self) -> bool {
        self.is_conditional_check_failed_exception()
    }
}

impl Conditional for DeleteItemError {
    fn condition_failed(&self) -> bool {
        self.is_conditional_check_failed_exception()
    }
}

impl Conditional for TransactWriteItemsError {
    fn condition_failed(&self) -> bool {
        let Self::TransactionCanceledException(cancelled) = self else { return false };
        cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
    }
}

/// Reads the outcome of a conditional write.
pub(super) fn written<T, E, R>(outcome: Result<T, SdkError<E, R>>) -> Result<Write, StoreError>
where
    E: Conditional + ProvideErrorMetadata,
{
    match outcome {
        Ok(_) => Ok(Write::Done),
        Err(SdkError::ServiceError(service)) if service.err().condition_failed() => Ok(Write::Conflict),
        Err(error) => Err(failed(&error)),
    }
}
