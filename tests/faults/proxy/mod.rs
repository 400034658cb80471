//! The fault proxy: what stands before DynamoDB, KMS and SQS. It does with each request what it was told to, and keeps a
//! journal.

mod plan;
mod wording;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::{
    hold::{Phase, Stop},
    server::{self, Answer, Asked, Verdict},
    world::Ledger,
};
use plan::{Action, Plan};
pub(crate) use plan::{Fault, Kind, Rule};

/// A request that was seen, and what was done with it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its place among everything that proxies and provider saw.
    pub(crate) order: u64,
    pub(crate) kind: Kind,
    /// The status that the service gave, if it was asked.
    pub(crate) status: Option<u16>,
}

/// A proxy. Clones are the same one.
#[derive(Clone)]
pub(crate) struct FaultProxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    behind: Router,
    ledger: Ledger,
    plan: Mutex<Plan>,
    journal: Mutex<Vec<Seen>>,
}

impl FaultProxy {
    /// A proxy before these services.
    pub(crate) async fn before(behind: Router, ledger: Ledger) -> Self {
        let state = Arc::new(State { behind, ledger, plan: Mutex::default(), journal: Mutex::default() });
        let served = state.clone();
        let address = server::serve(Arc::new(move |asked| {
            let state = served.clone();
            Box::pin(async move { state.answer(asked).await })
        }))
        .await;
        Self { address, state }
    }

    /// From now on, until it is used up or healed.
    pub(crate) fn plan(&self, rule: Rule) {
        self.state.plan.lock().unwrap().add(rule);
    }

    /// Forgets what was planned for one user, or for nobody in particular.
    pub(crate) fn heal(&self, user: Option<&str>) {
        self.state.plan.lock().unwrap().remove(user);
    }

    /// What was seen so far, in order.
    pub(crate) fn journal(&self) -> Vec<Seen> {
        self.state.journal.lock().unwrap().clone()
    }
}

impl State {
    async fn answer(&self, asked: Asked) -> Verdict {
        let kind = Kind::of(&asked);
        let user = self.ledger.named_in(&asked.body);
        let order = self.ledger.next();
        let index = {
            let mut journal = self.journal.lock().unwrap();
            journal.push(Seen { order, kind, status: None });
            journal.len() - 1
        };
        let action = self.plan.lock().unwrap().action(kind, user.as_deref());
        let stop = match action {
            Action::Pass => None,
            Action::Refuse(how) => return Verdict::Answer(wording::refusal(kind, how)),
            Action::Wait(delay) => {
                tokio::time::sleep(delay).await;
                None
            }
            Action::CutBefore => return Verdict::Cut,
            Action::CutAfter => {
                self.forward(asked, kind, user.as_deref(), index).await;
                return Verdict::Cut;
            }
            Action::Hold(stop) => Some(stop),
        };
        self.held(asked, kind, user.as_deref(), index, stop).await
    }

    /// Forwards a request, stopping where the test wants it to stop.
    async fn held(&self, asked: Asked, kind: Kind, user: Option<&str>, index: usize, stop: Option<Stop>) -> Verdict {
        let stop = match stop {
            Some(stop) if stop.phase == Phase::Arrived => {
                if !stop.wait().await {
                    return Verdict::Cut;
                }
                None
            }
            stop => stop,
        };
        let mut answer = self.forward(asked, kind, user, index).await;
        if let Some(stop) = stop {
            if stop.phase == Phase::Answered {
                answer.on_its_way = Some(stop.on_answer());
            } else if !stop.wait().await {
                return Verdict::Cut;
            }
        }
        Verdict::Answer(answer)
    }

    async fn forward(&self, asked: Asked, kind: Kind, user: Option<&str>, index: usize) -> Answer {
        let _work = self.ledger.work();
        let mut request = Request::post("/").body(Body::from(asked.body)).unwrap();
        *request.headers_mut() = asked.headers;
        let (parts, body) = self.behind.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.journal.lock().unwrap()[index].status = Some(parts.status.as_u16());
        if let (Kind::Commit, Some(user), true) = (kind, user, parts.status.is_success()) {
            self.ledger.stored(user);
        }
        Answer { status: parts.status, headers: parts.headers, body, on_its_way: None }
    }
}
