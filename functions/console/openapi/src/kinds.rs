//! What a value may be, by the function that reads it. The patterns say what those functions check; where they can't (a length
//! in bytes, a key that must exist), they allow more, and never less. `tests/template` holds them against the functions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use syn::{Expr, visit::Visit};

use crate::{
    addresses,
    sources::{Module, Sources, literal},
    webhooks,
};

/// Texts without control characters.
const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// The rest of a ULID behind its first letter, and of an id that is no ULID.
const ULID: &str = "[0-7][0-9A-HJKMNP-TV-Z]{25}";

/// The path that an API is called at, and its query. That no part of it leads up, in whatever encoding, is not said.
const CALLED: &str = r"^/(PART(/PART)*/?)?(\?[^#\x00-\x1f\x7f-\x9f]*)?$";
const PART: &str = r"([^/?#%\\\x00-\x1f\x7f-\x9f]|%([2-46-9A-Fa-f][0-9A-Fa-f]|5[0-9ABD-Fabd-f]))+";

/// An id that a person chooses.
const NAME: &str = "^[A-Za-z0-9_-]{1,64}$";

/// The type of a provider.
const PROVIDER: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";

/// The schema of what a function of this name reads (`Origin::parse`); `None` if it is not known what that is.
#[must_use]
pub fn named(reader: &str) -> Option<Value> {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let ulid = |prefix: &str| pattern(&format!("^{prefix}{ULID}$"));
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    Some(match reader {
        "WorkspaceId::parse" | "AppId::parse" => pattern(NAME),
        "ConnectorId::parse" => ulid("con_"),
        "ProposalId::parse" => ulid("prp_"),
        "RevocationId::parse" => ulid("rev_"),
        "WebhookId::parse" => ulid("wh_"),
        "KeyId::parse" => ulid(""),
        "ConnectionId::parse" => pattern("^cnn_[0-9A-HJKMNP-TV-Z]{26}$"),
        "SessionId::parse" => pattern("^ses_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"),
        "ProviderType::parse" => pattern(PROVIDER),
        "Issuer::parse" | "claim_value" => printable(512),
        "Subject::parse" => printable(255),
        "DisplayName::parse" => {
            pattern(r"^ *[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,98}[^\s\x00-\x1f\x7f-\x9f])? *$")
        }
        "Origin::parse" => addresses::origin(),
        "ReturnUrl::parse" => addresses::page(),
        "KmsKeyArn::parse" => pattern("^arn:aws(-[a-z0-9-]{1,16})?:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[a-z0-9-]{1,64}$"),
        "Recipient::parse" => pattern("^age1[02-9ac-hj-np-z]{58}$"),
        "CallPath::parse" => bounded(pattern(&CALLED.replace("PART", PART)), 4_096),
        "Cursor::parse" => pattern("^[A-Za-z0-9_-]{1,2048}$"),
        "SessionBinding::parse" => words(&["strict", "warn"]),
        "HandleDelivery::parse" => words(&["fragment", "query"]),
        "ConnectorKind::parse" => words(&["per_user", "shared"]),
        "CallMethod::parse" => words(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        "permission" => words(&["tokens:offline"]),
        "claim" => json!({ "type": "string", "pattern": "^[!-~]{1,256}$" }),
        "token" => json!({ "type": "string" }),
        "token_type" => pattern("^[A-Za-z0-9._-]{1,64}$"),
        "Account::new" => printable(256),
        "day" => json!({ "type": "string", "format": "date", "examples": ["2027-01-31"] }),
        "long_text" => printable(4_096),
        "text" => printable(1_024),
        "moment" => json!({ "type": "string", "format": "date-time", "examples": ["2027-01-31T12:00:00Z"] }),
        "last_day" => json!({ "type": ["string", "null"], "format": "date", "examples": ["2027-01-31"] }),
        "client_id" => pattern("^[ -~]{1,512}$"),
        "client_secret" => pattern("^[ -~]{1,4096}$"),
        "secret" => {
            json!({ "type": "string", "maxLength": 1_024, "pattern": PRINTABLE, "description": "An empty one removes it." })
        }
        "url" => addresses::called(),
        "key_set::read" => key_set(),
        "Query::of_json" => query(),
        _ => return None,
    })
}

/// A path below the root of an API, without a query.
pub(crate) fn below_root() -> Value {
    json!({ "type": "string", "maxLength": 1_024, "pattern": format!("^/({PART}(/{PART})*/?)?$") })
}

/// A scope (RFC 6749, section 3.3).
pub(crate) fn scope() -> Value {
    json!({ "type": "string", "pattern": r"^[!#-[\]-~]{1,256}$" })
}

fn printable(longest: u32) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": PRINTABLE })
}

fn bounded(mut schema: Value, longest: u32) -> Value {
    schema["maxLength"] = longest.into();
    schema
}

/// Public keys (RFC 7517): no part that only who signs has. That one of them can be used is not said.
fn key_set() -> Value {
    let secret = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].map(|part| json!({ "required": [part] }));
    let key = json!({ "type": "object", "not": { "anyOf": secret } });
    let keys = json!({ "type": "array", "items": key });
    json!({ "type": "object", "properties": { "keys": keys }, "required": ["keys"] })
}

/// Parameters of an API: texts, yes and no, numbers whose digits all arrive, and lists of those.
fn query() -> Value {
    let one = json!({ "anyOf": [
        { "type": ["string", "boolean"] },
        { "type": "number", "exclusiveMinimum": -1e15, "exclusiveMaximum": 1e15 },
        { "type": "integer", "minimum": i64::MIN, "maximum": u64::MAX },
    ] });
    json!({
        "type": "object",
        "additionalProperties": { "anyOf": [one, { "type": "null" }, { "type": "array", "items": one }] },
    })
}

/// What a field must be, by what its reader is or calls; `None` if nothing of it is known. `given` is what names in the
/// reader stand for that the function around it was given.
pub(crate) fn of(
    sources: &Sources,
    module: &Module,
    reader: Option<&Expr>,
    given: &BTreeMap<String, Expr>,
) -> Option<Value> {
    let reader = reader?;
    if let Some(schema) = path_of(reader).and_then(|path| named(&path)) {
        return Some(schema);
    }
    let mut looked_at = LookedAt { sources, module, here: BTreeSet::new(), called: BTreeSet::new(), depth: 0 };
    looked_at.visit_expr(reader);
    for reader in looked_at.here.clone().iter().filter_map(|word| given.get(word)) {
        looked_at.visit_expr(reader);
    }
    let LookedAt { here, called, .. } = looked_at;
    let has = |word: &str| here.contains(word) || called.contains(word);
    let known = |words: &BTreeSet<String>| {
        let mut readers =
            words.iter().filter(|word| word.contains("::") || ["text", "long_text"].contains(&word.as_str()));
        readers.find_map(|word| if word == "EventKind::parse" { Some(events(sources)) } else { named(word) })
    };
    let schema = match known(&here).or_else(|| known(&called)) {
        Some(schema) => schema,
        None if has("as_bool") => json!({ "type": "boolean" }),
        None if has("as_u64") || has("as_f64") => json!({ "type": "integer", "minimum": 0 }),
        None if has("Value::Object") || has("as_object") => json!({ "type": "object" }),
        None if has("as_str") => json!({ "type": "string" }),
        None if has("clone") => json!({ "description": "Any JSON." }),
        None => return None,
    };
    Some(if has("is_null") || has("Value::Null") { or_null(schema) } else { schema })
}

fn events(sources: &Sources) -> Value {
    json!({ "type": "string", "enum": webhooks::names(sources) })
}

fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema["type"].as_str() {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

/// `module::function`, `Type::parse`: the last two names, or the only one.
fn path_of(expression: &Expr) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let is_type = |name: &str| name.starts_with(char::is_uppercase);
    Some(match names.as_slice() {
        [.., of, name] if is_type(of) => format!("{of}::{name}"),
        [.., name] => name.clone(),
        [] => return None,
    })
}

/// The methods and paths that stand in a piece of code, and in what it calls.
struct LookedAt<'a> {
    sources: &'a Sources,
    module: &'a Module,
    here: BTreeSet<String>,
    called: BTreeSet<String>,
    depth: usize,
}

impl<'ast> Visit<'ast> for LookedAt<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.here.insert(names.join("::"));
        let found = self.sources.function(self.module, path);
        let found = found.filter(|(module, _)| names.len() > 1 || std::ptr::eq(*module, self.module));
        if let Some((module, function)) = found.filter(|_| self.depth < 2) {
            let (here, called, depth) = (BTreeSet::new(), BTreeSet::new(), self.depth + 1);
            let mut inner = LookedAt { sources: self.sources, module, here, called, depth };
            inner.visit_block(&function.block);
            self.called.append(&mut inner.here);
            self.called.append(&mut inner.called);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.here.insert(call.method.to_string());
        syn::visit::visit_expr_method_call(self, call);
    }
}

/// `&[("admin", Role::Admin), …]`, or the name of such a list: the words.
pub(crate) fn words(sources: &Sources, module: &Module, choices: Option<&Expr>) -> Vec<String> {
    let Some(Expr::Reference(reference)) = choices else { return Vec::new() };
    let entries = match &*reference.expr {
        Expr::Array(entries) => Some(entries),
        Expr::Path(path) => path.path.segments.last().and_then(|last| sources.list(module, &last.ident.to_string())),
        _ => None,
    };
    let first = |entry: &Expr| match entry {
        Expr::Tuple(tuple) => tuple.elems.first().and_then(literal),
        _ => None,
    };
    entries.into_iter().flat_map(|entries| &entries.elems).filter_map(first).collect()
}
