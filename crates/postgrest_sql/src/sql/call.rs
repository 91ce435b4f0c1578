//! Calls of functions.

use super::writer::Writer;
use crate::catalogue::{Argument, Name};
use crate::plan::{Arguments, Call};

/// The rows that a function returns; a value is the column `pgrst_scalar`.
pub(crate) fn write_call(writer: &mut Writer, call: &Call<'_>) {
    writer.raw("select ");
    if call.function.returns_scalar() {
        writer.raw("pgrst_call.pgrst_scalar");
    } else if call.returning.is_empty() {
        writer.raw("pgrst_call.*");
    } else {
        let of = Name::bare("pgrst_call");
        writer.list(", ", &call.returning, |writer, column| writer.column(&of, column));
    }
    writer.raw(" from ");
    match &call.arguments {
        Arguments::None => write_invocation(writer, call, |_| {}),
        Arguments::Only(value, argument) => write_invocation(writer, call, |writer| {
            writer.value(value.as_str());
            writer.raw("::");
            writer.raw(&argument.call_type);
        }),
        Arguments::Texts(values) => write_invocation(writer, call, |writer| {
            writer.list(", ", values, |writer, (argument, value)| {
                write_name(writer, argument);
                writer.value(value.as_str());
                writer.raw("::");
                writer.raw(&argument.call_type);
            });
        }),
        Arguments::Json { body, arguments } => write_json_call(writer, call, body, arguments),
    }
}

fn write_name(writer: &mut Writer, argument: &Argument) {
    if argument.is_variadic {
        writer.raw("variadic ");
    }
    writer.identifier(&argument.name);
    writer.raw(" := ");
}

fn write_invocation(writer: &mut Writer, call: &Call<'_>, arguments: impl FnOnce(&mut Writer)) {
    let is_scalar = call.function.returns_scalar();
    if is_scalar {
        writer.raw("(select ");
    }
    writer.name(&call.function.id());
    writer.raw("(");
    arguments(writer);
    writer.raw(")");
    writer.raw(if is_scalar {
        " pgrst_scalar) pgrst_call"
    } else {
        " pgrst_call"
    });
}

/// The arguments are the fields of an object, each read as the type that it is declared as.
fn write_json_call(writer: &mut Writer, call: &Call<'_>, body: &str, arguments: &[&Argument]) {
    let is_object = body.trim_start().starts_with('{');
    let place = writer.parameter(Some(body.to_owned()));
    let function = if is_object {
        "json_to_record"
    } else {
        "json_to_recordset"
    };
    writer.raw("(select ");
    writer.list(", ", arguments, |writer, argument| {
        writer.identifier(&argument.name)
    });
    writer.raw(&format!(" from {function}({place}::json) as pgrst_row("));
    writer.list(", ", arguments, |writer, argument| {
        writer.identifier(&argument.name);
        writer.raw(" ");
        writer.raw(&argument.call_type);
    });
    writer.raw(") limit 1) pgrst_body, lateral ");
    let body = Name::bare("pgrst_body");
    write_invocation(writer, call, |writer| {
        writer.list(", ", arguments, |writer, argument| {
            write_name(writer, argument);
            writer.column(&body, &argument.name);
        });
    });
}
