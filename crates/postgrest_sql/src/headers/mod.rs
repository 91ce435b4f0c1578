//! What headers say: preferences, ranges, media types.

mod media;
mod preferences;
mod range;

pub(crate) use media::{MediaType, PlanType, accepts_description, negotiate};
pub(crate) use preferences::{Count, Preferences, Representation, Resolution};
pub(crate) use range::{Range, content_range};
