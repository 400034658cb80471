//! What is carried out because of a handler: which functions and methods it comes to, and which variants of enums they make.
//! An error that nothing on the way makes is not among what the handler answers.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::{
    index::{Callable, Index, Variant},
    scope::Scope,
};

/// What one function does itself.
#[derive(Default)]
struct Direct<'a> {
    calls: Vec<Callable<'a>>,
    made: BTreeSet<Variant>,
    /// The type of error that it may return.
    fails_with: Option<String>,
}

/// Everything that was looked at, by where it stands.
pub(crate) struct Reach<'a> {
    index: &'a Index<'a>,
    direct: BTreeMap<*const syn::Block, Direct<'a>>,
}

/// Errors of the ground that everything stands on, and what a provider may say: any of them may come from anywhere.
const ALWAYS: [&str; 3] = ["StoreError", "VaultError", "TokenError"];

/// The variants that are made on the way of one handler.
pub(crate) struct Possible<'a> {
    index: &'a Index<'a>,
    made: BTreeSet<Variant>,
    /// Types of errors that something on the way returns.
    returned: BTreeSet<String>,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(index: &'a Index<'a>) -> Self {
        Self { index, direct: BTreeMap::new() }
    }

    /// What comes of any of these.
    pub(crate) fn of(&mut self, first: Vec<Callable<'a>>) -> Possible<'a> {
        let (mut seen, mut next) = (BTreeSet::new(), first);
        let mut possible = Possible { index: self.index, made: BTreeSet::new(), returned: BTreeSet::new() };
        loop {
            while let Some(callable) = next.pop() {
                let at = std::ptr::from_ref(callable.block);
                if !seen.insert(at) {
                    continue;
                }
                let index = self.index;
                let direct = self.direct.entry(at).or_insert_with(|| looked_at(index, callable));
                possible.made.extend(direct.made.iter().cloned());
                possible.returned.extend(direct.fails_with.clone());
                next.extend(direct.calls.iter().copied());
            }
            // What a question mark makes of an error is written in the conversions of the type that is returned.
            let conversions = possible.returned.iter().flat_map(|error| self.index.conversions_into(error));
            let due = conversions.filter(|conversion| possible.converts(conversion));
            next.extend(due.filter(|conversion| !seen.contains(&std::ptr::from_ref(conversion.block))));
            if next.is_empty() {
                return possible;
            }
        }
    }
}

impl Possible<'_> {
    /// Whether a variant may come about: somebody makes it, or makes what becomes it by itself.
    pub(crate) fn has(&self, variant: &Variant) -> bool {
        if ALWAYS.contains(&variant.0.as_str()) || self.made.contains(variant) {
            return true;
        }
        // Of no variant of ours it is known who makes it.
        !self.index.has_variant(variant)
            || self.index.source(variant).is_some_and(|source| self.returned.contains(&variant.0) && self.comes(source))
    }

    /// Whether something returns an error of this type, or may, because it is not ours.
    fn comes(&self, error: &str) -> bool {
        self.returned.contains(error) || !self.index.is_known(error)
    }

    fn converts(&self, conversion: &Callable<'_>) -> bool {
        let from = conversion.parameters().into_values().next();
        from.is_none_or(|from| self.comes(&from))
    }
}

fn looked_at<'a>(index: &'a Index<'a>, callable: Callable<'a>) -> Direct<'a> {
    let direct = Direct { fails_with: callable.fails_with(), ..Direct::default() };
    let mut look = Look { scope: Scope::new(index, callable), direct };
    look.visit_block(callable.block);
    look.direct
}

/// Goes through one function.
struct Look<'a> {
    scope: Scope<'a>,
    direct: Direct<'a>,
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        syn::visit::visit_local(self, local);
        self.scope.learn(local);
    }

    /// What is only looked for is not made.
    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        if !matches!(pattern, syn::Pat::Path(_)) {
            syn::visit::visit_pat(self, pattern);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let variant = self.scope.variant(&path.path);
        if let Some(variant) = variant.filter(|variant| self.scope.index.has_variant(variant)) {
            self.direct.made.insert(variant);
        } else {
            self.direct.calls.extend(self.scope.called(&path.path));
        }
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        self.direct.made.extend(self.scope.variant(&made.path));
        syn::visit::visit_expr_struct(self, made);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        let name = call.method.to_string();
        match self.scope.kind(&call.receiver) {
            Some(of) => self.direct.calls.extend(self.scope.index.methods(&of, &name)),
            None => self.direct.calls.extend(self.scope.index.of_rare_name(&name)),
        }
    }
}
