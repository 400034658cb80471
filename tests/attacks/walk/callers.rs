//! Who asks: everybody there is, with their own proofs, those of others, old ones, and combinations that make no sense.

use serde_json::Value;

use super::{Walk, marks::Place};
use crate::world::{Answer, Call};

/// Somebody who asks. Numbers are those of tenants, seats and the users of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Nobody,
    Admin(usize),
    Reader(usize),
    /// An admin by the token of the workspace's own issuer.
    Person(usize),
    Backend(usize),
    User(usize, usize),
    /// The backend of one seat, in the name of a user of perhaps another.
    For(usize, (usize, usize)),
    /// The holder of a key that was revoked.
    Revoked(usize),
    /// Whoever has a link of this seat: it tells who asks for what, and nothing of anybody.
    Link(usize),
}

impl Walk {
    pub(super) fn any_tenant(&mut self) -> usize {
        self.dice.below(self.tenants.len())
    }

    pub(super) fn any_seat(&mut self) -> usize {
        self.dice.below(self.seats.len())
    }

    pub(super) fn any_user(&mut self) -> (usize, usize) {
        let seat = self.any_seat();
        (seat, self.dice.below(self.seats[seat].users.len()))
    }

    /// A connector of this tenant's, or now and then of the other's.
    pub(super) fn any_connector(&mut self, tenant: usize) -> (usize, usize) {
        let tenant = if self.dice.percent(20) { self.tenants.len() - 1 - tenant } else { tenant };
        (tenant, self.dice.below(self.tenants[tenant].connectors.len()))
    }

    pub(super) fn any_caller(&mut self) -> Caller {
        match self.dice.below(11) {
            0 => Caller::Nobody,
            1 => Caller::Admin(self.any_tenant()),
            2 => Caller::Reader(self.any_tenant()),
            3 | 4 => Caller::Backend(self.any_seat()),
            5 | 6 => {
                let (seat, user) = self.any_user();
                Caller::User(seat, user)
            }
            7 => Caller::Person(self.any_tenant()),
            8 | 9 => Caller::For(self.any_seat(), self.any_user()),
            _ => {
                // A key that was revoked is believed for up to a minute.
                let ended = self.revoked.iter().take_while(|(_, at)| at + 60 <= self.now()).count();
                if ended == 0 { Caller::Nobody } else { Caller::Revoked(self.dice.below(ended)) }
            }
        }
    }

    /// How far somebody may see.
    pub(super) fn sight(&self, caller: Caller) -> Option<Place> {
        let seat = |seat: usize| {
            let seat = &self.seats[seat];
            Place { app: Some(seat.tag), ..self.tenants[seat.tenant].place() }
        };
        match caller {
            Caller::Nobody | Caller::Revoked(_) => None,
            Caller::Admin(tenant) | Caller::Reader(tenant) | Caller::Person(tenant) => {
                Some(self.tenants[tenant].place())
            }
            Caller::User(of, user) => Some(Place { user: Some(self.seats[of].users[user]), ..seat(of) }),
            Caller::For(of, (users, user)) if of == users => {
                Some(Place { user: Some(self.seats[of].users[user]), ..seat(of) })
            }
            Caller::Backend(of) | Caller::For(of, _) => Some(seat(of)),
            Caller::Link(of) => Some(Place { user: Some("nobody"), ..seat(of) }),
        }
    }

    /// The account that somebody has at the provider.
    pub(super) fn account(&self, (seat, user): (usize, usize)) -> String {
        self.sight(Caller::User(seat, user)).unwrap().mark()
    }

    fn token(&self, (seat, user): (usize, usize)) -> String {
        let seat = &self.seats[seat];
        seat.app.user(&self.world, seat.users[user])
    }

    /// A request with somebody's proof.
    fn call(&self, caller: Caller, method: &str, path: &str) -> Call {
        let call = self.world.call(method, path);
        match caller {
            Caller::Nobody | Caller::Link(_) => call,
            Caller::Admin(tenant) => call.bearer(&self.tenants[tenant].workspace.admin_key),
            Caller::Reader(tenant) => call.bearer(&self.tenants[tenant].reader),
            Caller::Person(tenant) => call.bearer(&self.tenants[tenant].person(self.now())),
            Caller::Backend(seat) => call.bearer(&self.seats[seat].app.service_key),
            Caller::User(seat, user) => call.bearer(&self.token((seat, user))),
            Caller::For(seat, user) => call.bearer(&self.seats[seat].app.service_key).on_behalf_of(&self.token(user)),
            Caller::Revoked(key) => call.bearer(&self.revoked[key].0),
        }
    }

    /// Sends a request, and looks at the answer with the eyes of whoever asked.
    pub(super) async fn ask(
        &mut self,
        what: &str,
        caller: Caller,
        (method, path): (&str, &str),
        body: Option<&Value>,
    ) -> Answer {
        let call = self.call(caller, method, path);
        let answer = if let Some(body) = body { call.json(body) } else { call }.send().await;
        self.note(what, caller, answer.status);
        let is_open = (200..300).contains(&answer.status) && what != "any route";
        assert!(!is_open || !matches!(caller, Caller::Revoked(_)), "{:?}: an old key opens something", self.step);
        // To a route of the backend it is the backend, whomever it names.
        let seen_by = match caller {
            Caller::For(seat, _) if !path.contains("/app-user-auth/") => Caller::Backend(seat),
            caller => caller,
        };
        self.look_at(seen_by, &answer).await;
        answer
    }

    /// Remembers what was done and how it was answered.
    pub(super) fn note(&mut self, what: &str, caller: Caller, status: u16) {
        self.step.1.push(format!("{what} as {caller:?}: {status}"));
        self.trace.push((what.to_owned(), status));
    }

    pub(super) fn now(&self) -> i64 {
        self.world.clock.now().as_second()
    }
}
