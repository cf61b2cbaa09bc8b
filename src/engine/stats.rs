//! What a query read.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;

/// Counts of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Rows that scans gave, after pruning.
    pub rows_scanned: u64,
    /// Bytes that were read from files.
    pub bytes_scanned: u64,
    /// Row groups that statistics or bloom filters left out.
    pub row_groups_pruned: u64,
}

impl Stats {
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Stats {
        let mut stats = Stats::default();
        add(plan, &mut stats);
        stats
    }
}

fn add(plan: &Arc<dyn ExecutionPlan>, stats: &mut Stats) {
    let children = plan.children();
    if children.is_empty()
        && let Some(metrics) = plan.metrics()
    {
        stats.rows_scanned += metrics.output_rows().unwrap_or(0) as u64;
        let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |v| v.as_usize() as u64);
        stats.bytes_scanned += sum("bytes_scanned");
        stats.row_groups_pruned += metrics
            .iter()
            .filter_map(|metric| match metric.value() {
                MetricValue::PruningMetrics { name, pruning_metrics } if name.starts_with("row_groups_pruned") => {
                    Some(pruning_metrics.pruned() as u64)
                }
                _ => None,
            })
            .sum::<u64>();
    }
    children.into_iter().for_each(|child| add(child, stats));
}
