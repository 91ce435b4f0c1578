//! Calling a function.

use std::collections::BTreeSet;

use super::choice::choose;
use super::node::{Node, Where};
use super::tree::{Root, build};
use super::{Context, Plan};
use crate::catalogue::{Argument, Function, Kind, Name};
use crate::error::Error;
use crate::headers::MediaType;
use crate::payload::{Content, Payload};
use crate::respond::{Answered, Expectation};
use crate::sql::{SOURCE, Wrapped, Writer, write_call, write_wrapped};

/// A call.
pub(crate) struct Call<'a> {
    pub(crate) function: &'a Function,
    pub(crate) arguments: Arguments<'a>,
    /// The columns that come back; none means all.
    pub(crate) returning: Vec<String>,
}

/// Where a call's arguments come from.
pub(crate) enum Arguments<'a> {
    None,
    /// The whole body is the one argument.
    Only(String, &'a Argument),
    /// Each is a text.
    Texts(Vec<(&'a Argument, String)>),
    /// They are the fields of an object.
    Json {
        body: String,
        arguments: Vec<&'a Argument>,
    },
}

pub(super) fn plan(context: Context<'_>, name: &str, is_read: bool) -> Result<Plan, Error> {
    let id = context.named(name);
    let content_type = context
        .request
        .header("content-type")
        .map_or(MediaType::Json, MediaType::parse);
    let payload = if is_read {
        let pairs = context.parameters.arguments.clone();
        Payload {
            names: pairs.iter().map(|(name, _)| name.clone()).collect(),
            content: Content::Arguments(pairs),
        }
    } else {
        Payload::read(
            context.request.body,
            &content_type,
            context.parameters.columns.as_deref(),
            true,
        )?
    };
    let posted = (!is_read).then_some(&content_type);
    let function = choose(context.catalogue, &id, &payload.names, posted)?;
    let node = build(&context, &root(&context, function))?;
    context.check_preferences()?;
    let most = context.preferences.strict_max_affected();
    if most.is_some() && !function.returns.is_set {
        return Err(Error::new(
            400,
            "PGRST128",
            "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
        ));
    }
    let call = Call {
        arguments: arguments(function, payload),
        returning: returning(&node),
        function,
    };
    let write = |writer: &mut Writer| write_call(writer, &call);
    let counting = context.counting(&node);
    let statement = write_wrapped(
        &node,
        Some(&write),
        wrapped(function),
        &context.media,
        counting,
        false,
    );
    let mut shape = context.shape(Answered::Call {
        is_void: function.returns_void(),
    });
    if context.expects_one() {
        shape.expectation = Expectation::OneRow;
    }
    if most.is_some() {
        shape.max_affected = most;
        if shape.expectation == Expectation::None {
            shape.expectation = Expectation::AnyNumber;
        }
    }
    let mut applied = context.preferences.clone();
    (
        applied.resolution,
        applied.representation,
        applied.missing_default,
    ) = (None, None, None);
    shape.applied = applied.applied();
    let mut plan = context.plan(statement, is_read || function.only_reads(), shape);
    for setting in &function.settings {
        match setting.split_once('=') {
            Some(("default_transaction_isolation", level)) => plan.isolation = Some(level.to_owned()),
            Some((name, value)) => plan.settings.push((name.to_owned(), value.to_owned())),
            None => {}
        }
    }
    Ok(plan)
}

fn root(context: &Context<'_>, function: &Function) -> Root {
    let resource = function.resource();
    Root {
        relation: Name::new(
            if function.returns.is_composite && function.returns.name != "record" {
                &function.returns.schema
            } else {
                &function.schema
            },
            resource,
        ),
        source: Name::bare(SOURCE),
        alias: Some(resource.to_owned()),
        is_narrowed: true,
        max_rows: context.settings.max_rows,
    }
}

fn wrapped(function: &Function) -> Wrapped {
    match (function.returns_scalar(), function.returns.is_set) {
        (true, true) => Wrapped::Values,
        (true, false) => Wrapped::Value,
        (false, true) => Wrapped::Rows,
        (false, false) => Wrapped::Row,
    }
}

fn arguments(function: &Function, payload: Payload) -> Arguments<'_> {
    let nameless = function.nameless_argument();
    match payload.content {
        Content::Raw(bytes) => match nameless {
            Some(argument) if argument.declared_type == "bytea" => Arguments::Only(hex(&bytes), argument),
            Some(argument) => Arguments::Only(String::from_utf8_lossy(&bytes).into_owned(), argument),
            None => Arguments::None,
        },
        Content::Json(body) => {
            if let Some(argument) = nameless {
                return Arguments::Only(body, argument);
            }
            let given = function
                .arguments
                .iter()
                .filter(|argument| payload.names.contains(&argument.name));
            let arguments: Vec<&Argument> = given.collect();
            if arguments.is_empty() {
                Arguments::None
            } else {
                Arguments::Json { body, arguments }
            }
        }
        Content::Arguments(pairs) => {
            let values: Vec<(&Argument, String)> = function
                .arguments
                .iter()
                .filter_map(|argument| {
                    let mut given = pairs
                        .iter()
                        .filter(|(name, _)| *name == argument.name)
                        .map(|(_, value)| value);
                    if argument.is_variadic {
                        let items: Vec<&str> = given.map(String::as_str).collect();
                        return (!items.is_empty()).then(|| (argument, list(&items)));
                    }
                    given.next_back().map(|value| (argument, value.clone()))
                })
                .collect();
            if values.is_empty() {
                Arguments::None
            } else {
                Arguments::Texts(values)
            }
        }
    }
}

/// The text form of an array: a variadic argument that is given several times.
fn list(items: &[&str]) -> String {
    let quoted: Vec<String> = items
        .iter()
        .map(|item| format!("\"{}\"", item.replace('\\', r"\\").replace('"', "\\\"")))
        .collect();
    format!("{{{}}}", quoted.join(","))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The columns that the tree needs of what the function returns; none means all.
fn returning(node: &Node) -> Vec<String> {
    let mut names: BTreeSet<String> = node
        .select
        .iter()
        .map(|column| column.field.name.clone())
        .collect();
    let is_computed = node.children.iter().any(
        |child| matches!(&child.join, Some(join) if matches!(join.relationship.kind, Kind::Computed { .. })),
    );
    if names.contains("*") || is_computed || names.is_empty() {
        return Vec::new();
    }
    for child in &node.children {
        let needed = child.join.as_ref().map(|join| join.relationship.needed_columns());
        names.extend(needed.unwrap_or_default().into_iter().map(str::to_owned));
    }
    node.filters
        .iter()
        .for_each(|filter| filtered(filter, &mut names));
    let order = node.order.iter().filter(|term| term.relation.is_none());
    names.extend(order.map(|term| term.field.name.clone()));
    names.into_iter().collect()
}

fn filtered(condition: &Where, names: &mut BTreeSet<String>) {
    match condition {
        Where::Filter { field, .. } => {
            names.insert(field.name.clone());
        }
        Where::Group { members, .. } => members.iter().for_each(|member| filtered(member, names)),
        Where::EmbedIsNull { .. } => {}
    }
}
