//! Statements that change rows.

use super::filter::{NullEmbeds, write_where};
use super::writer::{Writer, quoted};
use crate::catalogue::{Name, Relation};
use crate::plan::{Conflict, Mutation, MutationKind, Where};

/// The statement, with what it returns.
pub(crate) fn write_mutation(writer: &mut Writer, mutation: &Mutation<'_>) {
    match &mutation.kind {
        MutationKind::Insert { conflict, conditions } => {
            write_insert(writer, mutation, conflict.as_ref(), conditions)
        }
        MutationKind::Update { .. } if mutation.columns.is_empty() => return write_nothing(writer, mutation),
        MutationKind::Update { conditions } => write_update(writer, mutation, conditions),
        MutationKind::Delete { conditions } => {
            writer.raw("delete from ");
            writer.name(&mutation.relation.id());
            write_wheres(writer, &mutation.relation.id(), " where ", conditions);
        }
    }
    write_returning(writer, mutation);
}

/// A column that is written to, with its type.
fn write_typed(writer: &mut Writer, relation: &Relation, column: &str) {
    writer.identifier(column);
    writer.raw(" ");
    let declared = relation
        .column(column)
        .map(|column| column.declared_type.as_str());
    // From the catalogue of the database, never from a client.
    writer.raw(declared.unwrap_or("text"));
}

fn write_insert(
    writer: &mut Writer,
    mutation: &Mutation<'_>,
    conflict: Option<&Conflict>,
    conditions: &[Where],
) {
    writer.raw("insert into ");
    writer.name(&mutation.relation.id());
    if !mutation.columns.is_empty() {
        writer.raw("(");
        writer.list(", ", &mutation.columns, |writer, column| {
            writer.identifier(column)
        });
        writer.raw(")");
    }
    writer.raw(" select ");
    let body = Name::bare("pgrst_body");
    writer.list(", ", &mutation.columns, |writer, column| {
        writer.column(&body, column)
    });
    writer.raw(" from ");
    write_body(writer, mutation, false);
    let is_merge = matches!(conflict, Some(conflict) if conflict.is_merge);
    let is_counted = is_merge || !conditions.is_empty();
    if is_counted {
        writer.raw(" where ");
        write_counter(writer, true);
    }
    write_wheres(
        writer,
        &body,
        if is_counted { " and " } else { " where " },
        conditions,
    );
    if let Some(conflict) = conflict.filter(|conflict| !conflict.columns.is_empty()) {
        writer.raw(" on conflict(");
        writer.list(", ", &conflict.columns, |writer, column| {
            writer.identifier(column)
        });
        writer.raw(")");
        if !conflict.is_merge || mutation.columns.is_empty() {
            writer.raw(" do nothing");
            return;
        }
        writer.raw(" do update set ");
        writer.list(", ", &mutation.columns, |writer, column| {
            writer.identifier(column);
            writer.raw(" = excluded.");
            writer.identifier(column);
        });
        writer.raw(" where ");
        write_counter(writer, false);
    }
}

/// Counts the rows that are new, in a setting of the transaction: a row counts when it is about to be inserted, and no more when it turns
/// out to be there already. Always true.
fn write_counter(writer: &mut Writer, is_up: bool) {
    let (step, never) = if is_up { ("+ 1", "0") } else { ("- 1", "-1") };
    writer.raw(&format!(
        "set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) {step})::text, true) <> '{never}'"
    ));
}

fn write_update(writer: &mut Writer, mutation: &Mutation<'_>, conditions: &[Where]) {
    writer.raw("update ");
    writer.name(&mutation.relation.id());
    writer.raw(" set ");
    writer.list(", ", &mutation.columns, |writer, column| {
        writer.identifier(column);
        writer.raw(" = ");
        writer.column(&Name::bare("pgrst_body"), column);
    });
    writer.raw(" from ");
    write_body(writer, mutation, true);
    write_wheres(writer, &mutation.relation.id(), " where ", conditions);
}

/// An update of no columns: no rows, with the columns that were asked for.
fn write_nothing(writer: &mut Writer, mutation: &Mutation<'_>) {
    writer.raw("select ");
    if mutation.returning.is_empty() {
        writer.raw("null");
    }
    let of = Name::bare(&mutation.relation.name);
    writer.list(", ", &mutation.returning, |writer, column| {
        writer.column(&of, column)
    });
    writer.raw(" from ");
    writer.name(&mutation.relation.id());
    writer.raw(" where false");
}

fn write_wheres(writer: &mut Writer, of: &Name, first: &str, conditions: &[Where]) {
    if conditions.is_empty() {
        return;
    }
    writer.raw(first);
    writer.list(" and ", conditions, |writer, condition| {
        write_where(writer, of, condition, NullEmbeds::Joined);
    });
}

fn write_returning(writer: &mut Writer, mutation: &Mutation<'_>) {
    writer.raw(" returning ");
    if mutation.returning.is_empty() {
        // To know how many rows there were.
        writer.raw("1");
    }
    let of = mutation.relation.id();
    writer.list(", ", &mutation.returning, |writer, column| {
        writer.column(&of, column)
    });
}

/// The rows of the body, as `pgrst_body`.
fn write_body(writer: &mut Writer, mutation: &Mutation<'_>, is_one: bool) {
    let is_object = mutation.body.trim_start().starts_with('{');
    let kind = if mutation.applies_defaults {
        "jsonb"
    } else {
        "json"
    };
    let place = writer.parameter(Some(mutation.body.clone()));
    writer.raw(&format!("(select {place}::{kind} as data) pgrst_payload, "));
    let source = if mutation.applies_defaults {
        write_defaults(writer, mutation, is_object);
        "pgrst_defaults.data"
    } else {
        "pgrst_payload.data"
    };
    writer.raw("lateral (select ");
    writer.list(", ", &mutation.columns, |writer, column| {
        writer.identifier(column)
    });
    writer.raw(" from ");
    if mutation.columns.is_empty() {
        // A row for each object, though it has no columns.
        let rows = format!("{kind}_array_elements({source}) as pgrst_row");
        writer.raw(if is_object {
            "(values (1)) as pgrst_row"
        } else {
            &rows
        });
    } else {
        let function = if is_object { "to_record" } else { "to_recordset" };
        writer.raw(&format!("{kind}_{function}({source}) as pgrst_row("));
        writer.list(", ", &mutation.columns, |writer, column| {
            write_typed(writer, mutation.relation, column)
        });
        writer.raw(")");
    }
    if is_one {
        writer.raw(" limit 1");
    }
    writer.raw(") pgrst_body");
}

/// The rows with the defaults of their columns underneath.
fn write_defaults(writer: &mut Writer, mutation: &Mutation<'_>, is_object: bool) {
    let defaults: Vec<String> = mutation
        .columns
        .iter()
        .filter_map(|column| {
            let default = mutation.relation.column(column)?.default.as_ref()?;
            Some(format!("{}, {default}", literal(column)))
        })
        .collect();
    let defaults = format!("jsonb_build_object({})", defaults.join(", "));
    if is_object {
        writer.raw(&format!(
            "lateral (select {defaults} || pgrst_payload.data as data) pgrst_defaults, "
        ));
    } else {
        writer.raw(&format!(
            "lateral (select jsonb_agg({defaults} || element) as data from jsonb_array_elements(pgrst_payload.data) as element) pgrst_defaults, "
        ));
    }
}

/// A string constant. What is written so is a column's name, which the catalogue knows.
fn literal(text: &str) -> String {
    let text = quoted(text);
    let text = text
        .get(1..text.len().saturating_sub(1))
        .unwrap_or_default()
        .replace("\"\"", "\"");
    format!("e'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn literals_cannot_end_their_quotes() {
        assert_eq!(literal("it's"), "e'it''s'");
        assert_eq!(literal("a\\' or \"b\""), "e'a\\\\'' or \"b\"'");
    }
}
