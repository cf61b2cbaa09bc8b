//! What names and functions mean within the `where` and the `project` of a pattern.
//!
//! A property of an element is bound to a value of the match, which the search computes; expressions read it as a column.

use std::cell::RefCell;

use super::Binder;
use super::call::Bound;
use super::expression::{PathStep, Scalar};
use super::name::{Given, name_of};
use super::scope::Context;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::plan::Expr;
use crate::plan::graph::{Element, Fold, NODE_DEGREE_IN, NODE_DEGREE_OUT, NODE_ID, PatternValue};
use crate::syntax::ast::{self, Argument, ExprKind};
use crate::types::{Column, ScalarType, Value};

/// The elements of a pattern that have names, and what nodes and edges have.
#[derive(Debug)]
pub(super) struct Shape {
    pub elements: Vec<Named>,
    pub edges: Vec<Column>,
    pub nodes: Vec<Column>,
    pub id: ScalarType,
    /// Properties of nodes that two tables have with different types.
    pub vanished: Vec<String>,
}

/// An element with a name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub name: String,
    pub element: Element,
    /// An edge with a range.
    pub path: bool,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Where,
    Project,
    /// In `all`, `any` or `map`: over an edge, or an inner node.
    Along(Element),
}

/// The pattern that an expression stands in.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a> {
    pub shape: &'a Shape,
    /// Where the values of the match are collected.
    pub values: &'a RefCell<Vec<PatternValue>>,
    pub clause: Clause,
}

impl Pattern<'_> {
    fn find(&self, name: &str) -> Option<&Named> {
        self.shape.elements.iter().find(|named| named.name == name)
    }

    fn columns(&self, element: Element) -> &[Column] {
        match element {
            Element::Edge(_) => &self.shape.edges,
            Element::Node(_) | Element::InnerNodes(_) => &self.shape.nodes,
        }
    }
}

/// Functions that exist in a pattern alone.
const FUNCTIONS: &[&str] = &["all", "any", "map", "node_id", "labels", "node_degree_in", "node_degree_out"];

/// Tells whether a function exists in patterns of graphs alone: elsewhere Microsoft's parser does not know it (KS211).
pub(super) fn is_of_patterns(name: &str) -> bool {
    FUNCTIONS.contains(&name) || name == "inner_nodes"
}

impl Binder<'_> {
    /// Tells whether a name is that of an element; columns, which there are along a path, go first.
    pub(super) fn is_element(&self, name: &ast::Name, cx: &Context) -> bool {
        cx.column(&name.text).is_none() && cx.pattern.is_some_and(|pattern| pattern.find(&name.text).is_some())
    }

    /// Binds `element.property` and the steps behind it, last one first.
    pub(super) fn property(
        &mut self,
        element: &ast::Name,
        member: &ast::Name,
        steps: Vec<PathStep>,
        cx: &Context,
    ) -> Scalar {
        let Some((pattern, named)) = self.element_here(element, cx) else { return Scalar::unknown() };
        if named.path && pattern.clause == Clause::Where {
            let message = format!("`{}` is a path: ask with all() or any() for its edges", element.text);
            self.refuse("AQ073", element.span.to(member.span), message);
            return Scalar::unknown();
        }
        let Some(column) = self.property_column(named.element, member, &pattern) else { return Scalar::unknown() };
        let value = Scalar::known(Expr::Column(column));
        if named.path {
            let value = self.finish_path(value, steps);
            return self.value_of(&pattern, named.element, Fold::Map, value);
        }
        let value = self.value_of(&pattern, named.element, Fold::Single, value);
        self.finish_path(value, steps)
    }

    /// Binds an element as a whole: a bag of what it has, or an array of bags for a path.
    pub(super) fn whole_element(&mut self, element: &ast::Name, cx: &Context) -> Scalar {
        let Some((pattern, named)) = self.element_here(element, cx) else { return Scalar::unknown() };
        if pattern.clause == Clause::Where {
            let message = format!("a condition reads a property of `{0}`, as in `{0}.name`", element.text);
            self.refuse("AQ073", element.span, message);
            return Scalar::unknown();
        }
        let columns = pattern.columns(named.element).to_vec();
        // Without nulls and empty strings (measured).
        let bag = if columns.is_empty() {
            Scalar::known(Expr::Literal(Value::Dynamic("{}".into())))
        } else {
            self.pack(&columns, "pack_all ignoring", element.span)
        };
        let fold = if named.path { Fold::Map } else { Fold::Single };
        self.value_of(&pattern, named.element, fold, bag)
    }

    /// Finds an element; `all`, `any` and `map` look at one path alone.
    fn element_here<'a>(&mut self, name: &ast::Name, cx: &Context<'a>) -> Option<(Pattern<'a>, Named)> {
        let pattern = cx.pattern?;
        let named = pattern.find(&name.text)?.clone();
        if let Clause::Along(_) = pattern.clause {
            self.unsupported(name.span, format_args!("`{}` within all(), any() and map()", name.text));
            return None;
        }
        Some((pattern, named))
    }

    fn property_column(&mut self, element: Element, member: &ast::Name, pattern: &Pattern) -> Option<Column> {
        let columns = pattern.columns(element);
        if let Some(column) = columns.iter().find(|c| c.name == member.text) {
            return Some(column.clone());
        }
        if !matches!(element, Element::Edge(_)) && pattern.shape.vanished.contains(&member.text) {
            let message = format!("two tables of nodes have `{}` with different types", member.text);
            self.refuse("AQ075", member.span, message);
            return None;
        }
        let what = if matches!(element, Element::Edge(_)) { "edges" } else { "nodes" };
        let mut problem =
            Diagnostic::error("KS142", member.span, format!("the {what} have no property `{}`", member.text));
        if let Some(near) = nearest(&member.text, columns.iter().map(|c| c.name.as_str())) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        self.problem(problem);
        None
    }

    /// Makes a value of the match.
    fn value_of(&mut self, pattern: &Pattern, element: Element, fold: Fold, value: Scalar) -> Scalar {
        if value.scalar_type.is_none() {
            return Scalar::unknown();
        }
        let same = |other: &PatternValue| match (&other.value, &value.expr) {
            (Expr::Column(a), Expr::Column(b)) => other.element == element && other.fold == fold && a == b,
            _ => false,
        };
        if let Some(known) = pattern.values.borrow().iter().find(|other| same(other)) {
            return Scalar::known(Expr::Column(known.column.clone()));
        }
        let scalar_type = match fold {
            Fold::Single => value.column_type(),
            Fold::All | Fold::Any => ScalarType::Bool,
            Fold::Map => ScalarType::Dynamic,
        };
        let column = Column::new(self.fresh("match"), scalar_type);
        pattern.values.borrow_mut().push(PatternValue { column: column.clone(), element, fold, value: value.expr });
        Scalar::known(Expr::Column(column))
    }

    /// Binds a call of a function that only patterns have; None for any other.
    pub(super) fn pattern_call(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        cx: &Context,
    ) -> Option<Scalar> {
        let pattern = cx.pattern?;
        if !FUNCTIONS.contains(&name.text.as_str()) {
            return None;
        }
        Some(match name.text.as_str() {
            "all" => self.fold(Fold::All, name, arguments, &pattern, cx),
            "any" => self.fold(Fold::Any, name, arguments, &pattern, cx),
            "map" => self.fold(Fold::Map, name, arguments, &pattern, cx),
            "labels" => self.labels(name, arguments, span, &pattern, cx),
            "node_degree_in" => {
                self.of_node(name, arguments, span, Column::new(NODE_DEGREE_IN, ScalarType::Long), &pattern, cx)
            }
            "node_degree_out" => {
                self.of_node(name, arguments, span, Column::new(NODE_DEGREE_OUT, ScalarType::Long), &pattern, cx)
            }
            _ => self.of_node(name, arguments, span, Column::new(NODE_ID, pattern.shape.id), &pattern, cx),
        })
    }

    /// Binds `all(path, condition)`, `any(inner_nodes(path), condition)`, `map(path, value)`.
    fn fold(
        &mut self,
        fold: Fold,
        name: &ast::Name,
        arguments: &[Argument],
        pattern: &Pattern,
        cx: &Context,
    ) -> Scalar {
        let [over, value] = arguments else {
            self.error("KS119", name.span, format!("`{}` takes 2 arguments, not {}", name.text, arguments.len()));
            return Scalar::unknown();
        };
        if let Clause::Along(_) = pattern.clause {
            self.unsupported(name.span, format_args!("`{}` within all(), any() and map()", name.text));
            return Scalar::unknown();
        }
        let Some(element) = self.path_argument(&over.value, name, pattern) else { return Scalar::unknown() };
        let along = Context {
            columns: pattern.columns(element),
            pattern: Some(Pattern { clause: Clause::Along(element), ..*pattern }),
            ..Context::rowless(cx.scope)
        };
        let bound = self.scalar(&value.value, &along);
        if fold != Fold::Map && bound.scalar_type.is_some_and(|t| t != ScalarType::Bool) {
            let message = format!("`{}` takes a bool, and this is of type {}", name.text, bound.column_type());
            self.error("KS107", value.value.span, message);
            return Scalar::placeholder(ScalarType::Bool);
        }
        self.value_of(pattern, element, fold, bound)
    }

    /// Reads `path` or `inner_nodes(path)`.
    fn path_argument(&mut self, argument: &ast::Expr, function: &ast::Name, pattern: &Pattern) -> Option<Element> {
        let (edge, inner) = match &argument.kind {
            ExprKind::Name(edge) => (edge, false),
            ExprKind::Call { name, arguments } if name.text == "inner_nodes" => match &arguments[..] {
                [Argument { value: ast::Expr { kind: ExprKind::Name(edge), .. }, .. }] => (edge, true),
                [_] => {
                    self.error("KS109", argument.span, "`inner_nodes` takes the name of an edge with a range");
                    return None;
                }
                _ => {
                    let message = format!("`inner_nodes` takes 1 argument, not {}", arguments.len());
                    self.error("KS119", name.span, message);
                    return None;
                }
            },
            _ => {
                self.error("KS109", argument.span, format!("`{}` takes the name of an edge", function.text));
                return None;
            }
        };
        match pattern.find(&edge.text) {
            Some(Named { element: Element::Edge(number), path: true, .. }) => {
                Some(if inner { Element::InnerNodes(*number) } else { Element::Edge(*number) })
            }
            Some(_) => {
                let what = format!("`{}` of what is no edge with a range", function.text);
                self.unsupported(edge.span, what);
                None
            }
            None => {
                self.error("KS142", edge.span, format!("the pattern has no edge `{}`", edge.text));
                None
            }
        }
    }

    /// Binds a function of a node: of the one that is named, or without argument of the inner node at hand.
    fn of_node(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        column: Column,
        pattern: &Pattern,
        cx: &Context,
    ) -> Scalar {
        let value = Scalar::known(Expr::Column(column.clone()));
        match arguments {
            [] if matches!(pattern.clause, Clause::Along(Element::InnerNodes(_))) => value,
            [] => {
                let message = format!("`{}` takes a node; without one it belongs to inner_nodes()", name.text);
                self.refuse("AQ072", span, message);
                Scalar::placeholder(column.scalar_type)
            }
            [Argument { value: ast::Expr { kind: ExprKind::Name(node), .. }, .. }] if self.is_element(node, cx) => {
                match self.element_here(node, cx) {
                    Some((pattern, Named { element: Element::Node(number), .. })) => {
                        self.value_of(&pattern, Element::Node(number), Fold::Single, value)
                    }
                    Some(_) => {
                        self.refuse("AQ072", node.span, format!("`{}` takes a node, not an edge", name.text));
                        Scalar::placeholder(column.scalar_type)
                    }
                    None => Scalar::placeholder(column.scalar_type),
                }
            }
            [argument] => {
                self.error("KS142", argument.value.span, format!("`{}` takes the name of a node", name.text));
                Scalar::placeholder(column.scalar_type)
            }
            _ => {
                self.error("KS119", name.span, format!("`{}` takes 1 argument, not {}", name.text, arguments.len()));
                Scalar::placeholder(column.scalar_type)
            }
        }
    }

    /// Binds `labels(element)`: graphs that `make-graph` makes have none (documented).
    fn labels(
        &mut self,
        name: &ast::Name,
        arguments: &[Argument],
        span: Span,
        pattern: &Pattern,
        cx: &Context,
    ) -> Scalar {
        let none = Scalar::known(Expr::Literal(Value::Dynamic("[]".into())));
        match arguments {
            [] if matches!(pattern.clause, Clause::Along(_)) => none,
            [Argument { value: ast::Expr { kind: ExprKind::Name(element), .. }, .. }]
                if self.is_element(element, cx) =>
            {
                if self.element_here(element, cx).is_some_and(|(_, named)| named.path) {
                    self.unsupported(span, "`labels` of a path");
                }
                none
            }
            [] => {
                self.refuse("AQ072", span, "`labels` takes an element of the pattern");
                none
            }
            [argument] => {
                self.error("KS142", argument.value.span, "`labels` takes the name of an element");
                none
            }
            _ => {
                self.error("KS119", name.span, format!("`labels` takes 1 argument, not {}", arguments.len()));
                none
            }
        }
    }

    /// Makes the hash that stands for a node: xxHash64 of its identity, as `hash()` has it (documented output).
    pub(super) fn node_hash(&mut self, id: ScalarType, span: Span) -> Scalar {
        if id != ScalarType::String {
            self.unsupported(span, format_args!("the hash of nodes whose ids are of type {id}"));
            return Scalar::placeholder(ScalarType::Long);
        }
        let scalar = Scalar::known(Expr::Column(Column::new(NODE_ID, id)));
        match crate::functions::scalar_function("hash") {
            Some(function) => self.resolve(function, "hash", vec![Bound { scalar, span }], span, span),
            None => Scalar::placeholder(ScalarType::Long),
        }
    }
}

/// Returns how the column of an unnamed call is called (measured); None for functions that any expression has.
pub(super) fn pattern_name(name: &str, arguments: &[Argument], cx: &Context) -> Option<Given> {
    cx.pattern?;
    let text = |argument: Option<&Argument>| argument.and_then(|a| name_of(&a.value, cx).text().map(str::to_string));
    Some(match name {
        "map" => {
            let over = match arguments.first().map(|a| &a.value.kind) {
                Some(ExprKind::Call { name, arguments }) if name.text == "inner_nodes" => {
                    format!("inner_nodes_{}", text(arguments.first()).unwrap_or_default())
                }
                _ => text(arguments.first()).unwrap_or_default(),
            };
            Given::Made(format!("{over}_{}", text(arguments.get(1)).unwrap_or_else(|| "Column".into())))
        }
        "labels" | "node_degree_in" | "node_degree_out" if !arguments.is_empty() => {
            Given::Made(format!("{name}_{}", text(arguments.first()).unwrap_or_default()))
        }
        name if FUNCTIONS.contains(&name) => Given::Positional,
        _ => return None,
    })
}
