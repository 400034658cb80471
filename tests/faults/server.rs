//! An HTTP server that can do what a network does: take a request and never answer. What was begun is carried on even if
//! the caller has gone away, as it is at a real service.

use std::{net::SocketAddr, panic::resume_unwind, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};
use futures::{future::BoxFuture, stream};
use tokio::{net::TcpListener, sync::oneshot};

/// A request, whole.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What comes of it.
pub(crate) enum Verdict {
    Answer(Answer),
    /// The connection is closed without a byte.
    Cut,
}

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Told when the last byte is on its way.
    pub(crate) on_its_way: Option<oneshot::Sender<()>>,
}

pub(crate) type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Verdict> + Send + Sync>;

impl Answer {
    pub(crate) fn json(status: u16, content_type: &'static str, body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        Self { status, headers, body: body.to_string().into(), on_its_way: None }
    }
}

/// Serves on any free port of this machine, until the test ends.
pub(crate) async fn serve(handler: Handler) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(handler);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn answer(State(handler): State<Handler>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let asked = Asked { path: uri.path().to_owned(), headers, body };
    match tokio::spawn(handler(asked)).await {
        Ok(Verdict::Answer(answer)) => response(answer),
        // Unwinding ends the task that serves the connection, and the connection with it; no panic is reported.
        Ok(Verdict::Cut) => resume_unwind(Box::new("cut")),
        Err(failed) => resume_unwind(failed.into_panic()),
    }
}

fn response(answer: Answer) -> Response {
    let mut response = Response::new(match answer.on_its_way {
        None => Body::from(answer.body),
        Some(tell) => Body::from_stream(telling(answer.body, tell)),
    });
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}

/// The body, and a word when whoever sends it has taken all of it.
fn telling(body: Bytes, tell: oneshot::Sender<()>) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold((Some(body), Some(tell)), |(body, mut tell)| async move {
        if body.is_none()
            && let Some(tell) = tell.take()
        {
            let _ = tell.send(());
        }
        Some((Ok(body?), (None, tell)))
    })
}
