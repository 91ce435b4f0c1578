//! From what is selected to the tree of resources.

use super::node::{Join, Node, Resolved, SelectColumn, Spread};
use super::relationship::find;
use super::{Context, narrow, spread};
use crate::catalogue::{Kind, Name};
use crate::error::Error;
use crate::headers::Range;
use crate::query::{Embed, Item};

/// Where the rows of the root come from.
pub(super) struct Root {
    /// The relation whose columns and relationships it has.
    pub(super) relation: Name,
    /// What stands after `from`, and its alias.
    pub(super) source: Name,
    pub(super) alias: Option<String>,
    /// Whether filters, order and limit of the root are for the rows that come from there.
    pub(super) is_narrowed: bool,
    /// The most rows of any resource.
    pub(super) max_rows: Option<i64>,
}

/// The whole tree.
pub(super) fn build(context: &Context<'_>, root: &Root) -> Result<Node, Error> {
    let mut node = Node {
        name: root.relation.name.clone(),
        alias: None,
        depth: 0,
        relation: root.relation.clone(),
        source: root.source.clone(),
        source_alias: root.alias.clone(),
        select: Vec::new(),
        filters: Vec::new(),
        order: Vec::new(),
        range: Range::default(),
        join: None,
        join_alias: String::new(),
        children: Vec::new(),
    };
    fill(context, &mut node, &context.parameters.select)?;
    narrow::apply(context, &mut node, root)?;
    spread::finish(context, &mut node)?;
    limit(&mut node, root.max_rows);
    Ok(node)
}

fn limit(node: &mut Node, rows: Option<i64>) {
    node.range = node.range.at_most(rows);
    for child in &mut node.children {
        limit(child, rows);
    }
}

fn fill(context: &Context<'_>, node: &mut Node, items: &[Item]) -> Result<(), Error> {
    let is_spread = node.spread().is_some();
    for item in items {
        match item {
            Item::Column(column) => {
                let relation = context.catalogue.relation(&node.relation);
                let named = column.alias.clone();
                let alias = match column.aggregate {
                    // A spread needs a name for what its parent is to aggregate.
                    Some(aggregate) if is_spread => named.or_else(|| Some(aggregate.name().to_owned())),
                    Some(_) => named,
                    None => named.or_else(|| column.field.path_name().map(str::to_owned)),
                };
                node.select.push(SelectColumn {
                    field: Resolved::new(&column.field, relation),
                    alias,
                    cast: column.cast.clone(),
                    aggregate: column.aggregate,
                    aggregate_cast: column.aggregate_cast.clone(),
                });
            }
            Item::Embed(embed) => {
                let child = embedded(context, node, embed)?;
                node.children.push(child);
            }
        }
    }
    Ok(())
}

fn embedded(context: &Context<'_>, parent: &Node, embed: &Embed) -> Result<Node, Error> {
    let schema = &context.schema;
    // The rows of a function have no schema of their own.
    let origin = Name::new(schema, &parent.relation.name);
    let relationship = find(context.catalogue, &origin, &embed.name, embed.hint.as_deref())?;
    let depth = parent.depth + 1;
    let output = embed.alias.as_deref().unwrap_or(&embed.name);
    let source = match &relationship.kind {
        Kind::Computed { function, .. } => function.clone(),
        _ => relationship.to.clone(),
    };
    let mut node = Node {
        name: embed.name.clone(),
        alias: embed.alias.clone(),
        depth,
        relation: relationship.to.clone(),
        source,
        source_alias: Some(format!("{}_{depth}", relationship.to.name)),
        select: Vec::new(),
        filters: Vec::new(),
        order: Vec::new(),
        range: Range::default(),
        // Two of the same name are refused by Postgres, instead of one being lost in the answer.
        join_alias: format!("{}_{output}_{depth}", relationship.from.name),
        join: Some(Join {
            is_inner: embed.is_inner,
            spread: embed.is_spread.then(Spread::default),
            parent: parent.qualifier(),
            relationship,
        }),
        children: Vec::new(),
    };
    fill(context, &mut node, &embed.items)?;
    Ok(node)
}
