//! `parse-kv`.

use std::rc::Rc;

use super::super::expression::to;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::projection;
use crate::diagnostic::Span;
use crate::functions::{Function, kv};
use crate::plan::Expr;
use crate::syntax::ast::{self, ColumnDeclaration, ExprKind, Literal, LiteralKind, OperatorParameter};
use crate::types::{ScalarType, Value};

impl Binder<'_> {
    pub(super) fn parse_kv(
        &mut self,
        source: &ast::Expr,
        declarations: &[ColumnDeclaration],
        properties: &[OperatorParameter],
        at: Span,
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        let text = self.scalar(source, &Context::row(scope, &input));
        match text.scalar_type {
            Some(ScalarType::String | ScalarType::Dynamic) | None => {}
            // Microsoft's parser lets it pass.
            Some(other) => self.unsupported(source.span, format_args!("`parse-kv` of a value of type {other}")),
        }
        let declared = self.declared_columns(declarations);
        let form = self.form(properties, at, scope);
        let keys: Vec<&str> = declared.iter().map(|column| column.name.as_str()).collect();
        let keys = keys.join(&kv::BETWEEN_KEYS.to_string());
        let mut columns = input.node.columns.clone();
        let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        let text = to(text.expr, ScalarType::String);
        for column in declared {
            if column.scalar_type == ScalarType::Dynamic {
                self.unsupported(at, "a column of type dynamic in `parse-kv`");
            }
            let (function, constants) = form.function(&keys);
            let mut arguments = vec![text.clone(), Expr::Literal(Value::String(column.name.clone()))];
            arguments.extend(constants.into_iter().map(|part| Expr::Literal(Value::String(part))));
            let value = Expr::Call { function, overload: 0, arguments, returns: ScalarType::String, at: None };
            let value = to(value, column.scalar_type);
            if input.node.columns.iter().any(|c| c.name == column.name) {
                // Microsoft's parser gives both columns one name; what its engine does is not known.
                self.unsupported(at, format_args!("`parse-kv` into `{}`, which is a column already,", column.name));
                continue;
            }
            columns.push(column);
            expressions.push(value);
        }
        Table { node: projection(input.node, columns, expressions), label: None, ..input }
    }

    /// Reads how pairs are written.
    fn form(&mut self, properties: &[OperatorParameter], at: Span, scope: &Rc<Scope>) -> Form {
        let mut form = Form::default();
        for property in properties {
            let (name, span) = (property.name.text.as_str(), property.value.span);
            let value = match &property.value.kind {
                ExprKind::Literal(Literal::Typed { kind: LiteralKind::Bool, .. }) => {
                    let scalar = self.scalar(&property.value, &Context::rowless(scope));
                    match self.constant(&scalar) {
                        Some(Value::Bool(value)) => form.greedy = value,
                        _ => self.unsupported(span, format_args!("`{name}` of null")),
                    }
                    continue;
                }
                ExprKind::Literal(Literal::String(text)) => text.clone(),
                // Told with the other parameters.
                _ => continue,
            };
            let length = value.chars().count();
            let (place, most) = match name {
                "pair_delimiter" => (&mut form.pair, usize::MAX),
                "kv_delimiter" => (&mut form.middle, usize::MAX),
                "quote" => (&mut form.quote, 2),
                "escape" => (&mut form.escape, 1),
                "regex" => (&mut form.regex, usize::MAX),
                _ => {
                    self.unsupported(property.name.span, format_args!("`{name}` of `parse-kv`"));
                    continue;
                }
            };
            if length == 0 || length > most {
                self.unsupported(span, format_args!("`{name}` of {length} characters"));
            } else if place.is_some() {
                self.unsupported(property.name.span, format_args!("a second `{name}` of `parse-kv`"));
            }
            *place = Some(value);
            if let ("regex", Some(pattern)) = (name, &form.regex)
                && let Err(message) = kv::pattern_of_pairs(pattern)
            {
                self.refuse("AQ023", span, message);
            }
        }
        self.tell_of_form(&form, at);
        form
    }

    /// Refuses what belongs to several ways of telling pairs apart.
    fn tell_of_form(&mut self, form: &Form, at: Span) {
        let quotes = form.quote.is_some() || form.escape.is_some();
        if form.regex.is_some() && (form.pair.is_some() || form.middle.is_some() || quotes || form.greedy) {
            self.unsupported(at, "`regex` of `parse-kv` beside delimiters or quotes");
        } else if form.pair.is_some() != form.middle.is_some() {
            self.unsupported(at, "`parse-kv` with one of `pair_delimiter` and `kv_delimiter`");
        } else if form.greedy && form.pair.is_none() {
            self.unsupported(at, "`greedy` without delimiters");
        } else if form.quote.is_none() && form.escape.is_some() {
            self.unsupported(at, "`escape` without `quote`");
        }
    }
}

/// How pairs are written.
#[derive(Default)]
struct Form {
    pair: Option<String>,
    middle: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    regex: Option<String>,
    greedy: bool,
}

impl Form {
    /// Returns what finds the value of a key, and its arguments behind text and key.
    fn function(&self, keys: &str) -> (&'static Function, Vec<String>) {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        match (&self.regex, &self.pair) {
            (Some(pattern), _) => (&kv::VALUE_BY_PATTERN, vec![pattern.clone()]),
            (None, None) => (&kv::VALUE_OF_WORD, vec![text(&self.quote), text(&self.escape)]),
            (None, Some(pair)) => {
                let keys = if self.greedy { keys.to_string() } else { String::new() };
                let all = vec![pair.clone(), text(&self.middle), text(&self.quote), text(&self.escape), keys];
                (&kv::VALUE_OF_KEY, all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bind::{Bound, Options, bind};
    use crate::catalog::Catalog;
    use crate::syntax::parse;

    fn bound(rest: &str) -> Bound {
        let text = format!("datatable(s:string, n:int)[] | parse-kv {rest}");
        bind(&parse(&text).query, &Catalog::standard(), &Options::default())
    }

    #[test]
    fn columns_are_appended() {
        let bound = bound("s as (b:long, a:string) with (pair_delimiter=',', kv_delimiter='=')");
        assert!(bound.plan.is_some(), "{:?}", bound.refusals);
        let names: Vec<String> = bound.columns.unwrap_or_default().into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["s", "n", "b", "a"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let delimiters = "pair_delimiter=',', kv_delimiter='='";
        for rest in [
            "s as (a:string) with (pair_delimiter=',')".to_string(),
            "s as (a:string) with (greedy=true)".to_string(),
            format!("s as (a:string) with ({delimiters}, regex='(a)=(b)')"),
            format!("s as (a:string) with ({delimiters}, escape='x')"),
            format!("s as (n:string) with ({delimiters})"),
            format!("n as (a:string) with ({delimiters})"),
            "s as (a:string) with (regex='(a)=b')".to_string(),
        ] {
            let bound = bound(&rest);
            assert!(bound.is_valid() && bound.plan.is_none(), "{rest}: {:?}", bound.problems);
        }
    }
}
