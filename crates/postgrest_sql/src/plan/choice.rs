//! Which function of a name is meant, and what the caller is told when there is none or more than one.

use std::collections::BTreeSet;

use crate::catalogue::{Argument, Catalogue, Function, Name};
use crate::error::Error;
use crate::headers::MediaType;
use crate::hint::nearest;

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
