//! The functions of Postgres that may raise an error which a client should see whole, without pgrx's wrapper around them: that
//! wrapper keeps only some SQLSTATEs and no constraint name. Call them inside [`super::boundary::catch`].

use std::ffi::{c_char, c_int, c_long};

use pgrx::pg_sys::{
    Datum, ErrorData, GucAction::Type as GucAction, GucContext::Type as GucContext,
    GucSource::Type as GucSource, Oid, ParamListInfo, SPIExecuteOptions, SPIPlanPtr, TriggerData,
    TupleTableSlot, Tuplestorestate, varlena,
};

unsafe extern "C-unwind" {
    pub fn ReThrowError(error: *mut ErrorData) -> !;
    pub fn errstart(level: c_int, domain: *const c_char) -> bool;
    pub fn errcode(state: c_int) -> c_int;
    pub fn errmsg_internal(format: *const c_char, ...) -> c_int;
    pub fn errdetail_internal(format: *const c_char, ...) -> c_int;
    pub fn errhint(format: *const c_char, ...) -> c_int;
    pub fn errfinish(file: *const c_char, line: c_int, function: *const c_char);

    pub fn pg_detoast_datum_packed(value: *mut varlena) -> *mut varlena;

    pub fn SPI_connect() -> c_int;
    pub fn SPI_finish() -> c_int;
    pub fn SPI_prepare(text: *const c_char, count: c_int, types: *mut Oid) -> SPIPlanPtr;
    pub fn SPI_execute_plan(
        plan: SPIPlanPtr,
        values: *mut Datum,
        nulls: *const c_char,
        is_read_only: bool,
        limit: c_long,
    ) -> c_int;
    pub fn SPI_execute_plan_extended(plan: SPIPlanPtr, options: *const SPIExecuteOptions) -> c_int;
    pub fn makeParamList(count: c_int) -> ParamListInfo;
    pub fn SPI_register_trigger_data(trigger: *mut TriggerData) -> c_int;

    pub fn LookupExplicitNamespace(name: *const c_char, is_missing_ok: bool) -> Oid;

    pub fn set_config_option(
        name: *const c_char,
        value: *const c_char,
        context: GucContext,
        source: GucSource,
        action: GucAction,
        is_applied: bool,
        level: c_int,
        is_reload: bool,
    ) -> c_int;

    pub fn tuplestore_select_read_pointer(store: *mut Tuplestorestate, pointer: c_int);
    pub fn tuplestore_rescan(store: *mut Tuplestorestate);
    pub fn tuplestore_gettupleslot(
        store: *mut Tuplestorestate,
        is_forward: bool,
        is_copied: bool,
        slot: *mut TupleTableSlot,
    ) -> bool;
    pub fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, count: c_int);
}
