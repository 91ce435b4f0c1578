//! `nearest`: both kernels on the same rows and the same queries, good and bad, with shelves and without.

use parley_tests::{Error, Session, with_both_kernels};

/// Clustered, with a thousand rows that are the same and tenants of very different sizes; dimensions that fill no whole register.
const TABLE: &str = "
    set search_path = public, extensions;
    create table pieces (id uuid primary key, tenant uuid not null, is_gone boolean not null default false, v vector(107));
    select setseed(0.125);
    create table directions as
        select n, array_agg((random() - 0.5)::real order by d)::vector as v
        from generate_series(1, 300) as n, generate_series(1, 107) as d group by n;
    insert into pieces
    select md5(t || ' ' || i)::uuid, md5('tenant' || t)::uuid, i % 17 = 0, case when i % 29 <> 0 then a.v + b.v end
    from (values (1, 3), (2, 40), (3, 700), (4, 2300)) as tenants (t, rows)
    cross join lateral generate_series(1, rows) as i
    join directions as a on a.n = 1 + (i * 7 + t) % 20
    join directions as b on b.n = 21 + (i * 11 + t * 13) % 279;
    insert into pieces
    select md5('same ' || i)::uuid, md5('tenant5')::uuid, false, d.v from directions as d, generate_series(1, 1000) as i where d.n = 1;
    select parley.maintain_nearest('pieces', 'tenant', 'id', 'v', 'not is_gone')";

/// With so many rows to a tenant that has no shelves, and signs that are doubted so much.
async fn differing(session: &mut Session, crossover: i32, doubt: f64) -> Result<(String, String), Error> {
    session
        .run(&format!(
            "create or replace function parley.nearest_crossover() returns integer language sql immutable parallel safe return {crossover};
            create or replace function parley.nearest_doubt() returns double precision language sql immutable parallel safe return {doubt}::double precision;
            discard plans"
        ))
        .await?;
    while session.text("select parley.shelve_nearest(1000)").await? != "0" {}
    let call = |kernel: &str| {
        format!(
            "parley_{kernel}.nearest('pieces', md5('tenant' || s.t)::uuid, s.query, s.k, s.above, s.among, s.always)"
        )
    };
    let searches = "
        select t, (d.v + e.v)::real[] as query, k, above, always,
            case when t * k % 3 = 1 then array(select p.id from pieces as p where p.tenant = md5('tenant' || t)::uuid order by p.id limit 20 * k) end as among
        from generate_series(0, 6) as t
        cross join (values (1), (5), (60)) as ks (k)
        cross join (values (null), (0.2::double precision), (0.9)) as thresholds (above)
        cross join (values (null), (true)) as always (always)
        join directions as d on d.n = 1 + (t * 5 + k) % 20
        join directions as e on e.n = 30 + (t + k) % 200";
    let count = session
        .text(&format!(
            "select count(*) from ({searches}) as s where {} is distinct from {}",
            call("portable"),
            call("native")
        ))
        .await?;
    let found = session
        .text(&format!(
            "select sum(jsonb_array_length({} -> 'rows')) from ({searches}) as s",
            call("native")
        ))
        .await?;
    Ok((count, found))
}

#[test]
fn the_same_rows_with_the_same_distances() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(TABLE).await?;
        let mut all_found = Vec::new();
        for (crossover, doubt) in [(5000, 5.5), (2000, 5.5), (100, 5.5), (100, 1.0), (0, 0.0)] {
            let (count, found) = differing(session, crossover, doubt).await?;
            assert_eq!(count, "0", "crossover {crossover}, doubt {doubt}");
            all_found.push(found);
        }
        let approximate = session
            .text("select count(*) from (select parley_native.nearest('pieces', md5('tenant4')::uuid, v::real[], 5) as found from directions) as f where found -> 'is_exact' = 'false'")
            .await?;
        assert_ne!(approximate, "0");
        assert!(
            all_found
                .iter()
                .all(|found| found.parse::<i64>().is_ok_and(|found| found > 500)),
            "{all_found:?}"
        );
        Ok(())
    })
}

#[test]
fn bad_arguments_are_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(TABLE).await?;
        let queries = [
            "null",
            "'{}'",
            "array[1]::real[]",
            "array_fill(1::real, array[107])",
            "array_fill(1::real, array[1, 107])",
            "array_fill(1::real, array[106, 2])",
            "array_fill(null::real, array[107])",
            "array_fill('NaN'::real, array[107])",
            "array_fill('inf'::real, array[107])",
            "array_fill(0::real, array[107])",
            "array_fill(1e-38::real, array[107])",
            "array_fill(3e38::real, array[107])",
            "array_fill(1::real, array[107], array[-5])",
        ];
        let mut different = Vec::new();
        let mut refused = 0;
        for source in ["'pieces'", "'directions'", "null"] {
            for query in queries {
                for rest in [
                    "null",
                    "0",
                    "-1",
                    "1",
                    "1000",
                    "1001",
                    "5, 'NaN'",
                    "5, null, '{}'",
                    "5, null, array[null]::uuid[]",
                    "5, null, null, null",
                ] {
                    let call = |kernel: &str| {
                        format!(
                            "select parley_{kernel}.nearest({source}, md5('tenant2')::uuid, {query}, {rest})"
                        )
                    };
                    let portable = session.outcome(&call("portable")).await?;
                    let native = session.outcome(&call("native")).await?;
                    refused += u32::from(portable.is_err());
                    if portable != native {
                        different.push(format!("{source}, {query}, {rest}: {portable:?} / {native:?}"));
                    }
                }
            }
        }
        assert!(different.is_empty(), "{different:#?}");
        assert!(refused > 100);
        Ok(())
    })
}

#[test]
fn a_search_sees_what_its_transaction_has_done() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session.run(TABLE).await?;
        let best = "select (parley_native.nearest('pieces', md5('tenant2')::uuid, (select v::real[] from directions where n = 300), 1) #>> '{rows,0,id}')";
        let before = session.text(best).await?;
        session
            .run("begin; insert into pieces select gen_random_uuid(), md5('tenant2')::uuid, false, v from directions where n = 300")
            .await?;
        assert_ne!(session.text(best).await?, before);
        session.run("rollback").await?;
        assert_eq!(session.text(best).await?, before);
        Ok(())
    })
}
