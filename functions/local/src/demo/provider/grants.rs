//! What the demo authorization server remembers, in a file: clients, open questions to users, and what users allowed.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use connectors::random::Random;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    client::Client,
    schema::SCHEMA,
    scope::{self, Scope},
};
use crate::digest::digest_of;

/// How long a user may look at the consent page, in seconds.
const QUESTION_LIFETIME: i64 = 600;

/// How long a code can be redeemed, in seconds (RFC 6749, section 4.1.2: ten minutes at most).
const CODE_LIFETIME: i64 = 60;

/// The file can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the demo provider's file can't be read or written")]
pub struct StorageError(#[from] rusqlite::Error);

/// What an app asks a user for, checked: the client is known, the redirect URI is the client's, PKCE is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: String,
    pub(super) scopes: Vec<Scope>,
    /// PKCE's `S256` challenge (RFC 7636, section 4.2).
    pub(super) code_challenge: String,
}

pub(super) struct Grants {
    connection: Mutex<Connection>,
}

impl Grants {
    pub(super) fn open(file: &Path) -> Result<Self, StorageError> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self, client: &Client, secret: &str) -> Result<(), StorageError> {
        self.connection().execute(
            "INSERT OR REPLACE INTO client (id, secret_digest, name, redirect_uri) VALUES (?1, ?2, ?3, ?4)",
            params![client.id, digest_of(secret), client.name, client.redirect_uri],
        )?;
        Ok(())
    }

    /// The client of this id, and the digest of its secret.
    pub(super) fn client(&self, id: &str) -> Result<Option<(Client, String)>, StorageError> {
        let client = |row: &Row<'_>| {
            let client = Client { id: row.get(0)?, name: row.get(1)?, redirect_uri: row.get(2)? };
            Ok((client, row.get(3)?))
        };
        let select = "SELECT id, name, redirect_uri, secret_digest FROM client WHERE id = ?1";
        Ok(self.connection().query_row(select, [id], client).optional()?)
    }

    /// Remembers a question that is put to the user in this browser. Answers the token that the consent page sends back.
    pub(super) fn ask(&self, question: &Question, browser: &str, now: Timestamp) -> Result<String, StorageError> {
        let token = Random::default().token();
        let connection = self.connection();
        connection.execute("DELETE FROM authorization_request WHERE expires_at <= ?1", [now.as_second()])?;
        connection.execute(
            "INSERT INTO authorization_request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                digest_of(&token),
                digest_of(browser),
                question.client_id,
                question.redirect_uri,
                question.state,
                scope::join(&question.scopes),
                question.code_challenge,
                now.as_second().saturating_add(QUESTION_LIFETIME),
            ],
        )?;
        Ok(token)
    }

    /// Takes the question of this token back, once, and only for the browser it was put to.
    pub(super) fn take(&self, token: &str, browser: &str, now: Timestamp) -> Result<Option<Question>, StorageError> {
        let question = |row: &Row<'_>| {
            Ok(Question {
                client_id: row.get(0)?,
                redirect_uri: row.get(1)?,
                state: row.get(2)?,
                scopes: scopes(row, 3)?,
                code_challenge: row.get(4)?,
            })
        };
        let row = self.connection().query_row(
            "DELETE FROM authorization_request WHERE digest = ?1 AND browser_digest = ?2 AND expires_at > ?3
             RETURNING client_id, redirect_uri, state, scope, code_challenge",
            params![digest_of(token), digest_of(browser), now.as_second()],
            question,
        );
        Ok(row.optional()?)
    }

    /// Remembers that the user of this account allowed these scopes. Answers the code for it.
    pub(super) fn allow(
        &self,
        question: &Question,
        account: &str,
        allowed: &[Scope],
        now: Timestamp,
    ) -> Result<String, StorageError> {
        let (grant, code) = (Random::default().token(), format!("demo_code_{}", Random::default().token()));
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO user_grant (id, client_id, account_id, scope) VALUES (?1, ?2, ?3, ?4)",
            params![grant, question.client_id, account, scope::join(allowed)],
        )?;
        transaction.execute(
            "INSERT INTO code (digest, grant_id, redirect_uri, code_challenge, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                digest_of(&code),
                grant,
                question.redirect_uri,
                question.code_challenge,
                now.as_second().saturating_add(CODE_LIFETIME)
            ],
        )?;
        transaction.commit()?;
        Ok(code)
    }
}

/// The scopes in this column.
pub(super) fn scopes(row: &Row<'_>, column: usize) -> Result<Vec<Scope>, rusqlite::Error> {
    Ok(scope::parse(&row.get::<_, String>(column)?).unwrap_or_default())
}
