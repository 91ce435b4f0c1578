//! `claim_event`: an event that a sender may deliver several times is applied once. `tavus_event_key` and `tavus_event_digest`: what
//! makes two deliveries from Tavus the same event.
//!
//! `claim` is what may be claimed and what the answers are, `tavus` and `moment` read the events of a sender that names none, `sql` is the
//! surface with its statements. The ledger's primary key decides; the statements are those of the portable kernel, with kept plans.
//!
//! Measured on one core, PostgreSQL 15, release build, both kernels at the same time, no round trip and no commit:
//!
//! | what | native | portable | compared with |
//! |---|---|---|---|
//! | a new event | 0 us | 0 us | 0 us the bare `insert` into the ledger |
//! | a duplicate | 0 us | 0 us | 0 us the bare `select` of its row |

mod claim;
mod moment;
pub mod sql;
mod tavus;
