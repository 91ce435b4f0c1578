-- The participant counter of EchoRoom's specification, as written: it recounts the room on every row.
create or replace function update_session_participant_count()
returns trigger as $$
begin
    if tg_op = 'INSERT' then
        update sessions
        set current_participants = (
            select count(*) from participants
            where session_id = new.session_id
        )
        where id = new.session_id;
    elsif tg_op = 'DELETE' then
        update sessions
        set current_participants = (
            select count(*) from participants
            where session_id = old.session_id
        )
        where id = old.session_id;
    end if;

    return coalesce(new, old);
end;
$$ language 'plpgsql';

create trigger update_participant_count_trigger
    after insert or delete on participants
    for each row execute function update_session_participant_count();
