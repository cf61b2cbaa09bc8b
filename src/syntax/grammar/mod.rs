//! The grammar: one function per production, an example above each.
//!
//! [`tokens`] holds what all of them use; [`statement`] is where reading begins.

mod chain;
mod expression;
mod literal;
mod name;
pub(super) mod operator;
mod parameter;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;

use super::{Parsed, ast::Query, lexer};

/// Reads a text as far as it can be read.
pub(super) fn parse(text: &str) -> Parsed {
    let (tokens, problems) = lexer::lex(text);
    let state = tokens::State::new(text, problems);
    let query = match statement::query(tokens::Tokens::new(&tokens, &state)) {
        Ok((_, query)) => query,
        // A limit was met, or there is no statement at all; the problems say so.
        Err(_) => Query::default(),
    };
    Parsed { query, problems: state.into_problems() }
}
