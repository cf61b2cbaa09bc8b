//! Functions over the columns of the row.

use crate::bind::Binder;
use crate::bind::expression::Scalar;
use crate::bind::scope::Context;
use crate::bind::seen::{ANY, Seen};
use crate::bind::signature;
use crate::diagnostic::Span;
use crate::functions;
use crate::plan::Expr;
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::{Column, ScalarType, Value};

impl Binder<'_> {
    pub(super) fn column_ifexists(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [column, otherwise] = arguments else {
            self.wrong_count(name, 2, 2, arguments.len());
            return Scalar::unknown();
        };
        let wanted = match &column.value.kind {
            ExprKind::Name(name) if cx.column(&name.text).is_some() => {
                // For what Microsoft's parser has to say of it.
                self.scalar(&column.value, cx);
                Some(name.text.clone())
            }
            _ => {
                let scalar = self.scalar(&column.value, cx);
                self.guessed_column |= self.sketched > 0 && !matches!(column.value.kind, ExprKind::Literal(_));
                match self.constant(&scalar) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                }
            }
        };
        let default = self.scalar(&otherwise.value, cx);
        let Some(wanted) = wanted else {
            self.error("KS121", column.value.span, "the name of the column must be a constant");
            return default;
        };
        match cx.column(&wanted) {
            Some(column) => Scalar::known(Expr::Column(column.clone())),
            None => {
                if cx.open {
                    self.refuse(
                        "AQ002",
                        column.value.span,
                        format!("whether `{wanted}` is a column is known only when the data are"),
                    );
                }
                Scalar { literal: false, ..default }
            }
        }
    }

    pub(super) fn pack_all(&mut self, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let columns = self.all_columns(span, cx);
        let ignore = match arguments {
            [] => false,
            [flag] => {
                let scalar = self.scalar(&flag.value, cx);
                matches!(self.constant(&scalar), Some(Value::Bool(true)))
            }
            _ => {
                self.error("KS119", span, "`pack_all` takes at most one argument");
                false
            }
        };
        let members = columns.iter().map(|column| (column.name.clone(), known(column, cx))).collect();
        let packed = self.pack(&columns, if ignore { "pack_all ignoring" } else { "bag_pack" }, span);
        packed.with(Seen::bag(members))
    }

    /// `pack_array(*)`: the values of all columns; an array without elements where there is no row.
    pub(super) fn pack_array_of_all(&mut self, span: Span, cx: &Context) -> Scalar {
        let columns = self.all_columns(span, cx);
        let Some(function) = functions::scalar_function("pack_array").filter(|_| !columns.is_empty()) else {
            return Scalar::known(Expr::Literal(Value::Dynamic("[]".into()))).with(Seen::array_of(ANY));
        };
        let mut types = columns.iter().map(|column| known(column, cx));
        let first = types.next().unwrap_or(ANY);
        let common = types.try_fold(first, |a, b| signature::common(&a, &b, signature::Conversion::Promotable));
        let seen = Seen::array_of(common.unwrap_or(ANY));
        let arguments = columns.into_iter().map(Expr::Column).collect();
        Scalar::known(Expr::Call { function, overload: 0, arguments, returns: ScalarType::Dynamic, at: None })
            .with(seen)
    }

    /// Returns the columns that `*` stands for; refuses where more may come.
    fn all_columns(&mut self, span: Span, cx: &Context) -> Vec<Column> {
        if cx.open {
            self.refuse("AQ002", span, "the columns of this table are known only when the data are");
        }
        cx.columns.iter().filter(|column| !cx.hidden.contains(&column.name)).cloned().collect()
    }

    pub(super) fn iscolumnexists(&mut self, name: &ast::Name, arguments: &[Argument], cx: &Context) -> Scalar {
        let [column] = arguments else {
            self.wrong_count(name, 1, 1, arguments.len());
            return Scalar::placeholder(ScalarType::Bool);
        };
        let scalar = self.scalar(&column.value, cx);
        match (self.constant(&scalar), scalar.scalar_type) {
            (Some(Value::String(wanted)), _) => {
                if cx.column(&wanted).is_none() && cx.open {
                    let text = format!("whether `{wanted}` is a column is known only when the data are");
                    self.refuse("AQ002", column.value.span, text);
                }
                return Scalar::known(Expr::Literal(Value::Bool(cx.column(&wanted).is_some())));
            }
            (_, None) => {}
            _ => self.error("KS121", column.value.span, "the name of the column must be a constant string"),
        }
        Scalar::placeholder(ScalarType::Bool)
    }

    pub(super) fn bag_pack_columns(&mut self, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let mut columns = Vec::new();
        let mut members = Vec::new();
        for argument in arguments {
            let scalar = self.scalar(&argument.value, cx);
            let seen = scalar.seen();
            match scalar.expr {
                Expr::Column(column) => {
                    members.push((column.name.clone(), seen));
                    columns.push(column);
                }
                _ => self.error("KS121", argument.value.span, "`bag_pack_columns` takes columns"),
            }
        }
        self.pack(&columns, "bag_pack", span).with(Seen::bag(members))
    }

    pub(in crate::bind) fn pack(&mut self, columns: &[Column], function: &str, span: Span) -> Scalar {
        let mut packed = Vec::new();
        for column in columns {
            packed.push(Expr::Literal(Value::String(column.name.clone())));
            packed.push(Expr::Column(column.clone()));
        }
        let Some(function) = functions::scalar_function(function) else {
            self.unsupported(span, "`pack_all`");
            return Scalar::placeholder(ScalarType::Dynamic);
        };
        Scalar::known(Expr::Call { function, overload: 0, arguments: packed, returns: ScalarType::Dynamic, at: None })
    }

    /// `estimate_data_size(a, b)`, `estimate_data_size(*)`: the bytes that values of the columns take.
    ///
    /// Documented: 8 for a long, and for a text those of its letters. What values of other types take is not.
    pub(super) fn estimated_size(&mut self, arguments: &[Argument], span: Span, cx: &Context) -> Scalar {
        let mut total = Scalar::known(Expr::Literal(Value::Long(0)));
        for argument in arguments {
            let values = match argument.value.kind {
                ExprKind::Star => self.all_columns(span, cx).into_iter().map(Expr::Column).collect(),
                _ => vec![self.scalar(&argument.value, cx)]
                    .into_iter()
                    .filter_map(|value| value.scalar_type.map(|_| value.expr))
                    .collect::<Vec<_>>(),
            };
            for value in values {
                let size = match value.scalar_type() {
                    ScalarType::Long => Scalar::known(Expr::Literal(Value::Long(8))),
                    ScalarType::String => self.library_call("string_size", vec![value], argument.value.span),
                    other => {
                        let what = format_args!("`estimate_data_size()` of type {other}");
                        self.unsupported(argument.value.span, what);
                        return Scalar::placeholder(ScalarType::Long);
                    }
                };
                total = self.arithmetic("+", total, size, span);
            }
        }
        if arguments.is_empty() {
            self.error("KS119", span, "`estimate_data_size` takes columns, or `*`");
        }
        Scalar { literal: false, ..total }
    }
}

/// Returns what is known of a column of the row.
fn known(column: &Column, cx: &Context) -> Seen {
    let finer = cx.known.and_then(|known| known.of(&column.name));
    finer.cloned().unwrap_or(Seen::Scalar(column.scalar_type))
}
