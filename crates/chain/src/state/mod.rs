//! The state of the newest block in flat maps, tries of older blocks, and the view that reads either.

mod flat;
mod fork;
mod versions;
mod view;

pub(crate) use flat::{Codes, Flat};
pub use fork::StateFork;
pub(crate) use versions::Versions;
pub(crate) use view::Shared;
pub use view::StateView;
