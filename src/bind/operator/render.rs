//! `render`: what a client should draw. No row changes.

use std::rc::Rc;

use super::super::scope::{Context, Scope};
use super::super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::Render;
use crate::syntax::CHARTS;
use crate::syntax::ast::{self, ExprKind, Literal, LiteralKind, OperatorParameter};
use crate::types::ScalarType;

/// Charts whose names are no words of the language (Microsoft's parser).
const OTHER_CHARTS: &[&str] = &["table", "list", "sankey"];

/// Properties that take one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("kind", &["default", "unstacked", "stacked", "stacked100", "map"]),
    ("legend", &["visible", "hidden"]),
    ("xaxis", &["linear", "log"]),
    ("yaxis", &["linear", "log"]),
    ("ysplit", &["none", "axes", "panels"]),
];

/// Properties that take a text.
const TEXTS: &[&str] = &["title", "xtitle", "ytitle"];

/// Properties that take columns of the result.
const COLUMNS: &[&str] = &["xcolumn", "ycolumns", "anomalycolumns", "series", "by"];

fn charts() -> impl Iterator<Item = &'static str> {
    CHARTS.iter().chain(OTHER_CHARTS).copied()
}

impl Binder<'_> {
    pub(super) fn render(
        &mut self,
        chart: Option<&ast::Name>,
        properties: &[OperatorParameter],
        input: Table,
        scope: &Rc<Scope>,
    ) -> Table {
        if let Some(chart) = chart
            && !charts().any(|known| known == chart.text)
        {
            let mut problem = Diagnostic::error("KS005", chart.span, format!("there is no chart `{}`", chart.text));
            if let Some(near) = nearest(&chart.text, charts()) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            self.problem(problem);
        }
        let shown: Vec<(String, String)> = properties
            .iter()
            .map(|property| (property.name.text.clone(), self.shown_as(property, &input, scope)))
            .collect();
        let chart = chart.map_or("table", |name| name.text.as_str()).to_string();
        Table { render: Some(Render { chart, properties: shown }), ..input }
    }

    /// Checks a property and returns its value as text.
    fn shown_as(&mut self, property: &OperatorParameter, input: &Table, scope: &Rc<Scope>) -> String {
        let (name, span) = (property.name.text.as_str(), property.value.span);
        let text = match &property.value.kind {
            ExprKind::Name(shown) if !TEXTS.contains(&name) => shown.text.clone(),
            ExprKind::Literal(Literal::String(text)) => text.clone(),
            ExprKind::Literal(Literal::Typed { text, kind, .. }) => {
                self.suits_property(name, Some(*kind), span);
                text.clone()
            }
            _ => {
                let scalar = self.scalar(&property.value, &Context::row(scope, input));
                let is_text = matches!(scalar.scalar_type, Some(ScalarType::String | ScalarType::Dynamic) | None);
                if TEXTS.contains(&name) && !is_text {
                    self.suits_property(name, None, span);
                }
                self.constant(&scalar).map(|v| crate::types::convert::text_of(&v)).unwrap_or_default()
            }
        };
        if matches!(property.value.kind, ExprKind::Literal(Literal::String(_))) && !TEXTS.contains(&name) {
            self.suits_property(name, Some(LiteralKind::String), span);
        }
        if let Some((_, words)) = WORDS.iter().find(|(other, _)| *other == name)
            && !words.contains(&text.as_str())
        {
            self.error("KS005", span, format!("`{name}` is one of {}", words.join(", ")));
        }
        let is_column = input.node.columns.iter().any(|column| column.name == text);
        if COLUMNS.contains(&name) && !is_column && !input.open {
            // A client that draws passes it over, and so does the engine; Microsoft's parser does not.
            let mut problem = Diagnostic::error("KS142", span, format!("the result has no column `{text}`"));
            if let Some(near) = nearest(&text, input.node.columns.iter().map(|column| column.name.as_str())) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            self.strict.push(problem);
        }
        text
    }

    /// Says when a property takes a value of another kind. A client shows what it is given; Microsoft's parser does not
    /// let it pass.
    fn suits_property(&mut self, name: &str, kind: Option<LiteralKind>, span: Span) {
        let number = [LiteralKind::Int, LiteralKind::Long, LiteralKind::Real, LiteralKind::Decimal];
        let (code, wanted) = match name {
            _ if TEXTS.contains(&name) => ("KS141", "a text"),
            "accumulate" if kind != Some(LiteralKind::Bool) => ("KS223", "true or false"),
            "ymin" | "ymax" if !kind.is_some_and(|kind| number.contains(&kind)) => ("KS224", "a number"),
            _ => return,
        };
        self.strict.push(Diagnostic::error(code, span, format!("`{name}` is {wanted}")));
    }
}
