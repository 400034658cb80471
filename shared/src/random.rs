//! Randomness as a parameter.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ulid::Ulid;

/// Where randomness comes from: the operating system, through the crate's one cryptographic library.
#[derive(Debug, Clone, Default)]
pub struct Random(SystemRandom);

impl Random {
    /// Random bytes from the operating system.
    ///
    /// # Panics
    /// If the operating system has no randomness to give. Nothing may go on without it: an identifier that can be
    /// guessed is worse than a request that fails.
    #[must_use]
    #[expect(clippy::expect_used, reason = "going on with predictable secrets would be worse than stopping")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// 256 random bits as 43 characters that are safe in a URL.
    #[must_use]
    pub fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A ULID of this moment: 48 bits of time, 80 random bits, 26 characters.
    #[must_use]
    pub fn ulid(&self, now: Timestamp) -> String {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Ulid::from_parts(milliseconds, u128::from_be_bytes(self.bytes())).to_string()
    }

    /// A number from 0 up to, but not including, `bound`; 0 if `bound` is 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { u64::from_be_bytes(self.bytes()) % bound }
    }
}
