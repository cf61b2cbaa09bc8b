//! The string operators: `has`, `contains`, `startswith` and their kin.
//!
//! Which needle is searched is nearly always known before the first row: it is prepared once. Case is ignored over
//! bytes where the needle is ASCII, so nothing is allocated per row.

use std::sync::Arc;

use super::needle::{Needle, Place, Search, Terms};
use super::regex::{Pattern, compile};
use super::rows::{self, Column, constant_text};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, FunctionError, Kernel, Kind, Naming, Overload, Parameter, PreparedKernel};
use crate::functions::{Returns, one};
use crate::types::{ScalarType, Value, arrow as columns, convert, json};

const LEFT: Parameter = one("left", Kind::Text);
const RIGHT: Parameter = one("right", Kind::Text);

macro_rules! operator {
    ($name:literal, $summary:literal, $page:literal, $place:ident $fold:literal $negated:literal,
     [$($example:expr),+]) => {
        Function {
            name: $name,
            aliases: &[],
            summary: $summary,
            naming: Naming::None,
            overloads: &[Overload {
                parameters: &[LEFT, RIGHT],
                returns: Returns::Type(ScalarType::Bool),
                kernel: Kernel::Prepared(|constants| {
                    prepare(Search { place: Place::$place, fold: $fold, negated: $negated }, constants)
                }),
            }],
            examples: &[$($example),+],
            page: $page,
        }
    };
}

macro_rules! prepared {
    ($name:literal, $summary:literal, $page:literal, $right:expr, $prepare:expr, [$($example:expr),+]) => {
        Function {
            name: $name,
            aliases: &[],
            summary: $summary,
            naming: Naming::None,
            overloads: &[Overload {
                parameters: &[LEFT, $right],
                returns: Returns::Type(ScalarType::Bool),
                kernel: Kernel::Prepared($prepare),
            }],
            examples: &[$($example),+],
            page: $page,
        }
    };
}

const NEEDLES: Parameter = one("needle", Kind::Any).repeated(1, 64000);

/// The string operators, called by their spelling.
pub(super) const OPERATORS: &[Function] = &[
    operator!("has", "Tells whether a text has a term, whatever its case.", "has-operator", Term true false,
        [("'Error-code 5' has 'error'", "true"), ("'a_b' has 'B'", "true"), ("'errors' has 'error'", "false"),
         ("'' has ''", "true")]),
    operator!("!has", "Tells whether a text lacks a term, whatever its case.", "not-has-operator", Term true true,
        [("'errors' !has 'error'", "true"), ("'' !has ''", "false"), ("'an error' !has 'ERROR'", "false")]),
    operator!("has_cs", "Tells whether a text has a term in this very case.", "has-cs-operator", Term false false,
        [("'Error 5' has_cs 'Error'", "true"), ("'Error 5' has_cs 'error'", "false"), ("'x' has_cs ''", "true")]),
    operator!("!has_cs", "Tells whether a text lacks a term in this very case.", "not-has-cs-operator", Term false true,
        [("'Error 5' !has_cs 'error'", "true"), ("'' !has_cs ''", "false"), ("'Error 5' !has_cs 'Error'", "false")]),
    operator!("hasprefix", "Tells whether a term of the text starts so, whatever the case.", "hasprefix-operator",
        TermStart true false, [("'old Powershell' hasprefix 'power'", "true"),
        ("'empower' hasprefix 'power'", "false"), ("'' hasprefix ''", "true")]),
    operator!("!hasprefix", "Tells whether no term of the text starts so, whatever the case.", "not-hasprefix-operator",
        TermStart true true, [("'empower' !hasprefix 'power'", "true"), ("'' !hasprefix ''", "false"), ("'ab cd' !hasprefix 'CD'", "false")]),
    operator!("hasprefix_cs", "Tells whether a term of the text starts so, in this case.", "hasprefix-cs-operator",
        TermStart false false, [("'old Powershell' hasprefix_cs 'Power'", "true"), ("'ab cd' hasprefix_cs 'C'", "false"), ("'' hasprefix_cs ''", "true")]),
    operator!("!hasprefix_cs", "Tells whether no term of the text starts so, in this case.",
        "not-hasprefix-cs-operator",
        TermStart false true, [("'Powershell' !hasprefix_cs 'power'", "true"), ("'' !hasprefix_cs ''", "false"), ("'ab cd' !hasprefix_cs 'CD'", "true")]),
    operator!("hassuffix", "Tells whether a term of the text ends so, whatever the case.", "hassuffix-operator",
        TermEnd true false, [("'Powershell.exe' hassuffix 'SHELL'", "true"), ("'shells' hassuffix 'shell'", "false"),
        ("'' hassuffix ''", "true")]),
    operator!("!hassuffix", "Tells whether no term of the text ends so, whatever the case.", "not-hassuffix-operator",
        TermEnd true true, [("'shells' !hassuffix 'shell'", "true"), ("'' !hassuffix ''", "false"), ("'ab cd' !hassuffix 'B'", "false")]),
    operator!("hassuffix_cs", "Tells whether a term of the text ends so, in this case.", "hassuffix-cs-operator",
        TermEnd false false, [("'Powershell.exe' hassuffix_cs 'shell'", "true"), ("'ab cd' hassuffix_cs 'B'", "false"), ("'' hassuffix_cs ''", "true")]),
    operator!("!hassuffix_cs", "Tells whether no term of the text ends so, in this case.", "not-hassuffix-cs-operator",
        TermEnd false true, [("'Powershell.exe' !hassuffix_cs 'Shell'", "true"), ("'' !hassuffix_cs ''", "false"), ("'ab cd' !hassuffix_cs 'B'", "true")]),
    operator!("contains", "Tells whether a text holds another, whatever the case.", "contains-operator", Any true false,
        [("'Empowered' contains 'POWER'", "true"), ("'50%' contains '%'", "true"), ("'' contains ''", "true"),
         ("'' contains 'a'", "false")]),
    operator!("!contains", "Tells whether a text does not hold another, whatever the case.", "not-contains-operator",
        Any true true, [("'abc' !contains 'd'", "true"), ("'' !contains ''", "false"), ("'abc' !contains 'B'", "false")]),
    operator!("contains_cs", "Tells whether a text holds another, in this case.", "contains-cs-operator",
        Any false false,
        [("'Empowered' contains_cs 'power'", "true"), ("'Empowered' contains_cs 'POWER'", "false"),
         ("'' contains_cs ''", "true")]),
    operator!("!contains_cs", "Tells whether a text does not hold another, in this case.", "not-contains-cs-operator",
        Any false true, [("'abc' !contains_cs 'B'", "true"), ("'' !contains_cs ''", "false"), ("'abc' !contains_cs 'b'", "false")]),
    operator!("startswith", "Tells whether a text starts with another, whatever the case.", "startswith-operator",
        Start true false, [("'Fabrikam' startswith 'fab'", "true"), ("'' startswith ''", "true"),
        ("'' startswith 'a'", "false")]),
    operator!("!startswith", "Tells whether a text does not start with another, whatever the case.",
        "not-startswith-operator", Start true true, [("'Fabrikam' !startswith 'kam'", "true"),
        ("'' !startswith ''", "false"), ("'abc' !startswith 'AB'", "false")]),
    operator!("startswith_cs", "Tells whether a text starts with another, in this case.", "startswith-cs-operator",
        Start false false, [("'Fabrikam' startswith_cs 'Fab'", "true"), ("'Fabrikam' startswith_cs 'fab'", "false"),
        ("'' startswith_cs ''", "true")]),
    operator!("!startswith_cs", "Tells whether a text does not start with another, in this case.",
        "not-startswith-cs-operator", Start false true, [("'Fabrikam' !startswith_cs 'fab'", "true"),
        ("'' !startswith_cs ''", "false"), ("'abc' !startswith_cs 'AB'", "true")]),
    operator!("endswith", "Tells whether a text ends with another, whatever the case.", "endswith-operator",
        End true false, [("'cmd.EXE' endswith '.exe'", "true"), ("'' endswith ''", "true"),
        ("'' endswith 'a'", "false")]),
    operator!("!endswith", "Tells whether a text does not end with another, whatever the case.",
        "not-endswith-operator", End true true, [("'cmd.exe' !endswith 'cmd'", "true"), ("'' !endswith ''", "false"), ("'abc' !endswith 'BC'", "false")]),
    operator!("endswith_cs", "Tells whether a text ends with another, in this case.", "endswith-cs-operator",
        End false false, [("'cmd.exe' endswith_cs '.exe'", "true"), ("'cmd.EXE' endswith_cs '.exe'", "false"),
        ("'' endswith_cs ''", "true")]),
    operator!("!endswith_cs", "Tells whether a text does not end with another, in this case.",
        "not-endswith-cs-operator", End false true, [("'cmd.EXE' !endswith_cs '.exe'", "true"),
        ("'' !endswith_cs ''", "false"), ("'abc' !endswith_cs 'BC'", "true")]),
    operator!("=~", "Tells whether two texts are the same, whatever the case.", "equals-operator", Whole true false,
        [("'CAFÉ' =~ 'café'", "true"), ("'a' =~ 'ab'", "false"), ("'' =~ ''", "true")]),
    operator!("!~", "Tells whether two texts differ in more than case.", "not-equals-operator", Whole true true,
        [("'a' !~ 'b'", "true"), ("'a' !~ 'A'", "false"), ("'' !~ ''", "false")]),
    prepared!(
        "matches regex",
        "Tells whether a part of the text matches a regular expression.",
        "matches-regex-operator",
        RIGHT,
        prepare_regex,
        [
            (r"'10.0.0.5' matches regex @'^\d+\.'", "true"),
            ("'abc' matches regex 'B'", "false"),
            ("'' matches regex '^$'", "true")
        ]
    ),
    prepared!(
        "like",
        "Tells whether a text fits a pattern in which `*` stands for any text, whatever the case.",
        "datatypes-string-operators",
        RIGHT,
        |constants| prepare_like(constants, true, false),
        [("'Fabrikam' like 'fab*'", "true"), ("'Fabrikam' like 'kam'", "false"), ("'' like ''", "true")]
    ),
    prepared!(
        "!like",
        "Tells whether a text does not fit a pattern in which `*` stands for any text.",
        "datatypes-string-operators",
        RIGHT,
        |constants| prepare_like(constants, true, true),
        [("'' notlike ''", "false"), ("'Fabrikam' notlike 'FAB*'", "false"), ("'Fabrikam' notlike 'kam'", "true")]
    ),
    prepared!(
        "likecs",
        "Tells whether a text fits a pattern in which `*` stands for any text, in this case.",
        "datatypes-string-operators",
        RIGHT,
        |constants| prepare_like(constants, false, false),
        [("'Fabrikam' likecs 'fab*'", "false"), ("'Fabrikam' likecs 'Fab*'", "true"), ("'' likecs ''", "true")]
    ),
    prepared!(
        "!likecs",
        "Tells whether a text does not fit a pattern in which `*` stands for any text, in this case.",
        "datatypes-string-operators",
        RIGHT,
        |constants| prepare_like(constants, false, true),
        [
            ("'' notlikecs ''", "false"),
            ("'Fabrikam' notlikecs 'FAB*'", "true"),
            ("'Fabrikam' notlikecs 'Fab*'", "false")
        ]
    ),
    prepared!(
        "has_any",
        "Tells whether a text has one of the terms at least, whatever their case.",
        "has-any-operator",
        NEEDLES,
        |constants| prepare_terms(constants, false),
        [
            ("'North America' has_any ('south', 'north')", "true"),
            ("'12 34' has_any (34)", "true"),
            ("'a' has_any (dynamic(['b', 'A']))", "true"),
            ("'a' has_any (dynamic([]))", "false")
        ]
    ),
    prepared!(
        "has_all",
        "Tells whether a text has all of the terms, whatever their case.",
        "has-all-operator",
        NEEDLES,
        |constants| prepare_terms(constants, true),
        [
            ("'North America' has_all ('america', 'north')", "true"),
            ("'North' has_all ('america', 'north')", "false"),
            ("'' has_all (dynamic([]))", "true")
        ]
    ),
];

/// Makes the kernel of an operator; a needle that is not constant is compared row by row.
fn prepare(search: Search, constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let Some(needle) = constant_text(constants, 1) else {
        return Ok(Arc::new(move |call: &Call| each_row(search, call)));
    };
    let needle = Needle::new(search, needle);
    Ok(Arc::new(move |call: &Call| {
        let left = Reader::<Text>::new(call, 0);
        rows::bools(call, |row| Some(needle.is_in(left.get(row).unwrap_or("")) != search.negated))
    }))
}

fn each_row(search: Search, call: &Call) -> Column {
    let (left, right) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
    let mut needle = Needle::new(search, "");
    rows::bools(call, |row| {
        let (text, wanted) = (left.get(row)?, right.get(row)?);
        if needle.text != wanted {
            needle = Needle::new(search, wanted);
        }
        Some(needle.is_in(text) != search.negated)
    })
}

fn prepare_regex(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_text(constants, 1).map(|pattern| compile(pattern, 1)).transpose()?;
    Ok(Arc::new(move |call: &Call| {
        let (left, right) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
        match &constant {
            Some(regex) => rows::bools(call, |row| Some(regex.is_match(left.get(row).unwrap_or("")))),
            None => {
                // A pattern from data that is none matches nothing (inferred: bad data never fails a query).
                let mut last = Pattern::default();
                rows::bools(call, |row| {
                    Some(last.get(right.get(row)?).is_some_and(|regex| regex.is_match(left.get(row).unwrap_or(""))))
                })
            }
        }
    }))
}

/// `like`: the pieces between the stars follow each other. How it treats other characters is inferred.
fn prepare_like(constants: &[Option<Value>], fold: bool, negated: bool) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_text(constants, 1).map(|pattern| like_regex(pattern, fold)).transpose()?;
    Ok(Arc::new(move |call: &Call| {
        let (left, right) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
        let mut made: Option<(&str, regex::Regex)> = None;
        let mut failed = None;
        let column = rows::bools(call, |row| {
            let text = left.get(row)?;
            if let Some(regex) = &constant {
                return Some(regex.is_match(text) != negated);
            }
            let pattern = right.get(row)?;
            if made.as_ref().is_none_or(|(last, _)| *last != pattern) {
                match like_regex(pattern, fold) {
                    Ok(regex) => made = Some((pattern, regex)),
                    Err(error) => failed = Some(error),
                }
            }
            Some(made.as_ref().is_some_and(|(_, regex)| regex.is_match(text)) != negated)
        })?;
        failed.map_or(Ok(column), Err)
    }))
}

fn like_regex(pattern: &str, fold: bool) -> Result<regex::Regex, FunctionError> {
    let pieces: Vec<String> = pattern.split('*').map(regex::escape).collect();
    let text = format!("(?s{}){}", if fold { "i" } else { "" }, format_args!("^{}$", pieces.join(".*")));
    compile(&text, 1)
}

/// Makes the kernel of `has_any` (or `has_all`): a null needle is found in every text (measured).
fn prepare_terms(constants: &[Option<Value>], all: bool) -> Result<PreparedKernel, FunctionError> {
    let needles: Option<Vec<Option<String>>> = constants[1..]
        .iter()
        .map(|value| value.as_ref().map(needles_of))
        .collect::<Option<Vec<_>>>()
        .map(|lists| lists.into_iter().flatten().collect());
    let terms = needles.map(|needles| Terms::new(needles, all));
    Ok(Arc::new(move |call: &Call| {
        let left = Reader::<Text>::new(call, 0);
        if let Some(terms) = &terms {
            return rows::bools(call, |row| Some(terms.are_in(left.get(row)?)));
        }
        let at_row = |row: usize| {
            let needles = call.arguments[1..].iter().flat_map(|argument| {
                let row = if argument.constant { 0 } else { row };
                needles_of(&columns::value_at(&argument.array, row, argument.scalar_type))
            });
            Terms::new(needles.collect(), all)
        };
        if call.rows > 0 && call.arguments[1..].iter().all(|argument| argument.constant) {
            // Known since the query began to run: what a subquery gave.
            let terms = at_row(0);
            return rows::bools(call, |row| Some(terms.are_in(left.get(row)?)));
        }
        rows::bools(call, |row| Some(at_row(row).are_in(left.get(row)?)))
    }))
}

/// Flattens an array into needles; None stands for a null.
fn needles_of(value: &Value) -> Vec<Option<String>> {
    match value {
        Value::Null(_) => vec![None],
        Value::Dynamic(text) => match rows::elements(text) {
            Some(elements) => elements
                .into_iter()
                .map(|element| (element != "null").then(|| json::as_text(element).into_owned()))
                .collect(),
            None => vec![Some(convert::text_of(value))],
        },
        other => vec![Some(convert::text_of(other))],
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;

    fn holds(operator: &str, text: &str, needle: &str) -> bool {
        let arguments = [Value::String(text.to_string()), Value::String(needle.to_string())];
        evaluate(OPERATORS, operator, &arguments) == Value::Bool(true)
    }

    #[test]
    fn terms_end_at_what_is_no_letter_or_digit() {
        assert!(holds("has", "a_b", "A"));
        assert!(!holds("has", "éa", "a"));
        assert!(!holds("has", "a1", "a"));
        assert!(!holds("has", "xa b", "a "));
        assert!(holds("has", "a b", "a "));
        assert!(holds("has", "x a-b y", "a-B"));
        assert!(holds("has", "я люблю КОФЕ", "кофе"));
        assert!(!holds("has_cs", "Café au lait", "café"));
        assert!(holds("has", "aa a", "a"));
    }

    #[test]
    fn prefixes_and_suffixes_of_terms() {
        assert!(holds("hasprefix", "x ab y", " a"));
        assert!(!holds("hasprefix", "err or", "r o"));
        assert!(!holds("hassuffix", "an errorlog", "or"));
        assert!(holds("hassuffix", "the End.", "nd"));
    }

    #[test]
    fn ends_and_wholes_ignore_case() {
        assert!(holds("startswith", "Événement", "éV"));
        assert!(holds("endswith", "un CAFÉ", "fé"));
        assert!(!holds("endswith", "é", "xé"));
        assert!(holds("=~", "CAFÉ", "café"));
        assert!(!holds("=~", "café!", "café"));
        assert!(!holds("endswith", "é", "\u{9}"));
        assert!(holds("!startswith_cs", "abc", "A"));
    }

    #[test]
    fn stars_of_like() {
        assert!(holds("like", "C:\\Temp\\x.EXE", "c:*.exe"));
        assert!(!holds("likecs", "x.EXE", "*.exe"));
        assert!(holds("!like", "a.b", "a*c"));
    }
}
