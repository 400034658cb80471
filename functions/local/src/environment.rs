//! What a function is told about this machine: the same names that a deployment sets.

use std::{fmt::Write, net::SocketAddr};

use crate::{
    aws::{eventbridge::BUS, kms::KEY_ALIAS, sqs::Queue},
    settings::Settings,
};

/// Names that the developer may set to something else, each with its value here: for tables, keys and queues of an endpoint
/// that names them otherwise.
const CHOICES: [(&str, &str); 9] = [
    ("TABLE_REGISTRY", "connectors-registry"),
    ("TABLE_CONNECTIONS", "connectors-connections"),
    ("TABLE_SESSIONS", "connectors-sessions"),
    ("TABLE_AUDIT", "connectors-audit"),
    ("KMS_KEY_ID", KEY_ALIAS),
    ("EVENT_BUS_NAME", BUS),
    ("DEPLOYMENT", "local"),
    ("KEY_MAX_AGE_DAYS", "365"),
    ("PLANS", "{}"),
];

/// An environment for the functions: every name they read, with its value.
#[derive(Clone)]
pub struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// The environment for this base URL and this address of the AWS endpoints; `variable` is what the developer set.
    #[must_use]
    pub fn new(
        settings: &Settings,
        base_url: &str,
        aws: SocketAddr,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let here = format!("http://{aws}");
        let elsewhere = &settings.elsewhere;
        let endpoint = |elsewhere: &Option<String>| elsewhere.clone().unwrap_or_else(|| here.clone());
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let sqs = endpoint(&elsewhere.sqs);
        let queue = |name: &'static str, queue: Queue| (name, set(name).unwrap_or_else(|| queue.url(&sqs)));
        let mut names = vec![
            ("PUBLIC_BASE_URL", base_url.to_owned()),
            ("EGRESS", "ALLOWING_PLAIN_HTTP_TO_LOOPBACK".to_owned()),
            queue("REFRESH_QUEUE_URL", Queue::Refresh),
            queue("REVOCATION_QUEUE_URL", Queue::Revocation),
            queue("SALVAGE_QUEUE_URL", Queue::Salvage),
            queue("EVENT_QUEUE_URL", Queue::Events),
            ("AWS_REGION", settings.region.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoint(&elsewhere.dynamodb)),
            ("AWS_ENDPOINT_URL_KMS", endpoint(&elsewhere.kms)),
            ("AWS_ENDPOINT_URL_SQS", sqs),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", set("AWS_ENDPOINT_URL_EVENTBRIDGE").unwrap_or(here.clone())),
        ];
        names.extend(CHOICES.map(|(name, value)| (name, set(name).unwrap_or_else(|| value.to_owned()))));
        // No credential of the developer: these endpoints verify no signature, and a file with this environment is written.
        names.extend([("AWS_ACCESS_KEY_ID", "local".to_owned()), ("AWS_SECRET_ACCESS_KEY", "local".to_owned())]);
        Self(names)
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The environment as a file of `NAME=value` lines, for a function that runs in a process of its own.
    #[must_use]
    pub fn to_file(&self) -> String {
        self.0.iter().fold(String::new(), |mut file, (name, value)| {
            let _ = writeln!(file, "{name}={value}");
            file
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &'static [(&str, &str)]) -> Environment {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let settings = Settings::read(variable).unwrap();
        Environment::new(&settings, "http://localhost:8787", "127.0.0.1:8788".parse().unwrap(), variable)
    }

    #[test]
    fn every_endpoint_is_here_and_no_credential_of_the_developer_is_used() {
        let environment = environment(&[("AWS_ACCESS_KEY_ID", "real"), ("AWS_SECRET_ACCESS_KEY", "real")]);
        for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_SQS"] {
            assert_eq!(environment.get(name), Some("http://127.0.0.1:8788"), "{name}");
        }
        assert_eq!(environment.get("REFRESH_QUEUE_URL"), Some("http://127.0.0.1:8788/000000000000/refresh"));
        assert_eq!(environment.get("SALVAGE_QUEUE_URL"), Some("http://127.0.0.1:8788/000000000000/salvage.fifo"));
        assert!(!environment.to_file().contains("real"));
    }

    #[test]
    fn tables_and_queues_of_another_process_are_used_where_it_is_named() {
        let environment = environment(&[("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"), ("TABLE_AUDIT", "theirs")]);
        assert_eq!(environment.get("REVOCATION_QUEUE_URL"), Some("http://127.0.0.1:9/000000000000/revocation"));
        assert_eq!(environment.get("AWS_ENDPOINT_URL_KMS"), Some("http://127.0.0.1:8788"));
        assert_eq!(environment.get("TABLE_AUDIT"), Some("theirs"));
    }
}
