-- words: what a text is searched by, on whichever kernel runs.
begin;
set local client_min_messages = warning;
create extension if not exists pgtap with schema extensions;
select plan(36);

select is(parley.words(one), parley.words(other), label)
from (
    values
        (U&'con\FB01guration of e\FB03ciency', 'configuration of efficiency', 'a ligature is its letters'),
        (U&'Cafe\0301', 'CAFÉ', 'a letter and its mark are one'),
        (U&'co\00ADop\200Berate\FEFF', 'cooperate', 'what is not seen inside a word is not there'),
        ('ＡＢＣ１２３', 'abc123', 'full-width letters and digits are those of ASCII'),
        ('ｶﾞﾗｽ', 'ガラス', 'half-width kana are kana'),
        ('STRASSE STRAẞE', 'Straße straße', 'a sharp s is two'),
        ('ΣΊΣΥΦΟΣ', 'σίσυφος', 'a final sigma is a sigma'),
        ('İSTANBUL', 'istanbul', 'a Turkish capital I with its dot is an i'),
        ('مـــرحبا', 'مرحبا', 'a stretched Arabic word is the word'),
        (U&'\FEE3\FEAE\FEA3\FE92\FE8E', U&'\0645\0631\062D\0628\0627', 'Arabic presentation forms are letters'),
        (U&'J\030C', U&'\01F0', 'what composes in lower case only is composed'),
        (U&'Parley\2122', 'parley', 'a trade mark sign is not part of the name'),
        (U&'\200Fשלום\200F', 'שלום', 'a direction is not part of a word')
) as cases (one, other, label);

select is(parley.words(text), words, label)
from (
    values
        ('iOS/Android', 'ios android', 'a slash separates'),
        ('Visit acme.com!', 'visit acme com acme.com', 'a host is there by its parts and as a whole'),
        ('report.pdf', 'report pdf report.pdf', 'so is a file'),
        ('https://acme.com/a_b?q=1#top', 'https acme com a b q 1 top acme.com a_b', 'and what is in a URL'),
        ('bob@acme.com', 'bob acme com bob@acme.com', 'and an address'),
        ('-5 1.2.3 2026-11-29', '5 1 2 3 2026 11 29 1.2.3 2026-11-29', 'a number has no sign, a version its parts'),
        ('a--b .c. _d_', 'a b c d', 'two signs are no joint'),
        ('O''Brien’s', 'o brien s', 'an apostrophe separates'),
        ('हिन्दी में', 'हिन्दी में', 'marks do not cut words of other scripts'),
        ('supportдокументы', 'supportдокументы', 'nor does a change of script that has spaces'),
        ('支持docker部署', 'docker 支持 部署 支 持 部 署', 'one that has none is cut into pairs and single characters'),
        ('東京タワー', '東京 京タ タワ ワー 東 京 タ ワ ー', 'Japanese too'),
        ('서버에서 집', '서버 버에 에서 서 버 에 서 집', 'and Korean'),
        ('ปลา', 'ปล ลา ป ล า', 'and Thai'),
        (U&'\0E19\0E49\0E33', U&'\0E19\0E49\0E4D\0E32 \0E19\0E49\0E4D \0E32', 'where marks stay with their letter'),
        (U&'\0E49a', U&'a \0E49', 'or alone without one'),
        ('🌱 — …', '', 'signs are no words'),
        ('', '', 'nor is nothing')
) as cases (text, words, label);

select is(parley.words('数据库连接, 用 docker 部署 acme.com', is_query => true), 'docker acme com 数据<->据库<->库连<->连接 用 部署 acme.com', 'a query seeks pairs, and a single character where it stands alone');
select is(parley.words(null), null, 'null has none');
select is(
    parley.words(repeat('word acme.com 数据库 ', 4000)),
    btrim(repeat('word acme com ', 4000)) || repeat(' 数据 据库', 4000) || repeat(' 数 据 库', 4000) || repeat(' acme.com', 4000),
    'a long text has all of its words'
);
select is_empty(
    $$ select p.oid::regprocedure from pg_proc as p where p.oid in ('parley.words(text, boolean)'::regprocedure, 'parley_portable.words(text, boolean)'::regprocedure, 'parley_portable.word_text(text)'::regprocedure)
       and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute')) $$,
    'clients do not call it'
);
select is(
    (select array_agg(p.provolatile::text || p.proparallel::text || p.proisstrict::text) from pg_proc as p where p.oid = 'parley.words(text, boolean)'::regprocedure),
    array['istrue'], 'it is immutable, strict and parallel safe'
);

select * from finish();
rollback;
