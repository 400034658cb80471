//! Where browsers are sent: to the provider of the connector and to addresses that an admin registered, whatever else a
//! request, a provider or a user says.

use serde_json::{Value, json};
use url::Url;

use crate::world::{RETURN_URL, World, journeys::parameter};

const BASE: &str = "https://connect.example";

/// A forged name of this host would send codes, links and cookies elsewhere.
#[tokio::test]
async fn whatever_host_a_request_names_every_address_is_the_deployments_own() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "https://evil.example/"),
        ("forwarded", "host=evil.example;proto=http"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
    ] {
        let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
        let begun = world.as_user("alice", "POST", &rest).header(name, value).json(&json!({})).send().await;
        let redirect_url = begun.expect(200)["redirect_url"].as_str().unwrap().to_owned();
        assert_eq!(parameter(&redirect_url, "redirect_uri"), connector.redirect_uri, "{name}");
        assert!(redirect_url.starts_with(&world.provider.url("/authorize?")), "{redirect_url}");
        let body = json!({"user": {"issuer": world.app.issuer, "sub": "bob"}, "connector_id": connector.id});
        let link = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
        let link = link.header(name, value).json(&body).send().await.expect(201);
        assert!(link["connect_url"].as_str().unwrap().starts_with(&format!("{BASE}/connect/ses_")), "{name}");
        let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).header(name, value).send().await;
        assert_eq!(shown.expect(200)["redirect_uri"], connector.redirect_uri.as_str(), "{name}");
    }
}

/// Open redirect (RFC 9700, section 4.11): what comes back from a provider chooses no address.
#[tokio::test]
async fn nothing_in_a_callbacks_address_says_where_the_browser_goes() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let tricks = [
        "return_to=https://evil.example/",
        "redirect_uri=https://evil.example/",
        "next=//evil.example&continue=https://evil.example&url=https://evil.example&RelayState=https://evil.example",
        "session_id=ses_evil&status=completed&handle=evil",
        "error_uri=https://evil.example/",
        "%0d%0alocation:%20https://evil.example/=1",
    ];
    for trick in tricks {
        for callback_is_an_error in [false, true] {
            let mut begun = world.begin(&connector, "alice").await;
            let callback = if callback_is_an_error {
                world.provider.refuse(&begun.redirect_url, "access_denied", "https://evil.example/")
            } else {
                world.provider.approve(&begun.redirect_url, "alice@provider")
            };
            let landed = begun.browser.open(&world, &format!("{callback}&{trick}")).await;
            let home = Url::parse(landed.location()).unwrap();
            let names: Vec<String> = home.query_pairs().map(|(name, _)| name.into_owned()).collect();
            assert_eq!(format!("{}{}", home.origin().ascii_serialization(), home.path()), RETURN_URL, "{trick}");
            assert_eq!(names, ["session_id", "status"], "{trick}");
            assert!(!landed.location().contains("evil"), "{trick}: {}", landed.location());
            assert_eq!(landed.headers.get_all("location").iter().count(), 1);
        }
    }
}

/// What a user says goes to the provider as a value and never as a parameter of its own.
#[tokio::test]
async fn a_users_wishes_add_no_parameter_to_the_address_of_the_provider() {
    let world = World::new().await;
    let mut registration = world.provider.registration("hinted");
    registration["authorize"]["login_hint"] = json!("login_hint");
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "hinted", "Hinted", &["read", "write"]).await;
    let honest = world.begin(&connector, "alice").await.redirect_url;
    let names = |url: &str| {
        let mut names: Vec<String> =
            Url::parse(url).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    for hint in [
        "x&redirect_uri=https://evil.example/",
        "x&state=known&client_id=evil",
        "x#https://evil.example",
        "x%26scope%3Dadmin",
        "https://evil.example/?a=b;c",
        "\u{202e}x",
    ] {
        let url = world.begin_with(&connector, "alice", &json!({"login_hint": hint})).await.redirect_url;
        let mut expected = names(&honest);
        expected.push("login_hint".to_owned());
        expected.sort();
        assert_eq!(names(&url), expected, "{hint}");
        assert_eq!(parameter(&url, "login_hint"), hint);
        assert_eq!(parameter(&url, "redirect_uri"), connector.redirect_uri);
        assert_eq!(Url::parse(&url).unwrap().fragment(), None);
    }
    for (field, wrong) in [
        ("login_hint", json!("a\r\nlocation: https://evil.example")),
        ("label", json!("a\r\nb")),
        ("scopes", json!(["read&redirect_uri=https://evil.example/ x"])),
        ("scopes", json!(["admin"])),
    ] {
        let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
        let refused = world.as_user("alice", "POST", &rest).json(&json!({field: wrong})).send().await.expect(422);
        assert!(refused["errors"][0]["pointer"].as_str().unwrap().starts_with(&format!("/{field}")), "{refused}");
    }
}

/// PUB-14, on the other side: an address that would lead elsewhere is not even registered.
#[tokio::test]
async fn an_app_registers_no_address_that_runs_code_or_leaves_https() {
    let world = World::new().await;
    for (field, tricks) in [
        (
            "return_urls",
            [
                "javascript:alert(1)",
                "data:text/html,<script>alert(1)</script>",
                "vbscript:x",
                "http://app.example/done",
                "https://user:pw@app.example/done",
                "https://app.example/done#x",
                "https:\\\\evil.example",
                "//evil.example",
                "https://app.example/\r\nset-cookie:a=b",
            ],
        ),
        (
            "origins",
            [
                "null",
                "*",
                "https://*.app.example",
                "http://app.example",
                "https://app.example/path",
                "https://user@app.example",
                "file://",
                "//app.example",
                "https://app.example, https://evil.example",
            ],
        ),
    ] {
        for trick in tricks {
            let refused = world.admin("PUT", "/apps/first-app").json(&json!({field: [trick]})).send().await;
            assert_eq!(refused.expect(422)["errors"][0]["pointer"], format!("/{field}/0"), "{trick}");
        }
    }
    let app: Value = world.admin("GET", "/apps/first-app").send().await.expect(200);
    assert_eq!((&app["return_urls"], &app["origins"]), (&json!([RETURN_URL]), &json!(["https://app.example"])));
}
