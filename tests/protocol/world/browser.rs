//! A browser: it keeps cookies for itself.

use std::collections::BTreeMap;

use super::{Answer, World, aws::BASE_URL};

/// A browser with a cookie jar of its own.
#[derive(Debug, Default, Clone)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Takes the cookies of an answer to the app's page in this browser.
    pub(crate) fn remember(&mut self, answer: &Answer) {
        for (name, value) in answer.cookies() {
            if value.is_empty() {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, value);
            }
        }
    }

    /// Goes to an address of the product.
    pub(crate) async fn open(&mut self, world: &World, url: &str) -> Answer {
        let path = url.strip_prefix(BASE_URL).unwrap_or_else(|| panic!("not an address of the product: {url}"));
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let call = world.call("GET", path);
        let call = if pairs.is_empty() { call } else { call.header("cookie", &pairs.join("; ")) };
        let answer = call.send().await;
        self.remember(&answer);
        answer
    }
}
