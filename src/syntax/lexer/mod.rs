//! Text to tokens: words, literals and punctuation, each with its place.
//!
//! White space and `//` comments separate tokens and are not kept. Where a token is not whole (a string without its
//! end), it is still a token, and a problem says what is missing, so the grammar always has something to read.

mod string;
mod word;

use self::string::escape;
pub(super) use self::string::string_content;
pub(super) use self::word::is_literal_type;
use self::word::{COMPOUNDS, is_unit, keyword, wrapping};

use super::ast::LiteralKind;
use crate::diagnostic::{Diagnostic, Span};

/// A piece of text that belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A word without a meaning of its own: `TimeGenerated`, `_x`, `$left`, `4tuple`.
    Identifier,
    /// A word of the language: `where`, `mv-expand`, `!in~`.
    Keyword(Reach),
    /// `"..."`, `'...'`, `@"..."`, `h"..."`, and the multi-line forms.
    String,
    /// `5`, `0x1F`
    Long,
    /// `1.5`, `1e5`
    Real,
    /// `1d`, `1.5hours`
    TimeSpan,
    /// `true`, `false`
    Bool,
    /// A literal within the name of its type: `datetime(2020-01-01)`.
    Wrapped(LiteralKind),
    /// A guid without `guid(...)` around it, which KQL does not allow.
    RawGuid,
    /// `#...` to the end of the line: an instruction to an editor.
    Directive,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    /// `|`
    Bar,
    Comma,
    Semicolon,
    Colon,
    Dot,
    /// `..`
    DotDot,
    /// `=`
    Assign,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<>`
    LessGreater,
    /// `=~`
    EqualTilde,
    /// `!~`
    NotEqualTilde,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    /// `=>`
    Arrow,
    /// A sign that has no place in a query of ours: `@`, `?`, `!`, `<|`.
    Sign,
    /// A character that is not part of the language.
    Bad,
    /// The end of the text; always the last token.
    End,
}

/// How far a keyword may be used as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Wherever a name may stand: `count`, `range`, `id`.
    Name,
    /// Only where a name is given, left of `=` or `:`: `by`, `title`.
    Declared,
    /// Only within `['...']`.
    Reserved,
}

/// Cuts a text into tokens; the last one is [`TokenKind::End`].
///
/// ```
/// use alertq::syntax::{TokenKind, tokenize};
/// let kinds: Vec<TokenKind> = tokenize("1d // a day").into_iter().map(|token| token.kind).collect();
/// assert_eq!(kinds, [TokenKind::TimeSpan, TokenKind::End]);
/// ```
pub fn tokenize(text: &str) -> Vec<Token> {
    lex(text).0
}

/// Cuts a text into tokens and says what is wrong with them.
pub(super) fn lex(text: &str) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), problems: Vec::new() };
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    let mut at = 0;
    loop {
        at = lexer.skip_blank(at);
        if at >= text.len() {
            tokens.push(Token { kind: TokenKind::End, span: Span::new(text.len(), text.len()) });
            return (tokens, lexer.problems);
        }
        let (kind, end) = lexer.token(at);
        tokens.push(Token { kind, span: Span::new(at, end) });
        at = end;
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    problems: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Returns the end of the run of bytes from `at` that `wanted` accepts.
    fn run(&self, at: usize, wanted: impl Fn(u8) -> bool) -> usize {
        self.bytes[at.min(self.bytes.len())..]
            .iter()
            .position(|byte| !wanted(*byte))
            .map_or(self.bytes.len(), |n| at + n)
    }

    fn skip_blank(&self, mut at: usize) -> usize {
        loop {
            match self.byte(at) {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0C => at += 1,
                b'/' if self.byte(at + 1) == b'/' => at = self.line_end(at),
                byte if byte >= 0x80 => match self.text[at..].chars().next() {
                    Some(sign) if is_blank(sign) => at += sign.len_utf8(),
                    _ => return at,
                },
                _ => return at,
            }
        }
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr2(b'\n', b'\r', &self.bytes[at..]).map_or(self.bytes.len(), |n| at + n)
    }

    fn token(&mut self, at: usize) -> (TokenKind, usize) {
        match self.byte(at) {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.word(at),
            b'0'..=b'9' => self.number(at),
            b'"' | b'\'' => self.string(at),
            b'`' | b'~' if self.fence(at).is_some() => self.string(at),
            b'@' if matches!(self.byte(at + 1), b'"' | b'\'') || self.fence(at + 1).is_some() => self.string(at),
            b'#' => (TokenKind::Directive, self.line_end(at)),
            b'!' if is_word(self.byte(at + 1)) => self.negation(at),
            _ => self.punctuation(at),
        }
    }

    fn punctuation(&mut self, at: usize) -> (TokenKind, usize) {
        use TokenKind::*;
        let (kind, length) = match (self.byte(at), self.byte(at + 1)) {
            (b'(', _) => (OpenParen, 1),
            (b')', _) => (CloseParen, 1),
            (b'[', _) => (OpenBracket, 1),
            (b']', _) => (CloseBracket, 1),
            (b'{', _) => (OpenBrace, 1),
            (b'}', _) => (CloseBrace, 1),
            (b'|', _) => (Bar, 1),
            (b',', _) => (Comma, 1),
            (b';', _) => (Semicolon, 1),
            (b':', _) => (Colon, 1),
            (b'.', b'.') => (DotDot, 2),
            (b'.', _) => (Dot, 1),
            (b'=', b'=') => (Equal, 2),
            (b'=', b'~') => (EqualTilde, 2),
            (b'=', b'>') => (Arrow, 2),
            (b'=', _) => (Assign, 1),
            (b'!', b'=') => (NotEqual, 2),
            (b'!', b'~') => (NotEqualTilde, 2),
            (b'<', b'=') => (LessOrEqual, 2),
            (b'<', b'>') => (LessGreater, 2),
            (b'<', b'|') => (Sign, 2),
            (b'<', _) => (Less, 1),
            (b'>', b'=') => (GreaterOrEqual, 2),
            (b'>', _) => (Greater, 1),
            (b'+', _) => (Plus, 1),
            (b'-', _) => (Minus, 1),
            (b'*', _) => (Star, 1),
            (b'/', _) => (Slash, 1),
            (b'%', _) => (Percent, 1),
            (b'@' | b'?' | b'!', _) => (Sign, 1),
            _ => return self.bad(at),
        };
        (kind, at + length)
    }

    fn bad(&mut self, at: usize) -> (TokenKind, usize) {
        let sign = self.text[at..].chars().next().unwrap_or(' ');
        let end = at + sign.len_utf8();
        let problem =
            Diagnostic::error("KS002", Span::new(at, end), format!("the character `{sign}` is not part of KQL"));
        self.problems.push(match bad_character_help(sign) {
            Some(help) => problem.help(help),
            None => problem,
        });
        (TokenKind::Bad, end)
    }

    /// Reads a word: a keyword, a literal within its type, a hidden string, or an identifier.
    fn word(&mut self, at: usize) -> (TokenKind, usize) {
        let end = self.run(at + 1, is_word);
        let word = &self.text[at..end];
        if let Some((reach, long)) = self.compound(at, end) {
            // What looks like `project-away` with more letters behind it is no keyword at all, not even `project`.
            return if is_word(self.byte(long)) {
                (TokenKind::Identifier, end)
            } else {
                (TokenKind::Keyword(reach), long)
            };
        }
        if self.byte(end) == b'('
            && let Some(kind) = wrapping(word)
        {
            return self.wrapped(kind, end);
        }
        match word {
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return (TokenKind::Bool, end),
            "h" | "H" if matches!(self.byte(end), b'"' | b'\'') || self.fence(end).is_some() => return self.string(at),
            "h" | "H" if self.byte(end) == b'@' && matches!(self.byte(end + 1), b'"' | b'\'') => {
                return self.string(at);
            }
            _ => {}
        }
        match keyword(word) {
            Some(reach) => (TokenKind::Keyword(reach), end),
            None if self.is_guid(at) => (TokenKind::RawGuid, at + 36),
            None => (TokenKind::Identifier, end),
        }
    }

    /// Returns the end of the longest keyword with a sign in it that begins with the word `at..end`.
    fn compound(&self, at: usize, end: usize) -> Option<(Reach, usize)> {
        if !matches!(self.byte(end), b'-' | b'.' | b'~' | b' ') {
            return None;
        }
        COMPOUNDS
            .iter()
            .filter(|(text, _)| text.len() > end - at && self.text[at..].starts_with(text))
            .max_by_key(|(text, _)| text.len())
            .map(|(text, reach)| (*reach, at + text.len()))
    }

    /// Reads `!in`, `!has_cs` and their kin.
    fn negation(&mut self, at: usize) -> (TokenKind, usize) {
        let end = self.run(at + 1, is_word);
        match &self.text[at + 1..end] {
            "in" if self.byte(end) == b'~' && !is_word(self.byte(end + 1)) => {
                (TokenKind::Keyword(Reach::Reserved), end + 1)
            }
            "in" if self.byte(end) == b'~' => self.bad(at),
            "between" | "contains" | "contains_cs" | "endswith" | "endswith_cs" | "has" | "has_cs" | "hasprefix"
            | "hasprefix_cs" | "hassuffix" | "hassuffix_cs" | "in" | "startswith" | "startswith_cs" => {
                (TokenKind::Keyword(Reach::Reserved), end)
            }
            "has_any" | "has_all" => {
                let word = &self.text[at + 1..end];
                let problem =
                    Diagnostic::error("KS002", Span::new(at, at + 1), format!("`{word}` has no negated form"));
                self.problems.push(problem.help(format!("write `not(x {word} (...))`")));
                (TokenKind::Bad, at + 1)
            }
            _ => self.bad(at),
        }
    }

    /// Reads the rest of `type(...)` from its parenthesis on.
    fn wrapped(&mut self, kind: LiteralKind, open: usize) -> (TokenKind, usize) {
        let end = self.run(open + 1, |byte| !matches!(byte, b')' | b'\n' | b'\r'));
        if self.byte(end) == b')' {
            return (TokenKind::Wrapped(kind), end + 1);
        }
        self.unfinished(open, end, ")", "this literal");
        (TokenKind::Wrapped(kind), end)
    }

    fn unfinished(&mut self, start: usize, end: usize, closer: &str, what: &str) {
        let problem = Diagnostic::error("KS001", Span::new(end, end), format!("`{closer}` is missing"));
        self.problems.push(problem.label(Span::new(start, end), format!("{what} is not closed")));
    }

    fn number(&mut self, at: usize) -> (TokenKind, usize) {
        // The one keyword that begins with a digit: a kind of chart.
        if self.text[at..].starts_with("3Dchart") && !is_word(self.byte(at + 7)) {
            return (TokenKind::Keyword(Reach::Reserved), at + 7);
        }
        if self.is_guid(at) {
            return (TokenKind::RawGuid, at + 36);
        }
        let digits = self.digits(at);
        if let Some(end) = self.real(digits) {
            return (TokenKind::Real, end);
        }
        if let Some(end) = self.timespan(digits) {
            return (TokenKind::TimeSpan, end);
        }
        if let Some(end) = self.hexadecimal(at) {
            return (TokenKind::Long, end);
        }
        if is_word(self.byte(digits)) {
            return (TokenKind::Identifier, self.run(digits, is_word));
        }
        (TokenKind::Long, digits)
    }

    fn digits(&self, at: usize) -> usize {
        self.run(at, |byte| byte.is_ascii_digit())
    }

    /// Returns the end of a number with a fraction or an exponent, whose whole part ends at `digits`.
    fn real(&self, digits: usize) -> Option<usize> {
        // `1..3` is a range, not `1.` and `.3`.
        let point = self.byte(digits) == b'.' && (self.byte(digits + 1) != b'.' || self.byte(digits + 2) == b'.');
        let fraction = if point { self.digits(digits + 1) } else { digits };
        let end = self.exponent(fraction).unwrap_or(fraction);
        (end > digits && !is_word(self.byte(end))).then_some(end)
    }

    fn exponent(&self, at: usize) -> Option<usize> {
        if !matches!(self.byte(at), b'e' | b'E') {
            return None;
        }
        let start = at + 1 + usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
        let end = self.digits(start);
        (end > start).then_some(end)
    }

    fn timespan(&self, digits: usize) -> Option<usize> {
        let fraction = if self.byte(digits) == b'.' { self.digits(digits + 1) } else { digits };
        let number = if fraction > digits + 1 { fraction } else { digits };
        let end = self.run(number, |byte| byte.is_ascii_alphabetic());
        (is_unit(&self.text[number..end]) && !is_word(self.byte(end))).then_some(end)
    }

    fn hexadecimal(&self, at: usize) -> Option<usize> {
        if self.byte(at) != b'0' || !matches!(self.byte(at + 1), b'x' | b'X') {
            return None;
        }
        let end = self.run(at + 2, |byte| byte.is_ascii_hexdigit());
        (end > at + 2 && !is_word(self.byte(end))).then_some(end)
    }

    fn is_guid(&self, at: usize) -> bool {
        self.bytes.get(at..at + 36).is_some_and(|bytes| {
            bytes.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
        })
    }

    /// Returns the marks of a multi-line string if it begins here.
    fn fence(&self, at: usize) -> Option<&'static str> {
        ["```", "~~~"].into_iter().find(|fence| self.bytes[at.min(self.bytes.len())..].starts_with(fence.as_bytes()))
    }

    /// Reads a string literal of any form, prefix included.
    fn string(&mut self, start: usize) -> (TokenKind, usize) {
        let mut at = start + usize::from(matches!(self.byte(start), b'h' | b'H'));
        let verbatim = self.byte(at) == b'@';
        at += usize::from(verbatim);
        if let Some(fence) = self.fence(at) {
            return match self.text[at + 3..].find(fence) {
                Some(length) => (TokenKind::String, at + 3 + length + 3),
                None => {
                    self.unfinished(start, self.bytes.len(), fence, "this string");
                    (TokenKind::String, self.bytes.len())
                }
            };
        }
        let quote = self.byte(at);
        let end = self.string_end(at + 1, quote, verbatim);
        if self.byte(end) == quote {
            return (TokenKind::String, end + 1);
        }
        if self.byte(end) == b'\\' {
            let problem = Diagnostic::error("KS001", Span::new(end, end), "this backslash begins no escape of KQL's");
            let help = "write `\\\\` for a backslash, or a verbatim string: @\"...\"";
            self.problems.push(problem.label(Span::new(start, end), "in this string").help(help));
        } else {
            self.unfinished(start, end, if quote == b'"' { "\"" } else { "'" }, "this string");
        }
        (TokenKind::String, end)
    }

    /// Returns where the content of a quoted string ends: at its quote, or where it breaks off.
    fn string_end(&self, mut at: usize, quote: u8, verbatim: bool) -> usize {
        loop {
            at = self.run(at, |byte| byte != quote && !matches!(byte, b'\\' | b'\n' | b'\r'));
            match self.byte(at) {
                b'\\' if verbatim => at += 1,
                b'\\' => match escape(&self.bytes[at..]) {
                    Some((_, length)) => at += length,
                    None => return at,
                },
                byte if byte == quote && verbatim && self.byte(at + 1) == quote && at + 1 < self.bytes.len() => at += 2,
                _ => return at,
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_blank(sign: char) -> bool {
    matches!(
        sign,
        '\u{A0}' | '\u{1680}' | '\u{180E}' | '\u{2000}'
            ..='\u{200B}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\u{FEFF}'
    )
}

/// Guesses how a character came into a query that is not part of the language.
pub(super) fn bad_character_help(sign: char) -> Option<String> {
    plain_twin(sign).map(|twin| format!("a text processor may have put `{sign}` in place of `{twin}`"))
}

/// Returns the sign that a text processor replaces by this one.
fn plain_twin(sign: char) -> Option<char> {
    match sign {
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => Some('"'),
        '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{B4}' => Some('\''),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2026}' => Some('.'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let mut kinds: Vec<TokenKind> = tokenize(text).into_iter().map(|token| token.kind).collect();
        kinds.pop();
        kinds
    }

    #[test]
    fn numbers_and_what_looks_like_them() {
        use TokenKind::*;
        assert_eq!(kinds("5 0x1F 1.5 1e5 1. 2.e3 1d 1.5hrs"), [Long, Long, Real, Real, Real, Real, TimeSpan, TimeSpan]);
        assert_eq!(kinds("4tuple 3fortnights 0b1 1_000"), [Identifier; 4]);
        assert_eq!(kinds("1..3"), [Long, DotDot, Long]);
        assert_eq!(kinds("5.a"), [Long, Dot, Identifier]);
    }

    #[test]
    fn words_with_a_sign_in_them() {
        let reserved = TokenKind::Keyword(Reach::Reserved);
        assert_eq!(kinds("mv-expand !in~ hint.strategy"), [reserved; 3]);
        assert_eq!(kinds("project-awayx"), [TokenKind::Identifier, TokenKind::Minus, TokenKind::Identifier]);
        assert_eq!(kinds("in~\"x\""), [reserved, TokenKind::String]);
    }

    #[test]
    fn strings_and_their_escapes() {
        for (text, content) in [
            (r#""a\tb""#, "a\tb"),
            (r"'it\'s'", "it's"),
            (r#"@"C:\x""y""#, "C:\\x\"y"),
            (r#"h"secret""#, "secret"),
            (r#"h@'a\b'"#, "a\\b"),
            ("```a\n\"b```", "a\n\"b"),
            ("~~~`~~~", "`"),
            (r#""\u0041\x42\103\0""#, "ABC\0"),
            (r#""\ud83d\ude00 \U0001F600""#, "\u{1F600} \u{1F600}"),
        ] {
            let (tokens, problems) = lex(text);
            assert_eq!(tokens[0].span, Span::new(0, text.len()), "{text}");
            assert!(problems.is_empty(), "{text}: {problems:?}");
            assert_eq!(string_content(text), content, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_is_a_token_and_a_problem() {
        for (text, code, at) in [
            ("'abc", "KS001", 4),
            ("\"a\\q\"", "KS001", 2),
            ("datetime(2020", "KS001", 13),
            ("a \u{2013} b", "KS002", 2),
        ] {
            let (_, problems) = lex(text);
            assert_eq!((problems[0].code, problems[0].span.start), (code, at), "{text}");
        }
    }

    #[test]
    fn ends_with_the_end() {
        assert_eq!(tokenize(" // nothing").last().map(|token| token.span), Some(Span::new(11, 11)));
        assert_eq!(kinds("#connect x\nT"), [TokenKind::Directive, TokenKind::Identifier]);
    }
}
