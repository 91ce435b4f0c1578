//! What Postrust knows of the database, completed where PostgREST knows more, and read again when the database says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use postrust_core::SchemaCache;
use postrust_core::api_request::QualifiedIdentifier;
use postrust_core::schema_cache::{Column, RetType, Routine, Table};
use postrust_server::AppState;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::error::Error;

/// The channel of `notify pgrst`.
const CHANNEL: &str = "pgrst";

/// A migration notifies once a statement; PostgREST waits as long for the last one.
const DEBOUNCE: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(2);

/// The schema that tables which only describe a function's rows are in. It has to contain the word that marks such a type.
const ROWS_OF_FUNCTIONS: &str = "record";

/// One reading of the database.
#[derive(Clone)]
pub(super) struct Schema {
    pub(super) cache: Arc<SchemaCache>,
    /// `statement_timeout` of the functions that set one, by schema and name. Inside of the function it would come too late.
    timeouts: Arc<HashMap<(String, String), String>>,
}

impl Schema {
    /// Reads the database.
    pub(super) async fn read(app: &AppState, pool: &PgPool) -> Result<Self, Error> {
        let config = &app.config;
        let mut cache =
            SchemaCache::load_with_search_path(&app.pool, &config.db_schemas, &config.db_extra_search_path)
                .await
                .map_err(|error| Error::Rest(error.to_string()))?;
        describe_rows(&mut cache);
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "select n.nspname::text, p.proname::text, split_part(setting, '=', 2)
             from pg_catalog.pg_proc as p
             join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
             cross join unnest(p.proconfig) as setting
             where n.nspname = any ($1) and setting like 'statement_timeout=%'",
        )
        .bind(&config.db_schemas)
        .fetch_all(pool)
        .await
        .map_err(Error::database("reading the settings of functions"))?;
        let timeouts = rows
            .into_iter()
            .map(|(schema, name, value)| ((schema, name), value))
            .collect();
        Ok(Self {
            cache: Arc::new(cache),
            timeouts: Arc::new(timeouts),
        })
    }

    /// The statement timeout that a call of a function runs with, when the function sets one.
    pub(super) fn timeout_of(&self, schema: &str, function: &str) -> Option<String> {
        self.timeouts
            .get(&(schema.to_owned(), function.to_owned()))
            .cloned()
    }

    /// All functions of one name.
    pub(super) fn routines(&self, schema: &str, function: &str) -> &[Routine] {
        let name = QualifiedIdentifier::new(schema, function);
        self.cache.get_routines(&name).map_or(&[], Vec::as_slice)
    }
}

/// Postrust selects, filters, orders and pages the rows of a function when they are the rows of a table. A function that
/// declares its own columns (`returns table`, `out` arguments) gets a table of that shape, so that the same holds for it.
fn describe_rows(cache: &mut SchemaCache) {
    let mut tables = Vec::new();
    for routine in cache.routines.values_mut().flatten() {
        // One column alone has the type of the column, and PostgREST answers with objects all the same.
        if routine.output_columns.is_empty() {
            continue;
        }
        routine.returns_composite = true;
        // Overloads differ in the names of their arguments.
        let arguments: Vec<&str> = routine.params.iter().map(|param| param.name.as_str()).collect();
        let name = format!("{}.{}({})", routine.schema, routine.name, arguments.join(","));
        let type_name = format!("{ROWS_OF_FUNCTIONS}.{name}");
        tables.push((
            QualifiedIdentifier::new(ROWS_OF_FUNCTIONS, &name),
            table_of(routine, name),
        ));
        routine.return_type = match routine.return_type {
            RetType::SetOf(_) => RetType::SetOf(type_name),
            _ => RetType::Single(type_name),
        };
    }
    cache.tables.extend(tables);
}

fn table_of(routine: &Routine, name: String) -> Table {
    let column = |(position, (name, data_type)): (i32, &(String, String))| {
        let column = Column {
            name: name.clone(),
            description: None,
            nullable: true,
            data_type: data_type.clone(),
            nominal_type: data_type.clone(),
            domain_type: None,
            max_len: None,
            default: None,
            enum_values: Vec::new(),
            is_pk: false,
            position,
            always_generated: false,
        };
        (name.clone(), column)
    };
    Table {
        schema: ROWS_OF_FUNCTIONS.to_owned(),
        name,
        description: None,
        is_view: true,
        is_partitioned: false,
        insertable: false,
        updatable: false,
        deletable: false,
        pk_cols: Vec::new(),
        unique_constraints: Vec::new(),
        columns: (1..).zip(&routine.output_columns).map(column).collect(),
        computed_columns: HashMap::new(),
    }
}

/// Reads the database again after each notification, until it is dropped. A reading that fails leaves the one before in place.
pub(super) async fn follow(app: Arc<AppState>, pool: PgPool, current: watch::Sender<Schema>) {
    loop {
        if let Err(error) = listen(&app, &pool, &current).await {
            tracing::warn!(%error, "lost the notifications of the database; trying again");
            tokio::time::sleep(RETRY).await;
            // Something may have changed meanwhile.
            refresh(&app, &pool, &current).await;
        }
    }
}

async fn listen(app: &AppState, pool: &PgPool, current: &watch::Sender<Schema>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        listener.recv().await?;
        while let Ok(more) = tokio::time::timeout(DEBOUNCE, listener.recv()).await {
            more?;
        }
        refresh(app, pool, current).await;
    }
}

async fn refresh(app: &AppState, pool: &PgPool, current: &watch::Sender<Schema>) {
    match Schema::read(app, pool).await {
        Ok(schema) => {
            current.send_replace(schema);
        }
        Err(error) => tracing::warn!(%error, "could not read the schema again; serving the one before"),
    }
}
