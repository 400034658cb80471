//! Which scopes a connector is made with, which are asked for by that, and which of them the user will not grant.

use serde_json::Value;

use crate::facts::Facts;

/// How many of the suggested ones a connector has.
const FEW: usize = 3;

/// The scopes of one connection.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Those of the connector.
    pub(crate) wanted: Vec<String>,
    /// Those that the user is asked for, in order.
    pub(crate) asked: Vec<String>,
    /// The one that the user leaves out.
    pub(crate) unticked: Option<String>,
}

impl Scopes {
    pub(crate) fn of(entry: Facts<'_>) -> Self {
        let scope = entry.table("/authorize/scope");
        if scope.flag("/send") == Some(false) {
            return Self::default();
        }
        let (default, always) = (scope.texts("/default"), scope.texts("/always"));
        let suggested =
            entry.tables("/suggested_scopes").into_iter().filter_map(|one| one.text("/scope").map(str::to_owned));
        let mut wanted: Vec<String> = suggested.filter(|name| !always.contains(name)).take(FEW).collect();
        if wanted.is_empty() {
            wanted.clone_from(&default);
        }
        if wanted.is_empty() && always.is_empty() {
            wanted = vec!["first.read".into(), "second.write".into()];
        }
        let needed = entry.texts("/identity/needs_scope");
        let lacking = needed.iter().filter(|name| !wanted.contains(name) && !always.contains(name)).cloned();
        wanted.extend(lacking.collect::<Vec<_>>());
        let mut asked = wanted.clone();
        asked.extend(always.iter().filter(|name| !wanted.contains(name)).cloned());
        if wanted == default {
            // Nothing is wished for, and so nothing can be missed: the default is asked for.
            return Self { wanted: Vec::new(), asked, unticked: None };
        }
        let is_kept = |name: &String| needed.contains(name) || always.contains(name);
        let is_missed = |name: &&String| {
            let others = scope.at("/aliases").and_then(|aliases| aliases.get(name.as_str())).and_then(Value::as_array);
            !others.into_iter().flatten().any(|other| asked.iter().any(|asked| other == asked.as_str()))
        };
        let unticked = wanted.iter().filter(|name| !is_kept(name)).rfind(is_missed).cloned();
        // Who grants nothing at all is not connected.
        let unticked = unticked.filter(|_| asked.len() > 1);
        Self { wanted, asked, unticked }
    }
}
