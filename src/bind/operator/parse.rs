//! `parse` and `parse-where`.

use std::rc::Rc;

use super::super::expression::to;
use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use super::word;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Kind, Node, ParseMode, ParsePart, ParsePattern};
use crate::syntax::ast;
use crate::types::{Column, ScalarType};

impl Binder<'_> {
    pub(super) fn parse(&mut self, parse: &ast::Parse, input: Table, scope: &Rc<Scope>) -> Table {
        let mode = match word(&parse.parameters, "kind") {
            None | Some(("simple", _)) => ParseMode::Simple,
            Some(("relaxed", at)) => {
                if parse.filter {
                    self.refuse("AQ028", at, "`parse-where` is of kind simple or regex");
                }
                ParseMode::Relaxed
            }
            Some(("regex", _)) => ParseMode::Regex,
            // Said where parameters are checked.
            Some(_) => ParseMode::Simple,
        };
        let flags = match word(&parse.parameters, "flags") {
            Some((_, at)) if mode != ParseMode::Regex => {
                self.refuse("AQ028", at, "flags belong to `kind=regex`");
                String::new()
            }
            Some((flags, at)) => {
                if let Some(odd) = flags.chars().find(|c| !"imsUx".contains(*c)) {
                    self.refuse("AQ028", at, format!("there is no flag `{odd}`: flags are i, m, s, U and x"));
                }
                flags.to_string()
            }
            None => String::new(),
        };
        let cx = Context::row(scope, &input);
        let source = self.scalar(&parse.input, &cx);
        match source.scalar_type {
            Some(ScalarType::String | ScalarType::Dynamic) | None => {}
            Some(other) => {
                // Microsoft's parser lets it pass.
                self.refuse("AQ050", parse.input.span, format!("`parse` reads text, and this is of type {other}"))
            }
        }
        let mut columns = input.node.columns.clone();
        let mut parts = Vec::new();
        for (index, part) in parse.pattern.iter().enumerate() {
            parts.push(match part {
                ast::ParsePart::Star(at) => {
                    if matches!(parse.pattern.get(index + 1), Some(ast::ParsePart::Star(_) | ast::ParsePart::Column(_)))
                    {
                        self.error("KS102", *at, "behind `*` a text must say where it ends");
                    }
                    let after_string =
                        matches!(parts.last(), Some(ParsePart::Column(Column { scalar_type: ScalarType::String, .. })));
                    if after_string {
                        self.error("KS103", *at, "`*` right behind a column of type string leaves open where it ends");
                    }
                    ParsePart::Star
                }
                ast::ParsePart::Text { span, text } => {
                    if text.is_empty() {
                        self.refuse("AQ028", *span, "an empty text matches everywhere");
                    }
                    ParsePart::Text(text.clone())
                }
                ast::ParsePart::Column(declaration) => {
                    let span = match &declaration.type_name {
                        Some(type_name) => Span { end: type_name.span.end, ..declaration.name.span },
                        None => declaration.name.span,
                    };
                    match parts.last() {
                        Some(ParsePart::Column(Column { scalar_type: ScalarType::String, name })) => {
                            let message = format!("right behind `{name}` of type string a text must say where it ends");
                            self.error("KS101", span, message);
                        }
                        // The engine knows where a typed value ends; Microsoft's parser does not let it pass.
                        Some(ParsePart::Column(Column { name, .. })) => {
                            let message = format!("between `{name}` and `{}` a text is missing", declaration.name.text);
                            self.strict.push(Diagnostic::error("KS101", span, message));
                        }
                        // Said at the `*`.
                        _ => {}
                    }
                    let scalar_type = match &declaration.type_name {
                        Some(name) => Self::declared_type(name),
                        None => ScalarType::String,
                    };
                    let column = Column::new(&declaration.name.text, scalar_type);
                    if parts.iter().any(|part| matches!(part, ParsePart::Column(other) if other.name == column.name)) {
                        let message = format!("there is a column `{}` in the pattern already", column.name);
                        self.error("KS171", declaration.name.span, message);
                    }
                    match columns.iter_mut().find(|c| c.name == column.name) {
                        Some(place) => *place = column.clone(),
                        None => columns.push(column.clone()),
                    }
                    ParsePart::Column(column)
                }
            });
        }
        let serialized = input.node.serialized;
        let kind = Kind::Parse {
            input: Box::new(input.node),
            source: to(source.expr, ScalarType::String),
            pattern: ParsePattern { mode, flags, parts },
            filter: parse.filter,
        };
        Table { node: Node { columns, serialized, kind }, label: None, ..input }
    }
}
