//! The tokens of a grant, opened to find out whether another at the same place is the same one: then ending it at the provider
//! would end that, too.

use aws_lc_rs::constant_time;

use crate::{
    domain::{
        secret::{AccessToken, Kind, RefreshToken, Sealed, Secret},
        user::ConnectionKey,
    },
    vault::{Place, Vault, VaultError},
};

/// The tokens of a grant. What does not open can be shown to no provider, and so counts as not there.
#[derive(Debug)]
pub(super) struct KnownTokens {
    access: Option<Secret<AccessToken>>,
    refresh: Option<Secret<RefreshToken>>,
}

impl KnownTokens {
    /// Opens the tokens of a grant at this place.
    pub(super) async fn open(
        vault: &Vault,
        place: &ConnectionKey,
        access: Option<&Sealed<AccessToken>>,
        refresh: Option<&Sealed<RefreshToken>>,
    ) -> Result<Self, VaultError> {
        let place = Place::connection(place);
        Ok(Self { access: opened(vault, access, &place).await?, refresh: opened(vault, refresh, &place).await? })
    }

    /// Whether one of these tokens is among them.
    pub(super) fn have_one_of(
        &self,
        access: Option<&Secret<AccessToken>>,
        refresh: Option<&Secret<RefreshToken>>,
    ) -> bool {
        is_same(self.refresh.as_ref(), refresh) || is_same(self.access.as_ref(), access)
    }

    /// Whether they have a token in common with these.
    pub(super) fn overlap(&self, others: &Self) -> bool {
        self.have_one_of(others.access.as_ref(), others.refresh.as_ref())
    }
}

async fn opened<K: Kind>(
    vault: &Vault,
    sealed: Option<&Sealed<K>>,
    place: &Place,
) -> Result<Option<Secret<K>>, VaultError> {
    let Some(sealed) = sealed else { return Ok(None) };
    match vault.open(sealed, place).await {
        // A grant that was imported without an access token, and never refreshed, has an empty one.
        Ok(token) => Ok(Some(token).filter(|token| !token.is_empty())),
        Err(VaultError::DoesNotOpen | VaultError::NoKey) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_same<K>(one: Option<&Secret<K>>, other: Option<&Secret<K>>) -> bool {
    one.zip(other).is_some_and(|(one, other)| {
        constant_time::verify_slices_are_equal(one.expose().as_bytes(), other.expose().as_bytes()).is_ok()
    })
}
