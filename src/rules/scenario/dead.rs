//! Which condition of a rule no record meets.

use super::pipeline::{Taken, ask};
use crate::rules::Rule;
use crate::rules::schedule::{Data, Moment};

/// Returns the text of the first `where` behind which nothing is left of all records from one moment to another.
///
/// None where every one of them lets some record through, and where a query that reads the clock cannot be asked about
/// all records at once.
pub fn unmet(rule: &Rule, data: &Data, from: i64, to: i64) -> Option<String> {
    let taken = Taken::of(rule)?;
    let pipeline = taken.main()?;
    let moment = Moment { now: to, from, written: i64::MAX, by_ingestion: false };
    for (place, _) in pipeline.conditions() {
        let text = pipeline.before(place + 1)?;
        if text.contains("now(") || text.contains("ago(") {
            return None;
        }
        if ask(&format!("{text}\n| take 1"), data, &moment)?.count() == 0 {
            let operator = pipeline.operators.get(place)?;
            return Some(pipeline.text(operator.span).trim_start_matches('|').trim().to_string());
        }
    }
    None
}
