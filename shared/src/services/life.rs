//! The journeys of a connection's life: made, read, refreshed, ended.

use std::sync::Arc;

use super::{Services, ServicesError, aws};
use crate::{
    bus::Bus,
    journeys::{
        ask_provider::AskProvider, call_provider::CallProvider, complete_authorization::CompleteAuthorization,
        connection_quota::ConnectionQuotas, count_connections::CountConnections, deliver_events::DeliverEvents,
        disconnect::Disconnect, dispatch_due::DispatchDue, end_connection::EndConnection, exchange::Exchange,
        get_token::GetToken, list_connections::ListConnections, open_link::OpenLink, refresh_connection::Refresher,
        refresh_due::RefreshDue, reseal::Reseal, revoke_grant::RevokeGrant, revoke_matching::RevokeMatching,
        shared_connection::SharedConnections, start_authorization::StartAuthorization, sweep_connector::SweepConnector,
        work_endings::WorkEndings,
    },
    store::{
        Completions, Endings, ForgottenUsers, Imports, Leases, MassRevocations, Renewals, SealedRows, SharedConnectors,
        Starts, TokenReads,
    },
};

impl Services {
    /// The journey that begins sessions.
    #[must_use]
    pub fn start_authorization(&self) -> StartAuthorization {
        StartAuthorization {
            apps: self.apps(),
            connectors: self.connectors(),
            policies: self.policies(),
            quotas: self.connection_quotas(),
            connections: self.connections(),
            sessions: self.sessions(),
            starts: Starts::new(&self.dynamodb, &self.config.tables),
            healths: self.healths(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            public_base_url: self.config.public_base_url.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that opens links.
    #[must_use]
    pub fn open_link(&self) -> OpenLink {
        OpenLink {
            apps: self.apps(),
            connectors: self.connectors(),
            policies: self.policies(),
            connections: self.connections(),
            sessions: self.sessions(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that completes sessions.
    #[must_use]
    pub fn complete_authorization(&self) -> CompleteAuthorization {
        CompleteAuthorization {
            sessions: self.sessions(),
            connectors: self.connectors(),
            policies: self.policies(),
            exchange: Exchange {
                connectors: self.connectors(),
                policies: self.policies(),
                completions: Completions::new(&self.dynamodb, &self.config.tables),
                sessions: self.sessions(),
                ended: self.ended_grants(),
                healths: self.healths(),
                vault: Arc::clone(&self.vault),
                client: Arc::clone(&self.client),
                publisher: self.publisher(),
                clock: self.clock.clone(),
                random: self.random.clone(),
            },
            vault: Arc::clone(&self.vault),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that hands out tokens.
    #[must_use]
    pub fn get_token(&self) -> GetToken {
        GetToken {
            reads: TokenReads::new(&self.dynamodb, &self.config.tables),
            schedule: self.schedule(),
            refresher: self.refresher(),
            vault: Arc::clone(&self.vault),
            remind: self.remind_of_keys(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that calls providers' APIs.
    #[must_use]
    pub fn call_provider(&self) -> CallProvider {
        CallProvider {
            tokens: self.get_token(),
            shared: self.shared_connections(),
            connectors: self.connectors(),
            connections: self.connections(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that finds shared connections.
    #[must_use]
    pub fn shared_connections(&self) -> SharedConnections {
        SharedConnections {
            shared: SharedConnectors::new(&self.dynamodb, &self.config.tables),
            connections: self.connections(),
            policies: self.policies(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that finds what is due.
    #[must_use]
    pub fn dispatch_due(&self) -> DispatchDue {
        DispatchDue {
            schedule: self.schedule(),
            refresh_queue: self.refresh_queue.clone(),
            revocation_queue: self.revocation_queue.clone(),
            event_queue: self.event_queue.clone(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that works off the refresh queue.
    #[must_use]
    pub fn refresh_due(&self) -> RefreshDue {
        RefreshDue {
            connectors: self.connectors(),
            connections: self.connections(),
            schedule: self.schedule(),
            refresher: self.refresher(),
            rotate: self.rotate_key(),
            doctor: self.doctor(),
            reseal: Reseal {
                keys: self.workspace_keys(),
                rows: SealedRows::new(&self.dynamodb, &self.config.tables),
                webhooks: self.webhooks(),
                audit_keys: self.audit_keys(),
                vault: Arc::clone(&self.vault),
                queue: self.refresh_queue.clone(),
                audit: self.audit(),
                clock: self.clock.clone(),
            },
            remind: self.remind_of_keys(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that disconnects.
    #[must_use]
    pub fn disconnect(&self) -> Disconnect {
        Disconnect {
            connectors: self.connectors(),
            sessions: self.sessions(),
            end: self.end_connection(),
            revoke: self.revoke_grant(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that works off the queue of what is left to be done after something ended.
    #[must_use]
    pub fn work_endings(&self) -> WorkEndings {
        WorkEndings {
            endings: Endings::new(&self.dynamodb, &self.config.tables),
            revoke: self.revoke_grant(),
            sweep: SweepConnector {
                apps: self.apps(),
                connectors: self.connectors(),
                connections: self.connections(),
                healths: self.healths(),
                sweeps: self.sweeps(),
                end: self.end_connection(),
                revoke: self.revoke_grant(),
                reminders: self.reminders(),
                publisher: self.publisher(),
                clock: self.clock.clone(),
            },
            matching: self.revoke_matching(),
            count: CountConnections {
                workspaces: self.workspaces(),
                connectors: self.connectors(),
                connections: self.connections(),
                recounts: self.recounts(),
                reminders: self.reminders(),
                audit: self.audit(),
                clock: self.clock.clone(),
            },
            forgotten: ForgottenUsers::new(&self.dynamodb, &self.config.tables),
            imports: Imports::new(&self.dynamodb, &self.config.tables),
            workspaces: self.delete_workspace(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that ends many connections at once.
    #[must_use]
    pub fn revoke_matching(&self) -> RevokeMatching {
        RevokeMatching {
            apps: self.apps(),
            connectors: self.connectors(),
            connections: self.connections(),
            revocations: MassRevocations::new(&self.dynamodb, &self.config.tables),
            sweeps: self.sweeps(),
            end: self.end_connection(),
            revoke: self.revoke_grant(),
            reminders: self.reminders(),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that tells others what happened.
    ///
    /// # Errors
    /// [`ServicesError`].
    pub fn deliver_events(&self) -> Result<DeliverEvents, ServicesError> {
        Ok(DeliverEvents {
            outbox: self.outbox(),
            told: self.told_events(),
            webhooks: self.webhooks(),
            bus: Bus::new(aws::event_bus(&self.config.aws)?, self.config.event_bus.clone()),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            reminders: self.event_reminders(),
            audit: self.audit(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        })
    }

    /// The journey that lists connections.
    #[must_use]
    pub fn list_connections(&self) -> ListConnections {
        ListConnections {
            apps: self.apps(),
            connectors: self.connectors(),
            connections: self.connections(),
            policies: self.policies(),
            clock: self.clock.clone(),
        }
    }

    pub(super) fn connection_quotas(&self) -> ConnectionQuotas {
        ConnectionQuotas {
            workspaces: self.workspaces(),
            counts: self.connection_counts(),
            plans: self.config.plans.clone(),
        }
    }

    pub(super) fn refresher(&self) -> Refresher {
        Refresher {
            leases: Leases::new(&self.dynamodb, &self.config.tables),
            renewals: Renewals::new(&self.dynamodb, &self.config.tables),
            schedule: self.schedule(),
            connections: self.connections(),
            healths: self.healths(),
            paces: self.paces.clone(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            ended: self.ended_grants(),
            provider: self.ask_provider(),
            queue: self.refresh_queue.clone(),
            salvage: self.salvage_queue.clone(),
            crowd: self.crowd.clone(),
            public_base_url: self.config.public_base_url.clone(),
            publisher: self.publisher(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    pub(super) fn revoke_grant(&self) -> RevokeGrant {
        RevokeGrant {
            connectors: self.connectors(),
            connections: self.connections(),
            ended: self.ended_grants(),
            provider: self.ask_provider(),
            reminders: self.reminders(),
            publisher: self.publisher(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    pub(super) fn end_connection(&self) -> EndConnection {
        EndConnection {
            connections: self.connections(),
            ended: self.ended_grants(),
            publisher: self.publisher(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    pub(super) fn ask_provider(&self) -> AskProvider {
        AskProvider {
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }
}
