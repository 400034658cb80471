//! A provider's data with the values of its variables in it, for the requests of one step.

mod details;
mod placement;
mod places;

use std::{borrow::Cow, collections::BTreeMap};

pub use self::places::Step;
use self::places::{Kind, host_of, visit};
use super::{
    Provider,
    template::{self, Piece},
    vars::{Source, Var},
};
use crate::domain::gather::Gather;

/// Values of variables, by their names.
pub type Values = BTreeMap<String, String>;

/// A text cannot be filled: a value is missing, or may not stand there. Names the variable, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{var}` has no value that fits into {pointer}")]
pub struct Unfilled {
    /// The text, by its JSON pointer in the provider's data.
    pub pointer: String,
    /// The variable.
    pub var: String,
}

impl Provider {
    /// The provider with these values in all its texts, for the requests of one step. Texts of other steps may keep a
    /// placeholder whose value is not known yet; those of this one do not. Each value is checked again on its way into a
    /// text, and encoded where it stands in a path or query.
    ///
    /// # Errors
    /// [`Unfilled`] if a text of this step lacks a value, or one is not what the variable allows.
    pub fn filled(&self, values: &Values, step: Step) -> Result<Cow<'_, Self>, Unfilled> {
        let (filled, missing) = self.fill(values);
        match missing.into_iter().find(|(of, _)| step.uses(*of)) {
            None => Ok(filled),
            Some((_, unfilled)) => Err(unfilled),
        }
    }

    /// The provider with these values wherever they fit. What no value is known for keeps its placeholder: for
    /// comparisons and checks, not for requests.
    #[must_use]
    pub fn with_known(&self, values: &Values) -> Cow<'_, Self> {
        self.fill(values).0
    }

    fn fill(&self, values: &Values) -> (Cow<'_, Self>, Vec<(Step, Unfilled)>) {
        let mut missing = Vec::new();
        if self.vars.is_empty() {
            return (Cow::Borrowed(self), missing);
        }
        let known = self.known(values);
        let mut filled = self.clone();
        visit(&mut filled, &mut |spot, text| match fill(text, spot.kind, &self.vars, &known) {
            Ok(now) => *text = now,
            Err((now, var)) => {
                *text = now;
                missing.push((spot.step, Unfilled { pointer: spot.pointer, var }));
            }
        });
        (Cow::Owned(filled), missing)
    }

    /// What each variable stands for, as far as these values tell: read from where it comes from, in the form in which it
    /// is used. A value that is not allowed is none.
    #[must_use]
    pub fn known(&self, values: &Values) -> Values {
        let given = |name: &str, var: &Var| {
            let given = match &var.from {
                Source::Discover(field) => values.get(field),
                _ => values.get(name),
            };
            match given {
                Some(value) => var.accept(value).ok(),
                None => var.default.as_ref().and_then(|default| var.accept(default).ok()),
            }
        };
        let is_mapped = |var: &Var| var.from == Source::Map;
        let direct = self.vars.iter().filter(|(_, var)| !is_mapped(var));
        let mut known: Values = direct.filter_map(|(name, var)| Some((name.clone(), given(name, var)?))).gathered();
        for (name, var) in self.vars.iter().filter(|(_, var)| is_mapped(var)) {
            let value = var.key.as_ref().and_then(|key| var.map.get(known.get(key)?)).cloned();
            known.extend(value.map(|value| (name.clone(), value)));
        }
        known
    }

    /// This provider with samples in its texts: every value of a closed list is in one of them. For checks of its
    /// endpoints before any value is known.
    #[must_use]
    pub fn samples(&self) -> Vec<Cow<'_, Self>> {
        let samples: BTreeMap<&String, Vec<String>> =
            self.vars.iter().map(|(name, var)| (name, var.samples())).gathered();
        let most = samples.values().map(Vec::len).max().unwrap_or(1);
        let nth = |n: usize| -> Values {
            let chosen = samples.iter().filter_map(|(name, values)| {
                let field = match &self.vars.get(*name)?.from {
                    Source::Discover(field) => field.clone(),
                    _ => (*name).clone(),
                };
                Some((field, values.get(n % values.len())?.clone()))
            });
            chosen.gathered()
        };
        (0..most).map(|n| self.with_samples(&nth(n))).collect()
    }

    /// What does not fit keeps nobody from looking at the rest: a label takes its place.
    fn with_samples(&self, values: &Values) -> Cow<'_, Self> {
        if self.vars.is_empty() {
            return Cow::Borrowed(self);
        }
        let known = self.known(values);
        let mut filled = self.clone();
        visit(&mut filled, &mut |_, text| {
            *text = template::filled(text, |name| {
                self.vars.contains_key(name).then(|| known.get(name).cloned().unwrap_or_else(|| "x".to_owned()))
            });
        });
        Cow::Owned(filled)
    }
}

/// The text with its values; with an error comes what could be filled, and the first variable that has no value that fits.
fn fill(text: &str, kind: Kind, vars: &BTreeMap<String, Var>, known: &Values) -> Result<String, (String, String)> {
    let host = host_of(kind, text);
    let mut wrong = None;
    let mut at = 0;
    let mut filled = String::with_capacity(text.len());
    for piece in template::pieces(text) {
        let name = match piece {
            Piece::Text(plain) => {
                at += plain.len();
                filled.push_str(plain);
                continue;
            }
            Piece::Placeholder(name) => name,
        };
        let in_host = (host.0..host.1).contains(&at);
        at += name.len() + 2;
        match known.get(name).filter(|value| fits(value, kind, in_host)) {
            Some(value) if kind == Kind::Url && !in_host => filled.push_str(&template::encoded(value)),
            Some(value) => filled.push_str(value),
            None => {
                wrong = wrong.or_else(|| vars.contains_key(name).then(|| name.to_owned()));
                filled.extend(["{", name, "}"]);
            }
        }
    }
    match wrong {
        None => Ok(filled),
        Some(var) => Err((filled, var)),
    }
}

/// Whether a value may stand there: in a host nothing but a host; in a path nothing that leads out of it.
fn fits(value: &str, kind: Kind, in_host: bool) -> bool {
    match kind {
        _ if in_host => template::is_of_host(value),
        Kind::Url => value != "." && value != "..",
        Kind::Header => value.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
        Kind::Host | Kind::Parameter => true,
    }
}

#[cfg(test)]
mod tests;
