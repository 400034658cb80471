//! What stands in an address: names in the path, and the query as handlers read it.

use serde_json::{Value, json};
use syn::{Expr, visit::Visit};

use crate::sources::{Module, Sources, literal};

/// What the names in paths stand for.
const NAMES: [(&str, &str); 9] = [
    ("ws", "The workspace."),
    ("app", "The app."),
    ("id", "The connector."),
    ("connector_id", "The connector."),
    ("connection", "The connection, as a listing has it."),
    ("session", "The session, as the link has it."),
    ("sub", "The user, by the name that the app's issuer has for them."),
    ("key", "The id of the key."),
    ("type", "The provider."),
];

/// The parameters of a path.
pub(crate) fn of_path(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let name = name.trim_end_matches('+');
            let meaning = NAMES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning);
            let mut parameter = json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
            if let Some(meaning) = meaning {
                parameter["description"] = meaning.into();
            }
            parameter
        })
        .collect()
}

/// The parameters that a handler, and what it calls, reads of the query.
pub(crate) fn of_query<'a>(
    sources: &Sources,
    reached: impl Iterator<Item = (&'a Module, &'a syn::ItemFn)>,
) -> Vec<Value> {
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
        let schema = match expected {
            Some(expected) if expected.contains("`true` or `false`") => json!({ "type": "boolean" }),
            Some(expected) if expected.contains("whole number") => json!({ "type": "integer", "minimum": 0 }),
            _ => json!({ "type": "string" }),
        };
        let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
        if let Some(expected) = expected {
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
