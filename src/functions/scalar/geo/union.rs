//! Unions and intersections of lines and polygons.
//!
//! Shapes are closed: what only touches intersects in a point or a line (known from recorded answers). Where the order
//! or the form of an answer is not known, the query is refused.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::rows::{BOOL, Column, DYNAMIC, bools, dynamic, elements, function, json, overload};
use super::arguments::{Shapes, Shared, constant_shape};
use super::arrange::{Arrangement, Directed, Input};
use super::geojson::{Place, write_lines, write_point, write_polygons};
use super::line::Lines;
use super::region::{Polygon, REFERENCE, Region, arrange_regions, polygons_of, union, winding};
use super::sphere::{Crossing, Point, crossing};
use crate::functions::lift::{Json, Reader};
use crate::functions::{Call, Function, FunctionError, Naming, PreparedKernel};
use crate::types::Value;

/// Functions that join or cut shapes.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "geo_union_polygons_array",
        "Joins an array of polygons to one shape.",
        "geo-union-polygons-array-function",
        Naming::None,
        [overload!((dynamic("polygons")) -> DYNAMIC, union_polygons)],
        [
            (
                "tostring(geo_union_polygons_array(dynamic([{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}])).type)",
                "'Polygon'"
            ),
            (
                "tostring(geo_union_polygons_array(dynamic([{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}, {\"type\":\"Polygon\",\"coordinates\":[[[9,9],[13,9],[9,13],[9,9]]]}])).type)",
                "'MultiPolygon'"
            ),
            (
                "isnull(geo_union_polygons_array(dynamic([{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0]]]}])))",
                "true"
            ),
            ("isnull(geo_union_polygons_array(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_union_lines_array",
        "Joins an array of lines to one shape.",
        "geo-union-lines-array-function",
        Naming::None,
        [overload!((dynamic("lineStrings")) -> DYNAMIC, union_lines)],
        [
            (
                "array_length(geo_union_lines_array(dynamic([{\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}, {\"type\":\"LineString\",\"coordinates\":[[1,0],[2,1]]}])).coordinates)",
                "3"
            ),
            (
                "isnull(geo_union_lines_array(dynamic([{\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}, {\"type\":\"LineString\",\"coordinates\":[[1,0]]}])))",
                "true"
            ),
            ("isnull(geo_union_lines_array(dynamic(null)))", "true")
        ]
    ),
    function!(
        "geo_intersection_2lines",
        "Gives what two lines have in common.",
        "geo-intersection-2lines-function",
        Naming::None,
        [overload!((dynamic("lineString1"), dynamic("lineString2")) -> DYNAMIC, prepared |constants| {
            intersection(constants, Lines::read, Lines::read, lines_with_lines)
        })],
        [
            (
                "tostring(geo_intersection_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic({\"type\":\"LineString\",\"coordinates\":[[-1,0],[1,0]]})))",
                "'{\"type\":\"Point\",\"coordinates\":[0.0,0.0]}'"
            ),
            (
                "tostring(geo_intersection_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic({\"type\":\"LineString\",\"coordinates\":[[2,0],[3,0]]})))",
                "'{\"type\":\"GeometryCollection\",\"geometries\":[]}'"
            ),
            (
                "isnull(geo_intersection_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic(null)))",
                "true"
            )
        ]
    ),
    function!(
        "geo_intersection_line_with_polygon",
        "Gives what a line and a polygon have in common.",
        "geo-intersection-line-with-polygon-function",
        Naming::None,
        [overload!((dynamic("lineString"), dynamic("polygon")) -> DYNAMIC, prepared |constants| {
            intersection(constants, Lines::read, Region::read, lines_with_region)
        })],
        [
            (
                "tostring(geo_intersection_line_with_polygon(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[1,0]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]})).type)",
                "'LineString'"
            ),
            (
                "array_length(geo_intersection_line_with_polygon(dynamic({\"type\":\"LineString\",\"coordinates\":[[9,9],[9,8]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]})).geometries)",
                "0"
            ),
            (
                "isnull(geo_intersection_line_with_polygon(dynamic(null), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_intersection_2polygons",
        "Gives what two polygons have in common.",
        "geo-intersection-2polygons-function",
        Naming::None,
        [overload!((dynamic("polygon1"), dynamic("polygon2")) -> DYNAMIC, prepared |constants| {
            intersection(constants, Region::read, Region::read, regions)
        })],
        [
            (
                "round(geo_polygon_area(geo_intersection_2polygons(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}))) - geo_polygon_area(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]})), 3)",
                "0.0"
            ),
            (
                "tostring(geo_intersection_2polygons(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[9,9],[13,9],[9,13],[9,9]]]})))",
                "'{\"type\":\"GeometryCollection\",\"geometries\":[]}'"
            ),
            (
                "isnull(geo_intersection_2polygons(dynamic({\"type\":\"Polygon\"}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[9,9],[13,9],[9,13],[9,9]]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_intersects_2lines",
        "Tells whether two lines meet.",
        "geo-intersects-2lines-function",
        Naming::None,
        [overload!((dynamic("lineString1"), dynamic("lineString2")) -> BOOL, prepared |constants| {
            intersects(constants, Lines::read, Lines::read, |a, b| meet(a.edges(), b.edges()))
        })],
        [
            (
                "geo_intersects_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic({\"type\":\"LineString\",\"coordinates\":[[-1,0],[1,0]]}))",
                "true"
            ),
            (
                "geo_intersects_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic({\"type\":\"LineString\",\"coordinates\":[[2,0],[3,0]]}))",
                "false"
            ),
            (
                "isnull(geo_intersects_2lines(dynamic({\"type\":\"LineString\",\"coordinates\":[[0,-1],[0,1]]}), dynamic(null)))",
                "true"
            )
        ]
    ),
    function!(
        "geo_intersects_line_with_polygon",
        "Tells whether a line and a polygon meet.",
        "geo-intersects-line-with-polygon-function",
        Naming::None,
        [overload!((dynamic("lineString"), dynamic("polygon")) -> BOOL, prepared |constants| {
            intersects(constants, Lines::read, Region::read, |a, b| {
                meet(a.edges(), b.edges()) || a.lines.iter().any(|line| b.contains(line[0]))
            })
        })],
        [
            (
                "geo_intersects_line_with_polygon(dynamic({\"type\":\"LineString\",\"coordinates\":[[1,0],[2,0]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]}))",
                "true"
            ),
            (
                "geo_intersects_line_with_polygon(dynamic({\"type\":\"LineString\",\"coordinates\":[[9,0],[8,0]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]}))",
                "false"
            ),
            (
                "isnull(geo_intersects_line_with_polygon(dynamic(null), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[-4,-4],[4,-4],[4,4],[-4,-4]]]})))",
                "true"
            )
        ]
    ),
    function!(
        "geo_intersects_2polygons",
        "Tells whether two polygons meet.",
        "geo-intersects-2polygons-function",
        Naming::None,
        [overload!((dynamic("polygon1"), dynamic("polygon2")) -> BOOL, prepared |constants| {
            intersects(constants, Region::read, Region::read, |a, b| {
                let one_in = |a: &Region, b: &Region| a.polygons.iter().any(|polygon| b.contains(polygon.rings[0][0]));
                meet(a.edges(), b.edges()) || one_in(a, b) || one_in(b, a)
            })
        })],
        [
            (
                "geo_intersects_2polygons(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[1,1],[1.5,1],[1,1.5],[1,1]]]}))",
                "true"
            ),
            (
                "geo_intersects_2polygons(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), dynamic({\"type\":\"Polygon\",\"coordinates\":[[[9,9],[13,9],[9,13],[9,9]]]}))",
                "false"
            ),
            (
                "isnull(geo_intersects_2polygons(dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[0,4],[0,0]]]}), dynamic(null)))",
                "true"
            )
        ]
    ),
];

/// What a result is made of.
#[derive(Debug, Default)]
struct Parts {
    points: Vec<Place>,
    lines: Vec<Vec<Place>>,
    polygons: Vec<Vec<Vec<Place>>>,
}

impl Parts {
    /// Writes one shape, or a collection of none or several kinds.
    fn write(&self, out: &mut String) {
        let kinds = [!self.points.is_empty(), !self.lines.is_empty(), !self.polygons.is_empty()];
        let is_collection = kinds.iter().filter(|kind| **kind).count() != 1;
        if is_collection {
            out.push_str("{\"type\":\"GeometryCollection\",\"geometries\":[");
        }
        let start = out.len();
        let separate = |out: &mut String| {
            if out.len() > start {
                out.push(',');
            }
        };
        if let Some(point) = self.points.first() {
            write_point(*point, out);
        }
        if !self.lines.is_empty() {
            separate(out);
            write_lines(&self.lines, out);
        }
        if !self.polygons.is_empty() {
            separate(out);
            write_polygons(&self.polygons, out);
        }
        if is_collection {
            out.push_str("]}");
        }
    }
}

pub(super) fn refused(what: &str) -> FunctionError {
    FunctionError::argument(0, "AQ001", format!("{what} is not supported yet"))
}

fn union_polygons(call: &Call) -> Column {
    let arrays = Reader::<Json>::new(call, 0);
    json(call, |row, out| {
        let regions = elements(arrays.get(row)?)?.into_iter().map(Region::read).collect::<Option<Vec<_>>>()?;
        let polygons: Vec<Polygon> = regions.into_iter().flat_map(|region| region.polygons).collect();
        if polygons.is_empty() {
            return None;
        }
        write_polygons(&union(polygons).places(), out);
        Some(())
    })
}

fn union_lines(call: &Call) -> Column {
    let arrays = Reader::<Json>::new(call, 0);
    each(call, |row, out| {
        let lines = || elements(arrays.get(row)?)?.into_iter().map(Lines::read).collect::<Option<Vec<_>>>();
        let Some(lines) = lines().filter(|lines| !lines.is_empty()) else { return Ok(None) };
        let inputs: Vec<Input> = lines
            .iter()
            .flat_map(Lines::edges)
            .map(|(from, to)| Input { from, to, region: 0, bounds: false })
            .collect();
        let arrangement = Arrangement::new(&inputs, REFERENCE, [0; 2]);
        if arrangement.chains.iter().any(|chain| chain.len() > 2) {
            return Err(refused("a union of lines that cross"));
        }
        let agree = |inputs: &[(usize, bool)]| inputs.windows(2).all(|pair| pair[0].1 == pair[1].1);
        if !arrangement.pieces.iter().all(|piece| agree(&piece.inputs)) {
            return Err(refused("a union of lines that run in opposite directions"));
        }
        let edges = directed(&arrangement, |_| true)?;
        write_lines(&paths(&arrangement, &edges)?, out);
        Ok(Some(()))
    })
}

/// Computes a column of dynamic whose values may be refused.
fn each(call: &Call, mut write: impl FnMut(usize, &mut String) -> Result<Option<()>, FunctionError>) -> Column {
    let mut error = None;
    let column = json(call, |row, out| {
        write(row, out).unwrap_or_else(|fault| {
            error = Some(fault);
            None
        })
    });
    error.map_or(column, Err)
}

fn intersection<A: Send + Sync + 'static, B: Send + Sync + 'static>(
    constants: &[Option<Value>],
    read_a: fn(&str) -> Option<A>,
    read_b: fn(&str) -> Option<B>,
    common: fn(&A, &B) -> Result<Parts, FunctionError>,
) -> Result<PreparedKernel, FunctionError> {
    let constants: (Option<Shared<A>>, Option<Shared<B>>) =
        (constant_shape(constants, 0, read_a), constant_shape(constants, 1, read_b));
    Ok(Arc::new(move |call: &Call| {
        let mut a = Shapes::new(call, 0, &constants.0, read_a);
        let mut b = Shapes::new(call, 1, &constants.1, read_b);
        each(call, |row, out| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
            common(&a, &b)?.write(out);
            Ok(Some(()))
        })
    }))
}

fn intersects<A: Send + Sync + 'static, B: Send + Sync + 'static>(
    constants: &[Option<Value>],
    read_a: fn(&str) -> Option<A>,
    read_b: fn(&str) -> Option<B>,
    meet: fn(&A, &B) -> bool,
) -> Result<PreparedKernel, FunctionError> {
    let constants: (Option<Shared<A>>, Option<Shared<B>>) =
        (constant_shape(constants, 0, read_a), constant_shape(constants, 1, read_b));
    Ok(Arc::new(move |call: &Call| {
        let mut a = Shapes::new(call, 0, &constants.0, read_a);
        let mut b = Shapes::new(call, 1, &constants.1, read_b);
        bools(call, |row| {
            let (a, b) = (a.get(row)?, b.get(row)?);
            Some(meet(&a, &b))
        })
    }))
}

/// Tells whether edges of two shapes cross or share an end.
fn meet(a: impl Iterator<Item = (Point, Point)>, b: impl Iterator<Item = (Point, Point)>) -> bool {
    let others: Vec<(Point, Point)> = b.collect();
    let mut edges = a;
    edges.any(|(a0, a1)| others.iter().any(|(b0, b1)| crossing(a0, a1, *b0, *b1) != Crossing::None))
}

fn line_inputs(lines: &Lines, region: usize) -> Vec<Input> {
    lines.edges().map(|(from, to)| Input { from, to, region, bounds: false }).collect()
}

fn lines_with_lines(a: &Lines, b: &Lines) -> Result<Parts, FunctionError> {
    let mut inputs = line_inputs(a, 0);
    inputs.extend(line_inputs(b, 1));
    let arrangement = Arrangement::new(&inputs, REFERENCE, [0; 2]);
    let of = |input: usize| inputs[input].region;
    let common = |piece: usize| {
        let inputs = &arrangement.pieces[piece].inputs;
        inputs.iter().any(|(input, _)| of(*input) == 0) && inputs.iter().any(|(input, _)| of(*input) == 1)
    };
    let edges = directed(&arrangement, common)?;
    let mut touched = vec![[false; 2]; arrangement.vertices.len()];
    for (input, chain) in arrangement.chains.iter().enumerate() {
        chain.iter().for_each(|vertex| touched[*vertex][of(input)] = true);
    }
    let points = lone_points(&arrangement, &edges, |vertex| touched[vertex] == [true, true])?;
    Ok(Parts { points, lines: paths(&arrangement, &edges)?, polygons: Vec::new() })
}

fn lines_with_region(lines: &Lines, region: &Region) -> Result<Parts, FunctionError> {
    let region = region.united();
    let mut inputs = line_inputs(lines, 1);
    let count = inputs.len();
    let mut at_reference = 0;
    for polygon in &region.polygons {
        inputs.extend(polygon.edges().map(|(from, to)| Input { from, to, region: 0, bounds: true }));
        at_reference += winding(polygon, REFERENCE);
    }
    let arrangement = Arrangement::new(&inputs, REFERENCE, [at_reference, 0]);
    let is_line = |piece: usize| arrangement.pieces[piece].inputs.iter().any(|(input, _)| *input < count);
    let edges = directed(&arrangement, |piece| {
        let beside = &arrangement.pieces[piece];
        is_line(piece) && (beside.left[0] > 0 || beside.right[0] > 0)
    })?;
    let mut touched = vec![[false; 2]; arrangement.vertices.len()];
    for (input, chain) in arrangement.chains.iter().enumerate() {
        chain.iter().for_each(|vertex| touched[*vertex][usize::from(input >= count)] = true);
    }
    let points = lone_points(&arrangement, &edges, |vertex| touched[vertex] == [true, true])?;
    Ok(Parts { points, lines: paths(&arrangement, &edges)?, polygons: Vec::new() })
}

fn regions(a: &Region, b: &Region) -> Result<Parts, FunctionError> {
    let (a, b) = (a.united(), b.united());
    let arrangement = arrange_regions(&a.polygons, &b.polygons);
    let both = |windings: [i32; 2]| windings[0] > 0 && windings[1] > 0;
    let polygons = Region::new(polygons_of(&arrangement, both)).places();
    // Borders that run along each other with nothing common beside them are a line.
    let edges = directed(&arrangement, |piece| {
        let beside = &arrangement.pieces[piece];
        let touches = |region: usize| beside.left[region] > 0 || beside.right[region] > 0;
        touches(0) && touches(1) && !both(beside.left) && !both(beside.right)
    })?;
    let mut covered: Vec<Directed> = arrangement.boundary(both);
    covered.extend(&edges);
    let mut touched = vec![[false; 2]; arrangement.vertices.len()];
    let first: usize = a.edges().count();
    for (input, chain) in arrangement.chains.iter().enumerate() {
        chain.iter().for_each(|vertex| touched[*vertex][usize::from(input >= first)] = true);
    }
    let points = lone_points(&arrangement, &covered, |vertex| touched[vertex] == [true, true])?;
    Ok(Parts { points, lines: paths(&arrangement, &edges)?, polygons })
}

/// Returns the pieces for which the test holds in the direction of the first edge that has them.
fn directed(arrangement: &Arrangement, keep: impl Fn(usize) -> bool) -> Result<Vec<Directed>, FunctionError> {
    let mut edges = Vec::new();
    for (number, piece) in arrangement.pieces.iter().enumerate().filter(|(number, _)| keep(*number)) {
        let (input, forward) = *piece.inputs.iter().min().unwrap_or(&(number, true));
        let (from, to) = if forward { (piece.from, piece.to) } else { (piece.to, piece.from) };
        edges.push(Directed { from, to, input });
    }
    edges.sort_by_key(|edge| edge.input);
    Ok(edges)
}

/// Returns the vertices for which the test holds and at which none of the edges ends: one at most is supported.
fn lone_points(
    arrangement: &Arrangement,
    edges: &[Directed],
    keep: impl Fn(usize) -> bool,
) -> Result<Vec<Place>, FunctionError> {
    let mut points = Vec::new();
    for (vertex, point) in arrangement.vertices.iter().enumerate() {
        if keep(vertex) && !edges.iter().any(|edge| edge.from == vertex || edge.to == vertex) {
            points.push(point.to_degrees());
        }
    }
    if points.len() > 1 { Err(refused("an intersection in several points")) } else { Ok(points) }
}

/// Joins pieces of lines to lines in the order of their edges; where more than two meet, the query is refused.
fn paths(arrangement: &Arrangement, edges: &[Directed]) -> Result<Vec<Vec<Place>>, FunctionError> {
    path_lines(&arrangement.vertices, edges)
}

/// Joins edges between vertices to lines, see [`paths`].
pub(super) fn path_lines(vertices: &[Point], edges: &[Directed]) -> Result<Vec<Vec<Place>>, FunctionError> {
    let mut leaving: HashMap<usize, usize> = HashMap::new();
    let mut arriving: HashMap<usize, usize> = HashMap::new();
    for (number, edge) in edges.iter().enumerate() {
        let branches = leaving.insert(edge.from, number).is_some() || arriving.insert(edge.to, number).is_some();
        if branches {
            return Err(refused("a result in which lines branch"));
        }
    }
    let mut used = vec![false; edges.len()];
    let mut lines: Vec<(usize, Vec<Place>)> = Vec::new();
    let begins = (0..edges.len()).filter(|edge| !arriving.contains_key(&edges[*edge].from));
    for start in begins.chain(0..edges.len()) {
        if used[start] {
            continue;
        }
        let place = |vertex: usize| vertices[vertex].to_degrees();
        let mut line = vec![place(edges[start].from)];
        let mut next = Some(start);
        while let Some(edge) = next.filter(|edge| !used[*edge]) {
            used[edge] = true;
            line.push(place(edges[edge].to));
            next = leaving.get(&edges[edge].to).copied();
        }
        lines.push((edges[start].input, line));
    }
    lines.sort_by_key(|(input, _)| *input);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}
