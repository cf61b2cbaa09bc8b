//! `parse-kv`.

use std::rc::Rc;

use super::super::expression::to;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::projection;
use crate::diagnostic::Span;
use crate::functions::kv;
use crate::plan::Expr;
use crate::syntax::ast::{self, ColumnDeclaration, OperatorParameter};
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
        let mut columns = input.node.columns.clone();
        let mut expressions: Vec<Expr> = columns.iter().cloned().map(Expr::Column).collect();
        let text = to(text.expr, ScalarType::String);
        for column in declared {
            if column.scalar_type == ScalarType::Dynamic {
                self.unsupported(at, "a column of type dynamic in `parse-kv`");
            }
            let mut arguments = vec![text.clone(), Expr::Literal(Value::String(column.name.clone()))];
            arguments.extend(form.iter().cloned().map(|part| Expr::Literal(Value::String(part))));
            let returns = ScalarType::String;
            let value = Expr::Call { function: &kv::VALUE_OF_KEY, overload: 0, arguments, returns };
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

    /// Reads how pairs are written: what parts them, what parts a key from its value, quotes, escape.
    fn form(&mut self, properties: &[OperatorParameter], at: Span, scope: &Rc<Scope>) -> [String; 4] {
        let mut form: [Option<String>; 4] = Default::default();
        for property in properties {
            let name = property.name.text.as_str();
            let place = match name {
                "pair_delimiter" => 0,
                "kv_delimiter" => 1,
                "quote" => 2,
                "escape" => 3,
                _ => {
                    self.unsupported(property.name.span, format_args!("`{name}` of `parse-kv`"));
                    continue;
                }
            };
            let scalar = self.scalar(&property.value, &Context::rowless(scope));
            let Some(Value::String(text)) = self.constant(&scalar) else {
                self.refuse("AQ023", property.value.span, format!("`{name}` must be a constant text"));
                continue;
            };
            let length = text.chars().count();
            if length == 0 || (place == 2 && length > 2) || (place == 3 && length > 1) {
                self.unsupported(property.value.span, format_args!("`{name}` of {length} characters"));
            }
            form[place] = Some(text);
        }
        let has_regex = properties.iter().any(|p| p.name.text == "regex");
        if !has_regex && (form[0].is_none() || form[1].is_none()) {
            // Kusto then guesses what is a delimiter.
            self.unsupported(at, "`parse-kv` without `pair_delimiter` and `kv_delimiter`");
        }
        if form[2].is_none() && form[3].is_some() {
            self.unsupported(at, "`escape` without `quote`");
        }
        form.map(Option::unwrap_or_default)
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
            "s as (a:string)".to_string(),
            format!("s as (a:string) with ({delimiters}, greedy=true)"),
            format!("s as (a:string) with ({delimiters}, escape='x')"),
            format!("s as (n:string) with ({delimiters})"),
            format!("n as (a:string) with ({delimiters})"),
            "s as (a:string) with (regex='(a)=(b)')".to_string(),
        ] {
            let bound = bound(&rest);
            assert!(bound.is_valid() && bound.plan.is_none(), "{rest}: {:?}", bound.problems);
        }
    }
}
