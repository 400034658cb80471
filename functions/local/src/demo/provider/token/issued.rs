//! Codes become tokens, refresh tokens become new ones, and a second use of either ends the grant.

use connectors::random::Random;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::TokenError;
use crate::{
    demo::provider::{
        client::Client,
        grants::{Grants, StorageError, scopes},
        scope::{self, Scope},
    },
    digest::digest_of,
};

/// How long an access token works, in seconds: short, so that a refresh can be seen.
pub(crate) const ACCESS_TOKEN_LIFETIME: i64 = 300;

/// What a client got. Not `Debug`: these are the tokens themselves.
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) scopes: Vec<Scope>,
}

/// A code on its way back.
pub(super) struct Redemption<'a> {
    pub(super) code: &'a str,
    pub(super) client: &'a Client,
    pub(super) redirect_uri: &'a str,
    pub(super) code_verifier: &'a str,
}

/// A grant as a code or refresh token finds it.
struct Grant {
    id: String,
    client_id: String,
    scopes: Vec<Scope>,
    /// What led here was used before.
    used: bool,
}

impl Grants {
    /// Redeems a code, once. A second time ends the grant, and with it what the first time gave (RFC 6749, section 4.1.2).
    pub(super) fn redeem(&self, redemption: &Redemption<'_>, now: Timestamp) -> Result<Tokens, TokenError> {
        let mut connection = self.connection();
        let transaction = begin(&mut connection)?;
        let digest = digest_of(redemption.code);
        let found = transaction.query_row(
            "SELECT g.id, g.client_id, g.scope, c.used, c.redirect_uri, c.code_challenge, c.expires_at
             FROM code c JOIN user_grant g ON g.id = c.grant_id WHERE c.digest = ?1 AND g.revoked = 0",
            [&digest],
            |row| Ok((grant(row)?, row.get::<_, String>(4)?, row.get::<_, String>(5)?, row.get::<_, i64>(6)?)),
        );
        let (grant, redirect_uri, challenge, expires_at) = found.optional()?.ok_or(TokenError::InvalidGrant)?;
        let is_bound = grant.client_id == redemption.client.id && redirect_uri == redemption.redirect_uri;
        if !is_bound || challenge != digest_of(redemption.code_verifier) || expires_at <= now.as_second() {
            return Err(TokenError::InvalidGrant);
        }
        if grant.used {
            return Err(end(transaction, &grant.id));
        }
        transaction.execute("UPDATE code SET used = 1 WHERE digest = ?1", [&digest])?;
        let scopes = grant.scopes.clone();
        Ok(issue(transaction, &grant, scopes, now)?)
    }

    /// Rotates a refresh token: it works once. A second time means that someone else has it, so the grant ends
    /// (RFC 9700, section 4.14.2).
    pub(super) fn rotate(
        &self,
        refresh_token: &str,
        client: &Client,
        wanted: Option<Vec<Scope>>,
        now: Timestamp,
    ) -> Result<Tokens, TokenError> {
        let mut connection = self.connection();
        let transaction = begin(&mut connection)?;
        let digest = digest_of(refresh_token);
        let found = transaction.query_row(
            "SELECT g.id, g.client_id, g.scope, r.used
             FROM refresh_token r JOIN user_grant g ON g.id = r.grant_id WHERE r.digest = ?1 AND g.revoked = 0",
            [&digest],
            grant,
        );
        let grant = found.optional()?.filter(|grant| grant.client_id == client.id).ok_or(TokenError::InvalidGrant)?;
        if grant.used {
            return Err(end(transaction, &grant.id));
        }
        let scopes = wanted.unwrap_or_else(|| grant.scopes.clone());
        if !scopes.iter().all(|scope| grant.scopes.contains(scope)) {
            return Err(TokenError::InvalidScope);
        }
        transaction.execute("UPDATE refresh_token SET used = 1 WHERE digest = ?1", [&digest])?;
        Ok(issue(transaction, &grant, scopes, now)?)
    }

    /// Ends the grant of this access or refresh token, if it is this client's.
    pub(super) fn revoke(&self, token: &str, client: &Client) -> Result<(), StorageError> {
        let mut connection = self.connection();
        let transaction = begin(&mut connection)?;
        let digest = digest_of(token);
        let found = transaction.query_row(
            "SELECT g.id FROM user_grant g WHERE g.client_id = ?2 AND g.id IN (
                 SELECT grant_id FROM refresh_token WHERE digest = ?1
                 UNION SELECT grant_id FROM access_token WHERE digest = ?1)",
            params![digest, client.id],
            |row| row.get::<_, String>(0),
        );
        if let Some(grant) = found.optional()? {
            end_grant(&transaction, &grant)?;
        }
        Ok(transaction.commit()?)
    }

    /// Whose account an access token opens, and for what; `None` if it is no valid one.
    pub(crate) fn holder(&self, token: &str, now: Timestamp) -> Result<Option<(String, Vec<Scope>)>, StorageError> {
        let found = self.connection().query_row(
            "SELECT g.account_id, a.scope FROM access_token a JOIN user_grant g ON g.id = a.grant_id
             WHERE a.digest = ?1 AND a.expires_at > ?2 AND g.revoked = 0",
            params![digest_of(token), now.as_second()],
            |row| Ok((row.get(0)?, scopes(row, 1)?)),
        );
        Ok(found.optional()?)
    }
}

fn begin(connection: &mut rusqlite::Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// The grant in the first four columns.
fn grant(row: &Row<'_>) -> Result<Grant, rusqlite::Error> {
    Ok(Grant { id: row.get(0)?, client_id: row.get(1)?, scopes: scopes(row, 2)?, used: row.get(3)? })
}

fn issue(
    transaction: Transaction<'_>,
    grant: &Grant,
    scopes: Vec<Scope>,
    now: Timestamp,
) -> Result<Tokens, StorageError> {
    let access_token = format!("demo_access_{}", Random::default().token());
    let refresh_token = format!("demo_refresh_{}", Random::default().token());
    transaction.execute("DELETE FROM access_token WHERE expires_at <= ?1", [now.as_second()])?;
    transaction.execute(
        "INSERT INTO access_token (digest, grant_id, scope, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            digest_of(&access_token),
            grant.id,
            scope::join(&scopes),
            now.as_second().saturating_add(ACCESS_TOKEN_LIFETIME)
        ],
    )?;
    transaction.execute(
        "INSERT INTO refresh_token (digest, grant_id) VALUES (?1, ?2)",
        params![digest_of(&refresh_token), grant.id],
    )?;
    transaction.commit()?;
    Ok(Tokens { access_token, refresh_token, scopes })
}

/// Ends a grant whose code or refresh token came a second time.
fn end(transaction: Transaction<'_>, grant: &str) -> TokenError {
    let ended = end_grant(&transaction, grant).and_then(|()| transaction.commit());
    ended.map_or(TokenError::Storage, |()| TokenError::InvalidGrant)
}

fn end_grant(transaction: &Transaction<'_>, grant: &str) -> Result<(), rusqlite::Error> {
    transaction.execute("UPDATE user_grant SET revoked = 1 WHERE id = ?1", [grant])?;
    transaction.execute("DELETE FROM access_token WHERE grant_id = ?1", [grant])?;
    transaction.execute("DELETE FROM refresh_token WHERE grant_id = ?1", [grant])?;
    transaction.execute("DELETE FROM code WHERE grant_id = ?1", [grant])?;
    Ok(())
}

impl From<rusqlite::Error> for TokenError {
    fn from(_: rusqlite::Error) -> Self {
        Self::Storage
    }
}
