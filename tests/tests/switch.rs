//! The switch between the kernels, in a database that has the kernel's migrations and not much else: the native kernel may go and come
//! while an app works.

use parley_tests::{Error, Session, Settings, app_migrations, kernel_migrations, with_both_kernels};

/// As much of Supabase as EchoRoom's migrations name.
const CONTRACT: &str = "
    create schema auth; create schema realtime;
    create table auth.users (id uuid primary key, email text, is_anonymous boolean not null default true, raw_user_meta_data jsonb);
    create function auth.uid() returns uuid language sql stable as
        $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
    create function auth.role() returns text language sql stable as $$ select 'authenticated'::text $$;
    create function auth.jwt() returns jsonb language sql stable as $$ select '{}'::jsonb $$;
    create table realtime.messages (topic text not null, extension text not null, payload jsonb, event text, private boolean default false);
    create function realtime.topic() returns text language sql stable as $$ select current_setting('realtime.topic', true) $$;
    grant usage on schema auth, realtime to anon, authenticated, service_role";

/// A small app: a count with a capacity, a sum, a latest value, touched rows, digests and limits.
const APP: &str = "
    create schema app;
    create table app.rooms (
        id int primary key, members int, capacity int, total bigint, latest int,
        updated_at timestamptz not null default '2000-01-01');
    create table app.members (room int references app.rooms on delete cascade, points int);
    create trigger rooms_touch before update on app.rooms for each row execute function parley.touch_updated_at();
    select parley.maintain_count('app.members', 'room', 'app.rooms', 'id', 'members', 'capacity');
    select parley.maintain_sum('app.members', 'room', 'points', 'app.rooms', 'id', 'total');
    select parley.maintain_max('app.members', 'room', 'points', 'app.rooms', 'id', 'latest');
    insert into app.rooms (id, capacity) values (1, 1000)";

/// How many triggers each kernel has.
async fn triggers(session: &mut Session) -> Result<Vec<(String, String)>, Error> {
    let rows = session
        .rows(
            "select p.pronamespace::regnamespace, t.tgname from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
             where p.pronamespace::regnamespace::text ~ '^parley' order by t.tgrelid::regclass::text, t.tgname",
        )
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Some(schema), Some(name)] => Some((schema.clone(), name.clone())),
            _ => None,
        })
        .collect())
}

/// Uses everything once, with either kernel, and asserts that it works.
async fn use_app(session: &mut Session, step: usize) -> Result<(), Error> {
    session
        .run("update app.rooms set updated_at = '2000-01-01' where false")
        .await?;
    session
        .run(&format!("insert into app.members values (1, {step}), (1, 1)"))
        .await?;
    let expected = format!("{}/{}/{step}/t", 2 * step, step * (step + 1) / 2 + step);
    let row = "select concat_ws('/', members, total, latest, updated_at > '2020-01-01') from app.rooms";
    assert_eq!(session.text(row).await?, expected, "step {step}");
    session
        .run("begin; update app.rooms set capacity = members")
        .await?;
    assert_eq!(
        session
            .refusal("insert into app.members values (1, 1)")
            .await?
            .code,
        "PT409"
    );
    session.run("rollback").await?;
    let digest = session
        .text("select parley.content_digest('{\"b\": 1.0, \"a\": [\"😀\"]}')")
        .await?;
    assert_eq!(
        digest,
        session
            .text("select parley_portable.content_digest('{\"a\": [\"😀\"], \"b\": 1}')")
            .await?
    );
    session
        .run(&format!(
            "select parley.rate_limit('step {step}', 1, '1 hour'); select parley.broadcast('t', 'e', '{{}}')"
        ))
        .await?;
    assert_eq!(
        session
            .refusal(&format!("select parley.rate_limit('step {step}', 1, '1 hour')"))
            .await?
            .code,
        "PT429"
    );
    for answer in ["new", "duplicate"] {
        let claim = format!("select parley.claim_event('app', 'step {step}', repeat('a', 64))");
        assert_eq!(session.text(&claim).await?, answer);
    }
    assert!(
        session
            .rows("select * from parley.counter_drift()")
            .await?
            .is_empty()
    );
    Ok(())
}

#[test]
fn native_kernel_goes_and_comes_while_an_app_works() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(APP).await?;
        assert_eq!(session.text("select parley.use_native(true)").await?, "native");
        use_app(session, 1).await?;
        let native = triggers(session).await?;
        // Three aggregates on the child, and touch; what starts new parents is the same in both.
        assert_eq!(
            native
                .iter()
                .filter(|(schema, _)| schema == "parley_native")
                .count(),
            13,
            "{native:?}"
        );
        let refused = session.refusal("drop extension parley").await?;
        assert_eq!(refused.code, "2BP01", "while triggers need it: {refused}");

        for round in 0..2 {
            assert_eq!(session.text("select parley.use_native(false)").await?, "portable");
            let portable = triggers(session).await?;
            assert!(
                portable.iter().all(|(schema, _)| schema != "parley_native"),
                "{portable:?}"
            );
            assert_eq!(portable.len(), native.len());
            use_app(session, 2 + 4 * round).await?;
            session.run("drop extension parley").await?;
            assert_eq!(session.text("select parley.implementation()").await?, "portable");
            use_app(session, 3 + 4 * round).await?;
            // A session that has planned everything with the other kernel has nothing left of it.
            let refused = session.refusal("select parley.use_native(true)").await?;
            assert_eq!(
                (refused.code.as_str(), refused.hint.as_deref()),
                ("55000", Some("Run: create extension parley"))
            );

            session.run("create extension parley").await?;
            assert_eq!(
                session.text("select parley.implementation()").await?,
                "portable",
                "until it is asked for"
            );
            use_app(session, 4 + 4 * round).await?;
            assert_eq!(session.text("select parley.use_native(true)").await?, "native");
            assert_eq!(triggers(session).await?, native);
            use_app(session, 5 + 4 * round).await?;
        }
        Ok(())
    })
}

#[test]
fn dropped_extension_with_cascade_is_mended_by_use_native() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(APP).await?;
        session.run("select parley.use_native(true)").await?;
        use_app(session, 1).await?;
        // Somebody pulls the plug without switching first: triggers vanish, wrappers point at nothing.
        session
            .run("drop extension parley cascade; insert into app.members values (1, 2)")
            .await?;
        assert_eq!(
            session.refusal("select parley.content_digest('{}')").await?.code,
            "42883"
        );
        assert_eq!(session.text("select parley.use_native(false)").await?, "portable");
        assert_eq!(
            session.text("select parley.repair_counters()").await?,
            "3",
            "count, sum and latest value of the one room"
        );
        session.run("insert into app.members values (1, 3)").await?;
        assert_eq!(
            session
                .text("select concat_ws('/', members, total, latest) from app.rooms")
                .await?,
            "4/7/3"
        );
        assert!(
            session
                .rows("select * from parley.counter_drift()")
                .await?
                .is_empty()
        );
        Ok(())
    })
}

#[test]
fn wrappers_are_the_same_after_switching_there_and_back() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let definitions =
            "select p.oid, pg_get_functiondef(p.oid), p.proacl, obj_description(p.oid, 'pg_proc')
                           from pg_proc as p where p.pronamespace = 'parley'::regnamespace order by p.oid";
        session.run("select parley.use_native(false)").await?;
        let before = session.rows(definitions).await?;
        session.run("select parley.use_native(true)").await?;
        let native = session.rows(definitions).await?;
        assert_ne!(before, native);
        session.run("select parley.use_native(false)").await?;
        assert_eq!(before, session.rows(definitions).await?);
        // Inlined: the plan calls the kernel's function and not the wrapper.
        let plan = session.rows("explain (verbose, costs off) select parley.content_digest(x) from (values ('{}'::jsonb), ('[]')) as v (x)").await?;
        let plan = plan.into_iter().flatten().flatten().collect::<String>();
        assert!(plan.contains("parley_portable.content_digest"), "{plan}");
        Ok(())
    })
}

#[test]
fn echoroom_goes_on_when_the_native_kernel_goes() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let migrations = app_migrations("echoroom")?;
        assert!(!migrations.is_empty());
        session.run(CONTRACT).await?;
        for migration in migrations {
            session.run(&migration).await?;
        }
        session.run("insert into auth.users (id) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 8) as n").await?;
        let room = session
            .text("select id from echoroom.sessions where category = 'Calm'")
            .await?;
        let mut seats = 0;
        for (step, switch) in [
            "select parley.use_native(true)",
            "select parley.use_native(false)",
            "drop extension parley",
            "create extension parley",
            "select parley.use_native(true)",
        ]
        .into_iter()
        .enumerate()
        {
            session.run(switch).await?;
            let person = format!("00000000-0000-4000-8000-{:012}", step + 1);
            let rows = session
                .rows(&format!(
                    "begin; set local role authenticated; select set_config('request.jwt.claim.sub', '{person}', true);
                     select echoroom.join_room('{room}'); select echoroom.send_message('{room}', 'hello {step}'); commit;
                     select current_participants, updated_at > created_at from echoroom.sessions where id = '{room}'"
                ))
                .await?;
            seats += 1;
            assert_eq!(
                rows.last().and_then(|row| row.first().cloned()).flatten(),
                Some(seats.to_string()),
                "after {switch}"
            );
            assert!(
                session
                    .rows("select * from parley.counter_drift()")
                    .await?
                    .is_empty(),
                "after {switch}"
            );
        }
        // The sixth gets the last seat, the seventh none, by the same rule as always.
        for (person, is_in) in [(6, true), (7, false)] {
            let outcome = session
                .outcome(&format!(
                    "begin; set local role authenticated;
                     select set_config('request.jwt.claim.sub', '00000000-0000-4000-8000-{person:012}', true);
                     select echoroom.join_room('{room}'); commit"
                ))
                .await?;
            if let Err(refusal) = &outcome {
                session.run("rollback").await?;
                assert_eq!(
                    (refusal.code.as_str(), refusal.detail.as_deref()),
                    ("PT409", Some("room_full"))
                );
            }
            assert_eq!(outcome.is_ok(), is_in, "person {person}: {outcome:?}");
        }
        Ok(())
    })
}

/// Takes a function out of the extension, as on a server that has the files of an older release.
async fn age_extension(session: &mut Session) -> Result<(), Error> {
    let database = session.text("select current_database()").await?;
    let admin_url = Settings::find()?.admin_url;
    let (server, _) = admin_url.rsplit_once('/').unwrap_or((&admin_url, ""));
    let mut admin = Session::open(&format!("{server}/{database}")).await?;
    admin
        .run(
            "alter extension parley drop function parley_native.claim_event(text, text, text);
             drop function parley_native.claim_event(text, text, text)",
        )
        .await?;
    admin.close().await
}

#[test]
fn native_kernel_that_is_older_than_the_migrations_is_refused() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(APP).await?;
        assert_eq!(session.text("select parley.use_native(true)").await?, "native");
        assert!(
            session
                .rows("select parley.missing_in_native()")
                .await?
                .is_empty()
        );
        session.run("select parley.use_native(false)").await?;
        age_extension(session).await?;
        let refused = session.refusal("select parley.use_native(true)").await?;
        assert_eq!(
            (
                refused.code.as_str(),
                refused.message.as_str(),
                refused.detail.as_deref()
            ),
            (
                "55000",
                "The native kernel on this server is older than the migrations.",
                Some("It has no parley_native.claim_event(text,text,text).")
            )
        );
        assert_eq!(session.text("select parley.implementation()").await?, "portable");
        use_app(session, 1).await
    })
}

#[test]
fn app_goes_on_when_the_migrations_outgrow_the_native_kernel() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let migrations = kernel_migrations()?;
        let first_of_events = migrations
            .iter()
            .position(|sql| sql.contains("create table parley.processed_events"))
            .unwrap_or_default();
        let (before, after) = migrations.split_at(first_of_events);
        assert!(!before.is_empty() && !after.is_empty());
        for (is_old, runs) in [(true, "portable"), (false, "native")] {
            session
                .run(
                    "drop schema if exists app cascade; drop extension parley cascade;
                     drop schema parley, parley_portable cascade",
                )
                .await?;
            for migration in before {
                session.run(migration).await?;
            }
            session.run(APP).await?;
            assert_eq!(session.text("select parley.use_native(true)").await?, "native");
            if is_old {
                age_extension(session).await?;
            }
            for migration in after {
                session.run(migration).await?;
            }
            assert_eq!(session.text("select parley.implementation()").await?, runs);
            use_app(session, 1).await?;
        }
        Ok(())
    })
}
