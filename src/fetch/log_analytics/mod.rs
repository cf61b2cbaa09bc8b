//! A table of Log Analytics over a long time, complete or not at all.
//!
//! The query API has no pages: it gives a limited number of rows and cuts the rest off. So:
//!
//! ```text
//!   count ──▶ windows of a size that an answer holds ──▶ rows ──▶ a Parquet file for each
//!                ▲                                        │
//!                ╰── halves, where it is too large ◀──────┤
//!                    the same again, where it is not what was counted
//!   all windows on disk ──▶ count the whole ──▶ the files get their name, in one step
//! ```
//!
//! What is counted and what is fetched are the same records: those that were ingested up to one moment, by the service's
//! own clock. Records that are ingested later are the next generation's, whatever their TimeGenerated.

mod journal;
mod manifest;
mod piece;
mod plan;
mod subject;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Window;
use super::error::{Error, ErrorKind};
use super::http::Patience;
use super::logs::Logs;
use super::report::Event;
use super::write::{Failed, Written, write};
use crate::types::ticks;
use journal::Step;
use manifest::{Generation, Manifest, NamedType, Place};
use piece::{Done, Halves};
use subject::Cut;

pub use piece::Piece;
pub use subject::{Bucket, Subject};

/// Windows that are under way at a time; the gate lets no more through anyway.
const AT_ONCE: usize = 5;

/// What to do about more records than an answer holds that are alike in every column.
const ALIKE: &str = "records that are alike in every column cannot be asked for in parts: leave them out with --query, or \
                     ask how many there are with `summarize count()`";

/// How often a generation is counted again before it is given up.
const ROUNDS: usize = 4;

/// A download of one table.
#[derive(Clone)]
pub struct Job<'a> {
    pub logs: &'a Logs,
    pub subject: Subject,
    /// The first moment of TimeGenerated.
    pub from: i64,
    /// The moment behind the last; None: whatever is there.
    pub to: Option<i64>,
    /// The folder that it goes to.
    pub folder: PathBuf,
    /// Rows that one answer should hold.
    pub window_rows: u64,
    /// Records are taken once they have been there for so long, in ticks: until then others may turn up that were
    /// ingested before them. The service's own rules wait five minutes.
    pub settle: i64,
}

/// What a run of a download did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows that are new.
    pub new_rows: u64,
    /// Rows of the whole download.
    pub rows: u64,
    /// All records are there that were ingested up to this moment; None where the service does not tell.
    pub until: Option<i64>,
}

/// What became of a window.
enum Outcome {
    Done(Piece, Vec<NamedType>),
    Parts(Piece, Vec<Piece>),
}

impl Job<'_> {
    /// Says which windows would be asked for, and writes nothing.
    pub async fn dry_run(&self) -> Result<Vec<Piece>, Error> {
        let mut manifest = self.fresh();
        self.begin(&mut manifest, self.until().await?).await?;
        self.of_generation(&manifest).plan(None, &mut manifest).await?;
        Ok(manifest.generations.pop().map(|generation| generation.windows).unwrap_or_default())
    }

    /// Goes on with a download where it stopped, or begins it.
    ///
    /// # Errors
    /// What the service says, and where its rows are not those that it counts. What is on disk by then is kept, and not
    /// shown.
    pub async fn run(&self) -> Result<Summary, Error> {
        let place = Place::take(&self.folder)?;
        let mut manifest = place.manifest(self.fresh())?;
        place.check(&manifest)?;
        let before = manifest.rows();
        // The second time for what was ingested while the first was under way.
        for _ in 0..2 {
            let until = self.until().await?;
            if self.begin(&mut manifest, until).await? {
                self.of_generation(&manifest).complete(&place, &mut manifest).await?;
            } else {
                place.save(&mut manifest)?;
            }
            if until.is_none() {
                // What came meanwhile cannot be told from the rest.
                break;
            }
        }
        self.check(&manifest).await?;
        let until = manifest.generations.last().and_then(Generation::known_until);
        Ok(Summary { new_rows: manifest.rows() - before, rows: manifest.rows(), until })
    }

    /// Makes the manifest of a download that has not begun.
    fn fresh(&self) -> Manifest {
        Manifest::new(self.logs.url().to_string(), &self.subject, self.from, self.to)
    }

    /// Returns the job with the identifier that the last generation began with.
    fn of_generation(&self, manifest: &Manifest) -> Job<'_> {
        let mut job = self.clone();
        if let Some(generation) = manifest.generations.last() {
            job.subject.identifier.clone_from(&generation.identifier);
        }
        job
    }

    /// Says by what records of one moment are told apart: by their identifier, or where the table has none, by all that
    /// they hold. Records that hold the same are then in the same part, which is too large where they are too many.
    async fn identifier(&self) -> Result<String, Error> {
        const WHOLE: &str = "tostring(pack_all())";
        let identifier = &self.subject.identifier;
        match self.logs.rows(&self.subject.probe()).await {
            Ok(_) => Ok(identifier.clone()),
            Err(error) if error.kind == ErrorKind::Refused && error.message.contains(identifier.as_str()) => {
                let name = &self.subject.name;
                self.tell(Event::Note(format!("{name} has no {identifier}: records are told apart by all they hold")));
                Ok(WHOLE.to_string())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the moment up to which records are taken by when they were ingested; None where nobody knows.
    async fn until(&self) -> Result<Option<i64>, Error> {
        let answer = match self.logs.rows(&self.subject.clock()).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::Refused && error.message.contains("ingest") => {
                let note = "the service does not tell when records were ingested: late ones will not be found";
                self.tell(Event::Note(note.to_string()));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let now = answer.text(0, "Now").and_then(ticks::parse_datetime);
        let now = now.ok_or_else(|| {
            let what = &self.logs.about().what;
            Error::new(ErrorKind::Service, format!("{what} does not tell what time it is: it may hold no data yet"))
        })?;
        Ok(Some(now.saturating_sub(self.settle)))
    }

    fn window(&self, until: Option<i64>) -> Window {
        // The service moves TimeGenerated to the time of receipt where it is more than a day ahead (documented).
        let open = until.map_or(ticks::MAX_DATETIME, |until| until.saturating_add(2 * ticks::TICKS_PER_DAY));
        Window { from: self.from, to: self.to.unwrap_or(open) }
    }

    /// Sees to it that the last generation is one that has work left; false where there is nothing to do.
    async fn begin(&self, manifest: &mut Manifest, until: Option<i64>) -> Result<bool, Error> {
        let (after, identifier) = match manifest.generations.last() {
            Some(last) if !last.complete => return Ok(true),
            // Without times of ingestion there is no second generation.
            Some(Generation { until: None, .. }) => return Ok(false),
            Some(last) if until <= last.known_until() => return Ok(false),
            Some(last) => (last.known_until(), last.identifier.clone()),
            None => (None, self.identifier().await?),
        };
        manifest.generations.push(Generation::new(Cut { after, until }, self.window(until), identifier));
        Ok(true)
    }

    /// Does what is left of the last generation.
    async fn complete(&self, place: &Place, manifest: &mut Manifest) -> Result<(), Error> {
        let Some(generation) = manifest.generations.last() else { return Ok(()) };
        if !place.is_published(generation) {
            place.save(manifest)?;
            self.plan(Some(place), manifest).await?;
            if manifest.drop_empty() {
                return place.save(manifest);
            }
            if let Some(generation) = manifest.generations.last_mut() {
                place.tidy(generation)?;
            }
            place.save(manifest)?;
            self.told_plan(manifest);
            self.fetch(place, manifest).await?;
            self.agree(place, manifest).await?;
        }
        let Some(generation) = manifest.generations.last_mut() else { return Ok(()) };
        generation.rows = generation.windows.iter().map(|piece| piece.rows).sum();
        if !place.is_published(generation) {
            place.tidy(generation)?;
            if generation.windows.iter().any(|piece| piece.done.is_none()) {
                return Err(Error::new(ErrorKind::Other, "files of the download were removed while it was under way")
                    .help("run the same command again: it fetches them anew"));
            }
            place.publish(generation)?;
        }
        generation.complete = true;
        place.save(manifest)
    }

    fn told_plan(&self, manifest: &Manifest) {
        let Some(generation) = manifest.generations.last() else { return };
        let left = || generation.windows.iter().filter(|piece| piece.done.is_none());
        self.tell(Event::Planned { windows: left().count(), rows: left().map(|piece| piece.rows).sum() });
    }

    /// Fetches the windows that are not done.
    async fn fetch(&self, place: &Place, manifest: &mut Manifest) -> Result<(), Error> {
        let Some(generation) = manifest.generations.last() else { return Ok(()) };
        let cut = generation.cut();
        let mut left: VecDeque<Piece> =
            generation.windows.iter().filter(|piece| piece.done.is_none()).cloned().collect();
        let partial = place.partial();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(piece) = left.pop_front()
            {
                running.push(self.piece(piece, cut, &partial));
            }
            let Some(outcome) = running.next().await else { return place.save(manifest) };
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(error) => {
                    place.save(manifest)?;
                    return Err(error);
                }
            };
            let step = match outcome {
                Outcome::Done(piece, columns) => Step::Fetched { by: vec![piece.clone()], piece, columns },
                Outcome::Parts(piece, parts) => {
                    left.extend(parts.iter().filter(|part| part.done.is_none()).cloned());
                    Step::Fetched { piece, by: parts, columns: Vec::new() }
                }
            };
            place.note(manifest, step)?;
        }
    }

    /// Fetches a window until its rows are those that were counted.
    async fn piece(&self, mut piece: Piece, cut: Cut, partial: &Path) -> Result<Outcome, Error> {
        let query = self.subject.rows(piece.window(), piece.bucket, cut);
        let mut patience = Patience::default();
        loop {
            let halves = piece.halves();
            let body = match (self.logs.query(&query, None, halves.is_some(), &mut patience).await, halves) {
                (Ok(body), _) => body,
                (Err(error), Some(halves)) if error.kind == ErrorKind::TooLarge => {
                    return self.parts(piece, halves, cut, error.message).await;
                }
                (Err(error), _) => return Err(undivided(&piece, error)),
            };
            let bytes = body.as_ref().map_or(0, |body| body.bytes);
            let (name, target) = (self.subject.name.clone(), partial.join(piece.file()));
            let path = target.clone();
            let written = tokio::task::spawn_blocking(move || match body {
                Some(body) => write(body.path(), &name, &path),
                None => Ok(Written { rows: 0, columns: Vec::new() }),
            });
            let written = written.await.map_err(|error| Error::new(ErrorKind::File, error.to_string()))?;
            let what = &self.logs.about().what;
            if let Ok(written) = &written
                && written.rows != piece.rows
            {
                // Operators that leave rows out are not part of every count, and counts are answers too.
                piece.rows = self.count(&piece, cut).await?;
            }
            let error = match written {
                Ok(written) if written.rows == piece.rows => {
                    let file = (written.rows > 0).then(|| piece.file());
                    piece.done = Some(Done { file, bytes });
                    self.tell(Event::Window { rows: written.rows, bytes });
                    return Ok(Outcome::Done(piece, named(&written)));
                }
                Ok(written) => {
                    let (got, counted) = (written.rows, piece.rows);
                    let message = format!("{what} gave {got} rows for {}, and counts {counted}", piece.describe());
                    Error::new(ErrorKind::Incomplete, message)
                }
                Err(Failed::Partial(reason)) => match halves {
                    Some(halves) => return self.parts(piece, halves, cut, reason).await,
                    None => undivided(&piece, Error::new(ErrorKind::TooLarge, unusable(what, &reason))),
                },
                Err(Failed::Damaged(reason)) => Error::new(ErrorKind::Service, unusable(what, &reason)),
                Err(Failed::File(error)) => return Err(Error::file(&target, &error)),
            };
            self.logs.client().wait(&mut patience, error, None).await?;
        }
    }

    /// Takes the halves of a window that is too large in its place, and counts them.
    async fn parts(&self, piece: Piece, halves: Halves, cut: Cut, reason: String) -> Result<Outcome, Error> {
        let mut parts = Vec::new();
        for (window, bucket) in halves {
            // Not taken as done before it is counted.
            let mut part = Piece::new(window, bucket, u64::MAX);
            part.rows = self.count(&part, cut).await?;
            parts.push(Piece::new(window, bucket, part.rows));
        }
        self.tell(Event::Split { parts: parts.len(), reason });
        Ok(Outcome::Parts(piece, parts))
    }

    async fn count(&self, piece: &Piece, cut: Cut) -> Result<u64, Error> {
        self.count_of(&self.subject.count(piece.window(), piece.bucket, cut)).await
    }

    async fn count_of(&self, query: &str) -> Result<u64, Error> {
        let answer = self.logs.rows(query).await?;
        Ok(answer.number(0, "Count").and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Counts the whole, and where that is not the sum of the windows, the windows; fetches those again that differ.
    async fn agree(&self, place: &Place, manifest: &mut Manifest) -> Result<(), Error> {
        for round in 0..ROUNDS {
            let Some(generation) = manifest.generations.last_mut() else { return Ok(()) };
            let (window, cut) = (generation.window(), generation.cut());
            let sum: u64 = generation.windows.iter().map(|piece| piece.rows).sum();
            let counted = self.count_of(&self.subject.count(window, None, cut)).await?;
            if sum == counted {
                return Ok(());
            }
            let what = &self.logs.about().what;
            let message = format!("{what} counts {counted} rows, and its windows hold {sum}");
            if round + 1 == ROUNDS {
                return Err(Error::new(ErrorKind::Incomplete, message)
                    .help("records of this time are being deleted or still arriving: run the same command later"));
            }
            self.tell(Event::Note(format!("{message}: the windows are counted again")));
            for piece in &mut generation.windows {
                let rows = self.count(piece, cut).await?;
                if rows != piece.rows {
                    *piece = Piece::new(piece.window(), piece.bucket, rows);
                }
            }
            place.tidy(generation)?;
            place.save(manifest)?;
            self.fetch(place, manifest).await?;
        }
        Ok(())
    }

    /// Counts the whole download once more. Each generation was counted; here records turn up that could not be seen at
    /// the time, although they had been ingested.
    ///
    /// # Errors
    /// Where there are more than what is on disk. Fewer are no error: the service deletes what is old.
    async fn check(&self, manifest: &Manifest) -> Result<(), Error> {
        let Some(last) = manifest.generations.last() else { return Ok(()) };
        let window = Window { from: self.from, to: last.to };
        let cut = Cut { after: None, until: last.known_until() };
        let (counted, rows) = (self.count_of(&self.subject.count(window, None, cut)).await?, manifest.rows());
        if counted <= rows {
            return Ok(());
        }
        let what = &self.logs.about().what;
        let message = format!(
            "{what} counts {counted} rows and {rows} are here: {} could not be seen for longer than --settle after they \
             were ingested",
            counted - rows
        );
        Err(Error::new(ErrorKind::Incomplete, message)
            .help("fetch them into another folder with --out, with a longer --settle"))
    }

    fn tell(&self, event: Event) {
        self.logs.client().tell(event);
    }
}

/// Says what became of a window that cannot be cut: one record was too much, or several that are alike.
fn undivided(piece: &Piece, error: Error) -> Error {
    if error.kind != ErrorKind::TooLarge || piece.rows <= 1 {
        return error;
    }
    let message = format!("the records of {} cannot be told apart further: {}", piece.describe(), error.message);
    Error::new(ErrorKind::TooLarge, message).help(ALIKE)
}

fn unusable(what: &str, reason: &str) -> String {
    format!("{what} gave an answer that cannot be used: {reason}")
}

fn named(written: &Written) -> Vec<NamedType> {
    let column = |column: &crate::types::Column| NamedType {
        name: column.name.clone(),
        scalar_type: column.scalar_type.name().to_string(),
    };
    written.columns.iter().map(column).collect()
}
