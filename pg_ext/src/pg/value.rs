//! Values as Postgres passes them, together with their type, so that one cannot be taken for another.

use std::marker::PhantomData;

use pgrx::pg_sys::{self, Datum, Oid};

use crate::error::Failure;

/// A value of a known type, or null. Lives as long as the row or call it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    type_oid: Oid,
    datum: Option<Datum>,
    owner: PhantomData<&'a ()>,
}

impl<'a> Value<'a> {
    /// Takes a datum for what the caller, which is inside `pg`, knows it to be.
    pub(super) fn new(type_oid: Oid, datum: Option<Datum>) -> Self {
        Self {
            type_oid,
            datum,
            owner: PhantomData,
        }
    }

    /// A `bigint`.
    pub fn bigint(number: i64) -> Self {
        Self::new(pg_sys::INT8OID, Some(Datum::from(number)))
    }

    /// An `integer`.
    pub fn integer(number: i32) -> Self {
        Self::new(pg_sys::INT4OID, Some(Datum::from(number)))
    }

    /// A `boolean`.
    pub fn boolean(is_so: bool) -> Self {
        Self::new(pg_sys::BOOLOID, Some(Datum::from(is_so)))
    }

    /// A `uuid[]`, in the call's memory.
    pub fn uuids(ids: &[[u8; 16]]) -> Result<Self, Failure> {
        array(
            pg_sys::UUIDARRAYOID,
            pg_sys::UUIDOID,
            ids.as_flattened(),
            ids.len(),
        )
    }

    /// An `integer[]`, in the call's memory.
    pub fn integers(numbers: &[i32]) -> Result<Self, Failure> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        array(pg_sys::INT4ARRAYOID, pg_sys::INT4OID, &bytes, numbers.len())
    }

    /// A `timestamptz`, in microseconds since 2000.
    pub fn timestamptz(microseconds: i64) -> Self {
        Self::new(pg_sys::TIMESTAMPTZOID, Some(Datum::from(microseconds)))
    }

    /// A `timestamp`, in microseconds since 2000.
    pub fn timestamp(microseconds: i64) -> Self {
        Self::new(pg_sys::TIMESTAMPOID, Some(Datum::from(microseconds)))
    }

    /// An `interval` that lies in memory of the caller.
    pub fn interval(interval: &'a pg_sys::Interval) -> Self {
        Self::new(
            pg_sys::INTERVALOID,
            Some(Datum::from(std::ptr::from_ref(interval).cast_mut())),
        )
    }

    /// Its type.
    pub fn type_oid(&self) -> Oid {
        self.type_oid
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.datum.is_none()
    }

    pub(super) fn datum(&self) -> Option<Datum> {
        self.datum
    }

    /// A value of one of the integer types.
    pub fn as_integer(&self) -> Option<i64> {
        let datum = self.datum?;
        match self.type_oid {
            pg_sys::INT2OID => Some(i64::from(datum.value() as i16)),
            pg_sys::INT4OID => Some(i64::from(datum.value() as i32)),
            pg_sys::INT8OID => Some(datum.value() as i64),
            _ => None,
        }
    }

    /// A `timestamptz` in microseconds since 2000.
    pub fn as_timestamptz(&self) -> Option<i64> {
        self.datum
            .filter(|_| self.type_oid == pg_sys::TIMESTAMPTZOID)
            .map(|datum| datum.value() as i64)
    }

    /// An `oid`.
    pub fn as_oid(&self) -> Option<Oid> {
        self.datum
            .filter(|_| self.type_oid == pg_sys::OIDOID)
            .map(|datum| Oid::from(datum.value() as u32))
    }

    /// A `double precision`.
    pub fn as_double(&self) -> Option<f64> {
        self.datum
            .filter(|_| self.type_oid == pg_sys::FLOAT8OID)
            .map(|datum| f64::from_bits(datum.value() as u64))
    }

    /// A `boolean`.
    pub fn as_bool(&self) -> Option<bool> {
        self.datum
            .filter(|_| self.type_oid == pg_sys::BOOLOID)
            .map(|datum| datum.value() & 0xFF != 0)
    }

    /// The bytes of a plain variable-length value; nothing where they are compressed or elsewhere.
    pub fn as_plain_bytes(&self) -> Option<&'a [u8]> {
        // SAFETY: the type says that it is variable-length, so the datum points to a length word.
        unsafe {
            let datum = self.datum.filter(|_| pg_sys::get_typlen(self.type_oid) == -1)?;
            let value = datum.cast_mut_ptr::<pg_sys::varlena>();
            let is_plain = !pgrx::varlena::varatt_is_1b_e(value) && !pgrx::varlena::varatt_is_4b_c(value);
            is_plain.then(|| payload(value))
        }
    }

    /// Whether two values are the same to the last bit. False where that cannot be seen without fetching them from elsewhere.
    pub fn is_identical(&self, other: &Value<'_>) -> bool {
        if self.type_oid != other.type_oid {
            return false;
        }
        let (Some(left), Some(right)) = (self.datum, other.datum) else {
            return self.is_null() && other.is_null();
        };
        let mut length = 0i16;
        let mut is_by_value = false;
        // SAFETY: only looks up the type; a fixed-length value that is not passed by value is a pointer to that many bytes.
        unsafe {
            pg_sys::get_typlenbyval(self.type_oid, &mut length, &mut is_by_value);
            match (is_by_value, usize::try_from(length)) {
                (true, _) => left == right,
                (false, Ok(length)) => {
                    let left = std::slice::from_raw_parts(left.cast_mut_ptr::<u8>(), length);
                    left == std::slice::from_raw_parts(right.cast_mut_ptr::<u8>(), length)
                }
                (false, Err(_)) if length == -1 => self
                    .as_plain_bytes()
                    .is_some_and(|left| other.as_plain_bytes() == Some(left)),
                _ => false,
            }
        }
    }
}

/// A new `text` in the call's memory.
pub fn text_datum(bytes: &[u8]) -> Result<Datum, Failure> {
    let length = i32::try_from(bytes.len()).map_err(|_| Failure::internal("text above 2 GiB"))?;
    // SAFETY: copies that many bytes from the slice.
    unsafe {
        Ok(Datum::from(pg_sys::cstring_to_text_with_len(
            bytes.as_ptr().cast(),
            length,
        )))
    }
}

/// What lies behind the length word.
///
/// # Safety
/// The value is neither compressed nor stored elsewhere, and lives as long as the caller says.
pub(super) unsafe fn payload<'a>(value: *const pg_sys::varlena) -> &'a [u8] {
    // SAFETY: the caller promises; the length word is right in front.
    unsafe {
        std::slice::from_raw_parts(
            pgrx::varlena::vardata_any(value).cast(),
            pgrx::varlena::varsize_any_exhdr(value),
        )
    }
}

/// When the transaction began, in microseconds since 2000: what `now()` returns.
pub fn transaction_start() -> i64 {
    // SAFETY: reads a value of this backend's transaction.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() }
}

/// This moment, in microseconds since 2000: what `clock_timestamp()` returns.
pub fn clock_microseconds() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// A `timestamptz` as the `timestamp` that the session's time zone shows at it, both in microseconds since 2000.
pub fn local_timestamp(moment: i64) -> Result<i64, Failure> {
    // SAFETY: the function takes one timestamptz and returns a timestamp, both by value.
    let local = unsafe {
        pgrx::direct_function_call_as_datum(pg_sys::timestamptz_timestamp, &[Some(Datum::from(moment))])
    };
    local
        .map(|datum| datum.value().cast_signed() as i64)
        .ok_or_else(|| Failure::internal("a moment without a local time"))
}

/// An array without nulls whose elements lie side by side.
fn array<'v>(type_oid: Oid, of: Oid, elements: &[u8], count: usize) -> Result<Value<'v>, Failure> {
    let count = i32::try_from(count).map_err(|_| Failure::internal("an array above 2 GiB"))?;
    let (axes, without_nulls) = (i32::from(count > 0), 0);
    let mut array = Vec::with_capacity(20 + elements.len());
    for word in [axes, without_nulls, of.to_u32().cast_signed()] {
        array.extend_from_slice(&word.to_ne_bytes());
    }
    if count > 0 {
        array.extend_from_slice(&count.to_ne_bytes());
        array.extend_from_slice(&1i32.to_ne_bytes());
    }
    array.extend_from_slice(elements);
    // An array and a text are both bytes behind a length word.
    Ok(Value::new(type_oid, Some(text_datum(&array)?)))
}
