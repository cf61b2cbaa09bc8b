//! Expressions of templates: `[concat(parameters('workspace'), '/Microsoft.SecurityInsights/...')]`.
//!
//! What parameters, variables and literals tell is put in; everything else is only known where the template is
//! deployed. Syntax as documented for templates of Azure Resource Manager.

use std::cell::Cell;

use crate::rules::document::{Entry, Located, Node, Value};

/// Parameters and variables, the innermost template first.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'a> {
    templates: Vec<&'a Node>,
    /// The iteration of the loop that a resource is repeated by.
    iteration: Option<usize>,
}

/// Expressions lead to each other no further than this: they may lead to themselves.
const DEEPEST: usize = 32;

/// Expressions of one value are evaluated at most so often: variables may double.
const MOST: usize = 10_000;

/// Stands for a part that is not known, where the rest of the text is wanted nevertheless.
pub(super) const UNKNOWN: char = '\u{fffd}';

impl<'a> Scope<'a> {
    /// Returns the scope inside of a template, which has parameters and variables of its own.
    pub(super) fn within(&self, template: &'a Node) -> Scope<'a> {
        let mut templates = vec![template];
        templates.extend(&self.templates);
        Scope { templates, iteration: self.iteration }
    }

    /// Returns the scope of one iteration of a loop.
    pub(super) fn iteration(&self, iteration: usize) -> Scope<'a> {
        Scope { iteration: Some(iteration), ..self.clone() }
    }

    /// Puts in what is known; what is not becomes [`Value::Expression`].
    pub(super) fn resolve(&self, node: &Node) -> Node {
        Evaluator::new(self, false).resolve(node, 0)
    }

    /// Returns a text in which [`UNKNOWN`] stands for what is not known.
    pub(super) fn partly(&self, node: &Node) -> Option<String> {
        Evaluator::new(self, true).resolve(node, 0).as_text().map(str::to_string)
    }

    fn declared(&self, group: &str, name: &str) -> Option<&'a Node> {
        self.templates.iter().find_map(|template| template.get(group)?.get(name))
    }
}

struct Evaluator<'a, 'b> {
    scope: &'b Scope<'a>,
    /// Unknown texts are [`UNKNOWN`], and the rest goes on.
    lenient: bool,
    evaluated: Cell<usize>,
}

impl<'a, 'b> Evaluator<'a, 'b> {
    fn new(scope: &'b Scope<'a>, lenient: bool) -> Self {
        Evaluator { scope, lenient, evaluated: Cell::new(0) }
    }

    fn resolve(&self, node: &Node, depth: usize) -> Node {
        let value = match &node.value {
            Value::Text(text) => return self.text(node, text, depth),
            Value::List(items) => Value::List(items.iter().map(|item| self.resolve(item, depth)).collect()),
            Value::Map(entries) => {
                let entry = |entry: &Entry| Entry { key: entry.key.clone(), value: self.resolve(&entry.value, depth) };
                Value::Map(entries.iter().map(entry).collect())
            }
            other => other.clone(),
        };
        Node { value, span: node.span }
    }

    fn text(&self, node: &Node, text: &str, depth: usize) -> Node {
        if let Some(rest) = text.strip_prefix("[[") {
            return Node { value: Value::Text(format!("[{rest}")), span: node.span };
        }
        let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else { return node.clone() };
        let mut rest = inner;
        match self.expression(&mut rest, depth + 1).filter(|_| rest.trim().is_empty()) {
            // What is written elsewhere has its place there; what is put together here has this one.
            Some(known) if known.span.end > 0 => known,
            Some(known) => Node { value: known.value, span: node.span },
            None => Node { value: Value::Expression(text.to_string()), span: node.span },
        }
    }

    /// Reads and evaluates an expression; none where it is not known, or none.
    fn expression(&self, rest: &mut &str, depth: usize) -> Option<Node> {
        self.evaluated.set(self.evaluated.get() + 1);
        if depth > DEEPEST || self.evaluated.get() > MOST {
            return None;
        }
        let mut value = self.primary(rest, depth);
        loop {
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(after.len());
                value = value.and_then(|value| value.get(&after[..end]).cloned());
                *rest = &after[end..];
            } else if let Some(after) = rest.strip_prefix('[') {
                *rest = after;
                let index = self.expression(rest, depth + 1);
                *rest = rest.trim_start().strip_prefix(']')?;
                value = value.zip(index).and_then(|(value, index)| element(&value, &index));
            } else {
                return value;
            }
        }
    }

    fn primary(&self, rest: &mut &str, depth: usize) -> Option<Node> {
        *rest = rest.trim_start();
        if rest.starts_with('\'') {
            return literal(rest).map(Node::text);
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        if name.parse::<i64>().is_ok() {
            return Some(Node::new(Value::Number(name.to_string())));
        }
        *rest = rest.trim_start().strip_prefix('(')?;
        let arguments = self.arguments(rest, depth)?;
        self.call(&name.to_ascii_lowercase(), &arguments, depth)
    }

    /// Reads arguments up to the bracket that ends them; those that are not known are None.
    fn arguments(&self, rest: &mut &str, depth: usize) -> Option<Vec<Option<Node>>> {
        let mut arguments = Vec::new();
        loop {
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(')') {
                *rest = after;
                return Some(arguments);
            }
            if !arguments.is_empty() {
                *rest = rest.strip_prefix(',')?;
            }
            let before = rest.len();
            arguments.push(self.expression(rest, depth + 1));
            if rest.len() == before {
                return None;
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Option<Node>], depth: usize) -> Option<Node> {
        let known = self.known(name, arguments, depth);
        if known.is_none() && self.lenient { Some(Node::text(UNKNOWN.to_string())) } else { known }
    }

    fn known(&self, name: &str, arguments: &[Option<Node>], depth: usize) -> Option<Node> {
        let argument = |at: usize| arguments.get(at)?.as_ref();
        let text = |at: usize| argument(at)?.as_text();
        match name {
            "parameters" => {
                let value = self.scope.declared("parameters", text(0)?)?.get("defaultValue")?;
                self.settled(value, depth)
            }
            "variables" => self.settled(self.scope.declared("variables", text(0)?)?, depth),
            "concat" if argument(0)?.items().is_empty() => arguments
                .iter()
                .map(|part| part.as_ref()?.as_text().map(str::to_string))
                .collect::<Option<String>>()
                .map(Node::text),
            "concat" | "createarray" => {
                let parts: Vec<Node> = arguments.iter().cloned().collect::<Option<_>>()?;
                let items = |part: Node| if name == "concat" { part.items().to_vec() } else { vec![part] };
                Some(Node::new(Value::List(parts.into_iter().flat_map(items).collect())))
            }
            "createobject" => {
                let parts: Vec<Node> = arguments.iter().cloned().collect::<Option<_>>()?;
                let entry = |pair: &[Node]| Some(Entry { key: pair.first()?.located()?, value: pair.get(1)?.clone() });
                Some(Node::new(Value::Map(parts.chunks(2).map(entry).collect::<Option<_>>()?)))
            }
            "format" => format(text(0)?, arguments.get(1..)?).map(Node::text),
            "tolower" => Some(Node::text(text(0)?.to_lowercase())),
            "toupper" => Some(Node::text(text(0)?.to_uppercase())),
            "string" => Some(Node::text(text(0)?)),
            "length" => Some(number(argument(0)?.items().len())),
            "copyindex" => Some(number(self.scope.iteration?)),
            "true" => Some(Node::new(Value::Bool(true))),
            "false" => Some(Node::new(Value::Bool(false))),
            "null" => Some(Node::new(Value::Null)),
            _ => None,
        }
    }

    /// Resolves what a parameter or a variable is; none where it is not known throughout.
    fn settled(&self, node: &Node, depth: usize) -> Option<Node> {
        let resolved = self.resolve(node, depth);
        (!matches!(resolved.value, Value::Expression(_))).then_some(resolved)
    }
}

fn number(number: usize) -> Node {
    Node::new(Value::Number(number.to_string()))
}

fn element(value: &Node, index: &Node) -> Option<Node> {
    match &index.value {
        Value::Number(number) => value.items().get(number.parse::<usize>().ok()?).cloned(),
        _ => value.get(index.as_text()?).cloned(),
    }
}

/// Reads a text in single quotes; two of them within are one.
fn literal(rest: &mut &str) -> Option<String> {
    let mut text = String::new();
    *rest = rest.strip_prefix('\'')?;
    loop {
        let end = rest.find('\'')?;
        text.push_str(&rest[..end]);
        *rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                text.push('\'');
                *rest = after;
            }
            None => return Some(text),
        }
    }
}

/// Puts arguments where `{0}`, `{1}` stand.
fn format(pattern: &str, arguments: &[Option<Node>]) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        let (inside, after) = rest[start + 1..].split_once('}')?;
        text.push_str(arguments.get(inside.parse::<usize>().ok()?)?.as_ref()?.as_text()?);
        rest = after;
    }
    Some(text + rest)
}

/// Makes an entry that stands nowhere.
pub(super) fn entry(key: &str, value: Node) -> Entry {
    Entry { key: Located { value: key.to_string(), span: value.span }, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::document::json;

    fn template() -> Node {
        json::read(
            r#"{"parameters": {"a": {"defaultValue": "A"}, "open": {"type": "string"}, "list": {"defaultValue": ["x", "y"]}},
            "variables": {"b": "[concat(parameters('a'), '-b')]", "self": "[variables('self')]", "$fxv#0": "T\n| count",
            "twice": "[concat(variables('more'), variables('more'))]", "more": "[concat(variables('twice'), variables('twice'))]",
            "o": {"p": ["[variables('b')]"]}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn what_the_template_says_is_put_in() {
        let template = template();
        let scope = Scope::default().within(&template);
        let check =
            |text: &str, expected: Value| assert_eq!(scope.resolve(&Node::text(text)).value, expected, "{text}");
        let text = |text: &str| Value::Text(text.to_string());
        check("plain [x]", text("plain [x]"));
        check("[[x]", text("[x]"));
        check("[parameters('a')]", text("A"));
        check("[ toLower( variables('b') ) ]", text("a-b"));
        check("[variables('o').p[0]]", text("A-b"));
        check("[parameters('list')[1]]", text("y"));
        check("[variables('$fxv#0')]", text("T\n| count"));
        check("[format('{0}/{1}', 'it''s', length(parameters('list')))]", text("it's/2"));
        for open in [
            "[parameters('open')]",
            "[concat('x', parameters('open'))]",
            "[newGuid()]",
            "[variables('self')]",
            "[variables('twice')]",
            "[concat('x']",
            "[]",
            "[parameters('a']",
            "[f(,)]",
        ] {
            check(open, Value::Expression(open.to_string()));
        }
        let deep = format!("[{}1{}]", "f(".repeat(100_000), ")".repeat(100_000));
        check(&deep, Value::Expression(deep.clone()));
    }

    #[test]
    fn the_rest_of_a_text_is_known() {
        let template = template();
        let scope = Scope::default().within(&template);
        let name = Node::text("[concat(parameters('open'), '/Microsoft.SecurityInsights/', variables('b'))]");
        assert_eq!(scope.partly(&name).unwrap(), format!("{UNKNOWN}/Microsoft.SecurityInsights/A-b"));
    }
}
