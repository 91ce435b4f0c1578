//! SQL from inside a function, with plans that are kept for the life of the backend.

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;

use pgrx::pg_sys::{self, Datum, Oid, SPIPlanPtr};

use super::boundary::catch;
use super::sys;
use super::trigger::Trigger;
use super::value::Value;
use crate::error::Failure;

/// A connection to the SQL executor, for one call.
pub struct Session {
    _private: (),
}

/// A prepared statement that outlives the call. Postgres plans it anew by itself when a table changes.
#[derive(Debug)]
pub struct Plan {
    plan: SPIPlanPtr,
    types: Box<[Oid]>,
}

/// What a statement returned. Lives as long as the session, or until [`Rows::release`].
pub struct Rows<'s> {
    table: *mut pg_sys::SPITupleTable,
    count: usize,
    session: PhantomData<&'s Session>,
}

impl Session {
    /// Connects, runs the body and disconnects. When the body fails, Postgres disconnects as it aborts.
    pub fn run<T>(body: impl FnOnce(&Session) -> Result<T, Failure>) -> Result<T, Failure> {
        // SAFETY: plain calls; the pair brackets the body.
        unsafe {
            expect(
                catch(|| sys::SPI_connect())?,
                pg_sys::SPI_OK_CONNECT,
                "SPI_connect",
            )?
        };
        let result = body(&Session { _private: () })?;
        // SAFETY: as above.
        unsafe { expect(catch(|| sys::SPI_finish())?, pg_sys::SPI_OK_FINISH, "SPI_finish")? };
        Ok(result)
    }

    /// Makes a trigger's transition tables known to statements of this session.
    pub fn register_transition_tables(&self, trigger: &Trigger<'_>) -> Result<(), Failure> {
        let data = trigger.data();
        // SAFETY: the trigger's data outlives the session, which is inside its call.
        unsafe {
            expect(
                catch(|| sys::SPI_register_trigger_data(data))?,
                pg_sys::SPI_OK_TD_REGISTER,
                "SPI_register_trigger_data",
            )
        }
    }

    /// Prepares a statement with parameters of these types.
    pub fn prepare(&self, text: &str, types: &[Oid]) -> Result<Plan, Failure> {
        let text = CString::new(text).map_err(|_| Failure::internal("a statement holds a zero byte"))?;
        let mut types: Box<[Oid]> = types.into();
        let count = types.len() as c_int;
        let (source, slots) = (text.as_ptr(), types.as_mut_ptr());
        // SAFETY: the text is zero-terminated, and there are `count` types. Keeping the plan moves it to memory of the backend.
        unsafe {
            let plan = catch(|| sys::SPI_prepare(source, count, slots))?;
            if plan.is_null() {
                let code = pg_sys::SPI_result;
                return Err(Failure::internal(format!("SPI_prepare: {code}")));
            }
            expect(pg_sys::SPI_keepplan(plan), 0, "SPI_keepplan")?;
            Ok(Plan { plan, types })
        }
    }

    /// Runs a plan. Each run is a command of its own: it sees what was committed, and what this transaction did, up to now.
    pub fn execute(&self, plan: &Plan, values: &[Value<'_>]) -> Result<Rows<'_>, Failure> {
        self.run_plan(plan, values, false)
    }

    /// Runs a query that writes nothing, under the caller's snapshot: it sees what the statement sees that called the function.
    pub fn read(&self, plan: &Plan, values: &[Value<'_>]) -> Result<Rows<'_>, Failure> {
        self.run_plan(plan, values, true)
    }

    fn run_plan(&self, plan: &Plan, values: &[Value<'_>], is_read_only: bool) -> Result<Rows<'_>, Failure> {
        check_types(plan, values)?;
        let mut datums: Vec<Datum> = values
            .iter()
            .map(|value| value.datum().unwrap_or(Datum::null()))
            .collect();
        let nulls: Vec<c_char> = values
            .iter()
            .map(|value| if value.is_null() { b'n' } else { b' ' } as c_char)
            .collect();
        let (plan, datums, nulls) = (plan.plan, datums.as_mut_ptr(), nulls.as_ptr());
        // SAFETY: there is a value for each parameter, of its type. The results are read right after.
        unsafe {
            let code = catch(|| sys::SPI_execute_plan(plan, datums, nulls, is_read_only, 0))?;
            if code < 0 {
                return Err(Failure::internal(format!("SPI_execute_plan: {code}")));
            }
            let table = pg_sys::SPI_tuptable;
            let count = if table.is_null() {
                0
            } else {
                pg_sys::SPI_processed as usize
            };
            Ok(Rows {
                table,
                count,
                session: PhantomData,
            })
        }
    }

    /// How many rows the last statement touched.
    pub fn touched(&self) -> u64 {
        // SAFETY: reads a counter of this backend.
        unsafe { pg_sys::SPI_processed }
    }
}

impl Plan {
    pub(super) fn pointer(&self) -> SPIPlanPtr {
        self.plan
    }

    /// The types of its parameters.
    pub fn types(&self) -> &[Oid] {
        &self.types
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: the plan was kept and nobody else knows it. A plan that is running holds a count of its own.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}

impl Rows<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        self.count
    }

    /// One column of one row, both counted from zero.
    pub fn value(&self, row: usize, column: usize) -> Result<Value<'_>, Failure> {
        if row >= self.count {
            return Err(Failure::internal("a row that is not there"));
        }
        let number = column as c_int + 1;
        let mut is_null = false;
        // SAFETY: the row is there; a column that is not reads as null with type zero.
        unsafe {
            let (values, descriptor) = ((*self.table).vals, (*self.table).tupdesc);
            let datum = pg_sys::SPI_getbinval(*values.add(row), descriptor, number, &mut is_null);
            let type_oid = pg_sys::SPI_gettypeid(descriptor, number);
            Ok(Value::new(type_oid, (!is_null).then_some(datum)))
        }
    }

    /// One column of one row as Postgres prints it.
    pub fn text(&self, row: usize, column: usize) -> Result<String, Failure> {
        if row >= self.count {
            return Err(Failure::internal("a row that is not there"));
        }
        // SAFETY: as above; what is printed lies in the session's memory and is copied.
        unsafe {
            let printed = pg_sys::SPI_getvalue(
                *(*self.table).vals.add(row),
                (*self.table).tupdesc,
                column as c_int + 1,
            );
            let text = if printed.is_null() {
                c""
            } else {
                CStr::from_ptr(printed)
            };
            Ok(text.to_string_lossy().into_owned())
        }
    }

    /// Gives the memory back before the session ends, for loops. Not done on drop: after an error Postgres has done it already.
    pub fn release(self) {
        if !self.table.is_null() {
            // SAFETY: the table belongs to this session and nothing borrows from it any more.
            unsafe { pg_sys::SPI_freetuptable(self.table) };
        }
    }
}

pub(super) fn check_types(plan: &Plan, values: &[Value<'_>]) -> Result<(), Failure> {
    if values.iter().map(Value::type_oid).eq(plan.types.iter().copied()) {
        Ok(())
    } else {
        Err(Failure::internal(
            "a statement was given values of other types than it was prepared for",
        ))
    }
}

fn expect(code: c_int, expected: impl TryInto<c_int>, what: &str) -> Result<(), Failure> {
    if expected.try_into().is_ok_and(|expected| code == expected) {
        Ok(())
    } else {
        Err(Failure::internal(format!("{what}: {code}")))
    }
}
