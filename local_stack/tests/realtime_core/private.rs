//! What the policies on `realtime.messages` allow.

use local_stack::Stack;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::socket::{Frame, Socket, broadcasts, token};
use crate::support::Project;

/// The topic says what is allowed on it.
const POLICIES: &str = "
create policy \"readers read\" on realtime.messages for select to authenticated
    using (realtime.topic() like 'read%' and topic = realtime.topic() and extension = 'broadcast'
        or realtime.topic() like '%present%' and extension = 'presence');
create policy \"writers write\" on realtime.messages for insert to authenticated
    with check (realtime.topic() like '%write%' and extension = 'broadcast'
        or realtime.topic() like '%track%' and extension = 'presence');
create policy \"owners read their own\" on realtime.messages for select to authenticated
    using (realtime.topic() = 'of:' || (select auth.uid()));
create function public.fail() returns boolean language plpgsql as $$ begin raise exception 'no'; end $$;
create policy \"some fail\" on realtime.messages for select to authenticated
    using (realtime.topic() = 'failing' and public.fail());
";

const PRIVATE: &str = "Unauthorized: You do not have permissions to read from this Channel topic: ";

fn private(presence: bool) -> Value {
    json!({ "private": true, "broadcast": { "self": true }, "presence": { "enabled": presence, "key": "k" } })
}

async fn member(stack: &Stack, topic: &str, presence: bool) -> (Socket, Frame) {
    let mut socket = Socket::open(stack).await;
    let user = token(stack, "authenticated", "11111111-1111-1111-1111-111111111111", 60);
    let answer = socket.join(topic, private(presence), Some(&user)).await;
    (socket, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_decide() {
    let project = Project::new(POLICIES);
    let stack = project.start().await;
    reading_and_writing_are_asked_apart(&stack).await;
    presence_has_rights_of_its_own(&stack).await;
    missing_partition_is_named(&stack).await;
    stack.stop().await.unwrap();
}

async fn reading_and_writing_are_asked_apart(stack: &Stack) {
    let said = json!({ "type": "broadcast", "event": "e", "payload": 1 });

    let (_, answer) = member(stack, "realtime:write only", false).await;
    assert_eq!(answer.response()["reason"], format!("{PRIVATE}write only"));
    let (_, answer) = member(stack, "realtime:failing", false).await;
    assert_eq!(answer.response()["reason"], format!("{PRIVATE}failing"));
    let (_, answer) = member(stack, "realtime:of:22222222-2222-2222-2222-222222222222", false).await;
    assert_eq!(answer.status(), "error");
    let (_, answer) = member(stack, "realtime:of:11111111-1111-1111-1111-111111111111", false).await;
    assert_eq!(answer.status(), "ok");

    let (mut reader, answer) = member(stack, "realtime:read", false).await;
    assert_eq!(answer.status(), "ok");
    reader.send("1", "realtime:read", "broadcast", said.clone()).await;
    assert!(reader.so_far().await.is_empty(), "not even a refusal");

    let (mut writer, answer) = member(stack, "realtime:read write", false).await;
    assert_eq!(answer.status(), "ok");
    writer
        .send("1", "realtime:read write", "broadcast", said.clone())
        .await;
    writer.send("1", "realtime:read write", "broadcast", said).await;
    assert_eq!(writer.until("broadcast").await.payload["payload"], 1);

    // The probes leave nothing behind.
    let mut database = PgConnection::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from realtime.messages")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(rows, 0);
    drop(database);
}

async fn presence_has_rights_of_its_own(stack: &Stack) {
    let track = json!({ "event": "track", "payload": { "n": 1 } });

    // Reading presence alone is enough to join; broadcasts are not heard then.
    let topic = "realtime:present write track";
    let (mut ada, answer) = member(stack, topic, true).await;
    assert_eq!(answer.status(), "ok");
    assert_eq!(ada.until("presence_state").await.payload, json!({}));
    assert_eq!(
        ada.ask("1", topic, "presence", track.clone()).await.status(),
        "ok"
    );
    ada.send("1", topic, "broadcast", json!({ "event": "e" })).await;
    assert!(broadcasts(&ada.so_far().await).is_empty());

    // Without the right to be present one is not, and is told.
    let topic = "realtime:present";
    let (mut bob, answer) = member(stack, topic, true).await;
    assert_eq!(answer.status(), "ok");
    assert_eq!(
        bob.ask("1", topic, "presence", track.clone()).await.status(),
        "error"
    );

    // Whoever may not see who is there does not.
    let topic = "realtime:read track";
    let (mut eve, answer) = member(stack, topic, true).await;
    assert_eq!(answer.status(), "ok");
    assert_eq!(eve.ask("1", topic, "presence", track).await.status(), "ok");
    assert!(eve.so_far().await.is_empty());
}

async fn missing_partition_is_named(stack: &Stack) {
    let mut admin = PgConnection::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    let drop_all = "do $$ declare name text; begin
        for name in select inhrelid::regclass::text from pg_inherits where inhparent = 'realtime.messages'::regclass loop
            execute 'drop table ' || name;
        end loop;
    end $$";
    sqlx::raw_sql(drop_all).execute(&mut admin).await.unwrap();
    drop(admin);
    let (_, answer) = member(stack, "realtime:read", false).await;
    assert_eq!(
        answer.response()["reason"],
        "MissingPartition: Realtime was unable to find the expected messages partition"
    );
}
