//! The acceptance cases of the token service at the function's own program, by the real clock: PUB-34 to PUB-40. PUB-33
//! is in `crowds`.

use std::{collections::BTreeSet, time::Duration};

use connectors_tests::runtime_api::Instance;
use tokio::time::{Instant, sleep};

use crate::{
    provider::{Fate, Rotate, Step},
    world::{Read, World, bootstrap, environment, pairs, user_name},
};

/// How long a caller waits at most, whatever the provider does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// A world with one connection, and a process of `get-token` that serves it.
struct Scene {
    world: World,
    user: String,
    function: Instance,
}

impl Scene {
    /// A user who is connected, and whose token has ended.
    async fn expired(rotate: Rotate) -> Self {
        let (world, user) = (World::live(rotate).await, user_name(1));
        world.connect(&user).await;
        let program = bootstrap("get-token");
        let event = world.read_event(&user, "");
        let mut function = Instance::start(&program, &pairs(&environment(&world.front)), event).await;
        assert_eq!(function.answer().await.http().status, 200, "fresh");
        world.expire(&user).await;
        Self { world, user, function }
    }

    async fn read(&mut self) -> Read {
        self.read_with("").await
    }

    async fn read_with(&mut self, query: &str) -> Read {
        self.function.invoke(self.world.read_event(&self.user, query)).await.http().into()
    }

    /// Reads until there is a token again, waiting as long as it is asked to.
    async fn read_until_it_works(&mut self) -> Read {
        loop {
            let read = self.read().await;
            match read.retry_after {
                Some(seconds) if read.is_retryable() => sleep(Duration::from_secs(seconds.min(5))).await,
                _ => return read,
            }
        }
    }

    /// The refresh tokens that were presented, each once.
    fn presented(&self) -> BTreeSet<String> {
        self.world.provider.refreshes(&self.user).into_iter().map(|refresh| refresh.refresh_token).collect()
    }
}

/// PUB-34.
#[tokio::test]
async fn every_refresh_uses_the_token_that_the_one_before_was_given() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    for cycle in 1..=3 {
        let read = scene.read().await;
        assert!(scene.world.provider.honours(read.token.as_deref().unwrap()), "cycle {cycle}");
        assert_eq!(scene.presented().len(), cycle);
        scene.world.expire(&scene.user).await;
    }
}

/// PUB-35.
#[tokio::test]
async fn a_refresh_token_that_is_not_given_again_stays() {
    let mut scene = Scene::expired(Rotate::None).await;
    for cycle in 1..=2 {
        let read = scene.read().await;
        assert!(scene.world.provider.honours(read.token.as_deref().unwrap()), "cycle {cycle}");
        scene.world.expire(&scene.user).await;
    }
    assert_eq!((scene.presented().len(), scene.world.provider.refreshes(&scene.user).len()), (1, 2));
}

/// PUB-36.
#[tokio::test]
async fn a_grant_that_was_taken_back_is_asked_for_once_and_reconnecting_heals_it() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    scene.world.provider.revoke(&scene.user);
    for _ in 0..10 {
        assert!(scene.read().await.says_reconnect());
    }
    assert_eq!(scene.world.provider.refreshes(&scene.user).len(), 1);
    let (status, reason) = scene.world.standing(&scene.user).await;
    assert_eq!((status.as_str(), reason.as_str()), ("reconnect_required", "refresh_rejected"));
    scene.world.connect(&scene.user).await;
    let read = scene.read().await;
    assert!(scene.world.provider.honours(read.token.as_deref().unwrap()));
}

/// PUB-37.
#[tokio::test]
async fn a_provider_that_fails_ends_nothing() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    scene.world.provider.always(Some(Step::status(500)));
    assert!(scene.read().await.is_retryable());
    assert_ne!(scene.world.standing(&scene.user).await.0, "reconnect_required");
    scene.world.provider.always(None);
    let read = scene.read_until_it_works().await;
    assert!(scene.world.provider.honours(read.token.as_deref().unwrap()));
}

/// PUB-38.
#[tokio::test]
async fn a_provider_that_asks_for_time_is_given_it() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    let headers = vec![("retry-after", "5".to_owned())];
    scene.world.provider.next(&scene.user, Step::of(Fate::Answer { status: 429, headers, body: String::new() }));
    let (began, mut waits) = (Instant::now(), Vec::new());
    let token = loop {
        let read = scene.read().await;
        if let Some(token) = read.token {
            break token;
        }
        assert!(read.status == 429 || read.is_retryable(), "{read:?}");
        waits.push(read.retry_after.unwrap());
        assert!(began.elapsed() < Duration::from_secs(8), "{waits:?}");
        sleep(Duration::from_millis(500)).await;
    };
    assert!(waits[0] <= 5 && waits.is_sorted_by(|one, next| one >= next), "{waits:?}");
    let refreshes = scene.world.provider.refreshes(&scene.user);
    assert_eq!(refreshes.len(), 2);
    assert!(refreshes[1].arrived - refreshes[0].arrived >= Duration::from_millis(4_900));
    assert!(scene.world.provider.honours(&token));
}

/// PUB-39: with no token that works, and with one that works for a little longer.
#[tokio::test]
async fn a_provider_that_hangs_keeps_nobody_waiting_for_long() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    scene.world.provider.always(Some(Step::delayed_before(Duration::from_mins(1))));
    let began = Instant::now();
    let read = scene.read().await;
    assert!(began.elapsed() < ANSWERED_WITHIN && read.is_retryable(), "{:?}: {read:?}", began.elapsed());

    let other = user_name(2);
    scene.world.connect(&other).await;
    let stored = scene.world.read(&other).await.token;
    scene.world.end_in(&other, 40_000).await;
    scene.user = other;
    let began = Instant::now();
    let read = scene.read().await;
    assert!(began.elapsed() < ANSWERED_WITHIN, "{:?}", began.elapsed());
    assert_eq!((read.status, read.token), (200, stored));
    assert_eq!(scene.world.provider.refreshes(&scene.user).len(), 1, "it was asked, and did not answer");
}

/// PUB-40.
#[tokio::test]
async fn a_token_that_still_works_is_served_while_the_provider_fails() {
    let mut scene = Scene::expired(Rotate::StrictError).await;
    let stored = scene.read().await;
    scene.world.end_in(&scene.user, 120_000).await;
    scene.world.provider.always(Some(Step::status(500)));
    let ends = scene.world.clock.now().as_second() + 120;
    let read = scene.read_with("min_ttl=300").await;
    assert_eq!((read.status, &read.token), (200, &stored.token));
    let told: jiff::Timestamp = read.body["expires_at"].as_str().unwrap().parse().unwrap();
    assert!((told.as_second() - ends).abs() <= 1, "{told}");
    assert_eq!(scene.world.provider.refreshes(&scene.user).len(), 2);
}
