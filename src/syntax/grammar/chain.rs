//! Operands with operators between them, by how tight the operators bind.

use super::expression::{operand, required_expression, required_scalar, scalar};
use super::operator::begins_operator;
use super::tokens::{List, Read, Tokens, bracketed, comma_list, optional, required};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, InOperator, TextOperator};
use crate::syntax::lexer::TokenKind;

/// What may stand between two operands.
#[derive(Clone, Copy)]
pub(super) enum Infix {
    Binary(BinaryOperator),
    In(InOperator),
    Between { negated: bool },
}

/// How tight operators bind, from `or` to `has`. Those of text bind tighter than `*`: `a * b has "c"` is
/// `a * (b has "c")`.
mod level {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const EQUALITY: u8 = 3;
    pub(super) const RELATION: u8 = 4;
    pub(super) const SUM: u8 = 5;
    pub(super) const PRODUCT: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const OPERAND: u8 = 8;
}

impl Infix {
    fn level(self) -> u8 {
        use BinaryOperator::*;
        match self {
            Infix::Binary(Or) => level::OR,
            Infix::Binary(And) => level::AND,
            Infix::Binary(Equal | NotEqual) | Infix::In(_) | Infix::Between { .. } => level::EQUALITY,
            Infix::Binary(Less | LessOrEqual | Greater | GreaterOrEqual) => level::RELATION,
            Infix::Binary(Add | Subtract) => level::SUM,
            Infix::Binary(Multiply | Divide | Modulo) => level::PRODUCT,
            Infix::Binary(EqualTilde | NotEqualTilde | Text { .. }) => level::TEXT,
        }
    }
}

/// Tells whether `a - b - c` is possible; `a < b < c` is not.
fn repeats(level: u8) -> bool {
    matches!(level, level::OR | level::AND | level::SUM | level::PRODUCT)
}

/// Returns the operator that stands here.
pub(super) fn infix(input: Tokens<'_>) -> Option<Infix> {
    use BinaryOperator::*;
    Some(Infix::Binary(match input.kind() {
        TokenKind::Equal => Equal,
        TokenKind::NotEqual | TokenKind::LessGreater => NotEqual,
        TokenKind::EqualTilde => EqualTilde,
        TokenKind::NotEqualTilde => NotEqualTilde,
        TokenKind::Less => Less,
        TokenKind::LessOrEqual => LessOrEqual,
        TokenKind::Greater => Greater,
        TokenKind::GreaterOrEqual => GreaterOrEqual,
        TokenKind::Plus => Add,
        TokenKind::Minus => Subtract,
        TokenKind::Star => Multiply,
        TokenKind::Slash => Divide,
        TokenKind::Percent => Modulo,
        TokenKind::Colon => Text { operator: TextOperator::Search, negated: false },
        TokenKind::Keyword(_) => return infix_word(input),
        _ => return None,
    }))
}

/// Returns the operator whose name stands here.
pub(super) fn infix_word(input: Tokens<'_>) -> Option<Infix> {
    let word = input.text();
    let text = |operator| Some(Infix::Binary(BinaryOperator::Text { operator, negated: word.starts_with(['!', 'n']) }));
    match word {
        "or" => Some(Infix::Binary(BinaryOperator::Or)),
        "and" => Some(Infix::Binary(BinaryOperator::And)),
        // `make-series ... on x in range(...)`
        "in" if input.is_word_at(1, "range") => None,
        "in" => Some(Infix::In(InOperator::In)),
        "!in" => Some(Infix::In(InOperator::NotIn)),
        "in~" => Some(Infix::In(InOperator::InTilde)),
        "!in~" => Some(Infix::In(InOperator::NotInTilde)),
        "has_any" => Some(Infix::In(InOperator::HasAny)),
        "has_all" => Some(Infix::In(InOperator::HasAll)),
        "between" => Some(Infix::Between { negated: false }),
        "!between" => Some(Infix::Between { negated: true }),
        "has" | "!has" => text(TextOperator::Has),
        "has_cs" | "!has_cs" => text(TextOperator::HasCs),
        "hasprefix" | "!hasprefix" => text(TextOperator::HasPrefix),
        "hasprefix_cs" | "!hasprefix_cs" => text(TextOperator::HasPrefixCs),
        "hassuffix" | "!hassuffix" => text(TextOperator::HasSuffix),
        "hassuffix_cs" | "!hassuffix_cs" => text(TextOperator::HasSuffixCs),
        "contains" | "!contains" | "notcontains" => text(TextOperator::Contains),
        "contains_cs" | "containscs" | "!contains_cs" | "notcontainscs" => text(TextOperator::ContainsCs),
        "startswith" | "!startswith" => text(TextOperator::StartsWith),
        "startswith_cs" | "!startswith_cs" => text(TextOperator::StartsWithCs),
        "endswith" | "!endswith" => text(TextOperator::EndsWith),
        "endswith_cs" | "!endswith_cs" => text(TextOperator::EndsWithCs),
        "like" | "notlike" => text(TextOperator::Like),
        "likecs" | "notlikecs" => text(TextOperator::LikeCs),
        "matches regex" => text(TextOperator::MatchesRegex),
        _ => None,
    }
}

/// Tells whether `*` here stands for all columns: `* has "x"`.
pub(super) fn is_star_operand(input: Tokens<'_>, before_equal: bool) -> bool {
    input.kind() == TokenKind::Star
        && infix(input.skip(1)).is_some_and(|infix| match infix {
            Infix::Binary(BinaryOperator::Equal) => before_equal,
            infix => infix.level() == level::TEXT,
        })
}

/// Reads operators and operands behind the first operand.
///
/// One loop with a stack, not a function per level: nesting would cost ten times the stack.
pub(super) fn chain<'a>(input: Tokens<'a>, first: Expr) -> Read<'a, Expr> {
    let mut chain = Chain::new(first);
    let mut rest = input;
    let mut highest = input.state().height.get();
    while let Some(infix) = infix(rest) {
        if !chain.admits(infix.level()) {
            break;
        }
        input.state().height.set(0);
        rest = match infix {
            Infix::Binary(operator) => {
                let (next, right) = right_operand(rest, operator)?;
                chain.push(operator, right);
                next
            }
            Infix::In(operator) => {
                let (next, list) = in_list(rest.skip(1))?;
                chain.replace_last(next, |left| ExprKind::In { operator, left, list });
                next
            }
            Infix::Between { negated } => {
                let (next, (low, high)) = bounds(rest.skip(1))?;
                chain.replace_last(next, |left| ExprKind::Between {
                    negated,
                    left,
                    low: Box::new(low),
                    high: Box::new(high),
                });
                next
            }
        };
        highest = highest.max(input.state().height.get());
        input.state().height.set(highest);
        input.raise(chain.height())?;
    }
    Ok((rest, chain.finish()))
}

/// Reads what stands right of `operator`, which is the next token.
fn right_operand(input: Tokens<'_>, operator: BinaryOperator) -> Read<'_, Expr> {
    let rest = input.skip(1);
    let before_equal = matches!(operator, BinaryOperator::And | BinaryOperator::Or);
    match optional(rest, |rest| operand(rest, before_equal))? {
        (rest, Some(value)) => Ok((rest, value)),
        // The official parser has another code for what is missing behind `!=`.
        (_, None) if operator == BinaryOperator::NotEqual => {
            rest.report(Diagnostic::error("KS005", rest.here(), "an expression is missing"));
            Ok((rest, rest.hole()))
        }
        (_, None) => Ok((rest, rest.missing("an expression"))),
    }
}

/// Operands and operators that have not found each other yet.
struct Chain {
    /// What `or` joins.
    alternatives: Vec<Expr>,
    /// What `and` joins, behind the last `or`.
    conditions: Vec<Expr>,
    /// Operands with the level of what they are made of.
    operands: Vec<(Expr, u8)>,
    /// Operators between the operands, all of them tighter than `and`, each tighter than the one before.
    operators: Vec<BinaryOperator>,
    /// How many operators other than `and` and `or` were read behind the last of those.
    links: usize,
    /// The most that `links` has been.
    most_links: usize,
    /// How many `and` and `or`.
    logical: usize,
}

impl Chain {
    fn new(first: Expr) -> Self {
        let operands = vec![(first, level::OPERAND)];
        Chain {
            alternatives: Vec::new(),
            conditions: Vec::new(),
            operands,
            operators: Vec::new(),
            links: 0,
            most_links: 0,
            logical: 0,
        }
    }

    /// Returns an upper bound for the height that the operators make.
    fn height(&self) -> usize {
        self.links.max(self.most_links) + self.logical.min(MANY + 8)
    }

    /// Tells whether an operator of this level may come next, and joins what binds tighter than it.
    fn admits(&mut self, level: u8) -> bool {
        while let Some(last) = self.operators.last().map(|operator| Infix::Binary(*operator).level()) {
            if last < level || (last == level && !repeats(level)) {
                break;
            }
            self.join_last();
        }
        let last_operator = self.operators.last().map_or(0, |operator| Infix::Binary(*operator).level());
        let left = self.operands.last().map_or(0, |(_, level)| *level);
        last_operator < level && (left > level || (left == level && repeats(level)))
    }

    fn join_last(&mut self) {
        let (Some(operator), Some((right, _)), Some((left, _))) =
            (self.operators.pop(), self.operands.pop(), self.operands.pop())
        else {
            return;
        };
        self.operands.push((binary(operator, left, right), Infix::Binary(operator).level()));
    }

    fn push(&mut self, operator: BinaryOperator, right: Expr) {
        self.logical += usize::from(matches!(operator, BinaryOperator::And | BinaryOperator::Or));
        match operator {
            BinaryOperator::And => self.end_condition(),
            BinaryOperator::Or => self.end_alternative(),
            _ => {
                self.operators.push(operator);
                self.links += 1;
            }
        }
        self.operands.push((right, level::OPERAND));
    }

    /// Makes the last operand the left side of something that is complete.
    fn replace_last(&mut self, rest: Tokens<'_>, kind: impl FnOnce(Box<Expr>) -> ExprKind) {
        if let Some((left, _)) = self.operands.pop() {
            let span = left.span.to(rest.here());
            self.operands.push((Expr { span, kind: kind(Box::new(left)) }, level::EQUALITY));
            self.links += 1;
        }
    }

    fn end_condition(&mut self) {
        while !self.operators.is_empty() {
            self.join_last();
        }
        self.most_links = self.most_links.max(std::mem::take(&mut self.links));
        self.conditions.extend(self.operands.pop().map(|(operand, _)| operand));
    }

    fn end_alternative(&mut self) {
        self.end_condition();
        let conditions = std::mem::take(&mut self.conditions);
        self.alternatives.extend(joined(BinaryOperator::And, conditions));
    }

    fn finish(mut self) -> Expr {
        self.end_alternative();
        let alternatives = std::mem::take(&mut self.alternatives);
        // There is one alternative at least: the first operand.
        joined(BinaryOperator::Or, alternatives).unwrap_or(Expr { span: Default::default(), kind: ExprKind::Error })
    }
}

fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { span, kind: ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) } }
}

/// From how many parts on they are joined half by half.
const MANY: usize = 64;

/// Joins parts by `and` or `or`, from the left; many of them half by half.
///
/// Generated rules have thousands of them, and a tree as high as that could not be walked. Both operators give the
/// same whichever way they are grouped.
fn joined(operator: BinaryOperator, parts: Vec<Expr>) -> Option<Expr> {
    if parts.len() <= MANY {
        return parts.into_iter().reduce(|left, right| binary(operator, left, right));
    }
    let mut parts = parts;
    while parts.len() > 1 {
        let mut pairs = Vec::with_capacity(parts.len() / 2 + 1);
        let mut left = parts.into_iter();
        while let Some(first) = left.next() {
            pairs.push(match left.next() {
                Some(second) => binary(operator, first, second),
                None => first,
            });
        }
        parts = pairs;
    }
    parts.pop()
}

/// The list of `in` and its kin, or a query of one column.
///
/// `(1, 2)`, `(T | project x)`
fn in_list(input: Tokens<'_>) -> Read<'_, Vec<Expr>> {
    bracketed(input, TokenKind::OpenParen, |input| {
        if is_query(input) {
            return required_expression(input).map(|(rest, query)| (rest, vec![query]));
        }
        comma_list(input, List::SOME, scalar, |input| input.missing("an expression"))
    })
}

/// Tells whether a pipe comes before the end of this expression.
fn is_query(input: Tokens<'_>) -> bool {
    use nom::Input;
    let mut open = 0usize;
    if begins_operator(input) {
        return true;
    }
    for token in input.iter_elements() {
        match token.kind {
            TokenKind::OpenParen => open += 1,
            TokenKind::CloseParen | TokenKind::Comma | TokenKind::Bar if open == 0 => {
                return token.kind == TokenKind::Bar;
            }
            TokenKind::CloseParen => open -= 1,
            TokenKind::Semicolon | TokenKind::End => return false,
            _ => {}
        }
    }
    false
}

/// The range of `between`.
///
/// `(1 .. 5)`
fn bounds(input: Tokens<'_>) -> Read<'_, (Expr, Expr)> {
    bracketed(input, TokenKind::OpenParen, |input| {
        let (rest, low) = required_scalar(input)?;
        let (rest, high) = required_scalar(required(rest, TokenKind::DotDot))?;
        Ok((rest, (low, high)))
    })
}
