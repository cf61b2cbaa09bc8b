//! The string operators: `has`, `contains`, `startswith` and their kin.
//!
//! Which needle is searched is nearly always known before the first row: it is prepared once. Case is ignored over
//! bytes where the needle is ASCII, so nothing is allocated per row.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem;

use super::regex::{Pattern, compile};
use super::rows::{self, Column, constant_text};
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, FunctionError, Kernel, Kind, Naming, Overload, Parameter, PreparedKernel};
use crate::functions::{Returns, one};
use crate::types::{ScalarType, Value, arrow as columns, convert, json};

/// Where in a text a needle has to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere.
    Any,
    /// As a term: no letter or digit touches it where it begins and ends with one itself (measured).
    Term,
    /// At the start of a term.
    TermStart,
    /// At the end of a term.
    TermEnd,
    /// At the start of the text.
    Start,
    /// At the end of the text.
    End,
    /// It is the text.
    Whole,
}

/// An operator: where the needle stands, and how it is compared.
#[derive(Debug, Clone, Copy)]
struct Search {
    place: Place,
    /// Letters of either case are the same.
    fold: bool,
    negated: bool,
}

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

/// The needles of `has_any` and `has_all`.
struct Terms {
    needles: Vec<Needle>,
    all: bool,
    /// Needles that begin with a term, by that term: finds any of thousands in one pass. Only for `has_any`.
    by_term: Option<HashMap<Vec<u8>, Vec<usize>, ahash::RandomState>>,
    /// Lengths in bytes that occur among the terms of `by_term`, up to 63.
    lengths: u64,
}

/// From how many needles on one pass over the text's terms is faster than a search for each.
const MANY: usize = 6;

impl Terms {
    fn new(needles: Vec<Option<String>>, all: bool) -> Terms {
        let anything = needles.iter().any(|needle| needle.as_ref().is_none_or(|text| text.is_empty()));
        let needles: Vec<Needle> = if anything && !all {
            vec![Needle::term("")]
        } else {
            needles.iter().flatten().map(|needle| Needle::term(needle)).collect()
        };
        let mut terms = Terms { needles, all, by_term: None, lengths: 0 };
        let ascii_term =
            |needle: &Needle| needle.text.is_ascii() && needle.text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !all && terms.needles.len() >= MANY && terms.needles.iter().all(ascii_term) {
            let mut by_term: HashMap<Vec<u8>, Vec<usize>, ahash::RandomState> = HashMap::default();
            for (index, needle) in terms.needles.iter().enumerate() {
                let bytes = needle.text.as_bytes();
                let end = bytes.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(bytes.len());
                terms.lengths |= 1 << end.min(63);
                by_term.entry(bytes[..end].to_ascii_lowercase()).or_default().push(index);
            }
            terms.by_term = Some(by_term);
        }
        terms
    }

    fn are_in(&self, text: &str) -> bool {
        match &self.by_term {
            Some(by_term) => self.first_terms_are_in(by_term, text),
            None if self.all => self.needles.iter().all(|needle| needle.is_in(text)),
            None => self.needles.iter().any(|needle| needle.is_in(text)),
        }
    }

    fn first_terms_are_in(&self, by_term: &HashMap<Vec<u8>, Vec<usize>, ahash::RandomState>, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut folded = Vec::with_capacity(64);
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let end = bytes[at..].iter().position(|b| !b.is_ascii_alphanumeric()).map_or(bytes.len(), |n| at + n);
            if self.lengths & (1 << (end - at).min(63)) != 0 {
                folded.clear();
                folded.extend(bytes[at..end].iter().map(u8::to_ascii_lowercase));
                if let Some(candidates) = by_term.get(folded.as_slice())
                    && candidates.iter().any(|&index| self.needles[index].stands_at(text, at))
                {
                    return true;
                }
            }
            at = end;
        }
        false
    }
}

/// A needle, prepared.
pub(super) struct Needle {
    search: Search,
    text: String,
    finder: Finder,
    /// A term must not go on before it, behind it.
    bounded: (bool, bool),
}

// A search has few of them, and boxing the large one would cost a jump on the hot path.
#[allow(clippy::large_enum_variant)]
enum Finder {
    /// The needle is empty: it is everywhere.
    Empty,
    /// Compared byte by byte.
    Exact(memmem::Finder<'static>),
    /// ASCII, compared without case.
    Ascii(AsciiFinder),
    /// Compared without case, character by character.
    Folded(Vec<char>),
}

impl Needle {
    /// Prepares a term to be found whatever its case, as `has` does.
    pub(super) fn term(text: &str) -> Needle {
        Needle::new(Search { place: Place::Term, fold: true, negated: false }, text)
    }

    fn new(search: Search, text: &str) -> Needle {
        let finder = if text.is_empty() {
            Finder::Empty
        } else if !search.fold || !text.chars().any(|c| c.is_alphabetic()) {
            Finder::Exact(memmem::Finder::new(text.as_bytes()).into_owned())
        } else if text.is_ascii() {
            Finder::Ascii(AsciiFinder::new(text.as_bytes()))
        } else {
            Finder::Folded(text.chars().map(fold).collect())
        };
        let starts = text.starts_with(char::is_alphanumeric);
        let ends = text.ends_with(char::is_alphanumeric);
        let bounded = match search.place {
            Place::Term => (starts, ends),
            Place::TermStart => (starts, false),
            Place::TermEnd => (false, ends),
            _ => (false, false),
        };
        Needle { search, text: text.to_string(), finder, bounded }
    }

    /// Tells whether the needle is in a text, at a place where it counts.
    #[inline]
    pub(super) fn is_in(&self, text: &str) -> bool {
        match self.search.place {
            Place::Any | Place::Term | Place::TermStart | Place::TermEnd => self.is_within(text),
            Place::Start => self.prefix(text).is_some(),
            Place::Whole => self.prefix(text) == Some(text.len()),
            Place::End => self.is_suffix(text),
        }
    }

    #[inline]
    fn is_within(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut from = 0;
        loop {
            let found = match &self.finder {
                Finder::Empty => return true,
                Finder::Exact(finder) => finder.find(&bytes[from..]).map(|at| (from + at, from + at + self.text.len())),
                Finder::Ascii(finder) => finder.find(bytes, from).map(|at| (at, at + self.text.len())),
                Finder::Folded(needle) => find_folded(needle, text, from),
            };
            match found {
                None => return false,
                Some((start, end)) if self.is_bounded(text, start, end) => return true,
                // The needle begins at a character boundary, and so does the next candidate.
                Some((start, _)) => from = start + text[start..].chars().next().map_or(1, char::len_utf8),
            }
        }
    }

    #[inline]
    fn is_bounded(&self, text: &str, start: usize, end: usize) -> bool {
        !(self.bounded.0 && ends_in_term(text, start) || self.bounded.1 && starts_in_term(text, end))
    }

    /// Tells whether the needle stands at a byte of the text which is the start of a term.
    fn stands_at(&self, text: &str, at: usize) -> bool {
        self.prefix(&text[at..]).is_some_and(|length| self.is_bounded(text, at, at + length))
    }

    /// Returns the length of the text's start that is the needle.
    fn prefix(&self, text: &str) -> Option<usize> {
        match &self.finder {
            Finder::Empty => Some(0),
            Finder::Exact(_) => text.starts_with(self.text.as_str()).then_some(self.text.len()),
            Finder::Ascii(finder) => finder.is_at(text.as_bytes(), 0).then_some(self.text.len()),
            Finder::Folded(needle) => folded_prefix(needle, text),
        }
    }

    fn is_suffix(&self, text: &str) -> bool {
        let start = text.len().checked_sub(self.text.len());
        match &self.finder {
            Finder::Empty => true,
            Finder::Exact(_) => text.ends_with(self.text.as_str()),
            Finder::Ascii(finder) => start.is_some_and(|start| finder.is_at(text.as_bytes(), start)),
            Finder::Folded(needle) => {
                let mut characters = text.chars().rev();
                needle.iter().rev().all(|wanted| characters.next().is_some_and(|c| fold(c) == *wanted))
            }
        }
    }
}

/// Tells whether the character before a byte is part of a term.
#[inline]
fn ends_in_term(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text[..at].ends_with(char::is_alphanumeric),
    }
}

/// Tells whether the character at a byte is part of a term.
#[inline]
fn starts_in_term(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text[at..].starts_with(char::is_alphanumeric),
    }
}

/// Returns the lower-case form of a character where that is one character.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

fn folded_prefix(needle: &[char], text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    for wanted in needle {
        let (_, c) = characters.next()?;
        if fold(c) != *wanted {
            return None;
        }
    }
    Some(characters.offset())
}

fn find_folded(needle: &[char], text: &str, from: usize) -> Option<(usize, usize)> {
    // A letter outside ASCII is lower-cased to one outside ASCII, but for a few signs of units.
    let first = *needle.first()?;
    text[from..].char_indices().filter(|(_, c)| fold(*c) == first).find_map(|(at, _)| {
        let start = from + at;
        folded_prefix(needle, &text[start..]).map(|length| (start, start + length))
    })
}

/// Finds an ASCII needle whatever its case, by two of its rarer bytes at once.
struct AsciiFinder {
    /// In lower case.
    needle: Vec<u8>,
    /// Two places in the needle with the bytes that stand there; the same place twice in a needle of one byte.
    pair: [Probe; 2],
}

/// A byte of the needle: `text[at + offset] | case == byte`.
#[derive(Debug, Clone, Copy)]
struct Probe {
    offset: usize,
    byte: u8,
    /// 0x20 for a letter, which has two cases, else 0.
    case: u8,
}

/// How many places are tried at once.
const BLOCK: usize = 64;

impl AsciiFinder {
    fn new(needle: &[u8]) -> AsciiFinder {
        let needle = needle.to_ascii_lowercase();
        let mut order: Vec<usize> = (0..needle.len()).collect();
        order.sort_by_key(|&at| commonness(needle[at]));
        let first = order[0];
        let second = order[1..].iter().copied().find(|&at| needle[at] != needle[first]).unwrap_or(first);
        let probe = |offset: usize| Probe {
            offset,
            byte: needle[offset],
            case: if needle[offset].is_ascii_lowercase() { 0x20 } else { 0 },
        };
        AsciiFinder { pair: [probe(first), probe(second)], needle }
    }

    /// Tells whether the needle stands at a byte.
    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        text.get(at..at + self.needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(&self.needle))
    }

    /// Finds the needle at or behind a byte.
    #[inline]
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        // Places where the needle may begin.
        let places = (text.len() + 1).checked_sub(self.needle.len())?;
        let [a, b] = self.pair;
        let mut at = from;
        while at + BLOCK <= places {
            if self.may_begin(&text[at + a.offset..][..BLOCK], &text[at + b.offset..][..BLOCK])
                && let Some(found) = self.find_among(text, at, at + BLOCK)
            {
                return Some(found);
            }
            at += BLOCK;
        }
        if at >= places {
            return None;
        }
        if let Some(start) = places.checked_sub(BLOCK) {
            // The last block reaches back over places that were tried.
            if !self.may_begin(&text[start + a.offset..][..BLOCK], &text[start + b.offset..][..BLOCK]) {
                return None;
            }
        }
        self.find_among(text, at, places)
    }

    /// Tells whether both probes fit at one of the places. Plain enough for the compiler to make vector code of it.
    #[inline]
    fn may_begin(&self, first: &[u8], second: &[u8]) -> bool {
        let [a, b] = self.pair;
        let mut fits = 0u8;
        for (x, y) in first.iter().zip(second) {
            fits |= u8::from(x | a.case == a.byte) & u8::from(y | b.case == b.byte);
        }
        fits != 0
    }

    fn find_among(&self, text: &[u8], start: usize, end: usize) -> Option<usize> {
        let [a, b] = self.pair;
        (start..end).find(|at| {
            text[at + a.offset] | a.case == a.byte && text[at + b.offset] | b.case == b.byte && self.is_at(text, *at)
        })
    }
}

/// Returns how common a byte is in alerts, command lines and paths: a rank, not a measure.
fn commonness(byte: u8) -> usize {
    const RARE_FIRST: &[u8] = b"zqjxkvwyb~`^|!?#$%&'*+;<=>@[]{}()gfhpm4567893u210lcd-_/.\\:,\"norsiate ";
    RARE_FIRST.iter().position(|b| *b == byte).unwrap_or(0)
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

    /// The search by blocks against the plain one, at every length around a block and at every place.
    #[test]
    fn finds_ascii_at_every_place() {
        let finder = AsciiFinder::new(b"Po-Wer");
        for length in [6, 7, 63, 64, 65, 69, 70, 128, 133, 134, 200] {
            for place in 0..=length - 6 {
                let mut text = vec![b'p'; length];
                text[place..place + 6].copy_from_slice(b"pO-weR");
                assert_eq!(finder.find(&text, 0), Some(place), "{place} of {length}");
                assert_eq!(finder.find(&text, place), Some(place));
                assert_eq!(finder.find(&text, place + 1), None);
            }
        }
        assert_eq!(finder.find(b"po-we", 0), None);
        assert_eq!(AsciiFinder::new(b"x").find(&[b'X'; 3], 2), Some(2));
    }

    #[test]
    fn many_terms_are_found_in_one_pass() {
        let needles =
            |all: bool, needles: &[&str]| Terms::new(needles.iter().map(|n| Some(n.to_string())).collect(), all);
        let many = needles(false, &["10.0.0.5", "evil.example", "b", "c", "d", "mimikatz"]);
        assert!(many.by_term.is_some());
        assert!(many.are_in("run MIMIKATZ.exe"));
        assert!(many.are_in("from 10.0.0.5 on"));
        assert!(!many.are_in("from 10.0.0.51 on"));
        assert!(!many.are_in("devil.example"));
        assert!(!many.are_in("éb"), "the end of a term");
        assert!(!needles(false, &[]).are_in("") && needles(true, &[]).are_in(""));
        assert!(needles(true, &["a", "B"]).are_in("b-a"));
        assert!(Terms::new(vec![None], false).are_in("x"), "a null is in everything");
    }
}
