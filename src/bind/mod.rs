//! AST, catalog and functions to a typed plan: names, types, overloads, result column names, and problems.
//!
//! Two kinds of problems come out. A *mistake* is what Microsoft's parser refuses as well, with its code. A *refusal*
//! (`AQ…`) is what has a meaning in KQL that alertq does not compute yet, or that Kusto's engine refuses although the
//! parser accepts it: `check` tells it as a warning, a query does not run with it.

mod aggregate;
mod call;
mod case;
mod expression;
mod external;
mod hidden;
mod name;
mod operator;
mod option;
mod pattern;
mod place;
mod plugin;
mod restrict;
mod scope;
mod seen;
mod signature;
mod source;
mod statement;
mod stored;
mod trace;
#[cfg(test)]
mod verdicts;
mod watchlist;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::{Catalog, External};
use crate::diagnostic::{Diagnostic, Span};
use crate::functions::plugin::Invocation;
use crate::plan::{Node, Plan};
use crate::syntax::ast;
use crate::types::{Column, Value};

use scope::Scope;
pub use trace::{Input, Trace, Tracing};

/// What a query is bound for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The clock: what `now()` gives, in ticks. `set query_now` in the text wins.
    pub now: i64,
    /// Values of query parameters, as KQL literals.
    pub parameters: HashMap<String, String>,
    /// The columns of the plugins that are open, in the order in which they are bound, as far as they are known by now;
    /// see [`First`].
    pub discovered: Vec<Vec<Column>>,
    /// What is noted on the way.
    pub tracing: Tracing,
}

/// A query with its meaning.
#[derive(Debug)]
pub struct Bound {
    /// None where there is an error or a refusal, and where checks alone can use it.
    pub plan: Option<Plan>,
    /// Mistakes, in the order of their places.
    pub problems: Vec<Diagnostic>,
    /// Why the query can't be run although it is valid.
    pub refusals: Vec<Diagnostic>,
    /// What Microsoft's parser refuses and Kusto's engine computes all the same (a bool where a number belongs).
    pub strict: Vec<Diagnostic>,
    /// Columns of the last statement's result, None where it has none.
    pub columns: Option<Vec<Column>>,
    /// More columns may come, which only the data tell.
    pub open: bool,
    /// What must run first. There is no plan then.
    pub first: Option<First>,
    /// The clock that holds for the query, in ticks.
    pub now: Option<i64>,
    /// The query asks what the time is: at another moment its plan is another one.
    pub reads_clock: bool,
    /// What was noted, as far as [`Options::tracing`] asks for it.
    pub trace: Trace,
}

/// The part of a query that must run before the columns of a plugin are known.
#[derive(Debug)]
pub struct First {
    /// What the plugin runs over.
    pub input: Node,
    /// Its rows are held, as the session's next materialized ones; else they are computed again.
    pub held: bool,
    /// The subplans that it shares.
    pub shared: Vec<Node>,
    /// Files that the query names itself.
    pub externals: Vec<External>,
    /// Tells the columns from the rows; they are the next of [`Options::discovered`].
    pub call: Invocation,
    /// The place of the call.
    pub span: Span,
    /// The place of each argument.
    pub arguments: Vec<Span>,
}

impl Bound {
    /// Tells whether the query is valid KQL over this catalog.
    pub fn is_valid(&self) -> bool {
        !self.problems.iter().chain(&self.strict).any(Diagnostic::is_error)
    }
}

/// Gives a query its meaning.
///
/// ```
/// use alertq::{bind, catalog::Catalog, syntax};
/// let query = syntax::parse("SecurityAlert | summarize count() by AlertSeverity").query;
/// let bound = bind::bind(&query, &Catalog::standard(), &bind::Options::default());
/// assert!(bound.is_valid());
/// let names: Vec<_> = bound.columns.unwrap().into_iter().map(|c| c.name).collect();
/// assert_eq!(names, ["AlertSeverity", "count_"]);
/// ```
pub fn bind(query: &ast::Query, catalog: &Catalog, options: &Options) -> Bound {
    let mut binder = Binder {
        catalog,
        now: options.now,
        parameters: options.parameters.clone(),
        problems: Vec::new(),
        refusals: Vec::new(),
        strict: Vec::new(),
        shared: Vec::new(),
        discovered: &options.discovered,
        opened: 0,
        first: None,
        sketched: 0,
        guessed_column: false,
        guessing: false,
        depth: 0,
        calls: 0,
        values: Vec::new(),
        names: 0,
        bin_auto: [None, None],
        set: option::Options::default(),
        externals: Vec::new(),
        stored: RefCell::default(),
        expanding: Vec::new(),
        aliases: HashMap::new(),
        runnable: true,
        reads_clock: false,
        notes: Vec::new(),
        told: Vec::new(),
        tracing: options.tracing,
        trace: Trace::default(),
        aggregated: 0,
        fuzzy: 0,
        missing: 0,
    };
    let outcome = binder.query(query, &Rc::new(Scope::default()));
    if outcome.results.iter().any(|table| table.graph.is_some()) {
        binder.only_a_graph(query.statements.last().map_or(Span::default(), |statement| statement.span));
    }
    let results: Vec<Table> = outcome.results.into_iter().map(Table::shown).collect();
    binder.check_scope_in_time(&results);
    let Binder {
        mut problems,
        mut refusals,
        mut strict,
        shared,
        now,
        runnable,
        reads_clock,
        mut first,
        set,
        trace,
        externals,
        ..
    } = binder;
    if first.is_some() {
        // What is not known yet will be.
        refusals.retain(|refusal| refusal.code != "AQ002");
    }
    problems.sort_by_key(|p| p.span);
    problems.dedup();
    refusals.sort_by_key(|p| p.span);
    refusals.dedup();
    strict.sort_by_key(|p| p.span);
    strict.dedup();
    let valid = !problems.iter().any(Diagnostic::is_error);
    let last = results.last();
    let columns = last.map(|table| table.node.columns.clone());
    let open = last.is_some_and(|table| table.open);
    if !valid || !runnable || !refusals.is_empty() {
        first = None;
    }
    let first = first.map(|first| First {
        input: set.scoped(first.input),
        shared: first.shared.into_iter().map(|node| set.scoped(node)).collect(),
        externals: externals.clone(),
        ..first
    });
    let plan = (valid && runnable && refusals.is_empty() && first.is_none()).then(|| Plan {
        results: results
            .into_iter()
            .enumerate()
            .map(|(i, table)| crate::plan::QueryResult {
                name: table.title.clone().unwrap_or_else(|| match i {
                    0 => "PrimaryResult".into(),
                    i => format!("PrimaryResult_{i}"),
                }),
                node: set.taken(set.scoped(table.node)),
                render: table.render,
            })
            .collect(),
        shared: shared.into_iter().map(|node| set.scoped(node)).collect(),
        now: Some(now),
        most_records: set.most_records(),
        places: catalog.whereabouts().cloned(),
        externals,
    });
    Bound { plan, problems, refusals, strict, columns, open, first, now: Some(now), reads_clock, trace }
}

/// A relation while it is bound.
#[derive(Debug, Clone)]
struct Table {
    node: Node,
    /// More columns may come; an unknown name may be one of them.
    open: bool,
    /// How `withsource` calls it, where it has a name.
    label: Option<String>,
    /// The name was given by `as`: it holds even for the piped side of a union.
    named: bool,
    /// Columns of the node that do not show in a result: see [`hidden`].
    hidden: Vec<String>,
    /// The name of the result that it is, where `fork` gives it one.
    title: Option<String>,
    render: Option<crate::plan::Render>,
    /// What is known of dynamic columns beyond their type.
    known: seen::Columns,
    /// It is no relation but a graph, which only graph operators take.
    graph: Option<Rc<operator::graph::Graph>>,
}

impl Table {
    fn new(node: Node) -> Self {
        Table {
            node,
            open: false,
            label: None,
            named: false,
            hidden: Vec::new(),
            title: None,
            render: None,
            known: seen::Columns::default(),
            graph: None,
        }
    }
}

/// How deep function calls may nest while they are expanded.
const MAX_CALLS: usize = 64;

/// How many calls are expanded in all: functions that call each other twice grow without bound otherwise.
const MOST_CALLS: usize = 20_000;

struct Binder<'a> {
    catalog: &'a Catalog,
    now: i64,
    parameters: HashMap<String, String>,
    problems: Vec<Diagnostic>,
    refusals: Vec<Diagnostic>,
    strict: Vec<Diagnostic>,
    shared: Vec<Node>,
    discovered: &'a [Vec<Column>],
    /// How many open plugins have been bound.
    opened: usize,
    first: Option<First>,
    /// Within how many functions that are bound without being called: nothing there is run.
    sketched: usize,
    /// In such a function a column was taken whose name a parameter may tell: its type is not known before the call.
    guessed_column: bool,
    /// The columns of an open plugin are not known yet: those made of them stand as dynamic, whatever they are.
    guessing: bool,
    depth: usize,
    /// How many calls of the user's functions were expanded.
    calls: usize,
    /// What functions without parameters stand for, as far as they have been called.
    values: Vec<(Rc<scope::Function>, expression::Scalar)>,
    /// How many internal names were given.
    names: usize,
    /// `set query_bin_auto_size` and `set query_bin_auto_at`.
    bin_auto: [Option<Value>; 2],
    /// What `set` has said of the whole query.
    set: option::Options,
    /// Files that the query names itself.
    externals: Vec<External>,
    /// Saved functions that have been read.
    stored: RefCell<HashMap<String, Rc<stored::Stored>>>,
    /// The saved functions whose bodies are being bound.
    expanding: Vec<(String, Span)>,
    /// What `alias database` has declared; None is the database that the query is in.
    aliases: HashMap<String, Option<crate::catalog::Place>>,
    /// The plan is whole: no part of it was left out because nobody will run it.
    runnable: bool,
    /// `now()` or `ago()` was called.
    reads_clock: bool,
    /// What became of the expressions bound last, for whoever asked for them.
    notes: Vec<call::Note>,
    /// How many aggregates were called.
    aggregated: usize,
    /// How many `union isfuzzy=true` stand around: a table that is not there is no mistake in one.
    fuzzy: usize,
    /// How many tables were found missing in them.
    missing: usize,
    /// What the operator at work has said of its columns.
    told: Vec<(String, seen::Seen)>,
    tracing: Tracing,
    trace: Trace,
}

impl Binder<'_> {
    fn problem(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.problem(Diagnostic::error(code, span, message));
    }

    /// The text has a meaning that is not computed here: the query is not run.
    fn refuse(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.refusals.push(Diagnostic::error(code, span, message));
    }

    /// Says that something of KQL's is not built yet.
    fn unsupported(&mut self, span: Span, what: impl std::fmt::Display) {
        self.refuse("AQ001", span, format!("{what} is not supported yet"));
    }

    /// Returns a column name that no text can spell.
    fn fresh(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("\u{1}{stem}{}", self.names)
    }
}
