//! The file that the queues are kept in, and how one of an earlier version becomes one of this.

use rusqlite::{Connection, TransactionBehavior};

/// What each version added to the one before. The file says in `user_version` how many of them it has had; none of them may
/// be changed, since files exist that have had them.
const VERSIONS: [&str; 2] = [
    // Files of this version did not say so: they may have all of it already.
    "CREATE TABLE IF NOT EXISTS message (
        id TEXT PRIMARY KEY,
        queue TEXT NOT NULL,
        body TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        first_received_at INTEGER,
        receipt TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS message_due ON message (queue, visible_at);",
    // FIFO queues. `acceptance` outlives its message: a number is never given twice, and a message that was worked off
    // still has been sent.
    "ALTER TABLE message ADD COLUMN message_group TEXT;
    ALTER TABLE message ADD COLUMN deduplication_id TEXT;
    ALTER TABLE message ADD COLUMN sequence INTEGER;
    CREATE INDEX message_order ON message (queue, message_group, sequence);
    CREATE TABLE acceptance (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        message_group TEXT NOT NULL,
        deduplication_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        UNIQUE (queue, message_group, deduplication_id)
    ) STRICT;
    CREATE INDEX acceptance_age ON acceptance (accepted_at);",
];

/// Makes the file what this version works with.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let had: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (version, added) in VERSIONS.iter().enumerate().skip(had) {
        transaction.execute_batch(added)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connectors::clock::Clock;

    use super::*;
    use crate::aws::sqs::{Queue, Queues};

    #[test]
    fn a_file_from_before_there_were_fifo_queues_goes_on_working() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sqs.sqlite");
        let older = Connection::open(&file).unwrap();
        older.execute_batch(VERSIONS[0]).unwrap();
        let message =
            "INSERT INTO message (id, queue, body, sent_at, visible_at) VALUES ('1', 'revocation', 'old', 0, 0)";
        older.execute(message, []).unwrap();
        drop(older);

        let open = || Queues::open(&file, "eu-west-1", Clock::system()).unwrap();
        let sent = open().send_to_group(Queue::Salvage, "new", "group", "once").unwrap();
        let (again, queues) = (open().send_to_group(Queue::Salvage, "new", "group", "once").unwrap(), open());
        assert_eq!(again, sent);
        let old = queues.receive(Queue::Revocation, 10, Duration::from_secs(1)).unwrap();
        assert_eq!(old.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["old"]);
        queues.delete(Queue::Revocation, &old[0].receipt).unwrap();
        assert_eq!(queues.receive(Queue::Salvage, 10, Duration::ZERO).unwrap()[0].body, "new");
    }
}
