//! What is called. Arguments are written into the statements: person 1 sits in the busy room, which they opened, and owns the demo.

/// Whose rights the call has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Person 1, signed in.
    Person,
    /// The worker, or the sweep that it has run: both read and write with the rights of the functions' owner.
    Server,
}

impl Role {
    /// What begins the request.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Person => {
                "select set_config('request.jwt.claims', jsonb_build_object('sub', growth.id('person', 1), 'role', 'authenticated')::text, true),
                     set_config('role', 'authenticated', true)"
            }
            Self::Server => "select 1",
        }
    }
}

/// One of the calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) what: &'static str,
    /// As whom.
    pub(crate) role: Role,
    /// The statement.
    pub(crate) sql: &'static str,
    /// Whether it must return a row.
    pub(crate) has_answer: bool,
}

const fn person(what: &'static str, sql: &'static str) -> Call {
    Call {
        what,
        role: Role::Person,
        sql,
        has_answer: true,
    }
}

const fn server(what: &'static str, sql: &'static str) -> Call {
    Call {
        what,
        role: Role::Server,
        sql,
        has_answer: false,
    }
}

/// Ids are literals: what md5 makes of the kind and the number is in `tests/growth/fill.sql`.
macro_rules! id {
    ($what:literal, $number:literal) => {
        concat!("md5('", $what, "' || ", $number, ")::uuid")
    };
}

/// All of them, app by app.
pub(crate) const CALLS: &[Call] = &[
    person(
        "get_messages",
        concat!("select echoroom.get_messages(", id!("room", 1), ")"),
    ),
    person(
        "get_messages, before_seq",
        concat!(
            "select echoroom.get_messages(",
            id!("room", 1),
            ", before_seq => 500)"
        ),
    ),
    person(
        "get_messages, before_timestamp",
        concat!(
            "select echoroom.get_messages(",
            id!("room", 1),
            ", before_timestamp => now() - interval '1 year' + interval '500 minutes')"
        ),
    ),
    person(
        "get_messages, offset 900",
        concat!("select echoroom.get_messages(", id!("room", 1), ", 50, 900)"),
    ),
    person(
        "messages_since, 10 back",
        concat!(
            "select echoroom.messages_since(",
            id!("room", 1),
            ", (select last_seq - 10 from echoroom.sessions where id = ",
            id!("room", 1),
            "))"
        ),
    ),
    person(
        "messages_since, from the beginning",
        concat!("select echoroom.messages_since(", id!("room", 1), ", 0)"),
    ),
    person(
        "room_state",
        concat!("select echoroom.room_state(", id!("room", 1), ")"),
    ),
    person(
        "send_message",
        concat!(
            "select echoroom.send_message(",
            id!("room", 1),
            ", 'Hello', client_id => gen_random_uuid())"
        ),
    ),
    person(
        "send_message, a retry",
        concat!(
            "select echoroom.send_message(",
            id!("room", 1),
            ", 'Hello', client_id => ",
            id!("client", 40),
            ")"
        ),
    ),
    person(
        "edit_message",
        concat!(
            "select echoroom.edit_message(",
            id!("message", 200),
            ", 'New text')"
        ),
    ),
    person(
        "delete_message",
        concat!("select echoroom.delete_message(", id!("message", 200), ")"),
    ),
    person(
        "add_reaction",
        concat!("select echoroom.add_reaction(", id!("message", 41), ", '🎉')"),
    ),
    person(
        "remove_reaction",
        concat!("select echoroom.remove_reaction(", id!("message", 200), ", '👍')"),
    ),
    person(
        "heartbeat",
        concat!("select echoroom.heartbeat(", id!("room", 1), ")"),
    ),
    person("find_room", "select echoroom.find_room('crowded')"),
    person(
        "join_room",
        concat!("select echoroom.join_room(", id!("room", 5), ")"),
    ),
    person(
        "leave_room",
        concat!("select echoroom.leave_room(", id!("room", 1), ")"),
    ),
    person("list_sessions", "select * from echoroom.list_sessions()"),
    person(
        "remove_participant",
        concat!(
            "select echoroom.remove_participant(",
            id!("room", 1),
            ", ",
            id!("person", 5),
            ")"
        ),
    ),
    person(
        "echoroom.start_conversation",
        concat!("select echoroom.start_conversation(", id!("room", 1), ", 'Calm')"),
    ),
    person(
        "echoroom.end_conversation",
        "select echoroom.end_conversation('avatar-5')",
    ),
    person(
        "get_demo_stats",
        concat!("select domo.get_demo_stats(", id!("demo", 1), ")"),
    ),
    person("demo_dashboard", "select * from domo.demo_dashboard()"),
    person(
        "events_since, 50 back",
        concat!("select domo.events_since(", id!("demo", 1), ", 9999950)"),
    ),
    person(
        "domo.start_conversation",
        concat!(
            "select domo.start_conversation(",
            id!("demo", 1),
            ", gen_random_uuid())"
        ),
    ),
    person("domo.end_conversation", "select domo.end_conversation('call-5')"),
    person(
        "conversation_analytics, an hour",
        concat!(
            "select domo.conversation_analytics(",
            id!("demo", 1),
            ", now() - interval '1 hour')"
        ),
    ),
    person(
        "conversations, the latest 50",
        concat!(
            "select * from domo.conversations where demo_id = ",
            id!("demo", 1),
            " order by created_at desc limit 50"
        ),
    ),
    person(
        "export_demo_data, 100 lines",
        concat!(
            "select domo.export_demo_data(",
            id!("demo", 1),
            ", 'conversations/' || ",
            id!("call", 5),
            ", 100)"
        ),
    ),
    person(
        "search_knowledge",
        concat!(
            "select domo.search_knowledge(",
            id!("demo", 1),
            ", 'What is said of topic42?')"
        ),
    ),
    server(
        "echoroom, tavus_open",
        "select * from echoroom_private.tavus_open(50)",
    ),
    server(
        "echoroom, keep_orphans",
        "select * from echoroom_private.keep_orphans()",
    ),
    server("domo, tavus_open", "select * from domo_private.tavus_open(50)"),
    server("domo, keep_orphans", "select * from domo_private.keep_orphans()"),
    server(
        "prune_stream, 100 of those above a day",
        "select domo_private.prune_stream(1, 100)",
    ),
];
