//! Whether a call that reads by its method reads only. Some APIs take another method from the query, and some do everything
//! by GET: whoever lets an agent look has not let it change anything.

use connectors::{
    domain::{call::Call, fields::Table, provider::Provider},
    web::Problem,
};

/// How the names of what only looks begin, where a path names what is to be done and GET does all of it too.
const LOOKS: [&str; 11] =
    ["get", "history", "identity", "info", "is", "list", "lookup", "members", "replies", "search", "test"];

/// Refuses what would not only read: by its method, a body, or a query that names another method.
pub(super) fn refuse_changes(arguments: &Table<'_>, call: &Call) {
    if arguments.has("body") {
        arguments.refuse("body", "is not sent by what reads: use call_api_write");
    }
    if !call.method.is_safe() {
        arguments.refuse("method", "writes: use call_api_write");
    } else if !call.is_safe() {
        arguments.refuse("query", "names a method that changes something: use call_api_write");
    }
}

/// What a call does, where the last part of its path may be a name for that, as in `/chat.postMessage`.
pub(super) fn deed(call: &Call) -> Option<&str> {
    let last = call.path.as_str().rsplit('/').find(|part| !part.is_empty())?;
    last.rsplit_once('.').map(|(_, deed)| deed)
}

/// Refuses what changes something at this provider, by GET too.
pub(super) fn refuse_deed(provider: &Provider, deed: &str) -> Result<(), Problem> {
    let deed = deed.to_ascii_lowercase();
    let looks = LOOKS.iter().any(|start| deed.starts_with(start));
    if !provider.api.acts_by_name || looks {
        return Ok(());
    }
    let detail = "may change something, though it is called by GET: use call_api_write with POST";
    Err(Problem::invalid_field("/path", detail))
}

#[cfg(test)]
mod tests {
    use connectors::{domain::provider::ProviderType, oauth::catalogue};

    use super::*;

    #[test]
    fn what_changes_something_by_get_is_not_read() {
        let provider = |id: &str| catalogue::find(&ProviderType::parse(id).unwrap()).unwrap();
        let is_read = |id: &str, deed: &str| refuse_deed(provider(id), deed).is_ok();
        for (provider, deed, expected) in [
            ("slack", "list", true),
            ("slack", "lookupByEmail", true),
            ("slack", "postMessage", false),
            ("slack", "%64elete", false),
            ("vk", "getById", true),
            ("vk", "post", false),
            ("googlecalendar", "json", true),
        ] {
            assert_eq!(is_read(provider, deed), expected, "{provider} {deed}");
        }
    }
}
