//! Secrets have no way through the chat: what looks like one by its name is refused, and what a provider asks for beside the
//! client is taken, whatever that is called.

use connectors::{
    auth::Admin,
    domain::{
        fields::{FieldError, step},
        ids::ConnectorId,
        provider::{Provider, ProviderType},
    },
    journeys::manage::ConnectorError,
    web::Problem,
};
use serde_json::{Map, Value};

use super::{Builder, catalogue::asked_of_apps};

/// Parts of names of fields in which somebody would pass a secret on, in small letters and without what divides words.
const SECRETS: [&str; 9] =
    ["secret", "password", "passwd", "passphrase", "token", "privatekey", "apikey", "accesskey", "credential"];

/// The provider that it is about, if one is named, or the connector has one.
async fn provider_of(tools: &Builder, person: &Admin, arguments: &Value) -> Result<Option<Provider>, Problem> {
    let said = |name: &str| arguments[name].as_str().unwrap_or_default();
    if let Ok(provider) = ProviderType::parse(said("integration_type")) {
        return tools.provider(person.workspace(), &provider).await.map(Some);
    }
    let Ok(id) = ConnectorId::parse(said("connector_id")) else { return Ok(None) };
    match tools.connectors.find(person.workspace(), &id).await {
        Ok(connector) => tools.provider(person.workspace(), &connector.provider).await.map(Some),
        Err(ConnectorError::Store(cause)) => Err(cause.into()),
        Err(_) => Ok(None),
    }
}

/// Refuses secrets, and then a provider that there is not. The details that the provider asks for are none, whatever they are
/// called: `connector_setup_guide` names them.
pub(super) async fn look_over(tools: &Builder, person: &Admin, arguments: &Value) -> Result<(), Problem> {
    let provider = provider_of(tools, person, arguments).await;
    let asked = provider.as_ref().ok().and_then(Option::as_ref).map(|provider| {
        let names = asked_of_apps(provider).map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    });
    refuse_secrets(arguments, &asked.unwrap_or_default())?;
    provider.map(|_| ())
}

/// Refuses what looks like a secret by its name, before anything is done with it.
fn refuse_secrets(arguments: &Value, declared: &[String]) -> Result<(), Problem> {
    let named = |fields: &Value, below: &str, declared: &[String]| -> Vec<FieldError> {
        let names = fields.as_object().into_iter().flat_map(Map::keys).filter(|name| !declared.contains(name));
        let plain =
            |name: &str| name.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
        let is_secret = |name: &&String| SECRETS.iter().any(|part| plain(name).contains(part));
        let refused = |name: &String| FieldError {
            pointer: format!("{below}/{}", step(name)),
            detail:
                "is for the page in the console, and was not kept. The person should make a new one at the provider: \
                     this one was seen in the chat."
                    .to_owned(),
        };
        names.filter(is_secret).map(refused).collect()
    };
    let mut refused = named(arguments, "", &[]);
    refused.extend(named(&arguments["connection_config"], "/connection_config", declared));
    if refused.is_empty() { Ok(()) } else { Err(Problem::invalid(refused)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_called_a_secret_is_refused_wherever_it_stands() {
        for arguments in [
            json!({"client_secret": "s"}),
            json!({"Client_Secret": "s"}),
            json!({"connection_config": {"api_token": "s"}}),
            json!({"password": null}),
            json!({"clientSecret": "s"}),
            json!({"connection_config": {"API-Key": "s"}}),
        ] {
            let problem = refuse_secrets(&arguments, &[]).unwrap_err();
            assert!(problem.errors().len() == 1 && !problem.errors()[0].detail.contains("\"s\""), "{arguments}");
        }
        assert!(refuse_secrets(&json!({"client_id": "c", "connection_config": {"shop": "s"}}), &[]).is_ok());
        let declared = ["api_key".to_owned()];
        assert!(refuse_secrets(&json!({"connection_config": {"api_key": "k"}}), &declared).is_ok());
        assert!(refuse_secrets(&json!({"api_key": "k"}), &declared).is_err());
    }
}
