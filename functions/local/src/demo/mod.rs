//! What makes the first Connect work without any account: a demo app, an identity provider that signs in its users, and an
//! authorization server that those users can connect.

pub mod backend;
pub mod issuer;
pub mod page;
pub mod provider;

use std::{io, path::Path, sync::Arc};

use axum::Router;
use backend::{Backend, DemoApp};
use connectors::{clock::Clock, domain::secret::Secret};
use issuer::{Issuer, IssuerKeyError};
use provider::{DemoProvider, StorageError};

use crate::{files, seed::Seeded};

/// All of it.
pub struct Demo {
    /// Signs in the demo users.
    pub issuer: Arc<Issuer>,
    /// Holds the calendars.
    pub provider: Arc<DemoProvider>,
    backend: Arc<Backend>,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file can't be made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The issuer's key can't be used.
    #[error(transparent)]
    Issuer(#[from] IssuerKeyError),
    /// The authorization server's file can't be used.
    #[error(transparent)]
    Provider(#[from] StorageError),
}

impl Demo {
    /// Opens what the demo keeps in the folder. Its app uses the product through these routes.
    ///
    /// # Errors
    /// [`DemoError`].
    pub fn open(folder: &Path, base_url: &str, product: &Router, clock: &Clock) -> Result<Self, DemoError> {
        let issuer = Issuer::open(&folder.join("issuer.key"), base_url, clock.clone())?;
        let grants = folder.join("demo-provider.sqlite");
        files::reserve_private(&grants)?;
        let provider = DemoProvider::open(&grants, base_url, clock.clone())?;
        let provider = Arc::new(provider);
        let backend = Backend::new(product.clone(), provider::router(provider.clone()));
        Ok(Self { issuer: Arc::new(issuer), provider, backend })
    }

    /// The routes of the page, the backend, the issuer and the authorization server.
    pub fn routes(&self) -> Router {
        page::router()
            .merge(backend::router(self.backend.clone()))
            .merge(issuer::router(self.issuer.clone()))
            .merge(provider::router(self.provider.clone()))
    }

    /// Begins to serve the demo app, now that the product knows it.
    pub fn serve(&self, seeded: &Seeded) {
        self.issuer.serve_app(&seeded.app_id);
        self.backend.serve_app(DemoApp {
            id: seeded.app_id.clone(),
            connector_id: seeded.connector_id.clone(),
            service_key: Secret::new(seeded.service_key.as_str()),
        });
    }
}
