//! Operators.

use super::clause::{
    column, columns, comma_parameters, named, nulls, old_properties, ordered, parameters_with, properties,
};
use super::{Printer, WIDTH};
use crate::syntax::ast::{
    BinaryOperator, EdgeDirection, Expr, ExprKind, Find, FindColumn, ForkBranch, GraphElement, GraphMatch, GraphOutput,
    JoinCondition, MakeGraph, MakeSeries, MvApply, MvColumn, Name, NamedExpr, Operator, OperatorKind, Parse, ParsePart,
    PartitionBody, Scan, ScanStep, Summarize, TopNestedLevel,
};

impl Printer {
    /// Prints an operator without the pipe before it.
    pub(super) fn operator(&mut self, operator: &Operator) {
        self.name(&operator.keyword);
        match &operator.kind {
            OperatorKind::As { name, parameters } => {
                parameters_with(self, parameters);
                self.push(" ");
                self.name(name);
            }
            OperatorKind::AssertSchema { columns: declared } => {
                self.push(" (");
                columns(self, declared);
                self.push(")");
            }
            OperatorKind::Consume { parameters } | OperatorKind::GraphMarkComponents { parameters } => {
                parameters_with(self, parameters);
            }
            OperatorKind::Count { as_name } => self.after(" as ", as_name.as_ref(), Printer::name),
            OperatorKind::Distinct { parameters, columns } | OperatorKind::Serialize { parameters, columns } => {
                parameters_with(self, parameters);
                self.named_list(columns);
            }
            OperatorKind::Evaluate { parameters, call, schema } => {
                parameters_with(self, parameters);
                self.spaced(call);
                if let Some(schema) = schema {
                    self.push(" : (");
                    self.push(match (schema.star, schema.columns.is_empty()) {
                        (true, true) => "*",
                        (true, false) => "*, ",
                        (false, _) => "",
                    });
                    columns(self, &schema.columns);
                    self.push(")");
                }
            }
            OperatorKind::ExecuteAndCache | OperatorKind::Error => {}
            OperatorKind::Extend { columns }
            | OperatorKind::Print { columns }
            | OperatorKind::Project { columns }
            | OperatorKind::ProjectRename { columns } => self.named_list(columns),
            OperatorKind::Facet { by, with } => {
                self.push(" by ");
                self.list(by, Printer::expr);
                if let Some(with) = with {
                    self.enclosed_in_lines(" with (", ")", with);
                }
            }
            OperatorKind::Find(find) => self.find(find),
            OperatorKind::Fork { branches } => {
                self.indent += 4;
                branches.iter().for_each(|branch| self.branch(branch));
                self.indent -= 4;
            }
            OperatorKind::GetSchema { kind } => self.after(" kind=", kind.as_ref(), Printer::name),
            OperatorKind::GraphMatch(graph) | OperatorKind::GraphShortestPaths(graph) => self.graph_match(graph),
            OperatorKind::GraphToTable { outputs } => {
                self.push(" ");
                self.list(outputs, Printer::graph_output);
            }
            OperatorKind::GraphWhere { predicate, .. } => self.spaced(predicate),
            OperatorKind::Invoke { call } => self.spaced(call),
            OperatorKind::Join { parameters, right, condition }
            | OperatorKind::Lookup { parameters, right, condition } => {
                parameters_with(self, parameters);
                self.spaced(right);
                self.condition(condition);
            }
            OperatorKind::MacroExpand { parameters, group, scope, body } => {
                parameters_with(self, parameters);
                self.spaced(group);
                if !scope.text.is_empty() {
                    self.push(" as ");
                    self.name(scope);
                }
                self.block(" (", ")", |printer| printer.statements(body));
            }
            OperatorKind::MakeGraph(graph) => self.make_graph(graph),
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::MvApply(apply) => self.mv_apply(apply),
            OperatorKind::MvExpand { parameters, columns, limit } => {
                parameters_with(self, parameters);
                self.push(" ");
                self.list(columns, mv_column);
                self.after(" limit ", limit.as_deref(), Printer::expr);
            }
            OperatorKind::Parse(parse) => self.parse(parse),
            OperatorKind::ParseKv { input, columns: declared, properties: with } => {
                self.spaced(input);
                self.push(" as (");
                columns(self, declared);
                self.push(")");
                properties(self, with);
            }
            OperatorKind::Partition { parameters, by, scope, body } => {
                parameters_with(self, parameters);
                self.push(" by ");
                self.expr(by);
                self.after(" in ", scope.as_deref(), Printer::expr);
                match body {
                    PartitionBody::Operators(operators) => self.body(" (", operators),
                    PartitionBody::Query(query) => self.block(" {", "}", |printer| printer.statements(query)),
                }
            }
            OperatorKind::ProjectAway { columns }
            | OperatorKind::ProjectByNames { columns }
            | OperatorKind::ProjectKeep { columns } => {
                self.push(if columns.is_empty() { "" } else { " " });
                self.broken_list(columns, Printer::expr);
            }
            OperatorKind::ProjectReorder { columns } => {
                self.push(if columns.is_empty() { "" } else { " " });
                self.broken_list(columns, ordered);
            }
            OperatorKind::Range { name, from, to, step } => {
                self.push(" ");
                self.name(name);
                for (word, value) in [(" from ", from), (" to ", to), (" step ", step)] {
                    self.push(word);
                    self.expr(value);
                }
            }
            OperatorKind::Reduce { parameters, by, with } => {
                parameters_with(self, parameters);
                self.push(" by ");
                named(self, by);
                if !with.is_empty() {
                    self.push(" with ");
                    comma_parameters(self, with);
                }
            }
            OperatorKind::Render { chart, properties: given } => {
                self.after(" ", chart.as_ref(), Printer::name);
                let is_old = |text: &str| matches!(text, "by" | "with");
                let old = given.iter().rposition(|property| is_old(&property.name.text)).map_or(0, |at| at + 1);
                let (old, new) = given.split_at(old);
                old_properties(self, old);
                properties(self, new);
            }
            OperatorKind::SampleDistinct { parameters, count, of } => {
                parameters_with(self, parameters);
                self.spaced(count);
                self.push(" of ");
                named(self, of);
            }
            OperatorKind::Scan(scan) => self.scan(scan),
            OperatorKind::Search { parameters, tables, predicate } => {
                parameters_with(self, parameters);
                self.tables(tables);
                self.spaced(predicate);
            }
            OperatorKind::Sort { parameters, by } => {
                parameters_with(self, parameters);
                self.push(" by ");
                self.broken_list(by, ordered);
            }
            OperatorKind::Summarize(summarize) => self.summarize(summarize),
            OperatorKind::Sample { parameters, count } | OperatorKind::Take { parameters, count } => {
                parameters_with(self, parameters);
                self.spaced(count);
            }
            OperatorKind::Top { parameters, count, by } => {
                parameters_with(self, parameters);
                self.spaced(count);
                self.push(" by ");
                self.list(by, ordered);
            }
            OperatorKind::TopHitters { count, of, by } => {
                self.spaced(count);
                self.push(" of ");
                named(self, of);
                self.after(" by ", by.as_deref(), named);
            }
            OperatorKind::TopNested { levels } => self.top_nested(levels),
            OperatorKind::Union { parameters, tables } => {
                parameters_with(self, parameters);
                self.push(" ");
                self.list(tables, Printer::expr);
            }
            OperatorKind::Where { parameters, predicate } => {
                parameters_with(self, parameters);
                self.push(" ");
                self.conditions(predicate);
            }
        }
    }

    /// Prints a value behind a word, or nothing.
    fn after<T>(&mut self, word: &str, value: Option<&T>, print: impl Fn(&mut Printer, &T)) {
        if let Some(value) = value {
            self.push(word);
            print(self, value);
        }
    }

    fn spaced(&mut self, value: &Expr) {
        self.push(" ");
        self.expr(value);
    }

    fn named_list(&mut self, columns: &[NamedExpr]) {
        self.push(if columns.is_empty() { "" } else { " " });
        self.broken_list(columns, named);
    }

    fn enclosed_in_lines(&mut self, open: &str, close: &str, inner: &Expr) {
        self.block(open, close, |printer| printer.expr(inner));
    }

    /// Prints a pipeline without a source.
    fn body(&mut self, open: &str, operators: &[Operator]) {
        self.block(open, ")", |printer| {
            for (n, operator) in operators.iter().enumerate() {
                if n > 0 {
                    printer.new_line();
                    printer.push("| ");
                }
                printer.operator(operator);
            }
        });
    }

    /// Prints a condition; parts joined by `and` or `or` go on lines of their own where one line is too short.
    fn conditions(&mut self, predicate: &Expr) {
        let one_line = self.aside(|aside| aside.expr(predicate));
        let ExprKind::Binary { operator: joint @ (BinaryOperator::And | BinaryOperator::Or), .. } = predicate.kind
        else {
            return self.expr(predicate);
        };
        if self.width() + one_line.len() <= WIDTH {
            return self.expr(predicate);
        }
        let mut parts = Vec::new();
        parts_joined_by(predicate, joint, &mut parts);
        self.indent += 4;
        for (n, part) in parts.into_iter().enumerate() {
            if n > 0 {
                self.new_line();
                self.push(if joint == BinaryOperator::And { "and " } else { "or " });
            }
            self.expr(part);
        }
        self.indent -= 4;
    }

    fn condition(&mut self, condition: &JoinCondition) {
        match condition {
            JoinCondition::None => {}
            JoinCondition::On(keys) => {
                self.push(" on ");
                self.list(keys, Printer::expr);
            }
            JoinCondition::Where(predicate) => {
                self.push(" where ");
                self.expr(predicate);
            }
        }
    }

    fn tables(&mut self, tables: &[Expr]) {
        if tables.is_empty() {
            return;
        }
        self.push(" in (");
        self.list(tables, |printer, table| match &table.kind {
            // `T | as X`, which has no line of its own here.
            ExprKind::Pipeline { source, operators } => {
                printer.expr(source);
                for operator in operators {
                    printer.push(" | ");
                    printer.operator(operator);
                }
            }
            _ => printer.expr(table),
        });
        self.push(")");
    }

    fn find(&mut self, find: &Find) {
        parameters_with(self, &find.parameters);
        self.tables(&find.tables);
        self.push(" where ");
        self.expr(&find.predicate);
        if let Some(project) = &find.project {
            self.push(" project ");
            self.list(project, |printer, item| match item {
                FindColumn::Column(declared) => column(printer, declared),
                FindColumn::Pack => printer.push("pack(*)"),
            });
        }
        self.push(if find.project_smart { " project-smart" } else { "" });
        if !find.project_away.is_empty() {
            self.push(" __projectAway ");
            self.list(&find.project_away, Printer::expr);
        }
    }

    fn branch(&mut self, branch: &ForkBranch) {
        self.new_line();
        let open = self.aside(|aside| aside.after("", branch.name.as_ref(), Printer::name));
        self.push(&open);
        self.body(if branch.name.is_some() { " = (" } else { "(" }, &branch.operators);
    }

    fn summarize(&mut self, summarize: &Summarize) {
        parameters_with(self, &summarize.parameters);
        self.named_list(&summarize.aggregates);
        if !summarize.has_by {
            return;
        }
        let is_one_line = self.text[self.text.len() - self.width()..].trim_start().starts_with("| ");
        if is_one_line || summarize.aggregates.is_empty() {
            self.push(" ");
        } else {
            self.indent += 4;
            self.new_line();
            self.indent -= 4;
        }
        self.push("by");
        self.named_list(&summarize.by);
        self.after(" bin = ", summarize.bin.as_deref(), Printer::expr);
    }

    fn make_series(&mut self, series: &MakeSeries) {
        parameters_with(self, &series.parameters);
        self.push(" ");
        self.list(&series.aggregates, |printer, aggregate| {
            named(printer, &aggregate.value);
            printer.after(" default = ", aggregate.default.as_ref(), Printer::expr);
        });
        self.push(" on ");
        named(self, &series.on);
        let bounds = [(" from ", &series.from), (" to ", &series.to), (" step ", &series.step)];
        if series.in_range {
            self.push(" in range(");
            let values: Vec<&Expr> = bounds.iter().filter_map(|(_, value)| value.as_deref()).collect();
            self.list(&values, |printer, value| printer.expr(value));
            self.push(")");
        } else {
            bounds.iter().for_each(|(word, value)| self.after(word, value.as_deref(), Printer::expr));
        }
        if !series.by.is_empty() {
            self.push(" by");
            self.named_list(&series.by);
        }
    }

    fn mv_apply(&mut self, apply: &MvApply) {
        parameters_with(self, &apply.parameters);
        self.push(" ");
        self.list(&apply.columns, mv_column);
        self.after(" limit ", apply.limit.as_deref(), Printer::expr);
        self.after(" id ", apply.context_id.as_deref(), Printer::expr);
        self.body(" on (", &apply.body);
    }

    fn parse(&mut self, parse: &Parse) {
        parameters_with(self, &parse.parameters);
        self.spaced(&parse.input);
        self.push(" with");
        for part in &parse.pattern {
            self.push(" ");
            match part {
                ParsePart::Star(_) => self.push("*"),
                ParsePart::Text { text, .. } => self.string(text),
                ParsePart::Column(declared) => column(self, declared),
            }
        }
    }

    fn top_nested(&mut self, levels: &[TopNestedLevel]) {
        for (n, level) in levels.iter().enumerate() {
            if n > 0 {
                self.push(",");
                self.indent += 4;
                self.new_line();
                self.indent -= 4;
                self.push("top-nested");
            }
            self.after(" ", level.count.as_ref(), Printer::expr);
            self.push(" of ");
            named(self, &level.of);
            self.after(" with others = ", level.others.as_ref(), Printer::expr);
            self.push(" by ");
            named(self, &level.by);
            self.push(match level.ascending {
                Some(true) => " asc",
                Some(false) => " desc",
                None => "",
            });
            nulls(self, level.nulls_first);
        }
    }

    fn scan(&mut self, scan: &Scan) {
        parameters_with(self, &scan.parameters);
        if !scan.order_by.is_empty() {
            self.push(" order by ");
            self.list(&scan.order_by, ordered);
        }
        if !scan.partition_by.is_empty() {
            self.push(" partition by ");
            self.list(&scan.partition_by, Printer::expr);
        }
        if !scan.declare.is_empty() {
            self.push(" declare ");
            self.parameters(&scan.declare);
        }
        self.block(" with (", ")", |printer| {
            for (n, step) in scan.steps.iter().enumerate() {
                if n > 0 {
                    printer.new_line();
                }
                printer.step(step);
            }
        });
    }

    fn step(&mut self, step: &ScanStep) {
        self.push("step ");
        self.name(&step.name);
        self.push(if step.optional { " optional" } else { "" });
        self.after(" output=", step.output.as_ref(), Printer::name);
        self.push(": ");
        self.expr(&step.condition);
        if !step.assignments.is_empty() {
            self.push(" => ");
            self.list(&step.assignments, named);
        }
        self.push(";");
    }

    fn make_graph(&mut self, graph: &MakeGraph) {
        parameters_with(self, &graph.parameters);
        self.push(" ");
        self.name(&graph.source);
        self.push(if graph.directed { " --> " } else { " -- " });
        self.name(&graph.target);
        self.after(" with_node_id=", graph.node_id.as_ref(), Printer::name);
        if !graph.nodes.is_empty() {
            self.push(" with ");
            self.list(&graph.nodes, |printer, (table, key)| {
                printer.expr(table);
                printer.push(" on ");
                printer.name(key);
            });
        }
        if let Some((name, operators)) = &graph.partitioned_by {
            self.push(" partitioned-by ");
            self.name(name);
            self.body(" (", operators);
        }
    }

    fn graph_match(&mut self, graph: &GraphMatch) {
        parameters_with(self, &graph.parameters);
        self.push(" ");
        self.list(&graph.patterns, |printer, pattern| {
            pattern.iter().for_each(|element| printer.graph_element(element))
        });
        self.after(" where ", graph.predicate.as_deref(), Printer::expr);
        if !graph.project.is_empty() {
            self.push(" project");
            self.named_list(&graph.project);
        }
    }

    fn graph_element(&mut self, element: &GraphElement) {
        match element {
            GraphElement::Node { name, .. } => {
                self.push("(");
                self.after("", name.as_ref(), Printer::name);
                self.push(")");
            }
            GraphElement::Edge { name: None, direction, range: None, .. } => self.push(match direction {
                EdgeDirection::Right => "-->",
                EdgeDirection::Left => "<--",
                EdgeDirection::Any => "--",
            }),
            GraphElement::Edge { name, direction, range, .. } => {
                self.push(if *direction == EdgeDirection::Left { "<-[" } else { "-[" });
                self.after("", name.as_ref(), Printer::name);
                if let Some((low, high)) = range {
                    self.push("*");
                    self.expr(low);
                    self.push("..");
                    self.expr(high);
                }
                self.push(if *direction == EdgeDirection::Right { "]->" } else { "]-" });
            }
        }
    }

    fn graph_output(&mut self, output: &GraphOutput) {
        self.push(if output.edges { "edges" } else { "nodes" });
        self.after::<Name>(" as ", output.as_name.as_ref(), Printer::name);
        parameters_with(self, &output.parameters);
    }
}

/// `x = a to typeof(long)`
fn mv_column(printer: &mut Printer, column: &MvColumn) {
    named(printer, &column.value);
    if let Some(type_name) = &column.to_type {
        printer.push(" to typeof(");
        printer.name(type_name);
        printer.push(")");
    }
}

/// Collects what `joint` joins, from left to right.
fn parts_joined_by<'a>(value: &'a Expr, joint: BinaryOperator, parts: &mut Vec<&'a Expr>) {
    match &value.kind {
        ExprKind::Binary { operator, left, right } if *operator == joint => {
            parts_joined_by(left, joint, parts);
            parts_joined_by(right, joint, parts);
        }
        _ => parts.push(value),
    }
}
