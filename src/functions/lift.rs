//! From a plain Rust function to a kernel over columns, in one place and without dispatch per row.
//!
//! The markers [`Text`], [`Long`] ... say how a column is read and written: `lift1::<Text, Long, _, _>(call, |s| s.len() as
//! i64)`. A null argument gives a null result, unless the marker is wrapped in [`Opt`]. Strings are never null.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Decimal256Array, Decimal256Builder, Float64Array,
    Float64Builder, Int32Array, Int32Builder, Int64Array, Int64Builder, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::{Decimal256Type, Float64Type, Int32Type, Int64Type, i256};

use super::{Arg, Call, FunctionError};
use crate::types::ScalarType;
use crate::types::arrow::data_type;

/// Reads a column row by row.
pub trait Read {
    /// The array behind it.
    type Array: 'static;
    /// One value.
    type Item<'a>: Copy;
    /// Finds the array; a bug in an overload, never a user's mistake, if it is of another type.
    fn array(arg: &Arg) -> &Self::Array;
    /// Returns the value, or None if it is null.
    fn get(array: &Self::Array, row: usize) -> Option<Self::Item<'_>>;
}

/// Writes a column row by row.
pub trait Write {
    /// One value.
    type Item;
    /// What collects them.
    type Builder;
    /// Makes a builder.
    fn builder(rows: usize) -> Self::Builder;
    /// Appends a value or a null.
    fn push(builder: &mut Self::Builder, item: Option<Self::Item>);
    /// Ends the column.
    fn finish(builder: Self::Builder) -> ArrayRef;
}

/// `string`, read as `&str`, written as `String`; null is written as `""`.
pub struct Text;
/// `dynamic` and `guid`: text that may be null.
pub struct Json;
/// `long`, and the ticks of `datetime` and `timespan`.
pub struct Long;
/// `int`
pub struct Int;
/// `real`
pub struct Real;
/// `bool`
pub struct Bool;
/// `decimal`, scaled.
pub struct Decimal;
/// Passes nulls to the function as None.
pub struct Opt<T>(PhantomData<T>);

macro_rules! text {
    ($marker:ident, $none:expr) => {
        impl Read for $marker {
            type Array = StringViewArray;
            type Item<'a> = &'a str;
            fn array(arg: &Arg) -> &StringViewArray {
                arg.array.as_string_view()
            }
            #[inline]
            fn get(array: &StringViewArray, row: usize) -> Option<&str> {
                if array.is_null(row) { $none } else { Some(array.value(row)) }
            }
        }
    };
}
text!(Text, Some(""));
text!(Json, None);

impl Write for Text {
    type Item = String;
    type Builder = StringViewBuilder;
    fn builder(rows: usize) -> StringViewBuilder {
        StringViewBuilder::with_capacity(rows)
    }
    #[inline]
    fn push(builder: &mut StringViewBuilder, item: Option<String>) {
        builder.append_value(item.as_deref().unwrap_or(""));
    }
    fn finish(mut builder: StringViewBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

impl Write for Json {
    type Item = String;
    type Builder = StringViewBuilder;
    fn builder(rows: usize) -> StringViewBuilder {
        StringViewBuilder::with_capacity(rows)
    }
    #[inline]
    fn push(builder: &mut StringViewBuilder, item: Option<String>) {
        builder.append_option(item);
    }
    fn finish(mut builder: StringViewBuilder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

macro_rules! plain {
    ($marker:ident, $array:ty, $builder:ty, $native:ty, $arg:ident => $read:expr, $new:expr) => {
        impl Read for $marker {
            type Array = $array;
            type Item<'a> = $native;
            fn array($arg: &Arg) -> &$array {
                $read
            }
            #[inline]
            fn get(array: &$array, row: usize) -> Option<$native> {
                array.is_valid(row).then(|| array.value(row))
            }
        }
        impl Write for $marker {
            type Item = $native;
            type Builder = $builder;
            fn builder(rows: usize) -> $builder {
                $new(rows)
            }
            #[inline]
            fn push(builder: &mut $builder, item: Option<$native>) {
                builder.append_option(item);
            }
            fn finish(mut builder: $builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    };
}
plain!(Long, Int64Array, Int64Builder, i64, arg => arg.array.as_primitive::<Int64Type>(), Int64Builder::with_capacity);
plain!(Int, Int32Array, Int32Builder, i32, arg => arg.array.as_primitive::<Int32Type>(), Int32Builder::with_capacity);
plain!(Real, Float64Array, Float64Builder, f64, arg => arg.array.as_primitive::<Float64Type>(), Float64Builder::with_capacity);
plain!(Bool, BooleanArray, BooleanBuilder, bool, arg => arg.array.as_boolean(), BooleanBuilder::with_capacity);
plain!(Decimal, Decimal256Array, Decimal256Builder, i256, arg => arg.array.as_primitive::<Decimal256Type>(), decimals);

fn decimals(rows: usize) -> Decimal256Builder {
    Decimal256Builder::with_capacity(rows).with_data_type(data_type(ScalarType::Decimal))
}

impl<T: Read> Read for Opt<T> {
    type Array = T::Array;
    type Item<'a> = Option<T::Item<'a>>;
    fn array(arg: &Arg) -> &T::Array {
        T::array(arg)
    }
    #[inline]
    fn get(array: &T::Array, row: usize) -> Option<Option<T::Item<'_>>> {
        Some(T::get(array, row))
    }
}

/// A typed column that knows whether it is constant.
pub struct Reader<'a, T: Read> {
    array: &'a T::Array,
    constant: bool,
}

impl<'a, T: Read> Reader<'a, T> {
    /// Reads the argument with this index.
    pub fn new(call: &'a Call, index: usize) -> Self {
        let arg = &call.arguments[index];
        Reader { array: T::array(arg), constant: arg.constant }
    }

    /// Returns the value in a row, or None if it is null.
    #[inline]
    pub fn get(&self, row: usize) -> Option<T::Item<'a>> {
        T::get(self.array, if self.constant { 0 } else { row })
    }
}

/// Lifts a function without arguments, evaluated once for all rows.
pub fn lift0<R: Write>(call: &Call, f: impl Fn() -> Option<R::Item>) -> Result<ArrayRef, FunctionError> {
    let mut builder = R::builder(call.rows);
    (0..call.rows).for_each(|_| R::push(&mut builder, f()));
    Ok(R::finish(builder))
}

/// Lifts a function of one argument.
pub fn lift1<A: Read, R: Write, O: Into<Option<R::Item>>, F>(call: &Call, f: F) -> Result<ArrayRef, FunctionError>
where
    F: for<'a> Fn(A::Item<'a>) -> O,
{
    let a = Reader::<A>::new(call, 0);
    let mut builder = R::builder(call.rows);
    for row in 0..call.rows {
        R::push(&mut builder, a.get(row).and_then(|a| f(a).into()));
    }
    Ok(R::finish(builder))
}

/// Lifts a function of two arguments.
pub fn lift2<A: Read, B: Read, R: Write, O: Into<Option<R::Item>>, F>(
    call: &Call,
    f: F,
) -> Result<ArrayRef, FunctionError>
where
    F: for<'a> Fn(A::Item<'a>, B::Item<'a>) -> O,
{
    let (a, b) = (Reader::<A>::new(call, 0), Reader::<B>::new(call, 1));
    let mut builder = R::builder(call.rows);
    for row in 0..call.rows {
        let item = match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => f(a, b).into(),
            _ => None,
        };
        R::push(&mut builder, item);
    }
    Ok(R::finish(builder))
}

/// Lifts a function of three arguments.
pub fn lift3<A: Read, B: Read, C: Read, R: Write, O: Into<Option<R::Item>>, F>(
    call: &Call,
    f: F,
) -> Result<ArrayRef, FunctionError>
where
    F: for<'a> Fn(A::Item<'a>, B::Item<'a>, C::Item<'a>) -> O,
{
    let (a, b, c) = (Reader::<A>::new(call, 0), Reader::<B>::new(call, 1), Reader::<C>::new(call, 2));
    let mut builder = R::builder(call.rows);
    for row in 0..call.rows {
        let item = match (a.get(row), b.get(row), c.get(row)) {
            (Some(a), Some(b), Some(c)) => f(a, b, c).into(),
            _ => None,
        };
        R::push(&mut builder, item);
    }
    Ok(R::finish(builder))
}

/// Lifts a function that writes its text into a buffer that is reused: no allocation per row. It returns false for
/// an empty string.
pub fn lift_text1<A: Read, F>(call: &Call, f: F) -> Result<ArrayRef, FunctionError>
where
    F: for<'a> Fn(A::Item<'a>, &mut String) -> bool,
{
    let a = Reader::<A>::new(call, 0);
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    let mut buffer = String::new();
    for row in 0..call.rows {
        buffer.clear();
        let text = a.get(row).is_some_and(|a| f(a, &mut buffer));
        builder.append_value(if text { buffer.as_str() } else { "" });
    }
    Ok(Arc::new(builder.finish()))
}
