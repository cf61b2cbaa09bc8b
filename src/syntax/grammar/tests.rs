//! What the grammar must bear: any nesting, any length, any text.

use std::time::{Duration, Instant};

use crate::syntax::ast::{Expr, ExprKind, OperatorKind, StatementKind};
use crate::syntax::{MAX_DEPTH, Parsed, parse};

/// Ways to nest, each with its start, its middle and its end.
const NESTS: &[(&str, &str, &str)] = &[
    ("(", "1", ")"),
    ("iff(a, ", "1", ", b)"),
    ("a[", "1", "]"),
    ("1 + a * (", "1", ")"),
    ("a in (", "1", ")"),
    ("a between (1 .. ", "1", ")"),
    ("not(a and b or -", "1", ")"),
    ("toscalar(T | where a == ", "1", ")"),
    ("T | join kind=inner (", "V", ") on b"),
    ("union (", "T", ")"),
    ("where a | mv-apply x on (", "take 1", ")"),
    ("where a | fork (", "take 1", ")"),
    ("where a | partition by a (", "take 1", ")"),
    ("T | partition by a { ", "T", "}"),
    ("macro-expand g as X (", "T", ")"),
    ("f(x).g(", "1", ")"),
];

fn nested(nest: (&str, &str, &str), depth: usize) -> String {
    let mut text = nest.0.repeat(depth);
    text.push_str(nest.1);
    text.push_str(&nest.2.repeat(depth));
    text
}

/// Nests of one bracket a level are read up to the limit, on the small stack of a test thread.
#[test]
fn nesting_up_to_the_limit() {
    for nest in NESTS {
        let brackets = nest.0.matches(['(', '[', '{']).count() - nest.0.matches([')', ']', '}']).count();
        let text = nested(*nest, MAX_DEPTH / brackets - 1);
        let parsed = parse(&text);
        assert_eq!(parsed.problems, [], "{}", nest.0);
    }
    let array = format!("print dynamic({}1{})", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
    assert_eq!(parse(&array).problems, []);
}

#[test]
fn nesting_beyond_the_limit_is_a_problem() {
    for nest in NESTS {
        for text in [nested(*nest, 10_000), nest.0.repeat(10_000)] {
            let problems = parse(&text).problems;
            assert_eq!(problems.last().map(|problem| problem.code), Some("AQ004"), "{}", nest.0);
        }
    }
    let facets = "T | facet by a with ".to_string() + &"facet by a with ".repeat(10_000);
    assert_eq!(parse(&facets).problems[0].code, "AQ004");
}

/// Generated rules hold thousands of conditions; their tree must stay low.
#[test]
fn chains_of_any_length() {
    for link in [" or a == 1", " and a == 1", " or a == 1 and b == 2"] {
        let text = format!("T | where a == 1{}", link.repeat(20_000));
        assert_eq!(parse(&text).problems, [], "{link}");
    }
    for link in [" + 1", ".b", "[0]", ".f(x)"] {
        let text = format!("print a{}", link.repeat(20_000));
        assert_eq!(parse(&text).problems[0].code, "AQ004", "{link}");
        let text = format!("print a{}", link.repeat(300));
        assert_eq!(parse(&text).problems, [], "{link}");
    }
    let level = format!("({}", "a + ".repeat(900));
    assert!(parse(&level.repeat(200)).problems.iter().any(|problem| problem.code == "AQ004"));
}

#[test]
fn deep_calls_take_time_in_proportion() {
    let start = Instant::now();
    for _ in 0..10 {
        assert_eq!(parse(&nested(("iff(a, ", "1", ", b)"), 200)).problems, []);
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// No text makes the parser panic: pieces of queries, cut and joined anywhere.
#[test]
fn any_text_is_read() {
    let pieces = [
        "T",
        "|",
        "where",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "@\"",
        "```",
        "dynamic(",
        "datetime(",
        ",",
        ";",
        "let",
        "=",
        "==",
        "by",
        "on",
        "in",
        "between",
        "..",
        ".",
        "*",
        "-",
        "summarize",
        "join",
        "parse",
        "with",
        "mv-expand",
        "to",
        "typeof(",
        "top-nested",
        "of",
        "fork",
        "\u{1F600}",
        "\u{2013}",
        "1d",
        "0x",
        "union",
        "project-away",
        "make-graph",
        "-->",
        "graph-match",
        "-[",
        "]->",
        "scan",
        "step",
        ":",
        "=>",
        "declare",
        "pattern",
        "restrict",
        "access",
        "\n",
        "//",
        "evaluate",
        "find",
        "search",
        "render",
        "facet",
        "partition",
        "macro-expand",
        "datatable",
        "$left",
        "h",
        "\\",
    ];
    let mut seed = 1u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..3_000 {
        let text: Vec<&str> = (0..random(20) + 1).map(|_| pieces[random(pieces.len())]).collect();
        for text in [text.join(" "), text.concat()] {
            let parsed = parse(&text);
            for problem in &parsed.problems {
                assert!(text.get(problem.span.start..problem.span.end).is_some(), "{text}: {problem:?}");
            }
        }
    }
}

fn places(text: &str) -> Vec<(&'static str, usize, usize)> {
    parse(text).problems.iter().map(|problem| (problem.code, problem.span.start, problem.span.end)).collect()
}

#[test]
fn several_problems_from_one_text() {
    assert_eq!(places("T | where | project a b | take"), [("KS006", 9, 9), ("KS005", 22, 23), ("KS006", 30, 30)]);
    assert_eq!(places("T | foo x | where | count"), [("KS176", 4, 7), ("KS006", 17, 17)]);
    assert_eq!(places("let x = ; let y 5; T | take"), [("KS006", 7, 7), ("KS005", 16, 17), ("KS006", 27, 27)]);
    assert_eq!(places("T | take 5 6 | where"), [("KS005", 11, 12), ("KS006", 20, 20)]);
    assert_eq!(places("T | where a == 'x | take 5\n| where"), [("KS001", 26, 26), ("KS006", 34, 34)]);
    assert_eq!(places("print 1) | where"), [("KS198", 7, 8), ("KS198", 9, 10), ("KS006", 16, 16)]);
}

#[test]
fn an_unclosed_bracket_shows_where_it_opened() {
    let parsed = parse("T | where f(a, (b | count");
    let problem = &parsed.problems[0];
    assert_eq!((problem.code, problem.span.start), ("KS005", 25));
    assert_eq!(problem.labels[0].span.start, 15);
    assert_eq!(parse("T | where f(a b) | count").problems.len(), 1);
}

#[test]
fn reading_goes_on_behind_a_problem() {
    let Parsed { query, .. } = parse("T | where a b | take 5\nU | count");
    assert_eq!(query.statements.len(), 2);
    let StatementKind::Expr(Expr { kind: ExprKind::Pipeline { operators, .. }, .. }) = &query.statements[0].kind else {
        panic!("{query:?}")
    };
    assert!(matches!(operators[1].kind, OperatorKind::Take { .. }), "{operators:?}");
}

#[test]
fn help_names_what_was_meant() {
    let help = |text: &str| parse(text).problems[0].help.clone().unwrap_or_default();
    assert!(help("T | summarise count()").contains("summarize"));
    assert!(help("T | select a").contains("project"));
    assert!(help("T | mv_expand a").contains("mv-expand"));
    assert!(help("T | where title == ").contains("title") || help("T | project title").contains("['title']"));
    assert!(help("T | extend by-name = 1").contains("['by-name']"));
    assert!(help("T | where a = 1").contains("=="));
    assert!(help("print \u{201C}x\u{201D}").contains('"'));
}

/// Reading went on for ever where a value of a pattern was no expression.
#[test]
fn a_pattern_whose_values_are_not_closed_is_read_to_its_end() {
    for values in [r#"("x"")"#, r#"("x" project "#, r#"(""x")"#, "(", "()"] {
        let text = format!("declare pattern p = (a:string) {{ {values} = {{ T }}; }}; T");
        assert!(!parse(&text).problems.is_empty(), "{text}");
    }
}
