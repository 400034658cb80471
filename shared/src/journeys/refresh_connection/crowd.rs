//! How many refreshes ahead of time one process has at one provider at a time: a provider that is slow must not hold up
//! those of all others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::ConnectorId;

/// How many at a time. Lambda starts ten instances for the queue at most: forty at a time for a connector.
const AT_A_TIME: usize = 4;

/// Everybody who is at a provider now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<HashMap<ConnectorId, Weak<Semaphore>>>>);

/// A place among those who may ask; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct PlaceInCrowd {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Crowd {
    /// Waits for a place at this connector's provider.
    pub(crate) async fn enter(&self, connector: &ConnectorId) -> PlaceInCrowd {
        let places = self.places(connector);
        // The semaphore is never closed, so this is always a place.
        PlaceInCrowd { _permit: places.acquire_owned().await.ok() }
    }

    fn places(&self, connector: &ConnectorId) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = all.get(connector).and_then(Weak::upgrade) {
            return places;
        }
        all.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        all.insert(connector.clone(), Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn one_more_than_there_are_places_waits_until_somebody_leaves() {
        let (crowd, id) = (Crowd::default(), ConnectorId::parse("con_01JD0000000000000000000000").unwrap());
        let mut inside: Vec<_> = (0..AT_A_TIME).map(|_| crowd.enter(&id).now_or_never().unwrap()).collect();
        assert!(crowd.enter(&id).now_or_never().is_none());
        inside.pop();
        assert!(crowd.enter(&id).now_or_never().is_some());
    }
}
