//! Settings held for one call, as `create function ... set` holds them.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::boundary::catch;
use super::sys;
use crate::error::Failure;

/// A setting and the value it gets.
pub type Setting = (&'static CStr, &'static CStr);

/// Runs the body under the settings and puts them back. When the body fails, Postgres puts them back as it aborts the transaction or
/// subtransaction.
pub fn with_settings<T>(
    settings: &[Setting],
    body: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    // SAFETY: opens a level that is closed below; the texts are constants.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    for (name, value) in settings {
        let (name, value) = (name.as_ptr(), value.as_ptr());
        // SAFETY: as above; an invalid value raises an error, which is caught.
        unsafe {
            catch(|| {
                sys::set_config_option(
                    name,
                    value,
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                )
            })?;
        }
    }
    let result = body()?;
    // SAFETY: closes the level opened above.
    unsafe { pg_sys::AtEOXact_GUC(true, level) };
    Ok(result)
}
