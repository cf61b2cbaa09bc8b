//! Terraform's language with the place of every part: blocks are lists of groups of keys, attributes are keys.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::{Element, Strip};

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

/// Returns the text of a file that another names, by its path from there; None where it cannot be read.
pub type Load<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Reads the `resource` and `locals` blocks of a file. Fails with the place where it stops being Terraform.
pub fn read(text: &str, load: Load) -> Result<File, Diagnostic> {
    if let Some(at) = too_deep(text) {
        return Err(unreadable(Span::new(at, at), format!("brackets nest more than {DEEPEST} deep")));
    }
    let body = hcl_edit::parser::parse_body(text).map_err(|error| {
        let at = error.location().offset().min(text.len());
        unreadable(Span::new(at, at), error.message())
    })?;
    let reader = Reader { text, names: names(&body), left: Cell::new(MOST), of_path: Cell::new(false), load };
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
    /// What names stand for, as far as the file says: `var.x` that has a default, `local.x`.
    names: HashMap<String, &'a Expression>,
    /// How much may still be put in the place of names.
    left: Cell<usize>,
    /// A path is read: the folders that Terraform has names for are that of the file.
    of_path: Cell<bool>,
    load: Load<'a>,
}

/// Names of folders, of which the file's own is the one that is meant where it is deployed as it stands (documented).
const FOLDERS: [&str; 3] = ["path.module", "path.root", "path.cwd"];

/// Bytes that are put in the place of names, and names: what doubles with each name would soon be without end.
const MOST: usize = 1 << 20;
/// Names lead on to names no further than this: some lead to themselves.
const FARTHEST: usize = 10;

fn names(body: &Body) -> HashMap<String, &Expression> {
    let locals = body.get_blocks("locals").flat_map(|block| block.body.attributes());
    let locals = locals.map(|attribute| (format!("local.{}", attribute.key.as_str()), &attribute.value));
    let variables = body.get_blocks("variable").filter_map(|block| {
        let default = block.body.get_attribute("default")?;
        Some((format!("var.{}", block.labels.first()?.as_str()), &default.value))
    });
    locals.chain(variables).collect()
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
        let place = span(block.span());
        let (name, group) = match block.labels.first().filter(|_| block.ident.as_str() == "dynamic") {
            // How many there are, and what they say, is known when it is deployed.
            Some(label) => (label.as_str().to_string(), Node { value: self.open(place), span: place }),
            None => (block.ident.to_string(), Node { value: Value::Map(self.body(&block.body)), span: place }),
        };
        let is_open = |node: &Node| matches!(node.value, Value::Expression(_));
        match entries.iter_mut().find(|entry| entry.key.value == name) {
            Some(known) if is_open(&known.value) => {}
            Some(known) if is_open(&group) => known.value = group,
            Some(Entry { value: Node { value: Value::List(groups), .. }, .. }) => groups.push(group),
            None if is_open(&group) => {
                let key = Located { value: name, span: span(block.ident.span()) };
                entries.push(Entry { key, value: group });
            }
            _ => {
                let list = Node { span: group.span, value: Value::List(vec![group]) };
                entries.push(Entry { key: Located { value: name, span: span(block.ident.span()) }, value: list });
            }
        }
    }

    fn expression(&self, expression: &Expression) -> Node {
        self.followed(expression, 0)
    }

    fn followed(&self, expression: &Expression, steps: usize) -> Node {
        let place = span(expression.span());
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(value) => Value::Bool(*value.value()),
            Expression::Number(number) => Value::Number(number.value().to_string()),
            Expression::String(text) => Value::Text(text.value().clone()),
            Expression::Array(items) => Value::List(items.iter().map(|item| self.followed(item, steps)).collect()),
            Expression::Object(object) => {
                let entry = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| Entry {
                    key: self.key(key),
                    value: self.followed(value.expr(), steps),
                };
                Value::Map(object.iter().map(entry).collect())
            }
            Expression::Parenthesis(inner) => return self.followed(inner.inner(), steps),
            Expression::Traversal(traversal) => match self.names.get(&name_of(traversal)) {
                None if self.of_path.get() && FOLDERS.contains(&name_of(traversal).as_str()) => {
                    Value::Text(".".to_string())
                }
                Some(known) if steps < FARTHEST && self.spend(1) => return self.followed(known, steps + 1),
                _ => self.open(place),
            },
            Expression::FuncCall(call) => match self.trimmed(call, steps) {
                Some(node) => return node,
                None => self.open(place),
            },
            Expression::StringTemplate(template) => match self.filled(template.iter(), steps) {
                Some(text) => Value::Text(text),
                None => self.open(place),
            },
            Expression::HeredocTemplate(heredoc) => {
                // The text begins in the line below the sign.
                let below = self.text.get(place.start..place.end).and_then(|text| text.find('\n'));
                let inner = Span::new(below.map_or(place.start, |line| place.start + line + 1), place.end);
                match self.filled(heredoc.template.iter(), steps) {
                    Some(text) => return Node { value: Value::Text(text), span: inner },
                    None => self.open(place),
                }
            }
            _ => self.open(place),
        };
        Node { value, span: place }
    }

    /// Returns the text of a template, where all in it is known.
    fn filled<'e>(&self, elements: impl Iterator<Item = &'e Element>, steps: usize) -> Option<String> {
        let part = |element: &Element| match element {
            Element::Literal(text) => Some(text.value().clone()),
            Element::Interpolation(inner) if inner.strip == Strip::None => {
                let node = self.followed(&inner.expr, steps + 1);
                let known = !matches!(node.value, Value::Expression(_) | Value::Null);
                node.as_text().filter(|text| known && self.spend(text.len())).map(str::to_string)
            }
            Element::Interpolation(_) | Element::Directive(_) => None,
        };
        elements.map(part).collect()
    }

    /// Returns the text that `file` reads; None where its path is not known or leads to no text.
    fn loaded(&self, path: &Expression, steps: usize) -> Option<String> {
        let before = self.of_path.replace(true);
        let node = self.followed(path, steps);
        self.of_path.set(before);
        match node.value {
            Value::Text(path) => (self.load)(Path::new(&path)).filter(|text| self.spend(text.len())),
            _ => None,
        }
    }

    /// Returns what `trimspace` and `chomp` make of a text that is known: heredocs stand in them, and files.
    fn trimmed(&self, call: &FuncCall, steps: usize) -> Option<Node> {
        let mut arguments = call.args.iter();
        let (Some(argument), None) = (arguments.next(), arguments.next()) else { return None };
        if call.name.name.as_str() == "file" && !call.name.is_namespaced() {
            let text = self.loaded(argument, steps)?;
            return Some(Node { value: Value::Text(text), span: span(call.span()) });
        }
        let node = self.followed(argument, steps);
        let Value::Text(text) = &node.value else { return None };
        let text = match call.name.name.as_str() {
            _ if call.name.is_namespaced() => return None,
            "trimspace" => text.trim(),
            "chomp" => text.trim_end_matches(['\n', '\r']),
            _ => return None,
        };
        Some(Node { value: Value::Text(text.to_string()), span: node.span })
    }

    /// Tells whether so much may still be put in the place of names.
    fn spend(&self, much: usize) -> bool {
        let left = self.left.get().checked_sub(much);
        self.left.set(left.unwrap_or(0));
        left.is_some()
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

/// Writes a name of two parts as it stands in the file; empty for all else.
fn name_of(traversal: &Traversal) -> String {
    match (&traversal.expr, &traversal.operators[..]) {
        (Expression::Variable(first), [operator]) => match operator.value() {
            TraversalOperator::GetAttr(second) => format!("{}.{}", first.as_str(), second.as_str()),
            _ => String::new(),
        },
        _ => String::new(),
    }
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

    /// Returns the values of the keys of the one resource.
    fn values(text: &str) -> Vec<(String, Value)> {
        let file = read(text, &|_| None).ok().unwrap();
        file.resources[0]
            .body
            .entries()
            .iter()
            .map(|entry| (entry.key.value.clone(), entry.value.value.clone()))
            .collect()
    }

    #[test]
    fn names_that_the_file_answers_are_what_they_stand_for() {
        let text = "variable \"on\" { default = true }\nvariable \"ws\" {}\nlocals {\n  a = local.b\n  b = \"High\"\n  c = local.c\n}\n\
            resource \"x\" \"y\" {\n  on = var.on\n  ws = var.ws\n  a = local.a\n  c = local.c\n  d = \"is ${local.a}, ${var.ws}\"\n  \
            e = \"is ${local.a}\"\n  f = trimspace(<<-E\n    T\n      | x\n  E\n  )\n  g = upper(\"x\")\n}\n";
        let open = |text: &str| Value::Expression(text.to_string());
        let text_of = |text: &str| Value::Text(text.to_string());
        let expected = [
            ("on", Value::Bool(true)),
            ("ws", open("var.ws")),
            ("a", text_of("High")),
            ("c", open("local.c")),
            ("d", open("\"is ${local.a}, ${var.ws}\"")),
            ("e", text_of("is High")),
            ("f", text_of("T\n  | x")),
            ("g", open("upper(\"x\")")),
        ];
        assert_eq!(values(text), expected.map(|(key, value)| (key.to_string(), value)));
    }

    #[test]
    fn what_doubles_with_each_name_ends() {
        let names = (1..10).map(|n| format!("  n{n} = \"{}\"\n", format!("${{local.n{}}}", n - 1).repeat(20)));
        let text = format!(
            "locals {{\n  n0 = \"x\"\n{}}}\nresource \"x\" \"y\" {{ a = local.n9 }}\n",
            names.collect::<String>()
        );
        assert!(matches!(&values(&text)[..], [(_, Value::Expression(_))]));
    }

    #[test]
    fn files_are_what_they_hold() {
        let load = |path: &Path| (path == Path::new("./q/a.kql")).then(|| "T\n".to_string());
        let text = "locals { dir = \"${path.module}/q\" }\nresource \"x\" \"y\" {\n  a = file(\"./q/a.kql\")\n  \
            b = trimspace(file(\"${path.module}/q/a.kql\"))\n  c = file(\"${path.module}/q/b.kql\")\n  \
            d = file(\"${local.dir}/a.kql\")\n  e = \"${path.module}\"\n  f = file(var.x)\n}\n";
        let file = read(text, &load).ok().unwrap();
        let values: Vec<_> = file.resources[0].body.entries().iter().map(|entry| entry.value.value.clone()).collect();
        let open = |text: &str| Value::Expression(text.to_string());
        let text_of = |text: &str| Value::Text(text.to_string());
        let expected = [
            text_of("T\n"),
            text_of("T"),
            open("file(\"${path.module}/q/b.kql\")"),
            text_of("T\n"),
            open("\"${path.module}\""),
            open("file(var.x)"),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn dynamic_blocks_are_open() {
        let dynamic = "dynamic \"m\" {\n  for_each = var.all\n  content {}\n}\n";
        for blocks in [dynamic.to_string(), format!("m {{}}\n{dynamic}"), format!("{dynamic}m {{}}\n")] {
            let found = values(&format!("resource \"x\" \"y\" {{\n{blocks}}}\n"));
            assert!(matches!(&found[..], [(key, Value::Expression(_))] if key == "m"), "{found:?}");
        }
    }

    #[test]
    fn what_is_no_terraform_has_a_place() {
        let problem = read("resource \"a\" \"b\" {\n  x = = 1\n}\n", &|_| None).err().unwrap();
        assert_eq!((problem.code, problem.span.start > 10), ("AQ500", true));
        assert_eq!(read(&format!("a = {}", "[".repeat(100_000)), &|_| None).err().unwrap().code, "AQ500");
        assert_eq!(
            read(&format!("a = {}1", "!".repeat(1_000)), &|_| None).map(|found| found.resources.len()).unwrap_or(0),
            0
        );
    }
}
