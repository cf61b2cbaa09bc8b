//! Straight lines on the map as chains of great arcs: S2's tessellation of the plate carrée.

use std::sync::Arc;

use super::super::rows::{Column, DYNAMIC, dynamic, function, json, overload};
use super::arguments::{Default, Shapes, constant_shape, number};
use super::geojson::{Place, read_lines, read_rings, write_lines, write_polygons};
use super::region::Region;
use super::sphere::{EARTH_RADIUS, Point, chord_of, interpolate};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// The part of an edge, from either end, at which arc and line are compared.
const COMPARED_AT: f64 = 0.312_156_910_822_483_1;
/// How much nearer they must be there than at most.
const SCALE: f64 = 0.838_299_925_698_885_1;
/// The most points of a result.
const MAX_POINTS: usize = 10_485_760;
/// A map has no edge that is halved more often.
const MAX_DEPTH: u32 = 45;

/// Functions that densify.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_line_densify",
        "Adds points to a line, so that its arcs stay near straight lines on the map.",
        "geo-line-densify-function",
        Naming::None,
        [overload!(
            (dynamic("lineString"), number("tolerance").optional(), number("preserve_crossing").optional()) -> DYNAMIC,
            prepared densify_line
        )],
        [
            (
                "array_length(geo_line_densify(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,60],[30,60]]}), 1000).coordinates)",
                "9"
            ),
            (
                "array_length(geo_line_densify(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,60],[10,70]]})).coordinates)",
                "2"
            ),
            (
                "isnull(geo_line_densify(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,60],[30,60]]}), 0))",
                "true"
            ),
            ("isnull(geo_line_densify(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_polygon_densify",
        "Adds points to a polygon, so that its arcs stay near straight lines on the map.",
        "geo-polygon-densify-function",
        Naming::None,
        [overload!(
            (dynamic("polygon"), number("tolerance").optional(), number("preserve_crossing").optional()) -> DYNAMIC,
            prepared densify_polygon
        )],
        [
            (
                "array_length(geo_polygon_densify(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[10,10],[11,10],[11,11],[10,11],[10,10]]]})).coordinates[0])",
                "11"
            ),
            (
                "isnull(geo_polygon_densify(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[10,10],[11,10],[10,10]]]})))",
                "true"
            ),
            ("isnull(geo_polygon_densify(dynamic(null)))", "true")
        ]
    ),
];

fn densify_line(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, read_lines);
    Ok(Arc::new(move |call: &Call| {
        let mut shapes = Shapes::new(call, 0, &constant, read_lines);
        densify(call, |row, tolerance, out| {
            let Some(lines) = shapes.get(row) else { return Ok(None) };
            let lines = lines.iter().map(|line| chain(line, tolerance)).collect::<Result<Option<Vec<_>>, _>>()?;
            Ok(lines.map(|lines| write_lines(&lines, out)))
        })
    }))
}

/// The rings as they were given; the region is read only to see whether they are valid.
fn read_polygons(text: &str) -> Option<Vec<Vec<Vec<Place>>>> {
    Region::read(text)?;
    read_rings(text)
}

fn densify_polygon(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, read_polygons);
    Ok(Arc::new(move |call: &Call| {
        let mut shapes = Shapes::new(call, 0, &constant, read_polygons);
        densify(call, |row, tolerance, out| {
            let Some(polygons) = shapes.get(row) else { return Ok(None) };
            let rings = |polygon: &Vec<Vec<Place>>| {
                polygon.iter().map(|ring| chain(ring, tolerance)).collect::<Result<Option<Vec<_>>, FunctionError>>()
            };
            let polygons = polygons.iter().map(rings).collect::<Result<Option<Vec<_>>, _>>()?;
            Ok(polygons.map(|polygons| write_polygons(&polygons, out)))
        })
    }))
}

fn densify(call: &Call, mut write: impl FnMut(usize, f64, &mut String) -> Result<Option<()>, FunctionError>) -> Column {
    let (tolerances, crossing) = (Default::new(call, 1, 10.0), Default::new(call, 2, 0.0));
    let mut error = None;
    let column = json(call, |row, out| {
        let tolerance = tolerances.get(row).filter(|tolerance| (0.1..=10_000.0).contains(tolerance))?;
        crossing.get(row)?;
        match write(row, tolerance, out) {
            Ok(written) => written,
            Err(fault) => {
                error = Some(fault);
                None
            }
        }
    });
    error.map_or(column, Err)
}

/// Returns the places of a chain of arcs that stays within the tolerance of straight lines on the map; None if there
/// are too many. Whether a line over the antimeridian goes the short way follows `preserve_crossing` in a way that the
/// reference does not tell, so such lines are refused.
fn chain(places: &[Place], tolerance: f64) -> Result<Option<Vec<Place>>, FunctionError> {
    if places.windows(2).any(|edge| (edge[0].0 - edge[1].0).abs() > 180.0) {
        let message = "densifying an edge over the antimeridian is not supported yet";
        return Err(FunctionError::argument(0, "AQ001", message));
    }
    let scaled = chord_of(SCALE * (tolerance / EARTH_RADIUS));
    let mut chain = vec![round_trip(places[0])];
    for edge in places.windows(2) {
        let (a, b) = (point(edge[0]), point(edge[1]));
        // Halves that are yet to be looked at, the next one last.
        let mut open = vec![((edge[0], a), (edge[1], b), 0)];
        while let Some((from, to, depth)) = open.pop() {
            if depth >= MAX_DEPTH || error2(from, to) <= scaled {
                chain.push(to.1.to_degrees());
            } else {
                let middle = between(from.0, to.0, 0.5);
                let middle = (middle, point(middle));
                open.push((middle, to, depth + 1));
                open.push((from, middle, depth + 1));
            }
            if chain.len() > MAX_POINTS {
                return Ok(None);
            }
        }
    }
    Ok(Some(chain))
}

fn point(place: Place) -> Point {
    Point::from_degrees(place.0, place.1)
}

fn round_trip(place: Place) -> Place {
    point(place).to_degrees()
}

fn between(a: Place, b: Place, part: f64) -> Place {
    ((1.0 - part) * a.0 + part * b.0, (1.0 - part) * a.1 + part * b.1)
}

/// Returns the square of the distance of arc and line.
fn error2(a: (Place, Point), b: (Place, Point)) -> f64 {
    if a.1.dot(b.1) < -1e-14 {
        return f64::INFINITY;
    }
    let at = |part: f64| interpolate(a.1, b.1, part).chord2(point(between(a.0, b.0, part)));
    at(COMPARED_AT).max(at(1.0 - COMPARED_AT))
}
