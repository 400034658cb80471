//! Every function in one process on the developer's machine, with its own DynamoDB engine, key service and queues, a demo
//! app, a demo identity provider and a demo authorization server. Not deployed; the product knows nothing of it.

pub mod aws;

pub mod delivery;
pub mod demo;
mod digest;
pub mod environment;
pub mod files;
pub mod listen;
pub mod settings;
pub mod tables;
