//! The tables of the demo authorization server. Codes, tokens and client secrets are there as digests; times are seconds
//! since 1970.

pub(super) const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS client (
        id TEXT PRIMARY KEY,
        secret_digest TEXT NOT NULL,
        name TEXT NOT NULL,
        redirect_uri TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS authorization_request (
        digest TEXT PRIMARY KEY,
        browser_digest TEXT NOT NULL,
        client_id TEXT NOT NULL,
        redirect_uri TEXT NOT NULL,
        state TEXT NOT NULL,
        scope TEXT NOT NULL,
        code_challenge TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS user_grant (
        id TEXT PRIMARY KEY,
        client_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        scope TEXT NOT NULL,
        revoked INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS code (
        digest TEXT PRIMARY KEY,
        grant_id TEXT NOT NULL REFERENCES user_grant (id),
        redirect_uri TEXT NOT NULL,
        code_challenge TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        used INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS refresh_token (
        digest TEXT PRIMARY KEY,
        grant_id TEXT NOT NULL REFERENCES user_grant (id),
        used INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS access_token (
        digest TEXT PRIMARY KEY,
        grant_id TEXT NOT NULL REFERENCES user_grant (id),
        scope TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;";
