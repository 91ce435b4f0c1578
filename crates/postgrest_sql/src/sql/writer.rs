//! SQL under construction.

use crate::catalogue::Name;

/// One SQL statement. Its parameters are sent as text with no type, so that Postgres takes the one that fits their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// With `$1` and so on for the parameters.
    pub sql: String,
    /// The text form of each parameter.
    pub parameters: Vec<Option<String>>,
}

/// Appends to a statement.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    statement: Statement,
}

impl Writer {
    pub(crate) fn finish(self) -> Statement {
        self.statement
    }

    /// SQL as it is. Never what a client wrote.
    pub(crate) fn raw(&mut self, sql: &str) {
        self.statement.sql.push_str(sql);
    }

    /// An identifier, between quotes.
    pub(crate) fn identifier(&mut self, name: &str) {
        self.statement.sql.push_str(&quoted(name));
    }

    /// An identifier with its schema, if it has one.
    pub(crate) fn name(&mut self, name: &Name) {
        if !name.schema.is_empty() {
            self.identifier(&name.schema);
            self.raw(".");
        }
        self.identifier(&name.name);
    }

    /// A column of a table or an alias; `*` is all of them.
    pub(crate) fn column(&mut self, of: &Name, column: &str) {
        self.name(of);
        self.raw(".");
        if column == "*" {
            self.raw("*");
        } else {
            self.identifier(column);
        }
    }

    /// A value, as a parameter.
    pub(crate) fn value(&mut self, value: impl Into<String>) {
        let place = self.parameter(Some(value.into()));
        self.raw(&place);
    }

    /// Adds a parameter and gives its place, for use in several places.
    pub(crate) fn parameter(&mut self, value: Option<String>) -> String {
        self.statement.parameters.push(value);
        format!("${}", self.statement.parameters.len())
    }

    /// Writes each item, with `separator` between.
    pub(crate) fn list<T>(
        &mut self,
        separator: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.raw(separator);
            }
            write(self, item);
        }
    }
}

/// A name between quotes, its own doubled. Postgres knows no zero character.
pub(crate) fn quoted(name: &str) -> String {
    let name = name.split('\0').next().unwrap_or_default();
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_cannot_end_their_quotes() {
        assert_eq!(quoted("a\"; drop table x; --"), "\"a\"\"; drop table x; --\"");
        assert_eq!(quoted("a\0b"), "\"a\"");
    }

    #[test]
    fn values_are_parameters() {
        let mut writer = Writer::default();
        writer.column(&Name::new("s", "t"), "c");
        writer.raw(" = ");
        writer.value("'; --");
        let statement = writer.finish();
        assert_eq!(statement.sql, "\"s\".\"t\".\"c\" = $1");
        assert_eq!(statement.parameters, [Some("'; --".to_owned())]);
    }
}
