//! Who attacks, and what must not be reached.

mod deployed;
mod evil;
mod sink;

pub(crate) use deployed::{Deployed, ROUTES, example_of};
pub(crate) use evil::{Evil, Script, come_back};
pub(crate) use sink::Sink;
