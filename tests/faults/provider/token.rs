//! The token endpoint (RFC 6749, sections 4.1.3 and 6).

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use tokio::{sync::oneshot, time::Instant};
use url::form_urlencoded;

use super::{Presentation, State, grants::Refreshed, json_answer, script::Fate};
use crate::{
    hold::{Phase, Stop},
    server::{Answer, Asked, Verdict},
};

/// The parameters of a form.
pub(super) fn form(asked: &Asked) -> HashMap<String, String> {
    form_urlencoded::parse(&asked.body).into_owned().collect()
}

/// Whether the client proves by HTTP Basic that it is one of ours.
fn is_client(state: &State, headers: &HeaderMap) -> bool {
    let pair = || {
        let encoded = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
        let joined = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (id, secret) = joined.split_once(':')?;
        let decoded = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
        Some((decoded(id)?, decoded(secret)?))
    };
    pair().is_some_and(|(id, secret)| state.clients.lock().unwrap().get(&id) == Some(&secret))
}

impl State {
    pub(super) async fn token(&self, asked: &Asked) -> Verdict {
        let form = form(asked);
        let parameter = |name: &str| form.get(name).map_or("", String::as_str);
        if !is_client(self, &asked.headers) {
            return json_answer(401, &json!({"error": "invalid_client"}));
        }
        match parameter("grant_type") {
            "authorization_code" => {
                let user = self.codes.lock().unwrap().remove(parameter("code"));
                match user {
                    Some(user) => json_answer(200, &self.grants.lock().unwrap().begin(&user)),
                    None => json_answer(400, &json!({"error": "invalid_grant"})),
                }
            }
            "refresh_token" => self.refresh(parameter("refresh_token")).await,
            _ => json_answer(400, &json!({"error": "unsupported_grant_type"})),
        }
    }

    async fn refresh(&self, presented: &str) -> Verdict {
        let user = self.grants.lock().unwrap().account_of(presented).map(str::to_owned);
        let Some(user) = user else { return json_answer(400, &json!({"error": "invalid_grant"})) };
        let (planned, stop) = self.script.lock().unwrap().take(&user);
        let index = self.arrived(&user, presented);
        tokio::time::sleep(planned.before).await;
        let Some(stop) = passed(stop, Phase::Arrived).await else { return self.cut(presented) };
        let is_closed_then = matches!(planned.fate, Fate::WorkThenClose);
        let worked = match planned.fate {
            Fate::Close => return self.cut(presented),
            Fate::Answer { status, headers, body } => Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: headers.into_iter().map(|(name, value)| header(name, &value)).collect(),
                body: body.into(),
                on_its_way: None,
            },
            Fate::Work | Fate::WorkThenClose => self.work(presented, index),
        };
        tokio::time::sleep(planned.after).await;
        let Some(stop) = passed(stop, Phase::Processed).await else { return self.cut(presented) };
        if is_closed_then {
            return self.cut(presented);
        }
        self.grants.lock().unwrap().answered(presented);
        self.journal.lock().unwrap()[index].status = worked.status.as_u16();
        Verdict::Answer(Answer { on_its_way: on_its_way(stop), ..worked })
    }

    fn arrived(&self, user: &str, presented: &str) -> usize {
        let overlaps = self.grants.lock().unwrap().presented(presented);
        let mut journal = self.journal.lock().unwrap();
        journal.push(Presentation {
            order: self.ledger.next(),
            user: user.to_owned(),
            refresh_token: presented.to_owned(),
            arrived: Instant::now(),
            worked: None,
            overlaps,
            status: 0,
        });
        journal.len() - 1
    }

    fn work(&self, presented: &str, index: usize) -> Answer {
        let order = self.ledger.next();
        self.journal.lock().unwrap()[index].worked = Some(order);
        match self.grants.lock().unwrap().refresh(presented, self.clock.now(), order) {
            Refreshed::Given(answer) => Answer::json(200, "application/json", &answer),
            Refreshed::Refused => Answer::json(400, "application/json", &json!({"error": "invalid_grant"})),
        }
    }

    fn cut(&self, presented: &str) -> Verdict {
        self.grants.lock().unwrap().answered(presented);
        Verdict::Cut
    }
}

fn header(name: &'static str, value: &str) -> (HeaderName, axum::http::HeaderValue) {
    (HeaderName::from_static(name), value.parse().unwrap())
}

/// Stops at this phase if that is asked for; `None` if the connection is to be cut here.
async fn passed(stop: Option<Stop>, phase: Phase) -> Option<Option<Stop>> {
    match stop {
        Some(stop) if stop.phase == phase => stop.wait().await.then_some(None),
        stop => Some(stop),
    }
}

fn on_its_way(stop: Option<Stop>) -> Option<oneshot::Sender<()>> {
    stop.map(Stop::on_answer)
}
