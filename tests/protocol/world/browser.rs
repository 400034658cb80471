//! A browser: it keeps cookies for itself.

use std::collections::BTreeMap;

use super::{Answer, World, aws::BASE_URL, text};

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
        self.ask(world, "GET", url).await
    }

    /// What the page of a link asks for: `open`, `decline` or `disconnect`.
    pub(crate) async fn on_page(&mut self, world: &World, link: &str, what: &str) -> Answer {
        self.ask(world, "POST", &format!("{link}/{what}")).await
    }

    /// Opens a link and goes on, as its page does; answers where the provider is.
    pub(crate) async fn open_link(&mut self, world: &World, link: &str) -> String {
        self.on_page(world, link, "open").await.expect(200);
        text(&self.on_page(world, link, "continue").await.expect(200)["redirect_url"])
    }

    async fn ask(&mut self, world: &World, method: &str, url: &str) -> Answer {
        let path = url.strip_prefix(BASE_URL).unwrap_or_else(|| panic!("not an address of the product: {url}"));
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let call = world.call(method, path).header("x-own-page", "1");
        let call = if pairs.is_empty() { call } else { call.header("cookie", &pairs.join("; ")) };
        let answer = call.send().await;
        self.remember(&answer);
        answer
    }
}
