//! Resolves names once, and hands on addresses only when all of them are on the public internet: the address that was
//! checked is the address that is connected to, so a name that changes its mind gains nothing.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::rules::{Reach, resolves_well};

/// Where the addresses of names come from. Whoever reaches out is handed one of these.
#[derive(Clone)]
pub struct Names(Source);

#[derive(Clone)]
enum Source {
    System,
    Told(Arc<LookUp>),
}

/// Says which addresses a name has.
type LookUp = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

impl Names {
    /// The operating system's resolver.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Addresses that are told by `look_up`, which is asked once for every connection. A name without any does not exist.
    #[must_use]
    pub fn told(look_up: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Source::Told(Arc::new(look_up)))
    }

    /// The addresses of a name.
    async fn of(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Source::System => Ok(tokio::net::lookup_host((name, 0)).await?.collect()),
            Source::Told(look_up) => match look_up(name) {
                found if found.is_empty() => Err(io::ErrorKind::NotFound.into()),
                found => Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect()),
            },
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Source::System => "Names(system)",
            Source::Told(_) => "Names(told)",
        })
    }
}

/// The resolver of the one client.
pub(super) struct GuardedResolver {
    pub(super) reach: Reach,
    pub(super) names: Names,
}

/// A name led to an address that is not on the public internet. Does not say which.
#[derive(Debug)]
pub(super) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name does not lead to the public internet")
    }
}

impl Error for AddressRefused {}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, names) = (self.reach, self.names.clone());
        Box::pin(async move {
            let name = name.as_str();
            let found = names.of(name).await?;
            Ok(all_or_none(name, found, reach)?)
        })
    }
}

/// One address that is not public spoils the name: which of several is connected to is a matter of chance.
fn all_or_none(name: &str, found: Vec<SocketAddr>, reach: Reach) -> Result<Addrs, AddressRefused> {
    if found.iter().all(|address| resolves_well(name, address.ip(), reach)) {
        Ok(Box::new(found.into_iter()))
    } else {
        Err(AddressRefused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_private_address_among_public_ones_spoils_the_name() {
        let public: SocketAddr = "8.8.8.8:0".parse().expect("an address");
        let private: SocketAddr = "10.0.0.5:0".parse().expect("an address");
        assert!(all_or_none("p.example", vec![public], Reach::Public).is_ok());
        for found in [vec![private], vec![public, private], vec![private, public]] {
            assert!(all_or_none("p.example", found, Reach::Public).is_err());
        }
    }
}
