//! What a user and the app's backend are shown of a connection, against what the provider knows.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Life, USER, got, must};
use crate::values::{Source, Variable};

impl Life<'_> {
    /// The end of the token is told as it is.
    pub(super) fn tells_the_end(&self, token: &Value) -> Result<(), String> {
        let end = self.player.end(self.id);
        let shown: Option<Timestamp> = token["expires_at"].as_str().map(|shown| shown.parse().unwrap());
        must!(shown == end, "the token's end is told as {shown:?} instead of {end:?}");
        Ok(())
    }

    /// Granted and missing scopes are as the user ticked them.
    pub(super) fn tells_the_grant(&self, token: &Value) -> Result<(), String> {
        let mut granted: Vec<String> = self.player.granted(self.id);
        let mut shown: Vec<String> = serde_json::from_value(token["granted_scopes"].clone()).unwrap();
        granted.sort();
        shown.sort();
        must!(granted == shown, "{shown:?} is shown as granted instead of {granted:?}");
        let missing: Vec<&str> = self.scopes.unticked.as_deref().into_iter().collect();
        must!(
            token["missing_scopes"] == json!(missing),
            "{} is shown as missing instead of {missing:?}",
            token["missing_scopes"]
        );
        Ok(())
    }

    /// What was entered and what the provider told about the account is handed on.
    pub(super) fn tells_the_details(&self, token: &Value) -> Result<(), String> {
        let mut expected: Vec<(String, String)> = Vec::new();
        let is_told = |one: &&Variable| !matches!(one.source, Source::OtherVariable | Source::Discovery(_));
        expected.extend(self.variables.iter().filter(is_told).map(|one| (one.name.clone(), one.told.clone())));
        expected.extend(self.player.kept(self.id));
        for step in self.entry.tables("/discover") {
            let found =
                step.map("/into").into_keys().map(|field| (field.clone(), self.player.discovered(self.id, &field)));
            expected.extend(found);
        }
        for (name, told) in expected {
            let shown = &token["connection_config"][&name];
            // As it was told, or as it is used.
            let used = self.variables.iter().any(|one| one.told == told && *shown == one.value.as_str());
            must!(*shown == told.as_str() || used, "the detail {name} is {shown} instead of {told:?}");
        }
        Ok(())
    }

    /// The user sees whose account it is.
    pub(super) async fn is_shown(&self) -> Result<bool, String> {
        let rest = format!("/app-user-auth/connectors/{}", self.connector);
        let view = got(&self.world.as_user(USER, "GET", &rest).send().await, 200, "looking at the connector")?;
        let shown = &view["account"];
        let Some(person) = self.player.person(self.id) else {
            must!(shown.is_null(), "an account is shown that nobody told of: {shown}");
            return Ok(false);
        };
        let expected =
            json!({"id": person.id, "label": person.label, "email": person.email, "avatar_url": person.avatar});
        must!(*shown == expected, "the account is shown as {shown} instead of {expected}");
        Ok(true)
    }
}
