//! Stand-ins for the providers that the worker talks to. They cost nothing, are the same from run to run, and misbehave on
//! request.

pub mod tavus;
