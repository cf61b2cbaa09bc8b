//! `hll`, `tdigest` and what merges them: sketches that other functions read.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewBuilder};
use arrow::datatypes::{DataType, Int32Type, Int64Type};

use super::distinct::{Bits, Coder, Hashes};
use super::groups::{Bools, Decimals, Ints, Longs, Reals, Result, arrow_error, chosen_rows, each_valid, front};
use super::{Accumulator, Aggregate, Overload, Setup, State};
use crate::functions::sketch::{ACCURACY_BITS, Digest, Hll, Number};
use crate::functions::{FunctionError, Kind, Naming, Returns, one};
use crate::types::arrow::value_at;
use crate::types::{ScalarType, Value};

/// The family.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "hll",
        aliases: &[],
        summary: "Gives a sketch of the different values of each group, for dcount_hll() to count.",
        naming: Naming::PrefixAndFirstArgument("hll"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Any), one("accuracy", Kind::Integer).optional().constant()],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(hll),
        }],
        ordered: false,
        several: false,
        examples: &[
            ("range x from 1 to 9 step 1 | summarize h = hll(x % 4) | project n = dcount_hll(h)", "print n = 4"),
            ("datatable(x: long)[] | summarize h = hll(x) | project n = dcount_hll(h)", "print n = long(null)"),
            ("datatable(x: long)[] | summarize hll(x)", "print hll_x = dynamic(null)"),
        ],
        page: "hll-aggregation-function",
    },
    Aggregate {
        name: "hll_merge",
        aliases: &[],
        summary: "Merges the sketches of hll() of each group.",
        naming: Naming::PrefixAndFirstArgument("hll_merge"),
        overloads: &[Overload {
            parameters: &[one("hll", Kind::Dynamic)],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(|_| Ok(Box::<Merged<Option<Hll>>>::default())),
        }],
        ordered: false,
        several: false,
        examples: &[
            (
                "range x from 1 to 9 step 1 | summarize h = hll(x % 4) by x % 2 | summarize m = hll_merge(h) | project n \
                 = dcount_hll(m)",
                "print n = 4",
            ),
            (
                "range x from 1 to 9 step 1 | summarize h = hll(x) by x % 3 | summarize m = hll_merge(h) | project n = \
                 dcount_hll(m)",
                "print n = 9",
            ),
            (
                "datatable(x: long)[] | summarize h = hll(x) by x | summarize m = hll_merge(h) | project n = isnull(m)",
                "print n = true",
            ),
        ],
        page: "hll-merge-aggregation-function",
    },
    Aggregate {
        name: "tdigest",
        aliases: &[],
        summary: "Gives a sketch of how the values of each group are spread, for percentile_tdigest() to read.",
        naming: Naming::PrefixAndFirstArgument("tdigest"),
        overloads: &[Overload {
            parameters: &[one("value", Kind::Summable), one("weight", Kind::Integer).optional()],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(tdigest),
        }],
        ordered: false,
        several: false,
        examples: &[
            (
                "range x from 1 to 9 step 1 | summarize t = tdigest(x) | project p = percentile_tdigest(t, 50, \
                 typeof(long))",
                "print p = 5",
            ),
            ("datatable(x: long)[] | summarize tdigest(x)", "print tdigest_x = dynamic(null)"),
            ("datatable(x: long)[] | summarize t = tdigest(x) | project n = isnull(t)", "print n = true"),
        ],
        page: "tdigest-aggregation-function",
    },
    Aggregate {
        name: "tdigest_merge",
        aliases: &["merge_tdigest"],
        summary: "Merges the sketches of tdigest() of each group.",
        naming: Naming::PrefixAndFirstArgument("merge_tdigests"),
        overloads: &[Overload {
            parameters: &[one("tdigest", Kind::Dynamic)],
            returns: Returns::Type(ScalarType::Dynamic),
            state: State::New(|_| Ok(Box::<Merged<Option<Digest>>>::default())),
        }],
        ordered: false,
        several: false,
        examples: &[
            (
                "range x from 1 to 9 step 1 | summarize t = tdigest(x) by x % 2 | summarize m = tdigest_merge(t) | \
                 project r = rank_tdigest(m, 4)",
                "print r = 4.0",
            ),
            (
                "range x from 1 to 9 step 1 | summarize t = tdigest(x) by x % 3 | summarize m = tdigest_merge(t) | \
                 project p = percentile_tdigest(m, 50, typeof(long))",
                "print p = 5",
            ),
            (
                "datatable(x: long)[] | summarize t = tdigest(x) by x | summarize m = tdigest_merge(t) | project n = \
                 isnull(m)",
                "print n = true",
            ),
        ],
        page: "tdigest-merge-aggregation-function",
    },
];

fn hll(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    let accuracy = match setup.constants.get(1) {
        None => 1,
        Some(Some(Value::Long(accuracy @ 0..=4))) => *accuracy as usize,
        Some(_) => return Err(FunctionError::argument(1, "SEM0064", "the accuracy of hll is a number from 0 to 4")),
    };
    let bits = ACCURACY_BITS[accuracy];
    Ok(match setup.types[0] {
        ScalarType::Bool => Counted::<Bits<Bools>>::boxed(bits),
        ScalarType::Int => Counted::<Bits<Ints>>::boxed(bits),
        ScalarType::Real => Counted::<Bits<Reals>>::boxed(bits),
        ScalarType::Decimal => Counted::<Bits<Decimals>>::boxed(bits),
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Counted::<Bits<Longs>>::boxed(bits),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => Counted::<Hashes>::boxed(bits),
    })
}

fn tdigest(setup: &Setup) -> Result<Box<dyn Accumulator>> {
    match setup.types[0] {
        ScalarType::Decimal | ScalarType::Dynamic => Err(FunctionError::argument(
            0,
            "AQ001",
            format!("`tdigest()` of values of type {} is not supported yet", setup.types[0]),
        )),
        scalar_type => Ok(Box::new(Sketched::new(Spread { scalar_type }))),
    }
}

/// A sketch that can be written, read and merged.
trait Sketch: std::fmt::Debug + Sized + Send + Sync {
    fn text(&self) -> String;
    fn read(text: &str) -> Option<Self>;
    fn merge(&mut self, other: &Self) -> Option<()>;
    fn size(&self) -> usize;
}

impl Sketch for Hll {
    fn text(&self) -> String {
        self.text()
    }

    fn read(text: &str) -> Option<Self> {
        Hll::read(text)
    }

    fn merge(&mut self, other: &Self) -> Option<()> {
        self.merge(other)
    }

    fn size(&self) -> usize {
        self.size()
    }
}

impl Sketch for Digest {
    fn text(&self) -> String {
        self.text()
    }

    fn read(text: &str) -> Option<Self> {
        Digest::read(text)
    }

    fn merge(&mut self, other: &Self) -> Option<()> {
        self.merge(other)
    }

    fn size(&self) -> usize {
        self.size()
    }
}

/// One sketch for each group, None where no value came.
#[derive(Debug)]
struct Merged<S> {
    sketches: Vec<S>,
    bytes: usize,
}

impl<S> Default for Merged<S> {
    fn default() -> Self {
        Merged { sketches: Vec::new(), bytes: 0 }
    }
}

impl<S: Sketch> Merged<Option<S>> {
    fn grow(&mut self, total: usize) {
        self.sketches.resize_with(total, || None);
    }

    fn measure(&mut self) {
        let held = self.sketches.iter().flatten().map(Sketch::size).sum::<usize>();
        self.bytes = held + self.sketches.capacity() * size_of::<Option<S>>();
    }

    fn texts(&mut self, take: usize) -> Result<ArrayRef> {
        let take = take.min(self.sketches.len());
        let mut texts = StringViewBuilder::with_capacity(take);
        for sketch in front(&mut self.sketches, take) {
            match sketch {
                Some(sketch) => texts.try_append_value(sketch.text()).map_err(arrow_error)?,
                None => texts.append_null(),
            }
        }
        self.measure();
        Ok(Arc::new(texts.finish()))
    }
}

impl<S: Sketch> Accumulator for Merged<Option<S>> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let texts = arguments[0].as_string_view();
        let mut fault = None;
        each_valid(texts, groups, filter, |row, group| {
            let merged = S::read(texts.value(row)).and_then(|more| match &mut self.sketches[group] {
                Some(own) => own.merge(&more),
                none => {
                    *none = Some(more);
                    Some(())
                }
            });
            if merged.is_none() {
                fault = Some(FunctionError {
                    code: "AQ001",
                    message: "only sketches of this query, and of one accuracy or type, can be merged".into(),
                    argument: Some(0),
                });
            }
        });
        self.measure();
        fault.map_or(Ok(()), Err)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update(states, groups, None, total)
    }

    fn state_types(&self) -> Vec<DataType> {
        vec![DataType::Utf8View]
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.texts(take)?])
    }

    fn result_type(&self) -> DataType {
        DataType::Utf8View
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        self.texts(take)
    }

    fn size(&self) -> usize {
        self.bytes
    }
}

/// Adds rows to the sketches of their groups.
trait Feed: std::fmt::Debug + Send + Sync {
    type Sketch: Sketch;

    fn feed(
        &mut self,
        sketches: &mut [Option<Self::Sketch>],
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    );
}

/// Sketches that are made of rows, and merged as `hll_merge` and `tdigest_merge` merge them.
#[derive(Debug)]
struct Sketched<F: Feed> {
    feed: F,
    merged: Merged<Option<F::Sketch>>,
}

impl<F: Feed> Sketched<F> {
    fn new(feed: F) -> Self {
        Sketched { feed, merged: Merged::default() }
    }
}

impl<F: Feed> Accumulator for Sketched<F> {
    fn update(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.merged.grow(total);
        self.feed.feed(&mut self.merged.sketches, arguments, groups, filter);
        self.merged.measure();
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.merged.update(states, groups, None, total)
    }

    fn state_types(&self) -> Vec<DataType> {
        self.merged.state_types()
    }

    fn state(&mut self, take: usize) -> Result<Vec<ArrayRef>> {
        self.merged.state(take)
    }

    fn result_type(&self) -> DataType {
        self.merged.result_type()
    }

    fn finish(&mut self, take: usize) -> Result<ArrayRef> {
        self.merged.finish(take)
    }

    fn size(&self) -> usize {
        self.merged.size()
    }
}

/// `hll`
#[derive(Debug)]
struct Counted<C> {
    bits: u32,
    coder: PhantomData<C>,
}

impl<C: Coder> Counted<C> {
    fn boxed(bits: u32) -> Box<dyn Accumulator> {
        Box::new(Sketched::new(Counted { bits, coder: PhantomData::<C> }))
    }
}

impl<C: Coder> Feed for Counted<C> {
    type Sketch = Hll;

    fn feed(
        &mut self,
        sketches: &mut [Option<Hll>],
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) {
        let values = C::array(&arguments[0]);
        let rows = chosen_rows(values.logical_nulls(), filter, groups.len());
        let mut codes = Vec::new();
        C::default().codes(values, &rows, &mut codes);
        for (row, code) in rows.iter().zip(codes) {
            sketches[groups[*row as usize]].get_or_insert_with(|| Hll::new(self.bits)).add(code);
        }
    }
}

/// `tdigest`
#[derive(Debug)]
struct Spread {
    scalar_type: ScalarType,
}

impl Feed for Spread {
    type Sketch = Digest;

    fn feed(
        &mut self,
        sketches: &mut [Option<Digest>],
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) {
        let weights = arguments.get(1).map(|weights| match weights.as_primitive_opt::<Int32Type>() {
            Some(ints) => ints.unary::<_, Int64Type>(i64::from),
            None => weights.as_primitive::<Int64Type>().clone(),
        });
        each_valid(&arguments[0], groups, filter, |row, group| {
            // Weights below one are no weights.
            let weight = weights.as_ref().map_or(
                1,
                |weights: &Int64Array| {
                    if weights.is_valid(row) { weights.value(row) } else { 0 }
                },
            );
            let value = Number::of(&value_at(&arguments[0], row, self.scalar_type));
            if let (Some(value), 1..) = (value, weight) {
                sketches[group].get_or_insert_with(|| Digest::new(self.scalar_type)).add(value, weight);
            }
        });
    }
}
