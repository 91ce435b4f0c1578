//! A tree of resources as one `select`: each embedded resource is a lateral join that gives its rows as JSON.

use super::field::{write_field, write_order, write_selected};
use super::filter::{NullEmbeds, write_where};
use super::writer::Writer;
use crate::catalogue::{Kind, Name};
use crate::plan::{Join, Node, Spread, SpreadColumn};

/// The rows of a node.
pub(crate) fn write_node(writer: &mut Writer, node: &Node) {
    let of = node.qualifier();
    writer.raw("select ");
    let mut columns = Columns { is_first: true };
    if node.select.is_empty() && node.children.is_empty() {
        writer.column(&of, "*");
    }
    for column in &node.select {
        columns.next(writer);
        write_selected(writer, &of, column);
    }
    if is_list(node) {
        for (place, term) in node.order.iter().enumerate() {
            columns.next(writer);
            let of = term
                .relation
                .as_ref()
                .map_or_else(|| of.clone(), |alias| Name::bare(alias));
            write_field(writer, &of, &term.field);
            writer.raw(" as ");
            writer.identifier(&order_alias(node, place));
        }
    }
    for child in &node.children {
        write_embedded(writer, &mut columns, child);
    }
    write_source(writer, node);
    for child in &node.children {
        if let Some(join) = &child.join {
            write_join(writer, child, join);
        }
    }
    write_conditions(writer, node, NullEmbeds::Joined);
    write_groups(writer, node);
    if !is_list(node) {
        write_order(writer, &of, &node.order);
    }
    write_range(writer, node);
}

/// Puts commas between columns.
struct Columns {
    is_first: bool,
}

impl Columns {
    fn next(&mut self, writer: &mut Writer) {
        if !self.is_first {
            writer.raw(", ");
        }
        self.is_first = false;
    }
}

/// Whether its columns become lists, which have their order inside.
fn is_list(node: &Node) -> bool {
    node.spread().is_some() && !node.is_to_one()
}

fn order_alias(node: &Node, place: usize) -> String {
    format!("order_{place}_{}", node.join_alias)
}

/// What the embedding resource selects of an embedded one.
fn write_embedded(writer: &mut Writer, columns: &mut Columns, child: &Node) {
    if let Some(spread) = child.spread() {
        for column in &spread.columns {
            columns.next(writer);
            write_spread_column(writer, &child.join_alias, column);
        }
        return;
    }
    if child.is_empty() {
        return;
    }
    columns.next(writer);
    if child.is_to_one() {
        writer.raw("row_to_json(");
        writer.identifier(&child.join_alias);
        writer.raw(".*)::jsonb");
    } else {
        writer.raw("coalesce(");
        writer.column(&Name::bare(&child.join_alias), &child.join_alias);
        writer.raw(", '[]')");
    }
    writer.raw(" as ");
    writer.identifier(child.output());
}

fn write_spread_column(writer: &mut Writer, join_alias: &str, column: &SpreadColumn) {
    if column.cast.is_some() {
        writer.raw("cast(");
    }
    if let Some(aggregate) = column.aggregate {
        writer.raw(aggregate.name());
        writer.raw("(");
    }
    writer.column(&Name::bare(join_alias), &column.name);
    if column.aggregate.is_some() {
        writer.raw(")");
    }
    if let Some(cast) = &column.cast {
        writer.raw(" as ");
        writer.raw(cast);
        writer.raw(")");
    }
    if let Some(alias) = &column.alias {
        writer.raw(" as ");
        writer.identifier(alias);
    }
}

/// ` from ...`
pub(super) fn write_source(writer: &mut Writer, node: &Node) {
    writer.raw(" from ");
    writer.name(&node.source);
    let kind = node.join.as_ref().map(|join| (&join.relationship.kind, join));
    if let Some((Kind::Computed { .. }, join)) = kind {
        writer.raw("(");
        writer.identifier(&join.parent.name);
        // A function may be overloaded, and the rows of a statement that writes have no type of their own.
        writer.raw("::");
        writer.name(&join.relationship.from);
        writer.raw(")");
    }
    if let Some(alias) = &node.source_alias {
        writer.raw(" as ");
        writer.identifier(alias);
    }
    if let Some((Kind::ManyToMany(junction), _)) = kind {
        writer.raw(", ");
        writer.name(&junction.relation);
        writer.raw(" as ");
        writer.identifier(&junction_alias(node));
    }
}

fn junction_alias(node: &Node) -> String {
    format!("junction_{}", node.join_alias)
}

/// ` where ...`, with what joins a node to the one that embeds it.
pub(super) fn write_conditions(writer: &mut Writer, node: &Node, embeds: NullEmbeds<'_>) {
    let of = node.qualifier();
    let mut before = " where ";
    for filter in &node.filters {
        writer.raw(before);
        write_where(writer, &of, filter, embeds);
        before = " and ";
    }
    let Some(join) = &node.join else {
        return;
    };
    for (left, right) in join_columns(node, join) {
        writer.raw(before);
        writer.column(&left.0, left.1);
        writer.raw(" = ");
        writer.column(&right.0, right.1);
        before = " and ";
    }
}

/// A column and what it is qualified with.
type Side<'a> = (Name, &'a str);

/// The columns that are equal: those of the embedded resource and those of the embedding one, or both with those of the junction.
fn join_columns<'a>(node: &Node, join: &'a Join) -> Vec<(Side<'a>, Side<'a>)> {
    let (own, parent) = (node.qualifier(), join.parent.clone());
    match &join.relationship.kind {
        Kind::ManyToMany(junction) => {
            let between = Name::bare(&junction_alias(node));
            let near = junction
                .to_columns
                .iter()
                .map(|(end, middle)| ((own.clone(), end.as_str()), (between.clone(), middle.as_str())));
            let far = junction
                .from_columns
                .iter()
                .map(|(end, middle)| ((parent.clone(), end.as_str()), (between.clone(), middle.as_str())));
            near.chain(far).collect()
        }
        _ => {
            let columns = join.relationship.key().map_or(&[][..], |(_, columns)| columns);
            columns
                .iter()
                .map(|(near, far)| ((own.clone(), far.as_str()), (parent.clone(), near.as_str())))
                .collect()
        }
    }
}

/// One lateral join.
fn write_join(writer: &mut Writer, child: &Node, join: &Join) {
    writer.raw(if join.is_inner {
        " inner join lateral ("
    } else {
        " left join lateral ("
    });
    let is_array = !child.is_to_one();
    if is_array {
        // The column has the name of the join, so that the name alone is null when there are no rows.
        writer.raw("select json_agg(");
        writer.identifier(&child.join_alias);
        writer.raw(")::jsonb as ");
        writer.identifier(&child.join_alias);
        if let Some(spread) = &join.spread {
            write_lists(writer, child, spread);
        }
        writer.raw(" from (");
    }
    write_node(writer, child);
    if is_array {
        writer.raw(") as ");
        writer.identifier(&child.join_alias);
    }
    writer.raw(") as ");
    writer.identifier(&child.join_alias);
    writer.raw(" on ");
    if is_array && join.is_inner {
        writer.identifier(&child.join_alias);
        writer.raw(" is not null");
    } else {
        writer.raw("true");
    }
}

/// Each column of a spread with many rows, as a list.
fn write_lists(writer: &mut Writer, child: &Node, spread: &Spread) {
    let inner = Name::bare(&child.join_alias);
    for column in &spread.columns {
        writer.raw(", coalesce(json_agg(");
        writer.column(&inner, &column.name);
        let order: Vec<_> = (0..child.order.len())
            .zip(&child.order)
            .map(|(place, term)| {
                let mut term = term.clone();
                term.relation = None;
                term.field = crate::plan::Resolved::column(&order_alias(child, place));
                term
            })
            .collect();
        write_order(writer, &inner, &order);
        writer.raw("), '[]')::jsonb as ");
        writer.identifier(&column.name);
    }
}

/// ` group by ...`, when anything is aggregated.
fn write_groups(writer: &mut Writer, node: &Node) {
    let spreads = || {
        node.children
            .iter()
            .filter_map(|child| Some((child, child.spread()?)))
    };
    let is_aggregated = node.select.iter().any(|column| column.aggregate.is_some())
        || spreads().any(|(_, spread)| spread.columns.iter().any(|column| column.aggregate.is_some()));
    if !is_aggregated {
        return;
    }
    let of = node.qualifier();
    let mut before = " group by ";
    for column in node.select.iter().filter(|column| column.aggregate.is_none()) {
        writer.raw(before);
        match &column.alias {
            Some(alias) => writer.identifier(alias),
            None => write_field(writer, &of, &column.field),
        }
        before = ", ";
    }
    for child in &node.children {
        match child.spread() {
            None if child.is_empty() => {}
            None => {
                writer.raw(before);
                writer.identifier(child.output());
                before = ", ";
            }
            Some(spread) => {
                for column in spread.columns.iter().filter(|column| column.aggregate.is_none()) {
                    writer.raw(before);
                    writer.column(&Name::bare(&child.join_alias), &column.name);
                    before = ", ";
                }
            }
        }
    }
}

fn write_range(writer: &mut Writer, node: &Node) {
    if let Some(limit) = node.range.limit {
        writer.raw(" limit ");
        writer.value(limit.to_string());
    }
    if node.range.offset != 0 {
        writer.raw(" offset ");
        writer.value(node.range.offset.to_string());
    }
}
