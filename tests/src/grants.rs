//! The one place that says what each function may do, and why. Logs aside: every function may write its own.
//!
//! `tests/template` compares the roles with it, and the functions' own tests what they were seen to ask for.

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The table of workspaces, apps, keys and connectors.
    Registry,
    /// Of its items, those of keys, and in them nothing but the day of their last use.
    KeyUse,
    /// Of its items, those of webhooks, and in them nothing but how deliveries go and whether they are given up.
    Deliveries,
    /// Of its items, proposals.
    Proposals,
    /// The table of connections.
    Connections,
    /// Of its items, events and deliveries on their way out.
    Outbox,
    /// Its index of due connections.
    DueIndex,
    /// Its index of a connector's connections.
    ByConnectorIndex,
    /// The table of authorization sessions.
    Sessions,
    /// The audit trail.
    Audit,
    /// The keys that wrap data keys: the deployment's, and those that workspaces may name as their own.
    Key,
    /// The queue of connections to refresh.
    RefreshQueue,
    /// The queue of grants to revoke.
    RevocationQueue,
    /// The ordered queue of tokens that the table did not take.
    SalvageQueue,
    /// The queue of events to tell.
    EventQueue,
    /// The bus that they are told on.
    EventBus,
}

/// One permission: these actions on that resource.
pub struct Grant {
    /// Whose permission it is.
    pub function: &'static str,
    /// What it is about.
    pub target: Target,
    /// IAM actions.
    pub actions: &'static [&'static str],
    /// What the function does with it: a permission without a reason does not get in.
    pub why: &'static str,
}

const fn grant(function: &'static str, target: Target, actions: &'static [&'static str], why: &'static str) -> Grant {
    Grant { function, target, actions, why }
}

const GET: &str = "dynamodb:GetItem";
const BATCH_GET: &str = "dynamodb:BatchGetItem";
const QUERY: &str = "dynamodb:Query";
const PUT: &str = "dynamodb:PutItem";
const UPDATE: &str = "dynamodb:UpdateItem";
const DELETE: &str = "dynamodb:DeleteItem";
const CHECK: &str = "dynamodb:ConditionCheckItem";
const NEW_KEY: &str = "kms:GenerateDataKey";
const OPEN_KEY: &str = "kms:Decrypt";
const SEND: &str = "sqs:SendMessage";
const RECEIVE: &str = "sqs:ReceiveMessage";
const DONE: &str = "sqs:DeleteMessage";
const LOOK: &str = "sqs:GetQueueAttributes";
const PUT_EVENTS: &str = "events:PutEvents";

/// Why whoever changes something leaves messages about events.
const TOLD: &str = "reminders of what others are to be told";

/// Why whoever takes keys writes their day of use.
const NOTED: &str = "the first use of a key on a day, so that one that nobody uses is found";

/// Every permission there is. To seal, a function looks up the workspace's newest wrapped key (a query) and has it
/// unwrapped; making one is for whoever administers a workspace, and for `refresh` when one is too old.
pub const GRANTS: &[Grant] = &[
    grant(
        "start-authorization",
        Target::Registry,
        &[GET, QUERY],
        "key, app, connector; the workspace's apps and their return URLs; its sealing key",
    ),
    grant("start-authorization", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "start-authorization",
        Target::Connections,
        &[GET, QUERY],
        "whether there is a connection to renew, and how it stands; whether its provider gives bound tokens only; how many \
         connections the workspace has",
    ),
    grant(
        "start-authorization",
        Target::Sessions,
        &[PUT, GET, UPDATE],
        "counts sessions, begins this one; opens its link once",
    ),
    grant(
        "start-authorization",
        Target::Key,
        &[OPEN_KEY],
        "seals state and verifier; opens client secret or key for a request that is pushed",
    ),
    grant(
        "callback",
        Target::Registry,
        &[GET, QUERY],
        "connector, its public keys, return URL; the workspace's sealing key",
    ),
    grant(
        "callback",
        Target::Connections,
        &[UPDATE, CHECK, PUT],
        "completes a session bound by its cookie, if its user was not forgotten since, and counts it; leaves what is to be revoked later",
    ),
    grant("callback", Target::Sessions, &[GET, UPDATE], "the session by its state, which it spends or parks"),
    grant("callback", Target::Audit, &[GET, PUT], "who connected, and what was refused"),
    grant("callback", Target::Key, &[OPEN_KEY], "opens verifier, client secret and key, seals code and tokens"),
    grant("callback", Target::EventQueue, &[SEND], TOLD),
    grant("finish-authorization", Target::Registry, &[GET, QUERY], "app, connector; the workspace's sealing key"),
    grant("finish-authorization", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "finish-authorization",
        Target::Connections,
        &[UPDATE, CHECK, PUT],
        "completes a parked session, if its user was not forgotten since, and counts it; leaves what is to be revoked later",
    ),
    grant("finish-authorization", Target::Sessions, &[GET, UPDATE], "the session, which it spends"),
    grant("finish-authorization", Target::Audit, &[GET, PUT], "who connected, and who tried for another"),
    grant("finish-authorization", Target::Key, &[OPEN_KEY], "opens code, verifier and client secret, seals tokens"),
    grant("finish-authorization", Target::EventQueue, &[SEND], TOLD),
    grant(
        "get-token",
        Target::Registry,
        &[GET, BATCH_GET, QUERY],
        "key and app; the connector, by its type too; the sealing key",
    ),
    grant("get-token", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "get-token",
        Target::Connections,
        &[GET, BATCH_GET, UPDATE, PUT, DELETE],
        "the token read; lease and commit of a refresh; tokens that come when their connection is gone, until revoked",
    ),
    grant("get-token", Target::Key, &[OPEN_KEY], "opens the token, seals a fresh one"),
    grant("get-token", Target::RefreshQueue, &[SEND], "has a connection looked at after a refresh that may be lost"),
    grant("get-token", Target::SalvageQueue, &[SEND], "tokens that the table does not take; whether there are any"),
    grant("get-token", Target::Audit, &[GET, PUT], "that a grant is over, or may do something else"),
    grant("get-token", Target::EventQueue, &[SEND], TOLD),
    grant(
        "call-provider",
        Target::Registry,
        &[GET, BATCH_GET, QUERY],
        "key and app; the connectors of a type; the connector; the sealing key",
    ),
    grant("call-provider", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "call-provider",
        Target::Connections,
        &[GET, BATCH_GET, QUERY, UPDATE, PUT, DELETE],
        "through which connectors a user is connected; all that a token read and its refresh need",
    ),
    grant("call-provider", Target::Key, &[OPEN_KEY], "opens the token, seals a fresh one"),
    grant(
        "call-provider",
        Target::RefreshQueue,
        &[SEND],
        "has a connection looked at after a refresh that may be lost",
    ),
    grant("call-provider", Target::SalvageQueue, &[SEND], "tokens that the table does not take; whether there are any"),
    grant("call-provider", Target::Audit, &[GET, PUT], "that a grant is over, or may do something else"),
    grant("call-provider", Target::EventQueue, &[SEND], TOLD),
    grant(
        "mcp",
        Target::Registry,
        &[GET, BATCH_GET, QUERY],
        "who vouches for the caller; connectors, providers, policies, proposals; the sealing key",
    ),
    grant(
        "mcp",
        Target::Proposals,
        &[PUT, DELETE],
        "proposals that it makes; removes those that nothing comes of any more",
    ),
    grant(
        "mcp",
        Target::Connections,
        &[GET, BATCH_GET, QUERY, UPDATE, PUT, DELETE],
        "what a user has connected, which it also ends; all that a token read and its refresh need",
    ),
    grant("mcp", Target::ByConnectorIndex, &[QUERY], "how many people a proposal concerns"),
    grant("mcp", Target::Sessions, &[PUT, UPDATE], "counts sessions, begins one behind a link"),
    grant("mcp", Target::Audit, &[GET, PUT], "who proposed, and who disconnected"),
    grant("mcp", Target::Key, &[OPEN_KEY], "opens the token, seals a fresh one; seals the state of a link"),
    grant("mcp", Target::RefreshQueue, &[SEND], "has a connection looked at after a refresh that may be lost"),
    grant("mcp", Target::EventQueue, &[SEND], TOLD),
    grant("mcp", Target::RevocationQueue, &[SEND], "reminders of grants to end"),
    grant("mcp", Target::SalvageQueue, &[SEND], "tokens that the table does not take; whether there are any"),
    grant(
        "refresh",
        Target::Registry,
        &[GET, QUERY, PUT, UPDATE],
        "the connector of what is due, and its provider, as their issuer has them by now; a new key for an old one, how far it has \
         come, and client secrets sealed anew",
    ),
    grant(
        "refresh",
        Target::Connections,
        &[GET, BATCH_GET, UPDATE, PUT, DELETE],
        "lease, commit, pace; tokens sealed anew; what the doctor finds; tokens that come when their connection is gone",
    ),
    grant("refresh", Target::DueIndex, &[QUERY], "what is due"),
    grant("refresh", Target::ByConnectorIndex, &[QUERY], "what is to be sealed anew; how a connector's grants ended"),
    grant(
        "refresh",
        Target::Audit,
        &[GET, PUT],
        "that a key was replaced, and that nothing of it is left; what an issuer has changed",
    ),
    grant("refresh", Target::Key, &[NEW_KEY, OPEN_KEY], "opens and seals tokens; replaces a key that is too old"),
    grant(
        "refresh",
        Target::RefreshQueue,
        &[SEND, RECEIVE, DONE, LOOK],
        "the schedule fills it, the mapping empties it",
    ),
    grant("refresh", Target::RevocationQueue, &[SEND], "grants whose time to be ended has come"),
    grant(
        "refresh",
        Target::SalvageQueue,
        &[SEND, RECEIVE, DONE, LOOK],
        "tokens that the table did not take, and whether there are any",
    ),
    grant("refresh", Target::EventQueue, &[SEND], TOLD),
    grant(
        "disconnect",
        Target::Registry,
        &[GET, QUERY, UPDATE, DELETE],
        "the caller's app, client credentials for the revocation; a swept connector and all of a purged workspace",
    ),
    grant(
        "disconnect",
        Target::Connections,
        &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        "ends connections, one or many, keeps and claims what is left to be done, removes what is done; what else shares a \
         grant",
    ),
    grant("disconnect", Target::Sessions, &[GET, UPDATE], "the link that a user disconnects by, which it spends"),
    grant("disconnect", Target::ByConnectorIndex, &[QUERY], "the connections of a connector that are to be ended"),
    grant("disconnect", Target::Audit, &[GET, PUT], "who disconnected, and what became of the grant"),
    grant("disconnect", Target::Key, &[OPEN_KEY], "opens the tokens it revokes; seals nothing"),
    grant("disconnect", Target::RevocationQueue, &[SEND, RECEIVE, DONE, LOOK], "reminders of what is left to be done"),
    grant("disconnect", Target::EventQueue, &[SEND], TOLD),
    grant("list-connections", Target::Registry, &[GET, QUERY], "the connectors of the app's workspace"),
    grant("list-connections", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "list-connections",
        Target::Connections,
        &[GET, BATCH_GET, QUERY],
        "how each stands; no key, so no token opens",
    ),
    grant("list-connections", Target::ByConnectorIndex, &[QUERY], "the users of a connector"),
    grant("manage-connector", Target::Registry, &[GET, QUERY, PUT, UPDATE, DELETE], "what it administers"),
    grant(
        "manage-connector",
        Target::Connections,
        &[GET, BATCH_GET, QUERY, PUT, UPDATE, DELETE],
        "how a provider does; what the doctor finds, and when; the users of a connector; ends those of a user, leaves what \
         is to be swept",
    ),
    grant("manage-connector", Target::ByConnectorIndex, &[QUERY], "the users of a connector"),
    grant(
        "manage-connector",
        Target::Audit,
        &[GET, PUT, QUERY],
        "the trail, which it also shows; what is to be told once more",
    ),
    grant(
        "manage-connector",
        Target::Key,
        &[NEW_KEY, OPEN_KEY],
        "makes a workspace's key, seals client secrets, opens the one that the doctor tries, and the one that people sign in by",
    ),
    grant(
        "manage-connector",
        Target::RefreshQueue,
        &[SEND],
        "what is to be sealed anew with a new key; a connector to be examined",
    ),
    grant("manage-connector", Target::RevocationQueue, &[SEND], "reminders of what it left to be done"),
    grant("move-grants", Target::Registry, &[GET, QUERY], "key, connector, apps of imported users; the sealing key"),
    grant("move-grants", Target::KeyUse, &[UPDATE], NOTED),
    grant(
        "move-grants",
        Target::Connections,
        &[GET, BATCH_GET, QUERY, UPDATE, CHECK, PUT],
        "imports, unless the user was forgotten since, counts them, and what is told of them; what stands there already, and \
         how many connections the workspace has; what is exported",
    ),
    grant("move-grants", Target::ByConnectorIndex, &[QUERY], "the connections of an exported connector"),
    grant("move-grants", Target::Audit, &[GET, PUT], "who imported how much, and who exported to whom"),
    grant("move-grants", Target::EventQueue, &[SEND], TOLD),
    grant("move-grants", Target::Key, &[OPEN_KEY], "seals what comes in, opens what goes out"),
    grant("manage-connector", Target::EventQueue, &[SEND], TOLD),
    grant("deliver-events", Target::Registry, &[GET, QUERY], "the webhooks of a workspace; the keys of their secrets"),
    grant("deliver-events", Target::Deliveries, &[UPDATE], "how a delivery went; that a webhook is given up"),
    grant(
        "deliver-events",
        Target::Outbox,
        &[PUT, UPDATE, DELETE],
        "claims what is to be told and noted, removes what was",
    ),
    grant(
        "deliver-events",
        Target::Audit,
        &[GET, PUT],
        "what nobody noted of a change; what was told; webhooks given up",
    ),
    grant("deliver-events", Target::Key, &[OPEN_KEY], "opens the secrets that sign deliveries; seals nothing"),
    grant("deliver-events", Target::EventQueue, &[SEND, RECEIVE, DONE, LOOK], "reminders of what is to be told"),
    grant("deliver-events", Target::EventBus, &[PUT_EVENTS], "tells everybody"),
];

impl Target {
    /// The table whose items these are, where it is about some of them only.
    #[must_use]
    pub fn table(self) -> Option<Self> {
        match self {
            Self::KeyUse | Self::Deliveries | Self::Proposals => Some(Self::Registry),
            Self::Outbox => Some(Self::Connections),
            _ => None,
        }
    }
}

/// Whether a function's role allows this action on that. Whoever may write a table may write some of its items too.
#[must_use]
pub fn is_granted(function: &str, target: Target, action: &str) -> bool {
    let is_about = |grant: &Grant| grant.target == target || target.table() == Some(grant.target);
    let mut grants = GRANTS.iter().filter(|grant| grant.function == function && is_about(grant));
    grants.any(|grant| grant.actions.contains(&action))
}
