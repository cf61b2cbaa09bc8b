//! Points on the sphere, computed as Google's S2 library computes them.
//!
//! The engine's answers carry S2's rounding in their last digits, and whether a point counts as on the left of an edge
//! follows S2's perturbation of coinciding points. The port of S2 that we use has neither its exact predicates nor its
//! conversions to the last digit, so the few formulas that show in answers stand here; cells and intersections come
//! from the port.

use std::cmp::Ordering;
use std::f64::consts::PI;
use std::ops::{Add, Mul, Neg, Sub};

/// The radius that S2 gives the earth, in metres.
pub(super) const EARTH_RADIUS: f64 = 6_371_010.0;

/// A point on the unit sphere, or a vector in space.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Point {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

impl Point {
    pub const fn new(x: f64, y: f64, z: f64) -> Point {
        Point { x, y, z }
    }

    /// Converts from longitude and latitude in degrees.
    pub fn from_degrees(longitude: f64, latitude: f64) -> Point {
        let (theta, phi) = (radians(longitude), radians(latitude));
        let cos_phi = phi.cos();
        Point::new(theta.cos() * cos_phi, theta.sin() * cos_phi, phi.sin())
    }

    /// Returns longitude and latitude in degrees.
    pub fn to_degrees(self) -> (f64, f64) {
        let latitude = self.z.atan2((self.x * self.x + self.y * self.y).sqrt());
        (degrees(self.y.atan2(self.x)), degrees(latitude))
    }

    pub fn dot(self, other: Point) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub fn cross(self, other: Point) -> Point {
        Point::new(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub fn norm2(self) -> f64 {
        self.dot(self)
    }

    pub fn norm(self) -> f64 {
        self.norm2().sqrt()
    }

    /// Returns the vector of length one in the same direction; the zero vector stays.
    pub fn normalize(self) -> Point {
        let norm = self.norm();
        if norm == 0.0 { self } else { self * (1.0 / norm) }
    }

    /// Returns the angle to another point, in radians.
    pub fn angle(self, other: Point) -> f64 {
        self.cross(other).norm().atan2(self.dot(other))
    }

    /// Returns the square of the straight line to another point.
    pub fn chord2(self, other: Point) -> f64 {
        (self - other).norm2().min(4.0)
    }

    /// Returns a direction at right angles.
    pub fn ortho(self) -> Point {
        let Point { x, y, z } = self;
        let (ax, ay, az) = (x.abs(), y.abs(), z.abs());
        let mut other = Point::new(0.012, 0.0053, 0.00457);
        // S2 takes the axis before the largest component.
        if ax > ay && ax > az {
            other.z = 1.0;
        } else if ay > az {
            other.x = 1.0;
        } else {
            other.y = 1.0;
        }
        self.cross(other).normalize()
    }

    /// Returns what tells the point from others in a map.
    pub fn key(self) -> [u64; 3] {
        // Adding zero makes the negative zero positive.
        [(self.x + 0.0).to_bits(), (self.y + 0.0).to_bits(), (self.z + 0.0).to_bits()]
    }
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        Point::new(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        Point::new(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f64> for Point {
    type Output = Point;
    fn mul(self, factor: f64) -> Point {
        Point::new(self.x * factor, self.y * factor, self.z * factor)
    }
}

impl Neg for Point {
    type Output = Point;
    fn neg(self) -> Point {
        self * -1.0
    }
}

impl From<Point> for s2::point::Point {
    fn from(point: Point) -> Self {
        s2::point::Point(s2::r3::vector::Vector { x: point.x, y: point.y, z: point.z })
    }
}

impl From<s2::point::Point> for Point {
    fn from(point: s2::point::Point) -> Self {
        Point::new(point.0.x, point.0.y, point.0.z)
    }
}

/// Converts degrees, rounding as S2 does.
pub(super) fn radians(degrees: f64) -> f64 {
    (PI / 180.0) * degrees
}

/// Converts radians, rounding as S2 does.
pub(super) fn degrees(radians: f64) -> f64 {
    (180.0 / PI) * radians
}

/// Returns the angle behind the square of a chord.
pub(super) fn chord_angle(chord2: f64) -> f64 {
    2.0 * (0.5 * chord2.sqrt()).min(1.0).asin()
}

/// Returns the square of the chord of an angle.
pub(super) fn chord_of(angle: f64) -> f64 {
    let half = 2.0 * (0.5 * angle.min(PI)).sin();
    half * half
}

/// Returns the distance of two places given in degrees, in radians, by the haversine formula.
pub(super) fn haversine(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (lat1, lat2) = (radians(from.1), radians(to.1));
    let dlat = (0.5 * (lat2 - lat1)).sin();
    let dlng = (0.5 * (radians(to.0) - radians(from.0))).sin();
    let x = dlat * dlat + dlng * dlng * lat1.cos() * lat2.cos();
    2.0 * x.min(1.0).sqrt().asin()
}

/// Returns a vector at right angles to two points, never zero.
pub(super) fn normal(a: Point, b: Point) -> Point {
    let product = (b + a).cross(b - a);
    if product.norm2() == 0.0 { a.ortho() } else { product }
}

/// Returns the point on the edge `ab` at a part of its length.
pub(super) fn interpolate(a: Point, b: Point, part: f64) -> Point {
    if part == 0.0 {
        a
    } else if part == 1.0 {
        b
    } else {
        let direction = normal(a, b).cross(a).normalize();
        on_ray(a, direction, part * a.angle(b))
    }
}

/// Returns the point in a direction (at right angles) at a distance in radians.
pub(super) fn on_ray(from: Point, direction: Point, distance: f64) -> Point {
    (from * distance.cos() + direction * distance.sin()).normalize()
}

/// Returns the square of the chord from a point to the nearest point of an edge.
pub(super) fn edge_chord2(x: Point, a: Point, b: Point) -> f64 {
    let nearest_end = x.chord2(a).min(x.chord2(b));
    if a == b {
        return nearest_end;
    }
    let c = normal(a, b);
    let c2 = c.norm2();
    let cx = c.cross(x);
    if (a - x).dot(cx) >= 0.0 || (b - x).dot(cx) <= 0.0 {
        return nearest_end;
    }
    let along = x.dot(c);
    let rest = 1.0 - (cx.norm2() / c2).sqrt();
    (along * along / c2 + rest * rest).min(nearest_end)
}

/// Returns the point of an edge that is nearest to another.
pub(super) fn project(x: Point, a: Point, b: Point) -> Point {
    if x == a || x == b {
        return x;
    }
    let n = normal(a, b).normalize();
    let p = x - n * x.dot(n);
    if simple_ccw(n, a, p) && simple_ccw(p, b, n) {
        p.normalize()
    } else if x.chord2(a) <= x.chord2(b) {
        a
    } else {
        b
    }
}

fn simple_ccw(a: Point, b: Point, c: Point) -> bool {
    c.cross(a).dot(b) > 0.0
}

/// How two edges meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    None,
    /// They share an end.
    Vertex,
    /// They cross within both.
    Interior,
}

/// Tells how the edges `ab` and `cd` meet; no three distinct points count as lying on one line.
pub(super) fn crossing(a: Point, b: Point, c: Point, d: Point) -> Crossing {
    if a == c || a == d || b == c || b == d {
        return Crossing::Vertex;
    }
    if a == b || c == d {
        return Crossing::None;
    }
    let acb = -sign(a, b, c);
    if acb != sign(a, b, d) {
        return Crossing::None;
    }
    let cbd = -sign(c, d, b);
    if cbd != acb || sign(c, d, a) != acb {
        return Crossing::None;
    }
    Crossing::Interior
}

/// Returns where two edges that cross do so.
pub(super) fn intersection(a: Point, b: Point, c: Point, d: Point) -> Point {
    s2::edge_crossings::get_intersection(&a.into(), &b.into(), &c.into(), &d.into()).into()
}

/// Tells whether the directions from `o` to `a`, `b` and `c` come in this order, counterclockwise.
pub(super) fn ordered_ccw(a: Point, b: Point, c: Point, o: Point) -> bool {
    let mut sum = 0;
    sum += i32::from(sign(b, o, a) >= 0);
    sum += i32::from(sign(c, o, b) >= 0);
    sum += i32::from(sign(a, o, c) > 0);
    sum >= 2
}

/// The error of a determinant of three points of length one.
const MAX_DETERMINANT_ERROR: f64 = 1.8274 * f64::EPSILON;

/// Returns 1 if the points are in counterclockwise order, -1 if in clockwise order, and 0 only if two are the same.
pub(super) fn sign(a: Point, b: Point, c: Point) -> i32 {
    let determinant = a.cross(b).dot(c);
    if determinant.abs() > MAX_DETERMINANT_ERROR {
        return if determinant > 0.0 { 1 } else { -1 };
    }
    if a == b || b == c || c == a {
        return 0;
    }
    exact_sign(a, b, c)
}

/// Sorts the points, takes the exact determinant, and perturbs them if that is zero.
fn exact_sign(a: Point, b: Point, c: Point) -> i32 {
    let (mut a, mut b, mut c) = (a, b, c);
    let mut permutation = 1;
    let mut order = |first: &mut Point, second: &mut Point| {
        if first.partial_cmp(&second) == Some(Ordering::Greater) {
            std::mem::swap(first, second);
            permutation = -permutation;
        }
    };
    order(&mut a, &mut b);
    order(&mut b, &mut c);
    order(&mut a, &mut b);
    let mut exact = Exact::default();
    for (i, j, k, factor) in
        [(0, 1, 2, 1.0), (1, 2, 0, 1.0), (2, 0, 1, 1.0), (0, 2, 1, -1.0), (1, 0, 2, -1.0), (2, 1, 0, -1.0)]
    {
        exact.add_product(component(a, i) * factor, component(b, j), component(c, k));
    }
    let sign = exact.sign();
    permutation * if sign == 0 { perturbed_sign(a, b, c) } else { sign }
}

fn component(point: Point, index: usize) -> f64 {
    [point.x, point.y, point.z][index]
}

/// Returns the sign of the determinant of three sorted points in one plane with the centre, each of which is moved by
/// an amount that is infinitely smaller than that of the one before it: S2's symbolic perturbation.
fn perturbed_sign(a: Point, b: Point, c: Point) -> i32 {
    let minor = |p: f64, q: f64, r: f64, s: f64| {
        let mut exact = Exact::default();
        exact.add_product(p, q, 1.0);
        exact.add_product(-r, s, 1.0);
        exact.sign()
    };
    let plain = |value: f64| (value > 0.0) as i32 - (value < 0.0) as i32;
    let terms = [
        minor(b.x, c.y, b.y, c.x),
        minor(b.z, c.x, b.x, c.z),
        minor(b.y, c.z, b.z, c.y),
        minor(c.x, a.y, c.y, a.x),
        plain(c.x),
        -plain(c.y),
        minor(c.z, a.x, c.x, a.z),
        plain(c.z),
        minor(a.x, b.y, a.y, b.x),
        -plain(b.x),
        plain(b.y),
        plain(a.x),
    ];
    terms.into_iter().find(|sign| *sign != 0).unwrap_or(1)
}

/// A sum of products of doubles without rounding: parts that do not overlap, the smallest first (Shewchuk 1997).
#[derive(Default)]
struct Exact {
    parts: Vec<f64>,
}

impl Exact {
    fn add_product(&mut self, a: f64, b: f64, c: f64) {
        let high = a * b;
        let low = a.mul_add(b, -high);
        for factor in [high, low] {
            let product = factor * c;
            self.add(factor.mul_add(c, -product));
            self.add(product);
        }
    }

    fn add(&mut self, value: f64) {
        let mut carry = value;
        for part in &mut self.parts {
            let sum = carry + *part;
            let back = sum - carry;
            *part = (carry - (sum - back)) + (*part - back);
            carry = sum;
        }
        self.parts.push(carry);
        self.parts.retain(|part| *part != 0.0);
    }

    fn sign(&self) -> i32 {
        self.parts.last().map_or(0, |largest| if *largest > 0.0 { 1 } else { -1 })
    }
}

#[cfg(test)]
mod tests {
    use super::{Crossing, Point, crossing, sign};

    #[test]
    fn points_on_one_meridian_are_told_apart_consistently() {
        let [a, b, c] = [0.0, 25.0, 50.0].map(|latitude| Point::from_degrees(0.0, latitude));
        let turn = sign(a, b, c);
        assert_ne!(turn, 0);
        assert_eq!([sign(b, c, a), sign(c, a, b)], [turn, turn]);
        assert_eq!([sign(c, b, a), sign(b, a, c)], [-turn, -turn]);
        assert_eq!(sign(a, b, a), 0);
    }

    #[test]
    fn edges_cross_or_meet() {
        let at = Point::from_degrees;
        let (a, b) = (at(0.0, 0.0), at(2.0, 2.0));
        assert_eq!(crossing(a, b, at(0.0, 2.0), at(2.0, 0.0)), Crossing::Interior);
        assert_eq!(crossing(a, b, at(0.0, 2.0), at(0.5, 1.0)), Crossing::None);
        assert_eq!(crossing(a, b, b, at(2.0, 0.0)), Crossing::Vertex);
    }
}
