//! A provider that nobody has, with more quirks than any: one file of data, and no line of code.

mod wrong;

use connectors::domain::provider::Provider;
use serde_json::Value;

use wrong::{wrong_formalities, wrong_places};

use crate::{
    entries::Entry,
    life::{self, Passed},
    player::Player,
    world::World,
};

/// Renamed parameters, a host of the user's own, a signed callback with a mangled code, an error in a 200, a token in a
/// nest, a swap of tokens, an account to be found, an end told as a date, an identity by POST, an odd revocation.
const ODDITY: &str = include_str!("made_up/oddity.toml");

/// The token renews itself, everything goes by GET and comes as a form, and an end of zero is none.
const PLAINITY: &str = include_str!("made_up/plainity.toml");

/// Its client is presented in a scheme of its own, and in another one at the end. It has requests pushed to it, and tells
/// by an ID token whose account it is.
const FORMALITY: &str = include_str!("made_up/formality.toml");

fn entry(text: &str, as_form: bool) -> Entry {
    let data: Value = toml::from_str(text).unwrap();
    if let Err(errors) = Provider::from_value(&data) {
        panic!("{errors:?}");
    }
    Entry { id: data["id"].as_str().unwrap().to_owned(), data, as_form }
}

async fn lived(entry: Entry) -> Passed {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    life::live(&world, &player, &entry).await.unwrap_or_else(|why| panic!("{why}"))
}

#[tokio::test]
async fn a_provider_with_every_quirk_that_can_be_said_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(ODDITY, false)).await, Passed { refresh: true, revoke: true, identity: true });
}

#[tokio::test]
async fn a_token_that_renews_itself_and_comes_as_a_form_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(PLAINITY, true)).await, Passed { refresh: true, revoke: true, identity: true });
}

#[tokio::test]
async fn a_client_in_a_scheme_of_its_own_that_pushes_its_requests_lives_by_one_file_of_data() {
    assert_eq!(lived(entry(FORMALITY, false)).await, Passed { refresh: true, revoke: true, identity: true });
}

/// What the double is worth: whoever says something else of the provider than it is comes to grief with it.
#[tokio::test]
async fn nobody_lives_by_data_that_is_wrong_in_one_place() {
    let world = World::new().await;
    let player = Player::start(&world.clock).await;
    let mut unnoticed = Vec::new();
    let oddities = wrong_places().into_iter().map(|place| (ODDITY, place));
    let formalities = wrong_formalities().into_iter().map(|place| (FORMALITY, place));
    for (number, (text, (pointer, wrong))) in oddities.chain(formalities).enumerate() {
        let mut right = entry(text, false);
        right.id = format!("{}-{number}", right.id);
        let mut said = right.data.clone();
        *said.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there")) = wrong.clone();
        let outcome = life::live_as(&world, &player, &right, &said).await;
        if outcome.is_ok() {
            unnoticed.push(format!("{pointer} may as well be {wrong}"));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}
