//! `new_activity_metrics`: follows the ids that first come in a period through the periods after it.
//!
//! The page of the reference has a definition in words and one printed result with the data it was made of, which agree
//! but for a period's own row: there the ids that were not there before it count as new. What the text leaves open is
//! refused: what there is of a period without new ids, whether an id is new in its slice or in all, and how the ids of a
//! lookback are found in it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch};

use super::rows::{Whole, batch, unsure};
use super::timeline::{
    DIMENSION, END, ID, MOST_ROWS, Periods, START, TIMELINE, amount, bin_at, check, longs, period_columns,
};
use super::{Columns, Invocation, Parameter, Plugin, Run, Takes};
use crate::functions::{FunctionError, Kind};
use crate::types::ScalarType::{Int, Long, Real};
use crate::types::{Column, Value};

pub(super) static NEW_ACTIVITY_METRICS: Plugin = Plugin {
    name: "new_activity_metrics",
    summary: "Follows the ids that are new in each period through the periods after it.",
    signatures: &[&[
        ID,
        TIMELINE,
        START,
        END,
        Parameter::new("Window", Takes::Constant(Kind::NotDynamic)),
        Parameter::new("Cohort", Takes::Constant(Kind::Any)).optional(),
        DIMENSION,
        Parameter::new("lookback", Takes::Table).optional(),
    ]],
    columns: Columns::Closed(columns),
    run: Run::Batches(|call, _| Ok(Whole::boxed(call, metrics))),
    examples: &[(
        "datatable(U:string, T:long)['a', 1, 'b', 1, 'a', 2, 'c', 2] | evaluate new_activity_metrics(U, T, 1, 2, 1)",
        "datatable(from_T:long, to_T:long, dcount_new_values:long, dcount_retained_values:long, dcount_churn_values:long, \
         retention_rate:real, churn_rate:real)[1, 1, 2, 2, 0, 1.0, 0.0, 1, 2, 1, 1, 1, 0.5, 0.5, 2, 2, 1, 1, 0, 1.0, 0.0]",
    )],
    page: "new-activity-metrics-plugin",
    unlisted: false,
    ordered: false,
};

fn columns(call: &Invocation) -> Result<Vec<Column>, FunctionError> {
    let lengths: &[&str] = if by_calendar(call) { &[] } else { &["Window"] };
    check(call, "TimelineColumn", &["Start", "End", "Cohort"], lengths)?;
    let numbers = [
        ("dcount_new_values", Long),
        ("dcount_retained_values", Long),
        ("dcount_churn_values", Long),
        ("retention_rate", Real),
        ("churn_rate", Real),
    ];
    let mut columns = period_columns(call, "TimelineColumn", &numbers);
    if let Some(timeline) = call.column("TimelineColumn") {
        let moment = |end: &str| Column::new(format!("{end}_{}", timeline.name), timeline.scalar_type);
        columns.splice(..1, [moment("from"), moment("to")]);
    }
    Ok(columns)
}

/// Tells whether the periods are weeks, months or years of the calendar.
fn by_calendar(call: &Invocation) -> bool {
    matches!(call.constant("Window"), Some(Value::String(_)))
}

/// Refuses what the reference leaves open.
fn settled(call: &Invocation) -> Result<(), FunctionError> {
    let open = if by_calendar(call) {
        "periods of the calendar are not supported by `new_activity_metrics`: give their length, as in 7d"
    } else if !call.places("Dimension").is_empty() {
        "dimensions are not supported by `new_activity_metrics`: whether an id is new in its slice or in all is not \
         documented"
    } else if !call.tables.is_empty() {
        "a lookback is not supported by `new_activity_metrics`: how the ids are found in it is not documented"
    } else {
        return Ok(());
    };
    Err(unsure(open))
}

/// The rows of the result, column by column.
#[derive(Default)]
struct Followed {
    from: Vec<i64>,
    to: Vec<i64>,
    new: Vec<i64>,
    retained: Vec<i64>,
    churned: Vec<i64>,
    cohorts: Vec<i64>,
}

fn metrics(call: &Invocation, rows: &RecordBatch) -> Result<RecordBatch, FunctionError> {
    settled(call)?;
    let (start, end, window) = (amount(call, "Start"), amount(call, "End"), amount(call, "Window"));
    let periods = Periods::new(call, rows, start, window)?;
    let bins = periods.ids.into_iter().next().unwrap_or_default();
    let ids: Ids = bins.into_iter().map(|(period, ids)| (period, ids.into_iter().collect())).collect();
    let mut followed = Followed::default();
    if call.constant("Cohort").is_some() {
        let from = amount(call, "Cohort");
        if from < start || from > end || bin_at(from, window, start) != from {
            return Err(unsure("`Cohort` is the start of no period: which one is meant is not documented"));
        }
        let before = ids.range(..from).flat_map(|(_, ids)| ids).copied().collect();
        followed.follow(from, end, window, &ids, before)?;
        return followed.finish(call);
    }
    let mut seen = HashSet::new();
    let mut period = Some(start);
    while let Some(from) = period.filter(|from| *from <= end) {
        seen = followed.follow(from, end, window, &ids, seen)?;
        period = from.checked_add(window);
    }
    followed.finish(call)
}

/// The ids of each period.
type Ids = BTreeMap<i64, HashSet<u32>>;

impl Followed {
    /// Follows the ids that are new in a period; `seen` are those before it. Returns these with the new ones.
    fn follow(
        &mut self,
        from: i64,
        end: i64,
        window: i64,
        ids: &Ids,
        mut seen: HashSet<u32>,
    ) -> Result<HashSet<u32>, FunctionError> {
        let none = HashSet::new();
        let of_period = |period: i64| ids.get(&period).unwrap_or(&none);
        let cohort: HashSet<u32> = of_period(from).difference(&seen).copied().collect();
        seen.extend(&cohort);
        if cohort.is_empty() {
            return Err(unsure(
                "a period without new ids is among those that `new_activity_metrics` follows, and what there is of it is \
                 not documented; name the start of another as `Cohort`",
            ));
        }
        let mut period = Some(from);
        while let Some(to) = period.filter(|to| *to <= end) {
            if self.from.len() >= MOST_ROWS {
                let message = format!("`new_activity_metrics` would give more than {MOST_ROWS} rows");
                return Err(FunctionError { code: "AQ042", message, argument: None });
            }
            let own = of_period(to);
            let retained = cohort.intersection(own).count();
            self.from.push(from);
            self.to.push(to);
            // In its own period the cohort is what is new.
            self.new.push(if to == from { cohort.len() } else { own.difference(&seen).count() } as i64);
            self.retained.push(retained as i64);
            self.churned.push((cohort.len() - retained) as i64);
            self.cohorts.push(cohort.len() as i64);
            period = to.checked_add(window);
        }
        Ok(seen)
    }

    fn finish(self, call: &Invocation) -> Result<RecordBatch, FunctionError> {
        let count = self.from.len();
        let is_int = call.column("TimelineColumn").is_some_and(|column| column.scalar_type == Int);
        let moments = |moments: Vec<i64>| -> ArrayRef {
            match is_int {
                true => Arc::new(moments.into_iter().map(|moment| moment as i32).collect::<Int32Array>()),
                false => Arc::new(Int64Array::from(moments)),
            }
        };
        let share = |part: &[i64]| -> ArrayRef {
            let share = |(part, whole): (&i64, &i64)| *part as f64 / *whole as f64;
            Arc::new(part.iter().zip(&self.cohorts).map(share).collect::<Float64Array>())
        };
        let rates = [share(&self.retained), share(&self.churned)];
        let mut arrays = vec![moments(self.from), moments(self.to)];
        arrays.extend([self.new, self.retained, self.churned].map(longs));
        arrays.extend(rates);
        batch(&call.columns, arrays, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Argument, Given};
    use super::*;

    #[test]
    fn what_is_not_documented_is_refused() {
        let call = |parameter: &'static str, value: Given| Invocation {
            plugin: &NEW_ACTIVITY_METRICS,
            arguments: vec![Argument { parameter, name: String::new(), value }],
            input: Vec::new(),
            own: 0,
            tables: if parameter == "lookback" { vec![Vec::new()] } else { Vec::new() },
            columns: Vec::new(),
        };
        let day = Value::TimeSpan(864_000_000_000);
        assert!(settled(&call("Window", Given::Constant(day))).is_ok());
        assert!(settled(&call("Window", Given::Constant(Value::String("week".into())))).is_err());
        assert!(settled(&call("Dimension", Given::Column(0))).is_err());
        assert!(settled(&call("lookback", Given::Table(0))).is_err());
    }

    #[test]
    fn a_period_without_new_ids_is_refused() {
        let ids: Ids = [(1, HashSet::from([7])), (2, HashSet::from([7]))].into();
        let mut followed = Followed::default();
        let seen = followed.follow(1, 2, 1, &ids, HashSet::new()).unwrap();
        assert_eq!((followed.to.clone(), followed.retained.clone()), (vec![1, 2], vec![1, 1]));
        assert!(followed.follow(2, 2, 1, &ids, seen).is_err());
    }
}
