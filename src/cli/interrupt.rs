//! Ctrl-C ends the process at once, and temporary files go with it.

use std::fs;
use std::process;

use tempfile::TempDir;

use super::stop::Stop;

/// What a shell expects of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// A folder that holds every temporary file of this process; it goes away with this value, and on Ctrl-C.
#[derive(Debug)]
pub(super) struct Scratch {
    _folder: TempDir,
}

impl Scratch {
    /// Makes the folder and sees to it that temporary files are made in it.
    pub(super) fn new() -> Result<Scratch, Stop> {
        let folder = tempfile::Builder::new().prefix("alertq-").tempdir();
        let folder = folder.map_err(|error| {
            Stop::failure(format!("no temporary folder can be made: {error}")).help("set TMPDIR to a folder with room")
        })?;
        // A second call in one process leaves the files where they would be anyway.
        let _ = tempfile::env::override_temp_dir(folder.path());
        let path = folder.path().to_path_buf();
        // Without the thread the signal still ends the process; only the files stay.
        let _ = std::thread::Builder::new().name("interrupt".into()).spawn(move || {
            if let Some(status) = wait() {
                let _ = fs::remove_dir_all(&path);
                process::exit(status);
            }
        });
        Ok(Scratch { _folder: folder })
    }
}

/// Waits for a signal and returns the status to end with; None where signals cannot be waited for.
fn wait() -> Option<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().ok()?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut interrupt = signal(SignalKind::interrupt()).ok()?;
            let mut terminate = signal(SignalKind::terminate()).ok()?;
            tokio::select! {
                _ = interrupt.recv() => Some(INTERRUPTED),
                _ = terminate.recv() => Some(TERMINATED),
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.ok().map(|()| INTERRUPTED)
    })
}
