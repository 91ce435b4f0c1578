//! `rate_limit`: the same calls on two buckets, one a kernel.

use parley_tests::{Error, Refusal, Row, Session, with_both_kernels};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// What each kernel answers to the call, on its own bucket.
async fn both(
    session: &mut Session,
    bucket: &str,
    arguments: &str,
) -> Result<[Result<Vec<Row>, Refusal>; 2], Error> {
    let call =
        |kernel: &str, bucket: &str| format!("select parley_{kernel}.rate_limit({bucket}, {arguments})");
    let (portable, native) = match bucket {
        "null" | "''" => (bucket.to_owned(), bucket.to_owned()),
        bucket => (
            format!("overlay({bucket} placing 'p' from 1 for 1)"),
            format!("overlay({bucket} placing 'n' from 1 for 1)"),
        ),
    };
    Ok([
        session.outcome(&call("portable", &portable)).await?,
        session.outcome(&call("native", &native)).await?,
    ])
}

#[test]
fn bad_arguments_are_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let buckets = [
            "null",
            "''",
            "'x'",
            "repeat('x', 400)",
            "repeat('x', 401)",
            "repeat('€', 400)",
            "repeat('😀', 401)",
        ];
        let most = ["null", "0", "-1", "1", "-2147483648", "2147483647"];
        let windows = [
            "null",
            "'0'",
            "'-1 second'",
            "'1 microsecond'",
            "'1 hour'",
            "'-1 month 1 hour'",
            "'1 month'",
            "'1 month -30 days'",
            "'1 month -30 days 1 second'",
            "'1 year'",
            "'366 days'",
            "'366 days 1 microsecond'",
            "'366 days 1 second'",
            "'1000 years'",
            "'170000000 years'",
            "'-170000000 years'",
            "'2147483647 days'",
            "'0.5 seconds'",
        ];
        let mut differing = Vec::new();
        for bucket in buckets {
            for most in most {
                for window in windows {
                    session.run("truncate parley.rate_limits").await?;
                    let [portable, native] = both(session, bucket, &format!("{most}, {window}")).await?;
                    if portable != native {
                        differing.push(format!("{bucket}, {most}, {window}: {portable:?} / {native:?}"));
                    }
                }
            }
        }
        assert!(differing.is_empty(), "{differing:#?}");
        let refused = session.refusal("select parley.rate_limit('', 1, '1s')").await?;
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("22023", "The bucket must have 1 to 400 characters.")
        );
        Ok(())
    })
}

#[test]
fn bursts_pass_and_what_comes_after_is_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for (most, window) in [
            (1, "1 hour"),
            (3, "1 hour"),
            (7, "2 days"),
            (10, "1 month"),
            (2, "11 months 3 days"),
        ] {
            session.run("truncate parley.rate_limits").await?;
            for event in 0..most + 3 {
                let [portable, native] = both(session, "'xbucket'", &format!("{most}, '{window}'")).await?;
                assert_eq!(portable, native, "event {event} of {most} in {window}");
                assert_eq!(
                    portable.is_ok(),
                    event < most,
                    "event {event} of {most} in {window}"
                );
                if let Err(refusal) = portable {
                    assert_eq!(
                        (refusal.code.as_str(), refusal.detail.as_deref()),
                        ("PT429", Some("rate_limited"))
                    );
                }
            }
        }
        Ok(())
    })
}

#[test]
fn any_state_of_a_bucket_decides_and_moves_on_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(429);
        for _ in 0..300 {
            let (most, window) = (random.random_range(1..20), random.random_range(10..100_000));
            // Half a second from every full one, so that the two calls, moments apart, round to the same second.
            let ahead = f64::from(random.random_range(-window..2 * window))
                + 0.5
                + f64::from(window) / f64::from(most);
            session
                .run(&format!(
                    "truncate parley.rate_limits;
                     insert into parley.rate_limits
                     select b, to_timestamp(floor(extract(epoch from clock_timestamp()))) + {ahead} * interval '1 second'
                         - interval '1 second' * ({window}::float8 / {most}) from (values ('pb'), ('nb')) as b (b)"
                ))
                .await?;
            let [portable, native] =
                both(session, "'xb'", &format!("{most}, interval '{window} seconds'")).await?;
            let fine = |text: &str| {
                text.chars()
                    .filter(char::is_ascii_digit)
                    .collect::<String>()
                    .parse::<i64>()
                    .unwrap_or_default()
            };
            match (&portable, &native) {
                (Ok(_), Ok(_)) => {}
                (Err(one), Err(other)) => {
                    assert_eq!((&one.code, &one.detail), (&other.code, &other.detail));
                    assert!(
                        (fine(&one.message) - fine(&other.message)).abs() <= 1,
                        "{one} / {other}"
                    );
                }
                _ => assert_eq!(portable, native, "{most} in {window} s, {ahead} s ahead"),
            }
            let apart = session
                .text("select abs(extract(epoch from max(tat) - min(tat))) < 2 and count(*) = 2 from parley.rate_limits")
                .await?;
            assert_eq!(apart, "t", "{most} in {window} s, {ahead} s ahead");
        }
        Ok(())
    })
}

#[test]
fn what_a_rolled_back_caller_used_is_given_back_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for kernel in ["portable", "native"] {
            let call = format!("select parley_{kernel}.rate_limit('{kernel}', 1, '1 hour')");
            session.run(&format!("begin; {call}; rollback")).await?;
            session.run(&call).await?;
            assert_eq!(session.refusal(&call).await?.code, "PT429", "{kernel}");
        }
        Ok(())
    })
}
