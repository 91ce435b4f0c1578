//! Tables and views.

use serde::Deserialize;

use super::Name;

/// A table, a view, or whatever else has rows.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Relation {
    pub(crate) id: i64,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) is_view: bool,
    /// The bits of `pg_relation_is_updatable`.
    events: i32,
    /// The numbers of the columns of the primary key; for a view, those that show the key of its table.
    pub(super) key: Vec<i16>,
    pub(crate) columns: Vec<Column>,
    /// The stored rule of a view.
    pub(super) definition: Option<String>,
}

/// A column.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Column {
    pub(super) number: i16,
    pub(crate) name: String,
    /// As it is declared, with its schema and length.
    #[serde(rename = "type")]
    pub(crate) declared_type: String,
    /// What a domain is made of.
    pub(crate) base_type: String,
    /// An expression.
    pub(crate) default: Option<String>,
    pub(crate) is_required: bool,
}

impl Relation {
    pub(crate) fn id(&self) -> Name {
        Name::new(&self.schema, &self.name)
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn column_name(&self, number: i16) -> Option<&str> {
        let column = self.columns.iter().find(|column| column.number == number);
        column.map(|column| column.name.as_str())
    }

    /// The columns of the primary key.
    pub(crate) fn key_columns(&self) -> Vec<&str> {
        self.key
            .iter()
            .filter_map(|number| self.column_name(*number))
            .collect()
    }

    pub(crate) fn is_insertable(&self) -> bool {
        self.events & 8 != 0
    }

    pub(crate) fn is_updatable(&self) -> bool {
        self.events & 4 != 0
    }

    pub(crate) fn is_deletable(&self) -> bool {
        self.events & 16 != 0
    }
}
