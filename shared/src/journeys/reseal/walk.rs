//! A walk through a workspace's connectors, as it travels in the queue from step to step.

use serde::{Deserialize, Serialize};

use crate::{
    domain::ids::{ConnectorId, WorkspaceId},
    store::Cursor,
};

/// A message about a workspace's keys. It gives no right: the table decides what is done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum KeyMessage {
    /// Look whether the workspace's key is too old, or what it replaced still waits to be sealed anew.
    LookAfterKeys {
        /// The workspace.
        workspace: String,
    },
    /// Seal anew what is older than a generation: the next step of a walk.
    Reseal(Walk),
}

/// How far a walk has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Walk {
    pub(super) workspace: String,
    pub(super) generation: u32,
    /// The connector that was last worked on; none at the beginning of a pass.
    #[serde(default)]
    connector: Option<String>,
    /// Where its rest begins; none if it is done.
    #[serde(default)]
    cursor: Option<String>,
    /// How many values of this pass were older, or may have been, whether or not they could be replaced.
    #[serde(default)]
    pub(super) older: u64,
    /// How many values of this pass do not open.
    #[serde(default)]
    pub(super) unopened: u64,
}

impl Walk {
    /// The beginning of the first pass.
    pub(crate) fn new(workspace: &WorkspaceId, generation: u32) -> Self {
        let workspace = workspace.to_string();
        Self { workspace, generation, connector: None, cursor: None, older: 0, unopened: 0 }
    }

    /// Where the step begins, if the message can be read.
    pub(super) fn position(&self) -> Option<Position> {
        let connector = self.connector.as_deref().map(ConnectorId::parse).transpose().ok()?;
        let rest = match &self.cursor {
            None => None,
            Some(cursor) => Some(Cursor::parse(cursor)?),
        };
        Some(Position { connector, rest })
    }

    /// What this pass has counted, with so many more. What a message says it has counted may be anything.
    pub(super) fn counted(&self, older: u64, unopened: u64) -> (u64, u64) {
        (self.older.saturating_add(older), self.unopened.saturating_add(unopened))
    }

    /// The next step: from here, with so many more values counted in this pass.
    pub(super) fn at(&self, position: &Position, older: u64, unopened: u64) -> Self {
        let (older, unopened) = self.counted(older, unopened);
        Self {
            older,
            unopened,
            connector: position.connector.as_ref().map(ToString::to_string),
            cursor: position.rest.as_ref().map(Cursor::to_text),
            ..self.clone()
        }
    }
}

/// Behind a connector, or at the rest of one.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) connector: Option<ConnectorId>,
    pub(super) rest: Option<Cursor>,
}

impl Position {
    /// Whether nothing of the workspace was walked through in this pass.
    pub(super) fn is_beginning(&self) -> bool {
        self.connector.is_none() && self.rest.is_none()
    }
}
