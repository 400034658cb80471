//! Names of attributes. Each stands here once; none of them is a reserved word of DynamoDB, so expressions use them as they
//! are.

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {$(pub(in crate::store) const $constant: &str = $name;)*};
}

names! {
    PK = "pk";
    SK = "sk";
    LAYOUT = "v";
    TTL = "ttl";

    WORKSPACE = "workspace_id";
    APP = "app_id";
    CONNECTOR = "connector_id";
    ISSUER = "issuer";
    SUBJECT = "subject";
    OWNER = "owned_by";
    TITLE = "title";
    CREATED_AT = "created_at";
    UPDATED_AT = "updated_at";

    WRAPPED_KEY = "wrapped_key";
    GENERATION = "generation";
    KMS_KEY = "kms_key_arn";
    RESEALED = "resealed";
    UNOPENED = "unopened";
    PROGRESSED_AT = "progressed_at";
    RESEALED_AT = "resealed_at";

    ORIGINS = "origins";
    RETURN_URLS = "return_urls";
    ID_ISSUER = "id_issuer";
    ID_AUDIENCE = "id_audience";
    ID_JWKS_URI = "id_jwks_uri";
    ID_JWKS = "id_jwks";
    ID_JWKS_FETCHED_AT = "id_jwks_fetched_at";
    ID_AUTHORIZATION = "id_authorization";
    ID_TOKEN_ENDPOINT = "id_token_endpoint";
    ID_SECRET_IN_BODY = "id_secret_in_body";
    ID_SENDS_ISSUER = "id_sends_issuer";
    ADMIN_CLAIM = "admin_claim";
    ADMIN_VALUES = "admin_values";
    READER_CLAIM = "reader_claim";
    READER_VALUES = "reader_values";
    SESSION_BINDING = "session_binding";
    HANDLE_DELIVERY = "handle_delivery";

    KEY_ID = "key_id";
    KEY_DIGEST = "key_digest";
    KEY_KIND = "key_kind";
    OFFLINE_TOKENS = "offline_tokens";
    REVOKED_AT = "revoked_at";

    PROVIDER = "provider_type";
    PROFILE = "profile";
    CLIENT_ID = "client_id";
    CLIENT_SECRET = "client_secret";
    CLIENT_SECRET_CHANGED_AT = "client_secret_changed_at";
    CLIENT_SECRET_EXPIRES_ON = "client_secret_expires_on";
    SIGNING_KEY = "signing_key";
    EARLIER_SIGNING_KEY = "earlier_signing_key";
    SIGNING_KEY_MADE_AT = "signing_key_made_at";
    PUBLIC_KEYS = "public_keys";
    SCOPES = "scopes";
    SCOPES_REVISION = "scopes_revision";
    CONNECTION_CONFIG = "connection_config";
    CALL_RULES = "call_rules";
    NO_OFFLINE_USE = "no_offline_use";
    CONNECTOR_KIND = "connector_kind";
    CONNECTOR_STATE = "connector_state";
    CLAIMED_BY = "claimed_by";
    EXPORTABLE_SINCE = "exportable_since";
    REVISION = "revision";
    SWITCHES = "switches";
    PLAN = "plan_name";
    PROPOSAL = "proposal_id";
    PROPOSAL_KIND = "proposal_kind";
    PROPOSED = "proposed";
    DECISION = "decision";
    DECIDED_BY = "decided_by";
    DECIDED_AT = "decided_at";
    CONNECTOR_COUNT = "connector_count";
    CONNECTIONS_COUNTED = "connections_counted";

    CONNECTOR_SHARD = "connector_shard";
    DUE_SHARD = "due_shard";
    DUE_AT = "due_at";
    CONNECTION_VERSION = "ver";
    GRANT_ENDED = "grant_ended";
    GRANTED = "granted";
    ACCOUNT = "account";
    CONNECTION_LABEL = "conn_label";
    CONNECTION_DETAILS = "conn_details";
    CONNECTED_AT = "connected_at";
    CONNECTED_BY = "connected_by";
    LAST_USED_ON = "last_used_on";
    ACCESS_TOKEN = "access_token";
    REFRESH_TOKEN = "refresh_token";
    TOKEN_TYPE = "token_type";
    ISSUED_AT = "issued_at";
    EXPIRES_AT = "expires_at";
    REFRESH_EXPIRES_AT = "refresh_expires_at";
    FENCE = "fence";
    LEASED_UNTIL = "leased_until";
    INTENT = "intent";
    IN_DOUBT = "in_doubt";
    UNPROVEN = "unproven";
    LAST_COMMIT = "last_commit";
    FAILURES = "failures";
    REFUSALS = "refusals";
    RETRY_AT = "retry_at";
    QUARANTINED = "quarantined";
    IMPORTED = "imported_digest";
    EXPIRY_TOLD = "expiry_told";
    COUNTED = "counted";
    TALLY = "tally";

    FAILING = "failing";
    OPENINGS = "openings";
    OPEN_UNTIL = "open_until";
    REFUSAL = "refusal";
    REFUSAL_STATUS = "refusal_status";
    REFUSED_AT = "refused_at";
    REFUSED_REVISION = "refused_revision";
    BOUND_SINCE = "bound_since";
    NEXT_AT = "next_at";

    ASKED_AT = "asked_at";
    CHECKED_AT = "checked_at";
    FINDINGS = "findings";
    OFFERED = "offered";

    ENDED_ID = "ended_id";
    ENDED_AT = "ended_at";
    ACCOUNT_ID = "account_id";
    TRIES = "tries";
    ENDS_GRANTS = "ends_grants";
    BEGAN_AT = "began_at";
    BEGUN_BY = "begun_by";
    SWEPT_TO = "swept_to";
    FORGOTTEN_AT = "forgotten_at";
    REVOCATION = "revocation_id";
    CONNECTED_BEFORE = "connected_before";
    CONNECTED_AFTER = "connected_after";
    LOOKED_AT = "looked_at";
    ENDED_COUNT = "ended_count";
    REVOKED_COUNT = "revoked_count";
    UNSUPPORTED_COUNT = "unsupported_count";
    FAILED_COUNT = "failed_count";
    UNREADABLE_COUNT = "unreadable_count";
    FINISHED_AT = "finished_at";
    DELETED_AT = "deleted_at";

    STAGE = "stage";
    REASON = "reason";
    BINDING = "binding";
    COOKIE = "cookie";
    MANAGES = "manages";
    STATE = "state_sealed";
    VERIFIER = "verifier";
    CODE = "code";
    HANDLE = "handle_digest";
    PARKED_UNTIL = "parked_until";
    ARRIVED_DETAILS = "arrived_details";
    ARRIVED_SCOPES = "arrived_scopes";
    INPUTS = "conn_inputs";
    REDIRECT_URI = "redirect_uri";
    TOKEN_ENDPOINT = "token_endpoint";
    CODE_BOUND = "code_bound";
    ROOM = "room";
    REQUESTED = "requested";
    EARLIER_ACCOUNT = "earlier_account";
    EARLIER_REFRESH = "earlier_refresh";
    EARLIER_ENDPOINT = "earlier_endpoint";
    HAS_EARLIER = "has_earlier";
    RETURN_URL = "return_url";

    EVENT_ID = "event_id";
    ACTOR = "actor";
    DEED = "deed";
    TARGET = "target";
    DETAILS = "details";
    ORIGIN = "origin";

    EVENT_KIND = "event_kind";
    EVENT_TEXT = "event_text";
    WEBHOOK = "webhook_id";
    WEBHOOK_URL = "webhook_url";
    WEBHOOK_EVENTS = "webhook_events";
    WEBHOOK_STATE = "webhook_state";
    WEBHOOK_SECRET = "webhook_secret";
    EARLIER_WEBHOOK_SECRET = "earlier_webhook_secret";
    EARLIER_SIGNS_UNTIL = "earlier_signs_until";
    TRIED_AT = "tried_at";
    TRIED_STATUS = "tried_status";
    FAILING_SINCE = "failing_since";
    LANE = "lane";
    SEQ = "seq";
    HASH = "chain_hash";
    PREVIOUS_HASH = "chain_previous";
}
