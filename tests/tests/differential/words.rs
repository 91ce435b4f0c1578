//! `words`: what a text is searched by.

use parley_tests::{Error, Session, with_both_kernels};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::json::literal;

/// Asserts that both kernels cut the same words, for what is stored and for a query, and that the wrapper says what they say.
async fn assert_same(session: &mut Session, texts: &[String]) -> Result<(), Error> {
    let rows: Vec<String> = texts.iter().map(|text| format!("({})", literal(text))).collect();
    let differing = session
        .rows(&format!(
            "select v.text, q.is_query, parley_portable.words(v.text, q.is_query), parley_native.words(v.text, q.is_query)
             from (values {}) as v (text) cross join (values (true), (false)) as q (is_query)
             where parley_portable.words(v.text, q.is_query) is distinct from parley_native.words(v.text, q.is_query)
                 or parley.words(v.text, q.is_query) is distinct from parley_portable.words(v.text, q.is_query)
             limit 3",
            rows.join(",\n")
        ))
        .await?;
    assert!(differing.is_empty(), "{differing:#?}");
    Ok(())
}

/// Alphabets by first and last character, and what is easily got wrong among them.
const ALPHABETS: [(char, char); 30] = [
    ('a', 'z'),
    ('A', 'Z'),
    ('0', '9'),
    ('!', '/'),
    ('À', 'ž'),
    ('\u{300}', '\u{345}'),
    ('Α', 'ώ'),
    ('А', 'ё'),
    ('Ա', 'Ֆ'),
    ('א', 'ת'),
    ('ؠ', 'ٟ'),
    ('ﹰ', 'ﻼ'),
    ('अ', '्'),
    ('অ', '্'),
    ('ก', '\u{e3a}'),
    ('เ', '\u{e4e}'),
    ('ກ', '\u{ebd}'),
    ('ཀ', '\u{fbc}'),
    ('က', '\u{103f}'),
    ('\u{1100}', '\u{11ff}'),
    ('ក', '\u{17d3}'),
    ('\u{1e00}', '\u{1eff}'),
    ('\u{2000}', '\u{206f}'),
    ('\u{2100}', '\u{214f}'),
    ('\u{3001}', '\u{30ff}'),
    ('一', '\u{9ffc}'),
    ('가', '힣'),
    ('ﬀ', '\u{fb17}'),
    ('！', 'ￜ'),
    ('\u{1f300}', '\u{1f64f}'),
];
const ODD: [&str; 14] = [
    " ", " ", ".", "-", "_", "@", "\u{ad}", "\u{200b}", "™", "ß", "Σ", "İ", "\u{640}", "a.b",
];

fn text(random: &mut StdRng) -> String {
    let mut text = String::new();
    for _ in 0..random.random_range(0..12) {
        if random.random_bool(0.4) {
            text.push_str(ODD.choose(random).copied().unwrap_or_default());
        }
        let Some((first, last)) = ALPHABETS.choose(random) else {
            continue;
        };
        for _ in 0..random.random_range(1..6) {
            let code = random.random_range(u32::from(*first)..=u32::from(*last));
            text.extend(char::from_u32(code));
        }
    }
    text
}

#[test]
fn texts_of_many_scripts_have_the_same_words_in_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(29);
        for _ in 0..10 {
            let texts: Vec<String> = (0..300).map(|_| text(&mut random)).collect();
            assert_same(session, &texts).await?;
        }
        let long: Vec<String> = (0..3)
            .map(|_| (0..400).map(|_| text(&mut random)).collect())
            .collect();
        assert_same(session, &long).await
    })
}

/// Characters whose lower case or normal form came with a Unicode that the server may not have yet: PostgreSQL 15 normalises by Unicode 14, the
/// native kernel by 18.
const NEWER: [(u32, u32); 23] = [
    (0x558, 0x558),
    (0x58b, 0x58c),
    (0x1c89, 0x1c89),
    (0x209d, 0x209f),
    (0xa7cb, 0xa7cc),
    (0xa7ce, 0xa7ce),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7da, 0xa7da),
    (0xa7dc, 0xa7dc),
    (0xa7f1, 0xa7f1),
    (0x107bb, 0x107bf),
    (0x10d50, 0x10d65),
    (0x113c2, 0x113c2),
    (0x1611e, 0x1611e),
    (0x16d67, 0x16d67),
    (0x16ea0, 0x16eb8),
    (0x1b123, 0x1b126),
    (0x1ccd6, 0x1ccf9),
    (0x1d6a6, 0x1d6a6),
    (0x1df95, 0x1df95),
    (0x1dfcd, 0x1dfff),
    (0x1e030, 0x1e06d),
];

#[test]
fn every_character_is_the_same_to_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        // Inside a word, between characters of a script without spaces, alone, and doubled; sixteen characters a text.
        let differing = session
            .rows(
                "select t.first
                 from (
                     select code / 16 as first, string_agg(format('a%1$sb 支%1$s持 %1$s%1$s ', chr(code)), '' order by code) as text
                     from generate_series(1, 1114111) as code
                     where code not between 55296 and 57343
                     group by 1
                 ) as t
                 where parley_portable.words(t.text) is distinct from parley_native.words(t.text)
                     or parley_portable.words(t.text, true) is distinct from parley_native.words(t.text, true)",
            )
            .await?;
        let codes: Vec<u32> = differing
            .iter()
            .filter_map(|row| row.first()?.as_deref()?.parse::<u32>().ok())
            .flat_map(|first| first * 16..first * 16 + 16)
            .collect();
        let rows = session
            .rows(&format!(
                "select code, parley_portable.words(format('a%1$sb %1$s', chr(code))), parley_native.words(format('a%1$sb %1$s', chr(code)))
                 from (select c.code from unnest('{{{}}}'::integer[]) as c (code) where c.code not between 55296 and 57343 offset 0) as x
                 where parley_portable.words(format('a%1$sb 支%1$s持 %1$s%1$s ', chr(code))) is distinct from parley_native.words(format('a%1$sb 支%1$s持 %1$s%1$s ', chr(code)))",
                codes.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
            ))
            .await?;
        let unexpected: Vec<_> = rows
            .iter()
            .filter(|row| {
                let code = row.first().and_then(|code| code.as_deref()?.parse::<u32>().ok());
                !NEWER
                    .iter()
                    .any(|(first, last)| code.is_some_and(|code| (*first..=*last).contains(&code)))
            })
            .collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
        Ok(())
    })
}
