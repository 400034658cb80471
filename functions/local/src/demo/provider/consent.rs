//! The page that asks the user: which app, which account, which permissions.

use axum::{
    http::{HeaderName, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    calendar::{ACCOUNTS, Account},
    client::Client,
    scope::Scope,
};

/// Own styles, no script, in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The name of the checkbox of a scope.
pub(super) fn field(scope: Scope) -> String {
    format!("allow.{}", scope.name())
}

/// The question to the user. `hint` is the account they are expected to choose; `token` comes back with their decision.
pub(super) fn page(client: &Client, scopes: &[Scope], hint: Option<&str>, token: &str) -> Response {
    let (accounts, permissions) = (accounts(hint), permissions(scopes));
    let app = escape(&client.name);
    let token = escape(token);
    document(
        &format!("Allow {app}?"),
        &format!(
            r#"<h1>Let <em>{app}</em> use your calendar?</h1>
<form method="post" action="/demo-provider/authorize/decision">
<input type="hidden" name="request" value="{token}">
<fieldset><legend>Continue as</legend>{accounts}</fieldset>
<fieldset><legend>{app} may</legend>{permissions}</fieldset>
<p class="note">Untick what you do not want to allow. You can take it back at any time by disconnecting in the app.</p>
<div class="buttons">
<button id="deny" name="decision" value="deny">Deny</button>
<button id="allow" name="decision" value="allow" class="primary">Allow</button>
</div>
</form>"#
        ),
    )
}

fn accounts(hint: Option<&str>) -> String {
    let preferred = ACCOUNTS.iter().position(|account| hint == Some(account.email)).unwrap_or(0);
    let choice = |(index, account): (usize, &Account)| {
        let checked = if index == preferred { " checked" } else { "" };
        format!(
            r#"<label class="choice"><input type="radio" name="account" value="{}"{checked}>
<span><strong>{}</strong><br><small>{}</small></span></label>"#,
            account.id, account.name, account.email
        )
    };
    ACCOUNTS.iter().enumerate().map(choice).collect()
}

fn permissions(scopes: &[Scope]) -> String {
    let choice = |scope: &Scope| {
        let (field, meaning, name) = (field(*scope), scope.meaning(), scope.name());
        format!(
            r#"<label class="choice"><input type="checkbox" name="{field}" value="on" checked>
<span>{meaning}<br><code>{name}</code></span></label>"#
        )
    };
    scopes.iter().map(choice).collect()
}

/// A request that goes nowhere.
pub(super) fn refusal(sentence: &str) -> Response {
    document("Not possible", &format!("<h1>This does not work</h1>\n<p>{}</p>", escape(sentence)))
}

/// `GET /consent.css`
pub(super) async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("consent.css")).into_response()
}

fn document(title: &str, main: &str) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Demo Calendar</title>
<link rel="stylesheet" href="/demo-provider/consent.css">
</head>
<body>
<main>
<p class="brand"><span class="leaf" aria-hidden="true"></span>Demo Calendar</p>
{main}
</main>
<footer>A demo authorization server on this machine. No account, no password, no mail.</footer>
</body>
</html>
"#
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (headers, Html(html)).into_response()
}

/// Text as it may stand in HTML, between tags and in a quoted attribute.
fn escape(text: &str) -> String {
    let escaped = |character| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}
