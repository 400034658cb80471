//! Proof of possession (RFC 9449): tokens that only the holder of a key can use, and the proof that goes with each request.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::{
    Credentials,
    egress::{Egress, EgressError, LONGEST},
    nonces::{Nonces, wanted_nonce},
    signer::{Signer, SigningError},
    wire,
};
use crate::domain::{client_key::PublicKey, digest::sha256, provider::Provider};

/// Whether a request for tokens carries a proof, where the provider's data leaves that open (`when_asked`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It does not: the grant is not bound, or nothing is to come of the request.
    Without,
    /// It does once it was refused without. For a code only, which a refusal leaves unspent, or gives nobody any more.
    OnceRefused,
    /// It does: the grant is bound, or the provider is known to give no others.
    With,
}

/// The header that carries a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// One request on its way to a server, with a proof where there is a key.
pub(super) struct Proving<'a> {
    pub(super) egress: &'a Egress,
    pub(super) nonces: &'a Nonces,
    /// Whose key proves it; without one the request goes as it is.
    pub(super) signer: Option<&'a Signer>,
    /// The bound token that the request presents.
    pub(super) access_token: Option<&'a str>,
    pub(super) now: Timestamp,
    /// How long all of it may take.
    pub(super) deadline: Duration,
}

/// Binds an authorization request to the key whose tokens are wanted (section 10), so that nobody else can exchange the
/// code.
pub fn bind_code(url: &mut Url, key: &PublicKey) {
    url.query_pairs_mut().append_pair("dpop_jkt", &key.thumbprint());
}

/// Whose key proves a request to this provider, if anybody's does.
///
/// # Errors
/// [`SigningError`] if the connector has none.
pub(super) fn signer<'a>(
    provider: &Provider,
    credentials: Credentials<'a>,
    proof: Proof,
) -> Result<Option<&'a Signer>, SigningError> {
    let is_proved = provider.binds_tokens() || (provider.may_bind_tokens() && proof == Proof::With);
    if is_proved { credentials.signer.ok_or(SigningError).map(Some) } else { Ok(None) }
}

/// Whose key proves a request that this provider refused without a proof; `None` if nobody's does, or the refusal is none
/// that a missing proof would bring. RFC 9449, section 5 has `invalid_dpop_proof` and `use_dpop_nonce`; others call the code
/// or the request wrong.
pub(super) fn signer_once_refused<'a>(
    provider: &Provider,
    credentials: Credentials<'a>,
    proof: Proof,
    answer: &Response<Vec<u8>>,
) -> Option<&'a Signer> {
    const ERRORS: [&str; 4] = ["invalid_dpop_proof", "use_dpop_nonce", "invalid_grant", "invalid_request"];
    let is_refusal = matches!(answer.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    let body = if is_refusal { wire::json(answer.body()) } else { None };
    let error = body.as_ref().and_then(|value| value.get("error")).and_then(Value::as_str);
    let may_lack_proof = error.is_some_and(|error| ERRORS.contains(&error));
    credentials.signer.filter(|_| provider.may_bind_tokens() && proof == Proof::OnceRefused && may_lack_proof)
}

impl Proving<'_> {
    /// Sends the request that `make` makes. A server that wants a nonce says so before it does anything with the request
    /// (section 8), so that this one answer is nobody's: it is asked a second time, with a request made anew. To whoever
    /// called it was one request, within one deadline.
    pub(super) async fn send<E>(
        &self,
        make: impl Fn() -> Result<Request<Vec<u8>>, E> + Send + Sync,
    ) -> Result<Response<Vec<u8>>, E>
    where
        E: From<EgressError> + From<SigningError>,
    {
        let Some(signer) = self.signer else { return Ok(self.egress.send(make()?, self.deadline).await?) };
        let (began, deadline) = (Instant::now(), self.deadline.min(LONGEST));
        let request = make()?;
        let known = self.nonces.of(request.uri());
        let answer = self.prove::<E>(signer, request, known.as_deref(), deadline).await?;
        let Some(nonce) = wanted_nonce(&answer) else { return Ok(answer) };
        let left = deadline.saturating_sub(began.elapsed());
        // An answer that comes too late may be lost with the token in it: better asked another time.
        if left < deadline / 2 {
            return Ok(answer);
        }
        self.prove::<E>(signer, make()?, Some(&nonce), left).await
    }

    async fn prove<E>(
        &self,
        signer: &Signer,
        mut request: Request<Vec<u8>>,
        nonce: Option<&str>,
        deadline: Duration,
    ) -> Result<Response<Vec<u8>>, E>
    where
        E: From<EgressError> + From<SigningError>,
    {
        let uri = request.uri().clone();
        let proof = proof(signer, request.method().as_str(), &uri, self.access_token, nonce, self.now)?;
        request.headers_mut().insert(PROOF, HeaderValue::try_from(proof).map_err(|_| SigningError)?);
        let answer = self.egress.send(request, deadline).await?;
        self.nonces.learn(&uri, &answer);
        Ok(answer)
    }
}

/// The header that presents a bound token (section 7.1), never to be printed; `None` if no header can carry it.
pub(super) fn authorization(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("DPoP {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The proof for one request (section 4.2): its method, its address, the bound token that it presents and the nonce that
/// its server wants, where there are any.
///
/// # Errors
/// [`SigningError`] if the key does not sign.
pub fn proof(
    signer: &Signer,
    method: &str,
    uri: &Uri,
    access_token: Option<&str>,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<String, SigningError> {
    let target = uri.to_string();
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let mut claims = json!({"jti": signer.token_id(), "htm": method, "htu": target, "iat": now.as_second()});
    if let Some(token) = access_token {
        claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())).into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    signer.sign(json!({"typ": "dpop+jwt", "jwk": signer.public().jwk()}), &claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{
        error::TokenError,
        signer::tests::{signer, verified},
        stub::{Asked, Reply, Stub, with_headers},
    };

    const WANTS_NONCE: &str = r#"{"error":"use_dpop_nonce"}"#;

    /// Asks the stub once, or as often as it takes.
    async fn ask(stub: &Stub, signer: &Signer, nonces: &Nonces, token: Option<&str>) -> Response<Vec<u8>> {
        let egress = Egress::allowing_plain_http_to_loopback();
        let proving = Proving {
            egress: &egress,
            nonces,
            signer: Some(signer),
            access_token: token,
            now: Timestamp::UNIX_EPOCH,
            deadline: Duration::from_secs(8),
        };
        let make = || Ok::<_, TokenError>(Request::post(stub.url("/token?a=b")).body(Vec::new()).expect("a request"));
        proving.send(make).await.expect("an answer")
    }

    /// A server that answers nothing without this nonce.
    fn strict(status: u16, headers: &'static str, body: &'static str, signer: &Signer) -> Stub {
        let key = signer.public().clone();
        Stub::new(move |asked: &Asked| {
            let (_, claims) = verified(asked.header("dpop").expect("a proof"), &key);
            Reply::Raw(match claims["nonce"].as_str() {
                Some("n1") => with_headers(200, "", "{}"),
                _ => with_headers(status, headers, body),
            })
        })
    }

    #[tokio::test]
    async fn a_proof_says_for_which_request_it_is() {
        let (signer, stub) = (signer(), Stub::json(200, "{}"));
        ask(&stub, &signer, &Nonces::default(), None).await;
        let (header, claims) = verified(stub.only().header("dpop").expect("a proof"), signer.public());
        assert_eq!((header["typ"].as_str(), &header["jwk"]), (Some("dpop+jwt"), &signer.public().jwk()));
        assert_eq!((claims["htm"].as_str(), claims["htu"].as_str()), (Some("POST"), Some(stub.url("/token").as_str())));
        assert_eq!((claims.get("nonce"), claims.get("ath")), (None, None));
    }

    #[tokio::test]
    async fn the_proof_for_a_token_has_its_hash_as_in_rfc_9449_section_7_1() {
        let (signer, stub) = (signer(), Stub::json(200, "{}"));
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        ask(&stub, &signer, &Nonces::default(), Some(token)).await;
        let (_, claims) = verified(stub.only().header("dpop").expect("a proof"), signer.public());
        assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[tokio::test]
    async fn a_server_that_wants_a_nonce_is_asked_again_once_and_remembered() {
        let signer = signer();
        for (status, headers, body) in [
            (400, "dpop-nonce: n1\r\n", WANTS_NONCE),
            (401, "dpop-nonce: n1\r\nwww-authenticate: DPoP error=\"use_dpop_nonce\"\r\n", ""),
        ] {
            let (stub, nonces) = (strict(status, headers, body, &signer), Nonces::default());
            assert_eq!(ask(&stub, &signer, &nonces, None).await.status(), 200);
            assert_eq!(stub.asked().len(), 2);
            assert_eq!(ask(&stub, &signer, &nonces, None).await.status(), 200);
            assert_eq!(stub.asked().len(), 3, "the nonce is known by now");
            let proofs = stub.asked();
            let ids = proofs.iter().map(|asked| verified(asked.header("dpop").expect("a proof"), signer.public()).1);
            let ids: std::collections::BTreeSet<String> = ids.map(|claims| claims["jti"].to_string()).collect();
            assert_eq!(ids.len(), 3, "no proof is sent twice");
        }
    }

    #[tokio::test]
    async fn whatever_a_server_wants_it_is_not_asked_a_third_time() {
        let signer = signer();
        for (status, headers, body, times) in [
            (400, "dpop-nonce: other\r\n", WANTS_NONCE, 2),
            (400, "", WANTS_NONCE, 1),
            (400, "dpop-nonce: a b\r\n", WANTS_NONCE, 1),
            (400, "dpop-nonce: n1\r\n", r#"{"error":"invalid_grant"}"#, 1),
            (500, "dpop-nonce: n1\r\n", WANTS_NONCE, 1),
        ] {
            let stub = strict(status, headers, body, &signer);
            assert_eq!(ask(&stub, &signer, &Nonces::default(), None).await.status(), status);
            assert_eq!(stub.asked().len(), times, "{status} {headers} {body}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_took_most_of_the_time_is_the_last() {
        let signer = signer();
        let stub = Stub::new(|_| {
            // Two thirds of the deadline below.
            let (sender, receiver) = std::sync::mpsc::channel::<()>();
            let _ = receiver.recv_timeout(Duration::from_millis(400));
            drop(sender);
            Reply::Raw(with_headers(400, "dpop-nonce: n1\r\n", WANTS_NONCE))
        });
        let egress = Egress::allowing_plain_http_to_loopback();
        let nonces = Nonces::default();
        let proving = Proving {
            egress: &egress,
            nonces: &nonces,
            signer: Some(&signer),
            access_token: None,
            now: Timestamp::UNIX_EPOCH,
            deadline: Duration::from_millis(600),
        };
        let make = || Ok::<_, TokenError>(Request::post(stub.url("/token")).body(Vec::new()).expect("a request"));
        assert_eq!(proving.send(make).await.expect("an answer").status(), 400);
        assert_eq!(stub.asked().len(), 1);
    }
}
