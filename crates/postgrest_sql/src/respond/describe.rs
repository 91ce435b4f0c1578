//! Answers that need no database: what may be done with a resource, and the description of the API.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Response;
use crate::catalogue::{Catalogue, Function, Name, Relation};
use crate::error::Error;
use crate::plan::{Context, Resource, choose};

/// `OPTIONS`
pub(crate) fn allowed(context: &Context<'_>, resource: &Resource) -> Result<Response, Error> {
    let mut methods = vec!["OPTIONS", "GET", "HEAD"];
    match resource {
        Resource::Root => {}
        Resource::Relation(name) => {
            let relation = context.catalogue.find_relation(&context.named(name))?;
            let has_key = !relation.key_columns().is_empty();
            let can = [
                ("POST", relation.is_insertable()),
                (
                    "PUT",
                    relation.is_insertable() && relation.is_updatable() && has_key,
                ),
                ("PATCH", relation.is_updatable()),
                ("DELETE", relation.is_deletable()),
            ];
            methods.extend(can.into_iter().filter(|(_, is)| *is).map(|(method, _)| method));
        }
        Resource::Function(name) => {
            let names: BTreeSet<String> = context
                .parameters
                .arguments
                .iter()
                .map(|(name, _)| name.clone())
                .collect();
            let function = choose(context.catalogue, &context.named(name), &names, None)?;
            if !function.only_reads() {
                methods = vec!["OPTIONS"];
            }
            methods.push("POST");
        }
    }
    Ok(Response {
        status: 200,
        headers: vec![("Allow".to_owned(), methods.join(","))],
        body: String::new(),
    })
}

/// The root: an OpenAPI 2.0 description of a schema's relations and functions, whatever rights the caller has.
pub(crate) fn description(catalogue: &Catalogue, schema: &str, profile: Option<String>) -> Response {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    let mut relations: Vec<&Relation> = catalogue.relations_of(schema).collect();
    relations.sort_by(|one, two| one.name.cmp(&two.name));
    for relation in relations {
        paths.insert(format!("/{}", relation.name), relation_path(relation));
        definitions.insert(relation.name.clone(), definition(relation));
    }
    let mut functions: Vec<&Function> = catalogue.functions_of(schema).collect();
    functions.sort_by(|one, two| one.name.cmp(&two.name));
    for function in functions {
        paths.insert(format!("/rpc/{}", function.name), function_path(function));
    }
    let body = json!({
        "swagger": "2.0",
        "info": { "title": Name::new(schema, "API").schema, "version": env!("CARGO_PKG_VERSION") },
        "basePath": "/",
        "consumes": ["application/json", "text/csv"],
        "produces": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "paths": paths,
        "definitions": definitions,
    });
    let mut headers = vec![(
        "Content-Type".to_owned(),
        "application/openapi+json; charset=utf-8".to_owned(),
    )];
    headers.extend(profile.map(|name| ("Content-Profile".to_owned(), name)));
    Response {
        status: 200,
        headers,
        body: body.to_string(),
    }
}

fn relation_path(relation: &Relation) -> Value {
    let operation = |description: &str| json!({ "tags": [relation.name], "responses": { "200": { "description": description } } });
    let mut methods = Map::new();
    methods.insert("get".to_owned(), operation("OK"));
    for (method, is_possible) in [
        ("post", relation.is_insertable()),
        ("patch", relation.is_updatable()),
        ("delete", relation.is_deletable()),
    ] {
        if is_possible {
            methods.insert(method.to_owned(), operation("Done"));
        }
    }
    Value::Object(methods)
}

fn definition(relation: &Relation) -> Value {
    let property = |format: &str| json!({ "type": json_type(format), "format": format });
    let properties: Map<String, Value> = relation
        .columns
        .iter()
        .map(|column| (column.name.clone(), property(&column.declared_type)))
        .collect();
    let required: Vec<&str> = relation
        .columns
        .iter()
        .filter(|column| column.is_required)
        .map(|column| column.name.as_str())
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn function_path(function: &Function) -> Value {
    let properties: Map<String, Value> = function
        .arguments
        .iter()
        .map(|argument| {
            let format = argument.declared_type.as_str();
            (
                argument.name.clone(),
                json!({ "type": json_type(format), "format": format }),
            )
        })
        .collect();
    let required: Vec<&str> = function
        .arguments
        .iter()
        .filter(|argument| argument.is_required)
        .map(|argument| argument.name.as_str())
        .collect();
    let body = json!({
        "in": "body", "name": "args", "required": true,
        "schema": { "type": "object", "properties": properties, "required": required }
    });
    json!({ "post": {
        "tags": [format!("(rpc) {}", function.name)],
        "parameters": [body],
        "responses": { "200": { "description": "OK" } }
    } })
}

fn json_type(postgres: &str) -> &'static str {
    match postgres {
        "smallint" | "integer" | "bigint" => "integer",
        "numeric" | "real" | "double precision" => "number",
        "boolean" => "boolean",
        "json" | "jsonb" => "object",
        _ if postgres.ends_with("[]") => "array",
        _ => "string",
    }
}
