//! What is written of a file goes to the disk while more is made: at the end there is little left to wait for.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes that are worth a wait for the disk.
const WORTH: u64 = 8 << 20;

/// Sends a file to the disk as it grows, beside the thread that writes it.
#[derive(Debug)]
pub(super) struct Settler {
    file: File,
    worth: u64,
    /// Bytes of the file that are on their way, or there.
    asked: u64,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl Settler {
    /// Makes what sends a file to the disk.
    pub(super) fn new(file: File) -> Settler {
        Settler { file, worth: WORTH, asked: 0, thread: None }
    }

    /// Takes note that the file may have grown.
    pub(super) fn wrote(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        if size < self.asked + self.worth {
            return Ok(());
        }
        self.asked = size;
        if self.thread.is_none() {
            let (ask, asked) = sync_channel(1);
            let file = self.file.try_clone()?;
            let work = move || asked.iter().try_for_each(|()| file.sync_data());
            self.thread = Some((ask, thread::Builder::new().name("settler".into()).spawn(work)?));
        }
        if let Some((ask, _)) = &self.thread {
            // While it waits for the disk it is asked once: what is written then goes with the next time.
            let _ = ask.try_send(());
        }
        Ok(())
    }

    /// Waits for what is on its way; what the disk could not take is told to the first who waits, and to nobody else.
    pub(super) fn finish(self) -> io::Result<()> {
        let Some((ask, thread)) = self.thread else { return Ok(()) };
        drop(ask);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_grows_settles() {
        let mut file = tempfile::tempfile().unwrap();
        let mut settler = Settler { worth: 10, ..Settler::new(file.try_clone().unwrap()) };
        settler.wrote().unwrap();
        assert!(settler.thread.is_none());
        for _ in 0..20 {
            file.write_all(b"0123").unwrap();
            settler.wrote().unwrap();
        }
        assert_eq!(settler.asked, 72);
        settler.finish().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 80);
    }

    /// A device has nothing to wait for, and says so each time.
    #[test]
    fn what_goes_wrong_is_told_at_the_end() {
        let mut settler = Settler { worth: 0, ..Settler::new(File::open("/dev/null").unwrap()) };
        settler.wrote().unwrap();
        assert_eq!(settler.finish().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
