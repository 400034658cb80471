//! What a builder's assistant may read without using a tool: the catalogue, what to do at a provider, the workspace's
//! connectors. And one way to begin.

use connectors::{
    auth::Admin,
    domain::{
        connector::Connector,
        ids::ConnectorId,
        provider::{Provider, ProviderType},
    },
    journeys::manage::ConnectorError,
    oauth::catalogue,
    web::{Problem, list as texts_of},
};
use rmcp::model::{Prompt, PromptArgument, Resource, ResourceTemplate};
use serde_json::{Map, Value, json};

use super::{
    Builder,
    catalogue::{facts, shown, unlisted},
};
use crate::{
    answer::capped,
    library::{Library, Of, Opening, Page},
};

/// How many connectors are told at once.
const MOST: usize = 100;

const JSON: &str = "application/json";

const CATALOGUE: &str = "connectors://providers";

const SETUP: (&str, &str) = ("connectors://providers/", "/setup");
const SETUP_TEMPLATE: &str = "connectors://providers/{integration_type}/setup";

const CONNECTOR: &str = "connectors://connectors/";
const CONNECTOR_TEMPLATE: &str = "connectors://connectors/{connector_id}";

const CONNECT: &str = "connect_a_provider";

impl Library for Builder {
    const IS_THERE: bool = true;

    async fn resources(&self, person: &Admin, from: Option<&str>) -> Result<Page, Problem> {
        let no_page = |_| Problem::invalid_field("/cursor", "is of no page: ask without one for the first");
        let from = from.map(ConnectorId::parse).transpose().map_err(no_page)?;
        let mut connectors = self.connectors.list(person.workspace()).await.map_err(not_listed)?;
        connectors.retain(|connector| from.as_ref().is_none_or(|from| connector.id.as_str() > from.as_str()));
        connectors.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        let is_more = connectors.len() > MOST;
        connectors.truncate(MOST);
        let next = connectors.last().filter(|_| is_more).map(|last| last.id.to_string());
        let first = from.is_none().then(catalogue_itself);
        Ok(Page { resources: first.into_iter().chain(connectors.iter().map(resource)).collect(), next })
    }

    fn templates() -> Vec<ResourceTemplate> {
        vec![
            ResourceTemplate::new(SETUP_TEMPLATE, "setup")
                .with_title("What to do at the provider")
                .with_description("Where a person gets a client id and secret there, which scopes there are, and what else is needed.")
                .with_mime_type(JSON),
            ResourceTemplate::new(CONNECTOR_TEMPLATE, "connector")
                .with_title("A connector of the workspace")
                .with_description("What it asks for, and whose account it is for.")
                .with_mime_type(JSON),
        ]
    }

    async fn read(&self, person: &Admin, uri: &str) -> Result<Option<Value>, Problem> {
        if uri == CATALOGUE {
            let providers = self.all_providers(person).await?;
            return Ok(Some(json!({"providers": providers.iter().map(shown).collect::<Vec<_>>()})));
        }
        if let Some(id) = uri.strip_prefix(SETUP.0).and_then(|rest| rest.strip_suffix(SETUP.1)) {
            let Ok(id) = ProviderType::parse(id) else { return Ok(None) };
            let providers = self.all_providers(person).await?;
            return Ok(providers.iter().find(|provider| provider.id == id).map(facts));
        }
        let Some(id) = uri.strip_prefix(CONNECTOR).and_then(|id| ConnectorId::parse(id).ok()) else { return Ok(None) };
        match self.connectors.find(person.workspace(), &id).await {
            Ok(connector) => Ok(Some(told(&connector))),
            Err(ConnectorError::Store(cause)) => Err(cause.into()),
            Err(_) => Ok(None),
        }
    }

    fn prompts() -> Vec<Prompt> {
        let provider = PromptArgument::new("integration_type").with_title("Provider");
        let purpose = PromptArgument::new("purpose").with_title("What for");
        let arguments = vec![
            provider.with_description("Which provider, such as googlecalendar.").with_required(true),
            purpose.with_description("What the app is to do with it, in a sentence.").with_required(false),
        ];
        let described = Some("Finds a connector that fits, or sets one up, and writes the code that uses it.");
        vec![Prompt::new(CONNECT, described, Some(arguments)).with_title("Connect a provider")]
    }

    async fn open(
        &self,
        person: &Admin,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Opening>, Problem> {
        if name != CONNECT {
            return Ok(None);
        }
        let said = arguments.get("integration_type").and_then(Value::as_str).unwrap_or_default();
        let provider = ProviderType::parse(said).map_err(|error| Problem::invalid_field("/integration_type", error))?;
        let provider = self.provider(person.workspace(), &provider).await?;
        let purpose = match arguments.get("purpose") {
            None | Some(Value::Null) => None,
            Some(purpose) => {
                let purpose = purpose.as_str().ok_or_else(|| Problem::invalid_field("/purpose", "must be a text"))?;
                Some(capped(purpose)).filter(|purpose| !purpose.trim().is_empty())
            }
        };
        Ok(Some(opening(&provider, purpose.as_deref())))
    }

    async fn complete(
        &self,
        person: &Admin,
        of: Of<'_>,
        argument: &str,
        value: &str,
    ) -> Result<Option<Vec<String>>, Problem> {
        match (of, argument) {
            (Of::Prompt(CONNECT) | Of::Template(SETUP_TEMPLATE), "integration_type") => {
                Ok(Some(types(&self.all_providers(person).await?, value)))
            }
            (Of::Prompt(CONNECT), "purpose") => Ok(Some(Vec::new())),
            (Of::Template(CONNECTOR_TEMPLATE), "connector_id") => {
                let connectors = self.connectors.list(person.workspace()).await.map_err(not_listed)?;
                let ids = connectors.iter().map(|connector| connector.id.to_string());
                Ok(Some(ids.filter(|id| id.starts_with(value)).collect()))
            }
            _ => Ok(None),
        }
    }
}

impl Builder {
    /// The workspace's own providers, then those of the catalogue.
    async fn all_providers(&self, person: &Admin) -> Result<Vec<Provider>, Problem> {
        let own = self.providers.of_workspace(person.workspace()).await.map_err(unlisted)?;
        Ok(own.into_iter().chain(catalogue::all_described()).collect())
    }
}

fn catalogue_itself() -> Resource {
    Resource::new(CATALOGUE, "providers")
        .with_title("What there is to connect to")
        .with_description("Every provider of the catalogue, and the workspace's own.")
        .with_mime_type(JSON)
}

/// Names are text of strangers: they stand in what is read, and not in what describes it.
fn resource(connector: &Connector) -> Resource {
    Resource::new(format!("{CONNECTOR}{}", connector.id), connector.id.as_str())
        .with_title(format!("A connector to {}", connector.provider))
        .with_description("What it asks for, and whose account it is for.")
        .with_mime_type(JSON)
}

fn not_listed(error: ConnectorError) -> Problem {
    match error {
        ConnectorError::Store(cause) => cause.into(),
        error => Problem::internal(&error),
    }
}

fn told(connector: &Connector) -> Value {
    json!({
        "connector_id": connector.id.as_str(),
        "integration_type": connector.provider.as_str(),
        "name": capped(connector.name.as_str()),
        "kind": connector.kind.as_str(),
        "scopes": texts_of(&connector.scopes),
    })
}

/// Those that begin so, then those that are called so elsewhere in their name.
fn types(providers: &[Provider], value: &str) -> Vec<String> {
    let value = value.to_lowercase();
    let begins = |provider: &&Provider| provider.id.as_str().starts_with(&value);
    let has = |provider: &&Provider| {
        !provider.id.as_str().starts_with(&value)
            && (provider.id.as_str().contains(&value) || provider.name.to_lowercase().contains(&value))
    };
    let found = providers.iter().filter(begins).chain(providers.iter().filter(has));
    found.map(|provider| provider.id.to_string()).collect()
}

/// What the person says. The purpose is theirs, and stands as a quotation all the same: it may come from elsewhere.
fn opening(provider: &Provider, purpose: Option<&str>) -> Opening {
    let id = &provider.id;
    let wanted = purpose.map(|purpose| format!("\n\nWhat it is for: {}", Value::from(purpose))).unwrap_or_default();
    let text = format!(
        "Connect this workspace's apps to the provider `{id}`.{wanted}\n\n\
         1. Call find_connector with this provider, and with what it is for.\n\
         2. If nothing fits, ask me what its `question` says, whatever it suggests.\n\
         3. Read connector_setup_guide to me, so that I register the redirect URI and get a client id. Never ask me for the \
         client secret: I enter it in the console.\n\
         4. Propose the connector with add_connector, and give me the page to confirm it.\n\
         5. When it is confirmed, write the code with code_for."
    );
    Opening { description: "Finds a connector that fits, or sets one up, and writes the code that uses it.", text }
}
