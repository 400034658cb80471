//! Authorization sessions. Every step is a conditional write on the step before, so each is taken once.

use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder};
use jiff::Timestamp;

use super::{
    completion::list,
    connections::{placed, read_place},
    error::{StoreError, Write, written},
    row::{Item, NewItem, Row, bytes, map, name, text, time},
    table::{Table, TableNames, key},
};
use crate::domain::{
    app::{HandleDelivery, ReturnUrl, SessionBinding},
    audit::Actor,
    provider::Values,
    scopes::Scopes,
    secret::{AuthorizationCode, Sealed},
    session::{Binding, Earlier, FailureReason, Pinned, Session, SessionId, Stage, Wishes},
    user::Owner,
};

pub(super) const META: &str = "META";
const PENDING: &str = "pending";
const PARKED: &str = "parked";
pub(super) const EXCHANGING: &str = "exchanging";
pub(super) const COMPLETED: &str = "completed";
const FAILED: &str = "failed";

/// How long an ended session can still be asked about, in seconds.
const AFTERLIFE: i64 = 60 * 60;

/// Sessions in their table.
#[derive(Debug, Clone)]
pub struct Sessions(Table);

/// What is kept of a response until the user finishes.
#[derive(Debug)]
pub struct Parked<'a> {
    /// The code.
    pub code: &'a Sealed<AuthorizationCode>,
    /// Variables that the response brought.
    pub details: &'a Values,
    /// The granted scopes, where it told them.
    pub scopes: Option<&'a Scopes>,
    /// The digest of the one-time handle.
    pub handle: &'a [u8; 32],
    /// Until when it waits.
    pub until: Timestamp,
}

impl Sessions {
    /// Sessions in the deployment's table.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.sessions))
    }

    /// Stores a new session.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, session: &Session) -> Result<Write, StoreError> {
        self.0.put_new(item(session)).await
    }

    /// The session of this id, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.0.find(&pk(id), META).await?.map(|row| read(&row, id)).transpose()
    }

    /// Binds a session begun by a link to the browser that opens it first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn open_link(&self, id: &SessionId, cookie: &[u8; 32], now: Timestamp) -> Result<Write, StoreError> {
        let request = self.while_alive(id, now).update_expression("SET cookie = :cookie");
        let request = request
            .condition_expression("stage = :pending AND expires_at > :now AND attribute_not_exists(cookie)")
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":cookie", bytes(cookie));
        written(request.send().await)
    }

    /// Keeps the code until the user finishes.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn park(&self, id: &SessionId, parked: &Parked<'_>, now: Timestamp) -> Result<Write, StoreError> {
        let set = "SET stage = :parked, code = :code, handle_digest = :handle, parked_until = :until, \
                   arrived_details = :details";
        let request = match parked.scopes {
            None => self.while_alive(id, now).update_expression(set),
            Some(scopes) => self
                .while_alive(id, now)
                .update_expression(format!("{set}, arrived_scopes = :scopes"))
                .expression_attribute_values(":scopes", list(scopes)),
        };
        let request = request
            .expression_attribute_values(":details", map(parked.details))
            .condition_expression("stage = :pending AND expires_at > :now")
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":parked", text(PARKED))
            .expression_attribute_values(":code", bytes(parked.code.as_bytes()))
            .expression_attribute_values(":handle", bytes(parked.handle))
            .expression_attribute_values(":until", time(parked.until));
        written(request.send().await)
    }

    /// Claims a pending session for the exchange of its code. Only one caller ever gets it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn claim_pending(&self, id: &SessionId, now: Timestamp) -> Result<Write, StoreError> {
        let request = self
            .while_alive(id, now)
            .update_expression("SET stage = :exchanging")
            .condition_expression("stage = :pending AND expires_at > :now")
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":exchanging", text(EXCHANGING));
        written(request.send().await)
    }

    /// Claims a parked session for the exchange of its code, by its one-time handle. Only one caller ever gets it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn claim_parked(&self, id: &SessionId, handle: &[u8; 32], now: Timestamp) -> Result<Write, StoreError> {
        let request = self
            .while_alive(id, now)
            .update_expression(
                "SET stage = :exchanging REMOVE code, handle_digest, parked_until, arrived_details, arrived_scopes",
            )
            .condition_expression(
                "stage = :parked AND handle_digest = :handle AND parked_until > :now AND expires_at > :now",
            )
            .expression_attribute_values(":parked", text(PARKED))
            .expression_attribute_values(":exchanging", text(EXCHANGING))
            .expression_attribute_values(":handle", bytes(handle));
        written(request.send().await)
    }

    /// Ends a session that came to nothing, unless it has ended already.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn fail(&self, id: &SessionId, reason: FailureReason) -> Result<Write, StoreError> {
        let request = self
            .update(id)
            .update_expression(
                "SET stage = :failed, reason = :reason REMOVE verifier, code, handle_digest, parked_until, \
                 arrived_details, arrived_scopes",
            )
            .condition_expression("stage IN (:pending, :parked, :exchanging)")
            .expression_attribute_values(":failed", text(FAILED))
            .expression_attribute_values(":reason", text(reason.as_str()))
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":parked", text(PARKED))
            .expression_attribute_values(":exchanging", text(EXCHANGING));
        written(request.send().await)
    }

    fn update(&self, id: &SessionId) -> UpdateItemFluentBuilder {
        self.0.client.update_item().table_name(&self.0.name).set_key(Some(key_of(id)))
    }

    /// An update whose condition compares with the present: the table removes expired items only hours later.
    fn while_alive(&self, id: &SessionId, now: Timestamp) -> UpdateItemFluentBuilder {
        self.update(id).expression_attribute_values(":now", time(now))
    }
}

pub(super) fn pk(id: &SessionId) -> String {
    format!("SESSION#{}", id.as_str())
}

pub(super) fn key_of(id: &SessionId) -> Item {
    key(&pk(id), META)
}

fn item(session: &Session) -> NewItem {
    let item = placed(NewItem::at(&pk(&session.id), META), &session.key)
        .number(name::TTL, session.expires_at.as_second() + AFTERLIFE)
        .text(name::STAGE, PENDING)
        .text(name::CLIENT_ID, &session.pinned.client_id)
        .text(name::REDIRECT_URI, &session.pinned.redirect_uri)
        .text(name::TOKEN_ENDPOINT, &session.pinned.token_endpoint)
        .number(name::SCOPES_REVISION, session.pinned.scopes_revision)
        .maybe(session.pinned.bound.then_some(()), |item, ()| item.flag(name::CODE_BOUND, true))
        .filled_map(name::INPUTS, &session.inputs)
        .texts(name::REQUESTED, session.requested.iter())
        .text(name::RETURN_URL, session.return_url.as_str())
        .text(name::SESSION_BINDING, session.wishes.session_binding.as_str())
        .text(name::HANDLE_DELIVERY, session.wishes.handle_delivery.as_str())
        .time(name::EXPIRES_AT, session.expires_at)
        .maybe(session.label.as_deref(), |item, label| item.text(name::CONNECTION_LABEL, label))
        .maybe(admin(session), |item, admin| item.text(name::BEGUN_BY, &admin))
        .maybe(session.verifier.as_ref(), |item, sealed| item.bytes(name::VERIFIER, sealed.as_bytes()))
        .maybe(session.earlier.as_ref(), |item, earlier| {
            item.flag(name::HAS_EARLIER, true)
                .flag(name::EARLIER_REFRESH, earlier.refresh_token_lives)
                .maybe(earlier.account_id.as_deref(), |item, id| item.text(name::EARLIER_ACCOUNT, id))
                .maybe(earlier.refresh_endpoint.as_deref(), |item, url| item.text(name::EARLIER_ENDPOINT, url))
        });
    match &session.binding {
        Binding::Begun { cookie } => item.text(name::BINDING, "begun").bytes(name::COOKIE, cookie),
        Binding::Link { state, manages, .. } => {
            item.text(name::BINDING, "link").bytes(name::STATE, state.as_bytes()).flag(name::MANAGES, *manages)
        }
    }
}

/// Who began a session that is no user's. Of a user's the place tells.
fn admin(session: &Session) -> Option<String> {
    match &session.key.owner {
        Owner::User(_) => None,
        Owner::Workspace => Some(session.begun_by.describe()),
    }
}

fn read(row: &Row, id: &SessionId) -> Result<Session, StoreError> {
    let key = read_place(row)?;
    Ok(Session {
        id: id.clone(),
        begun_by: match &key.owner {
            Owner::User(user) => Actor::User(user.clone()),
            Owner::Workspace => Actor::Recorded(row.text(name::BEGUN_BY)?.to_owned()),
        },
        key,
        binding: match row.text(name::BINDING)? {
            "begun" => Binding::Begun { cookie: row.digest(name::COOKIE)? },
            "link" => Binding::Link {
                opened_by: row.find_digest(name::COOKIE)?,
                state: row.sealed(name::STATE)?,
                manages: row.flag(name::MANAGES)?,
            },
            _ => return Err(StoreError::Unreadable(name::BINDING)),
        },
        stage: read_stage(row)?,
        pinned: Pinned {
            client_id: row.text(name::CLIENT_ID)?.to_owned(),
            redirect_uri: row.text(name::REDIRECT_URI)?.to_owned(),
            token_endpoint: row.text(name::TOKEN_ENDPOINT)?.to_owned(),
            scopes_revision: row.number(name::SCOPES_REVISION)?,
            bound: row.flag(name::CODE_BOUND)?,
        },
        inputs: row.map(name::INPUTS)?,
        requested: row.scopes(name::REQUESTED)?,
        earlier: if row.flag(name::HAS_EARLIER)? {
            let account_id = row.find_text(name::EARLIER_ACCOUNT)?.map(str::to_owned);
            let refresh_endpoint = row.find_text(name::EARLIER_ENDPOINT)?.map(str::to_owned);
            Some(Earlier { account_id, refresh_token_lives: row.flag(name::EARLIER_REFRESH)?, refresh_endpoint })
        } else {
            None
        },
        label: row.find_text(name::CONNECTION_LABEL)?.map(str::to_owned),
        return_url: row.parsed(name::RETURN_URL, ReturnUrl::parse)?,
        wishes: Wishes {
            session_binding: row.word(name::SESSION_BINDING, SessionBinding::parse)?,
            handle_delivery: row.word(name::HANDLE_DELIVERY, HandleDelivery::parse)?,
        },
        verifier: row.find_sealed(name::VERIFIER)?,
        expires_at: row.time(name::EXPIRES_AT)?,
    })
}

fn read_stage(row: &Row) -> Result<Stage, StoreError> {
    Ok(match row.text(name::STAGE)? {
        PENDING => Stage::Pending,
        PARKED => Stage::Parked {
            code: row.sealed(name::CODE)?,
            details: row.map(name::ARRIVED_DETAILS)?,
            scopes: if row.has(name::ARRIVED_SCOPES) { Some(row.scopes(name::ARRIVED_SCOPES)?) } else { None },
            handle: row.digest(name::HANDLE)?,
            until: row.time(name::PARKED_UNTIL)?,
        },
        EXCHANGING => Stage::Exchanging,
        COMPLETED => Stage::Completed,
        FAILED => Stage::Failed { reason: row.word(name::REASON, FailureReason::parse)? },
        _ => return Err(StoreError::Unreadable(name::STAGE)),
    })
}
