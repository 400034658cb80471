//! Connectors as they are written in a request: each field at its place, every mistake with its pointer.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use super::connectors::{ConnectorChange, ConnectorDraft};
use crate::domain::{
    call::CallRules,
    connector::ConnectorKind,
    fields::{Table, text},
    ids::ConnectorId,
    provider::ProviderType,
    secret::{ClientSecret, Secret},
    workspace::DisplayName,
};

/// Reads what a connector is to be registered with; `None` where something is missing that nothing else can be read without.
#[must_use]
pub fn read_draft(body: &Table<'_>) -> Option<ConnectorDraft> {
    let id = body.read("id", |value| parsed(value, ConnectorId::parse));
    let provider = body.read("integration_type", |value| parsed(value, ProviderType::parse));
    let common = read_change(body);
    let kind = body.read("kind", |value| {
        let kind = value.as_str().and_then(ConnectorKind::parse);
        kind.ok_or_else(|| format!("must be one of {}", ConnectorKind::WORDS.join(", ")))
    });
    if provider.is_none() {
        body.require_given("integration_type");
    }
    for (name, is_read) in [("name", common.name.is_some()), ("client_id", common.client_id.is_some())] {
        if !is_read {
            body.require_given(name);
        }
    }
    Some(ConnectorDraft {
        id,
        provider: provider?,
        name: common.name?,
        client_id: common.client_id?,
        client_secret: common.client_secret,
        client_secret_expires_on: common.client_secret_expires_on.flatten(),
        scopes: common.scopes.unwrap_or_default(),
        connection_config: common.connection_config.unwrap_or_default(),
        call_rules: common.call_rules.unwrap_or_default(),
        kind: kind.unwrap_or(ConnectorKind::PerUser),
    })
}

/// Reads what is to be changed of a connector. What asks for a new key is not among it.
#[must_use]
pub fn read_change(body: &Table<'_>) -> ConnectorChange {
    ConnectorChange {
        name: body.read("name", |value| parsed(value, DisplayName::parse)),
        client_id: body.read("client_id", client_id),
        client_secret: body.read("client_secret", client_secret),
        client_secret_expires_on: body.read("client_secret_expires_on", last_day),
        scopes: body.scopes("scopes"),
        connection_config: config(body),
        call_rules: body.has("call_rules").then(|| call_rules(body.table("call_rules"))),
        ..ConnectorChange::default()
    }
}

fn call_rules(table: Table<'_>) -> CallRules {
    let rules = CallRules::read(&table);
    table.close();
    rules
}

fn config(body: &Table<'_>) -> Option<BTreeMap<String, String>> {
    let config = body.map("connection_config", |name, value| {
        if name.is_empty() || name.len() > 64 {
            return Err("has a name that is empty or longer than 64 bytes".to_owned());
        }
        text(value)
    });
    body.has("connection_config").then_some(config)
}

/// Reads a client id. Visible ASCII: it travels in headers and addresses (RFC 6749, appendix A.1).
///
/// # Errors
/// What is wrong with it, in words for the person who wrote it.
pub fn client_id(value: &Value) -> Result<String, String> {
    let raw = value.as_str().unwrap_or_default();
    let fits = (1..=512).contains(&raw.len()) && raw.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if fits { Ok(raw.to_owned()) } else { Err("must be 1 to 512 visible ASCII characters".to_owned()) }
}

/// Visible ASCII (RFC 6749, appendix A.2). Long enough for a signed client assertion.
fn client_secret(value: &Value) -> Result<Secret<ClientSecret>, String> {
    let raw = value.as_str().unwrap_or_default();
    let fits = (1..=4_096).contains(&raw.len()) && raw.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if fits { Ok(Secret::new(raw)) } else { Err("must be 1 to 4096 visible ASCII characters".to_owned()) }
}

/// A day of the calendar, as RFC 3339 writes it; `null` for none.
fn last_day(value: &Value) -> Result<Option<Date>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let day = value.as_str().filter(|raw| raw.len() == 10).and_then(|raw| raw.parse().ok());
    day.map(Some).ok_or_else(|| "must be a day such as `2027-01-31`, or null".to_owned())
}

fn parsed<T, E: std::fmt::Display>(value: &Value, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, String> {
    parse(value.as_str().ok_or("must be a text")?).map_err(|error| error.to_string())
}
