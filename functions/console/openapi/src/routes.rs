//! Where routers are put together: which path leads to which handler.

use syn::{Expr, visit::Visit};

use crate::sources::{Module, Sources, literal};

const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

/// One route.
pub(crate) struct Route<'a> {
    pub(crate) module: &'a Module,
    /// In lower case, as OpenAPI has it.
    pub(crate) method: String,
    /// As the gateway has it: `{path+}` is several segments.
    pub(crate) path: String,
    /// `None` for one that is written in its place.
    pub(crate) handler: Option<syn::Path>,
}

/// Every route of every function, by path and method.
pub(crate) fn of(sources: &Sources) -> Vec<Route<'_>> {
    let mut routes = Vec::new();
    let answers = |module: &&Module| !module.is_shared() && module.name != "tests";
    for module in sources.modules().filter(answers) {
        let mut finder = Finder { sources, module, routes: Vec::new() };
        module.functions().for_each(|function| finder.visit_item_fn(function));
        routes.append(&mut finder.routes);
    }
    routes.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    routes
}

struct Finder<'a> {
    sources: &'a Sources,
    module: &'a Module,
    routes: Vec<Route<'a>>,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "route"
            && let (Some(path), Some(methods)) = (call.args.first(), call.args.get(1))
            && let Some(path) = self.path(path)
        {
            self.take(&path, methods);
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

impl Finder<'_> {
    fn path(&self, expression: &Expr) -> Option<String> {
        let named = || match expression {
            Expr::Path(path) => self.sources.text(self.module, &path.path.segments.last()?.ident.to_string()),
            _ => None,
        };
        let path = literal(expression).or_else(named)?;
        // The router marks several segments by a star, the gateway by a plus.
        Some(match path.split_once("{*") {
            Some((before, after)) => format!("{before}{{{}", after.replacen('}', "+}", 1)),
            None => path,
        })
    }

    /// `get(one).put(change)`
    fn take(&mut self, path: &str, methods: &Expr) {
        let (name, handler) = match methods {
            Expr::Call(call) => match &*call.func {
                Expr::Path(function) => (function.path.segments.last().map(|last| last.ident.to_string()), &call.args),
                _ => return,
            },
            Expr::MethodCall(call) => {
                self.take(path, &call.receiver);
                (Some(call.method.to_string()), &call.args)
            }
            _ => return,
        };
        let Some(method) = name.filter(|name| METHODS.contains(&name.as_str())) else { return };
        let handler = match handler.first() {
            Some(Expr::Path(handler)) => Some(handler.path.clone()),
            _ => None,
        };
        self.routes.push(Route { module: self.module, method, path: path.to_owned(), handler });
    }
}
