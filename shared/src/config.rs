//! The environment, read once.

use std::time::Duration;

use url::Url;

use crate::{
    domain::plan::{InvalidPlans, Plans},
    store::TableNames,
};

/// Every name that is read from the environment. The template sets those that a deployment must have.
pub const NAMES: [&str; 24] = [
    "PUBLIC_BASE_URL",
    "TABLE_REGISTRY",
    "TABLE_CONNECTIONS",
    "TABLE_SESSIONS",
    "TABLE_AUDIT",
    "KMS_KEY_ID",
    "DEPLOYMENT",
    "KEY_MAX_AGE_DAYS",
    "PLANS",
    "REFRESH_QUEUE_URL",
    "REVOCATION_QUEUE_URL",
    "SALVAGE_QUEUE_URL",
    "EVENT_QUEUE_URL",
    "EVENT_BUS_NAME",
    "EGRESS",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
];

/// What a deployment is told about itself.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people and providers reach this deployment: scheme and host, without a slash at the end. Never taken from
    /// a request, which anybody can write.
    pub public_base_url: String,
    /// The four tables.
    pub tables: TableNames,
    /// The customer master key.
    pub kms_key_id: String,
    /// The deployment's name; part of the encryption context.
    pub deployment: String,
    /// How old a workspace's key becomes before a new one is made: a whole number of days.
    pub max_key_age: Duration,
    /// What workspaces may add, by the name of their plan.
    pub plans: Plans,
    /// The queue of connections to refresh.
    pub refresh_queue_url: String,
    /// The queue of grants to revoke.
    pub revocation_queue_url: String,
    /// The ordered queue of renewals that the table did not take.
    pub salvage_queue_url: String,
    /// The queue of events to tell.
    pub event_queue_url: String,
    /// The bus that they are told on.
    pub event_bus: String,
    /// How far requests to providers may reach.
    pub egress: EgressSetting,
    /// How AWS is reached.
    pub aws: AwsConfig,
}

/// How far requests to providers may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EgressSetting {
    /// To public addresses by https.
    #[default]
    Guarded,
    /// And to this very machine by plain http. For development only.
    AllowingPlainHttpToLoopback,
}

/// How AWS is reached.
#[derive(Clone)]
pub struct AwsConfig {
    /// The region.
    pub region: String,
    /// Access key id, secret access key, session token.
    pub credentials: (String, String, Option<String>),
    /// Where DynamoDB is, if not where it usually is.
    pub dynamodb_endpoint: Option<String>,
    /// Where KMS is, if not where it usually is.
    pub kms_endpoint: Option<String>,
    /// Where SQS is, if not where it usually is.
    pub sqs_endpoint: Option<String>,
    /// Where EventBridge is, if not where it usually is.
    pub eventbridge_endpoint: Option<String>,
}

impl std::fmt::Debug for AwsConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AwsConfig").field("region", &self.region).finish_non_exhaustive()
    }
}

/// What the environment lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A name is not set, or empty.
    #[error("the environment variable `{0}` is not set")]
    Missing(&'static str),
    /// A name is set to something that cannot be meant.
    #[error("the environment variable `{name}` must be {expected}")]
    Invalid {
        /// The name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The plans are not what plans can be.
    #[error("the environment variable `PLANS` is wrong: {0}")]
    Plans(#[from] InvalidPlans),
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing or wrong.
    #[expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads an environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let find = |name: &'static str| lookup(name).filter(|value| !value.is_empty());
        let get = |name: &'static str| find(name).ok_or(ConfigError::Missing(name));
        let endpoint = |name: &'static str| find(name).or_else(|| find("AWS_ENDPOINT_URL"));
        Ok(Self {
            public_base_url: base_url(&get("PUBLIC_BASE_URL")?)?,
            tables: TableNames {
                registry: get("TABLE_REGISTRY")?,
                connections: get("TABLE_CONNECTIONS")?,
                sessions: get("TABLE_SESSIONS")?,
                audit: get("TABLE_AUDIT")?,
            },
            kms_key_id: get("KMS_KEY_ID")?,
            deployment: get("DEPLOYMENT")?,
            max_key_age: days("KEY_MAX_AGE_DAYS", &get("KEY_MAX_AGE_DAYS")?)?,
            plans: Plans::parse(&get("PLANS")?)?,
            refresh_queue_url: get("REFRESH_QUEUE_URL")?,
            revocation_queue_url: get("REVOCATION_QUEUE_URL")?,
            salvage_queue_url: get("SALVAGE_QUEUE_URL")?,
            event_queue_url: get("EVENT_QUEUE_URL")?,
            event_bus: get("EVENT_BUS_NAME")?,
            egress: match find("EGRESS").as_deref() {
                None => EgressSetting::Guarded,
                Some("ALLOWING_PLAIN_HTTP_TO_LOOPBACK") => EgressSetting::AllowingPlainHttpToLoopback,
                Some(_) => {
                    let expected = "absent, or `ALLOWING_PLAIN_HTTP_TO_LOOPBACK` on a developer's machine";
                    return Err(ConfigError::Invalid { name: "EGRESS", expected });
                }
            },
            aws: AwsConfig {
                region: get("AWS_REGION")?,
                credentials: (get("AWS_ACCESS_KEY_ID")?, get("AWS_SECRET_ACCESS_KEY")?, find("AWS_SESSION_TOKEN")),
                dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
                kms_endpoint: endpoint("AWS_ENDPOINT_URL_KMS"),
                sqs_endpoint: endpoint("AWS_ENDPOINT_URL_SQS"),
                eventbridge_endpoint: endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            },
        })
    }
}

/// A number of days from one to ten years.
fn days(name: &'static str, raw: &str) -> Result<Duration, ConfigError> {
    let days = raw.parse::<u64>().ok().filter(|days| (1..=3_650).contains(days));
    let days = days.ok_or(ConfigError::Invalid { name, expected: "a whole number of days from 1 to 3650" })?;
    Ok(Duration::from_hours(24 * days))
}

fn base_url(raw: &str) -> Result<String, ConfigError> {
    let invalid = ConfigError::Invalid { name: "PUBLIC_BASE_URL", expected: "an https URL without path or query" };
    let Ok(url) = Url::parse(raw) else { return Err(invalid) };
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match (url.scheme(), is_bare) {
        ("https", true) => Ok(url.origin().ascii_serialization()),
        ("http", true) if is_local => Ok(url.origin().ascii_serialization()),
        _ => Err(invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "PUBLIC_BASE_URL" => Some("https://connect.example/".to_owned()),
            "KEY_MAX_AGE_DAYS" => Some("365".to_owned()),
            "PLANS" => Some("{}".to_owned()),
            "EGRESS" | "AWS_SESSION_TOKEN" => None,
            name if name.starts_with("AWS_ENDPOINT") => None,
            name => Some(format!("value of {name}")),
        }
    }

    #[test]
    fn a_whole_environment_is_read() {
        let config = Config::read(environment).unwrap();
        assert_eq!(config.public_base_url, "https://connect.example");
        assert_eq!(config.egress, EgressSetting::Guarded);
        assert!(!format!("{config:?}").contains("AWS_SECRET_ACCESS_KEY"));
    }

    #[test]
    fn a_missing_name_is_named() {
        let without = |missing: &'static str| Config::read(move |name| environment(name).filter(|_| name != missing));
        for name in ["PUBLIC_BASE_URL", "TABLE_AUDIT", "KMS_KEY_ID", "REVOCATION_QUEUE_URL", "AWS_REGION"] {
            assert_eq!(without(name).unwrap_err(), ConfigError::Missing(name));
        }
    }

    #[test]
    fn an_age_of_keys_that_is_no_number_of_days_is_refused() {
        let of = |days: &'static str| {
            Config::read(|name| if name == "KEY_MAX_AGE_DAYS" { Some(days.to_owned()) } else { environment(name) })
        };
        assert_eq!(of("90").unwrap().max_key_age, Duration::from_hours(24 * 90));
        for days in ["0", "-1", "3651", "1.5", "a year"] {
            assert!(matches!(of(days), Err(ConfigError::Invalid { name: "KEY_MAX_AGE_DAYS", .. })), "{days}");
        }
    }

    #[test]
    fn plans_that_cannot_be_read_are_named_and_not_taken_for_none() {
        let object = "`PLANS` is wrong: must be a JSON object";
        for (raw, said) in [
            (r#"{"free": {"conectors": 3}}"#, "`PLANS` is wrong: `/free/conectors` is no limit"),
            (r#"{"free": {"connections": "3"}}"#, "`PLANS` is wrong: `/free/connections` must be a whole number"),
            ("free=3", object),
            ("[]", object),
        ] {
            let error = Config::read(|name| if name == "PLANS" { Some(raw.to_owned()) } else { environment(name) });
            let error = error.unwrap_err();
            assert!(matches!(error, ConfigError::Plans(_)), "{raw}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn a_base_url_that_leaks_or_bends_redirects_is_refused() {
        for raw in
            ["http://connect.example", "https://connect.example/path", "https://a@connect.example", "connect.example"]
        {
            let config =
                Config::read(|name| if name == "PUBLIC_BASE_URL" { Some(raw.to_owned()) } else { environment(name) });
            assert!(config.is_err(), "{raw}");
        }
    }
}
