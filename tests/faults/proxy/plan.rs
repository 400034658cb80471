//! What is to happen to which request.

use std::time::Duration;

use crate::{hold::Stop, server::Asked};

use super::wording::Refusal;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A read of the tables.
    Read,
    /// The update that takes a lease.
    Lease,
    /// The update that stores new tokens.
    Commit,
    /// Any other write to the tables.
    Write,
    /// Anything asked of the key service.
    Key,
    /// A message left in a queue.
    Send,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) fn of(asked: &Asked) -> Self {
        let target = asked.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (service, operation) = target.split_once('.').unwrap_or_default();
        match (service, operation) {
            ("TrentService", _) => Self::Key,
            ("AmazonSQS", "SendMessage" | "SendMessageBatch") => Self::Send,
            ("DynamoDB_20120810", "GetItem" | "BatchGetItem" | "Query" | "Scan") => Self::Read,
            ("DynamoDB_20120810", "UpdateItem") => {
                let body = String::from_utf8_lossy(&asked.body);
                let sets = |attribute: &str| body.contains(&format!("{attribute} = :"));
                match (sets("last_commit"), sets("leased_until")) {
                    (true, _) => Self::Commit,
                    (false, true) => Self::Lease,
                    (false, false) => Self::Write,
                }
            }
            ("DynamoDB_20120810", "PutItem" | "DeleteItem" | "TransactWriteItems") => Self::Write,
            _ => Self::Other,
        }
    }

    /// Which service it is asked of.
    pub(super) fn is_of_the_tables(self) -> bool {
        matches!(self, Self::Read | Self::Lease | Self::Commit | Self::Write)
    }
}

/// What is done to a request.
pub(crate) enum Fault {
    /// Answered with the service's own word for too many requests.
    Throttle,
    /// Answered with the service's own word for a failure of its own.
    Failure,
    /// Forwarded after a while.
    Delay(Duration),
    /// Cut before it is forwarded.
    DropRequest,
    /// Forwarded; the connection is cut instead of an answer.
    DropResponse,
    /// Stopped where the test wants it.
    Hold(Option<Stop>),
}

/// What is to happen to the requests of one kind.
pub(crate) struct Rule {
    /// Of which kind; any kind if none is named.
    pub(crate) kind: Option<Kind>,
    /// About whom; about anybody if nobody is named.
    pub(crate) user: Option<String>,
    /// How many of them pass before.
    pub(crate) skip: usize,
    /// How many of them it happens to then.
    pub(crate) times: usize,
    pub(crate) fault: Fault,
}

impl Rule {
    /// Happens to every request, until it is healed.
    pub(crate) fn always(kind: Kind, fault: Fault) -> Self {
        Self { kind: Some(kind), user: None, skip: 0, times: usize::MAX, fault }
    }

    /// Happens once, to the request after `skip` others.
    pub(crate) fn once(skip: usize, fault: Fault) -> Self {
        Self { kind: None, user: None, skip, times: 1, fault }
    }

    pub(crate) fn of(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    fn matches(&self, kind: Kind, user: Option<&str>) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind) && (self.user.is_none() || self.user.as_deref() == user)
    }
}

/// What a proxy does with one request.
pub(super) enum Action {
    Pass,
    Refuse(Refusal),
    Wait(Duration),
    CutBefore,
    CutAfter,
    Hold(Stop),
}

/// All rules. Each counts the requests that match it; the first one whose turn it is decides.
#[derive(Default)]
pub(super) struct Plan(Vec<Rule>);

impl Plan {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(super) fn remove(&mut self, user: Option<&str>) {
        self.0.retain(|rule| rule.user.as_deref() != user);
    }

    pub(super) fn action(&mut self, kind: Kind, user: Option<&str>) -> Action {
        let mut found = None;
        for (index, rule) in self.0.iter_mut().enumerate().filter(|(_, rule)| rule.matches(kind, user)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if found.is_none() {
                found = Some(index);
            }
        }
        let Some(index) = found else { return Action::Pass };
        let rule = &mut self.0[index];
        rule.times -= 1;
        let action = match &mut rule.fault {
            Fault::Throttle => Action::Refuse(Refusal::Throttled),
            Fault::Failure => Action::Refuse(Refusal::Failed),
            Fault::Delay(delay) => Action::Wait(*delay),
            Fault::DropRequest => Action::CutBefore,
            Fault::DropResponse => Action::CutAfter,
            Fault::Hold(stop) => stop.take().map_or(Action::Pass, Action::Hold),
        };
        if rule.times == 0 {
            self.0.remove(index);
        }
        action
    }
}
