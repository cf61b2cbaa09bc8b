//! `search`: a filter over a union whose terms are looked for in every column.

use std::rc::Rc;

use super::super::expression::{Scalar, boolean, to};
use super::super::scope::{Binding, Context, Scope};
use super::super::{Binder, Table};
use super::projection;
use super::union::all_columns;
use crate::diagnostic::{Diagnostic, Span};
use crate::plan::{Expr, Kind, Node};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, InOperator, Literal, OperatorParameter, TextOperator};
use crate::types::{Column, ScalarType, Value};

/// The column that says which table a row is from.
const TABLE: &str = "$table";

impl Binder<'_> {
    pub(in crate::bind) fn search(
        &mut self,
        input: Option<Table>,
        operator: &ast::Operator,
        parameters: &[OperatorParameter],
        tables: &[ast::Expr],
        predicate: &ast::Expr,
        scope: &Rc<Scope>,
    ) -> Table {
        let keyword = operator.keyword.span;
        let cased = super::word(parameters, "kind").is_some_and(|(kind, _)| kind == "case_sensitive");
        let table = match input {
            Some(input) if tables.is_empty() => self.searched_input(input, keyword),
            Some(_) => {
                self.error("KS175", keyword, "`search in (...)` begins a query");
                self.searched_tables(tables, operator, scope)
            }
            None => self.searched_tables(tables, operator, scope),
        };
        // `$table` is no column for the condition (Microsoft's parser: KS142).
        let searched = table.node.columns.get(1..).unwrap_or_default();
        let cx = Context { columns: searched, open: table.open, ..Context::rowless(scope) };
        let condition = self.search_condition(predicate, cased, &cx);
        if !matches!(condition.scalar_type, None | Some(ScalarType::Bool)) {
            self.error("KS141", predicate.span, "a search is for a text, or by a condition of type bool");
        }
        let columns = table.node.columns.clone();
        let kind = Kind::Filter { input: Box::new(table.node), predicate: condition.expr };
        Table { open: table.open, hidden: table.hidden, ..Table::new(Node { columns, serialized: false, kind }) }
    }

    /// Puts `$table` before the columns of what was piped in.
    ///
    /// It is the name of a table that stands there alone, `search_arg0` for everything else (measured).
    fn searched_input(&mut self, input: Table, keyword: Span) -> Table {
        if input.node.columns.iter().any(|column| column.name == TABLE) {
            self.unsupported(keyword, "`search` over a column `$table`, such as that of another `search`,");
        }
        self.tables_with_names(std::slice::from_ref(&input), keyword);
        let label = input.label.unwrap_or_else(|| "search_arg0".to_string());
        let mut columns = vec![Column::new(TABLE, ScalarType::String)];
        let mut expressions = vec![Expr::Literal(Value::String(label))];
        expressions.extend(input.node.columns.iter().cloned().map(Expr::Column));
        columns.extend(input.node.columns.iter().cloned());
        Table { open: input.open, hidden: input.hidden, ..Table::new(projection(input.node, columns, expressions)) }
    }

    fn searched_tables(&mut self, tables: &[ast::Expr], operator: &ast::Operator, scope: &Rc<Scope>) -> Table {
        let keyword = operator.keyword.span;
        let legs = self.listed_tables(tables, operator, scope);
        self.tables_with_names(&legs, keyword);
        let columns = all_columns(&legs, self.catalog.is_for_checks());
        if legs.iter().any(|leg| leg.node.columns.iter().any(|column| column.name == TABLE)) {
            self.unsupported(keyword, "`search` over a column `$table`");
        }
        self.united(legs, &columns, Some(TABLE), "search_arg")
    }

    /// Binds the tables of `search` and `find`: those that are listed, or all of them and the views.
    pub(super) fn listed_tables(
        &mut self,
        tables: &[ast::Expr],
        operator: &ast::Operator,
        scope: &Rc<Scope>,
    ) -> Vec<Table> {
        let keyword = operator.keyword.span;
        let mut legs = Vec::new();
        if tables.is_empty() {
            self.wildcard("*", keyword, true, scope, &mut legs);
            if legs.is_empty() {
                self.refuse("AQ027", keyword, "there is no table to look into");
                legs.push(Binder::nothing());
            }
        }
        for table in tables {
            self.leg(table, false, scope, &mut legs);
        }
        // Of the hidden columns those show that the operator names.
        Table::with_ingestion_of_all(legs).into_iter().map(|leg| leg.before(operator)).collect()
    }

    /// Binds a condition in which a text alone is a term that some column must have.
    pub(super) fn search_condition(&mut self, expr: &ast::Expr, cased: bool, cx: &Context) -> Scalar {
        match &expr.kind {
            ExprKind::Star => Scalar::literal(Value::Bool(true)),
            ExprKind::Paren(inner) => self.search_condition(inner, cased, cx),
            ExprKind::Binary { operator: BinaryOperator::And | BinaryOperator::Or, .. } => {
                self.search_chain(expr, cased, cx)
            }
            ExprKind::Binary { operator: BinaryOperator::Text { operator: TextOperator::Search, .. }, left, right } => {
                self.term_in(left, right, cased, expr.span, cx)
            }
            ExprKind::Call { name, arguments } if name.text == "not" && arguments.len() == 1 => {
                let operand = &arguments[0].value;
                if !self.holds_term(operand, cx) {
                    return self.case_sensitive(expr, cased, cx);
                }
                // The engine takes terms there, Microsoft's parser does not.
                self.strict.push(Diagnostic::error("KS107", operand.span, "`not` takes a value of type bool"));
                let inner = self.search_condition(operand, cased, cx);
                Scalar::known(Expr::Not(Box::new(self.condition(inner, operand.span))))
            }
            _ => match self.search_term(expr, cx) {
                Some(term) => self.term_anywhere(&term, cased, expr.span, cx),
                None => self.case_sensitive(expr, cased, cx),
            },
        }
    }

    /// Binds a chain of `and` or of `or`, however long, without recursion along the chain.
    fn search_chain(&mut self, whole: &ast::Expr, cased: bool, cx: &Context) -> Scalar {
        let ExprKind::Binary { operator, .. } = &whole.kind else { return Scalar::unknown() };
        let mut operands = Vec::new();
        let mut rest = whole;
        while let ExprKind::Binary { operator: o, left, right } = &rest.kind
            && o == operator
        {
            operands.push(&**right);
            rest = left;
        }
        operands.push(rest);
        operands.reverse();
        let mut bound = Vec::with_capacity(operands.len());
        for operand in operands {
            if matches!(operand.kind, ExprKind::Star) {
                // Microsoft's parser takes it for a dynamic value, the grammar has a rule of its own for it.
                self.strict.push(Diagnostic::error("KS106", operand.span, "`*` stands alone, or before `has`"));
            }
            let scalar = self.search_condition(operand, cased, cx);
            bound.push(self.condition(scalar, operand.span));
        }
        Scalar::known(if *operator == BinaryOperator::And { Expr::And(bound) } else { Expr::Or(bound) })
    }

    /// Takes a part of a condition, which must be a bool.
    fn condition(&mut self, scalar: Scalar, span: Span) -> Expr {
        match scalar.scalar_type {
            Some(ScalarType::Bool) => scalar.expr,
            Some(ScalarType::Dynamic) => to(scalar.expr, ScalarType::Bool),
            None => boolean().expr,
            Some(other) => {
                self.error("KS106", span, format!("a condition is of type bool, and this is of type {other}"));
                boolean().expr
            }
        }
    }

    /// Returns the term that stands alone: a string literal, or a variable that is a constant string.
    fn search_term(&self, expr: &ast::Expr, cx: &Context) -> Option<String> {
        match &expr.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text.clone()),
            ExprKind::Name(name) if cx.column(&name.text).is_none() => match cx.scope.find(&name.text) {
                Some(Binding::Scalar(scalar)) => match self.constant(&scalar) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// Tells whether a condition has a term of its own: then it is about all columns of all tables.
    pub(super) fn holds_term(&self, expr: &ast::Expr, cx: &Context) -> bool {
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            match &expr.kind {
                ExprKind::Star => return true,
                ExprKind::Paren(inner) => rest.push(inner),
                ExprKind::Binary { operator: BinaryOperator::And | BinaryOperator::Or, left, right } => {
                    rest.extend([&**left, &**right]);
                }
                ExprKind::Binary { left, .. } if matches!(left.kind, ExprKind::Star) => return true,
                ExprKind::Call { name, arguments } if name.text == "not" => {
                    rest.extend(arguments.iter().map(|argument| &argument.value));
                }
                _ if self.search_term(expr, cx).is_some() => return true,
                _ => {}
            }
        }
        false
    }

    fn term_anywhere(&mut self, term: &str, cased: bool, span: Span, cx: &Context) -> Scalar {
        // A table that is not there has been told of.
        if cx.open && self.refusals.is_empty() && !self.problems.iter().any(Diagnostic::is_error) {
            self.refuse("AQ002", span, "the columns of this table are known only when the data are");
        }
        match self.term(term, cased, span) {
            Some(Term::Everything) => Scalar::literal(Value::Bool(true)),
            Some(Term::Operator(name, needle)) => {
                self.in_any_column(name, Expr::Literal(Value::String(needle)), span, cx)
            }
            None => boolean(),
        }
    }

    /// Binds `column : "term"`.
    pub(in crate::bind) fn term_in(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        cased: bool,
        span: Span,
        cx: &Context,
    ) -> Scalar {
        let value = self.scalar(right, cx);
        let Some(Value::String(text)) = self.constant(&value) else {
            let bound = self.text_call("has", left, right, span, cx);
            if value.scalar_type == Some(ScalarType::String) {
                self.unsupported(right.span, "`:` before a text that is not constant");
            }
            return bound;
        };
        let Some(term) = self.term(&text, cased, span) else { return boolean() };
        if matches!(left.kind, ExprKind::Star) {
            return self.term_anywhere(&text, cased, span, cx);
        }
        let value = self.scalar(left, cx);
        match (value.scalar_type, term) {
            (None, _) => boolean(),
            (Some(ScalarType::String | ScalarType::Dynamic), Term::Everything) => Scalar::literal(Value::Bool(true)),
            (Some(ScalarType::String | ScalarType::Dynamic), Term::Operator(name, needle)) => {
                let needle = Expr::Literal(Value::String(needle));
                self.library_call(name, vec![to(value.expr, ScalarType::String), needle], span)
            }
            (Some(other), _) => {
                self.error("KS106", span, format!("`:` looks for a term in a string, and this is of type {other}"));
                boolean()
            }
        }
    }

    /// Reads the wildcards of a term. None where it was refused.
    fn term(&mut self, text: &str, cased: bool, span: Span) -> Option<Term> {
        let pick = |insensitive, sensitive| if cased { sensitive } else { insensitive };
        if !text.is_empty() && text.chars().all(|c| c == '*') {
            return Some(Term::Everything);
        }
        let (open_start, inner) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (open_end, inner) = inner.strip_suffix('*').map_or((false, inner), |rest| (true, rest));
        if !inner.contains('*') {
            let name = match (open_start, open_end) {
                (false, false) => pick("has", "has_cs"),
                (true, false) => pick("hassuffix", "hassuffix_cs"),
                (false, true) => pick("hasprefix", "hasprefix_cs"),
                (true, true) => pick("contains", "contains_cs"),
            };
            return Some(Term::Operator(name, inner.to_string()));
        }
        // Documented as `matches regex @"\bLab.*PC\b"`, which minds case although a search does not, and without a
        // word on what has a meaning in a regular expression: answered where these questions do not arise.
        let plain = text.split('*').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()));
        let caseless = cased || !text.contains(|c: char| c.is_ascii_alphabetic());
        if !plain || !caseless {
            self.unsupported(span, format_args!("the search for `{text}`, with `*` within,"));
            return None;
        }
        Some(Term::Operator("matches regex", format!("\\b{}\\b", text.replace('*', ".*"))))
    }

    /// Binds a part of the condition that is no term; with `kind=case_sensitive` its text operators mind case.
    fn case_sensitive(&mut self, expr: &ast::Expr, cased: bool, cx: &Context) -> Scalar {
        if !cased {
            return self.scalar(expr, cx);
        }
        if let ExprKind::Binary { operator: BinaryOperator::Text { operator, negated }, left, right } = &expr.kind
            && let Some(operator) = with_case(*operator)
            && !folds_case(left)
            && !folds_case(right)
        {
            let operator = BinaryOperator::Text { operator, negated: *negated };
            let kind = ExprKind::Binary { operator, left: left.clone(), right: right.clone() };
            return self.scalar(&ast::Expr { span: expr.span, kind }, cx);
        }
        if folds_case(expr) {
            self.unsupported(expr.span, "what does not mind case within `search kind=case_sensitive`");
        }
        self.scalar(expr, cx)
    }
}

/// What a term is looked for with.
enum Term {
    /// `*`
    Everything,
    /// An operator of the library, and its right side.
    Operator(&'static str, String),
}

/// Returns the operator that minds case.
fn with_case(operator: TextOperator) -> Option<TextOperator> {
    Some(match operator {
        TextOperator::Has | TextOperator::HasCs => TextOperator::HasCs,
        TextOperator::HasPrefix | TextOperator::HasPrefixCs => TextOperator::HasPrefixCs,
        TextOperator::HasSuffix | TextOperator::HasSuffixCs => TextOperator::HasSuffixCs,
        TextOperator::Contains | TextOperator::ContainsCs => TextOperator::ContainsCs,
        TextOperator::StartsWith | TextOperator::StartsWithCs => TextOperator::StartsWithCs,
        TextOperator::EndsWith | TextOperator::EndsWithCs => TextOperator::EndsWithCs,
        TextOperator::MatchesRegex => TextOperator::MatchesRegex,
        TextOperator::Like | TextOperator::LikeCs => TextOperator::LikeCs,
        TextOperator::Search => return None,
    })
}

/// Tells whether an operator that does not mind case stands anywhere in an expression.
fn folds_case(expr: &ast::Expr) -> bool {
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match &expr.kind {
            ExprKind::Binary { operator: BinaryOperator::EqualTilde | BinaryOperator::NotEqualTilde, .. } => {
                return true;
            }
            ExprKind::Binary { operator: BinaryOperator::Text { operator, .. }, .. }
                if with_case(*operator) != Some(*operator) =>
            {
                return true;
            }
            ExprKind::In { operator, .. } if !matches!(operator, InOperator::In | InOperator::NotIn) => return true,
            ExprKind::Pipeline { .. } | ExprKind::Leading(_) => return true,
            _ => rest.extend(expr.parts()),
        }
    }
    false
}
