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
    Array(Rc<Seen>),
    /// A dynamic bag, with the members that are known; it may have more.
    Bag(Rc<[Member]>),
    /// A dynamic that holds one value of the type: an element of an array of them.
    One(ScalarType),
}

/// The name of a member of a bag, and what it holds.
pub(super) type Member = (String, Seen);

/// A dynamic of which nothing more is known.
pub(super) const ANY: Seen = Seen::Scalar(ScalarType::Dynamic);

/// How many types one may be made of: what is larger is known in general only, so that it is soon compared.
const LARGEST: usize = 1000;

impl Seen {
    /// Makes the array of such elements. Of some types the parser knows no arrays, and of an `int` none but that of longs.
    pub(super) fn array_of(element: Seen) -> Seen {
        let element = match element {
            Seen::One(inner) | Seen::Scalar(inner) => match inner {
                ScalarType::Int => Seen::Scalar(ScalarType::Long),
                ScalarType::Decimal => ANY,
                other => Seen::Scalar(other),
            },
            Seen::Unknown => ANY,
            other if other.size() >= LARGEST => ANY,
            other => other,
        };
        Seen::Array(Rc::new(element))
    }

    /// Makes the bag of such members.
    pub(super) fn bag(members: Vec<Member>) -> Seen {
        let size = members.iter().map(|(_, seen)| seen.size()).fold(1, usize::saturating_add);
        Seen::Bag(if size > LARGEST { Rc::default() } else { members.into() })
    }

    /// Makes the dynamic that holds such a value.
    pub(super) fn dynamic_of(value: Seen) -> Seen {
        match value {
            Seen::Scalar(ScalarType::Int) => Seen::One(ScalarType::Long),
            Seen::Scalar(ScalarType::Dynamic | ScalarType::Decimal) | Seen::Unknown => ANY,
            Seen::Scalar(other) => Seen::One(other),
            other => other,
        }
    }

    fn size(&self) -> usize {
        match self {
            Seen::Array(element) => 1 + element.size(),
            Seen::Bag(members) => 1 + members.iter().map(|(_, seen)| seen.size()).sum::<usize>(),
            _ => 1,
        }
    }

    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self, Seen::Scalar(ScalarType::Dynamic) | Seen::Array(_) | Seen::Bag(_) | Seen::One(_))
    }

    /// Tells whether the parser takes two for one type: of bags with members, and of arrays of them, each is its own.
    pub(super) fn is(&self, other: &Seen) -> bool {
        match (self, other) {
            (Seen::Array(a), Seen::Array(b)) => Rc::ptr_eq(a, b) || a.is_shared_by_arrays() && a == b,
            (Seen::Bag(a), Seen::Bag(b)) => Rc::ptr_eq(a, b) || a.is_empty() && b.is_empty(),
            _ => self == other,
        }
    }

    /// Tells whether all arrays of such elements are of one type.
    fn is_shared_by_arrays(&self) -> bool {
        match self {
            Seen::Array(element) => {
                matches!(**element, Seen::Scalar(ScalarType::Dynamic | ScalarType::Real | ScalarType::String))
            }
            Seen::Bag(members) => members.is_empty(),
            _ => true,
        }
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
            Seen::Array(element) => Seen::dynamic_of((**element).clone()),
            Seen::Unknown => Seen::Unknown,
            _ => ANY,
        }
    }

    /// Returns what stands in a bag under a key.
    pub(super) fn under(&self, key: &str) -> Seen {
        match self {
            Seen::Bag(members) => member(members, key).map_or(ANY, |seen| Seen::dynamic_of(seen.clone())),
            _ => ANY,
        }
    }

    /// Returns what `.name` gives of a dynamic; of a name that stands twice nothing is known.
    pub(super) fn named(&self, name: &str) -> Seen {
        match self {
            Seen::Bag(members) if members.iter().filter(|(own, _)| own == name).count() == 1 => self.under(name),
            _ => ANY,
        }
    }

    /// Returns what a row of `mv-expand` gets of it; with `pairs` each member of a bag is an array of its key and value.
    pub(super) fn expanded(&self, pairs: bool) -> Seen {
        match self {
            Seen::Bag(_) if pairs => Seen::array_of(ANY),
            Seen::Bag(_) => Seen::bag(Vec::new()),
            other => other.element(),
        }
    }

    /// Says what it is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Seen::Unknown => "of an unknown type".into(),
            Seen::Scalar(scalar_type) => format!("of type {scalar_type}"),
            Seen::Array(_) => "a dynamic array".into(),
            Seen::Bag(_) => "a dynamic bag".into(),
            Seen::One(scalar_type) => format!("a dynamic that holds a {scalar_type}"),
        }
    }
}

/// Finds a member of a bag; of a name that stands twice the last counts.
pub(super) fn member<'a>(members: &'a [Member], name: &str) -> Option<&'a Seen> {
    members.iter().rev().find(|(own, _)| own == name).map(|(_, seen)| seen)
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

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Seen = Seen::Scalar(ScalarType::Long);

    #[test]
    fn members_that_stand_twice() {
        let bag =
            Seen::bag(vec![("a".into(), LONG), ("a".into(), Seen::Scalar(ScalarType::String)), ("b".into(), LONG)]);
        assert_eq!(bag.under("a"), Seen::One(ScalarType::String));
        assert_eq!(bag.named("a"), ANY);
        assert_eq!(bag.named("b"), Seen::One(ScalarType::Long));
    }

    #[test]
    fn arrays_and_dynamics_of_types_that_the_parser_has_none_of() {
        assert_eq!(Seen::array_of(Seen::Scalar(ScalarType::Int)), Seen::array_of(Seen::One(ScalarType::Long)));
        assert_eq!(Seen::array_of(Seen::Scalar(ScalarType::Decimal)), Seen::array_of(Seen::Unknown));
        assert_eq!(Seen::dynamic_of(Seen::Scalar(ScalarType::Decimal)), ANY);
    }

    #[test]
    fn what_grows_without_bound_is_known_in_general() {
        let mut seen = LONG;
        for _ in 0..100_000 {
            seen = Seen::bag(vec![("a".into(), seen.clone()), ("b".into(), seen)]);
            assert!(seen.size() <= LARGEST);
            seen = Seen::array_of(seen);
        }
        assert!(seen.is_dynamic());
    }
}
