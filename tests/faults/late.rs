//! A holder that comes back when its lease is over, with the only tokens that work, while the table fails.

use std::time::Duration;

use futures::join;
use local::{aws::sqs::Queue, delivery::deliver_due};

use crate::{
    hold::{Hold, Phase},
    provider::{Rotate, Step},
    proxy::{Fault, Kind, Rule},
    world::{Deliveries, LEASE, World, user_name},
};

/// More writes than a caller tries in one go.
const FAILURES: usize = 9;

/// Its lease is refused, and the write that needs none fails: the tokens go to the queue, and from there to the table.
#[tokio::test]
async fn the_tokens_of_a_late_holder_go_to_the_queue_when_the_table_fails() {
    let (world, user) = (World::held(Rotate::StrictRevokeFamily).await, user_name(1));
    world.connect(&user).await;
    world.clock.advance(Duration::from_hours(1));
    let (mut hold, stop) = Hold::at(Phase::Processed);
    world.provider.stop(&user, stop);
    let other = world.instance(&world.proxy().await).await;
    let meanwhile = async {
        hold.arrived().await;
        world.clock.advance(LEASE + Duration::from_secs(3));
        world.provider.next(&user, Step::status(500));
        let settling = Deliveries::within(&world, &other);
        assert!(world.read_from(&other.routes, &user).await.is_retryable());
        drop(settling);
        let fails = Rule { skip: 1, times: FAILURES, ..Rule::always(Kind::Commit, Fault::Failure) };
        world.front.plan(fails.of(&user));
        hold.release();
    };
    let (late, ()) = join!(world.read(&user), meanwhile);
    assert!(late.status == 200 || late.is_retryable(), "{late:?}");
    world.front.heal(Some(&user));
    while deliver_due(&world.queues, Queue::Salvage, &world.product.refresh).await.unwrap() > 0 {}
    world.clock.advance(LEASE);
    let read = world.read(&user).await;
    assert!(read.token.is_some_and(|token| world.provider.honours(&token)), "{:?}", world.standing(&user).await);
}
