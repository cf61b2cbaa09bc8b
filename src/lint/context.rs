//! What lints look at: a tree, what binding found out about it, and the rule that it belongs to.

use std::collections::HashMap;

use crate::bind::Trace;
use crate::catalog::log_analytics;
use crate::syntax::ast::{
    Argument, BinaryOperator, Expr, ExprKind, Literal, LiteralKind, NamedExpr, Operator, OperatorKind, ParsePart,
    PartitionBody, Query, StatementKind,
};
use crate::syntax::visit::{Part, parts, row_expressions};
use crate::types::{ScalarType, Value, convert};

/// How often names are followed to what they stand for: `let a = b; let b = a` never ends.
const MAX_STEPS: usize = 16;

/// When the rule runs that the query belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schedule {
    /// How far back the records reach that the query gets to see, in ticks; None where that is not known.
    pub period: Option<i64>,
}

/// A query and what is known of it.
#[derive(Debug)]
pub struct Context<'a> {
    pub text: &'a str,
    pub trace: &'a Trace,
    /// None where the query stands by itself.
    pub rule: Option<Schedule>,
    parts: Vec<Part<'a>>,
    pipelines: Vec<Pipeline<'a>>,
    /// The value of each `let` whose name stands for nothing else in the text.
    lets: HashMap<&'a str, &'a Expr>,
}

/// Operators one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Pipeline<'a> {
    /// None for those within an operator: of `fork`, `mv-apply`, `partition`.
    pub source: Option<&'a Expr>,
    pub operators: &'a [Operator],
    /// Its rows are a result of the query.
    pub is_result: bool,
}

/// Operators from a table on, through the names of `let` statements.
#[derive(Debug, Default)]
pub struct Chain<'a> {
    /// The name of the table; None where rows come from anything else.
    pub table: Option<&'a str>,
    pub operators: Vec<&'a Operator>,
}

impl<'a> Context<'a> {
    /// Looks at a query that was bound with [`crate::bind::Tracing::Types`] or more.
    pub fn new(text: &'a str, query: &'a Query, trace: &'a Trace, rule: Option<Schedule>) -> Self {
        let parts: Vec<Part> = parts(Part::Query(query)).collect();
        let pipelines = pipelines(query, &parts);
        Context { text, trace, rule, lets: lets(&parts), parts, pipelines }
    }

    /// Returns all expressions, each before those within it.
    pub fn exprs(&self) -> impl Iterator<Item = &'a Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(expr) => Some(*expr),
            _ => None,
        })
    }

    /// Returns all operators.
    pub fn operators(&self) -> impl Iterator<Item = &'a Operator> {
        self.parts.iter().filter_map(|part| match part {
            Part::Operator(operator) => Some(*operator),
            _ => None,
        })
    }

    /// Returns all statements.
    pub fn statements(&self) -> impl Iterator<Item = &'a StatementKind> {
        self.parts.iter().filter_map(|part| match part {
            Part::Statement(statement) => Some(&statement.kind),
            _ => None,
        })
    }

    /// Returns all pipelines.
    pub fn pipelines(&self) -> &[Pipeline<'a>] {
        &self.pipelines
    }

    /// Returns the type of an expression, where it is known.
    pub fn type_of(&self, expr: &Expr) -> Option<ScalarType> {
        self.trace.type_at(expr.span)
    }

    /// Looks through parentheses, `materialize` and names to what was written.
    pub fn resolved(&self, expr: &'a Expr) -> &'a Expr {
        let mut expr = expr;
        for _ in 0..MAX_STEPS {
            expr = match &expr.kind {
                ExprKind::Paren(inner) => inner,
                ExprKind::Name(name) => match self.lets.get(name.text.as_str()) {
                    Some(value) => value,
                    None => return expr,
                },
                ExprKind::Call { name, arguments } if name.text == "materialize" => match arguments.as_slice() {
                    [Argument { value, .. }] => value,
                    _ => return expr,
                },
                _ => return expr,
            };
        }
        expr
    }

    /// Follows a relation to the table that its rows come from.
    pub fn chain(&self, expr: &'a Expr) -> Chain<'a> {
        let mut chain = Chain::default();
        let mut expr = self.resolved(expr);
        for _ in 0..MAX_STEPS {
            let ExprKind::Pipeline { source, operators } = &expr.kind else { break };
            chain.operators.extend(operators.iter().rev());
            expr = self.resolved(source);
        }
        chain.operators.reverse();
        chain.table = table_name(expr);
        chain
    }

    /// Follows a pipeline to its table: the operators before the one at `index` are in the chain.
    pub fn chain_before(&self, pipeline: &Pipeline<'a>, index: usize) -> Chain<'a> {
        let mut chain = pipeline.source.map(|source| self.chain(source)).unwrap_or_default();
        chain.operators.extend(&pipeline.operators[..index]);
        chain
    }

    /// Tells whether an operator compares something with an instant.
    pub fn filters_time(&self, operator: &'a Operator) -> bool {
        let OperatorKind::Where { .. } = operator.kind else { return false };
        row_expressions(operator).any(|expr| match &expr.kind {
            ExprKind::Binary { operator, left, right } => {
                is_comparison(*operator) && (self.is_instant(left) || self.is_instant(right))
            }
            ExprKind::Between { left, low, .. } => self.is_instant(left) || self.is_instant(low),
            // A condition that a function of the user's gives.
            ExprKind::Call { name, .. } => self.lets.contains_key(name.text.as_str()),
            _ => false,
        })
    }

    fn is_instant(&self, expr: &'a Expr) -> bool {
        self.type_of(expr) == Some(ScalarType::DateTime)
            || matches!(&self.resolved(expr).kind, ExprKind::Call { name, .. } if matches!(name.text.as_str(), "ago" | "now"))
    }

    /// Returns the ticks of a timespan that the text tells.
    pub fn timespan(&self, expr: &'a Expr) -> Option<i64> {
        match &self.resolved(expr).kind {
            ExprKind::Literal(Literal::Typed { kind: LiteralKind::TimeSpan, text, .. }) => {
                match convert::read_literal(ScalarType::TimeSpan, text) {
                    Ok(Value::TimeSpan(ticks)) => Some(ticks),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl<'a> Chain<'a> {
    /// Tells whether a column still holds what the table has under its name.
    pub fn keeps(&self, column: &str) -> bool {
        self.operators.iter().all(|operator| keeps(operator, column))
    }

    /// Tells whether the table is one of Log Analytics that has a time.
    pub fn reads_log(&self) -> bool {
        self.table
            .and_then(log_analytics::find)
            .is_some_and(|table| table.columns.iter().any(|c| c.name == "TimeGenerated"))
    }
}

/// Returns the value that an operator gives to a column by name.
pub fn assigned<'a>(operator: &'a Operator, column: &str) -> Option<&'a Expr> {
    let find = |items: &'a [NamedExpr]| {
        items.iter().rev().find(|item| item.names.iter().any(|name| name.text == column)).map(|item| &item.value)
    };
    match &operator.kind {
        OperatorKind::Extend { columns }
        | OperatorKind::Project { columns }
        | OperatorKind::Print { columns }
        | OperatorKind::Distinct { columns, .. }
        | OperatorKind::Serialize { columns, .. }
        | OperatorKind::ProjectRename { columns } => find(columns),
        OperatorKind::Summarize(summarize) => find(&summarize.aggregates).or_else(|| find(&summarize.by)),
        _ => None,
    }
}

fn keeps(operator: &Operator, column: &str) -> bool {
    if assigned(operator, column).is_some() {
        return false;
    }
    let declared = |name: &str| name == column;
    match &operator.kind {
        OperatorKind::As { .. }
        | OperatorKind::Where { .. }
        | OperatorKind::Extend { .. }
        | OperatorKind::Project { .. }
        | OperatorKind::ProjectAway { .. }
        | OperatorKind::ProjectKeep { .. }
        | OperatorKind::ProjectRename { .. }
        | OperatorKind::ProjectReorder { .. }
        | OperatorKind::Distinct { .. }
        | OperatorKind::Serialize { .. }
        | OperatorKind::Summarize(_)
        | OperatorKind::Sort { .. }
        | OperatorKind::Take { .. }
        | OperatorKind::Sample { .. }
        | OperatorKind::Top { .. }
        | OperatorKind::Join { .. }
        | OperatorKind::Lookup { .. }
        | OperatorKind::Render { .. } => true,
        OperatorKind::MvExpand { columns, .. } => !columns.iter().any(|item| {
            item.value.names.iter().any(|name| declared(&name.text))
                || matches!(&item.value.value.kind, ExprKind::Name(name) if declared(&name.text))
        }),
        OperatorKind::Parse(parse) => {
            !parse.pattern.iter().any(|part| matches!(part, ParsePart::Column(c) if declared(&c.name.text)))
        }
        _ => false,
    }
}

/// Tells whether it is one of `==`, `!=`, `<`, `<=`, `>`, `>=`.
pub fn is_comparison(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual
    )
}

/// Returns the text of a string literal.
pub fn text_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => Some(text),
        ExprKind::Paren(inner) => match &inner.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the name where an expression is one.
pub fn name_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(&name.text),
        _ => None,
    }
}

/// Returns the only argument of a call of one of the functions.
pub fn call_of<'a>(expr: &'a Expr, functions: &[&str]) -> Option<(&'a str, &'a Expr)> {
    match &expr.kind {
        ExprKind::Call { name, arguments } if functions.contains(&name.text.as_str()) => match arguments.as_slice() {
            [Argument { value, .. }] => Some((&name.text, value)),
            _ => None,
        },
        _ => None,
    }
}

fn table_name(expr: &Expr) -> Option<&str> {
    name_of(expr)
}

/// Finds the `let` statements whose names are declared once in the text, and are no parameter's.
fn lets<'a>(parts: &[Part<'a>]) -> HashMap<&'a str, &'a Expr> {
    let mut found: HashMap<&str, Option<&Expr>> = HashMap::new();
    for part in parts {
        match part {
            Part::Statement(statement) => {
                if let StatementKind::Let { name, value } = &statement.kind {
                    found.entry(&name.text).and_modify(|known| *known = None).or_insert(Some(value));
                }
            }
            Part::Expr(Expr { kind: ExprKind::Function { parameters, .. }, .. }) => {
                found.extend(parameters.iter().map(|parameter| (parameter.name.text.as_str(), None)));
            }
            _ => {}
        }
    }
    found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn pipelines<'a>(query: &'a Query, parts: &[Part<'a>]) -> Vec<Pipeline<'a>> {
    let results: Vec<&Expr> = query
        .statements
        .iter()
        .filter_map(|statement| match &statement.kind {
            StatementKind::Expr(value) => Some(value),
            _ => None,
        })
        .collect();
    let mut pipelines = Vec::new();
    let within = |operators: &'a [Operator]| Pipeline { source: None, operators, is_result: false };
    for part in parts {
        match part {
            Part::Expr(expr) => {
                if let ExprKind::Pipeline { source, operators } = &expr.kind {
                    let is_result = results.iter().any(|result| std::ptr::eq(*result, *expr));
                    pipelines.push(Pipeline { source: Some(source), operators, is_result });
                }
            }
            Part::Operator(operator) => match &operator.kind {
                OperatorKind::Fork { branches } => {
                    pipelines.extend(branches.iter().map(|branch| within(&branch.operators)));
                }
                OperatorKind::MvApply(apply) => pipelines.push(within(&apply.body)),
                OperatorKind::Partition { body: PartitionBody::Operators(operators), .. } => {
                    pipelines.push(within(operators));
                }
                _ => {}
            },
            _ => {}
        }
    }
    pipelines
}
