//! Plans before and after.

use super::expression::height;
use super::prune::selected;
use super::sink::filtered;
use super::*;
use crate::functions;
use crate::functions::aggregate;
use crate::plan::print::print;
use crate::plan::{
    AggregateCall, Comparison, ExpandColumn, JoinKind, ParseMode, ParsePart, ParsePattern, QueryResult, SortKey, Step,
    WindowCall, WindowFunction,
};
use crate::types::{Column, ScalarType, Value};

/// `a`, `b` ... are longs, `X`, `Y` ... strings, names that begin with `$` dynamic.
fn column(name: &str) -> Column {
    let scalar_type = match name.chars().next() {
        Some(c) if c.is_uppercase() => ScalarType::String,
        Some('_') => ScalarType::Dynamic,
        _ => ScalarType::Long,
    };
    Column::new(name, scalar_type)
}

fn columns(names: &str) -> Vec<Column> {
    names.split_whitespace().map(column).collect()
}

fn read(name: &str) -> Expr {
    Expr::Column(column(name))
}

fn number(value: i64) -> Expr {
    Expr::Literal(Value::Long(value))
}

fn equal(left: Expr, right: i64) -> Expr {
    Expr::Compare { operator: Comparison::Equal, left: Box::new(left), right: Box::new(number(right)) }
}

fn call(name: &str, arguments: Vec<Expr>, returns: ScalarType) -> Expr {
    let function = functions::scalar_function(name).unwrap_or_else(|| panic!("no function {name}"));
    Expr::Call { function, overload: 0, arguments, returns, at: None }
}

fn plus(left: Expr, right: Expr) -> Expr {
    call("+", vec![left, right], ScalarType::Long)
}

fn parsed(text: &str) -> Expr {
    Expr::ParseJson(Box::new(read(text)))
}

fn path(base: Expr, key: &str) -> Expr {
    Expr::Path { base: Box::new(base), steps: vec![Step::Key(key.into())] }
}

fn scan(names: &str) -> Node {
    Node { columns: columns(names), serialized: false, kind: Kind::Scan { table: "T".into() } }
}

fn filter(input: Node, predicate: Expr) -> Node {
    filtered(input, vec![predicate])
}

fn project(input: Node, list: Vec<(&str, Expr)>) -> Node {
    let (columns, expressions) = list.into_iter().map(|(name, e)| (column(name), e)).unzip();
    Node { columns, serialized: false, kind: Kind::Project { input: Box::new(input), expressions } }
}

fn keep(input: Node, names: &str) -> Node {
    selected(input, columns(names))
}

fn over(input: Node, extra: &str, kind: impl FnOnce(Box<Node>) -> Kind) -> Node {
    let mut all = input.columns.clone();
    all.extend(columns(extra));
    Node { columns: all, serialized: false, kind: kind(Box::new(input)) }
}

fn sort(input: Node, by: &str, limit: Option<usize>) -> Node {
    let keys = vec![SortKey { value: read(by), ascending: true, nulls_first: true }];
    over(input, "", |input| Kind::Sort { input, keys, limit })
}

fn aggregate_of(name: &str, arguments: Vec<Expr>, outputs: &str) -> AggregateCall {
    let aggregate = aggregate::aggregate(name).unwrap_or_else(|| panic!("no aggregate {name}"));
    AggregateCall { aggregate, overload: 0, arguments, filter: None, outputs: columns(outputs) }
}

fn summarize(input: Node, aggregates: Vec<AggregateCall>, keys: Vec<(&str, Expr)>) -> Node {
    let (mut columns, keys): (Vec<_>, Vec<_>) = keys.into_iter().map(|(name, e)| (column(name), e)).unzip();
    columns.extend(aggregates.iter().flat_map(|call| call.outputs.clone()));
    Node { columns, serialized: false, kind: Kind::Aggregate { input: Box::new(input), keys, aggregates } }
}

fn join(left: Node, right: Node, kind: JoinKind, names: &str) -> Node {
    let on = vec![(read("a"), read("a"))];
    Node {
        columns: columns(names),
        serialized: false,
        kind: Kind::Join { left: Box::new(left), right: Box::new(right), kind, on },
    }
}

fn expand(input: Node, array: Expr, name: &str, replaces: Option<&str>, index: Option<&str>) -> Node {
    let extra = format!("{} {}", if replaces.is_some() { "" } else { name }, index.unwrap_or_default());
    let array = ExpandColumn {
        array,
        replaces: replaces.map(str::to_string),
        name: name.into(),
        scalar_type: ScalarType::Dynamic,
    };
    let index = index.map(str::to_string);
    over(input, &extra, |input| Kind::Expand { input, arrays: vec![array], index, limit: None, bag_arrays: false })
}

fn parse(input: Node, source: &str, captures: &str, filter: bool) -> Node {
    let parts = columns(captures).into_iter().map(ParsePart::Column).collect();
    let pattern = ParsePattern { mode: ParseMode::Simple, flags: String::new(), parts };
    over(input, captures, |input| Kind::Parse { input, source: read(source), pattern, filter })
}

fn window(input: Node, outputs: &str) -> Node {
    let made = columns(outputs).into_iter();
    let functions =
        made.map(|output| WindowCall { function: WindowFunction::Prev, arguments: vec![read("a")], output });
    let functions = functions.collect();
    over(input, outputs, |input| Kind::Window { input, functions })
}

fn union(inputs: Vec<Node>) -> Node {
    Node { columns: inputs[0].columns.clone(), serialized: false, kind: Kind::Union { inputs } }
}

fn plan(node: Node) -> Plan {
    let result = QueryResult { name: "R".into(), node, render: None };
    Plan { results: vec![result], ..Plan::default() }
}

/// Compares what a rewritten relation prints, without the line of the result.
#[track_caller]
fn check(node: Node, expected: &[&str]) {
    let printed = print(&rewrite(plan(node)));
    let lines: Vec<&str> = printed.lines().skip(1).map(|line| &line[2..]).collect();
    assert_eq!(lines, expected, "\n{printed}");
}

#[test]
fn a_scan_reads_what_is_asked_for() {
    check(
        keep(filter(scan("a b c"), equal(read("b"), 1)), "a"),
        &["Project a: long", "  Filter (b == 1)", "    Scan T [a: long, b: long]"],
    );
}

#[test]
fn rows_are_counted_by_a_column_of_fixed_width() {
    let count = || vec![aggregate_of("count", vec![], "n")];
    check(summarize(scan("X a Y"), count(), vec![]), &["Aggregate n: long = count()", "  Scan T [a: long]"]);
    // What is computed of the rows does not matter.
    let computed = project(scan("X a Y"), vec![("_p", parsed("X"))]);
    check(summarize(computed, count(), vec![]), &["Aggregate n: long = count()", "  Scan T [a: long]"]);
    let values = Kind::Values { rows: vec![vec![Value::String("x".into()), Value::Long(1)]] };
    let values = Node { columns: columns("X a"), serialized: true, kind: values };
    check(summarize(values, count(), vec![]), &["Aggregate n: long = count()", "  Values [a: long] of 1 rows"]);
}

#[test]
fn a_computed_column_that_nobody_reads_is_not_computed() {
    let input = project(scan("a b X"), vec![("c", plus(read("a"), read("b"))), ("_p", parsed("X"))]);
    check(
        summarize(input, vec![], vec![("k", read("c"))]),
        &["Aggregate by k: long = c", "  Project c: long = (a + b)", "    Scan T [a: long, b: long]"],
    );
}

#[test]
fn aggregates_and_outputs_that_nobody_reads_go() {
    let calls = vec![
        aggregate_of("arg_max", vec![read("a"), read("b"), read("c")], "x y z"),
        aggregate_of("sum", vec![read("d")], "s"),
        aggregate_of("take_any", vec![read("e"), read("f")], "v w"),
    ];
    // The maximised value stays: it decides.
    check(
        keep(summarize(scan("a b c d e f k"), calls, vec![("g", read("k"))]), "z w"),
        &[
            "Project z: long, w: long",
            "  Aggregate x: long, z: long = arg_max(a, c), w: long = take_any(f) by g: long = k",
            "    Scan T [a: long, c: long, f: long, k: long]",
        ],
    );
}

#[test]
fn an_aggregate_without_keys_keeps_its_row() {
    let calls = vec![aggregate_of("sum", vec![read("a")], "s"), aggregate_of("sum", vec![read("b")], "t")];
    let counted = vec![aggregate_of("count", vec![], "n")];
    check(
        summarize(summarize(scan("a b"), calls, vec![]), counted, vec![]),
        &["Aggregate n: long = count()", "  Aggregate s: long = sum(a)", "    Scan T [a: long]"],
    );
}

#[test]
fn sides_of_a_join_lose_columns_and_keep_names() {
    let joined = join(scan("a b c"), scan("a b c"), JoinKind::Inner, "a b c a1 b1 c1");
    check(
        keep(joined, "c b1"),
        &[
            "Project c: long, b1: long",
            "  Join kind=inner on a == a renaming a1 = a, b1 = b",
            "    Scan T [a: long, c: long]",
            "    Scan T [a: long, b: long]",
        ],
    );
    let semi = join(scan("a b c"), scan("a b c"), JoinKind::RightSemi, "a b c");
    check(
        keep(semi, "b"),
        &[
            "Project b: long",
            "  Join kind=rightsemi on a == a",
            "    Scan T [a: long]",
            "    Scan T [a: long, b: long]",
        ],
    );
}

#[test]
fn inputs_of_a_union_stay_alike() {
    let input = project(scan("b a"), vec![("a", read("a")), ("b", read("b")), ("c", number(1))]);
    check(
        keep(union(vec![scan("a b c"), input]), "b a"),
        &[
            "Project b: long, a: long",
            "  Union [a: long, b: long]",
            "    Scan T [a: long, b: long]",
            "    Project a: long, b: long",
            "      Scan T [b: long, a: long]",
        ],
    );
}

#[test]
fn an_array_is_expanded_though_nobody_reads_its_elements() {
    check(
        keep(expand(scan("a b _c"), read("_c"), "_e", None, Some("i")), "a"),
        &["Project a: long", "  Expand _e: dynamic = _c", "    Scan T [a: long, _c: dynamic]"],
    );
    // What is replaced in place must be there.
    check(
        keep(expand(scan("a _c X"), parsed("X"), "_c", Some("_c"), None), "a"),
        &[
            "Project a: long",
            "  Expand _c: dynamic = parse_json(X) in place of _c",
            "    Scan T [a: long, _c: dynamic, X: string]",
        ],
    );
}

#[test]
fn captures_and_window_functions_that_nobody_reads_go() {
    check(keep(parse(scan("a X"), "X", "b", false), "a"), &["Scan T [a: long]"]);
    check(
        keep(parse(scan("a X"), "X", "b", true), "a"),
        &["Project a: long", "  ParseWhere kind=simple X with b: long", "    Scan T [a: long, X: string]"],
    );
    check(keep(window(scan("a b"), "p q"), "b"), &["Scan T [b: long]"]);
    check(
        keep(window(scan("a b c"), "p q"), "b q"),
        &["Project b: long, q: long", "  Window q: long = prev(a)", "    Scan T [a: long, b: long]"],
    );
}

#[test]
fn a_shared_subplan_gives_what_its_uses_read_together() {
    let shared = |names: &str| {
        let node = Node { columns: columns("a b c d"), serialized: false, kind: Kind::Shared { index: 0 } };
        keep(node, names)
    };
    let mut plan = plan(shared("a b"));
    plan.results.push(QueryResult { name: "S".into(), node: shared("c"), render: None });
    plan.shared.push(scan("a b c d"));
    let expected = "shared 0:\n  Scan T [a: long, b: long, c: long]\n\
                    R:\n  Project a: long, b: long\n    Shared 0 [a: long, b: long, c: long]\n\
                    S:\n  Project c: long\n    Shared 0 [a: long, b: long, c: long]\n";
    assert_eq!(print(&rewrite(plan)), expected);
}

#[test]
fn a_shared_subplan_is_read_by_bounds_too() {
    let shared = Node { columns: columns("a b c"), serialized: false, kind: Kind::Shared { index: 0 } };
    let stop = Expr::ScalarQuery { query: Box::new(keep(shared, "b")), returns: ScalarType::Long };
    let kind = Kind::Range { start: number(1), stop, step: number(1) };
    let mut plan = plan(Node { columns: columns("x"), serialized: true, kind });
    plan.shared.push(scan("a b c"));
    let expected = "shared 0:\n  Scan T [b: long]\n\
                    R:\n  Range [x: long] from 1 to toscalar($query0) step 1\n    \
                    $query0:\n      Shared 0 [b: long]\n";
    assert_eq!(print(&rewrite(plan)), expected);
}

#[test]
fn a_series_keeps_its_keys_and_its_axis() {
    let axis = super::super::SeriesAxis { from: None, to: None, step: number(1), scalar_type: ScalarType::Long };
    let defaults = vec![Value::Long(0), Value::Long(1), Value::Long(2)];
    let input = Box::new(scan("k x a b c"));
    let kind = Kind::Series { input, keys: 1, axis, defaults, non_empty: false };
    let series = || Node { columns: columns("k _a _b _c _x"), serialized: false, kind: kind.clone() };
    check(
        keep(series(), "_b"),
        &[
            "Project _b: dynamic",
            "  Series [k: long, _b: dynamic, _x: dynamic] keys=1 step 1 default 1",
            "    Scan T [k: long, x: long, b: long]",
        ],
    );
    check(
        keep(series(), "k"),
        &[
            "Project k: long",
            "  Series [k: long, _a: dynamic, _x: dynamic] keys=1 step 1 default 0",
            "    Scan T [k: long, x: long, a: long]",
        ],
    );
}

#[test]
fn a_subquery_gives_its_first_column_alone() {
    let value = Box::new(read("a"));
    let query = Box::new(filter(scan("b c d"), equal(read("d"), 1)));
    let within = Expr::InQuery { value, query, fold_case: false, negated: false };
    check(
        filter(scan("a"), within),
        &[
            "Filter (a in ($query0))",
            "  $query0:",
            "    Project b: long",
            "      Filter (d == 1)",
            "        Scan T [b: long, d: long]",
            "  Scan T [a: long]",
        ],
    );
}

#[test]
fn conditions_part_and_sink_below_a_projection() {
    let list = vec![("x", read("a")), ("y", plus(read("a"), read("b"))), ("z", number(7))];
    let both = Expr::And(vec![equal(read("x"), 1), equal(read("y"), 2), equal(read("z"), 3)]);
    check(
        filter(project(scan("a b"), list), both),
        &[
            "Filter ((y == 2) and (z == 3))",
            "  Project x: long = a, y: long = (a + b), z: long = 7",
            "    Filter (a == 1)",
            "      Scan T [a: long, b: long]",
        ],
    );
}

#[test]
fn filters_become_one() {
    check(
        filter(filter(scan("a b"), equal(read("a"), 1)), equal(read("b"), 2)),
        &["Filter ((a == 1) and (b == 2))", "  Scan T [a: long, b: long]"],
    );
}

#[test]
fn a_filter_passes_a_sort_but_not_its_limit() {
    check(
        filter(sort(scan("a"), "a", None), equal(read("a"), 1)),
        &["Sort by a asc nulls first", "  Filter (a == 1)", "    Scan T [a: long]"],
    );
    check(
        filter(sort(scan("a"), "a", Some(5)), equal(read("a"), 1)),
        &["Filter (a == 1)", "  Top 5 by a asc nulls first", "    Scan T [a: long]"],
    );
    let limited = over(scan("a"), "", |input| Kind::Limit { input, count: 5 });
    check(filter(limited, equal(read("a"), 1)), &["Filter (a == 1)", "  Limit 5", "    Scan T [a: long]"]);
    check(
        filter(window(scan("a"), "p"), equal(read("a"), 1)),
        &["Filter (a == 1)", "  Window p: long = prev(a)", "    Scan T [a: long]"],
    );
}

#[test]
fn a_filter_passes_what_it_does_not_read() {
    let condition = || Expr::And(vec![equal(read("a"), 1), equal(read("i"), 2)]);
    check(
        filter(expand(scan("a _c"), read("_c"), "_e", None, Some("i")), condition()),
        &[
            "Filter (i == 2)",
            "  Expand _e: dynamic = _c index=i",
            "    Filter (a == 1)",
            "      Scan T [a: long, _c: dynamic]",
        ],
    );
    check(
        filter(parse(scan("a X"), "X", "i", false), condition()),
        &[
            "Filter (i == 2)",
            "  Parse kind=simple X with i: long",
            "    Filter (a == 1)",
            "      Scan T [a: long, X: string]",
        ],
    );
}

#[test]
fn a_filter_goes_into_every_input_of_a_union() {
    check(
        filter(union(vec![scan("a"), scan("a")]), equal(read("a"), 1)),
        &["Union [a: long]", "  Filter (a == 1)", "    Scan T [a: long]", "  Filter (a == 1)", "    Scan T [a: long]"],
    );
}

#[test]
fn a_filter_on_keys_chooses_groups_before_they_are_made() {
    let grouped = || {
        let keys = vec![("k", read("a")), ("l", plus(read("a"), number(1)))];
        summarize(scan("a b"), vec![aggregate_of("sum", vec![read("b")], "s")], keys)
    };
    let on = |name| filter(grouped(), equal(read(name), 1));
    let aggregate = "Aggregate s: long = sum(b) by k: long = a, l: long = (a + 1)";
    let inner = format!("  {aggregate}");
    check(on("k"), &[aggregate, "  Filter (a == 1)", "    Scan T [a: long, b: long]"]);
    check(on("l"), &["Filter (l == 1)", &inner, "    Scan T [a: long, b: long]"]);
    check(on("s"), &["Filter (s == 1)", &inner, "    Scan T [a: long, b: long]"]);
    // Without keys there is a row whatever comes in.
    let total = summarize(scan("b"), vec![aggregate_of("sum", vec![read("b")], "s")], vec![]);
    check(
        filter(total, Expr::Literal(Value::Bool(false))),
        &["Filter false", "  Aggregate s: long = sum(b)", "    Scan T [b: long]"],
    );
}

#[test]
fn a_filter_goes_to_the_side_of_a_join_whose_rows_may_go() {
    let joined = |kind| join(scan("a b"), scan("a b"), kind, "a b a1 b1");
    let both = || Expr::And(vec![equal(read("b"), 1), equal(read("b1"), 2)]);
    let names = "renaming a1 = a, b1 = b";
    check(
        filter(joined(JoinKind::LeftOuter), both()),
        &[
            "Filter (b1 == 2)",
            &format!("  Join kind=leftouter on a == a {names}"),
            "    Filter (b == 1)",
            "      Scan T [a: long, b: long]",
            "    Scan T [a: long, b: long]",
        ],
    );
    // The one row of each key on the left is chosen before.
    check(
        filter(joined(JoinKind::InnerUnique), both()),
        &[
            "Filter (b == 1)",
            &format!("  Join kind=innerunique on a == a {names}"),
            "    Scan T [a: long, b: long]",
            "    Filter (b == 2)",
            "      Scan T [a: long, b: long]",
        ],
    );
    check(
        filter(joined(JoinKind::FullOuter), both()),
        &[
            "Filter ((b == 1) and (b1 == 2))",
            &format!("  Join kind=fullouter on a == a {names}"),
            "    Scan T [a: long, b: long]",
            "    Scan T [a: long, b: long]",
        ],
    );
}

#[test]
fn projections_become_one_where_nothing_is_computed_twice() {
    let lower = || project(scan("a b"), vec![("c", plus(read("a"), read("b"))), ("d", read("a"))]);
    check(
        project(lower(), vec![("x", plus(read("c"), read("d"))), ("y", read("d"))]),
        &["Project x: long = ((a + b) + a), y: long = a", "  Scan T [a: long, b: long]"],
    );
    check(
        project(lower(), vec![("x", plus(read("c"), read("c")))]),
        &["Project x: long = (c + c)", "  Project c: long = (a + b)", "    Scan T [a: long, b: long]"],
    );
    check(keep(scan("a b"), "a b"), &["Scan T [a: long, b: long]"]);
}

#[test]
fn a_constant_does_not_become_an_argument() {
    let lower = project(scan("a"), vec![("c", number(1)), ("a", read("a"))]);
    check(
        project(lower, vec![("x", plus(read("a"), read("c")))]),
        &["Project x: long = (a + c)", "  Project c: long = 1, a: long", "    Scan T [a: long]"],
    );
}

#[test]
fn text_is_parsed_where_paths_go_into_it() {
    let lower = || project(scan("X a"), vec![("_p", parsed("X")), ("a", read("a"))]);
    let list = || vec![("_v", path(read("_p"), "v")), ("_w", path(read("_p"), "w"))];
    check(
        project(lower(), list()),
        &["Project _v: dynamic = parse_json(X).v, _w: dynamic = parse_json(X).w", "  Scan T [X: string]"],
    );
    // Read as a whole too, it is parsed once.
    let mut whole = list();
    whole.push(("_p", read("_p")));
    check(
        project(lower(), whole),
        &[
            "Project _v: dynamic = _p.v, _w: dynamic = _p.w, _p: dynamic",
            "  Project _p: dynamic = parse_json(X)",
            "    Scan T [X: string]",
        ],
    );
}

#[test]
fn what_is_computed_beside_parsed_text_stays_below() {
    let lower = project(scan("X a"), vec![("_p", parsed("X")), ("c", plus(read("a"), number(1)))]);
    let upper = vec![("_v", path(read("_p"), "v")), ("x", plus(read("c"), read("c")))];
    check(
        project(lower, upper),
        &[
            "Project _v: dynamic = parse_json(X).v, x: long = (c + c)",
            "  Project c: long = (a + 1), X: string",
            "    Scan T [X: string, a: long]",
        ],
    );
}

#[test]
fn aggregates_and_filters_take_paths_into_the_text() {
    let parsing = || project(scan("X a"), vec![("_p", parsed("X")), ("a", read("a"))]);
    let key = |base| Expr::Convert { value: Box::new(path(base, "k")), to: ScalarType::Long };
    check(
        summarize(parsing(), vec![], vec![("k", key(read("_p")))]),
        &["Aggregate by k: long = tolong(parse_json(X).k)", "  Scan T [X: string]"],
    );
    check(
        keep(filter(parsing(), equal(key(read("_p")), 1)), "a"),
        &["Project a: long", "  Filter (tolong(parse_json(X).k) == 1)", "    Scan T [X: string, a: long]"],
    );
}

/// `rand()`, without a need for the function to be there.
fn random() -> Expr {
    static RAND: functions::Function = functions::Function {
        name: "rand",
        aliases: &[],
        summary: "",
        naming: functions::Naming::None,
        overloads: &[],
        examples: &[],
        page: "",
    };
    Expr::Call { function: &RAND, overload: 0, arguments: Vec::new(), returns: ScalarType::Long, at: None }
}

#[test]
fn chance_is_not_moved() {
    let input = || project(scan("a"), vec![("b", read("a"))]);
    check(
        filter(input(), equal(plus(read("b"), random()), 1)),
        &["Filter ((b + rand()) == 1)", "  Project b: long = a", "    Scan T [a: long]"],
    );
    check(
        project(project(scan("a"), vec![("r", random())]), vec![("x", read("r"))]),
        &["Project x: long = r", "  Project r: long = rand()", "    Scan T [a: long]"],
    );
}

#[test]
fn a_subquery_is_not_asked_by_each_input_of_a_union() {
    let value = Box::new(read("a"));
    let within = Expr::InQuery { value, query: Box::new(scan("b")), fold_case: false, negated: false };
    let rewritten = print(&rewrite(plan(filter(union(vec![scan("a"), scan("a")]), within))));
    assert_eq!(rewritten.matches("$query0:").count(), 1, "{rewritten}");
    assert!(rewritten.starts_with("R:\n  Filter"), "{rewritten}");
}

#[test]
fn a_deep_pipeline_is_rewritten() {
    let mut node = scan("a b");
    for i in 0..600 {
        node = filter(node, equal(read("a"), i));
        node = project(node, vec![("a", plus(read("a"), read("b"))), ("b", read("b"))]);
        node = over(node, "", |input| Kind::Limit { input, count: 5 });
    }
    let plan = plan(keep(node, "b"));
    assert!(depth(&plan) > 1800);
    let rewritten = rewrite(plan);
    assert_eq!(rewritten.results[0].node.columns, columns("b"));
    assert!(depth(&rewritten) > 1000);
}

#[test]
fn expressions_do_not_grow_without_end() {
    let mut node = scan("a");
    for _ in 0..300 {
        node = project(node, vec![("a", plus(read("a"), number(1)))]);
    }
    let mut highest = 0;
    rewrite(plan(node)).for_each_node(&mut |node| {
        let expressions = node.expressions();
        highest = highest.max(expressions.into_iter().map(height).max().unwrap_or(0));
    });
    assert!(highest > 10 && highest <= MAX_DEPTH, "{highest}");
}
