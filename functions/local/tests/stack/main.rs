//! Everything in one process, used from outside over HTTP as a page and a backend use it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod demo;
mod http;
mod machine;
mod restart;
mod salvage;
