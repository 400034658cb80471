//! One request to the product, and its answer.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::described;

/// Every answer that anybody got, with the method and path that it answers.
pub(crate) type Answers = Arc<Mutex<Vec<(String, Answer)>>>;

/// A request that is being put together.
pub(crate) struct Call {
    routes: Router,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    answers: Answers,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Call {
    pub(crate) fn new(routes: Router, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { routes, method, path, headers: Vec::new(), body: Vec::new(), answers: Answers::default() }
    }

    pub(super) fn noted_in(self, answers: &Answers) -> Self {
        Self { answers: answers.clone(), ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn on_behalf_of(self, token: &str) -> Self {
        self.header("on-behalf-of", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn raw(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body)).unwrap();
        let response = self.routes.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, text };
        described::has(&self.method, &self.path, &answer);
        self.answers.lock().unwrap().push((format!("{} {}", self.method, self.path), answer.clone()));
        answer
    }
}

impl Answer {
    /// The body as JSON; the test ends here if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body, if this is the status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The `code` of a refusal, with its status.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.header("x-base44-connector-error").unwrap_or_default().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a browser is sent.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location").unwrap()
    }

    /// `name=value` of every cookie that is set.
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        let pair = |line: &str| {
            line.split(';').next()?.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        lines.filter_map(pair).collect()
    }

    /// What may differ between two answers that say the same: the id of the request.
    pub(crate) fn without_ids(&self) -> (u16, Vec<(String, String)>, String) {
        let id = self.header("x-request-id").unwrap_or_default();
        let headers = self.headers.iter().filter(|(name, _)| *name != "x-request-id");
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort();
        (self.status, headers, self.text.replace(id, "-"))
    }
}
