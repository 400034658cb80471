//! A portable grant as it is written down: what an import takes and an export writes.

use std::{borrow::Cow, cell::RefCell};

use jiff::{Timestamp, civil::Date, fmt::temporal::Pieces};
use serde::Serialize;
use serde_json::Value;

use super::{PortableGrant, PortableOwner};
use crate::domain::{
    account::Account,
    connection::{MAX_DETAIL, MAX_DETAIL_NAME, MAX_DETAILS},
    fields::{FieldError, Table},
    ids::{AppId, Issuer, Subject},
    provider::Values,
    scopes::Scopes,
    secret::Secret,
};

/// How long a token may be, in bytes: as long as one that a provider answers.
const MAX_TOKEN: usize = 16 * 1024;

impl PortableGrant {
    /// Reads a grant that was written down.
    ///
    /// # Errors
    /// Every field that was not accepted; nothing of a value is repeated.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let (known, errors) = (without_nulls(value), RefCell::default());
        let table = Table::root(&known, &errors);
        let grant = grant(&table);
        table.close();
        match (grant, errors.into_inner()) {
            (Some(grant), errors) if errors.is_empty() => Ok(grant),
            (_, errors) => Err(errors),
        }
    }

    /// The grant as it is written down.
    #[must_use]
    pub fn written(&self) -> impl Serialize + '_ {
        Written::of(self)
    }
}

/// The same without what is `null`: programs write it where something is not known.
fn without_nulls(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Object(fields) if has_null(value) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            Cow::Owned(known.map(|(name, value)| (name.clone(), without_nulls(value).into_owned())).collect())
        }
        value => Cow::Borrowed(value),
    }
}

fn has_null(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(|fields| fields.values().any(has_null))
}

fn grant(table: &Table<'_>) -> Option<PortableGrant> {
    let owner = owner(table);
    let client_id = table.require("client_id", table.text("client_id"));
    let time = |name| table.read(name, moment);
    Some(PortableGrant {
        client_id,
        access: table.read("access_token", token).map(Secret::new),
        refresh: table.read("refresh_token", token).map(Secret::new),
        token_type: table.read("token_type", token_type).unwrap_or_else(|| BEARER.to_owned()),
        issued_at: time("issued_at"),
        expires_at: time("expires_at"),
        refresh_expires_at: time("refresh_expires_at"),
        scopes: table.scopes("scopes"),
        account: account(table),
        label: table.text("label"),
        connected_at: time("connected_at"),
        last_used_on: table.read("last_used_on", day),
        details: details(table),
        owner: owner?,
    })
}

/// Without app and user it is the workspace's.
fn owner(table: &Table<'_>) -> Option<PortableOwner> {
    let app = table.read("app_id", |value| {
        let app = value.as_str().and_then(|raw| AppId::parse(raw).ok());
        app.ok_or_else(|| "must be the id of an app".to_owned())
    });
    let user = table.table("user");
    if !table.has("app_id") && !table.has("user") {
        return Some(PortableOwner::Workspace);
    }
    if app.is_none() {
        table.require_given("app_id");
    }
    let issuer = user.read("issuer", |value| {
        let issuer = value.as_str().and_then(|raw| Issuer::parse(raw).ok());
        issuer.ok_or_else(|| "must be 1 to 512 characters without control characters".to_owned())
    });
    let subject = user.read("sub", |value| {
        let subject = value.as_str().and_then(|raw| Subject::parse(raw).ok());
        subject.ok_or_else(|| "must be 1 to 255 characters without control characters".to_owned())
    });
    if subject.is_none() {
        user.require_given("sub");
    }
    user.close();
    Some(PortableOwner::User { app: app?, issuer, subject: subject? })
}

fn account(table: &Table<'_>) -> Option<Account> {
    let account = table.table("account");
    if !account.is_given() {
        return None;
    }
    let id = account.read("id", |value| {
        let known = value.as_str().and_then(Account::new);
        known.ok_or_else(|| "must be 1 to 256 characters without control characters".to_owned())
    });
    if id.is_none() {
        account.require_given("id");
    }
    let (label, email, avatar) = (account.text("name"), account.text("email"), account.text("avatar_url"));
    account.close();
    Some(id?.with_label(label.as_deref()).with_email(email.as_deref()).with_avatar(avatar.as_deref()))
}

/// What differs between the accounts of a provider: whatever a connection keeps of it comes back.
fn details(table: &Table<'_>) -> Values {
    let details = table.map("connection_config", |name, value| {
        if name.len() > MAX_DETAIL_NAME {
            return Err(format!("must have a name of at most {MAX_DETAIL_NAME} bytes"));
        }
        let detail = value.as_str().filter(|text| (1..=MAX_DETAIL).contains(&text.len()));
        let detail = detail.filter(|text| !text.chars().any(char::is_control));
        detail.map(str::to_owned).ok_or_else(|| format!("must have 1 to {MAX_DETAIL} bytes and no control characters"))
    });
    if details.len() > MAX_DETAILS {
        table.refuse("connection_config", format!("must have at most {MAX_DETAILS} entries"));
    }
    details
}

/// The type of nearly all tokens (RFC 6750).
pub(super) const BEARER: &str = "Bearer";

/// A token: one line, of a length that a provider answers.
pub(super) fn token(value: &Value) -> Result<String, String> {
    let token = value.as_str().filter(|text| (1..=MAX_TOKEN).contains(&text.len()));
    let token = token.filter(|text| !text.chars().any(char::is_control));
    token.map(str::to_owned).ok_or_else(|| "must be a text of 1 to 16384 bytes without control characters".to_owned())
}

fn token_type(value: &Value) -> Result<String, String> {
    let name = value.as_str().filter(|text| (1..=64).contains(&text.len()));
    let name = name.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)));
    name.map(str::to_owned).ok_or_else(|| "must be 1 to 64 letters, digits, `-`, `.` or `_`".to_owned())
}

/// A moment as RFC 3339 writes it. The last day of all, by which some say that something never ends, is later than a moment can
/// be here, and stands for the last one.
pub(super) fn moment(value: &Value) -> Result<Timestamp, String> {
    let moment =
        value.as_str().and_then(|raw| raw.parse().ok().or_else(|| is_the_last_day(raw).then_some(Timestamp::MAX)));
    moment.ok_or_else(|| "must be a moment such as `2027-01-31T12:00:00Z`".to_owned())
}

fn is_the_last_day(raw: &str) -> bool {
    let pieces = Pieces::parse(raw).ok().filter(|pieces| pieces.time().is_some() && pieces.offset().is_some());
    pieces.is_some_and(|pieces| pieces.date() == Date::MAX)
}

fn day(value: &Value) -> Result<Date, String> {
    let day = value.as_str().and_then(|raw| raw.parse().ok());
    day.ok_or_else(|| "must be a day such as `2027-01-31`".to_owned())
}

/// What stands in a file.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<WrittenUser<'a>>,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<WrittenAccount<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Values::is_empty")]
    connection_config: &'a Values,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_on: Option<Date>,
}

#[derive(Serialize)]
struct WrittenUser<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    sub: &'a str,
}

#[derive(Serialize)]
struct WrittenAccount<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<&'a str>,
}

impl<'a> Written<'a> {
    fn of(grant: &'a PortableGrant) -> Self {
        let (app_id, user) = match &grant.owner {
            PortableOwner::Workspace => (None, None),
            PortableOwner::User { app, issuer, subject } => {
                let issuer = issuer.as_ref().map(Issuer::as_str);
                (Some(app.as_str()), Some(WrittenUser { issuer, sub: subject.as_str() }))
            }
        };
        Self {
            app_id,
            user,
            client_id: &grant.client_id,
            access_token: grant.access.as_ref().map(Secret::expose),
            refresh_token: grant.refresh.as_ref().map(Secret::expose),
            token_type: &grant.token_type,
            issued_at: grant.issued_at,
            expires_at: grant.expires_at,
            refresh_expires_at: grant.refresh_expires_at,
            scopes: grant.scopes.as_ref().map(|scopes: &Scopes| scopes.iter().collect()),
            account: grant.account.as_ref().map(|account| WrittenAccount {
                id: &account.id,
                name: account.label.as_deref(),
                email: account.email.as_deref(),
                avatar_url: account.avatar_url.as_deref(),
            }),
            label: grant.label.as_deref(),
            connection_config: &grant.details,
            connected_at: grant.connected_at,
            last_used_on: grant.last_used_on,
        }
    }
}
