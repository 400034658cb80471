//! What an API answers to a call, in every form in which servers answer: what of it goes back, and what is said when it does
//! not.

use std::io::Write;

use base64::Engine;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::{calls::Called, world::Reply};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

impl Called {
    /// What is told of a call whose answer is this.
    async fn told(&self, method: &str, head: &str, body: &[u8]) -> Value {
        self.api.raw(head, body);
        self.call(&json!({"method": method, "path": "/x"})).await.expect(200)
    }
}

fn assert_told(told: &Value, success: bool, status: u16, what: &str) {
    assert_eq!(
        (&told["success"], &told["status_code"], &told["phase"]),
        (&json!(success), &json!(status), &json!("responded")),
        "{what}: {told}"
    );
}

#[tokio::test]
async fn a_body_reaches_the_api_letter_by_letter() {
    let called = Called::new().await;
    let body = r#"{ "id": 12345678901234567890123, "z": 1.10, "a": [1e2, "é\u00e9"] }"#;
    let path = called.world.app.path(&format!("/app-user-auth/connectors/{}/call", called.connector.id));
    let call = format!(r#"{{"method": "POST", "path": "/x", "body": {body}}}"#);
    let user = called.world.app.user(&called.world, "alice");
    let send =
        |raw: String| called.world.call("POST", &path).bearer(&user).raw("application/json", raw.into_bytes()).send();
    send(call).await.expect(200);
    assert_eq!(called.api.take().remove(0).body, body);
    let nothing = r#"{"method": "POST", "path": "/x", "body": null, "query": {}, "headers": {}}"#;
    send(nothing.to_owned()).await.expect(200);
    let seen = called.api.take().remove(0);
    assert_eq!((seen.header("content-length"), seen.header("content-type")), (Some("0"), None));
    let lost = r#"{"path": "/x", "query": {"id": 12345678901234567890123}}"#;
    assert_eq!(send(lost.to_owned()).await.expect(422)["errors"][0]["pointer"], "/query");
    let kept = r#"{"path": "/x", "query": {"id": 18446744073709551615}}"#;
    send(kept.to_owned()).await.expect(200);
    assert_eq!(called.api.take().remove(0).line, "GET /v1/x?id=18446744073709551615");
}

#[tokio::test]
async fn an_answer_that_comes_compressed_is_read_and_one_that_can_not_be_is_told_as_that() {
    let called = Called::new().await;
    let head = |coding: &str, body: &[u8]| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 \r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\ncontent-length: {length}"
        )
    };
    let token = called.world.access_token(&called.connector, "alice").await;
    let repeated = gzip(format!(r#"{{"you sent":"Bearer {token}","n":1.10}}"#).as_bytes());
    called.api.raw(&head("gzip", &repeated), &repeated);
    let answer = called.call(&json!({"path": "/x"})).await;
    let told = answer.expect(200);
    assert_told(&told, true, 200, "gzip");
    assert!(answer.text.contains("1.10") && !answer.text.contains(&token), "{answer:?}");
    assert_eq!(told["headers"].get("content-encoding"), None);
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    for (coding, body, code) in [
        ("gzip", &bomb[..], "answer_too_large"),
        ("gzip", &repeated[..20], "answer_unreadable"),
        ("br", b"\x0b\x03\x80{\"a\":1}\x03", "answer_unreadable"),
        ("zstd", b"x", "answer_unreadable"),
    ] {
        let told = called.told("GET", &head(coding, body), body).await;
        assert_told(&told, false, 200, coding);
        assert_eq!((&told["data"]["code"], &told["data_base64"]), (&json!(code), &json!(null)), "{coding}");
    }
}

#[tokio::test]
async fn the_token_comes_back_in_no_spelling() {
    let called = Called::new().await;
    let token = called.world.access_token(&called.connector, "alice").await;
    let by_letters = token.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<Vec<_>>().concat();
    let in_address = token.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let in_page = token.bytes().map(|byte| format!("&#{byte};")).collect::<Vec<_>>().concat();
    for (kind, spelling) in [
        ("application/json", &token),
        ("application/json", &by_letters),
        ("application/json", &in_address),
        ("text/html", &in_page),
        ("text/plain", &token),
        ("image/svg+xml", &token),
    ] {
        let link = format!("<https://api.example/?access_token={in_address}>");
        called.api.answer(
            200,
            &[("content-type", kind), ("link", &link), ("x-request-id", &token)],
            &format!("\"{spelling}\""),
        );
        let answer = called.call(&json!({"path": "/headers"})).await;
        let told = answer.expect(200);
        assert_told(&told, true, 200, kind);
        let stars = "*".repeat(spelling.len());
        match kind {
            "application/json" => assert_eq!(told["data"], json!(stars)),
            "image/svg+xml" => assert!(told["data_base64"].is_string()),
            _ => assert_eq!(told["data"], json!(format!("\"{stars}\""))),
        }
        assert!(told["headers"].get("link").is_none() && told["headers"].get("x-request-id").is_none(), "{told}");
    }
}

#[tokio::test]
async fn every_kind_of_answer_without_a_body_is_an_answer() {
    let called = Called::new().await;
    for (method, head, success, status) in [
        ("DELETE", "HTTP/1.1 204 No Content", true, 204),
        ("GET", "HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\ncontent-length: 99", false, 304),
        ("PUT", "HTTP/1.1 205 Reset\r\ncontent-length: 0", true, 205),
        ("GET", "HTTP/1.1 103 Early\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0", true, 200),
        ("POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 OK\r\ncontent-length: 0", true, 202),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\ncontent-encoding: gzip", true, 200),
    ] {
        let told = called.told(method, head, b"").await;
        assert_told(&told, success, status, head);
        assert_eq!((&told["data"], &told["data_base64"]), (&json!(null), &json!(null)), "{head}");
        let length = told["headers"].get("content-length");
        assert_eq!(length, (method == "HEAD").then_some(&json!("99999999")), "{head}");
    }
    called.api.answer(206, &[("content-type", "text/plain"), ("content-range", "bytes 0-1/9")], "ab");
    let part = called.call(&json!({"path": "/x", "headers": {"Range": "bytes=0-1"}})).await.expect(200);
    assert_told(&part, true, 206, "a part");
    assert_eq!((&part["data"], &part["headers"]["content-range"]), (&json!("ab"), &json!("bytes 0-1/9")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_was_an_answer_all_the_same() {
    let called = Called::new().await;
    for head in [
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 99",
        "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked",
    ] {
        let told = called.told("POST", head, b"9\r\n{\"a\"").await;
        assert_told(&told, false, 201, head);
        assert_eq!(told["data"]["code"], "answer_incomplete");
        assert_eq!(called.api.take().len(), 1, "it is not asked for again");
    }
    for head in ["SSH-2.0-x", "HTTP/1.1 abc", "HTTP/1.1 200 OK\r\nbroken", "HTTP/1.1 200 OK\r\ncontent-length: a"] {
        called.api.raw(head, b"");
        let told = called.call(&json!({"method": "POST", "path": "/x"})).await.expect(200);
        assert_eq!((&told["phase"], &told["status_code"]), (&json!("sent_unconfirmed"), &json!(null)), "{head}");
        assert_eq!((&told["success"], &told["data"]["code"]), (&json!(false), &json!("connection_lost")), "{head}");
        assert_eq!(called.api.take().len(), 1, "it is not tried again");
    }
}

#[tokio::test]
async fn headers_go_back_as_far_as_they_help_and_no_further() {
    let called = Called::new().await;
    let (long, page) = ("a".repeat(9 * 1024), format!("<https://api.example/{}>", "p".repeat(7 * 1024)));
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("link", page.as_str()), 30).collect();
    let mut headers = vec![
        ("retry-after", "30"),
        ("www-authenticate", "Bearer error=\"insufficient_scope\""),
        ("allow", "GET"),
        ("etag", long.as_str()),
        ("content-type", "application/json"),
    ];
    headers.extend(many);
    for status in [403, 405, 429] {
        called.api.answer(status, &headers, "{}");
        let told = called.call(&json!({"path": "/x"})).await.expect(200);
        assert_told(&told, false, status, "refused");
        let names: Vec<&String> = told["headers"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["allow", "content-type", "link", "retry-after"]);
        assert_eq!((&told["headers"]["retry-after"], &told["headers"]["allow"]), (&json!("30"), &json!("GET")));
        assert!(told["headers"]["link"].as_str().unwrap().len() < 64 * 1024);
    }
    assert_eq!(called.world.provider.refreshes().len(), 0);
}

/// Lambda takes an answer of six mebibytes, as a text in a text: what was done must not end as somebody else's error.
#[tokio::test]
async fn an_answer_that_would_not_fit_as_json_comes_as_bytes() {
    let called = Called::new().await;
    let quotes = format!("[{}\"\"]", "\"\",".repeat(1_300_000));
    called.api.answer(200, &[("content-type", "application/json")], &quotes);
    let answer = called.call(&json!({"path": "/x"})).await;
    let told = answer.expect(200);
    assert_told(&told, true, 200, "quotes");
    assert_eq!((&told["data"], &told["content_type"]), (&json!(null), &json!("application/json")));
    assert!(serde_json::to_string(&answer.text).unwrap().len() < 6 * 1024 * 1024);
}

#[tokio::test]
async fn a_refresh_that_fails_for_now_leaves_the_answer_of_the_api() {
    let called = Called::new().await;
    let token = called.world.access_token(&called.connector, "alice").await;
    called.api.refuse(&token);
    called.world.provider.fail_with(503, &[], "");
    let told = called.call(&json!({"method": "POST", "path": "/x"})).await.expect(200);
    assert_told(&told, false, 401, "the API's own");
    assert_eq!(told["data"], json!({"error": "invalid_token"}));
    assert_eq!(called.api.take().len(), 1);
    called.api.next(Reply::HangUp);
    let broken = called.call(&json!({"method": "POST", "path": "/x"})).await.expect(200);
    assert_eq!(broken["phase"], "sent_unconfirmed");
    assert_eq!(called.api.take().len(), 1, "a broken connection is no refused token");
}

/// No rule keeps a server from these. What comes back is what it said, or nothing.
#[tokio::test]
async fn an_answer_that_hardly_anybody_gives_is_told_as_what_it_is() {
    let called = Called::new().await;
    for (head, body, status, data) in [
        ("HTTP/1.0 200 OK\r\ncontent-type: text/plain", "to the end", 200, json!("to the end")),
        ("HTTP/1.1 999 Request denied\r\ncontent-length: 2", "no", 999, json!("no")),
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade", "", 101, json!(null)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2", "ok", 200, json!("ok")),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: set-cookie",
            "2\r\nok\r\n0\r\nset-cookie: canary\r\n\r\n",
            200,
            json!("ok"),
        ),
        ("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6", "<html>", 200, json!("<html>")),
        ("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2", " \n", 200, json!(" \n")),
    ] {
        let told = called.told("POST", head, body.as_bytes()).await;
        assert_told(&told, status == 200, status, head);
        assert_eq!(told["data"], data, "{head}");
        assert!(!told.to_string().contains("canary"), "{told}");
    }
    let wide: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let kind = "application/json; charset=utf-16le";
    let told = called.told("GET", &format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}"), &wide).await;
    assert_told(&told, true, 200, kind);
    assert_eq!((&told["data"], &told["content_type"]), (&json!(null), &json!(kind)));
    assert_eq!(told["data_base64"], json!(base64::prelude::BASE64_STANDARD.encode(&wide)));
    called.api.take();
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3",
        "HTTP/1.1 200 OK\r\ncontent-length: +2",
        "HTTP/1.1 20 OK",
        "HTTP/0.9",
        "<html>",
    ] {
        called.api.raw(head, b"ok!");
        let told = called.call(&json!({"method": "POST", "path": "/x"})).await.expect(200);
        assert_eq!((&told["phase"], &told["status_code"]), (&json!("sent_unconfirmed"), &json!(null)), "{head}");
        assert_eq!(called.api.take().len(), 1, "{head}");
    }
}
