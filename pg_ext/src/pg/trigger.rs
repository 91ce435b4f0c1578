//! The trigger that fired a function.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use pgrx::pg_sys::{self, Oid};

use super::boundary::catch;
use super::sys;
use super::value::Value;
use crate::error::Failure;

/// What happened to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Rows came.
    Insert,
    /// Rows changed.
    Update,
    /// Rows went.
    Delete,
    /// All rows went.
    Truncate,
}

/// When the trigger fires, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// `before ... for each row`
    BeforeRow,
    /// `after ... for each statement`
    AfterStatement,
    /// Any other.
    Other,
}

/// A column of the trigger's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its place in the row, from one.
    pub number: i16,
    /// Its type.
    pub type_oid: Oid,
    /// What was written in parentheses after the type, as the type encodes it; negative where nothing was.
    pub type_modifier: i32,
}

/// One firing of a trigger. Lives as long as the call.
pub struct Trigger<'c> {
    data: *mut pg_sys::TriggerData,
    call: PhantomData<&'c ()>,
}

impl<'c> Trigger<'c> {
    /// # Safety
    /// The trigger manager's data of a call that outlives the result.
    pub(super) unsafe fn new(data: *mut pg_sys::TriggerData) -> Self {
        Self {
            data,
            call: PhantomData,
        }
    }

    pub(super) fn data(&self) -> *mut pg_sys::TriggerData {
        self.data
    }

    fn inner(&self) -> &pg_sys::TriggerData {
        // SAFETY: valid for the call, by construction.
        unsafe { &*self.data }
    }

    fn definition(&self) -> &pg_sys::Trigger {
        // SAFETY: the trigger manager sets it for every call.
        unsafe { &*self.inner().tg_trigger }
    }

    fn relation(&self) -> &pg_sys::RelationData {
        // SAFETY: open and locked for the call.
        unsafe { &*self.inner().tg_relation }
    }

    fn relation_row(&self) -> &pg_sys::FormData_pg_class {
        // SAFETY: an open relation has its catalogue row.
        unsafe { &*self.relation().rd_rel }
    }

    fn columns(&self) -> &[pg_sys::FormData_pg_attribute] {
        // SAFETY: an open relation has a descriptor with that many columns. Since 18 it begins with as many short forms of them.
        unsafe {
            let descriptor = self.relation().rd_att;
            let count = usize::try_from((*descriptor).natts).unwrap_or(0);
            #[cfg(not(feature = "pg18"))]
            let columns = (*descriptor).attrs.as_ptr();
            #[cfg(feature = "pg18")]
            let columns = (*descriptor).compact_attrs.as_ptr().add(count).cast();
            std::slice::from_raw_parts(columns, count)
        }
    }

    /// What happened.
    pub fn event(&self) -> Event {
        match self.inner().tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            pg_sys::TRIGGER_EVENT_UPDATE => Event::Update,
            _ => Event::Truncate,
        }
    }

    /// When it fires.
    pub fn timing(&self) -> Timing {
        let event = self.inner().tg_event;
        let is_row = event & pg_sys::TRIGGER_EVENT_ROW != 0;
        match event & pg_sys::TRIGGER_EVENT_TIMINGMASK {
            pg_sys::TRIGGER_EVENT_BEFORE if is_row => Timing::BeforeRow,
            pg_sys::TRIGGER_EVENT_AFTER if !is_row => Timing::AfterStatement,
            _ => Timing::Other,
        }
    }

    /// Tells this trigger from all others in the database.
    pub fn oid(&self) -> Oid {
        self.definition().tgoid
    }

    /// The arguments that `create trigger` gave.
    pub fn arguments(&self) -> impl ExactSizeIterator<Item = &'c CStr> {
        let definition = self.definition();
        let (pointers, count) = (
            definition.tgargs,
            usize::try_from(definition.tgnargs).unwrap_or(0),
        );
        // SAFETY: there are that many zero-terminated texts, and they live as long as the call.
        (0..count).map(move |index| unsafe { CStr::from_ptr(*pointers.add(index)) })
    }

    /// The table's oid.
    pub fn relation_oid(&self) -> Oid {
        self.relation().rd_id
    }

    /// The table's schema.
    pub fn relation_schema(&self) -> Oid {
        self.relation_row().relnamespace
    }

    /// The table's schema and name, unquoted.
    pub fn relation_name(&self) -> (String, CString) {
        // SAFETY: a schema's name is zero-terminated, or null when it was just dropped.
        let schema = unsafe {
            let name = pg_sys::get_namespace_name(self.relation_schema());
            if name.is_null() {
                String::new()
            } else {
                CStr::from_ptr(name).to_string_lossy().into_owned()
            }
        };
        (schema, name_text(&self.relation_row().relname).to_owned())
    }

    /// Whether the table still lies in this schema and has this name.
    pub fn has_relation_name(&self, schema: Oid, name: &CStr) -> bool {
        self.relation_schema() == schema && name_text(&self.relation_row().relname) == name
    }

    /// The table's owner.
    pub fn relation_owner(&self) -> Oid {
        self.relation_row().relowner
    }

    /// A column by name.
    pub fn column(&self, name: &CStr) -> Option<Column> {
        self.columns()
            .iter()
            .find(|column| !column.attisdropped && name_text(&column.attname) == name)
            .map(|column| Column {
                number: column.attnum,
                type_oid: column.atttypid,
                type_modifier: column.atttypmod,
            })
    }

    /// Whether a column found before still is what it was.
    pub fn has_column(&self, name: &CStr, known: Column) -> bool {
        usize::try_from(known.number - 1)
            .ok()
            .and_then(|index| self.columns().get(index))
            .is_some_and(|column| {
                !column.attisdropped
                    && column.atttypid == known.type_oid
                    && name_text(&column.attname) == name
            })
    }

    /// The names of the transition tables, old and new.
    pub fn transition_names(&self) -> (Option<&CStr>, Option<&CStr>) {
        // SAFETY: null or zero-terminated.
        let name = |text: *mut std::ffi::c_char| unsafe { (!text.is_null()).then(|| CStr::from_ptr(text)) };
        (
            name(self.definition().tgoldtable),
            name(self.definition().tgnewtable),
        )
    }

    /// How many rows the transition tables hold, old and new.
    pub fn transition_counts(&self) -> (i64, i64) {
        let count = |store: *mut pg_sys::Tuplestorestate| {
            // SAFETY: a store that is there is open for the call.
            if store.is_null() {
                0
            } else {
                unsafe { pg_sys::tuplestore_tuple_count(store) }
            }
        };
        (count(self.inner().tg_oldtable), count(self.inner().tg_newtable))
    }

    /// Reads columns of the first row of the new or the old transition table, and hands them to the body.
    pub fn with_first_row<const N: usize, T>(
        &self,
        is_new: bool,
        columns: [Column; N],
        body: impl FnOnce([Value<'_>; N]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let store = if is_new {
            self.inner().tg_newtable
        } else {
            self.inner().tg_oldtable
        };
        if store.is_null() {
            return Err(Failure::internal("a transition table that is not there"));
        }
        let last = columns
            .iter()
            .map(|column| i32::from(column.number))
            .max()
            .unwrap_or(0);
        // SAFETY: the slot has the table's descriptor, which is what the store's rows have. Queries over a transition table read
        // through pointers of their own, so moving the first one disturbs nobody. The slot holds a copy of the row, and is dropped
        // after the body; after an error its memory goes with the call's.
        unsafe {
            let slot = pg_sys::MakeSingleTupleTableSlot(
                self.relation().rd_att,
                &raw const pg_sys::TTSOpsMinimalTuple,
            );
            let is_there = catch(|| {
                sys::tuplestore_select_read_pointer(store, 0);
                sys::tuplestore_rescan(store);
                let is_there = sys::tuplestore_gettupleslot(store, true, true, slot);
                if is_there {
                    sys::slot_getsomeattrs_int(slot, last);
                }
                is_there
            })?;
            if !is_there {
                return Err(Failure::internal("a transition table lost its row"));
            }
            let values = columns.map(|column| {
                let index = usize::try_from(column.number - 1).unwrap_or(0);
                let is_null = *(*slot).tts_isnull.add(index);
                Value::new(
                    column.type_oid,
                    (!is_null).then(|| *(*slot).tts_values.add(index)),
                )
            });
            let result = body(values)?;
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            Ok(result)
        }
    }

    /// The row that is about to be written, with one column set to this value.
    pub fn new_row_with(&self, column: Column, value: Value<'_>) -> pg_sys::Datum {
        let row = if self.event() == Event::Update {
            self.inner().tg_newtuple
        } else {
            self.inner().tg_trigtuple
        };
        let (mut number, mut datum) = (
            i32::from(column.number),
            value.datum().unwrap_or(pg_sys::Datum::null()),
        );
        let mut is_null = value.is_null();
        // SAFETY: the row has the table's descriptor; the result is a copy in the memory that the trigger manager gave the call.
        unsafe {
            let descriptor = self.relation().rd_att;
            pg_sys::Datum::from(pg_sys::heap_modify_tuple_by_cols(
                row,
                descriptor,
                1,
                &mut number,
                &mut datum,
                &mut is_null,
            ))
        }
    }
}

fn name_text(name: &pg_sys::NameData) -> &CStr {
    // SAFETY: a name is zero-terminated within its 64 bytes.
    unsafe { CStr::from_ptr(name.data.as_ptr()) }
}
