//! Plan to record batches. The only room that names DataFusion.
//!
//! A plan is lowered to DataFusion's logical plan with the plan builder, never through SQL; every scalar function and
//! aggregate is ours, through one adaptor each. Subqueries and shared subplans run first, and their results stand in the
//! main plan as values.

mod aggregate;
mod even;
mod expr;
mod files;
mod footers;
mod fuse;
mod graph;
mod late;
mod lower;
mod near;
mod node;
pub mod operator;
mod part;
mod path;
mod plugin;
mod range;
mod rows;
mod scan;
mod sequence;
mod session;
mod share;
mod shred;
mod stats;
mod subquery;
#[cfg(test)]
mod tests;
mod top_nested;
mod udf;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use async_trait::async_trait;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;

use crate::diagnostic::Span;
use crate::functions::FunctionError;
use crate::functions::sketch::{self, SKETCHES};
use crate::plan::{AggregateCall, Kind, Node, Plan, Render};
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

use files::Files;
pub use footers::keep_footer;
pub use session::{Session, Table, TableData};
pub use stats::Stats;
use udf::Refusal;

/// Why a plan could not be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    /// The code of a refusal.
    pub code: Option<&'static str>,
    /// The call in the query that is at fault, where one is.
    pub span: Option<Span>,
}

/// What went wrong, by whose fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// KQL has it, alertq has not built it yet.
    Unsupported,
    /// A limit was reached.
    Resources,
    /// A file could not be read.
    Io,
    /// A bug.
    Internal,
}

type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Makes an error that is at no place of the query.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), code: None, span: None }
    }

    fn unsupported(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unsupported, message)
    }

    fn resources(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Resources, message)
    }

    fn io(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Io, message)
    }

    fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    fn refused(fault: &FunctionError, span: Option<Span>) -> Self {
        Error { code: Some(fault.code), span, ..Error::unsupported(fault.message.clone()) }
    }

    fn arrow(error: arrow::error::ArrowError) -> Self {
        Error::internal(error.to_string())
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Error::resources(format!(
                "the query needs more memory{} than --memory-limit allows: {message}; raise the limit, or filter before \
                 the operator that holds the rows",
                holder(message)
            )),
            DataFusionError::ParquetError(e) => Error::io(format!("a Parquet file can't be read: {e}")),
            DataFusionError::ObjectStore(e) => Error::io(e.to_string()),
            DataFusionError::IoError(e) => Error::io(e.to_string()),
            DataFusionError::Execution(message) => Error::unsupported(message.clone()),
            DataFusionError::External(fault) => match fault.downcast_ref::<Error>() {
                Some(error) => error.clone(),
                None => Error::internal(fault.to_string()),
            },
            DataFusionError::NotImplemented(message) => Error::unsupported(message.clone()),
            other => Error::internal(other.to_string()),
        }
    }
}

/// Names the operator of KQL's that asked for memory, where its name in the engine is another.
fn holder(message: &str) -> &'static str {
    let asks = |consumer: &str| message.contains(&format!("for {consumer}"));
    if asks("AggregateStream") || asks("GroupedHashAggregateStream") {
        " for `summarize`"
    } else if asks("HashJoinInput") || asks("SMJStream") || asks("NestedLoopJoin") {
        " for `join`"
    } else if asks("ExternalSorter") || asks("SortPreservingMerge") || asks("TopK") {
        " for `sort`"
    } else {
        ""
    }
}

/// One result of a query: a stream of batches in the mapping of [`crate::types::arrow`].
pub struct Output {
    pub name: String,
    pub columns: Vec<Column>,
    pub render: Option<Render>,
    runtime: Arc<Runtime>,
    stream: SendableRecordBatchStream,
    /// How many more rows there may be: `set truncationmaxrecords`.
    left: Option<usize>,
    /// The plan makes sketches of `hll` or `tdigest`, which no result may show.
    sketches: bool,
    refusal: Refusal,
    physical: Arc<dyn ExecutionPlan>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("name", &self.name).field("columns", &self.columns).finish()
    }
}

impl Iterator for Output {
    type Item = std::result::Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.runtime.tokio.block_on(self.stream.next())?;
        let batch = batch.map_err(|error| self.refusal.told(error)).and_then(|batch| named(&batch, &self.columns));
        let batch = batch.and_then(|batch| self.counted(batch));
        Some(batch.and_then(|batch| if self.sketches { shown(batch, &self.columns) } else { Ok(batch) }))
    }
}

fn makes_sketches(plan: &Plan, session: &Session) -> bool {
    let mut found = false;
    plan.for_each_node(&mut |node| {
        let calls: &[AggregateCall] = match &node.kind {
            Kind::Aggregate { aggregates, .. } => aggregates,
            // What an earlier part of the query made is not in the plan.
            Kind::Materialized { index } => {
                found |= session.materialized.get(*index).is_some_and(|rows| rows.iter().any(shows_sketch));
                &[]
            }
            _ => &[],
        };
        found |= calls.iter().any(|call| SKETCHES.contains(&call.aggregate.name));
    });
    found
}

fn shows_sketch(batch: &RecordBatch) -> bool {
    let texts = batch.columns().iter().filter_map(|column| column.as_string_view_opt());
    texts.flat_map(|texts| texts.iter().flatten()).any(sketch::holds_sketch)
}

/// Refuses to show a sketch: its form is Kusto's own, and not documented.
fn shown(batch: RecordBatch, columns: &[Column]) -> Result<RecordBatch> {
    for (array, column) in batch.columns().iter().zip(columns) {
        if !matches!(column.scalar_type, ScalarType::Dynamic | ScalarType::String) {
            continue;
        }
        if array.as_string_view().iter().flatten().any(sketch::holds_sketch) {
            return Err(Error {
                code: Some("AQ001"),
                ..Error::unsupported(format!("`{}` holds {}", column.name, sketch::HIDDEN))
            });
        }
    }
    Ok(batch)
}

impl Output {
    /// Fails where a result has more rows than the query allows itself.
    fn counted(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(batch.num_rows()).ok_or_else(|| {
                Error::resources(format!(
                    "`{}` has more rows than `set truncationmaxrecords` allows: raise it, or `summarize` or `take` first",
                    self.name
                ))
            })?;
        }
        Ok(batch)
    }

    /// Tells what was read; complete once the batches are.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.physical)
    }
}

/// Gives a batch the schema of the result.
fn named(batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let arrays = if columns.is_empty() { Vec::new() } else { batch.columns().to_vec() };
    RecordBatch::try_new_with_options(schema(columns), arrays, &options).map_err(Error::arrow)
}

/// What runs many queries, one after the other, without being made anew for each; for sessions of one partition.
///
/// All work is done by the thread that asks for results.
#[derive(Clone)]
pub struct Workers(Arc<Runtime>);

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workers")
    }
}

impl Workers {
    /// Makes what runs the queries of sessions with these limits.
    pub fn new(session: &Session) -> Result<Workers> {
        let session = Session { partitions: 1, workers: None, ..session.clone() };
        Runtime::with(&session, tokio::runtime::Builder::new_current_thread()).map(Workers)
    }
}

/// Threads, memory and rules that the parts of one query share.
struct Runtime {
    tokio: tokio::runtime::Runtime,
    state: SessionState,
}

impl Runtime {
    fn new(session: &Session) -> Result<Arc<Runtime>> {
        if let Some(Workers(runtime)) = &session.workers {
            return Ok(runtime.clone());
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(session.partitions.max(1));
        Runtime::with(session, builder)
    }

    fn with(session: &Session, mut builder: tokio::runtime::Builder) -> Result<Arc<Runtime>> {
        let tokio = builder
            .thread_stack_size(16 << 20)
            .enable_all()
            .build()
            .map_err(|e| Error::io(format!("threads can't be started: {e}")))?;
        let mut config = SessionConfig::new()
            .with_target_partitions(session.partitions.max(1))
            .with_batch_size(session.batch_size.max(1))
            // Rows of a serialized relation stay in one partition, in their order.
            .with_round_robin_repartition(false)
            .with_information_schema(false)
            .with_create_default_catalog_and_schema(false);
        let options = config.options_mut();
        options.execution.parquet.bloom_filter_on_read = true;
        // What a filter drops is not decoded in the other columns.
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        options.execution.parquet.schema_force_view_types = true;
        options.execution.collect_statistics = true;
        // It makes room for as many groups as a query asks for before it sees one: `distinct X | top 1000000000 by X`
        // would ask for more memory than there is, and past the limit on it.
        options.optimizer.enable_topk_aggregation = false;
        let pool = TrackConsumersPool::new(
            FairSpillPool::new(session.memory_limit),
            std::num::NonZeroUsize::new(3).unwrap_or(std::num::NonZeroUsize::MIN),
        );
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_cache_manager(footers::caches())
            .build_arc()?;
        environment.register_object_store(ObjectStoreUrl::local_filesystem().as_ref(), Arc::new(Files::default()));
        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .with_query_planner(Arc::new(Planner));
        let builder = if session.optimize {
            // Before the rules that choose exchanges and joins by the number of parts.
            let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = vec![Arc::new(even::SmallScans)];
            rules.extend(PhysicalOptimizer::new().rules);
            builder
                .with_physical_optimizer_rules(rules)
                .with_physical_optimizer_rule(Arc::new(even::EvenScans { footers: footers::footers() }))
                .with_physical_optimizer_rule(Arc::new(share::ShareScans))
        } else {
            builder.with_optimizer_rules(Vec::new()).with_physical_optimizer_rules(needed_rules())
        };
        Ok(Arc::new(Runtime { tokio, state: builder.build() }))
    }
}

/// The rules without which a physical plan does not run: they choose how joins work, and put sorts and exchanges where
/// operators need them.
fn needed_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    const NEEDED: [&str; 5] =
        ["OutputRequirements", "join_selection", "EnsureRequirements", "EnsureCooperative", "SanityCheckPlan"];
    let rules = PhysicalOptimizer::new().rules.into_iter();
    rules.filter(|rule| NEEDED.contains(&rule.name())).collect()
}

/// Plans DataFusion's nodes and ours.
#[derive(Debug)]
struct Planner;

#[async_trait]
impl datafusion::execution::context::QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn datafusion::catalog::Session,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(node::RowPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

/// Runs a plan; the results stream as they are read.
///
/// Fails where a table is missing, a function is not built, or a limit is reached; the streams may fail later for the
/// same reasons.
pub fn run(plan: &Plan, session: &Session) -> Result<Vec<Output>> {
    let runtime = Runtime::new(session)?;
    let refusal = Refusal::default();
    let prepared = prepare(plan, session, &runtime, &refusal)?;
    let sketches = makes_sketches(plan, session);
    let mut outputs = Vec::new();
    for (result, logical) in plan.results.iter().zip(prepared) {
        let (physical, stream) = runtime.tokio.block_on(start(&runtime.state, logical))?;
        outputs.push(Output {
            name: result.name.clone(),
            columns: result.node.columns.clone(),
            render: result.render.clone(),
            runtime: runtime.clone(),
            stream,
            left: plan.most_records,
            sketches,
            refusal: refusal.clone(),
            physical,
        });
    }
    Ok(outputs)
}

/// Prints the physical plan of each result.
pub fn explain(plan: &Plan, session: &Session) -> Result<String> {
    let runtime = Runtime::new(session)?;
    let mut text = String::new();
    for logical in prepare(plan, session, &runtime, &Refusal::default())? {
        let physical = runtime.tokio.block_on(runtime.state.create_physical_plan(&logical))?;
        text.push_str(&displayable(physical.as_ref()).indent(true).to_string());
    }
    Ok(text)
}

async fn start(
    state: &SessionState,
    logical: LogicalPlan,
) -> Result<(Arc<dyn ExecutionPlan>, SendableRecordBatchStream)> {
    let physical = state.create_physical_plan(&logical).await?;
    let stream = execute_stream(physical.clone(), state.task_ctx())?;
    Ok((physical, stream))
}

/// Runs what must be known first, and lowers the results.
fn prepare(plan: &Plan, session: &Session, runtime: &Arc<Runtime>, refusal: &Refusal) -> Result<Vec<LogicalPlan>> {
    let mut scans = HashMap::new();
    for (name, _) in plan.scans() {
        let table = session
            .tables
            .iter()
            .find(|table| table.name == name)
            .ok_or_else(|| Error::io(format!("there are no records of the table `{name}`")))?;
        let scan = runtime.tokio.block_on(scan::Scan::open(table, session, &runtime.state))?;
        scans.insert(name.to_string(), scan);
    }
    let rewritten = shred::rewritten(plan, &scans);
    let plan = rewritten.as_ref().unwrap_or(plan);
    let lowering = expr::Lowering {
        now: plan.now.unwrap_or(0),
        places: plan.places.clone(),
        sketches: makes_sketches(plan, session),
        refusal: refusal.clone(),
        volatile: Arc::default(),
    };
    let mut shared: Vec<Vec<RecordBatch>> = Vec::new();
    let mut lower = lower::Lower { session, lowering: lowering.clone(), shared: &[], scans };
    // A shared subplan can only name those before it.
    for node in &plan.shared {
        let done = std::mem::take(&mut shared);
        let mut at = lower::Lower { shared: &done, scans: lower.scans, ..lower };
        let node = at.resolved(node, runtime)?;
        let batches = at.collect(&node, runtime)?;
        lower = lower::Lower { shared: &[], scans: std::mem::take(&mut at.scans), session, lowering: lowering.clone() };
        shared = done;
        shared.push(batches);
    }
    let lower = lower::Lower { shared: &shared, scans: lower.scans, session, lowering: lowering.clone() };
    let mut results = Vec::new();
    let mut found = Vec::new();
    for result in &plan.results {
        let mut node = lower.resolved(&result.node, runtime)?;
        lower.read_late(&mut node, shared.len(), &mut found, runtime)?;
        results.push(node);
    }
    if found.is_empty() {
        return results.iter().map(|node| lower.node(node)).collect();
    }
    let scans = lower.scans;
    shared.append(&mut found);
    let lower = lower::Lower { shared: &shared, scans, session, lowering };
    results.iter().map(|node| lower.node(node)).collect()
}

impl lower::Lower<'_> {
    /// Runs a relation to its end.
    fn collect(&self, node: &Node, runtime: &Arc<Runtime>) -> Result<Vec<RecordBatch>> {
        let logical = self.node(node)?;
        runtime.tokio.block_on(async {
            let (_, mut stream) = start(&runtime.state, logical).await?;
            let mut batches = Vec::new();
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| self.lowering.refusal.told(error))?;
                batches.push(named(&batch, &node.columns)?);
            }
            Ok(batches)
        })
    }

    /// Replaces sorts that are better read late by their rows, which become further shared batches.
    fn read_late(
        &self,
        node: &mut Node,
        first: usize,
        found: &mut Vec<Vec<RecordBatch>>,
        runtime: &Arc<Runtime>,
    ) -> Result<()> {
        if !self.session.optimize {
            return Ok(());
        }
        let mut run = |node: &Node| self.collect(node, runtime);
        if let Some(batches) = self.late(node, &mut run)? {
            node.kind = Kind::Shared { index: first + found.len() };
            found.push(batches);
            return Ok(());
        }
        match &mut node.kind {
            Kind::Filter { input, .. } | Kind::Project { input, .. } | Kind::Limit { input, .. } => {
                self.read_late(input, first, found, runtime)
            }
            _ => Ok(()),
        }
    }

    /// Replaces subqueries in expressions by their values.
    fn resolved(&self, node: &Node, runtime: &Arc<Runtime>) -> Result<Node> {
        let mut node = node.clone();
        subquery::replace(&mut node, &mut |query: &Node| {
            let query = self.resolved(query, runtime)?;
            let first = query.columns.first().cloned().ok_or_else(|| Error::internal("a subquery without columns"))?;
            let batches = self.collect(&query, runtime)?;
            Ok((batches, first))
        })?;
        Ok(node)
    }
}
