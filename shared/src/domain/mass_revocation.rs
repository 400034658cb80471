//! The end of many connections at once: which are meant, what must be said before it begins, and how far it has come.

use jiff::{SignedDuration, Timestamp};

use super::{
    connection::Connection,
    digest::{hex, joined, sha256},
    ids::{AppId, ConnectorId, RevocationId, WorkspaceId},
    user::User,
};

/// How long a look at what would be ended holds: whoever confirms has just seen it.
const CONFIRMED_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Which connections of a workspace are meant: those that fit everything that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Those of this connector.
    pub connector: Option<ConnectorId>,
    /// Those of this app's users.
    pub app: Option<AppId>,
    /// Those of this user.
    pub user: Option<User>,
    /// Those that were made, or came here from elsewhere, before this moment.
    pub connected_before: Option<Timestamp>,
    /// Those that were made at this moment, or after it.
    pub connected_after: Option<Timestamp>,
}

impl Criteria {
    /// Whether nothing is said: then everything would be meant, and nobody means that by saying nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether they mean this connection.
    #[must_use]
    pub fn mean(&self, connection: &Connection) -> bool {
        let user = connection.key.owner.user();
        self.connector.as_ref().is_none_or(|connector| connection.key.connector == *connector)
            && self.app.as_ref().is_none_or(|app| user.is_some_and(|user| user.app == *app))
            && self.user.as_ref().is_none_or(|meant| user == Some(meant))
            && self.connected_before.is_none_or(|before| connection.here_since() < before)
            && self.connected_after.is_none_or(|after| connection.here_since() >= after)
    }

    /// The same, for nothing that is made from this moment on.
    #[must_use]
    pub fn until(self, moment: Timestamp) -> Self {
        let before = self.connected_before.map_or(moment, |before| before.min(moment));
        Self { connected_before: Some(before), ..self }
    }

    /// All that is said, for people.
    #[must_use]
    pub fn described(&self) -> Vec<(&'static str, String)> {
        let user = self.user.as_ref();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let all = [
            ("connector_id", self.connector.as_ref().map(ToString::to_string)),
            ("app_id", self.app.as_ref().or(user.map(|user| &user.app)).map(ToString::to_string)),
            ("issuer", user.map(|user| user.issuer.to_string())),
            ("sub", user.map(|user| user.subject.to_string())),
            ("connected_before", time(self.connected_before)),
            ("connected_after", time(self.connected_after)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What whoever looked was told, and repeats: when they looked, how many connections it was, and by what criteria. It keeps
/// people from ending what they have not seen. It is no proof of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// When they looked: what is made from then on is not meant.
    pub looked_at: Timestamp,
    /// How many connections were meant.
    pub matches: u64,
}

impl Confirmation {
    /// The confirmation as it is handed out.
    #[must_use]
    pub fn to_text(self, workspace: &WorkspaceId, criteria: &Criteria) -> String {
        let (at, matches) = (self.looked_at.as_millisecond().to_string(), self.matches.to_string());
        let described = criteria.described();
        let mut parts = vec!["mass_revocation", workspace.as_str(), &at, &matches];
        parts.extend(described.iter().flat_map(|(name, value)| [*name, value.as_str()]));
        format!("{matches}.{at}.{}", hex(&sha256(&joined(&parts))[..8]))
    }

    /// Reads a confirmation; `None` if it was made for anything else, or too long ago.
    #[must_use]
    pub fn parse(raw: &str, workspace: &WorkspaceId, criteria: &Criteria, now: Timestamp) -> Option<Self> {
        let [matches, at, _] = raw.split('.').collect::<Vec<_>>().try_into().ok()?;
        let looked_at = Timestamp::from_millisecond(at.parse().ok()?).ok()?;
        let confirmation = Self { looked_at, matches: matches.parse().ok()? };
        let age = now.duration_since(looked_at);
        let is_recent = !age.is_negative() && age <= CONFIRMED_WITHIN;
        (is_recent && confirmation.to_text(workspace, criteria) == raw).then_some(confirmation)
    }
}

/// One revocation of many connections, and how far it has come.
#[derive(Debug, Clone)]
pub struct MassRevocation {
    /// Its id.
    pub id: RevocationId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What is ended. Nothing that was made after it began.
    pub criteria: Criteria,
    /// Who began it, as the audit trail describes them.
    pub begun_by: String,
    /// When.
    pub began_at: Timestamp,
    /// How far it has come.
    pub progress: Progress,
    /// When it was done, or stopped.
    pub finished_at: Option<Timestamp>,
    /// Who stopped it before it was done, as the audit trail describes them.
    pub stopped_by: Option<String>,
    /// When it goes on, or its report is let go of. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

/// How far a revocation has come. Each connection is counted in the transaction that ends it, and what became of its grant in
/// the one that lets go of it: whoever dies in the middle leaves nothing uncounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many connections were looked at.
    pub looked_at: u64,
    /// How many were ended here.
    pub ended: u64,
    /// Of these, how many at their provider too.
    pub revoked: u64,
    /// How many can't be ended at their provider, so that their tokens were destroyed here.
    pub unsupported: u64,
    /// How many were refused by their provider for good, or not ended there in time.
    pub failed: u64,
    /// How many connections could not be read, and were left as they are.
    pub unreadable: u64,
}

impl Progress {
    /// How many of those that were ended here their providers are still to be asked about.
    #[must_use]
    pub fn pending(self) -> u64 {
        let settled = self.revoked.saturating_add(self.unsupported).saturating_add(self.failed);
        self.ended.saturating_sub(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_confirmation_is_for_what_was_looked_at_and_for_a_while() {
        let workspace = WorkspaceId::parse("w").unwrap();
        let of_app = |app: &str| Criteria { app: AppId::parse(app).ok(), ..Criteria::default() };
        let confirmation = Confirmation { looked_at: at(100), matches: 7 };
        let text = confirmation.to_text(&workspace, &of_app("a"));
        let parse = |raw: &str, app: &str, now| Confirmation::parse(raw, &workspace, &of_app(app), at(now));
        assert_eq!(parse(&text, "a", 100), Some(confirmation));
        assert_eq!(parse(&text, "b", 100), None, "other criteria");
        assert_eq!(parse(&text, "a", 99), None, "from the future");
        assert_eq!(parse(&text, "a", 100 + 901), None, "too late");
        assert_eq!(parse(&text.replacen('7', "8", 1), "a", 100), None, "another number");
        for raw in ["", "7", "7.x.y", "7.100000.0", "..", "7.1.2.3"] {
            assert_eq!(parse(raw, "a", 100), None, "{raw}");
        }
    }

    #[test]
    fn a_range_ends_where_it_is_cut_off_at_the_latest() {
        let open = Criteria::default().until(at(10));
        assert_eq!(open.connected_before, Some(at(10)));
        assert_eq!(open.clone().until(at(20)), open);
        assert_eq!(open.until(at(5)).connected_before, Some(at(5)));
    }
}
