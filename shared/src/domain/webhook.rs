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

/// How long the secret before the present one signs as well: time to tell the receiver of the new one.
pub const EARLIER_SIGNS_FOR: Duration = Duration::from_hours(24);

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

/// How long a receiver is sent nothing new that did not answer, counted from when it was asked: the eight seconds that it had
/// for that, and a few more.
const RESTS: Duration = Duration::from_secs(12);

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
    /// What signs as well, until then.
    pub earlier_secret: Option<(Sealed<EarlierWebhookSecret>, Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How the last delivery went.
    pub last: Option<LastTry>,
    /// Since when nothing has arrived.
    pub failing_since: Option<Timestamp>,
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
}

impl Webhook {
    /// Whether this kind of event is sent.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.state == WebhookState::Enabled && (self.events.is_empty() || self.events.contains(&kind))
    }

    /// How long its receiver is sent nothing new: who waits for one that has just not answered at all can't tell others.
    #[must_use]
    pub fn rests(&self, now: Timestamp) -> Option<Duration> {
        let last = self.last.filter(|last| last.status.is_none() && self.failing_since.is_some())?;
        let since = Duration::try_from(now.duration_since(last.at)).ok()?;
        RESTS.checked_sub(since).filter(|left| !left.is_zero())
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
}
