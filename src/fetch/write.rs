//! An answer becomes a Parquet file, whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::{Error, ErrorKind};
use super::records::Records;
use crate::format::{Format, Limits};
use crate::source;
use crate::types::Column;

/// What the names of temporary files begin with: no command reads them as records.
pub(super) const TEMPORARY: &str = ".alertq-";

/// Makes a file that goes away again unless it gets a name.
pub(super) fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)
}

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) columns: Vec<Column>,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Failed {
    /// Rows are missing in the answer, and it says so.
    Partial(String),
    /// The answer is damaged.
    Damaged(String),
    File(std::io::Error),
}

/// Reads an answer and writes its rows; without rows there is no file.
pub(super) fn write(body: &Path, table: &str, target: &Path) -> Result<Written, Failed> {
    let read = |error: source::Error| match error.partial {
        true => Failed::Partial(error.message),
        false => Failed::Damaged(error.message),
    };
    let options = source::Options { name: Some(table.to_string()), ..source::Options::default() };
    let tables = source::open(&body.to_string_lossy(), &options).map_err(read)?;
    let [table] = tables.as_slice() else { return Err(Failed::Damaged("it holds no table".to_string())) };
    let mut written = Written { rows: 0, columns: table.columns.clone() };
    if table.rows() == 0 {
        return Ok(written);
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    let file = temporary(folder).map_err(Failed::File)?;
    let out = file.reopen().map_err(Failed::File)?;
    let mut writer = Format::Parquet.writer(Box::new(out), Limits::default());
    writer.begin("PrimaryResult", &table.columns).map_err(Failed::File)?;
    for batch in table.read() {
        let batch = batch.map_err(read)?;
        written.rows += batch.num_rows() as u64;
        writer.write(&batch).map_err(Failed::File)?;
    }
    writer.finish().map_err(Failed::File)?;
    drop(writer);
    file.as_file().sync_all().map_err(Failed::File)?;
    set_rights(file.path()).map_err(Failed::File)?;
    file.persist(target).map_err(|error| Failed::File(error.error))?;
    Ok(written)
}

/// Writes a list's records as they are, beside what they are as rows of a table: `_raw/NAME.json`, which nothing reads as
/// records, and `NAME.parquet`. What an earlier run wrote is replaced. Returns the rows.
///
/// # Errors
/// Where a file cannot be written, and where a record is no row of the table.
pub fn write_records(folder: &Path, name: &str, table: &str, records: &mut Records) -> Result<u64, Error> {
    let (raw, target) = (folder.join("_raw").join(format!("{name}.json")), folder.join(format!("{name}.parquet")));
    write_with(&raw, &mut |out| {
        let failed = |error: std::io::Error| Error::file(&raw, &error);
        out.write_all(b"{\"value\":[").map_err(failed)?;
        let mut first = true;
        records.each(&mut |record| {
            let before: &[u8] = if std::mem::take(&mut first) { b"" } else { b"," };
            out.write_all(before).and_then(|()| out.write_all(record.as_bytes())).map_err(failed)
        })?;
        out.write_all(b"]}").map_err(failed)
    })?;
    if records.is_empty() {
        return match std::fs::remove_file(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&target, &error)),
            _ => Ok(0),
        };
    }
    match write(&raw, table, &target) {
        Ok(written) => Ok(written.rows),
        Err(Failed::File(error)) => Err(Error::file(&target, &error)),
        Err(Failed::Partial(reason) | Failed::Damaged(reason)) => {
            let message = format!("{} cannot be written as rows of {table}: {reason}", raw.display());
            Err(Error::new(ErrorKind::Service, message))
        }
    }
}

/// Writes a file that appears whole, or not at all; folders are made.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_with(path, &mut |out| out.write_all(bytes).map_err(|error| Error::file(path, &error)))
}

/// Writes a file that appears whole, or not at all, of what `write` gives part by part.
pub fn write_with(path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> Result<(), Error>) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Error::file(path, &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = temporary(folder).map_err(failed)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    set_rights(file.path()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are private; a result has the rights of any other file.
fn set_rights(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
