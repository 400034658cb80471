//! Who is there: workspaces with connectors, apps with backends, and people.

use serde_json::{Value, json};

use super::marks::Place;
use crate::world::{App, Connector, PROVIDER, RETURN_URL, SigningKey, Workspace, World, jwks, text};

/// A workspace.
pub(super) struct Tenant {
    pub(super) tag: &'static str,
    pub(super) workspace: Workspace,
    pub(super) reader: String,
    /// Signs for the workspace's own people.
    pub(super) people: SigningKey,
    pub(super) connectors: Vec<Connector>,
    /// What its apps share.
    pub(super) shared: Option<Connector>,
}

/// An app, and who uses it.
pub(super) struct Seat {
    pub(super) tag: &'static str,
    pub(super) tenant: usize,
    pub(super) app: App,
    pub(super) users: &'static [&'static str],
}

/// Who vouches for the people of both workspaces, by the keys of each.
const ORGANISATION: &str = "https://people.example";

impl Tenant {
    /// A token of an admin of the workspace's organisation, at this second.
    pub(super) fn person(&self, now: i64) -> String {
        let claims = json!({"iss": ORGANISATION, "aud": self.workspace.id, "sub": "ada", "exp": now + 600});
        self.people.sign(&claims)
    }

    pub(super) fn place(&self) -> Place {
        Place { workspace: self.tag, app: None, user: None }
    }
}

/// Two workspaces; the first has two apps, whose people come from one issuer.
pub(super) async fn settle() -> (World, Vec<Tenant>, Vec<Seat>) {
    let mut world = World::new().await;
    let first = std::mem::take(&mut world.workspace);
    let second = world.found("canary.w2.all.all.").await;
    world.define_provider(&second, PROVIDER).await;
    let mut twin = world.register_app(&first, "twin-app").await;
    let other = world.register_app(&second, "other-app").await;
    let own = std::mem::replace(&mut world.app, nobody(&other));
    // The people of both apps of the first workspace come from one issuer.
    twin.issuer.clone_from(&own.issuer);
    let mut seats = vec![
        Seat { tag: "a1", tenant: 0, app: own, users: &["alice", "bob"] },
        Seat { tag: "a2", tenant: 0, app: twin, users: &["alice"] },
        Seat { tag: "b1", tenant: 1, app: other, users: &["alice", "bob"] },
    ];
    let mut tenants = Vec::new();
    for (tag, workspace) in [("w1", first), ("w2", second)] {
        let people = SigningKey::p256(tag);
        let tenant = Tenant { tag, reader: String::new(), people, connectors: Vec::new(), shared: None, workspace };
        let identity = json!({
            "issuer": ORGANISATION, "client_id": tenant.workspace.id, "jwks": jwks(&[&tenant.people]),
            "admins": {"claim": "sub", "values": ["ada"]},
        });
        tenant.workspace.admin(&world, "PUT", "/identity").json(&identity).send().await.expect(200);
        let mark = tenant.place().mark();
        let key = json!({"name": mark, "role": "read"});
        let reader = tenant.workspace.admin(&world, "POST", "/keys").json(&key).send().await.expect(201);
        tenants.push(Tenant { reader: text(&reader["key"]), ..tenant });
    }
    for seat in &mut seats {
        let tenant = &tenants[seat.tenant];
        let place = Place { app: Some(seat.tag), ..tenant.place() };
        let settings = json!({"name": format!("{}app", place.mark()), "return_urls": [RETURN_URL]});
        let path = format!("/apps/{}", seat.app.id);
        tenant.workspace.admin(&world, "PUT", &path).json(&settings).send().await.expect(200);
        let identity = json!({"issuer": seat.app.issuer, "audience": seat.app.id, "jwks": jwks(&[&seat.app.signer])});
        let path = format!("{path}/identity");
        tenant.workspace.admin(&world, "PUT", &path).json(&identity).send().await.expect(200);
        let (key, id) = world.service_key(&tenant.workspace, &seat.app.id, &["tokens:offline"]).await;
        (seat.app.service_key, seat.app.service_key_id) = (key, id);
    }
    for tenant in &mut tenants {
        for number in 0..3 {
            let name = format!("{}first-{number}", tenant.place().mark());
            let connector = connector(&world, tenant, &name).await;
            tenant.connectors.push(connector);
        }
        let mark = tenant.place().mark();
        let shared = world.shared_connector_of(&tenant.workspace, PROVIDER, &format!("{mark}shared")).await;
        assert_eq!(world.connect_shared_of(&tenant.workspace, &shared, &mark).await, "completed");
        tenant.shared = Some(shared);
    }
    world.advance(61);
    (world, tenants, seats)
}

/// A connector of the tenant whose name and details are marked.
pub(super) async fn connector(world: &World, tenant: &Tenant, name: &str) -> Connector {
    let connector = world.connector_of(&tenant.workspace, name, &["read", "write"]).await;
    let details: Value = json!({"connection_config": {"region": tenant.place().mark()}});
    let path = format!("/connectors/{}", connector.id);
    tenant.workspace.admin(world, "PUT", &path).json(&details).send().await.expect(200);
    connector
}

/// The world's own app moves out; nothing here asks for it again.
fn nobody(other: &App) -> App {
    App {
        id: other.id.clone(),
        service_key: String::new(),
        service_key_id: String::new(),
        issuer: String::new(),
        signer: crate::world::SigningKey::p256("nobody"),
    }
}
