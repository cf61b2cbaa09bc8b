//! Queries by chance: what people might write by mistake must be read, bound and run without a panic, without a fault of
//! the engine's own, and with the same rows whether or not the plan is made faster.
//!
//! The queries of the pages are changed token by token, and every function is called with values at the ends of their
//! types. `ALERTQ_DRAWS` says how many queries are made (few by default), `ALERTQ_SEED` which ones, and
//! `ALERTQ_LAST_QUERY` names a file that holds the query at work, should one never end.

use std::panic::catch_unwind;

use alertq::functions::{Function, Kernel, Kind, scalar_functions};
use alertq::syntax::{self, TokenKind, tokenize};
use alertq::types::ScalarType;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::pages::queries;
use super::run::{Fault, PLAIN, Rows, Setting, try_run};

fn draws(few: usize) -> usize {
    std::env::var("ALERTQ_DRAWS").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

fn random() -> ChaCha8Rng {
    let seed = std::env::var("ALERTQ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_250_101);
    ChaCha8Rng::seed_from_u64(seed)
}

/// Writes down the query at work where the surroundings ask for it.
fn note(query: &str) {
    if let Ok(path) = std::env::var("ALERTQ_LAST_QUERY") {
        std::fs::write(path, query).unwrap();
    }
}

/// Literals at the ends of their types, and those that name nothing.
const ENDS: &[(ScalarType, &[&str])] = &[
    (ScalarType::Bool, &["true", "false", "bool(null)"]),
    (ScalarType::Int, &["int(0)", "int(-1)", "int(2147483647)", "int(-2147483648)", "int(null)"]),
    (
        ScalarType::Long,
        &["0", "1", "-1", "7", "1000", "9223372036854775807", "-9223372036854775808", "4294967296", "long(null)"],
    ),
    (
        ScalarType::Real,
        &["0.0", "-0.5", "1e308", "-1e308", "5e-324", "real(nan)", "real(+inf)", "real(-inf)", "real(null)", "90.0"],
    ),
    (ScalarType::Decimal, &["decimal(0)", "decimal(-1.5)", "decimal(99999999999999999999)", "decimal(null)"]),
    (
        ScalarType::String,
        &[
            "''",
            "'a'",
            "' '",
            "'é漢🛡'",
            "'a,b;c=d'",
            "'10.0.0.1/8'",
            "'::ffff:1.2.3.4'",
            "'[1,{\"a\":null}]'",
            "'(?<n>.)\\\\d'",
            "'('",
            "'2024-02-29T23:59:59.9999999Z'",
            "'https://u:p@h:1/p?a=1#f'",
            "'\\\\0\\\\n'",
            "'Europe/Berlin'",
            "'yyyy-MM-dd'",
            "'month'",
        ],
    ),
    (
        ScalarType::DateTime,
        &[
            "datetime(0001-01-01)",
            "datetime(9999-12-31T23:59:59.9999999Z)",
            "datetime(2024-02-29T12:00:00Z)",
            "datetime(null)",
        ],
    ),
    (
        ScalarType::TimeSpan,
        &[
            "0s",
            "1tick",
            "-1d",
            "timespan(10675199.02:48:05.4775807)",
            "timespan(-10675199.02:48:05.4775808)",
            "timespan(null)",
        ],
    ),
    (ScalarType::Guid, &["guid(00000000-0000-0000-0000-000000000000)", "guid(null)"]),
    (
        ScalarType::Dynamic,
        &[
            "dynamic(null)",
            "dynamic([])",
            "dynamic({})",
            "dynamic([1, null, 2.5, 'a', [3], {'b': 4}])",
            "dynamic([1, 2, 3, 4, 5, 6, 7, 8])",
            "dynamic([-1.5, 0, 2e300])",
            "dynamic(['10.0.0.0/8', ''])",
            "dynamic({'a': 1, 'b': {'c': []}})",
            "dynamic({'type':'Point','coordinates':[1,2]})",
            "dynamic({'type':'Polygon','coordinates':[[[0,0],[1,0],[1,1],[0,0]]]})",
            "dynamic({'type':'LineString','coordinates':[[0,0],[180,90]]})",
            "dynamic('x')",
        ],
    ),
];

fn end_of(scalar_type: ScalarType, random: &mut ChaCha8Rng) -> &'static str {
    let ends = ENDS.iter().find(|(of, _)| *of == scalar_type).map_or(&["''"][..], |(_, ends)| ends);
    ends.choose(random).copied().unwrap_or("''")
}

fn any_end(random: &mut ChaCha8Rng) -> &'static str {
    let (scalar_type, _) = ENDS[random.random_range(0..ENDS.len())];
    end_of(scalar_type, random)
}

/// The parts that queries are made of.
struct Parts {
    queries: Vec<String>,
    /// What stands between pipes.
    steps: Vec<String>,
    tokens: Vec<String>,
    functions: Vec<&'static str>,
}

impl Parts {
    fn new() -> Parts {
        let queries = queries();
        let steps = queries.iter().flat_map(|query| steps(query).split_off(1)).collect();
        let token = |query: &String| -> Vec<String> {
            tokenize(query).iter().map(|token| query[token.span.start..token.span.end].to_string()).collect()
        };
        let tokens = queries.iter().flat_map(token).filter(|token| !token.is_empty()).collect();
        let functions = scalar_functions().iter().map(|f| f.name).filter(|name| is_word(name)).collect();
        Parts { queries, steps, tokens, functions }
    }

    fn step(&self, random: &mut ChaCha8Rng) -> String {
        self.steps.choose(random).cloned().unwrap_or_default()
    }

    /// Changes a query in one place or a few.
    fn changed(&self, random: &mut ChaCha8Rng) -> String {
        let mut query = self.queries.choose(random).cloned().unwrap_or_default();
        for _ in 0..random.random_range(1..4) {
            query = match random.random_range(0..8) {
                0 => format!("{query} | {}", self.step(random)),
                1 => self.with_step(&query, random),
                2 => without_step(&query, random),
                3..=5 => self.with_value(&query, random),
                6 => self.with_function(&query, random),
                _ => self.with_token(&query, random),
            };
        }
        query
    }

    /// Puts a step of another query in the place of one.
    fn with_step(&self, query: &str, random: &mut ChaCha8Rng) -> String {
        let mut steps = steps(query);
        let at = random.random_range(0..steps.len());
        if at > 0 {
            steps[at] = self.step(random);
        }
        steps.join(" | ")
    }

    /// Puts an end of some type in the place of a literal, mostly of its own type.
    fn with_value(&self, query: &str, random: &mut ChaCha8Rng) -> String {
        replaced(query, random, |kind, random| {
            let scalar_type = match kind {
                TokenKind::String => ScalarType::String,
                TokenKind::Long => ScalarType::Long,
                TokenKind::Real => ScalarType::Real,
                TokenKind::TimeSpan => ScalarType::TimeSpan,
                TokenKind::Wrapped(_) => return Some(any_end(random).to_string()),
                TokenKind::Bool => ScalarType::Bool,
                _ => return None,
            };
            let own = random.random_range(0..4) > 0;
            Some(if own { end_of(scalar_type, random) } else { any_end(random) }.to_string())
        })
    }

    /// Puts another function, or a column, in the place of a name.
    fn with_function(&self, query: &str, random: &mut ChaCha8Rng) -> String {
        replaced(query, random, |kind, random| {
            (kind == TokenKind::Identifier).then(|| self.functions.choose(random).unwrap_or(&"strlen").to_string())
        })
    }

    /// Drops a token, says it twice, or puts any other in its place.
    fn with_token(&self, query: &str, random: &mut ChaCha8Rng) -> String {
        let change = random.random_range(0..3);
        let other = self.tokens.choose(random).cloned().unwrap_or_default();
        let tokens = tokenize(query);
        let Some(token) = tokens.choose(random) else { return query.to_string() };
        let (before, own, after) =
            (&query[..token.span.start], &query[token.span.start..token.span.end], &query[token.span.end..]);
        match change {
            0 => format!("{before} {after}"),
            1 => format!("{before}{own} {own}{after}"),
            _ => format!("{before} {other} {after}"),
        }
    }
}

fn is_word(name: &str) -> bool {
    name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

/// Splits a query at the pipes that stand in no brackets.
fn steps(query: &str) -> Vec<String> {
    let (mut steps, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for token in tokenize(query) {
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => depth = depth.saturating_sub(1),
            TokenKind::Bar if depth == 0 => {
                steps.push(query[start..token.span.start].trim().to_string());
                start = token.span.end;
            }
            _ => {}
        }
    }
    steps.push(query[start..].trim().to_string());
    steps
}

fn without_step(query: &str, random: &mut ChaCha8Rng) -> String {
    let mut steps = steps(query);
    let at = random.random_range(0..steps.len());
    if at > 0 {
        steps.remove(at);
    }
    steps.join(" | ")
}

/// Replaces one of the tokens that `by` has something for.
fn replaced(query: &str, random: &mut ChaCha8Rng, by: impl Fn(TokenKind, &mut ChaCha8Rng) -> Option<String>) -> String {
    let tokens = tokenize(query);
    for _ in 0..8 {
        let Some(token) = tokens.choose(random) else { break };
        if let Some(text) = by(token.kind, random) {
            return format!("{}{text}{}", &query[..token.span.start], &query[token.span.end..]);
        }
    }
    query.to_string()
}

/// Tells whether a query may never end, or fill memory before it is refused: rows up to a number that chance gave.
fn is_endless(query: &str) -> bool {
    let wide = |text: &str| text.contains("922337") || text.contains("4294967296") || text.contains("214748");
    let makes = ["range", "make-series", "repeat", "step"];
    makes.iter().any(|word| query.contains(word)) && (wide(query) || query.contains("tick") || query.contains("e-324"))
}

/// What is wrong with how a text is read, if anything.
fn misread(text: &str) -> Option<String> {
    let parsed = match catch_unwind(|| syntax::parse(text)) {
        Ok(parsed) => parsed,
        Err(_) => return Some("reading it panics".to_string()),
    };
    if let Some(problem) =
        parsed.problems.iter().find(|problem| text.get(problem.span.start..problem.span.end).is_none())
    {
        return Some(format!("a problem is at no place of the text: {problem:?}"));
    }
    if !parsed.problems.is_empty() {
        return None;
    }
    let printed = syntax::print::query(&parsed.query);
    let again = syntax::parse(&printed);
    if !again.problems.is_empty() {
        return Some(format!("printed it is wrong: {printed}\n{:?}", again.problems));
    }
    let tree = syntax::print::tree(&parsed.query);
    (tree != syntax::print::tree(&again.query)).then(|| format!("printed it is another: {printed}"))
}

#[test]
fn any_text_is_read() {
    let (parts, mut random, mut faults) = (Parts::new(), random(), Vec::new());
    for _ in 0..draws(600) {
        let mut text = parts.changed(&mut random);
        for _ in 0..random.random_range(0..3) {
            let at = random.random_range(0..=text.len());
            if text.is_char_boundary(at) {
                let sign =
                    ['(', ')', '[', '{', '}', '|', ';', '\'', '"', '.', '=', '\\', '\n', '/', '-', '🛡', '*', '`'];
                text.insert(at, *sign.choose(&mut random).unwrap_or(&' '));
            }
        }
        note(&text);
        faults.extend(misread(&text).map(|fault| format!("{text}\n{fault}")));
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

const PARTS: Setting = Setting { partitions: 2, batch_size: 1, scanned: true, optimized: false };

/// Words of queries whose rows KQL leaves open: which ones are taken, and in which order values are gathered.
const OPEN: &[&str] = &[
    "any",
    "arg",
    "buildschema",
    "evaluate",
    "graph",
    "guid",
    "id",
    "join",
    "limit",
    "lookup",
    "make",
    "materialize",
    "mv",
    "now",
    "partition",
    "prev",
    "next",
    "rand",
    "row",
    "sample",
    "scan",
    "search",
    "serialize",
    "take",
    "tdigest",
    "top",
    "toscalar",
    "facet",
    "fork",
];

fn is_definite(query: &str) -> bool {
    let words = |text: &str| {
        let sign = |sign: char| !sign.is_alphanumeric();
        text.split(sign).any(|word| OPEN.contains(&word))
    };
    !words(query)
}

/// What is wrong with how a query runs, if anything.
fn misrun(query: &str) -> Option<String> {
    note(query);
    let whole = try_run(query, PLAIN);
    let parts = try_run(query, PARTS);
    for outcome in [&whole, &parts] {
        match outcome {
            Err(Fault::Panic) => return Some("it panics".to_string()),
            Err(Fault::Internal(message)) => return Some(format!("a fault of the engine's own: {message}")),
            _ => {}
        }
    }
    let (Ok(whole), Ok(parts)) = (whole, parts) else { return None };
    let cells = |rows: &Rows| Rows { ordered: false, ..rows.clone() }.cells();
    let differs = whole.columns != parts.columns || is_definite(query) && cells(&whole) != cells(&parts);
    differs.then(|| format!("whole: {:?}\nin parts: {:?}", cells(&whole), cells(&parts)))
}

#[test]
fn any_query_runs_or_is_refused() {
    let (parts, mut random, mut faults) = (Parts::new(), random(), Vec::new());
    for _ in 0..draws(80) {
        let query = parts.changed(&mut random);
        if !is_endless(&query) {
            faults.extend(misrun(&query).map(|fault| format!("{query}\n{fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

/// Draws a value that a parameter takes, and now and then one that it does not.
fn argument(kind: Kind, random: &mut ChaCha8Rng) -> &'static str {
    use ScalarType::*;
    let scalar_type = match kind {
        _ if random.random_range(0..12) == 0 => return any_end(random),
        Kind::Is(scalar_type) => scalar_type,
        Kind::Text | Kind::AsText => String,
        Kind::Number | Kind::AsReal => *[Int, Long, Real, Decimal].choose(random).unwrap_or(&Real),
        Kind::Integer => Long,
        Kind::Summable => *[Long, Real, DateTime, TimeSpan].choose(random).unwrap_or(&Real),
        Kind::Dynamic => Dynamic,
        Kind::TypeName => return "typeof(long)",
        Kind::Orderable | Kind::Any | Kind::NotDynamic | Kind::Common => return any_end(random),
    };
    end_of(scalar_type, random)
}

/// Makes a query that calls a function twice: with literals, and with the columns of a table that hold them.
fn called(function: &Function, random: &mut ChaCha8Rng) -> Option<String> {
    let built = |o: &&alertq::functions::Overload| !matches!(o.kernel, Kernel::Unbuilt);
    let overloads: Vec<_> = function.overloads.iter().filter(built).collect();
    let overload = overloads.choose(random)?;
    let mut arguments = Vec::new();
    for parameter in overload.parameters {
        let most = parameter.max.min(parameter.min + 2);
        for _ in 0..random.random_range(parameter.min..=most) {
            arguments.push(argument(parameter.kind, random));
        }
    }
    let literals = arguments.join(", ");
    Some(format!("print r = {}({literals})", function.name))
}

#[test]
fn any_function_takes_any_value() {
    let functions: Vec<&Function> = scalar_functions().into_iter().filter(|f| is_word(f.name)).collect();
    let (mut random, mut faults) = (random(), Vec::new());
    for n in 0..draws(functions.len() / 2) {
        let Some(query) = called(functions[n % functions.len()], &mut random) else { continue };
        if !is_endless(&query) {
            faults.extend(misrun(&query).map(|fault| format!("{query}\n{fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}
