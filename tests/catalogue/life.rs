//! The whole life of a connection to one provider, as its user, the app's backend and an admin meet it: registered,
//! connected, used, refreshed, disconnected.

mod shown;

use aws_lc_rs::digest::{SHA256, digest};
use connectors::random::Random;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    entries::{Entry, moved},
    facts::{Facts, Values},
    player::{Client, LOGIN_HINT, Player, hex},
    scopes::Scopes,
    values::{self, Source, Variable},
    world::{Answer, Browser, World, journeys::parameter},
};

const USER: &str = "alice";

/// What a life showed that the provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) refresh: bool,
    pub(crate) revoke: bool,
    pub(crate) identity: bool,
}

/// Goes on only if something holds.
macro_rules! must {
    ($holds:expr, $($why:tt)+) => { if !$holds { return Err(format!($($why)+)); } };
}
use must;

/// One life.
struct Life<'a> {
    world: &'a World,
    player: &'a Player,
    id: &'a str,
    entry: Facts<'a>,
    variables: Vec<Variable>,
    connector: String,
    scopes: Scopes,
}

/// Lives it, or says what went wrong with the provider's own reasons beside it.
pub(crate) async fn live(world: &World, player: &Player, entry: &Entry) -> Result<Passed, String> {
    live_as(world, player, entry, &entry.data).await
}

/// The same at a provider of which a workspace says something else than what it is.
pub(crate) async fn live_as(world: &World, player: &Player, entry: &Entry, said: &Value) -> Result<Passed, String> {
    let outcome = begin_and_live(world, player, entry, said).await;
    outcome.map_err(|why| {
        let refused = player.refused(&entry.id);
        if refused.is_empty() {
            why
        } else {
            format!("{why}\n    refused at the provider: {}", refused.join("\n    and: "))
        }
    })
}

async fn begin_and_live(world: &World, player: &Player, entry: &Entry, said: &Value) -> Result<Passed, String> {
    player.play(entry);
    // A name that the catalogue does not have, and the same endpoints on this machine.
    let mut registration = moved(said, &player.home(&entry.id));
    registration["id"] = json!(format!("played-{}", entry.id));
    got(&world.admin("POST", "/providers").json(&registration).send().await, 201, "registering the provider")?;

    let variables = values::of(entry.facts())?;
    let scopes = Scopes::of(entry.facts());
    let (id, secret) =
        (format!("client-{}", Random::default().token()), format!("secret-{}", Random::default().token()));
    let connector = connector_body(entry, &registration, &variables, (&id, &secret), &scopes.wanted);
    let made = got(&world.admin("POST", "/connectors").json(&connector).send().await, 201, "making the connector")?;
    player.register(&entry.id, variables.clone(), Client { id, secret, redirect_uri: text(&made["redirect_uri"]) });
    let life =
        Life { world, player, id: &entry.id, entry: entry.facts(), variables, connector: text(&made["id"]), scopes };
    life.live().await
}

fn connector_body(
    entry: &Entry,
    registration: &Value,
    variables: &[Variable],
    (id, secret): (&str, &str),
    wanted: &[String],
) -> Value {
    let config: Values = variables.iter().filter(|one| one.source == Source::Admin).map(told).collect();
    let mut body = json!({
        "integration_type": registration["id"], "name": entry.id, "client_id": id, "scopes": wanted,
        "connection_config": config,
    });
    let has_secret = entry.facts().text("/token/client_auth") != Some("none");
    if has_secret || entry.data.to_string().contains("{client_secret}") {
        body["client_secret"] = secret.into();
    }
    body
}

fn told(variable: &Variable) -> (String, String) {
    (variable.name.clone(), variable.told.clone())
}

impl Life<'_> {
    async fn live(&self) -> Result<Passed, String> {
        self.connect().await?;
        let identity = self.is_shown().await?;
        let refresh = self.refreshes().await?;
        let revoke = self.ends().await?;
        if refresh {
            self.connect().await.map_err(|why| format!("connecting again: {why}"))?;
            self.is_taken_back().await?;
        }
        let refused = self.player.refused(self.id);
        must!(refused.is_empty(), "something was asked that should not be");
        Ok(Passed { refresh, revoke, identity })
    }

    async fn connect(&self) -> Result<(), String> {
        let rest = format!("/app-user-auth/connectors/{}/initiate", self.connector);
        let config: Values = self.variables.iter().filter(|one| one.source == Source::User).map(told).collect();
        let mut wishes = json!({"login_hint": LOGIN_HINT});
        if !config.is_empty() {
            wishes["connection_config"] = json!(config);
        }
        let answer = self.world.as_user(USER, "POST", &rest).json(&wishes).send().await;
        let begun = got(&answer, 200, "starting")?;
        let mut browser = Browser::default();
        browser.remember(&answer);
        let address = text(&begun["redirect_url"]);
        let callback = self.player.approve(self.id, &address, &self.scopes.asked, self.scopes.unticked.as_deref())?;
        let landed = browser.open(self.world, &callback).await;
        must!(landed.status == 303, "the callback was answered with {landed:?}");
        let status = parameter(landed.location(), "status");
        must!(status == "completed", "connecting came to {} ({})", status, landed.location());
        let token = self.token("").await?;
        let access = text(&token["access_token"]);
        must!(self.player.honours(self.id, &access), "the token handed out is not the one that works: {access}");
        self.tells_the_end(&token)?;
        self.tells_the_grant(&token)?;
        self.tells_the_details(&token)
    }

    async fn token(&self, query: &str) -> Result<Value, String> {
        got(&self.ask_token(query).await, 200, "asking for the token")
    }

    async fn ask_token(&self, query: &str) -> Answer {
        let rest = format!("/app-user-auth/connectors/{}/token{query}", self.connector);
        self.world.on_behalf(&self.world.app, USER, "GET", &rest).send().await
    }

    /// Twice, because only the second time the first answer's refresh token is what is presented.
    async fn refreshes(&self) -> Result<bool, String> {
        let mut token = self.token("").await?;
        if !self.player.can_refresh(self.id) {
            return self.ends_by_itself(&token).await;
        }
        for _ in 0..2 {
            let before = text(&token["access_token"]);
            let done = self.player.done(self.id).len();
            let query = self.let_it_end(&token);
            token = self.token(&query).await.map_err(|why| format!("refreshing: {why}"))?;
            let after = text(&token["access_token"]);
            let came = &self.player.done(self.id)[done..];
            must!(came == ["refresh"], "instead of one refresh came {came:?}");
            must!(self.player.honours(self.id, &after), "after a refresh a token is handed out that does not work");
            let stays = self.entry.flag("/refresh/extends") == Some(true);
            must!(stays || before != after, "after a refresh the old token is handed out");
            self.tells_the_end(&token)?;
            self.tells_the_grant(&token)?;
            self.tells_the_details(&token)?;
        }
        if self.entry.text("/token/response/expiry/zero_means") == Some("never") {
            self.world.advance(4 * 31_536_000);
            let later = self.token("").await?;
            must!(later["access_token"] == token["access_token"], "a token that never ends was replaced");
        }
        Ok(true)
    }

    /// Lets time pass until the token is to be refreshed. One whose end nobody knows is refused by the API instead.
    fn let_it_end(&self, token: &Value) -> String {
        let now = self.world.clock.now();
        let end: Option<Timestamp> = token["expires_at"].as_str().map(|end| end.parse().unwrap());
        if let Some(end) = end {
            let left = u64::try_from(end.as_second() - now.as_second()).unwrap_or(0);
            // A token that is to renew itself must still live.
            self.world.advance(if self.renews_itself() { left.saturating_sub(20) } else { left + 1 });
            return String::new();
        }
        self.world.advance(self.entry.number("/refresh/min_age_seconds").unwrap_or(0) + 61);
        let hash = digest(&SHA256, text(&token["access_token"]).as_bytes());
        format!("?rejected_token_sha256={}", hex(hash.as_ref()))
    }

    /// Whether the access token itself is what is presented for a new one.
    fn renews_itself(&self) -> bool {
        self.entry.text("/refresh/grant") == Some("access_token")
    }

    /// Where there is no refresh, the user is told to connect again once the token has ended.
    async fn ends_by_itself(&self, token: &Value) -> Result<bool, String> {
        if !token["expires_at"].is_null() {
            self.let_it_end(token);
            let (status, code) = self.ask_token("").await.refusal();
            must!(
                (status, code.as_str()) == (404, "reconnect_required"),
                "a token that ended is answered with {status} {code}"
            );
        }
        Ok(false)
    }

    /// The user disconnects, and the grant ends at the provider too, if it can.
    async fn ends(&self) -> Result<bool, String> {
        let revokes = self.entry.has("/revoke/url") && self.entry.flag("/revoke/none") != Some(true);
        let rest = format!("/app-user-auth/connectors/{}", self.connector);
        let ended = got(&self.world.as_user(USER, "DELETE", &rest).send().await, 200, "disconnecting")?;
        let expected = if revokes { "revoked" } else { "unsupported" };
        must!(ended["revocation"] == expected, "the end is told as {} instead of {expected}", ended["revocation"]);
        must!(
            self.player.is_over(self.id) == revokes,
            "the grant is {} at the provider",
            if revokes { "alive" } else { "over" }
        );
        let status = self.ask_token("").await.status;
        must!(status == 404, "a token is asked for after the end and answered with {status}");
        Ok(revokes)
    }

    /// The user takes the grant back at the provider, whose word for that is understood.
    async fn is_taken_back(&self) -> Result<(), String> {
        let token = self.token("").await?;
        self.player.take_back(self.id);
        let query = self.let_it_end(&token);
        let mut answer = self.ask_token(&query).await;
        if self.renews_itself() && answer.status == 200 {
            // Refreshed ahead of its end, the old token is still the best there is until then.
            self.world.advance(21);
            answer = self.ask_token("").await;
        }
        let (status, code) = answer.refusal();
        must!(
            (status, code.as_str()) == (404, "reconnect_required"),
            "a grant that was taken back is answered with {status} {code}"
        );
        Ok(())
    }
}

fn got(answer: &Answer, status: u16, doing: &str) -> Result<Value, String> {
    must!(answer.status == status, "{doing} was answered with {}: {}", answer.status, answer.text);
    Ok(if answer.text.is_empty() { Value::Null } else { answer.json() })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
