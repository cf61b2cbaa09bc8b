//! KQL's scalar types and values: how literals are read and values printed, the calendar of ticks, and the one
//! mapping to Arrow.

pub mod arrow;
pub mod convert;
pub mod decimal;
pub mod elements;
pub mod json;
pub(crate) mod marks;
pub mod number;
pub mod shred;
pub mod ticks;
pub mod whereabouts;

use std::fmt;

/// KQL's scalar types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScalarType {
    Bool,
    Int,
    Long,
    Real,
    Decimal,
    String,
    DateTime,
    TimeSpan,
    Guid,
    Dynamic,
}

impl ScalarType {
    /// All types, in the order of the reference.
    pub const ALL: [ScalarType; 10] = [
        ScalarType::Bool,
        ScalarType::DateTime,
        ScalarType::Decimal,
        ScalarType::Dynamic,
        ScalarType::Guid,
        ScalarType::Int,
        ScalarType::Long,
        ScalarType::Real,
        ScalarType::String,
        ScalarType::TimeSpan,
    ];

    /// Returns KQL's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            ScalarType::Bool => "bool",
            ScalarType::Int => "int",
            ScalarType::Long => "long",
            ScalarType::Real => "real",
            ScalarType::Decimal => "decimal",
            ScalarType::String => "string",
            ScalarType::DateTime => "datetime",
            ScalarType::TimeSpan => "timespan",
            ScalarType::Guid => "guid",
            ScalarType::Dynamic => "dynamic",
        }
    }

    /// Finds the type that a name stands for, aliases included (`double`, `date`, `time`, `boolean`, `uniqueid` ...).
    ///
    /// ```
    /// use alertq::types::ScalarType;
    /// assert_eq!(ScalarType::from_name("double"), Some(ScalarType::Real));
    /// assert_eq!(ScalarType::from_name("text"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<ScalarType> {
        Some(match name {
            "bool" | "boolean" => ScalarType::Bool,
            "int" | "int32" | "uint" | "uint32" | "int8" | "uint8" | "int16" | "uint16" => ScalarType::Int,
            "long" | "int64" | "ulong" | "uint64" => ScalarType::Long,
            "real" | "double" | "float" => ScalarType::Real,
            "decimal" => ScalarType::Decimal,
            "string" => ScalarType::String,
            "datetime" | "date" => ScalarType::DateTime,
            "timespan" | "time" => ScalarType::TimeSpan,
            "guid" | "uuid" | "uniqueid" => ScalarType::Guid,
            "dynamic" => ScalarType::Dynamic,
            _ => return None,
        })
    }

    /// Tells whether the type is `int`, `long`, `real` or `decimal`.
    pub const fn is_numeric(self) -> bool {
        matches!(self, ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal)
    }

    /// Tells whether the type is `int` or `long`.
    pub const fn is_integer(self) -> bool {
        matches!(self, ScalarType::Int | ScalarType::Long)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar value of KQL.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The null of a type. There is none of `string`: a missing string is `""`.
    Null(ScalarType),
    Bool(bool),
    Int(i32),
    Long(i64),
    Real(f64),
    /// In units of 10^-37, see [`decimal`].
    Decimal(::arrow::datatypes::i256),
    String(String),
    /// Ticks of 100 ns since 0001-01-01T00:00:00Z.
    DateTime(i64),
    /// Ticks of 100 ns.
    TimeSpan(i64),
    /// Canonical text: lower case, with hyphens, without braces.
    Guid(String),
    /// Valid JSON text.
    Dynamic(String),
}

impl Value {
    /// Returns the type of the value.
    pub const fn scalar_type(&self) -> ScalarType {
        match self {
            Value::Null(scalar_type) => *scalar_type,
            Value::Bool(_) => ScalarType::Bool,
            Value::Int(_) => ScalarType::Int,
            Value::Long(_) => ScalarType::Long,
            Value::Real(_) => ScalarType::Real,
            Value::Decimal(_) => ScalarType::Decimal,
            Value::String(_) => ScalarType::String,
            Value::DateTime(_) => ScalarType::DateTime,
            Value::TimeSpan(_) => ScalarType::TimeSpan,
            Value::Guid(_) => ScalarType::Guid,
            Value::Dynamic(_) => ScalarType::Dynamic,
        }
    }

    /// Tells whether this is a null.
    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null(_))
    }

    /// Returns what a missing value of the type is: `""` for a string, else null.
    pub fn missing(scalar_type: ScalarType) -> Value {
        match scalar_type {
            ScalarType::String => Value::String(String::new()),
            other => Value::Null(other),
        }
    }
}

/// A column of a table: its name and type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    pub name: String,
    pub scalar_type: ScalarType,
}

impl Column {
    /// Makes a column.
    pub fn new(name: impl Into<String>, scalar_type: ScalarType) -> Self {
        Column { name: name.into(), scalar_type }
    }
}
