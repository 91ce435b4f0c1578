//! Which relationship an embedded resource means.

use serde_json::{Value, json};

use crate::catalogue::{Catalogue, Kind, Name, Relationship};
use crate::error::Error;
use crate::hint::nearest;

/// The one relationship that leads from `origin` to what `target` names: a relation, a foreign key, a column that has one, a function.
/// `hint` tells several apart.
pub(super) fn find(
    catalogue: &Catalogue,
    origin: &Name,
    target: &str,
    hint: Option<&str>,
) -> Result<Relationship, Error> {
    let all = catalogue.relationships(origin);
    let found: Vec<&Relationship> = all.iter().filter(|way| fits(way, target, hint)).collect();
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(none(catalogue, origin, target, hint)),
        several => Err(ambiguous(&origin.name, target, several)),
    }
}

fn fits(way: &Relationship, target: &str, hint: Option<&str>) -> bool {
    if let Kind::Computed { function, .. } = &way.kind {
        return function.name == target;
    }
    let is_target = way.to.name == target;
    let is_many = matches!(way.kind, Kind::OneToMany { .. });
    // From a relation to itself each key leads both ways: by the name of the relation to the many, by the name of the column to the one.
    if way.is_self() {
        return match hint {
            None => {
                is_target && is_many || is_column(way, target) && matches!(way.kind, Kind::ManyToOne { .. })
            }
            Some(hint) => is_target && is_many && is_far_column(way, hint),
        };
    }
    match hint {
        None => is_target || !way.to_is_view && (is_constraint(way, target) || is_column(way, target)),
        Some(hint) => {
            let is_junction =
                matches!(&way.kind, Kind::ManyToMany(junction) if junction.relation.name == hint);
            is_target
                && (is_constraint(way, hint)
                    || is_column(way, hint)
                    || is_far_column(way, hint)
                    || is_junction)
        }
    }
}

fn is_constraint(way: &Relationship, name: &str) -> bool {
    way.key().is_some_and(|(constraint, _)| constraint == name)
}

fn is_column(way: &Relationship, name: &str) -> bool {
    matches!(way.key(), Some((_, [(near, _)])) if near == name)
}

fn is_far_column(way: &Relationship, name: &str) -> bool {
    matches!(way.key(), Some((_, [(_, far)])) if far == name)
}

fn none(catalogue: &Catalogue, origin: &Name, target: &str, hint: Option<&str>) -> Error {
    let (schema, from) = (&origin.schema, &origin.name);
    let using = hint
        .map(|hint| format!("' using the hint '{hint}"))
        .unwrap_or_default();
    let error = Error::new(
        400,
        "PGRST200",
        format!("Could not find a relationship between '{from}' and '{target}' in the schema cache"),
    )
    .with_details(format!(
        "Searched for a foreign key relationship between '{from}' and '{target}{using}' in the schema '{schema}', but no matches were found."
    ));
    let ways = catalogue.relationships(origin);
    let (near, instead_of) = if ways.is_empty() {
        (nearest(from, catalogue.related(schema), 0.33), from.as_str())
    } else {
        let is_there = ways.iter().any(|way| way.to.name == target);
        let near = nearest(target, ways.iter().map(|way| way.to.name.as_str()), 0.33);
        (near.filter(|_| !is_there), target)
    };
    match near {
        Some(near) => error.with_hint(format!("Perhaps you meant '{near}' instead of '{instead_of}'.")),
        None => error,
    }
}

fn ambiguous(origin: &str, target: &str, ways: &[&Relationship]) -> Error {
    let details: Vec<Value> = ways.iter().map(|way| described(way)).collect();
    let choices: Vec<String> = ways
        .iter()
        .filter_map(|way| {
            let by = match &way.kind {
                Kind::ManyToMany(junction) => junction.relation.name.as_str(),
                _ => way.key()?.0,
            };
            Some(format!("'{}!{by}'", way.to.name))
        })
        .collect();
    Error::new(
        300,
        "PGRST201",
        format!("Could not embed because more than one relationship was found for '{origin}' and '{target}'"),
    )
    .with_details(details)
    .with_hint(format!(
        "Try changing '{target}' to one of the following: {}. Find the desired relationship in the 'details' key.",
        choices.join(", ")
    ))
}

fn described(way: &Relationship) -> Value {
    let cardinality = match &way.kind {
        Kind::ManyToOne { .. } => "many-to-one",
        Kind::OneToMany { .. } => "one-to-many",
        Kind::OneToOne { .. } => "one-to-one",
        Kind::ManyToMany(_) => "many-to-many",
        Kind::Computed { .. } => return json!({}),
    };
    let list = |columns: Vec<&str>| format!("({})", columns.join(", "));
    let near = |pairs: &[(String, String)]| list(pairs.iter().map(|(near, _)| near.as_str()).collect());
    let far = |pairs: &[(String, String)]| list(pairs.iter().map(|(_, far)| far.as_str()).collect());
    let relationship = match (&way.kind, way.key()) {
        (Kind::ManyToMany(junction), _) => format!(
            "{} using {}{} and {}{}",
            junction.relation.name,
            junction.from_constraint,
            far(&junction.from_columns),
            junction.to_constraint,
            far(&junction.to_columns)
        ),
        (_, Some((constraint, columns))) => format!(
            "{constraint} using {}{} and {}{}",
            way.from.name,
            near(columns),
            way.to.name,
            far(columns)
        ),
        (_, None) => String::new(),
    };
    json!({
        "cardinality": cardinality,
        "embedding": format!("{} with {}", way.from.name, way.to.name),
        "relationship": relationship,
    })
}
