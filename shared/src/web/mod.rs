//! The HTTP vocabulary that every function speaks: what proves a caller, how a body is read, how a refusal looks.

pub mod batch;
mod body;
mod callers;
pub mod cookie;
mod cors;
mod form;
mod gateway;
pub mod language;
mod layers;
mod no_call;
mod no_token;
mod origin;
mod own_page;
pub mod page;
mod presented;
mod problem;
mod public_json;
mod query;
mod refusals;
mod resource;
mod serve;
mod show;

pub use body::{JsonBody, Large, Written, checked};
pub use callers::{
    AdminCaller, BackendCaller, BuilderCaller, Callers, DelegateCaller, OwnerCaller, ProposerCaller, ServiceCaller,
    UserCaller, WriterCaller,
};
pub use form::FormBody;
pub use gateway::OwnHost;
pub use layers::dress;
pub use no_call::no_call;
pub use no_token::no_token;
pub use origin::Origins;
pub use own_page::OwnPage;
pub use problem::{Problem, Upstream};
pub use public_json::{PublicJson, takes_gzip};
pub use query::Query;
pub use refusals::{no_connector, not_disconnected, not_managed, not_proposed, not_started};
pub use resource::{Access, AgentCaller, AssistantCaller, Resource, Resources};
pub use serve::{EventError, EventHandler, serve};
pub use show::{AccountOnWire, ConnectionOnWire, list, seconds};
