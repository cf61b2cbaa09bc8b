//! Walks over a tree: every statement, expression and operator, those of subqueries and function bodies included.

use super::ast::{
    Argument, Expr, ExprKind, GraphElement, GraphMatch, JoinCondition, MakeGraph, MakeSeries, MvColumn, NamedExpr,
    Operator, OperatorKind, OperatorParameter, OrderedExpr, Parameter, PartitionBody, Query, Scan, Statement,
    StatementKind, TopNestedLevel,
};

/// A part of a tree.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A text, or the body of a function, of `macro-expand` or of `partition`.
    Query(&'a Query),
    Statement(&'a Statement),
    Expr(&'a Expr),
    Operator(&'a Operator),
}

/// Returns every part of a tree: each before what is within it, in the order of the text.
///
/// ```
/// use alertq::syntax::{parse, visit::{Part, parts}};
/// let query = parse("T | where a == 1 | join (U | count) on a").query;
/// let operators = parts(Part::Query(&query)).filter(|part| matches!(part, Part::Operator(_)));
/// assert_eq!(operators.count(), 3);
/// ```
pub fn parts(root: Part<'_>) -> impl Iterator<Item = Part<'_>> {
    walk(root, |_| true)
}

/// Returns the expressions of an operator, without what queries, pipelines and functions within it hold.
pub fn row_expressions(operator: &Operator) -> impl Iterator<Item = &Expr> {
    let is_row = |part: Part| match part {
        Part::Expr(expr) => !is_query(expr),
        Part::Operator(within) => std::ptr::eq(within, operator),
        _ => false,
    };
    walk(Part::Operator(operator), is_row).filter_map(|part| match part {
        Part::Expr(expr) if !is_query(expr) => Some(expr),
        _ => None,
    })
}

/// Tells whether an expression is a relation or a function by its form.
pub fn is_query(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Pipeline { .. }
            | ExprKind::Leading(_)
            | ExprKind::Function { .. }
            | ExprKind::DataTable { .. }
            | ExprKind::ExternalData(_)
    )
}

/// Returns the parts of a tree as [`parts`] does, but not what is within those that are not entered.
///
/// It walks with a list of what is left to do: trees are as high as the parser lets them grow.
pub fn walk<'a>(root: Part<'a>, enter: impl Fn(Part<'a>) -> bool) -> impl Iterator<Item = Part<'a>> {
    let mut left = vec![root];
    std::iter::from_fn(move || {
        let part = left.pop()?;
        if enter(part) {
            let from = left.len();
            children(part, &mut left);
            left[from..].reverse();
        }
        Some(part)
    })
}

type Parts<'a> = Vec<Part<'a>>;

fn children<'a>(part: Part<'a>, to: &mut Parts<'a>) {
    match part {
        Part::Query(query) => to.extend(query.statements.iter().map(Part::Statement)),
        Part::Statement(statement) => in_statement(statement, to),
        Part::Expr(expr) => in_expr(expr, to),
        Part::Operator(operator) => in_operator(operator, to),
    }
}

fn in_statement<'a>(statement: &'a Statement, to: &mut Parts<'a>) {
    match &statement.kind {
        StatementKind::Let { value, .. } | StatementKind::Alias { value, .. } | StatementKind::Expr(value) => {
            to.push(Part::Expr(value));
        }
        StatementKind::Set { value, .. } => to.extend(value.as_ref().map(Part::Expr)),
        StatementKind::DeclareParameters { parameters } => defaults(parameters, to),
        StatementKind::DeclarePattern { pattern, .. } => {
            for case in pattern.iter().flat_map(|pattern| &pattern.cases) {
                exprs(&case.values, to);
                to.extend(case.path.as_ref().map(Part::Expr));
                to.push(Part::Query(&case.body));
            }
        }
        StatementKind::Restrict { entities } => exprs(entities, to),
    }
}

fn in_expr<'a>(expr: &'a Expr, to: &mut Parts<'a>) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Star | ExprKind::Wildcard(_) | ExprKind::Error => {}
        ExprKind::Paren(inner) => to.push(Part::Expr(inner)),
        ExprKind::Member { base, .. } => to.push(Part::Expr(base)),
        ExprKind::Element { base, index } => to.extend([Part::Expr(base), Part::Expr(index)]),
        ExprKind::Call { arguments, .. } => in_arguments(arguments, to),
        ExprKind::MethodCall { base, arguments, .. } => {
            to.push(Part::Expr(base));
            in_arguments(arguments, to);
        }
        ExprKind::Unary { operand, .. } => to.push(Part::Expr(operand)),
        ExprKind::Binary { left, right, .. } => to.extend([Part::Expr(left), Part::Expr(right)]),
        ExprKind::In { left, list, .. } => {
            to.push(Part::Expr(left));
            exprs(list, to);
        }
        ExprKind::Between { left, low, high, .. } => {
            to.extend([Part::Expr(left), Part::Expr(low), Part::Expr(high)]);
        }
        ExprKind::Pipeline { source, operators } => {
            to.push(Part::Expr(source));
            to.extend(operators.iter().map(Part::Operator));
        }
        ExprKind::Leading(operator) => to.push(Part::Operator(operator)),
        ExprKind::DataTable { values, parameters, .. } => {
            settings(parameters, to);
            exprs(values, to);
        }
        ExprKind::ExternalData(external) => {
            settings(&external.parameters, to);
            exprs(&external.uris, to);
            settings(&external.properties, to);
        }
        ExprKind::Function { parameters, body, .. } => {
            defaults(parameters, to);
            to.push(Part::Query(body));
        }
        ExprKind::EntityGroup(members) => exprs(members, to),
    }
}

fn in_operator<'a>(operator: &'a Operator, to: &mut Parts<'a>) {
    match &operator.kind {
        OperatorKind::AssertSchema { .. }
        | OperatorKind::Count { .. }
        | OperatorKind::ExecuteAndCache
        | OperatorKind::GetSchema { .. }
        | OperatorKind::Error => {}
        OperatorKind::As { parameters, .. }
        | OperatorKind::Consume { parameters }
        | OperatorKind::GraphMarkComponents { parameters } => settings(parameters, to),
        OperatorKind::Distinct { parameters, columns } | OperatorKind::Serialize { parameters, columns } => {
            settings(parameters, to);
            named(columns, to);
        }
        OperatorKind::Evaluate { parameters, call, .. } => {
            settings(parameters, to);
            to.push(Part::Expr(call));
        }
        OperatorKind::Extend { columns }
        | OperatorKind::Print { columns }
        | OperatorKind::Project { columns }
        | OperatorKind::ProjectRename { columns } => named(columns, to),
        OperatorKind::Facet { by, with } => {
            exprs(by, to);
            to.extend(with.as_deref().map(Part::Expr));
        }
        OperatorKind::Find(find) => {
            settings(&find.parameters, to);
            exprs(&find.tables, to);
            to.push(Part::Expr(&find.predicate));
            exprs(&find.project_away, to);
        }
        OperatorKind::Fork { branches } => {
            to.extend(branches.iter().flat_map(|branch| &branch.operators).map(Part::Operator));
        }
        OperatorKind::GraphMatch(graph) | OperatorKind::GraphShortestPaths(graph) => in_graph(graph, to),
        OperatorKind::GraphToTable { outputs } => outputs.iter().for_each(|output| settings(&output.parameters, to)),
        OperatorKind::GraphWhere { predicate, .. } => to.push(Part::Expr(predicate)),
        OperatorKind::Invoke { call } => to.push(Part::Expr(call)),
        OperatorKind::Join { parameters, right, condition } | OperatorKind::Lookup { parameters, right, condition } => {
            settings(parameters, to);
            to.push(Part::Expr(right));
            match condition {
                JoinCondition::None => {}
                JoinCondition::On(keys) => exprs(keys, to),
                JoinCondition::Where(predicate) => to.push(Part::Expr(predicate)),
            }
        }
        OperatorKind::MacroExpand { parameters, group, body, .. } => {
            settings(parameters, to);
            to.extend([Part::Expr(group), Part::Query(body)]);
        }
        OperatorKind::MakeGraph(graph) => in_make_graph(graph, to),
        OperatorKind::MakeSeries(series) => in_series(series, to),
        OperatorKind::MvApply(apply) => {
            settings(&apply.parameters, to);
            expanded(&apply.columns, to);
            to.extend(apply.limit.as_deref().map(Part::Expr));
            to.extend(apply.context_id.as_deref().map(Part::Expr));
            to.extend(apply.body.iter().map(Part::Operator));
        }
        OperatorKind::MvExpand { parameters, columns, limit } => {
            settings(parameters, to);
            expanded(columns, to);
            to.extend(limit.as_deref().map(Part::Expr));
        }
        OperatorKind::Parse(parse) => {
            settings(&parse.parameters, to);
            to.push(Part::Expr(&parse.input));
        }
        OperatorKind::ParseKv { input, properties, .. } => {
            to.push(Part::Expr(input));
            settings(properties, to);
        }
        OperatorKind::Partition { parameters, by, scope, body } => {
            settings(parameters, to);
            to.push(Part::Expr(by));
            to.extend(scope.as_deref().map(Part::Expr));
            match body {
                PartitionBody::Operators(operators) => to.extend(operators.iter().map(Part::Operator)),
                PartitionBody::Query(query) => to.push(Part::Query(query)),
            }
        }
        OperatorKind::ProjectAway { columns }
        | OperatorKind::ProjectByNames { columns }
        | OperatorKind::ProjectKeep { columns } => exprs(columns, to),
        OperatorKind::ProjectReorder { columns } => ordered(columns, to),
        OperatorKind::Range { from, to: end, step, .. } => {
            to.extend([Part::Expr(from), Part::Expr(end), Part::Expr(step)]);
        }
        OperatorKind::Reduce { parameters, by, with } => {
            settings(parameters, to);
            to.push(Part::Expr(&by.value));
            settings(with, to);
        }
        OperatorKind::Render { properties, .. } => settings(properties, to),
        OperatorKind::SampleDistinct { parameters, count, of } => {
            settings(parameters, to);
            to.extend([Part::Expr(count), Part::Expr(&of.value)]);
        }
        OperatorKind::Scan(scan) => in_scan(scan, to),
        OperatorKind::Search { parameters, tables, predicate } => {
            settings(parameters, to);
            exprs(tables, to);
            to.push(Part::Expr(predicate));
        }
        OperatorKind::Sort { parameters, by } => {
            settings(parameters, to);
            ordered(by, to);
        }
        OperatorKind::Summarize(summarize) => {
            settings(&summarize.parameters, to);
            named(&summarize.aggregates, to);
            named(&summarize.by, to);
            to.extend(summarize.bin.as_deref().map(Part::Expr));
        }
        OperatorKind::Sample { parameters, count } | OperatorKind::Take { parameters, count } => {
            settings(parameters, to);
            to.push(Part::Expr(count));
        }
        OperatorKind::Top { parameters, count, by } => {
            settings(parameters, to);
            to.push(Part::Expr(count));
            ordered(by, to);
        }
        OperatorKind::TopHitters { count, of, by } => {
            to.extend([Part::Expr(count), Part::Expr(&of.value)]);
            to.extend(by.as_ref().map(|by| Part::Expr(&by.value)));
        }
        OperatorKind::TopNested { levels } => levels.iter().for_each(|level| in_level(level, to)),
        OperatorKind::Union { parameters, tables } => {
            settings(parameters, to);
            exprs(tables, to);
        }
        OperatorKind::Where { parameters, predicate } => {
            settings(parameters, to);
            to.push(Part::Expr(predicate));
        }
    }
}

fn in_graph<'a>(graph: &'a GraphMatch, to: &mut Parts<'a>) {
    settings(&graph.parameters, to);
    for element in graph.patterns.iter().flatten() {
        if let GraphElement::Edge { range: Some((from, end)), .. } = element {
            to.extend([Part::Expr(from), Part::Expr(end)]);
        }
    }
    to.extend(graph.predicate.as_deref().map(Part::Expr));
    named(&graph.project, to);
}

fn in_make_graph<'a>(graph: &'a MakeGraph, to: &mut Parts<'a>) {
    settings(&graph.parameters, to);
    to.extend(graph.nodes.iter().map(|(table, _)| Part::Expr(table)));
    to.extend(graph.partitioned_by.iter().flat_map(|(_, operators)| operators).map(Part::Operator));
}

fn in_series<'a>(series: &'a MakeSeries, to: &mut Parts<'a>) {
    settings(&series.parameters, to);
    for aggregate in &series.aggregates {
        to.push(Part::Expr(&aggregate.value.value));
        to.extend(aggregate.default.as_ref().map(Part::Expr));
    }
    to.push(Part::Expr(&series.on.value));
    to.extend([&series.from, &series.to, &series.step].into_iter().flatten().map(|bound| Part::Expr(bound)));
    named(&series.by, to);
}

fn in_scan<'a>(scan: &'a Scan, to: &mut Parts<'a>) {
    settings(&scan.parameters, to);
    ordered(&scan.order_by, to);
    exprs(&scan.partition_by, to);
    defaults(&scan.declare, to);
    for step in &scan.steps {
        to.push(Part::Expr(&step.condition));
        named(&step.assignments, to);
    }
}

fn in_level<'a>(level: &'a TopNestedLevel, to: &mut Parts<'a>) {
    to.extend(level.count.as_ref().map(Part::Expr));
    to.push(Part::Expr(&level.of.value));
    to.extend(level.others.as_ref().map(Part::Expr));
    to.push(Part::Expr(&level.by.value));
}

fn in_arguments<'a>(arguments: &'a [Argument], to: &mut Parts<'a>) {
    to.extend(arguments.iter().map(|argument| Part::Expr(&argument.value)));
}

fn exprs<'a>(list: &'a [Expr], to: &mut Parts<'a>) {
    to.extend(list.iter().map(Part::Expr));
}

fn named<'a>(list: &'a [NamedExpr], to: &mut Parts<'a>) {
    to.extend(list.iter().map(|item| Part::Expr(&item.value)));
}

fn ordered<'a>(list: &'a [OrderedExpr], to: &mut Parts<'a>) {
    to.extend(list.iter().map(|key| Part::Expr(&key.value.value)));
}

fn expanded<'a>(list: &'a [MvColumn], to: &mut Parts<'a>) {
    to.extend(list.iter().map(|column| Part::Expr(&column.value.value)));
}

fn settings<'a>(list: &'a [OperatorParameter], to: &mut Parts<'a>) {
    to.extend(list.iter().map(|parameter| Part::Expr(&parameter.value)));
}

fn defaults<'a>(list: &'a [Parameter], to: &mut Parts<'a>) {
    to.extend(list.iter().filter_map(|parameter| parameter.default.as_ref()).map(Part::Expr));
}
