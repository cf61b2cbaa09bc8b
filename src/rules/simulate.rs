//! Replays a period: every run of every rule, the alerts that they raise, and the incidents that come of all alerts.

use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;

use super::alert::{self, Results, Run, rule_id};
use super::incident::{CreationRule, Incidents, entities};
use super::model::{Kind, Rule};
use super::row::{Alert, Incident, Row};
use super::schedule::{Data, Failure, Moment, Query, Ran, STACK, Span, Timing, moments};
use super::workspace::Workspace;
use crate::catalog::Catalog;
use crate::engine;
use crate::plan::{self, Expr, Node};
use crate::types::{Column, ScalarType, Value};

/// What to replay.
#[derive(Debug)]
pub struct Replay<'a> {
    pub rules: &'a [Rule],
    /// Rules that make incidents of the recorded alerts of other products.
    pub creation: &'a [CreationRule],
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

/// A rule while the period is replayed.
struct Running<'a> {
    rule: &'a Rule,
    /// None where it has no runs, or none any more.
    query: Option<Query<'a>>,
    moments: Peekable<Box<dyn Iterator<Item = Moment> + Send + 'a>>,
    /// It does not run before that moment, because of an alert.
    silent_until: i64,
    alerts: Vec<Alert>,
    summary: Summary,
}

impl<'a> Running<'a> {
    fn of(replay: &'a Replay, rule: &'a Rule) -> Running<'a> {
        let mut summary = Summary::default();
        let runs = rule.is_enabled() && matches!(rule.kind(), Kind::Scheduled | Kind::NearRealTime);
        let query = if runs { Query::of(rule) } else { None };
        let query = match query {
            Some(Ok(query)) => Some(query),
            Some(Err(failure)) => {
                summary.failure = Some(failure);
                None
            }
            None => {
                summary.failure = runs.then(|| Failure::Engine("the rule has no query".into()));
                None
            }
        };
        let moments = replay.moments(rule).peekable();
        Running { rule, query, moments, silent_until: i64::MIN, alerts: Vec::new(), summary }
    }

    /// Runs up to a moment, which is included.
    fn run(&mut self, replay: &Replay, data: &Data, last: i64) {
        let Some(mut query) = self.query.take() else { return };
        query.fix(data);
        let rest = self.rule.detection().and_then(|detection| detection.suppression.rest());
        while let Some(moment) = self.moments.next_if(|moment| moment.now <= last) {
            if moment.now < self.silent_until {
                self.summary.suppressed += 1;
                continue;
            }
            self.summary.runs += 1;
            match query.run(data, &moment) {
                Ok(ran) => {
                    let alerts = self.alerts.len();
                    self.take(replay, data, &moment, &ran);
                    // A run of no rows that makes an alert of each makes none to rest after.
                    if let Some(rest) = rest.filter(|_| self.alerts.len() > alerts) {
                        self.silent_until = moment.now.saturating_add(rest.ticks());
                    }
                }
                Err(failure) => {
                    self.summary.failure = Some(failure);
                    return;
                }
            }
        }
        self.query = Some(query);
    }

    /// Makes alerts of what a run gave.
    fn take(&mut self, replay: &Replay, data: &Data, moment: &Moment, ran: &Ran) {
        self.summary.rows_scanned += ran.records;
        self.summary.most_rows = self.summary.most_rows.max(ran.results.count() as u64);
        if reaches(self.rule, &ran.results) {
            self.summary.fired += 1;
            let run = Run { now: moment.now, from: moment.from, written: moment.written };
            self.alerts.extend(alert::alerts(self.rule, run, &ran.results, &replay.workspace, data.assumptions));
        }
    }

    fn end(mut self) -> (Vec<Alert>, Summary) {
        self.summary.alerts = self.alerts.len() as u64;
        self.summary.noisiest = noisiest(&self.alerts);
        (self.alerts, self.summary)
    }
}

impl Replay<'_> {
    /// Replays the period. `progress` is told how many rules are done, as far as can be said.
    ///
    /// A rule that fails does not keep the others from running: its summary says why. Where the records are many, the
    /// period is gone through in stretches, so that only what the rules look at of one of them is held. Fails where the
    /// records cannot be read or the memory is too small.
    pub fn replay(&self, data: &mut Data, progress: &(dyn Fn(usize) + Sync)) -> Result<Outcome, engine::Error> {
        let mut running: Vec<_> = self.rules.iter().map(|rule| Mutex::new(Running::of(self, rule))).collect();
        match data.stretches(self.rules, self.from, self.to) {
            None => self.run(&running, data, i64::MAX, progress),
            Some(stretches) => {
                let mut begin = self.from;
                for (number, last) in stretches.iter().enumerate() {
                    let span = Span::of(self.rules, begin, *last);
                    let at_work = running.iter_mut().filter_map(|running| running.get_mut().ok()?.query.as_ref());
                    data.look_at(span, &at_work.collect::<Vec<_>>(), self.from, self.threads)?;
                    let before = number * self.rules.len();
                    self.run(&running, data, *last, &|done| progress((before + done) / stretches.len()));
                    begin = last.saturating_add(1);
                }
            }
        }
        let results = running.into_iter().filter_map(|running| Some(running.into_inner().ok()?.end()));
        Ok(self.outcome(data, results.collect()))
    }

    /// Runs the rules up to a moment, several at the same time.
    fn run(&self, running: &[Mutex<Running>], data: &Data, last: i64, progress: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let work = || {
            loop {
                let Some(running) = running.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                if let Ok(mut running) = running.lock() {
                    running.run(self, data, last);
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        std::thread::scope(|scope| {
            let threads = self.threads.clamp(1, running.len().max(1));
            for _ in 0..threads {
                let builder = std::thread::Builder::new().name("rule".into()).stack_size(STACK);
                if builder.spawn_scoped(scope, work).is_err() {
                    // Without another thread this one does the work.
                    work();
                }
            }
        });
    }

    fn moments<'b>(&'b self, rule: &'b Rule) -> Box<dyn Iterator<Item = Moment> + Send + 'b> {
        match &self.timing {
            Timing::Schedule => Box::new(moments(rule, self.from, self.to)),
            Timing::At(all) => Box::new(all.iter().map(|now| Moment::at(rule, *now))),
        }
    }

    /// Makes incidents of the recorded alerts and of those that the rules raised, as they came.
    fn outcome(&self, data: &Data, results: Vec<(Vec<Alert>, Summary)>) -> Outcome {
        let mut desk = Incidents::new(self.workspace.clone(), data.assumptions, self.first_number);
        let recorded = Recorded::of(self, data);
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
    fn of(replay: &Replay, data: &'a Data) -> Recorded<'a> {
        let rows = recorded(replay.creation, &data.catalog).and_then(|chain| data.rows_of(&chain));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Table, TableData};
    use crate::rules::Assumptions;
    use crate::rules::alert::results;
    use crate::rules::form::testing::yaml_rule;
    use crate::types::ticks::{TICKS_PER_DAY, TICKS_PER_MINUTE};

    const BEGIN: i64 = 700_000 * TICKS_PER_DAY;

    /// Records of ten days, some of which came late.
    fn table() -> Table {
        use ScalarType::*;
        let columns =
            [("TimeGenerated", DateTime), ("_TimeReceived", DateTime), ("Computer", String), ("Facility", String)];
        let row = |number: i64| {
            let time = BEGIN + number * 29 * TICKS_PER_MINUTE;
            let came = time + if number % 7 == 0 { 40 } else { 1 } * TICKS_PER_MINUTE;
            let text = |text: std::string::String| Value::String(text);
            let computer = format!("a computer with a long name, number {}", number % 5);
            vec![Value::DateTime(time), Value::DateTime(came), text(computer), text(format!("f{}", number % 3))]
        };
        let made = results(&columns, &(0..500).map(row).collect::<Vec<_>>());
        Table { name: "Syslog".into(), columns: made.columns, data: TableData::Batches(made.batches) }
    }

    #[test]
    fn a_replay_in_stretches_is_the_same() {
        let rule = |name: &str, lines: &str| {
            yaml_rule(&format!(
                "name: {name}\nkind: Scheduled\nqueryFrequency: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n{lines}"
            ))
        };
        let rules = [
            rule(
                "counted",
                "queryPeriod: 3h\nquery: Syslog | where Facility == 'f1' | summarize count() by tolower(Computer)\n",
            ),
            rule("rests", "queryPeriod: 1h\nsuppressionEnabled: true\nsuppressionDuration: 5h\nquery: Syslog\n"),
            rule(
                "asks",
                "queryPeriod: 1d\nquery: Syslog | where ingestion_time() > ago(1h) and TimeGenerated > ago(2h) | project TimeGenerated\n",
            ),
            rule(
                "unpacks",
                "queryPeriod: 2h\nquery: Syslog | project bag = bag_pack(Facility, 1) | evaluate bag_unpack(bag)\n",
            ),
            rule("fails", "queryPeriod: 2h\nquery: Syslog | where Facility == toscalar(Nothing | count)\n"),
            yaml_rule("name: near\nkind: NRT\nquery: Syslog | where Facility == 'f2'\n"),
        ];
        let replay = Replay {
            rules: &rules,
            creation: &[],
            workspace: Workspace::default(),
            from: BEGIN + TICKS_PER_DAY,
            to: BEGIN + 9 * TICKS_PER_DAY,
            timing: Timing::Schedule,
            closings: Vec::new(),
            first_number: 1,
            threads: 2,
        };
        let catalog = || {
            let mut catalog = Catalog::standard();
            let (hidden, columns) =
                table().columns.into_iter().partition(|column: &Column| column.name == "_TimeReceived");
            let ingested = Some("_TimeReceived".to_string());
            let info =
                crate::catalog::TableInfo { name: "Syslog".into(), columns, hidden, ingested, ..Default::default() };
            catalog.add(info);
            catalog
        };
        let mut whole = Data::new(catalog(), vec![table()], 1 << 30, Assumptions::default()).unwrap();
        let expected = replay.replay(&mut whole, &|_| {}).unwrap();
        assert!(
            expected.summaries.iter().filter(|summary| summary.alerts > 0).count() >= 5,
            "{:?}",
            expected.summaries
        );
        let mut data = Data::unread(catalog(), vec![table()], 1 << 30, Assumptions::default());
        data.survey(Vec::new(), 1).unwrap();
        data.stretch = 40;
        assert!(data.stretches(&rules, replay.from, replay.to).unwrap().len() > 3);
        let done = Mutex::new(Vec::new());
        let found = replay.replay(&mut data, &|rules| done.lock().unwrap().push(rules)).unwrap();
        assert_eq!(found.alerts, expected.alerts);
        assert_eq!(found.incidents, expected.incidents);
        let summary = |outcome: &Outcome| outcome.summaries.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>();
        assert_eq!(summary(&found), summary(&expected));
        assert_eq!(done.into_inner().unwrap().last(), Some(&rules.len()));
    }
}
