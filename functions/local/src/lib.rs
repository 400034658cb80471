//! Every function in one process on the developer's machine, with its own DynamoDB engine, key service and queues, a demo
//! app, a demo identity provider and a demo authorization server. Not deployed; the product knows nothing of it.

pub mod aws;

pub mod delivery;
pub mod demo;
mod digest;
pub mod environment;
pub mod files;
mod hosts;
pub mod listen;
pub mod product;
pub mod seed;
pub mod settings;
pub mod stack;
pub mod tables;
pub mod tasks;
