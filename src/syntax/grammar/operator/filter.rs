//! `where`.

use super::super::expression::named_expression;
use super::super::parameter::parameters;
use super::super::tokens::{Read, Tokens, optional};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, OperatorKind};

/// `where x > 1`
pub(super) fn filter(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[])?;
    let (rest, predicate) = unnamed(rest, "values are compared with `==`")?;
    Ok((rest, OperatorKind::Where { parameters, predicate: Box::new(predicate) }))
}

/// Reads an expression; a name before it is reported, with what may have been meant.
///
/// Microsoft's parser and binder accept `where a = true` and ignore the name, so this is a warning.
pub(super) fn unnamed<'a>(input: Tokens<'a>, help: &str) -> Read<'a, Expr> {
    let (rest, named) = optional(input, named_expression)?;
    let Some(named) = named else { return Ok((input, input.missing("an expression"))) };
    if let (Some(first), Some(last)) = (named.names.first(), named.names.last()) {
        let span = first.span.to(last.span);
        let message = "a name given here has no effect";
        input.report(Diagnostic::warning("AQ006", span, message).help(help));
    }
    Ok((rest, named.value))
}
