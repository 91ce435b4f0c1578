//! Changes of published tables.

mod filters;
mod overload;
mod refusals;
mod rights;
mod shapes;
mod subscriptions;
