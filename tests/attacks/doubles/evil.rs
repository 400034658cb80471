//! A provider in mallory's hands: it says whatever it likes, in whatever form, and keeps what it was told.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// What a request meets.
#[derive(Clone)]
pub(crate) enum Script {
    /// A status, a content type and a body.
    Answer(u16, &'static str, String),
    /// A status and where to go instead.
    Redirect(u16, String),
    /// Bytes, and nothing after them.
    Bytes(Vec<u8>),
    /// Bytes, and then others for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// Bytes, and then one more from time to time.
    Drip(Vec<u8>),
}

impl Script {
    pub(crate) fn json(body: &Value) -> Self {
        Self::Answer(200, "application/json", body.to_string())
    }

    fn head(status: u16, more: &str, length: usize) -> Vec<u8> {
        format!("HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n").into_bytes()
    }
}

/// The provider.
#[derive(Clone)]
pub(crate) struct Evil {
    address: SocketAddr,
    scripts: Arc<Mutex<HashMap<String, Script>>>,
    told: Arc<Mutex<Vec<String>>>,
    poured: Arc<AtomicUsize>,
}

impl Evil {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let evil = Self {
            address: listener.local_addr().unwrap(),
            scripts: Arc::default(),
            told: Arc::default(),
            poured: Arc::default(),
        };
        let served = evil.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served.clone().answer(stream));
            }
        });
        evil
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What requests for this path meet from now on.
    pub(crate) fn play(&self, path: &str, script: Script) {
        self.scripts.lock().unwrap().insert(path.to_owned(), script);
    }

    /// Everything it was ever told: request lines, headers and bodies.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// How many bytes of answers without end somebody took at most, or had waiting for them.
    pub(crate) fn poured(&self) -> usize {
        self.poured.load(Ordering::SeqCst)
    }

    /// It as a workspace registers it, with good manners on paper.
    pub(crate) fn registration(&self, id: &str) -> Value {
        json!({
            "id": id,
            "name": "Evil provider",
            "authorize": {"url": self.url("/authorize"), "pkce": "required"},
            "token": {"url": self.url("/token"), "client_auth": "basic"},
            "refresh": {"rotation": "never"},
            "revoke": {"url": self.url("/revoke"), "token": "refresh_token"},
            "identity": {"url": self.url("/userinfo")},
            "oidc": {"issuer": self.url("")},
        })
    }

    async fn answer(self, mut stream: TcpStream) {
        let Some(request) = read(&mut stream).await else { return };
        let path = request.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
        self.told.lock().unwrap().push(request);
        let script = self.scripts.lock().unwrap().get(&path).cloned();
        let script = script.unwrap_or_else(|| Script::json(&json!({})));
        let _ = play(&mut stream, script, &self.poured).await;
    }
}

/// The address that a browser comes back to with this code, whoever gave it out.
pub(crate) fn come_back(authorization_url: &str, code: &str) -> String {
    let request = Url::parse(authorization_url).unwrap();
    let get = |name: &str| request.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let mut back = Url::parse(&get("redirect_uri")).unwrap();
    back.query_pairs_mut().extend_pairs([("code", code), ("state", &get("state"))]);
    back.into()
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn play(stream: &mut TcpStream, script: Script, poured: &AtomicUsize) -> std::io::Result<()> {
    match script {
        Script::Answer(status, content_type, body) => {
            let head = Script::head(status, &format!("content-type: {content_type}\r\n"), body.len());
            stream.write_all(&[head.as_slice(), body.as_bytes()].concat()).await
        }
        Script::Redirect(status, to) => {
            stream.write_all(&Script::head(status, &format!("location: {to}\r\n"), 0)).await
        }
        Script::Bytes(bytes) => stream.write_all(&bytes).await,
        Script::Endless(first, then) => {
            stream.write_all(&first).await?;
            for times in 1.. {
                stream.write_all(&then).await?;
                poured.fetch_max(times * then.len(), Ordering::SeqCst);
            }
            Ok(())
        }
        Script::Drip(first) => {
            stream.write_all(&first).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                stream.write_all(b" ").await?;
            }
        }
    }
}
