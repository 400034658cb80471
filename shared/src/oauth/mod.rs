//! The provider side: everything that is said to an authorization server, and how its answers are read.

pub mod catalogue;
