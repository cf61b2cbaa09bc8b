//! `arg_max`, `arg_min`, `take_any`: one whole row of each group.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, UInt8Array, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Fields, UInt8Type};

use super::extreme::{Best, Plains, Texts};
use super::groups::{Result, array_size, arrow_error, by_plain, compact_text, each_row, front};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::{Kind, Naming, Parameter, Returns, one};
use crate::types::arrow::{data_type, repeat};
use crate::types::{ScalarType, Value};

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "arg_max",
        aliases: &["argmax"],
        summary: "Gives the row of each group where the first argument is largest.",
        naming: Naming::Special,
        overloads: &[Overload { parameters: ARGUMENTS, returns: Returns::Argument(0), state: State::New(arg::<true>) }],
        ordered: false,
        several: true,
        examples: &[
            ("datatable(t: long, n: string)[1, 'a', 3, 'b', 2, 'c'] | summarize arg_max(t, n)", "print t = 3, n = 'b'"),
            (
                "datatable(g: string, t: long)['a', 1, 'a', 2, 'b', 1] | summarize arg_max(t) by g",
                "datatable(g: string, t: long)['a', 2, 'b', 1]",
            ),
            ("datatable(t: long, n: string)[] | summarize arg_max(t, n)", "print t = long(null), n = ''"),
        ],
        page: "arg-max-aggregation-function",
    },
    Aggregate {
        name: "arg_min",
        aliases: &["argmin"],
        summary: "Gives the row of each group where the first argument is smallest.",
        naming: Naming::Special,
        overloads: &[Overload {
            parameters: ARGUMENTS,
            returns: Returns::Argument(0),
            state: State::New(arg::<false>),
        }],
        ordered: false,
        several: true,
        examples: &[
            (
                "datatable(t: long, n: string)[long(null), 'a', 3, 'b', 2, 'c'] | summarize arg_min(t, n)",
                "print t = 2, n = 'c'",
            ),
            (
                "datatable(g: string, t: long)['a', 1, 'a', 2, 'b', 1] | summarize arg_min(t) by g",
                "datatable(g: string, t: long)['a', 1, 'b', 1]",
            ),
            ("datatable(t: long, n: string)[] | summarize arg_min(t, n)", "print t = long(null), n = ''"),
        ],
        page: "arg-min-aggregation-function",
    },
    Aggregate {
        name: "take_any",
        aliases: &["any"],
        summary: "Gives some row of each group, if possible one without nulls and empty strings.",
        naming: Naming::Special,
        overloads: &[Overload {
            parameters: &[Parameter { max: u16::MAX, ..one("value", Kind::Any) }],
            returns: Returns::Argument(0),
            state: State::New(any),
        }],
        ordered: false,
        several: true,
        examples: &[
            ("datatable(n: string)['', 'a'] | summarize take_any(n)", "print n = 'a'"),
            (
                "datatable(g: long, n: string)[1, 'a', 2, 'b'] | summarize take_any(n) by g",
                "datatable(g: long, n: string)[1, 'a', 2, 'b']",
            ),
            ("datatable(n: long)[] | summarize take_any(n)", "print n = long(null)"),
        ],
        page: "take-any-aggregation-function",
    },
];

const ARGUMENTS: &[Parameter] =
    &[one("value", Kind::Orderable), Parameter { min: 0, max: u16::MAX, ..one("returned", Kind::Any) }];

fn arg<const MAX: bool>(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    let scalar_type = setup.types[0];
    let rows = Rows::new(setup);
    Ok(by_plain!(scalar_type,
        P => Box::new(Picker { rank: Extreme::<Plains<P>, MAX>(Plains::new(scalar_type)), rows }),
        text => Box::new(Picker { rank: Extreme::<Texts, MAX>(Texts::new(scalar_type)), rows })))
}

fn any(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Picker { rank: Filled, rows: Rows::new(setup) }))
}

/// How good the row is that a group has: its `level` in [`Rows`], and what else there is to compare.
trait Rank: Debug + Send + Sync {
    /// Makes room for so many groups.
    fn grow(&mut self, total: usize);
    /// Calls `f` with row, group and new level of each row that beats what its group had.
    fn winners(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        levels: &mut [u8],
        f: &mut dyn FnMut(usize, usize),
    );
    /// Forgets the first groups.
    fn forget(&mut self, take: usize, levels: &[u8]);
    /// Returns the bytes held.
    fn size(&self) -> usize;
}

/// No row yet, the first row, a row with a value.
const NONE: u8 = 0;
const FIRST: u8 = 1;
const VALUE: u8 = 2;

#[derive(Debug)]
struct Extreme<B: Best, const MAX: bool>(B);

impl<B: Best, const MAX: bool> Rank for Extreme<B, MAX> {
    fn grow(&mut self, total: usize) {
        self.0.grow(total);
    }

    fn winners(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        levels: &mut [u8],
        f: &mut dyn FnMut(usize, usize),
    ) {
        let values = B::array(&arguments[0]);
        let nulls = values.nulls().filter(|nulls| nulls.null_count() > 0);
        each_row(groups, filter, |row, group| {
            // Nulls lose, but a group of nothing else still gives its first row (measured).
            let level = &mut levels[group];
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                if *level == NONE {
                    *level = FIRST;
                    f(row, group);
                }
            } else if self.0.offer::<MAX>(group, values, row, *level != VALUE) {
                *level = VALUE;
                f(row, group);
            }
        });
    }

    fn forget(&mut self, take: usize, levels: &[u8]) {
        let seen: Vec<bool> = levels.iter().map(|level| *level == VALUE).collect();
        self.0.take(take, &seen);
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Rows whose values are all there beat others.
#[derive(Debug)]
struct Filled;

impl Rank for Filled {
    fn grow(&mut self, _: usize) {}

    fn winners(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        levels: &mut [u8],
        f: &mut dyn FnMut(usize, usize),
    ) {
        each_row(groups, filter, |row, group| {
            if levels[group] == VALUE {
                return;
            }
            let filled = arguments.iter().all(|array| match array.as_string_view_opt() {
                Some(texts) => texts.is_valid(row) && texts.views()[row] as u32 != 0,
                None => array.is_valid(row),
            });
            if filled || levels[group] == NONE {
                levels[group] = if filled { VALUE } else { FIRST };
                f(row, group);
            }
        });
    }

    fn forget(&mut self, _: usize, _: &[u8]) {}

    fn size(&self) -> usize {
        0
    }
}

/// Where a row is kept.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    chunk: u32,
    row: u32,
}

/// The rows that the groups have picked: those of a batch that won are copied out of it at once.
#[derive(Debug)]
struct Rows {
    types: Vec<ScalarType>,
    levels: Vec<u8>,
    places: Vec<Place>,
    chunks: Vec<Vec<ArrayRef>>,
    /// Rows in all chunks.
    held: usize,
    bytes: usize,
    touched: Vec<u32>,
}

impl Rows {
    fn new(setup: &Setup) -> Self {
        let nothing = setup.returns.iter().map(|t| repeat(&Value::missing(*t), 1)).collect();
        Rows {
            types: setup.returns.clone(),
            levels: Vec::new(),
            places: Vec::new(),
            // The row of a group that has none.
            chunks: vec![nothing],
            held: 0,
            bytes: 0,
            touched: Vec::new(),
        }
    }

    fn grow(&mut self, total: usize) {
        self.levels.resize(total, NONE);
        self.places.resize(total, Place::default());
    }

    /// Copies the rows out that have just won, named by the places of the groups in `touched`.
    fn keep(&mut self, columns: &[ArrayRef]) -> Result<()> {
        if self.touched.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(self.touched.len());
        for (index, group) in self.touched.drain(..).enumerate() {
            let place = &mut self.places[group as usize];
            rows.push(std::mem::replace(&mut place.row, index as u32));
        }
        self.held += rows.len();
        let rows = UInt32Array::from(rows);
        let columns = columns.iter().map(|column| take(column, &rows, None).map(compact_text));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(arrow_error)?;
        self.bytes += columns.iter().map(array_size).sum::<usize>();
        self.chunks.push(columns);
        if self.held > 2 * self.places.len() + 8192 { self.compact() } else { Ok(()) }
    }

    /// Drops the rows that have been beaten.
    fn compact(&mut self) -> Result<()> {
        let columns = self.columns(self.places.len())?;
        for (row, (place, level)) in self.places.iter_mut().zip(&self.levels).enumerate() {
            *place = if *level == NONE { Place::default() } else { Place { chunk: 1, row: row as u32 } };
        }
        self.chunks.truncate(1);
        self.held = self.places.len();
        self.bytes = columns.iter().map(array_size).sum();
        self.chunks.push(columns);
        Ok(())
    }

    /// Returns the rows of the first groups as columns.
    fn columns(&self, take: usize) -> Result<Vec<ArrayRef>> {
        let places: Vec<(usize, usize)> =
            self.places[..take].iter().map(|place| (place.chunk as usize, place.row as usize)).collect();
        (0..self.types.len())
            .map(|column| {
                let parts: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk[column].as_ref()).collect();
                interleave(&parts, &places).map(compact_text).map_err(arrow_error)
            })
            .collect()
    }

    fn take(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let take = take.min(self.places.len());
        let columns = self.columns(take)?;
        self.places.drain(..take);
        self.compact()?;
        Ok(columns)
    }

    fn fields(&self) -> Fields {
        self.types
            .iter()
            .enumerate()
            .map(|(index, scalar_type)| Field::new(index.to_string(), data_type(*scalar_type), true))
            .collect()
    }
}

/// Keeps one row of each group.
#[derive(Debug)]
struct Picker<R: Rank> {
    rank: R,
    rows: Rows,
}

impl<R: Rank> Accumulator for Picker<R> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.rows.grow(total);
        self.rank.grow(total);
        let chunk = self.rows.chunks.len() as u32;
        let Rows { levels, places, touched, .. } = &mut self.rows;
        self.rank.winners(arguments, groups, filter, levels, &mut |row, group| {
            let place = &mut places[group];
            if place.chunk != chunk {
                touched.push(group as u32);
            }
            *place = Place { chunk, row: row as u32 };
        });
        self.rows.keep(&arguments[..self.rows.types.len()])
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let row = states[0].as_struct();
        let levels = states[1].as_primitive::<UInt8Type>();
        let present: BooleanArray = levels.values().iter().map(|level| Some(*level != NONE)).collect();
        self.update(row.columns(), groups, Some(&present), total)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![self.result_type(), DataType::UInt8]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        let levels = UInt8Array::from(self.rows.levels[..take.min(self.rows.levels.len())].to_vec());
        Ok(vec![self.finish(take)?, Arc::new(levels)])
    }

    fn result_type(&self) -> DataType {
        DataType::Struct(self.rows.fields())
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        self.rank.forget(take, &self.rows.levels);
        front(&mut self.rows.levels, take);
        let len = take.min(self.rows.places.len());
        let columns = self.rows.take(take)?;
        let array = StructArray::try_new_with_length(self.rows.fields(), columns, None, len).map_err(arrow_error)?;
        Ok(Arc::new(array))
    }

    fn size(&self) -> usize {
        self.rank.size() + self.rows.bytes + self.rows.places.capacity() * 9 + 64
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn first_of_the_best_rows_wins_and_nulls_lose() {
        let values = longs(&[5, -1, 7, 7, -1, -1]);
        let names = strings(&["a", "b", "c", "d", "e", "a name longer than twelve"]);
        let groups = [0, 0, 0, 0, 1, 2];
        assert_eq!(
            run("arg_max", &[values.clone(), names.clone()], &groups),
            ["7 c", "null e", "null a name longer than twelve"]
        );
        assert_eq!(run("arg_min", &[values, names], &groups), ["5 a", "null e", "null a name longer than twelve"]);
    }

    #[test]
    fn nan_wins() {
        let columns = [reals(&[1.0, f64::NAN, 9.0, 3.0]), longs(&[1, 2, 3, 4])];
        assert_eq!(run("arg_max", &columns, &[0, 0, 0, 1]), ["NaN 2", "3 4"]);
    }

    #[test]
    fn groups_without_rows_are_missing() {
        let columns = [strings(&["x", "y"]), strings(&["a", "b"])];
        assert_eq!(run("arg_max", &columns, &[0, 2]), ["x a", " ", "y b"]);
    }

    #[test]
    fn any_prefers_what_is_filled() {
        let columns = [strings(&["", "x", "y", ""]), longs(&[1, -1, 3, 4])];
        assert_eq!(run("take_any", &columns, &[0, 0, 0, 1]), ["y 3", " 4"]);
    }

    #[test]
    fn many_winners_do_not_pile_up() {
        let mut picker = make("arg_max", &[longs(&[]), longs(&[])], &[ScalarType::Long; 2], false);
        for batch in 0..100i64 {
            let column = longs(&(0..1000).map(|row| 1 + batch * 1000 + row).collect::<Vec<_>>()).1;
            picker.update(&[column.clone(), column], &(0..1000).collect::<Vec<_>>(), None, 1000).unwrap();
        }
        assert!(picker.size() < 1_000_000, "{}", picker.size());
        let rows = fields(&picker.finish(1000).unwrap(), &[ScalarType::Long; 2]);
        assert_eq!(rows[999], "100000 100000");
    }
}
