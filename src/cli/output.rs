//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::console::Console;
use super::settle::Settler;
use super::stop::Stop;
use crate::format::Format;

/// Chooses the format of a file: the one that is named, else that of the file's ending, else the default; which this is, is
/// told where the ending says none.
pub(super) fn format_of(named: Option<&str>, path: Option<&Path>, default: Format, console: &Console) -> Format {
    let by_path = || path.and_then(|path| Format::from_path(&path.to_string_lossy()));
    if let Some(format) = named.and_then(Format::from_name).or_else(by_path) {
        return format;
    }
    if let Some(path) = path.filter(|path| path.extension().is_some() && !is_device(path)) {
        let (path, name) = (path.display(), default.name());
        console.warning(&format!("{path}: the ending says no format, so it is written as {name}; --format says which"));
    }
    default
}

/// A place for results. [`Output::finish`] must be called: what was written before is not complete.
#[derive(Debug)]
pub(super) struct Output {
    to: To,
    settler: Option<Settler>,
}

#[derive(Debug)]
enum To {
    Stdout(BufWriter<io::Stdout>),
    /// Written beside its place, and moved there at the end.
    File(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe or a device cannot be replaced.
    Device(BufWriter<File>, PathBuf),
}

impl Output {
    pub(super) fn stdout() -> Output {
        Output::to(To::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())))
    }

    /// Opens a file, or standard output where there is no path or the path is `-`.
    pub(super) fn open(path: Option<&Path>) -> Result<Output, Stop> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { return Ok(Output::stdout()) };
        let failed = |error: io::Error| Stop::write(path.display(), &error);
        if path.is_dir() {
            return Err(Stop::failure(format!("{} is a folder", path.display())).help("name a file in it"));
        }
        if is_device(path) {
            let file = File::options().write(true).open(path).map_err(failed)?;
            return Ok(Output::to(To::Device(BufWriter::new(file), path.to_path_buf())));
        }
        // What a link leads to is replaced, and not the link.
        let target = if path.is_symlink() { fs::canonicalize(path).map_err(failed)? } else { path.to_path_buf() };
        let path = target.as_path();
        let folder = folder_of(path);
        look_at(folder, path)?;
        let prefix = unfinished(path);
        sweep(folder, &prefix);
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(&prefix).permissions_of_new_files().tempfile_in(folder).map_err(|error| {
            let stop = failed(error);
            // The file itself may be writable: it is not written to, but replaced.
            stop.help(format!("a new file must be made in the folder {} for it", folder.display()))
        })?;
        // Who could not read the file before cannot read it then.
        if let Ok(before) = path.metadata() {
            file.as_file().set_permissions(before.permissions()).map_err(failed)?;
        }
        // Where files cannot be locked, what a killed process leaves is not told from what a living one writes.
        let _ = file.as_file().try_lock();
        Ok(Output::to(To::File(BufWriter::with_capacity(1 << 18, file), path.to_path_buf())))
    }

    fn to(to: To) -> Output {
        Output { to, settler: None }
    }

    /// Returns how messages call it.
    pub(super) fn name(&self) -> String {
        match &self.to {
            To::Stdout(_) => "standard output".to_string(),
            To::File(_, path) | To::Device(_, path) => path.display().to_string(),
        }
    }

    /// Returns a further handle of a file in the making, for a writer that moves about in it.
    pub(super) fn file(&self) -> io::Result<Option<File>> {
        match &self.to {
            To::File(writer, _) => writer.get_ref().as_file().try_clone().map(Some),
            To::Stdout(_) | To::Device(..) => Ok(None),
        }
    }

    /// Returns a further handle of a file or a device, for a writer that goes from the beginning to the end.
    pub(super) fn handle(&self) -> Result<File, Stop> {
        let file = match &self.to {
            To::File(writer, _) => writer.get_ref().as_file().try_clone(),
            To::Device(writer, _) => writer.get_ref().try_clone(),
            To::Stdout(_) => Err(io::Error::other("it is for the results")),
        };
        file.map_err(|error| Stop::write(self.name(), &error))
    }

    /// Lets what was written of a file go to the disk, without waiting for it; for a large file that will be finished.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if self.settler.is_none() {
            self.settler = self.file()?.map(Settler::new);
        }
        self.settler.as_mut().map_or(Ok(()), Settler::wrote)
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.write_all(text.as_bytes()).map_err(|error| Stop::write(self.name(), &error))
    }

    /// Sees to it that everything has arrived, and outlasts a loss of power.
    pub(super) fn finish(self) -> Result<(), Stop> {
        self.end(true)
    }

    /// Sees to it that a file is whole, but leaves it to the system when it goes to the disk: the answer of a query can be
    /// had again, and waiting for the disk may take longer than the query.
    pub(super) fn finish_unsynced(self) -> Result<(), Stop> {
        self.end(false)
    }

    fn end(self, sync: bool) -> Result<(), Stop> {
        let name = self.name();
        let settled = self.settler.map_or(Ok(()), Settler::finish);
        let outcome = settled.and_then(|()| match self.to {
            To::Stdout(mut writer) => writer.flush(),
            To::Device(mut writer, _) => writer.flush(),
            To::File(writer, path) => match writer.into_inner() {
                Ok(file) => persist(file, &path, sync),
                Err(error) => Err(error.into_error()),
            },
        });
        outcome.map_err(|error| Stop::write(name, &error))
    }
}

/// Moves a whole file to its place; where it is synced, it is there whole or not at all after a loss of power too.
fn persist(file: NamedTempFile, path: &Path, sync: bool) -> io::Result<()> {
    if sync {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    if sync {
        sync_folder(folder_of(path));
    }
    Ok(())
}

/// Sees to it that the names in a folder outlast a loss of power, where the system can.
pub(super) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Tells whether a path leads to a pipe or a device.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// Sees whether there is a folder for a file.
fn look_at(folder: &Path, path: &Path) -> Result<(), Stop> {
    let (shown, name) = (folder.display(), path.display());
    match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Stop::failure(format!("{name} cannot be written: {shown} is no folder"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("{name} cannot be written: the folder {shown} is not there");
            Err(Stop::failure(message).help("make it first, or name another"))
        }
        Err(error) => Err(Stop::write(name, &error)),
    }
}

/// Returns what the names of unfinished files begin with that are to become this one.
fn unfinished(path: &Path) -> String {
    format!(".alertq-{}-", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what killed processes left of a file: nobody holds its lock.
fn sweep(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // What follows the prefix is random letters: another file's name may begin with this one's.
        let left =
            name.to_str().and_then(|name| name.strip_prefix(prefix)).is_some_and(|rest| !rest.contains(['-', '.']));
        if left && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stdout(writer) => writer.write(bytes),
            To::File(writer, _) => writer.write(bytes),
            To::Device(writer, _) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stdout(writer) => writer.flush(),
            To::File(writer, _) => writer.flush(),
            To::Device(writer, _) => writer.flush(),
        }
    }
}

/// Temporary files are private; a result has the rights of any other new file.
trait NewFile {
    fn permissions_of_new_files(&mut self) -> &mut Self;
}

impl NewFile for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_of_new_files(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_of_new_files(&mut self) -> &mut Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        let mut output = Output::open(Some(&path)).unwrap();
        output.text("a").unwrap();
        assert!(!path.exists());
        output.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        drop(Output::open(Some(&folder.path().join("b"))).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_replaced_keeps_its_rights_and_links_to_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("link"));
        fs::write(&path, "a").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("secret", &link).unwrap();
        let mut output = Output::open(Some(&link)).unwrap();
        output.text("b").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert!(link.is_symlink());
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_a_living_one_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        fs::write(folder.path().join(".alertq-out.txt-abc123"), "half").unwrap();
        fs::write(folder.path().join(".alertq-out.txt-b.txt-abc123"), "another's").unwrap();
        let living = Output::open(Some(&path)).unwrap();
        let mut output = Output::open(Some(&path)).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        output.text("a").unwrap();
        output.finish().unwrap();
        living.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_missing_folder_is_told() {
        assert!(matches!(Output::open(Some(Path::new("/no/such/folder/x"))), Err(Stop::Failure { .. })));
    }
}
