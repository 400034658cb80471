//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{
    deployment::Deployment,
    events::{example, with_body},
};
use serde_json::{Value, json};

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_finish-authorization");

fn of_session(event: &Value, session: &str) -> Value {
    serde_json::from_str(&event.to_string().replace(example::SESSION, session)).unwrap_or_default()
}

#[tokio::test]
async fn the_user_who_began_finishes_with_the_handle() {
    let deployment = Deployment::start().await;
    let begun = deployment.begin().await;
    let handle = deployment.park(&begun).await;
    let state = of_session(&deployment.event("finish-authorization.state"), &begun.session_id);
    let mut function = deployment.launch(BOOTSTRAP, state).await;
    let waiting = function.answer().await.http();
    assert_eq!((waiting.status, &waiting.body["status"]), (200, &json!("awaiting_finish")));

    let finish = of_session(&deployment.event("finish-authorization.finish"), &begun.session_id);
    let guessed = function.invoke(finish.clone()).await.http();
    assert_eq!((guessed.status, &guessed.body["code"]), (400, &json!("state_mismatch")));
    let finish = with_body(finish, &json!({ "handle": handle }));
    let finished = function.invoke(finish.clone()).await.http();
    assert_eq!((finished.status, &finished.body["status"]), (200, &json!("completed")), "{:?}", finished.body);
    assert_eq!(function.invoke(finish).await.http().status, 409);
    assert!(!function.log().contains(&handle));
    deployment.asked_by("finish-authorization");
}

#[tokio::test]
async fn a_session_that_never_was_is_not_found() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("finish-authorization.state")).await;
    let answer = function.answer().await.http();
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "code": "NOT_FOUND",
            "detail": "No such session.",
        })
    );
    deployment.asked_by("finish-authorization");
}
