-- Domo, limits: how fast and how many. docs/limits.md has them all; an operator changes them in parley.limits.
-- An account costs an anonymous person nothing, so whatever money, storage or the worker's time pays for is tighter for them.
-- Locks: none but on the new rows.

select parley.define_limit(name, 'rate', allowed, description, allowed_anonymous, window_seconds)
from (
    values
        ('domo.add_knowledge', 60, 30, 10, 'Pieces of knowledge that a person adds with add_knowledge.'),
        ('domo.start_conversation', 10, 10, 60, 'Requests of a person for a call, also for one that is there.'),
        ('domo.daily_conversations', 100, 20, 86400, 'New calls of a person in a day.'),
        ('domo.end_conversation', 30, 30, 60, 'Ends of calls that a person asks for.'),
        ('domo.search_quality', 10, 5, 10, 'Measurements of the search in a demo.'),
        ('domo.daily_demos', 500, 50, 86400, 'New demos of a person in a day.'),
        ('domo.daily_files', 500, 50, 86400, 'Videos and documents that a person asks to be processed in a day, also once more.'),
        ('domo.daily_knowledge', 50000, 5000, 86400, 'Pieces of knowledge that a person writes in a day and that need an embedding.'),
        ('domo.look_up', 30, 30, 60, 'Questions of the agent in one call.'),
        ('domo.owner_look_up', 120, 60, 60, 'Questions of the agents in all calls of a person''s demos.')
) as rates (name, allowed, allowed_anonymous, window_seconds, description);

select parley.define_limit(name, 'ceiling', allowed, description, allowed_anonymous)
from (
    values
        ('domo.demos', 200, 20, 'Demos of a person, deleted ones that can be restored among them.'),
        ('domo.files', 1000, 100, 'Videos and documents in all demos of a person, deleted ones that can be restored among them.'),
        ('domo.unfinished_files', 100, 20, 'Videos and documents of a person that wait for the worker or are with it.'),
        ('domo.stored_files', 2000, 200, 'Files that a person has in the buckets. An upload is refused from there on.'),
        ('domo.stored_megabytes', 20480, 1024, 'What a person''s files in the buckets have together. An upload is refused from there on.'),
        ('domo.knowledge_chunks', 200000, 20000, 'Pieces of knowledge in all demos of a person; beyond it the person adds none.'),
        ('domo.running_conversations', 5, 2, 'Calls that a person has started and that run.')
) as ceilings (name, allowed, allowed_anonymous, description);
