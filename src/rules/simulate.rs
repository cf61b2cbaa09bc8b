//! Replays a period: every run of every rule, the alerts that they raise, and the incidents that come of all alerts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;

use super::alert::{self, Results, Run, rule_id};
use super::incident::{CreationRule, Incidents, entities};
use super::model::{Kind, Rule};
use super::row::{Alert, Incident, Row};
use super::schedule::{Data, Failure, Moment, Query, Ran, STACK, Timing, moments};
use super::workspace::Workspace;
use crate::catalog::Catalog;
use crate::plan::{self, Expr, Node};
use crate::types::{Column, ScalarType, Value};

/// What to replay.
#[derive(Debug)]
pub struct Replay<'a> {
    pub rules: &'a [Rule],
    /// Rules that make incidents of the recorded alerts of other products.
    pub creation: &'a [CreationRule],
    pub data: &'a Data,
    pub workspace: Workspace,
    /// The first and the last moment, in ticks.
    pub from: i64,
    pub to: i64,
    pub timing: Timing,
    /// Incidents that are closed in between: a moment, and their title.
    pub closings: Vec<(i64, String)>,
    /// The number of the first incident.
    pub first_number: i64,
    /// How many rules run at the same time.
    pub threads: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The alerts that the rules raised, in the order of their times.
    pub alerts: Vec<Alert>,
    /// The rows of SecurityIncident, in the order in which they were written.
    pub incidents: Vec<Incident>,
    /// One for each rule, in the order of the rules.
    pub summaries: Vec<Summary>,
    /// Closings that found no incident of their title open.
    pub unclosed: Vec<(i64, String)>,
}

/// What a rule did.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How often its query ran.
    pub runs: u64,
    /// Runs that were left out because an alert had been raised shortly before.
    pub suppressed: u64,
    /// Runs whose rows reached the threshold.
    pub fired: u64,
    /// The most rows that a run's result had.
    pub most_rows: u64,
    pub alerts: u64,
    pub incidents: u64,
    /// Rows that its queries read.
    pub rows_scanned: u64,
    /// The entities of most alerts, as type and identifiers, with the number of alerts.
    pub noisiest: Vec<(String, u64)>,
    /// Why it was not replayed to the end.
    pub failure: Option<Failure>,
}

/// Who closes incidents.
const ANALYST: &str = "analyst";

/// How many of the entities of most alerts a summary names.
const MOST_NAMED: usize = 3;

fn reaches(rule: &Rule, results: &Results) -> bool {
    let rows = i64::try_from(results.count()).unwrap_or(i64::MAX);
    match rule.schedule() {
        Some(schedule) => {
            let threshold = schedule.trigger_threshold.map_or(0, |threshold| threshold.value);
            schedule.trigger_operator.map_or(rows > threshold, |operator| operator.value.holds(rows, threshold))
        }
        None => rows > 0,
    }
}

impl Replay<'_> {
    /// Replays the period. `progress` is told how many rules are done.
    ///
    /// A rule that fails does not keep the others from running: its summary says why.
    pub fn replay(&self, progress: &(dyn Fn(usize) + Sync)) -> Outcome {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let results: Mutex<Vec<(usize, Vec<Alert>, Summary)>> = Mutex::default();
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(rule) = self.rules.get(place) else { return };
                let (alerts, summary) = self.replay_rule(rule);
                if let Ok(mut results) = results.lock() {
                    results.push((place, alerts, summary));
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        std::thread::scope(|scope| {
            let threads = self.threads.clamp(1, self.rules.len().max(1));
            for _ in 0..threads {
                let builder = std::thread::Builder::new().name("rule".into()).stack_size(STACK);
                if builder.spawn_scoped(scope, work).is_err() {
                    // Without another thread this one does the work.
                    work();
                }
            }
        });
        let mut results = results.into_inner().unwrap_or_default();
        results.sort_by_key(|(place, ..)| *place);
        self.outcome(results.into_iter().map(|(_, alerts, summary)| (alerts, summary)).collect())
    }

    fn replay_rule(&self, rule: &Rule) -> (Vec<Alert>, Summary) {
        let mut summary = Summary::default();
        let mut alerts = Vec::new();
        if !rule.is_enabled() || !matches!(rule.kind(), Kind::Scheduled | Kind::NearRealTime) {
            return (alerts, summary);
        }
        let mut query = match Query::of(rule) {
            Some(Ok(query)) => query,
            Some(Err(failure)) => return (alerts, Summary { failure: Some(failure), ..summary }),
            None => {
                return (alerts, Summary { failure: Some(Failure::Engine("the rule has no query".into())), ..summary });
            }
        };
        query.fix(self.data);
        let rest = rule.detection().and_then(|detection| detection.suppression.rest());
        let mut silent_until = i64::MIN;
        for moment in self.moments(rule) {
            if moment.now < silent_until {
                summary.suppressed += 1;
                continue;
            }
            summary.runs += 1;
            match query.run(self.data, &moment) {
                Ok(Ran { results, records }) => {
                    summary.rows_scanned += records;
                    summary.most_rows = summary.most_rows.max(results.count() as u64);
                    if !reaches(rule, &results) {
                        continue;
                    }
                    summary.fired += 1;
                    let run = Run { now: moment.now, from: moment.from, written: moment.written };
                    let made = alert::alerts(rule, run, &results, &self.workspace, self.data.assumptions);
                    // A run of no rows that makes an alert of each makes none to rest after.
                    let rest = rest.filter(|_| !made.is_empty());
                    alerts.extend(made);
                    if let Some(rest) = rest {
                        silent_until = moment.now.saturating_add(rest.ticks());
                    }
                }
                Err(failure) => {
                    summary.failure = Some(failure);
                    break;
                }
            }
        }
        summary.alerts = alerts.len() as u64;
        summary.noisiest = noisiest(&alerts);
        (alerts, summary)
    }

    fn moments<'b>(&'b self, rule: &'b Rule) -> Box<dyn Iterator<Item = Moment> + 'b> {
        match &self.timing {
            Timing::Schedule => Box::new(moments(rule, self.from, self.to)),
            Timing::At(all) => Box::new(all.iter().map(|now| Moment::at(rule, *now))),
        }
    }

    /// Makes incidents of the recorded alerts and of those that the rules raised, as they came.
    fn outcome(&self, results: Vec<(Vec<Alert>, Summary)>) -> Outcome {
        let mut desk = Incidents::new(self.workspace.clone(), self.data.assumptions, self.first_number);
        let recorded = Recorded::of(self);
        let (mut alerts, mut summaries): (Vec<Vec<Alert>>, Vec<Summary>) = results.into_iter().unzip();
        // When, of which rule, and which of its alerts. Of one moment the recorded come first, then the rules in order.
        let mut all: Vec<(i64, Option<usize>, usize)> = recorded.times.clone();
        for (place, alerts) in alerts.iter().enumerate() {
            all.extend(alerts.iter().enumerate().map(|(number, alert)| (alert.generated, Some(place), number)));
        }
        all.sort_unstable();
        let mut closings: Vec<_> = self.closings.iter().collect();
        closings.sort();
        let mut closings = closings.into_iter().peekable();
        let mut unclosed = Vec::new();
        let mut close = |desk: &mut Incidents, (at, title): &(i64, String)| {
            if desk.close(title, *at, ANALYST) == 0 {
                unclosed.push((*at, title.clone()));
            }
        };
        for (time, place, number) in &all {
            while let Some(closing) = closings.next_if(|(at, _)| at < time) {
                close(&mut desk, closing);
            }
            let Some(place) = *place else {
                let alert = recorded.alert(*number);
                if *time < self.from {
                    desk.seen(&alert)
                } else {
                    desk.of_product(&alert, self.creation)
                }
                continue;
            };
            let (Some(rule), Some(summary)) = (self.rules.get(place), summaries.get_mut(place)) else { continue };
            let Some(alert) = alerts.get(place).and_then(|alerts| alerts.get(*number)) else { continue };
            let configuration = rule.detection().map(|detection| &detection.incident);
            let created = configuration.is_some_and(|made| desk.of_rule(alert, &rule_id(rule), made));
            summary.incidents += u64::from(created);
        }
        closings.for_each(|closing| close(&mut desk, closing));
        let raised = all.iter().filter_map(|(_, place, number)| {
            let alert = alerts.get_mut((*place)?)?.get_mut(*number)?;
            Some(std::mem::take(alert))
        });
        Outcome { alerts: raised.collect(), incidents: desk.finish(), summaries, unclosed }
    }
}

/// Returns the part of the recorded alerts that creation rules may be about; None where there are none.
pub fn recorded(creation: &[CreationRule], catalog: &Catalog) -> Option<Node> {
    let table = catalog.table(Alert::TABLE).filter(|_| !creation.is_empty())?;
    let columns: Vec<Column> =
        Alert::OF_INCIDENTS.iter().filter_map(|name| table.columns.iter().find(|c| c.name == *name)).cloned().collect();
    let product = columns.iter().find(|c| **c == Column::new("ProductName", ScalarType::String)).cloned()?;
    let scan = Node { columns, serialized: false, kind: plan::Kind::Scan { table: table.name.clone() } };
    let mut set: Vec<Value> = creation.iter().map(|rule| Value::String(rule.product.clone())).collect();
    set.dedup();
    let value = Box::new(Expr::Column(product));
    let predicate = Expr::In { value, set, fold_case: false, negated: false };
    let columns = scan.columns.clone();
    Some(Node { columns, serialized: false, kind: plan::Kind::Filter { input: Box::new(scan), predicate } })
}

/// The recorded alerts up to the end that some creation rule may be about. They are read one by one: they are many.
struct Recorded<'a> {
    rows: Option<(&'a [Column], &'a RecordBatch)>,
    times: Vec<(i64, Option<usize>, usize)>,
}

impl<'a> Recorded<'a> {
    fn of(replay: &Replay<'a>) -> Recorded<'a> {
        let rows = recorded(replay.creation, &replay.data.catalog).and_then(|chain| replay.data.rows_of(&chain));
        let mut recorded = Recorded { rows, times: Vec::new() };
        for number in 0..rows.map_or(0, |(_, rows)| rows.num_rows()) {
            let alert = recorded.alert(number);
            if alert.generated <= replay.to && replay.creation.iter().any(|rule| rule.product == alert.product) {
                recorded.times.push((alert.generated, None, number));
            }
        }
        recorded
    }

    fn alert(&self, number: usize) -> Alert {
        let read = |(columns, rows): (&[Column], &RecordBatch)| Alert::read(columns, &rows.slice(number, 1)).pop();
        self.rows.and_then(read).unwrap_or_default()
    }
}

fn noisiest(alerts: &[Alert]) -> Vec<(String, u64)> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for entity in alerts.iter().flat_map(|alert| entities(&alert.entities)) {
        *counts.entry(format!("{} {}", entity.kind, entity.key.replace('\n', " "))).or_default() += 1;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(MOST_NAMED);
    sorted
}

/// Returns how many alerts each day had, by the day's first moment.
pub fn per_day<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> BTreeMap<i64, u64> {
    let mut days = BTreeMap::new();
    for alert in alerts {
        let day = alert.generated - alert.generated.rem_euclid(crate::types::ticks::TICKS_PER_DAY);
        *days.entry(day).or_default() += 1;
    }
    days
}
