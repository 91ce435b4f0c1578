//! Acting with a table owner's rights.

use pgrx::pg_sys::{self, Oid};

use crate::error::Failure;

/// Runs the body as another role, the way that foreign keys are checked: the role cannot be left with `set role`, and forced row
/// level security does not hide rows from an owner. When the body fails, Postgres puts the caller back as it aborts the transaction
/// or subtransaction.
pub fn as_role<T>(role: Oid, body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut caller = Oid::INVALID;
    let mut context = 0;
    let restrictions = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_NOFORCE_RLS;
    // SAFETY: sets the current role; put back below, or by the abort that follows an error.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut caller, &mut context);
        pg_sys::SetUserIdAndSecContext(role, context | restrictions.cast_signed());
    }
    let result = body()?;
    // SAFETY: puts back what was read above.
    unsafe { pg_sys::SetUserIdAndSecContext(caller, context) };
    Ok(result)
}

/// Whether a role has all the rights of another: it is the same, a member, or a superuser.
pub fn may_act_as(role: Oid, other: Oid) -> bool {
    // SAFETY: reads the catalogue.
    unsafe { pg_sys::has_privs_of_role(role, other) }
}
