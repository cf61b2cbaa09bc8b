//! Which signature of a function a call means, and what it takes.

use super::Bound;
use crate::bind::Binder;
use crate::bind::expression::{Scalar, common_number};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::{Kind, Overload, Parameter, Returns};
use crate::plan::Expr;
use crate::types::ScalarType;

impl Binder<'_> {
    pub(super) fn common_type(&mut self, kinds: &[Kind], arguments: &[Bound]) -> Option<ScalarType> {
        let types = kinds
            .iter()
            .zip(arguments)
            .filter(|(kind, _)| **kind == Kind::Common)
            .filter_map(|(_, argument)| argument.scalar.scalar_type);
        common(types)
    }

    /// Chooses the signature that fits best; says why none does.
    pub(in crate::bind) fn choose_overload(
        &mut self,
        signatures: &[&'static [Parameter]],
        called: &str,
        arguments: &[Bound],
        span: Span,
        name_span: Span,
    ) -> Option<(usize, Vec<Kind>)> {
        let mut best: Option<(u32, usize, Vec<Kind>)> = None;
        let mut candidates = Vec::new();
        for (index, signature) in signatures.iter().enumerate() {
            let Some(parameters) = assign(signature, arguments.len()) else { continue };
            let kinds: Vec<Kind> = parameters.iter().map(|p| p.kind).collect();
            if let Some(cost) = fit(&kinds, arguments)
                && best.as_ref().is_none_or(|(c, ..)| cost < *c)
            {
                best = Some((cost, index, kinds));
            }
            candidates.push(parameters);
        }
        if let Some((cost, index, kinds)) = best {
            if cost >= LENIENT {
                let bool_at = arguments.iter().find(|a| a.scalar.scalar_type == Some(ScalarType::Bool));
                self.strict.push(
                    Diagnostic::error(
                        "KS137",
                        bool_at.map_or(span, |a| a.span),
                        format!("`{called}` takes a number here, and this is of type bool"),
                    )
                    .help("convert it with tolong()"),
                );
            }
            return Some((index, kinds));
        }
        if candidates.is_empty() {
            self.error("KS119", name_span, format!("`{called}` takes {}, not {}", arity(signatures), arguments.len()));
            return None;
        }
        // With one signature the argument at fault can be named.
        if let [parameters] = &candidates[..]
            && let Some((parameter, argument)) = parameters
                .iter()
                .zip(arguments)
                .find(|(p, a)| a.scalar.scalar_type.is_some_and(|t| cost(p.kind, t, &a.scalar).is_none()))
        {
            let (code, wanted) = wanted(parameter.kind);
            let got = argument.scalar.column_type();
            let mut problem = Diagnostic::error(
                code,
                argument.span,
                format!("`{}` of `{called}` must be {wanted}, and this is of type {got}", parameter.name),
            );
            if let Kind::Is(scalar_type) = parameter.kind {
                problem = problem.help(format!("convert it with to{scalar_type}()"));
            }
            self.problem(problem);
            return None;
        }
        let types: Vec<&str> = arguments.iter().map(|a| a.scalar.column_type().name()).collect();
        self.error("KS127", span, format!("`{called}` does not take ({})", types.join(", ")));
        None
    }
}

/// Distributes arguments over parameters; None where the count does not fit.
pub(in crate::bind) fn assign(parameters: &'static [Parameter], given: usize) -> Option<Vec<&'static Parameter>> {
    let min: usize = parameters.iter().map(|p| usize::from(p.min)).sum();
    let mut spare = given.checked_sub(min)?;
    let mut assigned = Vec::with_capacity(given);
    for parameter in parameters {
        let extra = spare.min(usize::from(parameter.max) - usize::from(parameter.min));
        spare -= extra;
        assigned.extend(std::iter::repeat_n(parameter, usize::from(parameter.min) + extra));
    }
    (spare == 0).then_some(assigned)
}

/// Cost from which on only the engine takes the argument, not Microsoft's parser.
const LENIENT: u32 = 1000;

pub(super) fn fit(kinds: &[Kind], arguments: &[Bound]) -> Option<u32> {
    kinds.iter().zip(arguments).try_fold(0, |sum, (kind, argument)| {
        let cost = argument.scalar.scalar_type.map_or(Some(0), |t| cost(*kind, t, &argument.scalar))?;
        Some(sum + cost)
    })
}

/// Returns how far an argument is from what a parameter takes: 0 for a perfect fit, None for no fit.
pub(in crate::bind) fn cost(kind: Kind, got: ScalarType, argument: &Scalar) -> Option<u32> {
    use ScalarType::*;
    match kind {
        Kind::Is(wanted) if wanted == got => Some(0),
        Kind::Is(Long) => match got {
            Int => Some(1),
            Bool => Some(LENIENT),
            _ => None,
        },
        Kind::Is(Real) => match got {
            Long => Some(2),
            Int => Some(3),
            Decimal => Some(4),
            Bool => Some(LENIENT + 1),
            _ => None,
        },
        Kind::Is(Decimal) => match got {
            Long | Int => Some(5),
            Real => Some(6),
            _ => None,
        },
        Kind::Is(Int) if got == Long && argument.literal => Some(1),
        Kind::Is(String) => (got == Dynamic).then_some(3),
        Kind::Is(_) => None,
        Kind::Text => match got {
            String => Some(0),
            Dynamic => Some(1),
            _ => None,
        },
        Kind::AsText => Some(if got == String { 0 } else { 1 }),
        Kind::Number | Kind::AsReal => match got {
            Bool => Some(LENIENT),
            t => t.is_numeric().then_some(1),
        },
        Kind::Integer => match got {
            Bool => Some(LENIENT),
            t => t.is_integer().then_some(0),
        },
        Kind::Summable => (got.is_numeric() || matches!(got, DateTime | TimeSpan)).then_some(1),
        Kind::Orderable | Kind::NotDynamic => (got != Dynamic).then_some(1),
        Kind::Any => Some(2),
        Kind::Dynamic => (got == Dynamic).then_some(0),
        Kind::Common => Some(1),
        Kind::TypeName => (argument.literal && argument.expr_is_null()).then_some(0),
    }
}

/// Returns the type that values have in common: the same, or the widest number. A dynamic goes with anything.
pub(in crate::bind) fn common(types: impl Iterator<Item = ScalarType>) -> Option<ScalarType> {
    let mut result: Option<ScalarType> = None;
    for scalar_type in types {
        result = match result {
            None => Some(scalar_type),
            Some(r) if r == scalar_type => Some(r),
            Some(r) if r.is_numeric() && scalar_type.is_numeric() => Some(common_number(r, scalar_type)?),
            Some(ScalarType::Dynamic) => Some(scalar_type),
            Some(r) if scalar_type == ScalarType::Dynamic => Some(r),
            Some(_) => return None,
        };
    }
    result
}

pub(super) fn returned(overload: &Overload, types: &[ScalarType], arguments: &[Expr]) -> Option<ScalarType> {
    match overload.returns {
        Returns::Type(scalar_type) => Some(scalar_type),
        Returns::Argument(index) => types.get(index).copied(),
        Returns::Common => common(types.iter().copied()),
        Returns::Widest => types.iter().copied().try_fold(ScalarType::Long, common_number),
        Returns::TypeName(index) => arguments.get(index).map(Expr::scalar_type),
        Returns::With(f) => f(types),
        Returns::Columns(_) | Returns::Arrays => Some(ScalarType::Dynamic),
    }
}

pub(super) fn arity(signatures: &[&[Parameter]]) -> String {
    let min = signatures.iter().map(|s| s.iter().map(|p| usize::from(p.min)).sum::<usize>()).min().unwrap_or(0);
    let max = signatures.iter().map(|s| s.iter().map(|p| usize::from(p.max)).sum::<usize>()).max().unwrap_or(0);
    if min == max { count(min) } else { format!("{min} to {}", count(max)) }
}

pub(super) fn count(n: usize) -> String {
    format!("{n} argument{}", if n == 1 { "" } else { "s" })
}

/// Says what a parameter takes, with the code that Microsoft's parser gives its absence.
pub(in crate::bind) fn wanted(kind: Kind) -> (&'static str, String) {
    match kind {
        Kind::Is(scalar_type) => ("KS107", format!("of type {scalar_type}")),
        Kind::Text => ("KS141", "a string or a dynamic".into()),
        Kind::Number | Kind::AsReal => ("KS137", "a number".into()),
        Kind::Integer => ("KS134", "an integer".into()),
        Kind::Summable => ("KS138", "a number, a datetime or a timespan".into()),
        Kind::Orderable => ("KS206", "a value that can be ordered".into()),
        Kind::NotDynamic => ("KS116", "of another type than dynamic".into()),
        Kind::Dynamic => ("KS234", "a dynamic".into()),
        Kind::TypeName => ("KS147", "typeof(...)".into()),
        Kind::Any | Kind::AsText | Kind::Common => ("KS127", "a scalar".into()),
    }
}
