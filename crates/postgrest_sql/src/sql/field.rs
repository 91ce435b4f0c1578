//! Columns, and what lies within their JSON.

use super::writer::Writer;
use crate::catalogue::Name;
use crate::plan::{OrderBy, Resolved, SelectColumn};
use crate::query::{Direction, JsonOperand, JsonStep, Nulls};

/// A column with its path.
pub(super) fn write_field(writer: &mut Writer, of: &Name, field: &Resolved) {
    if field.is_row {
        writer.identifier(&of.name);
        return;
    }
    if field.path.is_empty() {
        writer.column(of, &field.name);
        return;
    }
    if field.is_json {
        writer.column(of, &field.name);
    } else {
        writer.raw("to_jsonb(");
        writer.column(of, &field.name);
        writer.raw(")");
    }
    write_path(writer, &field.path);
}

fn write_path(writer: &mut Writer, path: &[JsonStep]) {
    for step in path {
        writer.raw(if step.is_text { "->>" } else { "->" });
        match &step.operand {
            JsonOperand::Key(key) => writer.value(key.as_str()),
            JsonOperand::Index(index) => {
                writer.value(index.as_str());
                writer.raw("::int");
            }
        }
    }
}

/// A selected column: cast, aggregated, cast again, renamed.
pub(super) fn write_selected(writer: &mut Writer, of: &Name, column: &SelectColumn) {
    let cast = |writer: &mut Writer, to: &str| {
        writer.raw(" as ");
        // Letters, digits, blanks, `_` and `$`: the parser lets nothing else through. Quotes would keep `int` from being a type.
        writer.raw(to);
        writer.raw(")");
    };
    if column.aggregate_cast.is_some() {
        writer.raw("cast(");
    }
    if let Some(aggregate) = column.aggregate {
        writer.raw(aggregate.name());
        writer.raw("(");
    }
    if column.cast.is_some() {
        writer.raw("cast(");
    }
    write_field(writer, of, &column.field);
    if let Some(to) = &column.cast {
        cast(writer, to);
    }
    if column.aggregate.is_some() {
        writer.raw(")");
    }
    if let Some(to) = &column.aggregate_cast {
        cast(writer, to);
    }
    if let Some(alias) = &column.alias {
        writer.raw(" as ");
        writer.identifier(alias);
    }
}

/// ` order by ...`, when there is an order.
pub(super) fn write_order(writer: &mut Writer, of: &Name, order: &[OrderBy]) {
    if order.is_empty() {
        return;
    }
    writer.raw(" order by ");
    writer.list(", ", order, |writer, term| {
        match &term.relation {
            Some(relation) => write_field(writer, &Name::bare(relation), &term.field),
            None => write_field(writer, of, &term.field),
        }
        writer.raw(match term.direction {
            Some(Direction::Ascending) => " asc",
            Some(Direction::Descending) => " desc",
            None => "",
        });
        writer.raw(match term.nulls {
            Some(Nulls::First) => " nulls first",
            Some(Nulls::Last) => " nulls last",
            None => "",
        });
    });
}
