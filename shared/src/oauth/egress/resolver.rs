//! Resolves names once, and hands on addresses only when all of them are on the public internet: the address that was
//! checked is the address that is connected to, so a name that changes its mind gains nothing.

use std::{error::Error, fmt, net::SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::rules::{Reach, resolves_well};

/// The resolver of the one client.
pub(super) struct GuardedResolver {
    pub(super) reach: Reach,
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
        let reach = self.reach;
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
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
