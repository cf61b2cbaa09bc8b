//! What accumulators share: walking rows by group, typed columns, and storage that holds all groups in few buffers.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Float64Array, Int32Array, Int64Array,
    ListArray, StringViewArray, StringViewBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Field, Float64Type, Int32Type, Int64Type, i256};
use hashbrown::HashTable;

use super::FunctionError;
use crate::types::decimal;

/// Result of an accumulator's step.
pub(super) type Result<T> = std::result::Result<T, FunctionError>;

/// Calls `f` with row and group of each row that counts.
#[inline]
pub(super) fn each_row(groups: &[usize], filter: Option<&BooleanArray>, mut f: impl FnMut(usize, usize)) {
    match chosen(filter, None) {
        None => groups.iter().enumerate().for_each(|(row, group)| f(row, *group)),
        Some(chosen) => chosen.set_indices().for_each(|row| f(row, groups[row])),
    }
}

/// Calls `f` with row and group of each row that counts and where `array` is not null.
#[inline]
pub(super) fn each_valid(
    array: &dyn Array,
    groups: &[usize],
    filter: Option<&BooleanArray>,
    mut f: impl FnMut(usize, usize),
) {
    match chosen(filter, array.logical_nulls()) {
        None => groups.iter().enumerate().for_each(|(row, group)| f(row, *group)),
        Some(chosen) => chosen.set_indices().for_each(|row| f(row, groups[row])),
    }
}

/// Calls `f` with group and value of each row that counts and is not null.
#[inline]
pub(super) fn each_value<P: Plain>(
    array: &ArrayRef,
    groups: &[usize],
    filter: Option<&BooleanArray>,
    mut f: impl FnMut(usize, P::Item),
) {
    let values = P::array(array);
    each_valid(values, groups, filter, |row, group| f(group, P::get(values, row)));
}

/// Returns the rows that a filter lets through and that are not null; None stands for all.
pub(super) fn chosen(filter: Option<&BooleanArray>, nulls: Option<NullBuffer>) -> Option<BooleanBuffer> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0).map(NullBuffer::into_inner);
    let filter = filter.map(|filter| match filter.nulls() {
        Some(valid) => filter.values() & valid.inner(),
        None => filter.values().clone(),
    });
    match (filter, nulls) {
        (Some(filter), Some(nulls)) => Some(&filter & &nulls),
        (filter, nulls) => filter.or(nulls),
    }
}

/// Returns the numbers of the rows that count and are not null.
pub(super) fn chosen_rows(nulls: Option<NullBuffer>, filter: Option<&BooleanArray>, rows: usize) -> Vec<u32> {
    match chosen(filter, nulls) {
        None => (0..rows as u32).collect(),
        Some(chosen) => chosen.set_indices().map(|row| row as u32).collect(),
    }
}

/// Removes the first `take` items and returns them.
pub(super) fn front<T>(items: &mut Vec<T>, take: usize) -> Vec<T> {
    if take >= items.len() {
        return std::mem::take(items);
    }
    let rest = items.split_off(take);
    std::mem::replace(items, rest)
}

/// A column whose values fit into a word or two.
pub(super) trait Plain: Debug + Send + Sync + 'static {
    /// The array behind it.
    type Array: Array + 'static;
    /// One value.
    type Item: Copy + Default + PartialOrd + Debug + Send + Sync + 'static;
    /// Finds the array.
    fn array(array: &ArrayRef) -> &Self::Array;
    /// Reads a value that is not null.
    fn get(array: &Self::Array, row: usize) -> Self::Item;
    /// Makes a column.
    fn build(values: Vec<Self::Item>, nulls: Option<NullBuffer>) -> ArrayRef;
    /// Arrow's type.
    fn data_type() -> DataType;
    /// Tells whether it is NaN.
    #[inline]
    fn is_nan(_: Self::Item) -> bool {
        false
    }
}

macro_rules! plain {
    ($(#[$doc:meta])* $name:ident, $array:ty, $item:ty, $arrow:ty, $data_type:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name;
        impl Plain for $name {
            type Array = $array;
            type Item = $item;
            fn array(array: &ArrayRef) -> &$array {
                array.as_primitive::<$arrow>()
            }
            #[inline]
            fn get(array: &$array, row: usize) -> $item {
                array.values()[row]
            }
            fn build(values: Vec<$item>, nulls: Option<NullBuffer>) -> ArrayRef {
                Arc::new(<$array>::new(values.into(), nulls).with_data_type($data_type))
            }
            fn data_type() -> DataType {
                $data_type
            }
            #[inline]
            #[allow(clippy::eq_op)]
            fn is_nan(item: $item) -> bool {
                item != item
            }
        }
    };
}
plain!(
    /// `long`, `datetime`, `timespan`
    Longs, Int64Array, i64, Int64Type, DataType::Int64
);
plain!(
    /// `int`
    Ints, Int32Array, i32, Int32Type, DataType::Int32
);
plain!(
    /// `real`
    Reals, Float64Array, f64, Float64Type, DataType::Float64
);
plain!(
    /// `decimal`
    Decimals, Decimal256Array, i256, Decimal256Type, DataType::Decimal256(decimal::PRECISION, decimal::SCALE)
);
plain!(
    /// Whole numbers beyond 64 bits, such as sums of moments.
    Wholes, Decimal128Array, i128, Decimal128Type, DataType::Decimal128(38, 0)
);

/// `bool`
#[derive(Debug)]
pub(super) struct Bools;

impl Plain for Bools {
    type Array = BooleanArray;
    type Item = bool;
    fn array(array: &ArrayRef) -> &BooleanArray {
        array.as_boolean()
    }
    #[inline]
    fn get(array: &BooleanArray, row: usize) -> bool {
        array.value(row)
    }
    fn build(values: Vec<bool>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(BooleanArray::new(values.into(), nulls))
    }
    fn data_type() -> DataType {
        DataType::Boolean
    }
}

/// Returns the numbers that a dynamic column holds: what is no number is null.
pub(super) fn dynamic_numbers(array: &ArrayRef) -> ArrayRef {
    let texts = array.as_string_view();
    Arc::new(texts.iter().map(|text| text.and_then(json_number)).collect::<Float64Array>())
}

/// Reads a JSON number (or a boolean, which counts as one).
pub(super) fn json_number(text: &str) -> Option<f64> {
    match text.trim_ascii() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        text if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// One text for each group, replaced now and then; all of them in one buffer.
#[derive(Debug, Default)]
pub(super) struct TextSlots {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    /// Bytes that no slot uses any more.
    garbage: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    start: usize,
    len: u32,
    room: u32,
}

impl TextSlots {
    /// Makes slots for so many groups; new ones are empty.
    pub(super) fn grow(&mut self, total: usize) {
        self.slots.resize(total.max(self.slots.len()), Slot::default());
    }

    /// Returns the text of a group.
    #[inline]
    pub(super) fn get(&self, group: usize) -> &[u8] {
        let slot = self.slots[group];
        &self.bytes[slot.start..slot.start + slot.len as usize]
    }

    /// Replaces the text of a group.
    pub(super) fn set(&mut self, group: usize, text: &[u8]) {
        let slot = &mut self.slots[group];
        if text.len() <= slot.room as usize {
            self.bytes[slot.start..slot.start + text.len()].copy_from_slice(text);
            slot.len = text.len() as u32;
            return;
        }
        self.garbage += slot.room as usize;
        *slot = Slot { start: self.bytes.len(), len: text.len() as u32, room: text.len() as u32 };
        self.bytes.extend_from_slice(text);
        if self.garbage > 4096 && self.garbage > self.bytes.len() / 2 {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let mut bytes = Vec::with_capacity(self.bytes.len() - self.garbage);
        for slot in &mut self.slots {
            let text = &self.bytes[slot.start..slot.start + slot.len as usize];
            *slot = Slot { start: bytes.len(), len: slot.len, room: slot.len };
            bytes.extend_from_slice(text);
        }
        self.bytes = bytes;
        self.garbage = 0;
    }

    /// Removes the first slots and returns them as a column; null where `seen` is false and `nulls` are wanted.
    pub(super) fn take(&mut self, take: usize, seen: &[bool], nulls: bool) -> ArrayRef {
        let take = take.min(self.slots.len());
        let mut column = StringViewBuilder::with_capacity(take);
        for (group, seen) in seen.iter().enumerate().take(take) {
            match std::str::from_utf8(self.get(group)) {
                Ok(text) if *seen || !nulls => column.append_value(text),
                _ => column.append_null(),
            }
        }
        self.slots.drain(..take);
        self.compact();
        Arc::new(column.finish())
    }

    /// Returns the bytes held.
    pub(super) fn size(&self) -> usize {
        self.bytes.capacity() + self.slots.capacity() * size_of::<Slot>()
    }
}

/// Different texts, numbered in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Dictionary {
    table: HashTable<Word>,
    text: String,
    ends: Vec<usize>,
    hasher: ahash::RandomState,
    hashes: Vec<u64>,
}

/// Where a text stands; what a lookup compares lies side by side.
#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    len: u32,
    number: u32,
    hash: u64,
}

impl Default for Dictionary {
    fn default() -> Self {
        // Fixed keys: the same input takes the same steps.
        let hasher = ahash::RandomState::with_seeds(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344);
        Dictionary { table: HashTable::new(), text: String::new(), ends: Vec::new(), hasher, hashes: Vec::new() }
    }
}

impl Dictionary {
    /// Returns the number of a text.
    pub(super) fn intern(&mut self, text: &str) -> u64 {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.look_up(text, hash)
    }

    /// Appends the number of each text.
    pub(super) fn intern_all<'t>(&mut self, texts: impl Iterator<Item = &'t str> + Clone, numbers: &mut Vec<u64>) {
        // In two passes: a processor waits for several cells of the table at a time only if little lies between.
        let mut hashes = std::mem::take(&mut self.hashes);
        hashes.clear();
        hashes.extend(texts.clone().map(|text| self.hasher.hash_one(text.as_bytes())));
        numbers.extend(texts.zip(&hashes).map(|(text, hash)| self.look_up(text, *hash)));
        self.hashes = hashes;
    }

    #[inline]
    fn look_up(&mut self, text: &str, hash: u64) -> u64 {
        let known = self.text.as_bytes();
        let same =
            |word: &Word| word.hash == hash && known[word.start..word.start + word.len as usize] == *text.as_bytes();
        if let Some(word) = self.table.find(hash, same) {
            return u64::from(word.number);
        }
        let word = Word { start: self.text.len(), len: text.len() as u32, number: self.ends.len() as u32, hash };
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.table.insert_unique(hash, word, |word| word.hash);
        u64::from(word.number)
    }

    /// Returns the text with this number.
    #[inline]
    pub(super) fn get(&self, number: u64) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.text[start..self.ends[number]]
    }

    /// Returns how many texts there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the bytes held.
    pub(super) fn size(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 8 + self.table.capacity() * (size_of::<Word>() + 1)
    }
}

/// Multiplies to 128 bits and folds.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x2545_f491_4f6c_dd1d) * u128::from(b | 1);
    (product >> 64) as u64 ^ product as u64
}

/// Pairs of a group and a value's code, each once, in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    table: HashTable<Pair>,
    pub(super) codes: Vec<u64>,
    pub(super) groups: Vec<u32>,
    /// How many pairs each group has.
    pub(super) counts: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    code: u64,
    group: u32,
    index: u32,
}

impl Pair {
    #[inline]
    fn hash(&self) -> u64 {
        pair_hash(self.group, self.code)
    }
}

#[inline]
fn pair_hash(group: u32, code: u64) -> u64 {
    mix(code, (u64::from(group) << 1).wrapping_mul(0xd6e8_feb8_6659_fd93))
}

impl Pairs {
    /// Makes room for so many groups.
    pub(super) fn grow(&mut self, total: usize) {
        self.counts.resize(total.max(self.counts.len()), 0);
    }

    /// Adds a pair; returns its index and whether it is new. Groups that have `limit` pairs take no more.
    #[inline]
    pub(super) fn insert(&mut self, group: usize, code: u64, limit: u32) -> Option<(usize, bool)> {
        let group = group as u32;
        let hash = pair_hash(group, code);
        let same = |pair: &Pair| pair.code == code && pair.group == group;
        if let Some(pair) = self.table.find(hash, same) {
            return Some((pair.index as usize, false));
        }
        let count = &mut self.counts[group as usize];
        if *count >= limit {
            return None;
        }
        *count += 1;
        let index = self.codes.len();
        self.codes.push(code);
        self.groups.push(group);
        self.table.insert_unique(hash, Pair { code, group, index: index as u32 }, Pair::hash);
        Some((index, true))
    }

    /// Keeps the pairs for which `keep` gives the new group; others are dropped. `counts` are the caller's to mend.
    pub(super) fn rebuild(&mut self, keep: impl Fn(u32) -> Option<u32>, mut moved: impl FnMut(usize)) {
        let (codes, groups) = (std::mem::take(&mut self.codes), std::mem::take(&mut self.groups));
        self.table.clear();
        for (index, (code, group)) in codes.into_iter().zip(groups).enumerate() {
            if let Some(group) = keep(group) {
                let pair = Pair { code, group, index: self.codes.len() as u32 };
                self.codes.push(code);
                self.groups.push(group);
                self.table.insert_unique(pair.hash(), pair, Pair::hash);
                moved(index);
            }
        }
    }

    /// Forgets the first `take` groups; `moved` gets the old index of each pair that stays, in order.
    pub(super) fn forget(&mut self, take: usize, moved: impl FnMut(usize)) {
        front(&mut self.counts, take);
        if self.counts.is_empty() {
            *self = Pairs::default();
            return;
        }
        self.rebuild(|group| (group as usize >= take).then(|| group - take as u32), moved);
    }

    /// Returns the bytes held.
    pub(super) fn size(&self) -> usize {
        self.codes.capacity() * 8 + (self.groups.capacity() + self.counts.capacity()) * 4 + self.table.capacity() * 17
    }
}

/// Sorts items by group, stably: item `order[i]` for `i` in `starts[g]..starts[g + 1]` belongs to group `g`. Groups from
/// `take` on are left out.
pub(super) struct ByGroup {
    pub(super) order: Vec<u32>,
    pub(super) starts: Vec<u32>,
}

impl ByGroup {
    /// Sorts by counting.
    pub(super) fn new(groups: &[u32], take: usize) -> Self {
        let mut starts = vec![0u32; take + 1];
        for group in groups {
            if (*group as usize) < take {
                starts[*group as usize + 1] += 1;
            }
        }
        for group in 0..take {
            starts[group + 1] += starts[group];
        }
        let mut order = vec![0u32; starts[take] as usize];
        let mut next = starts.clone();
        for (item, group) in groups.iter().enumerate() {
            if (*group as usize) < take {
                let slot = &mut next[*group as usize];
                order[*slot as usize] = item as u32;
                *slot += 1;
            }
        }
        ByGroup { order, starts }
    }

    /// Returns the items of a group.
    pub(super) fn items(&self, group: usize) -> &[u32] {
        &self.order[self.starts[group] as usize..self.starts[group + 1] as usize]
    }

    /// Returns where the items of a group stand in the order.
    pub(super) fn range(&self, group: usize) -> std::ops::Range<usize> {
        self.starts[group] as usize..self.starts[group + 1] as usize
    }

    /// Returns the items of a group to reorder.
    pub(super) fn items_mut(&mut self, group: usize) -> &mut [u32] {
        &mut self.order[self.starts[group] as usize..self.starts[group + 1] as usize]
    }

    /// Makes a list column of values that stand in this order.
    pub(super) fn list(&self, values: ArrayRef) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::new(self.starts.iter().map(|start| *start as i32).collect::<Vec<_>>().into());
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        Ok(Arc::new(ListArray::try_new(field, offsets, values, None).map_err(arrow_error)?))
    }
}

/// Returns the type of a list column.
pub(super) fn list_type(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// Calls `f` with the group and the range of items of each list of a state.
pub(super) fn each_list(lists: &ListArray, groups: &[usize], mut f: impl FnMut(usize, std::ops::Range<usize>)) {
    for (row, group) in groups.iter().enumerate() {
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        if !range.is_empty() {
            f(*group, range);
        }
    }
}

/// Tells that a state grew beyond what Arrow arrays hold.
pub(super) fn arrow_error(error: arrow::error::ArrowError) -> FunctionError {
    FunctionError { code: "AQ501", message: error.to_string(), argument: None }
}

/// Copies the texts that are in use, where most of the bytes that the array keeps alive are not.
pub(super) fn compact_text(array: ArrayRef) -> ArrayRef {
    let Some(texts) = array.as_string_view_opt() else { return array };
    let held: usize = texts.data_buffers().iter().map(|buffer| buffer.len()).sum();
    if held > 4096 && live_bytes(texts) < held / 2 { Arc::new(texts.gc()) } else { array }
}

/// Returns how many bytes of the buffers the views use.
fn live_bytes(texts: &StringViewArray) -> usize {
    texts.views().iter().map(|view| *view as u32 as usize).filter(|len| *len > 12).sum()
}

/// Returns the bytes that an array keeps for itself, shared buffers of texts counted by use.
pub(super) fn array_size(array: &ArrayRef) -> usize {
    match array.as_string_view_opt() {
        Some(texts) => texts.len() * 16 + live_bytes(texts),
        // A slice counts for what it shows, not for what it is cut from.
        None => array.to_data().get_slice_memory_size().unwrap_or(0),
    }
}

/// Evaluates the body with the plain column of a type, or `text` for those kept as text.
macro_rules! by_plain {
    ($scalar_type:expr, $plain:ident => $body:expr, text => $text:expr) => {
        match $scalar_type {
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
                type $plain = super::groups::Longs;
                $body
            }
            ScalarType::Int => {
                type $plain = super::groups::Ints;
                $body
            }
            ScalarType::Real => {
                type $plain = super::groups::Reals;
                $body
            }
            ScalarType::Decimal => {
                type $plain = super::groups::Decimals;
                $body
            }
            ScalarType::Bool => {
                type $plain = super::groups::Bools;
                $body
            }
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => $text,
        }
    };
}
pub(super) use by_plain;
