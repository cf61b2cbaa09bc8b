//! Holds what a file says against the keys of a rule, and gives each key the name that ARM has.

use super::key::{self, Key, Shape, Words};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::rules::document::{Entry, Located, Node, Value};
use crate::rules::model::{Duration, Form, Kind};

/// Reads the keys of one file.
pub(super) struct Fitter {
    pub(super) form: Form,
    pub(super) problems: Vec<Diagnostic>,
}

/// The keys of a rule.
pub(super) struct Fitted {
    pub(super) document: Node,
    /// One of them could not be read.
    pub(super) faulty: bool,
}

impl Fitter {
    /// Reads the keys of a rule, apart from `id` and `kind`.
    pub(super) fn rule(&mut self, kind: Kind, entries: &[Entry]) -> Fitted {
        let before = self.problems.len();
        let entries = self.entries(entries, &key::keys(kind), Some(kind));
        let faulty = self.problems[before..].iter().any(Diagnostic::is_error);
        Fitted { document: Node::new(Value::Map(entries)), faulty }
    }

    fn entries(&mut self, entries: &[Entry], keys: &[Key], kind: Option<Kind>) -> Vec<Entry> {
        let mut read: Vec<Entry> = Vec::new();
        for entry in entries {
            let Some(known) = self.known(&entry.key.value, keys) else {
                self.unknown(&entry.key, keys, kind);
                read.push(entry.clone());
                continue;
            };
            if read.iter().any(|before| before.key.value == known.name) {
                let message = format!("the key '{}' stands here a second time", entry.key.value);
                self.problems.push(Diagnostic::error("AQ513", entry.key.span, message).help("keep one of the two"));
                continue;
            }
            let key = Located { value: known.name.to_string(), span: entry.key.span };
            match self.value(&entry.value, known, &entry.key.value) {
                Some(value) => read.push(Entry { key, value }),
                None if entry.value.is_null() => {}
                // What is wrong has been told, and is not missing as well.
                None => read.push(Entry { key, value: Node { value: Value::Null, span: entry.value.span } }),
            }
        }
        read
    }

    fn known<'a>(&self, written: &str, keys: &'a [Key]) -> Option<&'a Key> {
        let spells = |key: &&Key| key.spellings(self.form).iter().any(|name| name.eq_ignore_ascii_case(written));
        keys.iter().find(spells)
    }

    fn unknown(&mut self, written: &Located<String>, keys: &[Key], kind: Option<Kind>) {
        let name = &written.value;
        if let (Some(kind), Some(_)) = (kind, self.known(name, &key::all())) {
            let message = format!("'{name}' means nothing in a rule of kind {}", kind.word());
            self.problems.push(Diagnostic::warning("AQ512", written.span, message).help("take the key away"));
            return;
        }
        let problem = Diagnostic::warning("AQ511", written.span, format!("unknown key '{name}'"));
        let mut spellings: Vec<&str> =
            keys.iter().filter_map(|key| key.spellings(self.form).first().copied()).collect();
        // What another form of file calls so.
        let foreign = keys
            .iter()
            .find(|key| [key.name, key.yaml].iter().chain(key.terraform).any(|other| other.eq_ignore_ascii_case(name)));
        let help = match foreign.and_then(|key| key.spellings(self.form).first().copied()) {
            Some(own) => format!("here it is called '{own}'"),
            None => match nearest(name, spellings.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => {
                    spellings.sort_unstable();
                    format!("Sentinel leaves it out; the keys here are: {}", spellings.join(", "))
                }
            },
        };
        self.problems.push(problem.help(help));
    }

    /// Reads what belongs to a key; none where nothing stands there, or something wrong.
    fn value(&mut self, node: &Node, key: &Key, written: &str) -> Option<Node> {
        if node.is_null() {
            return None;
        }
        if let (Value::Expression(text), false) = (&node.value, matches!(key.shape, Shape::Open)) {
            self.problems.push(self.unresolved(node.span, written, text));
            return Some(node.clone());
        }
        match key.shape {
            Shape::Open => Some(node.clone()),
            Shape::Text => self.text(node, written),
            Shape::Bool => match node.as_text().map(str::to_ascii_lowercase).as_deref() {
                Some("true") => Some(Node { value: Value::Bool(true), span: node.span }),
                Some("false") => Some(Node { value: Value::Bool(false), span: node.span }),
                _ => self.wrong(node, written, "true or false"),
            },
            Shape::Integer => match node.as_text().map(str::trim).filter(|text| text.parse::<i64>().is_ok()) {
                Some(text) => Some(Node { value: Value::Number(text.to_string()), span: node.span }),
                None => self.wrong(node, written, "a whole number"),
            },
            Shape::Duration => self.duration(node, written),
            Shape::Word(words) => self.word(node, words),
            Shape::Texts => {
                let items = self.items(node, written)?;
                Some(list(node, items.iter().filter_map(|item| self.text(item, written)).collect()))
            }
            Shape::WordList(words) => {
                let items = self.items(node, written)?;
                Some(list(node, items.iter().filter_map(|item| self.word(item, words)).collect()))
            }
            Shape::Group(keys) => {
                let group = self.group(node, written)?;
                let entries = self.entries(group.entries(), keys, None);
                Some(Node { value: Value::Map(entries), span: group.span })
            }
            Shape::Groups(keys) => {
                let items = self.items(node, written)?;
                let mut groups = Vec::new();
                for item in &items {
                    if let Some(group) = self.group(item, written) {
                        let entries = self.entries(group.entries(), keys, None);
                        groups.push(Node { value: Value::Map(entries), span: group.span });
                    }
                }
                Some(list(node, groups))
            }
            Shape::Details => {
                let group = self.group(node, written)?;
                let mut details = Vec::new();
                for entry in group.entries() {
                    if let Some(value) = self.text(&entry.value, &entry.key.value) {
                        details.push(Entry { key: entry.key.clone(), value });
                    }
                }
                Some(Node { value: Value::Map(details), span: group.span })
            }
        }
    }

    fn text(&mut self, node: &Node, written: &str) -> Option<Node> {
        match &node.value {
            Value::Null => None,
            Value::Expression(text) => {
                self.problems.push(self.unresolved(node.span, written, text));
                Some(node.clone())
            }
            _ => match node.as_text() {
                Some(text) => Some(Node { value: Value::Text(text.to_string()), span: node.span }),
                None => self.wrong(node, written, "a text"),
            },
        }
    }

    fn duration(&mut self, node: &Node, written: &str) -> Option<Node> {
        let text = node.as_text().unwrap_or_default();
        let example = if self.form == Form::Yaml { "5m, 1h, 14d" } else { "PT5M, PT1H, P14D" };
        let Some(duration) = Duration::read(text) else {
            let message = match node.as_text() {
                Some(text) => format!("'{text}' is no duration"),
                None => format!("'{written}' takes a duration, not {}", node.what()),
            };
            self.problems.push(Diagnostic::error("AQ504", node.span, message).help(format!("say it as in: {example}")));
            return None;
        };
        let iso = text.starts_with(['P', 'p']);
        let (fits, right) = match self.form {
            Form::Yaml => (!iso, duration.short()),
            Form::Arm | Form::Rest | Form::Terraform => (iso, duration.iso()),
            Form::AzSentinel => (true, String::new()),
        };
        if !fits {
            let message = format!("'{text}' is how other forms of rule files spell a duration");
            self.problems.push(Diagnostic::warning("AQ504", node.span, message).help(format!("here it is '{right}'")));
        }
        Some(Node { value: Value::Text(duration.iso()), span: node.span })
    }

    fn word(&mut self, node: &Node, words: Words) -> Option<Node> {
        if let Value::Expression(text) = &node.value {
            self.problems.push(self.unresolved(node.span, words.what, text));
            return Some(node.clone());
        }
        let text = node.as_text().unwrap_or_default();
        let known = words.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let Some((word, meaning)) = known {
            if *word != text && self.form != Form::AzSentinel {
                let message = format!("'{text}' is written '{word}'");
                self.problems.push(Diagnostic::warning("AQ502", node.span, message).help("mind the case"));
            }
            return Some(Node { value: Value::Text(meaning.to_string()), span: node.span });
        }
        let message = match node.as_text() {
            Some(text) => format!("'{text}' is no {}", words.what),
            None => format!("{} is no {}", node.what(), words.what),
        };
        let spellings = words.words.iter().map(|(word, _)| *word);
        self.problems.push(word_problem(node.span, message, text, spellings));
        None
    }

    /// Returns the items of a list; one thing alone is a list of one in Terraform.
    fn items(&mut self, node: &Node, written: &str) -> Option<Vec<Node>> {
        match &node.value {
            Value::List(items) => Some(items.iter().filter(|item| !item.is_null()).cloned().collect()),
            Value::Map(_) if self.form == Form::Terraform => Some(vec![node.clone()]),
            _ => {
                self.wrong(node, written, "a list");
                None
            }
        }
    }

    /// Returns a group of keys; a block of Terraform is a list of one.
    fn group(&mut self, node: &Node, written: &str) -> Option<Node> {
        match &node.value {
            Value::Map(_) => Some(node.clone()),
            Value::List(items) if self.form == Form::Terraform => match items.as_slice() {
                [one @ Node { value: Value::Map(_), .. }] => Some(one.clone()),
                _ => self.wrong(node, written, "one block"),
            },
            _ => self.wrong(node, written, "a group of keys"),
        }
    }

    fn wrong(&mut self, node: &Node, written: &str, expected: &str) -> Option<Node> {
        let found = match node.as_text() {
            Some(text) if text.len() < 40 => format!("'{text}'"),
            _ => node.what().to_string(),
        };
        let message = format!("'{written}' takes {expected}, not {found}");
        self.problems.push(Diagnostic::error("AQ514", node.span, message).help(format!("write {expected}")));
        None
    }

    /// Tells what stays open until somebody deploys the file.
    fn unresolved(&self, span: Span, written: &str, text: &str) -> Diagnostic {
        let short: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
        let message = format!("'{written}' is only known when this is deployed: {short}");
        let help = match self.form {
            Form::Terraform => "what depends on it is not checked; a literal would be",
            _ => "what depends on it is not checked; a parameter with a defaultValue would be",
        };
        Diagnostic { severity: crate::diagnostic::Severity::Information, ..Diagnostic::error("AQ515", span, message) }
            .help(help)
    }
}

/// Tells which word may have been meant.
pub(super) fn word_problem<'a>(
    span: Span,
    message: String,
    written: &str,
    words: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let problem = Diagnostic::error("AQ502", span, message);
    match nearest(written, words.clone()) {
        Some(near) => problem.help(format!("did you mean '{near}'?")),
        None => problem.help(format!("say one of: {}", words.collect::<Vec<_>>().join(", "))),
    }
}

fn list(node: &Node, items: Vec<Node>) -> Node {
    Node { value: Value::List(items), span: node.span }
}
