//! What regions and lines make of the sphere together: their edges, cut where they meet, and what lies beside each.
//!
//! Union, intersection and buffers are read off one arrangement: each piece of an edge knows how often each region
//! winds around the places on its left and on its right. S2 clips edge by edge and rounds as it builds; the pieces come
//! out the same, and the order of the results follows S2's rules, by input edge and by the cell of a vertex.

use std::collections::HashMap;

use super::sphere::{Crossing, Point, crossing, edge_chord2, intersection, ordered_ccw, sign};

/// Points nearer than this, in radians, are one: twice the error of an intersection.
const MERGED: f64 = 2e-15;

/// How often each of two regions winds around a place.
pub(super) type Windings = [i32; 2];

/// An edge that is laid into an arrangement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub from: Point,
    pub to: Point,
    /// The region it belongs to.
    pub region: usize,
    /// The region winds once more around what is on its left; a line's edge bounds nothing.
    pub bounds: bool,
}

/// A piece of edges between two vertices, with what is beside it in the direction from the lesser to the greater vertex.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub from: usize,
    pub to: usize,
    pub left: Windings,
    pub right: Windings,
    /// The edges it is a part of, and whether each runs in its direction.
    pub inputs: Vec<(usize, bool)>,
}

/// Edges cut into pieces.
pub(super) struct Arrangement {
    /// In the order of S2's builder: by leaf cell.
    pub vertices: Vec<Point>,
    pub pieces: Vec<Piece>,
    /// The vertex at which each edge begins and those at which it is cut, to its end.
    pub chains: Vec<Vec<usize>>,
}

impl Arrangement {
    /// Cuts edges at each other, and winds from a point around which the regions wind so often.
    pub fn new(inputs: &[Input], reference: Point, at_reference: Windings) -> Arrangement {
        let mut vertices = Vertices::default();
        let cuts = cuts(inputs, &mut vertices);
        let (vertices, order) = vertices.sorted();
        let chains: Vec<Vec<usize>> =
            cuts.into_iter().map(|chain| chain.into_iter().map(|vertex| order[vertex]).collect()).collect();
        let mut pieces = pieces(&chains, inputs);
        wind(&vertices, &mut pieces, reference, at_reference);
        Arrangement { vertices, pieces, chains }
    }

    /// Returns the pieces that bound the places for which the test holds, each with them on its left.
    pub fn boundary(&self, inside: impl Fn(Windings) -> bool) -> Vec<Directed> {
        let mut edges = Vec::new();
        for piece in &self.pieces {
            let input = piece.inputs.iter().map(|(input, _)| *input).min().unwrap_or(0);
            match (inside(piece.left), inside(piece.right)) {
                (true, false) => edges.push(Directed { from: piece.from, to: piece.to, input }),
                (false, true) => edges.push(Directed { from: piece.to, to: piece.from, input }),
                _ => {}
            }
        }
        edges.sort_by_key(|edge| (edge.from, edge.to));
        edges
    }
}

/// A piece of a result, with the input edge it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directed {
    pub from: usize,
    pub to: usize,
    pub input: usize,
}

/// Vertices, each once.
#[derive(Default)]
struct Vertices {
    points: Vec<Point>,
    numbers: HashMap<[u64; 3], usize>,
}

impl Vertices {
    fn number(&mut self, point: Point) -> usize {
        *self.numbers.entry(point.key()).or_insert_with(|| {
            self.points.push(point);
            self.points.len() - 1
        })
    }

    /// Returns the points sorted by leaf cell, and the new number of each.
    fn sorted(self) -> (Vec<Point>, Vec<usize>) {
        let cell = |point: &Point| s2::cellid::CellID::from(s2::point::Point::from(*point)).0;
        let mut by_cell: Vec<(u64, usize)> =
            self.points.iter().enumerate().map(|(number, point)| (cell(point), number)).collect();
        by_cell.sort_by(|a, b| {
            let points = self.points[a.1].partial_cmp(&self.points[b.1]);
            a.0.cmp(&b.0).then(points.unwrap_or(std::cmp::Ordering::Equal))
        });
        let mut order = vec![0; by_cell.len()];
        by_cell.iter().enumerate().for_each(|(place, (_, number))| order[*number] = place);
        (by_cell.iter().map(|(_, number)| self.points[*number]).collect(), order)
    }
}

/// Calls back for each pair of edges that may meet: those whose surrounding balls do, found by a sweep.
pub(super) fn visit_near_pairs(edges: &[(Point, Point)], mut visit: impl FnMut(usize, usize)) {
    let balls: Vec<(Point, f64)> = edges
        .iter()
        .map(|(a, b)| {
            let middle = (*a + *b).normalize();
            (middle, middle.chord2(*a).sqrt() + 1e-14)
        })
        .collect();
    let spread = |get: fn(&Point) -> f64| {
        let values = || balls.iter().map(|(middle, _)| get(middle));
        values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min)
    };
    let axes: [fn(&Point) -> f64; 3] = [|p| p.x, |p| p.y, |p| p.z];
    let axis = axes.into_iter().max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(axes[0]);
    let mut order: Vec<usize> = (0..edges.len()).collect();
    let start = |edge: usize| axis(&balls[edge].0) - balls[edge].1;
    order.sort_by(|a, b| start(*a).total_cmp(&start(*b)));
    let mut open: Vec<usize> = Vec::new();
    for edge in order {
        let (middle, radius) = balls[edge];
        open.retain(|other| axis(&balls[*other].0) + balls[*other].1 >= axis(&middle) - radius);
        for other in &open {
            let reach = balls[*other].1 + radius;
            if (balls[*other].0 - middle).norm2() <= reach * reach {
                visit((*other).min(edge), (*other).max(edge));
            }
        }
        open.push(edge);
    }
}

/// Returns the vertices along each edge: its ends, where it crosses another, and vertices that lie on it.
fn cuts(inputs: &[Input], vertices: &mut Vertices) -> Vec<Vec<usize>> {
    let edges: Vec<(Point, Point)> = inputs.iter().map(|input| (input.from, input.to)).collect();
    let mut chains: Vec<Vec<usize>> =
        edges.iter().map(|(from, to)| vec![vertices.number(*from), vertices.number(*to)]).collect();
    let mut pairs = Vec::new();
    visit_near_pairs(&edges, |a, b| pairs.push((a, b)));
    pairs.sort_unstable();
    for (a, b) in pairs {
        let ((a0, a1), (b0, b1)) = (edges[a], edges[b]);
        for (edge, other, end) in [(a, b, 0), (a, b, 1), (b, a, 0), (b, a, 1)] {
            let (from, to) = edges[edge];
            let point = if end == 0 { edges[other].0 } else { edges[other].1 };
            if point != from && point != to && edge_chord2(point, from, to) <= MERGED * MERGED {
                let vertex = vertices.number(point);
                chains[edge].push(vertex);
            }
        }
        if crossing(a0, a1, b0, b1) == Crossing::Interior {
            let point = intersection(a0, a1, b0, b1);
            let near = [a0, a1, b0, b1].into_iter().find(|end| end.chord2(point) <= MERGED * MERGED);
            let vertex = vertices.number(near.unwrap_or(point));
            chains[a].push(vertex);
            chains[b].push(vertex);
        }
    }
    for (chain, (from, _)) in chains.iter_mut().zip(&edges) {
        let (first, last) = (chain[0], chain[1]);
        let mut inner: Vec<usize> = chain[2..].iter().copied().filter(|v| *v != first && *v != last).collect();
        let distance = |vertex: &usize| from.chord2(vertices.points[*vertex]);
        inner.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
        inner.dedup();
        *chain = std::iter::once(first).chain(inner).chain([last]).collect();
    }
    chains
}

/// Returns each stretch between two vertices once.
fn pieces(chains: &[Vec<usize>], inputs: &[Input]) -> Vec<Piece> {
    let mut numbers: HashMap<(usize, usize), usize> = HashMap::new();
    let mut pieces: Vec<Piece> = Vec::new();
    for (input, chain) in chains.iter().enumerate() {
        for ends in chain.windows(2).filter(|ends| ends[0] != ends[1]) {
            let (from, to) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            let number = *numbers.entry((from, to)).or_insert_with(|| {
                pieces.push(Piece { from, to, left: [0; 2], right: [0; 2], inputs: Vec::new() });
                pieces.len() - 1
            });
            let piece = &mut pieces[number];
            let forward = from == ends[0];
            piece.inputs.push((input, forward));
            // Until the windings are known, `left` holds by how much they exceed those on the right.
            if inputs[input].bounds {
                piece.left[inputs[input].region] += if forward { 1 } else { -1 };
            }
        }
    }
    pieces
}

/// Half of a piece: it leaves a vertex.
#[derive(Clone, Copy)]
struct Half {
    piece: usize,
    to: usize,
    step: Windings,
}

/// Fills in the windings beside each piece, one connected part after another.
fn wind(vertices: &[Point], pieces: &mut [Piece], reference: Point, at_reference: Windings) {
    let mut around: Vec<Vec<Half>> = vec![Vec::new(); vertices.len()];
    for (number, piece) in pieces.iter().enumerate() {
        around[piece.from].push(Half { piece: number, to: piece.to, step: piece.left });
        around[piece.to].push(Half { piece: number, to: piece.from, step: piece.left.map(|step| -step) });
    }
    for (vertex, halves) in around.iter_mut().enumerate() {
        sort_around(vertices, vertex, halves);
    }
    let steps: Vec<Windings> = pieces.iter().map(|piece| piece.left).collect();
    let mut known = vec![false; vertices.len()];
    let mut done = vec![false; pieces.len()];
    for start in 0..vertices.len() {
        if known[start] || around[start].is_empty() {
            continue;
        }
        let (wedge, windings) = base(vertices, pieces, &steps, &around[start], start, reference, at_reference);
        known[start] = true;
        let mut queue = vec![(start, wedge, windings)];
        while let Some((vertex, wedge, mut windings)) = queue.pop() {
            let halves = &around[vertex];
            for turn in 0..halves.len() {
                let half = halves[(wedge + turn) % halves.len()];
                if turn > 0 {
                    windings = add(windings, half.step);
                }
                // `windings` is now what lies on the left of the half.
                let right = add(windings, half.step.map(|step| -step));
                if !done[half.piece] {
                    done[half.piece] = true;
                    let forward = pieces[half.piece].from == vertex;
                    let piece = &mut pieces[half.piece];
                    (piece.left, piece.right) = if forward { (windings, right) } else { (right, windings) };
                }
                if !known[half.to] {
                    known[half.to] = true;
                    let back = around[half.to].iter().position(|other| other.piece == half.piece).unwrap_or(0);
                    // On the left of the way back is what was on the right.
                    queue.push((half.to, back, right));
                }
            }
        }
    }
}

fn add(a: Windings, b: Windings) -> Windings {
    [a[0] + b[0], a[1] + b[1]]
}

/// Sorts the halves that leave a vertex counterclockwise.
fn sort_around(vertices: &[Point], vertex: usize, halves: &mut [Half]) {
    let Some(first) = halves.first().map(|half| half.to) else { return };
    let (o, first_point) = (vertices[vertex], vertices[first]);
    halves[1..].sort_by(|a, b| {
        if a.to == b.to {
            std::cmp::Ordering::Equal
        } else if ordered_ccw(first_point, vertices[a.to], vertices[b.to], o) {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Greater
        }
    });
}

/// Returns the half at a vertex that has the direction of the reference on its left before the next half, and the
/// windings there: those at the reference, changed by every piece that the arc to the vertex crosses.
fn base(
    vertices: &[Point],
    pieces: &[Piece],
    steps: &[Windings],
    halves: &[Half],
    vertex: usize,
    reference: Point,
    at_reference: Windings,
) -> (usize, Windings) {
    let o = vertices[vertex];
    let mut windings = at_reference;
    for (piece, step) in pieces.iter().zip(steps) {
        if *step == [0; 2] || piece.from == vertex || piece.to == vertex {
            continue;
        }
        let (a, b) = (vertices[piece.from], vertices[piece.to]);
        if crossing(reference, o, a, b) == Crossing::Interior {
            let to_left = sign(a, b, o) > 0;
            windings = add(windings, if to_left { *step } else { step.map(|step| -step) });
        }
    }
    let is_before = |index: usize| {
        let next = halves[(index + 1) % halves.len()];
        halves.len() == 1 || ordered_ccw(vertices[halves[index].to], reference, vertices[next.to], o)
    };
    ((0..halves.len()).find(|index| is_before(*index)).unwrap_or(0), windings)
}

/// Joins directed pieces to loops without repeated vertices: at each vertex the sharpest turn to the left is taken.
///
/// Loops begin and follow each other as those of S2's builder do: the edge that came last into it ends its loop.
pub(super) fn loops(vertices: &[Point], edges: &[Directed]) -> Vec<Vec<usize>> {
    let next = left_turns(vertices, edges);
    let mut free: Vec<bool> = next.iter().map(Option::is_some).collect();
    let mut place = vec![usize::MAX; vertices.len()];
    let mut loops: Vec<Vec<usize>> = Vec::new();
    for start in 0..edges.len() {
        let mut path: Vec<usize> = Vec::new();
        let mut edge = start;
        while free[edge] {
            free[edge] = false;
            place[edges[edge].from] = path.len();
            path.push(edge);
            let begun = place[edges[edge].to];
            if begun != usize::MAX {
                let ring = path.split_off(begun);
                ring.iter().for_each(|edge| place[edges[*edge].from] = usize::MAX);
                loops.push(last_input_last(ring, edges));
            }
            match next[edge] {
                Some(following) => edge = following,
                None => break,
            }
        }
        path.iter().for_each(|edge| place[edges[*edge].from] = usize::MAX);
    }
    loops.sort_by_key(|ring| edges[ring[0]].input);
    loops.iter().map(|ring| ring.iter().map(|edge| edges[*edge].from).collect()).collect()
}

/// Returns the edge that follows each.
fn left_turns(vertices: &[Point], edges: &[Directed]) -> Vec<Option<usize>> {
    let mut leaving: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, edge) in edges.iter().enumerate() {
        leaving.entry(edge.from).or_default().push(number);
    }
    let follow = |edge: &Directed| {
        let (back, o) = (vertices[edge.from], vertices[edge.to]);
        let mut candidates = leaving.get(&edge.to)?.iter().copied();
        let first = candidates.next()?;
        Some(candidates.fold(first, |best, other| {
            // Clockwise from the way back, the first one turns most to the left.
            let (best_end, other_end) = (edges[best].to, edges[other].to);
            let earlier = best_end != other_end && ordered_ccw(vertices[best_end], vertices[other_end], back, o);
            if earlier { other } else { best }
        }))
    };
    edges.iter().map(follow).collect()
}

/// Turns a loop so that the edge with the greatest input ends it, the last of its pieces if it was cut.
fn last_input_last(mut ring: Vec<usize>, edges: &[Directed]) -> Vec<usize> {
    let (mut last, mut gap) = (0, false);
    for index in 1..ring.len() {
        let (this, greatest) = (edges[ring[index]].input, edges[ring[last]].input);
        if this < greatest {
            gap = true;
        } else if this > greatest || !gap {
            (last, gap) = (index, false);
        }
    }
    let start = (last + 1) % ring.len();
    ring.rotate_left(start);
    ring
}
