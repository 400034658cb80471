//! The way to AWS: one HTTP client for all its services, of the library that reaches providers too. What the AWS SDK would
//! bring itself is a second library with HTTP/2 in it, which no service that is used here needs: a megabyte of every
//! function.

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use reqwest::redirect;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{error::Error, sync::Arc, time::Duration};

/// The certificate authorities that AWS endpoints are signed by. Reading these few, and not the operating system's
/// hundred and fifty, makes a cold start five milliseconds shorter.
const AMAZON_ROOTS: &[u8] = include_bytes!("../certificates/amazon-roots.pem");

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authorities of AWS can't be read")]
pub struct NetworkError;

/// A client for any of AWS's services, with connections of its own: what is cloned from it shares them. How long a request
/// may take is the service's client's to say, and so is whether it is tried again.
///
/// # Errors
/// [`NetworkError`].
pub fn client() -> Result<SharedHttpClient, NetworkError> {
    let connector = SharedHttpConnector::new(Connector(open().map_err(|_| NetworkError)?));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// `no_proxy` keeps the environment from choosing where requests go.
#[expect(clippy::disallowed_methods, reason = "the addresses of AWS are the deployment's own: no caller names one")]
fn open() -> Result<reqwest::Client, Box<dyn Error>> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .build()?;
    Ok(client)
}

fn roots() -> Result<RootCertStore, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
        roots.add(root?)?;
    }
    Ok(roots)
}

fn tls() -> Result<ClientConfig, Box<dyn Error>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots()?).with_no_client_auth())
}

/// What the AWS clients take for a network.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&client, request).await })
    }
}

/// Sends a request and reads the whole answer: nothing that is asked for here is long.
async fn exchange(client: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let (parts, body) = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?.into_parts();
    let body =
        body.bytes().ok_or_else(|| ConnectorError::user("a request has to be there as a whole".into()))?.to_vec();
    let request = reqwest::Request::try_from(http::Request::from_parts(parts, body)).map_err(failed)?;
    let mut answer = client.execute(request).await.map_err(failed)?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let mut response = http::Response::new(answer.bytes().await.map_err(failed)?.into());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// What an error means for whether the request is tried again: a connection that could not be made or that broke is, and
/// so is a wait that was too long.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Listens, takes one connection and gives these answers on it, one for each request; then closes it.
    async fn answering(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(listener);
            for answer in answers {
                let mut read = [0; 4096];
                let _ = connection.read(&mut read).await.unwrap();
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        url
    }

    async fn ask(client: &reqwest::Client, url: &str) -> Result<HttpResponse, ConnectorError> {
        let request = http::Request::post(url).body("{}".into()).unwrap();
        exchange(client, HttpRequest::try_from(request).unwrap()).await
    }

    #[test]
    fn every_certificate_authority_of_amazon_is_known() {
        assert_eq!(roots().unwrap().len(), AMAZON_ROOTS.windows(10).filter(|text| text == b"-----BEGIN").count());
        assert_eq!(roots().unwrap().len(), 5);
    }

    #[test]
    fn what_is_recorded_today_is_not_to_be_read_by_a_quantum_computer() {
        let config = tls().unwrap();
        assert_eq!(config.crypto_provider().kx_groups[0].name(), rustls::NamedGroup::X25519MLKEM768);
    }

    #[tokio::test]
    async fn an_answer_arrives_as_it_is_and_its_connection_is_used_again() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let refused = "HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: r1\r\ncontent-length: 2\r\n\r\n{}";
        let url = answering(Box::leak(Box::new([moved, refused]))).await;
        let client = open().unwrap();
        assert_eq!(ask(&client, &url).await.unwrap().status().as_u16(), 302);
        let answer = ask(&client, &url).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("x-amzn-requestid")), (400, Some("r1")));
        assert_eq!(answer.body().bytes(), Some(b"{}".as_slice()));
    }

    #[tokio::test]
    async fn what_broke_on_the_way_may_be_tried_again() {
        let client = open().unwrap();
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(ask(&client, &format!("http://{nobody}/")).await.unwrap_err().is_io());
        for broken in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"] {
            let url = answering(Box::leak(Box::new([broken]))).await;
            assert!(ask(&client, &url).await.unwrap_err().is_io(), "{broken}");
        }
    }
}
