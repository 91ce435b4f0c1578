//! What several tests need.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod api;
pub mod app;
pub mod database;
pub mod pdf;
pub mod pooler;
pub mod routes;
pub mod schema;
pub mod tavus;
pub mod upstream;
