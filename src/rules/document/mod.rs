//! A document as a tree whose every part knows its place in the file: YAML, JSON and Terraform read alike.

pub mod hcl;
pub mod json;
pub mod yaml;

use crate::diagnostic::{Diagnostic, Span};

/// A value and where it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub span: Span,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// What a part of a document is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As it is written, but for JSON: `1.10` is no `1.1` where it is a version.
    Number(String),
    Text(String),
    /// What only a deployment can tell: `[parameters('workspace')]` of a template, `var.workspace` of Terraform.
    Expression(String),
    List(Vec<Node>),
    /// In the order of the file; a key may stand twice.
    Map(Vec<Entry>),
}

/// A key and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Located<String>,
    pub value: Node,
}

impl Entry {
    /// Makes an entry that stands nowhere.
    pub fn new(key: &str, value: Node) -> Self {
        Entry { key: Located { value: key.to_string(), span: Span::default() }, value }
    }
}

impl Node {
    /// Makes a part that stands nowhere: what is written and was not read.
    pub fn new(value: Value) -> Self {
        Node { value, span: Span::default() }
    }

    /// Makes a text that stands nowhere.
    pub fn text(text: impl Into<String>) -> Self {
        Node::new(Value::Text(text.into()))
    }

    /// Returns the entries of a map; of anything else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; of anything else none.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns what belongs to a key, in the spelling of the file or another; null is nothing.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let found = self.entries().iter().find(|entry| entry.key.value.eq_ignore_ascii_case(key));
        found.map(|entry| &entry.value).filter(|node| !node.is_null())
    }

    /// Returns every part that only a deployment can tell, with its place, in the order of the file.
    pub fn open(&self) -> Vec<(Span, &str)> {
        match &self.value {
            Value::Expression(text) => vec![(self.span, text)],
            Value::List(items) => items.iter().flat_map(Node::open).collect(),
            Value::Map(entries) => entries.iter().flat_map(|entry| entry.value.open()).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Vec::new(),
        }
    }

    /// Returns what a path of keys leads to.
    pub fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns a scalar as it is written; none of a list, a map or null.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) | Value::Expression(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns a scalar with its place; an empty text is nothing.
    pub fn located(&self) -> Option<Located<String>> {
        let text = self.as_text().filter(|text| !text.is_empty())?;
        Some(Located { value: text.to_string(), span: self.span })
    }

    /// Tells whether nothing stands here.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// Names what this is, for a message.
    pub fn what(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::Expression(_) => "an expression",
            Value::List(_) => "a list",
            Value::Map(_) => "a group of keys",
        }
    }
}

/// Makes the problem of a file that is not in the language that it should be.
fn unreadable(span: Span, reason: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error("AQ500", span, format!("the file cannot be read: {reason}"))
}
