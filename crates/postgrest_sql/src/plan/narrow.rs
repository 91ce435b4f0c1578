//! Filters, orders and ranges, each at the resource that it is for.

use super::Context;
use super::node::{Node, OrderBy, Resolved, Where};
use super::tree::Root;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::query::{Filter, Is, Logic, Operation, OrderTerm};

/// Gives every parameter to its resource.
pub(super) fn apply(context: &Context<'_>, root: &mut Node, rules: &Root) -> Result<(), Error> {
    let is_for_us = |path: &[String]| rules.is_narrowed || !path.is_empty();
    let parameters = context.parameters;
    for (path, filter) in parameters.filters.iter().filter(|(path, _)| is_for_us(path)) {
        let node = target(root, path)?;
        let condition = filtered(context.catalogue, node, filter);
        node.filters.push(condition);
    }
    for (path, logic) in parameters.logic.iter().filter(|(path, _)| is_for_us(path)) {
        let node = target(root, path)?;
        let condition = grouped(context.catalogue, node, logic);
        node.filters.push(condition);
    }
    for (path, terms) in &parameters.order {
        let node = target(root, path)?;
        let order: Result<Vec<OrderBy>, Error> = terms
            .iter()
            .map(|term| ordered(context.catalogue, node, term))
            .collect();
        node.order = order?;
    }
    if rules.is_narrowed {
        for (path, range) in &parameters.ranges {
            target(root, path)?.range = *range;
        }
        root.range = context.range;
    }
    Ok(())
}

/// The conditions that a parameter of the root makes, for a statement that changes rows.
pub(super) fn root_conditions(context: &Context<'_>, root: &Node) -> Vec<Where> {
    let filters = context
        .parameters
        .filters
        .iter()
        .filter(|(path, _)| path.is_empty());
    let logic = context
        .parameters
        .logic
        .iter()
        .filter(|(path, _)| path.is_empty());
    let bare = Node {
        children: Vec::new(),
        ..root.clone()
    };
    filters
        .map(|(_, filter)| filtered(context.catalogue, &bare, filter))
        .chain(logic.map(|(_, logic)| grouped(context.catalogue, &bare, logic)))
        .collect()
}

fn target<'a>(node: &'a mut Node, path: &[String]) -> Result<&'a mut Node, Error> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(node);
    };
    let child = node.children.iter_mut().find(|child| child.is_called(first));
    target(child.ok_or_else(|| Error::not_embedded(first))?, rest)
}

fn filtered(catalogue: &Catalogue, node: &Node, filter: &Filter) -> Where {
    let embedded = node
        .children
        .iter()
        .find(|child| child.output() == filter.field.name);
    if let (Some(child), Operation::Is(Is::Null)) = (embedded, &filter.condition.operation)
        && filter.field.path.is_empty()
    {
        return Where::EmbedIsNull {
            is_negated: filter.condition.is_negated,
            alias: child.join_alias.clone(),
        };
    }
    Where::Filter {
        field: Resolved::new(&filter.field, catalogue.relation(&node.relation)),
        condition: filter.condition.clone(),
    }
}

fn grouped(catalogue: &Catalogue, node: &Node, logic: &Logic) -> Where {
    match logic {
        Logic::Filter(filter) => filtered(catalogue, node, filter),
        Logic::Group {
            is_negated,
            connective,
            members,
        } => Where::Group {
            is_negated: *is_negated,
            connective: *connective,
            members: members
                .iter()
                .map(|member| grouped(catalogue, node, member))
                .collect(),
        },
    }
}

fn ordered(catalogue: &Catalogue, node: &Node, term: &OrderTerm) -> Result<OrderBy, Error> {
    let relation = match &term.relation {
        None => None,
        Some(name) => {
            let child = node.children.iter().find(|child| child.is_called(name));
            let child = child.ok_or_else(|| Error::not_embedded(name))?;
            if !child.is_to_one() {
                let from = &node.relation.name;
                return Err(Error::new(
                    400,
                    "PGRST118",
                    format!("A related order on '{name}' is not possible"),
                )
                .with_details(format!(
                    "'{from}' and '{name}' do not form a many-to-one or one-to-one relationship"
                )));
            }
            Some(child)
        }
    };
    let field = match relation {
        // The column of a join, whose type is not looked up.
        Some(_) => Resolved::new(&term.field, None),
        None => Resolved::new(&term.field, catalogue.relation(&node.relation)),
    };
    Ok(OrderBy {
        relation: relation.map(|child| child.join_alias.clone()),
        field,
        direction: term.direction,
        nulls: term.nulls,
    })
}
