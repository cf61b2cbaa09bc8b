//! How well the arguments of a call suit signatures, and what is wrong with those that do not.

use super::read::{Kind, Parameter, Returns, Rule, Signature, Takes};
use super::{Argument, Library, Verdict};
use crate::bind::seen::{ANY, Seen, member};
use crate::diagnostic::{Diagnostic, Span};
use crate::types::ScalarType;

/// How well an argument suits a parameter; greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
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

pub(super) struct Call<'a> {
    pub(super) library: Library,
    pub(super) name: &'a str,
    pub(super) name_span: Span,
    pub(super) arguments: &'a [Argument],
}

impl Call<'_> {
    /// Chooses the signatures that fit best: one, or several between which nothing decides.
    pub(super) fn best<'s>(&self, signatures: &'s [Signature]) -> Vec<&'s Signature> {
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
                if types.iter().any(|wanted| assignable(wanted, got, Conversion::None)) {
                    if types.len() == 1 { Match::Exact } else { Match::OneOfMany }
                } else if types.iter().any(|wanted| assignable(wanted, got, Conversion::Promotable)) {
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
                Some(other) => suits(assignable(other, got, Conversion::Promotable), Match::Exact),
                None => Match::None,
            },
            Kind::Common | Kind::CommonOrDynamic | Kind::CommonOrderable => match self.common(assigned, false) {
                Some(common) if assignable(&common, got, Conversion::None) => Match::Exact,
                Some(common) if assignable(&common, got, Conversion::Promotable) => Match::Promoted,
                Some(common) if assignable(&common, got, Conversion::Dynamic) => Match::Dynamic,
                Some(_) if kind == Kind::CommonOrDynamic && *got == ANY => Match::Exact,
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
            let allowed = match kind {
                Kind::Common => Conversion::Promotable,
                Kind::CommonOrDynamic => Conversion::Dynamic,
                Kind::CommonOrderable if is_orderable(&argument.seen) => Conversion::Promotable,
                _ => continue,
            };
            if skip_dynamic && argument.seen.is_dynamic() {
                continue;
            }
            found = Some(match found {
                None => argument.seen.clone(),
                Some(found) => common(&found, &argument.seen, allowed)?,
            });
        }
        match found {
            None if skip_dynamic => self.common(assigned, false),
            found => found,
        }
    }

    /// Lists what is wrong with the arguments.
    pub(super) fn check(&self, signature: &Signature) -> Vec<Diagnostic> {
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
                let suits = types.iter().any(|wanted| assignable(wanted, got, Conversion::Promotable));
                let names = || types.iter().map(Seen::describe).collect::<Vec<_>>().join(" or ");
                (!suits).then(|| ("KS107", names()))
            }
            Takes::Kind(Kind::Same(index)) => {
                let other = &self.arguments.get(*index)?.seen;
                let suits = *other == Seen::Unknown || assignable(other, got, Conversion::Promotable);
                (!suits).then(|| ("KS141", other.describe()))
            }
            Takes::Kind(kind @ (Kind::Common | Kind::CommonOrDynamic | Kind::CommonOrderable)) => {
                if *kind == Kind::CommonOrderable && !is_orderable(got) {
                    return fault(Kind::Orderable, got);
                }
                let common = self.common(assigned, false)?;
                // To the parser every value may stand as a dynamic.
                let suits = *kind == Kind::CommonOrDynamic
                    || common == Seen::Unknown
                    || assignable(&common, got, Conversion::Promotable);
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

    pub(super) fn returned(&self, signature: &Signature) -> Option<Seen> {
        let assigned = signature.assign(self.arguments);
        let argument = |index: usize| {
            let wanted = signature.parameters.get(index)?;
            let place = assigned.iter().position(|parameter| parameter.is_some_and(|p| std::ptr::eq(p, wanted)))?;
            Some(self.arguments[place].seen.clone())
        };
        Some(match &signature.returns {
            Returns::Declared(seen) => seen.clone(),
            Returns::Parameter(index) => argument(*index).unwrap_or(Seen::Unknown),
            Returns::ArrayOf(index) => argument(*index).map_or(Seen::Unknown, Seen::array_of),
            Returns::Promoted(index) => argument(*index).map_or(Seen::Unknown, promoted),
            Returns::Common => self.common(&assigned, false).unwrap_or(Seen::Unknown),
            Returns::CommonNotDynamic => self.common(&assigned, true).unwrap_or(Seen::Unknown),
            Returns::Widest => {
                let numbers = self.arguments.iter().filter(|a| is_number(&a.seen)).map(|a| a.seen.clone());
                let widest = numbers.reduce(|a, b| if assignable(&a, &b, Conversion::Promotable) { a } else { b });
                widest.map_or(Seen::Unknown, promoted)
            }
            Returns::TypeNamed => self.arguments.last().map_or(Seen::Unknown, |a| a.seen.clone()),
            Returns::Columns(_) => return None,
            Returns::Custom => return self.computed(),
        })
    }

    /// Returns the types of the columns of a call that gives several.
    pub(super) fn columns(&self, signature: &Signature) -> Option<Vec<Seen>> {
        match &signature.returns {
            Returns::Columns(columns) => Some(columns.clone()),
            Returns::Custom if self.name.starts_with("array_sort_") => Some(self.sorted()),
            _ => None,
        }
    }

    /// Says that nothing decides between signatures.
    pub(super) fn ambiguous(&self, signatures: &[Signature], best: &[&Signature]) -> Verdict {
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
        Verdict { problems, returns: Some(returns), columns: None }
    }
}

/// Returns what a kind of parameter finds wrong with a type: the code, and what it wants.
pub(super) fn fault(kind: Kind, got: &Seen) -> Option<(&'static str, String)> {
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
        Kind::DynamicBag => (*got == ANY || matches!(got, Seen::Bag(_)), "KS235", "a dynamic bag"),
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

/// How far a value may be from the type that is wanted; each allows what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::bind) enum Conversion {
    None,
    /// A narrower number, or any dynamic for a string.
    Promotable,
    /// Anything for a dynamic.
    Dynamic,
    Any,
}

/// Tells whether a value of a type may stand where another is wanted.
pub(super) fn assignable(wanted: &Seen, got: &Seen, allowed: Conversion) -> bool {
    match (wanted, got) {
        _ if wanted.is(got) => true,
        (Seen::Unknown, _) | (_, Seen::Unknown) => true,
        (Seen::Scalar(ScalarType::Dynamic), _) => got.is_dynamic() || allowed >= Conversion::Dynamic,
        (Seen::Array(element), Seen::Array(_)) if **element == ANY && allowed > Conversion::None => true,
        // The parser asks it the other way around.
        (Seen::Array(wanted), Seen::Array(got)) => assignable(got, wanted, allowed),
        (Seen::Bag(wanted), Seen::Bag(got)) => wanted
            .iter()
            .all(|(name, wanted)| member(got, name).is_some_and(|got| assignable(wanted, got, Conversion::Any))),
        (Seen::One(wanted), Seen::One(got)) => assignable(&Seen::Scalar(*wanted), &Seen::Scalar(*got), allowed),
        (Seen::Scalar(wanted), Seen::Scalar(got)) if allowed == Conversion::Promotable => is_wider(*wanted, *got),
        (Seen::Scalar(_), Seen::Scalar(_) | Seen::One(_)) => allowed == Conversion::Any,
        _ => false,
    }
}

/// Tells whether every value of `narrow` has its place in `wide`.
pub(super) fn is_wider(wide: ScalarType, narrow: ScalarType) -> bool {
    use ScalarType::{Decimal, Dynamic, Int, Long, Real, String};
    matches!((wide, narrow), (Long, Int) | (Real, Int | Long) | (Decimal, Int | Long | Real) | (String, Dynamic))
}

/// Returns the type that two have in common.
pub(in crate::bind) fn common(a: &Seen, b: &Seen, allowed: Conversion) -> Option<Seen> {
    let promotes = allowed >= Conversion::Promotable;
    Some(match (a, b) {
        _ if a.is(b) => a.clone(),
        (Seen::Unknown, _) | (_, Seen::Unknown) => Seen::Unknown,
        _ if *a == ANY || *b == ANY => ANY,
        (Seen::Scalar(x), Seen::Scalar(y)) if promotes && is_wider(*y, *x) => b.clone(),
        (Seen::Scalar(x), Seen::Scalar(y)) if promotes && is_wider(*x, *y) => a.clone(),
        // Of arrays that are not of one type though their elements are, it is that of the elements.
        (Seen::Array(x), Seen::Array(y)) => {
            if x.is(y) {
                (**x).clone()
            } else {
                Seen::array_of(ANY)
            }
        }
        (Seen::Bag(x), Seen::Bag(y)) => {
            let both = x.iter().filter_map(|(name, seen)| Some((name, seen, member(y, name)?)));
            let met = |seen: &Seen, other: &Seen| common(seen, other, Conversion::Dynamic).unwrap_or(ANY);
            Seen::bag(both.map(|(name, seen, other)| (name.clone(), met(seen, other))).collect())
        }
        _ => match common_held(a, b, allowed) {
            Some(common) => common,
            None if a.is_dynamic() && b.is_dynamic() || allowed >= Conversion::Dynamic => ANY,
            None => return None,
        },
    })
}

/// Returns the dynamic in which two values meet of which one stands in a dynamic.
fn common_held(a: &Seen, b: &Seen, allowed: Conversion) -> Option<Seen> {
    let held = |seen: &Seen| match seen {
        Seen::One(scalar_type) => Seen::Scalar(*scalar_type),
        other => other.clone(),
    };
    if !matches!((a, b), (Seen::One(_), _) | (_, Seen::One(_))) {
        return None;
    }
    common(&held(a), &held(b), allowed).map(Seen::dynamic_of)
}

pub(super) fn promoted(seen: Seen) -> Seen {
    if seen == Seen::Scalar(ScalarType::Int) { Seen::Scalar(ScalarType::Long) } else { seen }
}

pub(super) fn is_integer(seen: &Seen) -> bool {
    matches!(seen, Seen::Scalar(scalar_type) if scalar_type.is_integer())
}

pub(super) fn is_number(seen: &Seen) -> bool {
    matches!(seen, Seen::Scalar(scalar_type) if scalar_type.is_numeric())
}

pub(super) fn is_summable(seen: &Seen) -> bool {
    is_number(seen) || matches!(seen, Seen::Scalar(ScalarType::DateTime | ScalarType::TimeSpan))
}

pub(super) fn is_orderable(seen: &Seen) -> bool {
    is_summable(seen) || matches!(seen, Seen::Scalar(ScalarType::String | ScalarType::Bool))
}
