//! The whole statement: one row with the body of the answer, how many rows it has, and what functions said of status and headers.

use super::count::write_count;
use super::read::write_node;
use super::writer::{Statement, Writer};
use crate::headers::{MediaType, PlanType};
use crate::plan::Node;

/// The name of the rows that a statement starts from.
pub(crate) const SOURCE: &str = "pgrst_source";

/// What comes back of a function, which decides the form of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    Rows,
    /// One row of a function that returns no set.
    Row,
    Value,
    Values,
    /// Nothing but the number of rows.
    Nothing,
}

/// How the number of all rows is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    None,
    /// It is the number of rows in the answer.
    Page,
    /// The query is counted without its limit, up to a number of rows.
    Query {
        most: Option<i64>,
    },
}

/// Wraps a tree. `source` writes the statement that [`SOURCE`] is, where there is one.
pub(crate) fn write_wrapped(
    node: &Node,
    source: Option<&dyn Fn(&mut Writer)>,
    wrapped: Wrapped,
    media: &MediaType,
    counting: Counting,
    counts_inserts: bool,
) -> Statement {
    let mut writer = Writer::default();
    let media = match media {
        MediaType::Plan(plan) => {
            write_explain(&mut writer, plan);
            &plan.of
        }
        other => other,
    };
    let mut before = "with ";
    if let Some(source) = source {
        writer.raw("with pgrst_source as (");
        source(&mut writer);
        writer.raw(")");
        before = ", ";
    }
    let page = if matches!(wrapped, Wrapped::Value | Wrapped::Row) {
        "1"
    } else {
        "pg_catalog.count(_)"
    };
    let total = match counting {
        Counting::None => "null",
        Counting::Page => page,
        Counting::Query { most } => {
            writer.raw(before);
            writer.raw("pgrst_all as (");
            write_count(&mut writer, node);
            if let Some(most) = most {
                writer.raw(&format!(" limit {most}"));
            }
            writer.raw(")");
            "(select pg_catalog.count(*) from pgrst_all)"
        }
    };
    let inserted = if counts_inserts {
        "nullif(current_setting('pgrst.inserted', true), '')"
    } else {
        "null"
    };
    writer.raw(&format!(
        " select ({total})::int8, {page}::int8, ({})::text, nullif(current_setting('response.headers', true), ''), \
         nullif(current_setting('response.status', true), ''), {inserted}::int8 from (",
        body(wrapped, media)
    ));
    if wrapped == Wrapped::Nothing {
        writer.raw("select 1 from pgrst_source");
    } else {
        write_node(&mut writer, node);
    }
    writer.raw(") _");
    writer.finish()
}

fn body(wrapped: Wrapped, media: &MediaType) -> String {
    if wrapped == Wrapped::Nothing {
        return "''".to_owned();
    }
    let item = if matches!(wrapped, Wrapped::Value | Wrapped::Values) {
        "_.pgrst_scalar"
    } else {
        "_"
    };
    let (is_object, strips_nulls) = match media {
        MediaType::Object { strips_nulls } => (true, *strips_nulls),
        MediaType::JsonWithoutNulls => (false, true),
        MediaType::Csv => return csv(),
        MediaType::GeoJson => {
            return "json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(ST_AsGeoJSON(_)::json), '[]'))".to_owned();
        }
        _ => (false, false),
    };
    let is_one = is_object || matches!(wrapped, Wrapped::Value | Wrapped::Row);
    let (taken, empty) = if is_one { ("->0", "null") } else { ("", "[]") };
    let json = format!("json_agg({item}){taken}");
    let json = if strips_nulls {
        format!("json_strip_nulls({json})")
    } else {
        json
    };
    format!("coalesce({json}, '{empty}')")
}

/// A header line of the columns, and a line for each row as Postgres writes rows.
fn csv() -> String {
    "coalesce((select string_agg(k, ',') from json_object_keys(json_agg(_)->0) as k), '') \
     || e'\\n' || coalesce(string_agg(substring(_::text, 2, length(_::text) - 2), e'\\n'), '')"
        .to_owned()
}

fn write_explain(writer: &mut Writer, plan: &PlanType) {
    let format = if plan.is_json {
        "format json"
    } else {
        "format text"
    };
    let options: Vec<&str> = [format].into_iter().chain(plan.options.iter().copied()).collect();
    writer.raw(&format!("explain ({}) ", options.join(", ")));
}
