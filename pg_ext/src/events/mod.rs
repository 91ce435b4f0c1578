//! `claim_event`: an event that a sender may deliver several times is applied once. `tavus_event_key` and `tavus_event_digest`: what
//! makes two deliveries from Tavus the same event.
//!
//! `claim` is what may be claimed and what the answers are, `tavus` and `moment` read the events of a sender that names none, `sql` is the
//! surface with its statements. The ledger's primary key decides; the statements are those of the portable kernel, with kept plans.
//!
//! Processor time of one call, PostgreSQL 15, release build, both kernels taking turns in one session, medians of 21 rounds; no round trip
//! and no commit:
//!
//! | what | native | portable | compared with |
//! |---|---|---|---|
//! | `claim_event`, a new event | 18 us | 27 us | 9 us the bare `insert` of its row |
//! | `claim_event`, a duplicate | 6 us | 14 us | 4 us the bare `select` of its row |
//! | `claim_event`, a conflict that is recorded already | 11 us | 19 us | |
//! | key and digest, shutdown of 0.3 kB | 2.4 us | 94 us | 10 us in SQL with the native digest |
//! | key and digest, recording of 0.3 kB | 3.3 us | 225 us | 24 us in SQL with the native digest |
//! | key and digest, transcript of 72 kB | 147 us | 9.8 ms | 1.3 ms in SQL with the native digest |

mod claim;
mod moment;
pub mod sql;
mod tavus;
