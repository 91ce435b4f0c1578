-- The kernel's schemas.
--
-- parley           the API that migrations and apps call; never exposed to PostgREST
-- parley_portable  every function of the API in SQL and PL/pgSQL; also the specification
-- parley_native    the same functions in Rust; comes with `create extension parley` where the server has it
--
-- Nothing here is granted to anybody: apps call the kernel from functions and triggers that run with their owner's rights.
-- Locks: none on existing objects.

create schema parley;
comment on schema parley is 'Parley kernel: the API that migrations and apps call. Not for PostgREST.';

create schema parley_portable;
comment on schema parley_portable is 'Parley kernel in SQL and PL/pgSQL: always installed, and the specification of the native one.';

revoke all on schema parley, parley_portable from public;
