//! Whose account suits: everybody's own, or one for all. Guessed from what is known, with what it was guessed from; the person
//! decides, because a wrong guess shows one user's data to all, or asks all for what only one can give.

use connectors::domain::{
    connector::{Connector, ConnectorKind},
    policy::Switches,
    provider::Provider,
    scopes::Scopes,
};

/// What a guess is made from, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The person has said it.
    Person,
    /// The workspace's policy leaves one kind only.
    Policy,
    /// The purpose speaks of the data of those who use the app.
    PurposeOfUsers,
    /// The purpose speaks of an account of the team.
    PurposeOfTeam,
    /// The purpose speaks of both.
    PurposeOfBoth,
    /// The workspace has a connector of this provider already.
    Connectors,
    /// The scopes, or the kind of product, are about one person's data.
    PersonalData,
    /// The product, or what is asked of it, belongs to an organisation.
    TeamProduct,
    /// Nothing tells.
    Nothing,
}

impl Evidence {
    pub(super) const WORDS: [&str; 9] = [
        "person",
        "policy",
        "purpose_of_users",
        "purpose_of_team",
        "purpose_of_both",
        "connectors",
        "personal_data",
        "team_product",
        "nothing",
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Why that kind, in our own words.
    pub(super) fn why(self, kind: ConnectorKind) -> &'static str {
        match (self, kind) {
            (Self::Person, _) => "The person has said so.",
            (Self::Policy, _) => "The workspace's policy allows only this kind for this provider.",
            (Self::PurposeOfUsers, _) => {
                "It is about the data of the app's users: each connects an account of their own and sees only that."
            }
            (Self::PurposeOfTeam, _) => {
                "It sounds like one account that belongs to the team: an admin connects it once, and every app uses it."
            }
            (Self::PurposeOfBoth, _) => {
                "The purpose speaks of users and of the team. Everybody's own account is the safer guess: nobody sees the \
                 data of others."
            }
            (Self::Connectors, _) => "The workspace has connectors of this provider, and all are of this kind.",
            (Self::PersonalData, _) => {
                "What is asked for is one person's data: each user connects an account of their own and sees only that."
            }
            (Self::TeamProduct, _) => {
                "Such accounts mostly belong to an organisation: an admin connects one, and every app uses it."
            }
            (Self::Nothing, _) => {
                "Nothing tells. Everybody's own account is the safer guess: choose shared only for one account that belongs \
                 to the team."
            }
        }
    }
}

/// Those who use an app, as a purpose names them.
const USERS: [&str; 24] = [
    "attendee",
    "buyer",
    "client",
    "customer",
    "guest",
    "individual",
    "member",
    "patient",
    "people",
    "person",
    "personal",
    "seller",
    "someone",
    "somebody",
    "student",
    "subscriber",
    "tenant",
    "their",
    "theirs",
    "them",
    "user",
    "visitor",
    "whoever",
    "yourself",
];

/// Who owns one account for all, as a purpose names it; and what is done without anybody.
const TEAM: [&str; 24] = [
    "automation",
    "backoffice",
    "bot",
    "central",
    "company",
    "cron",
    "department",
    "headquarter",
    "hourly",
    "internal",
    "marketing",
    "nightly",
    "office",
    "organisation",
    "organization",
    "ours",
    "scheduled",
    "shared",
    "single",
    "support",
    "team",
    "teamwide",
    "webhook",
    "workspace",
];

/// Kinds of product that hold one person's data.
const PERSONAL: [&str; 14] = [
    "banking",
    "calendar",
    "contacts",
    "email",
    "files",
    "fitness",
    "gaming",
    "health",
    "identity",
    "music",
    "photos",
    "scheduling",
    "social",
    "tasks",
];

/// Kinds of product that an organisation has one account at.
const OF_TEAMS: [&str; 20] = [
    "accounting",
    "ads",
    "advertising",
    "analytics",
    "cms",
    "construction",
    "crm",
    "data",
    "database",
    "databases",
    "ecommerce",
    "erp",
    "hosting",
    "hr",
    "marketing",
    "payroll",
    "pos",
    "sales",
    "seo",
    "website",
];

/// Parts of scopes that mean one person's data, and those that mean none.
const PERSONAL_SCOPES: [&str; 7] = ["calendar", "contacts", "drive", "files", "mail", "photos", "tasks"];
const TEAM_SCOPES: [&str; 4] = ["admin", "bot", "commands", "incoming-webhook"];

/// The kind that suits, and what that was guessed from.
pub(super) fn suggested(
    purpose: &[String],
    scopes: &Scopes,
    provider: Option<&Provider>,
    switches: Option<Switches>,
    connectors: &[&Connector],
) -> (ConnectorKind, Evidence) {
    match switches.map(|switches| (switches.per_user, switches.builder)) {
        Some((true, false)) => return (ConnectorKind::PerUser, Evidence::Policy),
        Some((false, true)) => return (ConnectorKind::Shared, Evidence::Policy),
        _ => {}
    }
    match kind_of_purpose(purpose) {
        Some(ConnectorKind::PerUser) => return (ConnectorKind::PerUser, Evidence::PurposeOfUsers),
        Some(ConnectorKind::Shared) => return (ConnectorKind::Shared, Evidence::PurposeOfTeam),
        None if speaks_of_users(purpose) => return (ConnectorKind::PerUser, Evidence::PurposeOfBoth),
        None => {}
    }
    if let Some((first, others)) = connectors.split_first()
        && others.iter().all(|other| other.kind == first.kind)
    {
        return (first.kind, Evidence::Connectors);
    }
    let asks = |parts: &[&str]| scopes.iter().any(|scope| parts.iter().any(|part| is_part(scope, part)));
    let is_among = |kinds: &[&str]| {
        provider.is_some_and(|provider| provider.categories.iter().any(|kind| kinds.contains(&kind.as_str())))
    };
    let is_bot = provider.is_some_and(|provider| provider.id.as_str().contains("bot"));
    if is_bot || asks(&TEAM_SCOPES) {
        (ConnectorKind::Shared, Evidence::TeamProduct)
    } else if asks(&PERSONAL_SCOPES) || is_among(&PERSONAL) {
        (ConnectorKind::PerUser, Evidence::PersonalData)
    } else if is_among(&OF_TEAMS) {
        (ConnectorKind::Shared, Evidence::TeamProduct)
    } else {
        (ConnectorKind::PerUser, Evidence::Nothing)
    }
}

/// The kind of which a purpose speaks, if it speaks of one only.
pub(super) fn kind_of_purpose(purpose: &[String]) -> Option<ConnectorKind> {
    match (speaks_of_users(purpose), speaks_of_team(purpose)) {
        (true, false) => Some(ConnectorKind::PerUser),
        (false, true) => Some(ConnectorKind::Shared),
        _ => None,
    }
}

/// Whether a scope has this part, between whatever divides its parts.
fn is_part(scope: &str, part: &str) -> bool {
    if part.contains('-') {
        return scope == part;
    }
    scope.split(|character: char| !character.is_alphanumeric()).any(|found| found.eq_ignore_ascii_case(part))
}

/// `each` and `every` are of time as well: of users they are only with a word for them, which counts by itself.
fn speaks_of_users(purpose: &[String]) -> bool {
    let owns = |word: &str| ["everybody", "everyone"].contains(&word);
    let is_own = purpose.windows(2).any(|pair| owns(&pair[0]) && pair[1] == "own");
    is_own || purpose.iter().any(|word| USERS.contains(&one(word)))
}

fn speaks_of_team(purpose: &[String]) -> bool {
    // `our users` are not ours: only what follows tells.
    let is_our = purpose.windows(2).any(|pair| pair[0] == "our" && !USERS.contains(&one(&pair[1])));
    is_our || purpose.iter().any(|word| TEAM.contains(&one(word)))
}

fn one(word: &str) -> &str {
    super::purpose::singular(word)
}

#[cfg(test)]
mod tests {
    use connectors::{domain::provider::ProviderType, oauth::catalogue::find_described};

    use super::{super::super::catalogue::words, *};

    fn guess(purpose: &str) -> (ConnectorKind, Evidence) {
        suggested(&words(purpose), &Scopes::default(), None, None, &[])
    }

    #[test]
    fn whose_account_suits_is_guessed_from_the_purpose() {
        use ConnectorKind::{PerUser, Shared};
        for (purpose, kind, evidence) in [
            ("put meetings into each user's own calendar", PerUser, Evidence::PurposeOfUsers),
            ("read their calendars", PerUser, Evidence::PurposeOfUsers),
            ("all of our users' calendars", PerUser, Evidence::PurposeOfUsers),
            ("", PerUser, Evidence::Nothing),
            ("read the calendar every morning", PerUser, Evidence::Nothing),
            ("post our weekly report to the company channel", Shared, Evidence::PurposeOfTeam),
            ("post each report to the company channel", Shared, Evidence::PurposeOfTeam),
            ("mirror the company calendar for every customer", PerUser, Evidence::PurposeOfBoth),
        ] {
            assert_eq!(guess(purpose), (kind, evidence), "{purpose}");
        }
    }

    #[test]
    fn without_a_telling_purpose_product_scopes_and_policy_tell() {
        let provider = |id: &str| find_described(&ProviderType::parse(id).unwrap()).unwrap();
        let scopes = |scope: &str| Scopes::parse([scope]).unwrap();
        let by = |id: &str, scope: Option<&str>| {
            let scopes = scope.map(scopes).unwrap_or_default();
            suggested(&[], &scopes, Some(&provider(id)), None, &[])
        };
        assert_eq!(by("googlecalendar", None), (ConnectorKind::PerUser, Evidence::PersonalData));
        assert_eq!(by("quickbooks", None), (ConnectorKind::Shared, Evidence::TeamProduct));
        assert_eq!(by("slackbot", None), (ConnectorKind::Shared, Evidence::TeamProduct));
        let mail = Some("https://www.googleapis.com/auth/gmail.readonly");
        assert_eq!(by("google", mail), (ConnectorKind::PerUser, Evidence::PersonalData));
        let only_shared = Switches { builder: true, per_user: false };
        let guess = suggested(&words("their calendars"), &Scopes::default(), None, Some(only_shared), &[]);
        assert_eq!(guess, (ConnectorKind::Shared, Evidence::Policy));
    }
}
