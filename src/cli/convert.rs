//! `alertq convert`: any export to typed files.

mod distinct;
mod folder;
mod inputs;
mod job;
mod precision;
mod rejects;
mod sink;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use xxhash_rust::xxh3::xxh3_64;

use super::console::Console;
use super::interrupt::Scratch;
use super::output::{Output, format_of};
use super::overwrite::{self, Wanted};
use super::progress::Bar;
use super::stop::Stop;
use super::{Outcome, value};
use crate::format::Format;
use crate::source::{self, Input, Table};
use crate::types::{Column, ScalarType};

use distinct::{Dedupe, identity};
use folder::{Folder, Unit};
use inputs::{File, Print};
pub(super) use inputs::{find, paths};
use job::{Counts, How, Job};
use precision::Times;
use rejects::Rejects;
pub(super) use sink::OneFile;
use sink::{Form, Parts, Period};

/// Bytes of a large file that are read to learn its columns: a thousand alerts or more. Most exports go on as they begin;
/// one that does not is read once more, from its beginning to its end.
const GLANCE: u64 = 4 << 20;

/// What Parquet is sorted by, and folders are divided by.
const TIME: &str = "TimeGenerated";

/// Converts exports to Parquet (or any other format), with the types of the table.
///
/// All files of one table become one file, or one for each day or hour. Parquet is sorted by TimeGenerated, on disk
/// where the records are too many for memory; the other formats keep the order of the records.
///
/// Nothing is lost: columns that the table does not have are kept, and records that cannot be read are set aside as
/// lines of JSON with file, line, column, reason and value, beside the result (`OUT.rejects`, or `_rejects/` in a
/// folder). The status is 1 if there are any, or if a file cannot be read; the others are converted nevertheless.
///
/// Files appear whole or not at all. In a folder `_alertq/manifest.json` tells what is finished, by path, size and time
/// of change of the inputs: a further run does what is left. With --partition-by new files are added to what is there;
/// without it a table's file is made anew when its inputs have changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq sample --rows 1000 --format csv --out alerts.csv &&\n    \
                        alertq convert alerts.csv --out alerts.parquet\n  \
                        alertq convert export/ more/*.json.gz --out tables/\n  \
                        alertq convert am-securityalert/ --out lake/ --partition-by day --dedupe\n  \
                        alertq convert portal.csv --out alerts.jsonl --rejects rejected.jsonl\n  \
                        alertq convert export/ --out now.parquet --latest --strict\n  \
                        alertq convert export/ --out for-spark.parquet --times micros\n  \
                        alertq convert export/ --out hunt.parquet --shred")]
pub(super) struct Arguments {
    /// Files, folders or globs; a name before `=` says which table they are.
    #[arg(value_name = "[NAME=]IN", required = true, value_parser = value::records)]
    inputs: Vec<String>,
    /// The file to write, or a folder, which gets a file for each table.
    #[arg(long, short, value_name = "PATH")]
    out: PathBuf,
    /// Writes this format. Default: by the ending of --out, else `parquet`.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// Writes a file for each day or hour of TimeGenerated, in folders as Hive names them: `day=2026-06-30/hour=09`.
    #[arg(long, value_enum, value_name = "PERIOD")]
    partition_by: Option<Period>,
    /// Leaves out records that have been there already, and counts them: by `_ItemId`, else by all columns.
    #[arg(long, value_enum, value_name = "BY", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    dedupe: Option<Dedupe>,
    /// Keeps the latest version of each alert (SystemAlertId) and incident (IncidentName), by TimeGenerated.
    #[arg(long)]
    latest: bool,
    /// Keeps the hot parts of Entities and ExtendedProperties as columns of their own beside the text. Queries that ask
    /// for one of them (`tostring(parse_json(ExtendedProperties).DetectionSource)`, `mv-expand e = parse_json(Entities)`
    /// and then `e.Type`, `e.HostName`) read it instead of the text, with the same answer; nothing else shows them.
    #[arg(long)]
    shred: bool,
    /// Sets records that cannot be read aside in this file, as lines of JSON.
    #[arg(long, value_name = "PATH", visible_alias = "skip-bad-rows")]
    rejects: Option<PathBuf>,
    /// Fails where a record or a file cannot be read, or a known table has columns that are not its own.
    #[arg(long, conflicts_with = "rejects")]
    strict: bool,
    /// Converts again what is finished.
    #[arg(long)]
    force: bool,
    /// How exact datetimes are. Spark reads Parquet's microseconds alone, and fails where a file has nanoseconds, which are
    /// written for columns with a moment between two microseconds.
    #[arg(long, value_enum, value_name = "PRECISION", default_value = "exact")]
    times: Times,
    /// Reads so many files at once. Default: one for each processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Limits the memory that sorting may use: `512MB`, `2GiB`.
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    memory_limit: Option<usize>,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    let _scratch = Scratch::new()?;
    let mut conversion = Conversion::new(arguments, console)?;
    match (arguments.partition_by, is_folder(&arguments.out)) {
        (Some(period), _) => conversion.write_partitions(period)?,
        (None, true) => conversion.write_folder()?,
        (None, false) => conversion.write_file()?,
    }
    conversion.finish()
}

/// Tells whether a path is meant as a folder.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(['/', '\\'])
}

/// Returns the path of a table's file in a folder.
pub(super) fn file_in(folder: &Path, table: &str, format: Format) -> PathBuf {
    folder.join(file_name(table, format))
}

fn file_name(stem: &str, format: Format) -> String {
    format!("{}.{}", safe(stem), format.name())
}

/// Returns where records that cannot be read are set aside, beside a file.
fn beside(out: &Path) -> PathBuf {
    PathBuf::from(format!("{}.rejects", out.display()))
}

/// Returns the file for records that cannot be read, where the user named one.
fn rejects(arguments: &Arguments) -> Vec<Wanted<'_>> {
    arguments.rejects.iter().map(|path| ("--rejects", path.as_path())).collect()
}

/// Makes a name of a table's that leads nowhere: it may come from a record.
fn safe(table: &str) -> String {
    let safe: String = table.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    safe.trim_start_matches('.').to_string()
}

/// All of the work.
struct Conversion<'a> {
    arguments: &'a Arguments,
    console: &'a Console,
    how: How,
    form: Form,
    options: source::Options,
    rejects: Option<Output>,
    total: Counts,
    results: usize,
    /// Files that cannot be read.
    unreadable: HashSet<PathBuf>,
    /// What the user has been told of the inputs.
    told: HashSet<String>,
}

impl<'a> Conversion<'a> {
    fn new(arguments: &'a Arguments, console: &'a Console) -> Result<Conversion<'a>, Stop> {
        let folder = arguments.partition_by.is_some() || is_folder(&arguments.out);
        let file = Some(arguments.out.as_path()).filter(|_| !folder);
        let format = format_of(arguments.format.as_deref(), file, Format::Parquet, console);
        if arguments.shred && format != Format::Parquet {
            let message = format!(
                "--shred keeps columns in Parquet, and {} is written as {}",
                arguments.out.display(),
                format.name()
            );
            return Err(Stop::failure(message).help("leave out --shred, or say --format parquet"));
        }
        // Beside a pipe there is no place for a file.
        let pipe = arguments.rejects.is_none() && arguments.out == Path::new("-");
        let how = How {
            strict: arguments.strict,
            set_aside: !arguments.strict && !pipe,
            dedupe: arguments.dedupe,
            latest: arguments.latest,
            times: arguments.times,
            in_order: format == Format::Parquet || arguments.partition_by.is_some(),
            threads: arguments.threads.map_or_else(value::processors, usize::from),
            memory_limit: arguments.memory_limit,
        };
        Ok(Conversion {
            arguments,
            console,
            how,
            form: Form { format, shred: arguments.shred },
            // Several files are held at once, a batch or two of each.
            options: source::Options { batch_rows: 4096, glance: Some(GLANCE), ..source::Options::default() },
            rejects: arguments.rejects.as_deref().map(|path| Output::open(Some(path))).transpose()?,
            total: Counts::default(),
            results: 0,
            unreadable: HashSet::new(),
            told: HashSet::new(),
        })
    }

    /// Makes one file of one table.
    fn write_file(&mut self) -> Result<(), Stop> {
        let files = self.find(None)?;
        let beside = beside(&self.arguments.out);
        let rejects = self.arguments.rejects.as_deref().unwrap_or(&beside);
        overwrite::refuse(&[("--out", &self.arguments.out), ("--rejects", rejects)], paths(&files))?;
        let bar = self.bar(&files);
        while !self.try_file(&files, &bar)? {
            self.options.glance = None;
        }
        Ok(())
    }

    /// Makes one file of one table; false where the files are other than their beginnings made believe.
    fn try_file(&mut self, files: &[File], bar: &Bar) -> Result<bool, Stop> {
        let tables = self.open(files, bar)?;
        if tables.is_empty() {
            return Err(none_readable());
        }
        let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
        let Ok([table]) = <[Table; 1]>::try_from(tables) else {
            let message = format!("the inputs hold {} tables: {}", names.len(), names.join(", "));
            return Err(Stop::failure(message).help("give --out a folder, or say that they are one table: NAME=PATH"));
        };
        let out = &self.arguments.out;
        let (name, columns, form) = (table.name.clone(), table.columns.clone(), self.form);
        let mut job = self.job(table, bar)?;
        let Some((sink, counts)) = job.run(|| OneFile::open(Some(out), form, &name, &columns))? else {
            return Ok(false);
        };
        let beside = beside(out);
        if let Some(rejects) = &mut self.rejects {
            job.rejects.copy_to(rejects)?;
        } else if counts.rejected > 0 {
            job.rejects.save(&beside)?;
        } else if self.how.set_aside {
            // What an earlier run set aside is no longer true.
            let _ = fs::remove_file(&beside);
        }
        sink.finish()?;
        let told = Told { result: out.display().to_string(), columns: columns.len(), counts, rejects: beside };
        self.tell(bar, &told, &job.unreadable);
        Ok(true)
    }

    /// Makes one file of each table.
    fn write_folder(&mut self) -> Result<(), Stop> {
        let root = self.arguments.out.clone();
        let files = self.find(Some(&root))?;
        overwrite::refuse(&rejects(self.arguments), paths(&files))?;
        let mut folder = Folder::open(&root)?;
        let known = self.known();
        if self.unreadable.is_empty() && folder.is_finished(&known, &files) {
            self.console.note(&format!("{}: all {} files are converted already", root.display(), files.len()));
            return Ok(());
        }
        let bar = self.bar(&files);
        let mut done = Vec::new();
        while !self.try_folder(&files, &mut folder, &mut done, &bar)? {
            self.options.glance = None;
        }
        Ok(())
    }

    /// Makes one file of each table but those that are done; false where the files are other than their beginnings made
    /// believe.
    fn try_folder(
        &mut self,
        files: &[File],
        folder: &mut Folder,
        done: &mut Vec<Vec<Print>>,
        bar: &Bar,
    ) -> Result<bool, Stop> {
        let root = self.arguments.out.clone();
        let (options, known) = (self.described(), self.known());
        let tables = self.open(files, bar)?;
        if tables.is_empty() {
            return Err(none_readable());
        }
        for table in tables {
            let inputs = prints(&table.inputs, files);
            if inputs.as_ref().is_some_and(|inputs| done.contains(inputs)) {
                continue;
            }
            let place = PathBuf::from(file_name(&table.name, self.form.format));
            if inputs.as_ref().is_some_and(|inputs| folder.has(&known, inputs)) {
                bar.pause(|| self.console.note(&format!("{}: converted already", root.join(&place).display())));
                continue;
            }
            let (name, columns, form) = (table.name.clone(), table.columns.clone(), self.form);
            let staged = folder.stage(&place);
            let mut job = self.job(table, bar)?;
            let path = folder.staging(&staged);
            let Some((sink, counts)) = job.run(|| OneFile::open(Some(&path), form, &name, &columns))? else {
                return Ok(false);
            };
            sink.finish()?;
            let mut outputs = vec![staged];
            let rejects = self.set_aside(folder, &mut outputs, &job, counts, &safe(&name))?;
            // What turned out to be unreadable is not finished.
            let read = prints(&job.table.inputs, files).unwrap_or_default();
            folder.commit(Unit { options: options.clone(), inputs: read, outputs })?;
            let result = root.join(&place).display().to_string();
            self.tell(bar, &Told { result, columns: columns.len(), counts, rejects }, &job.unreadable);
            done.extend(inputs);
        }
        Ok(true)
    }

    /// Makes one file of each table and period, and adds them to those that are there.
    fn write_partitions(&mut self, period: Period) -> Result<(), Stop> {
        let root = self.arguments.out.clone();
        let files = self.find(Some(&root))?;
        overwrite::refuse(&rejects(self.arguments), paths(&files))?;
        let mut folder = Folder::open(&root)?;
        let (options, known, all) = (self.described(), self.known(), files.len());
        // Records are compared with all others: what is there cannot just be added to.
        let whole = self.how.dedupe.is_some() || self.how.latest;
        let files = folder.unfinished(&known, files, whole)?;
        if files.len() < all {
            let finished = all - files.len();
            self.console.note(&format!("{}: {finished} of {all} files are converted already", root.display()));
        }
        let bar = self.bar(&files);
        let finished = files.len() < all;
        for files in portions(files, whole) {
            let inputs: Option<Vec<Print>> = files.iter().map(|file| file.print.clone()).collect();
            let unit = unit_name(&options, inputs.as_deref());
            let glance = self.options.glance;
            let outputs = loop {
                match self.try_portion(&files, &folder, period, &unit, &bar)? {
                    Some(outputs) => break outputs,
                    None => self.options.glance = None,
                }
            };
            self.options.glance = glance;
            // What turned out to be unreadable is not finished.
            let readable = files.iter().filter(|file| !self.unreadable.contains(&file.path));
            let inputs = readable.map(|file| file.print.clone()).collect::<Option<Vec<Print>>>().unwrap_or_default();
            if !(inputs.is_empty() && outputs.is_empty()) {
                folder.commit(Unit { options: options.clone(), inputs, outputs })?;
            }
        }
        if self.results == 0 && !finished && !self.unreadable.is_empty() {
            return Err(none_readable());
        }
        Ok(())
    }

    /// Makes one file of each table and period of some files; none where the files are other than their beginnings made
    /// believe.
    fn try_portion(
        &mut self,
        files: &[File],
        folder: &Folder,
        period: Period,
        unit: &str,
        bar: &Bar,
    ) -> Result<Option<Vec<folder::Staged>>, Stop> {
        let mut outputs = Vec::new();
        let mut done = Vec::new();
        for table in self.open(files, bar)? {
            if !table.columns.contains(&Column::new(TIME, ScalarType::DateTime)) {
                let message = format!("the records of {} have no {TIME}, by which they could be divided", table.name);
                return Err(Stop::failure(message).help("leave out --partition-by"));
            }
            let (name, columns, form) = (table.name.clone(), table.columns.clone(), self.form);
            let mut job = self.job(table, bar)?;
            let made = job.run(|| Ok(Parts::new(folder, &name, &columns, form, period, unit)))?;
            let Some((parts, counts)) = made else {
                folder.forget(&outputs);
                return Ok(None);
            };
            if parts.is_finer() {
                let message = format!(
                    "{}: datetimes have more digits than in the files that are there, which count in coarser units; alertq \
                     reads both, other readers may want one unit: --force converts all inputs anew",
                    self.arguments.out.join(safe(&name)).display()
                );
                bar.pause(|| self.console.warning(&message));
            }
            let parts = parts.finish()?;
            let result = format!("{} ({} files)", self.arguments.out.join(safe(&name)).display(), parts.len());
            outputs.extend(parts);
            done.push((name, result, columns.len(), job, counts));
        }
        for (name, result, columns, job, counts) in done {
            let stem = format!("{}-{unit}", safe(&name));
            let rejects = self.set_aside(folder, &mut outputs, &job, counts, &stem)?;
            self.tell(bar, &Told { result, columns, counts, rejects }, &job.unreadable);
        }
        Ok(Some(outputs))
    }

    /// Says what changes the results, so that what was made otherwise is not taken for finished.
    fn described(&self) -> String {
        let How { dedupe, latest, times, strict, .. } = self.how;
        let period = self.arguments.partition_by.map_or("table", Period::name);
        let Form { format, shred } = self.form;
        let shred = if shred { ", shred" } else { "" };
        let times = if times == Times::Micros { ", times micros" } else { "" };
        // What was set aside before must make a strict run fail.
        let strict = if strict { ", strict" } else { "" };
        format!("{} by {period}, dedupe {dedupe:?}, latest {latest}{shred}{times}{strict}", format.name())
    }

    /// Returns how what counts as finished was made.
    fn known(&self) -> String {
        // Nothing was ever made like that.
        if self.arguments.force { String::new() } else { self.described() }
    }

    fn find(&mut self, results: Option<&Path>) -> Result<Vec<File>, Stop> {
        let (files, mut missing) = inputs::find(&self.arguments.inputs, results);
        if files.is_empty() && !missing.is_empty() || self.how.strict && !missing.is_empty() {
            return Err(Stop::failure(missing.remove(0)));
        }
        if files.is_empty() && missing.is_empty() {
            return Err(Stop::failure("there is nothing to convert: all inputs lie in the folder of the results"));
        }
        for error in missing {
            self.console.error(&error.to_string());
            self.unreadable.extend(error.path);
        }
        Ok(files)
    }

    /// Shows how far the work has come.
    fn bar(&self, files: &[File]) -> Bar {
        Bar::new(self.console, files.iter().map(File::size).sum::<u64>(), &self.options.progress)
    }

    /// Opens files, and tells which of them cannot be opened; there are no tables where none can.
    fn open(&mut self, files: &[File], bar: &Bar) -> Result<Vec<Table>, Stop> {
        if files.iter().any(|file| file.print.is_none()) {
            // A pipe cannot be opened a second time.
            self.options.glance = None;
        }
        // Files are read to learn their columns, and then to fill them.
        bar.add_bytes(files.iter().map(|file| file.size().min(self.options.glance.unwrap_or(u64::MAX))).sum());
        let named: Vec<_> = files.iter().map(|file| (file.table.clone(), file.path.clone())).collect();
        let opened = source::open_files(&named, &self.options, self.how.threads);
        let (mut good, mut bad): (Vec<(Option<String>, Input)>, Vec<source::Error>) = Default::default();
        for ((name, _), input) in named.into_iter().zip(opened) {
            match input {
                Ok(input) => good.push((name, input)),
                Err(error) => bad.push(error),
            }
        }
        if self.how.strict && !bad.is_empty() {
            return Err(Stop::failure(bad.remove(0)));
        }
        let told = &mut self.told;
        bar.pause(|| {
            let fresh = bad.iter().map(source::Error::to_string).filter(|error| told.insert(error.clone()));
            fresh.for_each(|error| self.console.error(&error));
        });
        self.unreadable.extend(bad.into_iter().filter_map(|error| error.path));
        // A file without records would be a table of its own.
        let any = good.iter().any(|(_, input)| input.rows > 0);
        let (good, empty): (Vec<_>, Vec<_>) = good.into_iter().partition(|(_, input)| input.rows > 0 || !any);
        let empty = empty.iter().map(|(_, input)| format!("{}: the file holds no records", input.bytes.path.display()));
        let tables = source::tables(good, &self.options);
        let warnings = empty.chain(tables.iter().flat_map(Table::warnings));
        let warnings: Vec<_> = warnings.filter(|warning| self.told.insert(warning.clone())).collect();
        bar.pause(|| warnings.iter().for_each(|warning| self.console.warning(warning)));
        Ok(tables)
    }

    fn job<'b>(&self, table: Table, bar: &'b Bar) -> Result<Job<'b>, Stop> {
        let unknown: Vec<_> = table.unknown_columns().map(|column| column.name.as_str()).collect();
        if self.how.strict && !unknown.is_empty() {
            let message = format!("{} has no column {}, which the inputs have", table.name, unknown.join(", "));
            return Err(Stop::failure(message).help("without --strict they are kept, behind the table's own"));
        }
        if self.how.latest && identity(&table).is_none() {
            let message = format!("{}: nothing tells versions of these records, all are kept", table.name);
            bar.pause(|| self.console.warning(&message));
        }
        Ok(Job { how: self.how, table, rejects: Rejects::new()?, bar, unreadable: Vec::new() })
    }

    /// Puts rejected records where they are looked for; returns where that is.
    fn set_aside(
        &mut self,
        folder: &Folder,
        outputs: &mut Vec<folder::Staged>,
        job: &Job<'_>,
        counts: Counts,
        stem: &str,
    ) -> Result<PathBuf, Stop> {
        let place = Path::new("_rejects").join(format!("{stem}.jsonl"));
        if let Some(rejects) = &mut self.rejects {
            job.rejects.copy_to(rejects)?;
        } else if counts.rejected > 0 {
            let staged = folder.stage(&place);
            job.rejects.save(&folder.staging(&staged))?;
            outputs.push(staged);
        }
        Ok(self.arguments.out.join(place))
    }

    /// Tells what became of one table, and which of its files turned out to be unreadable.
    fn tell(&mut self, bar: &Bar, told: &Told, unreadable: &[source::Error]) {
        let Told { result, columns, counts, rejects } = told;
        self.total += *counts;
        self.results += 1;
        self.unreadable.extend(unreadable.iter().filter_map(|error| error.path.clone()));
        let rejects = self.arguments.rejects.as_deref().unwrap_or(rejects);
        let told = self.shown(*counts);
        bar.pause(|| {
            unreadable.iter().for_each(|error| self.console.error(&error.to_string()));
            self.console.note(&format!("{result}: {told}, {columns} columns"));
            if counts.rejected > 0 {
                let message = format!("{} records could not be read and are in {}", counts.rejected, rejects.display());
                self.console.warning(&message);
            }
        });
    }

    fn shown(&self, counts: Counts) -> String {
        let Counts { rows, rejected, duplicates, superseded, cut } = counts;
        let mut shown = format!("{rows} rows, {rejected} rejected");
        if self.how.dedupe.is_some() {
            shown += &format!(", {duplicates} duplicates");
        }
        if self.how.latest {
            shown += &format!(", {superseded} earlier versions");
        }
        if self.how.times == Times::Micros {
            shown += &format!(", {cut} datetimes cut to microseconds");
        }
        shown
    }

    fn finish(self) -> Result<Outcome, Stop> {
        if self.results > 1 {
            self.console.note(&format!("in all: {}", self.shown(self.total)));
        }
        let unreadable = self.unreadable.len();
        if unreadable > 0 {
            self.console.warning(&format!("{unreadable} inputs could not be read and are not in the result"));
        }
        let found = self.total.rejected > 0 || unreadable > 0;
        // Where nothing was left to do, what an earlier run has set aside stays.
        self.rejects.filter(|_| self.results > 0).map_or(Ok(()), Output::finish)?;
        Ok(if found { Outcome::Found } else { Outcome::Clean })
    }
}

/// What the user is told of one table.
struct Told {
    /// Where its rows are.
    result: String,
    columns: usize,
    counts: Counts,
    /// Where the records are that could not be read.
    rejects: PathBuf,
}

fn none_readable() -> Stop {
    Stop::failure("none of the inputs can be read")
}

/// Returns how the files of a table are known again; None where one of them is not.
fn prints(inputs: &[Input], files: &[File]) -> Option<Vec<Print>> {
    let prints: HashMap<&Path, Option<&Print>> =
        files.iter().map(|file| (file.path.as_path(), file.print.as_ref())).collect();
    inputs.iter().map(|input| prints.get(input.bytes.path.as_path()).copied().flatten().cloned()).collect()
}

/// Divides files into portions, each of which is finished as a whole: neither too many open at once, nor too much to do
/// again.
fn portions(files: Vec<File>, whole: bool) -> Vec<Vec<File>> {
    const FILES: usize = 512;
    const BYTES: u64 = 1 << 30;
    let mut portions: Vec<Vec<File>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += file.size();
        match portions.last_mut() {
            Some(last) if whole || last.len() < FILES && bytes <= BYTES => last.push(file),
            _ => {
                bytes = file.size();
                portions.push(vec![file]);
            }
        }
    }
    portions
}

/// Returns what the files of a portion are called after: the same for the same inputs.
fn unit_name(options: &str, inputs: Option<&[Print]>) -> String {
    match inputs.map(serde_json::to_string) {
        Some(Ok(inputs)) => format!("{:016x}", xxh3_64(format!("{options} {inputs}").as_bytes())),
        _ => uuid::Uuid::new_v4().simple().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(file_in(Path::new("out"), "../../etc/x", Format::Csv), Path::new("out/_.._etc_x.csv"));
    }

    #[test]
    fn portions_are_neither_long_nor_large() {
        let file = |size: u64| {
            let print = Print { path: "x".into(), table: None, size, changed: 0 };
            File { table: None, path: PathBuf::from("x"), print: Some(print) }
        };
        let lengths = |files: Vec<File>, whole| portions(files, whole).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(vec![file(1); 600], false), [512, 88]);
        assert_eq!(lengths(vec![file(1 << 29); 5], false), [2, 2, 1]);
        assert_eq!(lengths(vec![file(1 << 29); 5], true), [5]);
    }
}
