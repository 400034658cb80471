//! The code, parsed: what is called what, and where.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{Expr, File, Item, ItemFn, Lit};

use crate::OpenApiError;

/// One file of one crate.
pub(crate) struct Module {
    /// The crate's folder: `get-token`; or `web` and `shared`, of what all share.
    pub(crate) function: String,
    /// The file's name: `lib`, `exchange`.
    pub(crate) name: String,
    file: File,
}

/// All files. What several have is looked for in the file that names it first, then in its crate, then in what all share.
pub(crate) struct Sources(Vec<Module>);

/// Something that is serialized.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    Struct(&'a syn::ItemStruct),
    Enum(&'a syn::ItemEnum),
}

impl Sources {
    /// Reads the functions in `functions`, and the crate that they share in `shared`.
    pub(crate) fn read(functions: &Path, shared: &Path) -> Result<Self, OpenApiError> {
        let mut modules = Vec::new();
        for folder in entries(functions)? {
            // What is not deployed says nothing of what is.
            let function = name(&folder);
            if function != "local" && folder.join("src").is_dir() {
                read_folder(&folder.join("src"), &function, &mut modules)?;
            }
        }
        read_folder(&shared.join("web"), "web", &mut modules)?;
        for room in entries(shared)?.iter().filter(|room| room.is_dir() && !room.ends_with("web")) {
            read_folder(room, "shared", &mut modules)?;
        }
        Ok(Self(modules))
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.iter()
    }

    /// A function by the path that `from` calls it.
    pub(crate) fn function<'a>(&'a self, from: &'a Module, path: &syn::Path) -> Option<(&'a Module, &'a ItemFn)> {
        let called = path.segments.last()?.ident.to_string();
        let module = path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
        self.near(from)
            .filter(|candidate| module.as_ref().is_none_or(|module| module == "crate" || *module == candidate.name))
            .find_map(|module| Some((module, module.function(&called)?)))
    }

    /// Something that is serialized, by the name that `from` has for it.
    pub(crate) fn shape<'a>(&'a self, from: &'a Module, name: &str) -> Option<(&'a Module, Shape<'a>)> {
        self.near(from).find_map(|module| Some((module, module.shape(name)?)))
    }

    /// A text by the name of its constant.
    pub(crate) fn text(&self, from: &Module, name: &str) -> Option<String> {
        self.near(from).find_map(|module| {
            module.items().find_map(|item| match item {
                Item::Const(constant) if constant.ident == name => literal(&constant.expr),
                _ => None,
            })
        })
    }

    /// A list by the name of its constant.
    pub(crate) fn list<'a>(&'a self, from: &'a Module, name: &str) -> Option<&'a syn::ExprArray> {
        self.near(from).find_map(|module| {
            module.items().find_map(|item| match item {
                Item::Const(constant) if constant.ident == name => match &*constant.expr {
                    Expr::Array(list) => Some(list),
                    _ => None,
                },
                _ => None,
            })
        })
    }

    /// In how many files something of this name is serialized.
    pub(crate) fn namesakes(&self, name: &str) -> usize {
        let of_the_wire = self.0.iter().filter(|module| module.function != "shared");
        of_the_wire.filter(|module| module.shape(name).is_some()).count()
    }

    fn near<'a>(&'a self, from: &'a Module) -> impl Iterator<Item = &'a Module> {
        let of_crate = self.0.iter().filter(|module| module.function == from.function && module.name != from.name);
        let of = |of: &'static str| self.0.iter().filter(move |module| module.function == of && from.function != of);
        std::iter::once(from).chain(of_crate).chain(of("web")).chain(of("shared"))
    }
}

impl Module {
    /// Whether no function has it for itself.
    pub(crate) fn is_shared(&self) -> bool {
        ["web", "shared"].contains(&self.function.as_str())
    }

    /// What stands in the file, and in functions nothing.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.file.items.iter()
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &ItemFn> {
        self.items().filter_map(|item| match item {
            Item::Fn(function) => Some(function),
            _ => None,
        })
    }

    fn function(&self, name: &str) -> Option<&ItemFn> {
        self.functions().find(|function| function.sig.ident == name)
    }

    /// Whether a function of this name is in the file.
    pub(crate) fn defines(&self, name: &str) -> bool {
        self.function(name).is_some()
    }

    /// Whether the file takes this name from another.
    pub(crate) fn imports(&self, name: &str) -> bool {
        self.items().any(|item| matches!(item, Item::Use(imported) if imported_by(&imported.tree, name)))
    }

    /// The name that a type has where it is defined, by the one that this file calls it.
    pub(crate) fn original(&self, name: &str) -> String {
        let mut renamed = self.items().filter_map(|item| match item {
            Item::Use(imported) => renamed(&imported.tree, name),
            _ => None,
        });
        renamed.next().unwrap_or_else(|| name.to_owned())
    }

    pub(crate) fn shape(&self, name: &str) -> Option<Shape<'_>> {
        self.items().find_map(|item| match item {
            Item::Struct(found) if found.ident == name && is_serialized(&found.attrs) => Some(Shape::Struct(found)),
            Item::Enum(found) if found.ident == name && is_serialized(&found.attrs) => Some(Shape::Enum(found)),
            _ => None,
        })
    }
}

fn imported_by(tree: &syn::UseTree, name: &str) -> bool {
    match tree {
        syn::UseTree::Path(path) => imported_by(&path.tree, name),
        syn::UseTree::Group(group) => group.items.iter().any(|tree| imported_by(tree, name)),
        syn::UseTree::Name(imported) => imported.ident == name,
        syn::UseTree::Rename(rename) => rename.rename == name,
        syn::UseTree::Glob(_) => true,
    }
}

/// `use …::{Name as Other}`
fn renamed(tree: &syn::UseTree, other: &str) -> Option<String> {
    match tree {
        syn::UseTree::Path(path) => renamed(&path.tree, other),
        syn::UseTree::Group(group) => group.items.iter().find_map(|tree| renamed(tree, other)),
        syn::UseTree::Rename(rename) if rename.rename == other => Some(rename.ident.to_string()),
        _ => None,
    }
}

/// A text that stands there.
pub(crate) fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Reference(reference) => literal(&reference.expr),
        _ => None,
    }
}

/// The sentences above an item.
pub(crate) fn documentation(attributes: &[syn::Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => literal(&pair.value),
        _ => None,
    });
    let text = lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    Some(text).filter(|text| !text.is_empty())
}

fn is_serialized(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("derive") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("Serialize");
                Ok(())
            });
        }
        found
    })
}

fn read_folder(folder: &Path, function: &str, modules: &mut Vec<Module>) -> Result<(), OpenApiError> {
    for path in entries(folder)? {
        if path.is_dir() {
            read_folder(&path, function, modules)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let shown = || path.display().to_string();
            let text = fs::read_to_string(&path).map_err(|error| OpenApiError::File(shown(), error))?;
            let file = syn::parse_file(&text).map_err(|error| OpenApiError::Code(shown(), error))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            modules.push(Module { function: function.to_owned(), name, file });
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, OpenApiError> {
    let failed = |error| OpenApiError::File(folder.display().to_string(), error);
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let sorted: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.file_name(), entry.path())).collect();
    Ok(sorted.into_values().collect())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
