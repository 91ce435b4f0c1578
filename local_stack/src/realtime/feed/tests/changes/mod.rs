//! Changes of published tables.

mod filters;
mod generated;
mod overload;
mod refusals;
mod rights;
mod shapes;
mod subscriptions;
