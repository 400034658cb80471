//! Reads what the functions answer from their own code, and says it as OpenAPI 3.1.
//!
//! Routes are where a router is put together, callers and parameters in the signatures of handlers, fields of bodies where
//! they are read, answers in the types that are serialized. There is nothing beside the code that could say something else;
//! the few answers that are no type of ours (pages, redirects, other people's formats) are in `by_hand`.

mod addresses;
mod body;
mod by_hand;
mod callers;
mod document;
mod grants;
mod handler;
mod index;
mod kinds;
mod naming;
mod operation;
mod page;
mod parameters;
mod proposals;
mod protocols;
mod providers;
mod reach;
mod refusals;
mod responses;
mod routes;
mod schema;
mod scope;
mod sources;
mod webhooks;

pub use document::{Described, describe};
pub use kinds::named as form;
pub use page::reference;

/// Why nothing could be described.
#[derive(Debug, thiserror::Error)]
pub enum OpenApiError {
    /// A file can't be read.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A file is not Rust.
    #[error("{0}: {1}")]
    Code(String, syn::Error),
    /// A file is not JSON.
    #[error("{0}: {1}")]
    Json(String, serde_json::Error),
}
