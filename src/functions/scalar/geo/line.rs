//! Measures of lines.

use std::sync::Arc;

use super::super::rows::{Column, DYNAMIC, Numbers, REAL, dynamic, function, json, overload};
use super::arguments::{Default, Places, Shapes, constant_shape, number};
use super::arrange::{Arrangement, Input};
use super::geojson::{points, read_line, read_lines, write_point};
use super::point::reals;
use super::region::{REFERENCE, closest_on_edges};
use super::sphere::{EARTH_RADIUS, Point, chord_angle, edge_chord2, normal, on_ray, project};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// Functions of lines.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_line_length",
        "Gives the length of a line in metres; what several lines have in common counts once.",
        "geo-line-length-function",
        Naming::None,
        [overload!((dynamic("lineString")) -> REAL, prepared |constants| measure(constants, |call, lines| {
            reals(call, |row| Some(lines.get(row)?.united().map(|(a, b)| a.angle(b)).sum::<f64>() * EARTH_RADIUS))
        }))],
        [
            (
                "round(geo_line_length(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0],[1,1]]})), 3)",
                "222390.202"
            ),
            (
                "round(geo_line_length(dynamic({\"type\":\"MultiLineString\",\"coordinates\":[[[0,0],[1,0]],[[1,0],[0,0]]]})), 3)",
                "111195.101"
            ),
            ("isnull(geo_line_length(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1]]})))", "true"),
            ("isnull(geo_line_length(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_line_centroid",
        "Gives the centre of a line.",
        "geo-line-centroid-function",
        Naming::None,
        [overload!((dynamic("lineString")) -> DYNAMIC, prepared |constants| measure(constants, |call, lines| {
            json(call, |row, out| {
                let parts = lines.get(row)?;
                let sum = parts.united().map(edge_centroid).fold(Point::new(0.0, 0.0, 0.0), |sum, part| sum + part);
                write_point(sum.normalize().to_degrees(), out);
                Some(())
            })
        }))],
        [
            (
                "round(toreal(geo_line_centroid(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]})).coordinates[0]), 6)",
                "1.0"
            ),
            ("isnull(geo_line_centroid(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1]]})))", "true"),
            ("isnull(geo_line_centroid(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_distance_point_to_line",
        "Gives the shortest distance of a point from a line, in metres.",
        "geo-distance-point-to-line-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), dynamic("lineString")) -> REAL,
            prepared |constants| from_place(constants, |call, places, lines| reals(call, |row| {
                let point = point_of(places.get(row)?);
                let lines = lines.get(row)?;
                let nearest = lines.edges().map(|(a, b)| edge_chord2(point, a, b)).fold(4.0, f64::min);
                Some(chord_angle(nearest) * EARTH_RADIUS)
            }))
        )],
        [
            (
                "round(geo_distance_point_to_line(1, 1, dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]})), 3)",
                "111195.101"
            ),
            ("isnull(geo_distance_point_to_line(1, 1, dynamic({\"type\":\"LineString\"})))", "true"),
            (
                "isnull(geo_distance_point_to_line(300, 3, dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1],[2,2]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_closest_point_on_line",
        "Gives the point of a line that is closest to another.",
        "geo-closest-point-on-line-function",
        Naming::None,
        [overload!(
            (number("longitude"), number("latitude"), dynamic("lineString")) -> DYNAMIC,
            prepared |constants| from_place(constants, |call, places, lines| json(call, |row, out| {
                let point = point_of(places.get(row)?);
                let lines = lines.get(row)?;
                write_point(closest_on_edges(lines.edges(), point).to_degrees(), out);
                Some(())
            }))
        )],
        [
            (
                "round(toreal(geo_closest_point_on_line(1, 1, dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]})).coordinates[0]), 9)",
                "1.0"
            ),
            ("isnull(geo_closest_point_on_line(1, 1, dynamic({\"type\":\"LineString\"})))", "true"),
            (
                "isnull(geo_closest_point_on_line(1, 100, dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_line_interpolate_point",
        "Gives the point at a part of a line, from 0 to 1.",
        "geo-line-interpolate-point-function",
        Naming::None,
        [overload!((dynamic("lineString"), number("fraction")) -> DYNAMIC, prepared interpolate_point)],
        [
            (
                "round(toreal(geo_line_interpolate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]}), 0.25).coordinates[0]), 6)",
                "0.5"
            ),
            (
                "isnull(geo_line_interpolate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]}), 1.5))",
                "true"
            ),
            (
                "isnull(geo_line_interpolate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1]]}), 0.5))",
                "true"
            )
        ]
    ),
    function!(
        "geo_line_locate_point",
        "Gives how far along a line its point lies that is closest to another: from 0 to 1.",
        "geo-line-locate-point-function",
        Naming::None,
        [overload!(
            (dynamic("lineString"), number("longitude"), number("latitude"),
             number("use_spheroid").optional()) -> REAL,
            prepared locate_point
        )],
        [
            (
                "round(geo_line_locate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]}), 0.5, 3), 6)",
                "0.25"
            ),
            ("isnull(geo_line_locate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,1]]}), 1, 1))", "true"),
            (
                "isnull(geo_line_locate_point(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]}), 1, 91))",
                "true"
            )
        ]
    ),
];

/// The lines of a `LineString` or `MultiLineString`.
pub(super) struct Lines {
    pub lines: Vec<Vec<Point>>,
}

impl Lines {
    pub fn read(text: &str) -> Option<Lines> {
        Some(Lines { lines: read_lines(text)?.iter().map(|line| points(line)).collect() })
    }

    /// Reads one line.
    pub fn read_one(text: &str) -> Option<Lines> {
        Some(Lines { lines: vec![points(&read_line(text)?)] })
    }

    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> {
        self.lines.iter().flat_map(|line| line.windows(2).map(|edge| (edge[0], edge[1])))
    }

    /// Returns the edges, each stretch that several lines have in common once.
    fn united(&self) -> Box<dyn Iterator<Item = (Point, Point)> + '_> {
        if self.lines.len() == 1 {
            return Box::new(self.edges());
        }
        let inputs: Vec<Input> = self.edges().map(|(from, to)| Input { from, to, region: 0, bounds: false }).collect();
        let arrangement = Arrangement::new(&inputs, REFERENCE, [0; 2]);
        let ends = |from: usize, to: usize| (arrangement.vertices[from], arrangement.vertices[to]);
        let edges: Vec<(Point, Point)> = arrangement.pieces.iter().map(|piece| ends(piece.from, piece.to)).collect();
        Box::new(edges.into_iter())
    }
}

fn point_of((longitude, latitude): (f64, f64)) -> Point {
    Point::from_degrees(longitude, latitude)
}

/// Returns the middle of an edge, as long as the edge.
fn edge_centroid((a, b): (Point, Point)) -> Point {
    let (difference, sum) = (a - b, a + b);
    if sum.norm2() == 0.0 { sum } else { sum * (difference.norm2() / sum.norm2()).sqrt() }
}

fn measure(
    constants: &[Option<Value>],
    compute: fn(&Call, &mut Shapes<Lines>) -> Column,
) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Lines::read);
    Ok(Arc::new(move |call: &Call| compute(call, &mut Shapes::new(call, 0, &constant, Lines::read))))
}

fn from_place(
    constants: &[Option<Value>],
    compute: fn(&Call, &Places, &mut Shapes<Lines>) -> Column,
) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 2, Lines::read);
    Ok(Arc::new(move |call: &Call| {
        compute(call, &Places::new(call, 0), &mut Shapes::new(call, 2, &constant, Lines::read))
    }))
}

fn interpolate_point(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Lines::read_one);
    Ok(Arc::new(move |call: &Call| {
        let mut lines = Shapes::new(call, 0, &constant, Lines::read_one);
        let fractions = Numbers::new(call, 1);
        json(call, |row, out| {
            let fraction = fractions.get(row).filter(|fraction| (0.0..=1.0).contains(fraction))?;
            write_point(at(&lines.get(row)?.lines[0], fraction).to_degrees(), out);
            Some(())
        })
    }))
}

fn length(line: &[Point]) -> f64 {
    line.windows(2).map(|edge| edge[0].angle(edge[1])).sum()
}

/// Returns the point at a part of a line.
fn at(line: &[Point], fraction: f64) -> Point {
    if fraction <= 0.0 {
        return line[0];
    }
    let mut left = fraction * length(line);
    for edge in line.windows(2) {
        let length = edge[0].angle(edge[1]);
        if left < length {
            let direction = normal(edge[0], edge[1]).cross(edge[0]).normalize();
            return on_ray(edge[0], direction, left);
        }
        left -= length;
    }
    line[line.len() - 1]
}

fn locate_point(constants: &[Option<Value>]) -> Result<PreparedKernel, FunctionError> {
    let constant = constant_shape(constants, 0, Lines::read_one);
    Ok(Arc::new(move |call: &Call| {
        let mut lines = Shapes::new(call, 0, &constant, Lines::read_one);
        let (places, on_spheroid) = (Places::new(call, 1), Default::new(call, 3, 0.0));
        if (0..call.rows).any(|row| on_spheroid.get(row).is_some_and(|on_spheroid| on_spheroid != 0.0)) {
            let message = "geo_line_locate_point on a spheroid is not supported yet";
            return Err(FunctionError::argument(3, "AQ001", message));
        }
        reals(call, |row| {
            on_spheroid.get(row)?;
            Some(locate(&lines.get(row)?.lines[0], point_of(places.get(row)?)))
        })
    }))
}

/// Returns the part of a line before its point that is closest to another.
fn locate(line: &[Point], point: Point) -> f64 {
    let distances = line.windows(2).map(|edge| edge_chord2(point, edge[0], edge[1])).enumerate();
    let nearest = distances.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index);
    let closest = project(point, line[nearest], line[nearest + 1]);
    let before = length(&line[..=nearest]) + line[nearest].angle(closest);
    (before / length(line)).min(1.0)
}
