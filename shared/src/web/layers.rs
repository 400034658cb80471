//! What every request passes on its way in and every answer on its way out.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

use super::{Origins, cors, problem::Problem};
use crate::{clock::Clock, domain::audit::Origin, journeys::audit::caused_from, random::Random};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long the address of a request may be, in bytes.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// How large all headers together may be, in bytes: two user tokens of the longest kind fit, with room for cookies.
const LARGEST_HEADERS: usize = 32 * 1024;

/// What stands for `HEAD`, because no address takes it: the router would run the handler of `GET`, and a mail scanner that
/// looks at a connect link would use it up.
const NOBODYS: Method = Method::TRACE;

#[derive(Debug, Clone)]
struct Dressing {
    origins: Origins,
    clock: Clock,
    random: Random,
}

/// Gives a function's routes what all have in common: an id for each request, refusals in one form, headers that keep
/// answers out of caches and pages out of frames, and calls from registered origins.
pub fn dress(routes: Router, origins: Origins, clock: Clock, random: Random) -> Router {
    let routes = routes.fallback(async || Problem::not_found()).method_not_allowed_fallback(async || {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This address has no such method.")
    });
    // Around the router, not around each route: what a route tells of its methods passes here, too.
    Router::new().fallback_service(routes).layer(from_fn_with_state(Dressing { origins, clock, random }, pass))
}

async fn pass(State(dressing): State<Dressing>, mut request: Request, next: Next) -> Response {
    let request_id = dressing.random.ulid(dressing.clock.now());
    let (path, origin) = (request.uri().path().to_owned(), request.headers().get(header::ORIGIN).cloned());
    let allowed = allowed_origin(&dressing.origins, &path, origin).await;
    let response = if let Some(problem) = oversized(&request) {
        problem.answer(&request_id)
    } else if cors::is_preflight(&request) {
        cors::preflight(allowed.as_ref())
    } else {
        if request.method() == Method::HEAD {
            *request.method_mut() = NOBODYS;
        }
        run(request, next, &request_id).await
    };
    finish(response, &request_id, allowed)
}

fn oversized(request: &Request) -> Option<Problem> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if address > LONGEST_ADDRESS {
        Some(Problem::new(StatusCode::URI_TOO_LONG, "invalid_request", "The address is longer than 8 KiB."))
    } else if headers > LARGEST_HEADERS {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Some(Problem::new(status, "invalid_request", "The headers are larger than 32 KiB."))
    } else {
        None
    }
}

/// Runs the handler. A panic answers this request with an error, and the instance lives on for the next.
async fn run(request: Request, next: Next, request_id: &str) -> Response {
    let span = tracing::info_span!("request", request.id = request_id);
    let origin = request.extensions().get::<Origin>().cloned();
    let answer = caused_from(origin, AssertUnwindSafe(next.run(request)).catch_unwind());
    let answer = tracing::Instrument::instrument(answer, span).await;
    match answer {
        Ok(mut response) => match response.extensions_mut().remove::<Problem>() {
            Some(problem) => {
                let methods = response.headers_mut().remove(header::ALLOW);
                let mut told = problem.answer(request_id);
                told.headers_mut().extend(methods.map(|methods| (header::ALLOW, methods)));
                told
            }
            None if is_the_routers_own(&response) => {
                let detail = "The address has something that can't be read.";
                Problem::new(response.status(), "invalid_request", detail).answer(request_id)
            }
            None => response,
        },
        Err(_) => Problem::internal(&Panicked).answer(request_id),
    }
}

/// Whether the router refused by itself, in plain text: nothing of ours answers in plain text.
fn is_the_routers_own(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    response.status().is_client_error() && kind.is_some_and(|kind| kind.starts_with("text/plain"))
}

#[derive(Debug, thiserror::Error)]
#[error("a request handler panicked")]
struct Panicked;

async fn allowed_origin(origins: &Origins, path: &str, origin: Option<HeaderValue>) -> Option<HeaderValue> {
    let origin = origin?;
    let allowed = origins.allow(path, origin.to_str().ok()?).await;
    allowed.then_some(origin)
}

fn finish(mut response: Response, request_id: &str, allowed: Option<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    cors::mark(headers, allowed);
    if let Some(taken) = headers.get(header::ALLOW).and_then(without_head) {
        headers.insert(header::ALLOW, taken);
    }
    put_if_absent(headers, header::CACHE_CONTROL, "no-store");
    put_if_absent(headers, header::REFERRER_POLICY, "no-referrer");
    put_if_absent(headers, header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    response
}

/// The methods of an address, without the one that the router believes to come with `GET`.
fn without_head(methods: &HeaderValue) -> Option<HeaderValue> {
    let taken: Vec<&str> = methods.to_str().ok()?.split(',').filter(|method| *method != "HEAD").collect();
    HeaderValue::try_from(taken.join(", ")).ok()
}

fn put_if_absent(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
