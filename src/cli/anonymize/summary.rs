//! What became of the columns, for people and for machines. No value is told, replaced or not.

use serde_json::{Value, json};

use super::Job;
use crate::anonymize::Treatment;
use crate::anonymize::policy::RULES;

const TREATMENTS: [Treatment; 8] = [
    Treatment::Name,
    Treatment::Unknown,
    Treatment::Details,
    Treatment::Command,
    Treatment::Prose,
    Treatment::Safe,
    Treatment::Kept,
    Treatment::Coordinate,
];

/// Lists what becomes of columns and fields.
pub(super) fn policy() -> String {
    let mut text = String::new();
    for treatment in TREATMENTS {
        text += &format!("{}: {}\n", treatment.name(), treatment.meaning());
        for rule in RULES.iter().filter(|rule| rule.treatment == treatment) {
            let of = if rule.of.is_empty() { "any field" } else { rule.of };
            text += &format!("  {of}: {}\n", rule.names.join(", "));
        }
        if treatment == Treatment::Unknown {
            text += "  every column and field that is not listed\n";
        }
    }
    text
}

/// Tells what became of the columns of a table that hold something.
pub(super) fn text(job: &Job) -> String {
    let longest = job.plan.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    let mut text = format!("{}: {} rows\n", job.plan.table, job.report.rows);
    for ((column, treatment), counts) in job.plan.columns.iter().zip(&job.plan.treatments).zip(&job.report.columns) {
        if counts.values > 0 {
            let kept = counts.values - counts.replaced;
            text += &format!(
                "  {:longest$}  {:10}  {:>9} replaced  {kept:>9} kept\n",
                column.name,
                treatment.name(),
                counts.replaced
            );
        }
    }
    text
}

/// Tells where names are left, without telling them.
pub(super) fn leaks(job: &Job) -> Vec<String> {
    let leaks = job.report.leaks.iter();
    let tell = leaks.map(|((at, kind), leak)| {
        let column = job.plan.columns.get(*at).map_or("", |column| column.name.as_str());
        let (kind, table) = (kind.name(), &job.plan.table);
        format!("{table}.{column}, record {}: a {kind} is left, as in {} records", leak.first, leak.count)
    });
    tell.collect()
}

pub(super) fn json(jobs: &[Job]) -> String {
    let table = |job: &Job| {
        let columns = job.plan.columns.iter().zip(&job.plan.treatments).zip(&job.report.columns);
        let columns: Vec<Value> = columns
            .map(|((column, treatment), counts)| {
                json!({"name": column.name, "treatment": treatment.name(), "values": counts.values,
                    "replaced": counts.replaced, "kept": counts.values - counts.replaced})
            })
            .collect();
        let leaks: Vec<Value> = job
            .report
            .leaks
            .iter()
            .map(|((at, kind), leak)| {
                let column = job.plan.columns.get(*at).map(|column| column.name.as_str());
                json!({"column": column, "kind": kind.name(), "count": leak.count, "first_record": leak.first})
            })
            .collect();
        json!({"table": job.plan.table, "rows": job.report.rows, "unreadable": job.unreadable, "columns": columns,
            "leaks": leaks})
    };
    format!("{:#}\n", Value::Array(jobs.iter().map(table).collect()))
}
