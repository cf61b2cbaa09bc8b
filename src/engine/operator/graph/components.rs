//! Connected components, numbered from 0 by the first of their nodes.

use super::store::Adjacency;

/// Finds the nodes that hang together, whatever the direction of edges.
pub(super) fn weak(source: &[u32], target: &[u32], nodes: usize) -> Vec<i64> {
    let mut parent: Vec<u32> = (0..nodes as u32).collect();
    for (from, to) in source.iter().zip(target) {
        let (a, b) = (root(&mut parent, *from), root(&mut parent, *to));
        // The smaller number is the root, so that components come in the order of their first nodes.
        parent[a.max(b) as usize] = a.min(b);
    }
    let roots: Vec<u32> = (0..nodes as u32).map(|node| root(&mut parent, node)).collect();
    numbered(&roots)
}

fn root(parent: &mut [u32], node: u32) -> u32 {
    let mut root = node;
    while parent[root as usize] != root {
        root = parent[root as usize];
    }
    let mut node = node;
    while parent[node as usize] != root {
        node = std::mem::replace(&mut parent[node as usize], root);
    }
    root
}

/// Finds the nodes that reach each other (Tarjan's algorithm, without recursion).
pub(super) fn strong(target: &[u32], out: &Adjacency, nodes: usize) -> Vec<i64> {
    const UNSEEN: u32 = u32::MAX;
    let mut order = vec![UNSEEN; nodes];
    let mut lowest = vec![0u32; nodes];
    let mut on_stack = vec![false; nodes];
    let mut component = vec![UNSEEN; nodes];
    let (mut stack, mut next) = (Vec::new(), 0u32);
    let mut walk: Vec<(u32, usize)> = Vec::new();
    for first in 0..nodes as u32 {
        if order[first as usize] != UNSEEN {
            continue;
        }
        walk.push((first, 0));
        while let Some((node, at)) = walk.pop() {
            let here = node as usize;
            if at == 0 {
                (order[here], lowest[here], on_stack[here]) = (next, next, true);
                next += 1;
                stack.push(node);
            }
            if let Some(edge) = out.of(node).get(at) {
                walk.push((node, at + 1));
                let to = target[*edge as usize];
                if order[to as usize] == UNSEEN {
                    walk.push((to, 0));
                } else if on_stack[to as usize] {
                    lowest[here] = lowest[here].min(order[to as usize]);
                }
                continue;
            }
            if lowest[here] == order[here] {
                while let Some(member) = stack.pop() {
                    on_stack[member as usize] = false;
                    component[member as usize] = node;
                    if member == node {
                        break;
                    }
                }
            }
            if let Some((parent, _)) = walk.last() {
                let parent = *parent as usize;
                lowest[parent] = lowest[parent].min(lowest[here]);
            }
        }
    }
    numbered(&component)
}

/// Numbers components anew, by the order in which nodes of theirs come among these.
pub(super) fn renumbered(components: &[i64], nodes: &[u32]) -> Vec<i64> {
    let mut numbers: Vec<i64> = vec![-1; components.len()];
    let mut next = 0;
    for node in nodes {
        let number = &mut numbers[components[*node as usize] as usize];
        if *number < 0 {
            *number = next;
            next += 1;
        }
    }
    components.iter().map(|component| numbers[*component as usize]).collect()
}

/// Numbers components by the order in which they first come.
fn numbered(component: &[u32]) -> Vec<i64> {
    let mut numbers: Vec<i64> = vec![-1; component.len()];
    let mut next = 0;
    component
        .iter()
        .map(|root| {
            let number = &mut numbers[*root as usize];
            if *number < 0 {
                *number = next;
                next += 1;
            }
            *number
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::renumbered;

    #[test]
    fn components_count_by_the_order_of_nodes() {
        assert_eq!(renumbered(&[0, 1, 0, 2], &[3, 1, 2, 0]), [2, 1, 2, 0]);
        assert_eq!(renumbered(&[], &[]), [0; 0]);
    }
}
