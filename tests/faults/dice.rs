//! What a run is told of its chance, which [`Dice`] makes.

use connectors_tests::dice;

/// Chance that can be had again.
pub(crate) use connectors_tests::dice::Dice;

/// The seed of this run: `FAULTS_SEED`, or a new one.
pub(crate) fn seed_of_run() -> u64 {
    dice::seed_of_run("FAULTS_SEED")
}

/// How many refreshes the storm goes on for: `FAULTS_REFRESHES`, or as many as two cores do in five minutes.
pub(crate) fn refreshes_of_run() -> usize {
    dice::setting("FAULTS_REFRESHES").map_or(10_000, |count| usize::try_from(count).unwrap())
}
