//! Footers of Parquet files, read once for all that a process asks of a file.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use ::parquet::file::metadata::ParquetMetaData;
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::execution::cache::cache_manager::{
    CacheManager, CacheManagerConfig, CachedFileMetadataEntry, FileMetadataCache,
};
use object_store::ObjectMeta;

/// The footers of Parquet files that were read last, by any query of this process, and the statistics that were made of
/// them: each is good as long as its file has the same size and time of change.
static FOOTERS: LazyLock<Option<Arc<CacheManager>>> =
    LazyLock::new(|| CacheManager::try_new(&CacheManagerConfig::default()).ok());

/// Returns what holds the footers.
pub(super) fn footers() -> Option<Arc<FileMetadataCache>> {
    FOOTERS.as_ref().map(|caches| caches.get_file_metadata_cache())
}

/// Returns what a query finds of files that another has read.
pub(super) fn caches() -> CacheManagerConfig {
    let statistics = FOOTERS.as_ref().and_then(|caches| caches.get_file_statistic_cache());
    CacheManagerConfig::default().with_file_metadata_cache(footers()).with_file_statistics_cache(statistics)
}

/// Hands over the footer that a Parquet file had when it had this size and time of change: queries need not read it
/// again, unless the file has changed since.
///
/// ```
/// use std::sync::Arc;
///
/// use alertq::engine::keep_footer;
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use parquet::{arrow::ArrowWriter, file::metadata::ParquetMetaDataReader};
///
/// let file = tempfile::NamedTempFile::new()?;
/// let rows: ArrayRef = Arc::new(Int64Array::from(vec![1]));
/// let batch = RecordBatch::try_from_iter([("Count", rows)])?;
/// let mut writer = ArrowWriter::try_new(file.reopen()?, batch.schema(), None)?;
/// writer.write(&batch)?;
/// writer.close()?;
///
/// let footer = ParquetMetaDataReader::new().parse_and_finish(&file.reopen()?)?;
/// let state = file.path().metadata()?;
/// keep_footer(file.path(), state.len(), state.modified()?, Arc::new(footer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn keep_footer(path: &Path, size: u64, modified: SystemTime, footer: Arc<ParquetMetaData>) {
    // Without it a query reads the footer itself, and says what is wrong with the path.
    let location =
        std::path::absolute(path).ok().and_then(|path| object_store::path::Path::from_absolute_path(path).ok());
    let (Some(footers), Some(location)) = (footers(), location) else { return };
    let state = ObjectMeta { location, last_modified: modified.into(), size, e_tag: None, version: None };
    if footers.get(&state.location).is_none_or(|known| !known.is_valid_for(&state)) {
        let entry = CachedFileMetadataEntry::new(state.clone(), Arc::new(CachedParquetMetaData::new(footer)));
        footers.put(&state.location, entry);
    }
}
