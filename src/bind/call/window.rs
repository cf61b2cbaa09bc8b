//! Window functions.

use super::Bound;
use crate::bind::Binder;
use crate::bind::expression::{Scalar, to};
use crate::bind::scope::Context;
use crate::diagnostic::Span;
use crate::plan::{Expr, WindowCall, WindowFunction};
use crate::syntax::ast::{self, Argument};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    pub(super) fn window(&mut self, name: &ast::Name, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let bound: Vec<Bound> = arguments.iter().map(|a| self.argument(a, cx)).collect();
        let function = match name.text.as_str() {
            "row_number" => WindowFunction::RowNumber,
            "row_rank_min" => WindowFunction::RowRankMin,
            "row_rank_dense" => WindowFunction::RowRankDense,
            "row_cumsum" => WindowFunction::RowCumsum,
            "row_window_session" => WindowFunction::RowWindowSession,
            "prev" => WindowFunction::Prev,
            _ => WindowFunction::Next,
        };
        let (min, max) = match function {
            WindowFunction::RowNumber => (0, 2),
            WindowFunction::RowWindowSession => (3, 4),
            WindowFunction::Prev | WindowFunction::Next => (1, 3),
            _ => (1, 2),
        };
        if bound.len() < min || bound.len() > max {
            self.wrong_count(name, min, max, bound.len());
            return Scalar::unknown();
        }
        let Some(collected) = cx.windows else {
            self.refuse("AQ019", span, format!("`{}` can't be used here", name.text));
            return Scalar::unknown();
        };
        if !cx.serialized {
            self.refuse(
                "AQ020",
                span,
                format!("`{}` needs rows in a defined order: put `sort by` or `serialize` before it", name.text),
            );
        }
        if bound.iter().any(|b| b.scalar.scalar_type.is_none()) {
            return Scalar::unknown();
        }
        let first = bound.first().map(|b| b.scalar.column_type());
        let false_value = || Expr::Literal(Value::Bool(false));
        let mut values = bound.into_iter();
        let mut take = |to_type: Option<ScalarType>, default: Expr| match values.next() {
            Some(b) => to_type.map_or(b.scalar.expr.clone(), |t| to(b.scalar.expr, t)),
            None => default,
        };
        let (arguments, returns) = match function {
            WindowFunction::RowNumber => {
                let start = take(Some(ScalarType::Long), Expr::Literal(Value::Long(1)));
                (vec![start, take(Some(ScalarType::Bool), false_value())], ScalarType::Long)
            }
            WindowFunction::RowRankMin | WindowFunction::RowRankDense => {
                (vec![take(None, false_value()), take(Some(ScalarType::Bool), false_value())], ScalarType::Long)
            }
            WindowFunction::RowCumsum => {
                let term = first.unwrap_or(ScalarType::Long);
                let sum = if term == ScalarType::Int { ScalarType::Long } else { term };
                if !(sum.is_numeric() || sum == ScalarType::TimeSpan) {
                    self.error(
                        "KS138",
                        span,
                        format!("`row_cumsum` sums numbers and timespans, not values of type {term}"),
                    );
                }
                (vec![take(Some(sum), false_value()), take(Some(ScalarType::Bool), false_value())], sum)
            }
            WindowFunction::RowWindowSession => {
                let expr = take(Some(ScalarType::DateTime), false_value());
                let from_first = take(Some(ScalarType::TimeSpan), false_value());
                let between = take(Some(ScalarType::TimeSpan), false_value());
                (vec![expr, from_first, between, take(Some(ScalarType::Bool), false_value())], ScalarType::DateTime)
            }
            WindowFunction::Prev | WindowFunction::Next => {
                let scalar_type = first.unwrap_or(ScalarType::Dynamic);
                let value = take(None, false_value());
                let offset = take(Some(ScalarType::Long), Expr::Literal(Value::Long(1)));
                let default = take(Some(scalar_type), Expr::Literal(Value::missing(scalar_type)));
                if crate::plan::fold::fold(&offset, self.now).is_none_or(|v| !matches!(v, Value::Long(1..))) {
                    self.refuse("AQ019", span, format!("the offset of `{}` must be a constant from 1 on", name.text));
                }
                if crate::plan::fold::fold(&default, self.now).is_none() {
                    self.refuse("AQ019", span, format!("the default of `{}` must be a constant", name.text));
                }
                (vec![value, offset, default], scalar_type)
            }
        };
        let output = Column::new(self.fresh("window"), returns);
        collected.borrow_mut().push(WindowCall { function, arguments, output: output.clone() });
        Scalar::known(Expr::Column(output))
    }
}
