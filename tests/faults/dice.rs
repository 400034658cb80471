//! Chance that can be had again: everything that a case leaves to chance follows from one number, which it prints.

/// A small generator (SplitMix64): not for secrets, only for choosing what goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of their own for one part of a case: what another part throws changes nothing here.
    pub(crate) fn part(seed: u64, name: u64) -> Self {
        let mut dice = Self(seed ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.next();
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// True this often in a hundred.
    pub(crate) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }
}

/// The seed of this run: `FAULTS_SEED`, or a new one.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
pub(crate) fn seed_of_run() -> u64 {
    match std::env::var("FAULTS_SEED") {
        Ok(seed) => seed.parse().expect("FAULTS_SEED is a number"),
        Err(_) => u64::from_be_bytes(connectors::random::Random::default().bytes()),
    }
}

/// How many refreshes the storm goes on for: `FAULTS_REFRESHES`, or as many as two cores do in five minutes.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
pub(crate) fn refreshes_of_run() -> usize {
    std::env::var("FAULTS_REFRESHES").map_or(10_000, |count| count.parse().expect("FAULTS_REFRESHES is a number"))
}
