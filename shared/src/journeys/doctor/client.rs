//! Whether the provider accepts the client, and for how long.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    domain::{
        connector::Connector,
        finding::{Finding, FindingCode, Severity},
        provider::Provider,
        secret::{AuthorizationCode, CodeVerifier, Secret},
    },
    oauth::{CodeGrant, Credentials, ProviderClient, TokenError, dpop::Proof},
    random::Random,
};

/// How the code begins that is shown to a provider. Whoever reads it in a log there can see that it was never given.
const CODE_PREFIX: &str = "doctor_";

/// How many days before its end a client secret is told of.
const NOTICE: i64 = 30;

/// What a provider makes of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It read on, and refused the code.
    Accepted,
    /// It refuses the client.
    Rejected,
    /// It says that the redirect URI is not one of the client's.
    WrongRedirectUri,
    /// It said something else, or nothing.
    Unknown,
}

/// A token request with a code that nobody was given (RFC 6749, section 5.2): the client is looked at before the code is.
pub(super) struct Probe<'a> {
    pub(super) connector: &'a Connector,
    pub(super) provider: &'a Provider,
    pub(super) redirect_uri: &'a str,
    pub(super) credentials: Credentials<'a>,
}

impl Probe<'_> {
    pub(super) async fn ask(&self, client: &ProviderClient, random: &Random, now: Timestamp) -> Verdict {
        let code = Secret::<AuthorizationCode>::new(format!("{CODE_PREFIX}{}", random.token()));
        let verifier = Secret::<CodeVerifier>::new(random.token());
        let requested = self.provider.scopes_to_request(&self.connector.scopes);
        let grant = CodeGrant {
            code: &code,
            verifier: &verifier,
            redirect_uri: self.redirect_uri,
            requested: &requested,
            proof: Proof::Without,
        };
        match client.exchange(self.provider, self.credentials, grant, now).await {
            Err(error) => verdict(&error),
            // A provider that gives tokens for nothing says nothing about the client.
            Ok(_) => Verdict::Unknown,
        }
    }
}

fn verdict(error: &TokenError) -> Verdict {
    match error {
        TokenError::Rejected { .. } => Verdict::Accepted,
        TokenError::ClientRejected { error, .. } if error.as_str() == "redirect_uri_mismatch" => {
            Verdict::WrongRedirectUri
        }
        // The made-up code was shown without a proof; whether one is wanted says nothing about the client.
        TokenError::ClientRejected { error, .. } if error.as_str() == "invalid_dpop_proof" => Verdict::Unknown,
        TokenError::ClientRejected { .. } => Verdict::Rejected,
        _ => Verdict::Unknown,
    }
}

/// What is to be said of the provider's verdict.
pub(super) fn findings(verdict: Verdict, redirect_uri: &str) -> Option<Finding> {
    match verdict {
        Verdict::Accepted | Verdict::Unknown => None,
        Verdict::Rejected => Some(
            Finding::new(
                Severity::Error,
                FindingCode::ClientRejected,
                "The provider does not accept the client id and secret.",
                "Nobody can connect, and no token can be refreshed, until it does.",
                "Copy client id and secret from the provider's console again, whole and without spaces, and check that the \
                 client is enabled there and made for the authorization code flow.",
            )
            .at("/client_secret"),
        ),
        Verdict::WrongRedirectUri => Some(
            Finding::new(
                Severity::Error,
                FindingCode::RedirectUriNotRegistered,
                format!("The provider says that the client has no redirect URI {redirect_uri}"),
                "It sends people back to registered addresses only, so nobody can connect.",
                "Register exactly this redirect URI for the client at the provider: every character counts.",
            )
            .at("/redirect_uri"),
        ),
    }
}

/// What is to be said of the last day of the client secret.
pub(super) fn expiry(last_day: Option<Date>, now: Timestamp) -> Option<Finding> {
    let (last_day, today) = (last_day?, now.to_zoned(TimeZone::UTC).date());
    let first_notice = last_day.checked_sub(NOTICE.days()).unwrap_or(Date::MIN);
    let what_to_do =
        "Make a new secret at the provider and set it here with its own last day. Nobody has to connect again.";
    let finding = if today > last_day {
        Finding::new(
            Severity::Error,
            FindingCode::ClientSecretExpired,
            format!("The client secret was valid until {last_day}."),
            "Nobody can connect and no token can be refreshed with it any more.",
            what_to_do,
        )
    } else if today >= first_notice {
        Finding::new(
            Severity::Warning,
            FindingCode::ClientSecretExpires,
            format!("The client secret is valid until {last_day}."),
            "After that nobody can connect, and no token can be refreshed.",
            what_to_do,
        )
    } else {
        return None;
    };
    Some(finding.at("/client_secret_expires_on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_of_for_its_last_thirty_days_and_when_it_has_ended() {
        let last_day: Date = "2026-12-31".parse().unwrap();
        for (now, expected) in [
            ("2026-11-30T23:59:59Z", None),
            ("2026-12-01T00:00:00Z", Some(FindingCode::ClientSecretExpires)),
            ("2026-12-31T23:59:59Z", Some(FindingCode::ClientSecretExpires)),
            ("2027-01-01T00:00:00Z", Some(FindingCode::ClientSecretExpired)),
        ] {
            let found = expiry(Some(last_day), now.parse().unwrap());
            assert_eq!(found.map(|finding| finding.code), expected, "{now}");
        }
        assert_eq!(expiry(None, Timestamp::UNIX_EPOCH), None);
    }
}
