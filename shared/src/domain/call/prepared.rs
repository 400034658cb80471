//! A call, ready to be sent: everything that the connector and the provider's data have to say about it was asked.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Call, CallMethod, CallRules, ContentMismatch, InvalidHeader, NoTarget, Target, forwarded};
use crate::domain::provider::{Api, TokenIn};

const CONTENT_TYPE: &str = "content-type";
const JSON: &str = "application/json";

/// A call, ready to be sent: all but what proves in whose name it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedCall<'c> {
    /// The method.
    pub method: CallMethod,
    /// Where it leads.
    pub target: Target,
    /// The caller's headers that go along, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<Cow<'c, [u8]>>,
}

/// Why a call may not be made, or can't be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefusal {
    /// It leads nowhere.
    #[error(transparent)]
    Target(#[from] NoTarget),
    /// The connector's rules do not have it.
    #[error("the connector's rules do not allow it")]
    NotAllowed,
    /// A header can't be sent.
    #[error(transparent)]
    Header(#[from] InvalidHeader),
    /// The body is not what its `content-type` says.
    #[error(transparent)]
    Body(#[from] ContentMismatch),
    /// The query has the parameter by which the provider takes the token.
    #[error("the query has the parameter of the token")]
    TokenInQuery,
}

impl<'c> PreparedCall<'c> {
    /// Puts a call together for an API that has all its values.
    ///
    /// # Errors
    /// [`CallRefusal`].
    pub fn of(api: &Api, rules: &CallRules, call: &'c Call) -> Result<Self, CallRefusal> {
        if matches!(&api.token_in, Some(TokenIn::Query { query }) if call.query.has(query)) {
            return Err(CallRefusal::TokenInQuery);
        }
        let target = Target::of(api, call.host.as_deref(), &call.path, &call.query)?;
        let mut headers = forwarded(&call.headers, api)?;
        let content_type = headers.get(CONTENT_TYPE).map(String::as_str);
        // What a call may come to is judged as well as what it is.
        let is_allowed = |method| rules.allow(method, &target, &call.path);
        if !call.methods(content_type).into_iter().all(is_allowed) {
            return Err(CallRefusal::NotAllowed);
        }
        let body = call.content().map(|content| content.encoded(content_type)).transpose()?;
        if body.is_some() {
            headers.entry(CONTENT_TYPE.to_owned()).or_insert_with(|| JSON.to_owned());
        } else {
            headers.remove(CONTENT_TYPE);
        }
        Ok(Self { method: call.method, target, headers, body })
    }
}
