//! Functions over arrays as sets.

use std::borrow::Cow;

use ahash::AHashSet as Set;

use super::array::{ANY, same, value, write_array};
use super::rows::{self, BOOL, Column, DYNAMIC, REAL, dynamic, function, overload};
use crate::functions::lift::{Bool, Json, Reader, lift2};
use crate::functions::{Call, Function, Naming};
use crate::types::json;

/// Functions over sets.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "set_union",
        "Gives the distinct elements of arrays.",
        "set-union-function",
        Naming::None,
        [overload!((dynamic("set").repeated(2, 64)) -> DYNAMIC, |call| over_sets(call, set_union))],
        [
            ("tostring(set_union(dynamic([1, 2]), dynamic([2, 3])))", "'[1,2,3]'"),
            ("tostring(set_union(dynamic([1]), dynamic([1])))", "'[1]'"),
            ("tostring(set_union(dynamic([]), dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "set_intersect",
        "Gives the distinct elements that all arrays have.",
        "set-intersect-function",
        Naming::None,
        [overload!((dynamic("set").repeated(2, 64)) -> DYNAMIC, |call| over_sets(call, set_intersect))],
        [
            ("tostring(set_intersect(dynamic([1, 2, 2]), dynamic([2, 3])))", "'[2]'"),
            ("tostring(set_intersect(dynamic([1, 2]), dynamic([3])))", "'[]'"),
            ("tostring(set_intersect(dynamic([1]), dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "set_difference",
        "Gives the distinct elements of the first array that no other has.",
        "set-difference-function",
        Naming::None,
        [overload!((dynamic("set").repeated(2, 64)) -> DYNAMIC, |call| over_sets(call, set_difference))],
        [
            ("tostring(set_difference(dynamic([1, 2]), dynamic([2, 3])))", "'[1]'"),
            ("tostring(set_difference(dynamic([1, 2]), dynamic([2])))", "'[1]'"),
            ("tostring(set_difference(dynamic([1]), dynamic([1])))", "'[]'")
        ]
    ),
    function!(
        "set_has_element",
        "Tells whether an array has an element.",
        "set-has-element-function",
        Naming::None,
        [overload!((dynamic("set"), ANY) -> BOOL, set_has_element)],
        [
            ("set_has_element(dynamic(['a', 'b']), 'b')", "true"),
            ("set_has_element(dynamic([]), 1)", "false"),
            ("isnull(set_has_element(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "set_equals",
        "Tells whether two arrays have the same elements.",
        "set-equals-function",
        Naming::None,
        [overload!((dynamic("set1"), dynamic("set2")) -> BOOL, |call| {
            lift2::<Json, Json, Bool, _, _>(call, |a, b| Some(keys(&rows::elements(a)?) == keys(&rows::elements(b)?)))
        })],
        [
            ("set_equals(dynamic([1, 2]), dynamic([2, 1, 1]))", "true"),
            ("set_equals(dynamic([1, 2]), dynamic([2, 1]))", "true"),
            ("set_equals(dynamic([]), dynamic([1]))", "false")
        ]
    ),
    function!(
        "jaccard_index",
        "Gives how many distinct elements two arrays share, as a part of those they have.",
        "jaccard-index-function",
        Naming::None,
        [overload!((dynamic("set").repeated(2, 2)) -> REAL, |call| {
            lift2::<Json, Json, crate::functions::lift::Real, _, _>(call, |a, b| {
                let (a, b) = (rows::elements(a)?, rows::elements(b)?);
                let (a, b) = (keys(&a), keys(&b));
                Some(a.intersection(&b).count() as f64 / a.union(&b).count() as f64)
            })
        })],
        [
            ("jaccard_index(dynamic([1, 2, 3]), dynamic([1, 2, 3, 4]))", "0.75"),
            ("jaccard_index(dynamic([1]), dynamic([1]))", "1.0"),
            ("isnan(jaccard_index(dynamic([]), dynamic([])))", "true")
        ]
    ),
];

/// Returns what tells elements apart.
fn keys<'a>(elements: &[&'a str]) -> Set<Cow<'a, str>> {
    elements.iter().map(|element| json::compact(element)).collect()
}

/// Computes a set of the arguments' elements; an argument that is no array gives null.
fn over_sets(call: &Call, combine: impl for<'a> Fn(&[Vec<&'a str>]) -> Vec<&'a str>) -> Column {
    let sets: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let lists = sets.iter().map(|set| rows::elements(set.get(row)?)).collect::<Option<Vec<_>>>()?;
        write_array(combine(&lists), out);
        Some(())
    })
}

fn set_union<'a>(lists: &[Vec<&'a str>]) -> Vec<&'a str> {
    let mut seen = Set::default();
    lists.iter().flatten().copied().filter(|element| seen.insert(json::compact(element))).collect()
}

fn set_intersect<'a>(lists: &[Vec<&'a str>]) -> Vec<&'a str> {
    let others: Vec<_> = lists[1..].iter().map(|list| keys(list)).collect();
    let mut seen = Set::default();
    let everywhere = |element: &&str| {
        let key = json::compact(element);
        others.iter().all(|other| other.contains(&key))
    };
    lists[0].iter().copied().filter(everywhere).filter(|element| seen.insert(json::compact(element))).collect()
}

fn set_difference<'a>(lists: &[Vec<&'a str>]) -> Vec<&'a str> {
    let mut seen: Set<Cow<str>> = lists[1..].iter().flatten().map(|element| json::compact(element)).collect();
    lists[0].iter().copied().filter(|element| seen.insert(json::compact(element))).collect()
}

fn set_has_element(call: &Call) -> Column {
    let set = Reader::<Json>::new(call, 0);
    rows::bools(call, |row| {
        let elements = rows::elements(set.get(row)?)?;
        let wanted = json::from_value(&value(call, 1, row));
        Some(elements.iter().any(|element| same(element, &wanted)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::rows::{evaluate, json_value as json};
    use super::*;
    use crate::types::Value;

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn doubles_count_once() {
        assert_eq!(call("set_difference", &[json("[null,1,null,2]"), json("[null]")]), json("[1,2]"));
        assert_eq!(call("set_union", &[json("[1,2,1]"), json("[2,8]")]), json("[1,2,8]"));
    }
}
