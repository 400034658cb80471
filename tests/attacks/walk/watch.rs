//! What must never be seen: another tenant's marks, and tokens where none belong.

use super::{
    Walk,
    callers::Caller,
    marks::{Place, foreign, marks, tokens},
};
use crate::world::{Answer, Item};

const TABLES: [&str; 4] = ["TABLE_REGISTRY", "TABLE_CONNECTIONS", "TABLE_SESSIONS", "TABLE_AUDIT"];

impl Walk {
    /// An answer holds what whoever asked may see, and a token only for the backend that asked for that user's.
    pub(super) async fn look_at(&self, caller: Caller, answer: &Answer) {
        let (step, text) = (&self.step, format!("{:?} {}", answer.headers, answer.text));
        assert!(answer.status < 500 || answer.status == 503 || answer.status == 502, "{step:?}: {answer:?}");
        let sight = self.sight(caller);
        if let Some(mark) = foreign(&text, sight) {
            panic!("{step:?}: {caller:?} is shown what is {mark}'s: {answer:?}");
        }
        for token in tokens(&text) {
            let is_backend = matches!(caller, Caller::Backend(_) | Caller::For(..)) && answer.status == 200;
            let account = self.account_behind(token).await;
            let is_theirs = token.starts_with("at_") && foreign(&account, sight).is_none();
            assert!(is_backend && is_theirs, "{step:?}: {caller:?} is given a token of {account}: {answer:?}");
        }
    }

    /// Whose account a token opens, as the provider says.
    async fn account_behind(&self, token: &str) -> String {
        let request = self.client.get(self.world.provider.url("/userinfo")).bearer_auth(token);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// A line of the log tells of one tenant at most, and no token ever.
    pub(super) fn look_at_the_log(&mut self) {
        let log = self.world.log.text();
        let new = &log[self.log_read..];
        self.log_read = log.len();
        for line in new.lines() {
            let mut whose: Vec<&str> = marks(line).map(|[workspace, ..]| workspace).collect();
            whose.dedup();
            assert!(whose.len() <= 1, "{:?}: a line of {whose:?}: {line}", self.step);
            assert!(tokens(line).is_empty() && !line.contains("uck_"), "{:?}: a secret in the log: {line}", self.step);
        }
    }

    /// An item holds what belongs where it stands, and no token in plain.
    pub(super) async fn look_at_the_tables(&mut self) {
        let mut told = 0;
        for table in TABLES {
            for item in self.world.aws.items(table).await {
                let text = format!("{item:?}");
                let place = self.place_of(&item);
                if let Some(mark) = foreign(&text, place) {
                    panic!("{:?}: an item at {place:?} holds what is {mark}'s: {text}", self.step);
                }
                told += marks(&text).count();
                assert!(tokens(&text).is_empty(), "{:?}: a token in plain: {text}", self.step);
            }
        }
        assert!(told > 10, "the marks are in the tables");
    }

    /// Whose an item is, by its key, or by the workspace or app in it.
    fn place_of(&self, item: &Item) -> Option<Place> {
        let get =
            |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).unwrap_or_default();
        let parts: Vec<&str> = get("pk").split('#').collect();
        let of_app = |id: &str| self.seats.iter().find(|seat| seat.app.id == id);
        let of_workspace = |id: &str| self.tenants.iter().find(|tenant| tenant.workspace.id == id);
        let app = match parts.first() {
            Some(&("APP" | "USER")) => of_app(parts[1]),
            _ => of_app(get("app_id")),
        };
        if let Some(seat) = app {
            return Some(Place { app: Some(seat.tag), ..self.tenants[seat.tenant].place() });
        }
        let workspace = if matches!(parts[0], "WS" | "AUDIT") { parts[1] } else { get("workspace_id") };
        of_workspace(workspace).map(super::Tenant::place)
    }
}
