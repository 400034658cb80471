//! A user at the demo authorization server: opens its page, allows what is asked for, is sent back.

use reqwest::{Client, StatusCode, header};

/// Where the server sends the browser after the user has allowed everything: the callback with its code.
pub async fn allow(client: &Client, authorization_url: &str) -> String {
    let page = client.get(authorization_url).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "the consent page");
    let cookie = page.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let decision = page.url().join("/demo-provider/authorize/decision").unwrap();
    let html = page.text().await.unwrap();
    let request = html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = format!(
        "request={request}&account=1001&allow.profile=on&allow.events.read=on&allow.events.write=on&decision=allow"
    );
    let answer = client.post(decision).header(header::COOKIE, cookie);
    let answer = answer.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "back to the app");
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}
