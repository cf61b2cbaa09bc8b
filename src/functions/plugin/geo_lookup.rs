//! `geo_line_lookup` and `geo_polygon_lookup`: rows of a table of shapes for places.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringViewArray, UInt32Array};
use arrow::datatypes::Float64Type;

use super::rows::{batch, chosen, failed, free_name};
use super::{BOOL, Columns, Given, Invocation, Parameter, Plugin, Process, Run, Takes};
use crate::functions::scalar::geo::Shape;
use crate::functions::{FunctionError, Kind};
use crate::types::arrow::schema;
use crate::types::convert::cast;
use crate::types::{Column, ScalarType, Value};

const TABLE: Parameter = Parameter::new("LookupTable", Takes::Table);
const LONGITUDE: Parameter = Parameter::new("SourceLongitude", Takes::Column(Kind::Any));
const LATITUDE: Parameter = Parameter::new("SourceLatitude", Takes::Column(Kind::Any));
const RADIUS: Parameter = Parameter::new("radius", Takes::Literal(Kind::Number));
const UNMATCHED: Parameter = Parameter::new("return_unmatched", Takes::Literal(BOOL)).optional();
/// A hint for the service's way to join, without effect on what comes out.
const AREA: Parameter = Parameter::new("lookup_area_radius", Takes::Literal(Kind::Number)).optional();
const WITH_KEY: Parameter = Parameter::new("return_lookup_key", Takes::Literal(BOOL)).optional();

pub(super) static GEO_LINE_LOOKUP: Plugin = Plugin {
    name: "geo_line_lookup",
    summary: "Adds the columns of the lines that a place is within a radius of.",
    signatures: &[&[
        TABLE,
        Parameter::new("LookupLineKey", Takes::ColumnOfTable),
        LONGITUDE,
        LATITUDE,
        RADIUS,
        UNMATCHED,
        AREA,
        WITH_KEY,
    ]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, tables| Ok(Box::new(Lookup::new(call, tables, Shape::read_line)?))),
    examples: &[
        (
            "print lng = 0.5, lat = 0.001 | evaluate geo_line_lookup((print road = dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), name = 'equator'), road, lng, lat, 200)",
            "print lng = 0.5, lat = 0.001, name = 'equator'",
        ),
        (
            "print lng = 0.5, lat = 1.0 | evaluate geo_line_lookup((print road = dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), name = 'equator'), road, lng, lat, 200, return_unmatched = true)",
            "print lng = 0.5, lat = 1.0, name = ''",
        ),
        (
            "print lng = 200.0, lat = 0.0 | evaluate geo_line_lookup((print road = dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]})), road, lng, lat, 200) | count",
            "print Count = 0",
        ),
    ],
    page: "geo-line-lookup-plugin",
    unlisted: false,
    ordered: false,
};

pub(super) static GEO_POLYGON_LOOKUP: Plugin = Plugin {
    name: "geo_polygon_lookup",
    summary: "Adds the columns of the polygons that a place lies in, or is within a radius of.",
    signatures: &[&[
        TABLE,
        Parameter::new("LookupPolygonKey", Takes::ColumnOfTable),
        LONGITUDE,
        LATITUDE,
        RADIUS.optional(),
        UNMATCHED,
        AREA,
        WITH_KEY,
    ]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, tables| Ok(Box::new(Lookup::new(call, tables, Shape::read_polygon)?))),
    examples: &[
        (
            "print lng = 2.0, lat = 1.0 | evaluate geo_polygon_lookup((print area = dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}), name = 'gulf'), area, lng, lat)",
            "print lng = 2.0, lat = 1.0, name = 'gulf'",
        ),
        (
            "print lng = 2.0, lat = -0.001 | evaluate geo_polygon_lookup((print area = dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}), name = 'gulf'), area, lng, lat, radius = 200)",
            "print lng = 2.0, lat = -0.001, name = 'gulf'",
        ),
        (
            "print lng = 1.0, lat = 2.0 | evaluate geo_polygon_lookup((print area = dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]})), area, lng, lat) | count",
            "print Count = 0",
        ),
    ],
    page: "geo-polygon-lookup-plugin",
    unlisted: false,
    ordered: false,
};

/// The place of the column with the shapes in the table.
fn key(call: &Invocation) -> Option<usize> {
    call.arguments.iter().find_map(|argument| match (argument.parameter, &argument.value) {
        ("LookupLineKey" | "LookupPolygonKey", Given::ColumnOfTable(place)) => Some(*place),
        _ => None,
    })
}

/// The columns of the input, then those of the table, the shapes only if they are asked for.
fn columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    let mut columns = call.input[..call.own].to_vec();
    let Some(table) = call.tables.first() else { return Ok(columns) };
    if let Some(place) = key(call).filter(|place| table[*place].scalar_type != ScalarType::Dynamic) {
        let message =
            format!("`{}` is of type {}, and shapes are dynamic", table[place].name, table[place].scalar_type);
        let parameter = call.plugin.signatures[0][1].name;
        return Err(call.error(parameter, "KS235", message));
    }
    for place in table_places(call) {
        columns.push(Column::new(free_name(&table[place].name, &columns), table[place].scalar_type));
    }
    Ok(columns)
}

/// The places of the table's columns that come out.
fn table_places(call: &Invocation) -> Vec<usize> {
    let hidden = key(call).filter(|_| !call.flag("return_lookup_key"));
    let all = 0..call.tables.first().map_or(0, Vec::len);
    all.filter(|place| Some(*place) != hidden).collect()
}

/// Finds the rows of the table for each row of the input, all of those whose shape is at its place.
struct Lookup {
    call: Invocation,
    rows: RecordBatch,
    /// The valid shapes and their rows.
    shapes: Vec<(u32, Shape)>,
    radius: Option<f64>,
}

impl Lookup {
    fn new(
        call: &Invocation,
        mut tables: Vec<Vec<RecordBatch>>,
        read: fn(&str) -> Option<Shape>,
    ) -> Result<Lookup, FunctionError> {
        let table = if tables.is_empty() { Vec::new() } else { tables.remove(0) };
        let columns = call.tables.first().cloned().unwrap_or_default();
        let rows = arrow::compute::concat_batches(&schema(&columns), &table).map_err(failed)?;
        let mut shapes = Vec::new();
        if let Some(key) = key(call) {
            let texts = rows.column(key).as_string_view();
            let valid = texts.iter().enumerate().filter_map(|(row, text)| Some((row as u32, read(text?)?)));
            shapes.extend(valid);
        }
        let radius = match call.constant("radius") {
            Some(Value::Real(radius)) => Some(*radius),
            Some(Value::Long(radius)) => Some(*radius as f64),
            Some(Value::Int(radius)) => Some(f64::from(*radius)),
            _ => None,
        };
        Ok(Lookup { call: call.clone(), rows, shapes, radius })
    }

    fn numbers(&self, rows: &RecordBatch, parameter: &str) -> Float64Array {
        let place = self.call.place(parameter);
        let column = cast(rows.column(place), self.call.input[place].scalar_type, ScalarType::Real);
        column.as_primitive::<Float64Type>().clone()
    }
}

impl Process for Lookup {
    fn push(&mut self, rows: &RecordBatch) -> Result<Vec<RecordBatch>, FunctionError> {
        let call = &self.call;
        let (longitudes, latitudes) = (self.numbers(rows, "SourceLongitude"), self.numbers(rows, "SourceLatitude"));
        let unmatched = call.flag("return_unmatched");
        let (mut left, mut right): (Vec<u32>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
        for row in 0..rows.num_rows() {
            let start = right.len();
            if longitudes.is_valid(row) && latitudes.is_valid(row) {
                let place = (longitudes.value(row), latitudes.value(row));
                let found = self.shapes.iter().filter(|(_, shape)| shape.is_at(place, self.radius));
                right.extend(found.map(|(other, _)| Some(*other)));
            }
            if right.len() == start && unmatched {
                right.push(None);
            }
            left.extend(std::iter::repeat_n(row as u32, right.len() - start));
        }
        let (left, right) = (UInt32Array::from(left), UInt32Array::from(right));
        let mut arrays = (0..call.own).map(|place| chosen(rows.column(place), &left)).collect::<Result<Vec<_>, _>>()?;
        for place in table_places(call) {
            let array = chosen(self.rows.column(place), &right)?;
            let is_string = call.tables[0][place].scalar_type == ScalarType::String;
            arrays.push(if is_string { filled(&array) } else { array });
        }
        Ok(vec![batch(&call.columns, arrays, left.len())?])
    }

    fn size(&self) -> usize {
        self.rows.get_array_memory_size() + self.shapes.iter().map(|(_, shape)| shape.size()).sum::<usize>()
    }
}

/// Strings are never null.
fn filled(array: &ArrayRef) -> ArrayRef {
    Arc::new(array.as_string_view().iter().map(|text| Some(text.unwrap_or(""))).collect::<StringViewArray>())
}
