//! Apps, read at most once a minute.

use std::sync::Arc;

use super::cache::Cache;
use crate::{
    clock::Clock,
    domain::{app::App, ids::AppId},
    store::{Apps, StoreError},
};

#[derive(Debug)]
pub(super) struct AppCache {
    apps: Apps,
    known: Cache<AppId, Arc<App>>,
    clock: Clock,
}

impl AppCache {
    pub(super) fn new(apps: Apps, clock: Clock) -> Self {
        Self { apps, known: Cache::new(), clock }
    }

    /// The app of this id. Absence is not remembered: an app that was just registered works at once.
    pub(super) async fn find(&self, id: &AppId) -> Result<Option<Arc<App>>, StoreError> {
        if let Some(app) = self.known.get(id, self.clock.now()) {
            return Ok(Some(app));
        }
        let Some(app) = self.apps.find(id).await?.map(Arc::new) else { return Ok(None) };
        self.known.put(id.clone(), Arc::clone(&app), self.clock.now());
        Ok(Some(app))
    }
}
