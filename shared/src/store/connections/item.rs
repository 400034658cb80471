//! How a connection is read from its item.

use super::keys::read_place;
use crate::{
    domain::{
        account::Account,
        connection::{Connection, EndReason, Grant, Quarantine, RefreshState, SealedTokens},
        ids::AttemptId,
    },
    store::{
        error::StoreError,
        row::{Row, name},
    },
};

/// Reads a connection's item.
pub(in crate::store) fn read(row: &Row) -> Result<Connection, StoreError> {
    Ok(Connection {
        key: read_place(row)?,
        version: row.number(name::CONNECTION_VERSION)?,
        grant: match row.find_text(name::GRANT_ENDED)? {
            None => Grant::Live,
            Some(_) => Grant::Ended {
                reason: row.word(name::GRANT_ENDED, EndReason::parse)?,
                at: row.find_time(name::ENDED_AT)?,
            },
        },
        client_id: row.text(name::CLIENT_ID)?.to_owned(),
        scopes_revision: row.number(name::SCOPES_REVISION)?,
        granted: row.scopes(name::GRANTED)?,
        account: read_account(row)?,
        label: row.find_text(name::CONNECTION_LABEL)?.map(str::to_owned),
        details: row.map(name::CONNECTION_DETAILS)?,
        connected_at: row.time(name::CONNECTED_AT)?,
        imported_at: row.find_time(name::IMPORTED_AT)?,
        imported: row.find_digest(name::IMPORTED)?,
        connected_by: row.find_text(name::CONNECTED_BY)?.map(str::to_owned),
        last_used_on: row.find_day(name::LAST_USED_ON)?,
        tokens: SealedTokens {
            access: row.sealed(name::ACCESS_TOKEN)?,
            refresh: row.find_sealed(name::REFRESH_TOKEN)?,
            token_type: row.text(name::TOKEN_TYPE)?.to_owned(),
            issued_at: row.time(name::ISSUED_AT)?,
            expires_at: row.find_time(name::EXPIRES_AT)?,
            refresh_expires_at: row.find_time(name::REFRESH_EXPIRES_AT)?,
        },
        refresh: read_refresh(row)?,
        quarantine: match row.find_text(name::QUARANTINED)? {
            None => None,
            Some(_) => Some(row.word(name::QUARANTINED, Quarantine::parse)?),
        },
        counted: row.flag(name::COUNTED)?,
    })
}

fn read_account(row: &Row) -> Result<Option<Account>, StoreError> {
    let mut details = row.map(name::ACCOUNT)?;
    let Some(id) = details.remove("id") else { return Ok(None) };
    Ok(Some(Account {
        id,
        label: details.remove("label"),
        email: details.remove("email"),
        avatar_url: details.remove("avatar_url"),
    }))
}

fn read_refresh(row: &Row) -> Result<RefreshState, StoreError> {
    let attempt = |name| match row.find_text(name)? {
        None => Ok(None),
        Some(raw) => AttemptId::parse(raw).map(Some).map_err(|_| StoreError::Unreadable(name)),
    };
    Ok(RefreshState {
        fence: row.number(name::FENCE)?,
        leased_until: row.find_time(name::LEASED_UNTIL)?,
        intent: attempt(name::INTENT)?,
        in_doubt: row.flag(name::IN_DOUBT)?,
        unproven: row.flag(name::UNPROVEN)?,
        last_commit: attempt(name::LAST_COMMIT)?,
        refused_in_row: row.find_number(name::REFUSED_IN_ROW)?.unwrap_or(0),
        failures: row.find_number(name::FAILURES)?.unwrap_or(0),
        refusals: row.find_number(name::REFUSALS)?.unwrap_or(0),
        retry_at: row.find_time(name::RETRY_AT)?,
        due_at: row.find_time(name::DUE_AT)?,
    })
}
