//! Whether each placeholder may stand where it does.

use super::{
    super::{
        Provider,
        template::{self, Piece},
        vars::{Known, Source, Var},
    },
    places::{Kind, Spot, Step, host_of, visit},
};
use crate::domain::fields::Table;

impl Provider {
    /// Notes every placeholder that is no variable, or one that may not stand where it does.
    pub(in super::super) fn check_placeholders(&self, table: &Table<'_>) {
        visit(&mut self.clone(), &mut |spot, text| {
            for name in template::placeholders(text) {
                if let Some(detail) = self.wrong(&spot, text, name) {
                    table.refuse_at(&spot.pointer, format!("{{{name}}} {detail}"));
                }
            }
            if spot.kind == Kind::Url && has_stray_brace(text) {
                table.refuse_at(&spot.pointer, "has a brace that belongs to no placeholder");
            }
        });
    }

    fn wrong(&self, spot: &Spot, text: &str, name: &str) -> Option<String> {
        let Some(var) = self.vars.get(name) else {
            let is_of_request = spot.step.of_request().contains(&name) && !in_host(spot.kind, text, name);
            return (!is_of_request).then(|| "is no declared variable".to_owned());
        };
        if self.known_by(var) > spot.step.known() && !self.is_found_before(var, spot.step) {
            return Some("is not known yet when this is sent".to_owned());
        }
        if !in_host(spot.kind, text, name) {
            return None;
        }
        var.unfit_for_host(ends_in_domain(spot.kind, text)).map(str::to_owned)
    }

    /// Whether a call that comes before this one tells what the variable is.
    fn is_found_before(&self, var: &Var, step: Step) -> bool {
        let Step::Discover(index) = step else { return false };
        match &var.from {
            Source::Discover(field) => self.discover.iter().take(index).any(|step| step.into.contains_key(field)),
            Source::Map => {
                let key = var.key.as_ref().and_then(|key| self.vars.get(key));
                key.is_some_and(|key| key.from != Source::Map && self.is_found_before(key, step))
            }
            _ => false,
        }
    }

    fn known_by(&self, var: &Var) -> Known {
        match &var.from {
            Source::App | Source::Input => Known::AtStart,
            Source::Callback(_) => Known::AtCallback,
            Source::Token(_) => Known::WithToken,
            Source::Discover(_) => Known::WhenConnected,
            Source::Map => match var.key.as_ref().and_then(|key| self.vars.get(key)) {
                Some(key) if key.from != Source::Map => self.known_by(key),
                _ => Known::AtStart,
            },
        }
    }
}

fn in_host(kind: Kind, text: &str, name: &str) -> bool {
    let (begins, ends) = host_of(kind, text);
    template::placeholders(&text[begins..ends]).any(|placeholder| placeholder == name)
}

/// Whether the host ends in a domain of at least two labels that stands there as it is.
fn ends_in_domain(kind: Kind, text: &str) -> bool {
    let (begins, ends) = host_of(kind, text);
    let Some(Piece::Text(tail)) = template::pieces(&text[begins..ends]).last().copied() else { return false };
    let tail = tail.split(':').next().unwrap_or_default();
    let domain = tail.split_once('.').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domain.contains('.') && template::is_of_host(domain))
}

fn has_stray_brace(url: &str) -> bool {
    template::pieces(url).into_iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(['{', '}'])))
}
