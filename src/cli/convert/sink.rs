//! Where converted rows go: one file, or a file for each day or hour.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use clap::ValueEnum;

use super::folder::{Folder, Staged};
use super::{TIME, file_name};
use crate::cli::output::Output;
use crate::cli::stop::Stop;
use crate::format::{self, Format, Limits, ParquetOptions, ParquetWriter, UNNAMED, Units, Writer};
use crate::types::{Column, ticks};

/// Takes rows.
pub(super) trait Sink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop>;
}

/// What a file is written as.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Form {
    pub(super) format: Format,
    /// Parquet holds the hot parts of JSON columns beside the text.
    pub(super) shred: bool,
}

impl Form {
    fn parquet(self) -> ParquetOptions {
        ParquetOptions { shred: self.shred, ..ParquetOptions::default() }
    }
}

impl From<Format> for Form {
    fn from(format: Format) -> Form {
        Form { format, shred: false }
    }
}

/// A file in the making; it appears when it is finished, whole.
pub(in crate::cli) struct OneFile {
    writer: Box<dyn Writer>,
    /// What moves the file to its place; a pipe has none.
    output: Option<Output>,
    name: String,
}

impl OneFile {
    /// Begins a file, or standard output where there is no path or the path is `-`.
    pub(in crate::cli) fn open(
        path: Option<&Path>,
        form: impl Into<Form>,
        table: &str,
        columns: &[Column],
    ) -> Result<OneFile, Stop> {
        OneFile::in_units(path, form.into(), table, columns, Units::default())
    }

    /// Begins a file with datetimes in units that other files have, too, if it is Parquet.
    fn in_units(
        path: Option<&Path>,
        form: Form,
        table: &str,
        columns: &[Column],
        units: Units,
    ) -> Result<OneFile, Stop> {
        let (format, options) = (form.format, form.parquet());
        let output = Output::open(path)?;
        let name = output.name();
        let failed = |error: io::Error| Stop::write(&name, &error);
        let limits = Limits { rows: usize::MAX, ..Limits::default() };
        let (mut writer, output): (Box<dyn Writer>, _) = match output.file().map_err(failed)? {
            Some(file) if format == Format::Parquet => {
                (Box::new(ParquetWriter::onto(file, options).with_units(units)), Some(output))
            }
            Some(file) => (format.writer(Box::new(BufWriter::with_capacity(1 << 18, file)), limits), Some(output)),
            None if format == Format::Parquet => (Box::new(ParquetWriter::new(Box::new(output), options)), None),
            None => (format.writer(Box::new(output), limits), None),
        };
        let result = if format == Format::Parquet { table } else { UNNAMED };
        writer.begin(result, columns).map_err(failed)?;
        Ok(OneFile { writer, output, name })
    }

    /// Writes rows.
    pub(in crate::cli) fn add(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let settle = |()| self.output.as_mut().map_or(Ok(()), Output::settle);
        self.writer.write(batch).and_then(settle).map_err(|error| Stop::write(&self.name, &error))
    }

    /// Ends the file and moves it to its place.
    pub(in crate::cli) fn finish(mut self) -> Result<(), Stop> {
        self.writer.finish().map_err(|error| Stop::write(&self.name, &error))?;
        drop(self.writer);
        self.output.map_or(Ok(()), Output::finish)
    }
}

impl Sink for OneFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.add(batch)
    }
}

/// How long the time is that one file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Period {
    Day,
    Hour,
}

impl Period {
    pub(super) fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Hour => "hour",
        }
    }

    fn ticks(self) -> i64 {
        match self {
            Period::Day => ticks::TICKS_PER_DAY,
            Period::Hour => ticks::TICKS_PER_HOUR,
        }
    }

    /// Returns the folder of a period's files as Hive names it: `day=2026-06-30/hour=09`.
    fn folder(self, number: Option<i64>) -> PathBuf {
        // What Hive calls the partition of nulls.
        const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";
        let text = number.map(|number| ticks::format_datetime(number * self.ticks()));
        let part = |from: usize, to: usize| text.as_ref().and_then(|text| text.get(from..to)).unwrap_or(MISSING);
        let day = PathBuf::from(format!("day={}", part(0, 10)));
        match self {
            Period::Day => day,
            Period::Hour => day.join(format!("hour={}", part(11, 13))),
        }
    }
}

/// Files by day or hour. Rows must come in the order of time, so that one file is open at a time.
pub(super) struct Parts<'a> {
    folder: &'a Folder,
    /// The table's folder, below the folder of the results.
    table: String,
    columns: &'a [Column],
    form: Form,
    period: Period,
    /// What the names of the files end in, before their ending.
    unit: &'a str,
    current: Option<(Option<i64>, OneFile)>,
    staged: Vec<Staged>,
    /// The units of all rows so far: readers of a folder expect one type in all of its files.
    units: Units,
    /// For each file the units when it ended.
    ended: Vec<Units>,
    /// Those of the files that are there already.
    earlier: Option<Units>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        folder: &'a Folder,
        table: &str,
        columns: &'a [Column],
        form: Form,
        period: Period,
        unit: &'a str,
    ) -> Parts<'a> {
        let earlier = earlier(folder, table, columns);
        Parts {
            folder,
            table: table.to_string(),
            columns,
            form,
            period,
            unit,
            current: None,
            staged: Vec::new(),
            units: earlier.clone().unwrap_or_default(),
            ended: Vec::new(),
            earlier,
        }
    }

    fn begin(&mut self, number: Option<i64>) -> Result<(), Stop> {
        self.end()?;
        let name = file_name(&format!("{}-{}", self.table, self.unit), self.form.format);
        let place = Path::new(&super::safe(&self.table)).join(self.period.folder(number)).join(name);
        let staged = self.folder.stage(&place);
        let path = self.folder.staging(&staged);
        let file = OneFile::in_units(Some(&path), self.form, &self.table, self.columns, self.units.clone())?;
        self.staged.push(staged);
        self.current = Some((number, file));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some((_, file)) = self.current.take() else { return Ok(()) };
        file.finish()?;
        self.ended.push(self.units.clone());
        Ok(())
    }

    /// Brings the files that ended before a moment came that needs another unit to that unit.
    fn unite(&self) -> Result<(), Stop> {
        for (staged, _) in self.staged.iter().zip(&self.ended).filter(|(_, units)| **units != self.units) {
            let path = self.folder.staging(staged);
            let failed = |error: io::Error| Stop::write(path.display(), &error);
            let output = Output::open(Some(&path))?;
            if let Some(file) = output.file().map_err(failed)? {
                let writer = ParquetWriter::onto(file, self.form.parquet()).with_units(self.units.clone());
                let before = File::open(&path).map_err(failed)?;
                format::in_units(&before, writer, &self.table, self.columns).map_err(failed)?;
            }
            output.finish()?;
        }
        Ok(())
    }

    /// Tells whether datetimes are counted in finer units than in the files that are there already.
    pub(super) fn is_finer(&self) -> bool {
        self.form.format == Format::Parquet && self.earlier.as_ref().is_some_and(|earlier| *earlier != self.units)
    }

    /// Ends the last file and returns what is to be moved to its place.
    pub(super) fn finish(mut self) -> Result<Vec<Staged>, Stop> {
        self.end()?;
        if self.form.format == Format::Parquet {
            self.unite()?;
        }
        Ok(std::mem::take(&mut self.staged))
    }
}

/// Returns the units of the file that an earlier run made of the table last; none where that is not Parquet.
fn earlier(folder: &Folder, table: &str, columns: &[Column]) -> Option<Units> {
    let path = folder.last(Path::new(&super::safe(table)))?;
    format::units(&File::open(path).ok()?, columns).ok()
}

impl Drop for Parts<'_> {
    /// Removes what an attempt has made that came to nothing.
    fn drop(&mut self) {
        self.folder.forget(&self.staged);
    }
}

impl Sink for Parts<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let times = batch.column_by_name(TIME).and_then(|column| column.as_primitive_opt::<Int64Type>());
        let Some(times) = times else { return Err(Stop::failure(format!("a batch lacks {TIME}"))) };
        let numbers: Vec<_> = times.iter().map(|time| time.map(|time| time.div_euclid(self.period.ticks()))).collect();
        let mut from = 0;
        for run in numbers.chunk_by(|a, b| a == b) {
            if self.current.as_ref().is_none_or(|(number, _)| *number != run[0]) {
                self.begin(run[0])?;
            }
            if let Some((_, file)) = &mut self.current {
                let rows = batch.slice(from, run.len());
                self.units.observe(self.columns, &rows);
                file.add(&rows)?;
            }
            from += run.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_hive_names_them() {
        let moment = ticks::parse_datetime("2026-06-30T09:15:00Z").unwrap();
        let folder = |period: Period| period.folder(Some(moment.div_euclid(period.ticks())));
        assert_eq!(folder(Period::Day), Path::new("day=2026-06-30"));
        assert_eq!(folder(Period::Hour), Path::new("day=2026-06-30/hour=09"));
        assert_eq!(Period::Day.folder(None), Path::new("day=__HIVE_DEFAULT_PARTITION__"));
    }
}
