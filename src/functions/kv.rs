//! What `parse-kv` looks for: the value of a key in a text of pairs.

use std::sync::Arc;

use arrow::array::StringViewBuilder;

use super::lift::{Reader, Text};
use super::{Function, Kernel, Kind, Naming, Overload, Parameter, Returns, one};
use crate::types::ScalarType;

const fn text(name: &'static str) -> Parameter {
    one(name, Kind::Is(ScalarType::String))
}

/// Gives the value of a key: text, key, what parts pairs, what parts a key from its value, quotes, escape.
///
/// It has no name that a query could call it by.
pub static VALUE_OF_KEY: Function = Function {
    name: "parse-kv",
    aliases: &[],
    summary: "Gives the value of a key in a text of pairs.",
    naming: Naming::None,
    overloads: &[Overload {
        parameters: &[
            text("source"),
            text("key"),
            text("pair_delimiter"),
            text("kv_delimiter"),
            text("quote"),
            text("escape"),
        ],
        returns: Returns::Type(ScalarType::String),
        kernel: Kernel::Columns(|call| {
            let arguments: [Reader<Text>; 6] = std::array::from_fn(|index| Reader::new(call, index));
            let mut values = StringViewBuilder::with_capacity(call.rows);
            for row in 0..call.rows {
                let [source, key, pair, middle, quote, escape] =
                    std::array::from_fn(|index| arguments[index].get(row).unwrap_or(""));
                let (mut quotes, escape) = (quote.chars(), escape.chars().next());
                let open = quotes.next();
                let form = Form { pair, middle, open, close: quotes.next().or(open), escape };
                values.append_value(form.value_of(key, source).unwrap_or_default());
            }
            Ok(Arc::new(values.finish()))
        }),
    }],
    examples: &[],
    page: "parse-kv-operator",
};

/// How pairs are written.
struct Form<'a> {
    pair: &'a str,
    middle: &'a str,
    open: Option<char>,
    close: Option<char>,
    escape: Option<char>,
}

impl Form<'_> {
    /// The first pair with the key counts (measured).
    fn value_of(&self, wanted: &str, text: &str) -> Option<String> {
        let mut rest = text;
        while !rest.is_empty() {
            let start = self.trimmed(rest);
            let (key, behind) = match self.quoted(start) {
                Some((key, behind)) => match self.trimmed(behind).strip_prefix(self.middle) {
                    Some(behind) => (key, behind),
                    None => {
                        rest = self.next(behind);
                        continue;
                    }
                },
                None => {
                    let own = start.find(self.pair).map_or(start, |end| &start[..end]);
                    match own.find(self.middle) {
                        Some(at) => (own[..at].trim().to_string(), &start[at + self.middle.len()..]),
                        None => {
                            rest = self.next(start);
                            continue;
                        }
                    }
                }
            };
            let (value, behind) = match self.quoted(self.trimmed(behind)) {
                Some(found) => found,
                None => {
                    let end = behind.find(self.pair).unwrap_or(behind.len());
                    (behind[..end].trim().to_string(), &behind[end..])
                }
            };
            if key == wanted {
                return Some(value);
            }
            rest = self.next(behind);
        }
        None
    }

    /// What stands behind the next end of a pair.
    fn next<'t>(&self, text: &'t str) -> &'t str {
        text.find(self.pair).map_or("", |at| &text[at + self.pair.len()..])
    }

    /// Leaves out white space, unless that ends a pair.
    fn trimmed<'t>(&self, text: &'t str) -> &'t str {
        let mut text = text;
        while !text.starts_with(self.pair) {
            match text.chars().next() {
                Some(c) if c.is_whitespace() => text = &text[c.len_utf8()..],
                _ => break,
            }
        }
        text
    }

    /// Reads what stands between quotes, and gives what stands behind them; None where there are none.
    fn quoted<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let inner = text.strip_prefix(self.open?)?;
        let mut value = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            if Some(c) == self.escape {
                value.extend(chars.next().map(|(_, escaped)| escaped));
            } else if Some(c) == self.close {
                return Some((value, &inner[at + c.len_utf8()..]));
            } else {
                value.push(c);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(form: (&str, &str, &str), key: &str, text: &str) -> Option<String> {
        let mut quotes = form.2.chars();
        let open = quotes.next();
        let form = Form { pair: form.0, middle: form.1, open, close: quotes.next().or(open), escape: Some('\\') };
        form.value_of(key, text)
    }

    #[test]
    fn pairs_are_parted_before_keys_are() {
        let plain = |key: &str, text: &str| value((";", "=", ""), key, text);
        assert_eq!(plain("b", " a = 1 ; b = 2 "), Some("2".into()));
        assert_eq!(plain("a", "a==x;b=1"), Some("=x".into()));
        assert_eq!(plain("a", "a=1;a=2"), Some("1".into()));
        assert_eq!(plain("a", "x;a=;b=1"), Some("".into()));
        assert_eq!(plain("c", "a=1;;b"), None);
        assert_eq!(value(("][", "=", ""), "k2", "[k1=v1][k2=v2]"), Some("v2]".into()));
        assert_eq!(value((" ", "=", ""), "world", "k=hello world=foo bar"), Some("foo".into()));
    }

    #[test]
    fn quotes_protect() {
        let quoted = |key: &str, text: &str| value((" ", "=", "\""), key, text);
        assert_eq!(quoted("b", r#"a="x b=1" b=2"#), Some("2".into()));
        assert_eq!(quoted("a", r#"a="say \"x\"" b=2"#), Some(r#"say "x""#.into()));
        assert_eq!(quoted("two words", r#"a=1 "two words"=2"#), Some("2".into()));
        assert_eq!(value((" ", "=", "()"), "a", "a=(b c) d=1"), Some("b c".into()));
        assert_eq!(quoted("ä", "ä=ö"), Some("ö".into()));
    }
}
