//! What makes the first Connect work without any account: a demo app, an identity provider that signs in its users, and an
//! authorization server that those users can connect.

pub mod backend;
pub mod issuer;
pub mod page;
pub mod provider;
