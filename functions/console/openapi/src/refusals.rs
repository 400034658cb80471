//! How a handler may refuse: every status, with the codes that it comes with.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Expr, Pat, visit::Visit};

use crate::{
    handler::last_name,
    index::{Callable, Index},
    reach::{Possible, Reach},
    scope::Scope,
    sources::literal,
};

/// Statuses with their codes.
pub(crate) type Refusals = BTreeMap<u16, BTreeSet<String>>;

/// Statuses that refuse, by the names of the constants.
const STATUSES: [(&str, u16); 16] = [
    ("BAD_REQUEST", 400),
    ("UNAUTHORIZED", 401),
    ("PAYMENT_REQUIRED", 402),
    ("FORBIDDEN", 403),
    ("NOT_FOUND", 404),
    ("NOT_ACCEPTABLE", 406),
    ("CONFLICT", 409),
    ("GONE", 410),
    ("PAYLOAD_TOO_LARGE", 413),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
    ("UNPROCESSABLE_ENTITY", 422),
    ("TOO_MANY_REQUESTS", 429),
    ("INTERNAL_SERVER_ERROR", 500),
    ("BAD_GATEWAY", 502),
    ("SERVICE_UNAVAILABLE", 503),
    ("GATEWAY_TIMEOUT", 504),
];

/// What the layers around every handler refuse: `shared/src/web/layers.rs`.
const EVERYWHERE: [(u16, &str); 3] = [(414, "invalid_request"), (431, "invalid_request"), (500, "internal")];

/// How many calls deep a refusal is looked for.
const DEEPEST: usize = 8;

/// Everything that a handler, its callers' proofs among it, may be refused with.
pub(crate) fn of<'a>(index: &'a Index<'a>, reach: &mut Reach<'a>, handler: Callable<'a>) -> Refusals {
    let mut refusals = Refusals::new();
    for (status, code) in EVERYWHERE {
        add(&mut refusals, status, code);
    }
    let kinds: Vec<&syn::Type> = handler.signature.inputs.iter().filter_map(typed).collect();
    let named = kinds.iter().filter_map(|kind| handler.module.kind(kind)).collect::<Vec<_>>();
    let extracted = ["from_request_parts", "from_request"].map(|name| named.iter().map(move |kind| (kind, name)));
    let extracted = extracted.into_iter().flatten().flat_map(|(kind, name)| index.methods(kind, name));
    let all: Vec<Callable<'a>> = extracted.copied().chain([handler]).collect();
    let possible = reach.of(all.clone());
    for callable in all {
        let mut finder = Finder::new(index, &possible, callable, BTreeMap::new(), &mut refusals, 0);
        finder.visit_block(callable.block);
    }
    let is_taken = |extractor: &str| kinds.iter().any(|kind| last_name(kind).as_deref() == Some(extractor));
    // A path that is not made of characters.
    if is_taken("Path") {
        add(&mut refusals, 400, "invalid_request");
    }
    // What depends on a table or a key may have to wait for it.
    if is_taken("State") {
        add(&mut refusals, 503, "unavailable");
    }
    refusals
}

/// What the router refuses around a handler that is written in its place.
pub(crate) fn of_any() -> Refusals {
    let mut refusals = Refusals::new();
    for (status, code) in EVERYWHERE {
        add(&mut refusals, status, code);
    }
    refusals
}

fn add(refusals: &mut Refusals, status: u16, code: &str) {
    refusals.entry(status).or_default().insert(code.to_owned());
}

fn typed(input: &syn::FnArg) -> Option<&syn::Type> {
    match input {
        syn::FnArg::Typed(typed) => Some(&typed.ty),
        syn::FnArg::Receiver(_) => None,
    }
}

/// Goes through a function, into those that it calls and that say how something is told.
struct Finder<'a, 'f> {
    scope: Scope<'a>,
    possible: &'f Possible<'a>,
    /// By name: the status that it stands for.
    statuses: BTreeMap<String, u16>,
    found: &'f mut Refusals,
    depth: usize,
}

impl<'a, 'f> Finder<'a, 'f> {
    fn new(
        index: &'a Index<'a>,
        possible: &'f Possible<'a>,
        callable: Callable<'a>,
        statuses: BTreeMap<String, u16>,
        found: &'f mut Refusals,
        depth: usize,
    ) -> Self {
        Self { scope: Scope::new(index, callable), possible, statuses, found, depth }
    }

    /// Follows what is called, if it is of a function or of the vocabulary that all share.
    fn follow(&mut self, called: Callable<'a>, arguments: &[&Expr]) {
        let tells = called.module.function != "shared";
        if !tells || self.depth >= DEEPEST || std::ptr::eq(called.block, self.scope.callable.block) {
            return;
        }
        let given = called.names().into_iter().zip(arguments);
        let statuses = given.filter_map(|(name, argument)| Some((name?, self.status(argument)?))).collect();
        let mut finder = Finder::new(self.scope.index, self.possible, called, statuses, self.found, self.depth + 1);
        finder.visit_block(called.block);
    }

    fn status(&self, expression: &Expr) -> Option<u16> {
        let Expr::Path(path) = expression else { return None };
        let name = path.path.segments.last()?.ident.to_string();
        let known = STATUSES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status);
        known.or_else(|| self.statuses.get(&name).copied())
    }

    /// Whether an arm can be taken at all.
    fn may_match(&self, pattern: &Pat) -> bool {
        match pattern {
            Pat::Or(either) => either.cases.iter().any(|case| self.may_match(case)),
            Pat::Ident(named) => named.subpat.as_ref().is_none_or(|(_, inner)| self.may_match(inner)),
            Pat::Paren(inner) => self.may_match(&inner.pat),
            Pat::Path(path) => self.may_be(&path.path),
            Pat::Struct(fields) => self.may_be(&fields.path),
            Pat::TupleStruct(variant) => {
                self.may_be(&variant.path) && variant.elems.iter().all(|inner| self.may_match(inner))
            }
            _ => true,
        }
    }

    fn may_be(&self, path: &syn::Path) -> bool {
        self.scope.variant(path).is_none_or(|variant| self.possible.has(&variant))
    }
}

impl<'ast> Visit<'ast> for Finder<'_, '_> {
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if self.may_match(&arm.pat) {
            syn::visit::visit_arm(self, arm);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        syn::visit::visit_local(self, local);
        self.scope.learn(local);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let Expr::Path(function) = &*call.func else { return syn::visit::visit_expr_call(self, call) };
        let arguments: Vec<&Expr> = call.args.iter().collect();
        let is_new = function.path.segments.last().is_some_and(|last| last.ident == "new");
        let status = arguments.first().and_then(|first| self.status(first)).filter(|_| is_new);
        match (status, arguments.get(1).copied().and_then(literal)) {
            (Some(status), Some(code)) => add(self.found, status, &code),
            _ => {
                for called in self.scope.called(&function.path) {
                    self.follow(called, &arguments);
                }
            }
        }
        for argument in arguments {
            self.visit_expr(argument);
        }
    }

    /// `map_err(problem)`
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        for called in self.scope.called(&path.path) {
            self.follow(called, &[]);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        let of = self.scope.kind(&call.receiver);
        let Some(of) = of else { return };
        for called in self.scope.index.methods(&of, &call.method.to_string()) {
            self.follow(*called, &call.args.iter().collect::<Vec<_>>());
        }
    }
}
