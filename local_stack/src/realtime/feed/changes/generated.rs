//! Stored generated columns, which the stream leaves out: pgoutput sends none up to PostgreSQL 17, and later only where a publication asks
//! for it. What Supabase decodes with has them, so a client expects them.
//!
//! Postgres computes them again from the values that the stream has, with the expression of the column. That is exact, because such an
//! expression may use nothing but the row and functions that always answer the same; it is off only where a function was replaced since.
//! A value that is computed from one that the stream has not (a long one that an update left alone) is left out, too.

use sqlx::{Connection as _, PgConnection};

use super::change::{Cell, Change, Description};

/// A column, its expression, and the columns that it is computed from: their names, types and collations. An expression is shown without
/// what Postgres casts by itself, so the type comes with it.
const COLUMNS: &str = "select a.attname::text,
        format('(%s)::%s', pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.format_type(a.atttypid, a.atttypmod)),
        coalesce(array_agg(i.attname::text order by i.attnum) filter (where i.attnum > 0), '{}'),
        coalesce(array_agg(format('%I.%I', tn.nspname, t.typname) || case
            when i.attcollation in (0, t.typcollation) then ''
            else format(' collate %I.%I', cn.nspname, c.collname)
        end order by i.attnum) filter (where i.attnum > 0), '{}')
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and p.objid = d.oid
        and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = a.attrelid and p.refobjsubid <> a.attnum
    left join pg_catalog.pg_attribute i on i.attrelid = a.attrelid and i.attnum = p.refobjsubid
    left join pg_catalog.pg_type t on t.oid = i.atttypid
    left join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
    left join pg_catalog.pg_collation c on c.oid = i.attcollation
    left join pg_catalog.pg_namespace cn on cn.oid = c.collnamespace
    where a.attrelid::bigint = $1 and a.attgenerated = 's' and not a.attisdropped
    group by a.attnum, a.attname, a.atttypid, a.atttypmod, d.adbin, d.adrelid
    order by a.attnum";

const TABLE: &str = "select pg_catalog.pg_get_userbyid(relowner)::text, relreplident = 'f'
    from pg_catalog.pg_class
    where oid::bigint = $1";

/// The rights of whoever owns the table, who may not write, for a short while; and the forms in which the stream writes values.
const ASSUME: &str = "select set_config('transaction_read_only', 'on', true), set_config('statement_timeout', '3s', true),
    set_config('datestyle', 'iso, mdy', true), set_config('intervalstyle', 'postgres', true), set_config('timezone', 'UTC', true),
    set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true), set_config('role', $1, true)";

type ColumnRow = (String, String, Vec<String>, Vec<String>);

/// One of them.
#[derive(Debug)]
struct Column {
    name: String,
    /// Takes the inputs as text, and answers with text.
    statement: String,
    /// The places of the inputs in the tuples of the stream.
    inputs: Vec<usize>,
}

/// Those of a table that the stream does not have.
#[derive(Debug)]
pub(super) struct Generated {
    owner: String,
    /// Whether the old row is known as a whole, and not by its key alone.
    is_old_whole: bool,
    columns: Vec<Column>,
}

impl Generated {
    /// Looks them up. Most tables have none.
    pub(super) async fn read(
        connection: &mut PgConnection,
        description: &Description,
    ) -> sqlx::Result<Option<Self>> {
        let oid = i64::from(description.oid);
        let rows: Vec<ColumnRow> = sqlx::query_as(COLUMNS)
            .bind(oid)
            .fetch_all(&mut *connection)
            .await?;
        let place = |name: &str| {
            description
                .columns
                .iter()
                .position(|column| &*column.name == name)
        };
        let columns: Vec<Column> = rows
            .into_iter()
            .filter(|(name, ..)| place(name).is_none())
            .filter_map(|(name, expression, inputs, types)| {
                let statement = statement(oid, &expression, &inputs, &types);
                let inputs = inputs.iter().map(|input| place(input)).collect::<Option<_>>()?;
                Some(Column {
                    name,
                    statement,
                    inputs,
                })
            })
            .collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let found: Option<(String, bool)> =
            sqlx::query_as(TABLE).bind(oid).fetch_optional(connection).await?;
        Ok(found.map(|(owner, is_old_whole)| Self {
            owner,
            is_old_whole,
            columns,
        }))
    }

    /// Their names, in the order in which [`Generated::complete`] adds them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The change with their values at the end of its rows.
    pub(super) async fn complete(
        &self,
        connection: &mut PgConnection,
        change: &Change,
    ) -> sqlx::Result<Change> {
        let mut whole = change.clone();
        if let Some(new) = &mut whole.new {
            // What the new row has not is as it was before.
            let before = change.old.as_deref().unwrap_or_default();
            let known: Vec<Cell> = new
                .iter()
                .enumerate()
                .map(|(place, cell)| match cell {
                    Cell::Absent => before.get(place).unwrap_or(cell).clone(),
                    Cell::Null | Cell::Text(_) => cell.clone(),
                })
                .collect();
            new.extend(self.compute(connection, &known).await?);
        }
        if let Some(old) = &mut whole.old {
            let computed = if self.is_old_whole {
                self.compute(connection, old).await?
            } else {
                vec![Cell::Absent; self.columns.len()]
            };
            old.extend(computed);
        }
        Ok(whole)
    }

    async fn compute(&self, connection: &mut PgConnection, row: &[Cell]) -> sqlx::Result<Vec<Cell>> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut inputs = Vec::with_capacity(column.inputs.len());
            for place in &column.inputs {
                match row.get(*place) {
                    Some(Cell::Text(text)) => inputs.push(Some(&**text)),
                    Some(Cell::Null) => inputs.push(None),
                    Some(Cell::Absent) | None => {}
                }
            }
            cells.push(if inputs.len() == column.inputs.len() {
                match self.ask(connection, &column.statement, &inputs).await {
                    Err(error) if error.as_database_error().is_some() => {
                        tracing::debug!(%error, column = column.name, "a generated column cannot be computed");
                        Cell::Absent
                    }
                    value => value?.map_or(Cell::Null, |text| Cell::Text(text.into())),
                }
            } else {
                Cell::Absent
            });
        }
        Ok(cells)
    }

    /// Whatever the expression does is undone.
    async fn ask(
        &self,
        connection: &mut PgConnection,
        statement: &str,
        inputs: &[Option<&str>],
    ) -> sqlx::Result<Option<String>> {
        let mut transaction = connection.begin().await?;
        sqlx::query(ASSUME)
            .bind(&self.owner)
            .execute(&mut *transaction)
            .await?;
        let mut query = sqlx::query_scalar(statement);
        for input in inputs {
            query = query.bind(*input);
        }
        let value = query.fetch_one(&mut *transaction).await;
        transaction.rollback().await?;
        value
    }
}

/// `format` writes a value as the stream does; a cast to text would not, for a boolean for one.
fn statement(oid: i64, expression: &str, inputs: &[String], types: &[String]) -> String {
    let inputs = inputs
        .iter()
        .zip(types)
        .zip(1..)
        .map(|((name, sql_type), number)| {
            let name = name.replace('"', "\"\"");
            format!("${number}::text::{sql_type} as \"{name}\", ")
        });
    let inputs: String = inputs.collect();
    format!(
        "select case when pg_catalog.num_nulls(value) = 0 then pg_catalog.format('%s', value) end
        from (select {expression} as value from (select {inputs}{oid}::oid as tableoid) as inputs) as computed"
    )
}
