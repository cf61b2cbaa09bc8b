//! The order of rows, over more of them than one batch holds: work that is shared between threads must not lose it.

use alertq::types::Value;

use super::run::{Setting, run};

/// Queries that give one row of one column, and the value: all depend on the order of rows that are serialized.
const ORDERED: &[(&str, i64)] = &[
    ("range N from 1 to 60000 step 1 | extend P = prev(N) | where P != N - 1 | count", 1),
    ("range N from 1 to 60000 step 1 | serialize R = row_number() | where R != N | count", 0),
    ("range N from 1 to 60000 step 1 | where N % 2 == 0 | serialize R = row_number() | where R * 2 != N | count", 0),
    ("range N from 1 to 60000 step 1 | summarize L = make_list(N) | project tolong(L[40000])", 40001),
    // 7919 is prime, so that every K occurs once.
    (
        "range N from 0 to 59999 step 1 | extend K = (N * 7919) % 60000 | sort by K asc | extend P = prev(K) \
         | where P != K - 1 | count",
        1,
    ),
    // The key of the sort goes, the order stays.
    (
        "range N from 0 to 59999 step 1 | extend K = (N * 7919) % 60000 | sort by K asc | project V = K * 2 \
         | extend P = prev(V) | where P != V - 2 | count",
        1,
    ),
    (
        "range N from 0 to 59999 step 1 | extend K = (N * 7919) % 60000 | sort by K asc | project V = K * 2 \
         | summarize L = make_list(V) | project tolong(L[40000])",
        80000,
    ),
    (
        "range N from 0 to 59999 step 1 | extend K = (N * 7919) % 60000 | sort by K asc | project V = K * 2 \
         | where V >= 10 | take 1",
        10,
    ),
];

#[test]
fn serialized_rows_keep_their_order() {
    let mut faults = Vec::new();
    for (query, expected) in ORDERED {
        for partitions in [1, 2, 4] {
            let found = run(query, Setting { partitions, batch_size: 1024, scanned: false, optimized: true });
            let found = found.map(|found| found.rows);
            if found != Ok(vec![vec![Value::Long(*expected)]]) {
                faults.push(format!("{query}\n    on {partitions} threads: {found:?}, not {expected}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
