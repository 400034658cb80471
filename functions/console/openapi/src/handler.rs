//! Handlers: what they call, who may call them, and what they answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use syn::{FnArg, GenericArgument, ItemFn, PathArguments, ReturnType, Type, visit::Visit};

use crate::{
    schema::Schemas,
    sources::{Module, Sources},
};

/// How many calls deep a handler is followed.
const DEEPEST: usize = 4;

/// Answers that are no refusals, by the names of the constants.
const GOOD: [(&str, u16); 5] =
    [("OK", 200), ("CREATED", 201), ("ACCEPTED", 202), ("NO_CONTENT", 204), ("MULTI_STATUS", 207)];

/// A handler, and every function of its crate that it calls.
pub(crate) struct Handler<'a> {
    pub(crate) module: &'a Module,
    pub(crate) function: &'a ItemFn,
    pub(crate) reached: Vec<(&'a Module, &'a ItemFn)>,
}

impl<'a> Handler<'a> {
    pub(crate) fn find(sources: &'a Sources, from: &'a Module, path: &syn::Path) -> Option<Self> {
        let (module, function) = sources.function(from, path)?;
        let mut reached = vec![(module, function)];
        follow(sources, &mut reached, 0, DEEPEST);
        Some(Self { module, function, reached })
    }

    /// The names of the types of its parameters.
    pub(crate) fn extractors(&self) -> Vec<String> {
        let types = self.function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        });
        types.filter_map(|ty| last_name(unwrapped(ty, "Result").unwrap_or(ty))).collect()
    }

    /// Whether one of its parameters is of this type.
    pub(crate) fn takes(&self, extractor: &str) -> bool {
        self.extractors().iter().any(|taken| taken == extractor)
    }

    /// Whether its answer binds a browser, or ends that.
    pub(crate) fn sets_cookies(&self) -> bool {
        let mut named = Made::default();
        self.reached.iter().for_each(|(_, function)| named.visit_item_fn(function));
        named.2.contains("SET_COOKIE")
    }

    /// What it answers when all is well, by status; `None` if its type does not tell.
    pub(crate) fn answers(&self, schemas: &mut Schemas<'a>) -> Option<Map<String, Value>> {
        let ReturnType::Type(_, returned) = &self.function.sig.output else { return None };
        let returned = unwrapped(returned, "Result").unwrap_or(returned);
        let content = match returned {
            Type::Tuple(tuple) => tuple.elems.iter().find_map(|part| unwrapped(part, "Json")),
            other => unwrapped(other, "Json"),
        };
        if let Some(content) = content {
            let schema = schemas.of(self.module, content);
            return Some(self.with_statuses(Some(&schema)));
        }
        match last_name(returned).as_deref() {
            Some("StatusCode") => Some(self.with_statuses(None)),
            Some("Response") => self.guessed(schemas),
            _ => None,
        }
    }

    fn with_statuses(&self, schema: Option<&Value>) -> Map<String, Value> {
        let mut statuses = self.statuses();
        if statuses.is_empty() {
            statuses.insert(200);
        }
        statuses.into_iter().map(|status| (status.to_string(), answer(schema))).collect()
    }

    /// The type of an answer that has headers of its own: the only one that the handler makes.
    fn guessed(&self, schemas: &mut Schemas<'a>) -> Option<Map<String, Value>> {
        let mut made = Made::default();
        self.reached.iter().for_each(|(_, function)| made.visit_item_fn(function));
        let mut shapes: Vec<String> = made.0.into_iter().filter(|name| schemas.knows(self.module, name)).collect();
        match (shapes.pop(), shapes.is_empty()) {
            (Some(only), true) => {
                let schema = schemas.named(self.module, &only);
                Some(self.with_statuses(Some(&schema)))
            }
            (None, _) if self.statuses().contains(&204) => Some(self.with_statuses(None)),
            _ => None,
        }
    }

    fn statuses(&self) -> BTreeSet<u16> {
        let mut named = Made::default();
        for (_, function) in self.reached.iter().filter(|(_, function)| answers_with_status(function)) {
            named.visit_item_fn(function);
        }
        let good = |name: &String| GOOD.iter().find(|(known, _)| known == name).map(|(_, status)| *status);
        named.1.iter().filter_map(good).collect()
    }
}

/// An answer with this content.
pub(crate) fn answer(schema: Option<&Value>) -> Value {
    match schema {
        Some(schema) => json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } }),
        None => json!({ "description": "Done." }),
    }
}

fn answers_with_status(function: &ItemFn) -> bool {
    let mut names = Made::default();
    names.visit_return_type(&function.sig.output);
    names.2.iter().any(|name| name == "StatusCode" || name == "Response")
}

fn follow<'a>(sources: &'a Sources, reached: &mut Vec<(&'a Module, &'a ItemFn)>, from: usize, depth: usize) {
    if depth == 0 {
        return;
    }
    let (first, end) = (from, reached.len());
    for at in first..end {
        let Some((module, function)) = reached.get(at).copied() else { continue };
        let mut paths = Paths::default();
        paths.visit_block(&function.block);
        for path in paths.0 {
            let Some((called, function)) = sources.function(module, &path) else { continue };
            // A name alone may be that of a variable, which other files have functions of.
            let is_meant = path.segments.len() > 1 || std::ptr::eq(called, module);
            let is_known = reached.iter().any(|(_, known)| std::ptr::eq(*known, function));
            if !called.is_shared() && is_meant && !is_known {
                reached.push((called, function));
            }
        }
    }
    follow(sources, reached, end, depth - 1);
}

/// Every path that stands as a value.
#[derive(Default)]
struct Paths(Vec<syn::Path>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.0.push(path.path.clone());
    }
}

/// Types that are made, by literal or by a function of their own; constants of `StatusCode`; and all names.
#[derive(Default)]
struct Made(BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

impl<'ast> Visit<'ast> for Made {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., of, name] = names.as_slice() {
            if of == "StatusCode" {
                self.1.insert(name.clone());
            } else if name == "from" || name == "new" {
                self.0.insert(of.clone());
            }
        }
        self.2.extend(names);
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        if let Some(last) = made.path.segments.last() {
            self.0.insert(last.ident.to_string());
        }
        syn::visit::visit_expr_struct(self, made);
    }
}

/// What is in `Outer<…>`.
pub(crate) fn unwrapped<'t>(ty: &'t Type, outer: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == outer)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

/// The name of a type, without what stands before and in it.
pub(crate) fn last_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        Type::Reference(reference) => last_name(&reference.elem),
        _ => None,
    }
}
