//! Cells of Google's S2 grid.

use s2::cell::Cell;
use s2::cellid::CellID;

use super::super::rows::{Column, DYNAMIC, STRING, function, json, overload, string, text};
use super::arguments::{Default, Places, number};
use super::geojson::{write_point, write_polygon};
use super::neighbors::{self, write_list};
use super::sphere::Point;
use crate::functions::lift::{Reader, Text};
use crate::functions::{Call, Function, Naming};

/// Functions of S2 cells.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_point_to_s2cell",
        "Gives the S2 cell of a point, at a level from 0 to 30.",
        "geo-point-to-s2cell-function",
        Naming::None,
        [overload!((number("longitude"), number("latitude"), number("level").optional()) -> STRING, to_s2cell)],
        [
            ("geo_point_to_s2cell(24.94, 60.17)", "'46920bc'"),
            ("geo_point_to_s2cell(24.94, 60.17, 0)", "'5'"),
            ("geo_point_to_s2cell(1, 1, 35)", "''"),
            ("geo_point_to_s2cell(300, 1, 8)", "''")
        ]
    ),
    function!(
        "geo_s2cell_to_central_point",
        "Gives the centre of an S2 cell, as a point of GeoJSON.",
        "geo-s2cell-to-central-point-function",
        Naming::None,
        [overload!((string("s2cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            write_point(Point::from(s2::point::Point::from(cell)).to_degrees(), out);
            Some(())
        }))],
        [
            ("tostring(geo_s2cell_to_central_point('1'))", "'{\"type\":\"Point\",\"coordinates\":[0.0,0.0]}'"),
            ("isnull(geo_s2cell_to_central_point('a'))", "true"),
            ("isnull(geo_s2cell_to_central_point(''))", "true")
        ]
    ),
    function!(
        "geo_s2cell_to_polygon",
        "Gives the border of an S2 cell, as a polygon of GeoJSON.",
        "geo-s2cell-to-polygon-function",
        Naming::None,
        [overload!((string("s2cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            let mut border: Vec<(f64, f64)> = corners(cell).map(Point::to_degrees).to_vec();
            border.push(border[0]);
            write_polygon([border], out);
            Some(())
        }))],
        [
            ("array_length(geo_s2cell_to_polygon('46920b4').coordinates[0])", "5"),
            ("tostring(geo_s2cell_to_polygon('1').coordinates[0][0])", "'[-45.0,-35.264389682754657]'"),
            ("isnull(geo_s2cell_to_polygon('a'))", "true")
        ]
    ),
    function!(
        "geo_s2cell_neighbors",
        "Gives the S2 cells around one.",
        "geo-s2cell-neighbors-function",
        Naming::None,
        [overload!((string("s2cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            let around = cell.all_neighbors(cell.level()).into_iter().map(|cell| cell.to_token());
            write_list(&neighbors::in_engine_order(around.collect(), neighbors::CELL_BUCKETS), out);
            Some(())
        }))],
        [
            ("array_length(geo_s2cell_neighbors('46920bc'))", "8"),
            ("set_has_element(geo_s2cell_neighbors('46920bc'), '46920b4')", "true"),
            ("isnull(geo_s2cell_neighbors('a'))", "true")
        ]
    ),
];

/// Returns the corners of a cell, counterclockwise.
pub(super) fn corners(cell: CellID) -> [Point; 4] {
    Cell::from(cell).vertices().map(Point::from)
}

/// Reads a cell's token.
fn parse(token: &str) -> Option<CellID> {
    if token.is_empty() || token.len() > 16 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(CellID::from_token(token)).filter(CellID::is_valid)
}

fn to_s2cell(call: &Call) -> Column {
    let (places, levels) = (Places::new(call, 0), Default::new(call, 2, 11.0));
    text(call, |row, out| {
        if let (Some((longitude, latitude)), Some(level)) = (places.get(row), levels.whole(row, 0..=30)) {
            let point = s2::point::Point::from(Point::from_degrees(longitude, latitude));
            out.push_str(&CellID::from(point).parent(u64::from(level)).to_token());
        }
    })
}

fn of_cell(call: &Call, write: impl Fn(CellID, &mut String) -> Option<()>) -> Column {
    let cells = Reader::<Text>::new(call, 0);
    json(call, |row, out| write(parse(cells.get(row)?)?, out))
}
