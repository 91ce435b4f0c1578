//! Rooms and members for races, and the recount at the end.

use parley_tests::{Error, Place};

/// Rooms 1 to 20 with a count, a count against a capacity, a sum and a latest value over their members.
pub(crate) async fn build(place: &mut Place) -> Result<(), Error> {
    place
        .session
        .run(
            "create table rooms (
                 id int primary key, members int not null default 0, seats int not null default 0, capacity int,
                 total bigint not null default 0, latest int);
             create table members (
                 id bigint generated always as identity primary key, room int references rooms on delete cascade on update cascade,
                 writer int, points int default 1, is_seated boolean not null default true, unique (room, id));
             create index on members (room, points); create index on members (writer);
             insert into rooms select generate_series(1, 20);
             select parley.maintain_count('members', 'room', 'rooms', 'id', 'members');
             select parley.maintain_count('members', 'room', 'rooms', 'id', 'seats', 'capacity', 'is_seated');
             select parley.maintain_sum('members', 'room', 'points', 'rooms', 'id', 'total');
             select parley.maintain_max('members', 'room', 'points', 'rooms', 'id', 'latest')",
        )
        .await
}

/// Asserts that what is stored equals a recount that is written independently of the kernel, and that the kernel says so too.
pub(crate) async fn assert_exact(place: &mut Place) -> Result<(), Error> {
    let wrong = place
        .session
        .rows(
            "select r.*, c.* from rooms as r cross join lateral (
                 select count(*) as members, count(*) filter (where is_seated) as seats, coalesce(sum(points), 0) as total,
                     max(points) as latest
                 from members as m where m.room = r.id
             ) as c where (r.members, r.seats, r.total, r.latest) is distinct from (c.members, c.seats, c.total, c.latest)",
        )
        .await?;
    assert!(wrong.is_empty(), "stored and recounted differ: {wrong:?}");
    let drift = place.drift().await?;
    assert!(drift.is_empty(), "counter_drift shows {drift:?}");
    Ok(())
}
