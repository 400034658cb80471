//! Any route that there is, by anybody who has no right to change anything there, with anybody's ids: one's own workspace
//! with another's app or connector in it, too.

use serde_json::json;

use super::{Walk, callers::Caller};
use crate::doubles::{ROUTES, example_of};

/// Whose the path is: a workspace, an app, and whether it names a connector of another.
struct Target {
    tenant: usize,
    seat: usize,
    is_mixed: bool,
}

impl Walk {
    pub(super) async fn try_any_route(&mut self) {
        let routes: Vec<(&str, &str)> = ROUTES.iter().flat_map(|routes| routes.iter().copied()).collect();
        let (method, route) = self.dice.one(&routes);
        if route == "/api/external-auth/callback/{connector_id}" || route.starts_with("/connect") {
            return;
        }
        let (target, path) = self.fill(route);
        let mut caller = self.any_caller();
        if method != "GET" && !target.is_mixed && Self::may(caller, route, &target) {
            caller = Caller::Admin(self.tenants.len() - 1 - target.tenant);
        }
        let planted = json!({"name": "planted"});
        let body = (method != "GET" && method != "DELETE").then_some(&planted);
        let answer = self.ask("any route", caller, (method, &path), body).await;
        let is_public =
            ["/api/providers", "/api/external-auth/jwks/", "/.well-known/"].iter().any(|path| route.starts_with(path))
                || route.ends_with("/track/batch")
                || route.ends_with("/sign-in");
        let is_right = is_public || (Self::may(caller, route, &target) && method == "GET" && !target.is_mixed);
        let is_open = (200..300).contains(&answer.status);
        assert!(!is_open || is_right, "{:?}: {method} {path} opens to {caller:?}: {answer:?}", self.step);
    }

    /// A path of this route with ids of somebody, or of several.
    fn fill(&mut self, route: &str) -> (Target, String) {
        let seat = self.any_seat();
        let (of_connector, connector) = self.any_connector(self.seats[seat].tenant);
        let own = self.seats[seat].tenant;
        let tenant = if route.contains("{app}") || self.dice.percent(70) { own } else { self.any_tenant() };
        // In a workspace's path another's app may stand.
        let ws = if self.dice.percent(20) { self.tenants.len() - 1 - tenant } else { tenant };
        let (key, session) = (self.seats[seat].app.service_key_id.clone(), self.any_session());
        let connector = self.tenants[of_connector].connectors[connector].id.clone();
        let path = example_of(
            route,
            &[
                ("ws", &self.tenants[ws].workspace.id),
                ("app", &self.seats[seat].app.id),
                ("id", &connector),
                ("connector_id", &connector),
                ("session", &session),
                ("connection", "cnn_00000000000000000000000000"),
                ("revocation", "rev_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                ("proposal", "prp_00000000000000000000000000"),
                ("key_id", &key),
                ("webhook", "wh_00000000000000000000000000"),
                ("type", "fake"),
                ("sub", self.seats[seat].users[0]),
            ],
        );
        let of_path = if route.contains("{ws}") { ws } else { own };
        let has_foreign_app = route.contains("{app}") && of_path != own;
        let has_foreign_connector = route.contains("{id}") && of_path != of_connector;
        (Target { tenant: of_path, seat, is_mixed: has_foreign_app || has_foreign_connector }, path)
    }

    /// Whether somebody has any right there.
    fn may(caller: Caller, route: &str, target: &Target) -> bool {
        let is_of_workspace = route.starts_with("/api/workspace/");
        match caller {
            Caller::Admin(tenant) | Caller::Reader(tenant) | Caller::Person(tenant) if is_of_workspace => {
                tenant == target.tenant
            }
            Caller::Admin(tenant) | Caller::Reader(tenant) | Caller::Person(tenant) => {
                route.ends_with("/oauth-redirect-uris") && tenant == target.tenant
            }
            Caller::Backend(seat) | Caller::User(seat, _) => !is_of_workspace && seat == target.seat,
            Caller::For(seat, (users, _)) => !is_of_workspace && (seat == target.seat || users == target.seat),
            Caller::Nobody | Caller::Revoked(_) | Caller::Link(_) => false,
        }
    }
}
