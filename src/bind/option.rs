//! `set`: options that change what a query gives are honoured, those that only tell Kusto how to run it are noted.

use std::rc::Rc;

use super::expression::Scalar;
use super::scope::{Context, Scope};
use super::{Binder, Table};
use crate::diagnostic::{Diagnostic, Severity, Span, nearest};
use crate::plan::period::TimeScope;
use crate::plan::{Kind, Node};
use crate::syntax::ast;
use crate::types::{ScalarType, Value};

/// What an option does here.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    /// It is honoured, or refused because alertq would have to.
    Honoured,
    /// It has none on the rows: it chooses how Kusto runs a query, who asks, or what its service allows.
    Noted,
}

use Effect::{Honoured, Noted};

/// The types that an option takes; none for one that takes every type.
type Takes = &'static [ScalarType];

const ANY: Takes = &[];
const BOOL: Takes = &[ScalarType::Bool];
const BOOL_OR_LONG: Takes = &[ScalarType::Bool, ScalarType::Long];
const DATETIME: Takes = &[ScalarType::DateTime];
const LONG: Takes = &[ScalarType::Long];
const STRING: Takes = &[ScalarType::String];
const TIMESPAN: Takes = &[ScalarType::TimeSpan];

/// The options with the types that they take, as far as Microsoft's parser knows (asked, 12.4.1); every number is one
/// to it.
const OPTIONS: &[(&str, Takes, Effect)] = &[
    ("best_effort", BOOL, Honoured),
    ("client_activity_id", ANY, Noted),
    ("client_max_redirect_count", ANY, Noted),
    ("client_results_reader_allow_varying_row_widths", ANY, Noted),
    ("debug_query_externaldata_projection_fusion_disabled", ANY, Noted),
    ("deferpartialqueryfailures", BOOL, Noted),
    ("materialized_view_shuffle", ANY, Noted),
    ("materialized_view_shuffle_query", ANY, Noted),
    ("max_memory_consumption_per_query_per_node", LONG, Noted),
    ("maxmemoryconsumptionperiterator", LONG, Noted),
    ("maxoutputcolumns", LONG, Noted),
    ("norequesttimeout", BOOL, Noted),
    ("notruncation", BOOL, Honoured),
    ("push_selection_through_aggregation", BOOL, Noted),
    ("query_bin_auto_at", ANY, Honoured),
    ("query_bin_auto_size", ANY, Honoured),
    ("query_consistency", ANY, Noted),
    ("query_datascope", STRING, Noted),
    ("query_datetimescope_column", STRING, Honoured),
    ("query_datetimescope_from", DATETIME, Honoured),
    ("query_datetimescope_to", DATETIME, Honoured),
    ("query_distribution_nodes_span", LONG, Noted),
    ("query_fanout_nodes_percent", LONG, Noted),
    ("query_fanout_threads_percent", LONG, Noted),
    ("query_force_row_level_security", BOOL, Noted),
    ("query_language", STRING, Honoured),
    ("query_log_query_parameters", BOOL, Noted),
    ("query_max_entities_in_union", LONG, Noted),
    ("query_now", DATETIME, Honoured),
    ("query_python_debug", BOOL_OR_LONG, Noted),
    ("query_results_cache_force_refresh", BOOL, Noted),
    ("query_results_cache_max_age", TIMESPAN, Noted),
    ("query_results_cache_per_shard", BOOL, Noted),
    ("query_results_progressive_row_count", ANY, Noted),
    ("query_results_progressive_update_period", ANY, Noted),
    ("query_take_max_records", LONG, Honoured),
    ("query_weakconsistency_session_id", STRING, Noted),
    ("queryconsistency", ANY, Noted),
    ("request_app_name", STRING, Noted),
    ("request_block_row_level_security", BOOL, Noted),
    ("request_callout_disabled", BOOL, Noted),
    ("request_description", STRING, Noted),
    ("request_external_data_disabled", BOOL, Noted),
    ("request_external_table_disabled", BOOL, Noted),
    ("request_impersonation_disabled", BOOL, Noted),
    ("request_readonly", BOOL, Noted),
    ("request_remote_entities_disabled", BOOL, Noted),
    ("request_sandboxed_execution_disabled", BOOL, Noted),
    ("request_user", STRING, Noted),
    ("results_progressive_enabled", ANY, Noted),
    ("servertimeout", TIMESPAN, Noted),
    ("truncation_max_records", ANY, Honoured),
    ("truncation_max_size", ANY, Noted),
    ("truncationmaxrecords", LONG, Honoured),
    ("truncationmaxsize", LONG, Noted),
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

/// What an option is set to.
struct Given {
    scalar: Scalar,
    span: Span,
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
        let Some((_, takes, effect)) = OPTIONS.iter().find(|(known, ..)| *known == name.text) else {
            let problem = Diagnostic::error("AQ001", name.span, format!("`set {}` is not supported yet", name.text));
            self.refusals.push(match nearest(&name.text, OPTIONS.iter().map(|(known, ..)| *known)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
            return;
        };
        let given = match value.map(|value| self.set_value(name, value, takes, scope)) {
            Some(None) => return,
            given => given.flatten(),
        };
        if *effect == Noted {
            let message =
                format!("`set {}` changes nothing here: it is about how Kusto's service runs a query", name.text);
            self.problem(Diagnostic {
                severity: Severity::Information,
                ..Diagnostic::warning("AQ007", name.span, message)
            });
            return;
        }
        match name.text.as_str() {
            "query_now" => {
                if let Some(now) = self.set_datetime(name, given) {
                    self.now = now;
                }
            }
            "query_bin_auto_size" | "query_bin_auto_at" => {
                let constant = self.set_constant(name, given);
                self.bin_auto[usize::from(name.text.ends_with("_at"))] = constant;
            }
            "query_datetimescope_column" => match self.set_constant(name, given) {
                Some(Value::String(column)) => self.set.scope_column = Some((column, name.span)),
                other => self.set_wrongly(name, other.as_ref(), "the name of a column as a text"),
            },
            "query_datetimescope_from" => self.set.scope_from = self.set_datetime(name, given),
            "query_datetimescope_to" => self.set.scope_to = self.set_datetime(name, given),
            "query_take_max_records" => self.set.take = self.set_count(name, given),
            "truncationmaxrecords" | "truncation_max_records" => self.set.most_records = self.set_count(name, given),
            "notruncation" => self.set.unlimited = self.set_flag(name, given),
            "best_effort" => self.set.best_effort = self.set_flag(name, given),
            // `query_language`
            _ => match value.map(crate::syntax::print::expr) {
                Some(text) if matches!(text.trim_matches(['"', '\'']), "csl" | "kql") => {}
                _ => self.unsupported(name.span, "a `query_language` other than kql"),
            },
        }
    }

    /// Binds what an option is set to; None after an error.
    fn set_value(
        &mut self,
        name: &ast::Name,
        value: &ast::Expr,
        takes: &[ScalarType],
        scope: &Rc<Scope>,
    ) -> Option<Given> {
        let errors = self.so_far();
        let scalar = self.scalar(value, &Context::rowless(scope));
        if let Some(given) = scalar.scalar_type
            && !takes.is_empty()
            && !takes.iter().any(|wanted| given == *wanted || given.is_numeric() && wanted.is_numeric())
        {
            let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
            let message = format!("`{}` takes a {}, and this is of type {given}", name.text, takes.join(" or a "));
            self.error("KS141", value.span, message);
        } else if matches!(value.kind, ast::ExprKind::Unary { .. }) {
            self.error("KS130", value.span, format!("`{}` takes a literal", name.text));
        }
        (self.so_far() == errors).then_some(Given { scalar, span: value.span })
    }

    /// Returns what an option is set to; None after a refusal.
    fn set_constant(&mut self, name: &ast::Name, given: Option<Given>) -> Option<Value> {
        let Some(Given { scalar, span }) = given else {
            self.refuse("AQ010", name.span, format!("`{}` needs a value", name.text));
            return None;
        };
        let constant = self.constant(&scalar);
        if constant.is_none() {
            self.refuse("AQ010", span, format!("`{}` must be a literal", name.text));
        }
        constant
    }

    fn set_datetime(&mut self, name: &ast::Name, given: Option<Given>) -> Option<i64> {
        match self.set_constant(name, given) {
            Some(Value::DateTime(ticks)) => Some(ticks),
            other => {
                self.set_wrongly(name, other.as_ref(), "a datetime literal");
                None
            }
        }
    }

    /// Returns a number of rows.
    fn set_count(&mut self, name: &ast::Name, given: Option<Given>) -> Option<usize> {
        let value = self.set_constant(name, given);
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
    fn set_flag(&mut self, name: &ast::Name, given: Option<Given>) -> bool {
        if given.is_none() {
            return true;
        }
        match self.set_constant(name, given) {
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
