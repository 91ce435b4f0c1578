//! Look-ups in the catalogue.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum, Oid};

use super::boundary::catch;
use super::sys;
use crate::error::Failure;

/// Whether there is a function of this name with exactly these argument types. 42501 where the caller may not use the schema.
pub fn function_exists(schema: &CStr, name: &CStr, types: &[Oid]) -> Result<bool, Failure> {
    let (schema, count) = (schema.as_ptr(), types.len() as i32);
    // SAFETY: the look-ups take zero-terminated names and a vector of oids that `buildoidvector` copies.
    unsafe {
        let namespace = catch(|| sys::LookupExplicitNamespace(schema, true))?;
        if namespace == Oid::INVALID {
            return Ok(false);
        }
        let vector = pg_sys::buildoidvector(types.as_ptr(), count);
        Ok(pg_sys::SearchSysCacheExists(
            pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
            Datum::from(name.as_ptr().cast_mut()),
            Datum::from(vector),
            Datum::from(namespace),
            Datum::null(),
        ))
    }
}
