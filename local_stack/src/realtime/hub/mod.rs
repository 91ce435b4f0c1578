//! Who listens to what. One lock a topic gives every member the same order of messages; nothing is awaited under it.

mod fanout;
mod membership;
mod presence;
mod registry;
#[cfg(test)]
mod tests;
mod topic;

pub(crate) use membership::Membership;
pub(crate) use registry::Hub;
pub(crate) use topic::Hearing;
