//! What is serialized, as JSON Schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use syn::{Attribute, Fields, LitStr, Type};

use crate::{
    handler::{last_name, unwrapped},
    providers,
    sources::{Module, Shape, Sources, documentation},
};

/// The schemas of all types that are answered with, by name.
pub(crate) struct Schemas<'a> {
    sources: &'a Sources,
    pub(crate) components: BTreeMap<String, Value>,
}

/// What `serde` is told of a field or a type.
#[derive(Default)]
struct Told {
    flatten: bool,
    skip: bool,
    may_lack: bool,
    rename: Option<String>,
    tag: Option<String>,
}

impl<'a> Schemas<'a> {
    /// None but those that are `known` already.
    pub(crate) fn new(sources: &'a Sources, known: BTreeMap<String, Value>) -> Self {
        Self { sources, components: known }
    }

    pub(crate) fn knows(&self, from: &'a Module, name: &str) -> bool {
        self.sources.shape(from, name).is_some()
    }

    /// The schema of a type, as `from` writes it.
    pub(crate) fn of(&mut self, from: &'a Module, ty: &Type) -> Value {
        for wrapper in ["Box", "Arc", "Cow"] {
            if let Some(inner) = unwrapped(ty, wrapper) {
                return self.of(from, inner);
            }
        }
        if let Some(inner) = unwrapped(ty, "Option") {
            return or_null(self.of(from, inner));
        }
        if let Some(inner) = unwrapped(ty, "Vec").or_else(|| unwrapped(ty, "BTreeSet")) {
            return json!({ "type": "array", "items": self.of(from, inner) });
        }
        match ty {
            Type::Reference(reference) => self.of(from, &reference.elem),
            Type::Slice(slice) => json!({ "type": "array", "items": self.of(from, &slice.elem) }),
            Type::Array(array) => json!({ "type": "array", "items": self.of(from, &array.elem) }),
            Type::Path(path) => match last_name(ty).unwrap_or_default().as_str() {
                "String" | "str" => json!({ "type": "string" }),
                "bool" => json!({ "type": "boolean" }),
                "u8" | "u16" | "u32" | "u64" | "usize" => json!({ "type": "integer", "minimum": 0 }),
                "i32" | "i64" => json!({ "type": "integer" }),
                "f32" | "f64" => json!({ "type": "number" }),
                "Timestamp" => json!({ "type": "string", "format": "date-time" }),
                "BTreeMap" | "HashMap" => {
                    let values = path.path.segments.last().and_then(|last| match &last.arguments {
                        syn::PathArguments::AngleBracketed(arguments) => arguments.args.last(),
                        _ => None,
                    });
                    match values {
                        Some(syn::GenericArgument::Type(values)) => {
                            json!({ "type": "object", "additionalProperties": self.of(from, values) })
                        }
                        _ => json!({ "type": "object" }),
                    }
                }
                "Provider" => providers::reference("Provider"),
                "Map" => json!({ "type": "object" }),
                name => self.named(from, name),
            },
            _ => json!({}),
        }
    }

    /// Describes refusals (RFC 9457), as `shared/src/web/problem.rs` writes them.
    pub(crate) fn problem(&mut self) {
        if let Some(module) = self.sources.modules().find(|module| module.function == "web" && module.name == "problem")
        {
            self.named(module, "ProblemOnWire");
        }
    }

    /// The schema that was given this name already, or else that of the only type of it, wherever it is.
    pub(crate) fn called(&mut self, name: &str) -> Value {
        if self.components.contains_key(name) {
            return providers::reference(name);
        }
        let module = self
            .sources
            .modules()
            .find(|module| self.sources.shape(module, name).is_some_and(|(of, _)| std::ptr::eq(of, *module)));
        module.map_or_else(|| json!({}), |module| self.named(module, name))
    }

    /// The schema of a type of this name, as a reference. A name that nothing has stands for any value.
    pub(crate) fn named(&mut self, from: &'a Module, name: &str) -> Value {
        let Some((module, shape)) = self.sources.shape(from, name) else { return json!({}) };
        let title = self.title(module, name);
        if !self.components.contains_key(&title) {
            self.components.insert(title.clone(), json!({}));
            let schema = self.shape(module, shape);
            self.components.insert(title.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{title}") })
    }

    /// Several files have a `Listing`: those are called after their file too.
    fn title(&self, module: &Module, name: &str) -> String {
        let mut short = name.trim_end_matches("OnWire");
        if short != name && module.shape(short).is_some() {
            short = name;
        }
        if self.sources.namesakes(name) < 2 {
            return short.to_owned();
        }
        let room = if module.name == "lib" { &module.function } else { &module.name };
        // Where a crate has no more than one file for what it answers, that is no name.
        let room = if room == "on_wire" { "" } else { room.as_str() };
        let words = room
            .split(['-', '_'])
            .filter(|word| !word.is_empty())
            .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
        format!("{}{short}", words.collect::<String>())
    }

    fn shape(&mut self, module: &'a Module, shape: Shape<'a>) -> Value {
        let (attributes, mut schema) = match shape {
            Shape::Struct(found) => (&found.attrs, self.object(module, &found.fields, &[])),
            Shape::Enum(found) => (&found.attrs, self.choice(module, found)),
        };
        if let (Some(sentence), Some(schema)) = (documentation(attributes), schema.as_object_mut()) {
            schema.insert("description".to_owned(), sentence.into());
        }
        schema
    }

    fn object(&mut self, module: &'a Module, fields: &'a Fields, tag: &[(String, Value)]) -> Value {
        if let Fields::Unnamed(fields) = fields
            && let Some(only) = fields.unnamed.first()
        {
            return self.of(module, &only.ty);
        }
        let mut properties: Map<String, Value> = tag.iter().cloned().collect();
        let mut required: Vec<Value> = tag.iter().map(|(name, _)| name.clone().into()).collect();
        let mut is_open = false;
        for field in fields {
            let told = Told::read(&field.attrs);
            let mut schema = self.of(module, &field.ty);
            if told.skip {
                continue;
            }
            if told.flatten {
                // What may be missing as a whole requires nothing.
                let inner = unwrapped(&field.ty, "Option").map(|inner| self.of(module, inner));
                let mut none = Vec::new();
                let demands = if inner.is_some() { &mut none } else { &mut required };
                is_open |= !self.merge(inner.as_ref().unwrap_or(&schema), &mut properties, demands);
                continue;
            }
            let written = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            let name = told.rename.unwrap_or_else(|| written.trim_start_matches("r#").to_owned());
            if let (Some(sentence), Some(schema)) = (documentation(&field.attrs), schema.as_object_mut()) {
                schema.insert("description".to_owned(), sentence.into());
            }
            if !told.may_lack {
                required.push(name.clone().into());
            }
            properties.insert(name, schema);
        }
        let mut object = json!({ "type": "object", "properties": properties, "required": required });
        if !is_open {
            object["additionalProperties"] = false.into();
        }
        object
    }

    /// Puts the fields of another type among these; `false` if it is not known which they are.
    fn merge(&self, schema: &Value, properties: &mut Map<String, Value>, required: &mut Vec<Value>) -> bool {
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        let Some(other) = name.and_then(|name| self.components.get(name)) else { return false };
        let Some(fields) = other["properties"].as_object() else { return false };
        properties.extend(fields.clone());
        required.extend(other["required"].as_array().into_iter().flatten().cloned());
        other["additionalProperties"] == false
    }

    fn choice(&mut self, module: &'a Module, found: &'a syn::ItemEnum) -> Value {
        let told = Told::read(&found.attrs);
        let word = |variant: &syn::Variant| {
            Told::read(&variant.attrs).rename.unwrap_or_else(|| snake(&variant.ident.to_string()))
        };
        let Some(tag) = told.tag else {
            return json!({ "type": "string", "enum": found.variants.iter().map(word).collect::<Vec<_>>() });
        };
        let variant = |variant: &'a syn::Variant| {
            let mut schema = self.object(module, &variant.fields, &[(tag.clone(), json!({ "const": word(variant) }))]);
            if let (Some(sentence), Some(schema)) = (documentation(&variant.attrs), schema.as_object_mut()) {
                schema.insert("description".to_owned(), sentence.into());
            }
            schema
        };
        json!({ "oneOf": found.variants.iter().map(variant).collect::<Vec<_>>() })
    }
}

impl Told {
    fn read(attributes: &[Attribute]) -> Self {
        let mut told = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            // What is not known here takes its value all the same, so that what follows is read.
            let _ = attribute.parse_nested_meta(|meta| {
                let value = meta.value().and_then(syn::parse::ParseBuffer::parse::<LitStr>).map(|text| text.value());
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match (name.as_str(), value) {
                    ("flatten", _) => told.flatten = true,
                    ("skip" | "skip_serializing", _) => told.skip = true,
                    ("skip_serializing_if", _) => told.may_lack = true,
                    ("rename", Ok(name)) => told.rename = Some(name),
                    ("tag", Ok(name)) => told.tag = Some(name),
                    _ => {}
                }
                Ok(())
            });
        }
        told
    }
}

fn or_null(schema: Value) -> Value {
    match schema["type"].as_str() {
        Some(kind) => {
            let both = json!([kind, "null"]);
            let mut schema = schema;
            schema["type"] = both;
            schema
        }
        None if schema.get("$ref").is_some() => json!({ "anyOf": [schema, { "type": "null" }] }),
        None => schema,
    }
}

fn snake(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
