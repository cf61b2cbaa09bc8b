//! Text to tree: [`parse`] gives an AST with the place of each part, and a list of problems.
//!
//! This room knows no table, type or function. It never gives up: what it cannot read becomes an error node and a
//! problem, and reading goes on at the next `|` or `;`.

pub mod ast;
pub mod comment;
mod grammar;
mod lexer;
pub mod print;
pub mod visit;

pub use grammar::operator::operator_keywords;
pub use grammar::operator::render::CHARTS;
pub use lexer::{Token, TokenKind, tokenize};

use crate::diagnostic::Diagnostic;

/// How deep expressions may nest. Text from outside must not overflow the stack.
pub const MAX_DEPTH: usize = 256;

/// What became of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub query: ast::Query,
    /// In the order of their places.
    pub problems: Vec<Diagnostic>,
}

/// Reads a KQL text.
///
/// ```
/// let parsed = alertq::syntax::parse("SecurityAlert | where | count");
/// assert_eq!(parsed.problems.len(), 1);
/// assert_eq!(parsed.problems[0].span.start, 21);
/// ```
pub fn parse(text: &str) -> Parsed {
    grammar::parse(text)
}
