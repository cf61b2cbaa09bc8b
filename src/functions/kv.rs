//! What `parse-kv` looks for: the value of a key in a text of pairs.

use std::sync::Arc;

use arrow::array::StringViewBuilder;
use regex::Regex;

use super::lift::{Reader, Text};
use super::{Call, Function, FunctionError, Kernel, Kind, Naming, Overload, Parameter, PreparedKernel, Returns, one};
use crate::types::{ScalarType, Value};

const fn text(name: &'static str) -> Parameter {
    one(name, Kind::Is(ScalarType::String))
}

/// What parts the names in the argument `keys`.
pub const BETWEEN_KEYS: char = '\u{1}';

/// Makes a function that has no name that a query could call it by.
const fn function(name: &'static str, overloads: &'static [Overload]) -> Function {
    Function {
        name,
        aliases: &[],
        summary: "Gives the value of a key in a text of pairs.",
        naming: Naming::None,
        overloads,
        examples: &[],
        page: "parse-kv-operator",
    }
}

/// Gives the value of a key: text, key, what parts pairs, what parts a key from its value, quotes, escape, and where
/// values may hold what parts pairs the names of all keys.
pub static VALUE_OF_KEY: Function = function(
    "parse-kv",
    &[Overload {
        parameters: &[
            text("source"),
            text("key"),
            text("pair_delimiter"),
            text("kv_delimiter"),
            text("quote"),
            text("escape"),
            text("keys"),
        ],
        returns: Returns::Type(ScalarType::String),
        kernel: Kernel::Columns(|call| {
            let arguments: [Reader<Text>; 7] = std::array::from_fn(|index| Reader::new(call, index));
            each_value(call, |row| {
                let [source, key, pair, middle, quote, escape, keys] =
                    std::array::from_fn(|index| arguments[index].get(row).unwrap_or(""));
                let form = Form { pair, middle, quotes: Quotes::new(quote, escape) };
                form.value(key, source, keys)
            })
        }),
    }],
);

/// Gives the value of a key where nothing says what parts pairs: text, key, quotes, escape.
pub static VALUE_OF_WORD: Function = function(
    "parse-kv words",
    &[Overload {
        parameters: &[text("source"), text("key"), text("quote"), text("escape")],
        returns: Returns::Type(ScalarType::String),
        kernel: Kernel::Columns(|call| {
            let arguments: [Reader<Text>; 4] = std::array::from_fn(|index| Reader::new(call, index));
            each_value(call, |row| {
                let [source, key, quote, escape] = std::array::from_fn(|index| arguments[index].get(row).unwrap_or(""));
                value_of_word(source, key, &Quotes::new(quote, escape))
            })
        }),
    }],
);

/// Gives what the second group of a pattern matches where the first one matches a key: text, key, pattern.
pub static VALUE_BY_PATTERN: Function = function(
    "parse-kv regex",
    &[Overload {
        parameters: &[text("source"), text("key"), text("regex").constant()],
        returns: Returns::Type(ScalarType::String),
        kernel: Kernel::Prepared(by_pattern),
    }],
);

fn by_pattern(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let Some(Some(Value::String(pattern))) = constants.get(2) else {
        return Err(FunctionError::argument(2, "AQ023", "`regex` must be a constant text"));
    };
    let pattern = pattern_of_pairs(pattern).map_err(|message| FunctionError::argument(2, "AQ023", message))?;
    Ok(Arc::new(move |call| {
        let (sources, keys) = (Reader::<Text>::new(call, 0), Reader::<Text>::new(call, 1));
        each_value(call, |row| {
            let (source, key) = (sources.get(row).unwrap_or(""), keys.get(row).unwrap_or(""));
            let group =
                |found: &regex::Captures, number| found.get(number).map_or("", |m| m.as_str()).trim().to_string();
            Ok(pattern.captures_iter(source).find(|found| group(found, 1) == key).map(|found| group(&found, 2)))
        })
    }))
}

/// Reads a pattern that has one group for the key and one for its value.
pub fn pattern_of_pairs(pattern: &str) -> Result<Regex, String> {
    let pattern = super::pattern::compile(pattern).map_err(|error| error.to_string())?;
    match pattern.captures_len() {
        3 => Ok(pattern),
        groups => Err(format!("`regex` has two groups, for the key and for its value; this one has {}", groups - 1)),
    }
}

fn each_value(
    call: &Call,
    value: impl Fn(usize) -> Result<Option<String>, FunctionError>,
) -> Result<arrow::array::ArrayRef, FunctionError> {
    let mut values = StringViewBuilder::with_capacity(call.rows);
    for row in 0..call.rows {
        values.append_value(value(row)?.unwrap_or_default());
    }
    Ok(Arc::new(values.finish()))
}

fn unsettled(what: &str) -> FunctionError {
    FunctionError { code: "AQ001", message: format!("`parse-kv` {what}"), argument: None }
}

/// Where nothing says what parts pairs, any character that is no letter or digit does. Whether words pair up from the
/// first on, or a key may be any word, is not documented: where the two differ nothing is told.
fn value_of_word(text: &str, wanted: &str, quotes: &Quotes) -> Result<Option<String>, FunctionError> {
    let words = quotes.words(text);
    let behind = |at: usize| words.get(at + 1).cloned();
    let anywhere = words.iter().position(|word| word == wanted).and_then(behind);
    let paired = words.chunks(2).find(|pair| pair[0] == wanted).and_then(|pair| pair.get(1).cloned());
    if anywhere != paired {
        return Err(unsettled(
            "without delimiters: which words of this text are keys is not settled; name the delimiters",
        ));
    }
    Ok(paired)
}

/// What protects delimiters.
struct Quotes {
    open: Option<char>,
    close: Option<char>,
    escape: Option<char>,
}

impl Quotes {
    fn new(quote: &str, escape: &str) -> Self {
        let mut quotes = quote.chars();
        let open = quotes.next();
        Quotes { open, close: quotes.next().or(open), escape: escape.chars().next() }
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

    /// Returns the runs of letters and digits, and what stands between quotes.
    fn words(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((word, behind)) = self.quoted(rest) {
                words.push(word);
                rest = behind;
            } else if first.is_alphanumeric() {
                let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                words.push(rest[..end].to_string());
                rest = &rest[end..];
            } else {
                rest = &rest[first.len_utf8()..];
            }
        }
        words
    }
}

/// How pairs are written.
struct Form<'a> {
    pair: &'a str,
    middle: &'a str,
    quotes: Quotes,
}

/// Where a value ends that stands in no quotes.
#[derive(Clone, Copy)]
enum End<'a> {
    /// At the next end of a pair.
    Pair,
    /// At the next end of a pair that some key comes after.
    Key,
    /// At the next end of a pair that one of these keys comes after.
    Listed(&'a str),
}

impl Form<'_> {
    fn value(&self, wanted: &str, text: &str, keys: &str) -> Result<Option<String>, FunctionError> {
        if keys.is_empty() {
            return Ok(self.value_of(wanted, text, End::Pair));
        }
        // Whether any key ends a value or only one that is listed is not documented: where the two differ nothing is told.
        let value = self.value_of(wanted, text, End::Key);
        if value != self.value_of(wanted, text, End::Listed(keys)) {
            return Err(unsettled("with `greedy`: list every key of the text, for where a value ends hangs on them"));
        }
        Ok(value)
    }

    /// The first pair with the key counts (measured).
    fn value_of(&self, wanted: &str, text: &str, end: End) -> Option<String> {
        let mut rest = text;
        while !rest.is_empty() {
            let start = self.trimmed(rest);
            let (key, behind) = match self.quotes.quoted(start) {
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
            let (value, behind) = match self.quotes.quoted(self.trimmed(behind)) {
                Some(found) => found,
                None => {
                    let end = self.end(behind, end);
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

    /// Finds where a value ends.
    fn end(&self, text: &str, end: End) -> usize {
        let mut ends = text.match_indices(self.pair).map(|(at, _)| at);
        let found = match end {
            End::Pair => ends.next(),
            End::Key => {
                // The last end of a pair before what parts a key from its value.
                let mut middles = text.match_indices(self.middle).map(|(at, _)| at);
                middles.find_map(|middle| text[..middle].trim_end().rfind(self.pair))
            }
            End::Listed(keys) => ends.find(|at| {
                let behind = self.trimmed(&text[at + self.pair.len()..]);
                keys.split(BETWEEN_KEYS).any(|key| {
                    let named = match self.quotes.quoted(behind) {
                        Some((word, behind)) => (word == key).then_some(behind),
                        None => behind.strip_prefix(key),
                    };
                    named.is_some_and(|behind| behind.trim_start().starts_with(self.middle))
                })
            }),
        };
        found.unwrap_or(text.len())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(form: (&str, &str, &str), key: &str, text: &str) -> Option<String> {
        let form = Form { pair: form.0, middle: form.1, quotes: Quotes::new(form.2, "\\") };
        form.value_of(key, text, End::Pair)
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
    #[test]
    fn greedy_values_hold_what_parts_pairs() {
        let text = "name=John Doe phone=555 5555 city=New York";
        let form = Form { pair: " ", middle: "=", quotes: Quotes::new("", "") };
        let greedy = |key: &str, keys: &str| form.value(key, text, keys).map_err(|e| e.message);
        let all = "name\u{1}phone\u{1}city";
        assert_eq!(greedy("name", all), Ok(Some("John Doe".into())));
        assert_eq!(greedy("phone", all), Ok(Some("555 5555".into())));
        assert_eq!(greedy("city", all), Ok(Some("New York".into())));
        assert!(greedy("name", "name\u{1}city").is_err());
        assert_eq!(greedy("city", "name\u{1}city"), Ok(Some("New York".into())));
    }

    #[test]
    fn words_pair_up_without_delimiters() {
        let none = Quotes::new("", "");
        let text = "[info] Thread:12, Node:n1, Text: Started";
        assert_eq!(value_of_word(text, "Text", &none).ok(), None);
        let text = "2024 [info] Thread:12, Node:n1, Text: Started";
        assert_eq!(value_of_word(text, "Text", &none).ok(), Some(Some("Started".into())));
        assert_eq!(value_of_word(text, "absent", &none).ok(), Some(None));
        let text = r"a: 'it\'s up' b:2";
        assert_eq!(value_of_word(text, "a", &Quotes::new("'", "\\")).ok(), Some(Some("it's up".into())));
    }

    #[test]
    fn patterns_have_two_groups() {
        assert!(pattern_of_pairs("(a)=(b)").is_ok());
        assert!(pattern_of_pairs("(a)=b").is_err());
        assert!(pattern_of_pairs("(a").is_err());
    }
}
