//! The whole catalogue, lived through.

use futures::future::join_all;

use crate::{
    entries::{self, Entry},
    life::{self, Passed},
    player::Player,
    table,
    world::World,
};

/// How many worlds there are, each on a thread of its own.
const WORLDS: usize = 2;

type Lived = (String, Result<Passed, String>);

/// Every entry's outcome, by id.
async fn lived(entries: Vec<Entry>) -> Vec<Lived> {
    let shares = entries.chunks(entries.len().div_ceil(WORLDS)).map(<[Entry]>::to_vec);
    let worlds = shares.map(|share| {
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(lived_here(share))
        })
    });
    let lived = join_all(worlds).await;
    lived.into_iter().flat_map(Result::unwrap).collect()
}

async fn lived_here(entries: Vec<Entry>) -> Vec<Lived> {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    let mut lived = Vec::new();
    for entry in entries {
        let passed = Box::pin(life::live(&world, &player, &entry)).await;
        lived.push((entry.id, passed));
    }
    lived
}

#[tokio::test]
async fn a_connection_to_every_provider_of_the_catalogue_lives_its_whole_life() {
    let entries = entries::all();
    let lived = lived(entries.iter().filter(|entry| entry.is_available()).cloned().collect()).await;
    let failed: Vec<String> =
        lived.iter().filter_map(|(id, passed)| Some(format!("{id}: {}", passed.as_ref().err()?))).collect();
    assert!(failed.is_empty(), "{} of {} fail:\n{}", failed.len(), lived.len(), failed.join("\n"));
    table::check(&entries, &lived);
}
