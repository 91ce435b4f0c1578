//! How Postgres calls a function of ours.

use pgrx::pg_sys::{self, Datum};

use super::boundary::{Outcome, catch};
use super::sys;
use super::trigger::Trigger;
use super::value::{Value, payload};
use crate::error::{Failure, sqlstate};

/// One call of a function: its arguments, or the trigger that fired it.
pub struct Call {
    info: pg_sys::FunctionCallInfo,
}

/// Declares a version-1 C function: the symbol, its `pg_finfo_` companion, and the Rust function that it runs.
macro_rules! sql_function {
    ($symbol:ident, $companion:ident, $body:path) => {
        /// Tells Postgres the calling convention.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $companion() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
            const VERSION_1: ::pgrx::pg_sys::Pg_finfo_record =
                ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION_1
        }

        /// What Postgres calls.
        ///
        /// # Safety
        /// Only Postgres's function manager calls it.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(
            info: ::pgrx::pg_sys::FunctionCallInfo,
        ) -> ::pgrx::pg_sys::Datum {
            // SAFETY: the function manager passes a valid call, and this is the outermost frame.
            unsafe { $crate::pg::call(info, $body) }
        }
    };
}
pub(crate) use sql_function;

/// Runs a function body as Postgres's function manager wants it: an error becomes a Postgres error after all Rust frames are gone.
///
/// # Safety
/// `info` comes from the function manager, and the caller is the outermost frame and holds nothing.
pub unsafe fn call(info: pg_sys::FunctionCallInfo, body: fn(&Call) -> Result<Datum, Failure>) -> Datum {
    // SAFETY: the guard turns a panic, which is a bug, into an error; `finish` runs in a frame that holds plain memory only.
    unsafe { pgrx::pgrx_extern_c_guard(|| Outcome::from(body(&Call { info }))).finish() }
}

impl Call {
    /// An argument, or nothing where it is null or not there. The type comes from the function's declaration.
    fn argument(&self, index: usize) -> Option<Datum> {
        // SAFETY: the function manager passes `nargs` arguments behind the header.
        let arguments = unsafe {
            (*self.info)
                .args
                .as_slice(usize::from((*self.info).nargs.cast_unsigned()))
        };
        arguments
            .get(index)
            .filter(|argument| !argument.isnull)
            .map(|argument| argument.value)
    }

    /// An `integer` argument.
    pub fn integer(&self, index: usize) -> Option<i32> {
        self.argument(index).map(|datum| datum.value() as i32)
    }

    /// A `boolean` argument.
    pub fn boolean(&self, index: usize) -> Option<bool> {
        // Postgres itself reads the lowest byte.
        self.argument(index).map(|datum| datum.value() & 0xff != 0)
    }

    /// An `interval` argument: months, days and microseconds.
    pub fn interval(&self, index: usize) -> Option<(i32, i32, i64)> {
        self.argument(index).map(|datum| {
            // SAFETY: only functions declared with an interval here ask for one; it is a pointer to the struct.
            let interval = unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() };
            (interval.month, interval.day, interval.time)
        })
    }

    /// The bytes of a `text` or `jsonb` argument.
    pub fn bytes(&self, index: usize) -> Result<Option<&[u8]>, Failure> {
        let Some(datum) = self.argument(index) else {
            return Ok(None);
        };
        // SAFETY: only functions declared with a variable-length argument here ask for it. Detoasting leaves it where it is or copies
        // it into the call's memory; either lives as long as the call.
        unsafe {
            let value = datum.cast_mut_ptr::<pg_sys::varlena>();
            let plain = catch(|| sys::pg_detoast_datum_packed(value))?;
            Ok(Some(payload(plain)))
        }
    }

    /// The characters of a `text` argument.
    pub fn text(&self, index: usize) -> Result<Option<&str>, Failure> {
        let Some(bytes) = self.bytes(index)? else {
            return Ok(None);
        };
        self.require_utf8()?;
        std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Failure::new(sqlstate::DATA_CORRUPTED, "The text is not UTF-8."))
    }

    /// An argument as it came, of the type it is declared with, to be handed on to SQL.
    pub fn value(&self, index: usize, declared: pg_sys::Oid) -> Value<'_> {
        Value::new(declared, self.argument(index))
    }

    /// The bytes of a `jsonb` argument that is not null.
    pub fn jsonb(&self, index: usize) -> Result<&[u8], Failure> {
        self.require_utf8()?;
        self.bytes(index)?
            .ok_or_else(|| Failure::internal("a strict function got null"))
    }

    /// The trigger that fired the function, if one did.
    pub fn trigger(&self) -> Option<Trigger<'_>> {
        // SAFETY: a call from the trigger manager carries its data as the context, and says so in the node's tag.
        unsafe {
            let context = (*self.info).context.cast::<pg_sys::TriggerData>();
            (!context.is_null() && (*context).type_ == pg_sys::NodeTag::T_TriggerData)
                .then(|| Trigger::new(context))
        }
    }

    /// Names and texts are read as UTF-8, so the database must hold them so.
    pub fn require_utf8(&self) -> Result<(), Failure> {
        // SAFETY: reads a setting of the database.
        if unsafe { pg_sys::GetDatabaseEncoding() } == pg_sys::pg_enc::PG_UTF8 as i32 {
            Ok(())
        } else {
            Err(Failure::new(
                sqlstate::NOT_SUPPORTED,
                "The native kernel needs a database with the encoding UTF8.",
            ))
        }
    }
}
