//! `dev.json`: what a developer, and a test from outside, needs to use this process. It holds keys, so only its owner may
//! read it.

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};

use super::Seeded;
use crate::{environment::Environment, files};

/// What was made on the first start, and where it is served now. Not `Debug`: two of its fields are keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevFile {
    /// Where the demo app and the API are served.
    pub base_url: String,
    /// The demo workspace.
    pub workspace_id: String,
    /// Its administrator's key.
    pub admin_key: String,
    /// The demo app.
    pub app_id: String,
    /// The key of its backend, with the permission `tokens:offline`.
    pub service_key: String,
    /// The connector of the demo calendar.
    pub connector_id: String,
    /// Who vouches for the demo app's users.
    pub issuer: String,
    /// The endpoints that the functions use, by service: `dynamodb`, `kms`, `sqs`.
    pub endpoints: BTreeMap<String, String>,
    /// The names of the tables: `registry`, `connections`, `sessions`, `audit`.
    pub tables: BTreeMap<String, String>,
}

impl DevFile {
    /// What there is to tell about this start.
    #[must_use]
    pub fn new(seeded: Seeded, environment: &Environment, issuer: &str) -> Self {
        let value = |name: String| environment.get(&name).unwrap_or_default().to_owned();
        let by_name = |names: &[&str], prefix: &str| {
            names.iter().map(|name| ((*name).to_owned(), value(format!("{prefix}{}", name.to_uppercase())))).collect()
        };
        let Seeded { workspace_id, admin_key, app_id, service_key, connector_id } = seeded;
        Self {
            base_url: value("PUBLIC_BASE_URL".to_owned()),
            workspace_id,
            admin_key,
            app_id,
            service_key,
            connector_id,
            issuer: issuer.to_owned(),
            endpoints: by_name(&["dynamodb", "kms", "sqs"], "AWS_ENDPOINT_URL_"),
            tables: by_name(&["registry", "connections", "sessions", "audit"], "TABLE_"),
        }
    }

    /// Reads the file of an earlier start; `None` if there is none, or none of this form.
    ///
    /// # Errors
    /// It is there and can't be read.
    pub fn find(file: &Path) -> io::Result<Option<Self>> {
        let content = files::read_if_present(file)?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        files::write_private(file, &serde_json::to_vec_pretty(self)?)
    }
}
