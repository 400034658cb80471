//! A server inside: whoever opens a connection to it has got through.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::net::TcpListener;

/// Listens on loopback, as an admin interface or a metadata service does, and counts who comes.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    reached: Arc<AtomicUsize>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, reached) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let count = reached.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, reached }
    }

    /// An address of it, by any name for this machine.
    pub(crate) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/inside", self.address.port())
    }

    /// How many connections were opened.
    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}
