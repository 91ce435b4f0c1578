//! Conditions.

use super::count::write_exists;
use super::field::write_field;
use super::writer::Writer;
use crate::catalogue::Name;
use crate::plan::{Node, Where};
use crate::query::{Comparison, Condition, Connective, Fts, Is, Operation, Quantifier};

/// How a condition on whether an embedded resource is there is written.
#[derive(Clone, Copy)]
pub(super) enum NullEmbeds<'a> {
    /// By the alias of its join.
    Joined,
    /// By a subquery, in a statement without joins.
    Exists(&'a [Node]),
}

/// A tree of conditions.
pub(super) fn write_where(writer: &mut Writer, of: &Name, tree: &Where, embeds: NullEmbeds<'_>) {
    match tree {
        Where::Group {
            is_negated,
            connective,
            members,
        } => {
            writer.raw(if *is_negated { "not (" } else { "(" });
            let separator = match connective {
                Connective::And => " and ",
                Connective::Or => " or ",
            };
            writer.list(separator, members, |writer, member| {
                write_where(writer, of, member, embeds)
            });
            writer.raw(")");
        }
        Where::Filter { field, condition } => {
            if condition.is_negated {
                writer.raw("not ");
            }
            let as_words = matches!(condition.operation, Operation::Fts(..)) && !field.is_text_search;
            if as_words {
                writer.raw("to_tsvector(");
                if let Operation::Fts(_, Some(language), _) = &condition.operation {
                    writer.value(language.as_str());
                    writer.raw(", ");
                }
            }
            write_field(writer, of, field);
            if as_words {
                writer.raw(")");
            }
            write_condition(writer, condition);
        }
        Where::EmbedIsNull { is_negated, alias } => match embeds {
            NullEmbeds::Joined => {
                writer.identifier(alias);
                writer.raw(if *is_negated {
                    " is distinct from null"
                } else {
                    " is not distinct from null"
                });
            }
            NullEmbeds::Exists(nodes) => {
                if let Some(node) = nodes.iter().find(|node| node.join_alias == *alias) {
                    writer.raw(if *is_negated { "" } else { "not " });
                    write_exists(writer, node);
                } else {
                    writer.raw("true");
                }
            }
        },
    }
}

fn write_condition(writer: &mut Writer, condition: &Condition) {
    match &condition.operation {
        Operation::Compare(comparison, quantifier, value) => {
            write_comparison(writer, *comparison, *quantifier, value)
        }
        Operation::In(values) => {
            writer.raw(" = any(");
            match values.as_slice() {
                [only] if only.is_empty() => writer.raw("'{}'"),
                _ => writer.value(array(values)),
            }
            writer.raw(")");
        }
        Operation::Is(is) => writer.raw(match is {
            Is::Null => " is null",
            Is::NotNull => " is not null",
            Is::True => " is true",
            Is::False => " is false",
            Is::Unknown => " is unknown",
        }),
        Operation::IsDistinct(value) => {
            writer.raw(" is distinct from ");
            writer.value(value.as_str());
        }
        Operation::Fts(kind, language, value) => {
            writer.raw(match kind {
                Fts::Plain => " @@ to_tsquery(",
                Fts::Words => " @@ plainto_tsquery(",
                Fts::Phrase => " @@ phraseto_tsquery(",
                Fts::Web => " @@ websearch_to_tsquery(",
            });
            if let Some(language) = language {
                writer.value(language.as_str());
                writer.raw(", ");
            }
            writer.value(value.as_str());
            writer.raw(")");
        }
    }
}

fn write_comparison(
    writer: &mut Writer,
    comparison: Comparison,
    quantifier: Option<Quantifier>,
    value: &str,
) {
    writer.raw(" ");
    writer.raw(comparison.sql);
    writer.raw(" ");
    let value = if comparison.is_pattern() {
        value.replace('*', "%")
    } else {
        value.to_owned()
    };
    match quantifier {
        Some(Quantifier::Any) => writer.raw("any("),
        Some(Quantifier::All) => writer.raw("all("),
        None => {}
    }
    writer.value(value);
    if quantifier.is_some() {
        writer.raw(")");
    }
}

/// The text form of an array.
fn array(values: &[String]) -> String {
    let items: Vec<String> = values
        .iter()
        .map(|value| format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"")))
        .collect();
    format!("{{{}}}", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_their_place_in_an_array() {
        let values = ["a,b".to_owned(), "c\"d\\".to_owned(), "null".to_owned()];
        assert_eq!(array(&values), r#"{"a,b","c\"d\\","null"}"#);
    }
}
