//! A program that speaks HTTP to what runs on this machine, and follows no redirect by itself.

use std::sync::Once;

use reqwest::{Client, redirect::Policy};

/// The client. Nothing here is reached by TLS, but the client wants to know what it would speak it with.
#[expect(clippy::disallowed_methods, reason = "a test's own client: the product's reaches no loopback address")]
#[must_use]
pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}
