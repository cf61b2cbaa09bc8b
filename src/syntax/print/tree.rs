//! The tree as nested lists, as `--explain ast` shows it.

use crate::syntax::ast::Query;

/// Prints how a query was understood, without places: `(Pipeline T (where (Binary > x 1)))` over several lines.
///
/// It is made from the `Debug` form of the tree, so that it shows every part there is. Two trees that print the same
/// here are the same but for their places.
pub fn tree(query: &Query) -> String {
    stacker::grow(super::STACK, || {
        let text = format!("{:?}", query.statements);
        let mut reader = Reader { rest: &text };
        let mut lines = String::new();
        for statement in reader.value().parts() {
            write(&statement, 0, &mut lines);
            lines.push('\n');
        }
        lines
    })
}

/// A part of the `Debug` form.
enum Value {
    /// A word, a number or a string.
    Atom(String),
    /// A name with parts, or parts alone.
    List(String, Vec<Value>),
}

impl Value {
    fn parts(self) -> Vec<Value> {
        match self {
            Value::List(_, parts) => parts,
            atom => vec![atom],
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_' && sign != '-');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Reads a string in quotes, its escapes as they are.
    fn string(&mut self) -> &'a str {
        let mut is_escaped = false;
        for (at, sign) in self.rest.char_indices().skip(1) {
            if sign == '"' && !is_escaped {
                let (string, rest) = self.rest.split_at(at + 1);
                self.rest = rest;
                return string;
            }
            is_escaped = sign == '\\' && !is_escaped;
        }
        std::mem::take(&mut self.rest)
    }

    fn value(&mut self) -> Value {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('"') {
            return Value::Atom(self.string().to_string());
        }
        if self.skip("[") {
            return Value::List(String::new(), self.items("]"));
        }
        if self.skip("(") {
            return Value::List(String::new(), self.items(")"));
        }
        let word = self.word().to_string();
        if self.skip("{") {
            return structure(word, self.fields());
        }
        if self.skip("(") {
            return tuple(word, self.items(")"));
        }
        Value::Atom(if word == "None" { "-".to_string() } else { word })
    }

    fn items(&mut self, close: &str) -> Vec<Value> {
        let mut items = Vec::new();
        while !self.skip(close) && !self.rest.is_empty() {
            items.push(self.value());
            self.skip(",");
        }
        items
    }

    fn fields(&mut self) -> Vec<(&'a str, Value)> {
        let mut fields = Vec::new();
        while !self.skip("}") && !self.rest.is_empty() {
            let name = self.word();
            self.skip(":");
            fields.push((name, self.value()));
            self.skip(",");
        }
        fields
    }
}

/// `Some(x)` is shown as `x`, as is an expression's kind that holds one thing of the same name.
fn tuple(word: String, mut items: Vec<Value>) -> Value {
    items.retain(|item| !matches!(item, Value::List(word, _) if word == "Span"));
    match (word.as_str(), items.len()) {
        ("Some" | "Scalar" | "Literal" | "Expr" | "Name" | "Column", 1) => items.remove(0),
        ("Summarize" | "Parse" | "Find" | "Scan" | "MakeSeries" | "MvApply" | "MakeGraph" | "GraphMatch", 1) => {
            items.remove(0)
        }
        (_, 0) => Value::Atom(word),
        _ => Value::List(word, items),
    }
}

/// Parts that are shown without their names.
const PLAIN: &[&str] =
    &["name", "names", "value", "kind", "operator", "left", "right", "source", "base", "member", "operand", "text"];

/// Parts that are shown one after the other, without a list around them.
const SPREAD: &[&str] = &["operators", "arguments", "statements"];

/// Parts of which only `true` is worth showing. `ascending` is not one of them: without a word it has no value.
const FLAGS: &[&str] = &[
    "tuple",
    "wrapped",
    "negated",
    "filter",
    "edges",
    "optional",
    "granny",
    "star",
    "view",
    "in_range",
    "has_by",
    "directed",
    "project_smart",
];

/// Places are left out, and what is not there.
fn structure(word: String, mut fields: Vec<(&str, Value)>) -> Value {
    fields.retain(|(name, value)| match value {
        _ if matches!(*name, "span" | "body_span") => false,
        Value::Atom(text) => text != "-" && !(text == "false" && FLAGS.contains(name)),
        Value::List(word, parts) => !(word.is_empty() && parts.is_empty()),
    });
    match word.as_str() {
        "Name" => return name(fields),
        "Operator" => return operator(fields),
        "Expr" | "Statement" => {
            return fields.into_iter().next().map_or(Value::Atom("-".to_string()), |(_, kind)| kind);
        }
        "NamedExpr" | "Argument" | "OperatorParameter" if fields.len() == 1 => return fields.remove(0).1,
        _ => {}
    }
    let word = match word.as_str() {
        "NamedExpr" | "Argument" | "OperatorParameter" => "=".to_string(),
        "Typed" => String::new(),
        _ => word,
    };
    Value::List(word, fields.into_iter().flat_map(|(name, value)| part(name, value)).collect())
}

fn part(name: &str, value: Value) -> Vec<Value> {
    match value {
        Value::List(word, parts) if word.is_empty() && SPREAD.contains(&name) => parts,
        Value::List(word, mut parts) if word.is_empty() && name == "names" && parts.len() == 1 => vec![parts.remove(0)],
        value if PLAIN.contains(&name) => vec![value],
        Value::List(word, parts) if word.is_empty() => vec![Value::List(format!("{name}:"), parts)],
        Value::Atom(text) if text == "true" && FLAGS.contains(&name) => vec![Value::Atom(name.to_string())],
        value => vec![Value::List(format!("{name}:"), vec![value])],
    }
}

fn name(fields: Vec<(&str, Value)>) -> Value {
    let mut atoms = fields.into_iter().map(|(_, value)| match value {
        Value::Atom(text) => text,
        Value::List(..) => String::new(),
    });
    let text = atoms.next().unwrap_or_default();
    match atoms.next().as_deref() {
        Some("true") => Value::Atom(format!("[{text}]")),
        _ => Value::Atom(text.trim_matches('"').to_string()),
    }
}

/// `(where (Where ...))` is shown as `(where ...)`, by the keyword that was written.
fn operator(fields: Vec<(&str, Value)>) -> Value {
    let mut values = fields.into_iter().map(|(_, value)| value);
    let keyword = match values.next() {
        Some(Value::Atom(keyword)) => keyword,
        _ => String::new(),
    };
    match values.next() {
        Some(Value::List(_, parts)) => Value::List(keyword, parts),
        Some(Value::Atom(kind)) if kind == "Error" => Value::List(keyword, vec![Value::Atom(kind)]),
        _ => Value::List(keyword, Vec::new()),
    }
}

/// Writes a value, on one line where it fits.
fn write(value: &Value, indent: usize, lines: &mut String) {
    let line = on_one_line(value, super::WIDTH);
    let (word, parts) = match (value, line) {
        (_, Some(line)) => return lines.push_str(&line),
        (Value::Atom(text), _) => return lines.push_str(text),
        (Value::List(word, parts), _) => (word, parts),
    };
    lines.push('(');
    lines.push_str(word);
    for (n, part) in parts.iter().enumerate() {
        if n > 0 || !word.is_empty() {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent + 2));
        }
        write(part, indent + 2, lines);
    }
    lines.push(')');
}

/// Returns a value on one line, if it is no longer than `width`.
fn on_one_line(value: &Value, width: usize) -> Option<String> {
    match value {
        Value::Atom(text) => (text.len() <= width).then(|| text.clone()),
        Value::List(word, parts) => {
            let mut line = format!("({word}");
            for part in parts {
                if line.len() > 1 {
                    line.push(' ');
                }
                line.push_str(&on_one_line(part, width.checked_sub(line.len())?)?);
            }
            line.push(')');
            (line.len() <= width).then_some(line)
        }
    }
}
