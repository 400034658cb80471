//! The cookie that binds a session to a browser.
//!
//! Its name begins with `__Host-`: browsers take it only over a secure connection (`http://localhost` counts as one),
//! for this host alone, and no subdomain can plant one. Each session has its own, so that two open at once do not
//! disturb each other.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};

use crate::domain::{
    secret::{BrowserBinding, Secret},
    session::{SESSION_LIFE, SessionId},
};

/// The header that gives the browser its cookie for this session.
#[must_use]
pub fn bind(session: &SessionId, secret: &Secret<BrowserBinding>) -> Option<HeaderValue> {
    let life = cookie::time::Duration::try_from(SESSION_LIFE).unwrap_or(cookie::time::Duration::ZERO);
    header_value(&cookie(session, secret.expose().to_owned(), life))
}

/// The header that takes the browser's cookie for this session back.
#[must_use]
pub fn unbind(session: &SessionId) -> Option<HeaderValue> {
    header_value(&cookie(session, String::new(), cookie::time::Duration::ZERO))
}

/// What the browser remembers for this session.
#[must_use]
pub fn shown(headers: &HeaderMap, session: &SessionId) -> Option<Secret<BrowserBinding>> {
    let name = name(session);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| Cookie::split_parse(line).flatten());
    cookies.find(|cookie| cookie.name() == name).map(|cookie| Secret::new(cookie.value()))
}

fn cookie(session: &SessionId, value: String, life: cookie::time::Duration) -> Cookie<'static> {
    Cookie::build((name(session), value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(life)
        .build()
}

fn name(session: &SessionId) -> String {
    let tail: String = session.as_str().chars().skip("ses_".len()).take(16).collect();
    format!("__Host-connect-{tail}")
}

fn header_value(cookie: &Cookie<'static>) -> Option<HeaderValue> {
    HeaderValue::from_str(&cookie.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::State;

    fn session(state: &str) -> SessionId {
        SessionId::of_state(&Secret::<State>::new(state))
    }

    #[test]
    fn a_browser_shows_what_it_was_given_for_that_session_only() {
        let given = bind(&session("a"), &Secret::new("value-1")).unwrap();
        let pair = given.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("other=1; {pair}")).unwrap());
        assert_eq!(shown(&headers, &session("a")).unwrap().expose(), "value-1");
        assert!(shown(&headers, &session("b")).is_none());
    }

    #[test]
    fn the_cookie_is_for_this_host_and_not_for_scripts() {
        let given = bind(&session("a"), &Secret::new("v")).unwrap();
        let text = given.to_str().unwrap();
        assert!(text.starts_with("__Host-connect-"), "{text}");
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
            assert!(text.contains(attribute), "{attribute}: {text}");
        }
        assert!(!text.contains("Domain"), "{text}");
    }
}
