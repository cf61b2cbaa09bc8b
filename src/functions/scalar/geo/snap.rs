//! Snapping edges to fewer points and joining what is nearly straight: S2's builder with points as they are.
//!
//! Points that are at least the radius apart are chosen as sites; each edge goes through the sites whose surroundings
//! (limited Voronoi regions) it crosses; then chains of edges become one edge where that passes near all their points
//! and away from other sites.

use std::collections::{HashMap, HashSet};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

use s2::cellid::CellID;
use s2::s1::Interval;

use super::arrange::Directed;
use super::sphere::{Point, chord_of, edge_chord2, normal, ordered_ccw, project, sign};

/// How far a snapped edge may be from its edge, in radii.
const MAX_DEVIATION: f64 = 1.1;
/// How far a site must be from an edge that does not go through it, in radii.
const EDGE_SEPARATION: f64 = 0.5;

/// Snapped edges.
pub(super) struct Snapped {
    pub sites: Vec<Point>,
    pub edges: Vec<Directed>,
    /// Nothing was nearer than allowed: S2 then leaves edges as they are, unless it is told otherwise.
    pub is_clean: bool,
}

/// Snaps edges by a radius.
pub(super) fn snap(edges: &[(Point, Point)], radius: f64) -> Snapped {
    let mut builder = Builder::new(edges, radius);
    builder.choose_sites();
    builder.find_near_sites();
    builder.add_extra_sites();
    let chains: Vec<Vec<usize>> = (0..edges.len()).map(|edge| builder.snap_edge(edge)).collect();
    let snapped = Chains::new(&builder, &chains).simplified();
    Snapped { edges: snapped, is_clean: builder.is_clean, sites: builder.sites }
}

struct Builder<'a> {
    edges: &'a [(Point, Point)],
    radius: f64,
    radius2: f64,
    separation2: f64,
    sites: Vec<Point>,
    /// Of each edge: the sites near it, by distance from its start.
    near: Vec<Vec<usize>>,
    is_clean: bool,
}

impl<'a> Builder<'a> {
    fn new(edges: &'a [(Point, Point)], radius: f64) -> Self {
        Builder {
            edges,
            radius,
            radius2: chord_of(radius),
            separation2: chord_of(EDGE_SEPARATION * radius),
            sites: Vec::new(),
            near: Vec::new(),
            is_clean: true,
        }
    }

    /// Takes points in the order of their leaf cells, each that no site is near.
    fn choose_sites(&mut self) {
        let mut points: Vec<(u64, Point)> = self
            .edges
            .iter()
            .flat_map(|(a, b)| [*a, *b])
            .map(|point| (CellID::from(s2::point::Point::from(point)).0, point))
            .collect();
        points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.partial_cmp(&b.1).unwrap_or(std::cmp::Ordering::Equal)));
        points.dedup_by(|a, b| a.1 == b.1);
        let width = self.radius2.sqrt().max(1e-9);
        let block = |point: Point| [point.x, point.y, point.z].map(|value| (value / width).floor() as i64);
        let mut blocks: HashMap<[i64; 3], Vec<usize>> = HashMap::new();
        for (_, point) in points {
            let [x, y, z] = block(point);
            let around =
                (-1..=1).flat_map(|i| (-1..=1).flat_map(move |j| (-1..=1).map(move |k| [x + i, y + j, z + k])));
            let mut near = around.filter_map(|block| blocks.get(&block)).flatten();
            if near.any(|site| self.sites[*site].chord2(point) <= self.radius2) {
                self.is_clean = false;
            } else {
                blocks.entry([x, y, z]).or_default().push(self.sites.len());
                self.sites.push(point);
            }
        }
    }

    fn find_near_sites(&mut self) {
        let reach2 = chord_of((MAX_DEVIATION + EDGE_SEPARATION) * self.radius);
        let reach = reach2.sqrt();
        self.near = vec![Vec::new(); self.edges.len()];
        for (edge, (a, b)) in self.edges.iter().enumerate() {
            let middle = (*a + *b).normalize();
            let limit = middle.chord2(*a).sqrt() + reach + 1e-14;
            for (number, site) in self.sites.iter().enumerate() {
                if (*site - middle).norm2() > limit * limit {
                    continue;
                }
                let distance2 = edge_chord2(*site, *a, *b);
                if distance2 <= reach2 {
                    self.near[edge].push(number);
                }
                if distance2 < self.separation2 && site != a && site != b {
                    self.is_clean = false;
                }
            }
            sort_by_distance(*a, &self.sites, &mut self.near[edge]);
        }
    }

    /// Snaps each edge and adds sites where it would stray too far or come too near to another site.
    fn add_extra_sites(&mut self) {
        for last in 0..self.edges.len() {
            let mut queue = vec![last];
            while let Some(edge) = queue.pop() {
                let chain = self.snap_edge(edge);
                if let Some(site) = self.extra_site(edge, &chain) {
                    self.add_site(site, last, &mut queue);
                }
            }
        }
    }

    fn add_site(&mut self, site: Point, last: usize, queue: &mut Vec<usize>) {
        let reach2 = chord_of((MAX_DEVIATION + EDGE_SEPARATION) * self.radius);
        let number = self.sites.len();
        self.sites.push(site);
        self.is_clean = false;
        for (edge, (a, b)) in self.edges.iter().enumerate() {
            if edge_chord2(site, *a, *b) <= reach2 {
                self.near[edge].push(number);
                sort_by_distance(*a, &self.sites, &mut self.near[edge]);
                if edge <= last {
                    queue.push(edge);
                }
            }
        }
    }

    fn extra_site(&self, edge: usize, chain: &[usize]) -> Option<Point> {
        let (a0, a1) = self.edges[edge];
        let split2 = self.split_chord2();
        let mut next = 0;
        for site in &self.near[edge] {
            if *site == chain[next] {
                next += 1;
                if next == chain.len() {
                    return None;
                }
                if next == 0 {
                    continue;
                }
                let (v0, v1) = (self.sites[chain[next - 1]], self.sites[chain[next]]);
                if v0.chord2(v1) >= split2 && !is_near_edge(a0, a1, v0, v1, MAX_DEVIATION * self.radius) {
                    let middle = (project(v0, a0, a1) + project(v1, a0, a1)).normalize();
                    return Some(self.separation_site(middle, v0, v1, edge));
                }
            } else if next > 0 {
                let (v0, v1) = (self.sites[chain[next - 1]], self.sites[chain[next]]);
                let avoided = self.sites[*site];
                if edge_chord2(avoided, v0, v1) < self.separation2 {
                    return Some(self.separation_site(avoided, v0, v1, edge));
                }
            }
        }
        None
    }

    /// Returns the chord from which on an edge may stray too far although its ends moved by the radius at most.
    fn split_chord2(&self) -> f64 {
        let ratio = self.radius.sin() / (MAX_DEVIATION * self.radius).sin();
        chord_of(2.0 * ratio.clamp(-1.0, 1.0).acos())
    }

    /// Returns the place on an edge nearest to a site, within the gap that two sites beside it leave.
    fn separation_site(&self, avoided: Point, v0: Point, v1: Point, edge: usize) -> Point {
        let (x, y) = self.edges[edge];
        let direction = y - x;
        let n = normal(x, y);
        let site = project(avoided, x, y);
        let (least, most) = (self.coverage_end(v0, n), self.coverage_end(v1, -n));
        if (site - least).dot(direction) < 0.0 {
            least
        } else if (most - site).dot(direction) < 0.0 {
            most
        } else {
            site
        }
    }

    /// Returns where the disc around a site ends along an edge with this normal.
    fn coverage_end(&self, site: Point, n: Point) -> Point {
        let sin = self.radius.sin();
        let (n2, along) = (n.norm2(), n.dot(site));
        let sideways = n.cross(site);
        let middle = (site * n2 - n * along) * (1.0 - sin * sin).max(0.0).sqrt();
        let rest = sin * sin * n2 - along * along;
        (middle + sideways * rest.max(0.0).sqrt()).normalize()
    }

    /// Returns the sites whose surroundings an edge crosses, in order.
    fn snap_edge(&self, edge: usize) -> Vec<usize> {
        let (x, y) = self.edges[edge];
        let adjacent2 = chord_of((2.0 * self.radius).min(PI)) * (1.0 + 1e-15);
        let mut chain: Vec<usize> = Vec::new();
        for candidate in &self.near[edge] {
            let c = self.sites[*candidate];
            if edge_chord2(c, x, y) > self.radius2 {
                continue;
            }
            let mut add = true;
            while let Some(last) = chain.last() {
                let b = self.sites[*last];
                if b.chord2(c) >= adjacent2 {
                    break;
                }
                match excluded(b, c, x, y, self.radius2) {
                    Excluded::First => {
                        chain.pop();
                        continue;
                    }
                    Excluded::Second => {
                        add = false;
                        break;
                    }
                    Excluded::Neither => {}
                }
                let Some(before) = chain.len().checked_sub(2).map(|index| self.sites[chain[index]]) else { break };
                if before.chord2(c) >= adjacent2 {
                    break;
                }
                let side = sign(x, y, b);
                if sign(before, b, c) == side || circumcentre_side(x, y, before, b, c) != side {
                    break;
                }
                chain.pop();
            }
            if add {
                chain.push(*candidate);
            }
        }
        if chain.is_empty() {
            // Rounding left no site within the radius: the nearest one is meant.
            let nearest = self.near[edge].iter().min_by(|a, b| {
                let distance = |site: &usize| edge_chord2(self.sites[*site], x, y);
                distance(a).total_cmp(&distance(b))
            });
            chain.extend(nearest);
        }
        chain
    }
}

fn sort_by_distance(from: Point, sites: &[Point], numbers: &mut [usize]) {
    numbers.sort_by(|a, b| {
        let (a, b) = (sites[*a], sites[*b]);
        // Of two as far away, S2 takes the greater point for the nearer one.
        let order = from.chord2(a).total_cmp(&from.chord2(b));
        order.then(b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal))
    });
}

/// Tells whether every point of the edge `b` is within a distance of the edge `a`.
fn is_near_edge(a0: Point, a1: Point, b0: Point, b1: Point, tolerance: f64) -> bool {
    const PARTS: u32 = 16;
    let limit2 = chord_of(tolerance);
    // The farthest point is an end, or lies between them: a few places between tell for edges that are this near.
    (0..=PARTS).all(|part| {
        let point = super::sphere::interpolate(b0, b1, f64::from(part) / f64::from(PARTS));
        edge_chord2(point, a0, a1) <= limit2
    })
}

enum Excluded {
    First,
    Second,
    Neither,
}

/// Tells which of two sites, if one, is nearer than the other to every place of an edge that is within the radius of
/// the other.
fn excluded(a: Point, b: Point, x0: Point, x1: Point, radius2: f64) -> Excluded {
    if x1.chord2(a) < x1.chord2(b) {
        return Excluded::Second;
    }
    let n = (x0 - x1).cross(x0 + x1);
    let n2 = n.norm2();
    let (cos_r, sin2_r) = (1.0 - 0.5 * radius2, radius2 * (1.0 - 0.25 * radius2));
    let nearer_end = |p: Point| if p.chord2(x0) <= p.chord2(x1) { x0 } else { x1 };
    let (a_n, b_n) = ((a - nearer_end(a)).dot(n), (b - nearer_end(b)).dot(n));
    let (ra, rb) = ((n2 * sin2_r - a_n * a_n).max(0.0).sqrt(), (n2 * sin2_r - b_n * b_n).max(0.0).sqrt());
    let difference = cos_r * (rb - ra);
    let sin_d = 0.5 * (a - b).cross(a + b).dot(n);
    let cos_d = a.dot(b) * n2 - a_n * b_n;
    if difference.abs() < sin_d || cos_d < 0.0 {
        return Excluded::Neither;
    }
    if sin_d < 0.0 {
        let (far_a, far_b) = (a.chord2(x0) > 2.0, b.chord2(x1) > 2.0);
        if (difference < 0.0 || !far_a) && (difference > 0.0 || !far_b) {
            return Excluded::Neither;
        }
    }
    if difference > 0.0 { Excluded::First } else { Excluded::Second }
}

/// Tells on which side of an edge the centre of the circle through three points lies.
fn circumcentre_side(x0: Point, x1: Point, a: Point, b: Point, c: Point) -> i32 {
    let turn = f64::from(sign(a, b, c));
    let centre = (b - a).cross(c - b) * turn;
    let side = normal(x0, x1).dot(centre);
    i32::from(side > 0.0) - i32::from(side < 0.0)
}

/// Snapped edges as a graph, whose chains are made straight.
struct Chains<'b, 'a> {
    builder: &'b Builder<'a>,
    edges: Vec<Directed>,
    leaving: HashMap<usize, Vec<usize>>,
    arriving: HashMap<usize, Vec<usize>>,
    /// The points that were snapped to each site.
    snapped: HashMap<usize, Vec<Point>>,
    used: Vec<bool>,
    result: Vec<Directed>,
}

impl<'b, 'a> Chains<'b, 'a> {
    fn new(builder: &'b Builder<'a>, chains: &[Vec<usize>]) -> Self {
        let mut edges = Vec::new();
        let mut snapped: HashMap<usize, Vec<Point>> = HashMap::new();
        for (input, chain) in chains.iter().enumerate() {
            let (a, b) = builder.edges[input];
            snapped.entry(chain[0]).or_default().push(a);
            snapped.entry(chain[chain.len() - 1]).or_default().push(b);
            edges.extend(chain.windows(2).map(|ends| Directed { from: ends[0], to: ends[1], input }));
        }
        edges.sort_by_key(|edge| (edge.from, edge.to));
        let mut leaving: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut arriving: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, edge) in edges.iter().enumerate() {
            leaving.entry(edge.from).or_default().push(number);
            arriving.entry(edge.to).or_default().push(number);
        }
        let used = vec![false; edges.len()];
        Chains { builder, edges, leaving, arriving, snapped, used, result: Vec::new() }
    }

    fn simplified(mut self) -> Vec<Directed> {
        let interior: HashSet<usize> = self.leaving.keys().copied().filter(|site| self.is_interior(*site)).collect();
        for pass in 0..2 {
            for number in 0..self.edges.len() {
                let edge = self.edges[number];
                if self.used[number] || (pass == 0 && interior.contains(&edge.from)) {
                    continue;
                }
                self.simplify(edge.from, edge.to, &interior);
            }
        }
        self.result
    }

    /// Tells whether as many edges come from each of two neighbours of a site as go to the other.
    fn is_interior(&self, site: usize) -> bool {
        let none = Vec::new();
        let leaving = self.leaving.get(&site).unwrap_or(&none);
        let arriving = self.arriving.get(&site).unwrap_or(&none);
        let others = leaving.iter().map(|edge| self.edges[*edge].to);
        let others: Vec<usize> = others.chain(arriving.iter().map(|edge| self.edges[*edge].from)).collect();
        let neighbours: HashSet<usize> = others.iter().copied().collect();
        let count = |neighbour: &usize| others.iter().filter(|other| *other == neighbour).count();
        let counts: HashSet<usize> = neighbours.iter().map(count).collect();
        leaving.len() == arriving.len() && neighbours.len() == 2 && counts.len() == 1
    }

    fn simplify(&mut self, from: usize, to: usize, interior: &HashSet<usize>) {
        let (mut v0, mut v1) = (from, to);
        loop {
            let mut window = Window::new(self.builder.sites[v0]);
            self.avoid_sites(v0, v0, v1, &mut window);
            let mut chain = vec![v0];
            let mut done;
            loop {
                chain.push(v1);
                done = !interior.contains(&v1) || v1 == from;
                if done {
                    break;
                }
                let before = v0;
                v0 = v1;
                let Some(next) = self.follow(before, v0) else {
                    done = true;
                    break;
                };
                v1 = next;
                let goes_on = self.target(v0, &mut window)
                    && self.avoid_sites(chain[0], v0, v1, &mut window)
                    && window.extends(self.builder.sites[v1]);
                if !goes_on {
                    break;
                }
            }
            self.merge(&chain);
            if done {
                return;
            }
        }
    }

    fn follow(&self, before: usize, site: usize) -> Option<usize> {
        let mut next = self.leaving.get(&site)?.iter().map(|edge| self.edges[*edge].to);
        next.find(|to| *to != before && *to != site)
    }

    /// Puts one edge for each that runs along the chain, either way.
    fn merge(&mut self, chain: &[usize]) {
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        for backwards in [false, true] {
            let mut inputs: Vec<usize> = Vec::new();
            for ends in chain.windows(2) {
                let (from, to) = if backwards { (ends[1], ends[0]) } else { (ends[0], ends[1]) };
                let along = self.leaving.get(&from).into_iter().flatten().filter(|edge| self.edges[**edge].to == to);
                for (place, edge) in along.copied().enumerate() {
                    self.used[edge] = true;
                    match inputs.get_mut(place) {
                        Some(input) => *input = (*input).min(self.edges[edge].input),
                        None => inputs.push(self.edges[edge].input),
                    }
                }
            }
            let (from, to) = if backwards { (last, first) } else { (first, last) };
            self.result.extend(inputs.into_iter().map(|input| Directed { from, to, input }));
        }
    }

    /// Makes the straight edge pass within the radius of the points that were snapped to a site.
    fn target(&self, site: usize, window: &mut Window) -> bool {
        let points = self.snapped.get(&site);
        points.into_iter().flatten().all(|point| window.target(*point, self.builder.radius2))
    }

    /// Makes the straight edge from a site pass by those beside an edge of the chain on their side.
    fn avoid_sites(&self, v0: usize, v1: usize, v2: usize, window: &mut Window) -> bool {
        let sites = &self.builder.sites;
        let (p0, p1, p2) = (sites[v0], sites[v1], sites[v2]);
        let (r1, r2) = (p0.chord2(p1), p0.chord2(p2));
        if r2 < r1 || r2 >= self.builder.split_chord2() {
            return false;
        }
        let between = |from: usize, to: usize| {
            let along = self.leaving.get(&from).into_iter().flatten().map(|edge| self.edges[*edge]);
            along.filter(move |edge| edge.to == to).map(|edge| edge.input)
        };
        let input = between(v1, v2).chain(between(v2, v1)).min_by_key(|input| self.builder.near[*input].len());
        let Some(input) = input else { return true };
        for site in &self.builder.near[input] {
            if [v0, v1, v2].contains(site) {
                continue;
            }
            let p = sites[*site];
            let r = p0.chord2(p);
            if r <= r1 || r >= r2 {
                continue;
            }
            let on_left = if v1 == v0 { sign(p1, p2, p) > 0 } else { ordered_ccw(p0, p2, p, p1) };
            if !window.avoid(p, self.builder.separation2, on_left) {
                return false;
            }
        }
        true
    }
}

/// The directions in which a straight edge from a point may go.
struct Window {
    source: Point,
    x: Point,
    y: Point,
    directions: Interval,
    avoided: Vec<(Interval, bool)>,
}

impl Window {
    fn new(source: Point) -> Window {
        let (ax, ay, az) = (source.x.abs(), source.y.abs(), source.z.abs());
        let y = if ax < ay && ax < az {
            Point::new(0.0, source.z, -source.y)
        } else if ay <= ax && ay < az {
            Point::new(-source.z, 0.0, source.x)
        } else {
            Point::new(source.y, -source.x, 0.0)
        };
        Window { source, x: y.cross(source), y, directions: s2::s1::interval::FULL, avoided: Vec::new() }
    }

    fn direction(&self, point: Point) -> f64 {
        point.dot(self.y).atan2(point.dot(self.x))
    }

    fn extends(&self, to: Point) -> bool {
        let direction = self.direction(to);
        self.source.chord2(to) <= 2.0
            && self.directions.contains(direction)
            && !self.avoided.iter().any(|(range, _)| range.contains(direction))
    }

    /// Returns half the angle under which a disc is seen, rounded as told; half a turn if the source is in it.
    fn half_width(&self, centre: Point, radius2: f64, rounding: f64) -> f64 {
        const ERROR: f64 = 0.5 * f64::EPSILON;

        let distance2 = self.source.chord2(centre) - 64.0 * ERROR * ERROR * rounding;
        if distance2 <= radius2 {
            return PI;
        }
        let sin2 = |chord2: f64| chord2 * (1.0 - 0.25 * chord2);
        let half = (sin2(radius2) / sin2(distance2)).sqrt().asin();
        half + rounding * (24.0 * ERROR + 17.0 * ERROR * half)
    }

    fn target(&mut self, centre: Point, radius2: f64) -> bool {
        let half = self.half_width(centre, radius2, -1.0);
        if half >= PI {
            return true;
        }
        if half < 0.0 {
            self.directions = s2::s1::interval::EMPTY;
            return false;
        }
        let direction = self.direction(centre);
        self.directions = self.directions.intersection(&range(direction - half, direction + half));
        for (range, on_left) in std::mem::take(&mut self.avoided) {
            self.exclude(range, on_left);
        }
        !self.directions.is_empty()
    }

    fn avoid(&mut self, centre: Point, radius2: f64, on_left: bool) -> bool {
        let half = self.half_width(centre, radius2, 1.0);
        if half >= PI {
            self.directions = s2::s1::interval::EMPTY;
            return false;
        }
        let direction = self.direction(centre);
        let (left, right) = if on_left { (FRAC_PI_2, half) } else { (half, FRAC_PI_2) };
        let avoided = range(direction - right, direction + left);
        if self.directions.is_full() {
            self.avoided.push((avoided, on_left));
            return true;
        }
        self.exclude(avoided, on_left);
        !self.directions.is_empty()
    }

    fn exclude(&mut self, avoided: Interval, on_left: bool) {
        if !self.directions.contains_interval(&avoided) {
            self.directions = self.directions.intersection(&avoided.complement());
        } else if on_left {
            self.directions = Interval::new(self.directions.lo, avoided.lo);
        } else {
            self.directions = Interval::new(avoided.hi, self.directions.hi);
        }
    }
}

/// Returns the directions between two, each of which may be beyond half a turn.
fn range(low: f64, high: f64) -> Interval {
    let within = |angle: f64| angle - TAU * (angle / TAU).round();
    Interval::new(within(low), within(high))
}
