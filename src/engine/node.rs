//! A [`RowOperator`] as a node of DataFusion's plans.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, OrderingRequirements, Partitioning, PhysicalExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements, PlanProperties,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{Stream, StreamExt};

use super::operator::{OperatorError, RowOperator};

/// Makes the operator of one partition.
pub(super) type Factory = Arc<dyn Fn() -> std::result::Result<Box<dyn RowOperator>, OperatorError> + Send + Sync>;

/// What a node does.
#[derive(Clone)]
pub(super) struct Work {
    /// KQL's name of the operator, for errors and printouts.
    pub name: &'static str,
    /// All rows go through one operator, in their order.
    pub single: bool,
    pub factory: Factory,
}

impl Work {
    fn operator(&self) -> Result<Box<dyn RowOperator>> {
        (self.factory)().map_err(|e| DataFusionError::Execution(e.0))
    }
}

/// Puts an operator above a plan.
pub(super) fn above(input: LogicalPlan, work: Work) -> Result<LogicalPlan> {
    let schema = Arc::new(DFSchema::try_from(work.operator()?.schema())?);
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(RowNode { input, schema, work }) }))
}

#[derive(Clone)]
struct RowNode {
    input: LogicalPlan,
    schema: DFSchemaRef,
    work: Work,
}

impl RowNode {
    fn identity(&self) -> usize {
        Arc::as_ptr(&self.work.factory).cast::<()>() as usize
    }
}

impl fmt::Debug for RowNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.work.name)
    }
}

impl PartialEq for RowNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity() && self.input == other.input
    }
}

impl Eq for RowNode {}

impl Hash for RowNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
        self.input.hash(state);
    }
}

impl PartialOrd for RowNode {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl UserDefinedLogicalNodeCore for RowNode {
    fn name(&self) -> &str {
        self.work.name
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.work.name)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match inputs.pop() {
            Some(input) => Ok(RowNode { input, ..self.clone() }),
            None => Err(DataFusionError::Internal(format!("`{}` without input", self.work.name))),
        }
    }
}

/// Plans [`RowNode`]s.
#[derive(Debug)]
pub(super) struct RowPlanner;

#[async_trait]
impl ExtensionPlanner for RowPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<RowNode>() else { return Ok(None) };
        // The order in which the rows come now is the order that they keep: no sort below may go.
        let order = inputs[0].output_ordering().cloned().map(OrderingRequirements::from);
        Ok(Some(Arc::new(RowExec::new(inputs[0].clone(), node.work.clone(), order)?)))
    }
}

struct RowExec {
    input: Arc<dyn ExecutionPlan>,
    work: Work,
    order: Option<OrderingRequirements>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl RowExec {
    fn new(input: Arc<dyn ExecutionPlan>, work: Work, order: Option<OrderingRequirements>) -> Result<Self> {
        let schema = work.operator()?.schema();
        let partitions = if work.single { 1 } else { input.output_partitioning().partition_count() };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(RowExec { input, work, order, schema, properties })
    }
}

impl fmt::Debug for RowExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.work.name)
    }
}

impl DisplayAs for RowExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "RowExec: {}", self.work.name)
    }
}

impl ExecutionPlan for RowExec {
    fn name(&self) -> &str {
        self.work.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![if self.work.single {
            Distribution::SinglePartition
        } else {
            Distribution::UnspecifiedDistribution
        }])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.order.clone()]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        // It does, but what comes out may depend on the order that comes in: a sort above must not be moved below, which
        // DataFusion does where this is true. Sorts below stay because their order is required.
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(RowExec::new(input, self.work.clone(), self.order.clone())?)),
            None => Err(DataFusionError::Internal(format!("`{}` without input", self.work.name))),
        }
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(RowExec::new(input, self.work.clone(), self.order.clone())?)),
            None => Err(DataFusionError::Internal(format!("`{}` without input", self.work.name))),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(self.work.name).register(context.memory_pool());
        Ok(Box::pin(RowStream {
            input: Some(self.input.execute(partition, context.clone())?),
            operator: self.work.operator()?,
            schema: self.schema.clone(),
            ready: Vec::new().into_iter(),
            reservation,
            batch_size: context.session_config().batch_size(),
            rest: None,
            ended: false,
        }))
    }
}

struct RowStream {
    /// None once it has ended.
    input: Option<SendableRecordBatchStream>,
    operator: Box<dyn RowOperator>,
    schema: SchemaRef,
    ready: std::vec::IntoIter<RecordBatch>,
    reservation: MemoryReservation,
    batch_size: usize,
    /// What is left of a batch that was too large.
    rest: Option<RecordBatch>,
    /// Nothing more is asked of the operator.
    ended: bool,
}

impl RowStream {
    fn accept(&mut self, batches: std::result::Result<Vec<RecordBatch>, OperatorError>) -> Result<()> {
        self.ready = batches.map_err(|e| DataFusionError::Execution(e.0))?.into_iter();
        self.reservation.try_resize(self.operator.size())
    }

    fn next_ready(&mut self) -> Option<RecordBatch> {
        loop {
            let batch = self.rest.take().or_else(|| self.ready.next())?;
            if batch.num_rows() > self.batch_size {
                self.rest = Some(batch.slice(self.batch_size, batch.num_rows() - self.batch_size));
                return Some(batch.slice(0, self.batch_size));
            }
            if batch.num_rows() > 0 {
                return Some(batch);
            }
        }
    }
}

impl Stream for RowStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(batch) = self.next_ready() {
                return Poll::Ready(Some(Ok(batch)));
            }
            let Some(input) = &mut self.input else {
                if self.ended {
                    return Poll::Ready(None);
                }
                match self.operator.more() {
                    Ok(Some(batches)) => {
                        if let Err(error) = self.accept(Ok(batches)) {
                            self.ended = true;
                            return Poll::Ready(Some(Err(error)));
                        }
                        continue;
                    }
                    Ok(None) => {
                        self.ended = true;
                        return Poll::Ready(None);
                    }
                    Err(error) => {
                        self.ended = true;
                        return Poll::Ready(Some(Err(DataFusionError::Execution(error.0))));
                    }
                }
            };
            let outcome = match input.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(batch))) => self.operator.push(&batch),
                Poll::Ready(Some(Err(error))) => {
                    self.ended = true;
                    self.input = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    self.input = None;
                    self.operator.finish()
                }
            };
            if let Err(error) = self.accept(outcome) {
                self.input = None;
                self.ended = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl RecordBatchStream for RowStream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
