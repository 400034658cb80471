//! What stands in an address: names in the path, and the query as handlers read it.

use serde_json::{Value, json};
use syn::{Expr, visit::Visit};

use crate::{
    callers,
    document::Describing,
    handler::Handler,
    kinds,
    sources::{Module, Sources, literal},
};

/// What the names in addresses stand for, and by which function they are read.
const NAMES: [(&str, &str, &str); 18] = [
    ("ws", "The workspace.", "WorkspaceId::parse"),
    ("app", "The app.", "AppId::parse"),
    ("app_id", "The app, as a listing has it.", "AppId::parse"),
    ("id", "The connector.", "ConnectorId::parse"),
    ("connector_id", "The connector.", "ConnectorId::parse"),
    ("connection", "The connection, as a listing has it.", "ConnectionId::parse"),
    ("session", "The session, as the link or the start of it has it.", "SessionId::parse"),
    (
        "sub",
        "The user, by the name that the app's issuer has for them. In a query it repeats the path's.",
        "Subject::parse",
    ),
    ("issuer", "The issuer that the user is known to.", "Issuer::parse"),
    ("key_id", "The id of the key, never the key itself.", "KeyId::parse"),
    ("type", "The provider.", "ProviderType::parse"),
    ("proposal", "The proposal.", "ProposalId::parse"),
    ("revocation", "The revocation.", "RevocationId::parse"),
    ("webhook", "The webhook.", "WebhookId::parse"),
    ("confirm", "The workspace once more, so that nothing is deleted by a slip.", "WorkspaceId::parse"),
    ("name", "The name of the file, which changes with its content.", ""),
    ("path", "A view of the console.", ""),
    ("state", "What the session was begun with.", ""),
];

/// What is sought in the audit trail.
const SOUGHT: &str = r#"{"type":"string","minLength":1,"maxLength":1000}"#;

/// What of a query is written in a form of its own.
const FORMS: [(&str, &str); 15] = [
    ("cursor", r#"{"type":"string","pattern":"^[A-Za-z0-9_-]{1,2048}$"}"#),
    ("since", r#"{"type":"string","format":"date-time"}"#),
    ("until", r#"{"type":"string","format":"date-time"}"#),
    ("actor", SOUGHT),
    ("action", SOUGHT),
    ("target", SOUGHT),
    ("connector", SOUGHT),
    (
        "witness",
        r#"{"type":"string","pattern":"^([0-9]{1,19}:[0-9A-Fa-f]{64})?(,([0-9]{1,19}:[0-9A-Fa-f]{64})?){7}$"}"#,
    ),
    ("min_ttl", r#"{"type":"integer","minimum":0,"maximum":3600,"default":60}"#),
    ("required_scopes", r#"{"type":"string","pattern":"^[!#-[\\]-~]{1,256}( [!#-[\\]-~]{1,256})*$"}"#),
    ("rejected_token_sha256", r#"{"type":"string","pattern":"^[0-9A-Fa-f]{64}$"}"#),
    ("revoke", r#"{"type":"boolean","default":true}"#),
    ("summary", r#"{"type":"boolean","default":false}"#),
    ("session", r#"{"type":"string"}"#),
    ("format", r#"{"type":"string","enum":["json","ndjson"]}"#),
];

/// All parameters of an operation.
pub(crate) fn of(describing: &mut Describing<'_>, path: &str, handler: Option<&Handler<'_>>) -> Vec<Value> {
    let mut parameters = of_path(path);
    let extractors = handler.map(Handler::extractors).unwrap_or_default();
    // What nobody looks at may be anything.
    if !extractors.iter().any(|extractor| extractor == "Path" || callers::is_proof(extractor)) {
        for parameter in &mut parameters {
            parameter["schema"] = json!({ "type": "string" });
        }
    }
    parameters
        .extend(handler.into_iter().flat_map(|handler| of_query(describing.sources, handler.reached.iter().copied())));
    parameters
}

fn of_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| described(name.trim_end_matches('+'), "path", true)).collect()
}

fn described(name: &str, place: &str, required: bool) -> Value {
    let known = NAMES.iter().find(|(known, ..)| *known == name);
    let form = FORMS.iter().find(|(known, _)| *known == name && place == "query");
    let schema = form.and_then(|(_, form)| serde_json::from_str(form).ok());
    let schema = schema.or_else(|| known.and_then(|(.., reader)| kinds::named(reader)));
    let schema = schema.unwrap_or_else(|| json!({ "type": "string" }));
    let mut parameter = json!({ "name": name, "in": place, "required": required, "schema": schema });
    if let Some((_, meaning, _)) = known {
        parameter["description"] = (*meaning).into();
    }
    // One that is empty is as if it were not there.
    if place == "query" && !required {
        parameter["allowEmptyValue"] = true.into();
    }
    parameter
}

/// The parameters that a handler, and what it calls, reads of the query.
fn of_query<'a>(sources: &Sources, reached: impl Iterator<Item = (&'a Module, &'a syn::ItemFn)>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (module, function) in reached {
        let mut reader = Reader { sources, module, function, found: Vec::new() };
        reader.visit_item_fn(function);
        for parameter in reader.found {
            if !found.iter().any(|known| known["name"] == parameter["name"]) {
                found.push(parameter);
            }
        }
    }
    found
}

struct Reader<'a> {
    sources: &'a Sources,
    module: &'a Module,
    function: &'a syn::ItemFn,
    found: Vec<Value>,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let is_read = ["read", "get", "confirms"].iter().any(|known| call.method == known);
        if is_read
            && is_query(&call.receiver)
            && let Some(name) = call.args.first().and_then(literal)
        {
            let expected = call.args.get(1).filter(|_| call.method == "read").and_then(|given| self.sentence(given));
            self.take(&name, expected.as_deref(), false);
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    /// `named(&query, "app_id", …)`: a function that insists on it.
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if call.args.first().is_some_and(is_query)
            && let Some(name) = call.args.get(1).and_then(literal)
        {
            self.take(&name, None, true);
        }
        syn::visit::visit_expr_call(self, call);
    }
}

impl Reader<'_> {
    fn sentence(&self, expression: &Expr) -> Option<String> {
        let Expr::Path(path) = expression else { return literal(expression) };
        let name = path.path.segments.last()?.ident.to_string();
        let here = self.function.block.stmts.iter().find_map(|statement| match statement {
            syn::Stmt::Item(syn::Item::Const(constant)) if constant.ident == name => literal(&constant.expr),
            _ => None,
        });
        here.or_else(|| self.sources.text(self.module, &name))
    }

    fn take(&mut self, name: &str, expected: Option<&str>, required: bool) {
        let mut parameter = described(name, "query", required || name == "confirm");
        if let Some(expected) = expected.filter(|_| parameter.get("description").is_none()) {
            parameter["description"] = format!("{}{}.", expected[..1].to_uppercase(), &expected[1..]).into();
        }
        self.found.push(parameter);
    }
}

fn is_query(expression: &Expr) -> bool {
    match expression {
        Expr::Reference(reference) => is_query(&reference.expr),
        Expr::Path(path) => path.path.is_ident("query"),
        _ => false,
    }
}
