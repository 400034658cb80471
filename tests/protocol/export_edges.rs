//! Exports asked for with keys that are nobody's, and with cursors of elsewhere.

use age::x25519::Identity;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::join;
use serde_json::{Value, json};

use crate::{
    odd_grants::{DAY, exportable},
    world::{Connector, World},
};

/// The recipient with these 32 bytes as its public half.
fn recipient_of(bytes: [u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut values = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8 | u32::from(byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            values.push(u8::try_from(held >> bits & 31).unwrap());
        }
    }
    values.push(u8::try_from(held << (5 - bits) & 31).unwrap());
    let step = |sum: u32, value: u8| {
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        let generators = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        (0..5).filter(|bit| sum >> 25 >> bit & 1 == 1).fold(next, |next, bit| next ^ generators[bit])
    };
    let expanded = [3, 3, 3, 0, 1, 7, 5];
    let sum = expanded.into_iter().chain(values.iter().copied()).chain([0; 6]).fold(1, step) ^ 1;
    let checksum = (0..6).map(|index| u8::try_from(sum >> (5 * (5 - index)) & 31).unwrap());
    let data: String =
        values.iter().copied().chain(checksum).map(|value| char::from(ALPHABET[usize::from(value)])).collect();
    format!("age1{data}")
}

#[tokio::test]
async fn nothing_is_encrypted_to_what_is_nobodys_key() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    world.connect(&connector, "alice").await;
    let mut one = [0; 32];
    one[0] = 1;
    // Points of small order: whatever they are agreed on with, everybody knows what comes out.
    let order_eight = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ];
    let real = Identity::generate().to_public().to_string();
    let spoilt = format!("{}q", &real[..real.len() - 1]);
    for recipient in [
        json!(recipient_of([0; 32])),
        json!(recipient_of(one)),
        json!(recipient_of(order_eight)),
        json!(spoilt),
        json!("age1yubikey1qwg6vmyqjwd0q6k7xmxszpnzsqcnqtvpjskx9rs5sa4vjjysd5f7nvhk5k6"),
        json!("age1pq1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"),
        json!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"),
        json!("AGE-SECRET-KEY-1QQPQYRXFGZXVHE9NT6HVUJQ9K8K6V5QXGZ7V5Y2T7Q8QXQ6G4KYQYQ5"),
        json!(format!(" {real}")),
        json!(format!("{real}\n")),
        json!("age1日本"),
        json!("x".repeat(60_000)),
        json!([real]),
        json!(7),
        json!(null),
    ] {
        let refused = world.export(&connector, &json!({"recipient": recipient})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/recipient", "{recipient}");
    }
    assert!(world.deeds("connections.exported").await.is_empty());
    assert_eq!(recipient_of([9; 32]).len(), real.len());
    let made = json!({"recipient": recipient_of([9; 32])});
    assert_eq!(world.export(&connector, &made).await.expect(200)["exported"], 1, "the form itself is right");
}

#[tokio::test]
async fn a_cursor_of_elsewhere_leads_nowhere() {
    let world = World::new().await;
    let (calendar, mail) = (world.connector("Calendar").await, world.connector("Mail").await);
    for connector in [&calendar, &mail] {
        world.change(connector, &json!({"exportable": true})).await;
    }
    world.advance(DAY);
    let users: Vec<String> = (0..250).map(|number| format!("user-{number}")).collect();
    world.import_users(&calendar, &world.app, &users).await;
    world.import_users(&mail, &world.app, &users[..3]).await;
    let recipient = Identity::generate().to_public().to_string();
    let page = async |connector: &Connector, cursor: Value| {
        world.export(connector, &json!({"recipient": recipient, "cursor": cursor})).await
    };
    let first = page(&calendar, Value::Null).await.expect(200);
    let cursor = first["next_cursor"].clone();
    assert!(cursor.is_string());
    let rest = page(&calendar, cursor.clone()).await.expect(200);
    assert_eq!(first["exported"].as_u64().unwrap() + rest["exported"].as_u64().unwrap(), 250);
    let refused = page(&mail, cursor).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/cursor");
    let forged = |parts: Value| json!(BASE64_URL_SAFE_NO_PAD.encode(parts.to_string()));
    for cursor in [
        json!("x"),
        json!(7),
        json!(""),
        forged(json!([])),
        forged(json!(["-1"])),
        forged(json!(["70000"])),
        forged(json!(["0", "USER#a#b", "CONN#c"])),
        forged(json!(["0", "", "", ""])),
        forged(json!(["0", "USER#a#b", "CONN#c", format!("{}#0", mail.id)])),
        forged(json!(["0", "USER#a#b", "CONN#c", format!("{}#1", calendar.id)])),
        forged(json!(["0", "x".repeat(1_025), "CONN#c", format!("{}#0", calendar.id)])),
    ] {
        let refused = page(&calendar, cursor.clone()).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/cursor", "{cursor}");
    }
    // One that fits shows no more than the connector has.
    let fits = forged(json!(["0", "SHARED#another", "CONN#c", format!("{}#0", calendar.id)]));
    page(&calendar, fits).await.expect(200);
}

/// Nobody gets a token after an admin was told that nobody does.
#[tokio::test]
async fn what_is_forbidden_while_a_page_is_put_together_does_not_leave_with_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    world.connect(&connector, "alice").await;
    let body = json!({"recipient": Identity::generate().to_public().to_string()});
    let switch = async |is_on: bool| {
        let change = json!({"integration_type": "fake", "per_user_connection_enabled": is_on});
        world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200);
    };
    for (status, is_switch) in [(403, true), (409, false)] {
        let mut held = world.aws.hold("Query", &connector.id);
        let meanwhile = async {
            held.arrived().await;
            if is_switch {
                switch(false).await;
            } else {
                world.change(&connector, &json!({"exportable": false})).await;
            }
            held.release();
        };
        let (refused, ()) = join!(world.export(&connector, &body), meanwhile);
        assert_eq!(refused.status, status, "{}", refused.text);
        assert!(!refused.text.contains("AGE ENCRYPTED"));
        switch(true).await;
    }
    assert!(world.deeds("connections.exported").await.is_empty());
}
