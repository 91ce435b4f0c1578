-- text: what people write, trimmed; and whether any of it can be seen.
--
-- Unicode has blanks that are no white space (U+3164, U+2800) and characters that never show (the default-ignorable ones: soft hyphen, joiners,
-- variation selectors, tags). Alone they are nothing. Between others they belong to the text: U+200D and U+FE0F hold an emoji together.
-- Locks: none.

create function parley.trim_text(input text) returns text
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $$
declare
    -- Written out, because what \s means depends on the locale of the database. btrim, because its time grows with what it removes only.
    trimmed constant text := btrim(input, E'\t\n\x0b\f\r \u0085\u00a0\u00ad\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u2800\u3000\u3164\ufeff\uffa0');
begin
    return case
        when trimmed ~ '[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
            then trimmed
    end;
end
$$;
comment on function parley.trim_text(text) is
    'A text from a client without the white space around it; null when nothing is left that shows. Invisible characters inside it stay.';

create function parley.is_one_line(input text) returns boolean
    language plpgsql immutable strict parallel safe
    set search_path = ''
    as $$
begin
    -- A direction mark in a name reorders what stands beside it, a separator ends the line that it stands in.
    return input !~ '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]';
end
$$;
comment on function parley.is_one_line(text) is
    'Whether a name or title has no control characters, line or paragraph separators or direction marks.';

revoke execute on all functions in schema parley from public;
-- Check constraints run with the rights of who writes. Without the schema's usage nobody but they can call these.
grant execute on function parley.trim_text(text), parley.is_one_line(text) to anon, authenticated, service_role;
