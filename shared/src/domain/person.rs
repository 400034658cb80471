//! People of a workspace: who vouches for them, and what their claims let them do.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    api_key::WorkspaceRole,
    app::Identity,
    ids::{Issuer, Subject},
    secret::{ClientSecret, Sealed},
};

/// How many values a rule may name.
const MOST_VALUES: usize = 200;

/// How long the name of a claim may be, in bytes.
const LONGEST_CLAIM: usize = 256;

/// How long a value of a claim may be, in bytes.
const LONGEST_VALUE: usize = 512;

/// How many characters of a person's name are kept.
const LONGEST_NAME: usize = 100;

/// Somebody of a workspace's organisation, as its issuer names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who vouches for them.
    pub issuer: Issuer,
    /// Who they are there.
    pub subject: Subject,
    /// What people call them, if the issuer tells: a name, or a verified address.
    pub name: Option<String>,
}

/// Who vouches for the people of a workspace, and which of them may do what.
#[derive(Debug, Clone)]
pub struct WorkspaceIdentity {
    /// The issuer and its keys; the audience is the client id.
    pub issuer: Identity,
    /// The client's secret, for the exchange of a code. A public client has none.
    pub client_secret: Option<Sealed<ClientSecret>>,
    /// Where people sign in from the console; none if the issuer has no metadata, and tokens come from elsewhere.
    pub sign_in: Option<SignInEndpoints>,
    /// Who may do everything.
    pub admins: ClaimRule,
    /// Who may look.
    pub readers: Option<ClaimRule>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where people sign in, as the issuer's metadata said when the identity was saved. A secret never goes to an endpoint
/// that nobody looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInEndpoints {
    /// Where the browser is sent.
    pub authorization: String,
    /// Where the code is exchanged.
    pub token: String,
    /// Whether the client's secret is sent in the body, where the issuer takes it nowhere else.
    pub secret_in_body: bool,
    /// Whether the issuer says its name beside the code (RFC 9207).
    pub sends_issuer: bool,
}

/// A claim, and the values of it that let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRule {
    claim: String,
    values: Vec<String>,
}

/// What can't be a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// The claim has no name that could be one.
    #[error("must be the name of a claim: 1 to 256 visible characters")]
    Claim,
    /// No value, so that it would let nobody in; or too many.
    #[error("must be 1 to 200 values: without one nobody would be let in")]
    Values,
    /// A value that is empty or too long.
    #[error("must be texts of 1 to 512 characters without control characters")]
    Value,
}

impl ClaimRule {
    /// A rule that came from outside.
    ///
    /// # Errors
    /// [`InvalidRule`].
    pub fn new(claim: &str, values: Vec<String>) -> Result<Self, InvalidRule> {
        if claim.is_empty() || claim.len() > LONGEST_CLAIM || !claim.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidRule::Claim);
        }
        if values.is_empty() || values.len() > MOST_VALUES {
            return Err(InvalidRule::Values);
        }
        let is_value =
            |value: &String| (1..=LONGEST_VALUE).contains(&value.len()) && !value.chars().any(char::is_control);
        if !values.iter().all(is_value) {
            return Err(InvalidRule::Value);
        }
        Ok(Self { claim: claim.to_owned(), values })
    }

    /// The name of the claim.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// The values that let somebody in.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether these claims have one of the values: as the claim itself, or in its list. An address counts only where the
    /// issuer says that it is verified, because anybody can write any address into an account of their own.
    #[must_use]
    pub fn holds(&self, claims: &Map<String, Value>) -> bool {
        if self.claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return false;
        }
        let is_wanted = |value: &Value| value.as_str().is_some_and(|value| self.takes(value));
        match claims.get(&self.claim) {
            Some(Value::Array(values)) => values.iter().any(is_wanted),
            Some(value) => is_wanted(value),
            None => false,
        }
    }

    fn takes(&self, given: &str) -> bool {
        let is_address = self.claim == "email";
        self.values.iter().any(|value| value == given || (is_address && value.eq_ignore_ascii_case(given)))
    }
}

impl WorkspaceIdentity {
    /// What somebody with these claims may do; `None` if they may not even look.
    #[must_use]
    pub fn role(&self, claims: &Map<String, Value>) -> Option<WorkspaceRole> {
        if self.admins.holds(claims) {
            return Some(WorkspaceRole::Admin);
        }
        self.readers.as_ref().is_some_and(|readers| readers.holds(claims)).then_some(WorkspaceRole::Reader)
    }

    /// The claims that decide, for somebody whose do not let them in.
    #[must_use]
    pub fn deciding_claims(&self) -> Vec<&str> {
        let mut names = vec![self.admins.claim()];
        names.extend(self.readers.as_ref().map(ClaimRule::claim).filter(|name| *name != self.admins.claim()));
        names
    }
}

impl Person {
    /// The person that these claims name. Characters that would change how a line is read are left out of the name.
    #[must_use]
    pub fn of_claims(issuer: Issuer, subject: Subject, claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        let name = text("name").or(text("preferred_username")).or(text("email").filter(|_| is_verified));
        let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>());
        Self { issuer, subject, name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn rule(claim: &str, values: &[&str]) -> ClaimRule {
        ClaimRule::new(claim, values.iter().map(|value| (*value).to_owned()).collect()).unwrap()
    }

    #[test]
    fn a_claim_lets_somebody_in_by_itself_or_in_a_list() {
        for (given, expected) in [
            (json!({"groups": "admins"}), true),
            (json!({"groups": ["staff", "admins"]}), true),
            (json!({"groups": ["staff"]}), false),
            (json!({"groups": "admins2"}), false),
            (json!({"groups": "Admins"}), false),
            (json!({"groups": [["admins"]]}), false),
            (json!({"groups": {"admins": true}}), false),
            (json!({"roles": "admins"}), false),
            (json!({}), false),
        ] {
            assert_eq!(rule("groups", &["admins"]).holds(&claims(&given)), expected, "{given}");
        }
    }

    #[test]
    fn an_address_counts_only_if_it_is_verified() {
        for (verified, expected) in [
            (json!(true), true),
            (json!(false), false),
            (json!("true"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let given = claims(&json!({"email": "Ada@x.example", "email_verified": verified}));
            assert_eq!(rule("email", &["ada@x.example"]).holds(&given), expected, "{verified}");
        }
        assert!(!rule("email", &["ada@x.example"]).holds(&claims(&json!({"email": "ada@x.example"}))));
    }

    #[test]
    fn a_rule_that_lets_nobody_in_is_no_rule() {
        assert_eq!(ClaimRule::new("sub", Vec::new()), Err(InvalidRule::Values));
        assert_eq!(ClaimRule::new("", vec!["a".into()]), Err(InvalidRule::Claim));
        assert_eq!(ClaimRule::new("a b", vec!["a".into()]), Err(InvalidRule::Claim));
        assert_eq!(ClaimRule::new("sub", vec![String::new()]), Err(InvalidRule::Value));
    }

    #[test]
    fn nobody_is_called_by_an_address_that_is_not_theirs() {
        let named = |given: Value| {
            let (issuer, subject) = (Issuer::parse("https://i.example").unwrap(), Subject::parse("7").unwrap());
            Person::of_claims(issuer, subject, &claims(&given)).name
        };
        assert_eq!(named(json!({"email": "ada@x.example"})), None);
        assert_eq!(named(json!({"email": "ada@x.example", "email_verified": true})).as_deref(), Some("ada@x.example"));
        assert_eq!(named(json!({"name": " Ada\n\u{7} "})).as_deref(), Some("Ada"));
    }
}
