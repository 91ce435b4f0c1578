//! `claim_event`: the same claims under two sources, one a kernel.

use std::collections::BTreeMap;

use parley_tests::{Error, Session, with_both_kernels};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const KERNELS: [&str; 2] = ["portable", "native"];

/// A claim of the kernel, under the source of its name.
fn claim(kernel: &str, key: &str, digest: &str) -> String {
    format!("select parley_{kernel}.claim_event('{kernel}', '{key}', '{digest}')")
}

/// A digest of one digit repeated.
fn digest(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// What the ledger holds of a source, without the times.
async fn ledger(session: &mut Session, source: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    session
        .rows(&format!(
            "select event_key, digest, array_to_string(conflicting_digests, ','), last_conflict_at is null
             from parley.processed_events where source = '{source}' order by event_key"
        ))
        .await
}

#[test]
fn bad_arguments_are_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let sources = [
            "null",
            "''",
            "'s'",
            "repeat('s', 64)",
            "repeat('s', 65)",
            "repeat('€', 64)",
            "repeat('😀', 65)",
        ];
        let keys = [
            "null",
            "''",
            "' '",
            "repeat('k', 400)",
            "repeat('k', 401)",
            "repeat('😀', 400)",
            "repeat('€', 401)",
        ];
        let digests = [
            "null",
            "''",
            "repeat('0123456789abcdef', 4)",
            "repeat('a', 63)",
            "repeat('a', 65)",
            "repeat('A', 64)",
            "repeat('g', 64)",
            "repeat('é', 64)",
            "repeat('é', 32)",
            "repeat('a', 63) || chr(10)",
            "chr(10) || repeat('a', 64)",
            "repeat('a', 64) || chr(10)",
            "repeat('a', 64) || chr(10) || repeat('b', 64)",
            "'\\x' || repeat('a', 62)",
        ];
        let mut differing = Vec::new();
        let mut refused = 0;
        for source in sources {
            for key in keys {
                for digest in digests {
                    let mut answers = Vec::new();
                    for kernel in KERNELS {
                        session
                            .run("delete from parley.processed_events where true")
                            .await?;
                        let claim = format!("select parley_{kernel}.claim_event({source}, {key}, {digest})");
                        answers.push(session.outcome(&claim).await?);
                    }
                    refused += usize::from(answers[0].is_err());
                    if answers[0] != answers[1] {
                        differing.push(format!("{source}, {key}, {digest}: {answers:?}"));
                    }
                }
            }
        }
        assert!(differing.is_empty(), "{differing:#?}");
        assert_eq!(
            refused,
            7 * 7 * 14 - 3 * 3,
            "three sources, three keys and one digest are good"
        );
        Ok(())
    })
}

#[test]
fn generated_histories_are_answered_alike_and_as_a_simple_ledger_would() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(409);
        for _ in 0..12 {
            session.run("truncate parley.processed_events; begin").await?;
            // Key to its first digest and the others, as it should be, and as it was at the savepoint.
            let mut expected: BTreeMap<String, Vec<char>> = BTreeMap::new();
            let mut saved = None;
            for _ in 0..150 {
                match random.random_range(0..20) {
                    0 => {
                        session.run("savepoint here").await?;
                        saved = Some(expected.clone());
                    }
                    1 => {
                        if let Some(saved) = saved.take() {
                            session.run("rollback to here; release here").await?;
                            expected = saved;
                        }
                    }
                    _ => {
                        let key = format!("ключ {}", random.random_range(0..6));
                        let digit = random.random_range('0'..='9');
                        let seen = expected.entry(key.clone()).or_default();
                        let word = match seen.first() {
                            None => "new",
                            Some(first) if *first == digit => "duplicate",
                            Some(_) => "conflicting",
                        };
                        if !seen.contains(&digit) && seen.len() < 9 {
                            seen.push(digit);
                        }
                        for kernel in KERNELS {
                            let answer = session.text(&claim(kernel, &key, &digest(digit))).await?;
                            assert_eq!(answer, word, "{kernel}, {key}, {digit}");
                        }
                    }
                }
            }
            let portable = ledger(session, "portable").await?;
            assert_eq!(portable, ledger(session, "native").await?);
            let expected: Vec<Vec<Option<String>>> = expected
                .into_iter()
                .map(|(key, seen)| {
                    let (first, others) = seen.split_first().expect("a key was seen once at least");
                    let others: Vec<String> = others.iter().copied().map(digest).collect();
                    let is_clean = if others.is_empty() { "t" } else { "f" };
                    vec![
                        Some(key),
                        Some(digest(*first)),
                        Some(others.join(",")),
                        Some(is_clean.to_owned()),
                    ]
                })
                .collect();
            assert_eq!(portable, expected);
            session.run("commit").await?;
        }
        Ok(())
    })
}

#[test]
fn event_claimed_through_one_kernel_is_a_duplicate_for_the_other() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for (first, second) in [("portable", "native"), ("native", "portable")] {
            for (digit, word) in [('a', "duplicate"), ('b', "conflicting")] {
                session.run("truncate parley.processed_events").await?;
                let claim = |kernel: &str, digit| {
                    claim(kernel, "k", &digest(digit)).replace(&format!("'{kernel}'"), "'s'")
                };
                assert_eq!(session.text(&claim(first, 'a')).await?, "new");
                assert_eq!(session.text(&claim(second, digit)).await?, word);
                session
                    .run(&format!("select parley.use_native({})", second == "native"))
                    .await?;
                let api = format!("select parley.claim_event('s', 'k', '{}')", digest(digit));
                assert_eq!(session.text(&api).await?, word);
            }
        }
        Ok(())
    })
}

#[test]
fn duplicate_writes_nothing_in_either_kernel() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for kernel in KERNELS {
            let claim = |digit| claim(kernel, "k", &digest(digit));
            session.run(&claim('a')).await?;
            session.run(&claim('b')).await?;
            session.run("begin").await?;
            assert_eq!(session.text(&claim('a')).await?, "duplicate");
            assert_eq!(
                session.text(&claim('b')).await?,
                "conflicting",
                "and recorded before"
            );
            assert_eq!(
                session.value("select pg_current_xact_id_if_assigned()").await?,
                None,
                "{kernel}"
            );
            session.run("commit").await?;
        }
        Ok(())
    })
}

#[test]
fn row_is_found_by_its_key_however_small_the_ledger_was() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let scans = "select seq_scan, idx_scan from pg_stat_user_tables where relid = 'parley.processed_events'::regclass";
        session.run(&claim("portable", "k", &digest('a'))).await?;
        // Of one page: to read it costs less than to look it up, so a plan would, and a session keeps its plans.
        session.run("vacuum analyze parley.processed_events").await?;
        for kernel in KERNELS {
            session.run("select pg_stat_force_next_flush()").await?;
            let before = session.rows(scans).await?;
            for digit in "aabca".repeat(4).chars() {
                session.run(&claim(kernel, "k", &digest(digit))).await?;
            }
            session.run("select pg_stat_force_next_flush()").await?;
            let after = session.rows(scans).await?;
            assert_eq!(before[0][0], after[0][0], "{kernel} reads everything");
            assert_ne!(before[0][1], after[0][1]);
        }
        assert_eq!(session.text("show enable_seqscan").await?, "on");
        Ok(())
    })
}

#[test]
fn no_setting_collation_or_trigger_makes_the_kernels_differ() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session
            .run(
                "create schema other;
                 create function other.same(text, text) returns boolean language sql as 'select false';
                 create operator other.= (leftarg = text, rightarg = text, function = other.same);
                 create collation other.blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
            )
            .await?;
        for kernel in KERNELS {
            session.run("set search_path = other, pg_catalog").await?;
            let collated = |key: &str| {
                format!(
                    "select parley_{kernel}.claim_event('{kernel}' collate other.blind, '{key}' collate other.blind, repeat('a', 64) collate other.blind)"
                )
            };
            for (key, word) in [
                ("resume", "new"),
                ("Résumé", "new"),
                ("resume", "duplicate"),
                ("Résumé", "duplicate"),
            ] {
                assert_eq!(session.text(&collated(key)).await?, word, "{kernel}, {key}");
            }
            assert_eq!(
                session.text(&claim(kernel, "resume", &digest('b'))).await?,
                "conflicting"
            );
            assert_eq!(session.text("select concat_ws('; ', current_setting('search_path'), current_setting('enable_seqscan'))").await?, "other, pg_catalog; on");
            session.run("reset search_path").await?;
        }

        session
            .run(
                "create function other.vanish() returns trigger language plpgsql as 'begin return null; end';
                 create trigger vanish before insert on parley.processed_events for each row execute function other.vanish()",
            )
            .await?;
        let [portable, native] = [
            session.refusal(&claim("portable", "gone", &digest('a'))).await?,
            session.refusal(&claim("native", "gone", &digest('a'))).await?,
        ];
        assert_eq!(portable, native);
        assert_eq!(portable.code, "40001");
        Ok(())
    })
}

#[test]
fn caller_without_rights_is_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session
            .run(
                "insert into parley.processed_events (source, event_key, digest)
                 select s, 'there', repeat('a', 64) from unnest(array['portable', 'native']) as s",
            )
            .await?;
        for (lack, key, digit) in [
            ("revoke insert on parley.processed_events from postgres", "k", 'a'),
            (
                "revoke update on parley.processed_events from postgres",
                "there",
                'b',
            ),
        ] {
            session.run(&format!("begin; {lack}")).await?;
            let mut refusals = Vec::new();
            for kernel in KERNELS {
                session.run("savepoint s").await?;
                refusals.push(session.refusal(&claim(kernel, key, &digest(digit))).await?);
                session.run("rollback to s").await?;
            }
            session.run("rollback").await?;
            assert_eq!(refusals[0], refusals[1], "{lack}");
            assert_eq!(refusals[0].code, "42501", "{lack}");
        }
        Ok(())
    })
}
