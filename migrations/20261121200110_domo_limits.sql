-- Domo, limits: how fast and how many. docs/limits.md has them all; an operator changes them in parley.limits.
-- An account costs an anonymous person nothing, so whatever money, storage or the worker's time pays for is tighter for them.
-- Locks: none but on the new rows.

select parley.define_limit(name, 'rate', allowed, description, allowed_anonymous, window_seconds)
from (
    values
        ('domo.add_knowledge', 60, 30, 10, 'Pieces of knowledge that a person adds with add_knowledge.'),
        ('domo.start_conversation', 10, 5, 60, 'Calls that a person asks for.'),
        ('domo.end_conversation', 30, 30, 60, 'Ends of calls that a person asks for.'),
        ('domo.search_quality', 10, 5, 10, 'Measurements of the search in a demo.')
) as rates (name, allowed, allowed_anonymous, window_seconds, description);
