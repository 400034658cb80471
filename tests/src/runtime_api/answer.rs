//! What a function answered, and when.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

/// An answer to one event.
#[derive(Debug)]
pub struct Answer {
    /// What came back.
    pub outcome: Outcome,
    /// How long after the start of the process it came.
    pub after: Duration,
}

/// Which of the Runtime API's routes the answer came by.
#[derive(Debug)]
pub enum Outcome {
    /// The handler's value.
    Response(Value),
    /// The handler, or the start of the process, failed.
    Error(Value),
}

/// An answer on its way to the gateway, which makes an HTTP response of it.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
    /// The body as JSON, as a text where it is none, `null` where there is none. In Base64 where it is compressed.
    pub body: Value,
}

impl HttpAnswer {
    /// The body of a refusal, without the id that only this request has; the header must name the same one.
    #[must_use]
    pub fn problem(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let mut body = self.body.clone();
        let id = body.as_object_mut().and_then(|body| body.remove("request_id")).expect("a request id");
        assert_eq!(id, *self.headers["x-request-id"]);
        body
    }
}

impl Answer {
    /// What the function says went wrong, where it has no answer.
    #[must_use]
    pub fn error(self) -> Value {
        match self.outcome {
            Outcome::Error(error) => error,
            Outcome::Response(value) => panic!("the function answered: {value}"),
        }
    }

    /// The value that the handler returned.
    #[must_use]
    pub fn value(self) -> Value {
        match self.outcome {
            Outcome::Response(value) => value,
            Outcome::Error(error) => panic!("the function failed: {error}"),
        }
    }

    /// The answer to an HTTP event.
    #[must_use]
    pub fn http(self) -> HttpAnswer {
        let value = self.value();
        let status = value["statusCode"].as_u64().unwrap_or_else(|| panic!("no answer to an HTTP event: {value}"));
        let is_compressed = !value["headers"]["content-encoding"].is_null();
        assert_eq!(
            value["isBase64Encoded"] == true,
            is_compressed,
            "no answer of this API is binary, unless compressed"
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = value["headers"].as_object().into_iter().flatten();
        let several = value["multiValueHeaders"].as_object().into_iter().flatten();
        let several = several.filter_map(|(name, values)| Some((name.to_lowercase(), text(values.get(0)?))));
        HttpAnswer {
            status: u16::try_from(status).unwrap(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), text(value))).chain(several).collect(),
            cookies: value["cookies"].as_array().into_iter().flatten().map(text).collect(),
            body: Self::body(&value).map_or(Value::Null, json_or_text),
        }
    }

    fn body(value: &Value) -> Option<&str> {
        value["body"].as_str().filter(|body| !body.is_empty())
    }
}

fn json_or_text(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| body.into())
}

/// The JSON that a function posted.
pub(super) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("the function posted no JSON: {error}"))
}
