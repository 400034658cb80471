//! Sessions: begun, come back from the provider in some browser, finished by somebody.

use serde_json::json;

use super::{Walk, callers::Caller};
use crate::world::{
    Browser, Connector,
    journeys::{handle, parameter},
    text,
};

/// A session whose user is at the provider, in the browser that began it.
pub(super) struct Open {
    user: (usize, usize),
    session: String,
    redirect_url: String,
    browser: Browser,
    /// Whether a link began it: then the user has no cookie of their own request.
    by_link: bool,
}

/// A session that waits to be finished, and who was sent home with its handle.
pub(super) struct Parked {
    user: (usize, usize),
    holder: (usize, usize),
    session: String,
    handle: String,
}

/// A link that was made for somebody.
pub(super) struct Link {
    user: (usize, usize),
    session: String,
    url: String,
}

impl Walk {
    async fn begin_for(&mut self, user: (usize, usize), connector: &Connector) -> Option<Open> {
        let path = self.seats[user.0].app.path(&format!("/app-user-auth/connectors/{}/initiate", connector.id));
        let caller = if self.dice.percent(50) { Caller::User(user.0, user.1) } else { Caller::For(user.0, user) };
        let label = json!({"label": self.account(user)});
        let answer = self.ask("begin", caller, ("POST", &path), Some(&label)).await;
        if answer.status != 200 {
            return None;
        }
        let begun = answer.json();
        let mut browser = Browser::default();
        browser.remember(&answer);
        let (session, redirect_url) = (text(&begun["session_id"]), text(&begun["redirect_url"]));
        Some(Open { user, session, redirect_url, browser, by_link: false })
    }

    /// From the button to the connection, in one browser.
    pub(super) async fn connect(&mut self) {
        let user = self.any_user();
        let (tenant, connector) = self.any_connector(self.seats[user.0].tenant);
        let connector = self.tenants[tenant].connectors[connector].clone();
        let begun = self.begin_for(user, &connector).await;
        assert_eq!(begun.is_some(), tenant == self.seats[user.0].tenant, "{:?}", self.step);
        let Some(mut open) = begun else { return };
        let callback = self.world.provider.approve(&open.redirect_url, &self.account(user));
        let landed = open.browser.open(&self.world, &callback).await;
        self.note("connect", Caller::User(user.0, user.1), landed.status);
        self.look_at(Caller::User(user.0, user.1), &landed).await;
    }

    pub(super) async fn begin_session(&mut self) {
        let user = self.any_user();
        let (tenant, connector) = self.any_connector(self.seats[user.0].tenant);
        let connector = self.tenants[tenant].connectors[connector].clone();
        let begun = self.begin_for(user, &connector).await;
        self.open.extend(begun);
    }

    /// Somebody comes back from the provider: who began, or who was lured there; perhaps at another connector's address.
    pub(super) async fn come_back(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let open = self.open.swap_remove(self.dice.below(self.open.len()));
        let holder = if self.dice.percent(50) { open.user } else { self.any_user() };
        let mut browser = if holder == open.user { open.browser.clone() } else { Browser::default() };
        if self.dice.percent(20) {
            // They use another browser of theirs, or their cookies are gone.
            browser = Browser::default();
        }
        let callback = self.world.provider.approve(&open.redirect_url, &self.account(holder));
        let (tenant, other) = self.any_connector(self.seats[open.user.0].tenant);
        let misled = self.dice.percent(15).then(|| {
            let other = &self.tenants[tenant].connectors[other].id;
            let at = callback.find("/callback/").unwrap() + "/callback/".len();
            format!("{}{other}{}", &callback[..at], &callback[at + other.len()..])
        });
        let landed = browser.open(&self.world, misled.as_ref().unwrap_or(&callback)).await;
        let caller = Caller::User(holder.0, holder.1);
        self.note("come back", caller, landed.status);
        self.look_at(caller, &landed).await;
        if landed.status == 303 && parameter(landed.location(), "status") == "awaiting_finish" {
            let (handle, session) = (handle(&landed), open.session);
            self.parked.push(Parked { user: open.user, holder, session, handle });
        } else if landed.status == 303 && parameter(landed.location(), "status") == "completed" {
            assert!(holder == open.user && !open.by_link, "{:?}: completed for somebody else", self.step);
        }
    }

    /// Whoever was sent home with a handle finishes in their own name; now and then somebody tries without one.
    pub(super) async fn finish(&mut self) {
        if self.parked.is_empty() {
            return;
        }
        let at = self.dice.below(self.parked.len());
        let is_guess = self.dice.percent(30);
        let who = if is_guess { self.any_user() } else { self.parked[at].holder };
        let Parked { user, session, handle, .. } = &self.parked[at];
        let (user, handle) = (*user, if is_guess { "A".repeat(43) } else { handle.clone() });
        let path = self.seats[who.0].app.path(&format!("/app-user-auth/sessions/{session}/finish"));
        let caller = if self.dice.percent(50) { Caller::User(who.0, who.1) } else { Caller::For(who.0, who) };
        let answer = self.ask("finish", caller, ("POST", &path), Some(&json!({"handle": handle}))).await;
        assert!(answer.status != 200 || (who == user && !is_guess), "{:?}: finished by somebody else", self.step);
        if !is_guess {
            self.parked.swap_remove(at);
        }
    }

    pub(super) async fn make_link(&mut self) {
        let user = self.any_user();
        let (tenant, connector) = self.any_connector(self.seats[user.0].tenant);
        let seat = &self.seats[user.0];
        let body = json!({
            "user": {"issuer": seat.app.issuer, "sub": seat.users[user.1]},
            "connector_id": self.tenants[tenant].connectors[connector].id,
        });
        let path = seat.app.path("/connect-sessions");
        let answer = self.ask("make link", Caller::Backend(user.0), ("POST", &path), Some(&body)).await;
        if answer.status == 201 {
            let link = answer.json();
            self.links.push(Link { user, session: text(&link["session_id"]), url: text(&link["connect_url"]) });
        }
    }

    /// Somebody opens a link: whom it was made for, or whoever found it.
    pub(super) async fn open_link(&mut self) {
        if self.links.is_empty() {
            return;
        }
        let at = self.dice.below(self.links.len());
        let mut browser = Browser::default();
        let Link { user, session, url } = &self.links[at];
        let (user, session, url) = (*user, session.clone(), url.clone());
        let opened = browser.on_page(&self.world, &url, "open").await;
        self.note("open link", Caller::Link(user.0), opened.status);
        self.look_at(Caller::Link(user.0), &opened).await;
        if opened.status == 200 {
            let redirect_url = browser.open_link(&self.world, &url).await;
            self.open.push(Open { user, session, redirect_url, browser, by_link: true });
        } else {
            self.links.swap_remove(at);
        }
    }

    /// A session's id, of whoever it is.
    pub(super) fn any_session(&mut self) -> String {
        let known: Vec<&String> = self
            .open
            .iter()
            .map(|open| &open.session)
            .chain(self.parked.iter().map(|parked| &parked.session))
            .collect();
        let never = format!("ses_{}", "A".repeat(43));
        if known.is_empty() { never } else { known[self.dice.below(known.len())].clone() }
    }
}
