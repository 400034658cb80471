//! A server that reads one HTTP request per connection and may hang up without a word: what no framework does on demand.

use std::{net::SocketAddr, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::form_urlencoded;

/// A request, whole.
pub(crate) struct Received {
    #[allow(dead_code, reason = "only one of the rooms that share this world looks at it")]
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    /// The parameters of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// What comes back.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// These bytes, whatever they are, and then the end of the connection.
    #[allow(dead_code, reason = "only one of the rooms that share this world answers like that")]
    Raw(Vec<u8>),
    HangUp,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string() }
    }
}

pub(crate) type Handler = Arc<dyn Fn(Received) -> BoxFuture<'static, Reply> + Send + Sync>;

/// Serves on any free port of this machine, until the test ends.
pub(crate) async fn serve(handler: Handler) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, handler.clone()));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, handler: Handler) {
    let Some(request) = read(&mut stream).await else { return };
    let (status, headers, body) = match handler(request).await {
        Reply::Answer { status, headers, body } => (status, headers, body),
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            return;
        }
        Reply::HangUp => return,
    };
    let mut head = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.extend([&name, ": ", &value, "\r\n"]);
    }
    // A caller that went away is its own business.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { method, path, headers, body: String::from_utf8(body).ok()? })
}
