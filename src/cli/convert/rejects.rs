//! Records that could not be read, set aside until it is settled which attempt counts.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::output::Output;
use crate::cli::stop::Stop;
use crate::source::BadRows;

/// Lines of JSON in a temporary file.
#[derive(Debug, Clone)]
pub(super) struct Rejects {
    file: Arc<Mutex<File>>,
}

impl Rejects {
    pub(super) fn new() -> Result<Rejects, Stop> {
        let file = tempfile::tempfile().map_err(|error| Stop::write("a temporary file", &error))?;
        Ok(Rejects { file: Arc::new(Mutex::new(file)) })
    }

    /// Returns where reading should put them.
    pub(super) fn taker(&self) -> BadRows {
        BadRows::Write(Arc::new(Mutex::new(self.clone())))
    }

    /// Forgets what has been set aside.
    pub(super) fn clear(&self) -> Result<(), Stop> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let cleared = file.set_len(0).and_then(|()| file.rewind());
        cleared.map_err(|error| Stop::write("a temporary file", &error))
    }

    /// Copies what has been set aside to where the user finds it.
    pub(super) fn copy_to(&self, output: &mut Output) -> Result<(), Stop> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = file.rewind().and_then(|()| io::copy(&mut *file, output));
        copied.map(drop).map_err(|error| Stop::write(output.name(), &error))
    }

    /// Makes a file of what has been set aside.
    pub(super) fn save(&self, path: &Path) -> Result<(), Stop> {
        let mut output = Output::open(Some(path))?;
        self.copy_to(&mut output)?;
        output.finish()
    }
}

impl Write for Rejects {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
