//! Requests whose answers are for somebody else: what any API may say, which is more than an authorization server does.
//! Guarded like all others.

use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::Instant;

use super::{Egress, EgressError, EgressRefusal, client, rules, without_answer};

/// What a request may take, and its answer.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// How long it may take, from the look-up of the name to the last byte of the answer.
    pub deadline: Duration,
    /// How long the answer may be, in bytes.
    pub most_bytes: usize,
}

/// An answer, as far as it came.
#[derive(Debug)]
pub struct Fetched {
    /// Status, headers, and of the body what [`Fetched::ending`] says.
    pub response: Response<Vec<u8>>,
    /// How the body ended.
    pub ending: Ending,
}

/// How the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is all there.
    Whole,
    /// It is longer than it may be. Nothing of it is kept.
    TooLong,
    /// It broke off, or did not come to its end in time. Nothing of it is kept.
    Cut,
    /// It is in a coding that was not asked for, and that could not be undone. Nothing of it is kept.
    Coded,
}

/// Why there is no answer at all. What counts is whether the request may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The guard refused the address, or where it led to. Nothing was sent.
    #[error("the address {0}")]
    Blocked(#[from] EgressRefusal),
    /// There was no connection. Nothing was sent.
    #[error("the host could not be reached")]
    NotSent,
    /// It may have been sent, and no answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// It, or a part of it, was sent, and the connection broke before an answer came.
    #[error("the connection broke before an answer came")]
    Broken,
}

impl Egress {
    /// Sends one request and reads its answer as far as is allowed. Any status is an answer; a redirect is one too and is
    /// not followed.
    ///
    /// # Errors
    /// [`FetchError`] if no status came.
    pub async fn fetch(&self, request: Request<Vec<u8>>, allowance: Allowance) -> Result<Fetched, FetchError> {
        let url = self.check(&request.uri().to_string())?;
        let client =
            self.client.get_or_init(|| client(self.reach, &self.names).ok()).as_ref().ok_or(FetchError::NotSent)?;
        let ends_at = Instant::now() + allowance.deadline;
        let (parts, body) = request.into_parts();
        let request = client.request(parts.method, url.clone()).headers(parts.headers).body(body);
        // The client's own limit is for requests that are shorter.
        let sent = request.timeout(allowance.deadline).send();
        let answer = tokio::time::timeout_at(ends_at, sent).await.map_err(|_| FetchError::TimedOut)?;
        let mut answer = answer.map_err(|error| unanswered(&error))?;
        if answer.remote_addr().is_some_and(|peer| !rules::fits(&url, peer.ip(), self.reach)) {
            return Err(EgressRefusal::Host.into());
        }
        let (status, headers): (_, HeaderMap) = (answer.status(), std::mem::take(answer.headers_mut()));
        let read = tokio::time::timeout_at(ends_at, read(answer, allowance.most_bytes));
        let (body, ending) = match read.await.unwrap_or(Err(Ending::Cut)) {
            Ok(body) => (body, Ending::Whole),
            Err(ending) => (Vec::new(), ending),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(Fetched { response, ending })
    }
}

fn unanswered(error: &reqwest::Error) -> FetchError {
    match without_answer(error) {
        EgressError::Blocked(refusal) => FetchError::Blocked(refusal),
        EgressError::NotSent => FetchError::NotSent,
        EgressError::Unanswered | EgressError::Cut(_) if error.is_timeout() => FetchError::TimedOut,
        EgressError::Unanswered | EgressError::Cut(_) => FetchError::Broken,
    }
}

/// Reads a body; one that says itself that it is too long is not begun.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Ending> {
    let is_too_long = |length: u64| usize::try_from(length).map_or(true, |length| length > most);
    if answer.content_length().is_some_and(is_too_long) {
        return Err(Ending::TooLong);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Ending::Cut)? {
        if body.len() + chunk.len() > most {
            return Err(Ending::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpListener};

    use super::*;
    use crate::oauth::{
        egress::Names,
        stub::{Reply, Stub, with_headers},
    };

    const ALLOWANCE: Allowance = Allowance { deadline: Duration::from_millis(1_500), most_bytes: 10 };

    async fn fetch(egress: &Egress, url: &str) -> Result<Fetched, FetchError> {
        egress.fetch(Request::get(url).body(Vec::new()).expect("a request"), ALLOWANCE).await
    }

    #[tokio::test]
    async fn it_is_known_whether_a_request_may_have_been_carried_out() {
        let egress = Egress::allowing_plain_http_to_loopback();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(fetch(&egress, &format!("http://{nobody}/")).await.err(), Some(FetchError::NotSent));
        let nameless = Egress::new().resolving_by(Names::told(|_| Vec::new()));
        assert_eq!(fetch(&nameless, "https://p.example/").await.err(), Some(FetchError::NotSent));
        let inside = Egress::new().resolving_by(Names::told(|_| vec![IpAddr::from([10, 0, 0, 1])]));
        let refused = Some(FetchError::Blocked(EgressRefusal::Host));
        assert_eq!(fetch(&inside, "https://p.example/").await.err(), refused);
        let closing = Stub::new(|_| Reply::Close);
        assert_eq!(fetch(&egress, &closing.url("/")).await.err(), Some(FetchError::Broken));
        let silent = Stub::new(|_| Reply::Silence);
        assert_eq!(fetch(&egress, &silent.url("/")).await.err(), Some(FetchError::TimedOut));
    }

    /// Whoever sends a byte now and then holds nobody longer than the deadline: a second and a half here.
    #[tokio::test]
    async fn a_server_that_takes_its_time_is_waited_for_until_the_deadline_and_no_longer() {
        let egress = Egress::allowing_plain_http_to_loopback();
        let early = "HTTP/1.1 103 X\r\nlink: x\r\n\r\n".repeat(50);
        let answers = [
            ("HTTP/1.1 200 X\r\netag: ", Err(FetchError::TimedOut)),
            ("HTTP/1.1 100 Continue\r\n\r\n", Err(FetchError::TimedOut)),
            (early.as_str(), Err(FetchError::TimedOut)),
            ("HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n1234", Ok(Ending::Cut)),
            ("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n4\r\n12", Ok(Ending::Cut)),
        ];
        let began = Instant::now();
        futures::future::join_all(answers.map(async |(beginning, came)| {
            let said = beginning.to_owned();
            let stub = Stub::new(move |_| Reply::Raw(said.clone()));
            let fetched = fetch(&egress, &stub.url("/")).await;
            assert_eq!(fetched.map(|fetched| fetched.ending), came, "{beginning}");
            assert!(began.elapsed() < Duration::from_secs(3), "{beginning}");
            assert_eq!(stub.asked().len(), 1, "it is asked once");
        }))
        .await;
    }

    #[tokio::test]
    async fn more_headers_than_anybody_sends_are_no_answer() {
        let egress = Egress::allowing_plain_http_to_loopback();
        for headers in ["a: b\r\n".repeat(500), format!("a: {}\r\n", "b".repeat(1024 * 1024))] {
            let stub = Stub::new(move |_| Reply::Raw(with_headers(200, &headers, "")));
            assert_eq!(fetch(&egress, &stub.url("/")).await.err(), Some(FetchError::Broken));
        }
    }

    #[tokio::test]
    async fn a_body_is_whole_or_nothing() {
        let egress = Egress::allowing_plain_http_to_loopback();
        let chunked = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n";
        let cut = "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n1234";
        for (answer, body, ending) in [
            (with_headers(200, "", "1234567890"), "1234567890", Ending::Whole),
            (with_headers(404, "", ""), "", Ending::Whole),
            (with_headers(200, "", "12345678901"), "", Ending::TooLong),
            (chunked.to_owned(), "", Ending::TooLong),
            (cut.to_owned(), "", Ending::Cut),
            (with_headers(302, "location: http://127.0.0.1:1/\r\n", "moved"), "moved", Ending::Whole),
        ] {
            let stub = Stub::new(move |_| Reply::Raw(answer.clone()));
            let fetched = fetch(&egress, &stub.url("/")).await.expect("an answer");
            let read = std::str::from_utf8(fetched.response.body()).expect("a text");
            assert_eq!((read, fetched.ending), (body, ending));
        }
    }
}
