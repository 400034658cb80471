//! An app's agent has nothing to read or to begin with but its tools: what is connected changes, and is the user's.

use connectors::{auth::AppUser, web::Problem};
use rmcp::model::{Prompt, ResourceTemplate};
use serde_json::{Map, Value};

use super::Agent;
use crate::library::{Library, Of, Opening, Page};

impl Library for Agent {
    const IS_THERE: bool = false;

    async fn resources(&self, _: &AppUser, _: Option<&str>) -> Result<Page, Problem> {
        Ok(Page { resources: Vec::new(), next: None })
    }

    fn templates() -> Vec<ResourceTemplate> {
        Vec::new()
    }

    async fn read(&self, _: &AppUser, _: &str) -> Result<Option<Value>, Problem> {
        Ok(None)
    }

    fn prompts() -> Vec<Prompt> {
        Vec::new()
    }

    async fn open(&self, _: &AppUser, _: &str, _: &Map<String, Value>) -> Result<Option<Opening>, Problem> {
        Ok(None)
    }

    async fn complete(&self, _: &AppUser, _: Of<'_>, _: &str, _: &str) -> Result<Option<Vec<String>>, Problem> {
        Ok(None)
    }
}
