//! What is read: a tree of resources.

use crate::catalogue::{Name, Relation, Relationship};
use crate::headers::Range;
use crate::query::{Aggregate, Condition, Connective, Direction, Field, JsonStep, Nulls};

/// A resource, and those embedded in it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// As the request calls it.
    pub(crate) name: String,
    /// What it is called in the answer, where that is another name.
    pub(crate) alias: Option<String>,
    pub(crate) depth: usize,
    /// The relation whose columns and relationships it has.
    pub(crate) relation: Name,
    /// What stands after `from`.
    pub(crate) source: Name,
    pub(crate) source_alias: Option<String>,
    pub(crate) select: Vec<SelectColumn>,
    pub(crate) filters: Vec<Where>,
    pub(crate) order: Vec<OrderBy>,
    pub(crate) range: Range,
    /// How it is joined to the resource that it is embedded in; none for the root.
    pub(crate) join: Option<Join>,
    /// The alias of the join, which is also the name of an array's column.
    pub(crate) join_alias: String,
    pub(crate) children: Vec<Node>,
}

/// The way from the embedding resource.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) relationship: Relationship,
    /// Whether rows without it are left out.
    pub(crate) is_inner: bool,
    pub(crate) spread: Option<Spread>,
    /// What the embedding resource is called in SQL.
    pub(crate) parent: Name,
}

/// A resource whose columns become columns of the embedding one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    /// The columns that the embedding resource takes.
    pub(crate) columns: Vec<SpreadColumn>,
}

/// A column that goes up, maybe to be aggregated there.
#[derive(Clone, Debug)]
pub(crate) struct SpreadColumn {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) cast: Option<String>,
}

impl SpreadColumn {
    pub(crate) fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            alias: None,
            aggregate: None,
            cast: None,
        }
    }

    pub(crate) fn output(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// A field with what the catalogue knows of its column.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) name: String,
    pub(crate) path: Vec<JsonStep>,
    /// Its type is json or jsonb: arrows need no conversion, and indexes on them are used.
    pub(crate) is_json: bool,
    /// Its type is tsvector.
    pub(crate) is_text_search: bool,
    /// The whole row is meant.
    pub(crate) is_row: bool,
}

impl Resolved {
    pub(crate) fn new(field: &Field, relation: Option<&Relation>) -> Self {
        let column = relation.and_then(|relation| relation.column(&field.name));
        Self {
            name: field.name.clone(),
            path: field.path.clone(),
            is_json: column.is_some_and(|column| matches!(column.declared_type.as_str(), "json" | "jsonb")),
            is_text_search: column.is_some_and(|column| column.base_type == "tsvector"),
            is_row: false,
        }
    }

    pub(crate) fn column(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: Vec::new(),
            is_json: false,
            is_text_search: false,
            is_row: false,
        }
    }
}

/// A selected column.
#[derive(Clone, Debug)]
pub(crate) struct SelectColumn {
    pub(crate) field: Resolved,
    pub(crate) alias: Option<String>,
    pub(crate) cast: Option<String>,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) aggregate_cast: Option<String>,
}

impl SelectColumn {
    pub(crate) fn plain(field: Resolved) -> Self {
        Self {
            field,
            alias: None,
            cast: None,
            aggregate: None,
            aggregate_cast: None,
        }
    }

    pub(crate) fn is_star(&self) -> bool {
        self.field.name == "*" && self.aggregate.is_none()
    }

    pub(crate) fn output(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.field.name)
    }
}

/// Conditions.
#[derive(Clone, Debug)]
pub(crate) enum Where {
    Filter {
        field: Resolved,
        condition: Condition,
    },
    Group {
        is_negated: bool,
        connective: Connective,
        members: Vec<Where>,
    },
    /// Whether an embedded resource is not there.
    EmbedIsNull {
        is_negated: bool,
        alias: String,
    },
}

/// What rows are ordered by.
#[derive(Clone, Debug)]
pub(crate) struct OrderBy {
    /// The alias of an embedded resource whose column it is.
    pub(crate) relation: Option<String>,
    pub(crate) field: Resolved,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

impl Node {
    /// What its columns are qualified with.
    pub(crate) fn qualifier(&self) -> Name {
        match &self.source_alias {
            Some(alias) => Name::bare(alias),
            None => self.source.clone(),
        }
    }

    /// What it is called in the answer.
    pub(crate) fn output(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn is_to_one(&self) -> bool {
        self.join
            .as_ref()
            .is_some_and(|join| join.relationship.is_to_one())
    }

    pub(crate) fn spread(&self) -> Option<&Spread> {
        self.join.as_ref()?.spread.as_ref()
    }

    /// Whether nothing of it is selected: it is there to be joined with.
    pub(crate) fn is_empty(&self) -> bool {
        self.select.is_empty() && self.children.iter().all(Self::is_empty)
    }

    /// Whether a request calls it so.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias.as_deref() == Some(name)
    }
}
