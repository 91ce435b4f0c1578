-- words: what a text is searched by, the same for what is stored, for what is asked and for the built-in embedder.
--
-- A reader sees letters, not code points. So a text is first brought into one form: compatibility forms (ligatures, full-width letters,
-- presentation forms) become what they stand for, marks join their letters, case is folded, and what is not seen inside a word (soft
-- hyphens, zero-width characters, the Arabic tatweel) is dropped: NFKC and case folding of the Unicode Standard, with two differences that
-- readers make: a trade mark sign is no letters at the end of a name, and a Turkish capital I with its dot is an i.
-- Then it is cut where no letter, digit or mark is. A name of several parts (acme.com, e-mail, report.pdf, 1.2.3) is there by its parts and
-- as a whole.
--
-- Scripts that put no spaces between words (Chinese, Japanese, Korean particles, Thai, Lao, Khmer, Burmese) are cut into overlapping pairs of
-- characters, each with its marks, and single ones: what search engines do (Lucene's CJKBigramFilter with outputUnigrams). A dictionary would cut some texts better
-- and could not be the same in SQL and in Rust; worse, it cuts a word differently beside other words, so that a query of two characters
-- misses the text they stand in. Pairs find every query of two characters and more, single ones every query of one. A query is not sought by
-- the single characters of its longer runs: they are everywhere. That a run stands in a text as a whole is known by the pairs' places.
--
-- Postgres' own parser is not asked: it takes iOS/Android for a file, acme.com for a host, -5 for a number, cuts Hindi at its marks, and asks
-- the database's locale what a letter is. The classes below are the letters, digits and marks of Unicode 18 in the form above, less what has
-- the same class on both sides of a gap; a test compares both kernels for every code point. normalize() and ICU are of the server's Unicode:
-- what is newer than that (225 characters since PostgreSQL 15) is there what it is, without lower case or parts.
--
-- Measured, PostgreSQL 15 on one core: 1,235 characters of English 0.11 ms and 0.014 ms in the native kernel, 1,000 characters of Chinese 0.6 and 0.16.
-- Locks: none.

create function parley_portable.word_text(value text) returns text
    language sql immutable strict parallel safe
    set search_path = ''
    as $$
    -- Lower case between two normal forms: NFKC makes capitals of what has none, and lower case may leave what composes. Most texts are in
    -- these forms already, which is known at a fifth of the cost.
    select case when l.folded is NFC normalized then l.folded else normalize(l.folded, NFC) end
    from (
        select translate(value, U&'\2120\2122', '  ') as text
        offset 0
    ) as m
    cross join lateral (
        select regexp_replace(
            m.text,
            '[\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0'
            '\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]+',
            '', 'g'
        ) as text
        offset 0
    ) as v
    cross join lateral (
        select
            replace(replace(replace(replace(
                lower((case when v.text is NFKC normalized then v.text else normalize(v.text, NFKC) end) collate "und-x-icu"),
                U&'\00DF', 'ss'), U&'\03C2', U&'\03C3'), U&'\0640', ''), U&'i\0307', 'i') as folded
        offset 0
    ) as l
$$;
comment on function parley_portable.word_text(text) is 'A text in the form in which words are compared. Needs a database in UTF8.';

create function parley_portable.words(value text, is_query boolean default false) returns text
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $$
declare
    -- Characters of scripts without spaces, and marks that belong to the one before.
    c_unspaced constant text := '\u0E01-\u0E32\u0E34-\u0E3A\u0E40-\u0E4E\u0E81-\u0EB2\u0EB4-\u0EC6\u0EC8-\u0ECE\u0EDE-\u0EDF\u1000-\u103F\u1050-\u108F\u109A-\u109D'
        '\u1100-\u115E\u1161-\u11FF\u1780-\u17B3\u17B6-\u17D3\u17D7\u17DC-\u17DD\u1950-\u19C9\u1A20-\u1A7F\u3005-\u3007\u3021-\u302F'
        '\u3031-\u3035\u303B-\u303C\u3041-\u3096\u3099-\u309A\u309D-\u309E\u30A1-\u30FA\u30FC-\u312F\u31A0-\u31BF\u31F0-\u31FF\u3400-\u4DBF'
        '\u4E00-\u9FFF\uA960-\uA97C\uA9E0-\uA9EF\uA9FA-\uA9FE\uAA60-\uAA76\uAA7A-\uAADD\uAC00-\uD7A3\uD7B0-\uD7FB\uFA0E-\uFA29'
        '\U00011700-\U0001171A\U0001171D-\U0001172B\U00016FE0-\U00016FE1\U00016FE3-\U00018DF2\U0001AFF0-\U0001B2FB\U00020000-\U0003FC3F';
    c_mark constant text := '\u0300-\u036F\u0E31\u0E34-\u0E3A\u0E47-\u0E4E\u0EB1\u0EB4-\u0EBC\u0EC8-\u0ECE\u102B-\u103E\u1056-\u1059\u105E-\u1060\u1062-\u1064'
        '\u1067-\u106D\u1071-\u1074\u1082-\u108D\u108F\u109A-\u109D\u1161-\u11FF\u17B6-\u17D3\u17DD\u1A55-\u1A7F\u1AB0-\u1ABD\u1ABF-\u1AF0'
        '\u1DC0-\u1DFF\u20D0-\u20DC\u20E1\u20E5-\u20F0\u302A-\u302F\u3099-\u309A\uA9E5\uAA7B-\uAA7D\uAAB0\uAAB2-\uAAB4\uAAB7-\uAAB8'
        '\uAABE-\uAABF\uAAC1\uD7B0-\uD7FB\uFE20-\uFE2F\U0001171D-\U0001172B\U00016FE4-\U00016FF1';
    v_text text;
    v_names text;
    v_runs text;
    v_characters text[];
    v_pairs text;
    v_singles text;
begin
    if octet_length(value) = char_length(value) then
        v_text := regexp_replace(lower(value collate "C"), '[^-a-z0-9 ._@]+', ' ', 'g');
    else
        v_text := regexp_replace(
            parley_portable.word_text(value) collate "C",
            '[^-a-z0-9 ._@\u00E0-\u00F6\u00F8-\u02C1\u02C6-\u02D1\u02EC\u02EE\u0300-\u036F\u0371-\u0373\u0377-\u03F3\u03F8-\u0481\u0483-\u0487\u048B-\u0559'
            '\u0560-\u0588\u0591-\u05BD\u05BF\u05C1-\u05C2\u05C4-\u05C5\u05C7-\u05F2\u0610-\u061A\u0620-\u0669\u066E-\u06D3\u06D5-\u06DC'
            '\u06DF-\u06E8\u06EA-\u06FC\u06FF\u0710-\u07F5\u07FA-\u07FD\u0800-\u082D\u0840-\u085B\u0860-\u0887\u0889-\u088F\u0897-\u08E1'
            '\u08E3-\u0963\u0966-\u096F\u0971-\u09F1\u09F4-\u09F9\u09FC\u09FE-\u0A75\u0A81-\u0AEF\u0AF9-\u0B6F\u0B71-\u0BF2\u0C00-\u0C6F'
            '\u0C78-\u0C7E\u0C80-\u0C83\u0C85-\u0D4E\u0D54-\u0D78\u0D7A-\u0DF3\u0E01-\u0E32\u0E34-\u0E3A\u0E40-\u0E4E\u0E50-\u0E59\u0E81-\u0EB2'
            '\u0EB4-\u0EC6\u0EC8-\u0ECE\u0ED0-\u0ED9\u0EDE-\u0EDF\u0F00\u0F18-\u0F19\u0F20-\u0F33\u0F35\u0F37\u0F39\u0F3E-\u0F84\u0F86-\u0FBC'
            '\u0FC6\u1000-\u1049\u1050-\u109D\u10D0-\u10FA\u10FD-\u115E\u1161-\u135F\u1369-\u138F\u13F8-\u13FD\u1401-\u166C\u166F-\u167F'
            '\u1681-\u169A\u16A0-\u16EA\u16EE-\u1734\u1740-\u1773\u1780-\u17B3\u17B6-\u17D3\u17D7\u17DC-\u17DD\u17E0-\u17F9\u1810-\u193B'
            '\u1946-\u19C9\u19D0-\u19DA\u1A00-\u1A1B\u1A20-\u1A99\u1AA7\u1AB0-\u1ABD\u1ABF-\u1AF0\u1B00-\u1B4C\u1B50-\u1B59\u1B6B-\u1B73'
            '\u1B80-\u1BF3\u1C00-\u1C37\u1C40-\u1C7D\u1C80-\u1C8A\u1CD0-\u1CD2\u1CD4-\u1D9A\u1DC0-\u1DFF\u1E01-\u1FF7\u208F\u20D0-\u20DC\u20E1'
            '\u20E5-\u20F0\u214E\u2180-\u2188\u24EB-\u24FF\u2776-\u2793\u2C30-\u2CE4\u2CEC-\u2CF3\u2CFD\u2D00-\u2D67\u2D7F-\u2DFF\u2E2F'
            '\u3005-\u3007\u3021-\u302F\u3031-\u3035\u303B-\u303C\u3041-\u3096\u3099-\u309A\u309D-\u309E\u30A1-\u30FA\u30FC-\u312F\u31A0-\u31BF'
            '\u31F0-\u31FF\u3248-\u324F\u3400-\u4DBF\u4E00-\uA48C\uA4D0-\uA4FD\uA500-\uA60C\uA610-\uA66F\uA674-\uA67D\uA67F-\uA6F1\uA717-\uA71F'
            '\uA723-\uA788\uA78C-\uA827\uA82C-\uA835\uA840-\uA873\uA880-\uA8C5\uA8D0-\uA8F7\uA8FB\uA8FD-\uA92D\uA930-\uA953\uA960-\uA97C'
            '\uA980-\uA9C0\uA9CF-\uA9D9\uA9E0-\uA9FE\uAA00-\uAA59\uAA60-\uAA76\uAA7A-\uAADD\uAAE0-\uAAEF\uAAF2-\uAB5A\uAB60-\uAB68\uAB6C-\uABEA'
            '\uABEC-\uABF9\uAC00-\uD7A3\uD7B0-\uD7FB\uFA0E-\uFA29\uFB1E\uFE20-\uFE2F\uFE73\U00010000-\U000100FA\U00010107-\U00010133'
            '\U00010140-\U00010178\U0001018A-\U0001018B\U000101FD-\U0001039D\U000103A0-\U000103CF\U000103D1-\U00010563\U00010597-\U00010855'
            '\U00010858-\U00010876\U00010879-\U0001091B\U00010920-\U00010939\U00010940-\U00010A48\U00010A60-\U00010A7E\U00010A80-\U00010AC7'
            '\U00010AC9-\U00010AEF\U00010B00-\U00010B35\U00010B40-\U00010B91\U00010BA9-\U00010D6D\U00010D6F-\U00010D85\U00010E60-\U00010EAC'
            '\U00010EB0-\U00010EC7\U00010ECB-\U00010ECF\U00010ED9-\U00010F54\U00010F70-\U00010F85\U00010FB0-\U00011046\U00011052-\U000110BA'
            '\U000110C2\U000110D0-\U0001113F\U00011144-\U00011173\U00011176-\U000111C4\U000111C9-\U000111CC\U000111CE-\U000111DA\U000111DC'
            '\U000111E1-\U00011237\U0001123E-\U000112A8\U000112B0-\U000113D3\U000113E1-\U0001144A\U00011450-\U00011459\U0001145E-\U000114C5'
            '\U000114C7-\U000115C0\U000115D8-\U00011640\U00011644-\U00011659\U00011680-\U000116B8\U000116C0-\U000116E3\U00011700-\U0001171A'
            '\U0001171D-\U0001172B\U00011730-\U0001173B\U00011740-\U0001183A\U000118C0-\U00011943\U00011950-\U000119E1\U000119E3-\U00011A3E'
            '\U00011A47-\U00011A99\U00011A9D\U00011AB0-\U00011AF8\U00011B0A-\U00011BE0\U00011BF0-\U00011C40\U00011C50-\U00011C6C'
            '\U00011C72-\U00011EF6\U00011F00-\U00011F42\U00011F50-\U00011FD4\U00012000-\U0001246F\U00012475-\U00012FF0\U00013000-\U0001342F'
            '\U00013440-\U00016A69\U00016A70-\U00016AF4\U00016B00-\U00016B36\U00016B40-\U00016B43\U00016B50-\U00016D6C\U00016D70-\U00016E96'
            '\U00016EA0-\U00016F9F\U00016FE0-\U00016FE1\U00016FE3-\U00018DF2\U00018E00-\U000191D2\U0001AFF0-\U0001B2FB\U0001BC00-\U0001BC99'
            '\U0001BC9D-\U0001BC9E\U0001CF00-\U0001CF46\U0001D127-\U0001D128\U0001D165-\U0001D169\U0001D16D-\U0001D182\U0001D185-\U0001D18B'
            '\U0001D1AA-\U0001D1AD\U0001D242-\U0001D244\U0001D250-\U0001D252\U0001D25B-\U0001D25C\U0001D25F\U0001D280-\U0001D2F3'
            '\U0001D360-\U0001D378\U0001DA00-\U0001DA36\U0001DA3B-\U0001DA6C\U0001DA75\U0001DA84\U0001DA9B-\U0001DAAF\U0001DF00-\U0001E14E'
            '\U0001E290-\U0001E2F9\U0001E4D0-\U0001E5FA\U0001E6C0-\U0001E959\U0001EC71-\U0001ECAB\U0001ECAD-\U0001ECAF\U0001ECB1-\U0001ED2D'
            '\U0001ED2F-\U0001ED3D\U0001F10B-\U0001F10C\U00020000-\U0003FC3F]+',
            ' ', 'g'
        );
        if v_text ~ ('[' || c_unspaced || ']') then
            v_text := ' ' || regexp_replace(v_text, '[' || c_unspaced || '][' || c_unspaced || c_mark || ']*', ' \& ', 'g');
            v_runs := regexp_replace(v_text, '(?: +[^ ' || c_unspaced || '][^ ]*)+', ' ', 'g');
            v_text := regexp_replace(v_text, '[' || c_unspaced || '][' || c_unspaced || c_mark || ']*', ' ', 'g');
        end if;
    end if;

    if v_text ~ '[._@-]' then
        v_names := (
            select string_agg(w.found[1], ' ' order by w.place)
            from regexp_matches(v_text, '[^ ._@-]+(?:[._@-][^ ._@-]+)+', 'g') with ordinality as w (found, place)
        );
        v_text := regexp_replace(v_text, '[._@-]+', ' ', 'g');
    end if;

    if v_runs is not null then
        if v_runs ~ ('[' || c_mark || ']') then
            -- U+0001 before all but marks, and before a mark that has nothing to belong to.
            v_runs := regexp_replace(v_runs, '[^' || c_mark || ']', E'\x01\\&', 'g');
            v_runs := regexp_replace(v_runs, ' ([' || c_mark || '])', E' \x01\\1', 'g');
            v_characters := string_to_array(v_runs, E'\x01');
        else
            v_characters := string_to_array(v_runs, null);
        end if;
        if is_query then
            select string_agg(
                case
                    when u.after is not null then case when u.before is null then ' ' else '<->' end || u.one || u.after
                    when u.before is null then ' ' || u.one
                end,
                '' order by u.place
            )
            into v_pairs
            from (
                select t.one, t.place, nullif(lag(t.one) over places, ' ') as before, nullif(lead(t.one) over places, ' ') as after
                from unnest(v_characters) with ordinality as t (one, place)
                where t.one <> ''
                window places as (order by t.place)
            ) as u
            where u.one <> ' ';
        else
            select
                string_agg(u.one || u.after, ' ') filter (where u.after <> ' '),
                string_agg(u.one, ' ')
            into v_pairs, v_singles
            from unnest(v_characters, v_characters[2:]) as u (one, after)
            where u.one not in ('', ' ');
        end if;
    end if;
    return btrim(regexp_replace(concat_ws(' ', v_text, v_pairs, v_singles, v_names), '  +', ' ', 'g'));
end
$$;
comment on function parley_portable.words(text, boolean) is 'The words of a text, in their order, a space between.';

create function parley.words(value text, is_query boolean default false) returns text
    language sql immutable strict parallel safe
    as $$ select parley_portable.words(value, is_query) $$;
comment on function parley.words(text, boolean) is
    'The words by which a text is found, a space between: those in the order of the text (pairs of characters for scripts without spaces), then the single characters of such scripts, then names of several parts as a whole. For a query, single characters only where they stand alone, and <-> in place of the space between the pairs of one run.';

revoke execute on all functions in schema parley, parley_portable from public;

select parley.keep_implementation();
