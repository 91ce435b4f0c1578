-- Domo, jobs that come round by themselves: lost wishes are found, missing events are asked for, old streams are forgotten.
-- Locks: none but the new rows.

select parley.define_limit('domo.stream', 'retention', 7, 'Days that a demo''s channel can be caught up with.');

select parley.define_maintenance('domo_keep_orphans', 'select orphans.to_start + orphans.to_end from domo_private.keep_orphans() as orphans', 30);
select parley.define_maintenance('domo_prune', 'select domo_private.prune_stream(parley.retention_days(''domo.stream'', 1), $1)', 3600, 5000);

insert into parley.job_schedules (name, queue, kind, payload, every_seconds)
values ('domo_reconcile', 'tavus', 'reconcile', '{"app": "domo"}', 300);
