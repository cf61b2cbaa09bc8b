//! What the grammar reads: tokens as nom's input, with a place to leave problems.
//!
//! A production is a function from [`Tokens`] to [`Read`]. It fails softly when it does not begin here, without having
//! read anything; once its keyword is read it is bound to its choice, reports what is missing as a problem and goes on.
//! A hard failure ends the reading: only limits on nesting, length and problems cause it.

use std::cell::{Cell, RefCell};

use nom::{Input, Needed};

use crate::diagnostic::{Diagnostic, Span};
use crate::syntax::ast::{Expr, ExprKind, Name};
use crate::syntax::lexer::{Reach, Token, TokenKind, bad_character_help};

/// What a production gives: the rest of the tokens and what was read.
pub(super) type Read<'a, T> = nom::IResult<Tokens<'a>, T, Absent>;

/// The production does not begin here. It says nothing more: problems are left in [`State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absent;

impl nom::error::ParseError<Tokens<'_>> for Absent {
    fn from_error_kind(_: Tokens<'_>, _: nom::error::ErrorKind) -> Self {
        Absent
    }

    fn append(_: Tokens<'_>, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// Says that the production does not begin here.
pub(super) fn absent<'a, T>() -> Read<'a, T> {
    Err(nom::Err::Error(Absent))
}

/// What one reading shares.
#[derive(Debug)]
pub(super) struct State<'a> {
    pub(super) text: &'a str,
    problems: RefCell<Vec<Diagnostic>>,
    /// How many brackets are open.
    depth: Cell<usize>,
    /// An upper bound for the height of the expressions read since it was last set to zero.
    pub(super) height: Cell<usize>,
}

/// How much stack a level of nesting may use; a debug build needs a tenth of it.
const RED_ZONE: usize = 128 * 1024;

/// How much stack is added where less is left.
const MORE_STACK: usize = 2 * 1024 * 1024;

/// How many problems are worth telling; a text with more is something else than KQL.
const MAX_PROBLEMS: usize = 100;

/// How high the tree of an expression may grow, by long chains of operators and by nesting.
pub(super) const MAX_HEIGHT: usize = 1000;

impl<'a> State<'a> {
    pub(super) fn new(text: &'a str, problems: Vec<Diagnostic>) -> Self {
        State { text, problems: RefCell::new(problems), depth: Cell::new(0), height: Cell::new(0) }
    }

    /// Returns the problems in the order of their places.
    pub(super) fn into_problems(self) -> Vec<Diagnostic> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.span.start);
        problems
    }
}

/// The tokens that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a> {
    rest: &'a [Token],
    /// Where the token before ended.
    last: usize,
    state: &'a State<'a>,
}

impl PartialEq for Tokens<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rest.len() == other.rest.len() && self.last == other.last
    }
}

impl<'a> Tokens<'a> {
    pub(super) fn new(rest: &'a [Token], state: &'a State<'a>) -> Self {
        Tokens { rest, last: 0, state }
    }

    pub(super) fn state(self) -> &'a State<'a> {
        self.state
    }

    /// Returns the token `n` places ahead.
    pub(super) fn nth(self, n: usize) -> Token {
        self.rest.get(n).copied().unwrap_or_else(|| {
            let end = self.rest.last().map_or(self.last, |token| token.span.end);
            Token { kind: TokenKind::End, span: Span::new(end, end) }
        })
    }

    pub(super) fn kind(self) -> TokenKind {
        self.nth(0).kind
    }

    pub(super) fn kind_at(self, n: usize) -> TokenKind {
        self.nth(n).kind
    }

    pub(super) fn text(self) -> &'a str {
        self.text_at(0)
    }

    pub(super) fn text_at(self, n: usize) -> &'a str {
        self.text_of(self.nth(n).span)
    }

    pub(super) fn text_of(self, span: Span) -> &'a str {
        self.state.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Returns where the next token begins.
    pub(super) fn start(self) -> usize {
        self.nth(0).span.start
    }

    /// Returns the place behind the token before, which is where something is missing.
    pub(super) fn here(self) -> Span {
        Span::new(self.last, self.last)
    }

    /// Returns the place of what was read from here up to `end`.
    pub(super) fn span_to(self, end: Tokens<'a>) -> Span {
        Span::new(self.start().min(end.last), end.last)
    }

    /// Goes on by `n` tokens.
    pub(super) fn skip(self, n: usize) -> Self {
        let n = n.min(self.rest.len());
        let last = if n == 0 { self.last } else { self.rest[n - 1].span.end };
        Tokens { rest: &self.rest[n..], last, ..self }
    }

    /// Tells whether token `n` touches the one before it.
    pub(super) fn touches(self, n: usize) -> bool {
        let before = if n == 0 { self.last } else { self.nth(n - 1).span.end };
        self.nth(n).span.start == before
    }

    /// Tells whether a line ends between token `n` and the one before.
    pub(super) fn is_on_new_line(self) -> bool {
        self.text_of(Span::new(self.last, self.start())).contains(['\n', '\r'])
    }

    /// Tells whether the next token is the keyword `word`.
    pub(super) fn is_word(self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    pub(super) fn is_word_at(self, n: usize, word: &str) -> bool {
        matches!(self.kind_at(n), TokenKind::Keyword(_)) && self.text_at(n) == word
    }

    /// Tells whether the next token is one of these keywords.
    pub(super) fn is_any_word(self, words: &[&str]) -> bool {
        matches!(self.kind(), TokenKind::Keyword(_)) && words.contains(&self.text())
    }

    /// Tells whether a list ends here, whatever it lists.
    pub(super) fn is_list_end(self) -> bool {
        use TokenKind::*;
        matches!(self.kind(), CloseParen | CloseBracket | CloseBrace | Bar | Semicolon | End)
    }

    /// Leaves a problem, unless one was left at the same place: a second one there is an echo.
    pub(super) fn report(self, problem: Diagnostic) {
        let mut problems = self.state.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS && problems.iter().all(|other| other.span.start != problem.span.start) {
            problems.push(problem);
        }
    }

    /// Tells whether so many problems were left that no one would read on.
    pub(super) fn has_too_many_problems(self) -> bool {
        self.state.problems.borrow().len() >= MAX_PROBLEMS
    }

    /// Says that something stands at one bracket more.
    fn enter(self) -> Result<(), nom::Err<Absent>> {
        self.state.depth.set(self.state.depth.get() + 1);
        if self.state.depth.get() > crate::syntax::MAX_DEPTH {
            let limit = crate::syntax::MAX_DEPTH;
            return Err(self.give_up(format!("brackets are nested more than {limit} deep")));
        }
        Ok(())
    }

    fn leave(self) {
        self.state.depth.set(self.state.depth.get().saturating_sub(1));
    }

    /// Says that an expression has become one level higher.
    pub(super) fn raise(self, levels: usize) -> Result<(), nom::Err<Absent>> {
        let height = self.state.height.get() + levels;
        self.state.height.set(height);
        if height > MAX_HEIGHT {
            return Err(self.give_up(format!("this expression is a chain of more than {MAX_HEIGHT} operators")));
        }
        Ok(())
    }

    /// Leaves the problem that ends the reading.
    fn give_up(self, message: String) -> nom::Err<Absent> {
        let problem = Diagnostic::error("AQ004", self.nth(0).span, message);
        // Not an echo of anything, even where something else was reported at the same place.
        self.state.problems.borrow_mut().push(problem.help("give a part of it a name with `let`"));
        nom::Err::Failure(Absent)
    }

    /// Where Microsoft's parser places a missing token: at the next token when that is near, else behind the last one.
    fn missing_token_span(self) -> Span {
        let next = self.nth(0).span;
        if next.start - self.last < 2 && !self.is_on_new_line() { next } else { self.here() }
    }

    /// Reports that `what` should stand here.
    pub(super) fn expected(self, what: &str) {
        self.report(Diagnostic::error("KS005", self.missing_token_span(), self.instead_of(what)));
    }

    /// Reports that the statement should have ended before this token.
    pub(super) fn expected_end(self, help: Option<String>) {
        let found = shortened(self.text());
        let message = format!("`;`, `|` or the end is expected before `{found}`");
        let problem = Diagnostic::error("KS005", self.missing_token_span(), message);
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    fn instead_of(self, what: &str) -> String {
        match self.kind() {
            TokenKind::End => format!("{what} is expected, and the text ends"),
            TokenKind::Bad => format!("{what} is expected here"),
            _ => format!("{what} is expected before `{}`", shortened(self.text())),
        }
    }

    /// Reports that something is missing here, and returns an expression in its place.
    pub(super) fn missing(self, what: &str) -> Expr {
        self.report(self.missing_problem(what));
        self.hole()
    }

    fn missing_problem(self, what: &str) -> Diagnostic {
        let problem = Diagnostic::error("KS006", self.here(), format!("{what} is missing"));
        match self.kind() {
            TokenKind::Keyword(Reach::Reserved | Reach::Declared) => {
                let word = self.text();
                problem.help(format!(
                    "`{word}` is a word of the language; as the name of a column it is written ['{word}']"
                ))
            }
            TokenKind::Bad => match self.text().chars().next().and_then(bad_character_help) {
                Some(help) => problem.help(help),
                None => problem,
            },
            _ => problem,
        }
    }

    /// Returns the expression that stands where nothing could be read.
    pub(super) fn hole(self) -> Expr {
        Expr { span: self.here(), kind: ExprKind::Error }
    }

    /// Reports that a name is missing here, and returns one without text.
    pub(super) fn missing_name(self) -> Name {
        self.missing("a name");
        Name { span: self.here(), text: String::new(), quoted: false }
    }
}

fn shortened(text: &str) -> String {
    let mut signs = text.chars();
    let start: String = signs.by_ref().take(30).take_while(|sign| !matches!(sign, '\n' | '\r')).collect();
    if start.len() < text.len() { start + "..." } else { start }
}

impl<'a> Input for Tokens<'a> {
    type Item = Token;
    type Iter = std::iter::Copied<std::slice::Iter<'a, Token>>;
    type IterIndices = std::iter::Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Tokens { rest: &self.rest[..index], ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        self.skip(index)
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.skip(index), self.take(index))
    }

    fn position<P: Fn(Token) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest.iter().position(|token| predicate(*token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if self.rest.len() >= count { Ok(count) } else { Err(Needed::new(count - self.rest.len())) }
    }
}

/// Reads this keyword, or reports that it is missing.
pub(super) fn required_word<'a>(input: Tokens<'a>, text: &'static str) -> Tokens<'a> {
    if input.is_word(text) {
        return input.skip(1);
    }
    input.expected(&format!("`{text}`"));
    input
}

/// Reads a sign, or reports that it is missing.
pub(super) fn required(input: Tokens<'_>, kind: TokenKind) -> Tokens<'_> {
    if input.kind() == kind {
        return input.skip(1);
    }
    input.expected(&format!("`{}`", sign(kind)));
    input
}

/// Reads something that may hold itself. Every way to nest goes through here, so this is where nesting is counted.
pub(super) fn nested<'a, T>(input: Tokens<'a>, inner: impl FnOnce(Tokens<'a>) -> Read<'a, T>) -> Read<'a, T> {
    input.enter()?;
    let read = stacker::maybe_grow(RED_ZONE, MORE_STACK, || inner(input))?;
    input.leave();
    Ok(read)
}

/// Reads what is in brackets, reporting those that are missing; behind it, what no one could read is passed over.
pub(super) fn bracketed<'a, T>(
    input: Tokens<'a>,
    open: TokenKind,
    inner: impl FnOnce(Tokens<'a>) -> Read<'a, T>,
) -> Read<'a, T> {
    let opening = input.nth(0);
    input.enter()?;
    let has_opening = opening.kind == open;
    let (rest, value) = stacker::maybe_grow(RED_ZONE, MORE_STACK, || inner(required(input, open)))?;
    input.leave();
    let rest = if has_opening { closed(rest, opening) } else { closed_loosely(rest, open) };
    if rest.has_too_many_problems() {
        return Err(nom::Err::Failure(Absent));
    }
    Ok((rest, value))
}

/// Reads the bracket that closes `opening`, passing over what stands before it.
fn closed(input: Tokens<'_>, opening: Token) -> Tokens<'_> {
    let close = closer(opening.kind);
    if input.kind() == close {
        return input.skip(1);
    }
    let problem =
        Diagnostic::error("KS005", input.missing_token_span(), input.instead_of(&format!("`{}`", sign(close))));
    input.report(problem.label(opening.span, format!("this `{}` is not closed", sign(opening.kind))));
    match find_closer(input, close) {
        Some(n) => input.skip(n + 1),
        None => pass_over(input),
    }
}

/// Reads a closing bracket whose opening one was missing and reported.
fn closed_loosely(input: Tokens<'_>, open: TokenKind) -> Tokens<'_> {
    let close = closer(open);
    if input.kind() == close { input.skip(1) } else { input }
}

/// Returns how far away the bracket is that closes the one we are in.
fn find_closer(input: Tokens<'_>, close: TokenKind) -> Option<usize> {
    let mut open = 0usize;
    for (n, token) in input.iter_indices() {
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => open += 1,
            kind if kind == close && open == 0 => return Some(n),
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace if open == 0 => return None,
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => open -= 1,
            TokenKind::Semicolon | TokenKind::End if close != TokenKind::CloseBrace => return None,
            _ => {}
        }
    }
    None
}

/// Passes over what cannot be read, up to the next `|` or `;` that is not in brackets, or a closing bracket.
pub(super) fn pass_over(input: Tokens<'_>) -> Tokens<'_> {
    let mut open = 0usize;
    for (n, token) in input.iter_indices() {
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => open += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace if open == 0 => {
                return input.skip(n);
            }
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => open -= 1,
            TokenKind::Bar if open == 0 => return input.skip(n),
            TokenKind::Semicolon | TokenKind::End => return input.skip(n),
            _ => {}
        }
    }
    input.skip(input.input_len())
}

fn closer(open: TokenKind) -> TokenKind {
    match open {
        TokenKind::OpenBracket => TokenKind::CloseBracket,
        TokenKind::OpenBrace => TokenKind::CloseBrace,
        _ => TokenKind::CloseParen,
    }
}

fn sign(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::OpenParen => "(",
        TokenKind::CloseParen => ")",
        TokenKind::OpenBracket => "[",
        TokenKind::CloseBracket => "]",
        TokenKind::OpenBrace => "{",
        TokenKind::CloseBrace => "}",
        TokenKind::Comma => ",",
        TokenKind::Semicolon => ";",
        TokenKind::Colon => ":",
        TokenKind::Assign => "=",
        TokenKind::DotDot => "..",
        TokenKind::Star => "*",
        _ => "another sign",
    }
}

/// How a list separated by commas ends, and what it may leave out.
#[derive(Clone, Copy)]
pub(super) struct List {
    /// Recognises the end. With None the list ends where no comma follows.
    pub(super) end: Option<fn(Tokens<'_>) -> bool>,
    /// At least one element must be there.
    pub(super) required: bool,
    /// A comma may stand behind the last element.
    pub(super) trailing: bool,
}

impl List {
    /// `a, b` or nothing.
    pub(super) const ANY: List = List { end: Some(|input| input.is_list_end()), required: false, trailing: false };
    /// `a, b`
    pub(super) const SOME: List = List { required: true, ..List::ANY };
    /// `a, b`, before something that is not the end of the operator.
    pub(super) const OPEN: List = List { end: None, ..List::SOME };
    /// `a, b,` or nothing.
    pub(super) const TRAILING: List = List { trailing: true, ..List::ANY };

    pub(super) fn until(self, end: fn(Tokens<'_>) -> bool) -> List {
        List { end: Some(end), ..self }
    }

    fn ends(self, input: Tokens<'_>) -> bool {
        self.end.is_some_and(|end| end(input))
    }
}

/// Reads elements separated by commas. `missing` stands in for an element that should be there.
pub(super) fn comma_list<'a, T>(
    input: Tokens<'a>,
    list: List,
    element: impl Fn(Tokens<'a>) -> Read<'a, T>,
    missing: impl Fn(Tokens<'a>) -> T,
) -> Read<'a, Vec<T>> {
    let mut values = Vec::new();
    let mut rest = input;
    match optional(rest, |input| if list.ends(input) { absent() } else { element(input) })? {
        (next, Some(value)) => {
            rest = next;
            values.push(value);
        }
        (_, None) if rest.kind() == TokenKind::Comma || list.required => values.push(missing(rest)),
        (_, None) => return Ok((rest, values)),
    }
    loop {
        if rest.kind() == TokenKind::Comma {
            rest = rest.skip(1);
            match optional(rest, |input| if list.ends(input) { absent() } else { element(input) })? {
                (next, Some(value)) => {
                    rest = next;
                    values.push(value);
                }
                (_, None) if list.trailing => return Ok((rest, values)),
                (_, None) => {
                    values.push(missing(rest));
                    // `a, , b`: the second comma goes on with the list, there is nothing else to say about it.
                    if rest.kind() != TokenKind::Comma {
                        return Ok((rest, values));
                    }
                }
            }
        } else if rest.kind() == TokenKind::End || list.ends(rest) || list.end.is_none() {
            return Ok((rest, values));
        } else {
            match optional(rest, &element)? {
                (next, Some(value)) => {
                    rest.expected("`,`");
                    rest = next;
                    values.push(value);
                }
                (_, None) => return Ok((rest, values)),
            }
        }
    }
}

/// Reads `parser` if it begins here.
///
/// As nom's `opt`, without the stack frames that it costs at every level of nesting.
pub(super) fn optional<'a, T>(
    input: Tokens<'a>,
    parser: impl FnOnce(Tokens<'a>) -> Read<'a, T>,
) -> Read<'a, Option<T>> {
    match parser(input) {
        Ok((rest, value)) => Ok((rest, Some(value))),
        Err(nom::Err::Error(Absent)) => Ok((input, None)),
        Err(failure) => Err(failure),
    }
}

/// Reads `parser`, or reports that `what` is missing and lets an error stand in for it.
pub(super) fn or_missing<'a>(
    input: Tokens<'a>,
    what: &str,
    parser: impl FnOnce(Tokens<'a>) -> Read<'a, Expr>,
) -> Read<'a, Expr> {
    let (rest, value) = optional(input, parser)?;
    Ok((rest, value.unwrap_or_else(|| input.missing(what))))
}
