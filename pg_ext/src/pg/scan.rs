//! Rows of a query handed over one by one as the executor finds them, without a copy.

use std::ffi::{c_int, c_void};

use pgrx::pg_sys::{self, Datum, DestReceiver, TupleDesc, TupleTableSlot};

use super::boundary::catch;
use super::spi::{Plan, Session, check_types};
use super::sys;
use super::value::{Value, payload};
use crate::error::Failure;

/// A row that the executor holds for the moment.
pub struct Row<'r> {
    slot: &'r TupleTableSlot,
}

/// What the executor calls: its own structure first, then where ours goes on.
#[repr(C)]
struct Receiver {
    head: DestReceiver,
    each: *mut c_void,
}

impl Session {
    /// Runs a query that writes nothing, under the caller's snapshot, and shows each row. What is called must not call Postgres, and must
    /// not panic.
    pub fn scan<F: FnMut(&Row<'_>)>(
        &self,
        plan: &Plan,
        values: &[Value<'_>],
        mut each: F,
    ) -> Result<(), Failure> {
        check_types(plan, values)?;
        let mut receiver = Receiver {
            head: DestReceiver {
                receiveSlot: Some(receive::<F>),
                rStartup: Some(start),
                rShutdown: Some(stop),
                rDestroy: Some(stop),
                mydest: pg_sys::CommandDest::DestTuplestore,
            },
            each: (&raw mut each).cast(),
        };
        let count = values.len() as c_int;
        let (plan, destination) = (plan.pointer(), (&raw mut receiver).cast::<DestReceiver>());
        // SAFETY: there is a value for each parameter, of its type, in a list with room for them. The receiver lives as long as the run,
        // and the executor calls it from there only. An error leaves by a jump over `receive`, which has nothing to drop.
        unsafe {
            let list = catch(|| sys::makeParamList(count))?;
            for (place, value) in (*list).params.as_mut_slice(values.len()).iter_mut().zip(values) {
                place.value = value.datum().unwrap_or(Datum::null());
                place.isnull = value.is_null();
                place.pflags = pg_sys::PARAM_FLAG_CONST as u16;
                place.ptype = value.type_oid();
            }
            let options = pg_sys::SPIExecuteOptions {
                params: list,
                read_only: true,
                dest: destination,
                ..Default::default()
            };
            let options = &raw const options;
            let code = catch(|| sys::SPI_execute_plan_extended(plan, options))?;
            if code < 0 {
                return Err(Failure::internal(format!("SPI_execute_plan_extended: {code}")));
            }
        }
        Ok(())
    }
}

impl Row<'_> {
    fn datum(&self, column: usize) -> Option<Datum> {
        // SAFETY: so many columns were read before the row was shown.
        unsafe {
            let is_there = column < usize::try_from(self.slot.tts_nvalid).unwrap_or(0);
            (is_there && !*self.slot.tts_isnull.add(column)).then(|| *self.slot.tts_values.add(column))
        }
    }

    /// A column of type `uuid`.
    pub fn uuid(&self, column: usize) -> Option<[u8; 16]> {
        // SAFETY: only queries with a uuid there ask for it, which is a pointer to sixteen bytes.
        self.datum(column)
            .map(|datum| unsafe { *datum.cast_mut_ptr::<[u8; 16]>() })
    }

    /// A column of type `integer`.
    pub fn integer(&self, column: usize) -> Option<i32> {
        self.datum(column).map(|datum| datum.value() as i32)
    }

    /// What lies behind the length word of a column that is stored PLAIN.
    pub fn plain(&self, column: usize) -> Option<&[u8]> {
        // SAFETY: only queries with such a column ask for it; what is stored PLAIN is neither compressed nor elsewhere. It lies in a page
        // that the executor holds while it shows the row.
        self.datum(column)
            .map(|datum| unsafe { payload(datum.cast_mut_ptr()) })
    }
}

unsafe extern "C-unwind" fn receive<F: FnMut(&Row<'_>)>(
    slot: *mut TupleTableSlot,
    receiver: *mut DestReceiver,
) -> bool {
    // SAFETY: the executor passes the receiver that it was given, whose second part is an `F`, and a row of its own.
    unsafe {
        let count = (*(*slot).tts_tupleDescriptor).natts;
        if i32::from((*slot).tts_nvalid) < count {
            sys::slot_getsomeattrs_int(slot, count);
        }
        let each = (*receiver.cast::<Receiver>()).each.cast::<F>();
        (*each)(&Row { slot: &*slot });
    }
    true
}

unsafe extern "C-unwind" fn start(_: *mut DestReceiver, _: c_int, _: TupleDesc) {}

unsafe extern "C-unwind" fn stop(_: *mut DestReceiver) {}
