//! `alertq anonymize`: records that can leave the house.

mod key;
mod summary;

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::{fs, iter};

use arrow::array::RecordBatch;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::console::Console;
use super::convert::{OneFile, file_in, find, is_folder, paths};
use super::interrupt::Scratch;
use super::output::{Output, format_of};
use super::overwrite::{self, Wanted};
use super::progress::Bar;
use super::stop::Stop;
use super::value::{self, processors};
use super::{Outcome, data};
use crate::anonymize::policy::folded;
use crate::anonymize::{Anonymizer, Memory, Names, Options, Plan, Report};
use crate::format::Format;
use crate::source::{self, BadRows, Table};

/// Replaces every name, address, id and path in records, so that they can leave the house.
///
/// What replaces a value follows from a secret key and the value alone: it is the same in every column, in JSON of any
/// depth, within sentences and in every file, so that joins still hold; without the key nobody finds the value. Forms
/// stay: an IPv4 address becomes one (private ones in their range, public ones in 240.0.0.0/4, common prefixes kept), a
/// GUID a GUID, `host.corp.com` a name of three labels whose domain is that of its neighbours, a resource id one with
/// the same provider and type, a path one with the same folders of the system and the same ending.
///
/// What stays is listed (--policy): severities, products, types of alerts, tactics, times, ordinary words of sentences,
/// programs and accounts that systems come with. All else is replaced, also columns and fields that nobody has heard of.
///
/// In the end every word of the result is looked up among the names that were replaced. If one is found, the status is
/// 1, standard error names column and record, and no file is written. Records that cannot be read are left out and
/// counted; nothing of them is shown. Public IPv4 addresses are more than what replaces them: where two of different
/// networks have become one, standard error says how many, and the status is 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openssl rand -hex 32 > team.key\n  alertq sample --rows 100 --out real.jsonl &&\n    \
                        alertq anonymize real.jsonl --key-file team.key --out safe.jsonl\n  \
                        alertq anonymize export/ --key-file team.key --out fixtures/ --report report.json\n  \
                        alertq anonymize alerts.parquet incidents.json --key-file team.key --shift-times --out safe/\n  \
                        alertq anonymize portal.csv --key-file team.key --keep AlertName,'Client Location' --out a.csv\n  \
                        alertq anonymize --policy"
)]
pub(super) struct Arguments {
    /// Files, folders or globs; a name before `=` says which table they are.
    #[arg(value_name = "[NAME=]IN", required_unless_present = "policy", value_parser = value::records)]
    inputs: Vec<String>,
    /// The file that holds the secret key: at least 16 bytes. Default: the environment's ALERTQ_ANONYMIZE_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Is refused: every process on a machine can read the command lines of the others.
    #[arg(long, value_name = "SECRET", hide = true)]
    key: Option<String>,
    /// The file to write, or a folder, which gets a file for each table.
    #[arg(long, short, value_name = "PATH", required_unless_present = "policy")]
    out: Option<PathBuf>,
    /// Writes this format. Default: by the ending of --out, else `parquet` into a folder and `jsonl` otherwise.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::name)))]
    format: Option<String>,
    /// Leaves columns and fields of these names as they are, and does not look for names in them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    keep: Vec<String>,
    /// Replaces these words wherever they stand, one on each line: names that are ordinary words too.
    #[arg(long, value_name = "FILE")]
    replace: Option<PathBuf>,
    /// Shifts all times by whole weeks that the key chooses.
    #[arg(long)]
    shift_times: bool,
    /// Writes what became of each column as JSON.
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,
    /// Lists what becomes of which columns and fields.
    #[arg(long)]
    policy: bool,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, Stop> {
    if arguments.policy {
        let mut output = Output::stdout();
        output.text(&summary::policy())?;
        output.finish()?;
        return Ok(Outcome::Clean);
    }
    if arguments.key.is_some() {
        return Err(Stop::failure("a key on the command line could be read by every process of this machine")
            .help("put it into a file and give --key-file FILE, and take a new one: this one has been seen"));
    }
    let key = key::read(arguments.key_file.as_deref(), console)?;
    let _scratch = Scratch::new()?;
    let options = Options {
        keep: arguments.keep.iter().map(|name| folded(name)).collect(),
        replace: arguments.replace.as_deref().map(words).transpose()?.unwrap_or_default(),
        shift_times: arguments.shift_times,
    };
    let work = Work { arguments, console, anonymizer: Anonymizer::new(key, options) };
    work.run()
}

/// Reads a list of words, one on each line.
fn words(path: &Path) -> Result<HashSet<String>, Stop> {
    let text = fs::read_to_string(path)
        .map_err(|error| Stop::failure(format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.split_whitespace().map(str::to_lowercase).collect())
}

/// All of the work.
struct Work<'a> {
    arguments: &'a Arguments,
    console: &'a Console,
    anonymizer: Anonymizer,
}

/// One table on its way.
struct Job {
    table: Table,
    plan: Plan,
    report: Report,
    /// Records that could not be read.
    unreadable: u64,
}

impl Work<'_> {
    fn run(&self) -> Result<Outcome, Stop> {
        let out = self.arguments.out.as_deref().unwrap_or(Path::new("-"));
        let folder = is_folder(out);
        let default = if folder { Format::Parquet } else { Format::JsonLines };
        let file = Some(out).filter(|_| !folder);
        let format = format_of(self.arguments.format.as_deref(), file, default, self.console);
        let options = source::Options { batch_rows: BATCH, ..source::Options::default() };
        let (tables, missing, bytes) = self.open(&options, folder.then_some(out))?;
        if !folder && tables.len() > 1 {
            let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
            let message = format!("the inputs hold {} tables: {}", names.len(), names.join(", "));
            return Err(Stop::failure(message).help("give --out a folder, or say that they are one table: NAME=PATH"));
        }
        let bar = Bar::new(self.console, 3 * bytes, &options.progress);
        let mut jobs: Vec<Job> = tables.into_iter().map(|table| self.job(table)).collect();
        let path_of = |job: &Job| if folder { file_in(out, &job.plan.table, format) } else { out.to_path_buf() };
        let results: Vec<PathBuf> = jobs.iter().map(path_of).collect();
        self.refuse_overwrite(results.iter().map(PathBuf::as_path), iter::empty())?;
        let mut names = Names::default();
        for job in &mut jobs {
            self.look(job, &mut names, &bar)?;
        }
        if folder {
            fs::create_dir_all(out).map_err(|error| Stop::write(out.display(), &error))?;
        }
        let mut files = Vec::new();
        for (job, path) in jobs.iter_mut().zip(results) {
            let mut file = OneFile::open(Some(&path), format, &job.plan.table, &job.plan.columns)?;
            self.replace(job, &names, &bar, &mut file)?;
            files.push((path, file));
        }
        drop(bar);
        self.finish(&jobs, files, missing, &names)
    }

    /// Opens what can be opened, and tells the rest; returns the tables, the number of files that cannot be read, and
    /// the bytes of the others.
    fn open(&self, options: &source::Options, results: Option<&Path>) -> Result<(Vec<Table>, usize, u64), Stop> {
        let (files, missing) = find(&self.arguments.inputs, results);
        let out = self.arguments.out.iter().filter(|_| results.is_none());
        self.refuse_overwrite(out.map(PathBuf::as_path), paths(&files))?;
        let named: Vec<_> = files.iter().map(|file| (file.table.clone(), file.path.clone())).collect();
        let opened = source::open_files(&named, options, processors());
        let mut good = Vec::new();
        let mut bad = missing;
        for ((name, _), input) in named.into_iter().zip(opened) {
            match input {
                Ok(input) => good.push((name, input)),
                Err(error) => bad.push(error),
            }
        }
        if good.is_empty() {
            return Err(bad
                .into_iter()
                .next()
                .map_or_else(|| Stop::failure("there is nothing to read"), data::unreadable));
        }
        for error in &bad {
            self.console.error(&error.to_string());
        }
        let mut tables = source::tables(good, options);
        tables.iter_mut().for_each(|table| table.set_bad_rows(BadRows::Count));
        Ok((tables, bad.len(), files.iter().map(|file| file.size()).sum()))
    }

    /// Refuses results over what is read, the key too, or over the report.
    fn refuse_overwrite<'a>(
        &'a self,
        results: impl Iterator<Item = &'a Path>,
        inputs: impl Iterator<Item = PathBuf>,
    ) -> Result<(), Stop> {
        let Arguments { report, key_file, replace, .. } = self.arguments;
        let report = report.iter().map(|path| ("--report", path.as_path()));
        let wanted: Vec<Wanted> = results.map(|path| ("--out", path)).chain(report).collect();
        overwrite::refuse(&wanted, inputs.chain(key_file.iter().chain(replace).cloned()))
    }

    fn job(&self, table: Table) -> Job {
        let plan = self.anonymizer.plan(&table.name, &table.columns);
        Job { table, plan, report: Report::default(), unreadable: 0 }
    }

    /// Learns which names a table holds.
    fn look(&self, job: &mut Job, names: &mut Names, bar: &Bar) -> Result<(), Stop> {
        let mut batches = job.table.read_ahead(processors());
        let look = |batch, memory: &mut Memory| self.anonymizer.look(&job.plan, &batch, memory);
        through(&mut batches, look, |more| {
            names.merge(more);
            Ok(())
        })?;
        job.unreadable = batches.rejected();
        for bad in batches.first_rejected() {
            // What stands there, and so why it cannot be read, could be a name.
            let message = format!("{}, {}: the record cannot be read", bad.path.display(), bad.place);
            bar.pause(|| self.console.error(&message));
        }
        Ok(())
    }

    fn replace(&self, job: &mut Job, names: &Names, bar: &Bar, file: &mut OneFile) -> Result<(), Stop> {
        let mut batches = job.table.read_ahead(processors());
        let (plan, report) = (&job.plan, &mut job.report);
        let replace = |batch, memory: &mut Memory| self.anonymizer.replace(plan, &batch, names, memory);
        through(&mut batches, replace, |replaced| {
            let (batch, more) = replaced.map_err(Stop::failure)?;
            report.append(&more);
            bar.add_rows(batch.num_rows());
            file.add(&batch)
        })
    }

    /// Puts the files in their places, unless a name is left in one of them, and says what was done.
    fn finish(
        &self,
        jobs: &[Job],
        files: Vec<(PathBuf, OneFile)>,
        missing: usize,
        names: &Names,
    ) -> Result<Outcome, Stop> {
        if let Some(path) = &self.arguments.report {
            let mut output = Output::open(Some(path))?;
            output.text(&summary::json(jobs))?;
            output.finish()?;
        }
        let mut leaks: Vec<String> = jobs.iter().flat_map(summary::leaks).collect();
        for job in jobs {
            let columns = self.anonymizer.named_columns(&job.plan, names);
            leaks.extend(
                columns
                    .iter()
                    .map(|name| format!("{}: a name is left in the name of a column, {name}", job.plan.table)),
            );
        }
        if !leaks.is_empty() {
            leaks.iter().for_each(|leak| self.console.error(leak));
            self.console.error("no file was written: names are left in the result");
            self.console.note(
                "put these names into a file and give --replace FILE; --keep COLUMN leaves a column as it is, unlooked at",
            );
            return Ok(Outcome::Found);
        }
        for (path, file) in files {
            file.finish()?;
            self.console.note(&format!("{}: written", path.display()));
        }
        if !self.console.is_quiet() {
            jobs.iter().for_each(|job| self.console.raw(&summary::text(job)));
        }
        let ordinary = names.ordinary();
        if ordinary > 0 {
            let message = format!("{ordinary} names are ordinary words too: they are replaced in sentences as well");
            self.console.note(&message);
        }
        let met = names.met();
        if met > 0 {
            self.console.warning(&format!(
                "{met} public addresses have the replacement of another one: what joins on addresses may find more than in the \
                 originals. A key that parts these may let others meet"
            ));
        }
        if missing > 0 {
            self.console.warning(&format!("{missing} inputs could not be read and are not in the result"));
        }
        let unreadable: u64 = jobs.iter().map(|job| job.unreadable).sum();
        if unreadable > 0 {
            self.console.warning(&format!("{unreadable} records could not be read and are not in the result"));
        }
        Ok(if missing > 0 || unreadable > 0 || met > 0 { Outcome::Found } else { Outcome::Clean })
    }
}

/// Rows in a batch.
const BATCH: usize = 1024;
/// Batches for each thread that are held while they are worked on, or wait to be written.
const HELD: usize = 4;

/// Does something to all batches, several at once, each thread with a memory of its own; `take` gets what comes of it in
/// the order of the batches, while the threads are at the next ones.
fn through<T: Send>(
    batches: &mut source::Batches,
    act: impl Fn(RecordBatch, &mut Memory) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let threads = processors();
    let (give, given) = sync_channel::<(RecordBatch, SyncSender<T>)>(HELD * threads);
    let given = Mutex::new(given);
    let work = || {
        let mut memory = Memory::default();
        let next = || given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((batch, done)) = next() {
            // Nobody waits for it where the work has been stopped.
            let _ = done.send(act(batch, &mut memory));
        }
    };
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(work)));
        // It goes when the batches have, or at the first mistake, and then the threads end.
        let give = give;
        let mut waiting: VecDeque<Receiver<T>> = VecDeque::new();
        let mut settle = |wait: Receiver<T>| match wait.recv() {
            Ok(made) => take(made),
            Err(_) => Err(Stop::failure("a thread that replaced names broke off")),
        };
        for batch in batches {
            let (done, wait) = sync_channel(1);
            waiting.push_back(wait);
            if give.send((batch.map_err(data::unreadable)?, done)).is_err() {
                break;
            }
            if waiting.len() > HELD * threads
                && let Some(first) = waiting.pop_front()
            {
                settle(first)?;
            }
        }
        waiting.into_iter().try_for_each(settle)
    })
}
