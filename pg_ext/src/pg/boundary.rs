//! Where Postgres's errors become Rust values and turn back into Postgres's errors, losing nothing.
//!
//! Postgres raises an error by a long jump. [`catch`] sets the place it lands and returns the error as [`Failure::Postgres`], so that
//! Rust frames end the ordinary way. The function's outermost frame then gives the error back to Postgres with [`Outcome::finish`].
//! Between the two, nothing may ignore the error: Postgres cleans up (SPI, memory, the current user, settings) when it aborts the
//! transaction or subtransaction, as it does for a function in C.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use cee_scape::call_with_sigsetjmp;
use pgrx::pg_sys::{self, Datum};

use super::sys;
use crate::error::{Failure, Report, SqlState};

/// A whole Postgres error, kept in the memory context of the call that caught it.
#[derive(Debug)]
pub struct CaughtError(*mut pg_sys::ErrorData);

/// Runs a call into Postgres and catches the error it raises.
///
/// # Safety
/// The caller is a backend's only thread. The closure calls the functions of [`sys`], holds nothing that wants to be dropped, and
/// does not panic: a long jump ends it without running destructors.
pub unsafe fn catch<T: Copy>(call: impl FnOnce() -> T) -> Result<T, Failure> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: a backend has one thread, so nothing else reads or writes these globals. They are put back on both ways out, and
    // `value` was written when the closure came to its end, which is when the jump code is zero.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        let jump_target = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let jumped = call_with_sigsetjmp(false, |here| {
            pg_sys::PG_exception_stack = std::ptr::from_ref(here).cast_mut().cast();
            value.write(call());
            0
        });
        pg_sys::PG_exception_stack = jump_target;
        pg_sys::error_context_stack = callbacks;
        if jumped == 0 {
            return Ok(value.assume_init());
        }
        pg_sys::CurrentMemoryContext = memory;
        let error = pg_sys::CopyErrorData();
        pg_sys::FlushErrorState();
        Err(Failure::Postgres(CaughtError(error)))
    }
}

/// How a function ends, in plain memory that Postgres owns, so that the frame that raises an error has nothing left to drop.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// It returns this.
    Return(Datum),
    /// It passes this error on.
    Rethrow(*mut pg_sys::ErrorData),
    /// It raises an error of ours; absent parts are null.
    Raise {
        state: SqlState,
        message: *mut c_char,
        detail: *mut c_char,
        hint: *mut c_char,
    },
}

impl From<Result<Datum, Failure>> for Outcome {
    fn from(result: Result<Datum, Failure>) -> Self {
        let copy = |text: Option<&str>| text.map_or(null_mut(), palloc_text);
        match result {
            Ok(datum) => Outcome::Return(datum),
            Err(Failure::Postgres(CaughtError(error))) => Outcome::Rethrow(error),
            Err(Failure::Raised(report)) => {
                let Report {
                    state,
                    message,
                    detail,
                    hint,
                } = *report;
                Outcome::Raise {
                    state,
                    message: copy(Some(&message)),
                    detail: copy(detail.as_deref()),
                    hint: copy(hint.as_deref()),
                }
            }
        }
    }
}

impl Outcome {
    /// Returns, or raises the error and does not.
    ///
    /// # Safety
    /// Only in the outermost frame of a function that Postgres called, with nothing left to drop.
    pub unsafe fn finish(self) -> Datum {
        const TEXT: &CStr = c"%s";
        match self {
            Outcome::Return(datum) => datum,
            // SAFETY: the error was copied by `catch` and its memory lives as long as the call. Does not return.
            Outcome::Rethrow(error) => unsafe { sys::ReThrowError(error) },
            // SAFETY: the texts are zero-terminated and live as long as the call; at level ERROR `errstart` wants the report and
            // `errfinish` does not return.
            Outcome::Raise {
                state,
                message,
                detail,
                hint,
            } => unsafe {
                sys::errstart(pgrx::PgLogLevel::ERROR as c_int, std::ptr::null());
                sys::errcode(pack(state));
                sys::errmsg_internal(TEXT.as_ptr(), message);
                if !detail.is_null() {
                    sys::errdetail_internal(TEXT.as_ptr(), detail);
                }
                if !hint.is_null() {
                    sys::errhint(TEXT.as_ptr(), hint);
                }
                sys::errfinish(std::ptr::null(), 0, std::ptr::null());
                Datum::null()
            },
        }
    }
}

/// Postgres's packing: six bits a character (`MAKE_SQLSTATE`).
fn pack(state: SqlState) -> c_int {
    state.iter().rev().fold(0, |packed, byte| {
        (packed << 6) | c_int::from(byte.wrapping_sub(b'0') & 0x3F)
    })
}

/// A zero-terminated copy in the current memory context.
fn palloc_text(text: &str) -> *mut c_char {
    // SAFETY: the new block has room for the text and the zero, and nothing else knows it yet.
    unsafe {
        let copy = pg_sys::palloc(text.len() + 1).cast::<u8>();
        copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
        copy.add(text.len()).write(0);
        copy.cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_packed_like_postgres_packs_them() {
        assert_eq!(
            pack(*b"22023"),
            pgrx::PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE as c_int
        );
        assert_eq!(
            pack(*b"39P01"),
            pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED as c_int
        );
    }
}
