//! Lines and polygons with fewer points.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::rows::{Column, DYNAMIC, dynamic, elements, function, json, overload};
use super::arguments::{Default, Shapes, constant_shape, number};
use super::arrange::{Directed, loops};
use super::geojson::{write_lines, write_polygons};
use super::line::Lines;
use super::region::{Region, nest};
use super::snap::{Snapped, snap};
use super::sphere::{EARTH_RADIUS, Point};
use super::union::{path_lines, refused};
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// The greatest tolerance, in degrees: what S2 snaps by at most.
const MAX_DEGREES: f64 = 70.0;

/// Functions that simplify.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_line_simplify",
        "Gives a line with fewer points, none nearer than a tolerance in metres to another.",
        "geo-line-simplify-function",
        Naming::None,
        [overload!((dynamic("lineString"), number("tolerance").optional()) -> DYNAMIC, prepared simplify_lines)],
        [
            (
                "array_length(geo_line_simplify(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,10],[10.00002,10.00001],[10.00004,10],[10.00006,10.00001],[10.0003,10]]})).coordinates)",
                "2"
            ),
            (
                "isnull(geo_line_simplify(dynamic({\"type\":\"LineString\",\"coordinates\":[[1.1,1.1],[1.2,1.2]]}), 100000))",
                "true"
            ),
            ("isnull(geo_line_simplify(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1],[2,2]]}), -1))", "true"),
            ("isnull(geo_line_simplify(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_polygon_simplify",
        "Gives a polygon with fewer points, none nearer than a tolerance in metres to another.",
        "geo-polygon-simplify-function",
        Naming::None,
        [overload!((dynamic("polygon"), number("tolerance").optional()) -> DYNAMIC, prepared simplify_region)],
        [
            (
                "array_length(geo_polygon_simplify(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[10,10],[10.01,10],[10.01,10.01],[10.00501,10.010001],[10.005,10.01],[10,10]]]})).coordinates[0])",
                "5"
            ),
            (
                "isnull(geo_polygon_simplify(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[5,48],[0,50],[0,47],[5,48]]]}), -0.1))",
                "true"
            ),
            (
                "isnull(geo_polygon_simplify(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[5,48],[0,50],[0,47],[5,48]]]}), 1000000))",
                "true"
            ),
            ("isnull(geo_polygon_simplify(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_simplify_polygons_array",
        "Gives polygons with fewer points and the borders that they had in common.",
        "geo-simplify-polygons-array-function",
        Naming::None,
        [overload!((dynamic("polygons"), number("tolerance").optional()) -> DYNAMIC, simplify_array)],
        [
            (
                "isnull(geo_simplify_polygons_array(dynamic([{\"type\":\"Polygon\",\"coordinates\":[[[5,48],[0,50],[0,47],[5,48]]]}]), -1))",
                "true"
            ),
            (
                "isnull(geo_simplify_polygons_array(dynamic([{\"type\":\"Polygon\",\"coordinates\":[[[5,48],[0,50]]]}])))",
                "true"
            ),
            ("isnull(geo_simplify_polygons_array(dynamic(null)))", "true")
        ]
    ),
];

fn tolerance(tolerances: &Default, row: usize) -> Option<f64> {
    let radius = tolerances.get(row)? / EARTH_RADIUS;
    (0.0..MAX_DEGREES.to_radians()).contains(&radius).then_some(radius)
}

fn simplify_lines(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Lines::read);
    Ok(Arc::new(move |call: &Call| {
        let mut lines = Shapes::new(call, 0, &constant, Lines::read);
        simplified(call, |row, radius, out| {
            let Some(lines) = lines.get(row) else { return Ok(None) };
            if lines.lines.len() > 1 {
                return Err(refused("the simplification of several lines"));
            }
            let edges: Vec<(Point, Point)> = lines.edges().collect();
            let snapped = checked(&edges, radius)?;
            if snapped.edges.is_empty() {
                return Ok(None);
            }
            let mut edges = snapped.edges;
            edges.sort_by_key(|edge| edge.input);
            write_lines(&path_lines(&snapped.sites, &edges)?, out);
            Ok(Some(()))
        })
    }))
}

fn simplify_region(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Region::read);
    Ok(Arc::new(move |call: &Call| {
        let mut regions = Shapes::new(call, 0, &constant, Region::read);
        simplified(call, |row, radius, out| {
            let Some(region) = regions.get(row) else { return Ok(None) };
            let edges: Vec<(Point, Point)> = region.united().edges().collect();
            let region = rebuilt(checked(&edges, radius)?);
            if region.polygons.is_empty() {
                return Ok(None);
            }
            write_polygons(&region.places(), out);
            Ok(Some(()))
        })
    }))
}

fn simplify_array(call: &Call) -> Column {
    let arrays = Reader::<Json>::new(call, 0);
    simplified(call, |row, radius, _| {
        let regions = || elements(arrays.get(row)?)?.into_iter().map(Region::read).collect::<Option<Vec<_>>>();
        let Some(regions) = regions().filter(|regions| !regions.is_empty()) else { return Ok(None) };
        let edges: Vec<(Point, Point)> = regions.iter().flat_map(Region::edges).collect();
        // What collapses to nothing is null; how the engine joins the rest is not known.
        if rebuilt(snap(&edges, radius)).polygons.is_empty() {
            Ok(None)
        } else {
            Err(refused("the simplification of several polygons"))
        }
    })
}

fn simplified(
    call: &Call,
    mut write: impl FnMut(usize, f64, &mut String) -> Result<Option<()>, FunctionError>,
) -> Column {
    let tolerances = Default::new(call, 1, 10.0);
    let mut error = None;
    let column = json(call, |row, out| {
        let radius = tolerance(&tolerances, row)?;
        write(row, radius, out).unwrap_or_else(|fault| {
            error = Some(fault);
            None
        })
    });
    error.map_or(column, Err)
}

/// Snaps edges. Where all points are far enough apart and yet some could go, it is not known whether the engine lets
/// them go, so the query is refused.
fn checked(edges: &[(Point, Point)], radius: f64) -> Result<Snapped, FunctionError> {
    let snapped = snap(edges, radius);
    if snapped.is_clean && snapped.edges.len() < edges.len() {
        return Err(refused("the simplification of straight chains of distant points"));
    }
    Ok(snapped)
}

/// Makes polygons of snapped edges: pairs that run to and fro go.
fn rebuilt(snapped: Snapped) -> Region {
    let mut edges: Vec<Directed> = Vec::new();
    let mut all = snapped.edges;
    all.sort_by_key(|edge| (edge.from, edge.to, edge.input));
    let mut counts: HashMap<(usize, usize), usize> = HashMap::new();
    all.iter().for_each(|edge| *counts.entry((edge.from, edge.to)).or_default() += 1);
    let mut start = 0;
    while start < all.len() {
        let edge = all[start];
        let same = all[start..].iter().take_while(|other| (other.from, other.to) == (edge.from, edge.to)).count();
        let kept = same.saturating_sub(counts.get(&(edge.to, edge.from)).copied().unwrap_or(0));
        edges.extend(&all[start..start + kept]);
        start += same;
    }
    let rings = loops(&snapped.sites, &edges);
    let rings = rings.into_iter().map(|ring| ring.into_iter().map(|site| snapped.sites[site]).collect());
    Region::new(nest(rings.filter(|ring: &Vec<Point>| ring.len() > 2).collect()))
}
