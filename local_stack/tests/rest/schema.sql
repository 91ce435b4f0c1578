-- What the tests of the REST API read, write and call.
create schema app;
grant usage on schema app to anon, authenticated, service_role;
create table app.notes (id integer primary key, body text, owner uuid default auth.uid());
alter table app.notes enable row level security;
grant select, insert on app.notes to anon, authenticated;
create policy "everyone reads notes" on app.notes for select to anon, authenticated using (true);
create policy "owners write notes" on app.notes for insert to authenticated
    with check (owner = (select auth.uid()));
create table app.hidden (id integer primary key);
alter table app.hidden enable row level security;
grant select on app.hidden to service_role;
insert into app.notes (id, body, owner) values (1, 'two words', null), (2, 'plus+sign', null);
create function app.arguments(a text, b integer default 7, c jsonb default '{}', d text[] default '{}') returns jsonb
    language sql stable as $$ select jsonb_build_object('a', a, 'b', b, 'c', c, 'd', d) $$;
create function app.whole_body(jsonb) returns jsonb language sql stable as $$ select $1 $$;
create function app.fail(state text) returns void language plpgsql as $$
begin
    raise exception using errcode = state, message = 'The room is full.', detail = 'room_full', hint = 'Wait.';
end
$$;
create function app.numbers(up_to integer) returns table (n integer, square integer)
    language sql stable as $$ select i, i * i from generate_series(1, up_to) as i $$;
create function app.patient() returns text language sql set statement_timeout = '20s'
    as $$ select current_setting('statement_timeout') $$;
create type app.point as (x integer, tags text[], at timestamptz);
create function app.made() returns app.point language sql stable
    as $$ select (1, array['a', null, 'b c'], 'infinity')::app.point $$;
create function app.sum_of(p app.point) returns integer language sql stable as $$ select (p).x + array_length((p).tags, 1) $$;
create function app.evens(up_to integer) returns setof integer language sql stable
    as $$ select i * 2 from generate_series(1, up_to) as i $$;
create function app.variadic_sum(variadic numbers integer[]) returns bigint language sql stable
    as $$ select sum(n) from unnest(numbers) as n $$;
create function app.echo(text) returns text language sql stable as $$ select $1 $$;
create function app.twice(a text) returns text language sql stable as $$ select a $$;
create function app.twice(a integer) returns integer language sql stable as $$ select a $$;
create function app.answer() returns void language sql as $$
    select set_config('response.status', '418', true), set_config('response.headers', '[{"X-Kind": "teapot"}]', true)
$$;
create function app.refuse() returns void language plpgsql as $$
begin
    raise sqlstate 'PGRST' using
        message = '{"code": "brew", "message": "No coffee."}',
        detail = '{"status": 402, "headers": {"X-Kind": "teapot"}}';
end
$$;
create function app.insert_note(id integer) returns void language sql as $$ insert into app.notes (id) values (insert_note.id) $$;
create table app.odd (id integer primary key, at timestamptz, amount numeric(10, 2), ratio double precision, tags text[], made app.point);
insert into app.odd values
    (1, 'infinity', 'NaN', 'NaN', '{a,null}', (7, '{x,y}', '-infinity')),
    (2, '2026-01-02 03:04:05.6+00', 1.5, 'Infinity', '{}', null);
create table app.films (id integer primary key, title text not null, price integer not null default 3);
create table app.roles (film_id integer references app.films, actor_id integer, name text, primary key (film_id, actor_id));
create table app.actors (id integer primary key, name text);
alter table app.roles add constraint roles_actor_id_fkey foreign key (actor_id) references app.actors;
create view app.cheap_films as select id as film, title from app.films where price < 5;
create function app.shout(app.films) returns text language sql stable as $$ select upper($1.title) $$;
create function app.sequels(app.films) returns setof app.films language sql stable
    as $$ select * from app.films where id = $1.id + 1 $$;
create table app.addresses (id integer primary key, street text);
create table app.orders (
    id integer primary key,
    bill_id integer constraint bill_fk references app.addresses,
    ship_id integer constraint ship_fk references app.addresses
);
insert into app.films (id, title) values (1, 'Alien'), (2, 'Brazil'), (3, 'Cube');
insert into app.actors values (1, 'Sig'), (2, 'Rob');
insert into app.roles values (1, 1, 'Ripley'), (2, 1, 'Other'), (2, 2, 'Tuttle');
insert into app.addresses values (1, 'One'), (2, 'Two');
insert into app.orders values (1, 1, 2);
create table app.private (id integer primary key);
grant select on app.odd, app.cheap_films, app.roles, app.actors, app.addresses, app.orders to anon, service_role;
grant select, insert, update, delete on app.films to anon, service_role;
create function app.caller() returns jsonb language sql stable as $$
    select jsonb_build_object('uid', auth.uid(), 'role', current_user, 'timeout', current_setting('statement_timeout'))
$$;
