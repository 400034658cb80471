use std::net::TcpListener;

use super::*;
use crate::oauth::stub::{Reply, Stub, json, with_headers};

fn egress() -> Egress {
    Egress::allowing_plain_http_to_loopback()
}

async fn get(egress: &Egress, url: &str) -> Result<Response<Vec<u8>>, EgressError> {
    let request = Request::get(url).body(Vec::new()).expect("a request");
    egress.send(request, DEADLINE).await
}

#[tokio::test]
async fn an_answer_comes_back_whole_whatever_its_status() {
    for status in [200, 204, 400, 401, 404, 500, 503] {
        let stub = Stub::json(status, if status == 204 { "" } else { r#"{"a":1}"# });
        let answer = get(&egress(), &stub.url("/x")).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let sink = Stub::json(200, "{}");
    for status in [301, 302, 303, 307, 308] {
        let to = sink.url("/sink");
        let stub = Stub::new(move |_| Reply::Raw(with_headers(status, &format!("location: {to}\r\n"), "")));
        let request = Request::post(stub.url("/token")).body(b"client_secret=canary".to_vec()).expect("a request");
        let answer = egress().send(request, DEADLINE).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
    }
    assert!(sink.asked().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let long = "x".repeat(MAX_BODY + 1);
    let (fits, cut) = (Stub::json(200, &long[1..]), Stub::json(200, &long));
    assert_eq!(get(&egress(), &fits.url("/")).await.expect("an answer").body().len(), MAX_BODY);
    assert_eq!(get(&egress(), &cut.url("/")).await.expect_err("too long"), EgressError::Cut(StatusCode::OK));
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_cap() {
    let endless = Stub::new(|_| {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        Reply::Raw(format!("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(64)))
    });
    assert_eq!(get(&egress(), &endless.url("/")).await.expect_err("too long"), EgressError::Cut(StatusCode::OK));
}

#[tokio::test]
async fn a_request_that_was_read_and_not_answered_may_have_been_processed() {
    for reply in [|| Reply::Close, || Reply::Silence] {
        let stub = Stub::new(move |_| reply());
        let request = Request::post(stub.url("/token")).body(b"a=b".to_vec()).expect("a request");
        let error = egress().send(request, Duration::from_secs(2)).await.expect_err("no answer");
        assert_eq!(error, EgressError::Unanswered);
        assert_eq!(stub.only().body, "a=b", "it is sent once");
    }
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_cut() {
    let stub = Stub::new(|_| Reply::Raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".into()));
    assert_eq!(get(&egress(), &stub.url("/")).await.expect_err("cut"), EgressError::Cut(StatusCode::OK));
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let error = get(&egress(), &format!("http://{free}/")).await.expect_err("nobody listens");
    assert_eq!(error, EgressError::NotSent);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_means_that_nothing_was_sent() {
    let error = get(&Egress::new(), "https://nobody.example.invalid.test/").await.expect_err("no such name");
    assert_eq!(error, EgressError::NotSent);
}

#[tokio::test]
async fn every_request_has_a_connection_of_its_own() {
    let stub = Stub::json(200, "{}");
    let egress = egress();
    for _ in 0..3 {
        get(&egress, &stub.url("/")).await.expect("an answer");
    }
    let connections: Vec<usize> = stub.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections, [0, 1, 2]);
}

#[tokio::test]
async fn nothing_is_sent_to_what_the_guard_refuses() {
    let stub = Stub::json(200, "{}");
    let error = get(&Egress::new(), &stub.url("/")).await.expect_err("plain http");
    assert_eq!(error, EgressError::Blocked(EgressRefusal::Scheme));
    let error = get(&Egress::new(), &stub.url("/").replace("http:", "https:")).await.expect_err("loopback");
    assert_eq!(error, EgressError::Blocked(EgressRefusal::Host));
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_cookie_is_not_kept_and_the_client_says_what_it_is() {
    let stub = Stub::new(|_| Reply::Raw(with_headers(200, "set-cookie: a=b\r\n", "{}")));
    let egress = egress();
    for _ in 0..2 {
        get(&egress, &stub.url("/")).await.expect("an answer");
    }
    for asked in stub.asked() {
        assert_eq!(asked.header("cookie"), None);
        assert_eq!(asked.header("accept-encoding"), None);
        assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("connectors/")), "{asked:?}");
    }
}

#[tokio::test]
async fn plain_http_is_not_understood_as_tls() {
    let stub = Stub::new(|_| Reply::Raw(json(200, "{}")));
    let error = get(&egress(), &stub.url("/").replace("http:", "https:")).await.expect_err("no TLS there");
    assert_eq!(error, EgressError::NotSent);
    assert!(stub.asked().iter().all(|asked| asked.body.is_empty()));
}

#[test]
fn an_error_does_not_tell_the_address() {
    for refusal in [EgressRefusal::Host, EgressRefusal::Scheme, EgressRefusal::NotAUrl] {
        let text = format!("{} {refusal:?}", EgressError::from(refusal));
        assert!(!text.contains("169.254") && !text.contains("://"), "{text}");
    }
}
