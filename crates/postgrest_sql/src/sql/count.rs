//! How many rows a tree has without its limits.

use super::filter::NullEmbeds;
use super::read::{write_conditions, write_source};
use super::writer::Writer;
use crate::plan::Node;

/// One row of `1` for each row. Nothing is joined: what has to be there is asked with `exists`.
pub(crate) fn write_count(writer: &mut Writer, node: &Node) {
    writer.raw("select 1");
    write_source(writer, node);
    write_conditions(writer, node, NullEmbeds::Exists(&node.children));
    let mut before = if node.filters.is_empty() && !has_join_columns(node) {
        " where "
    } else {
        " and "
    };
    for child in &node.children {
        if child.join.as_ref().is_some_and(|join| join.is_inner) {
            writer.raw(before);
            write_exists(writer, child);
            before = " and ";
        }
    }
}

fn has_join_columns(node: &Node) -> bool {
    let needed = |join: &crate::plan::Join| !join.relationship.needed_columns().is_empty();
    node.join.as_ref().is_some_and(needed)
}

pub(super) fn write_exists(writer: &mut Writer, node: &Node) {
    writer.raw("exists (");
    write_count(writer, node);
    writer.raw(")");
}
