//! The signatures of Microsoft's parser, and how it holds a call against them.
//!
//! The library's own overloads say what the engine computes. These say what the parser accepts, where it finds fault
//! with a call, and which type it gives the result: see `fixtures/signatures/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::seen::{ANY, Seen};
use crate::diagnostic::{Diagnostic, Span};
use crate::types::ScalarType;

/// Where a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Library {
    Functions,
    Aggregates,
}

/// An argument as far as it is known; one that was not looked at is unknown and suits everything.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub span: Span,
    pub seen: Seen,
    pub star: bool,
    pub column: bool,
    /// The text of a literal string, where it is one.
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
}

const TEXT: &str = include_str!("../../fixtures/signatures/kusto.txt");

static LINES: LazyLock<HashMap<(Library, &'static str), &'static str>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut parts = line.splitn(3, ' ');
        let library = if parts.next()? == "a" { Library::Aggregates } else { Library::Functions };
        Some(((library, parts.next()?), parts.next()?))
    };
    TEXT.lines().filter_map(line).collect()
});

/// Functions that stand in patterns over graphs alone.
const OVER_GRAPHS: &[&str] =
    &["all", "any", "map", "inner_nodes", "node_id", "node_degree_in", "node_degree_out", "labels"];

/// Tells whether the parser knows the name of a function of values.
pub(super) fn is_known(library: Library, name: &str) -> bool {
    !OVER_GRAPHS.contains(&name) && LINES.contains_key(&(library, name))
}

/// Holds a call against the signatures of its function; None where the parser knows none.
pub(super) fn judge(library: Library, name: &str, name_span: Span, arguments: &[Argument]) -> Option<Verdict> {
    let line = LINES.get(&(library, name))?;
    let signatures: Vec<Signature> = line.split(' ').filter_map(Signature::read).collect();
    let call = Call { name, name_span, arguments };
    let best = call.best(&signatures);
    Some(match best[..] {
        [signature] => {
            let problems = call.check(signature);
            let returns = call.returned(signature).map(|returns| unwrapped(library, &call, returns));
            Verdict { problems, returns }
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
        Some(Seen::Scalar(scalar_type)) if scalar_type != ScalarType::Dynamic => Seen::One(scalar_type),
        _ => returns,
    }
}

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq)]
enum Takes {
    Declared(Vec<Seen>),
    Kind(Kind),
}

/// The parser's kinds of parameters (`ParameterTypeKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    Integer,
    RealOrDecimal,
    IntegerOrArray,
    StringOrDynamic,
    StringOrArray,
    DynamicArray,
    DynamicBag,
    Number,
    NumberOrBool,
    Summable,
    Orderable,
    NotBool,
    NotRealOrBool,
    NotDynamic,
    /// The type of the argument with this index.
    Same(usize),
    Common,
    CommonOrDynamic,
    CommonOrderable,
}

/// What an argument must be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    None,
    Constant,
    Literal,
    Column,
    StarOnly,
    StarAllowed,
}

#[derive(Debug, Clone)]
struct Parameter {
    takes: Takes,
    rule: Rule,
    /// The values that a literal may have.
    values: Vec<&'static str>,
    min: usize,
    max: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Returns {
    Declared(Seen),
    Parameter(usize),
    ArrayOf(usize),
    Promoted(usize),
    Common,
    CommonNotDynamic,
    Widest,
    TypeNamed,
    Custom,
}

#[derive(Debug, Clone)]
struct Signature {
    parameters: Vec<Parameter>,
    /// All but the last parameters repeat as a block: `case`.
    block: bool,
    returns: Returns,
}

impl Signature {
    /// Reads `(string,Integer?)array<string>`.
    fn read(text: &'static str) -> Option<Signature> {
        let block = text.starts_with('&');
        let (parameters, returns) = text.trim_start_matches('&').strip_prefix('(')?.rsplit_once(')')?;
        let parameters = parameters.split(',').filter(|part| !part.is_empty()).map(Parameter::read);
        Some(Signature { parameters: parameters.collect::<Option<_>>()?, block, returns: Returns::read(returns) })
    }

    fn least(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.min).sum()
    }

    fn most(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.max).sum()
    }

    /// Distributes arguments over the parameters; those that are too many have none.
    fn assign(&self, arguments: &[Argument]) -> Vec<Option<&Parameter>> {
        let count = arguments.len();
        let mut assigned = Vec::with_capacity(count);
        if self.block {
            let repeated = self.parameters.iter().filter(|parameter| parameter.max > 1).count();
            let tail = self.parameters.len() - repeated;
            let blocks = count.saturating_sub(tail) / repeated.max(1);
            for _ in 0..blocks {
                assigned.extend(self.parameters[..repeated].iter().map(Some));
            }
            assigned.extend(self.parameters[repeated..].iter().map(Some));
        } else {
            let mut spare = count.saturating_sub(self.least());
            for parameter in &self.parameters {
                let extra = spare.min(parameter.max - parameter.min);
                spare -= extra;
                assigned.extend(std::iter::repeat_n(Some(parameter), parameter.min + extra));
            }
        }
        assigned.resize(count, None);
        // An option behind a parameter that repeats takes the last argument where that suits it: `array_sort_asc`.
        if let ([.., Parameter { max: 2.., .. }, option @ Parameter { min: 0, .. }], Some(last), Some(place)) =
            (&self.parameters[..], arguments.last(), assigned.last_mut())
            && count > self.least()
            && option.declares(&last.seen)
        {
            *place = Some(option);
        }
        assigned
    }

    fn takes(&self, count: usize) -> bool {
        if !self.block {
            return (self.least()..=self.most()).contains(&count);
        }
        let repeated = self.parameters.iter().filter(|parameter| parameter.max > 1).count();
        let tail = self.parameters.len() - repeated;
        count >= self.parameters.len() && (count - tail).is_multiple_of(repeated.max(1))
    }

    /// Says how many arguments it takes.
    fn arity(&self) -> String {
        let (least, most) = (self.least(), self.most());
        match most {
            _ if self.block => format!("at least {}", self.parameters.len()),
            1 if least == most => "1 argument".into(),
            _ if least == most => format!("{least} arguments"),
            _ if most > 60 => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
            _ => format!("{least} to {most} arguments"),
        }
    }
}

impl Parameter {
    /// Tells whether a type is one of those that the parameter lists.
    fn declares(&self, seen: &Seen) -> bool {
        matches!(&self.takes, Takes::Declared(types) if types.iter().any(|wanted| assignable(wanted, seen, false)))
    }

    /// Reads a type, then its rule (`!`, `#`, `@`, `*`, `~`), values (`=a/b`) and how often it may stand (`?`, `{1-64}`).
    fn read(text: &'static str) -> Option<Parameter> {
        let (text, min, max) = match text.strip_suffix('?') {
            Some(rest) => (rest, 0, 1),
            None => match text.strip_suffix('}').and_then(|rest| rest.split_once('{')) {
                Some((rest, times)) => {
                    let (min, max) = times.split_once('-')?;
                    (rest, min.parse().ok()?, max.parse().ok()?)
                }
                None => (text, 1, 1),
            },
        };
        let (text, values) = match text.split_once('=') {
            Some((rest, values)) => (rest, values.split('/').collect()),
            None => (text, Vec::new()),
        };
        let rules = [
            ('!', Rule::Constant),
            ('#', Rule::Literal),
            ('@', Rule::Column),
            ('*', Rule::StarOnly),
            ('~', Rule::StarAllowed),
        ];
        let rule = rules.iter().find(|(mark, _)| text.ends_with(*mark)).map_or(Rule::None, |(_, rule)| *rule);
        let text = text.trim_end_matches(['!', '#', '@', '*', '~']);
        Some(Parameter { takes: Takes::read(text)?, rule, values, min, max })
    }
}

impl Takes {
    fn read(text: &str) -> Option<Takes> {
        if text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Some(Takes::Declared(text.split('/').map(seen).collect()));
        }
        Some(Takes::Kind(match text {
            "Scalar" => Kind::Scalar,
            "Integer" => Kind::Integer,
            "RealOrDecimal" => Kind::RealOrDecimal,
            "IntegerOrArray" => Kind::IntegerOrArray,
            "StringOrDynamic" => Kind::StringOrDynamic,
            "StringOrArray" => Kind::StringOrArray,
            "DynamicArray" => Kind::DynamicArray,
            "DynamicBag" => Kind::DynamicBag,
            "Number" => Kind::Number,
            "NumberOrBool" => Kind::NumberOrBool,
            "Summable" => Kind::Summable,
            "Orderable" => Kind::Orderable,
            "NotBool" => Kind::NotBool,
            "NotRealOrBool" => Kind::NotRealOrBool,
            "NotDynamic" => Kind::NotDynamic,
            "Parameter0" => Kind::Same(0),
            "Parameter1" => Kind::Same(1),
            "CommonScalar" => Kind::Common,
            "CommonScalarOrDynamic" => Kind::CommonOrDynamic,
            "CommonOrderable" => Kind::CommonOrderable,
            _ => return None,
        }))
    }
}

impl Returns {
    fn read(text: &str) -> Returns {
        match text {
            "$Parameter0" => Returns::Parameter(0),
            "$Parameter1" => Returns::Parameter(1),
            "$Parameter0Array" => Returns::ArrayOf(0),
            "$Parameter0Promoted" => Returns::Promoted(0),
            "$Common" => Returns::Common,
            "$CommonNonDynamic" => Returns::CommonNotDynamic,
            "$Widest" => Returns::Widest,
            "$Parameter0Literal" | "$Parameter1Literal" | "$ParameterNLiteral" => Returns::TypeNamed,
            declared if !declared.starts_with('$') => Returns::Declared(seen(declared)),
            _ => Returns::Custom,
        }
    }
}

/// Reads a type: `string`, `array<string>`, `bag`, `one<long>`.
fn seen(text: &str) -> Seen {
    if let Some(element) = text.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>')) {
        return Seen::array_of(seen(element));
    }
    if let Some(inner) = text.strip_prefix("one<").and_then(|rest| rest.strip_suffix('>')) {
        return ScalarType::from_name(inner).map_or(ANY, Seen::One);
    }
    match text {
        "bag" => Seen::Bag,
        name => ScalarType::from_name(name).map_or(Seen::Unknown, Seen::Scalar),
    }
}

/// How well an argument suits a parameter; greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    None,
    Unknown,
    Dynamic,
    Promoted,
    NotType,
    OneOfMany,
    Scalar,
    Summable,
    Orderable,
    Number,
    Integer,
    Exact,
}

struct Call<'a> {
    name: &'a str,
    name_span: Span,
    arguments: &'a [Argument],
}

impl Call<'_> {
    /// Chooses the signatures that fit best: one, or several between which nothing decides.
    fn best<'s>(&self, signatures: &'s [Signature]) -> Vec<&'s Signature> {
        if let [only] = signatures {
            return vec![only];
        }
        let count = self.arguments.len();
        let mut best: Vec<&Signature> = signatures.iter().filter(|s| (s.least()..=s.most()).contains(&count)).collect();
        if best.is_empty() {
            let most = signatures.iter().map(Signature::most).max().unwrap_or(0);
            best = signatures.iter().filter(|s| (s.least()..=s.most()).contains(&most)).collect();
        }
        let suiting = best.iter().map(|s| self.suiting(s)).max().unwrap_or(0);
        best.retain(|s| self.suiting(s) == suiting);
        let mut winner = match best.first() {
            Some(first) if best.len() > 1 => *first,
            _ => return best,
        };
        for signature in &best[1..] {
            match self.compare(signature, winner) {
                std::cmp::Ordering::Greater => winner = signature,
                std::cmp::Ordering::Equal => return best,
                std::cmp::Ordering::Less => {}
            }
        }
        let beats = |s: &&Signature| std::ptr::eq(*s, winner) || self.compare(winner, s).is_gt();
        if best.iter().all(beats) { vec![winner] } else { best }
    }

    fn compare(&self, a: &Signature, b: &Signature) -> std::cmp::Ordering {
        let (a, b) = (self.matches(a), self.matches(b));
        let worst = |m: &[Match]| m.iter().copied().min().unwrap_or(Match::Exact);
        let top = |m: &[Match]| m.iter().copied().max().unwrap_or(Match::None);
        worst(&a).cmp(&worst(&b)).then(top(&a).cmp(&top(&b)))
    }

    fn suiting(&self, signature: &Signature) -> usize {
        self.matches(signature).iter().filter(|m| **m != Match::None).count()
    }

    fn matches(&self, signature: &Signature) -> Vec<Match> {
        let assigned = signature.assign(self.arguments);
        (0..self.arguments.len()).map(|i| self.matching(&assigned, i)).collect()
    }

    fn matching(&self, assigned: &[Option<&Parameter>], index: usize) -> Match {
        let Some(parameter) = assigned[index] else { return Match::None };
        let argument = &self.arguments[index];
        if argument.star {
            let allowed = matches!(parameter.rule, Rule::StarOnly | Rule::StarAllowed);
            return if allowed { Match::Exact } else { Match::None };
        }
        if argument.seen == Seen::Unknown {
            return Match::Unknown;
        }
        if parameter.rule == Rule::StarOnly {
            return Match::None;
        }
        let got = &argument.seen;
        match &parameter.takes {
            Takes::Declared(types) => {
                if types.iter().any(|wanted| assignable(wanted, got, false)) {
                    if types.len() == 1 { Match::Exact } else { Match::OneOfMany }
                } else if types.iter().any(|wanted| assignable(wanted, got, true)) {
                    Match::Promoted
                } else {
                    Match::None
                }
            }
            Takes::Kind(kind) => self.matching_kind(*kind, got, assigned),
        }
    }

    fn matching_kind(&self, kind: Kind, got: &Seen, assigned: &[Option<&Parameter>]) -> Match {
        let suits = |suits: bool, how: Match| if suits { how } else { Match::None };
        match kind {
            Kind::Scalar => Match::Scalar,
            Kind::Integer => suits(is_integer(got), Match::Integer),
            Kind::Number => suits(is_number(got), Match::Number),
            Kind::NumberOrBool => suits(is_number(got) || *got == Seen::Scalar(ScalarType::Bool), Match::Number),
            Kind::Summable => suits(is_summable(got), Match::Summable),
            Kind::Orderable => suits(is_orderable(got), Match::Orderable),
            Kind::NotBool => suits(*got != Seen::Scalar(ScalarType::Bool), Match::NotType),
            Kind::NotRealOrBool => {
                suits(!matches!(got, Seen::Scalar(ScalarType::Bool | ScalarType::Real)), Match::NotType)
            }
            Kind::NotDynamic => suits(!got.is_dynamic(), Match::NotType),
            Kind::Same(index) => match self.arguments.get(index).map(|argument| &argument.seen) {
                Some(other) => suits(assignable(other, got, true), Match::Exact),
                None => Match::None,
            },
            Kind::Common | Kind::CommonOrDynamic | Kind::CommonOrderable => match self.common(assigned, false) {
                Some(common) if assignable(&common, got, false) => Match::Exact,
                Some(common) if assignable(&common, got, true) => Match::Promoted,
                Some(Seen::Scalar(ScalarType::Dynamic)) => Match::Dynamic,
                Some(_) if kind == Kind::CommonOrDynamic && got.is_dynamic() => Match::Exact,
                _ => Match::None,
            },
            _ => suits(fault(kind, got).is_none(), Match::OneOfMany),
        }
    }

    /// The type that the arguments of common parameters have in common.
    fn common(&self, assigned: &[Option<&Parameter>], skip_dynamic: bool) -> Option<Seen> {
        let mut found: Option<Seen> = None;
        for (parameter, argument) in assigned.iter().zip(self.arguments) {
            let Some(Parameter { takes: Takes::Kind(kind), .. }) = parameter else { continue };
            let mix = match kind {
                Kind::Common => false,
                Kind::CommonOrDynamic => true,
                Kind::CommonOrderable if is_orderable(&argument.seen) => false,
                _ => continue,
            };
            if skip_dynamic && argument.seen.is_dynamic() {
                continue;
            }
            found = Some(match found {
                None => argument.seen.clone(),
                Some(found) => common(&found, &argument.seen, mix)?,
            });
        }
        match found {
            None if skip_dynamic => self.common(assigned, false),
            found => found,
        }
    }

    /// Lists what is wrong with the arguments.
    fn check(&self, signature: &Signature) -> Vec<Diagnostic> {
        if !signature.takes(self.arguments.len()) {
            return vec![self.wrong_count(signature)];
        }
        let assigned = signature.assign(self.arguments);
        let needs_common = assigned.iter().flatten().any(|parameter| {
            matches!(parameter.takes, Takes::Kind(Kind::Common | Kind::CommonOrDynamic | Kind::CommonOrderable))
        });
        if needs_common && self.common(&assigned, false).is_none() {
            let message = format!("the arguments of `{}` have no type in common", self.name);
            return vec![Diagnostic::error("KS232", self.name_span, message)];
        }
        (0..self.arguments.len()).flat_map(|index| self.check_argument(&assigned, index)).collect()
    }

    fn wrong_count(&self, signature: &Signature) -> Diagnostic {
        let ranged = signature.parameters.iter().any(|parameter| parameter.max != 1 || parameter.min != 1);
        let code = if ranged { "KS120" } else { "KS119" };
        let message = format!("`{}` takes {}, not {}", self.name, signature.arity(), self.arguments.len());
        Diagnostic::error(code, self.name_span, message)
    }

    fn check_argument(&self, assigned: &[Option<&Parameter>], index: usize) -> Vec<Diagnostic> {
        let Some(parameter) = assigned[index] else { return Vec::new() };
        let argument = &self.arguments[index];
        if argument.star {
            if matches!(parameter.rule, Rule::StarOnly | Rule::StarAllowed) {
                return Vec::new();
            }
            let message = format!("`{}` takes no `*` here", self.name);
            return vec![Diagnostic::error("KS191", argument.span, message)];
        }
        if argument.seen == Seen::Unknown {
            return Vec::new();
        }
        let mut problems = Vec::new();
        if let Some((code, wanted)) = self.fault(parameter, &argument.seen, assigned) {
            problems.push(self.unfit(index, code, &wanted));
        }
        problems.extend(self.check_rule(parameter, index));
        problems
    }

    /// Returns the code and what is wanted instead, where the type of an argument does not suit.
    fn fault(
        &self,
        parameter: &Parameter,
        got: &Seen,
        assigned: &[Option<&Parameter>],
    ) -> Option<(&'static str, String)> {
        match &parameter.takes {
            Takes::Declared(types) => {
                let suits = types.iter().any(|wanted| assignable(wanted, got, true));
                let names = || types.iter().map(Seen::describe).collect::<Vec<_>>().join(" or ");
                (!suits).then(|| ("KS107", names()))
            }
            Takes::Kind(Kind::Same(index)) => {
                let other = &self.arguments.get(*index)?.seen;
                let suits = *other == Seen::Unknown || assignable(other, got, true);
                (!suits).then(|| ("KS141", other.describe()))
            }
            Takes::Kind(kind @ (Kind::Common | Kind::CommonOrDynamic | Kind::CommonOrderable)) => {
                if *kind == Kind::CommonOrderable && !is_orderable(got) {
                    return fault(Kind::Orderable, got);
                }
                let common = self.common(assigned, false)?;
                let suits = common == Seen::Unknown
                    || assignable(&common, got, true)
                    || *kind == Kind::CommonOrDynamic && (got.is_dynamic() || common.is_dynamic());
                (!suits).then(|| ("KS141", common.describe()))
            }
            Takes::Kind(kind) => fault(*kind, got),
        }
    }

    fn unfit(&self, index: usize, code: &'static str, wanted: &str) -> Diagnostic {
        let argument = &self.arguments[index];
        let got = argument.seen.describe();
        let message = format!("argument {} of `{}` must be {wanted}, and this is {got}", index + 1, self.name);
        let problem = Diagnostic::error(code, argument.span, message);
        match wanted.strip_prefix("of type ") {
            Some(name) if ScalarType::from_name(name).is_some() => problem.help(format!("convert it with to{name}()")),
            _ => problem,
        }
    }

    fn check_rule(&self, parameter: &Parameter, index: usize) -> Option<Diagnostic> {
        let argument = &self.arguments[index];
        let wrong = |code, what: &str| {
            let message = format!("argument {} of `{}` must be {what}", index + 1, self.name);
            Some(Diagnostic::error(code, argument.span, message))
        };
        match parameter.rule {
            Rule::Column if !argument.column => wrong("KS109", "a column"),
            Rule::Constant if !argument.constant => wrong("KS129", "a constant"),
            Rule::Literal if !argument.literal => wrong("KS131", "a literal"),
            Rule::Literal => {
                let known = |text: &str| parameter.values.iter().any(|value| value.eq_ignore_ascii_case(text));
                let unknown = argument.text.as_deref().is_some_and(|text| !known(text));
                if parameter.values.is_empty() || !unknown {
                    return None;
                }
                wrong("KS140", &format!("one of {}", parameter.values.join(", ")))
            }
            _ => None,
        }
    }

    fn returned(&self, signature: &Signature) -> Option<Seen> {
        let assigned = signature.assign(self.arguments);
        let argument = |index: usize| {
            let wanted = signature.parameters.get(index)?;
            let place = assigned.iter().position(|parameter| parameter.is_some_and(|p| std::ptr::eq(p, wanted)))?;
            Some(self.arguments[place].seen.clone())
        };
        Some(match &signature.returns {
            Returns::Declared(seen) => seen.clone(),
            Returns::Parameter(index) => argument(*index).unwrap_or(Seen::Unknown),
            Returns::ArrayOf(index) => argument(*index).map_or(Seen::Unknown, |element| match element {
                Seen::Unknown => Seen::array_of(ANY),
                element => Seen::array_of(element),
            }),
            Returns::Promoted(index) => argument(*index).map_or(Seen::Unknown, promoted),
            Returns::Common => self.common(&assigned, false).unwrap_or(Seen::Unknown),
            Returns::CommonNotDynamic => self.common(&assigned, true).unwrap_or(Seen::Unknown),
            Returns::Widest => {
                let numbers = self.arguments.iter().filter(|a| is_number(&a.seen)).map(|a| a.seen.clone());
                let widest = numbers.reduce(|a, b| if assignable(&a, &b, true) { a } else { b });
                widest.map_or(Seen::Unknown, promoted)
            }
            Returns::TypeNamed => self.arguments.last().map_or(Seen::Unknown, |a| a.seen.clone()),
            Returns::Custom => return None,
        })
    }

    /// Says that nothing decides between signatures.
    fn ambiguous(&self, signatures: &[Signature], best: &[&Signature]) -> Verdict {
        let least = signatures.iter().map(Signature::least).min().unwrap_or(0);
        let unknown = self.arguments.iter().any(|argument| argument.seen == Seen::Unknown);
        let mut problems = Vec::new();
        if self.arguments.is_empty() && least > 0 {
            let most = signatures.iter().map(Signature::most).max().unwrap_or(0);
            let message = format!("`{}` takes {least} to {most} arguments, not 0", self.name);
            problems.push(Diagnostic::error("KS120", self.name_span, message));
        } else if !unknown {
            let types: Vec<String> = self.arguments.iter().map(|a| a.seen.describe()).collect();
            let message = format!("`{}` does not take these arguments: {}", self.name, types.join(", "));
            problems.push(Diagnostic::error("KS127", self.name_span, message));
        }
        let mut returned = best.iter().map(|signature| self.returned(signature));
        let first = returned.next().flatten();
        let returns = match first {
            Some(first) if returned.all(|other| other.as_ref() == Some(&first)) => first,
            _ => Seen::Unknown,
        };
        Verdict { problems, returns: Some(returns) }
    }
}

/// Returns what a kind of parameter finds wrong with a type: the code, and what it wants.
fn fault(kind: Kind, got: &Seen) -> Option<(&'static str, String)> {
    use ScalarType::{Bool, Decimal, Long, Real, String};
    let array_of = |wanted: ScalarType| match got {
        Seen::Array(element) => **element == Seen::Scalar(wanted) || **element == ANY,
        Seen::One(scalar_type) => *scalar_type == wanted,
        _ => *got == ANY,
    };
    let (suits, code, wanted) = match kind {
        Kind::Integer => (is_integer(got), "KS134", "an integer"),
        Kind::RealOrDecimal => (matches!(got, Seen::Scalar(Real | Decimal)), "KS135", "a real or a decimal"),
        Kind::IntegerOrArray => (is_integer(got) || array_of(Long), "KS136", "an integer or an array of integers"),
        Kind::StringOrDynamic => (*got == Seen::Scalar(String) || got.is_dynamic(), "KS141", "a string or a dynamic"),
        Kind::StringOrArray => {
            (*got == Seen::Scalar(String) || array_of(String), "KS233", "a string or an array of strings")
        }
        Kind::DynamicArray => (*got == ANY || matches!(got, Seen::Array(_)), "KS234", "a dynamic array"),
        Kind::DynamicBag => (*got == ANY || *got == Seen::Bag, "KS235", "a dynamic bag"),
        Kind::Number => (is_number(got), "KS137", "a number"),
        Kind::NumberOrBool => (is_number(got) || *got == Seen::Scalar(Bool), "KS139", "a number or a bool"),
        Kind::Summable => (is_summable(got), "KS138", "a number, a datetime or a timespan"),
        Kind::Orderable => (is_orderable(got), "KS206", "a value that can be ordered"),
        Kind::NotBool => (*got != Seen::Scalar(Bool), "KS116", "of another type than bool"),
        Kind::NotRealOrBool => {
            (!matches!(got, Seen::Scalar(Bool | Real)), "KS116", "of another type than real and bool")
        }
        Kind::NotDynamic => (!got.is_dynamic(), "KS116", "of another type than dynamic"),
        _ => return None,
    };
    (!suits).then(|| (code, wanted.to_string()))
}

/// Tells whether a value of a type may stand where another is wanted; with `promote` also a narrower number, or any
/// dynamic for a string.
fn assignable(wanted: &Seen, got: &Seen, promote: bool) -> bool {
    match (wanted, got) {
        _ if wanted == got => true,
        (Seen::Unknown, _) | (_, Seen::Unknown) => true,
        (Seen::Scalar(ScalarType::Dynamic), _) => got.is_dynamic(),
        (Seen::Array(element), Seen::Array(_)) if **element == ANY => promote,
        (Seen::Bag, Seen::Bag) => true,
        (Seen::Scalar(wanted), Seen::Scalar(got)) => promote && is_wider(*wanted, *got),
        (Seen::One(wanted), Seen::One(got)) => wanted == got || promote && is_wider(*wanted, *got),
        _ => false,
    }
}

/// Tells whether every value of `narrow` has its place in `wide`.
fn is_wider(wide: ScalarType, narrow: ScalarType) -> bool {
    use ScalarType::{Decimal, Dynamic, Int, Long, Real, String};
    matches!((wide, narrow), (Long, Int) | (Real, Int | Long) | (Decimal, Int | Long | Real) | (String, Dynamic))
}

/// Returns the type that two have in common; with `mix` different types meet as a dynamic.
fn common(a: &Seen, b: &Seen, mix: bool) -> Option<Seen> {
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Seen::Unknown, _) | (_, Seen::Unknown) => Seen::Unknown,
        _ if *a == ANY || *b == ANY => ANY,
        (Seen::Scalar(x), Seen::Scalar(y)) if is_wider(*y, *x) => b.clone(),
        (Seen::Scalar(x), Seen::Scalar(y)) if is_wider(*x, *y) => a.clone(),
        (Seen::Array(_), Seen::Array(_)) => Seen::array_of(ANY),
        (Seen::Bag, Seen::Bag) => Seen::Bag,
        (Seen::One(x), Seen::Scalar(y) | Seen::One(y)) | (Seen::Scalar(x), Seen::One(y)) if x == y => Seen::One(*x),
        _ if a.is_dynamic() && b.is_dynamic() => ANY,
        _ if mix => ANY,
        _ => return None,
    })
}

fn promoted(seen: Seen) -> Seen {
    if seen == Seen::Scalar(ScalarType::Int) { Seen::Scalar(ScalarType::Long) } else { seen }
}

fn is_integer(seen: &Seen) -> bool {
    matches!(seen, Seen::Scalar(scalar_type) if scalar_type.is_integer())
}

fn is_number(seen: &Seen) -> bool {
    matches!(seen, Seen::Scalar(scalar_type) if scalar_type.is_numeric())
}

fn is_summable(seen: &Seen) -> bool {
    is_number(seen) || matches!(seen, Seen::Scalar(ScalarType::DateTime | ScalarType::TimeSpan))
}

fn is_orderable(seen: &Seen) -> bool {
    is_summable(seen) || matches!(seen, Seen::Scalar(ScalarType::String | ScalarType::Bool))
}

#[cfg(test)]
mod tests {
    use super::*;

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
