//! The product as its callers, its users and their attackers meet it: HTTP and events in, on the embedded engine, with a
//! provider that can be told to misbehave. Time is moved by hand; nothing waits for luck.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's world: what fails here fails the test that asked for it"
)]

mod account_details;
mod arrivals;
mod audit_chain;
mod audit_lines;
mod audit_older;
mod bound_tokens;
mod callers;
mod calls;
mod calls_answers;
mod calls_bound;
mod calls_refused;
mod changes;
mod client_keys;
mod connect;
mod connection_counts;
mod deletions;
mod disconnect;
mod doctor;
mod doctor_rounds;
mod encryption_keys;
mod end_edges;
mod end_races;
mod ended_imports;
mod events;
mod exchange;
mod expiring;
mod export_edges;
mod exports;
mod finishing;
mod foresight;
mod forgetting;
mod governance;
mod import_limits;
mod imports;
mod input;
mod interrupted_revocations;
mod isolation;
mod issuer_changes;
mod key_age;
mod large_grants;
mod leakage;
mod links;
mod mass_revocations;
mod mcp;
mod moving_out;
mod noted;
mod notices;
mod odd_grants;
mod odd_tokens;
mod own_kms_key;
mod people;
mod plans;
mod proposals;
mod proposals_decided;
mod refresh;
mod refresh_doubt;
mod refresh_failures;
mod refresh_gate;
mod refresh_races;
mod refused_again;
mod registered_anew;
mod replaced_grants;
mod reseal_races;
mod revocation_pace;
mod schedule;
mod schedule_idle;
mod schedule_rounds;
mod settling;
mod shared_connectors;
mod shared_grants;
mod shared_tokens;
mod starts;
mod stopped_revocations;
mod strange_imports;
mod survey;
mod switched_off_midway;
mod user_connections;
mod user_tokens;
mod variables;
mod webhooks;
mod world;
