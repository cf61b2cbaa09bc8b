//! Files of this machine, as DataFusion reads them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// The file system, whose pieces of files are read in the thread that wants them.
///
/// The library's own hands each read over to another thread, and clears the memory before it reads into it: of files that
/// the system has in memory, as most of those that someone queries again and again, that takes longer than the reading.
#[derive(Debug, Default)]
pub(super) struct Files(LocalFileSystem);

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads pieces of a file; an unexpected end where it ends before one does.
fn read(path: &std::path::Path, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    let pieces = ranges.iter().map(|range| {
        let cut = || {
            let problem = format!("the file ends at byte {end}, and bytes {} to {} are wanted", range.start, range.end);
            io::Error::new(io::ErrorKind::UnexpectedEof, problem)
        };
        // Before memory is asked for: a damaged footer may tell of more than there is.
        if range.end > end {
            return Err(cut());
        }
        let size = range.end.saturating_sub(range.start);
        let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(io::Error::other)?);
        file.seek(SeekFrom::Start(range.start))?;
        (&mut file).take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == size { Ok(bytes.into()) } else { Err(cut()) }
    });
    pieces.collect()
}

#[async_trait]
impl ObjectStore for Files {
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = self.0.path_to_filesystem(location)?;
        match read(&path, ranges) {
            Ok(pieces) => Ok(pieces),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(object_store::Error::Generic {
                store: "file",
                source: format!("{}: {error}", path.display()).into(),
            }),
            // The library says what is wrong.
            Err(_) => self.0.get_ranges(location, ranges).await,
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn pieces_are_the_bytes_of_the_file_and_its_end_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        let location = Path::from_absolute_path(file.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let get = |ranges: &[Range<u64>]| runtime.block_on(Files::default().get_ranges(&location, ranges));
        assert_eq!(get(&[7..10, 0..0, 2..4]).unwrap(), [&b"789"[..], b"", b"23"]);
        let error = get(&[0..3, 8..12]).unwrap_err().to_string();
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
        assert!(error.contains("ends at byte 10, and bytes 8 to 12"), "{error}");
        // More than memory could hold.
        assert!(get(&[0..3, 1..u64::MAX / 4]).is_err());
        file.close().unwrap();
        assert!(matches!(get(&[0..3, 3..4]), Err(object_store::Error::NotFound { .. })));
    }
}
