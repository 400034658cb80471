//! A call to a provider's API that an app has made in a user's name: where it may lead, what it may carry, and what of the
//! answer goes back.

mod answer;
mod content;
mod headers;
mod media_type;
mod method;
mod path;
mod prepared;
mod query;
mod request;
mod rules;
mod target;

pub use self::{
    answer::Data,
    content::{Content, ContentMismatch},
    headers::{InvalidHeader, answered, forwarded},
    method::CallMethod,
    path::{CallPath, InvalidPath},
    prepared::{CallRefusal, PreparedCall},
    query::{InvalidQuery, Query},
    request::{Call, read_call},
    rules::{CallRules, PathRule, UnreadableRules},
    target::{NoTarget, Target},
};
