//! `/v2/replicas`.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::naming;
use super::server::Shared;
use super::world::{page, text};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    page: Option<usize>,
    #[serde(default)]
    verbose: bool,
    replica_type: Option<String>,
}

pub(super) async fn list(State(shared): State<Shared>, Query(query): Query<ListQuery>) -> Json<Value> {
    shared.world(|world| {
        let kind = query.replica_type.as_deref();
        let fits = |row: &&Map<String, Value>| kind.is_none() || text(row, "replica_type") == kind;
        let rows = world.replicas.iter().filter(fits).map(|row| {
            let mut row = row.clone();
            if !query.verbose {
                row.remove("replica_type");
            }
            naming::outgoing(world.behaviour.naming, &row)
        });
        let rows: Vec<_> = rows.collect();
        let total = rows.len();
        let data = page(rows, query.page.unwrap_or(1), query.limit.unwrap_or(10));
        Json(json!({ "data": data, "total_count": total }))
    })
}
