//! What people and their backends do all day: read tokens, look at lists, disconnect; with their own proofs and not.

use serde_json::json;

use super::{Walk, callers::Caller};
use crate::world::PROVIDER;

impl Walk {
    /// A backend reads a token: of its own app or another, for its own user or another's, of any connector.
    pub(super) async fn read_token(&mut self) {
        let seat = self.any_seat();
        let user =
            if self.dice.percent(75) { (seat, self.dice.below(self.seats[seat].users.len())) } else { self.any_user() };
        let own = Caller::For(seat, user);
        let caller = if self.dice.percent(80) { own } else { self.any_caller() };
        let (tenant, connector) = self.any_connector(self.seats[seat].tenant);
        let id = &self.tenants[tenant].connectors[connector].id;
        let wish = self.dice.one(&["", "?min_ttl=3600", "?required_scopes=read", "?required_scopes=admin"]);
        let path = self.seats[seat].app.path(&format!("/app-user-auth/connectors/{id}/token{wish}"));
        let answer = self.ask("read token", caller, ("GET", &path), None).await;
        let is_own = matches!(caller, Caller::For(key, (of, _)) if key == seat && of == seat);
        let is_at_home = tenant == self.seats[seat].tenant;
        assert!(answer.status != 200 || (is_own && is_at_home), "{:?}: somebody else reads a token", self.step);
    }

    /// A backend reads the token that its workspace shares, or asks for another's; now and then somebody else does.
    pub(super) async fn read_shared(&mut self) {
        let seat = self.any_seat();
        let tenant = self.any_tenant();
        let caller = if self.dice.percent(70) { Caller::Backend(seat) } else { self.any_caller() };
        let shared = self.tenants[tenant].shared.as_ref().map(crate::world::Connector::by_id).unwrap_or_default();
        let own = &self.tenants[tenant].connectors[0].id;
        let by = self.dice.one(&[shared.as_str(), "fake", "google", &format!("connectors/{own}")]).to_owned();
        let path = self.seats[seat].app.path(&format!("/external-auth/tokens/{by}"));
        let answer = self.ask("read shared", caller, ("GET", &path), None).await;
        let is_own = matches!(caller, Caller::Backend(key) | Caller::For(key, _) if key == seat);
        let is_there = by == "fake" || (by == shared && tenant == self.seats[seat].tenant);
        assert!(answer.status != 200 || (is_own && is_there), "{:?}: somebody else reads a token", self.step);
    }

    /// A backend reads a token by a user's name.
    pub(super) async fn read_offline(&mut self) {
        let (seat, (named, user)) = (self.any_seat(), self.any_user());
        let caller = if self.dice.percent(70) { Caller::Backend(seat) } else { self.any_caller() };
        let (tenant, connector) = self.any_connector(self.seats[seat].tenant);
        let (id, name) = (&self.tenants[tenant].connectors[connector].id, self.seats[named].users[user]);
        let path = self.seats[seat].app.path(&format!("/users/{name}/connectors/{id}/token"));
        let answer = self.ask("read offline", caller, ("GET", &path), None).await;
        let is_own = matches!(caller, Caller::Backend(key) | Caller::For(key, _) if key == seat);
        assert!(answer.status != 200 || is_own, "{:?}: somebody else reads a token", self.step);
    }

    /// Somebody has the API called that says whose account it is: for oneself or another, through any connector.
    pub(super) async fn have_api_called(&mut self) {
        let (seat, user) = self.any_user();
        let (tenant, connector) = self.any_connector(self.seats[seat].tenant);
        let id = &self.tenants[tenant].connectors[connector].id;
        let app = &self.seats[seat].app;
        let by_type = app.path(&format!("/connectors/{PROVIDER}/call"));
        let by_id = app.path(&format!("/app-user-auth/connectors/{id}/call"));
        let is_by_type = self.dice.percent(30);
        let path = if is_by_type { by_type } else { by_id };
        let caller = match self.dice.below(10) {
            0..4 => Caller::For(seat, (seat, user)),
            4..7 => Caller::User(seat, user),
            _ => self.any_caller(),
        };
        let call = json!({"path": "/userinfo"});
        let answer = self.ask("have an API called", caller, ("POST", &path), Some(&call)).await;
        let is_own = match caller {
            Caller::For(key, (of, _)) => key == seat && of == seat,
            Caller::User(of, _) => of == seat && !is_by_type,
            // What the workspace shares.
            Caller::Backend(key) => key == seat && is_by_type,
            _ => false,
        };
        let is_at_home = is_by_type || tenant == self.seats[seat].tenant;
        assert!(answer.status != 200 || (is_own && is_at_home), "{:?}: somebody else has an API called", self.step);
    }

    /// Somebody looks at a list: theirs or another's.
    pub(super) async fn look_around(&mut self) {
        let seat = self.any_seat();
        let tenant = self.seats[seat].tenant;
        let id = {
            let (of, connector) = self.any_connector(tenant);
            self.tenants[of].connectors[connector].id.clone()
        };
        let (app, workspace) = (&self.seats[seat].app, &self.tenants[tenant].workspace);
        let (path, right) = match self.dice.below(8) {
            0 => (app.path("/app-user-auth/connectors"), Caller::User(seat, 0)),
            1 => (app.path(&format!("/app-user-auth/connectors/{id}")), Caller::User(seat, 0)),
            2 => (app.path("/connections"), Caller::Backend(seat)),
            3 => (app.path(&format!("/connections?connector_id={id}")), Caller::Backend(seat)),
            4 => (app.path("/oauth-redirect-uris"), Caller::Backend(seat)),
            5 => (workspace.path("/audit"), Caller::Reader(tenant)),
            6 => (workspace.path(&format!("/connectors/{id}/connections")), Caller::Admin(tenant)),
            _ => (workspace.path("/connectors"), Caller::Person(tenant)),
        };
        let caller = if self.dice.percent(60) { right } else { self.any_caller() };
        self.ask("look around", caller, ("GET", &path), None).await;
    }

    pub(super) async fn disconnect(&mut self) {
        let (seat, user) = self.any_user();
        let (tenant, connector) = self.any_connector(self.seats[seat].tenant);
        let id = &self.tenants[tenant].connectors[connector].id;
        let path = self.seats[seat].app.path(&format!("/app-user-auth/connectors/{id}"));
        let caller = if self.dice.percent(70) { Caller::User(seat, user) } else { self.any_caller() };
        let answer = self.ask("disconnect", caller, ("DELETE", &path), None).await;
        let is_own = matches!(caller, Caller::User(of, _) | Caller::For(_, (of, _)) if of == seat);
        let is_at_home = tenant == self.seats[seat].tenant;
        assert!(answer.status != 200 || (is_own && is_at_home), "{:?}: somebody else disconnects", self.step);
    }
}
