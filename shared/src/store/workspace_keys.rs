//! The wrapped data keys of workspaces, one per generation.

use std::slice;

use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder};
use jiff::Timestamp;

use super::{
    error::{StoreError, Write, failed, written},
    row::{NewItem, Row, name, number, text, time},
    table::{Table, TableNames, key},
    transaction::updating,
    workspaces::pk,
};
use crate::domain::{
    encryption_key::{KeyGeneration, KmsKeyArn, ResealProgress},
    ids::WorkspaceId,
    notice::Notice,
};

const PREFIX: &str = "KEY#";

/// A workspace's data key, as only the key service can open it.
#[derive(Debug, Clone)]
pub struct WrappedKey {
    /// Which of the workspace's keys it is, and what became of those before it.
    pub generation: KeyGeneration,
    /// What the key service wrapped.
    pub ciphertext: Vec<u8>,
}

/// Wrapped keys in the registry.
#[derive(Debug, Clone)]
pub struct WorkspaceKeys {
    registry: Table,
    /// The table where it stands what is to be noted of keys.
    connections: String,
}

impl WorkspaceKeys {
    /// Wrapped keys in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// Stores a new generation's key. Nothing is noted of the first: it comes with its workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(
        &self,
        workspace: &WorkspaceId,
        key: &WrappedKey,
        told: Option<&Notice>,
    ) -> Result<Write, StoreError> {
        let KeyGeneration { number, created_at, kms_key, .. } = &key.generation;
        let item = NewItem::at(&pk(workspace), &sk(*number))
            .number(name::GENERATION, *number)
            .maybe(*created_at, |item, at| item.time(name::CREATED_AT, at))
            .maybe(kms_key.as_ref(), |item, arn| item.text(name::KMS_KEY, arn.as_str()))
            .bytes(name::WRAPPED_KEY, &key.ciphertext);
        let (part, told) = (self.registry.putting_new(item)?, told.map(slice::from_ref).unwrap_or_default());
        self.registry.write_told(vec![part], &self.connections, told).await
    }

    /// The key of one generation.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, generation: u32) -> Result<Option<WrappedKey>, StoreError> {
        self.registry.find(&pk(workspace), &sk(generation)).await?.map(|row| read(&row)).transpose()
    }

    /// What is known of every generation, from the first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn generations(&self, workspace: &WorkspaceId) -> Result<Vec<KeyGeneration>, StoreError> {
        let rows = self.registry.query_all(&pk(workspace), PREFIX).await?;
        rows.iter().map(|row| Ok(read(row)?.generation)).collect()
    }

    /// The key of the newest generation: the one that seals.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn newest(&self, workspace: &WorkspaceId) -> Result<Option<WrappedKey>, StoreError> {
        let request = self
            .registry
            .client
            .query()
            .table_name(&self.registry.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&pk(workspace)))
            .expression_attribute_values(":prefix", text(PREFIX))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        answer.items.unwrap_or_default().pop().map(|item| read(&Row::read(item)?)).transpose()
    }

    /// Removes the keys of all generations: whatever was sealed under them can be opened by nobody any more.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn delete_all(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(workspace);
        for sk in self.registry.sort_keys(&pk).await?.iter().filter(|sk| sk.starts_with(PREFIX)) {
            self.registry.delete(&pk, sk).await?;
        }
        Ok(())
    }

    /// Dates a generation that an earlier version stored without a date. One that has a date keeps it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn date(&self, workspace: &WorkspaceId, generation: u32, at: Timestamp) -> Result<Write, StoreError> {
        let request = self
            .update(workspace, generation)
            .update_expression("SET created_at = :at")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(created_at)")
            .expression_attribute_values(":at", time(at));
        written(request.send().await)
    }

    /// Notes that so many more values were sealed anew under a generation.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_progress(
        &self,
        workspace: &WorkspaceId,
        generation: u32,
        resealed: u64,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let request = self
            .update(workspace, generation)
            .update_expression("SET resealed = if_not_exists(resealed, :none) + :more, progressed_at = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":more", number(resealed))
            .expression_attribute_values(":now", time(now));
        written(request.send().await)
    }

    /// Takes it on to begin sealing anew again, if nobody has worked on it since `seen`: of many who notice that it came to
    /// a halt, one does.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn claim_restart(
        &self,
        workspace: &WorkspaceId,
        generation: u32,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let request = self.update(workspace, generation).update_expression("SET progressed_at = :now");
        let request = match seen {
            None => request.condition_expression("attribute_exists(pk) AND attribute_not_exists(progressed_at)"),
            Some(seen) => {
                request.condition_expression("progressed_at = :seen").expression_attribute_values(":seen", time(seen))
            }
        };
        written(request.expression_attribute_values(":now", time(now)).send().await)
    }

    /// Notes that a pass found nothing older than a generation, but for so many values that do not open. Once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_done(
        &self,
        workspace: &WorkspaceId,
        generation: u32,
        unopened: u64,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let update = self
            .registry
            .update(&pk(workspace), &sk(generation))
            .update_expression("SET resealed_at = :now, unopened = :unopened")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(resealed_at)")
            .expression_attribute_values(":now", time(told.at))
            .expression_attribute_values(":unopened", number(unopened));
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    fn update(&self, workspace: &WorkspaceId, generation: u32) -> UpdateItemFluentBuilder {
        let request = self.registry.client.update_item().table_name(&self.registry.name);
        request.set_key(Some(key(&pk(workspace), &sk(generation))))
    }
}

/// Padded, so that the order of texts is the order of numbers.
fn sk(generation: u32) -> String {
    format!("{PREFIX}{generation:010}")
}

fn read(row: &Row) -> Result<WrappedKey, StoreError> {
    let generation = KeyGeneration {
        number: row.number(name::GENERATION)?,
        created_at: row.find_time(name::CREATED_AT)?,
        kms_key: match row.find_text(name::KMS_KEY)? {
            None => None,
            Some(_) => Some(row.parsed(name::KMS_KEY, KmsKeyArn::parse)?),
        },
        progress: ResealProgress {
            resealed: row.find_number(name::RESEALED)?.unwrap_or(0),
            unopened: row.find_number(name::UNOPENED)?.unwrap_or(0),
            progressed_at: row.find_time(name::PROGRESSED_AT)?,
            done_at: row.find_time(name::RESEALED_AT)?,
        },
    };
    let ciphertext = row.find_bytes(name::WRAPPED_KEY)?.ok_or(StoreError::Unreadable(name::WRAPPED_KEY))?.to_vec();
    Ok(WrappedKey { generation, ciphertext })
}
