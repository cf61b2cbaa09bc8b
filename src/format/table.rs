//! A table drawn for a terminal that fits its width; what was left out is said.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};

use crate::types::Column;

use super::Writer;
use super::value::write_text;

/// How much room a drawn table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Columns of characters.
    pub width: u16,
    /// Rows that are drawn; others are counted.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { width: 100, rows: 1000 }
    }
}

/// The least width in which a column can be read.
const NARROWEST: usize = 10;

/// Draws results, one below the other.
pub(super) struct TableWriter<'a> {
    out: Box<dyn Write + Send + 'a>,
    limits: Limits,
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    count: u64,
    results: usize,
}

impl<'a> TableWriter<'a> {
    pub(super) fn new(out: Box<dyn Write + Send + 'a>, limits: Limits) -> Self {
        TableWriter { out, limits, columns: Vec::new(), rows: Vec::new(), count: 0, results: 0 }
    }

    fn draw(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let fits = self.columns.len() * (NARROWEST + 3) < usize::from(self.limits.width).max(NARROWEST + 4);
        if fits || self.least_width(&rows) < usize::from(self.limits.width) {
            self.draw_table(&rows)?;
        } else {
            self.draw_records(&rows)?;
        }
        let shown = rows.len() as u64;
        if self.count > shown {
            writeln!(self.out, "{shown} of {} rows are shown", self.count)?;
        }
        Ok(())
    }

    /// Returns the width at which nothing needs to be cut.
    fn least_width(&self, rows: &[Vec<String>]) -> usize {
        let widest = |index: usize, column: &Column| {
            let cells = rows.iter().map(|row| row[index].chars().count());
            cells.chain([column.name.chars().count()]).max().unwrap_or_default() + 3
        };
        self.columns.iter().enumerate().map(|(index, column)| widest(index, column)).sum::<usize>() + 1
    }

    fn draw_table(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.limits.width).set_truncation_indicator("…").force_no_tty();
        let names = self.columns.iter().map(|column| Cell::new(&column.name));
        table.set_header(Row::from(names.collect::<Vec<_>>()));
        for row in rows {
            let cells = row.iter().zip(&self.columns).map(|(text, column)| match column.scalar_type.is_numeric() {
                true => Cell::new(text).set_alignment(CellAlignment::Right),
                false => Cell::new(text),
            });
            let mut row = Row::from(cells.collect::<Vec<_>>());
            row.max_height(1);
            table.add_row(row);
        }
        writeln!(self.out, "{table}")
    }

    /// Draws each row as lines of name and value, where the columns do not fit beside each other.
    fn draw_records(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        let name_width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
        let width = usize::from(self.limits.width).saturating_sub(name_width + 3).max(NARROWEST);
        for (number, row) in rows.iter().enumerate() {
            writeln!(self.out, "─ row {} ", number + 1)?;
            for (text, column) in row.iter().zip(&self.columns) {
                writeln!(self.out, "{:name_width$} │ {}", column.name, cut(text, width))?;
            }
        }
        if rows.is_empty() {
            let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            writeln!(self.out, "no rows; columns: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// Shortens text so that the cut shows.
fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_string(),
        Some(_) => text.chars().take(width.saturating_sub(1)).collect::<String>() + "…",
    }
}

/// Makes text safe and one line: records hold what attackers wrote, and terminals obey escape sequences.
fn tame(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_string();
    }
    let text = text.replace("\r\n", " ");
    let tamed = text.chars().map(|letter| match letter {
        '\n' | '\r' | '\t' => ' ',
        '\u{1b}' => '␛',
        letter if letter.is_control() => '�',
        letter => letter,
    });
    tamed.collect()
}

impl Writer for TableWriter<'_> {
    fn begin(&mut self, _name: &str, columns: &[Column]) -> io::Result<()> {
        if self.results > 0 {
            self.draw()?;
            writeln!(self.out)?;
        }
        self.results += 1;
        self.count = 0;
        self.columns = columns.to_vec();
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        // No cell shows more than a line, and no line is that long.
        const LONGEST: usize = 2000;
        for row in 0..batch.num_rows() {
            self.count += 1;
            if self.rows.len() >= self.limits.rows {
                continue;
            }
            let cells = batch.columns().iter().zip(&self.columns).map(|(array, column)| {
                let mut text = String::new();
                write_text(array, row, column.scalar_type, &mut text);
                tame(&cut(&text, LONGEST))
            });
            self.rows.push(cells.collect());
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.results > 0 {
            self.draw()?;
        }
        self.out.flush()
    }
}
