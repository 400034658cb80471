//! Whether a host can be reached at all, and what stands in the way if not: for the person who registered it.

use std::{error::Error, io, time::Duration};

use super::{Egress, EgressRefusal, client, resolver::AddressRefused, rules};

/// Why a host could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The guard refused the URL, or where it led to.
    #[error("the address {0}")]
    Blocked(#[from] EgressRefusal),
    /// Its name has no address.
    #[error("the host's name has no address")]
    NoAddress,
    /// It can't be spoken to securely: a certificate that nobody vouches for, that is for another name or has ended; or no
    /// TLS at all.
    #[error("the host's TLS is not sound")]
    Tls,
    /// Nothing accepts connections there, or what does closes them without an answer.
    #[error("the host accepts no connections")]
    NoConnection,
    /// It did not answer in time.
    #[error("the host did not answer in time")]
    Silent,
}

impl Egress {
    /// Whether a host answers, whatever it answers: one request to the root of this URL's origin, which presents nothing.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn reach(&self, url: &str, deadline: Duration) -> Result<(), Unreachable> {
        let mut root = self.check(url)?;
        root.set_path("/");
        root.set_query(None);
        let client = self.client.get_or_init(|| client(self.reach, &self.names).ok()).as_ref();
        let request = client.ok_or(Unreachable::NoConnection)?.get(root.clone());
        let answer = tokio::time::timeout(deadline, request.send()).await.map_err(|_| Unreachable::Silent)?;
        let answer = answer.map_err(|error| obstacle(&error))?;
        match answer.remote_addr() {
            Some(peer) if !rules::fits(&root, peer.ip(), self.reach) => Err(EgressRefusal::Host.into()),
            _ => Ok(()),
        }
    }
}

/// What an error of the client says of the way there. Its text may hold the address and is dropped here.
fn obstacle(error: &reqwest::Error) -> Unreachable {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<AddressRefused>() {
            return EgressRefusal::Host.into();
        }
        if is_of_tls(error) {
            return Unreachable::Tls;
        }
        cause = error.source();
    }
    if error.is_dns() {
        Unreachable::NoAddress
    } else if error.is_timeout() {
        Unreachable::Silent
    } else {
        Unreachable::NoConnection
    }
}

/// TLS fails inside of errors of input and output, which do not name what they hold as their source.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_of_tls(held))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{IpAddr, SocketAddr, TcpListener},
        thread,
    };

    use super::*;
    use crate::oauth::{
        egress::Names,
        stub::{Reply, Stub},
    };

    const SOON: Duration = Duration::from_secs(2);

    fn egress() -> Egress {
        Egress::allowing_plain_http_to_loopback()
    }

    #[tokio::test]
    async fn a_host_that_answers_anything_is_reached_and_shown_nothing() {
        let stub = Stub::json(404, "{}");
        assert_eq!(egress().reach(&stub.url("/token?key=canary"), SOON).await, Ok(()));
        assert_eq!(stub.only().line, "GET / HTTP/1.1");
    }

    /// A server that answers whoever connects in plain text.
    fn speaking_no_tls() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // Who hangs up at that is who was meant.
                let _ = stream.read(&mut [0; 4_096]);
                let _ = stream.write_all(b"HTTP/1.1 400 \r\ncontent-length: 0\r\n\r\n");
                while stream.read(&mut [0; 4_096]).is_ok_and(|read| read > 0) {}
            }
        });
        address
    }

    #[tokio::test]
    async fn each_obstacle_is_told_from_the_others() {
        assert_eq!(egress().reach(&format!("https://{}/", speaking_no_tls()), SOON).await, Err(Unreachable::Tls));
        let silent = Stub::new(|_| Reply::Silence);
        assert_eq!(egress().reach(&silent.url("/"), SOON).await, Err(Unreachable::Silent));
        let closing = Stub::new(|_| Reply::Close);
        assert_eq!(egress().reach(&closing.url("/"), SOON).await, Err(Unreachable::NoConnection));
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(egress().reach(&format!("http://{nobody}/"), SOON).await, Err(Unreachable::NoConnection));
        let nameless = egress().resolving_by(Names::told(|_| Vec::new()));
        assert_eq!(nameless.reach("https://p.example/", SOON).await, Err(Unreachable::NoAddress));
        let inside = egress().resolving_by(Names::told(|_| vec![IpAddr::from([10, 0, 0, 1])]));
        assert_eq!(inside.reach("https://p.example/", SOON).await, Err(EgressRefusal::Host.into()));
        assert_eq!(egress().reach("http://p.example/", SOON).await, Err(EgressRefusal::Scheme.into()));
    }
}
