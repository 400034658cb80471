//! A call to a provider's API that an app has made in a user's name: where it may lead, what it may carry, and what of the
//! answer goes back.

mod answer;
mod headers;
mod path;
mod query;
mod rules;
mod target;

pub use self::{
    answer::Data,
    headers::{InvalidHeader, answered, forwarded},
    path::{CallPath, InvalidPath},
    query::{InvalidQuery, Query},
    rules::{CallRules, PathRule, UnreadableRules},
    target::{NoTarget, Target},
};
use crate::domain::app::words;

/// The method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMethod {
    /// Reads.
    Get,
    /// Reads the headers.
    Head,
    /// Makes or does something.
    Post,
    /// Puts something there.
    Put,
    /// Changes something.
    Patch,
    /// Deletes something.
    Delete,
}

words! {
    CallMethod { Get = "GET", Head = "HEAD", Post = "POST", Put = "PUT", Patch = "PATCH", Delete = "DELETE" }
}

impl CallMethod {
    /// Whether it only looks (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether a request of this method has a body (RFC 9110, section 9.3).
    #[must_use]
    pub fn has_body(self) -> bool {
        !self.is_safe()
    }
}
