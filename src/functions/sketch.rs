//! Sketches: what `hll` and `tdigest` give, and what reads them.
//!
//! A sketch is a dynamic. Its form is alertq's own, for Kusto's is not documented; [`holds_sketch`] finds it in other
//! values, so that no result shows one.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value as Json, json};

use super::FunctionError;
use crate::types::{ScalarType, Value};

const HLL: &str = "{\"$hll\":";
const TDIGEST: &str = "{\"$tdigest\":";

/// Tells whether a value is a sketch, or a list, a bag or a text that has one within.
///
/// ```
/// use alertq::functions::sketch::holds_sketch;
/// assert!(holds_sketch(r#"[{"$hll":1}]"#) && holds_sketch(r#"{"a":"{\"$hll\":1}"}"#));
/// assert!(!holds_sketch(r#"{"hll":"$hll"}"#));
/// ```
pub fn holds_sketch(text: &str) -> bool {
    // Within a text in JSON the quotes are escaped.
    [HLL, TDIGEST].iter().any(|form| text.contains(form) || text.contains(&form.replace('"', "\\\"")))
}

/// Tells whether a value is a sketch itself.
pub fn is_sketch(text: &str) -> bool {
    [HLL, TDIGEST].iter().any(|form| text.starts_with(form))
}

/// Why a sketch is not shown, and what to do with it.
pub const HIDDEN: &str = "a sketch of hll() or tdigest(), whose form is Kusto's own: read it with dcount_hll(), \
                          percentile_tdigest() or rank_tdigest()";

/// Refuses to compute on the form of a sketch.
pub fn hidden(argument: Option<usize>) -> FunctionError {
    FunctionError { code: "AQ001", message: format!("this would look into {HIDDEN}"), argument }
}

/// Tells whether a function reads sketches, or hands them on as they are.
pub fn takes_sketches(function: &str) -> bool {
    const TAKES: &[&str] = &[
        "array_concat",
        "array_length",
        "array_reverse",
        "array_slice",
        "bag_merge",
        "bag_pack",
        "case",
        "coalesce",
        "dcount_hll",
        "dcount_intersect",
        "hll_merge",
        "iff",
        "isnotnull",
        "isnull",
        "pack_array",
        "percentile_tdigest",
        "percentiles_array_tdigest",
        "percentrank_tdigest",
        "rank_tdigest",
        "tdigest_merge",
    ];
    TAKES.contains(&function)
}

/// The aggregates that give sketches.
pub const SKETCHES: [&str; 4] = ["hll", "hll_merge", "tdigest", "tdigest_merge"];

/// A HyperLogLog: hashes one by one up to so many, then registers.
#[derive(Debug, Clone, PartialEq)]
pub struct Hll {
    /// The logarithm of the number of registers.
    pub bits: u32,
    pub seen: Seen,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Hashes(HashSet<u64, ahash::RandomState>),
    Registers(Box<[u8]>),
}

/// So many values are counted exactly.
pub const EXACT: usize = 1 << 14;

impl Hll {
    /// Makes one that has seen nothing.
    pub fn new(bits: u32) -> Self {
        Hll { bits, seen: Seen::Hashes(HashSet::default()) }
    }

    /// Adds the hash of a value.
    pub fn add(&mut self, hash: u64) {
        match &mut self.seen {
            Seen::Registers(registers) => register(registers, self.bits, hash),
            Seen::Hashes(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    let mut registers: Box<[u8]> = vec![0; 1 << self.bits].into();
                    hashes.iter().for_each(|hash| register(&mut registers, self.bits, *hash));
                    self.seen = Seen::Registers(registers);
                }
            }
        }
    }

    /// Adds what another one has seen; None where their accuracies differ.
    pub fn merge(&mut self, other: &Hll) -> Option<()> {
        if self.bits != other.bits {
            return None;
        }
        match (&mut self.seen, &other.seen) {
            (_, Seen::Hashes(hashes)) => hashes.iter().for_each(|hash| self.add(*hash)),
            (Seen::Registers(own), Seen::Registers(more)) => {
                own.iter_mut().zip(more).for_each(|(own, more)| *own = (*own).max(*more));
            }
            (Seen::Hashes(hashes), Seen::Registers(more)) => {
                let mut registers = more.clone();
                hashes.iter().for_each(|hash| register(&mut registers, self.bits, *hash));
                self.seen = Seen::Registers(registers);
            }
        }
        Some(())
    }

    /// Counts the different values.
    pub fn count(&self) -> i64 {
        match &self.seen {
            Seen::Hashes(hashes) => hashes.len() as i64,
            Seen::Registers(registers) => cardinality(registers, self.bits),
        }
    }

    /// Returns the bytes held.
    pub fn size(&self) -> usize {
        match &self.seen {
            Seen::Hashes(hashes) => hashes.capacity() * 9,
            Seen::Registers(registers) => registers.len(),
        }
    }

    /// Writes it as a dynamic.
    pub fn text(&self) -> String {
        match &self.seen {
            Seen::Hashes(hashes) => {
                let mut sorted: Vec<&u64> = hashes.iter().collect();
                sorted.sort_unstable();
                json!({"$hll": self.bits, "hashes": sorted}).to_string()
            }
            Seen::Registers(registers) => {
                json!({"$hll": self.bits, "registers": STANDARD_NO_PAD.encode(registers)}).to_string()
            }
        }
    }

    /// Reads what [`Self::text`] wrote.
    pub fn read(text: &str) -> Option<Hll> {
        if !text.starts_with(HLL) {
            return None;
        }
        let json: Json = serde_json::from_str(text).ok()?;
        let bits = u32::try_from(json["$hll"].as_u64()?).ok().filter(|bits| (4..=18).contains(bits))?;
        if let Some(hashes) = json["hashes"].as_array() {
            let hashes = hashes.iter().map(Json::as_u64).collect::<Option<_>>()?;
            return Some(Hll { bits, seen: Seen::Hashes(hashes) });
        }
        let registers = STANDARD_NO_PAD.decode(json["registers"].as_str()?).ok()?;
        (registers.len() == 1 << bits).then(|| Hll { bits, seen: Seen::Registers(registers.into()) })
    }
}

/// Spreads a word over all its bits, one to one.
#[inline]
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Adds a value's word to registers.
#[inline]
pub fn register(registers: &mut [u8], bits: u32, word: u64) {
    let hash = scramble(word);
    let index = (hash >> (64 - bits)) as usize;
    let zeros = ((hash << bits) | (1 << (bits - 1))).leading_zeros() as u8 + 1;
    let register = &mut registers[index];
    *register = (*register).max(zeros);
}

/// Estimates a cardinality by Ertl's improved raw estimator, which needs no correction at either end.
pub fn cardinality(registers: &[u8], bits: u32) -> i64 {
    let q = (64 - bits) as usize;
    let mut counts = vec![0u32; q + 2];
    for register in registers {
        counts[(*register as usize).min(q + 1)] += 1;
    }
    let m = registers.len() as f64;
    let mut z = m * tau(1.0 - f64::from(counts[q + 1]) / m);
    for count in counts[1..=q].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(counts[0]) / m);
    (m * m / (2.0 * std::f64::consts::LN_2) / z).round() as i64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The accuracies of `dcount` and `hll`, documented as errors of 1.6, 0.8, 0.4, 0.28 and 0.2 percent, as logarithms of
/// the number of registers.
pub const ACCURACY_BITS: [u32; 5] = [12, 14, 16, 17, 18];

/// Values with their weights, in order: each value by itself up to so many, then neighbours together.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    pub scalar_type: ScalarType,
    pairs: Vec<(Number, i64)>,
    /// How many of the pairs are in order and different.
    sorted: usize,
}

/// A value: exact where its type is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Long(i64),
    Real(f64),
}

/// So many different values are kept one by one.
const MOST_PAIRS: usize = 1 << 13;

/// How finely neighbours are put together.
const COMPRESSION: f64 = 4000.0;

impl Number {
    fn order(self, other: Number) -> std::cmp::Ordering {
        match (self, other) {
            (Number::Long(a), Number::Long(b)) => a.cmp(&b),
            (a, b) => a.real().total_cmp(&b.real()),
        }
    }

    fn real(self) -> f64 {
        match self {
            Number::Long(v) => v as f64,
            Number::Real(v) => v + 0.0,
        }
    }

    /// Returns a value as a number.
    pub fn of(value: &Value) -> Option<Number> {
        Some(match value {
            Value::Int(v) => Number::Long(i64::from(*v)),
            Value::Long(v) | Value::DateTime(v) | Value::TimeSpan(v) => Number::Long(*v),
            Value::Real(v) => Number::Real(*v),
            _ => return None,
        })
    }
}

impl Digest {
    /// Makes one without values.
    pub fn new(scalar_type: ScalarType) -> Self {
        Digest { scalar_type, pairs: Vec::new(), sorted: 0 }
    }

    /// Tells whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds a value so many times.
    pub fn add(&mut self, value: Number, weight: i64) {
        self.pairs.push((value, weight));
        if self.pairs.len() >= (2 * self.sorted).max(2 * MOST_PAIRS) {
            self.settle();
        }
    }

    /// Adds the values of another one; None where their types differ.
    pub fn merge(&mut self, other: &Digest) -> Option<()> {
        if self.scalar_type != other.scalar_type {
            return None;
        }
        other.pairs.iter().for_each(|(value, weight)| self.add(*value, *weight));
        Some(())
    }

    /// Returns the bytes held.
    pub fn size(&self) -> usize {
        self.pairs.capacity() * size_of::<(Number, i64)>()
    }

    /// Puts the values in order, equal ones together, and neighbours where there are too many.
    fn settle(&mut self) {
        self.pairs.sort_by(|a, b| a.0.order(b.0));
        self.pairs.dedup_by(|next, kept| {
            let equal = next.0.order(kept.0).is_eq();
            if equal {
                kept.1 = kept.1.saturating_add(next.1);
            }
            equal
        });
        if self.pairs.len() > MOST_PAIRS {
            self.pairs = together(&self.pairs);
        }
        self.sorted = self.pairs.len();
    }

    fn settled(&self) -> Digest {
        let mut settled = self.clone();
        settled.settle();
        settled
    }

    fn weight(&self) -> i64 {
        self.pairs.iter().fold(0, |sum, (_, weight)| sum.saturating_add(*weight))
    }

    /// Returns the value of the nearest rank, as `percentile` has it.
    pub fn percentile(&self, percent: f64) -> Option<Value> {
        let digest = self.settled();
        let all = digest.weight();
        let rank = ((percent * all as f64 / 100.0 - 1e-9).ceil() as i64).clamp(1, all.max(1));
        let mut seen = 0i64;
        let reached = digest.pairs.iter().find(|(_, weight)| {
            seen = seen.saturating_add(*weight);
            seen >= rank
        });
        reached.map(|(value, _)| digest.value(*value))
    }

    /// Counts the values that are no larger than this one.
    pub fn rank(&self, value: Number) -> f64 {
        let below = self.pairs.iter().filter(|(own, _)| own.order(value).is_le());
        below.map(|(_, weight)| *weight as f64).sum()
    }

    /// Counts the values.
    pub fn count(&self) -> f64 {
        self.weight() as f64
    }

    fn value(&self, number: Number) -> Value {
        match (self.scalar_type, number) {
            (ScalarType::DateTime, Number::Long(v)) => Value::DateTime(v),
            (ScalarType::TimeSpan, Number::Long(v)) => Value::TimeSpan(v),
            (_, Number::Long(v)) => Value::Long(v),
            (_, Number::Real(v)) => Value::Real(v),
        }
    }

    /// Writes it as a dynamic.
    pub fn text(&self) -> String {
        let settled = self.settled();
        let weights: Vec<i64> = settled.pairs.iter().map(|(_, weight)| *weight).collect();
        // Reals by their bits: what JSON has no number for must come back too.
        let values: Vec<Json> = settled
            .pairs
            .iter()
            .map(|(value, _)| match value {
                Number::Long(v) => json!(v),
                Number::Real(v) => json!(v.to_bits()),
            })
            .collect();
        json!({"$tdigest": settled.scalar_type.name(), "values": values, "weights": weights}).to_string()
    }

    /// Reads what [`Self::text`] wrote.
    pub fn read(text: &str) -> Option<Digest> {
        if !text.starts_with(TDIGEST) {
            return None;
        }
        let json: Json = serde_json::from_str(text).ok()?;
        let scalar_type = ScalarType::from_name(json["$tdigest"].as_str()?)?;
        let number = |value: &Json| match scalar_type {
            ScalarType::Real => value.as_u64().map(|bits| Number::Real(f64::from_bits(bits))),
            _ => value.as_i64().map(Number::Long),
        };
        let weights = json["weights"].as_array()?.iter().map(Json::as_i64);
        let pairs = json["values"].as_array()?.iter().map(number).zip(weights);
        let pairs: Vec<(Number, i64)> = pairs.map(|(value, weight)| Some((value?, weight?))).collect::<Option<_>>()?;
        let sorted = pairs.len();
        Some(Digest { scalar_type, pairs, sorted })
    }
}

/// Puts neighbours together, the finer the nearer they lie to an end.
fn together(pairs: &[(Number, i64)]) -> Vec<(Number, i64)> {
    let all: f64 = pairs.iter().map(|(_, weight)| *weight as f64).sum();
    let mut kept: Vec<(Number, i64)> = Vec::with_capacity(MOST_PAIRS);
    let mut before = 0.0;
    for (value, weight) in pairs {
        if let Some((own, sum)) = kept.last_mut() {
            let merged = *sum as f64 + *weight as f64;
            let middle = (before + merged / 2.0) / all;
            if merged <= (4.0 * all * middle * (1.0 - middle) / COMPRESSION).max(1.0) {
                let share = *weight as f64 / merged;
                *own = match (*own, *value) {
                    (Number::Long(a), Number::Long(b)) => Number::Long(a + ((b - a) as f64 * share).round() as i64),
                    (a, b) => Number::Real(a.real() + (b.real() - a.real()) * share),
                };
                *sum = sum.saturating_add(*weight);
                continue;
            }
            before += *sum as f64;
        }
        kept.push((*value, *weight));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut few = Hll::new(14);
        (0..100).for_each(|value| few.add(value));
        assert_eq!(Hll::read(&few.text()), Some(few.clone()));
        let mut many = Hll::new(12);
        (0..100_000).for_each(|value| many.add(value));
        assert_eq!(Hll::read(&many.text()), Some(many.clone()));
        assert!((many.count() as f64 / 100_000.0 - 1.0).abs() < 0.05, "{}", many.count());
        assert_eq!(few.merge(&many), None);

        let mut digest = Digest::new(ScalarType::Real);
        [1.5, f64::NAN, f64::INFINITY, -0.5].iter().for_each(|value| digest.add(Number::Real(*value), 1));
        let read = Digest::read(&digest.text()).map(|read| read.text());
        assert_eq!(read, Some(digest.text()));
        assert!(
            Hll::read("{}").is_none() && Digest::read("[1]").is_none() && Digest::read("{\"$tdigest\":1}").is_none()
        );
    }

    #[test]
    fn few_values_have_exact_ranks() {
        let mut digest = Digest::new(ScalarType::Long);
        (1..=1000).rev().for_each(|value| digest.add(Number::Long(value), 1));
        assert_eq!(digest.rank(Number::Long(685)), 685.0);
        assert_eq!(digest.percentile(50.0), Some(Value::Long(500)));
        assert_eq!(digest.percentile(99.95), Some(Value::Long(1000)));
    }

    #[test]
    fn many_values_have_near_ranks() {
        let mut digest = Digest::new(ScalarType::Long);
        (0..200_000).for_each(|value| digest.add(Number::Long((value * 7919) % 200_000), 1));
        for percent in [1.0, 25.0, 50.0, 99.0] {
            let Some(Value::Long(found)) = digest.percentile(percent) else { panic!() };
            assert!((found as f64 / 2000.0 - percent).abs() < 0.1, "{percent}: {found}");
        }
        assert!(Digest::read(&digest.text()).is_some_and(|read| read.size() < 1 << 20));
    }
}
