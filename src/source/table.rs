//! Files become tables, and tables give batches.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::catalog::tables::TableInfo;
use crate::types::{Column, ScalarType};

use super::build::Reading;
use super::decode::Bytes;
use super::detect::{Form, Layout, Origin, detect};
use super::error::Error;
use super::read::{Batches, Target};
use super::records::{Records, Step};
use super::rows::BadRows;
use super::survey::{Columns, Guess, Survey};
use super::{Options, parquet};

/// One file, of which it is known what it holds.
#[derive(Debug, Clone)]
pub struct Input {
    /// The file's bytes.
    pub bytes: Bytes,
    /// The form that it was found to have.
    pub form: Form,
    /// Its records, those that cannot be read included.
    pub rows: u64,
    /// What is worth telling about it.
    pub warnings: Vec<String>,
    /// The columns of a Parquet file, under its own names.
    pub parquet_columns: Option<Vec<Column>>,
    /// Whether all of it has been looked at; otherwise `rows` and `warnings` are of its beginning.
    pub complete: bool,
    /// The footer of a Parquet file, unless many are open.
    pub footer: Option<parquet::Footer>,
    /// The table that a Parquet file says it is of.
    declared: Option<String>,
    survey: Survey,
}

/// A table that one or more files make.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name as queries spell it.
    pub name: String,
    /// The columns: those of a known table first, in the catalogue's order.
    pub columns: Vec<Column>,
    /// The files.
    pub inputs: Vec<Input>,
    /// The known table whose columns come first, if it is one.
    pub known: Option<&'static TableInfo>,
    layout: Columns,
    options: Options,
}

/// Splits `NAME=PATH`, where the part before `=` can be a table's name and the whole is not itself a file.
///
/// ```
/// use alertq::source::split_name;
/// assert_eq!(split_name("Alerts=day/alerts.json"), (Some("Alerts"), "day/alerts.json"));
/// assert_eq!(split_name("alerts.json"), (None, "alerts.json"));
/// ```
pub fn split_name(spec: &str) -> (Option<&str>, &str) {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    match spec.split_once('=') {
        Some((name, path)) if is_name(name) && !Path::new(spec).exists() => (Some(name), path),
        _ => (None, spec),
    }
}

/// Opens a file, a folder, a glob or `-` (standard input) as tables.
///
/// Fails when nothing matches, a file cannot be read or its form is not known.
pub fn open(path: &str, options: &Options) -> Result<Vec<Table>, Error> {
    open_all(&[(options.name.clone(), path.to_string())], options)
}

/// Opens several paths, each with the name of its table if the user gave one; files of one table are one table, and one
/// that is named in several ways (a folder, and a file in it) is there once.
pub fn open_all(paths: &[(Option<String>, String)], options: &Options) -> Result<Vec<Table>, Error> {
    let mut files = Vec::new();
    for (name, path) in paths {
        files.extend(expand(path)?.into_iter().map(|path| (name.clone(), path)));
    }
    let mut seen = HashSet::new();
    files.retain(|(name, path)| {
        seen.insert((name.clone(), std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())))
    });
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let inputs = files.iter().zip(open_files(&files, options, threads));
    let inputs: Result<Vec<_>, Error> = inputs.map(|((name, _), input)| Ok((name.clone(), input?))).collect();
    Ok(tables(inputs?, options))
}

/// Bytes of footers that are kept of files that are opened together: what is beyond is read once more.
const FOOTERS: usize = 16 << 20;

/// Opens files, so many at once; the results are in their order.
///
/// Fails, for each file, when it cannot be read or its form is not known.
pub fn open_files(files: &[(Option<String>, PathBuf)], options: &Options, threads: usize) -> Vec<Result<Input, Error>> {
    let next = AtomicUsize::new(0);
    let footers = AtomicUsize::new(0);
    let open = |path: &Path| {
        let mut input = Input::open(path, options)?;
        // Counting takes a while, and the footer of one file alone is kept whatever its size.
        if files.len() == 1 {
            return Ok(input);
        }
        let size = input.footer.as_ref().map_or(0, |footer| footer.metadata.memory_size());
        if footers.fetch_add(size, Ordering::Relaxed) + size > FOOTERS {
            input.footer = None;
        }
        Ok(input)
    };
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        files.get(at).map(|(_, path)| (at, open(path)))
    };
    let run = || std::iter::from_fn(take).collect::<Vec<_>>();
    let mut opened = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(files.len())).map(|_| scope.spawn(run)).collect();
        let mut opened = run();
        for other in others {
            match other.join() {
                Ok(more) => opened.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        opened
    });
    opened.sort_by_key(|(at, _)| *at);
    opened.into_iter().map(|(_, input)| input).collect()
}

/// Makes tables of files, each with the name of its table if the user gave one; files of one table are one table.
pub fn tables(inputs: Vec<(Option<String>, Input)>, options: &Options) -> Vec<Table> {
    let mut groups: Vec<(String, Option<&'static TableInfo>, Vec<Input>)> = Vec::new();
    for (name, input) in inputs {
        let known = || name.as_deref().and_then(TableInfo::find).or_else(|| input.known());
        let known = if options.as_declared { None } else { known() };
        let table = name.unwrap_or_else(|| input.table_name(known));
        match groups.iter_mut().find(|(other, ..)| *other == table) {
            Some((_, group_known, inputs)) => {
                *group_known = group_known.or(known);
                inputs.push(input);
            }
            None => groups.push((table, known, vec![input])),
        }
    }
    groups.into_iter().map(|(name, known, inputs)| Table::new(name, known, inputs, options.clone())).collect()
}

/// Lists the files that a path, folder, glob or `-` stands for.
pub fn expand(spec: &str) -> Result<Vec<PathBuf>, Error> {
    if spec.is_empty() {
        return Err(Error::new("a path is missing").remedy("say PATH or NAME=PATH"));
    }
    let path = Path::new(spec);
    if spec == "-" || path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    if path.is_dir() {
        let mut files = Vec::new();
        folder(path, 0, &mut files)?;
        if files.is_empty() {
            let remedy =
                "files end in .parquet, .json, .jsonl, .ndjson, .log, .csv or .tsv, each also with .gz or .zst";
            return Err(Error::new("the folder holds no file of records").at(path).remedy(remedy));
        }
        return Ok(files);
    }
    if !spec.contains(['*', '?', '[']) {
        return match fs::metadata(path) {
            Ok(_) => Ok(vec![path.to_path_buf()]),
            Err(error) => Err(Error::io(path, &error)),
        };
    }
    let matches = glob::glob(spec).map_err(|error| Error::new(format!("not a pattern: {error}")).at(path))?;
    // A folder that cannot be looked into may hold records.
    let matches = matches.collect::<Result<Vec<_>, _>>();
    let mut files = matches.map_err(|error| Error::io(error.path(), error.error()))?;
    files.retain(|path| path.is_file());
    files.sort();
    match files.is_empty() {
        true => Err(Error::new("no file matches").at(path)),
        false => Ok(files),
    }
}

fn folder(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    // Links may lead back.
    const DEEPEST: usize = 32;
    if depth > DEEPEST {
        return Ok(());
    }
    let entries = fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut entries = entries.map_err(|error| Error::io(path, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        // Tools leave folders and files of their own beside the data.
        if name.starts_with(['.', '_']) {
            continue;
        }
        if entry.path().is_dir() {
            folder(&entry.path(), depth + 1, files)?;
        } else if is_record_file(&name) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn is_record_file(name: &str) -> bool {
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    [".parquet", ".json", ".jsonl", ".ndjson", ".log", ".csv", ".tsv"].iter().any(|ending| name.ends_with(ending))
}

impl Form {
    pub(super) fn reading(self) -> Reading {
        Reading {
            all_text: self.origin == Origin::AzCli || matches!(self.layout, Layout::Csv(_)),
            none_is_null: self.origin == Origin::AzCli,
            dynamic_is_text: self.layout == Layout::QueryApi,
        }
    }
}

impl Input {
    /// Opens a file and learns what it holds, by reading it once.
    fn open(path: &Path, options: &Options) -> Result<Input, Error> {
        let mut bytes = Bytes::new(path)?.counted(&options.progress);
        let form = detect(&bytes)?;
        if form.layout == Layout::Parquet {
            bytes = bytes.seekable()?;
            return Input::of_parquet(bytes, form);
        }
        let reading = form.reading();
        let mut survey = Survey::default();
        let mut records = form.open(&bytes, options)?;
        let declare = |survey: &mut Survey, records: &dyn Records| {
            records.header().into_iter().for_each(|(name, declared)| survey.declare(&name, declared));
        };
        declare(&mut survey, &*records);
        let enough = options.glance.filter(|_| form.goes_on_as_it_begins()).unwrap_or(u64::MAX);
        let complete = loop {
            match records.next(&mut |name, cell| survey.observe(name, cell, reading))? {
                Step::End => break true,
                Step::Record | Step::Bad(_) => survey.end_record(),
            }
            if records.place().byte.is_some_and(|byte| byte >= enough) {
                break false;
            }
        };
        declare(&mut survey, &*records);
        survey.settle(reading);
        let mut warnings = records.warnings();
        if survey.rows == 0 {
            warnings.push("the file holds no records".to_string());
        }
        if let Some((one, other)) = survey.several() {
            warnings.push(format!(
                "the records are of {one} and of {other}: read as one table of another name; one file for each makes two"
            ));
        }
        let rows = survey.rows;
        Ok(Input { bytes, form, rows, warnings, parquet_columns: None, complete, footer: None, declared: None, survey })
    }

    fn of_parquet(bytes: Bytes, form: Form) -> Result<Input, Error> {
        let (described, footer) = parquet::describe_bytes(&bytes)?;
        let mut survey = Survey::default();
        survey.rows = described.rows;
        for column in &described.columns {
            survey.declare(&column.name, Some(column.scalar_type));
        }
        if let Some(name) = &described.type_name {
            survey.observe("Type", super::cell::Cell::Text(name), Reading::default());
        }
        let (rows, columns) = (described.rows, Some(described.columns));
        Ok(Input {
            bytes,
            form,
            rows,
            warnings: Vec::new(),
            parquet_columns: columns,
            complete: true,
            footer,
            declared: described.table,
            survey,
        })
    }

    pub(super) fn survey(&self) -> &Survey {
        &self.survey
    }

    fn known(&self) -> Option<&'static TableInfo> {
        self.declared.as_deref().and_then(TableInfo::find).or_else(|| self.survey.known())
    }

    fn table_name(&self, known: Option<&'static TableInfo>) -> String {
        if let Some(name) = self.declared.as_deref().or(self.survey.type_name()) {
            return name.to_string();
        }
        if let Some(known) = known {
            return known.name.to_string();
        }
        let name = self.bytes.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        match stem {
            "" | "-" => "stdin".to_string(),
            stem => stem.to_string(),
        }
    }
}

impl Table {
    fn new(name: String, known: Option<&'static TableInfo>, inputs: Vec<Input>, options: Options) -> Table {
        let mut survey = Survey::default();
        for input in &inputs {
            survey.merge(&input.survey, input.form.reading());
        }
        let layout = survey.columns(known);
        Table { name, columns: layout.columns.clone(), inputs, known, layout, options }
    }

    /// Tells whether records may be without their table's name: only a Parquet file says that all of them have it.
    pub fn lacks_type(&self) -> bool {
        let named = |input: &Input| input.parquet_columns.is_some() && input.survey.type_name() == Some(&self.name);
        self.known.is_some() && !self.inputs.iter().all(named)
    }

    /// Says what becomes of records that cannot be read.
    pub fn set_bad_rows(&mut self, bad_rows: BadRows) {
        self.options.bad_rows = bad_rows;
    }

    /// Leaves a file out; its columns stay. Tells whether it was there.
    pub fn leave_out(&mut self, path: &Path) -> bool {
        let before = self.inputs.len();
        self.inputs.retain(|input| input.bytes.path != path);
        self.inputs.len() < before
    }

    /// Returns the fields as the files have them; no type where no value says one, or all is text.
    pub fn fields(&self) -> Vec<(String, Option<ScalarType>)> {
        let mut fields: Vec<(String, Option<ScalarType>)> = Vec::new();
        for input in &self.inputs {
            for (name, found) in input.survey.fields() {
                let found = found.filter(|_| !input.form.reading().all_text);
                match fields.iter_mut().find(|(other, _)| other == name) {
                    Some((_, other)) => *other = other.or(found),
                    None => fields.push((name.to_string(), found)),
                }
            }
        }
        fields
    }

    /// Returns the columns that the known table of this name does not have.
    pub fn unknown_columns(&self) -> impl Iterator<Item = &Column> {
        let known = |column: &&Column| self.known.is_none_or(|known| known.column(&column.name).is_some());
        self.columns.iter().filter(move |column| !known(column))
    }

    /// Returns the number of records in all files, those that cannot be read included.
    pub fn rows(&self) -> u64 {
        self.inputs.iter().map(|input| input.rows).sum()
    }

    /// Returns what is worth telling: what the files warn of, and which columns go under another name.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for input in &self.inputs {
            let path = input.bytes.path.display();
            warnings.extend(input.warnings.iter().map(|warning| format!("{path}: {warning}")));
            let renamed = input.survey.renamed(&self.layout);
            if !renamed.is_empty() {
                let pairs: Vec<_> = renamed.iter().map(|(from, to)| format!("{from} as {to}")).collect();
                warnings.push(format!("{path}: columns read under the table's names: {}", pairs.join(", ")));
            }
        }
        warnings
    }

    /// Reads the rows of all files as batches with all columns.
    pub fn read(&self) -> Batches {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        self.read_columns(&all)
    }

    /// Reads the rows of all files as batches with the columns of these indices, in this order.
    ///
    /// Values of other columns are not looked at, so that what is wrong with them goes unnoticed.
    pub fn read_columns(&self, projection: &[usize]) -> Batches {
        Batches::new(self.inputs.clone(), self.target(projection), None)
    }

    /// Reads the rows of all files, in their order, as batches with all columns: so many files at once, each a little
    /// ahead of its turn.
    pub fn read_ahead(&self, threads: usize) -> Batches {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        Batches::new(self.inputs.clone(), self.target(&all), Some(threads))
    }

    fn target(&self, projection: &[usize]) -> Target {
        let columns: Vec<Column> = projection.iter().filter_map(|index| self.columns.get(*index).cloned()).collect();
        let wanted = |place: usize| projection.iter().position(|index| *index == place);
        let free = self.layout.free(self.known).map(|(place, column)| (&column.name, place));
        let taken = self.layout.places.iter().map(|(name, place)| (name, *place));
        let places = free.chain(taken).map(|(name, place)| (name.clone(), wanted(place))).collect();
        let known = self.known.map_or(0, |known| known.shown().len());
        let guess = self.inputs.iter().any(|input| !input.complete).then(|| {
            let mut survey = Survey::default();
            self.inputs.iter().for_each(|input| survey.merge(&input.survey, input.form.reading()));
            Guess::new(&survey, &self.layout, self.known)
        });
        let known_first = projection.iter().take_while(|index| **index < known).count();
        Target { columns, places, text_dynamics: known_first, options: self.options.clone(), guess }
    }
}

/// Returns the columns' types as text, for messages and tests.
#[cfg(test)]
fn described(columns: &[Column]) -> String {
    columns.iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::types::Value;
    use crate::types::arrow::value_at;

    use super::*;

    fn write(name: &str, text: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::File::create(&path).unwrap().write_all(text.as_ref()).unwrap();
        (folder, path.to_string_lossy().into_owned())
    }

    fn table(name: &str, text: impl AsRef<[u8]>) -> Table {
        let (_folder, path) = write(name, text);
        let mut tables = open(&path, &Options::default()).unwrap();
        // The folder goes away; what the test reads must be kept.
        for input in &mut tables[0].inputs {
            input.bytes = Bytes::spool(Path::new(name), &mut fs::File::open(&path).unwrap()).unwrap();
        }
        tables.remove(0)
    }

    fn values(table: &Table, column: &str) -> Vec<Value> {
        let at = table.columns.iter().position(|other| other.name == column).unwrap();
        let mut values = Vec::new();
        for batch in table.read_columns(&[at]) {
            let batch = batch.unwrap();
            values
                .extend((0..batch.num_rows()).map(|row| value_at(batch.column(0), row, table.columns[at].scalar_type)));
        }
        values
    }

    #[test]
    fn unknown_records_have_inferred_columns() {
        let table = table("things.jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"c\":{\"d\": 1}}\n");
        assert_eq!(table.name, "things");
        assert_eq!(described(&table.columns), "a:long,b:string,c:dynamic");
        assert_eq!(values(&table, "c"), [Value::Null(ScalarType::Dynamic), Value::Dynamic("{\"d\":1}".into())]);
        assert_eq!(values(&table, "a"), [Value::Long(1), Value::Null(ScalarType::Long)]);
    }

    #[test]
    fn bad_rows_fail_in_the_end_with_their_places() {
        let table = table("x.jsonl", "{\"a\":1}\n{\"a\":\n{\"a\":2}\n[1]\n");
        let results: Vec<_> = table.read().collect();
        assert_eq!(results.len(), 2);
        assert_eq!(results[0].as_ref().unwrap().num_rows(), 2);
        let error = results[1].as_ref().unwrap_err();
        assert!(error.message.starts_with("2 of 4 records"), "{error}");
        assert_eq!(error.place.line, Some(2));
    }

    #[test]
    fn bad_rows_can_be_set_aside() {
        let (_folder, path) = write("x.csv", "a,b\n1,2\n1\n3,4\n");
        let list = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let options = Options { bad_rows: super::super::BadRows::Collect(list.clone()), ..Options::default() };
        let tables = open(&path, &options).unwrap();
        let rows: usize = tables[0].read().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 2);
        let bad = list.lock().unwrap();
        assert_eq!(bad[0].fault.reason, "the row has 1 fields for 2 columns");
        assert_eq!((bad[0].place.line, bad[0].text.as_str()), (Some(3), "1"));
    }

    #[test]
    fn a_known_table_is_filled_up() {
        let table = table(
            "x.json",
            r#"[{"Type":"SecurityAlert","IsIncident":0,"Entities":[{"$id": "2"}],
                "TimeGenerated":"2025-01-01T00:00:00Z"}]"#,
        );
        assert_eq!((table.name.as_str(), table.columns.len()), ("SecurityAlert", 35));
        assert_eq!(values(&table, "Entities"), [Value::String("[{\"$id\":\"2\"}]".into())]);
        assert_eq!(values(&table, "IsIncident"), [Value::Bool(false)]);
        assert_eq!(values(&table, "Status"), [Value::String(String::new())]);
        assert_eq!(values(&table, "ConfidenceScore"), [Value::Null(ScalarType::Real)]);
    }

    #[test]
    fn truncated_gzip_is_an_error_that_says_so() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all("{\"a\":1}\n".repeat(10_000).as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let (_folder, path) = write("x.jsonl.gz", &packed[..packed.len() - 20]);
        let error = open(&path, &Options::default()).unwrap_err();
        assert!(error.to_string().contains("gzip stream ends before its end"), "{error}");
        assert!(error.place.byte.is_some());
    }

    #[test]
    fn zstd_and_gzip_are_read_whatever_the_name() {
        let text = "{\"a\":1}\n{\"a\":2}\n";
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(values(&table("x.jsonl", packed), "a"), [Value::Long(1), Value::Long(2)]);
    }

    #[test]
    fn a_partial_answer_is_an_error_unless_it_is_accepted() {
        let text = r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"a","type":"dynamic"}],
            "rows":[["[1, 2]"],["x"]]}],
            "error":{"code":"PartialError","message":"too big"}}"#;
        let (_folder, path) = write("x.json", text);
        let error = open(&path, &Options::default()).unwrap_err();
        assert!(error.message.contains("partial") && error.message.contains("too big"), "{error}");
        let tables = open(&path, &Options { accept_partial: true, ..Options::default() }).unwrap();
        assert!(tables[0].warnings()[0].contains("too big"));
        assert_eq!(values(&tables[0], "a"), [Value::Dynamic("[1,2]".into()), Value::Dynamic("\"x\"".into())]);
    }

    #[test]
    fn text_that_is_not_utf8_is_rejected_with_its_offset() {
        let (_folder, path) = write("x.jsonl", b"{\"a\":\"b\"}\n{\"a\":\"\xff\"}\n");
        let tables = open(&path, &Options::default()).unwrap();
        let error = tables[0].read().find_map(Result::err).unwrap();
        assert!(error.message.contains("not UTF-8 at byte 16"), "{error}");
    }

    mod glances {
        use arrow::array::RecordBatch;
        use proptest::prelude::*;
        use proptest::test_runner::{RngSeed, TestCaseError};

        use super::*;

        /// Returns the columns and rows of a file of which so much is looked at first; the reason where that misleads.
        fn read(text: &str, glance: Option<u64>) -> Result<(String, Vec<Column>, RecordBatch), Error> {
            let name = if text.starts_with(['{', '[']) { "T.json" } else { "T.csv" };
            let (_folder, path) = write(name, text);
            let bad_rows = BadRows::Count;
            let options = Options { glance, bad_rows, batch_rows: 2, piece: 50, ..Options::default() };
            let table = open(&path, &options)?.remove(0);
            let batches = table.read_ahead(2).collect::<Result<Vec<_>, Error>>()?;
            let rows = arrow::compute::concat_batches(&crate::types::arrow::schema(&table.columns), &batches).unwrap();
            Ok((table.name, table.columns, rows))
        }

        fn surprises(first: &str, second: &str) -> bool {
            let text = format!("{first}\n{first}\n{second}\n");
            match read(&text, Some(1)) {
                Ok(found) => {
                    assert_eq!(Ok(found), read(&text, None), "{text}");
                    false
                }
                Err(error) => {
                    assert!(error.surprise, "{error}");
                    true
                }
            }
        }

        #[test]
        fn what_changes_the_columns_is_a_surprise() {
            let alert = r#"{"Type":"SecurityAlert","AlertName":"x"}"#;
            for (first, second, wanted) in [
                (r#"{"a":1}"#, r#"{"a":2}"#, false),
                (r#"{"a":1}"#, r#"{"a":null}"#, false),
                (r#"{"a":1}"#, r#"{"a":"x"}"#, true),
                (r#"{"a":1}"#, r#"{"a":1.5}"#, true),
                (r#"{"a":1.5}"#, r#"{"a":1}"#, false),
                (r#"{"a":"2025-01-01T00:00:00Z"}"#, r#"{"a":"soon"}"#, true),
                (r#"{"a":null}"#, r#"{"a":"x"}"#, false),
                (r#"{"a":null}"#, r#"{"a":1}"#, true),
                (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, true),
                // The name of the table decides; its columns are the same whatever a record has of them.
                (alert, r#"{"Type":"SecurityAlert","AlertName":"x","Status":"New"}"#, false),
                (alert, r#"{"Type":"SecurityAlert","AlertName":7}"#, false),
                (alert, r#"{"Type":"SecurityAlert","Severity":"x"}"#, true),
                (alert, r#"{"Type":"SecurityAlert","rn":1}"#, true),
                (alert, r#"{"Type":"SecurityIncident","AlertName":"x"}"#, true),
                (alert, r#"{"AlertName":"x"}"#, false),
            ] {
                assert_eq!(surprises(first, second), wanted, "{first} {second}");
            }
        }

        fn record() -> impl Strategy<Value = String> {
            let names = vec!["Type", "AlertName", "Severity", "AlertSeverity", "SystemAlertId", "_ItemId", "a", "b"];
            let values = vec![
                "null",
                "true",
                "1",
                "1.5",
                "18446744073709551615",
                "\"x\"",
                "\"\"",
                "\"x\\n\"",
                "[1]",
                "{}",
                "\"2025-01-01T00:00:00Z\"",
                "\"SecurityAlert\"",
                "\"SecurityIncident\"",
                "{",
            ];
            let field = (prop::sample::select(names), prop::sample::select(values));
            prop::collection::vec(field, 0..4).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
        }

        fn cell() -> impl Strategy<Value = &'static str> {
            let texts =
                ["", "1", "1.5", "true", "x", "2025-01-01T00:00:00Z", "SecurityAlert", "\"{\"\"k\"\":1}\"", "007"];
            prop::sample::select(texts.to_vec())
        }

        /// Fails where a glance, without a surprise, makes something else of a file than the whole does.
        fn same(text: &str, glance: u64) -> Result<(), TestCaseError> {
            let message = |error: Error| error.message;
            match read(text, Some(glance)) {
                Err(error) if error.surprise => Ok(()),
                // A file that breaks off behind what was looked at is read once more, from its beginning.
                Err(_) if read(text, None).is_err() => Ok(()),
                found => {
                    prop_assert_eq!(found.map_err(message), read(text, None).map_err(message), "{}", text);
                    Ok(())
                }
            }
        }

        proptest! {
            #![proptest_config(ProptestConfig {
                cases: 200,
                rng_seed: RngSeed::Fixed(7),
                failure_persistence: None,
                ..ProptestConfig::default()
            })]

            /// So it is in an array, which is as well a file that breaks off.
            #[test]
            fn a_glance_at_an_array_never_misleads(
                records in prop::collection::vec(record(), 1..12), glance in 0u64..200, whole in any::<bool>(),
            ) {
                let text = format!("[{}{}", records.join(","), if whole { "]" } else { "" });
                same(&text, glance)?;
            }

            /// And in CSV, where every value is text.
            #[test]
            fn a_glance_at_csv_never_misleads(
                cells in prop::collection::vec((cell(), cell(), cell()), 1..12), glance in 0u64..100,
            ) {
                let rows: String = cells.iter().map(|(a, b, c)| format!("{a},{b},{c}\n")).collect();
                same(&format!("Type,a,AlertName\n{rows}"), glance)?;
            }

            /// Whatever a glance makes of a file, it is what the whole file says, or a surprise.
            #[test]
            fn a_glance_never_misleads(records in prop::collection::vec(record(), 1..12), glance in 0u64..200) {
                same(&records.join("\n"), glance)?;
            }
        }
    }
}
