//! The journeys of those who administer: workspaces, apps, keys, connectors, providers.

use std::sync::Arc;

use super::Services;
use crate::{
    journeys::{
        delete_workspace::DeleteWorkspace,
        doctor::CallDoctor,
        export_grants::ExportGrants,
        foresee_change::ForeseeChange,
        forget_user::ForgetUser,
        import_grants::ImportGrants,
        manage::{
            FoundWorkspace, Govern, ManageApps, ManageConnectors, ManageIdentity, ManageKeys, ManageProviders,
            ManageWebhooks,
        },
        plan::KeepPlan,
        proposals::ProposeChanges,
        publish::Publisher,
        read_audit::ReadAudit,
        rotate_key::RotateKey,
        sign_in::{Exchanges, SignIn},
        survey::Survey,
        sweep_connector::BeginSweep,
    },
    store::{ApiKeys, ForgottenUsers, Imports, Proposals, Purges, WorkspaceIdentities},
};

impl Services {
    /// The journey that manages connectors.
    #[must_use]
    pub fn manage_connectors(&self) -> ManageConnectors {
        ManageConnectors {
            connectors: self.connectors(),
            plan: self.keep_plan(),
            policies: self.policies(),
            custom: self.custom_providers(),
            issuers: self.issuer_changes(),
            healths: self.healths(),
            client: Arc::clone(&self.client),
            doctor: CallDoctor {
                checkups: self.checkups(),
                queue: self.refresh_queue.clone(),
                clock: self.clock.clone(),
            },
            vault: Arc::clone(&self.vault),
            sweep: self.begin_sweep(),
            publisher: Publisher { audit: self.signing_audit(), ..self.publisher() },
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that governs which types of provider may be used.
    #[must_use]
    pub fn govern(&self) -> Govern {
        Govern {
            policies: self.policies(),
            connectors: self.connectors(),
            custom: self.custom_providers(),
            audit: self.signing_audit(),
            random: self.random.clone(),
        }
    }

    /// The journey that looks at whole workspaces.
    #[must_use]
    pub fn survey(&self) -> Survey {
        Survey {
            connectors: self.connectors(),
            connections: self.connections(),
            healths: self.healths(),
            checkups: self.checkups(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that foresees what a change of a connector would mean.
    #[must_use]
    pub fn foresee_change(&self) -> ForeseeChange {
        ForeseeChange { connectors: self.connectors(), connections: self.connections(), clock: self.clock.clone() }
    }

    /// The journey that manages apps.
    #[must_use]
    pub fn manage_apps(&self) -> ManageApps {
        ManageApps {
            apps: self.apps(),
            keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            connectors: self.connectors(),
            client: Arc::clone(&self.client),
            sweep: self.begin_sweep(),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that manages who vouches for a workspace's people.
    #[must_use]
    pub fn manage_identity(&self) -> ManageIdentity {
        ManageIdentity {
            identities: WorkspaceIdentities::new(&self.dynamodb, &self.config.tables),
            client: Arc::clone(&self.client),
            vault: Arc::clone(&self.vault),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that signs a workspace's people in.
    #[must_use]
    pub fn sign_in(&self) -> SignIn {
        SignIn {
            authenticator: Arc::clone(&self.authenticator),
            client: Arc::clone(&self.client),
            vault: Arc::clone(&self.vault),
            public_base_url: self.config.public_base_url.clone(),
            exchanges: Exchanges::default(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that manages API keys.
    #[must_use]
    pub fn manage_keys(&self) -> ManageKeys {
        ManageKeys {
            keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that makes and decides proposals.
    #[must_use]
    pub fn propose_changes(&self) -> ProposeChanges {
        ProposeChanges {
            proposals: Proposals::new(&self.dynamodb, &self.config.tables),
            keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            connectors: self.manage_connectors(),
            connections: self.connections(),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that manages providers.
    #[must_use]
    pub fn manage_providers(&self) -> ManageProviders {
        ManageProviders {
            custom: self.custom_providers(),
            plan: self.keep_plan(),
            client: Arc::clone(&self.client),
            audit: self.signing_audit(),
        }
    }

    /// The journey that keeps workspaces to their plans.
    #[must_use]
    pub fn keep_plan(&self) -> KeepPlan {
        KeepPlan {
            workspaces: self.workspaces(),
            connectors: self.connectors(),
            counts: self.connection_counts(),
            recount: self.begin_recount(),
            plans: self.config.plans.clone(),
            audit: self.signing_audit(),
        }
    }

    /// The journey that manages webhooks.
    #[must_use]
    pub fn manage_webhooks(&self) -> ManageWebhooks {
        ManageWebhooks {
            webhooks: self.webhooks(),
            outbox: self.outbox(),
            told: self.told_events(),
            reminders: self.event_reminders(),
            client: Arc::clone(&self.client),
            vault: Arc::clone(&self.vault),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that founds workspaces.
    #[must_use]
    pub fn found_workspace(&self) -> FoundWorkspace {
        FoundWorkspace {
            workspaces: self.workspaces(),
            keys: self.manage_keys(),
            plans: self.config.plans.clone(),
            vault: Arc::clone(&self.vault),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that deletes workspaces.
    #[must_use]
    pub fn delete_workspace(&self) -> DeleteWorkspace {
        DeleteWorkspace {
            workspaces: self.workspaces(),
            wrapped_keys: self.workspace_keys(),
            api_keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            identities: WorkspaceIdentities::new(&self.dynamodb, &self.config.tables),
            apps: self.apps(),
            connectors: self.connectors(),
            connections: self.connections(),
            counts: self.connection_counts(),
            healths: self.healths(),
            proposals: Proposals::new(&self.dynamodb, &self.config.tables),
            purges: Purges::new(&self.dynamodb, &self.config.tables),
            reminders: self.reminders(),
            audit: self.audit(),
            publisher: self.publisher(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that reads the audit trail.
    #[must_use]
    pub fn read_audit(&self) -> ReadAudit {
        ReadAudit {
            log: self.audit_log(),
            audit: self.audit(),
            workspaces: self.workspaces(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that deletes what is kept of a user.
    #[must_use]
    pub fn forget_user(&self) -> ForgetUser {
        ForgetUser {
            apps: self.apps(),
            connections: self.connections(),
            forgotten: ForgottenUsers::new(&self.dynamodb, &self.config.tables),
            end: self.end_connection(),
            reminders: self.reminders(),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that imports grants.
    #[must_use]
    pub fn import_grants(&self) -> ImportGrants {
        ImportGrants {
            apps: self.apps(),
            connectors: self.connectors(),
            policies: self.policies(),
            quotas: self.connection_quotas(),
            imports: Imports::new(&self.dynamodb, &self.config.tables),
            vault: Arc::clone(&self.vault),
            audit: self.audit(),
            publisher: self.publisher(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that exports grants.
    #[must_use]
    pub fn export_grants(&self) -> ExportGrants {
        ExportGrants {
            connectors: self.connectors(),
            policies: self.policies(),
            connections: self.connections(),
            vault: Arc::clone(&self.vault),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that makes new keys for workspaces.
    #[must_use]
    pub fn rotate_key(&self) -> RotateKey {
        RotateKey {
            keys: self.workspace_keys(),
            workspaces: self.workspaces(),
            vault: Arc::clone(&self.vault),
            queue: self.refresh_queue.clone(),
            audit: self.signing_audit(),
            clock: self.clock.clone(),
            max_age: self.config.max_key_age,
        }
    }

    pub(super) fn begin_sweep(&self) -> BeginSweep {
        BeginSweep { sweeps: self.sweeps(), reminders: self.reminders(), clock: self.clock.clone() }
    }
}
