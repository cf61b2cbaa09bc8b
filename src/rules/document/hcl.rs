//! Terraform's language with the place of every part: blocks are lists of groups of keys, attributes are keys.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::{Element, Template};

use super::{Entry, Located, Node, Value, unreadable};
use crate::diagnostic::{Diagnostic, Span};

/// Brackets nest no deeper than this.
const DEEPEST: usize = 200;

/// A block at the top of a file: `resource "type" "name" { ... }`.
pub struct Resource {
    /// The type and the name.
    pub labels: Vec<String>,
    pub body: Node,
}

/// What a file has of rules.
pub struct File {
    pub resources: Vec<Resource>,
    /// The names of its `locals`, and their values.
    pub locals: Vec<Entry>,
}

/// Reads the `resource` and `locals` blocks of a file. Fails with the place where it stops being Terraform.
pub fn read(text: &str) -> Result<File, Diagnostic> {
    if let Some(at) = too_deep(text) {
        return Err(unreadable(Span::new(at, at), format!("brackets nest more than {DEEPEST} deep")));
    }
    let body = hcl_edit::parser::parse_body(text).map_err(|error| {
        let at = error.location().offset().min(text.len());
        unreadable(Span::new(at, at), error.message())
    })?;
    let reader = Reader { text };
    let resource = |block: &Block| Resource {
        labels: block.labels.iter().map(|label| label.as_str().to_string()).collect(),
        body: Node { value: Value::Map(reader.body(&block.body)), span: span(block.span()) },
    };
    Ok(File {
        resources: body.get_blocks("resource").map(resource).collect(),
        locals: body.get_blocks("locals").flat_map(|block| reader.body(&block.body)).collect(),
    })
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn body(&self, body: &Body) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => {
                    let key = Located { value: attribute.key.to_string(), span: span(attribute.key.span()) };
                    entries.push(Entry { key, value: self.expression(&attribute.value) });
                }
                Structure::Block(block) => self.block(block, &mut entries),
            }
        }
        entries
    }

    /// Adds a block to those of its name.
    fn block(&self, block: &Block, entries: &mut Vec<Entry>) {
        let name = block.ident.to_string();
        let group = Node { value: Value::Map(self.body(&block.body)), span: span(block.span()) };
        match entries.iter_mut().find(|entry| entry.key.value == name) {
            Some(Entry { value: Node { value: Value::List(groups), .. }, .. }) => groups.push(group),
            _ => {
                let list = Node { span: group.span, value: Value::List(vec![group]) };
                entries.push(Entry { key: Located { value: name, span: span(block.ident.span()) }, value: list });
            }
        }
    }

    fn expression(&self, expression: &Expression) -> Node {
        let place = span(expression.span());
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.value()),
            Expression::Number(number) => Value::Number(number.value().to_string()),
            Expression::String(text) => Value::Text(text.value().clone()),
            Expression::Array(items) => Value::List(items.iter().map(|item| self.expression(item)).collect()),
            Expression::Object(object) => {
                let entry = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| Entry {
                    key: self.key(key),
                    value: self.expression(value.expr()),
                };
                Value::Map(object.iter().map(entry).collect())
            }
            Expression::Parenthesis(inner) => return self.expression(inner.inner()),
            Expression::HeredocTemplate(heredoc) => {
                // The text begins in the line below the sign.
                let below = self.text.get(place.start..place.end).and_then(|text| text.find('\n'));
                let inner = Span::new(below.map_or(place.start, |line| place.start + line + 1), place.end);
                match literal(&heredoc.template) {
                    Some(text) => return Node { value: Value::Text(text), span: inner },
                    None => self.open(place),
                }
            }
            _ => self.open(place),
        };
        Node { value, span: place }
    }

    /// Keeps what only Terraform can tell as it is written.
    fn open(&self, place: Span) -> Value {
        Value::Expression(self.text.get(place.start..place.end).unwrap_or_default().trim().to_string())
    }

    fn key(&self, key: &ObjectKey) -> Located<String> {
        let (value, range) = match key {
            ObjectKey::Ident(name) => (name.to_string(), name.span()),
            ObjectKey::Expression(Expression::String(text)) => (text.value().clone(), text.span()),
            ObjectKey::Expression(other) => (other.to_string(), other.span()),
        };
        Located { value: value.trim().to_string(), span: span(range) }
    }
}

/// Returns a text without interpolations; none where it has some.
fn literal(template: &Template) -> Option<String> {
    let part = |element: &Element| match element {
        Element::Literal(text) => Some(text.value().clone()),
        Element::Interpolation(_) | Element::Directive(_) => None,
    };
    template.iter().map(part).collect()
}

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    range.map_or(Span::default(), |range| Span::new(range.start, range.end))
}

/// Returns where brackets nest too deep for a reader that follows them.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().enumerate().find_map(|(at, byte)| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth > DEEPEST).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_terraform_has_a_place() {
        let problem = read("resource \"a\" \"b\" {\n  x = = 1\n}\n").err().unwrap();
        assert_eq!((problem.code, problem.span.start > 10), ("AQ500", true));
        assert_eq!(read(&format!("a = {}", "[".repeat(100_000))).err().unwrap().code, "AQ500");
        assert_eq!(read(&format!("a = {}1", "!".repeat(1_000))).map(|found| found.resources.len()).unwrap_or(0), 0);
    }
}
