//! `canonical_json` and `content_digest`.

use parley_tests::{Error, Session, with_both_kernels};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json_canonicalizer::to_string;

use crate::json::{Json, literal};
use crate::numbers;

/// Rows of literals as a `values` list with one column for each element.
fn values(rows: &[Vec<String>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "({})",
                row.iter()
                    .map(|text| literal(text))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
        .collect();
    format!("(values {})", rows.join(",\n"))
}

/// Asserts that both kernels say the same of each value, and that the wrapper says what they say.
async fn assert_same(session: &mut Session, texts: &[String]) -> Result<(), Error> {
    let rows: Vec<Vec<String>> = texts.iter().map(|text| vec![text.clone()]).collect();
    let differing = session
        .rows(&format!(
            "select v.json, parley_portable.canonical_json(v.json::jsonb), parley_native.canonical_json(v.json::jsonb)
             from {} as v (json)
             where parley_portable.canonical_json(v.json::jsonb) is distinct from parley_native.canonical_json(v.json::jsonb)
                 or parley_portable.content_digest(v.json::jsonb) is distinct from parley_native.content_digest(v.json::jsonb)
                 or parley.content_digest(v.json::jsonb) is distinct from parley_portable.content_digest(v.json::jsonb)
                 or parley.content_digest(v.json::jsonb) is distinct from
                     encode(sha256(convert_to(parley_portable.canonical_json(v.json::jsonb), 'UTF8')), 'hex')
             limit 3",
            values(&rows)
        ))
        .await?;
    assert!(differing.is_empty(), "{differing:#?}");
    Ok(())
}

#[test]
fn generated_values_have_one_canonical_form_in_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(8785);
        for _ in 0..12 {
            let texts: Vec<String> = (0..200)
                .map(|_| Json::generate(&mut random, 5, numbers::any).write())
                .collect();
            assert_same(session, &texts).await?;
        }
        Ok(())
    })
}

#[test]
fn numbers_of_every_shape_have_one_canonical_form_in_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(754);
        let corners: Vec<String> = numbers::CORNERS.iter().map(|text| (*text).to_owned()).collect();
        let negative: Vec<String> = corners
            .iter()
            .filter(|text| !text.starts_with('-'))
            .map(|text| format!("-{text}"))
            .collect();
        assert_same(session, &corners).await?;
        assert_same(session, &negative).await?;
        for _ in 0..8 {
            let texts: Vec<String> = (0..1000).map(|_| numbers::any(&mut random)).collect();
            assert_same(session, &texts).await?;
        }
        Ok(())
    })
}

#[test]
fn values_whose_numbers_are_doubles_have_the_canonical_form_of_another_implementation() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(6);
        for _ in 0..10 {
            let rows: Vec<Vec<String>> = (0..200)
                .map(|_| Json::generate(&mut random, 4, numbers::double))
                .map(|json| vec![json.write(), to_string(&json.value()).unwrap()])
                .collect();
            let differing = session
                .rows(&format!(
                    "select v.json, v.expected, parley_portable.canonical_json(v.json::jsonb), parley_native.canonical_json(v.json::jsonb)
                     from {} as v (json, expected)
                     where parley_portable.canonical_json(v.json::jsonb) <> v.expected
                         or parley_native.canonical_json(v.json::jsonb) <> v.expected limit 3",
                    values(&rows)
                ))
                .await?;
            assert!(differing.is_empty(), "{differing:#?}");
        }
        Ok(())
    })
}

#[test]
fn equal_values_have_one_digest_however_they_are_spelled() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(99);
        for _ in 0..8 {
            let rows: Vec<Vec<String>> = (0..150)
                .map(|_| {
                    let json = Json::generate(&mut random, 4, numbers::any);
                    vec![json.write(), json.respell(&mut random)]
                })
                .collect();
            let differing = session
                .rows(&format!(
                    "select v.one, v.other, v.one::jsonb = v.other::jsonb
                     from {} as v (one, other)
                     where v.one::jsonb <> v.other::jsonb
                         or parley_portable.content_digest(v.one::jsonb) <> parley_portable.content_digest(v.other::jsonb)
                         or parley_native.content_digest(v.one::jsonb) <> parley_native.content_digest(v.other::jsonb) limit 3",
                    values(&rows)
                ))
                .await?;
            assert!(differing.is_empty(), "{differing:#?}");
        }
        Ok(())
    })
}

#[test]
fn different_ids_have_different_digests() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let ids = "select n::text::jsonb as id from (
                select base + step * sign as n
                from (values (0), (9007199254740992), (1152921504606846976), (9223372036854775807),
                    (123456789012345678901234567890), (1e21::numeric), (1e25::numeric), (1e308::numeric), (1e310::numeric)) as b (base)
                cross join generate_series(0::numeric, 200) as step
                cross join (values (1), (-1)) as s (sign)
            ) as numbers group by n";
        for kernel in ["parley_portable", "parley_native"] {
            let counts = session
                .rows(&format!(
                    "select count(*), count(distinct {kernel}.content_digest(id)) from ({ids}) as ids"
                ))
                .await?;
            assert_eq!(counts[0][0], counts[0][1], "{kernel}");
            assert_ne!(counts[0][0].as_deref(), Some("0"));
        }
        Ok(())
    })
}

#[test]
fn nesting_ends_at_256_levels_with_the_same_error() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let nested = |levels: usize, open: &str, close: &str| {
            format!("'{}1{}'::jsonb", open.repeat(levels), close.repeat(levels))
        };
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"b\":[", "]}]")] {
            let step = open.matches(['[', '{']).count();
            for levels in [1, 100, 255, 256, 257, 300, 1000] {
                if levels % step != 0 && levels != 257 {
                    continue;
                }
                let json = nested(levels.div_ceil(step), open, close);
                for function in ["canonical_json", "content_digest"] {
                    let portable = session
                        .outcome(&format!("select parley_portable.{function}({json})"))
                        .await?;
                    let native = session
                        .outcome(&format!("select parley_native.{function}({json})"))
                        .await?;
                    assert_eq!(portable, native, "{function} of {levels} levels of {open}");
                    let depth = levels.div_ceil(step) * step;
                    assert_eq!(
                        portable.is_ok(),
                        depth <= 256,
                        "{function} of {levels} levels of {open}: {portable:?}"
                    );
                    if let Err(refusal) = portable {
                        assert_eq!(
                            (refusal.code.as_str(), refusal.message.as_str()),
                            ("54000", "JSON is nested deeper than 256 levels.")
                        );
                    }
                }
            }
        }
        Ok(())
    })
}

#[test]
fn big_values_have_one_digest_in_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for json in [
            "(select jsonb_object_agg('key ' || n, n * 1.5) from generate_series(1, 20000) as n)",
            "(select jsonb_agg(repeat(chr(160 + n % 9000), 50)) from generate_series(1, 5000) as n)",
            "to_jsonb(repeat('x', 3000000))",
            "'{}'::jsonb",
            "'[]'::jsonb",
            "'\"\"'::jsonb",
            "null::jsonb",
            "jsonb_build_object('', '{}'::jsonb)",
        ] {
            let same = format!(
                "select parley_portable.content_digest(v) is not distinct from parley_native.content_digest(v) from (select {json}) as x (v)"
            );
            assert_eq!(session.text(&same).await?, "t", "{json}");
        }
        Ok(())
    })
}

#[test]
fn session_settings_do_not_change_a_digest() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let json = r#"'{"a": 0.1, "b": [1e-7, 123456.789012345e10, "é"], "c": 333333333.3333333}'::jsonb"#;
        let expected = session
            .text(&format!("select parley_portable.content_digest({json})"))
            .await?;
        for setting in [
            "extra_float_digits = 0",
            "extra_float_digits = -10",
            "bytea_output = 'escape'",
            "standard_conforming_strings = on",
            "lc_numeric = 'C'",
            "datestyle = 'German'",
        ] {
            session.run(&format!("set {setting}")).await?;
            for kernel in ["parley_portable", "parley_native", "parley"] {
                assert_eq!(
                    session
                        .text(&format!("select {kernel}.content_digest({json})"))
                        .await?,
                    expected,
                    "{kernel}, {setting}"
                );
            }
        }
        Ok(())
    })
}
