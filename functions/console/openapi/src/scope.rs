//! What names stand for within one function, as far as it can be told without a compiler.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Expr, Pat, visit::Visit};

use crate::index::{Callable, Index, Variant};

/// Methods that answer what they were asked of, or what is in it.
const TRANSPARENT: [&str; 7] = ["clone", "as_ref", "as_mut", "map_err", "ok_or", "ok_or_else", "unwrap_or_default"];

/// One function, with the types of its names.
pub(crate) struct Scope<'a> {
    pub(crate) index: &'a Index<'a>,
    pub(crate) callable: Callable<'a>,
    types: BTreeMap<String, String>,
    /// Names of variables: functions of the same name are not meant by them.
    locals: BTreeSet<String>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(index: &'a Index<'a>, callable: Callable<'a>) -> Self {
        let mut bindings = Bindings::default();
        callable.signature.inputs.iter().for_each(|input| bindings.visit_fn_arg(input));
        bindings.visit_block(callable.block);
        Self { index, types: callable.parameters(), callable, locals: bindings.0 }
    }

    /// Notes the type of what a `let` names.
    pub(crate) fn learn(&mut self, local: &syn::Local) {
        let (pattern, given) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, self.callable.module.kind(&typed.ty)),
            pattern => (pattern, None),
        };
        let kind = given.or_else(|| self.kind(&local.init.as_ref()?.expr));
        if let (Pat::Ident(name), Some(kind)) = (pattern, kind) {
            self.types.insert(name.ident.to_string(), kind);
        }
    }

    /// The type of an expression, without what only wraps it.
    pub(crate) fn kind(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Path(path) => self.types.get(&path.path.get_ident()?.to_string()).cloned(),
            Expr::Reference(reference) => self.kind(&reference.expr),
            Expr::Paren(inner) => self.kind(&inner.expr),
            Expr::Await(awaited) => self.kind(&awaited.base),
            Expr::Try(tried) => self.kind(&tried.expr),
            Expr::Field(field) => {
                let name = match &field.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(at) => at.index.to_string(),
                };
                self.index.field(&self.kind(&field.base)?, &name).map(str::to_owned)
            }
            Expr::MethodCall(call) if TRANSPARENT.iter().any(|name| call.method == name) => self.kind(&call.receiver),
            Expr::MethodCall(call) => {
                self.index.methods(&self.kind(&call.receiver)?, &call.method.to_string()).first()?.returned()
            }
            Expr::Call(call) => match &*call.func {
                // What is only put on the heap.
                Expr::Path(path) if path.path.segments.first().is_some_and(|first| first.ident == "Box") => {
                    self.kind(call.args.first()?)
                }
                Expr::Path(path) => self.called(&path.path).first()?.returned(),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a path calls: a function, or a method of whatever has the name of its type.
    pub(crate) fn called(&self, path: &syn::Path) -> Vec<Callable<'a>> {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let module = self.callable.module;
        match names.as_slice() {
            [.., of, name] => {
                let of =
                    if of == "Self" { self.callable.of.unwrap_or_default().to_owned() } else { module.original(of) };
                let methods = self.index.methods(&of, name);
                if !methods.is_empty() {
                    return methods.to_vec();
                }
            }
            [name] if self.locals.contains(name) || !(module.defines(name) || module.imports(name)) => {
                return Vec::new();
            }
            _ => {}
        }
        let found = self.index.sources.function(module, path);
        let callable = |(module, function): (&'a _, &'a syn::ItemFn)| Callable {
            module,
            of: None,
            signature: &function.sig,
            block: &function.block,
        };
        found.map(callable).into_iter().collect()
    }

    /// The variant that a path names, under the name that its enum has where it is defined.
    pub(crate) fn variant(&self, path: &syn::Path) -> Option<Variant> {
        let mut names = path.segments.iter().rev().map(|segment| segment.ident.to_string());
        let (variant, of) = (names.next()?, names.next()?);
        let of = if of == "Self" { self.callable.of?.to_owned() } else { self.callable.module.original(&of) };
        Some((of, variant))
    }
}

/// The names that patterns give.
#[derive(Default)]
struct Bindings(BTreeSet<String>);

impl<'ast> Visit<'ast> for Bindings {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.0.insert(name.ident.to_string());
        syn::visit::visit_pat_ident(self, name);
    }
}
