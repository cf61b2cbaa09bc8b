//! Functions over arrays and property bags: JSON text in, JSON text out. Elements are slices of the text, so numbers
//! stay as they were written.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use ahash::AHashSet as Set;
use arrow::array::{ArrayRef, StringViewBuilder};

use super::rows::{
    self, BOOL, Column, DYNAMIC, LONG, REAL, STRING, as_text, constant_text, dynamic, function, integer, optional,
    overload, string,
};
use super::text::fold;
use super::xml;
use crate::functions::lift::{Bool, Json, Long, Opt, Reader, Real, Text, Write, lift1, lift2};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Parameter, PreparedKernel, Returns, one};
use crate::types::json::{self, Step};
use crate::types::{ScalarType, Value, arrow as columns, convert};

/// How many elements `range` gives at most (documented, measured).
const RANGE: i64 = 1 << 20;

const ARRAY: Parameter = dynamic("array");
const ANY: Parameter = one("value", Kind::Any);
const NULLS_LAST: Parameter = one("nulls_last", Kind::Is(ScalarType::Bool)).constant().optional();

/// Functions over arrays and bags.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "array_length" | "arraylength",
        "Counts the elements of an array.",
        "array-length-function",
        Naming::None,
        [overload!((ARRAY) -> LONG,
                |call| lift1::<Json, Long, _, _>(call, |array| json::array_length(array).map(|n| n as i64)))],
        [
            ("array_length(dynamic([1, 'a']))", "2"),
            ("array_length(dynamic([]))", "0"),
            ("isnull(array_length(dynamic({})))", "true")
        ]
    ),
    function!(
        "pack_array",
        "Makes an array of its arguments.",
        "pack-array-function",
        Naming::None,
        [overload!((ANY.repeated(1, 32767)) -> DYNAMIC, pack_array)],
        [
            ("tostring(pack_array(1, 'a', 2s))", "'[1,\"a\",\"00:00:02\"]'"),
            ("tostring(pack_array(1, 2))", "'[1,2]'"),
            ("tostring(pack_array(long(null)))", "'[null]'")
        ]
    ),
    function!(
        "bag_pack" | "pack" | "pack_dictionary",
        "Makes a bag of keys and values in turn.",
        "bag-pack-function",
        Naming::None,
        // Keys and values alternate, which a list of parameters does not say.
        [overload!((one("key_value", Kind::Any).repeated(2, 32766)) -> DYNAMIC, |call| bag_pack(call, false))],
        [
            ("tostring(bag_pack('a', 1, 'b', 'x'))", "'{\"a\":1,\"b\":\"x\"}'"),
            ("tostring(bag_pack('a', dynamic([1, 2])))", "'{\"a\":[1,2]}'"),
            ("tostring(bag_pack('a', long(null)))", "'{\"a\":null}'")
        ]
    ),
    // What `pack_all(true)` is bound to; not callable by this name.
    function!(
        "pack_all ignoring",
        "Makes a bag of the columns that are neither null nor empty.",
        "pack-all-function",
        Naming::None,
        [overload!((one("key_value", Kind::Any).repeated(2, 32766)) -> DYNAMIC, |call| bag_pack(call, true))],
        []
    ),
    // What a dynamic is as a side of a comparison with a number.
    function!(
        "== as long",
        "Gives the whole number that a dynamic holds, to compare it: a text is none.",
        "dynamic",
        Naming::None,
        [overload!((ARRAY) -> LONG, |call| compared::<Long>(call, whole))],
        [
            ("dynamic(1) == 1", "true"),
            ("dynamic('1') == 1", "false"),
            ("dynamic(null) == 1", "false"),
            ("dynamic([2.0, 'a'])[0] == 2", "true")
        ]
    ),
    function!(
        "< as long",
        "Gives the whole number that a dynamic holds, to order it: a fraction is cut, a text is none.",
        "dynamic",
        Naming::None,
        [overload!((ARRAY) -> LONG, |call| compared::<Long>(call, cut))],
        [
            ("dynamic(2) > 1", "true"),
            ("dynamic(0.5) > 0", "false"),
            ("dynamic('2') > 1", "bool(null)"),
            ("dynamic(null) > 1", "bool(null)")
        ]
    ),
    function!(
        "== as real",
        "Gives the number that a dynamic holds, to compare it: a text is none.",
        "dynamic",
        Naming::None,
        [overload!((ARRAY) -> REAL, |call| compared::<Real>(call, any_number))],
        [
            ("dynamic(1) == 1.0", "true"),
            ("dynamic(1.5) < 2.0", "true"),
            ("dynamic('1.5') == 1.5", "false"),
            ("dynamic(null) == 1.5", "false")
        ]
    ),
    // What `x in (array)` is bound to where the array is not constant.
    function!(
        "in array",
        "Tells whether a value is among the elements of an array; a null is in none.",
        "in-cs-operator",
        Naming::None,
        [overload!((ARRAY, ANY) -> BOOL, |call| in_array(call, same))],
        [
            ("1 in (dynamic([1, 2]))", "true"),
            ("3 in (dynamic([1, 2]))", "false"),
            ("long(null) in (dynamic([1, 2]))", "false")
        ]
    ),
    function!(
        "in~ array",
        "Tells whether a text is among the elements of an array, whatever its case.",
        "in-operator",
        Naming::None,
        [overload!((ARRAY, ANY) -> BOOL, |call| in_array(call, same_folded))],
        [
            ("'A' in~ (dynamic(['a', 'b']))", "true"),
            ("'c' in~ (dynamic(['a', 'b']))", "false"),
            ("'' in~ (dynamic(['a', 'b']))", "false")
        ]
    ),
    function!(
        "strcat_array" | "array_strcat",
        "Joins the texts of an array's elements with a delimiter.",
        "strcat-array-function",
        Naming::None,
        [overload!((ARRAY, as_text("delimiter")) -> STRING, strcat_array)],
        [
            ("strcat_array(dynamic(['a', 1, true]), '-')", "'a-1-true'"),
            ("strcat_array(dynamic([1, null]), ',')", "'1,'"),
            ("strcat_array(dynamic(null), ',')", "''")
        ]
    ),
    function!(
        "array_concat",
        "Joins arrays to one.",
        "array-concat-function",
        Naming::None,
        [overload!((ARRAY.repeated(1, 64)) -> DYNAMIC, array_concat)],
        [
            ("tostring(array_concat(dynamic([1]), dynamic([2, 3])))", "'[1,2,3]'"),
            ("tostring(array_concat(dynamic([1]), dynamic([])))", "'[1]'"),
            ("tostring(array_concat(dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "array_slice",
        "Gives the part of an array from a position to another, both included; negative ones count \
        from the end.",
        "array-slice-function",
        Naming::None,
        [overload!((ARRAY, integer("start"), integer("end")) -> DYNAMIC, array_slice)],
        [
            ("tostring(array_slice(dynamic([1,2,3]), 1, 2))", "'[2,3]'"),
            ("tostring(array_slice(dynamic([1,2,3]), -2, -1))", "'[2,3]'"),
            ("isnull(array_slice(dynamic(null), 0, 1))", "true")
        ]
    ),
    function!(
        "array_split",
        "Cuts an array at positions, into an array of arrays.",
        "array-split-function",
        Naming::None,
        [
            overload!((ARRAY, integer("index")) -> DYNAMIC, array_split),
            overload!((ARRAY, dynamic("indices")) -> DYNAMIC, array_split)
        ],
        [
            ("tostring(array_split(dynamic([1,2,3,4,5]), 2))", "'[[1,2],[3,4,5]]'"),
            ("tostring(array_split(dynamic([1,2,3,4,5]), dynamic([1,3])))", "'[[1],[2,3],[4,5]]'"),
            ("isnull(array_split(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_reverse",
        "Gives the elements of an array in reverse order.",
        "array-reverse-function",
        Naming::None,
        [overload!((dynamic("value")) -> DYNAMIC, |call| over_array(call, |elements, _| elements.reverse()))],
        [
            ("tostring(array_reverse(dynamic([1,2,3])))", "'[3,2,1]'"),
            ("tostring(array_reverse(dynamic([1, 2, 3])))", "'[3,2,1]'"),
            ("isnull(array_reverse(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_rotate_left",
        "Moves elements to the left; those that fall off come back on the right.",
        "array-rotate-left-function",
        Naming::None,
        [overload!((ARRAY, integer("rotate_count")) -> DYNAMIC, |call| rotate(call, 1))],
        [
            ("tostring(array_rotate_left(dynamic([1,2,3]), 1))", "'[2,3,1]'"),
            ("tostring(array_rotate_left(dynamic([1, 2, 3]), 1))", "'[2,3,1]'"),
            ("isnull(array_rotate_left(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_rotate_right",
        "Moves elements to the right; those that fall off come back on the left.",
        "array-rotate-right-function",
        Naming::None,
        [overload!((ARRAY, integer("rotate_count")) -> DYNAMIC, |call| rotate(call, -1))],
        [
            ("tostring(array_rotate_right(dynamic([1,2,3]), 1))", "'[3,1,2]'"),
            ("tostring(array_rotate_right(dynamic([1, 2, 3]), 1))", "'[3,1,2]'"),
            ("isnull(array_rotate_right(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_shift_left",
        "Moves elements to the left; the right is filled with nulls or a value.",
        "array-shift-left-function",
        Naming::None,
        [overload!((ARRAY, integer("shift_count"), one("default_value", Kind::Any).optional()) -> DYNAMIC,
                |call| shift(call, 1))],
        [
            ("tostring(array_shift_left(dynamic([1,2,3]), 1))", "'[2,3,null]'"),
            ("tostring(array_shift_left(dynamic([1,2,3]), 2, 0))", "'[3,0,0]'"),
            ("isnull(array_shift_left(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_shift_right",
        "Moves elements to the right; the left is filled with nulls or a value.",
        "array-shift-right-function",
        Naming::None,
        [overload!((ARRAY, integer("shift_count"), one("default_value", Kind::Any).optional()) -> DYNAMIC,
                |call| shift(call, -1))],
        [
            ("tostring(array_shift_right(dynamic([1,2,3]), 1))", "'[null,1,2]'"),
            ("tostring(array_shift_right(dynamic([1, 2, 3]), 1))", "'[null,1,2]'"),
            ("isnull(array_shift_right(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_index_of",
        "Gives the index of the first element (or n-th) that equals a value; -1 if none does.",
        "array-index-of-function",
        Naming::None,
        [overload!((ARRAY, ANY, integer("start").optional(), integer("length").optional(),
            integer("occurrence").constant().optional()) -> LONG, array_index_of)],
        [
            ("array_index_of(dynamic(['a', 'b', 'a']), 'a')", "0"),
            ("array_index_of(dynamic(['a', 'b', 'a']), 'a', 1)", "2"),
            ("array_index_of(dynamic([]), 1)", "-1"),
            ("isnull(array_index_of(dynamic(null), 1))", "true")
        ]
    ),
    function!(
        "array_iff" | "array_iif",
        "Picks element by element from two arrays, or values, by an array of conditions.",
        "array-iff-function",
        Naming::None,
        [overload!((dynamic("condition_array"), one("when_true", Kind::Any), one("when_false", Kind::Any))
                -> DYNAMIC, array_iff)],
        [
            ("tostring(array_iff(dynamic([true, false]), dynamic([1, 2]), dynamic([3, 4])))", "'[1,4]'"),
            ("tostring(array_iff(dynamic([1, 0]), dynamic([1, 2]), dynamic([3, 4])))", "'[1,4]'"),
            ("tostring(array_iff(dynamic([1, 0, 'x']), 'y', 'n'))", "'[\"y\",\"n\",null]'")
        ]
    ),
    function!(
        "array_sort_asc",
        "Sorts an array in ascending order, and further arrays by it.",
        "array-sort-asc-function",
        Naming::Special,
        [
            overload!((ARRAY, NULLS_LAST) -> DYNAMIC, |call| sort(call, false)),
            overload!((dynamic("arrays").repeated(2, 64)) -> Returns::Arrays, |call| sort(call, false)),
            overload!((dynamic("arrays").repeated(2, 64), one("nulls_last", Kind::Is(ScalarType::Bool)).constant())
                -> Returns::Arrays, |call| sort(call, false)),
        ],
        [
            ("tostring(array_sort_asc(dynamic([3, null, 1])))", "'[1,3,null]'"),
            ("tostring(array_sort_asc(dynamic([2, 1, 3]), dynamic(['a', 'b', 'c']))[1])", "'[\"b\",\"a\",\"c\"]'"),
            ("isnull(array_sort_asc(dynamic([2, 1]), dynamic(['a']))[1])", "true"),
            ("isnull(array_sort_asc(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_sort_desc",
        "Sorts an array in descending order, and further arrays by it.",
        "array-sort-desc-function",
        Naming::Special,
        [
            overload!((ARRAY, NULLS_LAST) -> DYNAMIC, |call| sort(call, true)),
            overload!((dynamic("arrays").repeated(2, 64)) -> Returns::Arrays, |call| sort(call, true)),
            overload!((dynamic("arrays").repeated(2, 64), one("nulls_last", Kind::Is(ScalarType::Bool)).constant())
                -> Returns::Arrays, |call| sort(call, true)),
        ],
        [
            ("tostring(array_sort_desc(dynamic(['a', null, 'b'])))", "'[\"b\",\"a\",null]'"),
            ("tostring(array_sort_desc(dynamic([1, 3, 2])))", "'[3,2,1]'"),
            ("isnull(array_sort_desc(dynamic(null)))", "true")
        ]
    ),
    function!(
        "array_sum",
        "Adds the numbers of an array.",
        "array-sum-function",
        Naming::None,
        [overload!((ARRAY) -> REAL, |call| lift1::<Json, crate::functions::lift::Real, _, _>(call, array_sum))],
        [
            ("array_sum(dynamic([1, 2, 3]))", "6.0"),
            ("array_sum(dynamic([0.5, 0.25]))", "0.75"),
            ("isnull(array_sum(dynamic([])))", "true")
        ]
    ),
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
    function!(
        "bag_keys",
        "Gives the keys of a bag.",
        "bag-keys-function",
        Naming::None,
        [overload!((dynamic("object")) -> DYNAMIC, bag_keys)],
        [
            ("tostring(bag_keys(dynamic({'a': 1, 'b': {'c': 2}})))", "'[\"a\",\"b\"]'"),
            ("tostring(bag_keys(dynamic({})))", "'[]'"),
            ("isnull(bag_keys(dynamic([1])))", "true")
        ]
    ),
    function!(
        "bag_merge",
        "Joins bags; of a key that several have, the first value stays.",
        "bag-merge-function",
        Naming::None,
        [overload!((dynamic("bag").repeated(2, 64)) -> DYNAMIC, bag_merge)],
        [
            (
                "tostring(bag_merge(dynamic({'a': 1, 'b': 2}), dynamic({'b': 3, 'c': 4})))",
                "'{\"a\":1,\"b\":2,\"c\":4}'"
            ),
            ("tostring(bag_merge(dynamic({'a': 1}), dynamic({})))", "'{\"a\":1}'"),
            ("isnull(bag_merge(dynamic(null), dynamic(null)))", "true")
        ]
    ),
    function!(
        "bag_has_key",
        "Tells whether a bag has a key, or a path like `$.a.b`.",
        "bag-has-key-function",
        Naming::None,
        [overload!((dynamic("bag"), string("key")) -> BOOL, bag_has_key)],
        [
            ("bag_has_key(dynamic({'a': {'b': 1}}), 'a')", "true"),
            ("bag_has_key(dynamic({'a': {'b': 1}}), '$.a.b')", "true"),
            ("bag_has_key(dynamic({}), 'a')", "false"),
            ("isnull(bag_has_key(dynamic(null), 'a'))", "true")
        ]
    ),
    function!(
        "bag_remove_keys",
        "Gives a bag without some keys, or paths like `$.a.b`.",
        "bag-remove-keys-function",
        Naming::None,
        [overload!((dynamic("bag"), dynamic("keys")) -> DYNAMIC, bag_remove_keys)],
        [
            ("tostring(bag_remove_keys(dynamic({'a': 1, 'b': 2}), dynamic(['a'])))", "'{\"b\":2}'"),
            ("tostring(bag_remove_keys(dynamic({'a': {'b': 1, 'c': 2}}), dynamic(['$.a.b'])))", "'{\"a\":{\"c\":2}}'"),
            ("isnull(bag_remove_keys(dynamic(null), dynamic(['a'])))", "true")
        ]
    ),
    function!(
        "bag_set_key",
        "Gives a bag with a key, or a path like `$.a.b`, set to a value.",
        "bag-set-key-function",
        Naming::None,
        [overload!((dynamic("bag"), string("key").constant(), ANY) -> DYNAMIC, bag_set_key)],
        [
            ("tostring(bag_set_key(dynamic({'a': 1}), 'b', 2))", "'{\"a\":1,\"b\":2}'"),
            ("tostring(bag_set_key(dynamic({'a': 1}), '$.c.d', 'x'))", "'{\"a\":1,\"c\":{\"d\":\"x\"}}'"),
            ("isnull(bag_set_key(dynamic(null), 'a', 1))", "true")
        ]
    ),
    function!(
        "bag_zip",
        "Makes a bag of an array of keys and an array of values.",
        "bag-zip-function",
        Naming::None,
        [overload!((dynamic("keys"), dynamic("values")) -> DYNAMIC, bag_zip)],
        [
            ("tostring(bag_zip(dynamic(['a', 'b']), dynamic([1])))", "'{\"a\":1,\"b\":null}'"),
            ("tostring(bag_zip(dynamic([]), dynamic([1])))", "'{}'"),
            ("isnull(bag_zip(dynamic(null), dynamic([1])))", "true")
        ]
    ),
    function!(
        "zip",
        "Makes of several arrays one of tuples; shorter arrays are filled up with nulls.",
        "zip-function",
        Naming::None,
        [overload!((dynamic("array").repeated(2, 64)) -> DYNAMIC, zip)],
        [
            ("tostring(zip(dynamic([1, 2]), dynamic(['a'])))", "'[[1,\"a\"],[2,null]]'"),
            ("tostring(zip(dynamic([1, 2]), dynamic([3])))", "'[[1,3],[2,null]]'"),
            ("tostring(zip(dynamic([]), dynamic([])))", "'[]'")
        ]
    ),
    function!(
        "repeat",
        "Makes an array of one value, repeated.",
        "repeat-function",
        Naming::PrefixAndFirstArgument("repeat"),
        [overload!((one("value", Kind::NotDynamic), one("count", Kind::Is(ScalarType::Long))) -> DYNAMIC, repeat)],
        [
            ("tostring(repeat(1, 3))", "'[1,1,1]'"),
            ("tostring(repeat('a', 0))", "'[]'"),
            ("isnull(repeat(1, -1))", "true")
        ]
    ),
    function!(
        "range",
        "Makes an array of numbers, datetimes or timespans at equal steps, ends included.",
        "range-function",
        Naming::None,
        [overload!((one("start", Kind::Summable), one("stop", Kind::Summable), one("step", Kind::Summable).optional())
            -> DYNAMIC, range)],
        [
            ("tostring(range(1, 8, 3))", "'[1,4,7]'"),
            ("tostring(range(1h, 2h))", "'[\"01:00:00\",\"02:00:00\"]'"),
            ("tostring(range(2, 1))", "'[]'"),
            ("isnull(range(1, long(null)))", "true")
        ]
    ),
    function!(
        "dynamic_to_json",
        "Writes a dynamic as JSON with the keys of bags sorted.",
        "dynamic-to-json-function",
        Naming::None,
        [overload!((one("dynamic", Kind::Any)) -> STRING, dynamic_to_json)],
        [
            ("dynamic_to_json(dynamic({'b': 2, 'a': [1, 'x']}))", "'{\"a\":[1,\"x\"],\"b\":2}'"),
            ("dynamic_to_json(dynamic([]))", "'[]'"),
            ("dynamic_to_json(dynamic(null))", "''")
        ]
    ),
    function!(
        "extract_json" | "extractjson",
        "Gives the value at a path like `$.a[0].b` of a JSON text.",
        "extract-json-function",
        Naming::None,
        [
            overload!((string("jsonPath").constant(), one("jsonText", Kind::Is(ScalarType::String))) -> STRING,
                prepared extract_json),
            overload!((string("jsonPath").constant(), one("jsonText", Kind::Is(ScalarType::String)),
            one("type", Kind::TypeName).literal()) -> Returns::TypeName(2), prepared extract_json)
        ],
        [
            (r#"extract_json('$.hosts[1].name', '{"hosts":[{},{"name":"srv"}]}')"#, "'srv'"),
            (r#"extract_json('$.n', '{"n": 5}', typeof(long))"#, "5"),
            ("extract_json('$.a', '')", "''")
        ]
    ),
    function!(
        "treepath",
        "Gives the paths of all members of a bag.",
        "treepath-function",
        Naming::PrefixAndFirstArgument("tree"),
        [overload!((dynamic("object")) -> DYNAMIC, treepath)],
        [
            ("tostring(treepath(dynamic({'a': {'b': 1}})))", "'[\"[\\'a\\']\",\"[\\'a\\'][\\'b\\']\"]'"),
            ("tostring(treepath(dynamic({'a': 1})))", "'[\"[\\'a\\']\"]'"),
            ("isnull(treepath(dynamic(null)))", "true")
        ]
    ),
    function!(
        "parse_xml",
        "Reads XML as a bag: attributes get an `@`, repeated elements become arrays.",
        "parse-xml-function",
        Naming::FirstArgument,
        [overload!((one("xml_text", Kind::Text)) -> DYNAMIC, |call| {
            lift1::<Text, Json, _, _>(call, xml::to_json)
        })],
        [
            ("tostring(parse_xml('<a x=\"1\"><b>2</b></a>'))", "'{\"a\":{\"@x\":\"1\",\"b\":\"2\"}}'"),
            ("isnull(parse_xml(''))", "true"),
            ("isnull(parse_xml('<a'))", "true")
        ]
    ),
];

/// Writes elements as an array.
fn write_array<'a>(elements: impl IntoIterator<Item = &'a str>, out: &mut String) {
    out.push('[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(element);
    }
    out.push(']');
}

/// Reads an argument that may be of any type.
fn value(call: &Call, index: usize, row: usize) -> Value {
    let argument = &call.arguments[index];
    columns::value_at(&argument.array, if argument.constant { 0 } else { row }, argument.scalar_type)
}

/// Changes the elements of the first argument; what is no array gives null.
fn over_array(call: &Call, mut change: impl FnMut(&mut Vec<&str>, usize)) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let mut elements = rows::elements(array.get(row)?)?;
        change(&mut elements, row);
        write_array(elements, out);
        Some(())
    })
}

fn pack_array(call: &Call) -> Column {
    rows::json(call, |row, out| {
        out.push('[');
        for index in 0..call.arguments.len() {
            if index > 0 {
                out.push(',');
            }
            json::write_value(&value(call, index, row), out);
        }
        out.push(']');
        Some(())
    })
}

fn bag_pack(call: &Call, ignore_empty: bool) -> Column {
    rows::json(call, |row, out| {
        let mut bag = Bag::new(out);
        for pair in 0..call.arguments.len() / 2 {
            let value_of_key = value(call, 2 * pair + 1, row);
            let empty = match &value_of_key {
                Value::Null(_) => true,
                Value::String(text) => text.is_empty(),
                Value::Dynamic(text) => text == "\"\"",
                _ => false,
            };
            if ignore_empty && empty {
                continue;
            }
            let key = match value(call, 2 * pair, row) {
                Value::String(key) => key,
                other => convert::text_of(&other),
            };
            if let Some(out) = bag.key(Cow::Owned(key)) {
                json::write_value(&value_of_key, out);
            }
        }
        bag.end();
        Some(())
    })
}

/// Writes a bag; the first value of a key stays.
struct Bag<'k, 'o> {
    keys: Vec<Cow<'k, str>>,
    out: &'o mut String,
}

impl<'k, 'o> Bag<'k, 'o> {
    fn new(out: &'o mut String) -> Self {
        out.push('{');
        Bag { keys: Vec::new(), out }
    }

    /// Begins a member; returns where its value is to be written, or None if the bag has the key.
    fn key(&mut self, key: Cow<'k, str>) -> Option<&mut String> {
        if self.keys.contains(&key) {
            return None;
        }
        if !self.keys.is_empty() {
            self.out.push(',');
        }
        json::write_string(&key, self.out);
        self.out.push(':');
        self.keys.push(key);
        Some(self.out)
    }

    fn end(self) {
        self.out.push('}');
    }
}

fn is_bag(json: &str) -> bool {
    json::kind(json) == json::Kind::Bag
}

fn strcat_array(call: &Call) -> Column {
    let (array, delimiter) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::text(call, |row, out| {
        let Some(array) = array.get(row) else { return };
        // What is no array is written as a whole (measured).
        let Some(elements) = rows::elements(array) else { return out.push_str(&json::as_text(array)) };
        for (index, element) in elements.into_iter().enumerate() {
            if index > 0 {
                out.push_str(delimiter.get(row).unwrap_or(""));
            }
            out.push_str(&json::as_text(element));
        }
    })
}

/// Arguments that are no arrays add nothing; null if none is one (inferred).
fn array_concat(call: &Call) -> Column {
    let arrays: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let mut lists = arrays.iter().filter_map(|array| array.get(row)).filter_map(rows::elements).peekable();
        lists.peek()?;
        write_array(lists.flatten(), out);
        Some(())
    })
}

fn array_slice(call: &Call) -> Column {
    let (array, start, end) =
        (Reader::<Json>::new(call, 0), Reader::<Long>::new(call, 1), Reader::<Long>::new(call, 2));
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let length = elements.len() as i64;
        let from_start = |at: i64| if at < 0 { at.saturating_add(length) } else { at };
        let start = from_start(start.get(row)?).clamp(0, length) as usize;
        let end = from_start(end.get(row)?).saturating_add(1).clamp(start as i64, length) as usize;
        write_array(elements[start..end].iter().copied(), out);
        Some(())
    })
}

fn array_split(call: &Call) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let length = elements.len() as i64;
        let indices = match value(call, 1, row) {
            Value::Long(index) => vec![index],
            Value::Dynamic(indices) => json::elements(&indices).filter_map(|index| index.parse().ok()).collect(),
            _ => return None,
        };
        let mut from = 0;
        out.push('[');
        for index in indices {
            let index = if index < 0 { index.saturating_add(length) } else { index };
            let to = index.clamp(from as i64, length) as usize;
            write_array(elements[from..to].iter().copied(), out);
            out.push(',');
            from = to;
        }
        write_array(elements[from..].iter().copied(), out);
        out.push(']');
        Some(())
    })
}

fn rotate(call: &Call, direction: i64) -> Column {
    let count = Reader::<Long>::new(call, 1);
    over_array(call, |elements, row| {
        if !elements.is_empty() {
            let count = count.get(row).unwrap_or(0).wrapping_mul(direction);
            let count = count.rem_euclid(elements.len() as i64) as usize;
            elements.rotate_left(count);
        }
    })
}

fn shift(call: &Call, direction: i64) -> Column {
    let (array, count) = (Reader::<Json>::new(call, 0), Reader::<Long>::new(call, 1));
    rows::json(call, |row, out| {
        let elements = rows::elements(array.get(row)?)?;
        let filler = if call.arguments.len() > 2 { json::from_value(&value(call, 2, row)) } else { "null".to_string() };
        let count = count.get(row)?.saturating_mul(direction);
        let shifted = (0..elements.len() as i64).map(|at| {
            let from = usize::try_from(at.saturating_add(count)).ok();
            from.and_then(|from| elements.get(from).copied()).unwrap_or(&filler)
        });
        write_array(shifted, out);
        Some(())
    })
}

/// Tells whether two values are the same: numbers by what they count, other values by their text.
fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => json::compact(a) == json::compact(b),
        _ => false,
    }
}

fn number_of(json: &str) -> Option<f64> {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| json.parse().ok()).flatten()
}

fn array_index_of(call: &Call) -> Column {
    let array = Reader::<Json>::new(call, 0);
    let [start, length, occurrence] = [2, 3, 4].map(|index| optional::<Opt<Long>>(call, index));
    rows::longs(call, |row| {
        let elements = rows::elements(array.get(row)?)?;
        let wanted = json::from_value(&value(call, 1, row));
        let number = |reader: &Option<Reader<Opt<Long>>>, default: i64| match reader {
            Some(reader) => reader.get(row).flatten(),
            None => Some(default),
        };
        let (start, length, occurrence) = (number(&start, 0)?, number(&length, -1)?, number(&occurrence, 1)?);
        if length < -1 || occurrence < 0 {
            return None;
        }
        let start = if start < 0 { start.saturating_add(elements.len() as i64) } else { start };
        let start = usize::try_from(start).ok()?;
        let count = if length < 0 { usize::MAX } else { length as usize };
        let mut found =
            elements.iter().enumerate().skip(start).take(count).filter(|(_, element)| same(element, &wanted));
        Some(found.nth(occurrence.max(1) as usize - 1).map_or(-1, |(index, _)| index as i64))
    })
}

fn array_iff(call: &Call) -> Column {
    let conditions = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let conditions = rows::elements(conditions.get(row)?)?;
        let branches = [1, 2].map(|index| json::from_value(&value(call, index, row)));
        let lists = [rows::elements(&branches[0]), rows::elements(&branches[1])];
        let pick = |at: usize, condition: &str| {
            let holds = match condition {
                "true" => true,
                "false" => false,
                // Numbers are conditions too, other values give null (documented).
                other => number_of(other)? != 0.0,
            };
            let branch = usize::from(!holds);
            match &lists[branch] {
                Some(list) => list.get(at).copied(),
                None => Some(branches[branch].as_str()),
            }
        };
        write_array(conditions.iter().enumerate().map(|(at, condition)| pick(at, condition).unwrap_or("null")), out);
        Some(())
    })
}

/// Orders elements: numbers, then strings, then the rest as it stands (documented); nulls are dealt with elsewhere.
fn order(a: &str, b: &str) -> Ordering {
    match (number_of(a), number_of(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => match (json::as_string(a), json::as_string(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        },
    }
}

fn sort(call: &Call, descending: bool) -> Column {
    let option = call.arguments.last().is_some_and(|argument| argument.scalar_type == ScalarType::Bool);
    let count = call.arguments.len() - usize::from(option);
    let nulls_last = option.then(|| Reader::<Bool>::new(call, count));
    let arrays: Vec<Reader<Json>> = (0..count).map(|index| Reader::new(call, index)).collect();
    let mut columns: Vec<StringViewBuilder> =
        arrays.iter().map(|_| StringViewBuilder::with_capacity(call.rows)).collect();
    let mut text = String::new();
    for row in 0..call.rows {
        let nulls_last = nulls_last.as_ref().and_then(|option| option.get(row)).unwrap_or(true);
        let keys = arrays[0].get(row).and_then(rows::elements);
        let places = keys.as_deref().map(|keys| order_of(keys, descending, nulls_last)).unwrap_or_default();
        for (array, column) in arrays.iter().zip(&mut columns) {
            // An array of another length than the first one becomes null (documented).
            let elements = array.get(row).and_then(rows::elements).filter(|elements| elements.len() == places.len());
            match elements.filter(|_| keys.is_some()) {
                Some(elements) => {
                    text.clear();
                    write_array(places.iter().map(|&place| elements[place]), &mut text);
                    column.append_value(&text);
                }
                None => column.append_null(),
            }
        }
    }
    let mut columns: Vec<ArrayRef> = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    if count == 1 { Ok(columns.swap_remove(0)) } else { rows::several(columns) }
}

/// Returns the places of elements in their order.
fn order_of(keys: &[&str], descending: bool, nulls_last: bool) -> Vec<usize> {
    let nulls = if nulls_last { Ordering::Greater } else { Ordering::Less };
    let mut places: Vec<usize> = (0..keys.len()).collect();
    places.sort_by(|&a, &b| match (keys[a] == "null", keys[b] == "null") {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) if descending => order(keys[b], keys[a]),
        (false, false) => order(keys[a], keys[b]),
    });
    places
}

fn array_sum(array: &str) -> Option<f64> {
    let elements = rows::elements(array)?;
    if elements.is_empty() {
        return None;
    }
    // A null counts for nothing (measured), anything else that is no number spoils the sum.
    elements.into_iter().filter(|element| json::kind(element) != json::Kind::Null).map(number_of).sum()
}

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

/// Tells whether the texts of two values are the same, whatever their case.
fn same_folded(a: &str, b: &str) -> bool {
    let (a, b) = (json::as_text(a), json::as_text(b));
    a.chars().map(fold).eq(b.chars().map(fold))
}

/// A dynamic that is no array is its only element; a null is in nothing (measured).
fn in_array(call: &Call, same: fn(&str, &str) -> bool) -> Column {
    let array = Reader::<Json>::new(call, 0);
    rows::bools(call, |row| {
        let (wanted, Some(array)) = (value(call, 1, row), array.get(row)) else { return Some(false) };
        if wanted.is_null() {
            return Some(false);
        }
        let wanted = json::from_value(&wanted);
        let elements = rows::elements(array).unwrap_or_else(|| vec![array]);
        Some(elements.iter().any(|element| *element != "null" && same(element, &wanted)))
    })
}

fn bag_keys(call: &Call) -> Column {
    let bag = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        out.push('[');
        for (index, (key, _)) in json::members(bag).enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::write_string(&key, out);
        }
        out.push(']');
        Some(())
    })
}

fn bag_merge(call: &Call) -> Column {
    let bags: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let mut bags = bags.iter().filter_map(|bag| bag.get(row)).filter(|bag| is_bag(bag)).peekable();
        bags.peek()?;
        let mut merged = Bag::new(out);
        for (key, value) in bags.flat_map(json::members) {
            if let Some(out) = merged.key(key) {
                out.push_str(value);
            }
        }
        merged.end();
        Some(())
    })
}

/// Reads a path like `$.a[0]['b c']`; None where it is none.
pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            steps.push(Step::Key(tail[..end].to_string()));
            rest = &tail[end..];
            continue;
        }
        let tail = rest.strip_prefix('[')?;
        let quote = tail.chars().next()?;
        if quote == '\'' || quote == '"' {
            let end = tail[1..].find(quote)? + 1;
            steps.push(Step::Key(tail[1..end].to_string()));
            rest = tail[end + 1..].strip_prefix(']')?;
        } else {
            let end = tail.find(']')?;
            steps.push(Step::Index(tail[..end].trim().parse().ok()?));
            rest = &tail[end + 1..];
        }
    }
    Some(steps)
}

/// Reads a key of a bag: a path if it begins with `$.` or `$[`, else the key itself.
fn key_path(key: &str) -> Vec<Step> {
    let steps = if key.starts_with("$.") || key.starts_with("$[") { path(key) } else { None };
    steps.unwrap_or_else(|| vec![Step::Key(key.to_string())])
}

fn bag_has_key(call: &Call) -> Column {
    let (bag, key) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::bools(call, |row| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let steps = key_path(key.get(row)?);
        let found = steps.iter().try_fold(bag, |value, step| match step {
            Step::Key(key) => json::get_key(value, key),
            Step::Index(index) => json::get_index(value, *index),
        });
        Some(found.is_some())
    })
}

fn bag_remove_keys(call: &Call) -> Column {
    let (bag, keys) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let keys = rows::elements(keys.get(row)?)?;
        let paths: Vec<Vec<Step>> = keys.iter().filter_map(|key| Some(key_path(&json::as_string(key)?))).collect();
        write_without(bag, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>(), out);
        Some(())
    })
}

/// Writes a bag without the members at the paths. Recursion ends with the longest path.
fn write_without(bag: &str, paths: &[&[Step]], out: &mut String) {
    let mut written = Bag::new(out);
    for (key, value) in json::members(bag) {
        let deeper: Vec<&[Step]> = paths
            .iter()
            .filter(|path| matches!(path.first(), Some(Step::Key(wanted)) if *wanted == *key))
            .map(|path| &path[1..])
            .collect();
        if deeper.iter().any(|path| path.is_empty()) {
            continue;
        }
        if let Some(out) = written.key(key) {
            if deeper.is_empty() || !is_bag(value) { out.push_str(value) } else { write_without(value, &deeper, out) }
        }
    }
    written.end();
}

fn bag_set_key(call: &Call) -> Column {
    let (bag, key) = (Reader::<Json>::new(call, 0), Reader::<Text>::new(call, 1));
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let steps = key_path(key.get(row)?);
        let keys = steps.iter().map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        write_with(bag, &keys.collect::<Option<Vec<_>>>()?, &json::from_value(&value(call, 2, row)), out);
        Some(())
    })
}

/// Writes a bag with a member set, which moves to the end (documented sample). Recursion ends with the path.
fn write_with(bag: &str, keys: &[&str], value: &str, out: &mut String) {
    let Some((first, rest)) = keys.split_first() else { return out.push_str(value) };
    let mut written = Bag::new(out);
    for (key, value) in json::members(bag).filter(|(key, _)| key != first) {
        if let Some(out) = written.key(key) {
            out.push_str(value);
        }
    }
    if let Some(out) = written.key(Cow::Borrowed(first)) {
        let inner = json::get_key(bag, first).filter(|inner| is_bag(inner)).unwrap_or("{}");
        write_with(inner, rest, value, out);
    }
    written.end();
}

fn bag_zip(call: &Call) -> Column {
    let (keys, values) = (Reader::<Json>::new(call, 0), Reader::<Json>::new(call, 1));
    rows::json(call, |row, out| {
        let keys = rows::elements(keys.get(row)?)?;
        let values = values.get(row).and_then(rows::elements).unwrap_or_default();
        let mut bag = Bag::new(out);
        for (index, key) in keys.iter().enumerate() {
            // A key that is no string drops out, with its value (documented).
            if let Some(out) = json::as_string(key).and_then(|key| bag.key(key)) {
                out.push_str(values.get(index).unwrap_or(&"null"));
            }
        }
        bag.end();
        Some(())
    })
}

fn zip(call: &Call) -> Column {
    let arrays: Vec<Reader<Json>> = (0..call.arguments.len()).map(|index| Reader::new(call, index)).collect();
    rows::json(call, |row, out| {
        let lists: Vec<Vec<&str>> =
            arrays.iter().map(|array| array.get(row).and_then(rows::elements).unwrap_or_default()).collect();
        out.push('[');
        for at in 0..lists.iter().map(Vec::len).max().unwrap_or(0) {
            if at > 0 {
                out.push(',');
            }
            write_array(lists.iter().map(|list| list.get(at).copied().unwrap_or("null")), out);
        }
        out.push(']');
        Some(())
    })
}

fn repeat(call: &Call) -> Column {
    let count = Reader::<Long>::new(call, 1);
    rows::json(call, |row, out| {
        let count = usize::try_from(count.get(row)?).ok()?.min(RANGE as usize);
        let element = json::from_value(&value(call, 0, row));
        write_array(std::iter::repeat_n(element.as_str(), count), out);
        Some(())
    })
}

/// Numbers of whole or real steps; datetimes and timespans step by an hour if nothing else is said (documented).
fn range(call: &Call) -> Column {
    const HOUR: i64 = 36_000_000_000;
    rows::json(call, |row, out| {
        let (start, stop) = (value(call, 0, row), value(call, 1, row));
        let step = if call.arguments.len() > 2 { Some(value(call, 2, row)) } else { None };
        let scalar_type = match (start.scalar_type(), stop.scalar_type()) {
            (ScalarType::DateTime, _) => ScalarType::DateTime,
            (ScalarType::TimeSpan, _) => ScalarType::TimeSpan,
            (a, b) => {
                let real = |t: ScalarType| !t.is_integer();
                if real(a) || real(b) || step.as_ref().is_some_and(|s| real(s.scalar_type())) {
                    ScalarType::Real
                } else {
                    ScalarType::Long
                }
            }
        };
        if scalar_type == ScalarType::Real {
            let real = |value: &Value| match convert::convert(value, ScalarType::Real) {
                Value::Real(value) => Some(value),
                _ => None,
            };
            let (start, stop, step) = (real(&start)?, real(&stop)?, step.map_or(Some(1.0), |step| real(&step))?);
            let goes_on = |at: &f64| if step > 0.0 { *at <= stop } else { step < 0.0 && *at >= stop };
            return write_list(out, (0..RANGE).map(|n| start + n as f64 * step).take_while(goes_on).map(Value::Real));
        }
        let whole = |value: &Value| match value {
            Value::Int(value) => Some(i64::from(*value)),
            Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value) => Some(*value),
            _ => None,
        };
        let default = if scalar_type == ScalarType::Long { 1 } else { HOUR };
        let (start, stop, step) = (whole(&start)?, whole(&stop)?, step.map_or(Some(default), |step| whole(&step))?);
        let goes_on = |at: &i64| if step > 0 { *at <= stop } else { step < 0 && *at >= stop };
        let values =
            std::iter::successors(Some(start), |at| at.checked_add(step)).take_while(goes_on).take(RANGE as usize);
        write_list(
            out,
            values.map(|value| match scalar_type {
                ScalarType::DateTime => Value::DateTime(value),
                ScalarType::TimeSpan => Value::TimeSpan(value),
                _ => Value::Long(value),
            }),
        )
    })
}

fn write_list(out: &mut String, values: impl Iterator<Item = Value>) -> Option<()> {
    out.push('[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::write_value(&value, out);
    }
    out.push(']');
    Some(())
}

fn dynamic_to_json(call: &Call) -> Column {
    rows::text(call, |row, out| match value(call, 0, row) {
        Value::Null(_) => {}
        Value::Dynamic(text) => write_sorted(&text, out),
        other => json::write_value(&other, out),
    })
}

/// Writes a value with the keys of bags in order. Validated text nests no deeper than [`json::MAX_DEPTH`].
fn write_sorted(text: &str, out: &mut String) {
    match json::kind(text) {
        json::Kind::Bag => {
            let mut members: Vec<_> = json::members(text).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut bag = Bag::new(out);
            for (key, value) in members {
                if let Some(out) = bag.key(key) {
                    write_sorted(value, out);
                }
            }
            bag.end();
        }
        json::Kind::Array => {
            out.push('[');
            for (index, element) in json::elements(text).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(element, out);
            }
            out.push(']');
        }
        _ => out.push_str(&json::compact(text)),
    }
}

fn extract_json(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let text = constant_text(constants, 0).unwrap_or("");
    let Some(steps) = path(text) else {
        let message = format!("`{text}` is no path into JSON: write it like `$.a[0].b`");
        return Err(FunctionError::argument(0, "SEM0001", message));
    };
    Ok(Arc::new(move |call: &Call| {
        let source = Reader::<Text>::new(call, 1);
        let texts = rows::text(call, |row, out| {
            let text = source.get(row).unwrap_or("");
            if let Some(found) = json::is_valid(text).then(|| json::get(text, &steps)).flatten() {
                out.push_str(&json::as_text(found));
            }
        })?;
        let wanted = call.arguments.get(2).map_or(ScalarType::String, |argument| argument.scalar_type);
        Ok(convert::cast(&texts, ScalarType::String, wanted))
    }))
}

fn treepath(call: &Call) -> Column {
    let bag = Reader::<Json>::new(call, 0);
    rows::json(call, |row, out| {
        let bag = bag.get(row).filter(|bag| is_bag(bag))?;
        let mut paths = Vec::new();
        collect_paths(bag, "", &mut paths);
        out.push('[');
        for (index, path) in paths.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::write_string(path, out);
        }
        out.push(']');
        Some(())
    })
}

/// Collects the paths below a value; all elements of an array share the path `[0]` (documented). Validated text nests
/// no deeper than [`json::MAX_DEPTH`].
fn collect_paths(value: &str, prefix: &str, paths: &mut Vec<String>) {
    let mut add = |path: String, value: &str| {
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        collect_paths(value, &path, paths);
    };
    for (key, value) in json::members(value) {
        add(format!("{prefix}['{key}']"), value);
    }
    for element in json::elements(value) {
        add(format!("{prefix}[0]"), element);
    }
}

/// Reads the number that each dynamic holds. Measured: `==` finds none in a text, although `tolong` does.
fn compared<T: Write>(
    call: &Call,
    read: fn(&str) -> Result<Option<T::Item>, &'static str>,
) -> Result<ArrayRef, FunctionError> {
    let values = Reader::<Json>::new(call, 0);
    let mut builder = T::builder(call.rows);
    for row in 0..call.rows {
        let number = values.get(row).map_or(Ok(None), read).map_err(|what| {
            let message = format!(
                "what Kusto makes of a dynamic value that holds {what}, compared with a number, is not documented: \
                 convert it first, with tolong(), toreal() or tobool()"
            );
            FunctionError::argument(0, "AQ001", message)
        })?;
        T::push(&mut builder, number);
    }
    Ok(T::finish(builder))
}

fn whole(text: &str) -> Result<Option<i64>, &'static str> {
    match json::kind(text) {
        json::Kind::Long => Ok(convert::dynamic_to_long(text)),
        json::Kind::Bool => Err("true or false"),
        json::Kind::Real => match convert::dynamic_to_real(text) {
            // Cut or not, it is the same number.
            Some(real) if real.fract() == 0.0 => Ok(convert::dynamic_to_long(text)),
            _ => Err("a fraction"),
        },
        _ => Ok(None),
    }
}

/// Reads the whole number of a side that is ordered: a fraction is cut, as the results printed for a function of the
/// documentation's library show, where 0.24 is not above 0.
fn cut(text: &str) -> Result<Option<i64>, &'static str> {
    match json::kind(text) {
        json::Kind::Real => Ok(convert::dynamic_to_long(text)),
        _ => whole(text),
    }
}

fn any_number(text: &str) -> Result<Option<f64>, &'static str> {
    match json::kind(text) {
        json::Kind::Long | json::Kind::Real => Ok(convert::dynamic_to_real(text)),
        json::Kind::Bool => Err("true or false"),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;

    fn json(text: &str) -> Value {
        Value::Dynamic(text.to_string())
    }

    fn call(name: &str, arguments: &[Value]) -> Value {
        evaluate(FUNCTIONS, name, arguments)
    }

    #[test]
    fn positions_in_arrays() {
        let array = json(r#"["this","is","an","example","an","example"]"#);
        let find = |wanted: &str, numbers: &[i64]| {
            let mut arguments = vec![array.clone(), Value::String(wanted.to_string())];
            arguments.extend(numbers.iter().map(|number| Value::Long(*number)));
            call("array_index_of", &arguments)
        };
        assert_eq!(find("an", &[]), Value::Long(2));
        assert_eq!(find("example", &[1, 3]), Value::Long(3));
        assert_eq!(find("example", &[1, 2]), Value::Long(-1));
        assert_eq!(find("an", &[1, -1, 2]), Value::Long(4));
        assert_eq!(find("an", &[-3]), Value::Long(4));
    }

    #[test]
    fn parts_of_arrays() {
        let numbers = json("[1,2,3,4,5]");
        let slice = |from, to| call("array_slice", &[numbers.clone(), Value::Long(from), Value::Long(to)]);
        assert_eq!(slice(2, -1), json("[3,4,5]"));
        assert_eq!(slice(3, 1), json("[]"));
        assert_eq!(slice(i64::MIN, i64::MAX), numbers);
        assert_eq!(call("array_rotate_left", &[numbers.clone(), Value::Long(-2)]), json("[4,5,1,2,3]"));
        assert_eq!(
            call("array_shift_right", &[numbers.clone(), Value::Long(-2), Value::Long(-1)]),
            json("[3,4,5,-1,-1]")
        );
        assert_eq!(call("array_split", &[numbers, json("[1,3]")]), json("[[1],[2,3],[4,5]]"));
    }

    #[test]
    fn orders() {
        let nulls = [json(r#"[null,"blue","yellow",null]"#), Value::Bool(false)];
        assert_eq!(call("array_sort_desc", &nulls), json(r#"[null,null,"yellow","blue"]"#));
        assert_eq!(call("array_sort_asc", &[json(r#"["b",10,9,"a"]"#)]), json(r#"[9,10,"a","b"]"#));
    }

    #[test]
    fn keys_by_path() {
        let bag = json(r#"{"key1":123,"key2":{"prop1":"abc","prop2":"xyz"},"key3":[100]}"#);
        let key = |text: &str| Value::String(text.to_string());
        assert_eq!(call("bag_has_key", &[bag.clone(), key("$.key2.prop1")]), Value::Bool(true));
        assert_eq!(call("bag_has_key", &[bag.clone(), key("$['key3'][1]")]), Value::Bool(false));
        let removed = call("bag_remove_keys", &[bag.clone(), json(r#"["$.key2.prop1","key3"]"#)]);
        assert_eq!(removed, json(r#"{"key1":123,"key2":{"prop2":"xyz"}}"#));
        let set = call("bag_set_key", &[bag, key("$.key2.prop1"), Value::Long(1)]);
        assert_eq!(set, json(r#"{"key1":123,"key3":[100],"key2":{"prop2":"xyz","prop1":1}}"#));
    }

    #[test]
    fn choices_by_element() {
        let choose = |conditions: &str| call("array_iff", &[json(conditions), json("[1,2]"), Value::Long(0)]);
        assert_eq!(choose(r#"[true,2,false,"x",true]"#), json("[1,2,0,null,null]"));
    }

    #[test]
    fn ranges_end_with_their_end() {
        assert_eq!(call("range", &[Value::Long(8), Value::Long(1), Value::Long(-3)]), json("[8,5,2]"));
        assert_eq!(call("range", &[Value::Real(0.0), Value::Real(0.3), Value::Real(0.1)]), json("[0.0,0.1,0.2]"));
        assert_eq!(call("range", &[Value::Long(1), Value::Long(2), Value::Long(0)]), json("[]"));
    }

    #[test]
    fn sorted_keys() {
        assert_eq!(
            call("dynamic_to_json", &[json(r#"{"b": [{"d":1,"c":2}], "a":1}"#)]),
            Value::String(r#"{"a":1,"b":[{"c":2,"d":1}]}"#.into())
        );
    }

    #[test]
    fn doubles_count_once() {
        assert_eq!(call("set_difference", &[json("[null,1,null,2]"), json("[null]")]), json("[1,2]"));
        assert_eq!(call("set_union", &[json("[1,2,1]"), json("[2,8]")]), json("[1,2,8]"));
        let merged = call("bag_merge", &[json(r#"{"a":1}"#), json(r#"{"a":2,"b":3}"#)]);
        assert_eq!(merged, json(r#"{"a":1,"b":3}"#));
    }
}
