//! Migrations and seed data, through the ledger of the Supabase CLI: either tool can carry on where the other left off.

mod apply;
mod folder;
mod plan;
mod seed;
mod split;

pub(crate) use apply::{MigrationFailure, apply_pending};
pub(crate) use plan::LedgerError;
pub(crate) use seed::sow;
