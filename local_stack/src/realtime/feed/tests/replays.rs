//! What a channel missed can be asked for.

use super::support::{Bench, key, person};
use crate::realtime::feed::{StoredBroadcast, StoredPayload};

const MIGRATION: &str = "
create policy \"people hear their own rooms\" on realtime.messages for select to authenticated
using (
    extension = 'broadcast'
    and (select realtime.topic()) = topic
    and topic = 'room:' || (select auth.uid())::text
);";

const ANN: &str = "00000000-0000-4000-8000-00000000000a";
const BEN: &str = "00000000-0000-4000-8000-00000000000b";

fn events(messages: &[StoredBroadcast]) -> Vec<&str> {
    messages.iter().map(|message| message.event.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_private_messages_come_oldest_first_to_those_who_may_read() {
    let bench = Bench::start(MIGRATION).await;
    let topic = format!("room:{ANN}");
    bench
        .run(
            "postgres",
            &format!(
                "set timezone to 'UTC';
                select realtime.send('{{}}', 'public', '{topic}', false);
                select realtime.send(null, 'nothing', '{topic}', true);
                select realtime.send('{{}}', n::text, '{topic}', true) from generate_series(1, 30) as n;
                select realtime.send_binary('\\x01', 'bytes', '{topic}', true);
                select realtime.send('{{}}', 'elsewhere', 'room:{BEN}', true);
                insert into realtime.messages (topic, extension, payload, event, private, inserted_at)
                values ('{topic}', 'broadcast', '{{}}', 'yesterday', true, now() - interval '23 hours'),
                    ('{topic}', 'broadcast', '{{}}', 'tomorrow', true, now() + interval '9 hours');"
            ),
        )
        .await;
    bench
        .run(
            "supabase_admin",
            &format!(
                "create table realtime.messages_old partition of realtime.messages
                    for values from ('2020-01-01') to ('2020-01-02');
                insert into realtime.messages (topic, extension, payload, event, private, inserted_at)
                values ('{topic}', 'broadcast', '{{}}', 'ancient', true, '2020-01-01 12:00');"
            ),
        )
        .await;
    let ann = person(ANN);
    let latest = bench.feed.replay(&ann, &topic, 0, 3).await.unwrap();
    assert_eq!(events(&latest), ["29", "30", "bytes"]);
    assert_eq!(latest[2].payload, StoredPayload::Binary(vec![1].into()));
    assert!(
        latest
            .iter()
            .all(|message| message.is_private && message.topic == topic)
    );

    for (limit, count) in [(-5, 1), (0, 1), (1, 1), (25, 25), (9_000, 25)] {
        let messages = bench.feed.replay(&ann, &topic, i64::MIN, limit).await.unwrap();
        assert_eq!(messages.len(), count, "limit {limit}");
    }
    let now = chrono::Utc::now().timestamp_millis();
    for since in [now + 60_000, i64::MAX] {
        assert_eq!(bench.feed.replay(&ann, &topic, since, 25).await.unwrap(), []);
    }
    assert_eq!(bench.feed.replay(&person(BEN), &topic, 0, 25).await.unwrap(), []);
    assert_eq!(bench.feed.replay(&key("anon"), &topic, 0, 25).await.unwrap(), []);

    bench
        .run(
            "postgres",
            "delete from realtime.messages where event ~ '^([0-9]|bytes)'",
        )
        .await;
    let rest = bench
        .feed
        .replay(&key("service_role"), &topic, 0, 25)
        .await
        .unwrap();
    assert_eq!(
        events(&rest),
        ["yesterday"],
        "what is older than 72 hours is not told"
    );
    bench.stop().await;
}
