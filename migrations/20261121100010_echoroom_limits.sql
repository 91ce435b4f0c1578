-- EchoRoom, limits: how fast and how many. docs/limits.md has them all; an operator changes them in parley.limits.
-- An account costs an anonymous person nothing, so whatever money, storage or other people's lists pay for is tighter for them.
-- Locks: none but on the new rows.

select parley.define_limit(name, 'rate', allowed, description, allowed_anonymous, window_seconds)
from (
    values
        ('echoroom.message', 30, 30, 10, 'Messages that a person sends, edits or deletes.'),
        ('echoroom.daily_messages', 5000, 1000, 86400, 'New messages of a person in a day.'),
        ('echoroom.reaction', 60, 60, 10, 'Reactions that a person adds or takes back.'),
        ('echoroom.create_session', 20, 10, 60, 'Rooms that a person opens, by create_session or find_room.'),
        ('echoroom.join_room', 30, 30, 10, 'Seats that a person takes or refreshes with join_room.'),
        ('echoroom.participant', 60, 60, 10, 'Changes of a person''s voice status, name, picture or mood.'),
        ('echoroom.removal', 30, 30, 10, 'Removals and readmissions by the creator of a room.'),
        ('echoroom.start_conversation', 10, 10, 60, 'Requests of a person for an avatar, also for one that is there.'),
        ('echoroom.daily_conversations', 100, 20, 86400, 'New avatars that a person starts in a day.'),
        ('echoroom.end_conversation', 30, 30, 60, 'Ends of avatars that a person asks for.')
) as rates (name, allowed, allowed_anonymous, window_seconds, description);

select parley.define_limit(name, 'ceiling', allowed, description, allowed_anonymous)
from (
    values
        ('echoroom.open_rooms', 20, 5, 'Open rooms that a person has opened.'),
        ('echoroom.empty_room_minutes', 60, 15, 'Minutes that a room which a person opened stays open with nobody in it.'),
        ('echoroom.running_conversations', 5, 2, 'Avatars that a person has started and that run.')
) as ceilings (name, allowed, allowed_anonymous, description);
