//! Incidents to a shape, of alerts to a shape.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::catalog::tables::TableInfo;
use crate::types::arrow::{from_values, schema};
use crate::types::{Column, Value, ticks};

use super::incident_shape::{Changer, IncidentShape, OWNER, Pattern, Patterns, State};
use super::make::{self, BATCH, DOMAIN, Deck, Like, LikeOptions, chance, guid};
use super::shape::Shape;
use super::spread::{Delays, Spread};

/// The number before that of the first incident.
const NUMBERS: u64 = 1000;

/// The patterns of the incidents that the alerts of one kind make.
struct Source {
    patterns: Vec<Arc<Pattern>>,
    /// The places of the patterns, and that behind the last for alerts that make none.
    deck: Deck,
}

/// Incidents to a shape, ordered by time: those of the alerts that [`Like`] makes with the same shape and options.
pub struct LikeIncidents {
    options: LikeOptions,
    patterns: Patterns,
    names: Names,
    alerts: Like,
    next_alert: Option<(i64, make::Alert)>,
    by_kind: HashMap<usize, Source>,
    /// Incidents whose alerts the export does not hold, and when they come.
    alone: (VecDeque<Arc<Pattern>>, Spread),
    alone_made: u64,
    number: u64,
    open: BTreeMap<u64, Open>,
    /// Incidents that wait for a further alert, by its kind.
    wanting: HashMap<usize, VecDeque<u64>>,
    /// Versions that lie ahead: time, a number to keep the order, incident, which of its versions.
    ahead: BinaryHeap<Reverse<(i64, u64, u64, usize)>>,
    planned: u64,
    delays: Delays,
    chance: ChaCha8Rng,
    tenant: String,
    columns: Vec<Column>,
}

/// People and tags, as often as those of the export.
struct Names {
    owners: Deck,
    labels: Deck,
}

impl Names {
    fn next(deck: &mut Deck) -> u32 {
        deck.deal().map_or(1, |(card, _)| card + 1)
    }
}

/// An alert of an incident.
#[derive(Debug, Clone)]
struct Alert {
    id: String,
    /// Its kind and the time of its activity; None for an alert that is in no table.
    made: Option<(usize, i64, i64)>,
}

/// An incident on its way.
#[derive(Debug)]
struct Open {
    number: u64,
    name: String,
    pattern: Arc<Pattern>,
    alerts: Vec<Alert>,
    /// Alerts that are still to come.
    missing: usize,
    /// The moments of its versions so far.
    times: Vec<i64>,
    owner: u32,
    labels: Vec<u32>,
}

impl LikeIncidents {
    /// Makes the incidents of a shape ready. Where there are no alerts, the options' rows are those of incidents.
    pub fn new(alerts: &Shape, incidents: &IncidentShape, options: LikeOptions) -> LikeIncidents {
        let seed = options.seed;
        let patterns = incidents.patterns(alerts);
        let by_kind = sources(&patterns, alerts, seed);
        let alone = patterns.by_alert.get(&None).map(|counts| alone(counts, incidents, alerts, options));
        let alone: VecDeque<Arc<Pattern>> = alone.unwrap_or_default().into();
        let spread = Spread::new(&patterns.hours, options, alone.len() as u64);
        let shares = |counts: &[u32]| counts.iter().copied().map(u64::from).collect::<Vec<_>>();
        let names = Names {
            owners: Deck::new(shares(&patterns.owners), seed, 31),
            labels: Deck::new(shares(&patterns.labels), seed, 32),
        };
        let mut made = Like::new(alerts, options);
        LikeIncidents {
            options,
            names,
            next_alert: made.next_alert(),
            alerts: made,
            by_kind,
            alone: (alone, spread),
            alone_made: 0,
            number: NUMBERS,
            open: BTreeMap::new(),
            wanting: HashMap::new(),
            ahead: BinaryHeap::new(),
            planned: 0,
            delays: Delays::new(&patterns.delays, seed, 33),
            chance: chance(seed, 34),
            tenant: make::tenant(seed),
            columns: TableInfo::find("SecurityIncident").map(TableInfo::shown).unwrap_or_default(),
            patterns,
        }
    }

    /// Returns the next version, in the order of time: its incident and which one of it.
    fn next_version(&mut self) -> Option<(u64, usize)> {
        loop {
            let alert = self.next_alert.as_ref().map(|(time, _)| *time);
            let alone = (!self.alone.0.is_empty()).then(|| self.alone.1.moment(self.alone_made));
            let arrival = alert.into_iter().chain(alone).min();
            let ready = self.ahead.peek().filter(|Reverse((time, ..))| arrival.is_none_or(|next| *time < next));
            if ready.is_some() {
                let Reverse((_, _, incident, version)) = self.ahead.pop()?;
                return Some((incident, version));
            }
            match arrival {
                None if self.open.values().all(|open| open.missing == 0) => return None,
                // No further alerts come: they go on with those that they have.
                None => self.give_up(),
                Some(time) if alert == Some(time) => self.take_alert(),
                Some(time) => self.take_alone(time),
            }
        }
    }

    fn take_alert(&mut self) {
        let Some((time, alert)) = std::mem::replace(&mut self.next_alert, self.alerts.next_alert()) else { return };
        let source = alert.source;
        let made = Alert { id: alert.id, made: Some((source, alert.start, alert.end)) };
        if let Some(waiting) = self.wanting.get_mut(&source).and_then(VecDeque::pop_front) {
            if let Some(open) = self.open.get_mut(&waiting) {
                open.missing -= 1;
                open.alerts.push(made);
            }
            self.plan(waiting, time);
            return;
        }
        let Some(source) = self.by_kind.get_mut(&source) else { return };
        let dealt = source.deck.deal().and_then(|(card, _)| source.patterns.get(card as usize)).cloned();
        if let Some(pattern) = dealt {
            self.begin(pattern, vec![made], time);
        }
    }

    fn take_alone(&mut self, time: i64) {
        self.alone_made += 1;
        if let Some(pattern) = self.alone.0.pop_front() {
            self.begin(pattern, Vec::new(), time);
        }
    }

    /// Begins an incident with the alert that makes it, if any.
    fn begin(&mut self, pattern: Arc<Pattern>, mut alerts: Vec<Alert>, time: i64) {
        self.number += 1;
        let mut missing = 0;
        for kind in pattern.alerts.iter().skip(alerts.len()) {
            match kind {
                Some(kind) => {
                    missing += 1;
                    self.wanting.entry(*kind).or_default().push_back(self.number);
                }
                None => alerts.push(Alert { id: guid(&mut self.chance), made: None }),
            }
        }
        let owned = pattern.states.iter().any(|state| self.patterns.states[*state].needs_a_person());
        let owner = if owned { Names::next(&mut self.names.owners) } else { 0 };
        let labels = pattern.states.iter().map(|state| self.patterns.states[*state].labels.len()).max();
        let labels = (0..labels.unwrap_or(0)).map(|_| Names::next(&mut self.names.labels)).collect();
        let name = guid(&mut self.chance);
        let open = Open { number: self.number, name, pattern, alerts, missing, times: Vec::new(), owner, labels };
        self.open.insert(self.number, open);
        self.plan(self.number, time);
    }

    /// Plans the versions of an incident for which it has the alerts.
    fn plan(&mut self, incident: u64, now: i64) {
        let Some(open) = self.open.get_mut(&incident) else { return };
        while let Some(state) = open.pattern.states.get(open.times.len()) {
            let wanted = self.patterns.states[*state].alerts.min(open.pattern.alerts.len());
            if open.missing > 0 && open.alerts.len() < wanted {
                break;
            }
            let time = match open.times.last() {
                None => now + self.chance.random_range(1..20) * ticks::TICKS_PER_SECOND,
                Some(last) => self.delays.after(*last, self.options.end, &mut self.chance).max(now),
            };
            let time = time.min(self.options.end - 1).max(now);
            self.ahead.push(Reverse((time, self.planned, incident, open.times.len())));
            self.planned += 1;
            open.times.push(time);
        }
    }

    fn give_up(&mut self) {
        let waiting = self.open.values_mut().filter(|open| open.missing > 0);
        let waiting: Vec<(u64, i64)> = waiting
            .map(|open| {
                open.missing = 0;
                (open.number, open.times.last().copied().unwrap_or(self.options.end - 1))
            })
            .collect();
        waiting.into_iter().for_each(|(incident, last)| self.plan(incident, last));
    }

    fn row(&self, open: &Open, version: usize) -> Vec<Value> {
        let row = Row::new(self, open, version);
        self.columns.iter().map(|column| row.value(column)).collect()
    }
}

impl State {
    /// Tells whether somebody owns the incident, or has done something to it.
    fn needs_a_person(&self) -> bool {
        self.changer == Changer::Person || self.owner.contains(&true) || self.comments > 0
    }
}

/// Makes a deck of patterns for the alerts of each kind.
fn sources(patterns: &Patterns, alerts: &Shape, seed: u64) -> HashMap<usize, Source> {
    let kinds = alerts.kinds();
    // Alerts that a pattern takes besides the one that makes it.
    let mut taken = vec![0u64; kinds.len()];
    for (pattern, count) in patterns.by_alert.values().flatten() {
        for kind in pattern.alerts.iter().flatten() {
            if let Some(sum) = taken.get_mut(*kind) {
                *sum += count;
            }
        }
    }
    let linked = patterns.by_alert.iter().filter_map(|(kind, counts)| Some(((*kind)?, counts)));
    let source = |(kind, counts): (usize, &BTreeMap<Pattern, u64>)| {
        let of_kind: u64 = kinds.get(kind).map_or(0, |(_, counted)| counted.versions.values().sum());
        let without = of_kind.saturating_sub(taken.get(kind).copied().unwrap_or(0));
        let deck = Deck::new(counts.values().copied().chain([without]), seed, 1_000_000 + kind as u64);
        (kind, Source { patterns: counts.keys().cloned().map(Arc::new).collect(), deck })
    };
    linked.map(source).collect()
}

/// Chooses the incidents whose alerts the export does not hold.
fn alone(
    counts: &BTreeMap<Pattern, u64>,
    incidents: &IncidentShape,
    alerts: &Shape,
    options: LikeOptions,
) -> Vec<Arc<Pattern>> {
    let versions = |(pattern, count): (&Pattern, &u64)| pattern.states.len() as u64 * count;
    let rows: u64 = counts.iter().map(versions).sum();
    // As many for each alert as the export has; without alerts they are what is asked for.
    let (rows, of) = if alerts.rows == 0 { (1, 1) } else { (rows.min(incidents.rows), alerts.rows) };
    let wanted = (u128::from(options.rows) * u128::from(rows)).div_ceil(u128::from(of)) as u64;
    let mut deck = Deck::new(counts.values().copied(), options.seed, 30);
    let patterns: Vec<Arc<Pattern>> = counts.keys().cloned().map(Arc::new).collect();
    let (mut chosen, mut made) = (Vec::new(), 0);
    while made < wanted {
        let Some(pattern) = deck.deal().and_then(|(card, _)| patterns.get(card as usize)) else { break };
        let mut pattern = pattern.clone();
        let left = usize::try_from(wanted - made).unwrap_or(usize::MAX);
        if pattern.states.len() > left {
            Arc::make_mut(&mut pattern).states.truncate(left);
        }
        made += pattern.states.len() as u64;
        chosen.push(pattern);
    }
    chosen
}

/// One version of an incident.
struct Row<'a> {
    of: &'a LikeIncidents,
    open: &'a Open,
    version: usize,
    state: &'a State,
    alerts: &'a [Alert],
    time: i64,
    /// Who does something to the incident.
    person: String,
}

impl<'a> Row<'a> {
    fn new(of: &'a LikeIncidents, open: &'a Open, version: usize) -> Row<'a> {
        let state = &of.patterns.states[open.pattern.states[version]];
        let alerts = &open.alerts[..state.alerts.min(open.alerts.len())];
        let person = format!("analyst-{:02}@{DOMAIN}", open.owner);
        Row { of, open, version, state, alerts, time: open.times[version], person }
    }

    fn value(&self, column: &Column) -> Value {
        let Row { of, open, state, .. } = self;
        let kind = &of.patterns.kinds[open.pattern.kind];
        let text = |text: &str| Value::String(text.to_string());
        let json = |json: serde_json::Value| Value::Dynamic(json.to_string());
        let moment = |moment: Option<i64>| moment.map_or(Value::missing(column.scalar_type), Value::DateTime);
        let made = || self.alerts.iter().filter_map(|alert| alert.made);
        let created = open.times.first().copied();
        match column.name.as_str() {
            "TenantId" => text(&of.tenant),
            "TimeGenerated" | "LastModifiedTime" => Value::DateTime(self.time),
            "IncidentName" => text(&open.name),
            "Title" => Value::String(self.title()),
            "Description" => Value::String(self.description()),
            "Severity" => text(&state.severity),
            "Status" => text(&state.status),
            "Classification" => text(&state.classification),
            "ClassificationComment" if state.commented => text("A reason."),
            "ClassificationReason" => text(&state.reason),
            "Owner" => json(self.owner()),
            "ProviderName" => text(&kind.provider),
            "ProviderIncidentId" if kind.own_number => Value::String(open.number.to_string()),
            "ProviderIncidentId" => Value::String((open.number + 10_000).to_string()),
            "FirstActivityTime" => moment(made().map(|(_, start, _)| start).min().or(created)),
            "LastActivityTime" => moment(made().map(|(_, _, end)| end).max().or(created)),
            "FirstModifiedTime" if self.version > 0 => moment(open.times.get(1).copied()),
            "CreatedTime" => moment(created),
            "ClosedTime" if state.status == "Closed" => moment(self.closed()),
            "IncidentNumber" => Value::Int(i32::try_from(open.number).unwrap_or(i32::MAX)),
            "RelatedAnalyticRuleIds" => json(self.rules(kind.rules)),
            "AlertIds" => json(self.alerts.iter().map(|alert| alert.id.as_str()).collect()),
            "BookmarkIds" => json((0..state.bookmarks).map(|at| self.guid(u64::from(at))).collect()),
            "Comments" => json(self.numbered("message", "Comment", state.comments)),
            "Tasks" => json(self.numbered("title", "Task", state.tasks)),
            "Labels" => json(self.labels()),
            "IncidentUrl" => Value::String(format!("https://{DOMAIN}/incidents/{}", open.name)),
            "AdditionalData" => json(self.additional()),
            "ModifiedBy" => match &state.changer {
                Changer::Nobody => text(""),
                Changer::System(name) => text(name),
                Changer::Person => text(&self.person),
            },
            "SourceSystem" => text("Azure"),
            "Type" => text("SecurityIncident"),
            _ => Value::missing(column.scalar_type),
        }
    }

    /// Returns the kind of its first alert.
    fn first(&self) -> Option<usize> {
        self.open.alerts.iter().find_map(|alert| alert.made).map(|(kind, ..)| kind)
    }

    fn title(&self) -> String {
        let pattern = &self.open.pattern;
        let kind = &self.of.patterns.kinds[pattern.kind];
        match self.first().filter(|_| pattern.titled) {
            Some(first) => self.of.alerts.title(first),
            None if !kind.title.is_empty() => kind.title.clone(),
            None => format!("Incident {}", pattern.kind + 1),
        }
    }

    fn description(&self) -> String {
        match self.first().filter(|_| self.open.pattern.titled) {
            Some(first) => self.of.alerts.description(first),
            None => format!("An incident of kind {}.", self.open.pattern.kind + 1),
        }
    }

    fn owner(&self) -> serde_json::Value {
        let values = [
            json!(self.guid_of("owner", u64::from(self.open.owner))),
            json!(self.person),
            json!(format!("Analyst {}", self.open.owner)),
            json!(self.person),
        ];
        let fields = OWNER.into_iter().zip(values).zip(self.state.owner);
        fields.map(|((name, value), has)| (name.to_string(), if has { value } else { json!(null) })).collect()
    }

    /// Returns when it was closed: at the first of the versions up to this one that are closed.
    fn closed(&self) -> Option<i64> {
        let states = self.open.pattern.states.iter().map(|state| &self.of.patterns.states[*state].status);
        let versions: Vec<_> = states.zip(&self.open.times).take(self.version + 1).collect();
        versions.into_iter().rev().take_while(|(status, _)| *status == "Closed").last().map(|(_, time)| *time)
    }

    fn rules(&self, count: u32) -> serde_json::Value {
        let first = self.first().map(|kind| self.of.alerts.rule(kind));
        let others = (0..).map(|at| self.guid_of("rule", (self.open.pattern.kind as u64) << 8 | at));
        first.into_iter().chain(others).take(count as usize).collect()
    }

    fn numbered(&self, field: &str, name: &str, count: u32) -> serde_json::Value {
        (1..=count).map(|number| json!({field: format!("{name} {number}")})).collect()
    }

    fn labels(&self) -> serde_json::Value {
        let labels = self.state.labels.iter().zip(&self.open.labels);
        labels.map(|(of, number)| json!({"labelName": format!("Tag {number}"), "labelType": of})).collect()
    }

    fn additional(&self) -> serde_json::Value {
        let kind = &self.of.patterns.kinds[self.open.pattern.kind];
        let mut products: Vec<&str> = Vec::new();
        for (source, ..) in self.alerts.iter().filter_map(|alert| alert.made) {
            let product = self.of.alerts.product_name(source);
            if !products.contains(&product) {
                products.push(product);
            }
        }
        if products.is_empty() {
            products = kind.products.iter().map(String::as_str).collect();
        }
        let mut data = json!({
            "alertsCount": self.alerts.len(),
            "bookmarksCount": self.state.bookmarks,
            "commentsCount": self.state.comments,
            "alertProductNames": products,
            "tactics": kind.tactics,
            "techniques": kind.techniques,
        });
        if kind.provider_url {
            data["providerIncidentUrl"] = json!(format!("https://{DOMAIN}/provider/{}", self.open.number + 10_000));
        }
        data
    }

    /// Returns an id that belongs to the incident.
    fn guid(&self, number: u64) -> String {
        self.guid_of("bookmark", self.open.number << 8 | number)
    }

    /// Returns the id of the thing of this number.
    fn guid_of(&self, of: &str, number: u64) -> String {
        let purpose = of.bytes().fold(0u64, |sum, byte| sum << 8 | u64::from(byte));
        guid(&mut chance(self.of.options.seed ^ purpose, number))
    }
}

impl Iterator for LikeIncidents {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cells: Vec<Vec<Value>> = vec![Vec::new(); self.columns.len()];
        for _ in 0..BATCH {
            let Some((incident, version)) = self.next_version() else { break };
            let Some(open) = self.open.get(&incident) else { break };
            self.row(open, version).into_iter().zip(&mut cells).for_each(|(value, cells)| cells.push(value));
            if version + 1 == open.pattern.states.len() {
                self.open.remove(&incident);
            }
        }
        if cells.first().is_none_or(Vec::is_empty) {
            return None;
        }
        let arrays = self.columns.iter().zip(&cells).map(|(column, cells)| from_values(column.scalar_type, cells));
        Some(RecordBatch::try_new(schema(&self.columns), arrays.collect()))
    }
}
