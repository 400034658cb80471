//! Maps and sets made of one thing after another. `collect` sorts everything first, by code that is compiled anew for every
//! place where it stands: four kilobytes each, and there were forty of them in every function. What is gathered here is few.

/// What gives things that can be gathered.
pub trait Gather: Iterator + Sized {
    /// A map or a set of all; of several with one key the last is kept.
    fn gathered<C: Default + Extend<Self::Item>>(self) -> C {
        let mut all = C::default();
        self.for_each(|thing| all.extend(Some(thing)));
        all
    }

    /// The same, unless one of them is nothing.
    fn all_gathered<T, C: Default + Extend<T>>(mut self) -> Option<C>
    where
        Self: Iterator<Item = Option<T>>,
    {
        self.try_fold(C::default(), |mut all, thing| {
            all.extend(Some(thing?));
            Some(all)
        })
    }
}

impl<I: Iterator> Gather for I {}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn of_several_with_one_key_the_last_is_kept() {
        let pairs = [("b", 1), ("a", 2), ("b", 3)];
        assert_eq!(pairs.into_iter().gathered::<BTreeMap<_, _>>(), BTreeMap::from([("a", 2), ("b", 3)]));
    }

    #[test]
    fn one_that_is_nothing_leaves_nothing_of_all() {
        assert_eq!([Some(2), Some(1)].into_iter().all_gathered(), Some(BTreeSet::from([1, 2])));
        assert_eq!([Some(2), None].into_iter().all_gathered::<_, BTreeSet<i32>>(), None);
        assert_eq!(std::iter::empty().all_gathered::<i32, BTreeSet<i32>>(), Some(BTreeSet::new()));
    }
}
