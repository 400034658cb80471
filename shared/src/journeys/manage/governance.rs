//! What a workspace allows its people to connect, by type of provider: looked at, and switched.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    domain::{
        audit::Actor,
        connector::Connector,
        gather::Gather,
        ids::WorkspaceId,
        notice::Notice,
        policy::{Policy, SwitchChange, Switches},
        provider::ProviderType,
    },
    journeys::audit::Audit,
    oauth::catalogue,
    random::Random,
    store::{Connectors, CustomProviders, MOST_NOTED, Policies, StoreError, Write},
};

/// How often a change is tried when others switch something at the same time: all of a workspace's switches are one item, so
/// of twenty who come together the last has nineteen before them.
const TRIES: usize = 24;

/// How long whoever was overtaken waits at most before the next try, in milliseconds.
const LONGEST_PAUSE: u64 = 30;

/// Governs which types of provider may be used.
#[derive(Debug, Clone)]
pub struct Govern {
    pub(crate) policies: Policies,
    pub(crate) connectors: Connectors,
    pub(crate) custom: CustomProviders,
    pub(crate) audit: Audit,
    pub(crate) random: Random,
}

/// One type of provider, under the workspace's policy.
#[derive(Debug)]
pub struct Governed {
    /// The type.
    pub provider: ProviderType,
    /// What of it is on.
    pub switches: Switches,
    /// How many connectors the workspace has of it.
    pub connectors: usize,
}

/// Why nothing was switched.
#[derive(Debug, thiserror::Error)]
pub enum GovernError {
    /// The change at this place names a type that is neither in the catalogue nor the workspace's own, nor in use.
    #[error("no such provider")]
    UnknownProvider(usize),
    /// Others keep switching.
    #[error("somebody else switched at the same time")]
    Contended,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Govern {
    /// The types that are in use, and those of which not everything is on, by name.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<Governed>, StoreError> {
        let policy = self.policies.find(workspace).await?.policy;
        let mut in_use = self.in_use(workspace).await?;
        for (provider, _) in policy.off() {
            in_use.entry(provider.clone()).or_default();
        }
        let governed = |(provider, connectors)| Governed { switches: policy.switches(&provider), provider, connectors };
        Ok(in_use.into_iter().map(governed).collect())
    }

    /// Switches types on and off: all of these changes, or none. It holds at once for whoever asks for a token or begins to
    /// connect. Tokens are refreshed all the while, so that what is switched on again works as if nothing had happened.
    ///
    /// # Errors
    /// [`GovernError`]; nothing is changed then.
    #[tracing::instrument(skip_all)]
    pub async fn switch(
        &self,
        workspace: &WorkspaceId,
        changes: &[SwitchChange],
        actor: Actor,
    ) -> Result<Vec<Governed>, GovernError> {
        let in_use = self.know(workspace, changes).await?;
        for _ in 0..TRIES {
            let found = self.policies.find(workspace).await?;
            let policy = changes.iter().fold(found.policy.clone(), Policy::after);
            let told = self.told(workspace, (&found.policy, &policy), changes, &actor);
            let is_done = policy == found.policy
                || self.policies.replace(workspace, &found, &policy, &told).await? == Write::Done;
            if is_done {
                for notice in &told {
                    self.audit.note_left(notice).await;
                }
                let governed = |change: &SwitchChange| Governed {
                    provider: change.provider.clone(),
                    switches: policy.switches(&change.provider),
                    connectors: in_use.get(&change.provider).copied().unwrap_or_default(),
                };
                return Ok(changes.iter().map(governed).collect());
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(LONGEST_PAUSE))).await;
        }
        Err(GovernError::Contended)
    }

    /// How many connectors there are of each type, if every type of the changes is one that the workspace may mean.
    async fn know(
        &self,
        workspace: &WorkspaceId,
        changes: &[SwitchChange],
    ) -> Result<BTreeMap<ProviderType, usize>, GovernError> {
        let in_use = self.in_use(workspace).await?;
        let own = self.custom.of_workspace(workspace).await?;
        let policy = self.policies.find(workspace).await?.policy;
        let is_known = |provider: &ProviderType| {
            catalogue::find(provider).is_some()
                || in_use.contains_key(provider)
                || own.iter().any(|known| known.id == *provider)
                // What is gone but for its switch: nobody else could switch it on before it comes again.
                || policy.off().any(|(known, _)| known == provider)
        };
        match changes.iter().position(|change| !is_known(&change.provider)) {
            Some(unknown) => Err(GovernError::UnknownProvider(unknown)),
            None => Ok(in_use),
        }
    }

    async fn in_use(&self, workspace: &WorkspaceId) -> Result<BTreeMap<ProviderType, usize>, StoreError> {
        let mut in_use = BTreeMap::new();
        let connectors = self.connectors.of_workspace(workspace).await?;
        for connector in connectors.into_iter().filter(Connector::is_active) {
            *in_use.entry(connector.provider).or_default() += 1;
        }
        Ok(in_use)
    }

    /// What is to be noted for each type that is not as it was; of more than are noted of one change, in one.
    fn told(
        &self,
        workspace: &WorkspaceId,
        (earlier, now): (&Policy, &Policy),
        changes: &[SwitchChange],
        actor: &Actor,
    ) -> Vec<Notice> {
        let types: BTreeSet<&ProviderType> = changes.iter().map(|change| &change.provider).gathered();
        let types = types.into_iter().filter(|provider| now.switches(provider) != earlier.switches(provider));
        let switched: Vec<_> = types.map(|provider| (provider.as_str(), now.switches(provider))).collect();
        let note = |target: &str, details: &[(&str, &str)]| {
            self.audit.to_note(workspace, actor, "governance.changed", target, details)
        };
        if switched.len() > MOST_NOTED {
            let all: Vec<_> = switched
                .iter()
                .map(|(provider, is)| {
                    (*provider, format!("builder {}, per user {}", word(is.builder), word(is.per_user)))
                })
                .collect();
            let details: Vec<_> = all.iter().map(|(provider, switches)| (*provider, switches.as_str())).collect();
            return vec![note(workspace.as_str(), &details)];
        }
        let each = switched.iter().map(|(provider, is)| {
            note(provider, &[("builder_connection", word(is.builder)), ("per_user_connection", word(is.per_user))])
        });
        each.collect()
    }
}

fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
