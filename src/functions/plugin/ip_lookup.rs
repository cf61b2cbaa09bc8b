//! `ipv4_lookup` and `ipv6_lookup`: rows of a table of networks for addresses.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt32Array};
use arrow::row::{OwnedRow, RowConverter, SortField};

use super::rows::{batch, chosen, failed, free_name, unsure};
use super::{BOOL, Columns, Given, Invocation, Parameter, Plugin, Process, Run, Takes};
use crate::functions::FunctionError;
use crate::functions::Kind;
use crate::functions::scalar::address;
use crate::types::arrow::{data_type, schema};
use crate::types::convert::cast;
use crate::types::{Column, ScalarType};

const TABLE: Parameter = Parameter::new("LookupTable", Takes::Table);
const UNMATCHED: Parameter = Parameter::new("return_unmatched", Takes::Literal(BOOL)).optional();

pub(super) static IPV4_LOOKUP: Plugin = Plugin {
    name: "ipv4_lookup",
    summary: "Adds the columns of the networks that an IPv4 address lies in.",
    signatures: &[&[
        TABLE,
        Parameter::new("SourceIPv4Key", Takes::Column(Kind::Any)),
        Parameter::new("IPv4LookupKey", Takes::ColumnOfTable),
        Parameter::new("ExtraKey", Takes::ColumnOfBoth).repeated(0),
        UNMATCHED,
    ]],
    columns: Columns::Closed(ipv4_columns),
    run: Run::Batches(|call, tables| Ok(Box::new(Lookup::new(call, tables, false)))),
    examples: &[
        (
            "print ip = '10.1.2.3' | evaluate ipv4_lookup((print net = '10.0.0.0/8', site = 'lab'), ip, net)",
            "print ip = '10.1.2.3', net = '10.0.0.0/8', site = 'lab'",
        ),
        (
            "print ip = '11.1.2.3' | evaluate ipv4_lookup((print net = '10.0.0.0/8'), ip, net, return_unmatched = true)",
            "print ip = '11.1.2.3', net = ''",
        ),
        ("print ip = '' | evaluate ipv4_lookup((print net = '10.0.0.0/8'), ip, net) | count", "print Count = 0"),
    ],
    page: "ipv4-lookup-plugin",
    unlisted: false,
    ordered: false,
};

pub(super) static IPV6_LOOKUP: Plugin = Plugin {
    name: "ipv6_lookup",
    summary: "Adds the columns of the networks that an IPv6 or IPv4 address lies in.",
    signatures: &[&[
        TABLE,
        Parameter::new("SourceIPv6Key", Takes::Column(Kind::Any)),
        Parameter::new("IPv6LookupKey", Takes::ColumnOfTable),
        UNMATCHED,
    ]],
    columns: Columns::Closed(ipv6_columns),
    run: Run::Batches(|call, tables| Ok(Box::new(Lookup::new(call, tables, true)))),
    examples: &[
        (
            "print ip = 'fe80::5' | evaluate ipv6_lookup((print net = 'fe80::/10', site = 'lab'), ip, net)",
            "print net = 'fe80::/10', site = 'lab', ip = 'fe80::5'",
        ),
        (
            "print ip = 'x' | evaluate ipv6_lookup((print net = 'fe80::/10'), ip, net, return_unmatched = true)",
            "print net = '', ip = 'x'",
        ),
        ("print ip = 'fc00::1' | evaluate ipv6_lookup((print net = 'fe80::/10'), ip, net) | count", "print Count = 0"),
    ],
    page: "ipv6-lookup-plugin",
    unlisted: false,
    ordered: false,
};

/// The columns of the input, then those of the table but for the extra keys; names that stand twice get a number.
fn ipv4_columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    let mut columns = call.input[..call.own].to_vec();
    for place in table_places(call) {
        let column = &call.tables[0][place];
        columns.push(Column::new(free_name(&column.name, &columns), column.scalar_type));
    }
    for (own, other) in extra_keys(call) {
        let (own, other) = (&call.input[own], &call.tables[0][other]);
        if own.scalar_type != other.scalar_type {
            let message =
                format!("the key `{}` is of type {} here and {} there", own.name, own.scalar_type, other.scalar_type);
            return Err(call.error("ExtraKey", "AQ041", message));
        }
    }
    Ok(columns)
}

/// The columns of the table come first (measured).
fn ipv6_columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    let Some(table) = call.tables.first() else { return Ok(call.input[..call.own].to_vec()) };
    let own = &call.input[..call.own];
    if let Some(column) = own.iter().find(|column| table.iter().any(|other| other.name == column.name)) {
        let message =
            format!("both tables have a column `{}`, and how the two are called then is not sure", column.name);
        return Err(call.error("LookupTable", "AQ041", message));
    }
    Ok(table.iter().chain(own).cloned().collect())
}

/// The places of the table's columns that come out.
fn table_places(call: &Invocation) -> Vec<usize> {
    let keys: Vec<usize> = extra_keys(call).into_iter().map(|(_, other)| other).collect();
    let all = 0..call.tables.first().map_or(0, Vec::len);
    all.filter(|place| !keys.contains(place)).collect()
}

/// The places of the extra keys in the input and in the table.
fn extra_keys(call: &Invocation) -> Vec<(usize, usize)> {
    let keys = call.arguments.iter().filter(|argument| argument.parameter == "ExtraKey");
    keys.filter_map(|argument| match argument.value {
        Given::ColumnOfTable(other) => {
            let name = &call.tables.first()?.get(other)?.name;
            Some((call.input[..call.own].iter().position(|column| column.name == *name)?, other))
        }
        _ => None,
    })
    .collect()
}

/// Finds the rows of the table for each row of the input, all of those whose network holds the address.
struct Lookup {
    call: Invocation,
    table: Vec<RecordBatch>,
    six: bool,
    /// Made when the first rows come.
    networks: Option<Networks>,
}

impl Lookup {
    fn new(call: &Invocation, mut tables: Vec<Vec<RecordBatch>>, six: bool) -> Lookup {
        let table = if tables.is_empty() { Vec::new() } else { tables.remove(0) };
        Lookup { call: call.clone(), table, six, networks: None }
    }

    fn column(&self, rows: &RecordBatch, columns: &[Column], place: usize) -> StringViewArray {
        cast(rows.column(place), columns[place].scalar_type, ScalarType::String).as_string_view().clone()
    }
}

/// A table of networks, by the length of their prefixes.
struct Networks {
    rows: RecordBatch,
    by_prefix: Vec<(u8, HashMap<u128, Vec<u32>>)>,
    /// Makes comparable keys of the extra columns.
    keys: Option<(RowConverter, Vec<OwnedRow>)>,
}

impl Networks {
    fn new(lookup: &Lookup) -> Result<Networks, FunctionError> {
        let call = &lookup.call;
        let columns = call.tables.first().cloned().unwrap_or_default();
        let rows = arrow::compute::concat_batches(&schema(&columns), &lookup.table).map_err(failed)?;
        let key = call.arguments.iter().find_map(|argument| match (argument.parameter, &argument.value) {
            ("IPv4LookupKey" | "IPv6LookupKey", Given::ColumnOfTable(place)) => Some(*place),
            _ => None,
        });
        let mut prefixes: HashMap<u8, HashMap<u128, Vec<u32>>> = HashMap::new();
        if let Some(key) = key {
            let texts = lookup.column(&rows, &columns, key);
            for row in 0..texts.len() {
                if let Some((bits, prefix)) = address::of(texts.value(row), lookup.six) {
                    prefixes.entry(prefix).or_default().entry(bits).or_default().push(row as u32);
                }
            }
        }
        let mut by_prefix: Vec<_> = prefixes.into_iter().collect();
        by_prefix.sort_unstable_by_key(|(prefix, _)| *prefix);
        let extra = extra_keys(call);
        let keys = (!extra.is_empty()).then(|| {
            let fields = extra.iter().map(|(own, _)| SortField::new(data_type(call.input[*own].scalar_type)));
            let converter = RowConverter::new(fields.collect()).map_err(failed)?;
            let arrays: Vec<ArrayRef> = extra.iter().map(|(_, other)| rows.column(*other).clone()).collect();
            let keys = converter.convert_columns(&arrays).map_err(failed)?;
            Ok::<_, FunctionError>((converter, keys.iter().map(|key| key.owned()).collect()))
        });
        Ok(Networks { rows, by_prefix, keys: keys.transpose()? })
    }

    /// Adds the rows whose network holds an address, in the order of the table.
    fn find(&self, (bits, prefix): (u128, u8), six: bool, found: &mut Vec<u32>) -> Result<(), FunctionError> {
        for (length, networks) in &self.by_prefix {
            if *length <= prefix {
                found.extend(networks.get(&address::cut(bits, *length, six)).into_iter().flatten());
            } else if networks.keys().any(|inner| address::cut(*inner, prefix, six) == bits) {
                return Err(unsure(
                    "an address to be looked up is a network itself, and the table has a part of it: whether the two match is \
                     not sure",
                ));
            }
        }
        found.sort_unstable();
        Ok(())
    }
}

impl Process for Lookup {
    fn push(&mut self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        if self.networks.is_none() {
            self.networks = Some(Networks::new(self)?);
        }
        let Some(networks) = &self.networks else { return Ok(Vec::new()) };
        let call = &self.call;
        let source = call.place(if self.six { "SourceIPv6Key" } else { "SourceIPv4Key" });
        let texts = self.column(rows, &call.input, source);
        let unmatched = call.flag("return_unmatched");
        let keys = match &networks.keys {
            None => None,
            Some((converter, keys)) => {
                let own: Vec<ArrayRef> = extra_keys(call).iter().map(|(own, _)| rows.column(*own).clone()).collect();
                Some((converter.convert_columns(&own).map_err(failed)?, keys))
            }
        };
        let (mut left, mut right): (Vec<u32>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for row in 0..rows.num_rows() {
            found.clear();
            if let Some(address) = address::of(texts.value(row), self.six) {
                networks.find(address, self.six, &mut found)?;
            }
            if let Some((own, others)) = &keys {
                found.retain(|other| own.row(row) == others[*other as usize].row());
            }
            left.extend(std::iter::repeat_n(row as u32, found.len()));
            right.extend(found.iter().map(|other| Some(*other)));
            if found.is_empty() && unmatched {
                left.push(row as u32);
                right.push(None);
            }
        }
        let (left, right) = (UInt32Array::from(left), UInt32Array::from(right));
        let own = (0..call.own).map(|place| chosen(rows.column(place), &left)).collect::<Result<Vec<_>, _>>()?;
        let other = table_places(call).into_iter().map(|place| {
            let array = chosen(networks.rows.column(place), &right)?;
            Ok(if call.tables[0][place].scalar_type == ScalarType::String { filled(&array) } else { array })
        });
        let other = other.collect::<Result<Vec<ArrayRef>, FunctionError>>()?;
        let arrays = if self.six { [other, own].concat() } else { [own, other].concat() };
        Ok(vec![batch(&call.columns, arrays, left.len())?])
    }

    fn size(&self) -> usize {
        let keys = self.networks.as_ref().map_or(0, |networks| networks.rows.num_rows() * 64);
        self.table.iter().map(RecordBatch::get_array_memory_size).sum::<usize>() + keys
    }
}

/// Strings are never null.
fn filled(array: &ArrayRef) -> ArrayRef {
    if array.null_count() == 0 {
        return array.clone();
    }
    Arc::new(array.as_string_view().iter().map(|text| Some(text.unwrap_or(""))).collect::<StringViewArray>())
}
