//! Reads whose account an answer names: that to an identity request, or that with the tokens in it.

use http::Response;
use serde_json::Value;

use super::{AccountError, error::is_passing, wire};
use crate::domain::{
    account::Account,
    provider::{Identity, Path, first},
};

/// Reads the answer to a provider's identity request.
///
/// # Errors
/// [`AccountError`] if it does not tell whose account it is.
pub fn account_of_answer(identity: &Identity, answer: &Response<Vec<u8>>) -> Result<Account, AccountError> {
    if is_passing(answer.status()) {
        return Err(AccountError::Passing);
    }
    let value = Some(answer).filter(|answer| answer.status().is_success());
    let value = value.and_then(|answer| wire::object(answer.body())).ok_or(AccountError::Unreadable)?;
    account(identity, &value).ok_or(AccountError::Unreadable)
}

/// Reads the answer; without every part of the id there is no account.
pub(super) fn account(identity: &Identity, answer: &Value) -> Option<Account> {
    if identity.success.as_ref().is_some_and(|success| !success.holds(answer)) {
        return None;
    }
    let parts: Option<Vec<String>> = identity.id.iter().map(|path| path.find(answer).and_then(text)).collect();
    let found = |paths: &[Path]| first(paths, answer).and_then(text);
    let account = Account::new(&parts?.join(":"))?;
    Some(
        account
            .with_label(found(&identity.label).as_deref())
            .with_email(found(&identity.email).as_deref())
            .with_avatar(found(&identity.avatar).as_deref()),
    )
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{domain::provider::ProviderType, oauth::catalogue};

    fn identity(id: &str) -> &'static Identity {
        let provider = catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue");
        provider.identity.as_ref().expect("an identity request")
    }

    #[test]
    fn each_provider_tells_it_in_its_own_way() {
        for (provider, answer, id, label) in [
            ("googlecalendar", json!({"sub": "107", "email": "a@x.example"}), "107", Some("a@x.example")),
            ("github", json!({"id": 583_231, "login": "octocat", "email": null}), "583231", Some("octocat")),
            (
                "hubspot",
                json!({"active": true, "hub_id": 7, "user_id": 9, "user": "a@x.example"}),
                "7:9",
                Some("a@x.example"),
            ),
            ("slack", json!({"ok": true, "team_id": "T1", "user_id": "U1", "team": "Acme"}), "T1:U1", Some("Acme")),
            (
                "notion",
                json!({"bot": {"workspace_name": "Acme", "owner": {"user": {"id": "u-1", "person": {"email": "a@x.example"}}}}}),
                "u-1",
                Some("Acme"),
            ),
        ] {
            let account = account(identity(provider), &answer).expect(provider);
            assert_eq!((account.id.as_str(), account.label.as_deref()), (id, label), "{provider}");
        }
    }

    #[test]
    fn an_answer_without_the_whole_id_names_no_account() {
        for (provider, answer) in [
            ("slack", json!({"ok": false, "team_id": "T1", "user_id": "U1"})),
            ("slack", json!({"ok": true, "user_id": "U1"})),
            ("hubspot", json!({"active": false, "hub_id": 7, "user_id": 9})),
            ("github", json!({"id": {"a": 1}})),
            ("googlecalendar", json!({"sub": ""})),
        ] {
            assert_eq!(account(identity(provider), &answer), None, "{provider}: {answer}");
        }
    }
}
