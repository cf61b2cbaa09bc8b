//! One scan for several readers: a `let` table that stands twice in a query is read and decoded once.
//!
//! DataFusion plans each use of a table by itself. Where scans of the same files have the same filter and at least
//! half of their columns in common, all of them read from one: whoever comes first takes the next batch, and it is
//! held until the last reader had it. What is held counts against the memory limit, and goes to disk beyond it.
//! Decoding is most of what a scan of alerts costs (a join of two parts of `Entities` reads 0.9 of its 1.1 seconds),
//! so that even a detour over the disk is cheaper.

mod columns;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::SpillManager;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

use columns::Columns;

/// Rows that are decoded at once. All rows of a page are, and a filter leaves few of them: for a full batch, columns of
/// megabytes are made that stay in no cache (a join of two parts of `Entities` takes 5 % less time in pieces).
const PIECE: usize = 1024;

/// Lets scans that are alike read once.
#[derive(Debug)]
pub(super) struct ShareScans;

impl PhysicalOptimizerRule for ShareScans {
    fn name(&self) -> &str {
        "share_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let mut kinds: Vec<Kind> = Vec::new();
        plan.apply(|node| {
            if let Some(scan) = Scan::of(node) {
                let taken = kinds.iter_mut().any(|kind| kind.take(&scan));
                if !taken {
                    kinds.push(Kind::new(scan));
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        // What one operator has no use for may be needed by another: only a scan of all rows serves them all.
        kinds.retain(|kind| kind.readers > 1 && !kind.scan.informed);
        if kinds.is_empty() {
            return Ok(plan);
        }
        let replaced = plan.transform_up(|node| {
            let Some(scan) = Scan::of(&node) else { return Ok(Transformed::no(node)) };
            let Some((kind, columns)) = kinds.iter().find_map(|kind| Some((kind, kind.places(&scan)?))) else {
                return Ok(Transformed::no(node));
            };
            let shared = match kind.shared.get() {
                Some(shared) => shared,
                None => {
                    let shared = Arc::new(Shared::new(kind.plan()?, kind.readers));
                    kind.shared.get_or_init(|| shared)
                }
            };
            let reader = kind.given.fetch_add(1, Ordering::Relaxed);
            Ok(Transformed::yes(Arc::new(SharedExec { shared: shared.clone(), reader, columns, own: scan.plan }) as _))
        })?;
        Ok(replaced.data)
    }
}

/// Scans of the same rows.
struct Kind {
    scan: Scan,
    /// What all of them read.
    columns: Columns,
    readers: usize,
    shared: OnceLock<Arc<Shared>>,
    given: AtomicUsize,
}

impl Kind {
    fn new(scan: Scan) -> Kind {
        let columns = scan.columns.clone();
        Kind { scan, columns, readers: 1, shared: OnceLock::new(), given: AtomicUsize::new(0) }
    }

    /// Takes in a scan of the same rows that reads much the same columns.
    fn take(&mut self, scan: &Scan) -> bool {
        let taken = self.scan.is_like(scan) && self.columns.unite(&scan.columns);
        if taken {
            self.readers += 1;
            if self.scan.informed {
                self.scan = scan.clone();
            }
        }
        taken
    }

    /// Returns where a scan's columns stand among all; None where it is none of these.
    fn places(&self, scan: &Scan) -> Option<Vec<usize>> {
        if !self.scan.is_like(scan) || self.given.load(Ordering::Relaxed) == self.readers {
            return None;
        }
        self.columns.places(source(config(&scan.plan)?)?)
    }

    /// Returns the scan of all columns, in small pieces.
    fn plan(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(config) = config(&self.scan.plan) else { return Ok(self.scan.plan.clone()) };
        let scan = match source(config) {
            Some(source) if self.columns.places(source) != Some((0..self.columns.len()).collect()) => {
                self.columns.scan(config, source)?
            }
            _ => FileScanConfigBuilder::from(config.clone()),
        };
        Ok(DataSourceExec::from_data_source(scan.with_batch_size(Some(PIECE)).build()))
    }
}

/// A scan of files, and what it depends on.
#[derive(Clone)]
pub(super) struct Scan {
    plan: Arc<dyn ExecutionPlan>,
    columns: Columns,
    /// Its filter, without the parts that only save work.
    filter: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether it leaves out rows that an operator above it has no use for, told while the query runs.
    informed: bool,
}

impl Scan {
    /// Returns the scan that a node is; none where it is cut short, or in an order of its own.
    pub(super) fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Scan> {
        let config = config(node)?;
        if config.limit.is_some() || !config.output_ordering.is_empty() {
            return None;
        }
        let source = source(config)?;
        let (mut filter, mut informed) = (Vec::new(), false);
        let predicate = source.filter();
        for part in predicate.iter().flat_map(split_conjunction) {
            if part.exists(|part| Ok(part.is::<DynamicFilterPhysicalExpr>())).ok()? {
                informed = true;
            } else {
                filter.push(part.clone());
            }
        }
        Some(Scan { plan: node.clone(), columns: Columns::of(source), filter, informed })
    }

    pub(super) fn config(&self) -> Option<&FileScanConfig> {
        config(&self.plan)
    }

    /// Returns its filter, without the parts that only save work.
    pub(super) fn filter(&self) -> &[Arc<dyn PhysicalExpr>] {
        &self.filter
    }

    /// Tells whether both are of the same rows, in the same parts.
    fn is_like(&self, other: &Scan) -> bool {
        let (Some(one), Some(two)) = (config(&self.plan), config(&other.plan)) else { return false };
        self.filter == other.filter
            && one.object_store_url == two.object_store_url
            && one.preserve_order == two.preserve_order
            && files(one).eq(files(two))
    }
}

fn source(config: &FileScanConfig) -> Option<&ParquetSource> {
    config.file_source().downcast_ref()
}

/// Returns what a node scans; none where it is no scan of files.
pub(super) fn config(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref()
}

/// The parts of files that each partition reads; a partition begins with none.
fn files(config: &FileScanConfig) -> impl Iterator<Item = Option<(&str, Option<(i64, i64)>)>> {
    config.file_groups.iter().flat_map(|group| {
        let file = |file: &datafusion::datasource::listing::PartitionedFile| {
            file.range.as_ref().map(|range| (range.start, range.end))
        };
        std::iter::once(None)
            .chain(group.iter().map(move |part| Some((part.object_meta.location.as_ref(), file(part)))))
    })
}

/// A scan and what its readers have of it.
struct Shared {
    input: Arc<dyn ExecutionPlan>,
    partitions: Vec<Partition>,
    metrics: ExecutionPlanMetricsSet,
}

/// A partition of the scan.
struct Partition {
    held: tokio::sync::Mutex<Held>,
    /// How many batches each reader had; [`GONE`] when it wants no more.
    places: Vec<AtomicUsize>,
    opened: Vec<AtomicBool>,
}

const GONE: usize = usize::MAX;

/// The batches that a reader has still to get.
#[derive(Default)]
struct Held {
    input: Option<Input>,
    reservation: Option<MemoryReservation>,
    batches: VecDeque<Batch>,
    /// How many batches were let go.
    first: usize,
    /// Why there are no more.
    end: Option<Option<Arc<DataFusionError>>>,
}

/// What is still to be read. Texts are copied where they would keep much larger buffers alive: a filter leaves few values
/// of a page.
struct Input {
    pieces: SendableRecordBatchStream,
    whole: BatchCoalescer,
}

impl Input {
    fn new(pieces: SendableRecordBatchStream, rows: usize) -> Input {
        let whole = BatchCoalescer::new(pieces.schema(), rows);
        Input { pieces, whole }
    }

    /// Returns the next full batch; the last one may have fewer rows.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.whole.has_completed_batch() {
            match self.pieces.next().await.transpose()? {
                Some(piece) => self.whole.push_batch(piece)?,
                None => {
                    self.whole.finish_buffered_batch()?;
                    break;
                }
            }
        }
        Ok(self.whole.next_completed_batch())
    }
}

enum Batch {
    Memory(RecordBatch, usize),
    Disk(Arc<dyn SpillFile>),
}

impl Shared {
    fn new(input: Arc<dyn ExecutionPlan>, readers: usize) -> Shared {
        let partition = |_| Partition {
            held: tokio::sync::Mutex::default(),
            places: (0..readers).map(|_| AtomicUsize::new(0)).collect(),
            opened: (0..readers).map(|_| AtomicBool::new(false)).collect(),
        };
        let partitions = (0..input.output_partitioning().partition_count()).map(partition).collect();
        Shared { input, partitions, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// Returns the next batch for a reader.
    async fn next(&self, at: &Reader) -> Option<Result<RecordBatch>> {
        let partition = &self.partitions[at.partition];
        let place = partition.places[at.reader].load(Ordering::Acquire);
        let mut held = partition.held.lock().await;
        let batch = loop {
            if let Some(batch) = held.batches.get(place - held.first) {
                break match batch {
                    Batch::Memory(batch, _) => Ok(batch.clone()),
                    Batch::Disk(file) => self.read(file, at).await,
                };
            }
            if let Some(end) = &held.end {
                return end.clone().map(|error| Err(DataFusionError::Shared(error)));
            }
            if let Err(error) = self.take(&mut held, at).await {
                held.end = Some(Some(Arc::new(error)));
            }
        };
        partition.places[at.reader].store(place + 1, Ordering::Release);
        partition.let_go(&mut held);
        Some(batch)
    }

    /// Takes the next batch from the scan.
    async fn take(&self, held: &mut Held, at: &Reader) -> Result<()> {
        if held.input.is_none() {
            let pieces = self.input.execute(at.partition, at.context.clone())?;
            held.input = Some(Input::new(pieces, at.context.session_config().batch_size()));
            let consumer = MemoryConsumer::new("a scan for several readers").with_can_spill(true);
            held.reservation = Some(consumer.register(at.context.memory_pool()));
        }
        let Some(input) = &mut held.input else { return Ok(()) };
        let Some(batch) = input.next().await? else {
            held.end = Some(None);
            return Ok(());
        };
        let bytes = batch.get_array_memory_size();
        let fits = held.reservation.as_mut().is_none_or(|reservation| reservation.try_grow(bytes).is_ok());
        let batch = if fits { Batch::Memory(batch, bytes) } else { self.write(batch, at)? };
        held.batches.push_back(batch);
        Ok(())
    }

    fn disk(&self, at: &Reader) -> SpillManager {
        let metrics = SpillMetrics::new(&self.metrics, at.partition);
        SpillManager::new(at.context.runtime_env(), metrics, self.input.schema())
    }

    fn write(&self, batch: RecordBatch, at: &Reader) -> Result<Batch> {
        let file =
            self.disk(at).spill_record_batch_and_finish(std::slice::from_ref(&batch), "a scan for several readers")?;
        // No file is made of no rows.
        Ok(file.map_or(Batch::Memory(batch, 0), Batch::Disk))
    }

    async fn read(&self, file: &Arc<dyn SpillFile>, at: &Reader) -> Result<RecordBatch> {
        let mut stream = self.disk(at).read_spill_as_stream_unbuffered(file.clone(), None)?;
        let missing = || DataFusionError::Internal("a batch on disk is empty".to_string());
        stream.next().await.ok_or_else(missing)?
    }
}

impl Partition {
    /// Lets go what all readers had.
    fn let_go(&self, held: &mut Held) {
        let behind = self.places.iter().map(|place| place.load(Ordering::Acquire)).min().unwrap_or(GONE);
        while held.first < behind {
            let Some(batch) = held.batches.pop_front() else { return };
            held.first += 1;
            if let (Batch::Memory(_, bytes), Some(reservation)) = (batch, &mut held.reservation) {
                reservation.shrink(bytes);
            }
        }
    }
}

fn made(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// One who reads a partition.
struct Reader {
    shared: Arc<Shared>,
    partition: usize,
    reader: usize,
    context: Arc<TaskContext>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.partitions[self.partition].places[self.reader].store(GONE, Ordering::Release);
    }
}

/// A scan that others read too.
struct SharedExec {
    shared: Arc<Shared>,
    reader: usize,
    /// Where its columns stand among those of the scan.
    columns: Vec<usize>,
    /// The scan in whose place it stands: names of columns may differ.
    own: Arc<dyn ExecutionPlan>,
}

impl fmt::Debug for SharedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedExec")
    }
}

impl DisplayAs for SharedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "SharedExec: reader {} of {}",
            self.reader + 1,
            self.shared.partitions.first().map_or(0, |p| p.places.len())
        )
    }
}

impl ExecutionPlan for SharedExec {
    fn name(&self) -> &str {
        "SharedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.own.properties()
    }

    /// The scan stands once in the plan, so that what it read is counted once.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        if self.reader == 0 { vec![&self.shared.input] } else { Vec::new() }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// The scan stays: other readers have it too.
    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        (self.reader == 0).then(|| self.shared.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let opened = self.shared.partitions.get(partition).map(|p| p.opened[self.reader].swap(true, Ordering::AcqRel));
        if opened != Some(false) {
            return Err(DataFusionError::Internal(format!("partition {partition} of a shared scan is read twice")));
        }
        let reader = Reader { shared: self.shared.clone(), partition, reader: self.reader, context };
        let (schema, columns) = (self.own.schema(), self.columns.clone());
        let batches = futures::stream::unfold((reader, schema.clone(), columns), async |(reader, schema, columns)| {
            let batch = reader.shared.next(&reader).await?;
            let batch = batch.and_then(|batch| {
                let own = columns.iter().filter_map(|column| batch.columns().get(*column).cloned()).collect();
                made(schema.clone(), own, batch.num_rows())
            });
            Some((batch, (reader, schema, columns)))
        })
        .boxed();
        let stream = RecordBatchStreamAdapter::new(schema, batches);
        Ok(Box::pin(cooperative(stream)))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, StringViewArray};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::SessionConfig;

    use super::*;

    /// Three batches of a number and a long text.
    fn batches() -> Vec<RecordBatch> {
        let batch = |from: i64| {
            let numbers: Int64Array = (from..from + 4).collect();
            let texts =
                StringViewArray::from_iter_values((from..from + 4).map(|n| format!("a text longer than a view {n}")));
            RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef), ("t", Arc::new(texts))]).unwrap()
        };
        vec![batch(0), batch(4), batch(8)]
    }

    struct Setting {
        shared: Arc<Shared>,
        context: Arc<TaskContext>,
        pool: Arc<dyn MemoryPool>,
    }

    impl Setting {
        fn new(readers: usize, memory: usize) -> Setting {
            let batches = batches();
            let schema = batches[0].schema();
            let input = MemorySourceConfig::try_new_exec(&[batches], schema, None).unwrap();
            let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(memory));
            let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool.clone()).build_arc().unwrap();
            let config = SessionConfig::new().with_batch_size(4);
            let context = Arc::new(TaskContext::default().with_session_config(config).with_runtime(runtime));
            Setting { shared: Arc::new(Shared::new(input, readers)), context, pool }
        }

        fn reader(&self, reader: usize) -> SharedExec {
            SharedExec { shared: self.shared.clone(), reader, columns: vec![0, 1], own: self.shared.input.clone() }
        }

        fn open(&self, reader: usize) -> SendableRecordBatchStream {
            self.reader(reader).execute(0, self.context.clone()).unwrap()
        }
    }

    async fn all(stream: SendableRecordBatchStream) -> Vec<RecordBatch> {
        stream.map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn each_reader_gets_all_rows_and_nothing_stays() {
        let setting = Setting::new(2, 1 << 20);
        let (mut first, second) = (setting.open(0), setting.open(1));
        assert_eq!(first.next().await.unwrap().unwrap(), batches()[0]);
        assert_eq!(all(second).await, batches());
        assert!(setting.pool.reserved() > 0);
        assert_eq!(all(first).await, batches()[1..]);
        assert_eq!(setting.pool.reserved(), 0);
    }

    #[tokio::test]
    async fn pieces_become_full_batches_that_hold_nothing_else() {
        let pieces = batches().into_iter().flat_map(|batch| (0..4).map(move |row| batch.slice(row, 1)));
        let schema = batches()[0].schema();
        let pieces = RecordBatchStreamAdapter::new(schema, futures::stream::iter(pieces.map(Ok)));
        let mut input = Input::new(Box::pin(pieces), 5);
        let mut rows = Vec::new();
        while let Some(batch) = input.next().await.unwrap() {
            rows.push(batch.num_rows());
            let texts = batch.column(1).as_string_view();
            let held: usize = texts.data_buffers().iter().map(|buffer| buffer.len()).sum();
            assert_eq!(held, texts.total_buffer_bytes_used());
        }
        assert_eq!(rows, [5, 5, 2]);
    }

    #[tokio::test]
    async fn what_memory_does_not_hold_goes_to_disk() {
        let setting = Setting::new(2, 1);
        assert_eq!(all(setting.open(0)).await, batches());
        assert_eq!(setting.shared.metrics.clone_inner().spill_count(), Some(3));
        assert_eq!(all(setting.open(1)).await, batches());
    }

    #[tokio::test]
    async fn nothing_is_held_for_one_who_left() {
        let setting = Setting::new(2, 1 << 20);
        drop(setting.open(1));
        assert_eq!(all(setting.open(0)).await, batches());
        assert_eq!(setting.pool.reserved(), 0);
    }

    #[tokio::test]
    async fn a_second_reading_is_refused() {
        let setting = Setting::new(1, 1 << 20);
        let _open = setting.open(0);
        let again = setting.reader(0).execute(0, setting.context.clone());
        assert!(again.is_err());
    }
}
