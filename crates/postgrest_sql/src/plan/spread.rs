//! Aggregates, and resources whose columns become columns of the embedding one.

use super::Context;
use super::node::{Node, Resolved, SelectColumn, SpreadColumn};
use crate::catalogue::Catalogue;
use crate::error::Error;

/// Checks aggregates and moves those of spread resources to where they count.
pub(super) fn finish(context: &Context<'_>, root: &mut Node) -> Result<(), Error> {
    if has_aggregate(root) && !context.settings.allows_aggregates {
        return Err(Error::new(
            400,
            "PGRST123",
            "Use of aggregate functions is not allowed",
        ));
    }
    // Grouping, and lists of single columns, need every column by its name.
    if has_aggregate(root) || has_many_spread(root) {
        expand_stars(context.catalogue, root);
    }
    lift(root)
}

fn has_aggregate(node: &Node) -> bool {
    node.select.iter().any(|column| column.aggregate.is_some()) || node.children.iter().any(has_aggregate)
}

fn has_many_spread(node: &Node) -> bool {
    is_many_spread(node) || node.children.iter().any(has_many_spread)
}

fn is_many_spread(node: &Node) -> bool {
    node.spread().is_some() && !node.is_to_one()
}

fn expand_stars(catalogue: &Catalogue, node: &mut Node) {
    let is_spread = node.spread().is_some();
    let columns = catalogue
        .relation(&node.relation)
        .map(|relation| relation.columns.as_slice());
    if let Some(columns) = columns {
        let mut select = Vec::new();
        for mut column in std::mem::take(&mut node.select) {
            if column.is_star() {
                let all = columns
                    .iter()
                    .map(|column| SelectColumn::plain(Resolved::column(&column.name)));
                select.extend(all);
                continue;
            }
            // What is counted above is whole rows.
            column.field.is_row = is_spread && column.field.name == "*";
            select.push(column);
        }
        node.select = select;
    }
    for child in &mut node.children {
        expand_stars(catalogue, child);
    }
}

/// From the leaves up: what each spread resource gives to the one that embeds it. Through a chain to single rows aggregates go all the
/// way up, since only there more than one row meets.
fn lift(node: &mut Node) -> Result<(), Error> {
    for child in &mut node.children {
        lift(child)?;
    }
    let is_many = is_many_spread(node);
    if node.spread().is_none() {
        return Ok(());
    }
    let mut columns = Vec::new();
    for column in &mut node.select {
        if is_many && column.aggregate.is_some() {
            return Err(no_aggregates());
        }
        columns.push(SpreadColumn {
            name: column.output().to_owned(),
            alias: None,
            aggregate: column.aggregate.take(),
            cast: column.aggregate_cast.take(),
        });
    }
    for child in &mut node.children {
        let is_empty = child.is_empty();
        let output = child.output().to_owned();
        match child.join.as_mut().and_then(|join| join.spread.as_mut()) {
            None if is_empty => {}
            None => columns.push(SpreadColumn::plain(&output)),
            Some(spread) => {
                for column in &mut spread.columns {
                    if is_many && column.aggregate.is_some() {
                        return Err(no_aggregates());
                    }
                    columns.push(SpreadColumn {
                        name: column.output().to_owned(),
                        alias: None,
                        aggregate: column.aggregate.take(),
                        cast: column.cast.take(),
                    });
                }
            }
        }
    }
    for column in &mut columns {
        // An aggregate would be called after its function.
        if column.aggregate.is_some() {
            column.alias = Some(column.name.clone());
        }
    }
    if let Some(spread) = node.join.as_mut().and_then(|join| join.spread.as_mut()) {
        spread.columns = columns;
    }
    Ok(())
}

fn no_aggregates() -> Error {
    Error::new(400, "PGRST127", "Feature not implemented")
        .with_details("Aggregates are not implemented for one-to-many or many-to-many spreads.")
}
