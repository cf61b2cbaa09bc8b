//! Cells of Uber's H3 grid.

use h3o::{CellIndex, LatLng, Resolution};

use super::super::rows::{Column, DYNAMIC, Numbers, STRING, function, json, overload, string, text};
use super::arguments::{Default, Places, number};
use super::geojson::{write_point, write_polygon};
use super::neighbors::{self, write_list};
use crate::functions::lift::{Int, Reader, Text, lift1};
use crate::functions::{Call, Function, Naming, Returns};
use crate::types::ScalarType;

const INT: Returns = Returns::Type(ScalarType::Int);

/// The most steps by which children are finer.
const MAX_CHILD_STEPS: u8 = 5;
/// The most rings around a cell.
const MAX_RINGS: u8 = 142;

/// Functions of H3 cells.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_point_to_h3cell",
        "Gives the H3 cell of a point, at a resolution from 0 to 15.",
        "geo-point-to-h3cell-function",
        Naming::None,
        [overload!((number("longitude"), number("latitude"), number("resolution").optional()) -> STRING, to_h3cell)],
        [
            ("geo_point_to_h3cell(24.94, 60.17)", "'861126d37ffffff'"),
            ("geo_point_to_h3cell(24.94, 60.17, 0)", "'8009fffffffffff'"),
            ("geo_point_to_h3cell(1, 1, 16)", "''"),
            ("geo_point_to_h3cell(300, 1, 8)", "''")
        ]
    ),
    function!(
        "geo_h3cell_to_central_point",
        "Gives the centre of an H3 cell, as a point of GeoJSON.",
        "geo-h3cell-to-central-point-function",
        Naming::None,
        [overload!((string("h3cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            let centre = LatLng::from(cell);
            write_point((centre.lng(), centre.lat()), out);
            Some(())
        }))],
        [
            ("round(toreal(geo_h3cell_to_central_point('8009fffffffffff').coordinates[1]), 6)", "64.7"),
            ("isnull(geo_h3cell_to_central_point('1'))", "true"),
            ("isnull(geo_h3cell_to_central_point(''))", "true")
        ]
    ),
    function!(
        "geo_h3cell_to_polygon",
        "Gives the border of an H3 cell, as a polygon of GeoJSON.",
        "geo-h3cell-to-polygon-function",
        Naming::None,
        [overload!((string("h3cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            let mut border: Vec<(f64, f64)> = cell.boundary().iter().map(|place| (place.lng(), place.lat())).collect();
            border.extend(border.first().copied());
            write_polygon([border], out);
            Some(())
        }))],
        [
            ("array_length(geo_h3cell_to_polygon('861126d37ffffff').coordinates[0])", "7"),
            ("isnull(geo_h3cell_to_polygon('@'))", "true"),
            ("isnull(geo_h3cell_to_polygon(''))", "true")
        ]
    ),
    function!(
        "geo_h3cell_neighbors",
        "Gives the H3 cells around one.",
        "geo-h3cell-neighbors-function",
        Naming::None,
        [overload!((string("h3cell")) -> DYNAMIC, |call| of_cell(call, |cell, out| {
            let around = cell.grid_disk::<Vec<_>>(1).into_iter().filter(|other| *other != cell).map(token);
            write_list(&neighbors::in_engine_order(around.collect(), neighbors::HEXAGON_BUCKETS), out);
            Some(())
        }))],
        [
            ("array_length(geo_h3cell_neighbors('861126d37ffffff'))", "6"),
            ("array_length(geo_h3cell_neighbors('8009fffffffffff'))", "5"),
            ("isnull(geo_h3cell_neighbors('abc'))", "true")
        ]
    ),
    function!(
        "geo_h3cell_rings",
        "Gives the H3 cells around one ring by ring, itself first.",
        "geo-h3cell-rings-function",
        Naming::None,
        [overload!((string("h3cell"), number("distance")) -> DYNAMIC, rings)],
        [
            ("tostring(geo_h3cell_rings('861126d37ffffff', 0))", "'[[\"861126d37ffffff\"]]'"),
            ("array_length(geo_h3cell_rings('861126d37ffffff', 3)[3])", "18"),
            ("isnull(geo_h3cell_rings('abc', 3))", "true"),
            ("isnull(geo_h3cell_rings('861126d37ffffff', 143))", "true")
        ]
    ),
    function!(
        "geo_h3cell_level",
        "Gives the resolution of an H3 cell.",
        "geo-h3cell-level-function",
        Naming::None,
        [overload!((string("h3cell")) -> INT, |call| {
            lift1::<Text, Int, _, _>(call, |cell| parse(cell).map(|cell| i32::from(u8::from(cell.resolution()))))
        })],
        [
            ("geo_h3cell_level('861126d37ffffff')", "int(6)"),
            ("geo_h3cell_level(geo_point_to_h3cell(1, 1, 10))", "int(10)"),
            ("isnull(geo_h3cell_level(''))", "true")
        ]
    ),
    function!(
        "geo_h3cell_parent",
        "Gives the H3 cell that holds one, at the next coarser or a given resolution.",
        "geo-h3cell-parent-function",
        Naming::None,
        [overload!((string("h3cell"), number("resolution").optional()) -> STRING, parent)],
        [
            ("geo_h3cell_parent('861126d37ffffff', 0)", "'8011fffffffffff'"),
            ("geo_h3cell_level(geo_h3cell_parent('861126d37ffffff'))", "int(5)"),
            ("geo_h3cell_parent('861126d37ffffff', 15)", "''"),
            ("geo_h3cell_parent('123')", "''")
        ]
    ),
    function!(
        "geo_h3cell_children",
        "Gives the H3 cells within one, at the next finer or a given resolution.",
        "geo-h3cell-children-function",
        Naming::None,
        [overload!((string("h3cell"), number("resolution").optional()) -> DYNAMIC, children)],
        [
            ("array_length(geo_h3cell_children('861126d37ffffff'))", "7"),
            ("array_length(geo_h3cell_children('861126d37ffffff', 8))", "49"),
            ("isnull(geo_h3cell_children('861126d37ffffff', 12))", "true"),
            ("isnull(geo_h3cell_children('abc'))", "true")
        ]
    ),
];

/// Reads a cell's token.
pub(super) fn parse(token: &str) -> Option<CellIndex> {
    token.parse().ok()
}

pub(super) fn token(cell: CellIndex) -> String {
    cell.to_string()
}

fn to_h3cell(call: &Call) -> Column {
    let (places, resolutions) = (Places::new(call, 0), Default::new(call, 2, 6.0));
    text(call, |row, out| {
        let cell = || {
            let (longitude, latitude) = places.get(row)?;
            let resolution = Resolution::try_from(resolutions.whole(row, 0..=15)?).ok()?;
            Some(LatLng::new(latitude, longitude).ok()?.to_cell(resolution))
        };
        out.extend(cell().map(token));
    })
}

fn of_cell(call: &Call, write: impl Fn(CellIndex, &mut String) -> Option<()>) -> Column {
    let cells = Reader::<Text>::new(call, 0);
    json(call, |row, out| write(parse(cells.get(row)?)?, out))
}

fn rings(call: &Call) -> Column {
    let (cells, distances) = (Reader::<Text>::new(call, 0), Numbers::new(call, 1));
    json(call, |row, out| {
        let cell = parse(cells.get(row)?)?;
        let distance = distances.get(row)?.trunc();
        if !(0.0..=f64::from(MAX_RINGS)).contains(&distance) {
            return None;
        }
        let mut rings = vec![Vec::new(); distance as usize + 1];
        for (other, distance) in cell.grid_disk_distances::<Vec<_>>(distance as u32) {
            rings[distance as usize].push(token(other));
        }
        super::geojson::write_list(&rings, out, |ring, out| write_list(ring, out));
        Some(())
    })
}

fn parent(call: &Call) -> Column {
    let (cells, resolutions) = (Reader::<Text>::new(call, 0), Default::new(call, 1, -1.0));
    text(call, |row, out| {
        let parent = || {
            let cell = parse(cells.get(row)?)?;
            let resolution = match resolutions.get(row)? {
                _ if call.arguments.len() == 1 => cell.resolution().pred()?,
                _ => Resolution::try_from(resolutions.whole(row, 0..=15)?).ok()?,
            };
            cell.parent(resolution)
        };
        out.extend(parent().map(token));
    })
}

fn children(call: &Call) -> Column {
    let (cells, resolutions) = (Reader::<Text>::new(call, 0), Default::new(call, 1, -1.0));
    json(call, |row, out| {
        let cell = parse(cells.get(row)?)?;
        let own = u8::from(cell.resolution());
        let level = if call.arguments.len() == 1 { own + 1 } else { resolutions.whole(row, 0..=15)? };
        if level < own || level > own + MAX_CHILD_STEPS {
            return None;
        }
        let children: Vec<String> = cell.children(Resolution::try_from(level).ok()?).map(token).collect();
        write_list(&children, out);
        Some(())
    })
}
