//! What a browser brings back from a provider. Input: a query; then, if it likes, a line with a cookie and one with the end
//! of the path. Names in braces stand for what an input cannot know: `{state}`, `{cookie}`, `{link}`, `{connector}`.
//!
//! Whatever comes, it is answered as a person's mistake at most, sends nobody anywhere but home, and none of its text comes
//! back.

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use url::{Url, form_urlencoded};

use crate::{
    text::first_line,
    world::{RETURN_URL, World},
};

/// Parameters that are added to the address of the app, and nothing else.
const HOME: [&str; 2] = ["session_id", "status"];

/// Takes an input.
pub fn run(input: &[u8]) {
    let Some((query, answer)) = brought_back(&World::get(), input) else { return };
    assert!(!answer.status().is_server_error(), "{answer:?}");
    assert_leads_home(&answer);
    assert_says_nothing_of(&query, &answer);
}

/// The query, and what was answered to it; nothing if no server would have taken the request.
fn brought_back(world: &World, input: &[u8]) -> Option<(String, Response<String>)> {
    let (query, rest) = first_line(input);
    let (cookie, rest) = first_line(rest);
    let (path, _) = first_line(rest);
    let path = if path.is_empty() { "{connector}".into() } else { path };
    let query = world.filled(&query);
    let request = Request::get(world.filled(&format!("/api/external-auth/callback/{path}?{query}")));
    let request = request.header(header::COOKIE, world.filled(&cookie)).body(Body::empty()).ok()?;
    Some((query, world.ask(request)))
}

/// A redirect goes to the app, and says only which session it was and how it stands.
fn assert_leads_home(answer: &Response<String>) {
    let Some(location) = answer.headers().get(header::LOCATION) else {
        return assert!(answer.status().is_client_error(), "{answer:?}");
    };
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
    let location = Url::parse(location.to_str().unwrap()).unwrap();
    let names: Vec<_> = location.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, HOME, "{location}");
    assert_eq!(format!("{}{}", location.origin().ascii_serialization(), location.path()), RETURN_URL, "{location}");
    assert!(location.fragment().is_none_or(|fragment| fragment.starts_with("handle=")), "{location}");
}

fn assert_says_nothing_of(query: &str, answer: &Response<String>) {
    let headers = format!("{:?}", answer.headers());
    for (_, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| is_peculiar(value)) {
        assert!(!answer.body().contains(&*value) && !headers.contains(&*value), "{value:?} comes back: {answer:?}");
    }
}

/// Whether a text could be in an answer for no other reason than that it was in the request.
fn is_peculiar(text: &str) -> bool {
    text.len() >= 12 && !text.chars().all(|c| c.is_ascii_alphabetic() || " -_'=:;,./".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_session_is_reached() {
        let world = World::get();
        for (input, expected) in [
            ("code=given&state={state}", "status=awaiting_finish"),
            ("code=given&state={state}\n{cookie}", "status=completed"),
            ("error=access_denied&state={state}", "status=denied"),
            ("error=other&state={state}", "status=failed"),
            ("code=given&state={link}\n{link-cookie}", "status=awaiting_finish"),
            ("code=given&state={link}", "session_user_mismatch"),
            ("code=given&state={parked}", "session_expired"),
            ("code=given&state={refused}", "session_expired"),
            ("code=given&state={state}\n\n{other}", "state_mismatch"),
            ("state={state}", "invalid_request"),
        ] {
            let (_, answer) = brought_back(&world, input.as_bytes()).expect("an answer");
            let said = format!("{:?} {}", answer.headers(), answer.body());
            assert!(said.contains(expected), "{input}: {said}");
        }
    }
}
