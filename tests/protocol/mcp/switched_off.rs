//! What a workspace has switched off is off for assistants, too.

use super::*;

#[tokio::test]
async fn an_agent_gets_nowhere_with_what_is_switched_off_and_goes_on_once_it_is_on() {
    let called = Called::new().await;
    let connector = json!({"connector_id": called.connector.id});
    let assisted = Assisted::of(called.world).await;
    let at = (assisted.agent_path(), assisted.user(&assisted.world.app, "alice"));
    let switch = async |is_on: bool| {
        let listed = assisted.world.admin("GET", "/connector-governance").send().await.expect(200);
        let change = json!({
            "integration_type": listed["governance"][0]["integration_type"], "per_user_connection_enabled": is_on,
        });
        assisted.world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200);
    };
    switch(false).await;
    let mut call = connector.clone();
    call["path"] = json!("/events");
    assert_eq!(refused(&assisted.call((&at.0, &at.1), "call_api_read", call.clone()).await), "blocked_by_policy");
    call["method"] = json!("POST");
    assert_eq!(refused(&assisted.call((&at.0, &at.1), "call_api_write", call.clone()).await), "blocked_by_policy");
    assert_eq!(assisted.acts("list_connections", json!({})).await["connections"][0]["status"], "disabled");
    assert_eq!(refused(&assisted.call((&at.0, &at.1), "connect", connector.clone()).await), "blocked_by_policy");
    assert!(called.api.take().is_empty());
    switch(true).await;
    assert_eq!(assisted.acts("connect", connector.clone()).await["status"], "connected");
    assert_eq!(told(&assisted.call((&at.0, &at.1), "call_api_write", call).await)["data"]["seen"], "POST");
    // Whoever wants out gets out, also while it is off.
    switch(false).await;
    assert_eq!(assisted.acts("disconnect", connector).await["status"], "disconnected");
}
