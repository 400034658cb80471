//! What operations are called, and which of them belong together.

use serde_json::{Value, json};

use crate::{by_hand, handler::Handler, routes::Route, sources::documentation};

/// How a path begins, what it is about then, and what that is. The first that fits counts.
const ROOMS: [(&str, &str, &str); 9] = [
    (
        "/api/apps/{app}/app-user-auth",
        "An app's users",
        "Who connects, finishes, looks and disconnects: users themselves, by their own token.",
    ),
    ("/api/apps/", "An app's backend", "What an app's server asks for, with a service key: tokens, calls, links."),
    ("/oauth/", "An app's backend", ""),
    (
        "/api/workspace/",
        "A workspace's admins",
        "What a workspace owns: connectors, apps, keys, policies, and its end.",
    ),
    (
        "/api/external-auth/",
        "Providers' browsers",
        "Where providers send people back to, and fetch a connector's public keys.",
    ),
    ("/api/", "The catalogue", "The providers that come with it, the same for everybody."),
    ("/connect/{session}", "Links", "The page of a link, and what it asks for."),
    ("/mcp/", "Assistants", "What speaks the Model Context Protocol, and who gives tokens for it."),
    ("/.well-known/", "Assistants", ""),
];

/// What everything else is.
const PAGES: (&str, &str) = ("Pages", "Pages, scripts and this description.");

/// What is sent to receivers.
const EVENTS: (&str, &str) = ("Events", "What a workspace's webhooks are sent.");

/// The tags of the document.
pub(crate) fn tags() -> Value {
    let named =
        ROOMS.iter().map(|(_, name, about)| (*name, *about)).chain([PAGES]).filter(|(_, about)| !about.is_empty());
    let named = named.chain([EVENTS]);
    named.map(|(name, about)| json!({ "name": name, "description": about })).collect()
}

/// The tag of a path.
pub(crate) fn room(path: &str) -> &'static str {
    ROOMS.iter().find(|(begin, ..)| path.starts_with(begin)).map_or(PAGES.0, |(_, room, _)| room)
}

/// What an operation does: the first sentence of what stands above its handler, and all of it.
pub(crate) fn sentences(route: &Route<'_>, handler: Option<&Handler<'_>>) -> Option<(String, String)> {
    if let Some(sentence) = by_hand::sentence(&route.method, &route.path) {
        return Some((sentence.to_owned(), format!("{sentence}.")));
    }
    let written = documentation(&handler?.function.attrs)?;
    let first = written.split_once(". ").map_or(written.as_str(), |(first, _)| first);
    Some((first.trim_end_matches('.').to_owned(), written.clone()))
}

/// The method, and what the path names: `get_workspace_apps_keys`. A version that stands in a name is none of it.
pub(crate) fn id(route: &Route<'_>) -> String {
    let words = |segment: &str| {
        let segment =
            if segment.starts_with("connect-") && segment.contains('.') { "connect_versioned_js" } else { segment };
        segment.trim_start_matches('.').replace(['-', '.'], "_")
    };
    let ends_in_name = route.path.ends_with('}');
    let segments = route.path.split('/').filter(|segment| !segment.is_empty() && *segment != "api");
    let named: Vec<String> = segments.filter(|segment| !segment.starts_with('{')).map(words).collect();
    format!("{}_{}{}", route.method, named.join("_"), if ends_in_name { "_one" } else { "" })
}
