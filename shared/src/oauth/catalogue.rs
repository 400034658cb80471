//! The providers that come with the product: `providers/*.toml`, checked and compiled in by the build script in two
//! parts: what functions need to work with a provider, and what people are told of it.

use std::sync::OnceLock;

use serde_json::Value;

use crate::domain::provider::{Provider, ProviderType, merged};

/// One provider, as text until somebody asks for it: a cold start parses none.
struct Entry {
    id: &'static str,
    json: &'static str,
    provider: OnceLock<Option<Provider>>,
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

impl Entry {
    const fn new(id: &'static str, json: &'static str) -> Self {
        Self { id, json, provider: OnceLock::new() }
    }

    /// The provider. The build script has read the same text by the same rules.
    fn provider(&self) -> Option<&Provider> {
        self.provider.get_or_init(|| serde_json::from_str(self.json).ok()).as_ref()
    }
}

/// The provider of this name, if the product comes with it; without what is for people only.
#[must_use]
pub fn find(id: &ProviderType) -> Option<&'static Provider> {
    ENTRIES.iter().find(|entry| entry.id == id.as_str())?.provider()
}

/// The provider of this name with everything that people are told of it. Only a function that calls this, or
/// [`all_described`], carries those texts.
#[must_use]
pub fn find_described(id: &ProviderType) -> Option<Provider> {
    let index = ENTRIES.iter().position(|entry| entry.id == id.as_str())?;
    described(&ENTRIES[index], TEXTS[index])
}

/// All of them with everything that people are told of them, by name.
pub fn all_described() -> impl Iterator<Item = Provider> {
    ENTRIES.iter().zip(TEXTS).filter_map(|(entry, texts)| described(entry, texts))
}

fn described(entry: &Entry, texts: &str) -> Option<Provider> {
    let data: Value = serde_json::from_str(entry.json).ok()?;
    let texts: Value = serde_json::from_str(texts).ok()?;
    Provider::from_value(&merged(data, texts)).ok()
}

/// All of them, by name; without what is for people only.
pub fn all() -> impl Iterator<Item = &'static Provider> {
    ENTRIES.iter().filter_map(Entry::provider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::scopes::Scopes, oauth::ProviderClient};

    fn provider(id: &str) -> &'static Provider {
        find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue")
    }

    fn scopes(raw: &str) -> Scopes {
        Scopes::parse(raw.split_whitespace()).expect("scopes")
    }

    /// The names that `@base44/sdk` lists.
    const OF_SDK: &str = "airtable bamboohr box calendly clickup contentful databricks discord dropbox github gitlab \
        gmail googleads google_analytics googlebigquery googlecalendar google_classroom googledocs googledrive \
        googlemeet google_search_console googlesheets googleslides googletasks hubspot hugging_face instagram linear \
        linkedin microsoft_teams notion one_drive outlook quickbooks salesforce share_point slack slackbot snowflake \
        splitwise square supabase tiktok typeform wix wrike";

    #[test]
    fn every_type_of_the_sdk_is_there_under_its_name() {
        let types: Vec<&str> = OF_SDK.split_whitespace().collect();
        assert_eq!(types.len(), 46);
        for id in types {
            assert_eq!(provider(id).id.as_str(), id);
        }
    }

    #[test]
    fn every_entry_can_be_read_with_its_texts() {
        assert!(ENTRIES.len() >= 240, "{} entries", ENTRIES.len());
        assert_eq!(all().count(), ENTRIES.len());
        assert_eq!(all_described().count(), ENTRIES.len());
    }

    #[test]
    fn every_entry_tells_a_person_how_to_set_it_up() {
        for provider in all_described() {
            let is_told = provider.setup.as_ref().is_some_and(|setup| setup.len() > 80);
            assert!(is_told || provider.unavailable.is_some(), "{}", provider.id);
            assert!(provider.docs_url.is_some(), "{}", provider.id);
            let suggests = !provider.suggested_scopes.is_empty();
            assert!(provider.authorize.scope.send || !suggests, "{}: scopes are not asked for", provider.id);
        }
    }

    #[test]
    fn every_endpoint_may_be_spoken_to_where_this_is_deployed() {
        for provider in all_described() {
            assert_eq!(ProviderClient::default().refused_endpoints(&provider), [], "{}", provider.id);
        }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_provider() {
        for provider in &all_described().collect::<Vec<_>>() {
            let written = serde_json::to_string(provider).expect("JSON");
            assert_eq!(serde_json::from_str::<Provider>(&written).expect("reads back"), *provider);
        }
    }

    #[test]
    fn a_scope_that_was_granted_by_another_name_is_not_missing() {
        for (id, wanted, granted, missing) in [
            ("googlecalendar", "email", "https://www.googleapis.com/auth/userinfo.email", ""),
            ("googlecalendar", "openid email", "openid", "email"),
            ("github", "user:email repo", "user", "repo"),
            ("slack", "chat:write", "chat:write", ""),
            ("notion", "anything", "", ""),
        ] {
            assert_eq!(provider(id).missing(&scopes(wanted), &scopes(granted)), scopes(missing), "{id}: {wanted}");
        }
    }

    #[test]
    fn a_refresh_token_counts_as_used_up_unless_it_is_known_to_stay() {
        for (id, rotates) in
            [("github", true), ("notion", true), ("slack", true), ("hubspot", false), ("googlecalendar", false)]
        {
            assert_eq!(provider(id).rotates(), rotates, "{id}");
        }
    }
}
