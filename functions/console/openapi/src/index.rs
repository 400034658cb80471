//! What has which methods, fields and variants, so that a call in the code can be followed to what it calls.

use std::collections::{BTreeMap, BTreeSet};

use syn::{FnArg, GenericArgument, Item, Pat, PathArguments, ReturnType, Type};

use crate::{
    handler::last_name,
    sources::{Module, Sources},
};

/// A function or a method.
#[derive(Clone, Copy)]
pub(crate) struct Callable<'a> {
    pub(crate) module: &'a Module,
    /// The type that it is a method of.
    pub(crate) of: Option<&'a str>,
    pub(crate) signature: &'a syn::Signature,
    pub(crate) block: &'a syn::Block,
}

/// A variant of an enum: its name, and that of the enum.
pub(crate) type Variant = (String, String);

/// The types of the code.
pub(crate) struct Index<'a> {
    pub(crate) sources: &'a Sources,
    /// Types of one name in several files are one here.
    methods: BTreeMap<(String, String), Vec<Callable<'a>>>,
    by_name: BTreeMap<String, Vec<Callable<'a>>>,
    fields: BTreeMap<(String, String), String>,
    /// Each variant, with the type that becomes it by itself (`#[from]`), if one does.
    variants: BTreeMap<Variant, Option<String>>,
    /// Conversions into a type, which nothing names where they happen.
    conversions: BTreeMap<&'a str, Vec<Callable<'a>>>,
    known: BTreeSet<String>,
}

/// What stands around a value without changing what can be asked of it.
const WRAPPERS: [&str; 8] = ["Arc", "Box", "State", "Option", "Result", "Pin", "Cow", "Vec"];

impl<'a> Index<'a> {
    pub(crate) fn new(sources: &'a Sources, names: &'a BTreeSet<String>) -> Self {
        let mut index = Self {
            sources,
            methods: BTreeMap::new(),
            by_name: BTreeMap::new(),
            fields: BTreeMap::new(),
            variants: BTreeMap::new(),
            conversions: BTreeMap::new(),
            known: BTreeSet::new(),
        };
        for module in sources.modules() {
            for item in module.items() {
                index.take(module, item, names);
            }
        }
        index
    }

    /// The names of all types that have methods: kept by the caller, because what is indexed refers to them.
    pub(crate) fn names(sources: &Sources) -> BTreeSet<String> {
        let of = |item: &Item| match item {
            Item::Impl(block) => last_name(&block.self_ty),
            _ => None,
        };
        sources.modules().flat_map(|module| module.items().filter_map(of)).collect()
    }

    fn take(&mut self, module: &'a Module, item: &'a Item, names: &'a BTreeSet<String>) {
        match item {
            Item::Impl(block) => {
                let Some(of) = last_name(&block.self_ty).and_then(|name| names.get(&name)) else { return };
                let converts = block.trait_.as_ref().is_some_and(|(_, path, _)| is_called(path, "From"));
                for item in &block.items {
                    let syn::ImplItem::Fn(method) = item else { continue };
                    let (signature, block) = (&method.sig, &method.block);
                    let callable = Callable { module, of: Some(of), signature, block };
                    let name = signature.ident.to_string();
                    if converts {
                        self.conversions.entry(of).or_default().push(callable);
                    } else {
                        self.methods.entry(((*of).clone(), name.clone())).or_default().push(callable);
                        self.by_name.entry(name).or_default().push(callable);
                    }
                }
            }
            Item::Struct(found) => {
                self.known.insert(found.ident.to_string());
                for (at, field) in found.fields.iter().enumerate() {
                    let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
                    if let Some(kind) = module.kind(&field.ty) {
                        self.fields.insert((found.ident.to_string(), name), kind);
                    }
                }
            }
            Item::Enum(found) => {
                self.known.insert(found.ident.to_string());
                for variant in &found.variants {
                    let from = variant
                        .fields
                        .iter()
                        .find(|field| field.attrs.iter().any(|attribute| attribute.path().is_ident("from")));
                    let from = from.and_then(|field| module.kind(&field.ty));
                    self.variants.insert((found.ident.to_string(), variant.ident.to_string()), from);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn methods(&self, of: &str, name: &str) -> &[Callable<'a>] {
        self.methods.get(&(of.to_owned(), name.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// Methods of a name that so few types have that any of them may be meant.
    pub(crate) fn of_rare_name(&self, name: &str) -> &[Callable<'a>] {
        const MOST: usize = 3;
        self.by_name.get(name).map(Vec::as_slice).filter(|all| all.len() <= MOST).unwrap_or_default()
    }

    pub(crate) fn conversions_into(&self, of: &str) -> &[Callable<'a>] {
        self.conversions.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn field(&self, of: &str, name: &str) -> Option<&str> {
        self.fields.get(&(of.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// Whether there is such a variant.
    pub(crate) fn has_variant(&self, variant: &Variant) -> bool {
        self.variants.contains_key(variant)
    }

    /// The type that becomes a variant by itself, if one does.
    pub(crate) fn source(&self, variant: &Variant) -> Option<&str> {
        self.variants.get(variant)?.as_deref()
    }

    /// Whether a type is one of ours.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.known.contains(name)
    }
}

impl Module {
    /// The name of a type where it is defined, without what only wraps it.
    pub(crate) fn kind(&self, kind: &Type) -> Option<String> {
        bare(kind).map(|name| self.original(&name))
    }
}

impl Callable<'_> {
    /// The types of its parameters that have a name, by that name.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = BTreeMap::new();
        for input in &self.signature.inputs {
            match input {
                FnArg::Receiver(_) => {
                    parameters.extend(self.of.map(|of| ("self".to_owned(), of.to_owned())));
                }
                FnArg::Typed(typed) => named(self.module, &typed.pat, &typed.ty, &mut parameters),
            }
        }
        parameters
    }

    /// The names of its parameters, in their order.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        let typed = self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.pat),
            FnArg::Receiver(_) => None,
        });
        typed.map(|pattern| if let Pat::Ident(name) = pattern { Some(name.ident.to_string()) } else { None }).collect()
    }

    /// The type of error that it may return.
    pub(crate) fn fails_with(&self) -> Option<String> {
        let ReturnType::Type(_, returned) = &self.signature.output else { return None };
        let Type::Path(path) = &**returned else { return None };
        let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
        match arguments.args.iter().nth(1)? {
            GenericArgument::Type(error) => self.module.kind(error),
            _ => None,
        }
    }

    /// The type of what it returns, without what stands around it.
    pub(crate) fn returned(&self) -> Option<String> {
        let ReturnType::Type(_, returned) = &self.signature.output else { return None };
        self.module
            .kind(returned)
            .map(|name| if name == "Self" { self.of.unwrap_or_default().to_owned() } else { name })
    }
}

/// `State(journey): State<Journey>`, `caller: Caller`, `(one, other): (&One, &Other)`
fn named(module: &Module, pattern: &Pat, kind: &Type, parameters: &mut BTreeMap<String, String>) {
    match (pattern, kind) {
        (Pat::Ident(name), kind) => {
            parameters.extend(module.kind(kind).map(|kind| (name.ident.to_string(), kind)));
        }
        (Pat::TupleStruct(wrapped), kind) => {
            if let (Some(Pat::Ident(name)), Some(kind)) = (wrapped.elems.first(), module.kind(kind)) {
                parameters.insert(name.ident.to_string(), kind);
            }
        }
        (Pat::Tuple(patterns), Type::Tuple(kinds)) => {
            for (pattern, kind) in patterns.elems.iter().zip(&kinds.elems) {
                named(module, pattern, kind, parameters);
            }
        }
        _ => {}
    }
}

/// The name of a type, without references and what only wraps it.
fn bare(kind: &Type) -> Option<String> {
    match kind {
        Type::Reference(reference) => bare(&reference.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let name = last.ident.to_string();
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) if WRAPPERS.contains(&name.as_str()) => {
                    arguments.args.iter().find_map(|argument| match argument {
                        GenericArgument::Type(inner) => bare(inner),
                        _ => None,
                    })
                }
                _ => Some(name),
            }
        }
        _ => None,
    }
}

fn is_called(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}
