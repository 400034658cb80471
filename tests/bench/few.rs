//! What refreshing ahead asks of AWS, with a thousand connections: the limits that make a million affordable.

use connectors::clock::Clock;
use connectors_tests::scale::{Counts, Fleet, Functions};

const CONNECTIONS: usize = 1_000;

/// How many writes may be refused because another refresh drew the connector's next moment first.
const LOST_RACES: usize = 50;

/// Longer than a lease and the look after it, in seconds.
const LEASE_AND_LOOK: u64 = 60;

fn of(counts: &Counts, operation: &str) -> usize {
    counts.iter().filter(|(name, _)| name.starts_with(operation)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_reads_at_most_each_entry_once_and_a_refresh_writes_at_most_three_times() {
    let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
    let fleet = Fleet::in_memory(clock.clone(), true).await;
    fleet.load(CONNECTIONS).await;
    let mut functions = Functions::Here(fleet.product.refresh.clone());

    // Each new connector is examined first.
    functions.work(&fleet, usize::MAX).await;
    drop(fleet.tap.take());
    assert_eq!(functions.sweep().await, 1_000);
    let swept = fleet.tap.take();
    assert!(of(&swept, "Query") <= 64 + CONNECTIONS, "{swept:?}");
    assert_eq!(of(&swept, "SendMessageBatch") * 10 / CONNECTIONS, 1, "messages go ten at a time: {swept:?}");
    assert_eq!(of(&swept, "GetItem") + of(&swept, "UpdateItem") + of(&swept, "Decrypt"), 0, "{swept:?}");

    let worked = functions.work(&fleet, usize::MAX).await;
    assert_eq!((worked.messages, worked.failed), (CONNECTIONS, 0));
    assert_eq!(fleet.provider.refreshes(), CONNECTIONS);
    let asked = fleet.tap.take();
    assert_eq!(of(&asked, "UpdateItem CONN"), 2 * CONNECTIONS, "the lease and what came of it: {asked:?}");
    assert!(of(&asked, "UpdateItem PACE") <= CONNECTIONS + LOST_RACES, "one draw of the pace each: {asked:?}");
    assert!(of(&asked, "UpdateItem") <= 3 * CONNECTIONS + LOST_RACES, "{asked:?}");
    assert!(of(&asked, "Decrypt") <= 1, "one key of one workspace is asked for once: {asked:?}");

    clock.advance(std::time::Duration::from_secs(LEASE_AND_LOOK));
    functions.work(&fleet, usize::MAX).await;
    let looked = fleet.tap.take();
    assert_eq!(of(&looked, "UpdateItem"), 0, "whoever looks after a refresh that came back writes nothing: {looked:?}");
    assert_eq!(functions.sweep().await, 0, "nothing is due twice");
    assert_eq!(fleet.provider.refreshes(), CONNECTIONS);
}
