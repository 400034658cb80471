//! What a walk is told of its chance, which [`Dice`] makes.

use connectors_tests::dice;

/// Chance that can be had again.
pub(super) use connectors_tests::dice::Dice;

/// The seed of this run: `ATTACKS_SEED`, or a new one.
pub(super) fn seed_of_run() -> u64 {
    dice::seed_of_run("ATTACKS_SEED")
}

/// How long the walk is: `ATTACKS_OPERATIONS`, or ten thousand steps.
pub(super) fn operations_of_run() -> usize {
    dice::setting("ATTACKS_OPERATIONS").map_or(10_000, |count| usize::try_from(count).unwrap())
}
