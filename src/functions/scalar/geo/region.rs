//! Polygons on the sphere.

use std::collections::VecDeque;

use super::arrange::{Arrangement, Input, Windings, loops, visit_near_pairs};
use super::geojson::{Place, points, read_rings};
use super::sphere::{
    Crossing, EARTH_RADIUS, Point, chord_angle, crossing, edge_chord2, normal, ordered_ccw, project, sign,
};

/// A polygon: its shell counterclockwise, then its holes clockwise, each without its first point again at its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polygon {
    pub rings: Vec<Vec<Point>>,
}

/// A `Polygon` or `MultiPolygon` of GeoJSON.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub polygons: Vec<Polygon>,
    caps: Vec<(Point, f64)>,
}

impl Region {
    /// Reads a region; None if it is not valid.
    pub fn read(text: &str) -> Option<Region> {
        let polygons = read_rings(text)?.iter().map(|rings| Polygon::new(rings)).collect::<Option<Vec<_>>>()?;
        (!polygons.is_empty()).then(|| Region::new(polygons))
    }

    pub fn new(polygons: Vec<Polygon>) -> Region {
        let caps = polygons.iter().map(|polygon| cap(&polygon.rings[0])).collect();
        Region { polygons, caps }
    }

    /// Tells whether a point lies within; a place on a border belongs to one of its sides.
    pub fn contains(&self, point: Point) -> bool {
        let near =
            self.polygons.iter().zip(&self.caps).filter(|(_, (centre, radius2))| centre.chord2(point) <= *radius2);
        near.into_iter().any(|(polygon, _)| polygon.contains(point))
    }

    /// Returns the edges with the interior on their left.
    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> {
        self.polygons.iter().flat_map(Polygon::edges)
    }

    /// Returns the distance of a point in radians, zero within.
    pub fn distance(&self, point: Point) -> f64 {
        if self.contains(point) {
            return 0.0;
        }
        chord_angle(self.edges().map(|(a, b)| edge_chord2(point, a, b)).fold(4.0, f64::min))
    }

    /// Returns the point of the region that is nearest to another.
    pub fn closest(&self, point: Point) -> Point {
        if self.contains(point) {
            return point;
        }
        closest_on_edges(self.edges(), point)
    }

    /// Joins the polygons of a multi-polygon to ones that do not overlap.
    pub fn united(&self) -> Region {
        if self.polygons.len() == 1 { self.clone() } else { union(self.polygons.clone()) }
    }

    /// Returns the area in square metres.
    pub fn area(&self) -> f64 {
        let area: f64 = self.united().polygons.iter().map(Polygon::area).sum();
        area * EARTH_RADIUS * EARTH_RADIUS
    }

    /// Returns the length of the border in metres.
    pub fn perimeter(&self) -> f64 {
        self.united().edges().map(|(a, b)| a.angle(b)).sum::<f64>() * EARTH_RADIUS
    }

    /// Returns the centre of mass, put on the sphere.
    pub fn centroid(&self) -> Point {
        let united = self.united();
        united
            .polygons
            .iter()
            .map(Polygon::centroid)
            .fold(Point::new(0.0, 0.0, 0.0), |sum, part| sum + part)
            .normalize()
    }

    /// Returns the rings of each polygon as places, each closed.
    pub fn places(&self) -> Vec<Vec<Vec<Place>>> {
        let ring = |ring: &Vec<Point>| ring.iter().chain(ring.first()).map(|point| point.to_degrees()).collect();
        self.polygons.iter().map(|polygon| polygon.rings.iter().map(ring).collect()).collect()
    }
}

impl Polygon {
    /// Makes a polygon of closed rings; None if they are none: too short, with a point twice, or crossing.
    fn new(rings: &[Vec<Place>]) -> Option<Polygon> {
        let rings: Vec<Vec<Point>> = rings.iter().map(|ring| open_ring(ring)).collect::<Option<_>>()?;
        let (shell, holes) = rings.split_first()?;
        let holes = holes.iter().map(|hole| reversed(counterclockwise(hole.clone())));
        let polygon = Polygon { rings: std::iter::once(counterclockwise(shell.clone())).chain(holes).collect() };
        polygon.is_valid().then_some(polygon)
    }

    fn is_valid(&self) -> bool {
        let edges: Vec<(Point, Point)> = self.edges().collect();
        let mut crosses = false;
        visit_near_pairs(&edges, |a, b| {
            let ((a0, a1), (b0, b1)) = (edges[a], edges[b]);
            let same = (a0 == b0 && a1 == b1) || (a0 == b1 && a1 == b0);
            crosses = crosses || same || crossing(a0, a1, b0, b1) == Crossing::Interior;
        });
        if crosses {
            return false;
        }
        // A hole lies in the shell and in no other hole: nothing is wound around twice or backwards.
        self.rings.len() == 1 || {
            let arrangement = arrange(&[self]);
            arrangement.pieces.iter().all(|piece| (0..=1).contains(&piece.left[0]) && (0..=1).contains(&piece.right[0]))
        }
    }

    pub fn edges(&self) -> impl Iterator<Item = (Point, Point)> {
        self.rings.iter().flat_map(|ring| ring_edges(ring))
    }

    fn contains(&self, point: Point) -> bool {
        self.rings.iter().filter(|ring| is_on_left(ring, point)).count() == self.rings.len()
    }

    fn area(&self) -> f64 {
        let mut rings = self.rings.iter();
        let shell = rings.next().map_or(0.0, |ring| area(ring));
        shell - rings.map(|hole| area(&reversed(hole.clone()))).sum::<f64>()
    }

    fn centroid(&self) -> Point {
        let mut rings = self.rings.iter();
        let shell = rings.next().map_or(Point::new(0.0, 0.0, 0.0), |ring| ring_centroid(ring));
        rings.fold(shell, |sum, hole| sum - ring_centroid(&reversed(hole.clone())))
    }
}

/// Returns the points of a closed ring without the last; None if it is none.
fn open_ring(places: &[Place]) -> Option<Vec<Point>> {
    if places.len() < 4 || places.first() != places.last() {
        return None;
    }
    let mut ring = points(places);
    ring.pop();
    let mut keys: Vec<[u64; 3]> = ring.iter().map(|point| point.key()).collect();
    keys.sort_unstable();
    let opposite = ring_edges(&ring).any(|(a, b)| a == -b);
    (!opposite && keys.windows(2).all(|pair| pair[0] != pair[1])).then_some(ring)
}

/// Returns the ring such that the smaller side is on its left.
pub(super) fn counterclockwise(ring: Vec<Point>) -> Vec<Point> {
    if signed_area(&ring) < 0.0 { reversed(ring) } else { ring }
}

fn reversed(mut ring: Vec<Point>) -> Vec<Point> {
    ring.reverse();
    ring
}

pub(super) fn ring_edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    ring.iter().copied().zip(ring.iter().skip(1).chain(ring.first()).copied())
}

/// Returns the nearest point on edges.
pub(super) fn closest_on_edges(edges: impl Iterator<Item = (Point, Point)>, point: Point) -> Point {
    let nearest = edges.map(|(a, b)| (edge_chord2(point, a, b), a, b)).min_by(|x, y| x.0.total_cmp(&y.0));
    nearest.map_or(point, |(_, a, b)| project(point, a, b))
}

/// Tells whether a point lies on the left of a ring: the arc to its first vertex ends on the left and crosses no edge,
/// or on the right and crosses one, and so on.
pub(super) fn is_on_left(ring: &[Point], point: Point) -> bool {
    let count = ring.len();
    if let Some(vertex) = ring.iter().position(|vertex| *vertex == point) {
        // S2 gives a vertex to the region that lies in a fixed direction from it.
        let (previous, next) = (ring[(vertex + count - 1) % count], ring[(vertex + 1) % count]);
        return !ordered_ccw(point.ortho(), next, previous, point);
    }
    let (start, next, previous) = (ring[0], ring[1], ring[count - 1]);
    let mut left = ordered_ccw(next, point, previous, start);
    for edge in ring[1..].windows(2) {
        left ^= crossing(point, start, edge[0], edge[1]) == Crossing::Interior;
    }
    left
}

/// Returns a cap around a ring of at most half the sphere.
fn cap(ring: &[Point]) -> (Point, f64) {
    let centre = ring.iter().fold(Point::new(0.0, 0.0, 0.0), |sum, point| sum + *point).normalize();
    let radius2 = ring.iter().map(|point| centre.chord2(*point)).fold(0.0, f64::max);
    // A cap that is larger than a hemisphere need not hold the edges between its points.
    if radius2 >= 1.9 || centre.norm2() == 0.0 { (ring[0], 5.0) } else { (centre, radius2 + 1e-14) }
}

/// Adds up triangles that make up what is on the left of a ring, as S2 does: from one corner, or from another one
/// where an edge to it would span almost half the globe.
fn integral<T: Copy + std::ops::Add<Output = T>>(ring: &[Point], zero: T, of: impl Fn(Point, Point, Point) -> T) -> T {
    const MAX_LENGTH: f64 = std::f64::consts::PI - 1e-5;

    let (first, mut origin, mut sum) = (ring[0], ring[0], zero);
    for pair in ring[1..].windows(2) {
        if pair[1].angle(origin) > MAX_LENGTH {
            let old = origin;
            if origin == first {
                origin = normal(first, pair[0]).normalize();
            } else if pair[0].angle(first) < MAX_LENGTH {
                origin = first;
            } else {
                origin = first.cross(old);
                sum = sum + of(first, old, origin);
            }
            sum = sum + of(old, pair[0], origin);
        }
        sum = sum + of(origin, pair[0], pair[1]);
    }
    if origin != first {
        sum = sum + of(origin, ring[ring.len() - 1], first);
    }
    sum
}

fn signed_area(ring: &[Point]) -> f64 {
    integral(ring, 0.0, |a, b, c| f64::from(sign(a, b, c)) * s2::point::point_area(&a.into(), &b.into(), &c.into()))
}

fn area(ring: &[Point]) -> f64 {
    signed_area(ring).abs()
}

fn ring_centroid(ring: &[Point]) -> Point {
    integral(ring, Point::new(0.0, 0.0, 0.0), |a, b, c| {
        Point::from(s2::point::true_centroid(&a.into(), &b.into(), &c.into()))
    })
}

/// Lays polygons into one arrangement, the first as region 0 and the others as region 1.
pub(super) fn arrange(polygons: &[&Polygon]) -> Arrangement {
    let mut inputs = Vec::new();
    for (number, polygon) in polygons.iter().enumerate() {
        let region = number.min(1);
        inputs.extend(polygon.edges().map(|(from, to)| Input { from, to, region, bounds: true }));
    }
    let mut at_reference = [0; 2];
    for (number, polygon) in polygons.iter().enumerate() {
        at_reference[number.min(1)] += winding(polygon, REFERENCE);
    }
    Arrangement::new(&inputs, REFERENCE, at_reference)
}

/// A point that no shape is likely to have as its own.
pub(super) const REFERENCE: Point =
    Point { x: -0.009_999_466_435_025_052, y: 0.002_592_454_260_932_412_4, z: 0.999_946_643_502_505_2 };

/// Returns how often a polygon winds around a point.
pub(super) fn winding(polygon: &Polygon, point: Point) -> i32 {
    let rings = polygon.rings.iter().enumerate();
    // What is not on the left of a hole is in it.
    rings.map(|(number, ring)| i32::from(is_on_left(ring, point)) - i32::from(number > 0)).sum()
}

/// Joins polygons as S2 does: the two with the fewest points first, a union counting the points of its parts.
pub(super) fn union(polygons: Vec<Polygon>) -> Region {
    let count = |polygon: &Polygon| polygon.rings.iter().map(Vec::len).sum::<usize>();
    let mut queue: VecDeque<(usize, Vec<Polygon>)> =
        polygons.into_iter().map(|polygon| (count(&polygon), vec![polygon])).collect();
    queue.make_contiguous().sort_by_key(|(count, _)| *count);
    if queue.len() == 1 {
        return Region::new(queue.pop_front().map(|(_, polygon)| polygon).unwrap_or_default());
    }
    while let (Some((first, a)), Some((second, b))) = (queue.pop_front(), queue.pop_front()) {
        let joined = combine(&a, &b, |windings| windings[0] > 0 || windings[1] > 0);
        if queue.is_empty() {
            return Region::new(joined);
        }
        let count = first + second;
        let place = queue.partition_point(|(other, _)| *other <= count);
        queue.insert(place, (count, joined));
    }
    Region::new(Vec::new())
}

/// Returns the polygons that bound the places for which the test holds.
pub(super) fn combine(a: &[Polygon], b: &[Polygon], inside: impl Fn(Windings) -> bool) -> Vec<Polygon> {
    let arrangement = arrange_regions(a, b);
    polygons_of(&arrangement, inside)
}

/// Lays two regions of polygons that do not overlap into one arrangement.
pub(super) fn arrange_regions(a: &[Polygon], b: &[Polygon]) -> Arrangement {
    let mut inputs = Vec::new();
    let mut at_reference = [0; 2];
    for (region, polygons) in [a, b].into_iter().enumerate() {
        for polygon in polygons {
            inputs.extend(polygon.edges().map(|(from, to)| Input { from, to, region, bounds: true }));
            at_reference[region] += winding(polygon, REFERENCE);
        }
    }
    Arrangement::new(&inputs, REFERENCE, at_reference)
}

/// Returns the polygons of an arrangement for which the test holds, each shell with its holes.
pub(super) fn polygons_of(arrangement: &Arrangement, inside: impl Fn(Windings) -> bool) -> Vec<Polygon> {
    let edges = arrangement.boundary(inside);
    let rings = loops(&arrangement.vertices, &edges);
    let rings = rings.into_iter().map(|ring| ring.into_iter().map(|vertex| arrangement.vertices[vertex]).collect());
    nest(rings.filter(|ring: &Vec<Point>| ring.len() > 2).collect())
}

/// Puts each clockwise ring into the smallest counterclockwise one around it.
pub(super) fn nest(rings: Vec<Vec<Point>>) -> Vec<Polygon> {
    let (shells, holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(|ring| signed_area(ring) >= 0.0);
    let areas: Vec<f64> = shells.iter().map(|shell| area(shell)).collect();
    let mut polygons: Vec<Polygon> = shells.into_iter().map(|shell| Polygon { rings: vec![shell] }).collect();
    for hole in holes {
        let around = (0..polygons.len()).filter(|shell| {
            let shell = &polygons[*shell].rings[0];
            hole.iter().find(|point| !shell.contains(point)).is_none_or(|point| is_on_left(shell, *point))
        });
        if let Some(smallest) = around.min_by(|a, b| areas[*a].total_cmp(&areas[*b])) {
            polygons[smallest].rings.push(hole);
        }
    }
    polygons
}
