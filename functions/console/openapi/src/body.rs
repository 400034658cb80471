//! What a handler reads of a body: the fields that its reader asks the table for.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use syn::{Expr, FnArg, Pat, visit::Visit};

use crate::{
    handler::Handler,
    kinds,
    sources::{Module, Sources, literal},
};

/// How many entries a list or an object may have: `MAX_ENTRIES` of `shared/src/domain/fields.rs`.
const MOST: usize = 200;

/// How many functions deep a reader is followed.
const DEEPEST: usize = 6;

/// The schema of a handler's body, and the fields of which it is not known what they may be.
pub(crate) fn of(sources: &Sources, handler: &Handler<'_>) -> (Value, Vec<String>) {
    let found = handler.reached.iter().find_map(|(module, function)| {
        let mut checks = Checks::default();
        checks.visit_block(&function.block);
        Some((*module, checks.0?))
    });
    found.map_or_else(|| (json!({}), vec!["the body".to_owned()]), |(module, reader)| read(sources, module, &reader))
}

/// The schema of what the function `reader` of the file `file` reads of a table; nothing is known of one that is not there.
pub(crate) fn of_reader(sources: &Sources, file: &str, reader: &str) -> Value {
    let module = sources.modules().find(|module| module.name == file && module.defines(reader));
    match (module, syn::parse_str::<Expr>(reader)) {
        (Some(module), Ok(reader)) => read(sources, module, &reader).0,
        _ => json!({}),
    }
}

fn read(sources: &Sources, module: &Module, reader: &Expr) -> (Value, Vec<String>) {
    let mut schema = empty();
    let (tables, names, readers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut reading =
        Reading { sources, module, tables, names, readers, schema: &mut schema, depth: 0, unknown: Vec::new() };
    reading.apply(reader, &[Given::Table(String::new())]);
    let unknown = reading.unknown;
    (schema, unknown)
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

/// What a function is given.
enum Given {
    /// Where the schema of a table is.
    Table(String),
    /// A text, perhaps the name of a field.
    Text(String),
    /// What reads a value.
    Reader(Expr),
    Other,
}

/// A reader at work: which names stand for which tables and fields.
struct Reading<'a, 's> {
    sources: &'a Sources,
    module: &'a Module,
    /// By name: where the schema of the table is.
    tables: BTreeMap<String, String>,
    /// By name: the text that it stands for.
    names: BTreeMap<String, String>,
    /// By name: what reads a value, or a field (`let time = |name| table.read(name, moment)`).
    readers: BTreeMap<String, Expr>,
    schema: &'s mut Value,
    depth: usize,
    /// Fields whose reader says nothing of what they may be.
    unknown: Vec<String>,
}

impl Reading<'_, '_> {
    /// Follows a function or closure whose parameters are these tables, or nothing of interest.
    fn apply(&mut self, reader: &Expr, given: &[Given]) {
        if self.depth > DEEPEST {
            return;
        }
        let (module, tables, names) = (self.module, self.tables.clone(), self.names.clone());
        self.depth += 1;
        match reader {
            Expr::Closure(closure) => {
                self.name(closure.inputs.iter(), given);
                self.visit_expr(&closure.body);
            }
            Expr::Path(path) => {
                if let Some((module, function)) = self.sources.function(self.module, &path.path) {
                    self.module = module;
                    self.tables.clear();
                    self.names.clear();
                    let patterns = function.sig.inputs.iter().filter_map(|input| match input {
                        FnArg::Typed(typed) => Some(&*typed.pat),
                        FnArg::Receiver(_) => None,
                    });
                    self.name(patterns, given);
                    self.visit_block(&function.block);
                } else {
                    for given in given {
                        self.leave_open(given);
                    }
                }
            }
            _ => {}
        }
        self.depth -= 1;
        (self.module, self.tables, self.names) = (module, tables, names);
    }

    fn name<'p>(&mut self, patterns: impl Iterator<Item = &'p Pat>, given: &[Given]) {
        for (pattern, given) in patterns.zip(given) {
            let pattern = if let Pat::Type(typed) = pattern { &*typed.pat } else { pattern };
            let Pat::Ident(name) = pattern else { continue };
            match given {
                Given::Table(table) => self.tables.insert(name.ident.to_string(), table.clone()),
                Given::Text(text) => self.names.insert(name.ident.to_string(), text.clone()),
                Given::Reader(reader) => {
                    self.readers.insert(name.ident.to_string(), reader.clone());
                    None
                }
                Given::Other => None,
            };
        }
    }

    fn table(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Reference(reference) => self.table(&reference.expr),
            path => self.tables.get(&path_ident(path)?).cloned(),
        }
    }

    /// The table that is handed on: one with a name, or `body.table("user")`.
    fn handed(&mut self, argument: &Expr) -> Option<String> {
        match argument {
            Expr::Reference(reference) => self.handed(&reference.expr),
            Expr::MethodCall(call) if call.method == "table" => {
                let table = self.table(&call.receiver)?;
                self.take(&table, call);
                Some(format!("{table}/properties/{}", self.field(call)?))
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

    /// The name of the field that a table is asked for.
    fn field(&self, call: &syn::ExprMethodCall) -> Option<String> {
        match call.args.first()? {
            Expr::Path(path) => {
                let name = path.path.segments.last()?.ident.to_string();
                self.names.get(&name).cloned().or_else(|| self.sources.text(self.module, &name))
            }
            other => literal(other),
        }
    }

    /// Follows a piece of code once for each text that a name in it stands for.
    fn each(&mut self, name: &Pat, texts: &Expr, code: &Expr) -> bool {
        let name = if let Pat::Tuple(tuple) = name { tuple.elems.first() } else { Some(name) };
        let (Some(Pat::Ident(name)), Expr::Array(texts)) = (name, texts) else { return false };
        for text in &texts.elems {
            let text = match text {
                Expr::Tuple(tuple) => tuple.elems.first().and_then(literal),
                other => literal(other),
            };
            if let Some(text) = text {
                self.names.insert(name.ident.to_string(), text);
                self.visit_expr(code);
            }
        }
        true
    }

    /// A table whose reader is not followed may have any fields.
    fn leave_open(&mut self, given: &Given) {
        let Given::Table(table) = given else { return };
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
        let Some(name) = self.field(call) else { return };
        let schema = match call.method.to_string().as_str() {
            "read" => self.kind(&name, argument(1)),
            "each" => list(&self.kind(&name, argument(1))),
            "map" => json!({
                "type": "object",
                "maxProperties": MOST,
                "propertyNames": { "minLength": 1, "maxLength": 64 },
                "additionalProperties": self.kind(&name, argument(1)),
            }),
            "text" => kinds::named("text").unwrap_or_default(),
            "url" => kinds::named("url").unwrap_or_default(),
            "flag" => json!({ "type": "boolean" }),
            "seconds" => json!({ "type": "integer", "minimum": 0, "maximum": 315_360_000 }),
            "choice" => json!({ "type": "string", "enum": kinds::words(self.sources, self.module, argument(1)) }),
            "texts" => list(&kinds::named("text").unwrap_or_default()),
            "scopes" => list(&kinds::scope()),
            "table" => empty(),
            "tables" => list(&empty()),
            "require" | "require_given" => return self.require(table, &name),
            "refuse" if argument(1).and_then(literal).is_some_and(|why| why.starts_with("is required")) => {
                return self.require(table, &name);
            }
            _ => return,
        };
        self.put(table, &name, schema);
    }

    fn kind(&mut self, name: &str, reader: Option<&Expr>) -> Value {
        kinds::of(self.sources, self.module, reader, &self.readers).unwrap_or_else(|| {
            self.unknown.push(name.to_owned());
            json!({})
        })
    }
}

fn path_ident(expression: &Expr) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    path.path.get_ident().map(ToString::to_string)
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "maxItems": MOST, "items": items })
}

impl<'ast> Visit<'ast> for Reading<'_, '_> {
    /// `let user = body.table("user")`, `let time = |name| body.read(name, moment)`
    fn visit_local(&mut self, local: &'ast syn::Local) {
        syn::visit::visit_local(self, local);
        let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) else { return };
        match &*init.expr {
            Expr::MethodCall(call) if call.method == "table" => {
                if let (Some(table), Some(field)) = (self.table(&call.receiver), self.field(call)) {
                    self.tables.insert(name.ident.to_string(), format!("{table}/properties/{field}"));
                }
            }
            reader @ Expr::Closure(_) => {
                self.readers.insert(name.ident.to_string(), reader.clone());
            }
            _ => {}
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let Some(table) = self.table(&call.receiver) {
            self.take(&table, call);
        }
        // `["code", "nonce"].map(|name| body.read(name, text))`
        if call.method == "map"
            && let Some(Expr::Closure(closure)) = call.args.first()
            && let Some(name) = closure.inputs.first()
            && self.each(name, &call.receiver, &closure.body)
        {
            return;
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    /// `settings(body)`
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let given = call.args.iter().map(|argument| match (self.handed(argument), literal(argument)) {
            (Some(table), _) => Given::Table(table),
            (None, Some(text)) => Given::Text(text),
            (None, None) if matches!(argument, Expr::Closure(_)) => Given::Reader(argument.clone()),
            (None, None) => Given::Other,
        });
        let given: Vec<Given> = given.collect();
        let here = path_ident(&call.func).and_then(|name| self.readers.get(&name).cloned());
        match here {
            Some(reader) if given.iter().any(|given| matches!(given, Given::Text(_))) => self.apply(&reader, &given),
            _ if given.iter().any(|given| matches!(given, Given::Table(_))) => self.apply(&call.func, &given),
            _ => {}
        }
        syn::visit::visit_expr_call(self, call);
    }

    /// `for (name, is_read) in [("name", …), …] { … body.require_given(name) … }`
    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        let code = Expr::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block: each.body.clone() });
        if !self.each(&each.pat, &each.expr, &code) {
            syn::visit::visit_expr_for_loop(self, each);
        }
    }
}
