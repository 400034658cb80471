//! Webhooks: signed as the standard says, tried again for days, and never a way to reach what is inside.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::world::{Reply, World, serve, text, wire::Received};

/// A receiver that answers what it is told to, and keeps what it was sent.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<Mutex<(u16, Option<&'static str>)>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let (answers, received) = (Arc::new(Mutex::new((204, None))), Arc::<Mutex<Vec<Received>>>::default());
        let kept = (answers.clone(), received.clone());
        let handler = Arc::new(move |request: Received| -> futures::future::BoxFuture<'static, Reply> {
            let (answers, received) = kept.clone();
            Box::pin(async move {
                received.lock().unwrap().push(request);
                let (status, retry_after) = *answers.lock().unwrap();
                let mut headers = vec![("location".to_owned(), "/elsewhere".to_owned())];
                headers.extend(retry_after.map(|wait: &str| ("retry-after".to_owned(), wait.to_owned())));
                Reply::Answer { status, headers, body: "ignored".to_owned() }
            })
        });
        let address = serve(handler).await;
        Self { url: format!("http://{address}/hook"), answers, received }
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.answers.lock().unwrap() = (status, None);
    }

    /// Refuses, and says when to ask again.
    pub(crate) fn refuse_until(&self, retry_after: &'static str) {
        *self.answers.lock().unwrap() = (429, Some(retry_after));
    }

    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

/// Whether a request is signed by this secret, as the public libraries check it.
pub(crate) fn is_signed(request: &Received, secret: &str) -> bool {
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), request.body);
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref()));
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

pub(crate) async fn hooked(wish: &Value) -> (World, Receiver, String, String) {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut body = json!({"url": receiver.url});
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let made = world.admin("POST", "/webhooks").json(&body).send().await.expect(201);
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    world.keep_secret(&secret);
    (world, receiver, id, secret)
}

pub(crate) async fn shown(world: &World, id: &str) -> Value {
    world.admin("GET", &format!("/webhooks/{id}")).send().await.expect(200)
}

#[tokio::test]
async fn a_receiver_is_told_what_it_asked_for_in_a_form_that_it_can_check() {
    let (world, receiver, id, secret) = hooked(&json!({"events": ["connector.created", "connection.created"]})).await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.deliver_events().await;
    let mut requests = receiver.take();
    requests.sort_by_key(|request| request.body.contains("connection."));
    let kinds = requests.iter().map(|request| serde_json::from_str::<Value>(&request.body).unwrap()["type"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["connector.created", "connection.created"]);
    for request in &requests {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
        assert_eq!(request.headers["webhook-id"].to_str().unwrap(), body["id"]);
        assert_eq!(request.headers["webhook-timestamp"].to_str().unwrap(), world.clock.now().as_second().to_string());
        assert!(is_signed(request, &secret));
        assert!(!is_signed(request, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    }
    let shown = shown(&world, &id).await;
    assert_eq!((&shown["last_delivery"]["arrived"], &shown["secret"]), (&json!(true), &Value::Null), "shown once");
    assert!(!world.aws.dump().await.contains(&secret));
}

#[tokio::test]
async fn a_receiver_that_is_down_loses_nothing_and_is_asked_less_and_less() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    receiver.answer(503);
    world.connector("Calendar").await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 1);
    let mut tried = 1;
    for wait in [6, 331, 1_981, 7_921] {
        world.advance(2);
        world.fire_schedule().await;
        world.deliver_events().await;
        assert_eq!(receiver.take().len(), 0, "before its time");
        world.advance(wait);
        world.fire_schedule().await;
        world.deliver_events().await;
        tried += receiver.take().len();
    }
    assert_eq!(tried, 5);
    assert!(shown(&world, &id).await["failing_since"].is_string());
    receiver.answer(200);
    world.advance(5 * 3_600 + 1_801);
    world.fire_schedule().await;
    world.deliver_events().await;
    let last = receiver.take().pop().unwrap();
    assert!(last.body.contains("connector.created"));
    assert_eq!(shown(&world, &id).await["failing_since"], Value::Null);
    world.advance(3 * 24 * 3_600);
    world.fire_schedule().await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 0, "it arrived");
}

/// Longer than the schedule has it, and an hour at most.
#[tokio::test]
async fn a_receiver_that_says_when_to_come_again_is_not_asked_before() {
    for (asked, waits) in [("1200", 1_200), ("Sun, 22 Nov 2026 10:30:00 GMT", 1_800), ("999999", 3_600)] {
        let (world, receiver, _, _) = hooked(&json!({})).await;
        receiver.refuse_until(asked);
        world.connector("Calendar").await;
        world.deliver_events().await;
        assert_eq!(receiver.take().len(), 1);
        receiver.answer(200);
        world.advance(waits - 5);
        world.fire_schedule().await;
        world.deliver_events().await;
        assert_eq!(receiver.take().len(), 0, "{asked}: before its time");
        world.advance(10);
        world.fire_schedule().await;
        world.deliver_events().await;
        assert_eq!(receiver.take().len(), 1, "{asked}");
    }
}

/// A try that began before an admin enabled it anew, or sent it elsewhere, says nothing about what is there now.
#[tokio::test]
async fn who_begins_anew_is_not_given_up_for_what_was_before() {
    for (status, change) in [(500, json!({"enabled": true})), (410, json!({"url": "http://127.0.0.1:9/new"}))] {
        let (world, receiver, id, _) = hooked(&json!({})).await;
        receiver.answer(500);
        world.connector("Calendar").await;
        world.deliver_events().await;
        world.advance(4 * 24 * 3_600);
        receiver.answer(status);
        world.fire_schedule().await;
        let mut held = world.aws.hold("UpdateItem", "tried_at");
        let meanwhile = async {
            held.arrived().await;
            world.admin("PUT", &format!("/webhooks/{id}")).json(&change).send().await.expect(200);
            held.release();
        };
        tokio::join!(world.deliver_events(), meanwhile);
        assert_eq!(shown(&world, &id).await["state"], "enabled", "{change}");
    }
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_for_days_is_given_up_and_can_begin_anew() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    receiver.answer(500);
    world.connector("Calendar").await;
    for _ in 0..12 {
        world.deliver_events().await;
        world.advance(27 * 3_600);
        world.fire_schedule().await;
    }
    world.deliver_events().await;
    assert_eq!(shown(&world, &id).await["state"], "given_up");
    assert_eq!(world.deeds("webhook.given_up").await.len(), 1);
    let tried = receiver.take().len();
    assert!(tried <= 10, "{tried}");
    world.connector("Unheard").await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 0);
    receiver.answer(200);
    let path = format!("/webhooks/{id}");
    world.admin("PUT", &path).json(&json!({"enabled": true})).send().await.expect(200);
    world.connector("Heard").await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn what_a_receiver_missed_is_sent_once_more_under_the_same_ids() {
    let (world, receiver, id, secret) = hooked(&json!({"events": ["connector.created"]})).await;
    let (path, began) = (format!("/webhooks/{id}"), world.clock.now());
    world.connector("Heard").await;
    world.deliver_events().await;
    let heard = receiver.take();
    world.admin("PUT", &path).json(&json!({"enabled": false})).send().await.expect(200);
    world.advance(60);
    let missed = world.connector("Missed").await;
    world.connect(&missed, "alice").await;
    world.deliver_events().await;
    let replay = format!("{path}/replay");
    let since =
        json!({"since": world.clock.now().checked_sub(jiff::SignedDuration::from_secs(30)).unwrap().to_string()});
    assert_eq!(world.admin("POST", &replay).json(&since).send().await.status, 409, "it is disabled");
    world.admin("PUT", &path).json(&json!({"enabled": true})).send().await.expect(200);
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 0, "nothing is sent by itself");
    let replayed = world.admin("POST", &replay).json(&since).send().await.expect(202);
    assert_eq!((&replayed["events"], &replayed["next_cursor"]), (&json!(1), &Value::Null), "{replayed}");
    world.deliver_events().await;
    let sent = receiver.take();
    assert!(sent.len() == 1 && sent[0].body.contains(&missed.id) && is_signed(&sent[0], &secret));
    let all = world.admin("POST", &replay).json(&json!({"since": began.to_string()})).send().await.expect(202);
    assert_eq!(all["events"], 2);
    world.deliver_events().await;
    let again = receiver.take();
    let is_first = |request: &&Received| request.headers["webhook-id"] == heard[0].headers["webhook-id"];
    assert_eq!(again.iter().find(is_first).unwrap().body, heard[0].body, "the same event, with the same id");
    assert_eq!(world.deeds("webhook.replayed").await.len(), 2);
    for wrong in [json!({}), json!({"since": "yesterday"}), json!({"since": began.to_string(), "cursor": "x"})] {
        assert_eq!(world.admin("POST", &replay).json(&wrong).send().await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn twenty_who_come_at_once_make_no_more_webhooks_than_there_may_be() {
    let (world, receiver, _, _) = hooked(&json!({})).await;
    let body = json!({"url": receiver.url});
    let made = (0..30).map(|_| world.admin("POST", "/webhooks").json(&body).send());
    for answer in futures::future::join_all(made).await {
        assert!([201, 409].contains(&answer.status), "{}", answer.text);
        let made: Value = serde_json::from_str(&answer.text).unwrap();
        if let Some(secret) = made["secret"].as_str() {
            world.keep_secret(secret);
        }
    }
    let listed = world.admin("GET", "/webhooks").send().await.expect(200);
    assert!(listed["webhooks"].as_array().unwrap().len() <= 20);
}

#[tokio::test]
async fn a_receiver_that_says_it_is_gone_is_asked_no_more() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    receiver.answer(410);
    world.connector("Calendar").await;
    world.deliver_events().await;
    assert_eq!(shown(&world, &id).await["state"], "given_up");
    world.advance(3_600);
    world.fire_schedule().await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn what_a_receiver_says_besides_its_status_is_not_waited_for() {
    let world = World::new().await;
    let handler = Arc::new(|_: Received| -> futures::future::BoxFuture<'static, Reply> {
        let body = "x".repeat(1 << 20);
        Box::pin(async move { Reply::Answer { status: 200, headers: Vec::new(), body } })
    });
    let url = format!("http://{}/hook", serve(handler).await);
    let made = world.admin("POST", "/webhooks").json(&json!({"url": url})).send().await.expect(201);
    world.keep_secret(&text(&made["secret"]));
    world.connector("Calendar").await;
    world.deliver_events().await;
    let last = &shown(&world, &text(&made["id"])).await["last_delivery"];
    assert_eq!((&last["arrived"], &last["status"]), (&json!(true), &json!(200)));
}

/// Nothing listens there: each is tried once, and the others wait until somebody knows more.
#[tokio::test]
async fn a_receiver_that_does_not_answer_is_sent_nothing_new_for_a_moment() {
    let (world, receiver, _, _) = hooked(&json!({})).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let body = json!({"url": format!("http://{silent}/hook")});
    let made = world.admin("POST", "/webhooks").json(&body).send().await.expect(201);
    world.keep_secret(&text(&made["secret"]));
    let tries = || world.log.text().matches("did not answer").count();
    world.connector("First").await;
    world.deliver_events().await;
    assert_eq!((tries(), receiver.take().len()), (1, 1));
    for name in ["Second", "Third"] {
        world.connector(name).await;
    }
    world.deliver_events().await;
    assert_eq!((tries(), receiver.take().len()), (1, 2), "nobody else waits");
    // Nor is any of it forgotten.
    for _ in 0..10 {
        world.advance(3_600);
        world.fire_schedule().await;
        world.deliver_events().await;
    }
    assert!(tries() >= 6, "{}", tries());
}

#[tokio::test]
async fn a_redirect_is_a_refusal_and_is_not_followed() {
    let (world, receiver, _, _) = hooked(&json!({})).await;
    receiver.answer(307);
    world.connector("Calendar").await;
    world.deliver_events().await;
    let requests = receiver.take();
    assert_eq!(requests.iter().map(|request| request.path.as_str()).collect::<Vec<_>>(), ["/hook"]);
}

#[tokio::test]
async fn a_new_secret_signs_at_once_and_the_one_before_it_for_a_day() {
    let (world, receiver, id, first) = hooked(&json!({})).await;
    let path = format!("/webhooks/{id}");
    let rotated = world.admin("PUT", &path).json(&json!({"rotate_secret": true})).send().await.expect(200);
    let second = text(&rotated["secret"]);
    world.keep_secret(&second);
    for (wait, first_signs) in [(0, true), (23 * 3_600, true), (2 * 3_600, false)] {
        world.advance(wait);
        world.admin("POST", &format!("{path}/test")).send().await.expect(202);
        world.deliver_events().await;
        let test = receiver.take().pop().unwrap();
        assert!(test.body.contains("webhook.test"));
        assert_eq!((is_signed(&test, &first), is_signed(&test, &second)), (first_signs, true), "{wait}");
    }
}

#[tokio::test]
async fn a_disabled_or_deleted_webhook_is_sent_nothing() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    let path = format!("/webhooks/{id}");
    world.connector("Calendar").await;
    world.admin("PUT", &path).json(&json!({"enabled": false})).send().await.expect(200);
    world.deliver_events().await;
    assert_eq!(world.admin("POST", &format!("{path}/test")).send().await.status, 409);
    world.admin("PUT", &path).json(&json!({"enabled": true})).send().await.expect(200);
    world.connector("Mail").await;
    world.admin("DELETE", &path).send().await.expect(204);
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(world.admin("GET", &path).send().await.status, 404);
    assert_eq!(world.deeds("webhook.").await.len(), 4);
}

#[tokio::test]
async fn events_of_one_workspace_reach_no_webhook_of_another() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    let other = world.found("Second").await;
    world.define_provider(&other, "fake").await;
    world.connector_of(&other, "Theirs", &["read"]).await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(other.admin(&world, "GET", &format!("/webhooks/{id}")).send().await.status, 404);
    assert_eq!(other.admin(&world, "GET", "/webhooks").send().await.expect(200)["webhooks"], json!([]));
}

#[tokio::test]
async fn an_address_inside_or_without_tls_is_no_receiver() {
    let world = World::new().await;
    for url in ["http://receiver.example/hook", "https://10.0.0.1/hook", "https://169.254.169.254/", "ftp://a.example"]
    {
        let answer = world.admin("POST", "/webhooks").json(&json!({"url": url})).send().await;
        assert_eq!(answer.status, 422, "{url}");
    }
    let wrong = json!({"url": "https://receiver.example/hook", "events": ["connection.stolen"]});
    assert_eq!(world.admin("POST", "/webhooks").json(&wrong).send().await.status, 422);
}

#[tokio::test]
async fn a_secret_that_an_older_key_sealed_is_sealed_anew() {
    let (world, receiver, _, secret) = hooked(&json!({})).await;
    world.admin("POST", "/encryption-keys").json(&json!({})).send().await.expect(202);
    for _ in 0..12 {
        world.deliver_all_refreshes().await;
        world.advance(120);
    }
    let keys = world.admin("GET", "/encryption-keys").send().await.expect(200);
    assert!(keys["encryption_keys"].as_array().unwrap().iter().any(|key| key["resealed_at"].is_string()), "{keys}");
    world.connector("Calendar").await;
    world.deliver_events().await;
    assert!(is_signed(&receiver.take().pop().unwrap(), &secret));
}
