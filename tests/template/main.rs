//! `template.yaml` against the code it deploys: what a linter cannot know, because it has read only one of the two.

mod document;
mod events;
mod permissions;
mod runtime;
mod tables;
mod times;
