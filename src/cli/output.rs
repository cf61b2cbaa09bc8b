//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::stop::Stop;

/// A place for results. [`Output::finish`] must be called: what was written before is not complete.
#[derive(Debug)]
pub(super) struct Output {
    to: To,
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
        Output { to: To::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())) }
    }

    /// Opens a file, or standard output where there is no path or the path is `-`.
    pub(super) fn open(path: Option<&Path>) -> Result<Output, Stop> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { return Ok(Output::stdout()) };
        let failed = |error: io::Error| Stop::write(path.display(), &error);
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().write(true).open(path).map_err(failed)?;
            return Ok(Output { to: To::Device(BufWriter::new(file), path.to_path_buf()) });
        }
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(".alertq-").permissions_of_new_files().tempfile_in(folder).map_err(failed)?;
        Ok(Output { to: To::File(BufWriter::with_capacity(1 << 18, file), path.to_path_buf()) })
    }

    /// Returns how messages call it.
    pub(super) fn name(&self) -> String {
        match &self.to {
            To::Stdout(_) => "standard output".to_string(),
            To::File(_, path) | To::Device(_, path) => path.display().to_string(),
        }
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.write_all(text.as_bytes()).map_err(|error| Stop::write(self.name(), &error))
    }

    /// Sees to it that everything has arrived.
    pub(super) fn finish(self) -> Result<(), Stop> {
        let name = self.name();
        let outcome = match self.to {
            To::Stdout(mut writer) => writer.flush(),
            To::Device(mut writer, _) => writer.flush(),
            To::File(writer, path) => match writer.into_inner() {
                Ok(file) => file.persist(path).map(drop).map_err(|error| error.error),
                Err(error) => Err(error.into_error()),
            },
        };
        outcome.map_err(|error| Stop::write(name, &error))
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

    #[test]
    fn a_missing_folder_is_told() {
        assert!(matches!(Output::open(Some(Path::new("/no/such/folder/x"))), Err(Stop::Failure { .. })));
    }
}
