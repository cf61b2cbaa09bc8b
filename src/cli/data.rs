//! Tables: which files they are in, what a query can know of them, and their rows for the engine.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;

use super::config::Config;
use super::declared::Declared;
use super::stop::Stop;
use super::surroundings::{Found, Given, Surroundings};
use crate::catalog::{Catalog, TableInfo, tables};
use crate::engine;
use crate::format::{ParquetOptions, ParquetWriter, UNNAMED, Writer};
use crate::plan::{Kind, Node, Plan, QueryResult};
use crate::source::{self, BadRows};
use crate::types::{Column, ScalarType};

/// Rows that are not in Parquet are held in memory up to this many bytes, and lie in a temporary file beyond.
const IN_MEMORY: usize = 256 << 20;

/// What the user said of where records are.
#[derive(Debug)]
pub(super) struct Sources {
    /// Paths with the name of their table, if it was given.
    flags: Vec<(Option<String>, String)>,
    config: Vec<(String, String)>,
    /// The column that tells when a record was ingested, as alertq.toml names it.
    ingestion_time: Option<String>,
    options: source::Options,
    surroundings: Surroundings,
}

/// Tables that have been opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) catalog: Catalog,
    infos: Vec<TableInfo>,
    tables: Vec<source::Table>,
    found: Found,
    /// Nobody named any data: the built-in sample stands in.
    sample: bool,
    /// Rows that cannot be read are set aside, so that all columns of a row must be looked at.
    skips: bool,
}

/// What the engine gets, and whether it is the sample.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) tables: Vec<engine::Table>,
    pub(super) sample: bool,
    /// Records that could not be read and were set aside.
    pub(super) rejected: u64,
}

impl Sources {
    /// Takes flags and what `alertq.toml` says; flags win.
    pub(super) fn new(given: &Given, config: &Config) -> Result<Sources, Stop> {
        let surroundings = Surroundings::new(given, config)?;
        Ok(Sources { surroundings, ..Sources::of_records(&given.data, config) })
    }

    /// Takes `--data` and the tables of `alertq.toml` alone.
    pub(super) fn of_records(flags: &[String], config: &Config) -> Sources {
        let flags: Vec<_> = flags
            .iter()
            .map(|spec| match source::split_name(spec) {
                (Some(name), path) => (Some(name.to_string()), path.to_string()),
                (None, path) => (None, path.to_string()),
            })
            .collect();
        let named = |name: &str| flags.iter().any(|(other, _)| other.as_deref() == Some(name));
        let tables = config.tables.iter().filter(|(name, _)| !named(name));
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let paths = tables.flat_map(|(name, paths)| paths.iter().map(move |p| (name.clone(), path(p)))).collect();
        Sources {
            flags,
            config: paths,
            ingestion_time: config.ingestion_time.clone(),
            options: source::Options::default(),
            surroundings: Surroundings::default(),
        }
    }

    /// Takes functions, watchlists and other places alone: the records come from elsewhere.
    pub(super) fn without_records(given: &Given, config: &Config) -> Result<Sources, Stop> {
        let surroundings = Surroundings::new(given, config)?;
        let options = source::Options::default();
        Ok(Sources { flags: Vec::new(), config: Vec::new(), ingestion_time: None, options, surroundings })
    }

    /// Sets records that cannot be read aside, as lines of JSON.
    pub(super) fn skip_bad_rows(&mut self, writer: Arc<Mutex<File>>) {
        self.options.bad_rows = BadRows::Write(writer);
    }

    /// Tells whether the user named any data.
    pub(super) fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.config.is_empty()
    }

    /// Opens the tables that a text may name. Files that have no name must be opened to learn it.
    pub(super) fn open(&self, text: &str) -> Result<Opened, Stop> {
        let text = &self.surroundings.text(text);
        let mut tables =
            self.open_all(self.flags.iter().filter(|(name, _)| may_name(text, name.as_deref())).cloned())?;
        let loose: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let config = self.config.iter().filter(|(name, _)| !loose.contains(name) && may_name(text, Some(name)));
        tables.extend(self.open_all(config.map(|(name, path)| (Some(name.clone()), path.clone())))?);
        let mut catalog = Catalog::of_records();
        if self.is_empty() {
            tables::TABLES.iter().for_each(|table| catalog.add(table.info()));
        }
        let infos: Vec<_> = tables.iter().map(|table| info(table, text, self.ingestion_time.as_deref())).collect();
        infos.iter().for_each(|info| catalog.add(info.clone()));
        let found = self.surroundings.open(text, &self.options)?;
        found.add_to(&mut catalog);
        Ok(Opened {
            catalog,
            infos,
            tables,
            found,
            sample: self.is_empty(),
            skips: !matches!(self.options.bad_rows, BadRows::Fail),
        })
    }

    fn open_all(&self, paths: impl Iterator<Item = (Option<String>, String)>) -> Result<Vec<source::Table>, Stop> {
        let paths: Vec<_> = paths.collect();
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        source::open_all(&paths, &self.options).map_err(unreadable)
    }
}

impl Opened {
    /// Makes the catalog that a query is checked against: all known tables, those that are declared, and those that were
    /// opened.
    pub(super) fn checked(&self, declared: &Declared) -> Catalog {
        let mut catalog = Catalog::standard();
        self.found.add_to(&mut catalog);
        declared.add_to(&mut catalog);
        self.infos.iter().for_each(|info| catalog.add(info.clone()));
        catalog
    }

    /// Tells whether there are records of a table.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tables.iter().chain(self.found.tables()).any(|table| table.name == name)
            || self.found.items(name).is_some()
            || self.sample && tables::TableInfo::find(name).is_some()
    }

    /// Reads columns of tables, for more than one query.
    pub(super) fn hold(
        &self,
        wanted: Vec<(String, Vec<Column>)>,
        memory_limit: usize,
    ) -> Result<Vec<engine::Table>, Stop> {
        let scan = |(table, columns): &(String, Vec<Column>)| QueryResult {
            name: table.clone(),
            node: Node { columns: columns.clone(), serialized: false, kind: Kind::Scan { table: table.clone() } },
            render: None,
        };
        let plan = Plan { results: wanted.iter().map(scan).collect(), ..Plan::default() };
        let mut tables = self.load(&plan, Some(memory_limit))?.tables;
        for table in &mut tables {
            let of = wanted.iter().find(|(name, _)| *name == table.name);
            // Files are read later: then of them no more than this.
            table.columns.retain(|column| {
                !matches!(table.data, engine::TableData::Parquet { .. })
                    || of.is_some_and(|(_, columns)| columns.contains(column))
            });
        }
        Ok(tables)
    }

    /// Returns the items of the watchlists.
    pub(super) fn items(&self) -> Vec<engine::Table> {
        self.found.all_items()
    }

    /// Returns what is worth telling about the files.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.tables.iter().flat_map(source::Table::warnings).collect()
    }

    /// Reads what a plan scans. Parquet stays where it is; the rest is read once, the columns that the plan names.
    ///
    /// Large tables become temporary files: have a [`super::interrupt::Scratch`].
    pub(super) fn load(&self, plan: &Plan, memory_limit: Option<usize>) -> Result<Loaded, Stop> {
        let mut loaded = Loaded { tables: Vec::new(), sample: false, rejected: 0 };
        for (name, wanted) in plan.scans() {
            if let Some(external) = plan.externals.iter().find(|external| external.table == name) {
                loaded.tables.push(self.found.external(external)?);
                continue;
            }
            if let Some(items) = self.found.items(name) {
                loaded.tables.push(items);
                continue;
            }
            let table = self.tables.iter().chain(self.found.tables()).find(|table| table.name == name);
            let (columns, data) = match table {
                Some(table) => match in_place(table) {
                    Some(files) => {
                        keep_footers(table);
                        (table.columns.clone(), engine::TableData::Parquet { files })
                    }
                    None => {
                        let (columns, data, rejected) = self.read(table, &wanted, memory_limit)?;
                        loaded.rejected += rejected;
                        (columns, data)
                    }
                },
                None => {
                    let sample = self.sample.then(|| source::sample::table(name)).flatten();
                    let Some((columns, batches)) = sample else { return Err(self.no_data(name)) };
                    loaded.sample = true;
                    (columns, engine::TableData::Batches(batches))
                }
            };
            loaded.tables.push(engine::Table { name: name.to_string(), columns, data });
        }
        Ok(loaded)
    }

    /// Reads the rows of a table; columns that no file has are left to the engine, which gives them as missing.
    fn read(
        &self,
        table: &source::Table,
        wanted: &[Column],
        memory_limit: Option<usize>,
    ) -> Result<(Vec<Column>, engine::TableData, u64), Stop> {
        // What the records are judged by must not depend on the query where bad ones are left out.
        let read = |column: &Column| self.skips || wanted.iter().any(|other| other.name == column.name);
        let places: Vec<usize> = (0..table.columns.len()).filter(|place| read(&table.columns[*place])).collect();
        let mut batches = table.read_columns(&places);
        let columns = batches.columns().to_vec();
        let limit = in_memory(memory_limit);
        let mut spool = Spool::new(columns.clone(), limit);
        for batch in &mut batches {
            spool.add(batch.map_err(unreadable)?)?;
        }
        Ok((columns, spool.finish()?, batches.rejected()))
    }

    /// Says that a table is missing, and which are there: a file may hold another than its user thinks.
    fn no_data(&self, table: &str) -> Stop {
        let held: Vec<_> = self.tables.iter().map(|table| table.name.as_str()).collect();
        let held = if held.is_empty() { String::new() } else { format!("; what was given holds {}", held.join(", ")) };
        Stop::failure(format!("there is no data for the table {table}"))
            .help(format!("say where it is with --data {table}=PATH, or in alertq.toml{held}"))
    }
}

/// Makes what opening or reading files can fail with.
pub(super) fn unreadable(error: source::Error) -> Stop {
    Stop::failure(error)
}

/// Tells whether a text can refer to a table: by its name, or as one of many.
pub(super) fn may_name(text: &str, name: Option<&str>) -> bool {
    name.is_none_or(|name| text.contains(name)) || ["*", "search", "find"].iter().any(|word| text.contains(word))
}

/// What the results of `ingestion_time()` are called where the query that exported them did not name them.
const INGESTION_TIME: &str = "$IngestionTime";

/// What a query can know of an opened table. Of the standard columns that stay hidden it gets those that its text names.
pub(super) fn info(table: &source::Table, text: &str, ingestion_time: Option<&str>) -> TableInfo {
    let known = |column: &Column| table.known.and_then(|known| known.column(&column.name));
    let (hidden, columns): (Vec<Column>, Vec<Column>) =
        table.columns.iter().cloned().partition(|column| known(column).is_some_and(|known| known.hidden));
    let hidden = hidden.into_iter().filter(|column| text.contains(&column.name)).collect();
    let time = Column::new(ingestion_time.unwrap_or(INGESTION_TIME), ScalarType::DateTime);
    let tells = text.contains("ingestion_time") && table.columns.contains(&time);
    let ingested = tells.then_some(time.name);
    TableInfo { name: table.name.clone(), columns, hidden, ingested, lacks_type: table.lacks_type() }
}

/// Returns the files of a table that the engine can scan where they lie: Parquet whose columns have the table's names.
fn in_place(table: &source::Table) -> Option<Vec<PathBuf>> {
    let fits = |column: &Column| table.columns.contains(column);
    let files = table.inputs.iter().map(|input| {
        let same = input.parquet_columns.as_ref()?.iter().all(fits);
        same.then(|| input.bytes.on_disk().to_path_buf())
    });
    files.collect()
}

/// Hands the footers that were read of a table's files to the engine.
fn keep_footers(table: &source::Table) {
    for (input, footer) in table.inputs.iter().filter_map(|input| Some((input, input.footer.as_ref()?))) {
        engine::keep_footer(input.bytes.on_disk(), footer.size, footer.modified, footer.metadata.clone());
    }
}

/// Returns how many bytes of rows are held in memory, of those that the user allows.
pub(super) fn in_memory(memory_limit: Option<usize>) -> usize {
    memory_limit.map_or(IN_MEMORY, |limit| IN_MEMORY.min(limit / 2))
}

/// Rows that are kept until the engine wants them: in memory, and in a file where they are too many.
pub(super) struct Spool {
    columns: Vec<Column>,
    held: Vec<RecordBatch>,
    size: usize,
    limit: usize,
    file: Option<(PathBuf, Box<dyn Writer>)>,
}

impl Spool {
    /// Makes a spool of rows with these columns that holds so many bytes in memory.
    pub(super) fn new(columns: Vec<Column>, limit: usize) -> Spool {
        Spool { columns, held: Vec::new(), size: 0, limit, file: None }
    }

    /// Keeps rows.
    pub(super) fn add(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        if let Some((path, writer)) = &mut self.file {
            return writer.write(&batch).map_err(|error| Stop::write(path.display(), &error));
        }
        self.size += batch.get_array_memory_size();
        self.held.push(batch);
        if self.size > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), Stop> {
        let file = tempfile::Builder::new().suffix(".parquet").tempfile();
        let failed = |error: &std::io::Error| Stop::write("a temporary file", error);
        // The scratch folder removes it in the end.
        let (file, path) = file.and_then(|file| Ok(file.keep()?)).map_err(|error| failed(&error))?;
        let mut writer: Box<dyn Writer> = Box::new(ParquetWriter::onto(file, ParquetOptions::default()));
        writer.begin(UNNAMED, &self.columns).map_err(|error| failed(&error))?;
        for batch in self.held.drain(..) {
            writer.write(&batch).map_err(|error| failed(&error))?;
        }
        self.file = Some((path, writer));
        Ok(())
    }

    /// Hands the rows to the engine.
    pub(super) fn finish(self) -> Result<engine::TableData, Stop> {
        match self.file {
            None => Ok(engine::TableData::Batches(self.held)),
            Some((path, mut writer)) => {
                writer.finish().map_err(|error| Stop::write(path.display(), &error))?;
                Ok(engine::TableData::Parquet { files: vec![path] })
            }
        }
    }
}
