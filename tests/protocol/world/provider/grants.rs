//! What users granted, and which tokens of it still work.

use std::collections::HashMap;

use connectors::random::Random;
use serde_json::{Value, json};

/// What a refresh makes of the refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rotate {
    /// It stays.
    None,
    /// It is replaced, and a second use is answered with another pair.
    Grace,
    /// It is replaced, and a second use is refused.
    #[default]
    StrictError,
    /// It is replaced, and a second use ends the whole grant (RFC 9700, section 4.14.2).
    StrictRevokeFamily,
}

/// A code that was given to a browser.
pub(super) struct Code {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: String,
    pub(super) account: String,
}

struct Grant {
    client: String,
    account: String,
    scope: String,
    access: Vec<String>,
    refresh: String,
    retired: Vec<String>,
    is_over: bool,
}

pub(super) struct Grants {
    pub(super) clients: HashMap<String, String>,
    pub(super) rotate: Rotate,
    pub(super) life: Option<u64>,
    pub(super) issued: Vec<String>,
    /// With what a request without a proof is refused, if it is.
    pub(super) wants_proofs: Option<&'static str>,
    /// Whether the tokens that are given now are bound.
    pub(super) binds: bool,
    codes: HashMap<String, Code>,
    given: Vec<Grant>,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            clients: HashMap::new(),
            rotate: Rotate::default(),
            life: Some(3_600),
            issued: Vec::new(),
            wants_proofs: None,
            binds: false,
            codes: HashMap::new(),
            given: Vec::new(),
        }
    }
}

impl Grants {
    pub(super) fn add_code(&mut self, code: &str, of: Code) {
        self.issued.push(code.to_owned());
        self.codes.insert(code.to_owned(), of);
    }

    /// A code works once.
    pub(super) fn take_code(&mut self, code: &str) -> Option<Code> {
        self.codes.remove(code)
    }

    pub(super) fn begin(&mut self, code: Code) -> Value {
        let (access, refresh) = self.pair();
        let answer = self.answer(&access, Some(&refresh), &code.scope);
        self.given.push(Grant {
            client: code.client,
            account: code.account,
            scope: code.scope,
            access: vec![access],
            refresh,
            retired: Vec::new(),
            is_over: false,
        });
        answer
    }

    /// The answer to a refresh; `None` for `invalid_grant`.
    pub(super) fn refresh(&mut self, client: &str, presented: &str) -> Option<Value> {
        let (access, refresh) = self.pair();
        let rotate = self.rotate;
        let grant = self.given.iter_mut().find(|grant| grant.knows(presented))?;
        if grant.client != client || grant.is_over {
            return None;
        }
        if grant.refresh != presented && rotate != Rotate::Grace {
            grant.is_over = rotate == Rotate::StrictRevokeFamily;
            return None;
        }
        grant.access.push(access.clone());
        let scope = grant.scope.clone();
        if rotate == Rotate::None {
            return Some(self.answer(&access, None, &scope));
        }
        grant.retired.push(std::mem::replace(&mut grant.refresh, refresh.clone()));
        Some(self.answer(&access, Some(&refresh), &scope))
    }

    pub(super) fn account_of(&self, access: &str) -> Option<String> {
        let grant = self.given.iter().find(|grant| grant.access.iter().any(|known| known == access))?;
        (!grant.is_over).then(|| grant.account.clone())
    }

    pub(super) fn revoke_of(&mut self, account: &str) {
        self.given.iter_mut().filter(|grant| grant.account == account).for_each(|grant| grant.is_over = true);
    }

    /// Ends the grant that a token is of (RFC 7009, section 2.1).
    pub(super) fn revoke(&mut self, token: &str) {
        let of = |grant: &&mut Grant| grant.knows(token) || grant.access.iter().any(|known| known == token);
        self.given.iter_mut().filter(of).for_each(|grant| grant.is_over = true);
    }

    /// Ends every grant of the account that a token is of.
    pub(super) fn revoke_account_of(&mut self, token: &str) {
        if let Some(account) = self.account_by(token) {
            self.revoke_of(&account);
        }
    }

    /// The account that any token is of, whether it still works or not.
    pub(super) fn account_by(&self, token: &str) -> Option<String> {
        let of = |grant: &&Grant| grant.knows(token) || grant.access.iter().any(|known| known == token);
        self.given.iter().find(of).map(|grant| grant.account.clone())
    }

    fn pair(&mut self) -> (String, String) {
        let fresh = |kind: &str| format!("{kind}_{}", Random::default().token());
        let pair = (fresh("at"), fresh("rt"));
        self.issued.extend([pair.0.clone(), pair.1.clone()]);
        pair
    }

    fn answer(&self, access: &str, refresh: Option<&str>, scope: &str) -> Value {
        let token_type = if self.binds { "DPoP" } else { "Bearer" };
        let mut answer = json!({"access_token": access, "token_type": token_type, "scope": scope});
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
        }
        if let Some(life) = self.life {
            answer["expires_in"] = life.into();
        }
        answer
    }
}

impl Grant {
    fn knows(&self, refresh: &str) -> bool {
        self.refresh == refresh || self.retired.iter().any(|known| known == refresh)
    }
}
