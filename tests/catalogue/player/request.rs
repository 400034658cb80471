//! A request as it came, and what it must be like.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::{facts::Values, world::wire::Received};

/// Parameters as they were sent, in order.
type Parameters = Vec<(String, String)>;

/// A request that came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) method: String,
    /// Where to, without the query and without escapes.
    pub(super) path: String,
    query: Parameters,
    headers: HeaderMap,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Form(Parameters),
    Json(Value),
    Other(String),
}

/// How parameters are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Form,
    Json,
    Query,
}

/// What a parameter must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This text.
    Is(String),
    /// Any text.
    Any,
    /// Any text, and it may as well not be there.
    Maybe,
}

/// What a request must be like.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) query: Values,
    pub(super) headers: Values,
    /// The `Authorization` header, where there is to be one.
    pub(super) authorization: Option<String>,
    pub(super) written: Written,
    pub(super) parameters: BTreeMap<String, Wanted>,
    /// A body that is sent as it is.
    pub(super) document: Option<Value>,
}

impl Came {
    pub(super) fn read(request: &Received) -> Self {
        let url = Url::parse(&format!("http://player{}", request.path)).unwrap();
        let content_type =
            request.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = match content_type.split(';').next().unwrap_or_default() {
            "" if request.body.is_empty() => Body::None,
            "application/x-www-form-urlencoded" => Body::Form(request.form()),
            "application/json" => {
                serde_json::from_str(&request.body).map_or(Body::Other("broken JSON".into()), Body::Json)
            }
            other => Body::Other(other.to_owned()),
        };
        Self {
            method: request.method.clone(),
            path: decoded(url.path()),
            query: url.query_pairs().into_owned().collect(),
            headers: request.headers.clone(),
            body,
        }
    }

    fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// What was sent beside the query: parameters, or a document.
    pub(super) fn sent(&self) -> Result<(Parameters, Option<Value>), String> {
        match &self.body {
            Body::None => Ok((Vec::new(), None)),
            Body::Form(parameters) => Ok((parameters.clone(), None)),
            Body::Json(document) => Ok((Vec::new(), Some(document.clone()))),
            Body::Other(what) => Err(format!("the body is {what}")),
        }
    }
}

impl Demand {
    pub(super) fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            query: Values::new(),
            headers: Values::new(),
            authorization: None,
            written: Written::Form,
            parameters: BTreeMap::new(),
            document: None,
        }
    }

    /// Whether the request went to this place.
    pub(super) fn is_for(&self, came: &Came) -> bool {
        Url::parse(&self.url).is_ok_and(|url| decoded(url.path()) == came.path) && self.method == came.method
    }

    /// The parameters that came, if all is as it must be.
    pub(super) fn met_by(&self, came: &Came) -> Result<Values, String> {
        self.heads(came)?;
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        let url = Url::parse(&self.url).map_err(|error| error.to_string())?;
        let fixed = url.query_pairs().into_owned().chain(self.query.clone());
        wanted.extend(fixed.map(|(name, value)| (name, Wanted::Is(value))));
        let (body, document) = came.sent()?;
        if self.written == Written::Query || self.method == "GET" {
            wanted.extend(self.parameters.clone());
            if !body.is_empty() {
                return Err("has a form where everything belongs into the query".into());
            }
            self.document_is(document.as_ref())?;
            return compared("the query", &came.query, &wanted);
        }
        compared("the query", &came.query, &wanted)?;
        if self.written == Written::Json && !self.parameters.is_empty() {
            let fields = document.as_ref().and_then(Value::as_object).ok_or("is not written as a JSON object")?;
            let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            let texts: Option<Parameters> = fields.iter().map(text).collect();
            return compared("the body", &texts.ok_or("has something else than texts in its JSON")?, &self.parameters);
        }
        self.document_is(document.as_ref())?;
        compared("the body", &body, &self.parameters)
    }

    fn document_is(&self, document: Option<&Value>) -> Result<(), String> {
        if document == self.document.as_ref() {
            return Ok(());
        }
        Err(format!("has the JSON {document:?} instead of {:?}", self.document))
    }

    pub(super) fn heads(&self, came: &Came) -> Result<(), String> {
        let proof: Vec<&str> = self.authorization.as_deref().into_iter().collect();
        if came.header("authorization") != proof {
            return Err(format!("shows {:?} instead of {proof:?} in Authorization", came.header("authorization")));
        }
        for (name, value) in &self.headers {
            if came.header(name) != [value.as_str()] {
                return Err(format!("has {:?} instead of {value:?} in the header {name}", came.header(name)));
            }
        }
        Ok(())
    }
}

/// Compares names and values; no parameter may be there twice (RFC 6749, section 3.1).
pub(super) fn compared(
    place: &str,
    came: &[(String, String)],
    wanted: &BTreeMap<String, Wanted>,
) -> Result<Values, String> {
    let mut seen = Values::new();
    for (name, value) in came {
        match wanted.get(name) {
            None => return Err(format!("{place} has {name}, which nobody asked for")),
            Some(Wanted::Is(wanted)) if wanted != value => {
                return Err(format!("{place} has {name}={value:?} instead of {wanted:?}"));
            }
            Some(_) if value.is_empty() => return Err(format!("{place} has an empty {name}")),
            Some(_) => {}
        }
        if seen.insert(name.clone(), value.clone()).is_some() {
            return Err(format!("{place} has {name} twice"));
        }
    }
    match wanted.iter().find(|(name, wanted)| **wanted != Wanted::Maybe && !seen.contains_key(*name)) {
        Some((name, _)) => Err(format!("{place} lacks {name}")),
        None => Ok(seen),
    }
}

/// A path without its escapes.
pub(super) fn decoded(path: &str) -> String {
    let escaped = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).map(|(text, _)| text.into_owned()).collect()
}
