//! `template.yaml` against the code it deploys: what a linter cannot know, because it has read only one of the two.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails outside a test's body fails the test"
)]

mod described_forms;
mod document;
mod environment;
mod events;
mod openapi_document;
mod permissions;
mod routes;
mod runtime;
mod tables;
mod times;
