//! The keys of a workspace, one per generation: the newest seals, the others open until everything is sealed anew.

use std::time::Duration;

use jiff::Timestamp;

use super::app::words;

/// How long sealing anew may show no sign of life before somebody has to begin it again: longer than a message of it can
/// be hidden and come back.
pub const SILENCE: Duration = Duration::from_hours(1);

/// The ARN of a KMS key that wraps a workspace's keys in the place of the deployment's own. Never an alias, which may be
/// pointed at another key that opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKeyArn(Box<str>);

/// A text that is not the ARN of a KMS key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the ARN of a KMS key: `arn:aws:kms:{{region}}:{{account}}:key/{{id}}`, not of an alias")]
pub struct InvalidKmsKeyArn;

impl KmsKeyArn {
    /// Parses an ARN that came from outside.
    ///
    /// # Errors
    /// [`InvalidKmsKeyArn`] if it has not the form of a key's ARN. Whether there is such a key only the service knows.
    pub fn parse(raw: &str) -> Result<Self, InvalidKmsKeyArn> {
        let parts: Vec<&str> = raw.split(':').collect();
        let ["arn", partition, "kms", region, account, key] = parts[..] else { return Err(InvalidKmsKeyArn) };
        let is_word = |text: &str, longest: usize| {
            (1..=longest).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_key = key.strip_prefix("key/").is_some_and(|id| is_word(id, 64));
        let is_partition = partition == "aws" || partition.strip_prefix("aws-").is_some_and(|name| is_word(name, 16));
        if is_partition && is_word(region, 32) && is_account && is_key {
            Ok(Self(raw.into()))
        } else {
            Err(InvalidKmsKeyArn)
        }
    }

    /// The ARN as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known of one generation of a workspace's key. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGeneration {
    /// Which of the workspace's keys it is, from 1.
    pub number: u32,
    /// When it was made; unknown for what an earlier version stored.
    pub created_at: Option<Timestamp>,
    /// The workspace's own KMS key that wraps it; the deployment's if there is none.
    pub kms_key: Option<KmsKeyArn>,
    /// How far everything older is sealed anew under it.
    pub progress: ResealProgress,
}

/// How far everything that older keys sealed is sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResealProgress {
    /// How many values were.
    pub resealed: u64,
    /// How many values of the last whole pass did not open, and were left as they are.
    pub unopened: u64,
    /// When it was last worked on.
    pub progressed_at: Option<Timestamp>,
    /// When a pass found nothing older any more.
    pub done_at: Option<Timestamp>,
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationState {
    /// It seals.
    Current,
    /// It still opens values that are being sealed anew.
    Resealing,
    /// A pass found nothing of it in the tables any more. Queues and backups may still hold some.
    Retired,
}

words! {
    GenerationState { Current = "current", Resealing = "resealing", Retired = "retired" }
}

impl KeyGeneration {
    /// Where this generation stands among all of its workspace.
    #[must_use]
    pub fn state(&self, all: &[Self]) -> GenerationState {
        let mut later = all.iter().filter(|other| other.number > self.number).peekable();
        if later.peek().is_none() {
            GenerationState::Current
        } else if later.any(|other| other.progress.done_at.is_some()) {
            GenerationState::Retired
        } else {
            GenerationState::Resealing
        }
    }

    /// Whether it is time for a new generation. One of unknown age may be of any.
    #[must_use]
    pub fn is_aged(&self, now: Timestamp, max_age: Duration) -> bool {
        self.created_at.is_none_or(|at| since(at, now) >= max_age)
    }

    /// Whether what older generations sealed waits to be sealed anew under this one, and nobody does it.
    #[must_use]
    pub fn is_stalled(&self, now: Timestamp) -> bool {
        let sign_of_life = self.progress.progressed_at.max(self.created_at);
        let is_silent = sign_of_life.is_none_or(|at| since(at, now) >= SILENCE);
        self.number > 1 && self.progress.done_at.is_none() && is_silent
    }

    /// How long until it has this age: zero if it has it, or its age is unknown.
    #[must_use]
    pub fn wait_until_aged(&self, now: Timestamp, age: Duration) -> Duration {
        self.created_at.map_or(Duration::ZERO, |at| age.saturating_sub(since(at, now)))
    }
}

/// The time from `at` to `now`; none if `now` is before.
fn since(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn generation(number: u32, done: bool) -> KeyGeneration {
        let done_at = done.then(|| at("2026-01-02T00:00:00Z"));
        KeyGeneration {
            number,
            created_at: Some(at("2026-01-01T00:00:00Z")),
            kms_key: None,
            progress: ResealProgress { done_at, ..ResealProgress::default() },
        }
    }

    #[test]
    fn only_the_arn_of_a_key_is_one() {
        for (raw, valid) in [
            ("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", true),
            ("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", true),
            ("arn:aws:kms:eu-west-1:111122223333:alias/mine", false),
            ("arn:aws:kms:eu-west-1:11112222333:key/1234", false),
            ("arn:aws:s3:eu-west-1:111122223333:key/1234", false),
            ("arn:aws:kms::111122223333:key/1234", false),
            ("arn:aws:kms:eu-west-1:111122223333:key/", false),
            ("arn:aws:kms:eu-west-1:111122223333:key/*", false),
            ("arn:aws:kms:eu-west-1:111122223333:key/a:b", false),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", false),
            ("", false),
        ] {
            assert_eq!(KmsKeyArn::parse(raw).is_ok(), valid, "{raw}");
        }
    }

    #[test]
    fn an_older_generation_is_retired_once_a_later_one_has_everything() {
        let all = [generation(1, false), generation(2, true), generation(3, false)];
        let states = all.each_ref().map(|one| one.state(&all));
        assert_eq!(states, [GenerationState::Retired, GenerationState::Resealing, GenerationState::Current]);
    }

    #[test]
    fn a_key_is_aged_to_the_second_and_one_of_unknown_age_at_once() {
        let key = generation(1, false);
        assert!(!key.is_aged(at("2026-01-01T23:59:59Z"), DAY));
        assert!(key.is_aged(at("2026-01-02T00:00:00Z"), DAY));
        assert!(KeyGeneration { created_at: None, ..key }.is_aged(at("2026-01-01T00:00:00Z"), DAY));
    }

    #[test]
    fn sealing_anew_is_stalled_after_an_hour_without_a_sign_unless_there_is_nothing_to_do() {
        let (soon, late) = (at("2026-01-01T00:59:59Z"), at("2026-01-01T01:00:00Z"));
        assert!(!generation(2, false).is_stalled(soon));
        assert!(generation(2, false).is_stalled(late));
        assert!(!generation(2, true).is_stalled(late));
        assert!(!generation(1, false).is_stalled(late));
        let mut working = generation(2, false);
        working.progress.progressed_at = Some(soon);
        assert!(!working.is_stalled(late));
    }
}
