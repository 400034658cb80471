//! Authorization requests that come directly, and the reference to them that the browser brings (RFC 9126).

use serde_json::json;
use url::Url;

use super::{
    play::Play,
    request::{Came, Demand, Wanted, compared},
};
use crate::{facts::filled, world::Reply};

impl Play {
    /// Takes a pushed request from a client that proves itself; `None` if this is none.
    pub(super) fn take_pushed(&mut self, came: &Came) -> Option<Reply> {
        let endpoint = filled(self.facts().text("/authorize/par_url")?, &self.values());
        let mut demand = Demand::new("POST", &endpoint);
        if !demand.is_for(came) {
            return None;
        }
        self.with_client(&mut demand, self.facts().table("/token"), self.client_auth());
        match self.pushed_request(&demand, came) {
            Err(reason) => Some(self.refuse(&format!("the pushed request {reason}"))),
            Ok(request) => {
                let reference = format!("urn:player:{}", Self::fresh("request"));
                self.pushed = Some((reference.clone(), request));
                let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                let body = json!({"request_uri": reference, "expires_in": 60}).to_string();
                Some(Reply::Answer { status: 201, headers, body })
            }
        }
    }

    /// The address that a browser would have been sent to with the same request.
    fn pushed_request(&self, demand: &Demand, came: &Came) -> Result<String, String> {
        demand.heads(came)?;
        let (mut parameters, _) = came.sent()?;
        for (name, wanted) in &demand.parameters {
            let is_right = |(known, value): &(String, String)| {
                known == name && (matches!(wanted, Wanted::Is(right) if right == value) || *wanted == Wanted::Maybe)
            };
            if *wanted != Wanted::Maybe && !parameters.iter().any(is_right) {
                return Err(format!("lacks the right {name}"));
            }
        }
        parameters.retain(|(name, _)| name != "client_secret");
        let authorize = self.facts().table("/authorize");
        let mut address = self.authorization_endpoint()?;
        address.query_pairs_mut().extend_pairs(parameters);
        address.set_fragment(authorize.text("/fragment"));
        Ok(address.into())
    }

    /// The request that a browser stands for: its own, or the one that it has the reference to.
    pub(super) fn meant(&mut self, request: &str) -> Result<String, String> {
        if !self.facts().has("/authorize/par_url") {
            return Ok(request.to_owned());
        }
        let (reference, pushed) = self.pushed.take().ok_or("comes although nothing was pushed")?;
        let came = Url::parse(request).map_err(|error| error.to_string())?;
        let client = self.named(self.facts().table("/authorize"), "client_id");
        let wanted = [(client, self.client.id.clone()), ("request_uri".to_owned(), reference)];
        let own = self.authorization_endpoint()?.query_pairs().into_owned().collect::<Vec<_>>();
        let wanted = own.into_iter().chain(wanted).map(|(name, value)| (name, Wanted::Is(value))).collect();
        compared("the query", &came.query_pairs().into_owned().collect::<Vec<_>>(), &wanted)?;
        Ok(pushed)
    }

    fn authorization_endpoint(&self) -> Result<Url, String> {
        let endpoint = filled(self.facts().text("/authorize/url").unwrap_or_default(), &self.values());
        Url::parse(&endpoint).map_err(|error| error.to_string())
    }
}
