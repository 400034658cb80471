//! What a FIFO queue does with a message that is sent: it takes it once, and numbers it.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use super::Queue;

/// For how long a message with the deduplication id of an earlier one is taken to be that one; fixed by SQS.
pub const DEDUPLICATION: Duration = Duration::from_mins(5);

/// The longest name of a group and the longest deduplication id, in characters.
const MAX_NAME: usize = 128;

/// What a sender to a FIFO queue is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Names the message for its whole life.
    pub id: String,
    /// Larger than that of every message sent before it.
    pub sequence: i64,
}

/// Whether SQS takes this as the name of a group, or as a deduplication id: ASCII letters, digits and punctuation.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The message that was sent to this group with this deduplication id within the time; it may have been worked off since.
/// Other groups may have the same id: `DeduplicationScope` is `messageGroup`, as in `template.yaml`.
pub(super) fn earlier(
    transaction: &Transaction<'_>,
    queue: Queue,
    (group, deduplication_id): (&str, &str),
    now: i64,
) -> Result<Option<Sent>, rusqlite::Error> {
    let window = i64::try_from(DEDUPLICATION.as_millis()).unwrap_or(i64::MAX);
    transaction.execute("DELETE FROM acceptance WHERE accepted_at <= ?1", [now.saturating_sub(window)])?;
    transaction
        .query_row(
            "SELECT message_id, sequence FROM acceptance
             WHERE queue = ?1 AND message_group = ?2 AND deduplication_id = ?3",
            params![queue.name(), group, deduplication_id],
            |row| Ok(Sent { id: row.get(0)?, sequence: row.get(1)? }),
        )
        .optional()
}

/// Remembers that a message was sent, and numbers it.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    queue: Queue,
    (group, deduplication_id): (&str, &str),
    id: String,
    now: i64,
) -> Result<Sent, rusqlite::Error> {
    transaction.execute(
        "INSERT INTO acceptance (queue, message_group, deduplication_id, message_id, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![queue.name(), group, deduplication_id, id, now],
    )?;
    Ok(Sent { id, sequence: transaction.last_insert_rowid() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use connectors::clock::Clock;

    use super::*;
    use crate::aws::sqs::{Message, QueueError, Queues};

    const HIDDEN: Duration = Duration::from_secs(30);

    fn queues() -> (Queues, Clock) {
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        (Queues::open(Path::new(":memory:"), "eu-west-1", clock.clone()).unwrap(), clock)
    }

    /// Sends each of these to the group that its first letter names.
    fn send(queues: &Queues, bodies: &[&str]) {
        for body in bodies {
            queues.send_to_group(Queue::Salvage, body, &body[..1], body).unwrap();
        }
    }

    fn receive(queues: &Queues) -> Vec<Message> {
        queues.receive(Queue::Salvage, 10, HIDDEN).unwrap()
    }

    fn bodies(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.body.as_str()).collect()
    }

    #[test]
    fn the_messages_of_a_group_come_one_after_the_other_in_the_order_of_sending() {
        let (queues, _) = queues();
        send(&queues, &["a1", "a2", "a3"]);
        for expected in ["a1", "a2", "a3"] {
            let taken = receive(&queues);
            assert_eq!(bodies(&taken), [expected]);
            assert!(receive(&queues).is_empty(), "{expected} is in flight");
            queues.delete(Queue::Salvage, &taken[0].receipt).unwrap();
        }
    }

    #[test]
    fn a_message_in_flight_or_hidden_holds_up_its_own_group_and_no_other() {
        let (queues, clock) = queues();
        send(&queues, &["a1", "a2"]);
        let first = receive(&queues).remove(0);
        send(&queues, &["b1", "c1", "a3"]);
        assert_eq!(bodies(&receive(&queues)), ["b1", "c1"]);

        queues.hide(Queue::Salvage, &first.receipt, Duration::from_mins(10)).unwrap();
        clock.advance(Duration::from_millis(599_999));
        assert_eq!(bodies(&receive(&queues)), ["b1", "c1"]);
        clock.advance(Duration::from_millis(1));
        assert_eq!(bodies(&receive(&queues)), ["a1"]);
    }

    #[test]
    fn a_message_that_was_hidden_again_and_again_is_still_the_first_of_its_group() {
        let (queues, clock) = queues();
        send(&queues, &["a1", "a2"]);
        for _ in 0..20 {
            assert_eq!(bodies(&receive(&queues)), ["a1"]);
            clock.advance(HIDDEN);
        }
        let first = receive(&queues).remove(0);
        queues.hide(Queue::Salvage, &first.receipt, Duration::ZERO).unwrap();
        assert_eq!(bodies(&receive(&queues)), ["a1"]);
    }

    #[test]
    fn a_message_is_sent_once_in_five_minutes_even_if_it_was_worked_off_in_between() {
        let (queues, clock) = queues();
        let send = |body, group| queues.send_to_group(Queue::Salvage, body, group, "once").unwrap();
        let first = send("first", "a");
        assert_eq!(send("second", "a"), first);
        let taken = receive(&queues).remove(0);
        assert_eq!((&taken.id, taken.body.as_str()), (&first.id, "first"));
        queues.delete(Queue::Salvage, &taken.receipt).unwrap();

        clock.advance(Duration::from_millis(299_999));
        assert_eq!(send("third", "a"), first);
        assert!(receive(&queues).is_empty());
        clock.advance(Duration::from_millis(1));
        let later = send("fourth", "a");
        assert!(later.id != first.id && later.sequence > first.sequence);
        assert_eq!(bodies(&receive(&queues)), ["fourth"]);
    }

    #[test]
    fn what_one_group_was_sent_another_one_may_be_sent_too() {
        let (queues, _) = queues();
        for group in ["a", "b"] {
            queues.send_to_group(Queue::Salvage, group, group, "once").unwrap();
        }
        assert_eq!(bodies(&receive(&queues)), ["a", "b"]);
    }

    #[test]
    fn whoever_has_lost_a_message_to_its_timeout_cannot_delete_it() {
        let (queues, clock) = queues();
        send(&queues, &["a1", "a2"]);
        let late = receive(&queues).remove(0);
        clock.advance(HIDDEN);
        assert!(matches!(queues.delete(Queue::Salvage, &late.receipt), Err(QueueError::Expired)));
        let again = receive(&queues).remove(0);
        assert!(matches!(queues.delete(Queue::Salvage, &late.receipt), Err(QueueError::Expired)));
        assert_eq!(again.body, "a1");
        for _ in 0..2 {
            queues.delete(Queue::Salvage, &again.receipt).unwrap();
        }
        assert_eq!(bodies(&receive(&queues)), ["a2"]);
    }

    #[test]
    fn a_salvaged_answer_is_tried_a_thousand_times_and_lets_its_group_go_on_then() {
        let (queues, _) = queues();
        send(&queues, &["a1", "a2"]);
        for _ in 0..1_000 {
            assert_eq!(bodies(&queues.receive(Queue::Salvage, 1, Duration::ZERO).unwrap()), ["a1"]);
        }
        assert_eq!(bodies(&receive(&queues)), ["a2"]);
        assert_eq!(bodies(&queues.receive(Queue::SalvageDeadLetters, 10, HIDDEN).unwrap()), ["a1"]);
    }

    #[test]
    fn a_message_goes_only_where_its_kind_of_sending_is_known() {
        let (queues, _) = queues();
        assert!(matches!(queues.send(Queue::Salvage, "x", Duration::ZERO), Err(QueueError::OtherKind)));
        assert!(matches!(queues.send_to_group(Queue::Refresh, "x", "g", "d"), Err(QueueError::OtherKind)));
        let long = "x".repeat(MAX_NAME + 1);
        for (group, deduplication_id) in
            [("", "d"), ("g", ""), ("two words", "d"), ("g", "\u{e9}"), (&long, "d"), ("g", &long)]
        {
            let refused = queues.send_to_group(Queue::Salvage, "x", group, deduplication_id);
            assert!(matches!(refused, Err(QueueError::Name)), "{group:?} {deduplication_id:?}");
        }
        queues.send_to_group(Queue::Salvage, "x", &long[1..], &long[1..]).unwrap();
    }
}
