//! The search held against one that tries everything, on random graphs and patterns; and its limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::RowOperator;
use super::super::testing::rows;
use super::{Evaluate, Graph, Input, MOST_STEPS, Setup, Value, node_columns};
use crate::plan::graph::{Cycles, Direction, Element, Fold, Pattern, PatternEdge, Shortest};
use crate::types::arrow::schema;
use crate::types::{Column, ScalarType};

/// Source and target of each edge.
type Edges = Vec<(i64, i64)>;

fn column(at: usize) -> Evaluate {
    Arc::new(move |batch: &RecordBatch| Ok(batch.column(at).clone()))
}

/// Tells of each edge whether its source is another one than this.
fn source_is_not(node: i64) -> Evaluate {
    Arc::new(move |batch: &RecordBatch| {
        let sources = batch.column(0).as_primitive::<Int64Type>();
        Ok(Arc::new(sources.iter().map(|s| s.map(|s| s != node)).collect::<BooleanArray>()) as ArrayRef)
    })
}

/// Runs a search; gives the nodes of each match, then the edges along each edge of the pattern.
fn searched(edges: &Edges, pattern: Pattern, without: Option<i64>, most_steps: u64) -> Result<Vec<String>, String> {
    let columns: Vec<Column> = ["s", "t", "n"].iter().map(|name| Column::new(*name, ScalarType::Long)).collect();
    let value = |name: String, element, fold, value| Value {
        column: Column::new(name, if fold == Fold::Map { ScalarType::Dynamic } else { ScalarType::Long }),
        element,
        fold,
        scalar_type: ScalarType::Long,
        value,
    };
    // Without properties the identity is the first column of nodes.
    let nodes = (0..pattern.nodes).map(|i| value(format!("n{i}"), Element::Node(i), Fold::Single, column(0)));
    let paths = (0..pattern.edges.len()).map(|i| value(format!("e{i}"), Element::Edge(i), Fold::Map, column(2)));
    let values: Vec<Value> = nodes.chain(paths).collect();
    let conditions = without
        .map(|node| (0..pattern.edges.len()).map(|i| (Element::Edge(i), source_is_not(node))).collect())
        .unwrap_or_default();
    let setup = Setup {
        name: "graph-match",
        edges: Input { columns: columns.clone(), ids: vec![0, 1], partition: None },
        nodes: Vec::new(),
        ordered: true,
        id: ScalarType::Long,
        properties: Vec::new(),
        components: Vec::new(),
        outputs: (0..values.len()).collect(),
        values,
        conditions,
        filter: None,
        pattern,
        batch_size: 3,
        most_steps,
    };
    assert_eq!(node_columns(&[], &[], ScalarType::Long)[0].scalar_type, ScalarType::Long);
    let mut operator = Graph::new(Arc::new(setup));
    let longs = |f: &dyn Fn(usize) -> i64| Arc::new(Int64Array::from_iter_values((0..edges.len()).map(f))) as ArrayRef;
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![0; edges.len()])),
        longs(&|i| edges[i].0),
        longs(&|i| edges[i].1),
        longs(&|i| i as i64),
    ];
    let all: Vec<Column> = [Column::new("i", ScalarType::Int)].into_iter().chain(columns).collect();
    operator.push(&RecordBatch::try_new(schema(&all), arrays).unwrap()).unwrap();
    operator.finish().unwrap();
    let mut found = Vec::new();
    while let Some(batches) = operator.more().map_err(|e| e.0)? {
        found.extend(rows(&batches));
    }
    found.sort();
    Ok(found)
}

/// Finds the matches by trying every walk.
fn tried(edges: &Edges, pattern: &Pattern, without: Option<i64>) -> Vec<String> {
    let mut nodes: Vec<i64> = edges.iter().flat_map(|(s, t)| [*s, *t]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut found: Vec<(Vec<i64>, Vec<Vec<usize>>)> = Vec::new();
    for node in nodes {
        let known = BTreeMap::from([(0, node)]);
        try_edge(edges, pattern, without, 0, &known, &mut Vec::new(), &mut found);
    }
    if let Some(shortest) = &pattern.shortest {
        let length = |paths: &[Vec<usize>]| paths.iter().map(Vec::len).sum::<usize>();
        let all = found.clone();
        found.retain(|(nodes, paths)| {
            let same = |other: &Vec<i64>| {
                other[shortest.first] == nodes[shortest.first] && other[shortest.last] == nodes[shortest.last]
            };
            !all.iter().any(|(other, shorter)| same(other) && length(shorter) < length(paths))
        });
    }
    let mut rows: Vec<String> = found
        .into_iter()
        .map(|(nodes, paths)| {
            let nodes = nodes.iter().map(i64::to_string);
            let paths = paths
                .iter()
                .map(|path| format!("[{}]", path.iter().map(usize::to_string).collect::<Vec<_>>().join(",")));
            nodes.chain(paths).collect::<Vec<_>>().join("|")
        })
        .collect();
    rows.sort();
    rows
}

fn try_edge(
    edges: &Edges,
    pattern: &Pattern,
    without: Option<i64>,
    at: usize,
    known: &BTreeMap<usize, i64>,
    paths: &mut Vec<Vec<usize>>,
    found: &mut Vec<(Vec<i64>, Vec<Vec<usize>>)>,
) {
    let Some(edge) = pattern.edges.get(at) else {
        let used: Vec<usize> = paths.iter().flatten().copied().collect();
        let twice = |edge: &usize| used.iter().filter(|other| *other == edge).count() > 1;
        if pattern.cycles != Cycles::UniqueEdges || !used.iter().any(twice) {
            found.push((known.values().copied().collect(), paths.clone()));
        }
        return;
    };
    let (least, most) = edge.range.unwrap_or((1, 1));
    let start = known[&edge.from];
    let mut walks = vec![(start, Vec::new(), vec![start])];
    while let Some((here, path, passed)) = walks.pop() {
        let path: Vec<usize> = path;
        if path.len() >= least && known.get(&edge.to).is_none_or(|end| *end == here) {
            let mut known = known.clone();
            known.insert(edge.to, here);
            paths.push(path.clone());
            try_edge(edges, pattern, without, at + 1, &known, paths, found);
            paths.pop();
        }
        if path.len() == most {
            continue;
        }
        for (number, (source, target)) in edges.iter().enumerate() {
            let ends = [(source, target, Direction::Backward), (target, source, Direction::Forward)];
            for (from, to, not) in [ends[0], (ends[1].0, ends[1].1, ends[1].2)] {
                let fits = edge.direction != not && *from == here && without != Some(*source);
                let again = pattern.cycles == Cycles::None && passed.contains(to);
                let same = pattern.cycles == Cycles::UniqueEdges && path.contains(&number);
                if fits && !again && !same {
                    let step = |list: &[usize]| [list, &[number]].concat();
                    walks.push((*to, step(&path), [&passed[..], &[*to]].concat()));
                }
            }
        }
    }
}

fn random_edges(random: &mut ChaCha8Rng, loops: bool) -> Edges {
    let nodes = random.random_range(1..5);
    let count = random.random_range(0..8);
    let edges = (0..count).map(|_| (random.random_range(0..nodes), random.random_range(0..nodes)));
    edges.filter(|(s, t)| loops || s != t).collect()
}

fn random_edge(random: &mut ChaCha8Rng, from: usize, to: usize, range: bool, loops: bool) -> PatternEdge {
    let direction = match random.random_range(0..if loops { 2 } else { 3 }) {
        0 => Direction::Forward,
        1 => Direction::Backward,
        _ => Direction::Either,
    };
    let least = random.random_range(0..3);
    PatternEdge { from, to, direction, range: range.then(|| (least, random.random_range(least.max(1)..4))) }
}

#[test]
fn a_search_finds_what_trying_everything_finds() {
    for seed in 0..400 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let loops = random.random_range(0..3) == 0;
        let edges = random_edges(&mut random, loops);
        let mut nodes = 1;
        let mut pattern_edges = Vec::new();
        for _ in 0..random.random_range(0..4) {
            let from = random.random_range(0..nodes);
            let closes = random.random_range(0..4) == 0;
            let to = if closes { random.random_range(0..nodes) } else { nodes };
            nodes = nodes.max(to + 1);
            let range = random.random_range(0..2) == 0;
            pattern_edges.push(random_edge(&mut random, from, to, range, loops));
        }
        let cycles = if random.random_range(0..2) == 0 { Cycles::All } else { Cycles::UniqueEdges };
        let without = (random.random_range(0..2) == 0).then_some(0);
        let pattern =
            Pattern { nodes, edges: pattern_edges, cycles, shortest: None, conditions: Vec::new(), filter: None };
        let expected = tried(&edges, &pattern, without);
        assert_eq!(searched(&edges, pattern.clone(), without, MOST_STEPS), Ok(expected), "{edges:?} {pattern:?}");
    }
}

#[test]
fn shortest_paths_are_those_that_trying_everything_finds() {
    for seed in 0..400 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let edges = random_edges(&mut random, false);
        let edge = random_edge(&mut random, 0, 1, true, false);
        let without = (random.random_range(0..2) == 0).then_some(0);
        let pattern = Pattern {
            nodes: 2,
            edges: vec![edge],
            cycles: Cycles::None,
            shortest: Some(Shortest { first: 0, last: 1, all: true }),
            conditions: Vec::new(),
            filter: None,
        };
        let expected = tried(&edges, &pattern, without);
        assert_eq!(searched(&edges, pattern.clone(), without, MOST_STEPS), Ok(expected), "{edges:?} {pattern:?}");
    }
}

#[test]
fn an_endless_pattern_ends_with_the_name_of_the_limit() {
    let edge = PatternEdge { from: 0, to: 1, direction: Direction::Forward, range: Some((20, 100_000)) };
    let pattern = Pattern {
        nodes: 2,
        edges: vec![edge],
        cycles: Cycles::All,
        shortest: None,
        conditions: Vec::new(),
        filter: None,
    };
    let error = searched(&vec![(1, 2), (2, 1), (1, 3), (3, 1)], pattern, None, 50_000).unwrap_err();
    assert!(error.contains("follows more than"), "{error}");
}
