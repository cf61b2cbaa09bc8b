//! Types as Microsoft's parser sees them, and what it knows of columns beyond their type.

use std::collections::HashMap;
use std::rc::Rc;

use crate::types::ScalarType;

/// A type as Microsoft's parser sees it: finer than the engine's where a value is dynamic.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// A mistake was told already, or only the data tell.
    Unknown,
    /// Of this type; a dynamic may be anything.
    Scalar(ScalarType),
    /// A dynamic array of such elements.
    Array(Box<Seen>),
    /// A dynamic bag.
    Bag,
    /// A dynamic that holds one value of the type: an element of an array of them.
    One(ScalarType),
}

/// A dynamic of which nothing more is known.
pub(super) const ANY: Seen = Seen::Scalar(ScalarType::Dynamic);

impl Seen {
    /// Makes the array of such elements.
    pub(super) fn array_of(element: Seen) -> Seen {
        Seen::Array(Box::new(element))
    }

    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self, Seen::Scalar(ScalarType::Dynamic) | Seen::Array(_) | Seen::Bag | Seen::One(_))
    }

    /// Returns the type that a column of it has; None where that is unknown.
    pub(super) fn scalar_type(&self) -> Option<ScalarType> {
        match self {
            Seen::Unknown => None,
            Seen::Scalar(scalar_type) => Some(*scalar_type),
            _ => Some(ScalarType::Dynamic),
        }
    }

    /// Returns what an element of it is, where it is an array or may be one.
    pub(super) fn element(&self) -> Seen {
        match self {
            Seen::Array(element) => match **element {
                Seen::Scalar(scalar_type) if scalar_type != ScalarType::Dynamic => Seen::One(scalar_type),
                ref other => other.clone(),
            },
            Seen::Unknown => Seen::Unknown,
            _ => ANY,
        }
    }

    /// Says what it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Seen::Unknown => "of an unknown type".into(),
            Seen::Scalar(scalar_type) => format!("of type {scalar_type}"),
            Seen::Array(_) => "a dynamic array".into(),
            Seen::Bag => "a dynamic bag".into(),
            Seen::One(scalar_type) => format!("a dynamic that holds a {scalar_type}"),
        }
    }
}

/// What is known of dynamic columns beyond their type, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns(Rc<HashMap<String, Seen>>);

impl Columns {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what a dynamic column is known to be.
    pub(super) fn of(&self, name: &str) -> Option<&Seen> {
        self.0.get(name)
    }

    /// Adds what an operator has said of its columns; what it said nothing of stays.
    pub(super) fn with(&self, told: Vec<(String, Seen)>) -> Columns {
        if told.is_empty() {
            return self.clone();
        }
        let mut columns = (*self.0).clone();
        for (name, seen) in told {
            if matches!(seen, Seen::Scalar(_)) {
                columns.remove(&name);
            } else {
                columns.insert(name, seen);
            }
        }
        Columns(Rc::new(columns))
    }
}
