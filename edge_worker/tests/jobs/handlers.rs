//! What the jobs do, on a real database as the worker's own role, and with a simulator of Tavus.

use std::sync::Arc;
use std::time::Duration;

use edge_worker::app::App;
use edge_worker::jobs::{Handlers, Runner, Settings};
use local_stack::simulators::tavus::{Behaviour, Fault, FaultKind, Script};
use tokio::task::JoinHandle;

use crate::scene::{Scene, quick, soon, until};
use crate::support::app;
use crate::support::tavus::{KEY, Simulated};

/// A worker that does what it does in production.
struct RealWorker {
    app: App,
    ended: JoinHandle<usize>,
}

impl RealWorker {
    fn start(scene: &Scene, tavus: &Simulated, settings: Settings) -> Self {
        let changes = [
            ("TAVUS_API_KEY", KEY),
            ("TAVUS_BASE_URL", tavus.simulator.base_url()),
        ];
        let app = app::app(&app::config(&scene.worker_url(), &changes));
        let runner = Runner::new(
            settings,
            app.pool.clone(),
            Arc::new(Handlers::new(&app)),
            app.metrics.jobs().clone(),
            app.stopping.clone(),
        );
        Self {
            app,
            ended: tokio::spawn(runner.run(Duration::from_secs(30))),
        }
    }

    async fn stop(self) {
        self.app.stopping.cancel();
        assert_eq!(soon("the end of a worker", self.ended).await.unwrap(), 0);
        self.app.pool.close().await;
    }
}

/// A room with somebody in it.
const ROOM: &str = "
    insert into auth.users (id, aud, role, is_anonymous)
    values ('00000000-0000-4000-a000-000000000001', 'authenticated', 'authenticated', true) on conflict do nothing;
    insert into echoroom.sessions (id, category) values ('00000000-0000-4000-b000-000000000001', 'Calm');
    insert into echoroom.participants (user_id, session_id, user_name)
    values ('00000000-0000-4000-a000-000000000001', '00000000-0000-4000-b000-000000000001', 'Somebody')";

/// A wish for an avatar there.
const WISH: &str = "insert into echoroom.conversations (session_id, persona_id, mood)
    values ('00000000-0000-4000-b000-000000000001', 'default_calm_persona', 'Calm')";

const NEWEST: &str = "(select c from echoroom.conversations as c order by created_at desc limit 1)";

/// A demo, and the wish for a call with its agent.
const DEMO: &str = "
    insert into auth.users (id, aud, role, is_anonymous)
    values ('00000000-0000-4000-a000-000000000001', 'authenticated', 'authenticated', true) on conflict do nothing;
    insert into domo.demos (id, user_id, name, agent_name, agent_greeting)
    values ('00000000-0000-4000-b000-000000000002', '00000000-0000-4000-a000-000000000001', 'Tour', 'Mia', 'Hello, I am Mia.');
    insert into domo.conversations (demo_id, persona_id) values ('00000000-0000-4000-b000-000000000002', 'default_calm_persona')";

const CALL: &str = "(select c from domo.conversations as c)";

fn fault(method: &str, path: &str, times: u32, status: u16, retry_after: Option<&str>) -> Fault {
    Fault {
        method: Some(method.to_owned()),
        path: path.to_owned(),
        times,
        kind: FaultKind::Status {
            status,
            retry_after: retry_after.map(str::to_owned),
            message: None,
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wish_becomes_a_call_and_its_end_ends_it() {
    let scene = Scene::start().await;
    let tavus = Simulated::start().await;
    let worker = RealWorker::start(&scene, &tavus, quick());
    scene.run(ROOM).await;
    scene.run(WISH).await;
    until(
        &scene.owner,
        "a call",
        &format!("({NEWEST}).status = 'active' and ({NEWEST}).conversation_url is not null"),
    )
    .await;
    scene.until_empty().await;
    assert_eq!(tavus.simulator.conversations(), (1, 1));
    scene
        .run("update echoroom.conversations set end_requested_at = now()")
        .await;
    until(&scene.owner, "the end", &format!("({NEWEST}).status = 'ended'")).await;
    scene.until_empty().await;
    assert_eq!(tavus.simulator.conversations(), (1, 0));

    // A provider that asks for time is given it.
    tavus
        .simulator
        .fail(fault("POST", "/v2/conversations", 1, 429, Some("120")));
    scene.run(WISH).await;
    let is_put_off = "(select last_error like '%slow down%' and attempts = 1
        and vt - last_failed_at between interval '120 seconds' and interval '123 seconds'
        from pgmq.q_parley_tavus join parley.jobs on message_id = msg_id)";
    until(&scene.owner, "the provider's time", is_put_off).await;
    assert_eq!(scene.text(&format!("select ({NEWEST}).status")).await, "starting");
    scene.run("delete from echoroom.sessions").await;
    until(
        &scene.owner,
        "the end of what never began",
        &format!("({NEWEST}).status = 'ended' and ({NEWEST}).shutdown_reason = 'room_deleted'"),
    )
    .await;
    assert_eq!(tavus.simulator.conversations(), (1, 0));
    worker.stop().await;
    tavus.simulator.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_ends_where_an_operator_or_a_person_sees_it() {
    let scene = Scene::start().await;
    let tavus = Simulated::start().await;
    let settings = Settings {
        max_attempts: 2,
        ..quick()
    };
    let worker = RealWorker::start(&scene, &tavus, settings);
    scene.run(ROOM).await;

    // A refusal that stays is for the people in the room; there is nothing to replay.
    tavus.simulator.behave(Behaviour {
        credits: Some(0),
        ..Behaviour::default()
    });
    scene.run(WISH).await;
    until(
        &scene.owner,
        "the refusal",
        &format!("({NEWEST}).status = 'failed' and ({NEWEST}).failure like '%credits%'"),
    )
    .await;
    scene.until_empty().await;
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);

    // A provider that is away for too long: the wish fails, so that the room may wish again, and an operator sees why.
    tavus.simulator.behave(Behaviour::default());
    tavus
        .simulator
        .fail(fault("POST", "/v2/conversations", 100, 503, Some("0")));
    scene.run(WISH).await;
    until(
        &scene.owner,
        "the giving up",
        &format!(
            "({NEWEST}).status = 'failed' and ({NEWEST}).failure = 'The avatar could not be started, however often it was tried.'
            and exists (select from parley.dead_letters where kind = 'start_conversation' and attempts = 2 and last_error <> '')"
        ),
    )
    .await;

    // What is no job.
    scene
        .run(
            "select parley.enqueue_job('tavus', 'of_a_newer_release', '{}');
            select parley.enqueue_job('tavus', 'end_conversation', '{\"app\": \"echoroom\"}');
            select pgmq.send('parley_tavus', '[1, 2]'::jsonb, 0)",
        )
        .await;
    until(
        &scene.owner,
        "three more dead letters",
        "(select count(*) = 1 from parley.dead_letters where kind = 'of_a_newer_release' and last_error like '%no such kind%')
        and (select count(*) = 1 from parley.dead_letters where kind = 'end_conversation' and last_error like '%payload%conversation%')
        and (select count(*) = 1 from parley.dead_letters where kind = '' and payload = '[1, 2]' and attempts = 1)",
    )
    .await;
    scene.until_empty().await;
    worker.stop().await;
    tavus.simulator.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_round_gives_seats_back_ends_orphans_heals_and_forgets() {
    let scene = Scene::start().await;
    let tavus = Simulated::start().await;
    let worker = RealWorker::start(&scene, &tavus, quick());
    // A call of which every event gets lost, its end above all.
    tavus.simulator.behave(Behaviour {
        script: Script::Lost,
        ..Behaviour::default()
    });
    scene.run(ROOM).await;
    scene.run(WISH).await;
    let is_active = format!("({NEWEST}).status = 'active' and ({NEWEST}).conversation_url is not null");
    until(&scene.owner, "a call", &is_active).await;
    let lost = scene.text(&format!("select ({NEWEST}).conversation_id")).await;
    assert!(tavus.simulator.end(&lost, "max_call_duration reached"));

    // A call in a room that everybody has left without a word, and a wish whose job somebody has deleted.
    scene
        .run(
            "insert into echoroom.sessions (id, category)
            values ('00000000-0000-4000-b000-000000000002', 'Calm'), ('00000000-0000-4000-b000-000000000003', 'Calm');
            insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
            values ('00000000-0000-4000-a000-000000000001', '00000000-0000-4000-b000-000000000002', 'Somebody', now() - interval '1 hour');
            insert into echoroom.conversations (session_id, persona_id, mood)
            values ('00000000-0000-4000-b000-000000000002', 'default_calm_persona', 'Calm')",
        )
        .await;
    let empty = "(select c from echoroom.conversations as c where session_id = '00000000-0000-4000-b000-000000000002')";
    until(
        &scene.owner,
        "a call in the empty room",
        &format!("({empty}).status = 'active' and ({empty}).claimed_until is null"),
    )
    .await;
    scene.until_empty().await;
    scene
        .run(
            "begin;
            insert into echoroom.conversations (session_id, persona_id, mood, created_at)
            values ('00000000-0000-4000-b000-000000000003', 'default_calm_persona', 'Calm', now() - interval '1 hour');
            delete from pgmq.q_parley_tavus; delete from parley.jobs;
            commit;
            insert into echoroom_private.conversation_events (conversation, event_type, event_key, body, received_at)
            select id, 'x', 'old', '{}', now() - interval '1 year' from echoroom.conversations limit 1;
            insert into parley.processed_events (source, event_key, digest, first_seen_at)
            values ('tavus', 'old', repeat('0', 64), now() - interval '1 year');
            update parley.job_schedules set is_enabled = true, next_run_at = now()",
        )
        .await;

    let by_id =
        |id: &str| format!("(select c from echoroom.conversations as c where conversation_id = '{id}')");
    let lost = by_id(&lost);
    for (what, condition) in [
        (
            "the healed end",
            format!("({lost}).status = 'ended' and ({lost}).shutdown_reason = 'max_call_duration reached'"),
        ),
        (
            "the seat",
            "not exists (select from echoroom.participants where session_id = '00000000-0000-4000-b000-000000000002')"
                .to_owned(),
        ),
        (
            "the end of the orphan",
            // Where the reconciliation comes after it, Tavus' own word for it counts more.
            format!(
                "({empty}).status = 'ended' and ({empty}).shutdown_reason in ('room_empty', 'end_conversation_endpoint_hit')"
            ),
        ),
        (
            "the forgotten wish",
            "(select c.conversation_id is not null from echoroom.conversations as c
                where session_id = '00000000-0000-4000-b000-000000000003')"
                .to_owned(),
        ),
        (
            "the old events",
            "not exists (select from echoroom_private.conversation_events where event_key = 'old')
                and not exists (select from parley.processed_events where event_key = 'old')"
                .to_owned(),
        ),
    ] {
        until(&scene.owner, what, &condition).await;
    }
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    worker.stop().await;
    tavus.simulator.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_of_a_demo_begins_with_a_wish_and_ends_with_the_demo() {
    let scene = Scene::start().await;
    let tavus = Simulated::start().await;
    let worker = RealWorker::start(&scene, &tavus, quick());
    scene.run(DEMO).await;
    until(
        &scene.owner,
        "a call",
        &format!("({CALL}).status = 'active' and ({CALL}).conversation_url is not null"),
    )
    .await;
    scene.until_empty().await;
    assert_eq!(tavus.simulator.conversations(), (1, 1));
    scene.run("delete from domo.demos").await;
    until(
        &scene.owner,
        "the end",
        &format!("({CALL}).status = 'ended' and ({CALL}).shutdown_reason = 'demo_deleted'"),
    )
    .await;
    assert_eq!(tavus.simulator.conversations(), (1, 0));

    // What comes round by itself runs for this app too.
    scene
        .run("update parley.job_schedules set is_enabled = true, next_run_at = now() where name like 'domo%'")
        .await;
    until(
        &scene.owner,
        "the rounds",
        "(select bool_and(last_run_at is not null) and count(*) > 4 from parley.job_schedules where name like 'domo%')
            and not exists (select from parley.jobs) and not exists (select from parley.dead_letters)",
    )
    .await;
    worker.stop().await;
    tavus.simulator.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_a_large_demo_are_put_on_shelves() {
    let scene = Scene::start().await;
    let tavus = Simulated::start().await;
    let worker = RealWorker::start(&scene, &tavus, quick());
    scene.run(DEMO).await;
    scene
        .run(
            "create or replace function parley.nearest_crossover() returns integer language sql immutable parallel safe return 50;
            insert into domo.knowledge_chunks (demo_id, content, vector_embedding)
            select d.id, 'number ' || n, array(select sin(n * 1000 + i)::real from generate_series(1, 1536) as i)::extensions.vector
            from domo.demos as d, generate_series(1, 60) as n;
            update parley.job_schedules set is_enabled = true, next_run_at = now() where name = 'shelve_nearest'",
        )
        .await;
    until(
        &scene.owner,
        "shelves",
        "exists (select from parley.nearest_shelves) and not exists (select from parley.nearest_codes where shelf = 0)",
    )
    .await;
    worker.stop().await;
    tavus.simulator.stop().await;
    scene.stop().await;
}
