//! A stand-in for Supabase Realtime.

mod caller;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the sockets that use it come next")
)]
mod feed;
