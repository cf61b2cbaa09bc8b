//! Operators on graphs.

use super::super::expression::{required_expression, required_scalar, signed};
use super::super::name::{name, required_name};
use super::super::parameter::{Value, parameters};
use super::super::tokens::{
    List, Read, Tokens, absent, bracketed, comma_list, optional, or_missing, required, required_word,
};
use super::fork::required_operators;
use super::project::columns;
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{
    EdgeDirection, Expr, GraphElement, GraphMatch, GraphOutput, MakeGraph, Name, Operator, OperatorKind,
};
use crate::syntax::lexer::TokenKind;

/// `make-graph a --> b with Nodes on id`, `make-graph a -- b with_node_id=id`
pub(super) fn make_graph(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("hint.strategy", Value::Any)])?;
    let (rest, source) = required_name(rest)?;
    let (rest, directed) = arrow_between_columns(rest);
    let (rest, target) = required_name(rest)?;
    let (rest, node_id) = node_id(rest)?;
    let (rest, nodes) = nodes(rest)?;
    let (rest, partitioned_by) = partitioned_by(rest)?;
    let graph = MakeGraph { parameters, source, directed, target, nodes, node_id, partitioned_by };
    Ok((rest, OperatorKind::MakeGraph(graph)))
}

/// Returns how many tokens these adjacent signs have, if they stand here.
fn signs(input: Tokens<'_>, text: &str) -> Option<usize> {
    let mut length = 0;
    for n in 0.. {
        if length == text.len() {
            return Some(n);
        }
        let token = input.text_at(n);
        let is_apart = n > 0 && !input.touches(n);
        if token.is_empty() || is_apart || !text[length..].starts_with(token) {
            return None;
        }
        length += token.len();
    }
    None
}

/// `-->`, `--`
fn arrow_between_columns(input: Tokens<'_>) -> (Tokens<'_>, bool) {
    if let Some(length) = signs(input, "-->") {
        return (input.skip(length), true);
    }
    if let Some(length) = signs(input, "--") {
        return (input.skip(length), false);
    }
    input.expected("`-->` or `--`");
    (input, true)
}

/// `with_node_id=id`, or nothing.
fn node_id(input: Tokens<'_>) -> Read<'_, Option<Name>> {
    if !input.is_word("with_node_id") {
        return Ok((input, None));
    }
    let (rest, name) = required_name(required(input.skip(1), TokenKind::Assign))?;
    Ok((rest, Some(name)))
}

/// `with Nodes on id, (More | take 5) on key`, or nothing.
fn nodes(input: Tokens<'_>) -> Read<'_, Vec<(Expr, Name)>> {
    if !input.is_word("with") {
        return Ok((input, Vec::new()));
    }
    let list = List::SOME.until(|input| input.is_word("partitioned-by") || input.is_list_end());
    comma_list(input.skip(1), list, table_of_nodes, |input| (input.missing("a table"), input.missing_name()))
}

fn table_of_nodes(input: Tokens<'_>) -> Read<'_, (Expr, Name)> {
    let (rest, table) = signed(input)?;
    let (rest, key) = required_name(required_word(rest, "on"))?;
    Ok((rest, (table, key)))
}

/// `partitioned-by a (graph-match ...)`, or nothing.
fn partitioned_by(input: Tokens<'_>) -> Read<'_, Option<(Name, Vec<Operator>)>> {
    if !input.is_word("partitioned-by") {
        return Ok((input, None));
    }
    let (rest, column) = required_name(input.skip(1))?;
    let (rest, operators) = bracketed(rest, TokenKind::OpenParen, required_operators)?;
    Ok((rest, Some((column, operators))))
}

/// `graph-match cycles=none (a)-[e]->(b) where e.x == 1 project a.n`
pub(super) fn graph_match(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("cycles", Value::Any)])?;
    let (rest, patterns) = patterns(rest)?;
    let (rest, predicate) = predicate(rest)?;
    let (rest, project) = project(rest)?;
    Ok((rest, OperatorKind::GraphMatch(GraphMatch { parameters, patterns, predicate, project })))
}

/// `graph-shortest-paths output=all (a)-[e*1..3]->(b) project a.n`
pub(super) fn graph_shortest_paths(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("output", Value::Any)])?;
    let (rest, patterns) = patterns(rest)?;
    let (rest, predicate) = predicate(rest)?;
    let (rest, project) = project(rest)?;
    Ok((rest, OperatorKind::GraphShortestPaths(GraphMatch { parameters, patterns, predicate, project })))
}

/// `(a)-->(b), (a)--(c)`
fn patterns(input: Tokens<'_>) -> Read<'_, Vec<Vec<GraphElement>>> {
    comma_list(input, List::OPEN, pattern, |input| {
        input.report(Diagnostic::error("KS217", input.here(), "a pattern such as `(a)-[e]->(b)` is missing"));
        Vec::new()
    })
}

/// `(a)-->(b)`
fn pattern(input: Tokens<'_>) -> Read<'_, Vec<GraphElement>> {
    let mut elements = Vec::new();
    let mut rest = input;
    while let (next, Some(element)) = optional(rest, pattern_element)? {
        elements.push(element);
        rest = next;
    }
    if elements.is_empty() { absent() } else { Ok((rest, elements)) }
}

fn pattern_element(input: Tokens<'_>) -> Read<'_, GraphElement> {
    if input.kind() == TokenKind::OpenParen {
        let (rest, name) = bracketed(input, TokenKind::OpenParen, |input| optional(input, name))?;
        return Ok((rest, GraphElement::Node { span: input.span_to(rest), name }));
    }
    edge(input)
}

/// `-->`, `<--`, `--`, `-[e*1..3]->`, `<-[e]-`, `-[e]-`
fn edge(input: Tokens<'_>) -> Read<'_, GraphElement> {
    use EdgeDirection::{Any, Left, Right};
    for (text, direction) in [("-->", Right), ("<--", Left), ("--", Any)] {
        if let Some(length) = signs(input, text) {
            let rest = input.skip(length);
            return Ok((rest, GraphElement::Edge { span: input.span_to(rest), name: None, direction, range: None }));
        }
    }
    let (length, is_left) = match (signs(input, "-["), signs(input, "<-[")) {
        (Some(length), _) => (length, false),
        (_, Some(length)) => (length, true),
        _ => return absent(),
    };
    let (rest, name) = optional(input.skip(length), name)?;
    let (rest, range) = edge_range(rest)?;
    let (rest, direction) = match (signs(rest, "]->"), signs(rest, "]-")) {
        (Some(length), _) => (rest.skip(length), if is_left { Any } else { Right }),
        (_, Some(length)) => (rest.skip(length), if is_left { Left } else { Any }),
        _ => {
            rest.expected("`]->` or `]-`");
            (rest, Any)
        }
    };
    Ok((rest, GraphElement::Edge { span: input.span_to(rest), name, direction, range }))
}

/// `*1..3`, or nothing.
fn edge_range(input: Tokens<'_>) -> Read<'_, Option<(Expr, Expr)>> {
    if input.kind() != TokenKind::Star {
        return Ok((input, None));
    }
    let (rest, low) = or_missing(input.skip(1), "a number", signed)?;
    let (rest, high) = or_missing(required(rest, TokenKind::DotDot), "a number", signed)?;
    Ok((rest, Some((low, high))))
}

/// `where a.x == 1`, or nothing.
fn predicate(input: Tokens<'_>) -> Read<'_, Option<Box<Expr>>> {
    if !input.is_word("where") {
        return Ok((input, None));
    }
    required_expression(input.skip(1)).map(|(rest, value)| (rest, Some(Box::new(value))))
}

/// `project a.n, m = b.n`, or nothing.
fn project(input: Tokens<'_>) -> Read<'_, Vec<crate::syntax::ast::NamedExpr>> {
    if input.is_word("project") { columns(input.skip(1), List::SOME) } else { Ok((input, Vec::new())) }
}

/// `graph-to-table nodes as N with_node_id=id, edges as E`
pub(super) fn graph_to_table(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, outputs) = comma_list(input, List::OPEN, output, |input| {
        let message = "`nodes` or `edges` is missing";
        input.report(Diagnostic::error("KS230", input.here(), message));
        GraphOutput { edges: false, as_name: None, parameters: Vec::new() }
    })?;
    Ok((rest, OperatorKind::GraphToTable { outputs }))
}

/// `nodes as N with_node_id=id`
fn output(input: Tokens<'_>) -> Read<'_, GraphOutput> {
    if !input.is_any_word(&["nodes", "edges"]) {
        return absent();
    }
    let edges = input.is_word("edges");
    let (rest, as_name) = match input.is_word_at(1, "as") {
        true => required_name(input.skip(2)).map(|(rest, name)| (rest, Some(name)))?,
        false => (input.skip(1), None),
    };
    let own = &[("with_node_id", Value::Name), ("with_source_id", Value::Name), ("with_target_id", Value::Name)];
    let (rest, parameters) = parameters(rest, own)?;
    Ok((rest, GraphOutput { edges, as_name, parameters }))
}

/// `graph-mark-components kind=weak with_component_id=c`
pub(super) fn graph_mark_components(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, parameters) = parameters(input, &[("kind", Value::Any), ("with_component_id", Value::Name)])?;
    Ok((rest, OperatorKind::GraphMarkComponents { parameters }))
}

/// `graph-where-nodes x == 1`
pub(super) fn graph_where_nodes(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, predicate) = required_scalar(input)?;
    Ok((rest, OperatorKind::GraphWhere { edges: false, predicate }))
}

/// `graph-where-edges x == 1`
pub(super) fn graph_where_edges(input: Tokens<'_>) -> Read<'_, OperatorKind> {
    let (rest, predicate) = required_scalar(input)?;
    Ok((rest, OperatorKind::GraphWhere { edges: true, predicate }))
}
