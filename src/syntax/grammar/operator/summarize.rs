//! `summarize`.

use super::super::expression::required_scalar;
use super::super::parameter::{Value, parameters};
use super::super::tokens::{List, Read, Tokens};
use super::project::columns;
use crate::syntax::ast::{OperatorKind, Summarize};
use crate::syntax::lexer::TokenKind;

/// `summarize n = count(), (t, name) = arg_max(a, b) by c, bin(d, 1h)`
pub(super) fn summarize(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let own = &[("hint.shufflekey", Value::Name), ("hint.strategy", Value::Any), ("hint.num_partitions", Value::Any)];
    let (rest, parameters) = parameters(input, own)?;
    let (rest, aggregates) = columns(rest, List::ANY.until(|input| input.is_word("by") || input.is_list_end()))?;
    let has_by = rest.is_word("by");
    let mut summarize = Summarize { parameters, aggregates, by: Vec::new(), bin: None, has_by };
    if !has_by {
        return Ok((rest, OperatorKind::Summarize(summarize)));
    }
    let (mut rest, by) = columns(rest.skip(1), List::SOME.until(|input| is_old_bin(input) || input.is_list_end()))?;
    summarize.by = by;
    if is_bin(rest) {
        let (next, bin) = required_scalar(rest.skip(2))?;
        rest = next;
        summarize.bin = Some(Box::new(bin));
    }
    Ok((rest, OperatorKind::Summarize(summarize)))
}

fn is_bin(input: Tokens<'_>) -> bool {
    input.is_word("bin") && input.kind_at(1) == TokenKind::Assign
}

/// Tells whether `bin = 1h` stands here, which is not a key but its width.
fn is_old_bin(input: Tokens<'_>) -> bool {
    use TokenKind::*;
    is_bin(input) && matches!(input.kind_at(2), Long | Real | TimeSpan | String | Bool | Wrapped(_) | RawGuid)
}
