//! `set`: options that change what a query gives are honoured, those that only tell Kusto how to run it are noted.

use std::rc::Rc;

use super::scope::{Context, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Severity, Span, nearest};
use crate::plan::period::TimeScope;
use crate::plan::{Kind, Node};
use crate::syntax::ast;
use crate::types::{ScalarType, Value};

/// Options without an effect on the rows: they choose how Kusto runs a query, who asks, and what its service allows.
const WITHOUT_EFFECT: &[&str] = &[
    "client_activity_id",
    "client_max_redirect_count",
    "client_results_reader_allow_varying_row_widths",
    "debug_query_externaldata_projection_fusion_disabled",
    "deferpartialqueryfailures",
    "materialized_view_shuffle",
    "materialized_view_shuffle_query",
    "max_memory_consumption_per_query_per_node",
    "maxmemoryconsumptionperiterator",
    "maxoutputcolumns",
    "norequesttimeout",
    "push_selection_through_aggregation",
    "query_consistency",
    "query_datascope",
    "query_distribution_nodes_span",
    "query_fanout_nodes_percent",
    "query_fanout_threads_percent",
    "query_force_row_level_security",
    "query_log_query_parameters",
    "query_max_entities_in_union",
    "query_python_debug",
    "query_results_cache_force_refresh",
    "query_results_cache_max_age",
    "query_results_cache_per_shard",
    "query_results_progressive_row_count",
    "query_results_progressive_update_period",
    "query_weakconsistency_session_id",
    "queryconsistency",
    "request_app_name",
    "request_block_row_level_security",
    "request_callout_disabled",
    "request_description",
    "request_external_data_disabled",
    "request_external_table_disabled",
    "request_impersonation_disabled",
    "request_readonly",
    "request_remote_entities_disabled",
    "request_sandboxed_execution_disabled",
    "request_user",
    "results_progressive_enabled",
    "servertimeout",
    "truncation_max_size",
    "truncationmaxsize",
];

/// Options that are honoured, or refused because alertq would have to.
const OTHERS: &[&str] = &[
    "best_effort",
    "notruncation",
    "query_bin_auto_at",
    "query_bin_auto_size",
    "query_datetimescope_column",
    "query_datetimescope_from",
    "query_datetimescope_to",
    "query_language",
    "query_now",
    "query_take_max_records",
    "truncation_max_records",
    "truncationmaxrecords",
];

/// The types that options take, as far as Microsoft's parser knows (asked, 12.4.1); every number is one to it.
const TYPES: &[(&[ScalarType], &[&str])] = &[
    (
        &[ScalarType::Bool],
        &[
            "best_effort",
            "deferpartialqueryfailures",
            "norequesttimeout",
            "notruncation",
            "push_selection_through_aggregation",
            "query_force_row_level_security",
            "query_log_query_parameters",
            "query_results_cache_force_refresh",
            "query_results_cache_per_shard",
            "request_block_row_level_security",
            "request_callout_disabled",
            "request_external_data_disabled",
            "request_external_table_disabled",
            "request_impersonation_disabled",
            "request_readonly",
            "request_remote_entities_disabled",
            "request_sandboxed_execution_disabled",
        ],
    ),
    (
        &[ScalarType::Long],
        &[
            "max_memory_consumption_per_query_per_node",
            "maxmemoryconsumptionperiterator",
            "maxoutputcolumns",
            "query_distribution_nodes_span",
            "query_fanout_nodes_percent",
            "query_fanout_threads_percent",
            "query_max_entities_in_union",
            "query_take_max_records",
            "truncationmaxrecords",
            "truncationmaxsize",
        ],
    ),
    (&[ScalarType::Bool, ScalarType::Long], &["query_python_debug"]),
    (
        &[ScalarType::String],
        &[
            "query_datascope",
            "query_datetimescope_column",
            "query_language",
            "query_weakconsistency_session_id",
            "request_app_name",
            "request_description",
            "request_user",
        ],
    ),
    (&[ScalarType::TimeSpan], &["query_results_cache_max_age", "servertimeout"]),
    (&[ScalarType::DateTime], &["query_datetimescope_from", "query_datetimescope_to", "query_now"]),
];

/// What the statements have set, as far as the whole plan must know.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// The column, and where it is set.
    scope_column: Option<(String, Span)>,
    scope_from: Option<i64>,
    scope_to: Option<i64>,
    /// `query_take_max_records`
    take: Option<usize>,
    most_records: Option<usize>,
    unlimited: bool,
    /// `best_effort`: tables that are not there are left out of every union.
    pub best_effort: bool,
}

impl Options {
    /// Returns how many rows a result may have.
    pub(super) fn most_records(&self) -> Option<usize> {
        self.most_records.filter(|_| !self.unlimited)
    }

    /// Limits a result to the rows that the query may give back.
    pub(super) fn taken(&self, node: Node) -> Node {
        let Some(count) = self.take else { return node };
        let (columns, serialized) = (node.columns.clone(), node.serialized);
        Node { columns, serialized, kind: Kind::Limit { input: Box::new(node), count } }
    }

    /// Returns the column and the period outside of which no record is seen.
    pub(super) fn period(&self) -> Option<(&str, TimeScope)> {
        let (column, _) = self.scope_column.as_ref()?;
        let scope = TimeScope { from: self.scope_from.unwrap_or(i64::MIN), to: self.scope_to.unwrap_or(i64::MAX) };
        (self.scope_from.is_some() || self.scope_to.is_some()).then_some((column, scope))
    }

    /// Leaves out the records outside of the scope in time.
    pub(super) fn scoped(&self, mut node: Node) -> Node {
        if let Some((column, scope)) = self.period() {
            node.limit_to(column, scope);
        }
        node
    }
}

impl Binder<'_> {
    pub(super) fn set_statement(&mut self, name: &ast::Name, value: Option<&ast::Expr>, scope: &Rc<Scope>) {
        if value.is_some_and(|value| !self.may_be_set(name, value, scope)) {
            return;
        }
        match name.text.as_str() {
            "query_now" => {
                if let Some(now) = self.set_datetime(name, value, scope) {
                    self.now = now;
                }
            }
            "query_bin_auto_size" | "query_bin_auto_at" => {
                let constant = self.set_constant(name, value, scope);
                self.bin_auto[usize::from(name.text.ends_with("_at"))] = constant;
            }
            "query_datetimescope_column" => match self.set_constant(name, value, scope) {
                Some(Value::String(column)) => self.set.scope_column = Some((column, name.span)),
                other => self.set_wrongly(name, other.as_ref(), "the name of a column as a text"),
            },
            "query_datetimescope_from" => self.set.scope_from = self.set_datetime(name, value, scope),
            "query_datetimescope_to" => self.set.scope_to = self.set_datetime(name, value, scope),
            "query_take_max_records" => self.set.take = self.set_count(name, value, scope),
            "truncationmaxrecords" | "truncation_max_records" => {
                self.set.most_records = self.set_count(name, value, scope);
            }
            "notruncation" => self.set.unlimited = self.set_flag(name, value, scope),
            "best_effort" => self.set.best_effort = self.set_flag(name, value, scope),
            "query_language" => match value.map(crate::syntax::print::expr) {
                Some(text) if matches!(text.trim_matches(['"', '\'']), "csl" | "kql") => {}
                _ => self.unsupported(name.span, "a `query_language` other than kql"),
            },
            known if WITHOUT_EFFECT.contains(&known) => {
                let message =
                    format!("`set {known}` changes nothing here: it is about how Kusto's service runs a query");
                self.problem(Diagnostic {
                    severity: Severity::Information,
                    ..Diagnostic::warning("AQ007", name.span, message)
                });
            }
            other => {
                let problem = Diagnostic::error("AQ001", name.span, format!("`set {other}` is not supported yet"));
                let known = WITHOUT_EFFECT.iter().chain(OTHERS).copied();
                self.refusals.push(match nearest(other, known) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }

    /// Tells whether an option may have a value; false after an error.
    fn may_be_set(&mut self, name: &ast::Name, value: &ast::Expr, scope: &Rc<Scope>) -> bool {
        let errors = self.so_far();
        let scalar = self.scalar(value, &Context::rowless(scope));
        let takes = TYPES.iter().find(|(_, names)| names.contains(&name.text.as_str())).map(|(types, _)| *types);
        if let (Some(takes), Some(given)) = (takes, scalar.scalar_type)
            && !takes.iter().any(|wanted| given == *wanted || given.is_numeric() && wanted.is_numeric())
        {
            let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
            let message = format!("`{}` takes a {}, and this is of type {given}", name.text, takes.join(" or a "));
            self.error("KS141", value.span, message);
        } else if matches!(value.kind, ast::ExprKind::Unary { .. }) {
            self.error("KS130", value.span, format!("`{}` takes a literal", name.text));
        }
        self.so_far() == errors
    }

    /// Returns what an option is set to; None after a refusal.
    fn set_constant(&mut self, name: &ast::Name, value: Option<&ast::Expr>, scope: &Rc<Scope>) -> Option<Value> {
        let Some(value) = value else {
            self.refuse("AQ010", name.span, format!("`{}` needs a value", name.text));
            return None;
        };
        let scalar = self.scalar(value, &Context::rowless(scope));
        let constant = self.constant(&scalar);
        if constant.is_none() {
            self.refuse("AQ010", value.span, format!("`{}` must be a literal", name.text));
        }
        constant
    }

    fn set_datetime(&mut self, name: &ast::Name, value: Option<&ast::Expr>, scope: &Rc<Scope>) -> Option<i64> {
        match self.set_constant(name, value, scope) {
            Some(Value::DateTime(ticks)) => Some(ticks),
            other => {
                self.set_wrongly(name, other.as_ref(), "a datetime literal");
                None
            }
        }
    }

    /// Returns a number of rows.
    fn set_count(&mut self, name: &ast::Name, value: Option<&ast::Expr>, scope: &Rc<Scope>) -> Option<usize> {
        let value = self.set_constant(name, value, scope);
        let count = match value {
            Some(Value::Long(count)) => usize::try_from(count).ok(),
            Some(Value::Int(count)) => usize::try_from(count).ok(),
            _ => None,
        };
        if count.is_none_or(|count| count == 0) {
            self.set_wrongly(name, value.as_ref(), "a number of records from 1 on");
        }
        count
    }

    /// Returns true or false; an option without a value is true.
    fn set_flag(&mut self, name: &ast::Name, value: Option<&ast::Expr>, scope: &Rc<Scope>) -> bool {
        if value.is_none() {
            return true;
        }
        match self.set_constant(name, value, scope) {
            Some(Value::Bool(flag)) => flag,
            other => {
                self.set_wrongly(name, other.as_ref(), "true or false");
                false
            }
        }
    }

    /// Refuses a value of an option; None has been refused before.
    fn set_wrongly(&mut self, name: &ast::Name, value: Option<&Value>, wanted: &str) {
        if value.is_some() {
            self.refuse("AQ010", name.span, format!("`{}` must be {wanted}", name.text));
        }
    }

    /// Refuses a scope in time by a column that some table has with another type than datetime.
    pub(super) fn check_scope_in_time(&mut self, results: &[Table]) {
        let (Some((column, span)), Some(_)) = (self.set.scope_column.clone(), self.set.period()) else { return };
        let mut wrong = None;
        for node in results.iter().map(|table| &table.node).chain(&self.shared) {
            node.for_each(&mut |node| {
                if let Kind::Scan { table } = &node.kind
                    && let Some(found) = node.columns.iter().find(|c| c.name == column)
                    && found.scalar_type != ScalarType::DateTime
                {
                    wrong = Some((table.clone(), found.scalar_type));
                }
            });
        }
        if let Some((table, found)) = wrong {
            let message = format!(
                "`{column}` of `{table}` is of type {found}, and the scope in time of a query is by a datetime"
            );
            self.refuse("AQ010", span, message);
        }
    }
}
