//! What came of a call: how far it came, and what of the answer goes back.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    domain::{
        call::{CallMethod, Data, PreparedCall, answered},
        provider::Provider,
    },
    oauth::egress::{Ending, FetchError, Fetched},
};

/// How long a header that goes back may be, in bytes; a longer one is left out.
const LONGEST_HEADER: usize = 8 * 1024;

/// How long all of them together may be.
const LONGEST_HEADERS: usize = 64 * 1024;

/// How far a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The provider never saw it.
    NotSent,
    /// The provider answered.
    Responded,
    /// No answer came in time. The provider may have done it.
    TimedOut,
    /// The connection broke before an answer came. The provider may have done it.
    SentUnconfirmed,
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// How far it came.
    pub phase: Phase,
    /// What the provider answered.
    pub status: Option<StatusCode>,
    /// Those headers of the answer that are told.
    pub headers: BTreeMap<String, String>,
    /// The body, or why there is none.
    pub body: Result<Data, NoBody>,
}

/// Why there is no body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBody {
    /// The guard of outgoing requests did not let it pass.
    Blocked,
    /// The host could not be reached.
    Unreachable,
    /// There was no time left, because the token had to be refreshed first.
    NoTime,
    /// No answer came in time.
    NoAnswer,
    /// The connection broke before an answer came.
    Broken,
    /// It is longer than can be handed on.
    TooLong,
    /// It broke off.
    Cut,
    /// It is in a coding that was not asked for.
    Coded,
}

/// Why there is no answer.
pub(super) enum NotFetched {
    NoTime,
    Failed(FetchError),
}

impl NotFetched {
    /// Whether nothing at all was sent: of a call that is made once more, what came of it before is the answer then.
    pub(super) fn left_nothing(&self) -> bool {
        matches!(self, Self::NoTime | Self::Failed(FetchError::NotSent | FetchError::Blocked(_)))
    }
}

impl NoBody {
    /// What kept the answer away, for programs and for people.
    #[must_use]
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Blocked => {
                ("address_blocked", "The host's name does not lead to the public internet. Nothing was sent.")
            }
            Self::Unreachable => ("host_unreachable", "The host could not be reached. Nothing was sent; try again."),
            Self::NoTime => (
                "no_time",
                "The token had to be refreshed first, and no time was left for the call. Nothing was sent; try again.",
            ),
            Self::NoAnswer => (
                "no_answer",
                "No answer came in time. The provider may have done it all the same: look before you try again.",
            ),
            Self::Broken => (
                "connection_lost",
                "The connection broke before an answer came. The provider may have done it all the same: look before you try again.",
            ),
            Self::TooLong => (
                "answer_too_large",
                "The answer is larger than 4 MiB. Ask for less: a page, fewer fields, or a `Range`.",
            ),
            Self::Cut => (
                "answer_incomplete",
                "The answer broke off, or took too long. The provider has done it all the same, as the status says.",
            ),
            Self::Coded => (
                "answer_unreadable",
                "The answer came compressed in a way that was not asked for. The provider has done it all the same, as the status says.",
            ),
        }
    }
}

impl Phase {
    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Responded => "responded",
            Self::TimedOut => "timed_out",
            Self::SentUnconfirmed => "sent_unconfirmed",
        }
    }
}

impl Called {
    /// What came of a call, by how far it came.
    pub(super) fn of(provider: &Provider, prepared: &PreparedCall<'_>, fetched: Result<Fetched, NotFetched>) -> Self {
        let (phase, cause) = match fetched {
            Ok(fetched) => return answer(provider, prepared, fetched),
            Err(NotFetched::NoTime) => (Phase::NotSent, NoBody::NoTime),
            Err(NotFetched::Failed(FetchError::Blocked(_))) => (Phase::NotSent, NoBody::Blocked),
            Err(NotFetched::Failed(FetchError::NotSent)) => (Phase::NotSent, NoBody::Unreachable),
            Err(NotFetched::Failed(FetchError::TimedOut)) => (Phase::TimedOut, NoBody::NoAnswer),
            Err(NotFetched::Failed(FetchError::Broken)) => (Phase::SentUnconfirmed, NoBody::Broken),
        };
        Self { phase, status: None, headers: BTreeMap::new(), body: Err(cause) }
    }
}

fn answer(provider: &Provider, prepared: &PreparedCall<'_>, fetched: Fetched) -> Called {
    let (parts, body) = fetched.response.into_parts();
    let text = |name| parts.headers.get(name).and_then(tellable);
    let body = match fetched.ending {
        Ending::Whole => Ok(Data::of(body, text(header::CONTENT_TYPE))),
        Ending::TooLong => Err(NoBody::TooLong),
        Ending::Cut => Err(NoBody::Cut),
        Ending::Coded => Err(NoBody::Coded),
    };
    let mut headers = told(&parts.headers);
    if let Some(led) = text(header::LOCATION).and_then(|location| prepared.target.redirect(&provider.api, location)) {
        headers.insert("location".to_owned(), led.into());
    }
    // How long the body would be is what `HEAD` asks for. Of others it says nothing: their body is in the answer.
    if let (CallMethod::Head, Some(length)) = (prepared.method, text(header::CONTENT_LENGTH)) {
        headers.insert("content-length".to_owned(), length.to_owned());
    }
    Called { phase: Phase::Responded, status: Some(parts.status), headers, body }
}

fn tellable(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().filter(|value| value.len() <= LONGEST_HEADER)
}

/// The headers that go back. One that comes several times is one list (RFC 9110, section 5.3).
fn told(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut told = BTreeMap::<String, String>::new();
    let mut room = LONGEST_HEADERS;
    for (name, value) in headers.iter().filter(|(name, _)| answered(name.as_str())) {
        let Some(value) = tellable(value) else { continue };
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { continue };
        room = left;
        told.entry(name.as_str().to_owned())
            .and_modify(|earlier| {
                earlier.push_str(", ");
                earlier.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    told
}
