//! What the developer may choose, read from the environment once.

use std::path::PathBuf;

/// The port of the demo app and the API, unless `PORT` names another.
const PORT: u16 = 8787;

/// Where everything is kept, unless `DATA_DIR` names another folder.
const DATA_DIR: &str = ".local";

/// The region in ARNs, unless `AWS_REGION` names another.
const REGION: &str = "eu-west-1";

/// What the developer chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `PORT`: where the demo app and the API are served; 0 for any free port.
    pub port: u16,
    /// `AWS_PORT`: where the AWS endpoints are served; without it the next port, or any free one when that is taken.
    pub aws_port: Option<u16>,
    /// `DATA_DIR`: where tables, keys and queues are kept.
    pub data_dir: PathBuf,
    /// `PUBLIC_BASE_URL`: how browsers reach this process, if not as `http://localhost:{port}`.
    pub public_base_url: Option<String>,
    /// `AWS_REGION`.
    pub region: String,
    /// The endpoints of other processes that are used instead of this one's.
    pub elsewhere: Elsewhere,
}

/// The AWS endpoints of other processes, by service. `AWS_ENDPOINT_URL` counts for each that has none of its own, as in
/// the AWS SDK.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb: Option<String>,
    /// `AWS_ENDPOINT_URL_KMS`.
    pub kms: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`.
    pub sqs: Option<String>,
}

/// A variable that can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} must be a port: a number from 0 to 65535")]
pub struct InvalidPort(&'static str);

impl Settings {
    /// Reads the settings from an environment. An empty variable counts as absent.
    ///
    /// # Errors
    /// [`InvalidPort`].
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidPort> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let port = |name: &'static str| {
            variable(name).map(|value| value.parse::<u16>().map_err(|_| InvalidPort(name))).transpose()
        };
        let without_slash = |url: String| url.trim_end_matches('/').to_owned();
        let endpoint = |name: &str| variable(name).or_else(|| variable("AWS_ENDPOINT_URL")).map(without_slash);
        Ok(Self {
            port: port("PORT")?.unwrap_or(PORT),
            aws_port: port("AWS_PORT")?,
            data_dir: variable("DATA_DIR").unwrap_or_else(|| DATA_DIR.to_owned()).into(),
            public_base_url: variable("PUBLIC_BASE_URL").map(without_slash),
            region: variable("AWS_REGION").unwrap_or_else(|| REGION.to_owned()),
            elsewhere: Elsewhere {
                dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
                kms: endpoint("AWS_ENDPOINT_URL_KMS"),
                sqs: endpoint("AWS_ENDPOINT_URL_SQS"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Settings, InvalidPort> {
        Settings::read(|name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_any_variable_everything_is_served_here() {
        let settings = read(&[("PORT", "")]).unwrap();
        assert_eq!((settings.port, settings.data_dir), (8787, PathBuf::from(".local")));
        assert_eq!(settings.elsewhere, Elsewhere::default());
    }

    #[test]
    fn an_endpoint_of_one_service_goes_before_the_one_of_all() {
        let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/");
        let settings = read(&[all, ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2")]).unwrap();
        assert_eq!(settings.elsewhere.kms.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(settings.elsewhere.sqs.as_deref(), Some("http://127.0.0.1:2"));
    }

    #[test]
    fn a_port_that_is_none_is_named() {
        assert_eq!(read(&[("AWS_PORT", "80000")]), Err(InvalidPort("AWS_PORT")));
    }
}
