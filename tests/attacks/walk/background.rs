//! What happens without anybody asking: time passes, what is due is refreshed, what has ended is revoked.

use std::time::Duration;

use super::{Walk, callers::Caller};

impl Walk {
    pub(super) fn let_time_pass(&mut self) {
        let seconds = self.dice.one(&[1, 30, 61, 121, 300, 600, 3_000]);
        self.world.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn work_in_the_background(&mut self) {
        self.world.fire_schedule().await;
        self.world.clock.advance(Duration::from_secs(61));
        while self.world.deliver_refreshes().await.is_some() {}
        while self.world.deliver_revocations().await.is_some() {}
        while self.world.deliver_salvage().await.is_some() {}
        self.note("background", Caller::Nobody, 200);
    }
}
