//! Cells of one level that cover a line or a polygon.

use std::sync::Arc;

use s2::cellid::CellID;

use super::super::rows::{Column, DYNAMIC, dynamic, function, json, overload};
use super::arguments::{Default, Shapes, constant_shape, number};
use super::line::Lines;
use super::neighbors::write_list;
use super::region::{Region, is_on_left, ring_edges};
use super::s2cell::corners;
use super::sphere::{Crossing, EARTH_RADIUS, Point, chord_of, crossing, edge_chord2};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// The most cells of a cover.
const MAX_CELLS: usize = 65_536;
/// A cell whose border comes so near, in radians, is met: S2's index takes cells a little larger than they are.
const TOUCHED: f64 = 4e-15;

/// Functions that cover.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_line_to_s2cells",
        "Gives the S2 cells of one level that cover a line, or what lies within a radius of it.",
        "geo-line-to-s2cells-function",
        Naming::None,
        [overload!(
            (dynamic("lineString"), number("level").optional(), number("radius").optional()) -> DYNAMIC,
            prepared |constants| {
                let constant = constant_shape(constants, 0, Lines::read);
                Ok(Arc::new(move |call: &Call| {
                    let mut lines = Shapes::new(call, 0, &constant, Lines::read);
                    cover(call, |row| Some((lines.get(row)?.edges().collect(), None)))
                }))
            }
        )],
        [
            (
                "tostring(geo_line_to_s2cells(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,10],[11,11]]}), 2))",
                "'[\"11\"]'"
            ),
            (
                "isnull(geo_line_to_s2cells(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,10],[80,11]]}), 30))",
                "true"
            ),
            (
                "isnull(geo_line_to_s2cells(dynamic({\"type\":\"LineString\",\"coordinates\":[[10,10],[11,11]]}), 31))",
                "true"
            ),
            ("isnull(geo_line_to_s2cells(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_polygon_to_s2cells",
        "Gives the S2 cells of one level that cover a polygon, or what lies within a radius of it.",
        "geo-polygon-to-s2cells-function",
        Naming::None,
        [overload!(
            (dynamic("polygon"), number("level").optional(), number("radius").optional()) -> DYNAMIC,
            prepared cover_polygon
        )],
        [
            (
                "array_length(geo_polygon_to_s2cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[1,1],[5,1],[5,5],[1,5],[1,1]]]}), 6))",
                "16"
            ),
            (
                "isnull(geo_polygon_to_s2cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[1,1],[5,1],[5,5],[1,5],[1,1]]]}), 30))",
                "true"
            ),
            (
                "isnull(geo_polygon_to_s2cells(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[1,1],[5,1],[1,1]]]})))",
                "true"
            )
        ]
    ),
];

fn cover_polygon(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Region::read);
    Ok(Arc::new(move |call: &Call| {
        let mut regions = Shapes::new(call, 0, &constant, Region::read);
        cover(call, |row| {
            let region = regions.get(row)?;
            Some((region.edges().collect(), Some(region)))
        })
    }))
}

/// The edges of a shape, and what is within.
type Shape = (Vec<(Point, Point)>, Option<Arc<Region>>);

fn cover(call: &Call, mut shape: impl FnMut(usize) -> Option<Shape>) -> Column {
    let (levels, radii) = (Default::new(call, 1, 11.0), Default::new(call, 2, 0.0));
    json(call, |row, out| {
        let level = u64::from(levels.whole(row, 0..=30)?);
        let radius = radii.get(row).filter(|radius| *radius >= 0.0)?;
        let (edges, region) = shape(row)?;
        let reach2 = chord_of(radius / EARTH_RADIUS);
        let cells = cells(&edges, region.as_deref(), level, reach2.max(TOUCHED * TOUCHED))?;
        write_list(&cells.iter().map(CellID::to_token).collect::<Vec<_>>(), out);
        Some(())
    })
}

/// Returns the cells of a level within reach of a shape, in order; None if there are too many.
fn cells(edges: &[(Point, Point)], region: Option<&Region>, level: u64, reach2: f64) -> Option<Vec<CellID>> {
    let mut cells = Vec::new();
    // Cells that are yet to be looked at, the next one last, with the edges that may be in reach; without any, a cell
    // is known to lie within.
    let mut open: Vec<(CellID, Vec<usize>)> =
        (0..6).rev().map(|face| (CellID::from_face(face), (0..edges.len()).collect())).collect();
    while let Some((cell, candidates)) = open.pop() {
        let corners = corners(cell);
        let is_within = candidates.is_empty();
        let near: Vec<usize> = candidates.into_iter().filter(|edge| is_near(&corners, edges[*edge], reach2)).collect();
        if near.is_empty() && !is_within && !region.is_some_and(|region| region.contains(corners[0])) {
            continue;
        }
        if cell.level() == level {
            cells.push(cell);
        } else {
            open.extend(cell.children().into_iter().rev().map(|child| (child, near.clone())));
        }
        // A cell that waits leads to one of the cover, unless the edges pass it by: three in four may.
        if cells.len() > MAX_CELLS || open.len() > 4 * MAX_CELLS {
            return None;
        }
    }
    Some(cells)
}

/// Tells whether an edge comes within reach of a cell.
fn is_near(corners: &[Point; 4], (a, b): (Point, Point), reach2: f64) -> bool {
    is_on_left(corners, a)
        || ring_edges(corners).any(|(c, d)| {
            let ends = || edge_chord2(a, c, d).min(edge_chord2(b, c, d));
            let corners = || edge_chord2(c, a, b);
            crossing(a, b, c, d) != Crossing::None || ends().min(corners()) <= reach2
        })
}
