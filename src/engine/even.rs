//! Scans of files whose parts have as many rows to read.
//!
//! DataFusion gives each thread as many bytes of the files. A condition on the time leaves the last days of them, as most
//! queries have it, and these lie with one thread: the others have nothing to do. Here the borders between the parts are
//! moved to row groups with as many rows on both sides, of those that the statistics leave. As many rows are not as much
//! work, and a thread may be held up: the last row groups are pieces of their own, which go to whoever is done first.
//! Files that are small together are not divided at all.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccessPlanFilter};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetFileMetrics};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_expr::conjunction;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;

use super::share::{self, Scan};

/// Moves the borders of scans that several threads read.
#[derive(Debug)]
pub(super) struct EvenScans {
    /// The footers of files.
    pub(super) footers: Option<Arc<FileMetadataCache>>,
}

impl PhysicalOptimizerRule for EvenScans {
    fn name(&self) -> &str {
        "even_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(footers) = &self.footers else { return Ok(plan) };
        rescanned(plan, |node| even(&Scan::of(node)?, footers.as_ref()))
    }
}

/// Puts other scans in the place of some.
fn rescanned(
    plan: Arc<dyn ExecutionPlan>,
    other: impl Fn(&Arc<dyn ExecutionPlan>) -> Option<FileScanConfig>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        Ok(match other(&node) {
            Some(config) => Transformed::yes(DataSourceExec::from_data_source(config) as _),
            None => Transformed::no(node),
        })
    })?;
    Ok(plan.data)
}

/// Gives files that are small together to one thread, one after the other: where a second thread saves nothing, rows that
/// come in the order of the files are worth more, and lists and sets that are made of them are the same each time.
#[derive(Debug)]
pub(super) struct SmallScans;

impl PhysicalOptimizerRule for SmallScans {
    fn name(&self) -> &str {
        "small_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, options: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        // Below this a single file is not divided either.
        let most = options.optimizer.repartition_file_min_size as u64;
        rescanned(plan, |node| joined(share::config(node)?, most))
    }
}

/// Returns the same scan in one part; none where it is so already, or of more bytes than this.
fn joined(config: &FileScanConfig, most: u64) -> Option<FileScanConfig> {
    let files: Vec<PartitionedFile> = config.file_groups.iter().flat_map(FileGroup::iter).cloned().collect();
    let bytes: u64 = files.iter().map(|file| file.object_meta.size).sum();
    let several = config.file_groups.len() > 1 && config.output_partitioning.is_none();
    let groups = vec![FileGroup::new(files)];
    (several && bytes < most).then(|| FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build())
}

/// A row group that has to be read.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wanted {
    /// Which file it lies in, and where it begins.
    at: (usize, i64),
    rows: u64,
}

/// Returns the same scan in as many parts with as many rows each; none where that is so already, or cannot be told.
fn even(scan: &Scan, footers: &FileMetadataCache) -> Option<FileScanConfig> {
    let config = scan.config()?;
    let parts = config.file_groups.len();
    if parts < 2 || config.output_partitioning.is_some() {
        return None;
    }
    let files = whole(&config.file_groups)?;
    let filter = conjunction(scan.filter().to_vec());
    let predicate = PruningPredicateBuilder::new().with_file_schema(config.file_schema().clone()).try_build(filter);
    let predicate = predicate.ok()?;
    let mut wanted = Vec::new();
    for (index, file) in files.iter().enumerate() {
        wanted.extend(row_groups(file, index, &predicate, config, footers)?);
    }
    // Where each part has to read its own, it gets the same share of all.
    let dealt = if config.preserve_order { wanted.len() } else { dealt(&wanted, parts) };
    let (first, rest) = wanted.split_at_checked(dealt)?;
    let end = rest.first().map(|group| group.at);
    let mut groups: Vec<Vec<PartitionedFile>> = Vec::with_capacity(parts);
    for ends in borders(first, parts, end)?.windows(2) {
        groups.push(between(&files, ends[0], ends[1]).collect());
    }
    let ends = rest.iter().skip(1).map(|group| Some(group.at)).chain([None]);
    let rest = rest.iter().zip(ends).flat_map(|(group, end)| between(&files, Some(group.at), end));
    groups.last_mut()?.extend(rest);
    let groups = groups.into_iter().map(FileGroup::new).collect();
    Some(FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build())
}

/// Tells whether the last of the files ends there.
fn ends(files: &[PartitionedFile], end: i64) -> bool {
    files.last().is_none_or(|last| i64::try_from(last.object_meta.size) == Ok(end))
}

/// Returns the files of parts that are whole together and in order; none where they are not.
fn whole(groups: &[FileGroup]) -> Option<Vec<PartitionedFile>> {
    let mut files: Vec<PartitionedFile> = Vec::new();
    // Where the last piece ends.
    let mut end = 0;
    for piece in groups.iter().flat_map(FileGroup::iter) {
        let size = i64::try_from(piece.object_meta.size).ok()?;
        let range = piece.range.clone().unwrap_or(FileRange { start: 0, end: size });
        if files.last().is_none_or(|last| last.object_meta.location != piece.object_meta.location) {
            if !ends(&files, end) {
                return None;
            }
            files.push(PartitionedFile { range: None, ..piece.clone() });
            end = 0;
        }
        if range.start != end {
            return None;
        }
        end = range.end;
    }
    ends(&files, end).then_some(files)
}

/// Returns the row groups of a file that its statistics leave; none where its footer is not at hand.
fn row_groups(
    file: &PartitionedFile,
    index: usize,
    predicate: &PruningPredicate,
    config: &FileScanConfig,
    footers: &FileMetadataCache,
) -> Option<Vec<Wanted>> {
    let footer = footers.get(&file.object_meta.location).filter(|entry| entry.is_valid_for(&file.object_meta))?;
    let footer = footer.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?.parquet_metadata().clone();
    let groups = footer.row_groups();
    let mut left = RowGroupAccessPlanFilter::new(ParquetAccessPlan::new_all(groups.len()));
    let metrics = ParquetFileMetrics::new(0, "", &ExecutionPlanMetricsSet::new());
    let schema = footer.file_metadata().schema_descr();
    left.prune_by_statistics(config.file_schema(), schema, groups, predicate, &metrics);
    let wanted = left.row_group_indexes().map(|group| {
        let group = &groups[group];
        // A row group is read by the part in which its first column begins.
        let first = group.columns().first()?;
        let start = first.dictionary_page_offset().unwrap_or_else(|| first.data_page_offset());
        Some(Wanted { at: (index, start), rows: u64::try_from(group.num_rows()).ok()? })
    });
    wanted.collect()
}

/// Where a part begins: in which file, and where in it. The last border is the end of all files.
type Border = Option<(usize, i64)>;

/// Of how many row groups each part gets its share before it is known who is done first: seven eighths of the rows, but
/// a group for each at least. To open a group by itself takes half a millisecond where columns are many.
fn dealt(wanted: &[Wanted], parts: usize) -> usize {
    let total: u64 = wanted.iter().map(|group| group.rows).sum();
    let mut before = 0;
    let dealt = wanted.iter().take_while(|group| {
        before += group.rows;
        before <= total - total / 8
    });
    dealt.count().max(parts).min(wanted.len())
}

/// Divides row groups, the last of which ends there, to parts with about as many rows each; none where there are fewer
/// than parts.
fn borders(wanted: &[Wanted], parts: usize, end: Border) -> Option<Vec<Border>> {
    if wanted.len() < parts {
        return None;
    }
    let total: u64 = wanted.iter().map(|group| group.rows).sum();
    let mut borders: Vec<Border> = vec![Some((0, 0))];
    let mut before = 0;
    for group in wanted {
        let next = total * borders.len() as u64 / parts as u64;
        // The border lies before the group whose middle is beyond.
        if borders.len() < parts && before > 0 && before + group.rows / 2 >= next {
            borders.push(Some(group.at));
        }
        before += group.rows;
    }
    borders.push(end);
    (borders.len() == parts + 1).then_some(borders)
}

/// Returns the pieces of files between two borders.
fn between(files: &[PartitionedFile], from: Border, to: Border) -> impl Iterator<Item = PartitionedFile> {
    files.iter().enumerate().filter_map(move |(index, file)| {
        let size = i64::try_from(file.object_meta.size).unwrap_or(i64::MAX);
        let within = |border: Border, none: i64| match border {
            Some((at, _)) if at < index => 0,
            Some((at, offset)) if at == index => offset,
            Some(_) => size,
            None => none,
        };
        let range = FileRange { start: within(from, size), end: within(to, size) };
        (range.start < range.end).then(|| PartitionedFile { range: Some(range), ..file.clone() })
    })
}

#[cfg(test)]
mod tests {
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::metadata::ParquetMetaDataReader;
    use ::parquet::file::properties::WriterProperties;
    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::datasource::physical_plan::ParquetSource;
    use datafusion::execution::cache::cache_manager::{CacheManager, CacheManagerConfig, CachedFileMetadataEntry};
    use datafusion::execution::object_store::ObjectStoreUrl;
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{binary, col, lit};
    use datafusion::physical_plan::collect_partitioned;

    use super::*;

    fn groups(rows: &[u64]) -> Vec<Wanted> {
        rows.iter().zip(10..).map(|(rows, at)| Wanted { at: (0, at), rows: *rows }).collect()
    }

    #[test]
    fn parts_have_as_many_rows() {
        let check = |rows: &[u64], parts: usize, wanted: &[i64]| {
            let borders = borders(&groups(rows), parts, None).unwrap();
            let offsets: Vec<i64> = borders.iter().skip(1).flatten().map(|(_, offset)| *offset).collect();
            assert_eq!(offsets, wanted, "{rows:?}");
            assert_eq!((borders[0], borders[parts]), (Some((0, 0)), None));
        };
        check(&[5, 5, 5, 5], 2, &[12]);
        check(&[5, 5, 5, 5], 4, &[11, 12, 13]);
        check(&[1, 1, 8], 2, &[12]);
        check(&[8, 1, 1], 2, &[11]);
        assert_eq!(borders(&groups(&[5]), 2, None), None);
        assert_eq!(borders(&groups(&[5, 5]), 2, Some((0, 12))).unwrap()[2], Some((0, 12)));
    }

    fn file(name: &str, size: u64, range: Option<(i64, i64)>) -> PartitionedFile {
        let range = range.map(|(start, end)| FileRange { start, end });
        PartitionedFile { range, ..PartitionedFile::new(name, size) }
    }

    fn ranges(pieces: impl Iterator<Item = PartitionedFile>) -> Vec<(String, i64, i64)> {
        let range = |file: &PartitionedFile| file.range.as_ref().map_or((0, 0), |range| (range.start, range.end));
        pieces.map(|file| (file.object_meta.location.to_string(), range(&file).0, range(&file).1)).collect()
    }

    fn named(pieces: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
        pieces.iter().map(|(name, start, end)| (name.to_string(), *start, *end)).collect()
    }

    #[test]
    fn the_last_row_groups_go_to_whoever_is_done() {
        assert_eq!(dealt(&groups(&[5; 16]), 2), 14);
        assert_eq!(dealt(&groups(&[5, 5, 5]), 2), 2);
        assert_eq!((dealt(&groups(&[5, 5]), 2), dealt(&groups(&[5]), 2)), (2, 1));
        assert_eq!(dealt(&groups(&[100, 1, 1, 1]), 2), 2);
    }

    #[test]
    fn every_byte_stays_in_one_part() {
        let parts = [
            FileGroup::new(vec![file("a", 100, Some((0, 60)))]),
            FileGroup::new(vec![file("a", 100, Some((60, 100))), file("b", 20, None)]),
        ];
        let files = whole(&parts).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(ranges(between(&files, Some((0, 0)), Some((1, 5)))), named(&[("a", 0, 100), ("b", 0, 5)]));
        assert_eq!(ranges(between(&files, Some((1, 5)), None)), named(&[("b", 5, 20)]));
        assert!(whole(&parts[..1]).is_none() && whole(&[parts[1].clone(), parts[0].clone()]).is_none());
    }

    /// Of ten row groups a condition leaves the last two, which lie with the second of two threads.
    #[test]
    fn each_thread_reads_of_what_is_left() {
        let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::Int64, false)]));
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let batch = RecordBatch::try_new(schema.clone(), vec![rows]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), schema.clone(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();

        let size = file.path().metadata().unwrap().len();
        let mut part = PartitionedFile::new(file.path().to_str().unwrap().to_string(), size);
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file.reopen().unwrap()).unwrap();
        let footers = CacheManager::try_new(&CacheManagerConfig::default()).unwrap().get_file_metadata_cache();
        let entry = Arc::new(CachedParquetMetaData::new(Arc::new(footer)));
        let entry = CachedFileMetadataEntry::new(part.object_meta.clone(), entry);
        footers.put(&part.object_meta.location, entry);

        let late = binary(col("t", &schema).unwrap(), Operator::GtEq, lit(80i64), &schema).unwrap();
        let source = Arc::new(ParquetSource::new(schema).with_predicate(late));
        let middle = size as i64 / 2;
        let mut half = |start, end| {
            part.range = Some(FileRange { start, end });
            FileGroup::new(vec![part.clone()])
        };
        let groups = vec![half(0, middle), half(middle, size as i64)];
        let builder = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source).with_file_groups(groups);
        let node: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(builder.build());
        let even = EvenScans { footers: Some(footers) }.optimize(node, &ConfigOptions::default()).unwrap();

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let parts = runtime.block_on(collect_partitioned(even, Arc::default())).unwrap();
        let rows = |part: &Vec<RecordBatch>| -> Vec<i64> {
            part.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
        };
        let rows: Vec<Vec<i64>> = parts.iter().map(rows).collect();
        assert_eq!(rows, [(80..90).collect::<Vec<_>>(), (90..100).collect()]);
    }
}
