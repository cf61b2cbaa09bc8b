//! Opens files and standard input, and takes compression off by what the bytes are, not what the name says.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::NamedTempFile;

use super::error::Error;

/// How a file is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Tells the compression by the first bytes.
    pub fn detect(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// Returns the word for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "uncompressed",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// The bytes of one file, which can be opened more than once.
#[derive(Debug, Clone)]
pub struct Bytes {
    /// The name for messages: the path, or `-` for standard input.
    pub path: PathBuf,
    pub compression: Compression,
    /// Where the bytes lie: the path itself, or a temporary file that lives as long as this value.
    file: Arc<Stored>,
    progress: Progress,
}

/// Bytes read of files, as they lie on disk; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Returns the bytes that have been read.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A file whose reads are counted.
struct Counted {
    file: File,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

/// Some of a file's bytes. Where others read in the file makes no difference to it.
#[derive(Clone)]
pub(super) struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
    progress: Progress,
}

impl Part {
    /// Returns where the part begins, in bytes from the file's beginning.
    pub(super) fn start(&self) -> u64 {
        self.at
    }

    /// Takes some of it, up to the first end of a line that lies at least so many bytes from here; None at its end.
    pub(super) fn take_lines(&mut self, least: usize) -> io::Result<Option<Part>> {
        let mut taken = Part { end: (self.at + least as u64).min(self.end), ..self.clone() };
        let mut bytes = [0; 4 << 10];
        while taken.end < self.end {
            let count = read_at(&self.file, &mut bytes, taken.end)?;
            match memchr::memchr(b'\n', &bytes[..count]) {
                Some(place) => taken.end += place as u64 + 1,
                None if count > 0 => {
                    taken.end += count as u64;
                    continue;
                }
                // The file has become shorter.
                None => self.end = taken.end,
            }
            break;
        }
        self.at = taken.end;
        Ok((taken.at < taken.end).then_some(taken))
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = read_at(&self.file, &mut buffer[..most], self.at)?;
        self.at += read as u64;
        self.progress.add(read as u64);
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[derive(Debug)]
enum Stored {
    Path(PathBuf),
    Temporary(NamedTempFile),
}

impl Stored {
    fn path(&self) -> &Path {
        match self {
            Stored::Path(path) => path,
            Stored::Temporary(file) => file.path(),
        }
    }
}

impl Bytes {
    /// Finds a file; `-` is standard input, which is kept in a temporary file because records are read twice.
    pub fn new(path: &Path) -> Result<Bytes, Error> {
        if path == Path::new("-") {
            return Bytes::spool(path, &mut io::stdin().lock());
        }
        Bytes::stored(path, Stored::Path(path.to_path_buf()))
    }

    /// Keeps a stream in a temporary file; `name` is for messages.
    pub fn spool(name: &Path, stream: &mut dyn Read) -> Result<Bytes, Error> {
        let mut keep = || -> io::Result<NamedTempFile> {
            let mut file = NamedTempFile::new()?;
            io::copy(stream, &mut file)?;
            file.flush()?;
            Ok(file)
        };
        let file = keep().map_err(|error| Error::io(name, &error))?;
        Bytes::stored(name, Stored::Temporary(file))
    }

    fn stored(name: &Path, file: Stored) -> Result<Bytes, Error> {
        let mut head = Vec::new();
        let opened = File::open(file.path()).and_then(|file| file.take(4).read_to_end(&mut head));
        opened.map_err(|error| Error::io(name, &error))?;
        let compression = Compression::detect(&head);
        Ok(Bytes { path: name.to_path_buf(), compression, file: Arc::new(file), progress: Progress::default() })
    }

    /// Counts what is read of them.
    pub(super) fn counted(mut self, progress: &Progress) -> Bytes {
        self.progress = progress.clone();
        self
    }

    /// Returns the count of what is read of them.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Returns the path of the bytes on disk.
    pub fn on_disk(&self) -> &Path {
        self.file.path()
    }

    /// Returns how many there are on disk.
    pub fn size(&self) -> u64 {
        self.on_disk().metadata().map_or(0, |metadata| metadata.len())
    }

    /// Opens the bytes, decompressed.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let opened = || -> io::Result<Box<dyn Read + Send>> {
            let file = Counted { file: File::open(self.file.path())?, progress: self.progress.clone() };
            Ok(match self.compression {
                Compression::None => Box::new(file),
                Compression::Gzip => {
                    Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)))
                }
                Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
            })
        };
        opened().map_err(|error| self.error(&error))
    }

    /// Opens the whole as a part; None where the bytes are not those of the text, or have no places.
    pub(super) fn parts(&self) -> Result<Option<Part>, Error> {
        if self.compression != Compression::None {
            return Ok(None);
        }
        let opened = File::open(self.file.path()).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| self.error(&error))?;
        let (file, end) = (Arc::new(file), metadata.len());
        Ok(metadata.is_file().then(|| Part { file, at: 0, end, progress: self.progress.clone() }))
    }

    /// Returns bytes that can be read at any offset: these, or a decompressed copy of them.
    pub fn seekable(&self) -> Result<Bytes, Error> {
        match self.compression {
            Compression::None => Ok(self.clone()),
            _ => {
                let mut stream = Located { bytes: self, stream: self.open()?, failed: None };
                let copy = Bytes::spool(&self.path, &mut stream).map(|copy| copy.counted(&self.progress));
                stream.failed.map_or(copy, Err)
            }
        }
    }

    /// Opens the bytes for reading at any offset; call it on what [`Bytes::seekable`] returned.
    pub fn file(&self) -> Result<File, Error> {
        let mut file = File::open(self.file.path()).map_err(|error| Error::io(&self.path, &error))?;
        file.rewind().map_err(|error| Error::io(&self.path, &error))?;
        Ok(file)
    }

    /// Says what a failed read means here.
    pub fn error(&self, error: &io::Error) -> Error {
        match (self.compression, error.kind()) {
            (Compression::None, _) => Error::io(&self.path, error),
            (compression, io::ErrorKind::UnexpectedEof) => {
                Error::new(format!("the {} stream ends before its end: the file was cut off", compression.name()))
                    .at(&self.path)
                    .remedy("export or copy it again")
            }
            (compression, _) => Error::new(format!("the {} stream is damaged ({error})", compression.name()))
                .at(&self.path)
                .remedy("export or copy it again"),
        }
    }
}

/// A stream that remembers what went wrong in it.
struct Located<'a> {
    bytes: &'a Bytes,
    stream: Box<dyn Read + Send>,
    failed: Option<Error>,
}

impl Read for Located<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).inspect_err(|error| self.failed = Some(self.bytes.error(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_lines_do() {
        let long = "x".repeat(10_000);
        let text = format!("a\nbb\n{long}\n\ncc");
        let bytes = Bytes::spool(Path::new("t"), &mut text.as_bytes()).unwrap();
        for (least, wanted) in [(1, vec!["a\n", "bb\n", &text[5..10_006], "\ncc"]), (6, vec![&text[..10_006], "\ncc"])]
        {
            let mut rest = bytes.parts().unwrap().unwrap();
            let mut parts = Vec::new();
            while let Some(mut part) = rest.take_lines(least).unwrap() {
                let mut text = String::new();
                part.read_to_string(&mut text).unwrap();
                parts.push(text);
            }
            assert_eq!(parts, wanted);
        }
    }

    #[test]
    fn what_is_compressed_has_no_parts() {
        let text = zstd::encode_all(&b"a\n"[..], 1).unwrap();
        assert!(Bytes::spool(Path::new("t"), &mut &text[..]).unwrap().parts().unwrap().is_none());
    }
}
