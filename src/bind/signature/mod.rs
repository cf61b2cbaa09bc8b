//! The signatures of Microsoft's parser, and how it holds a call against them.
//!
//! The library's own overloads say what the engine computes. These say what the parser accepts, where it finds fault
//! with a call, and which type it gives the result: see `fixtures/signatures/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use self::fit::Call;
pub(super) use self::fit::{Conversion, common};
use self::read::Signature;
use super::seen::{ANY, Seen};
use crate::diagnostic::{Diagnostic, Span};

mod computed;
mod fit;
mod read;

/// Where a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Library {
    Functions,
    Aggregates,
    /// Operators of arithmetic, by their signs.
    Operators,
}

/// An argument as far as it is known; one that was not looked at is unknown and suits everything.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub span: Span,
    pub seen: Seen,
    pub star: bool,
    pub column: bool,
    /// The text of a constant string, where the parser knows it: of a literal, or of a variable that stands for one.
    pub text: Option<String>,
    pub literal: bool,
    pub constant: bool,
}

/// What the parser says of a call.
#[derive(Debug)]
pub(super) struct Verdict {
    pub problems: Vec<Diagnostic>,
    /// None where the parser computes it in a way of its own.
    pub returns: Option<Seen>,
    /// The types of the columns, where the call gives several.
    pub columns: Option<Vec<Seen>>,
}

const TEXT: &str = include_str!("../../../fixtures/signatures/kusto.txt");

static LINES: LazyLock<HashMap<(Library, &'static str), &'static str>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut parts = line.splitn(3, ' ');
        let library = match parts.next()? {
            "a" => Library::Aggregates,
            "o" => Library::Operators,
            _ => Library::Functions,
        };
        Some(((library, parts.next()?), parts.next()?))
    };
    TEXT.lines().filter_map(line).collect()
});

/// Functions that stand in patterns over graphs alone.
const OVER_GRAPHS: &[&str] =
    &["all", "any", "map", "inner_nodes", "node_id", "node_degree_in", "node_degree_out", "labels"];

/// Returns the type of what an operator of arithmetic gives of two values.
pub(super) fn arithmetic(sign: &str, left: Seen, right: Seen) -> Option<Seen> {
    let argument = |seen: Seen| Argument {
        span: Span::new(0, 0),
        seen,
        star: false,
        column: false,
        text: None,
        literal: false,
        constant: false,
    };
    judge(Library::Operators, sign, Span::new(0, 0), &[argument(left), argument(right)])?.returns
}

/// Tells whether the parser knows the name of a function of values.
pub(super) fn is_known(library: Library, name: &str) -> bool {
    !OVER_GRAPHS.contains(&name) && LINES.contains_key(&(library, name))
}

/// Holds a call against the signatures of its function; None where the parser knows none.
pub(super) fn judge(library: Library, name: &str, name_span: Span, arguments: &[Argument]) -> Option<Verdict> {
    let line = LINES.get(&(library, name))?;
    let signatures: Vec<Signature> = line.split(' ').filter_map(Signature::read).collect();
    let call = Call { library, name, name_span, arguments };
    let best = call.best(&signatures);
    Some(match best[..] {
        [signature] => {
            let problems = call.check(signature);
            let returns = call.returned(signature).map(|returns| unwrapped(library, &call, returns));
            Verdict { problems, returns, columns: call.columns(signature) }
        }
        _ => call.ambiguous(&signatures, &best),
    })
}

/// Finds a dynamic result of dynamic values of known types: what the call gives for plain values of these types.
fn unwrapped(library: Library, call: &Call, returns: Seen) -> Seen {
    let plain = |argument: &Argument| match argument.seen {
        Seen::One(scalar_type) => Argument { seen: Seen::Scalar(scalar_type), ..argument.clone() },
        _ => argument.clone(),
    };
    if returns != ANY || !call.arguments.iter().any(|argument| matches!(argument.seen, Seen::One(_))) {
        return returns;
    }
    let arguments: Vec<Argument> = call.arguments.iter().map(plain).collect();
    match judge(library, call.name, call.name_span, &arguments).and_then(|verdict| verdict.returns) {
        Some(plain @ Seen::Scalar(_)) => Seen::dynamic_of(plain),
        _ => returns,
    }
}

#[cfg(test)]
mod tests {
    use super::read::Takes;
    use super::*;
    use crate::types::ScalarType;

    fn judged(name: &str, types: &[Seen]) -> Vec<(&'static str, usize)> {
        let argument = |(i, seen): (usize, &Seen)| Argument {
            span: Span::new(i + 1, i + 1),
            seen: seen.clone(),
            star: false,
            column: true,
            text: None,
            literal: false,
            constant: false,
        };
        let arguments: Vec<Argument> = types.iter().enumerate().map(argument).collect();
        let verdict = judge(Library::Functions, name, Span::new(0, 0), &arguments).unwrap();
        verdict.problems.iter().map(|problem| (problem.code, problem.span.start)).collect()
    }

    const STRING: Seen = Seen::Scalar(ScalarType::String);
    const LONG: Seen = Seen::Scalar(ScalarType::Long);

    #[test]
    fn every_signature_can_be_read() {
        for line in TEXT.lines() {
            let mut parts = line.split(' ').skip(1);
            let name = parts.next().unwrap();
            for text in parts {
                let signature = Signature::read(text).unwrap_or_else(|| panic!("{name} {text}"));
                let unread = |takes: &Takes| matches!(takes, Takes::Declared(types) if types.contains(&Seen::Unknown));
                let count = signature.parameters.iter().filter(|parameter| unread(&parameter.takes)).count();
                // `typeof(long)` is of a type that only the parser has.
                assert_eq!(count, text.matches("type#").count(), "{name} {text}");
            }
        }
        assert!(is_known(Library::Functions, "strlen") && !is_known(Library::Functions, "toscalar"));
    }

    #[test]
    fn a_string_may_be_any_dynamic_but_no_array() {
        assert_eq!(judged("split", &[STRING, ANY]), []);
        assert_eq!(judged("split", &[STRING, Seen::array_of(STRING)]), [("KS107", 2)]);
        assert_eq!(judged("split", &[STRING, LONG]), [("KS107", 2)]);
        assert_eq!(judged("split", &[STRING, Seen::Unknown]), []);
    }

    #[test]
    fn overloads_are_chosen_by_all_arguments() {
        let (datetime, timespan) = (Seen::Scalar(ScalarType::DateTime), Seen::Scalar(ScalarType::TimeSpan));
        assert_eq!(judged("bin", &[datetime.clone(), timespan.clone()]), []);
        assert_eq!(judged("bin", &[ANY, timespan]), [("KS127", 0)]);
        assert_eq!(judged("bin", &[STRING, LONG]), [("KS137", 1)]);
        assert_eq!(judged("bin", &[datetime]), [("KS127", 0)]);
    }

    #[test]
    fn an_option_may_stand_behind_what_repeats() {
        let (array, bool) = (Seen::array_of(LONG), Seen::Scalar(ScalarType::Bool));
        assert_eq!(judged("array_sort_asc", &[array.clone(), bool.clone()]), [("KS129", 2)]);
        assert_eq!(judged("array_sort_asc", &[array.clone(), array.clone()]), []);
        assert_eq!(judged("array_sort_asc", &[array, bool, LONG]), [("KS234", 2), ("KS234", 3)]);
    }

    #[test]
    fn arguments_that_must_agree() {
        assert_eq!(judged("coalesce", &[STRING, LONG]), [("KS232", 0)]);
        assert_eq!(judged("coalesce", &[ANY, STRING]), [("KS141", 2)]);
        assert_eq!(judged("iff", &[Seen::Scalar(ScalarType::Bool), STRING, LONG]), []);
        assert_eq!(judged("case", &[Seen::Scalar(ScalarType::Bool), STRING]).len(), 1);
    }
}
