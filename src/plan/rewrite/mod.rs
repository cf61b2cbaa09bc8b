//! Rewrites that make a plan cheaper and leave its rows as they are.
//!
//! Three passes, in this order: filters move towards the tables (`sink`), columns that nobody reads go
//! (`prune`), and projections that stand on each other become one (`merge`). None of them relies on another for being
//! right.

mod expression;
mod merge;
mod prune;
mod sink;
#[cfg(test)]
mod tests;

use self::merge::merge;
use self::prune::prune;
use self::sink::sink_filter;
use super::{Expr, Kind, Node, Plan};

/// Levels of relations up to which the caller's stack is large enough.
const SHALLOW: usize = 64;

/// Bytes of stack for one level.
const FRAME: usize = 32 << 10;

/// Levels that expressions may reach by being put into each other.
const MAX_DEPTH: usize = 48;

/// Rewrites a plan into one that gives the same rows with less work.
pub fn rewrite(plan: Plan) -> Plan {
    let depth = depth(&plan);
    let mut plan = plan;
    if depth <= SHALLOW {
        passes(&mut plan);
        return plan;
    }
    // A pipeline may have hundreds of operators: the stack grows with it.
    std::thread::scope(|scope| {
        let stack = std::thread::Builder::new().stack_size((1 << 20) + depth * FRAME);
        // Without a thread the plan stays as it is, which is right too.
        if let Ok(thread) = stack.spawn_scoped(scope, || passes(&mut plan))
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
    });
    plan
}

fn passes(plan: &mut Plan) {
    plan.for_each_node_mut(&mut |node| update(node, sink_filter));
    prune(plan);
    plan.for_each_node_mut(&mut |node| update(node, merge));
}

/// Returns how many relations stand on each other at most.
fn depth(plan: &Plan) -> usize {
    let mut deepest = 0;
    let mut open: Vec<(&Node, usize)> = plan.results.iter().map(|result| (&result.node, 1)).collect();
    open.extend(plan.shared.iter().map(|node| (node, 1)));
    while let Some((node, depth)) = open.pop() {
        deepest = deepest.max(depth);
        open.extend(node.inputs().into_iter().map(|input| (input, depth + 1)));
        for expression in node.expressions() {
            queries(expression, &mut |query| open.push((query, depth + 1)));
        }
    }
    deepest
}

fn queries<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Node)) {
    if let Expr::InQuery { query, .. } | Expr::ScalarQuery { query, .. } = expr {
        f(query);
    }
    expr.for_each_operand(&mut |operand| queries(operand, f));
}

/// Replaces a relation by what `f` makes of it.
fn update(node: &mut Node, f: impl FnOnce(Node) -> Node) {
    let unit = Node { columns: Vec::new(), serialized: false, kind: Kind::Unit };
    *node = f(std::mem::replace(node, unit));
}
