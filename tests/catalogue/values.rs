//! What stands for a provider's variables while it is played: what an admin would enter, what a user would, and what the
//! provider will tell.

use crate::facts::{Facts, Values};

/// Who says what a variable is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Admin,
    User,
    Callback(String),
    TokenAnswer(String),
    Discovery(String),
    OtherVariable,
}

/// A variable with the value that it will have.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// What is entered or told.
    pub(crate) told: String,
    /// What stands in URLs and parameters then.
    pub(crate) value: String,
}

/// Every variable of a provider, or why one of them can't have a value.
pub(crate) fn of(provider: Facts<'_>) -> Result<Vec<Variable>, String> {
    let declared = provider.at("/vars").and_then(serde_json::Value::as_object).into_iter().flatten();
    let mut variables = Vec::new();
    let (mapped, own): (Vec<_>, Vec<_>) =
        declared.map(|(name, facts)| (name, Facts(facts))).partition(|(_, facts)| facts.text("/from") == Some("map"));
    for (name, facts) in own {
        let source = source(facts.text("/from").unwrap_or_default())
            .ok_or_else(|| format!("/vars/{name}/from is no source that is known here"))?;
        let given = facts.text("/example").map(str::to_owned);
        let given = given.or_else(|| facts.texts("/choices").into_iter().next());
        let given = given.or_else(|| facts.text("/default").map(str::to_owned));
        // Where a table leads on from it, only what the table has leads anywhere.
        let given = given.or_else(|| first_key(&mapped, name));
        let value = given.ok_or_else(|| format!("/vars/{name} needs an example"))?;
        let suffix = facts.text("/strip_suffix").filter(|suffix| !value.ends_with(suffix)).unwrap_or_default();
        // A provider that tells a host tells it as an address, unless it calls it a host.
        let told_by = matches!(&source, Source::TokenAnswer(of) | Source::Discovery(of) if !of.ends_with("host"));
        let scheme = if told_by && facts.has("/host_suffixes") { "https://" } else { "" };
        let told = format!("{scheme}{value}{suffix}");
        let value =
            facts.text("/strip_suffix").and_then(|suffix| value.strip_suffix(suffix)).unwrap_or(&value).to_owned();
        variables.push(Variable { name: name.clone(), source, told, value });
    }
    for (name, facts) in mapped {
        let key = facts.text("/key").unwrap_or_default();
        let of = variables.iter().find(|variable| variable.name == key).map(|variable| variable.value.clone());
        let value = of.and_then(|of| facts.map("/map").get(&of).cloned());
        let value = value.ok_or_else(|| format!("/vars/{name}/map has nothing for the value of {key}"))?;
        variables.push(Variable { name: name.clone(), source: Source::OtherVariable, told: String::new(), value });
    }
    Ok(variables)
}

fn first_key(mapped: &[(&String, Facts<'_>)], of: &str) -> Option<String> {
    let table = mapped.iter().find(|(_, facts)| facts.text("/key") == Some(of))?;
    table.1.map("/map").into_keys().next()
}

fn source(from: &str) -> Option<Source> {
    Some(match from.split_once(':') {
        None if from == "app" => Source::Admin,
        None if from == "input" => Source::User,
        Some(("callback", parameter)) => Source::Callback(parameter.to_owned()),
        Some(("token", path)) => Source::TokenAnswer(path.to_owned()),
        Some(("discover", field)) => Source::Discovery(field.to_owned()),
        _ => return None,
    })
}

/// The values alone, by name.
pub(crate) fn by_name(variables: &[Variable]) -> Values {
    variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect()
}
