//! Calling a function.

use std::collections::BTreeSet;

use super::node::{Node, Where};
use super::tree::{Root, build};
use super::{Context, Plan};
use crate::catalogue::{Argument, Catalogue, Function, Kind, Name};
use crate::error::Error;
use crate::headers::MediaType;
use crate::hint::nearest;
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

/// The function of the name that takes these arguments. `posted` is the type of a body that may be the one argument without a name.
pub(crate) fn choose<'a>(
    catalogue: &'a Catalogue,
    id: &Name,
    names: &BTreeSet<String>,
    posted: Option<&MediaType>,
) -> Result<&'a Function, Error> {
    let all = catalogue.functions(id);
    let named: Vec<&Function> = all
        .iter()
        .filter(|function| takes(function, names, posted))
        .collect();
    let found = if named.is_empty() {
        all.iter()
            .filter(|function| takes_body(function, posted))
            .collect()
    } else {
        named
    };
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(missing(catalogue, id, names, posted)),
        several => {
            let mut several = several.to_vec();
            several.sort_by_key(|function| {
                let arguments = function.arguments.iter();
                arguments
                    .map(|argument| (&argument.name, &argument.declared_type))
                    .collect::<Vec<_>>()
            });
            let signatures: Vec<String> = several.iter().map(|function| function.signature()).collect();
            Err(Error::new(
                300,
                "PGRST203",
                format!("Could not choose the best candidate function between: {}", signatures.join(", ")),
            )
            .with_hint(
                "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
            ))
        }
    }
}

fn is_raw(media: &MediaType) -> bool {
    matches!(media, MediaType::Text | MediaType::Xml | MediaType::Bytes)
}

/// Whether the names are all that it needs and none that it does not know.
fn takes(function: &Function, names: &BTreeSet<String>, posted: Option<&MediaType>) -> bool {
    if function.arguments.is_empty() {
        return names.is_empty() && !posted.is_some_and(is_raw);
    }
    let has = |argument: &Argument| names.contains(&argument.name);
    let knows = |name: &String| function.arguments.iter().any(|argument| argument.name == *name);
    function
        .arguments
        .iter()
        .all(|argument| !argument.is_required || has(argument))
        && names.iter().all(knows)
}

fn takes_body(function: &Function, posted: Option<&MediaType>) -> bool {
    let (Some(media), Some(argument)) = (posted, function.nameless_argument()) else {
        return false;
    };
    match argument.declared_type.as_str() {
        "json" | "jsonb" => matches!(media, MediaType::Json),
        "text" => matches!(media, MediaType::Text),
        "xml" => matches!(media, MediaType::Xml),
        "bytea" => matches!(media, MediaType::Bytes),
        _ => false,
    }
}

fn missing(catalogue: &Catalogue, id: &Name, names: &BTreeSet<String>, posted: Option<&MediaType>) -> Error {
    let function = format!("{}.{}", id.schema, id.name);
    let list = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let raw = posted.filter(|media| is_raw(media));
    let called = match (raw, names.is_empty()) {
        (Some(_), _) => String::new(),
        (None, true) => " without parameters".to_owned(),
        (None, false) => format!("({list})"),
    };
    let plural = if names.len() > 1 { "s" } else { "" };
    let with = if names.is_empty() {
        " without parameters".to_owned()
    } else {
        format!(" with parameter{plural} {list}")
    };
    let searched = match posted {
        Some(MediaType::Text) => " with a single unnamed text parameter".to_owned(),
        Some(MediaType::Xml) => " with a single unnamed xml parameter".to_owned(),
        Some(MediaType::Bytes) => " with a single unnamed bytea parameter".to_owned(),
        Some(MediaType::Json) => format!("{with} or with a single unnamed json/jsonb parameter"),
        _ => with,
    };
    let error = Error::new(
        404,
        "PGRST202",
        format!("Could not find the function {function}{called} in the schema cache"),
    )
    .with_details(format!(
        "Searched for the function {function}{searched}, but no matches were found in the schema cache."
    ));
    if raw.is_some() {
        return error;
    }
    match hint(catalogue, id, names) {
        Some(near) => error.with_hint(format!(
            "Perhaps you meant to call the function {}.{near}",
            id.schema
        )),
        None => error,
    }
}

/// A function of nearly this name, or nearly these arguments where the name is right.
fn hint(catalogue: &Catalogue, id: &Name, names: &BTreeSet<String>) -> Option<String> {
    let overloads = catalogue.functions(id);
    if overloads.is_empty() {
        return nearest(&id.name, catalogue.function_names(&id.schema), 0.75).map(str::to_owned);
    }
    let listed = |mut names: Vec<&str>| {
        names.sort_unstable();
        format!("({})", names.join(", "))
    };
    let given = listed(names.iter().map(String::as_str).collect());
    let known: Vec<String> = overloads
        .iter()
        .map(|function| {
            listed(
                function
                    .arguments
                    .iter()
                    .map(|argument| argument.name.as_str())
                    .collect(),
            )
        })
        .collect();
    let near = nearest(&given, known.iter().map(String::as_str), 0.33)?;
    Some(format!("{}{near}", id.name))
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
