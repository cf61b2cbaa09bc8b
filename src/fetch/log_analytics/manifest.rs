//! What a download has done so far, beside its files.
//!
//! A download goes in generations: the first takes all records that were ingested up to a moment, each further one
//! those that came since. A generation's files lie in a hidden folder until all of them are there and counted; then the
//! folder gets its name, in one step. What reads the download sees whole generations only.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::journal::{Journal, Step};
use super::piece::{Piece, stamp};
use super::subject::{Cut, Subject};
use crate::fetch::error::{Error, ErrorKind};
use crate::fetch::write::{TEMPORARY, temporary};
use crate::fetch::{Window, moment};

/// The manifest's name: files that begin so are not records to anybody.
const FILE: &str = "_fetch.json";
/// The folder of a generation that is not whole yet.
const PARTIAL: &str = ".partial";
const LOCK: &str = ".lock";
const VERSION: u32 = 1;

/// What is downloaded, and what has been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    made_by: String,
    /// How often it was written: what the journal behind it is called by.
    #[serde(default)]
    state: u64,
    pub source: String,
    pub query: String,
    /// The column that windows are cut by.
    pub time_column: String,
    #[serde(with = "moment")]
    pub from: i64,
    /// None: without an end.
    #[serde(with = "moment::maybe")]
    pub to: Option<i64>,
    pub generations: Vec<Generation>,
}

/// The records that were ingested in some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Ingested after this moment.
    #[serde(with = "moment::maybe")]
    pub after: Option<i64>,
    /// Ingested up to this moment; none where the service does not tell.
    #[serde(with = "moment::maybe")]
    pub until: Option<i64>,
    /// Nothing more had been ingested up to this moment.
    #[serde(default, with = "moment::maybe")]
    pub checked_until: Option<i64>,
    #[serde(with = "moment")]
    pub from: i64,
    #[serde(with = "moment")]
    pub to: i64,
    pub complete: bool,
    pub rows: u64,
    /// What tells records of one moment apart.
    pub identifier: String,
    /// Times whose records have not been counted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<Window>,
    /// The columns of the first file.
    pub columns: Vec<NamedType>,
    pub windows: Vec<Piece>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedType {
    pub name: String,
    #[serde(rename = "type")]
    pub scalar_type: String,
}

impl Generation {
    /// Makes a generation of which nothing is known yet.
    pub(super) fn new(cut: Cut, window: Window, identifier: String) -> Generation {
        let (Cut { after, until }, Window { from, to }) = (cut, window);
        Generation {
            after,
            until,
            checked_until: None,
            from,
            to,
            complete: false,
            rows: 0,
            identifier,
            uncounted: vec![window],
            columns: Vec::new(),
            windows: Vec::new(),
        }
    }

    pub(super) fn cut(&self) -> Cut {
        Cut { after: self.after, until: self.until }
    }

    pub(super) fn window(&self) -> Window {
        Window { from: self.from, to: self.to }
    }

    /// Returns up to when everything is here that was ingested; none where the service does not tell.
    pub(super) fn known_until(&self) -> Option<i64> {
        self.until.max(self.checked_until)
    }

    /// Names its folder.
    fn folder(&self) -> String {
        match self.until {
            Some(until) => format!("ingested-until-{}", stamp(until)),
            None => "all".to_string(),
        }
    }
}

/// The folder of a download; nobody else writes to it while this lives.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes a folder, and makes it where there is none.
    ///
    /// # Errors
    /// Where it cannot be written, and where another process is at it.
    pub fn take(folder: &Path) -> Result<Place, Error> {
        let at = |error: std::io::Error| Error::file(folder, &error);
        fs::create_dir_all(folder).map_err(at)?;
        let lock = File::options().create(true).append(true).open(folder.join(LOCK)).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {
                sweep(folder).map_err(at)?;
                Ok(Place { folder: folder.to_path_buf(), _lock: lock })
            }
            Err(fs::TryLockError::WouldBlock) => {
                Err(Error::new(ErrorKind::Other, format!("another download is writing to {}", folder.display()))
                    .help("wait for it, or give another folder with --out"))
            }
            Err(fs::TryLockError::Error(error)) => Err(at(error)),
        }
    }

    /// Reads the manifest, or makes the one that `fresh` is.
    ///
    /// # Errors
    /// Where the folder holds another download.
    pub fn manifest(&self, fresh: Manifest) -> Result<Manifest, Error> {
        let path = self.folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
            Err(error) => {
                return Err(Error::new(ErrorKind::File, format!("{} cannot be read: {error}", path.display())));
            }
        };
        let found: Manifest = serde_json::from_str(&text).map_err(|error| {
            Error::new(ErrorKind::File, format!("{} is damaged: {error}", path.display()))
                .help("give another folder with --out, or remove this one")
        })?;
        match fresh.differs(&found) {
            None => self.caught_up(found),
            Some((what, theirs, ours)) => {
                let folder = self.folder.display();
                let message = format!("{folder} holds another download: its {what} is {theirs}, not {ours}");
                Err(Error::new(ErrorKind::Other, message).help("give another folder with --out"))
            }
        }
    }

    /// Adds what was done since the manifest was written.
    fn caught_up(&self, mut manifest: Manifest) -> Result<Manifest, Error> {
        let journal = self.journal();
        let steps = journal.forget_but(manifest.state).and_then(|()| journal.steps(manifest.state));
        let steps = steps.map_err(|error| Error::file(&self.folder, &error))?;
        if let Some(generation) = manifest.generations.last_mut().filter(|generation| !generation.complete) {
            steps.into_iter().for_each(|step| step.apply(generation));
        }
        Ok(manifest)
    }

    fn journal(&self) -> Journal<'_> {
        Journal { folder: &self.folder }
    }

    /// Writes the manifest: the old one stays until the new one is on disk, and the journal that it has taken in.
    pub fn save(&self, manifest: &mut Manifest) -> Result<(), Error> {
        let path = self.folder.join(FILE);
        manifest.state += 1;
        let write = || -> std::io::Result<()> {
            let mut file = temporary(&self.folder)?;
            file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            self.journal().forget_but(manifest.state)
        };
        write().map_err(|error| Error::file(&path, &error))
    }

    /// Makes a change to the generation that is under way, and keeps it.
    pub(super) fn note(&self, manifest: &mut Manifest, step: Step) -> Result<(), Error> {
        self.journal().add(manifest.state, &step).map_err(|error| Error::file(&self.folder, &error))?;
        manifest.apply(step);
        Ok(())
    }

    /// Returns the folder of what is not whole yet.
    pub fn partial(&self) -> PathBuf {
        self.folder.join(PARTIAL)
    }

    /// Makes the place of an unfinished generation as the manifest says, and forgets windows whose file is gone.
    pub fn tidy(&self, generation: &mut Generation) -> Result<(), Error> {
        let partial = self.partial();
        let at = |error: std::io::Error| Error::file(&partial, &error);
        fs::create_dir_all(&partial).map_err(at)?;
        let mut there = Vec::new();
        for entry in fs::read_dir(&partial).map_err(at)? {
            let entry = entry.map_err(at)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let mut done = generation.windows.iter().filter_map(|piece| piece.done.as_ref()?.file.as_ref());
            if done.any(|file| *file == name) {
                there.push(name);
            } else {
                // Of a window that was not finished.
                remove(&entry.path()).map_err(at)?;
            }
        }
        for piece in &mut generation.windows {
            let gone = |done: &super::piece::Done| done.file.as_ref().is_some_and(|file| !there.contains(file));
            if piece.done.as_ref().is_some_and(gone) {
                piece.done = None;
            }
        }
        Ok(())
    }

    /// Tells whether a generation got its name already: the process ended before the manifest said so.
    pub fn is_published(&self, generation: &Generation) -> bool {
        self.folder.join(generation.folder()).is_dir()
    }

    /// Gives a whole generation its name.
    pub fn publish(&self, generation: &Generation) -> Result<(), Error> {
        let partial = self.partial();
        let target = self.folder.join(generation.folder());
        let done = match generation.rows {
            0 => fs::remove_dir_all(&partial),
            _ => fs::rename(&partial, &target),
        };
        done.map_err(|error| Error::file(&target, &error))
    }

    /// Fails where files of whole generations are gone.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        let whole = manifest.generations.iter().filter(|generation| generation.complete && generation.rows > 0);
        for generation in whole {
            let files = generation.windows.iter().filter_map(|piece| piece.done.as_ref()?.file.as_ref());
            let folder = self.folder.join(generation.folder());
            if let Some(gone) = files.map(|file| folder.join(file)).find(|path| !path.is_file()) {
                return Err(Error::new(ErrorKind::Other, format!("{} is gone", gone.display()))
                    .help("give another folder with --out, or remove this one to begin anew"));
            }
        }
        Ok(())
    }
}

/// Removes a file; one that is gone by itself, because whoever wrote it gave up, is as good.
fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what a run left that was killed while it received an answer.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) && entry.file_type()?.is_file() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

impl Manifest {
    /// Makes the manifest of a download that has not begun.
    pub fn new(source: String, subject: &Subject, from: i64, to: Option<i64>) -> Manifest {
        let made_by = concat!("alertq ", env!("CARGO_PKG_VERSION")).to_string();
        let (query, time_column) = (subject.text(), subject.time.clone());
        Manifest { version: VERSION, made_by, state: 0, source, query, time_column, from, to, generations: Vec::new() }
    }

    /// Makes a change to the generation that is under way.
    pub(super) fn apply(&mut self, step: Step) {
        if let Some(generation) = self.generations.last_mut() {
            step.apply(generation);
        }
    }

    /// Says what of another download is different: what, theirs, ours.
    fn differs(&self, other: &Manifest) -> Option<(&'static str, String, String)> {
        let end = |to: Option<i64>| to.map_or("open".to_string(), crate::types::ticks::format_datetime);
        let pairs = [
            ("version", other.version.to_string(), self.version.to_string()),
            ("source", other.source.clone(), self.source.clone()),
            ("query", format!("`{}`", other.query), format!("`{}`", self.query)),
            ("time column", other.time_column.clone(), self.time_column.clone()),
            ("beginning", end(Some(other.from)), end(Some(self.from))),
            ("end", end(other.to), end(self.to)),
        ];
        pairs.into_iter().find(|(_, theirs, ours)| theirs != ours)
    }

    /// Takes the last generation away if nothing came in its time: the one before it holds for longer, under the name
    /// that it has. Tells whether it did.
    pub(super) fn drop_empty(&mut self) -> bool {
        match self.generations.as_mut_slice() {
            [.., last, new] if new.windows.iter().all(|piece| piece.rows == 0) => {
                last.checked_until = new.until;
                self.generations.pop();
                true
            }
            _ => false,
        }
    }

    /// Returns the rows of all whole generations.
    pub fn rows(&self) -> u64 {
        self.generations.iter().filter(|generation| generation.complete).map(|generation| generation.rows).sum()
    }
}
