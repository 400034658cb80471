//! Plans as they are written down: a JSON object of them by name. Whatever is not understood is named by its place, because a
//! limit with a mistake in it would be one that nobody keeps.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Plan, PlanName, Plans};

/// The text does not say what the plans are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidPlans {
    /// Where, as a JSON pointer (RFC 6901); empty for all of it.
    pub pointer: String,
    /// What it must be.
    pub detail: String,
}

impl fmt::Display for InvalidPlans {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, detail } = self;
        if pointer.is_empty() { formatter.write_str(detail) } else { write!(formatter, "`{pointer}` {detail}") }
    }
}

impl InvalidPlans {
    fn at(pointer: &str, detail: impl fmt::Display) -> Self {
        Self { pointer: pointer.to_owned(), detail: detail.to_string() }
    }
}

/// The members of an object in their order, those that come twice included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl Plans {
    /// Reads plans.
    ///
    /// # Errors
    /// [`InvalidPlans`] names the first place that has a name twice, or a name or a value that is not known.
    pub fn parse(raw: &str) -> Result<Self, InvalidPlans> {
        let Members(written) = serde_json::from_str(raw).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            InvalidPlans::at("", format!("must be a JSON object of plans by name (line {line}, column {column})"))
        })?;
        let mut plans = BTreeMap::new();
        for (name, written) in written {
            let pointer = below("", &name);
            let name =
                PlanName::parse(&name).map_err(|error| InvalidPlans::at(&pointer, format!("{error}, as a name")))?;
            // Of one that comes twice nobody knows which is meant, and the laxer one must not win.
            if plans.insert(name, plan(&pointer, &written)?).is_some() {
                return Err(twice(&pointer));
            }
        }
        Ok(Self(plans))
    }
}

fn plan(pointer: &str, written: &RawValue) -> Result<Plan, InvalidPlans> {
    const EXPECTED: &str = "must be an object with any of `connectors`, `connections`, `custom_providers`, `shared`";
    const NUMBER: &str = "must be a whole number from 0 to 4294967295, without quotes";
    const SWITCH: &str = "must be `true` or `false`, without quotes";
    let Members(limits) = read(pointer, written, EXPECTED)?;
    let (mut plan, mut seen) = (Plan::default(), Vec::new());
    for (name, value) in limits {
        let pointer = below(pointer, &name);
        match name.as_str() {
            "connectors" => plan.connectors = read(&pointer, &value, NUMBER)?,
            "connections" => plan.connections = read(&pointer, &value, NUMBER)?,
            "custom_providers" => plan.custom_providers = read(&pointer, &value, SWITCH)?,
            "shared" => plan.shared = read(&pointer, &value, SWITCH)?,
            _ => {
                let detail = "is no limit: there are `connectors`, `connections`, `custom_providers` and `shared`";
                return Err(InvalidPlans::at(&pointer, detail));
            }
        }
        if seen.contains(&name) {
            return Err(twice(&pointer));
        }
        seen.push(name);
    }
    Ok(plan)
}

fn read<T: DeserializeOwned>(pointer: &str, written: &RawValue, expected: &str) -> Result<T, InvalidPlans> {
    serde_json::from_str(written.get()).map_err(|_| InvalidPlans::at(pointer, expected))
}

fn twice(pointer: &str) -> InvalidPlans {
    InvalidPlans::at(pointer, "comes twice, and nobody knows which is meant")
}

fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", crate::domain::fields::step(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_does_not_speak_of_is_allowed() {
        let plans =
            Plans::parse(r#"{"free": {"connectors": 3, "connections": null, "shared": false}, "pro": {}}"#).unwrap();
        let free = plans.find(&PlanName::parse("free").unwrap()).unwrap();
        assert_eq!(free, &Plan { connectors: Some(3), shared: false, ..Plan::default() });
        assert_eq!(plans.find(&PlanName::parse("pro").unwrap()), Some(&Plan::default()));
        assert_eq!(Plans::parse("{}"), Ok(Plans::default()));
    }

    #[test]
    fn a_limit_that_nobody_keeps_is_refused_by_its_place_when_the_deployment_starts() {
        for (raw, pointer) in [
            ("", ""),
            ("[]", ""),
            ("null", ""),
            ("{\"free\": {}", ""),
            (r#"{"free": {}} {}"#, ""),
            (r#"{"free": {},}"#, ""),
            (r#"{"Free": {}}"#, "/Free"),
            (r#"{"a/b~": {}}"#, "/a~1b~0"),
            (r#"{"": {}}"#, "/"),
            (r#"{"free": {}, "pro": null}"#, "/pro"),
            (r#"{"free": []}"#, "/free"),
            (r#"{"free": [3, 4, false, false]}"#, "/free"),
            (r#"{"free": 3}"#, "/free"),
            (r#"{"free": {"conectors": 3}}"#, "/free/conectors"),
            (r#"{"free": {"Connectors": 3}}"#, "/free/Connectors"),
            (r#"{"free": {"connectors": -1}}"#, "/free/connectors"),
            (r#"{"free": {"connectors": 1.5}}"#, "/free/connectors"),
            (r#"{"pro": {}, "free": {"connections": "3"}}"#, "/free/connections"),
            (r#"{"free": {"connections": true}}"#, "/free/connections"),
            (r#"{"free": {"connectors": 4294967296}}"#, "/free/connectors"),
            (r#"{"free": {"shared": "false"}}"#, "/free/shared"),
            (r#"{"free": {"shared": 0}}"#, "/free/shared"),
            (r#"{"free": {"custom_providers": null}}"#, "/free/custom_providers"),
            (r#"{"free": {"connectors": 3}, "free": {}}"#, "/free"),
            (r#"{"free": {"connectors": 3, "connectors": 9}}"#, "/free/connectors"),
        ] {
            assert_eq!(Plans::parse(raw).map_err(|error| error.pointer), Err(pointer.to_owned()), "{raw}");
        }
    }

    #[test]
    fn whoever_starts_the_deployment_reads_what_to_write_instead() {
        let said = |raw: &str| Plans::parse(raw).unwrap_err().to_string();
        let number = "`/free/connectors` must be a whole number from 0 to 4294967295, without quotes";
        assert_eq!(said(r#"{"free": {"connectors": "3"}}"#), number);
        assert_eq!(said("{"), "must be a JSON object of plans by name (line 1, column 1)");
    }
}
