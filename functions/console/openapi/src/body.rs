//! What a handler reads of a body: the fields that its reader asks the table for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use syn::{Expr, FnArg, Pat, visit::Visit};

use crate::{
    handler::Handler,
    sources::{Module, Sources, literal},
};

/// How many functions deep a reader is followed.
const DEEPEST: usize = 6;

/// The schema of a handler's body.
pub(crate) fn of(sources: &Sources, handler: &Handler<'_>) -> Value {
    let mut checks = Checks::default();
    checks.visit_block(&handler.function.block);
    let Some(reader) = checks.0 else { return json!({ "type": "object" }) };
    let mut schema = empty();
    let mut reading = Reading { sources, module: handler.module, tables: BTreeMap::new(), schema: &mut schema, depth: 0 };
    reading.apply(&reader, &[Some(String::new())]);
    schema
}

fn empty() -> Value {
    json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false })
}

/// `checked(&body, reader)`
#[derive(Default)]
struct Checks(Option<Expr>);

impl<'ast> Visit<'ast> for Checks {
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let (Expr::Path(function), Some(reader)) = (&*call.func, call.args.get(1))
            && function.path.is_ident("checked")
        {
            self.0 = Some(reader.clone());
        }
        syn::visit::visit_expr_call(self, call);
    }
}

/// A reader at work: which names stand for which tables.
struct Reading<'a, 's> {
    sources: &'a Sources,
    module: &'a Module,
    /// By name: where the schema of the table is.
    tables: BTreeMap<String, String>,
    schema: &'s mut Value,
    depth: usize,
}

impl Reading<'_, '_> {
    /// Follows a function or closure whose parameters are these tables, or nothing of interest.
    fn apply(&mut self, reader: &Expr, given: &[Option<String>]) {
        if self.depth > DEEPEST {
            return;
        }
        let (module, tables) = (self.module, std::mem::take(&mut self.tables));
        self.depth += 1;
        match reader {
            Expr::Closure(closure) => {
                self.tables.clone_from(&tables);
                self.name(closure.inputs.iter(), given);
                self.visit_expr(&closure.body);
            }
            Expr::Path(path) => {
                if let Some((module, function)) = self.sources.function(self.module, &path.path) {
                    self.module = module;
                    let patterns = function.sig.inputs.iter().filter_map(|input| match input {
                        FnArg::Typed(typed) => Some(&*typed.pat),
                        FnArg::Receiver(_) => None,
                    });
                    self.name(patterns, given);
                    self.visit_block(&function.block);
                } else {
                    given.iter().flatten().for_each(|table| self.leave_open(table));
                }
            }
            _ => {}
        }
        self.depth -= 1;
        (self.module, self.tables) = (module, tables);
    }

    fn name<'p>(&mut self, patterns: impl Iterator<Item = &'p Pat>, given: &[Option<String>]) {
        for (pattern, table) in patterns.zip(given) {
            let pattern = if let Pat::Type(typed) = pattern { &*typed.pat } else { pattern };
            if let (Pat::Ident(name), Some(table)) = (pattern, table) {
                self.tables.insert(name.ident.to_string(), table.clone());
            }
        }
    }

    fn table(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Reference(reference) => self.table(&reference.expr),
            Expr::Path(path) => self.tables.get(&path.path.get_ident()?.to_string()).cloned(),
            _ => None,
        }
    }

    /// The table that is handed on: one with a name, or `body.table("user")`.
    fn handed(&mut self, argument: &Expr) -> Option<String> {
        match argument {
            Expr::Reference(reference) => self.handed(&reference.expr),
            Expr::MethodCall(call) if call.method == "table" => {
                let table = self.table(&call.receiver)?;
                self.take(&table, call);
                Some(format!("{table}/properties/{}", call.args.first().and_then(literal)?))
            }
            other => self.table(other),
        }
    }

    fn put(&mut self, table: &str, name: &str, schema: Value) {
        if let Some(properties) = self.schema.pointer_mut(&format!("{table}/properties")).and_then(Value::as_object_mut)
        {
            properties.entry(name).or_insert(schema);
        }
    }

    /// A table whose reader is not followed may have any fields.
    fn leave_open(&mut self, table: &str) {
        if let Some(schema) = self.schema.pointer_mut(table).and_then(Value::as_object_mut) {
            schema.remove("additionalProperties");
        }
    }

    fn require(&mut self, table: &str, name: &str) {
        let required = self.schema.pointer_mut(&format!("{table}/required")).and_then(Value::as_array_mut);
        if let Some(required) = required.filter(|required| !required.contains(&name.into())) {
            required.push(name.into());
        }
    }

    fn take(&mut self, table: &str, call: &syn::ExprMethodCall) {
        let argument = |at: usize| call.args.get(at);
        let named = || match argument(0)? {
            Expr::Path(path) => self.sources.text(self.module, &path.path.segments.last()?.ident.to_string()),
            other => literal(other),
        };
        let Some(name) = named() else { return };
        let text = json!({ "type": "string", "minLength": 1 });
        let schema = match call.method.to_string().as_str() {
            "read" => self.kind(argument(1)),
            "each" => json!({ "type": "array", "maxItems": 200, "items": self.kind(argument(1)) }),
            "map" => json!({ "type": "object", "additionalProperties": self.kind(argument(1)) }),
            "text" | "url" | "path" => text,
            "flag" => json!({ "type": "boolean" }),
            "seconds" => json!({ "type": "integer", "minimum": 0 }),
            "choice" => json!({ "type": "string", "enum": words(argument(1)) }),
            "texts" | "scopes" => json!({ "type": "array", "maxItems": 200, "items": text }),
            "table" => empty(),
            "tables" => json!({ "type": "array", "maxItems": 200, "items": { "type": "object" } }),
            "require" | "require_given" => return self.require(table, &name),
            "refuse" if argument(1).and_then(literal).is_some_and(|why| why.starts_with("is required")) => {
                return self.require(table, &name);
            }
            _ => return,
        };
        self.put(table, &name, schema);
    }

    /// What a field must be, by what its reader looks at.
    fn kind(&self, reader: Option<&Expr>) -> Value {
        let mut looked_at = Words::default();
        match reader {
            Some(Expr::Path(path)) if path.path.is_ident("text") => {
                return json!({ "type": "string", "minLength": 1, "maxLength": 1024 });
            }
            Some(Expr::Path(path)) => {
                if let Some((_, function)) = self.sources.function(self.module, &path.path) {
                    looked_at.visit_block(&function.block);
                }
            }
            Some(other) => looked_at.visit_expr(other),
            None => {}
        }
        let has = |word: &str| looked_at.0.contains(word);
        let kind = if has("Value::Object") || has("as_object") {
            "object"
        } else if has("Value::Array") || has("as_array") {
            "array"
        } else if has("as_bool") {
            "boolean"
        } else if has("as_u64") || has("as_i64") {
            "integer"
        } else {
            "string"
        };
        if has("is_null") || has("Value::Null") { json!({ "type": [kind, "null"] }) } else { json!({ "type": kind }) }
    }
}

impl<'ast> Visit<'ast> for Reading<'_, '_> {
    /// `let user = body.table("user")`
    fn visit_local(&mut self, local: &'ast syn::Local) {
        syn::visit::visit_local(self, local);
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init)
            && let Expr::MethodCall(call) = &*init.expr
            && call.method == "table"
            && let (Some(table), Some(field)) = (self.table(&call.receiver), call.args.first().and_then(literal))
        {
            self.tables.insert(name.ident.to_string(), format!("{table}/properties/{field}"));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let Some(table) = self.table(&call.receiver) {
            self.take(&table, call);
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    /// `settings(body)`
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let given: Vec<Option<String>> = call.args.iter().map(|argument| self.handed(argument)).collect();
        if given.iter().any(Option::is_some) {
            self.apply(&call.func, &given);
        }
        syn::visit::visit_expr_call(self, call);
    }

    /// `for (name, is_read) in [("name", …), …] { … body.require_given(name) … }`
    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        let mut required = Required::default();
        required.visit_block(&each.body);
        let table = required.0.and_then(|table| self.tables.get(&table).cloned());
        if let (Some(table), Expr::Array(entries)) = (table, &*each.expr) {
            for entry in &entries.elems {
                let name = match entry {
                    Expr::Tuple(tuple) => tuple.elems.first().and_then(literal),
                    other => literal(other),
                };
                if let Some(name) = name {
                    self.require(&table, &name);
                }
            }
        }
        syn::visit::visit_expr_for_loop(self, each);
    }
}

/// The table whose fields are required by name.
#[derive(Default)]
struct Required(Option<String>);

impl<'ast> Visit<'ast> for Required {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let (Expr::Path(table), true) = (&*call.receiver, call.method == "require_given") {
            self.0 = table.path.get_ident().map(ToString::to_string);
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

/// The methods and paths that stand in a piece of code.
#[derive(Default)]
struct Words(BTreeSet<String>);

impl<'ast> Visit<'ast> for Words {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.insert(names.join("::"));
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.0.insert(call.method.to_string());
        syn::visit::visit_expr_method_call(self, call);
    }
}

/// `&[("admin", Role::Admin), …]`
fn words(choices: Option<&Expr>) -> Vec<String> {
    let Some(Expr::Reference(reference)) = choices else { return Vec::new() };
    let Expr::Array(entries) = &*reference.expr else { return Vec::new() };
    let first = |entry: &Expr| match entry {
        Expr::Tuple(tuple) => tuple.elems.first().and_then(literal),
        _ => None,
    };
    entries.elems.iter().filter_map(first).collect()
}
