//! Shapes around points, lines and polygons: S2's buffer operation.
//!
//! The border at a distance is drawn around each part of a shape, through every concave corner; what it winds around is
//! the buffer.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::Arc;

use super::super::rows::{Column, DYNAMIC, Numbers, dynamic, function, json, overload};
use super::arguments::{Default, Places, Shapes, constant_shape, number};
use super::arrange::{Arrangement, Input};
use super::geojson::write_polygons;
use super::line::Lines;
use super::region::{REFERENCE, Region, polygons_of, ring_edges};
use super::sphere::{EARTH_RADIUS, Point, chord_angle, edge_chord2, normal, on_ray, sign};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// The least part of the radius that the tolerance may be.
const MIN_FRACTION: f64 = 1e-6;

/// The least angle that an edge may span, in radians; with the least tolerance it is thirty times as much.
const LEAST_STEP: f64 = 1e-4;

/// Functions that buffer.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_point_buffer",
        "Gives the polygon around a point that is near a circle of a radius in metres.",
        "geo-point-buffer-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), number("radius"), number("tolerance").optional()) -> DYNAMIC,
            |call| {
                let places = Places::new(call, 0);
                buffer(call, 2, |row, offset| {
                    let (longitude, latitude) = places.get(row)?;
                    let point = Point::from_degrees(longitude, latitude);
                    Some(offset.outline(vec![offset.around_point(point)], &[(point, point)], None))
                })
            }
        )],
        [
            (
                "abs(geo_polygon_area(geo_point_buffer(24.9, 60.2, 1000, 0.1)) / (pi() * 1000.0 * 1000.0) - 1) < 0.001",
                "true"
            ),
            ("array_length(geo_point_buffer(24.9, 60.2, 1000, 500).coordinates[0])", "4"),
            ("isnull(geo_point_buffer(24.9, 100, 1000))", "true"),
            ("isnull(geo_point_buffer(24.9, 60.2, -1))", "true")
        ]
    ),
    function!(
        "geo_line_buffer",
        "Gives the polygon of all points within a radius in metres of a line.",
        "geo-line-buffer-function",
        Naming::None,
        [overload!(
            (dynamic("lineString"), number("radius"), number("tolerance").optional()) -> DYNAMIC,
            prepared buffer_line
        )],
        [
            (
                "geo_point_in_polygon(0.5, 0.01, geo_line_buffer(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), 2000))",
                "true"
            ),
            (
                "geo_point_in_polygon(0.5, 0.02, geo_line_buffer(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), 2000))",
                "false"
            ),
            ("isnull(geo_line_buffer(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), 0))", "true"),
            ("isnull(geo_line_buffer(dynamic(null), 10))", "true")
        ]
    ),
    function!(
        "geo_polygon_buffer",
        "Gives the polygon of all points within a radius in metres of a polygon.",
        "geo-polygon-buffer-function",
        Naming::None,
        [overload!(
            (dynamic("polygon"), number("radius"), number("tolerance").optional()) -> DYNAMIC,
            prepared buffer_polygon
        )],
        [
            (
                "geo_point_in_polygon(2, -0.01, geo_polygon_buffer(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), 2000))",
                "true"
            ),
            (
                "isnull(geo_polygon_buffer(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), 0))",
                "true"
            ),
            ("isnull(geo_polygon_buffer(dynamic({\"type\":\"p\"}), 1))", "true")
        ]
    ),
];

fn buffer_line(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Lines::read);
    Ok(Arc::new(move |call: &Call| {
        let mut lines = Shapes::new(call, 0, &constant, Lines::read);
        buffer(call, 1, |row, offset| {
            let lines = lines.get(row)?;
            let edges: Vec<(Point, Point)> = lines.edges().collect();
            let paths = lines.lines.iter().map(|line| offset.around_line(line)).collect();
            Some(offset.outline(paths, &edges, None))
        })
    }))
}

fn buffer_polygon(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Region::read);
    Ok(Arc::new(move |call: &Call| {
        let mut regions = Shapes::new(call, 0, &constant, Region::read);
        buffer(call, 1, |row, offset| {
            let region = regions.get(row)?.united();
            let edges: Vec<(Point, Point)> = region.edges().collect();
            let rings = region.polygons.iter().flat_map(|polygon| &polygon.rings);
            let paths = rings.map(|ring| offset.around_ring(ring)).collect();
            Some(offset.outline(paths, &edges, Some(&region)))
        })
    }))
}

/// Computes buffers whose radius is the argument with this index and whose tolerance is the next.
fn buffer(
    call: &Call,
    index: usize,
    mut outline: impl FnMut(usize, &Offset) -> Option<Result<Region, FunctionError>>,
) -> Column {
    let (radii, tolerances) = (Numbers::new(call, index), Default::new(call, index + 1, 10.0));
    let mut error = None;
    let column = json(call, |row, out| {
        let radius = radii.get(row).filter(|radius| *radius > 0.0)?;
        let tolerance = tolerances.get(row).filter(|tolerance| *tolerance > 0.0)?;
        let result = match Offset::new(radius / EARTH_RADIUS, tolerance / radius) {
            Ok(offset) => outline(row, &offset)?,
            Err(fault) => Err(fault),
        };
        match result {
            Ok(region) => {
                write_polygons(&region.places(), out);
                Some(())
            }
            Err(fault) => {
                error = Some(fault);
                None
            }
        }
    });
    error.map_or(column, Err)
}

fn refused(what: &str) -> FunctionError {
    FunctionError::argument(0, "AQ001", format!("{what} is not supported yet"))
}

/// How a border at a distance is drawn, all in radians.
struct Offset {
    radius: f64,
    /// The most that an edge of an arc around a corner spans.
    vertex_step: f64,
    /// The same around a point alone: a whole number of edges make the circle.
    point_step: f64,
    /// The same along an edge.
    edge_step: f64,
}

impl Offset {
    fn new(radius: f64, fraction: f64) -> Result<Offset, FunctionError> {
        if fraction < MIN_FRACTION {
            return Err(refused("a buffer with a tolerance below a millionth of its radius"));
        }
        // A tolerance beyond the radius counts as one just below it, and from half of it on there are three edges.
        let error = radius * fraction.min(0.999);
        let edge_radius = FRAC_PI_2 - radius;
        if edge_radius <= error + 1e-14 {
            return Err(refused("a buffer of a quarter of the globe"));
        }
        let vertex_step = max_span(radius, error);
        let edge_step = max_span(edge_radius, error);
        // Beside a quarter of the globe such a radius is lost in rounding, and edges without a length would never end.
        if vertex_step < LEAST_STEP || edge_step < LEAST_STEP {
            return Err(refused("a buffer of so small a radius"));
        }
        let count = (2.0 * PI / vertex_step).ceil();
        Ok(Offset { radius, vertex_step, point_step: 2.0 * PI / count + 1e-15, edge_step })
    }

    /// Returns the border around one point, four quarters from a fixed direction.
    fn around_point(&self, point: Point) -> Vec<Point> {
        let mut path = Vec::new();
        let (mut start, mut angle) = (point.ortho(), 0.0);
        for _ in 0..4 {
            let turned = point.cross(start).normalize();
            while angle < FRAC_PI_2 {
                path.push(on_ray(point, on_ray(start, turned, angle), self.radius));
                angle += self.point_step;
            }
            angle -= FRAC_PI_2;
            start = turned;
        }
        path
    }

    /// Returns the border around a line, with round ends.
    fn around_line(&self, line: &[Point]) -> Vec<Point> {
        let mut path = Vec::new();
        let last = line.len() - 1;
        let axis = axis(line[0], line[1]);
        self.vertex_arc(line[0], -axis, axis, &mut path);
        for corner in line.windows(3) {
            self.edge_and_vertex(corner[0], corner[1], corner[2], &mut path);
        }
        self.edge_arc(line[last - 1], line[last], &mut path);
        let axis = self::axis(line[last - 1], line[last]);
        self.vertex_arc(line[last], axis, -axis, &mut path);
        for corner in line.windows(3).rev() {
            self.edge_and_vertex(corner[2], corner[1], corner[0], &mut path);
        }
        self.edge_arc(line[1], line[0], &mut path);
        path
    }

    /// Returns the border on the right of a ring.
    fn around_ring(&self, ring: &[Point]) -> Vec<Point> {
        let mut path = Vec::new();
        for (index, a) in ring.iter().enumerate() {
            let after = |steps: usize| ring[(index + steps) % ring.len()];
            self.edge_and_vertex(*a, after(1), after(2), &mut path);
        }
        path
    }

    fn edge_and_vertex(&self, a: Point, b: Point, c: Point, path: &mut Vec<Point>) {
        self.edge_arc(a, b, path);
        if sign(a, b, c) >= 0 {
            self.vertex_arc(b, axis(a, b), axis(b, c), path);
        } else {
            path.push(on_ray(b, axis(a, b), self.radius));
            path.push(b);
        }
    }

    /// Adds an arc around a corner from one direction to another, without its end.
    fn vertex_arc(&self, vertex: Point, start: Point, end: Point, path: &mut Vec<Point>) {
        let turned = vertex.cross(start).normalize();
        let (mut angle, span) = (0.0, start.angle(end));
        loop {
            path.push(on_ray(vertex, on_ray(start, turned, angle), self.radius));
            angle += self.vertex_step;
            if angle >= span {
                return;
            }
        }
    }

    /// Adds the border along an edge, without its end.
    fn edge_arc(&self, a: Point, b: Point, path: &mut Vec<Point>) {
        let axis = axis(a, b);
        let turned = a.cross(axis).normalize();
        let (mut angle, span) = (0.0, a.angle(b));
        loop {
            path.push(on_ray(on_ray(a, turned, angle), axis, self.radius));
            angle += self.edge_step;
            if angle >= span {
                return;
            }
        }
    }

    /// Returns what the borders wind around.
    fn outline(
        &self,
        paths: Vec<Vec<Point>>,
        edges: &[(Point, Point)],
        region: Option<&Region>,
    ) -> Result<Region, FunctionError> {
        let is_outside = |point: &Point| {
            let distance = edges.iter().map(|(a, b)| edge_chord2(*point, *a, *b)).fold(4.0, f64::min);
            chord_angle(distance) > 1.01 * self.radius && !region.is_some_and(|region| region.contains(*point))
        };
        let opposite = edges.first().map_or(REFERENCE, |(a, _)| -*a);
        let quarter = REFERENCE.ortho();
        let mut candidates = [REFERENCE, -REFERENCE, quarter, -quarter, opposite].into_iter();
        let outside = candidates.find(is_outside).ok_or_else(|| refused("a buffer around most of the globe"))?;
        let mut inputs = Vec::new();
        for path in paths {
            let edges = ring_edges(&path).filter(|(from, to)| from != to);
            inputs.extend(edges.map(|(from, to)| Input { from, to, region: 0, bounds: true }));
        }
        let arrangement = Arrangement::new(&inputs, outside, [0; 2]);
        Ok(Region::new(polygons_of(&arrangement, |windings| windings[0] > 0)))
    }
}

/// Returns the direction to the right of an edge.
fn axis(a: Point, b: Point) -> Point {
    normal(b, a).normalize()
}

/// Returns the most that an edge of a circle may span to stay within an error of it; a circle has three at least.
fn max_span(radius: f64, error: f64) -> f64 {
    let least = (radius - error).max(0.0);
    let span = 2.0 * (least.tan() / radius.tan()).acos();
    span.min(2.0 * PI / 3.0 + 1e-15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radius_that_rounding_swallows_is_refused_and_others_are_not() {
        for radius in [5e-324, 1e-300, 1e-12] {
            // As with the default tolerance of ten metres, and with the least one.
            for fraction in [10.0 / radius, MIN_FRACTION] {
                assert!(Offset::new(radius / EARTH_RADIUS, fraction).is_err(), "{radius} {fraction}");
            }
        }
        for radius in [0.01, 1.0, 1e6] {
            assert!(Offset::new(radius / EARTH_RADIUS, MIN_FRACTION).is_ok(), "{radius}");
            assert!(Offset::new(radius / EARTH_RADIUS, 0.1).is_ok(), "{radius}");
        }
    }
}
