-- content_digest: one hash for all spellings of one JSON value.
--
-- SHA-256 over the canonical form of RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units, the shortest
-- strings, numbers as ECMAScript prints doubles. One deviation: jsonb holds numbers that no double can, and two different ids must
-- not hash alike, so a number that a double does not stand for keeps its digits (see canonical_number).
-- Locks: none.

create function parley_portable.canonical_number(value numeric) returns text
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $$
declare
    exact constant text := pg_catalog.trim_scale(value)::text;
    magnitude constant numeric := abs(value);
    is_integer constant boolean := value = trunc(value);
    shortest numeric;
    digits text;
    exponent integer;
begin
    -- Most numbers: every integer up to here is a double, and ECMAScript prints it plainly.
    if is_integer and magnitude <= 9007199254740991 then
        return exact;
    end if;

    if is_integer then
        -- Above the range of a double there is no double to stand for it.
        if magnitude >= 1.7976931348623158e308 then
            return exact;
        end if;
        shortest := (value::double precision)::text::numeric;
        if shortest <> value then
            -- The shortest decimal may lie exactly between two doubles, where Postgres does not print it: fewer digits, same double.
            if length(trim(both '0' from ltrim(exact, '-'))) >= length(trim(both '0' from abs(shortest)::text)) then
                return exact;
            end if;
            shortest := value;
        end if;
    else
        -- 17 significant digits is what a printer of doubles emits at most; more is somebody's exact decimal.
        -- The second bound is half of the smallest double: below it the nearest double is zero.
        digits := ltrim(replace(exact, '.', ''), '-0');
        if length(digits) > 17 or magnitude < 2.4703282292062328e-324 then
            return exact;
        end if;
        shortest := (value::double precision)::text::numeric;
    end if;

    -- ECMAScript's Number::toString: plain from 1e-6 up to 1e21, scientific outside.
    if abs(shortest) >= 1e-6 and abs(shortest) < 1e21 then
        return pg_catalog.trim_scale(shortest)::text;
    end if;

    digits := pg_catalog.trim_scale(abs(shortest))::text;
    if abs(shortest) >= 1 then
        exponent := length(digits) - 1;
    else
        digits := split_part(digits, '.', 2);
        exponent := length(ltrim(digits, '0')) - length(digits) - 1;
    end if;
    digits := trim(both '0' from digits);

    return case when value < 0 then '-' else '' end
        || left(digits, 1)
        || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end
        || 'e' || case when exponent < 0 then '-' else '+' end || abs(exponent)::text;
end
$$;

comment on function parley_portable.canonical_number(numeric) is
    'A jsonb number in RFC 8785 form; integers that no double equals, and fractions of more than 17 significant digits, keep their digits.';

-- The order of RFC 8785 is that of UTF-16 code units. It differs from the order of code points, which is that of the bytes of UTF-8, in
-- one place: U+E000..U+FFFF come after everything beyond the basic plane. Such a character gets U+10FFFF put before it, and the two last
-- code points make room for that.
create function parley_portable.utf16_order(key text) returns text
    language sql immutable strict parallel safe
    set search_path = ''
    as $$
    select case
        when key ~ '[\uE000-\U0010FFFF]' then regexp_replace(
            replace(replace(key, U&'\+10FFFE', U&'\+10FFFE\0001'), U&'\+10FFFF', U&'\+10FFFE\0002'),
            '([\uE000-\uFFFF])', U&'\+10FFFF\\1', 'g')
        else key
    end
$$;
comment on function parley_portable.utf16_order(text) is 'A text whose byte order is the UTF-16 order of the argument (RFC 8785, section 3.2.3).';

-- Scalars inside an object or array are written in the same query, so that the recursion costs one call a container, not one a value.
create function parley_portable.canonical_node(value jsonb, depth integer) returns text
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $$
declare
    kind constant text := jsonb_typeof(value);
begin
    if kind in ('object', 'array') and depth >= 256 then
        raise exception using errcode = '54000', message = 'JSON is nested deeper than 256 levels.';
    end if;

    if kind = 'object' then
        return '{' || coalesce((
            select string_agg(
                to_json(member.key)::text || ':' || case
                    when jsonb_typeof(member.value) in ('object', 'array') then parley_portable.canonical_node(member.value, depth + 1)
                    when jsonb_typeof(member.value) = 'number' then parley_portable.canonical_number(member.value::numeric)
                    else member.value::text
                end,
                ',' order by parley_portable.utf16_order(member.key) collate "C")
            from jsonb_each(value) as member
        ), '') || '}';
    elsif kind = 'array' then
        return '[' || coalesce((
            select string_agg(
                case
                    when jsonb_typeof(element.value) in ('object', 'array') then parley_portable.canonical_node(element.value, depth + 1)
                    when jsonb_typeof(element.value) = 'number' then parley_portable.canonical_number(element.value::numeric)
                    else element.value::text
                end,
                ',' order by element.position)
            from jsonb_array_elements(value) with ordinality as element (value, position)
        ), '') || ']';
    elsif kind = 'number' then
        return parley_portable.canonical_number(value::numeric);
    else
        -- Postgres escapes strings just as RFC 8785 asks: the two-letter escapes where they exist, \u00xx for other control characters.
        return value::text;
    end if;
end
$$;
comment on function parley_portable.canonical_node(jsonb, integer) is 'canonical_json of a value that lies this many levels deep.';

create function parley_portable.canonical_json(value jsonb) returns text
    language sql immutable strict parallel safe
    set search_path = ''
    set extra_float_digits = 1
    as $$
    select parley_portable.canonical_node(value, 0)
$$;
comment on function parley_portable.canonical_json(jsonb) is 'The canonical form of RFC 8785. 54000 when nested deeper than 256 levels.';

create function parley_portable.content_digest(value jsonb) returns text
    language sql immutable strict parallel safe
    set search_path = ''
    as $$
    select encode(sha256(convert_to(parley_portable.canonical_json(value), 'UTF8')), 'hex')
$$;
comment on function parley_portable.content_digest(jsonb) is 'SHA-256 of the canonical form, 64 lower-case hex digits.';

create function parley.content_digest(value jsonb) returns text
    language sql immutable strict parallel safe
    as $$ select parley_portable.content_digest(value) $$;
comment on function parley.content_digest(jsonb) is
    'SHA-256, hex, of the RFC 8785 canonical form: equal jsonb values hash equal whatever their key order or number spelling. 54000 when nested deeper than 256 levels.';

revoke execute on all functions in schema parley, parley_portable from public;
