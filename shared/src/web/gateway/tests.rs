use axum::{
    Extension,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::AppendHeaders,
    routing::{get, post},
};
use serde_json::json;

use super::*;

const ROUTE: &str = "/api/apps/{app}/connectors/{id}/token";

fn event(route: &str, values: &Value, raw_path: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("GET {route}"),
        "rawPath": raw_path,
        "rawQueryString": "",
        "headers": { "host": "example.com" },
        "requestContext": { "http": { "method": "GET", "path": raw_path }, "stage": "$default" },
        "pathParameters": values,
        "isBase64Encoded": false,
    })
}

/// A function with two routes, of which one says what it was given.
async fn answered(event: Value) -> (StatusCode, String) {
    let shown = |Path(values): Path<Vec<(String, String)>>| async move {
        values.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    let routes = Router::new().route(ROUTE, get(shown)).route("/api/apps/{app}/secret", get(async || "another route"));
    let answer = answer(routes, event).await.unwrap();
    let status = StatusCode::from_u16(answer["statusCode"].as_u64().unwrap().try_into().unwrap()).unwrap();
    (status, answer["body"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_host_arrives_as_the_caller_meant_it() {
    let shown = |headers: HeaderMap| async move {
        headers.get(header::HOST).map(|host| host.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let routes = Router::new().route("/", get(shown));
    for (headers, expected) in [
        (json!({"host": "connect.example"}), "connect.example"),
        (json!({"Host": "connect.example:8443"}), "connect.example:8443"),
        (json!({}), ""),
    ] {
        let mut event = event("/", &json!({}), "/");
        event["headers"] = headers;
        assert_eq!(answer(routes.clone(), event).await.unwrap()["body"], expected);
    }
}

#[tokio::test]
async fn the_gateways_own_name_is_told_apart_from_the_one_that_the_caller_wrote() {
    let shown = |own: Option<Extension<OwnHost>>| async { own.map(|Extension(OwnHost(own))| own).unwrap_or_default() };
    let routes = Router::new().route("/", get(shown));
    let mut event = event("/", &json!({}), "/");
    assert_eq!(answer(routes.clone(), event.clone()).await.unwrap()["body"], "");
    event["requestContext"]["domainName"] = json!("a1.execute-api.eu-west-1.amazonaws.com");
    assert_eq!(answer(routes, event).await.unwrap()["body"], "a1.execute-api.eu-west-1.amazonaws.com");
}

#[tokio::test]
async fn an_id_arrives_as_it_was_sent_whatever_the_gateway_decoded() {
    for id in ["con_1", "a/b", "a?b=c", "a#b", "a b", "..", ".", "ü✓", "100%", "%2F", "{app}", "a;b=c", "a+b", "a\u{0}"]
    {
        let raw = format!("/api/apps/app_1/connectors/{id}/token");
        let answer = answered(event(ROUTE, &json!({ "app": "app_1", "id": id }), &raw)).await;
        assert_eq!(answer, (StatusCode::OK, format!("app=app_1&id={id}")), "{id:?}");
    }
}

#[tokio::test]
async fn no_id_leads_to_another_route() {
    for id in ["../../secret", "..", "x/../../secret?", "/secret", "../secret#"] {
        let raw = format!("/api/apps/app_1/connectors/{id}/token");
        let (_, body) = answered(event(ROUTE, &json!({ "app": "app_1", "id": id }), &raw)).await;
        assert_eq!(body, format!("app=app_1&id={id}"), "{id:?}");
        let (_, body) = answered(event(ROUTE, &Value::Null, &raw)).await;
        assert!(body != "another route", "{id:?}");
    }
}

#[test]
fn a_path_that_its_route_and_values_do_not_make_up_stays_as_it_arrived() {
    let values =
        |id: &str| Some(BTreeMap::from([("app".to_owned(), "app_1".to_owned()), ("id".to_owned(), id.to_owned())]));
    for (route_key, values, raw, expected) in [
        ("GET /a/{id}", values("x/y"), "/a/x%2Fy", "/a/x%2Fy"),
        ("GET /a/{id}", values("x"), "/a/y", "/a/y"),
        ("GET /a/{other}", values("x"), "/a/x", "/a/x"),
        ("GET /a/{id+}", values("x y/z"), "/a/x y/z", "/a/x%20y/z"),
        ("GET /a", None, "/a", "/a"),
        ("$default", None, "/a b/../ü?c#d", "/a%20b/../%C3%BC%3Fc%23d"),
        ("", values("x"), "/a", "/a"),
    ] {
        assert_eq!(path(route_key, values.as_ref(), raw), expected, "{route_key} {raw}");
    }
}

#[tokio::test]
async fn no_event_makes_the_function_panic() {
    let hostile = [
        "",
        "*",
        "no-slash",
        "//host/path",
        "/\u{7f}\n\r\t",
        "/\"<>\\^`{|}",
        "http://other/",
        "/%",
        "/%zz",
        "/\u{fffd}",
    ];
    let routes = || Router::new().route("/a", get(async || "a"));
    for text in hostile {
        let mut event = event(ROUTE, &json!({ "app": text, "id": text }), text);
        event["rawQueryString"] = text.into();
        event["headers"] = json!({ "x-a": text, "host": text, "x-forwarded-proto": text });
        event["cookies"] = json!([text, "a=b"]);
        if let Ok(answer) = answer(routes(), event).await {
            assert_eq!(answer["statusCode"], 404, "{text:?}");
        }
    }
    let long = "x".repeat(70_000);
    assert!(answer(routes(), event(ROUTE, &Value::Null, &format!("/{long}"))).await.is_err());
    for broken in [json!({}), json!({ "requestContext": {} }), json!({ "requestContext": null, "rawPath": "/" })] {
        assert!(answer(routes(), broken).await.is_err());
    }
    let mut body = event("/a", &Value::Null, "/a");
    (body["body"], body["isBase64Encoded"]) = ("no base64!".into(), true.into());
    assert!(answer(routes(), body).await.is_err());
}

#[tokio::test]
async fn query_headers_cookies_and_body_arrive_whole() {
    let mut event = event("/a", &Value::Null, "/a");
    event["requestContext"]["http"]["method"] = "POST".into();
    event["rawQueryString"] = "code=4%2F0A&state=a b\"c&x=?".into();
    event["cookies"] = json!(["__Host-connect-a=1", "b=2"]);
    event["headers"]["x-list"] = "1,2".into();
    (event["body"], event["isBase64Encoded"]) = ("eyJhIjoxfQ==".into(), true.into());
    let echo = async |uri: Uri, headers: HeaderMap, body: String| {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        [uri.to_string(), header("cookie"), header("x-list"), body].join("\n")
    };
    let answer = answer(Router::new().route("/a", post(echo)), event).await.unwrap();
    let expected = "/a?code=4%2F0A&state=a%20b%22c&x=?\n__Host-connect-a=1; b=2\n1,2\n{\"a\":1}";
    assert_eq!(answer["body"], expected);
}

#[tokio::test]
async fn a_header_of_other_letters_than_ascii_keeps_nobody_out() {
    let shown = |headers: HeaderMap| async move { headers["x-name"].as_bytes().to_vec() };
    let mut event = event("/a", &Value::Null, "/a");
    event["headers"] = json!({"x-name": "Zoë", "not a name": "x", "x-broken": "a\u{0}b"});
    let answer = answer(Router::new().route("/a", get(shown)), event).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!(BASE64_STANDARD.encode("Zoë"))));
}

#[tokio::test]
async fn several_headers_of_one_name_arrive_as_one_and_none_is_lost() {
    let headers = [(header::VARY, "origin"), (header::VARY, "accept-encoding"), (header::LINK, "<a>")];
    let routes = Router::new().route("/a", get(async move || (AppendHeaders(headers), "a")));
    let answer = answer(routes, event("/a", &Value::Null, "/a")).await.unwrap();
    assert_eq!(answer["headers"]["vary"], "origin, accept-encoding");
    assert_eq!((&answer["headers"]["link"], &answer["cookies"]), (&json!("<a>"), &json!([])));
}

#[tokio::test]
async fn an_answer_keeps_each_cookie_and_what_is_no_text() {
    let cookies = [(header::SET_COOKIE, "a=1; Secure"), (header::SET_COOKIE, "b=2"), (header::VARY, "origin")];
    let handler = async move || (StatusCode::CREATED, AppendHeaders(cookies), vec![0xff, 0x00]);
    let answer = answer(Router::new().route("/a", get(handler)), event("/a", &Value::Null, "/a")).await.unwrap();
    assert_eq!(answer["statusCode"], 201);
    assert_eq!(answer["cookies"], json!(["a=1; Secure", "b=2"]));
    assert_eq!(answer["headers"]["vary"], "origin");
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
}

#[tokio::test]
async fn an_answer_of_another_alphabet_arrives_byte_for_byte() {
    let latin = b"caf\xe9".to_vec();
    for (kind, body, expected) in [
        ("text/plain; charset=iso-8859-1", latin.clone(), json!([BASE64_STANDARD.encode(&latin), true])),
        ("text/plain; charset=utf-16", b"ab".to_vec(), json!(["ab", false])),
        ("application/problem+json; charset=utf-8", "\u{feff}{}".into(), json!(["\u{feff}{}", false])),
        ("image/png", b"png".to_vec(), json!([BASE64_STANDARD.encode("png"), true])),
    ] {
        let handler = async move || ([(header::CONTENT_TYPE, kind)], body);
        let answer = answer(Router::new().route("/a", get(handler)), event("/a", &Value::Null, "/a")).await.unwrap();
        assert_eq!(json!([answer["body"], answer["isBase64Encoded"]]), expected, "{kind}");
    }
}

#[tokio::test]
async fn what_is_compressed_is_no_text() {
    let headers = [(header::CONTENT_TYPE, "text/css"), (header::CONTENT_ENCODING, "gzip")];
    let handler = async move || (headers, "squeezed");
    let answer = answer(Router::new().route("/a", get(handler)), event("/a", &Value::Null, "/a")).await.unwrap();
    assert_eq!(
        (&answer["body"], &answer["isBase64Encoded"]),
        (&json!(BASE64_STANDARD.encode("squeezed")), &json!(true))
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let handler = async || {
        let parts = futures::stream::iter([Ok("half"), Err(std::io::Error::other("gone"))]);
        axum::body::Body::from_stream(parts)
    };
    let answer = answer(Router::new().route("/a", get(handler)), event("/a", &Value::Null, "/a")).await;
    assert_eq!(answer, Err(Unanswered::BrokenOff));
}

#[tokio::test]
async fn a_method_arrives_as_it_was_sent() {
    let shown = |method: Method| async move { method.to_string() };
    let routes = Router::new().route("/a", axum::routing::any(shown));
    for (method, expected) in
        [("DELETE", Some("DELETE")), ("get", Some("get")), ("PROPFIND", Some("PROPFIND")), ("", None)]
    {
        let mut event = event("/a", &Value::Null, "/a");
        event["requestContext"]["http"]["method"] = method.into();
        let answer = answer(routes.clone(), event).await.ok();
        assert_eq!(answer.map(|answer| answer["body"].as_str().unwrap().to_owned()).as_deref(), expected);
    }
}
