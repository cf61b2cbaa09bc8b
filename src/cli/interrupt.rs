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
        let signals = Signals::listen();
        // Without the thread the signal still ends the process; only the files stay.
        let _ = std::thread::Builder::new().name("interrupt".into()).spawn(move || {
            if let Some(status) = signals.and_then(Signals::wait) {
                let _ = fs::remove_dir_all(&path);
                process::exit(status);
            }
        });
        Ok(Scratch { _folder: folder })
    }
}

/// The signals that are waited for.
struct Signals {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    streams: [tokio::signal::unix::Signal; 3],
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen, from now on; None where signals cannot be waited for.
    fn listen() -> Option<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        /// What a write beyond the limit on the size of files sends: unheard it ends the process, heard the write fails
        /// and is told like any other.
        const SIGXFSZ: i32 = 25;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().ok()?;
        let streams = {
            let _context = runtime.enter();
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::from_raw(SIGXFSZ)].map(signal)
        };
        let [Ok(interrupt), Ok(terminate), Ok(too_large)] = streams else { return None };
        Some(Signals { runtime, streams: [interrupt, terminate, too_large] })
    }

    /// Waits for a signal that ends the process and returns the status to end with.
    fn wait(self) -> Option<i32> {
        let [mut interrupt, mut terminate, _too_large] = self.streams;
        self.runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => Some(INTERRUPTED),
                _ = terminate.recv() => Some(TERMINATED),
            }
        })
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Option<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().ok()?;
        Some(Signals { runtime })
    }

    fn wait(self) -> Option<i32> {
        self.runtime.block_on(tokio::signal::ctrl_c()).ok().map(|()| INTERRUPTED)
    }
}
