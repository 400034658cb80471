//! What stands behind an endpoint, whichever it is. The protocol's library is made once for every type that it is given, a
//! third of a megabyte each time: it is given this one.

use std::{future::Future, pin::Pin};

use axum::http::request::Parts;
use connectors::{domain::agent_scope::AgentScope, web::Problem};
use rmcp::model::{Prompt, ResourceTemplate, Tool};
use serde_json::{Map, Value};

use crate::{
    answer::Answer,
    library::{Library, Of, Opening, Page},
    tool::{NoTool, Tools},
};

/// What comes of asking.
pub(crate) type Coming<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failed>> + Send + 'a>>;

/// Why nothing came of it.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nobody has proven who is calling.
    Nobody,
    /// There is no tool of this name.
    NoTool,
    /// It was refused.
    Refused(Problem),
}

/// What an endpoint says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) instructions: &'static str,
    /// What an assistant does about something that is not there.
    pub(crate) lost: &'static str,
    /// Whether there is anything beside tools.
    pub(crate) has_library: bool,
    /// What a token must be good for to look.
    pub(crate) reads: AgentScope,
    /// What it must be good for to do anything else.
    pub(crate) changes: AgentScope,
}

/// Tools and library of an endpoint. Whoever calls is among the parts of their request: the transport has put them there.
pub(crate) trait Behind: Send + Sync {
    fn about(&self) -> About;

    fn tools(&self) -> Vec<Tool>;

    fn templates(&self) -> Vec<ResourceTemplate>;

    fn prompts(&self) -> Vec<Prompt>;

    fn use_tool<'a>(&'a self, parts: &'a Parts, name: &'a str, arguments: Value) -> Coming<'a, Answer>;

    fn resources<'a>(&'a self, parts: &'a Parts, from: Option<&'a str>) -> Coming<'a, Page>;

    fn resource<'a>(&'a self, parts: &'a Parts, uri: &'a str) -> Coming<'a, Option<Value>>;

    fn opening<'a>(
        &'a self,
        parts: &'a Parts,
        name: &'a str,
        arguments: &'a Map<String, Value>,
    ) -> Coming<'a, Option<Opening>>;

    fn completion<'a>(
        &'a self,
        parts: &'a Parts,
        of: Of<'a>,
        argument: &'a str,
        value: &'a str,
    ) -> Coming<'a, Option<Vec<String>>>;
}

impl<T: Library> Behind for T {
    fn about(&self) -> About {
        About {
            name: T::NAME,
            instructions: T::INSTRUCTIONS,
            lost: T::LOST,
            has_library: T::IS_THERE,
            reads: T::READS,
            changes: T::CHANGES,
        }
    }

    fn tools(&self) -> Vec<Tool> {
        T::list()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        <T as Library>::templates()
    }

    fn prompts(&self) -> Vec<Prompt> {
        <T as Library>::prompts()
    }

    fn use_tool<'a>(&'a self, parts: &'a Parts, name: &'a str, arguments: Value) -> Coming<'a, Answer> {
        Box::pin(async move {
            let outcome = self.call(caller::<T>(parts)?, name, arguments).await;
            outcome.map_err(|NoTool| Failed::NoTool)?.map_err(Failed::Refused)
        })
    }

    fn resources<'a>(&'a self, parts: &'a Parts, from: Option<&'a str>) -> Coming<'a, Page> {
        Box::pin(
            async move { <T as Library>::resources(self, &caller::<T>(parts)?, from).await.map_err(Failed::Refused) },
        )
    }

    fn resource<'a>(&'a self, parts: &'a Parts, uri: &'a str) -> Coming<'a, Option<Value>> {
        Box::pin(async move { self.read(&caller::<T>(parts)?, uri).await.map_err(Failed::Refused) })
    }

    fn opening<'a>(
        &'a self,
        parts: &'a Parts,
        name: &'a str,
        arguments: &'a Map<String, Value>,
    ) -> Coming<'a, Option<Opening>> {
        Box::pin(async move { self.open(&caller::<T>(parts)?, name, arguments).await.map_err(Failed::Refused) })
    }

    fn completion<'a>(
        &'a self,
        parts: &'a Parts,
        of: Of<'a>,
        argument: &'a str,
        value: &'a str,
    ) -> Coming<'a, Option<Vec<String>>> {
        Box::pin(async move { self.complete(&caller::<T>(parts)?, of, argument, value).await.map_err(Failed::Refused) })
    }
}

/// Who calls. The transport has put it there: without it nobody has proven anything.
fn caller<T: Tools>(parts: &Parts) -> Result<T::Caller, Failed> {
    parts.extensions.get::<T::Caller>().cloned().ok_or(Failed::Nobody)
}
