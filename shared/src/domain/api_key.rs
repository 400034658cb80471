//! API keys of workspaces and apps.

use aws_lc_rs::constant_time;
use jiff::{Timestamp, civil::Date};

use super::{
    app::App,
    digest::{hex, sha256},
    ids::{AppId, KeyId, WorkspaceId},
    secret::{self, Secret},
};

/// What a key may be used for, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A workspace's administrator.
    Workspace {
        /// The workspace.
        workspace: WorkspaceId,
        /// Whether it may change anything.
        role: WorkspaceRole,
    },
    /// The backend of one app.
    App {
        /// The app's workspace.
        workspace: WorkspaceId,
        /// The app.
        app: AppId,
        /// Whether it may fetch a user's token without that user's session (`tokens:offline`).
        offline_tokens: bool,
    },
}

/// What the holder of a workspace's key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceRole {
    /// Everything.
    Admin,
    /// Look, but change nothing.
    Reader,
    /// Look at connectors and providers, and propose what an admin may confirm. Nothing else: it is for assistants.
    Builder,
}

impl Holder {
    /// What every key of this kind begins with, so that a leaked one is recognised.
    #[must_use]
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Workspace { role: WorkspaceRole::Admin, .. } => "uck_admin_",
            Self::Workspace { role: WorkspaceRole::Reader, .. } => "uck_read_",
            Self::Workspace { role: WorkspaceRole::Builder, .. } => "uck_build_",
            Self::App { .. } => "uck_app_",
        }
    }

    /// The workspace that the key acts in.
    #[must_use]
    pub fn workspace(&self) -> &WorkspaceId {
        match self {
            Self::Workspace { workspace, .. } | Self::App { workspace, .. } => workspace,
        }
    }
}

/// A key as it is stored: never the key itself.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    /// The public part, by which it is found.
    pub id: KeyId,
    /// What a person called it.
    pub name: String,
    /// SHA-256 of the whole key.
    pub digest: [u8; 32],
    /// What it may be used for.
    pub holder: Holder,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The day of its last use, by universal time.
    pub last_used_on: Option<Date>,
}

impl KeyRecord {
    /// Whether this is a key of this very app. Its id may have been another app's before, even another workspace's.
    #[must_use]
    pub fn is_of(&self, app: &App) -> bool {
        matches!(&self.holder, Holder::App { workspace, app: id, .. } if *workspace == app.workspace && *id == app.id)
            && self.created_at >= app.created_at
    }
}

/// How many characters the secret part has: 256 bits in hexadecimal.
const SECRET_LENGTH: usize = 64;

/// How many characters the public part has: a ULID.
const ID_LENGTH: usize = 26;

/// How many characters the checksum has, which tells a mistyped key from an unknown one without asking the table.
const CHECKSUM_LENGTH: usize = 8;

/// A key that came from a caller and has the form of one. Whether it is one, only its record can say.
#[derive(Debug)]
pub struct PresentedKey {
    /// The public part.
    pub id: KeyId,
    whole: Secret<secret::ApiKey>,
}

/// Makes the text of a new key: prefix, public part, 256 random bits, checksum.
#[must_use]
pub fn compose(holder: &Holder, id: &KeyId, random: [u8; 32]) -> Secret<secret::ApiKey> {
    let body = format!("{}{id}{}", holder.prefix(), hex(&random));
    let checksum = checksum(&body);
    Secret::new(body + &checksum)
}

/// The digest by which a key is recognised.
#[must_use]
pub fn digest_of(key: &Secret<secret::ApiKey>) -> [u8; 32] {
    sha256(key.expose().as_bytes())
}

impl PresentedKey {
    /// Reads what a caller presented; `None` if it does not have the form of a key.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let rest =
            ["uck_admin_", "uck_read_", "uck_build_", "uck_app_"].iter().find_map(|prefix| raw.strip_prefix(prefix))?;
        if rest.len() != ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH || !rest.is_ascii() {
            return None;
        }
        let (body, presented) = raw.split_at(raw.len() - CHECKSUM_LENGTH);
        if checksum(body) != presented {
            return None;
        }
        Some(Self { id: KeyId::parse(&rest[..ID_LENGTH]).ok()?, whole: Secret::new(raw) })
    }

    /// Whether this is the key of that record, and the record still holds. Takes the same time whatever differs.
    #[must_use]
    pub fn proves(&self, record: &KeyRecord) -> bool {
        let same = constant_time::verify_slices_are_equal(&digest_of(&self.whole), &record.digest).is_ok();
        same && record.revoked_at.is_none()
    }
}

fn checksum(body: &str) -> String {
    let mut text = hex(&sha256(body.as_bytes()));
    text.truncate(CHECKSUM_LENGTH);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: Holder) -> (Secret<secret::ApiKey>, KeyRecord) {
        let id = KeyId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let key = compose(&holder, &id, [7; 32]);
        let digest = digest_of(&key);
        let created_at = Timestamp::UNIX_EPOCH;
        (key, KeyRecord { id, name: String::new(), digest, holder, created_at, revoked_at: None, last_used_on: None })
    }

    fn admin() -> Holder {
        Holder::Workspace { workspace: WorkspaceId::parse("ws_1").unwrap(), role: WorkspaceRole::Admin }
    }

    #[test]
    fn a_key_proves_its_own_record() {
        let (key, record) = record(admin());
        assert!(PresentedKey::parse(key.expose()).unwrap().proves(&record));
    }

    #[test]
    fn a_key_with_any_character_changed_is_no_key() {
        let (key, _) = record(admin());
        for index in 0..key.expose().len() {
            let mut changed = key.expose().to_owned().into_bytes();
            changed[index] = if changed[index] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(PresentedKey::parse(&changed).is_none(), "character {index}");
        }
    }

    #[test]
    fn another_random_part_does_not_prove_the_record() {
        let (_, record) = record(admin());
        let forged = compose(&admin(), &record.id, [8; 32]);
        assert!(!PresentedKey::parse(forged.expose()).unwrap().proves(&record));
    }

    #[test]
    fn a_revoked_key_proves_nothing() {
        let (key, mut record) = record(admin());
        record.revoked_at = Some(Timestamp::UNIX_EPOCH);
        assert!(!PresentedKey::parse(key.expose()).unwrap().proves(&record));
    }
}
