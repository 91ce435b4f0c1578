//! The recount, written independently of the kernel.

use parley_tests::{Error, Place};

/// The rooms whose stored values differ from a recount that is written independently of the kernel.
pub(crate) async fn wrong_rooms(place: &mut Place) -> Result<Vec<parley_tests::Row>, Error> {
    place
        .session
        .rows(
            "select r.id, r.members, r.active, r.seats, r.total, r.latest, c.*
             from rooms as r
             cross join lateral (
                 select count(*) as members, count(*) filter (where is_active and points is distinct from -1) as active,
                     coalesce(sum(points) filter (where is_active), 0) as total, max(at) as latest
                 from members as m where m.room = r.id
             ) as c
             where (r.members, r.active, r.seats, r.total, r.latest)
                 is distinct from (c.members, c.active, c.members, c.total, c.latest)",
        )
        .await
}

/// Asserts that stored values, the recount and `counter_drift` agree.
pub(crate) async fn assert_agrees(place: &mut Place, after: &str) -> Result<(), Error> {
    let wrong = wrong_rooms(place).await?;
    assert!(
        wrong.is_empty(),
        "after {after}: stored and recounted differ: {wrong:?}"
    );
    let drift = place.drift().await?;
    assert!(drift.is_empty(), "after {after}: counter_drift shows {drift:?}");
    Ok(())
}
