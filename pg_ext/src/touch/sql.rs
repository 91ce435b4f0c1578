//! The SQL surface of `touch_updated_at`.

use pgrx::pg_sys::{self, Datum};

use super::precision::rounded;
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Event, Timing, Value, local_timestamp, sql_function, transaction_start};

sql_function!(
    parley_touch_updated_at,
    pg_finfo_parley_touch_updated_at,
    touch_updated_at
);

pgrx::extension_sql_file!("../../sql/touch.sql", name = "touch");

fn touch_updated_at(call: &Call) -> Result<Datum, Failure> {
    let trigger = call
        .trigger()
        .filter(|trigger| trigger.timing() == Timing::BeforeRow && trigger.event() != Event::Delete)
        .ok_or_else(|| {
            Failure::new(
                sqlstate::TRIGGER_PROTOCOL,
                "touch_updated_at must be fired before insert or update, for each row.",
            )
        })?;
    let column = trigger.column(c"updated_at").ok_or_else(|| {
        Failure::new(
            sqlstate::UNDEFINED_COLUMN,
            r#"record "new" has no field "updated_at""#,
        )
    })?;
    let moment = transaction_start();
    let value = match column.type_oid {
        pg_sys::TIMESTAMPTZOID => Value::timestamptz(rounded(moment, column.type_modifier)),
        pg_sys::TIMESTAMPOID => Value::timestamp(rounded(local_timestamp(moment)?, column.type_modifier)),
        _ => {
            return Err(Failure::new(
                sqlstate::DATATYPE_MISMATCH,
                "updated_at must be a timestamp.",
            ));
        }
    };
    Ok(trigger.new_row_with(column, value))
}
