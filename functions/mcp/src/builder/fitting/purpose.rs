//! Which providers suit a purpose: by whose name is in it, and by what kind of thing it is about.

use connectors::domain::provider::Provider;

/// Words of any purpose, one a line, which say nothing about a provider. Some providers are called so, and so they are data
/// and no code: code names no provider.
const SAYS_NOTHING: &str = include_str!("says-nothing.txt");

/// What a purpose is about, in the words of the catalogue's categories.
const KINDS: [(&str, &[&str]); 46] = [
    ("advertisement", &["ads", "advertising"]),
    ("appointment", &["calendar", "scheduling"]),
    ("availability", &["calendar", "scheduling"]),
    ("bookkeeping", &["accounting"]),
    ("bug", &["issues", "code"]),
    ("campaign", &["marketing", "ads"]),
    ("channel", &["chat"]),
    ("commit", &["code"]),
    ("contract", &["e-signature", "legal"]),
    ("deal", &["crm", "sales"]),
    ("document", &["documents", "office", "files"]),
    ("e-mail", &["email"]),
    ("employee", &["hr", "payroll"]),
    ("event", &["calendar", "events"]),
    ("file", &["files", "storage"]),
    ("folder", &["files", "storage"]),
    ("inbox", &["email"]),
    ("invoice", &["accounting", "payments"]),
    ("issue", &["issues", "code"]),
    ("lead", &["crm", "sales"]),
    ("mail", &["email"]),
    ("meeting", &["calendar", "scheduling"]),
    ("message", &["chat"]),
    ("newsletter", &["marketing", "email"]),
    ("order", &["ecommerce"]),
    ("payslip", &["payroll"]),
    ("picture", &["photos"]),
    ("playlist", &["music"]),
    ("questionnaire", &["forms"]),
    ("repo", &["code"]),
    ("repository", &["code"]),
    ("salary", &["payroll"]),
    ("schedule", &["calendar", "scheduling"]),
    ("sheet", &["spreadsheets"]),
    ("shop", &["ecommerce"]),
    ("signature", &["e-signature"]),
    ("sleep", &["health", "fitness"]),
    ("slide", &["presentations"]),
    ("song", &["music"]),
    ("spreadsheet", &["spreadsheets", "office"]),
    ("survey", &["forms"]),
    ("ticket", &["support", "issues"]),
    ("todo", &["tasks"]),
    ("videocall", &["meetings"]),
    ("workout", &["fitness", "health"]),
    ("wiki", &["wiki", "documents"]),
];

/// How short a word may be that is looked for within names.
const SHORTEST: usize = 3;

/// A provider, and how well it suits.
#[derive(Debug, Clone)]
pub(super) struct Suited {
    pub(super) provider: Provider,
    worth: u32,
    /// Whether it is of the kind that the purpose is about, as far as both are known.
    pub(super) is_of_kind: bool,
}

impl Suited {
    /// A provider that was named, and needs no other reason.
    pub(super) fn named(provider: Provider) -> Self {
        Self { provider, worth: 0, is_of_kind: true }
    }
}

/// Providers that a purpose may mean, the likeliest first. Of equal ones the plainest name comes first.
pub(super) fn suited(providers: &[Provider], purpose: &[String]) -> Vec<Suited> {
    let telling: Vec<&str> = purpose.iter().map(|word| singular(word)).filter(|word| tells(word, purpose)).collect();
    let kinds: Vec<(&str, Vec<&str>)> = telling.iter().map(|word| (*word, kinds(word, providers))).collect();
    let has_kind = kinds.iter().any(|(_, kinds)| !kinds.is_empty());
    let mut found: Vec<Suited> = providers.iter().filter_map(|provider| judged(provider, &kinds, has_kind)).collect();
    found.sort_by(|one, other| {
        let plain = |suited: &Suited| suited.provider.id.as_str().len();
        let by_worth = (other.is_of_kind, other.worth).cmp(&(one.is_of_kind, one.worth));
        by_worth.then_with(|| plain(one).cmp(&plain(other))).then_with(|| one.provider.id.cmp(&other.provider.id))
    });
    found
}

fn tells(word: &str, purpose: &[String]) -> bool {
    // A plain word is a name all the same where it is written as a domain, as in `monday.com`.
    let is_domain = || purpose.windows(2).any(|pair| singular(&pair[0]) == word && pair[1] == "com");
    word.chars().count() >= SHORTEST && (!SAYS_NOTHING.lines().any(|plain| plain == word) || is_domain())
}

fn judged(provider: &Provider, kinds: &[(&str, Vec<&str>)], has_kind: bool) -> Option<Suited> {
    let (mut worth, mut is_of_kind) = (0, false);
    for (word, kinds) in kinds {
        let is_kind = provider.categories.iter().any(|category| kinds.contains(&category.as_str()));
        let is_named = is_in_name(provider, word);
        worth += 2 * u32::from(is_named) + u32::from(is_kind);
        is_of_kind |= is_kind || (is_named && !kinds.is_empty());
    }
    if worth > 0 && is_named_whole(provider, kinds) {
        worth += 2;
    }
    let is_unknown_kind = provider.categories.is_empty();
    (worth > 0).then(|| Suited {
        provider: provider.clone(),
        worth,
        is_of_kind: is_of_kind || !has_kind || is_unknown_kind,
    })
}

/// Whether every word of a provider's name is in the purpose: `Slack`, where `Slack bot` is not.
fn is_named_whole(provider: &Provider, said: &[(&str, Vec<&str>)]) -> bool {
    let name = super::super::catalogue::words(&provider.name);
    !name.is_empty() && name.iter().all(|part| said.iter().any(|(word, _)| *word == singular(part)))
}

/// Whether a word is one of a provider's name, or stands within its id as `calendar` does in `googlecalendar`.
fn is_in_name(provider: &Provider, word: &str) -> bool {
    let name = super::super::catalogue::words(&provider.name);
    name.iter().any(|part| singular(part) == word)
        || provider.id.as_str() == word
        || (word.len() > 4 && provider.id.as_str().contains(word))
}

/// The categories that a word stands for.
fn kinds<'a>(word: &str, providers: &'a [Provider]) -> Vec<&'a str> {
    let means = KINDS.iter().find(|(said, _)| *said == word).map(|(_, kinds)| *kinds).unwrap_or_default();
    let mut kinds: Vec<&str> = providers.iter().flat_map(|provider| &provider.categories).map(String::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.retain(|kind| means.contains(kind) || singular(kind) == word);
    kinds
}

/// A word without the ending of several.
pub(super) fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if one.chars().count() >= SHORTEST && !one.ends_with('s') => one,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use connectors::oauth::catalogue::all_described;

    use super::{super::super::catalogue::words, *};

    fn best(purpose: &str) -> String {
        let all: Vec<Provider> = all_described().collect();
        suited(&all, &words(purpose)).first().map(|found| found.provider.id.to_string()).unwrap_or_default()
    }

    #[test]
    fn providers_are_found_by_what_it_is_for() {
        for (purpose, id) in [
            ("put meetings into users' Google calendars", "googlecalendar"),
            ("send the weekly numbers to a Slack channel every monday", "slack"),
            ("read someone's meetings from Outlook", "outlook"),
            ("open issues on GitHub", "github"),
            ("let people pick files from their Dropbox", "dropbox"),
        ] {
            assert_eq!(best(purpose), id, "{purpose}");
        }
        assert_eq!(best("zzzz"), "");
        assert_eq!(best("read and write all of our own data for the team"), "");
    }

    #[test]
    fn a_provider_of_another_kind_does_not_suit_because_it_has_the_same_brand() {
        let all: Vec<Provider> = all_described().collect();
        let found = suited(&all, &words("read someone's meetings in Google calendar"));
        let of_kind = |id: &str| found.iter().any(|found| found.provider.id.as_str() == id && found.is_of_kind);
        assert!(of_kind("googlecalendar") && !of_kind("googledrive"), "{found:?}");
    }
}
