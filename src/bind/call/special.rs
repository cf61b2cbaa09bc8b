//! Functions that only the binder can compute.

use super::overload::{common, count};
use super::{Bound, CONVERSIONS, PARSES_JSON, without_blanks};
use crate::bind::expression::{Scalar, to, wide};
use crate::bind::scope::{Context, Scope};
use crate::bind::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions;
use crate::plan::{Expr, Node};
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    pub(super) fn special_call(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
    ) -> Option<Scalar> {
        let conversion = CONVERSIONS.iter().find(|(n, _)| *n == name.text).map(|(_, scalar_type)| *scalar_type);
        if let Some(scalar_type) = conversion {
            let [argument] = arguments else {
                self.wrong_count(name, 1, 1, arguments.len());
                return Some(Scalar::placeholder(scalar_type));
            };
            let value = self.scalar(&argument.value, cx);
            return Some(match value.scalar_type {
                Some(_) if scalar_type == ScalarType::Bool => {
                    Scalar { literal: false, ..Scalar::known(to(without_blanks(value.expr), scalar_type)) }
                }
                Some(_) => Scalar { literal: false, ..Scalar::known(to(value.expr, scalar_type)) },
                None => Scalar::placeholder(scalar_type),
            });
        }
        Some(match name.text.as_str() {
            parse if PARSES_JSON.contains(&parse) => self.parse_json(name, arguments, cx),
            "toscalar" => self.toscalar(name, arguments, cx),
            "now" => {
                let base = self.clock();
                match arguments {
                    [] => base,
                    [offset] => {
                        let offset = self.timespan_argument(name, offset, cx);
                        self.arithmetic("+", base, offset, span)
                    }
                    _ => {
                        self.wrong_count(name, 0, 1, arguments.len());
                        base
                    }
                }
            }
            "ago" => match arguments {
                [offset] => {
                    let offset = self.timespan_argument(name, offset, cx);
                    let now = self.clock();
                    self.arithmetic("-", now, offset, span)
                }
                _ => {
                    self.wrong_count(name, 1, 1, arguments.len());
                    Scalar::placeholder(ScalarType::DateTime)
                }
            },
            "not" => self.not(name, arguments, cx),
            "iff" | "iif" => self.iff(name, arguments, span, cx),
            "case" => self.case(name, arguments, span, cx),
            "column_ifexists" | "columnifexists" => self.column_ifexists(name, arguments, cx),
            "pack_all" => self.pack_all(arguments, span, cx),
            "pack_array" if matches!(arguments, [Argument { value: ast::Expr { kind: ExprKind::Star, .. }, .. }]) => {
                self.pack_array_of_all(span, cx)
            }
            "bag_pack_columns" => self.bag_pack_columns(arguments, span, cx),
            "ingestion_time" => self.ingestion_time(span, cx),
            "iscolumnexists" => self.iscolumnexists(name, arguments, cx),
            "row_number" | "row_rank_min" | "row_rank_dense" | "row_cumsum" | "row_window_session" | "prev"
            | "next" => self.window(name, arguments, span, cx),
            "estimate_data_size" => self.estimated_size(arguments, span, cx),
            "bin_auto" => self.bin_of_set_size(name, arguments, span, cx),
            "column_names_of" => match arguments {
                [argument] => {
                    let table = self.table(&argument.value, cx.scope);
                    let names: Vec<String> = table
                        .node
                        .columns
                        .iter()
                        .map(|c| crate::types::json::from_value(&Value::String(c.name.clone())))
                        .collect();
                    Scalar::known(Expr::Literal(Value::Dynamic(format!("[{}]", names.join(",")))))
                }
                _ => {
                    self.wrong_count(name, 1, 1, arguments.len());
                    Scalar::placeholder(ScalarType::Dynamic)
                }
            },
            _ => return None,
        })
    }

    pub(super) fn wrong_count(&mut self, name: &ast::Name, min: usize, max: usize, got: usize) {
        let expected = if min == max { count(min) } else { format!("{min} to {}", count(max)) };
        self.error("KS119", name.span, format!("`{}` takes {expected}, not {got}", name.text));
    }

    fn timespan_argument(&mut self, name: &ast::Name, argument: &Argument, cx: &Context) -> Scalar {
        let scalar = self.scalar(&argument.value, cx);
        match scalar.scalar_type {
            Some(ScalarType::TimeSpan) | None => scalar,
            Some(other) => {
                self.problem(
                    Diagnostic::error(
                        "KS107",
                        argument.value.span,
                        format!("`{}` takes a timespan, and this is of type {other}", name.text),
                    )
                    .help("write a timespan such as 1d or 30m"),
                );
                Scalar::placeholder(ScalarType::TimeSpan)
            }
        }
    }

    fn parse_json(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        let value = self.scalar(&argument.value, cx);
        match value.scalar_type {
            Some(ScalarType::Dynamic) => Scalar { literal: false, ..value },
            Some(ScalarType::String) => Scalar::known(Expr::ParseJson(Box::new(value.expr))),
            Some(other) => {
                // The parser of the editor wants text; the engine takes any scalar as what it is.
                self.strict.push(Diagnostic::error(
                    "KS141",
                    argument.value.span,
                    format!("`{}` takes a string or a dynamic, and this is of type {other}", name.text),
                ));
                Scalar::known(Expr::Convert { value: Box::new(value.expr), to: ScalarType::Dynamic })
            }
            None => Scalar::placeholder(ScalarType::Dynamic),
        }
    }

    fn toscalar(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::unknown();
        };
        if !self.is_tabular(&argument.value, cx.scope) {
            let scalar = self.scalar(&argument.value, &Context::rowless(cx.scope));
            let Some(scalar_type) = scalar.scalar_type else { return scalar };
            if self.constant(&scalar).is_some() {
                return scalar;
            }
            // What differs with each call is computed once (measured).
            let unit = Node { columns: Vec::new(), serialized: true, kind: crate::plan::Kind::Unit };
            let columns = vec![Column::new("value", scalar_type)];
            let node = crate::bind::operator::projection(unit, columns, vec![scalar.expr]);
            return self.scalar_query(Table::new(node), argument.value.span);
        }
        let table = self.table(&argument.value, &Scope::of_query(cx.scope));
        self.scalar_query(table, argument.value.span)
    }

    fn not(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Bool);
        };
        let value = self.scalar(&argument.value, cx);
        match value.scalar_type {
            Some(ScalarType::Bool) => Scalar::known(Expr::Not(Box::new(value.expr))),
            None => Scalar::placeholder(ScalarType::Bool),
            Some(other) => {
                let problem = Diagnostic::error(
                    "KS107",
                    argument.value.span,
                    format!("`not` takes a bool, and this is of type {other}"),
                );
                if other.is_numeric() {
                    self.strict.push(problem);
                } else {
                    self.problem(problem);
                }
                Scalar::known(Expr::Not(Box::new(to(value.expr, ScalarType::Bool))))
            }
        }
    }

    fn iff(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let [condition, then, otherwise] = arguments else {
            self.wrong_count(name, 3, 3, arguments.len());
            return Scalar::unknown();
        };
        let condition = self.branch_condition(condition, cx);
        let branches = vec![self.argument(then, cx), self.argument(otherwise, cx)];
        self.branches(vec![condition], branches, span)
    }

    fn case(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        if arguments.len() < 3 || arguments.len().is_multiple_of(2) {
            self.error(
                "KS119",
                name.span,
                "`case` takes pairs of a condition and a value, then a value for all other rows",
            );
            return Scalar::unknown();
        }
        let (mut conditions, mut branches) = (Vec::new(), Vec::new());
        for pair in arguments[..arguments.len() - 1].chunks(2) {
            conditions.push(self.branch_condition(&pair[0], cx));
            branches.push(self.argument(&pair[1], cx));
        }
        branches.push(self.argument(&arguments[arguments.len() - 1], cx));
        self.branches(conditions, branches, span)
    }

    fn branch_condition(&mut self, argument: &Argument, cx: &Context) -> Expr {
        let scalar = self.scalar(&argument.value, cx);
        match scalar.scalar_type {
            Some(ScalarType::Bool) => scalar.expr,
            None => Expr::Literal(Value::Bool(true)),
            Some(other) => {
                let problem = Diagnostic::error(
                    "KS107",
                    argument.value.span,
                    format!("a condition is of type bool, and this is of type {other}"),
                );
                if other.is_numeric() || other == ScalarType::Dynamic {
                    self.strict.push(problem);
                } else {
                    self.problem(problem);
                }
                to(scalar.expr, ScalarType::Bool)
            }
        }
    }

    /// Makes `case(c1, v1, c2, v2, ..., otherwise)`.
    ///
    /// The engine refuses branches of different types (measured; a dynamic goes with anything, an int with a long);
    /// Microsoft's parser makes the result dynamic.
    fn branches(&mut self, conditions: Vec<Expr>, branches: Vec<Bound>, span: Span) -> Scalar {
        let types: Vec<ScalarType> = branches.iter().filter_map(|b| b.scalar.scalar_type).collect();
        let unknown = types.len() < branches.len();
        let solid = || types.iter().copied().filter(|t| *t != ScalarType::Dynamic);
        let result = if solid().next().is_none() { Some(ScalarType::Dynamic) } else { common(solid()) };
        let Some(result) = result else {
            if !unknown {
                let names: Vec<&str> = types.iter().map(|t| t.name()).collect();
                self.refuse(
                    "AQ018",
                    span,
                    format!("the branches have different types ({}): convert them to one", names.join(", ")),
                );
            }
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        if unknown {
            return Scalar::unknown();
        }
        if let Some(branch) = branches.iter().find(|b| b.scalar.is_mixed_with(result)) {
            self.refuse(
                "AQ018",
                branch.span,
                format!(
                    "this branch is of type {} and another of type {result}: convert one of them",
                    branch.scalar.column_type()
                ),
            );
            return Scalar::placeholder(result);
        }
        let mut arguments = Vec::new();
        let mut values = branches.into_iter().map(|b| to(b.scalar.expr, result));
        for condition in conditions {
            arguments.push(condition);
            arguments.extend(values.next());
        }
        arguments.extend(values.next());
        let Some(function) = functions::scalar_function("case") else {
            self.unsupported(span, "`case`");
            return Scalar::placeholder(result);
        };
        Scalar::known(Expr::Call { function, overload: 0, arguments, returns: result, at: None })
    }

    /// `bin_auto(value)`: a bin of the size that `set query_bin_auto_size` gave, counted from `query_bin_auto_at`.
    fn bin_of_set_size(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let [argument] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::unknown();
        };
        let value = self.scalar(&argument.value, cx);
        let Some(value_type) = value.scalar_type else { return Scalar::unknown() };
        let [size, at] = self.bin_auto.clone();
        let Some(size) = size else {
            let message = "`bin_auto` needs the size of its bins: `set query_bin_auto_size = 1h;` before the query";
            self.refuse("AQ010", span, message);
            return Scalar::placeholder(wide(value_type));
        };
        let mut all = vec![value.expr, Expr::Literal(size)];
        all.extend(at.map(Expr::Literal));
        let function = if all.len() == 3 { "bin_at" } else { "bin" };
        let types: Vec<ScalarType> = all.iter().map(Expr::scalar_type).collect();
        let fits = match types[0] {
            ScalarType::DateTime => types[1] == ScalarType::TimeSpan && types.get(2).is_none_or(|t| *t == types[0]),
            ScalarType::TimeSpan => types[1..].iter().all(|t| *t == types[0]),
            ScalarType::Int | ScalarType::Long | ScalarType::Real => types[1..].iter().all(|t| t.is_numeric()),
            _ => false,
        };
        if !fits {
            self.unsupported(span, format_args!("`bin_auto` of type {value_type} with bins of type {}", types[1]));
            return Scalar::placeholder(wide(value_type));
        }
        self.library_call(function, all, span)
    }
}
