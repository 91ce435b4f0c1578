//! What is known of a database: relations, the ways between them, functions.

mod function;
mod relation;
mod relationship;
mod view;

use std::collections::HashMap;

use serde::Deserialize;

pub(crate) use function::{Argument, Function};
pub(crate) use relation::Relation;
pub(crate) use relationship::{Kind, Relationship};

use crate::error::Error;
use crate::hint::nearest;
use relationship::{Computed, ForeignKey};

/// Reads everything as one JSON text, for [`Catalogue::read`]. Its parameters are the exposed schemas and those on the search path
/// besides, as arrays of text. It wants an empty `search_path`.
pub const CATALOGUE_SQL: &str = include_str!("catalogue.sql");

/// Reads what the database says about the API, as one JSON text of [`RoleSettings`](crate::RoleSettings).
pub const SETTINGS_SQL: &str = include_str!("settings.sql");

/// A name with its schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The schema; empty where the name stands alone.
    pub schema: String,
    /// The name in it.
    pub name: String,
}

impl Name {
    pub(crate) fn new(schema: &str, name: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            name: name.to_owned(),
        }
    }

    /// A name that is known without a schema.
    pub(crate) fn bare(name: &str) -> Self {
        Self::new("", name)
    }
}

/// One reading of a database.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    relations: HashMap<Name, Relation>,
    relationships: HashMap<Name, Vec<Relationship>>,
    functions: HashMap<Name, Vec<Function>>,
}

/// The JSON of [`CATALOGUE_SQL`].
#[derive(Deserialize)]
struct Raw {
    relations: Vec<Relation>,
    foreign_keys: Vec<ForeignKey>,
    functions: Vec<Function>,
    computed: Vec<Computed>,
}

impl Catalogue {
    /// Reads the answer to [`CATALOGUE_SQL`].
    ///
    /// # Errors
    ///
    /// When it is not the JSON of that statement.
    pub fn read(json: &str, exposed: &[String]) -> Result<Self, serde_json::Error> {
        let mut raw: Raw = serde_json::from_str(json)?;
        let origins = view::origins(&raw.relations);
        view::derive_keys(&mut raw.relations, &origins);
        let relationships = relationship::derive(
            &raw.relations,
            &raw.foreign_keys,
            &raw.computed,
            &origins,
            exposed,
        );
        let mut functions: HashMap<Name, Vec<Function>> = HashMap::new();
        for function in raw.functions {
            functions.entry(function.id()).or_default().push(function);
        }
        let relations = raw
            .relations
            .into_iter()
            .map(|relation| (relation.id(), relation))
            .collect();
        Ok(Self {
            relations,
            relationships,
            functions,
        })
    }

    /// A table or view.
    pub(crate) fn relation(&self, name: &Name) -> Option<&Relation> {
        self.relations.get(name)
    }

    /// A table or view, or the refusal of a name that there is not.
    pub(crate) fn find_relation(&self, name: &Name) -> Result<&Relation, Error> {
        self.relation(name).ok_or_else(|| {
            let known = self.relations.keys().filter(|known| known.schema == name.schema);
            let error = Error::new(
                404,
                "PGRST205",
                format!(
                    "Could not find the table '{}.{}' in the schema cache",
                    name.schema, name.name
                ),
            );
            match nearest(&name.name, known.map(|known| known.name.as_str()), 0.75) {
                Some(near) => {
                    error.with_hint(format!("Perhaps you meant the table '{}.{near}'", name.schema))
                }
                None => error,
            }
        })
    }

    /// The relationships that begin at a relation.
    pub(crate) fn relationships(&self, from: &Name) -> &[Relationship] {
        self.relationships.get(from).map_or(&[], Vec::as_slice)
    }

    /// The relations of a schema that any relationship begins at.
    pub(crate) fn related(&self, schema: &str) -> impl Iterator<Item = &str> {
        let in_schema = self
            .relationships
            .keys()
            .filter(move |name| name.schema == schema);
        in_schema.map(|name| name.name.as_str())
    }

    /// The functions of a name.
    pub(crate) fn functions(&self, name: &Name) -> &[Function] {
        self.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of a schema's functions.
    pub(crate) fn function_names(&self, schema: &str) -> impl Iterator<Item = &str> {
        let in_schema = self.functions.keys().filter(move |name| name.schema == schema);
        in_schema.map(|name| name.name.as_str())
    }

    /// Every relation of a schema.
    pub(crate) fn relations_of(&self, schema: &str) -> impl Iterator<Item = &Relation> {
        self.relations
            .values()
            .filter(move |relation| relation.schema == schema)
    }

    /// Every function of a schema.
    pub(crate) fn functions_of(&self, schema: &str) -> impl Iterator<Item = &Function> {
        let all = self.functions.values().flatten();
        all.filter(move |function| function.schema == schema)
    }
}
