//! A provider that is whatever its data says it is. It takes nothing that it did not ask for, answers with every quirk that
//! the data tells of, and keeps a journal of what it refused.

mod ending;
mod front;
mod people;
mod play;
mod pushed;
mod request;
mod tokens;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use connectors::clock::Clock;
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

pub(crate) use front::LOGIN_HINT;
pub(crate) use people::Person;
use play::Play;
pub(crate) use play::hex;
use request::{Came, Demand};

use crate::{
    entries::{Entry, moved},
    facts::Values,
    values::Variable,
    world::{Reply, serve, wire::Received},
};

/// A server that plays many providers, each below its own path.
#[derive(Clone)]
pub(crate) struct Player {
    address: SocketAddr,
    clock: Clock,
    plays: Arc<Mutex<HashMap<String, Play>>>,
}

/// A client as it is registered at a provider.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
}

/// The kinds of requests that a provider is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Exchange(usize),
    Discover(usize),
    Refresh,
    Identity,
    Revoke,
}

impl Player {
    pub(crate) async fn start(clock: &Clock) -> Self {
        let plays = Arc::<Mutex<HashMap<String, Play>>>::default();
        let served = plays.clone();
        let handler = move |request| {
            let served = served.clone();
            let answer: futures::future::BoxFuture<'static, Reply> = Box::pin(async move { answer(&served, &request) });
            answer
        };
        let address = serve(Arc::new(handler)).await;
        Self { address, clock: clock.clone(), plays }
    }

    /// Where everything of a provider is.
    pub(crate) fn home(&self, id: &str) -> String {
        format!("http://{}/~{id}", self.address)
    }

    /// Begins to play a provider, with all its endpoints led here.
    pub(crate) fn play(&self, entry: &Entry) {
        let data = moved(&entry.data, &self.home(&entry.id));
        self.plays().insert(entry.id.clone(), Play::new(data, entry.as_form, self.clock.clone()));
    }

    /// Registers a client at a provider, and says what its variables are in this life.
    pub(crate) fn register(&self, id: &str, variables: Vec<Variable>, client: Client) {
        self.with(id, |play| (play.variables, play.client) = (variables, client));
    }

    fn plays(&self) -> MutexGuard<'_, HashMap<String, Play>> {
        self.plays.lock().unwrap()
    }

    fn with<T>(&self, id: &str, look: impl FnOnce(&mut Play) -> T) -> T {
        look(self.plays().get_mut(id).expect("it is played"))
    }

    /// The user says yes to all but one of these scopes. Answers where the browser is sent, or what the request lacks.
    pub(crate) fn approve(
        &self,
        id: &str,
        request: &str,
        scopes: &[String],
        unticked: Option<&str>,
    ) -> Result<String, String> {
        self.with(id, |play| play.approve(request, scopes, unticked))
    }

    /// Whether an access token opens anything at a provider.
    pub(crate) fn honours(&self, id: &str, access: &str) -> bool {
        self.with(id, |play| play.honours(access))
    }

    /// When the access token ends, if it does.
    pub(crate) fn end(&self, id: &str) -> Option<Timestamp> {
        self.with(id, |play| play.grant().end())
    }

    /// Who the user must be shown to be.
    pub(crate) fn person(&self, id: &str) -> Option<Person> {
        self.with(id, |play| play.person())
    }

    /// The scopes that the user granted.
    pub(crate) fn granted(&self, id: &str) -> Vec<String> {
        self.with(id, |play| play.grant().scopes.clone())
    }

    /// What a field is that a call after connecting tells.
    pub(crate) fn discovered(&self, id: &str, field: &str) -> String {
        self.with(id, |play| play.discovered(field))
    }

    /// What the answers with tokens told that is to be kept.
    pub(crate) fn kept(&self, id: &str) -> Values {
        self.with(id, |play| play.kept.clone())
    }

    /// Whether the grant can be refreshed.
    pub(crate) fn can_refresh(&self, id: &str) -> bool {
        self.with(id, |play| play.facts().text("/refresh/grant") != Some("none"))
    }

    /// The user takes the grant back.
    pub(crate) fn take_back(&self, id: &str) {
        self.with(id, |play| play.grant.as_mut().expect("a grant").is_over = true);
    }

    pub(crate) fn is_over(&self, id: &str) -> bool {
        self.with(id, |play| play.grant().is_over)
    }

    /// What came and was as it should be, in order.
    pub(crate) fn done(&self, id: &str) -> Vec<&'static str> {
        self.with(id, |play| play.done.clone())
    }

    /// What came and was not.
    pub(crate) fn refused(&self, id: &str) -> Vec<String> {
        self.with(id, |play| play.refused.clone())
    }
}

fn answer(plays: &Mutex<HashMap<String, Play>>, request: &Received) -> Reply {
    let came = Came::read(request);
    let id = came.path.strip_prefix("/~").and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned();
    let mut plays = plays.lock().unwrap();
    match plays.get_mut(&id) {
        Some(play) => play.answer(&came),
        None => Reply::json(404, &serde_json::json!({})),
    }
}

impl Play {
    fn answer(&mut self, came: &Came) -> Reply {
        if let Some(reply) = self.take_pushed(came) {
            return reply;
        }
        let due: Vec<(Kind, Demand)> = self.due().into_iter().filter(|(_, demand)| demand.is_for(came)).collect();
        let mut reasons = Vec::new();
        for (kind, demand) in &due {
            match demand.met_by(came) {
                Ok(parameters) => return self.carry_out(*kind, &parameters),
                Err(reason) => reasons.push(format!("{kind:?} {reason}")),
            }
        }
        if reasons.is_empty() {
            let known: Vec<String> =
                self.due().iter().map(|(kind, demand)| format!("{kind:?} {} {}", demand.method, demand.url)).collect();
            reasons.push(format!("nothing is expected there now, only {known:?}"));
        }
        self.refuse(&format!("{} {}: {}", came.method, came.path, reasons.join(", or ")))
    }

    /// What may come now, the likeliest first.
    fn due(&self) -> Vec<(Kind, Demand)> {
        if self.code.is_some() {
            return vec![(Kind::Code, self.code_demand())];
        }
        let Some(grant) = &self.grant else { return Vec::new() };
        let steps = self.facts().tables("/exchange").len();
        if grant.exchanged < steps {
            return vec![(Kind::Exchange(grant.exchanged), self.exchange_demand(grant.exchanged))];
        }
        let mut due = Vec::new();
        if grant.discovered < self.facts().tables("/discover").len() {
            due.push((Kind::Discover(grant.discovered), self.discover_demand(grant.discovered)));
        }
        if self.facts().text("/refresh/grant") != Some("none") {
            due.push((Kind::Refresh, self.refresh_demand()));
        }
        if self.facts().has("/identity/url") {
            due.push((Kind::Identity, self.identity_demand()));
        }
        due.extend(self.revoke_demand().map(|demand| (Kind::Revoke, demand)));
        due
    }

    fn carry_out(&mut self, kind: Kind, came: &Values) -> Reply {
        let (name, outcome) = match kind {
            Kind::Code => ("token", self.take_code(came)),
            Kind::Exchange(step) => ("exchange", Ok(self.take_exchange(step))),
            Kind::Discover(step) => ("discover", Ok(self.take_discover(step))),
            Kind::Refresh if self.grant().is_over => {
                self.done.push("refused refresh");
                let (status, answer) = self.grant_is_over();
                return Reply::json(status, &answer);
            }
            Kind::Refresh => ("refresh", self.take_refresh()),
            Kind::Identity => ("identity", Ok(self.tell_person())),
            Kind::Revoke => ("revoke", Ok(self.take_revocation())),
        };
        match outcome {
            Ok(answer) => {
                self.done.push(name);
                self.written(kind, &answer)
            }
            Err(reason) => self.refuse(&format!("{name} {reason}")),
        }
    }

    /// Writes an answer. Flat ones with tokens are sent as a form by a provider that says it would.
    fn written(&self, kind: Kind, answer: &Value) -> Reply {
        let is_form = matches!(kind, Kind::Code | Kind::Refresh) && self.as_form;
        if !is_form {
            return Reply::json(200, answer);
        }
        let fields = answer.as_object().unwrap().iter();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.map(|(name, value)| (name, text(value))))
            .finish();
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        Reply::Answer { status: 200, headers, body: form }
    }

    fn refuse(&mut self, reason: &str) -> Reply {
        self.refused.push(reason.to_owned());
        let (status, answer) = self.refusal();
        Reply::json(status, &answer)
    }
}
