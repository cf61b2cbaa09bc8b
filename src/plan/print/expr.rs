//! Expressions as text, as a query spells them.

use super::{Words, name};
use crate::plan::{Expr, Node, Step};
use crate::types::{ScalarType, Value, convert, json};

impl<'a> Words<'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Column(column) => self.text(&name(&column.name)),
            Expr::Literal(value) => self.text(&literal(value)),
            Expr::Call { function, arguments, .. } => match &arguments[..] {
                [left, right] if is_operator(function.name, function.page) => {
                    self.infix(function.name, [left, right]);
                }
                _ => self.call(function.name, arguments),
            },
            Expr::Part { function, arguments, index, .. } => {
                self.call(function.name, arguments);
                self.text(&format!("[{index}]"));
            }
            Expr::Convert { value, to } => self.call(conversion(*to), [&**value]),
            Expr::And(operands) => self.infix("and", operands),
            Expr::Or(operands) => self.infix("or", operands),
            Expr::Not(value) => self.call("not", [&**value]),
            Expr::Compare { operator, left, right } => self.infix(operator.sign(), [&**left, &**right]),
            Expr::In { value, set, fold_case, negated } => {
                self.text("(");
                self.expr(value);
                self.text(membership(*fold_case, *negated));
                self.list(set, |words, value| words.text(&literal(value)));
                self.text("))");
            }
            Expr::InQuery { value, query, fold_case, negated } => {
                self.text("(");
                self.expr(value);
                self.text(membership(*fold_case, *negated));
                self.query(query);
                self.text("))");
            }
            Expr::Path { base, steps } => {
                self.expr(base);
                self.steps(steps);
            }
            Expr::ParseJson(text) => self.call("parse_json", [&**text]),
            Expr::ScalarQuery { query, .. } => {
                self.text("toscalar(");
                self.query(query);
                self.text(")");
            }
            Expr::Now => self.text("now()"),
        }
    }

    pub(super) fn call(&mut self, name: &str, arguments: impl IntoIterator<Item = &'a Expr>) {
        self.text(&format!("{name}("));
        self.list(arguments, Words::expr);
        self.text(")");
    }

    pub(super) fn infix(&mut self, operator: &str, operands: impl IntoIterator<Item = &'a Expr>) {
        self.text("(");
        for (i, operand) in operands.into_iter().enumerate() {
            if i > 0 {
                self.text(&format!(" {operator} "));
            }
            self.expr(operand);
        }
        self.text(")");
    }

    pub(super) fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::Key(key) if is_identifier(key) => self.text(&format!(".{key}")),
                Step::Key(key) => self.text(&format!("[{}]", quoted(key))),
                Step::Index(index) => self.text(&format!("[{index}]")),
                Step::Computed(value) => {
                    self.text("[");
                    self.expr(value);
                    self.text("]");
                }
            }
        }
    }

    pub(super) fn query(&mut self, query: &'a Node) {
        self.text(&format!("$query{}", self.first_query + self.queries.len()));
        self.queries.push(query);
    }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Tells whether a function is written between its operands.
fn is_operator(name: &str, page: &str) -> bool {
    !is_identifier(name) || page.ends_with("-operator") || page.ends_with("-operators")
}

pub(super) fn quoted(text: &str) -> String {
    json::string(text)
}

pub(super) fn literal(value: &Value) -> String {
    let text = convert::text_of(value);
    match value {
        Value::Null(scalar_type) => format!("{scalar_type}(null)"),
        Value::Bool(value) => value.to_string(),
        Value::Long(_) => text,
        Value::String(text) => quoted(text),
        Value::Real(value) if value.is_finite() && text.contains(['.', 'e', 'E']) => text,
        Value::Dynamic(json) => format!("dynamic({json})"),
        Value::Int(_)
        | Value::Real(_)
        | Value::Decimal(_)
        | Value::DateTime(_)
        | Value::TimeSpan(_)
        | Value::Guid(_) => {
            format!("{}({text})", value.scalar_type())
        }
    }
}

fn conversion(to: ScalarType) -> &'static str {
    match to {
        ScalarType::Bool => "tobool",
        ScalarType::Int => "toint",
        ScalarType::Long => "tolong",
        ScalarType::Real => "toreal",
        ScalarType::Decimal => "todecimal",
        ScalarType::String => "tostring",
        ScalarType::DateTime => "todatetime",
        ScalarType::TimeSpan => "totimespan",
        ScalarType::Guid => "toguid",
        // `todynamic` parses text; this only says that a value is dynamic.
        ScalarType::Dynamic => "dynamic",
    }
}

fn membership(fold_case: bool, negated: bool) -> &'static str {
    match (fold_case, negated) {
        (false, false) => " in (",
        (false, true) => " !in (",
        (true, false) => " in~ (",
        (true, true) => " !in~ (",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Column;

    #[test]
    fn expressions_read_as_in_a_query() {
        let printed = |expr: &Expr| {
            let mut words = Words { out: String::new(), first_query: 0, queries: Vec::new() };
            words.expr(expr);
            words.out
        };
        let text = Expr::Column(Column::new("X", ScalarType::String));
        let steps = vec![Step::Key("a".into()), Step::Key("b c".into()), Step::Index(-1)];
        let path = Expr::Path { base: Box::new(Expr::ParseJson(Box::new(text))), steps };
        let convert = Expr::Convert { value: Box::new(path), to: ScalarType::String };
        assert_eq!(printed(&convert), r#"tostring(parse_json(X).a["b c"][-1])"#);
        for (value, expected) in [
            (Value::String("a\"b".into()), r#""a\"b""#),
            (Value::Real(1.0), "1.0"),
            (Value::Real(f64::NAN), "real(NaN)"),
            (Value::Dynamic("[1]".into()), "dynamic([1])"),
            (Value::TimeSpan(10_000_000), "timespan(00:00:01)"),
            (Value::Bool(true), "true"),
        ] {
            assert_eq!(printed(&Expr::Literal(value)), expected);
        }
    }
}
