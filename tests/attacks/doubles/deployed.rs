//! The product as it is deployed: guarded, with names that a test decides on; and every route that there is.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use axum::Router;
use connectors::{config::Config, oauth::egress::Names, services::Services};

use crate::world::{Call, World};

/// Every route of every function that answers HTTP with anything but files.
pub(crate) const ROUTES: [&[(&str, &str)]; 10] = [
    start_authorization::ROUTES,
    callback::ROUTES,
    finish_authorization::ROUTES,
    get_token::ROUTES,
    call_provider::ROUTES,
    list_connections::ROUTES,
    disconnect::ROUTES,
    manage_connector::ROUTES,
    move_grants::ROUTES,
    mcp::ROUTES,
];

/// Another instance of every function, over the same tables.
pub(crate) struct Deployed {
    routes: Router,
    looked_up: Arc<Mutex<Vec<String>>>,
}

impl Deployed {
    /// As the template deploys it: nothing is said about `EGRESS`.
    pub(crate) fn guarded(world: &World) -> Self {
        Self::new(world, false, |_| Vec::new())
    }

    /// Guarded, where names lead to these addresses.
    pub(crate) fn guarded_with_names(world: &World, names: fn(&str) -> Vec<IpAddr>) -> Self {
        Self::new(world, false, names)
    }

    /// As a developer runs it, where names lead to these addresses.
    pub(crate) fn local_with_names(world: &World, names: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self::new(world, true, names)
    }

    fn new(world: &World, is_local: bool, names: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        let environment = &world.aws.environment;
        let read = |name: &str| environment.get(name).filter(|_| is_local || name != "EGRESS").map(str::to_owned);
        let (looked_up, config) = (Arc::<Mutex<Vec<String>>>::default(), Config::read(read).unwrap());
        let noted = looked_up.clone();
        let names = Names::told(move |name| {
            noted.lock().unwrap().push(name.to_owned());
            names(name)
        });
        let services = Services::with(&config, world.clock.clone(), names).unwrap();
        let routes = Router::new()
            .merge(start_authorization::router(&services))
            .merge(callback::router(&services))
            .merge(finish_authorization::router(&services))
            .merge(get_token::router(&services))
            .merge(call_provider::router(&services))
            .merge(list_connections::router(&services))
            .merge(disconnect::router(&services))
            .merge(manage_connector::router(&services))
            .merge(move_grants::router(&services))
            .merge(mcp::router(&services));
        Self { routes: services.dress(routes), looked_up }
    }

    /// A request of the first workspace's admin.
    pub(crate) fn admin(&self, world: &World, method: &str, rest: &str) -> Call {
        self.call(method, &world.workspace.path(rest)).bearer(&world.workspace.admin_key)
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.routes.clone(), method, path)
    }

    /// The names whose addresses were asked for.
    pub(crate) fn looked_up(&self) -> Vec<String> {
        self.looked_up.lock().unwrap().clone()
    }
}

/// A route's path with these in the place of its parameters.
pub(crate) fn example_of(path: &str, parameters: &[(&str, &str)]) -> String {
    let filled =
        parameters.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    assert!(!filled.contains('{'), "{path} has a parameter that is not known here");
    filled
}
