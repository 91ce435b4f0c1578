-- Domo, jobs that come round by themselves: lost wishes are found, missing events are asked for, old streams are forgotten.
-- Locks: none but the new rows.

insert into parley.job_schedules (name, queue, kind, payload, every_seconds)
values
    ('domo_keep_orphans', 'maintenance', 'keep_orphans', '{"app": "domo"}', 30),
    ('domo_reconcile', 'tavus', 'reconcile', '{"app": "domo"}', 300),
    ('domo_prune', 'maintenance', 'prune_events', '{"app": "domo"}', 3600);
