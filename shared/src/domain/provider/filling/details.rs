//! Which of what is known of a connection its requests depend on, and what of it may change.

use std::collections::BTreeSet;

use super::{
    super::{Provider, template, vars::Source},
    Step, Values,
    places::visit,
};

impl Provider {
    /// The variables without which some request or address cannot be made.
    #[must_use]
    pub fn needed_vars(&self) -> BTreeSet<String> {
        self.vars_in(|_| true)
    }

    /// The calls about an account, by their places among them, without which some request or address cannot be made: those
    /// that tell what stands there, and those that tell what the former are made of. Others tell what is good to know.
    #[must_use]
    pub fn needed_discoveries(&self) -> BTreeSet<usize> {
        let mut wanted = self.vars_in(|step| !matches!(step, Step::Discover(_)));
        let mut needed = BTreeSet::new();
        for (index, step) in self.discover.iter().enumerate().rev() {
            let tells = |name: &String| match &self.vars.get(name).map(|var| &var.from) {
                Some(Source::Discover(field)) => step.into.contains_key(field),
                _ => false,
            };
            if wanted.iter().any(tells) {
                needed.insert(index);
                wanted.extend(self.vars_in(|of| of == Step::Discover(index)));
            }
        }
        needed
    }

    /// What is known of a connection after an answer told this, if it is something else than before. What its requests
    /// go by stays as it was when the user agreed: an answer must not lead them elsewhere.
    #[must_use]
    pub fn renewed_details(&self, known: &Values, told: &Values) -> Option<Values> {
        let sends = |step| matches!(step, Step::Token | Step::Refresh | Step::Revoke | Step::Identity);
        let fixed = self.vars_in(sends);
        let may_change = |name: &String, value: &str| match self.vars.get(name) {
            None => true,
            Some(var) => matches!(var.from, Source::Token(_)) && !fixed.contains(name) && var.accept(value).is_ok(),
        };
        let mut renewed = known.clone();
        renewed.extend(
            told.iter()
                .filter(|(name, value)| may_change(name, value))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        (renewed != *known).then_some(renewed)
    }

    /// The variables in the texts of some steps, with those that they are mapped from.
    fn vars_in(&self, of: impl Fn(Step) -> bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        visit(&mut self.clone(), &mut |spot, text| {
            if of(spot.step) {
                found.extend(
                    template::placeholders(text).filter(|name| self.vars.contains_key(*name)).map(str::to_owned),
                );
            }
        });
        let keys: Vec<String> = found.iter().filter_map(|name| self.vars.get(name)?.key.clone()).collect();
        found.extend(keys);
        found
    }
}
