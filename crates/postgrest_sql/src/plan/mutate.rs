//! Changing rows of a relation.

use std::collections::BTreeSet;

use super::action::Change;
use super::narrow::root_conditions;
use super::node::{Node, Where};
use super::tree::{Root, build};
use super::{Context, Plan};
use crate::catalogue::{Kind, Name, Relation};
use crate::error::Error;
use crate::headers::{MediaType, Representation, Resolution};
use crate::payload::{Content, Payload};
use crate::query::Operation;
use crate::respond::{Answered, Expectation};
use crate::sql::{Counting, SOURCE, Wrapped, Writer, write_mutation, write_wrapped};

/// A change of a relation's rows.
pub(crate) struct Mutation<'a> {
    pub(crate) relation: &'a Relation,
    pub(crate) kind: MutationKind,
    /// The columns that are written.
    pub(crate) columns: Vec<String>,
    /// JSON.
    pub(crate) body: String,
    /// Whether what a row leaves out takes its default instead of null.
    pub(crate) applies_defaults: bool,
    /// The columns that come back.
    pub(crate) returning: Vec<String>,
}

pub(crate) enum MutationKind {
    /// The conditions are on the body: only what fits is inserted.
    Insert {
        conflict: Option<Conflict>,
        conditions: Vec<Where>,
    },
    Update {
        conditions: Vec<Where>,
    },
    Delete {
        conditions: Vec<Where>,
    },
}

/// What happens to a row that is there already.
pub(crate) struct Conflict {
    pub(crate) columns: Vec<String>,
    /// Whether it is changed; otherwise it stays as it is.
    pub(crate) is_merge: bool,
}

pub(super) fn plan(context: Context<'_>, name: &str, change: Change) -> Result<Plan, Error> {
    let id = context.named(name);
    let relation = context.catalogue.find_relation(&id)?;
    let payload = payload(&context, change)?;
    let mut node = build(&context, &root(&id))?;
    context.check_preferences()?;
    let representation = context.preferences.representation;
    let headers_only = change == Change::Insert && representation == Some(Representation::HeadersOnly);
    let key: Vec<String> = relation.key_columns().into_iter().map(str::to_owned).collect();
    let returning = match representation {
        Some(Representation::Full) => returning(&node, &key),
        Some(Representation::HeadersOnly) if headers_only => key.clone(),
        Some(Representation::HeadersOnly) => returning(&node, &key),
        _ => Vec::new(),
    };
    let columns = columns(relation, &payload)?;
    let kind = kind(&context, &node, change, &key)?;
    let is_merge =
        matches!(&kind, MutationKind::Insert { conflict: Some(conflict), .. } if conflict.is_merge);
    let mutation = Mutation {
        relation,
        kind,
        columns,
        body: match payload.content {
            Content::Json(text) => text,
            Content::Arguments(_) | Content::Raw(_) => String::new(),
        },
        applies_defaults: context.preferences.missing_default == Some(true) && change != Change::Upsert,
        returning,
    };
    let wrapped = if context.returns_rows() || headers_only {
        Wrapped::Rows
    } else {
        Wrapped::Nothing
    };
    if headers_only {
        select_key(&mut node, &key);
    }
    let write = |writer: &mut Writer| write_mutation(writer, &mutation);
    let statement = write_wrapped(
        &node,
        Some(&write),
        wrapped,
        &context.media,
        Counting::None,
        is_merge,
    );
    Ok(finish(&context, statement, change, name, &key, headers_only))
}

fn root(id: &Name) -> Root {
    Root {
        relation: id.clone(),
        source: Name::bare(SOURCE),
        // Relationships are looked up by this name, and functions of the row are not: the row has no type here.
        alias: Some(id.name.clone()),
        is_narrowed: false,
        max_rows: None,
    }
}

fn payload(context: &Context<'_>, change: Change) -> Result<Payload, Error> {
    if change == Change::Delete {
        return Ok(Payload {
            content: Content::Json(String::new()),
            names: BTreeSet::new(),
        });
    }
    let media = context
        .request
        .header("content-type")
        .map_or(MediaType::Json, MediaType::parse);
    let columns = context
        .parameters
        .columns
        .as_deref()
        .filter(|_| change != Change::Upsert);
    Payload::read(context.request.body, &media, columns, false)
}

/// The columns of the body, each of which has to be there.
fn columns(relation: &Relation, payload: &Payload) -> Result<Vec<String>, Error> {
    let missing = payload.names.iter().find(|name| relation.column(name).is_none());
    match missing {
        Some(name) => Err(Error::no_column(&relation.name, name)),
        None => Ok(payload.names.iter().cloned().collect()),
    }
}

fn kind(context: &Context<'_>, node: &Node, change: Change, key: &[String]) -> Result<MutationKind, Error> {
    // Conditions are on the relation itself, not on what comes back.
    let conditions = || root_conditions(context, node);
    Ok(match change {
        Change::Insert => MutationKind::Insert {
            conflict: context.preferences.resolution.map(|resolution| Conflict {
                columns: context
                    .parameters
                    .on_conflict
                    .clone()
                    .unwrap_or_else(|| key.to_vec()),
                is_merge: resolution == Resolution::Merge,
            }),
            conditions: Vec::new(),
        },
        Change::Upsert => {
            check_key_filters(context, key)?;
            MutationKind::Insert {
                conflict: Some(Conflict {
                    columns: key.to_vec(),
                    is_merge: true,
                }),
                conditions: conditions(),
            }
        }
        Change::Update => MutationKind::Update {
            conditions: conditions(),
        },
        Change::Delete => MutationKind::Delete {
            conditions: conditions(),
        },
    })
}

/// A PUT names exactly one row: by all columns of the primary key, and nothing else.
fn check_key_filters(context: &Context<'_>, key: &[String]) -> Result<(), Error> {
    let is_equality = |operation: &Operation| matches!(operation, Operation::Compare(comparison, None, _) if comparison.name == "eq");
    let parameters = context.parameters;
    let mut names = BTreeSet::new();
    let mut is_exact = parameters.logic.is_empty() && !key.is_empty();
    for (path, filter) in &parameters.filters {
        names.insert(filter.field.name.as_str());
        is_exact &= path.is_empty()
            && filter.field.path.is_empty()
            && !filter.condition.is_negated
            && is_equality(&filter.condition.operation);
    }
    if is_exact && names == key.iter().map(String::as_str).collect() {
        return Ok(());
    }
    Err(Error::new(
        405,
        "PGRST105",
        "Filters must include all and only primary key columns with 'eq' operators",
    ))
}

/// What has to come back for the tree to be read from it: its columns, those that joins and the order need, and the key.
fn returning(node: &Node, key: &[String]) -> Vec<String> {
    let mut names: BTreeSet<String> = node
        .select
        .iter()
        .map(|column| column.field.name.clone())
        .collect();
    let is_computed = node.children.iter().any(
        |child| matches!(&child.join, Some(join) if matches!(join.relationship.kind, Kind::Computed { .. })),
    );
    // A function of the row may look at any column.
    if names.contains("*") || is_computed {
        return vec!["*".to_owned()];
    }
    for child in &node.children {
        let needed = child.join.as_ref().map(|join| join.relationship.needed_columns());
        names.extend(needed.unwrap_or_default().into_iter().map(str::to_owned));
    }
    let order = node.order.iter().filter(|term| term.relation.is_none());
    names.extend(order.map(|term| term.field.name.clone()));
    names.extend(key.iter().cloned());
    names.into_iter().collect()
}

/// Nothing but the key, for the place of what was inserted.
fn select_key(node: &mut Node, key: &[String]) {
    use super::node::{Resolved, SelectColumn};
    node.children.clear();
    node.order.clear();
    node.select = key
        .iter()
        .map(|name| SelectColumn::plain(Resolved::column(name)))
        .collect();
}

fn finish(
    context: &Context<'_>,
    statement: crate::sql::Statement,
    change: Change,
    name: &str,
    key: &[String],
    headers_only: bool,
) -> Plan {
    let returns_rows = context.returns_rows();
    let mut shape = context.shape(match change {
        Change::Insert => Answered::Insert {
            returns_rows,
            is_merge: context.preferences.resolution == Some(Resolution::Merge),
            location: headers_only.then(|| format!("/{name}")),
        },
        Change::Update => Answered::Update { returns_rows },
        Change::Upsert => Answered::Upsert { returns_rows },
        Change::Delete => Answered::Delete { returns_rows },
    });
    if change == Change::Upsert {
        shape.expectation = Expectation::MatchingKey;
    } else if context.expects_one() {
        shape.expectation = Expectation::OneRow;
    }
    let limits = matches!(change, Change::Update | Change::Delete);
    if let Some(most) = context.preferences.strict_max_affected().filter(|_| limits) {
        shape.max_affected = Some(most);
        if shape.expectation == Expectation::None {
            shape.expectation = Expectation::AnyNumber;
        }
    }
    let mut applied = context.preferences.clone();
    if change != Change::Insert || key.is_empty() && context.parameters.on_conflict.is_none() {
        applied.resolution = None;
    }
    if !matches!(change, Change::Insert | Change::Update) {
        applied.missing_default = None;
    }
    if !limits {
        applied.max_affected = None;
    }
    shape.applied = applied.applied();
    context.plan(statement, false, shape)
}
