//! What is answered: refusals by their status, with the codes that it may have, and the headers of all answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::refusals::Refusals;

/// What each status that refuses says.
const MEANINGS: [(u16, &str); 18] = [
    (400, "The request can't be read, or is too late."),
    (401, "Who is calling is not proven. The same answer for every cause."),
    (402, "The workspace's plan does not have it, or has no room for more."),
    (403, "Who is calling may not do this, or it is switched off."),
    (
        404,
        "There is nothing of this kind that the caller has access to: the same for what is another's and what never was.",
    ),
    (405, "The address has no such method; `Allow` names those that it has."),
    (406, "The answer can't be had in a form that the caller takes."),
    (409, "Something else stands in the way: `detail` says what."),
    (410, "The link is over, or was opened in another browser first."),
    (413, "The body is larger than 128 KiB, or than 1 MiB where an API is called or grants come in."),
    (414, "The address is longer than 8 KiB."),
    (415, "The body is not of a kind that is read here."),
    (422, "Fields that can't be accepted: `errors` names each, and says why."),
    (429, "Too many within a short time: try again after `Retry-After`."),
    (431, "The headers are larger than 32 KiB."),
    (500, "Something went wrong on our side. Nothing was lost."),
    (502, "A provider, or an issuer, does not accept what it was asked."),
    (503, "Something that this depends on does not answer for now: try again after `Retry-After`."),
];

/// Answers that several operations have, by name.
#[derive(Default)]
pub(crate) struct Responses(pub(crate) BTreeMap<String, Value>);

impl Responses {
    /// Adds a refusal for each status to the answers of an operation.
    pub(crate) fn refuse(&mut self, answers: &mut Value, refusals: &Refusals) {
        for (status, codes) in refusals {
            // A status that is told in another form somewhere keeps it, and may be a problem as well.
            let problem = self.refused(*status, codes);
            match answers.get_mut(status.to_string()) {
                Some(answer) => {
                    answer["content"]["application/problem+json"] = json!({ "schema": schema(*status, codes) });
                }
                None => answers[status.to_string()] = problem,
            }
        }
    }

    fn refused(&mut self, status: u16, codes: &BTreeSet<String>) -> Value {
        let codes_named = codes.iter().map(String::as_str).collect::<Vec<_>>().join("-or-");
        let name = format!("{status}-{codes_named}");
        self.0.entry(name.clone()).or_insert_with(|| {
            json!({
                "description": meaning(status),
                "headers": headers_of(status, Some(codes)),
                "content": { "application/problem+json": { "schema": schema(status, codes) } },
            })
        });
        json!({ "$ref": format!("#/components/responses/{name}") })
    }
}

/// What a status that refuses says.
pub(crate) fn meaning(status: u16) -> &'static str {
    MEANINGS.iter().find(|(known, _)| *known == status).map_or("Refused.", |(_, meaning)| meaning)
}

fn schema(status: u16, codes: &BTreeSet<String>) -> Value {
    json!({
        "allOf": [{ "$ref": "#/components/schemas/Problem" }],
        "properties": { "status": { "const": status }, "code": { "enum": codes } },
    })
}

/// The headers of an answer with this status; a problem repeats its code in one.
pub(crate) fn headers_of(status: u16, codes: Option<&BTreeSet<String>>) -> Value {
    let mut headers = json!({ "X-Request-Id": reference("X-Request-Id"), "Cache-Control": reference("Cache-Control") });
    if let Some(codes) = codes {
        headers["X-Base44-Connector-Error"] =
            json!({ "description": "The `code`.", "required": true, "schema": { "type": "string", "enum": codes } });
    }
    match status {
        303 => headers["Location"] = reference("Location"),
        401 => headers["WWW-Authenticate"] = reference("WWW-Authenticate"),
        429 | 503 => headers["Retry-After"] = reference("Retry-After"),
        _ => {}
    }
    headers
}

/// A header that is described once.
pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// Headers that several answers have.
pub(crate) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The id of this request, for whoever asks us about it.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$" },
        },
        "Cache-Control": {
            "description": "Who may keep the answer: nobody, unless it is the same for everybody.",
            "required": true,
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "How long to wait, in seconds.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WWW-Authenticate": {
            "description": "What proves a caller (RFC 9110, section 11.6.1).",
            "required": true,
            "schema": { "type": "string" },
        },
        "Location": {
            "description": "Where the browser is sent.",
            "required": true,
            "schema": { "type": "string", "format": "uri" },
        },
        "Set-Cookie": {
            "description": "The cookie that binds the browser to the session, or its end.",
            "schema": { "type": "string" },
        },
    })
}
