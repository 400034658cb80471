//! The HTTP vocabulary that every function speaks: what proves a caller, how a body is read, how a refusal looks.

mod body;
mod callers;
mod cors;
mod layers;
mod origin;
mod problem;
mod query;
mod serve;

pub use body::{JsonBody, checked};
pub use callers::{AdminCaller, Callers, DelegateCaller, ServiceCaller, UserCaller, WriterCaller};
pub use layers::dress;
pub use origin::Origins;
pub use problem::{Problem, Upstream};
pub use query::Query;
pub use serve::{EventError, EventHandler, serve};
