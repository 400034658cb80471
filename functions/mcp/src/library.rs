//! What an endpoint has beside its tools: things to read, ways to begin, and how their names go on.

use std::future::Future;

use connectors::web::Problem;
use rmcp::model::{Prompt, Resource, ResourceTemplate};
use serde_json::{Map, Value};

use crate::tool::Tools;

/// What is asked for the rest of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// An argument of the prompt of this name.
    Prompt(&'a str),
    /// A part of addresses of this form.
    Template(&'a str),
}

/// A way to begin: what the person says to their assistant, in our words.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) description: &'static str,
    pub(crate) text: String,
}

/// What there is to read, as much of it as is told at once.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) resources: Vec<Resource>,
    /// By what the rest is asked for, if there is more.
    pub(crate) next: Option<String>,
}

/// What there is to read and to begin with.
pub(crate) trait Library: Tools {
    /// Whether there is anything.
    const IS_THERE: bool;

    /// What there is to read that has a name: from the beginning, or from where an earlier page has ended.
    ///
    /// # Errors
    /// No page has ended there.
    fn resources(
        &self,
        caller: &Self::Caller,
        from: Option<&str>,
    ) -> impl Future<Output = Result<Page, Problem>> + Send;

    /// The forms of addresses of all others.
    fn templates() -> Vec<ResourceTemplate>;

    /// What stands at an address, as JSON; nothing, if there is no such thing or it is somebody else's.
    fn read(&self, caller: &Self::Caller, uri: &str) -> impl Future<Output = Result<Option<Value>, Problem>> + Send;

    /// Every way to begin.
    fn prompts() -> Vec<Prompt>;

    /// One of them; nothing, if there is none of this name.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn open(
        &self,
        caller: &Self::Caller,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> impl Future<Output = Result<Option<Opening>, Problem>> + Send;

    /// Every way in which a value that begins so may go on; nothing, if there is no such argument.
    fn complete(
        &self,
        caller: &Self::Caller,
        of: Of<'_>,
        argument: &str,
        value: &str,
    ) -> impl Future<Output = Result<Option<Vec<String>>, Problem>> + Send;
}
