//! Where this process can be reached: on loopback only.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::TcpListener;

/// How often another free port is tried when the one found on IPv4 is taken on IPv6.
const ATTEMPTS: usize = 10;

/// The listeners of the demo app and the API. `localhost` names both loopback addresses, so a process that held the port on
/// one of them would answer some of the requests meant for this one: it is taken on both or not at all.
///
/// # Errors
/// The port is taken ([`io::ErrorKind::AddrInUse`]), or can't be listened on.
pub async fn on_localhost(port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let bound = v4.local_addr()?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await {
            Ok(v6) => return Ok((bound, vec![v4, v6])),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Ok((bound, vec![v4])),
            Err(error) if attempts == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

/// The listener of the AWS endpoints: on `wanted`, or else on the port after the API's, or on any free one.
///
/// # Errors
/// `wanted` is taken, or nothing can be listened on.
pub async fn for_aws(wanted: Option<u16>, port: u16) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = match wanted {
        Some(wanted) => TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await?,
        None => match TcpListener::bind((Ipv4Addr::LOCALHOST, port.checked_add(1).unwrap_or(0))).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        },
    };
    Ok((listener.local_addr()?, listener))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_an_error_for_the_api_and_moves_the_endpoints() {
        let (port, listeners) = on_localhost(0).await.unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap().port() == port));
        assert_eq!(on_localhost(port).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let (address, _listener) = for_aws(None, port - 1).await.unwrap();
        assert!(address.ip().is_loopback() && address.port() != port);
    }
}
