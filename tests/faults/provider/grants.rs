//! What users granted, and what is true of each grant: which refresh token works, what each was presented for and when.

use std::{collections::HashMap, time::Duration};

use connectors::random::Random;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What a refresh makes of the refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotate {
    /// It stays.
    None,
    /// It is replaced; for this long a second use is answered with the pair of the first.
    GraceIdempotent(Duration),
    /// It is replaced; for this long a second use is answered with another pair.
    GraceNewPair(Duration),
    /// It is replaced; a second use is refused.
    StrictError,
    /// It is replaced; a second use ends the whole grant (RFC 9700, section 4.14.2).
    StrictRevokeFamily,
}

/// One refresh token. It is of the grant of `account` until that is over.
struct Token {
    account: String,
    used: Option<Use>,
    in_flight: usize,
}

/// The first use of a refresh token.
struct Use {
    at: Timestamp,
    answer: Value,
}

/// An access token.
struct Access {
    account: String,
    is_expired: bool,
}

/// A grant of one user; connecting again begins another.
struct Grant {
    is_over: bool,
    rotated: Option<u64>,
    issued: usize,
}

/// Everything that was granted.
pub(super) struct Grants {
    pub(super) rotate: Rotate,
    /// The life of access tokens, in seconds.
    pub(super) life: u64,
    tokens: HashMap<String, Token>,
    access: HashMap<String, Access>,
    of_user: HashMap<String, Grant>,
}

/// How a refresh token was received.
pub(super) enum Refreshed {
    Given(Value),
    Refused,
}

impl Grants {
    pub(super) fn new(rotate: Rotate) -> Self {
        Self { rotate, life: 3_600, tokens: HashMap::new(), access: HashMap::new(), of_user: HashMap::new() }
    }

    /// A user grants. What was granted before is over, as its tokens are no longer anybody's.
    pub(super) fn begin(&mut self, account: &str) -> Value {
        self.tokens.retain(|_, token| token.account != account);
        self.access.retain(|_, access| access.account != account);
        self.of_user.insert(account.to_owned(), Grant { is_over: false, rotated: None, issued: 0 });
        self.pair(account, true)
    }

    /// Whose refresh token this is.
    pub(super) fn account_of(&self, refresh: &str) -> Option<&str> {
        self.tokens.get(refresh).map(|token| token.account.as_str())
    }

    /// A refresh token is presented: whether another presentation of it is still under way.
    pub(super) fn presented(&mut self, refresh: &str) -> bool {
        let Some(token) = self.tokens.get_mut(refresh) else { return false };
        token.in_flight += 1;
        token.in_flight > 1
    }

    pub(super) fn answered(&mut self, refresh: &str) {
        if let Some(token) = self.tokens.get_mut(refresh) {
            token.in_flight -= 1;
        }
    }

    pub(super) fn refresh(&mut self, presented: &str, now: Timestamp, order: u64) -> Refreshed {
        let Some(token) = self.tokens.get(presented) else { return Refreshed::Refused };
        let account = token.account.clone();
        let grant = self.of_user.get_mut(&account).unwrap();
        if grant.is_over {
            return Refreshed::Refused;
        }
        if let Some(first) = &token.used {
            let within = |grace: Duration| now.duration_since(first.at) <= grace.try_into().unwrap();
            match self.rotate {
                Rotate::GraceIdempotent(grace) if within(grace) => return Refreshed::Given(first.answer.clone()),
                Rotate::GraceNewPair(grace) if within(grace) => {}
                Rotate::StrictRevokeFamily => {
                    grant.is_over = true;
                    return Refreshed::Refused;
                }
                _ => return Refreshed::Refused,
            }
        }
        if self.rotate == Rotate::None {
            return Refreshed::Given(self.pair(&account, false));
        }
        grant.rotated = Some(order);
        let answer = self.pair(&account, true);
        let token = self.tokens.get_mut(presented).unwrap();
        token.used.get_or_insert(Use { at: now, answer: answer.clone() });
        Refreshed::Given(answer)
    }

    /// Whether an access token opens anything.
    pub(super) fn honours(&self, access: &str) -> bool {
        let live = |access: &Access| !access.is_expired && !self.of_user[&access.account].is_over;
        self.access.get(access).is_some_and(live)
    }

    /// Whose access token this is, if it works.
    pub(super) fn user_of(&self, access: &str) -> Option<String> {
        self.honours(access).then(|| self.access[access].account.clone())
    }

    pub(super) fn expire_access(&mut self, account: &str) {
        self.access.values_mut().filter(|access| access.account == account).for_each(|access| access.is_expired = true);
    }

    pub(super) fn revoke(&mut self, account: &str) {
        self.of_user.get_mut(account).unwrap().is_over = true;
    }

    /// Ends the grant that a token is of (RFC 7009, section 2.1).
    pub(super) fn revoke_by(&mut self, token: &str) {
        let of_refresh = self.tokens.get(token).map(|token| token.account.clone());
        let of_access = self.access.get(token).map(|access| access.account.clone());
        if let Some(account) = of_refresh.or(of_access) {
            self.revoke(&account);
        }
    }

    pub(super) fn is_over(&self, account: &str) -> bool {
        self.of_user[account].is_over
    }

    /// When the refresh token of a user was replaced the last time.
    pub(super) fn rotated(&self, account: &str) -> Option<u64> {
        self.of_user[account].rotated
    }

    pub(super) fn issued(&self, account: &str) -> usize {
        self.of_user[account].issued
    }

    fn pair(&mut self, account: &str, with_refresh: bool) -> Value {
        let fresh = |kind: &str| format!("{kind}_{}", Random::default().token());
        let (access, refresh) = (fresh("at"), fresh("rt"));
        self.access.insert(access.clone(), Access { account: account.to_owned(), is_expired: false });
        self.of_user.get_mut(account).unwrap().issued += 1;
        let mut answer =
            json!({"access_token": access, "token_type": "Bearer", "expires_in": self.life, "scope": "read"});
        if with_refresh {
            answer["refresh_token"] = refresh.as_str().into();
            self.tokens.insert(refresh, Token { account: account.to_owned(), used: None, in_flight: 0 });
        }
        answer
    }
}
