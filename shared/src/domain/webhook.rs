//! Webhooks: where a workspace has its events sent, and how a receiver knows that they are from here
//! ([Standard Webhooks](https://www.standardwebhooks.com)).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    event::EventKind,
    ids::{EventId, WebhookId, WorkspaceId},
    secret::{EarlierWebhookSecret, Sealed, Secret, WebhookSecret},
};

/// What every secret begins with, so that a leaked one is recognised.
const PREFIX: &str = "whsec_";

/// How long a secret signs as well after it was replaced: time to tell the receiver of the new one.
pub const EARLIER_SIGNS_FOR: Duration = Duration::from_hours(24);

/// How many earlier secrets may sign beside the present one.
pub const MOST_EARLIER: usize = 8;

/// How many webhooks a workspace may have.
pub const MOST_WEBHOOKS: usize = 20;

/// The pauses between the tries of one delivery, as the standard recommends them: three days, all together.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// How long a receiver may take to answer, as the standard recommends: it is asked to take the event and work on it later.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// How long a receiver is sent nothing new that did not answer, or has too much to do, counted from when it was asked: what it
/// had for that, and a few seconds more.
const RESTS: Duration = ANSWERS_WITHIN.saturating_add(Duration::from_secs(5));

/// How long nothing must have arrived before a webhook is disabled.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(72);

/// Where events are sent.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The receiver: an https address that the guard of the way out let through when it was stored.
    pub url: String,
    /// What is sent; nothing means everything.
    pub events: Vec<EventKind>,
    /// Whether anything is sent, and if not, why.
    pub state: WebhookState,
    /// What signs.
    pub secret: Sealed<WebhookSecret>,
    /// What signs as well, see [`EarlierSecrets`], until then at the latest.
    pub earlier_secret: Option<(Sealed<EarlierWebhookSecret>, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How the last delivery went.
    pub last: Option<LastTry>,
    /// Since when nothing has arrived.
    pub failing_since: Option<Timestamp>,
    /// Until when its receiver is left alone.
    pub rests_until: Option<Timestamp>,
}

/// Whether a webhook is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookState {
    /// It is.
    Enabled,
    /// An admin does not wish it.
    Disabled,
    /// Nothing has arrived for days, or the receiver said that it is gone.
    GivenUp,
}

impl WebhookState {
    /// The state as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::GivenUp => "given_up",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled, Self::GivenUp].into_iter().find(|state| state.as_str() == raw)
    }
}

/// How a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTry {
    /// When.
    pub at: Timestamp,
    /// What the receiver answered; nothing if it did not.
    pub status: Option<u16>,
}

impl LastTry {
    /// Whether the receiver took it.
    #[must_use]
    pub fn arrived(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver says that it is gone for good.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    /// Until when the receiver is left alone after this try, which it was `asked` to be for so long: who waits for one that
    /// does not answer can't tell others, and one that has too much to do (429, 502, 504) gets no better by more.
    #[must_use]
    pub fn rests_until(&self, asked: Option<Duration>) -> Option<Timestamp> {
        if self.arrived() {
            return None;
        }
        let least = matches!(self.status, None | Some(429 | 502 | 504)).then_some(RESTS);
        least.max(asked).and_then(|rest| self.at.checked_add(rest).ok())
    }
}

impl Webhook {
    /// Whether this kind of event is sent.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.state == WebhookState::Enabled && (self.events.is_empty() || self.events.contains(&kind))
    }

    /// How long a delivery waits that was tried so often, this time included, until its receiver may be asked: one that has
    /// said that it rests is asked nothing, one that says nothing is asked nothing new.
    #[must_use]
    pub fn rests(&self, tries: u32, now: Timestamp) -> Option<Duration> {
        let has_said_so = self.last.is_some_and(|last| last.status.is_some());
        let left = self.rests_until.filter(|_| has_said_so || tries <= 1)?.duration_since(now);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// Whether it is to be disabled: nothing has arrived for days.
    #[must_use]
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        self.failing_since.is_some_and(|since| now.duration_since(since).unsigned_abs() >= GIVEN_UP_AFTER)
    }
}

/// How long to wait after so many tries that failed; nothing if it is not tried again. `spread` is up to a thousand, and
/// makes it up to a tenth longer, so that what failed together does not come back together.
#[must_use]
pub fn pause(tries: u32, spread: u32) -> Option<Duration> {
    let pause = *PAUSES.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    Some(pause + pause * spread.min(1_000) / 10_000)
}

/// Secrets that signed before the present one, and do so for a while longer, each until its own time. They are sealed as one
/// text.
#[derive(Debug, Default)]
pub struct EarlierSecrets(Vec<(Secret<EarlierWebhookSecret>, Timestamp)>);

impl EarlierSecrets {
    /// Those that the vault opened and that sign still. A text of an earlier form is one secret, which signs `until`.
    #[must_use]
    pub fn read(text: &Secret<EarlierWebhookSecret>, until: Timestamp, now: Timestamp) -> Self {
        let entries = text.expose().split(' ').filter(|entry| !entry.is_empty());
        let secrets = entries.filter_map(|entry| match entry.split_once(SIGNS_UNTIL) {
            None => Some((Secret::new(entry), until)),
            Some((secret, until)) => Some((Secret::new(secret), Timestamp::from_second(until.parse().ok()?).ok()?)),
        });
        Self(secrets.filter(|(_, until)| *until > now).collect())
    }

    /// As one text, for the vault to seal.
    #[must_use]
    pub fn text(&self) -> Secret<EarlierWebhookSecret> {
        let entries =
            self.0.iter().map(|(secret, until)| format!("{}{SIGNS_UNTIL}{}", secret.expose(), until.as_second()));
        Secret::new(entries.collect::<Vec<_>>().join(" "))
    }

    /// The same, and this one, which signs until then.
    #[must_use]
    pub fn and(mut self, secret: &Secret<WebhookSecret>, until: Timestamp) -> Self {
        self.0.push((Secret::new(secret.expose()), until));
        self
    }

    /// The secrets.
    pub fn iter(&self) -> impl Iterator<Item = &Secret<EarlierWebhookSecret>> {
        self.0.iter().map(|(secret, _)| secret)
    }

    /// When the next of them signs no more, if there are as many as there may be.
    #[must_use]
    pub fn full_until(&self) -> Option<Timestamp> {
        let next = self.0.iter().map(|(_, until)| *until).min();
        next.filter(|_| self.0.len() >= MOST_EARLIER)
    }
}

/// What stands between an earlier secret and its time, which no secret has in it.
const SIGNS_UNTIL: char = '@';

/// A new secret of these random bytes.
#[must_use]
pub fn new_secret(random: [u8; 32]) -> Secret<WebhookSecret> {
    Secret::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(random)))
}

/// The signature of a delivery by one secret (`v1`): HMAC-SHA256 over the event's id, the time in seconds and the body.
/// Nothing if the text is no such secret.
#[must_use]
pub fn signature<K>(secret: &Secret<K>, id: &EventId, at: Timestamp, body: &str) -> Option<String> {
    let key = BASE64_STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
    let signed = format!("{id}.{}.{body}", at.as_second());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    Some(format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_id_time_and_body() {
        // HMAC-SHA256 of `evt_01ARZ3NDEKTSV4RRFFQ69G5FAV.1614265330.{"test": 2432232314}`.
        let secret = Secret::<WebhookSecret>::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, at) = (EventId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"), Timestamp::from_second(1_614_265_330).unwrap());
        let signed = signature(&secret, &id, at, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,fXUa20zpVZS6eVZyc8kLi35zN/lzoPFyWvAHC0OYbkU=");
        assert_ne!(signature(&secret, &id, at, "{}").unwrap(), signed);
        assert_eq!(signature(&Secret::<WebhookSecret>::new("no secret"), &id, at, "{}"), None);
    }

    #[test]
    fn a_delivery_is_tried_ten_times_over_three_days() {
        let pauses: Vec<Duration> = (1..).map_while(|tries| pause(tries, 0)).collect();
        assert_eq!((pauses.len(), pauses[0]), (9, Duration::from_secs(5)));
        let all: Duration = pauses.iter().sum();
        assert!(all >= GIVEN_UP_AFTER && all < Duration::from_hours(80));
        assert_eq!(pause(1, 1_000), Some(Duration::from_millis(5_500)));
        assert_eq!(pause(0, 0), None);
    }

    #[test]
    fn of_earlier_secrets_each_signs_until_its_own_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let signing = |text: &Secret<EarlierWebhookSecret>, now| {
            let secrets = EarlierSecrets::read(text, at(100), at(now));
            secrets.iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>()
        };
        let of_before = Secret::new("whsec_first");
        assert_eq!((signing(&of_before, 99), signing(&of_before, 100)), (vec!["whsec_first".to_owned()], vec![]));
        let earlier = EarlierSecrets::read(&of_before, at(100), at(50)).and(&Secret::new("whsec_second"), at(150));
        assert_eq!(signing(&earlier.text(), 99), ["whsec_first", "whsec_second"]);
        assert_eq!(signing(&earlier.text(), 100), ["whsec_second"]);
        assert_eq!(signing(&EarlierSecrets::default().text(), 0), [] as [&str; 0]);
        assert_eq!(earlier.full_until(), None);
        let full = (0..8).fold(EarlierSecrets::default(), |all, of| all.and(&Secret::new("s"), at(200 - of)));
        assert_eq!(full.full_until(), Some(at(193)));
    }

    #[test]
    fn a_receiver_rests_when_it_is_silent_or_says_so() {
        let at = Timestamp::from_second(1_000).unwrap();
        let rest = |status, asked: Option<u64>| {
            let until = LastTry { at, status }.rests_until(asked.map(Duration::from_secs));
            until.map(|until| until.as_second() - at.as_second())
        };
        assert_eq!((rest(None, None), rest(Some(504), None), rest(Some(429), Some(3))), (Some(20), Some(20), Some(20)));
        assert_eq!((rest(Some(429), Some(600)), rest(Some(503), Some(600))), (Some(600), Some(600)));
        assert_eq!((rest(Some(500), None), rest(Some(204), Some(600))), (None, None));
    }
}
