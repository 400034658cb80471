//! Chance that can be had again.

/// A small generator (SplitMix64): not for secrets, only for choosing what is tried.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// True this often in a hundred.
    pub(super) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    /// One of these.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The seed of this run: `ATTACKS_SEED`, or a new one.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
pub(super) fn seed_of_run() -> u64 {
    match std::env::var("ATTACKS_SEED") {
        Ok(seed) => seed.parse().expect("ATTACKS_SEED is a number"),
        Err(_) => u64::from_be_bytes(connectors::random::Random::default().bytes()),
    }
}

/// How long the walk is: `ATTACKS_OPERATIONS`, or ten thousand steps.
#[expect(clippy::disallowed_methods, reason = "a test's own setting, not the product's")]
pub(super) fn operations_of_run() -> usize {
    std::env::var("ATTACKS_OPERATIONS").map_or(10_000, |count| count.parse().expect("ATTACKS_OPERATIONS is a number"))
}
