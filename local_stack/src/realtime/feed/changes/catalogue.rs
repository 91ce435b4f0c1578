//! What the catalogue says of a table, and who may read which of its columns.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::PgConnection;

use super::change::{Change, Description};
use super::generated::Generated;

/// A column as the catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) type_oid: u32,
    /// As `columns` of a message shows it.
    pub(super) type_name: String,
    /// As a cast needs it: quoted and with its schema.
    pub(super) sql_type: String,
    pub(super) is_key: bool,
}

/// A table as the catalogue has it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) oid: i64,
    /// Quoted, with its schema.
    pub(super) sql_name: String,
    pub(super) has_row_security: bool,
    /// In their order in the table.
    pub(super) columns: Vec<Column>,
}

const TABLE: &str = "select format('%I.%I', n.nspname, c.relname), c.relrowsecurity
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid::bigint = $1";

const COLUMNS: &str =
    "select a.attname::text, t.oid::bigint, t.typname::text, format('%I.%I', n.nspname, t.typname),
        coalesce(a.attnum = any (p.conkey), false)
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_constraint p on p.conrelid = a.attrelid and p.contype = 'p'
    where a.attrelid::bigint = $1 and a.attnum > 0 and not a.attisdropped
    order by a.attnum";

const READABLE: &str = "select a.attname::text
    from pg_catalog.pg_attribute a
    where a.attrelid::bigint = $1 and a.attnum > 0 and not a.attisdropped
        and pg_catalog.has_column_privilege($2::text::name, a.attrelid, a.attnum, 'select')";

type ColumnRow = (String, i64, String, String, bool);

impl Table {
    /// `None` when there is no such table any more.
    pub(super) async fn read(connection: &mut PgConnection, oid: i64) -> sqlx::Result<Option<Self>> {
        let found: Option<(String, bool)> = sqlx::query_as(TABLE)
            .bind(oid)
            .fetch_optional(&mut *connection)
            .await?;
        let Some((sql_name, has_row_security)) = found else {
            return Ok(None);
        };
        let rows: Vec<ColumnRow> = sqlx::query_as(COLUMNS).bind(oid).fetch_all(connection).await?;
        let column = |(name, type_oid, type_name, sql_type, is_key): ColumnRow| Column {
            name,
            type_oid: u32::try_from(type_oid).unwrap_or_default(),
            type_name,
            sql_type,
            is_key,
        };
        Ok(Some(Self {
            oid,
            sql_name,
            has_row_security,
            columns: rows.into_iter().map(column).collect(),
        }))
    }

    /// The columns that a role may select. An unknown role is an error.
    pub(super) async fn readable(
        &self,
        connection: &mut PgConnection,
        role: &str,
    ) -> sqlx::Result<HashSet<String>> {
        let names: Vec<String> = sqlx::query_scalar(READABLE)
            .bind(self.oid)
            .bind(role)
            .fetch_all(connection)
            .await?;
        Ok(names.into_iter().collect())
    }
}

/// A table as one description of the stream shows it.
pub(super) struct Known {
    description: Arc<Description>,
    pub(super) table: Table,
    /// For every column of the description, and then for those that the stream leaves out, its place in the table; `None` when it was
    /// dropped since.
    places: Vec<Option<usize>>,
    generated: Option<Generated>,
    readable: HashMap<String, Arc<HashSet<String>>>,
}

impl Known {
    /// The column of the table that stands at a place of the tuples.
    pub(super) fn column(&self, place: usize) -> Option<&Column> {
        let index = self.places.get(place).copied().flatten()?;
        self.table.columns.get(index)
    }

    /// The places of the rows of a change, in the order of the table.
    pub(super) fn in_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.places.len()).collect();
        places.sort_by_key(|place| self.places.get(*place));
        places
    }

    /// The place of a column in the rows of a change.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let index = self.table.columns.iter().position(|column| column.name == name)?;
        self.places.iter().position(|place| *place == Some(index))
    }

    /// The change with what the stream leaves out.
    pub(super) async fn complete<'a>(
        &self,
        connection: &mut PgConnection,
        change: &'a Change,
    ) -> sqlx::Result<Cow<'a, Change>> {
        match &self.generated {
            None => Ok(Cow::Borrowed(change)),
            Some(generated) => generated.complete(connection, change).await.map(Cow::Owned),
        }
    }

    /// The columns that a role may select, looked up once for every description. A role that does not exist reads nothing.
    pub(super) async fn readable(
        &mut self,
        connection: &mut PgConnection,
        role: &str,
    ) -> sqlx::Result<Arc<HashSet<String>>> {
        if let Some(names) = self.readable.get(role) {
            return Ok(Arc::clone(names));
        }
        let names = match self.table.readable(connection, role).await {
            Err(error) if error.as_database_error().is_some() => {
                tracing::debug!(%error, role, "a subscriber of changes has an unusable role");
                HashSet::new()
            }
            other => other?,
        };
        let names = Arc::new(names);
        self.readable.insert(role.to_owned(), Arc::clone(&names));
        Ok(names)
    }
}

/// Every table that was changed while somebody was subscribed to it.
#[derive(Default)]
pub(super) struct Catalogue {
    tables: HashMap<u32, Known>,
}

impl Catalogue {
    /// The table of a change. It is read anew when the stream has described it anew: the server does that after every change of
    /// the table, of its policies' switch and of the rights on it.
    pub(super) async fn table(
        &mut self,
        connection: &mut PgConnection,
        description: &Arc<Description>,
    ) -> sqlx::Result<Option<&mut Known>> {
        let is_known = self
            .tables
            .get(&description.oid)
            .is_some_and(|known| Arc::ptr_eq(&known.description, description));
        if !is_known {
            self.tables.remove(&description.oid);
            let Some(table) = Table::read(&mut *connection, description.oid.into()).await? else {
                return Ok(None);
            };
            let place = |name: &str| table.columns.iter().position(|column| column.name == name);
            let generated = Generated::read(connection, description).await?;
            let described = description.columns.iter().map(|column| &*column.name);
            let places = described
                .chain(generated.iter().flat_map(Generated::names))
                .map(place)
                .collect();
            let known = Known {
                description: Arc::clone(description),
                table,
                places,
                generated,
                readable: HashMap::new(),
            };
            self.tables.insert(description.oid, known);
        }
        Ok(self.tables.get_mut(&description.oid))
    }
}
