//! `local`, in a process of its own: every function behind one HTTP listener, on the services of this world.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
    time::Duration,
};

use connectors_tests::http;
use reqwest::Client;
use serde_json::Value;
use tokio::time::sleep;

use super::{Read, World, bootstrap};
use crate::proxy::FaultProxy;

/// How often it is looked at whether the process is up.
const LOOK: Duration = Duration::from_millis(50);

/// A running process. Dropping it kills it.
pub(crate) struct Local {
    process: Child,
    base_url: String,
    client: Client,
    folder: tempfile::TempDir,
}

impl Local {
    /// Starts one that reaches its services through this proxy, and waits until it answers.
    pub(crate) async fn start(proxy: &FaultProxy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(bootstrap("local"));
        command.env_clear().env("PORT", "0").env("AWS_PORT", "0").env("DATA_DIR", folder.path());
        command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
        let process = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut local = Self { process, base_url: String::new(), client: http::client(), folder };
        while local.base_url.is_empty() {
            sleep(LOOK).await;
            let ended = local.process.try_wait().unwrap();
            assert!(ended.is_none(), "`local` ended: {:?}", std::fs::read_to_string(local.folder.path().join("log")));
            local.base_url = local.dev().unwrap_or_default();
        }
        local
    }

    /// Where it answers; it says so when it is up.
    fn dev(&self) -> Option<String> {
        let dev = std::fs::read(self.folder.path().join("dev.json")).ok()?;
        let dev: Value = serde_json::from_slice(&dev).ok()?;
        Some(dev["base_url"].as_str()?.to_owned())
    }

    /// The app's backend asks for a user's token.
    pub(crate) async fn read(&self, world: &World, user: &str) -> Read {
        let request = self.client.get(format!("{}{}", self.base_url, world.token_path(user)));
        Read::of(request.bearer_auth(world.service_key()).send().await.unwrap()).await
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
