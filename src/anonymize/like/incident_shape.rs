//! The shape of an export's incidents: which alerts they are made of, and through which versions they go.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::products::SENTINEL_PRODUCT;
use crate::catalog::tables::TableInfo;
use crate::types::json;

use super::shape::{Followed, HOURS, MOST, Period, Shape, constant, delay, hour, list, plain};

/// Incidents that are followed one by one.
const FOLLOWED: usize = 1 << 17;
/// Versions of one incident that are followed.
const VERSIONS: usize = 200;
/// Alerts that an incident can have (documented).
const ALERTS: usize = 150;
/// What changes incidents besides people (observed).
const SYSTEMS: [&str; 6] = [
    "Incident created from alert",
    "Alert added to incident",
    "Alert updated in incident",
    "Microsoft 365 Defender",
    "Microsoft Defender XDR",
    "Microsoft XDR",
];
/// The fields of Owner that say who it is.
pub(super) const OWNER: [&str; 4] = ["objectId", "email", "assignedTo", "userPrincipalName"];

/// What all versions of an incident have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) provider: String,
    /// Whether its number is that at its provider as well.
    pub(super) own_number: bool,
    /// Empty where it is not taken over.
    pub(super) title: String,
    pub(super) products: Vec<String>,
    pub(super) tactics: Vec<String>,
    pub(super) techniques: Vec<String>,
    /// How many rules made it.
    pub(super) rules: u32,
    /// Whether it has an address at its provider.
    pub(super) provider_url: bool,
    /// The hash of the title, so that those which are not taken over are told apart.
    own: u64,
}

/// Who made a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Changer {
    #[default]
    Nobody,
    /// One of [`SYSTEMS`].
    System(&'static str),
    Person,
}

/// What changes from version to version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) severity: String,
    pub(super) status: String,
    pub(super) classification: String,
    pub(super) reason: String,
    /// Whether somebody has said why.
    pub(super) commented: bool,
    /// Which fields of [`OWNER`] have a value.
    pub(super) owner: [bool; OWNER.len()],
    pub(super) changer: Changer,
    pub(super) alerts: usize,
    pub(super) bookmarks: u32,
    pub(super) comments: u32,
    pub(super) tasks: u32,
    /// The types of its tags.
    pub(super) labels: Vec<String>,
}

/// Different things and their numbers, in the order in which they were met.
#[derive(Debug, Clone)]
struct Numbered<T>(HashMap<T, usize>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered(HashMap::new())
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> usize {
        let next = self.0.len();
        *self.0.entry(thing).or_insert(next)
    }

    fn list(&self) -> Vec<T> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, number)| **number);
        all.into_iter().map(|(thing, _)| thing.clone()).collect()
    }
}

/// An incident that is followed.
#[derive(Debug, Clone, Default)]
struct Incident {
    kind: usize,
    /// The hash of the title, and the moment of the version that says so.
    title: (u64, i64),
    /// The hashes of its alerts.
    alerts: Vec<u64>,
    /// The moments and states of its versions.
    versions: Vec<(i64, usize)>,
    /// Whether somebody has owned it.
    owned: bool,
}

/// The shape of an export of SecurityIncident.
#[derive(Debug, Clone, Default)]
pub struct IncidentShape {
    /// Records.
    pub rows: u64,
    kinds: Numbered<Kind>,
    states: Numbered<State>,
    incidents: Followed<Incident, FOLLOWED>,
    /// How many incidents each person owns.
    owners: Followed<u32>,
    /// How many versions have each tag.
    labels: Followed<u32>,
    period: Period,
}

/// What an incident is, and how it goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub(super) kind: usize,
    /// Whether it is called as its first known alert is.
    pub(super) titled: bool,
    /// The kinds of its alerts, beginning with that of the one that makes it; None for those that the export does not
    /// hold.
    pub(super) alerts: Vec<Option<usize>>,
    /// Its states.
    pub(super) states: Vec<usize>,
}

/// All that incidents are made by.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    pub(super) kinds: Vec<Kind>,
    pub(super) states: Vec<State>,
    /// How often each pattern occurs, by the kind of the alert that makes it; under None those without alerts.
    pub(super) by_alert: BTreeMap<Option<usize>, BTreeMap<Pattern, u64>>,
    pub(super) delays: BTreeMap<u32, u64>,
    /// First versions by the hour of the week.
    pub(super) hours: Vec<u64>,
    pub(super) owners: Vec<u32>,
    pub(super) labels: Vec<u32>,
}

/// The columns of a batch as far as they are there.
struct Columns<'b>(&'b RecordBatch);

impl<'b> Columns<'b> {
    fn text(&self, name: &str, row: usize) -> &'b str {
        let texts = self.of(name, row).and_then(|column| column.as_string_view_opt());
        texts.map_or("", |texts| texts.value(row))
    }

    fn of(&self, name: &str, row: usize) -> Option<&'b ArrayRef> {
        self.0.column_by_name(name).filter(|column| column.is_valid(row))
    }

    fn moment(&self, name: &str, row: usize) -> Option<i64> {
        Some(self.of(name, row)?.as_primitive_opt::<Int64Type>()?.value(row))
    }

    fn number(&self, name: &str, row: usize) -> Option<i32> {
        Some(self.of(name, row)?.as_primitive_opt::<Int32Type>()?.value(row))
    }

    /// Returns the elements of an array; none where the column holds anything else.
    fn elements(&self, name: &str, row: usize) -> Vec<&'b str> {
        elements(self.text(name, row))
    }
}

fn elements(text: &str) -> Vec<&str> {
    let array = json::is_valid(text) && json::kind(text) == json::Kind::Array;
    if array { json::elements(text).collect() } else { Vec::new() }
}

/// Returns the value of a field; None where there is none, or it is null.
fn field<'j>(object: &'j str, name: &str) -> Option<&'j str> {
    let bag = json::is_valid(object) && json::kind(object) == json::Kind::Bag;
    let mut members = if bag { Some(json::members(object)) } else { None }?;
    members.find(|(key, _)| key == name).map(|(_, value)| value).filter(|value| json::kind(value) != json::Kind::Null)
}

/// Returns the texts of an array that may be taken over.
fn constants(array: Option<&str>, taken: fn(&str) -> String) -> Vec<String> {
    let texts = elements(array.unwrap_or("")).into_iter().take(MOST as usize).filter_map(json::as_string);
    texts.map(|text| taken(&text)).filter(|text| !text.is_empty()).collect()
}

fn count(elements: usize) -> u32 {
    u32::try_from(elements).unwrap_or(MOST).min(MOST)
}

impl IncidentShape {
    /// Learns of records.
    pub fn add(&mut self, batch: &RecordBatch) {
        let columns = Columns(batch);
        (0..batch.num_rows()).for_each(|row| self.add_record(&columns, row));
    }

    fn add_record(&mut self, columns: &Columns<'_>, row: usize) {
        self.rows += 1;
        let moment = columns.moment("TimeGenerated", row);
        if let Some(moment) = moment {
            self.period.add(moment);
        }
        let number = columns.number("IncidentNumber", row);
        let hash = match (columns.text("IncidentName", row), number) {
            // Without name and number every record is an incident of its own.
            ("", None) => xxh3_64(&self.rows.to_le_bytes()),
            ("", Some(number)) => xxh3_64(format!("{number}\0{}", columns.text("TenantId", row)).as_bytes()),
            (name, _) => xxh3_64(name.as_bytes()),
        };
        if !self.incidents.follows(hash) {
            return;
        }
        let owner = columns.text("Owner", row);
        let fields = OWNER.map(|name| field(owner, name).filter(|value| *value != "\"\""));
        let state = self.states.number(state(columns, row, fields.map(|field| field.is_some())));
        let kind = kind(columns, row, number);
        for label in columns.elements("Labels", row) {
            self.labels.count(xxh3_64(field(label, "labelName").unwrap_or(label).as_bytes()));
        }
        let moment = moment.unwrap_or_default();
        let known = self.incidents.by_hash.contains_key(&hash);
        if !known {
            let title = (0, i64::MAX);
            self.incidents.insert(hash, Incident { title, ..Incident::default() });
        }
        let Some(incident) = self.incidents.by_hash.get_mut(&hash) else { return };
        if moment < incident.title.1 {
            incident.title = (xxh3_64(columns.text("Title", row).as_bytes()), moment);
            incident.kind = self.kinds.number(kind);
        }
        if let Some(owner) = fields.into_iter().rev().flatten().next().filter(|_| !incident.owned) {
            incident.owned = true;
            self.owners.count(xxh3_64(owner.to_lowercase().as_bytes()));
        }
        for id in columns.elements("AlertIds", row).into_iter().filter_map(json::as_string) {
            let hash = xxh3_64(id.as_bytes());
            if incident.alerts.len() < ALERTS && !incident.alerts.contains(&hash) {
                incident.alerts.push(hash);
            }
        }
        if incident.versions.len() < VERSIONS {
            incident.versions.push((moment, state));
        }
    }

    /// Returns how many days the records are spread over, at least one.
    pub fn days(&self) -> u32 {
        self.period.days()
    }

    /// Finds the patterns of incidents, and the alerts of an export that they are made of.
    pub(super) fn patterns(&self, alerts: &Shape) -> Patterns {
        let mut patterns = Patterns {
            kinds: self.kinds.list(),
            states: self.states.list(),
            hours: vec![0; HOURS],
            owners: self.owners.counts(),
            labels: self.labels.counts(),
            ..Patterns::default()
        };
        let places = alerts.places();
        for incident in self.incidents.by_hash.values() {
            let mut versions = incident.versions.clone();
            versions.sort_by_key(|(moment, _)| *moment);
            if let Some((first, _)) = versions.first() {
                patterns.hours[hour(*first)] += 1;
            }
            for pair in versions.windows(2) {
                *patterns.delays.entry(delay(pair[0].0, pair[1].0)).or_default() += 1;
            }
            let Some((by, pattern)) = pattern(incident, &versions, alerts, &places) else { continue };
            // Those that are not followed are as the others.
            *patterns.by_alert.entry(by).or_default().entry(pattern).or_default() += 1 << self.incidents.bits.min(40);
        }
        patterns
    }
}

/// Returns the pattern of an incident; None where too little is known of its first alert.
fn pattern(
    incident: &Incident,
    versions: &[(i64, usize)],
    alerts: &Shape,
    places: &[usize],
) -> Option<(Option<usize>, Pattern)> {
    let known: Vec<_> = incident.alerts.iter().map(|hash| alerts.alert(*hash)).collect();
    let first = known.iter().position(Option::is_some);
    if first.is_none() && incident.alerts.iter().any(|hash| !alerts.follows(*hash)) {
        return None;
    }
    let place = |kind: usize| places.get(kind).copied();
    let by = first.and_then(|first| known[first]);
    let of = |(hash, alert): (&u64, &Option<(usize, u64)>)| match alert {
        Some((kind, _)) => place(*kind),
        // What is not followed is as that which is.
        None if !alerts.follows(*hash) => by.and_then(|(kind, _)| place(kind)),
        None => None,
    };
    let mut kinds: Vec<_> = incident.alerts.iter().zip(&known).map(of).collect();
    if let Some(first) = first {
        kinds.swap(0, first);
    }
    let titled = by.is_some_and(|(_, title)| title == incident.title.0);
    let states = versions.iter().map(|(_, state)| *state).collect();
    Some((by.and_then(|(kind, _)| place(kind)), Pattern { kind: incident.kind, titled, alerts: kinds, states }))
}

fn kind(columns: &Columns<'_>, row: usize, number: Option<i32>) -> Kind {
    let title = columns.text("Title", row);
    let additional = columns.text("AdditionalData", row);
    let products = constants(field(additional, "alertProductNames"), plain);
    // The titles of what rules have made, and of what people have, are the house's own.
    let of_products = !products.is_empty() && products.iter().all(|product| product != SENTINEL_PRODUCT);
    Kind {
        provider: plain(columns.text("ProviderName", row)),
        own_number: number.is_some_and(|number| number.to_string() == columns.text("ProviderIncidentId", row)),
        title: if of_products { plain(title) } else { String::new() },
        products,
        tactics: constants(field(additional, "tactics"), list),
        techniques: constants(field(additional, "techniques"), list),
        rules: count(columns.elements("RelatedAnalyticRuleIds", row).len()),
        provider_url: field(additional, "providerIncidentUrl").is_some(),
        own: xxh3_64(title.as_bytes()),
    }
}

fn state(columns: &Columns<'_>, row: usize, owner: [bool; OWNER.len()]) -> State {
    let changer = match columns.text("ModifiedBy", row) {
        "" => Changer::Nobody,
        other => SYSTEMS.into_iter().find(|name| *name == other).map_or(Changer::Person, Changer::System),
    };
    let chosen = |name: &str| chosen(name, columns.text(name, row));
    let label =
        |label: &str| field(label, "labelType").and_then(json::as_string).map_or(String::new(), |t| constant(&t));
    State {
        severity: chosen("Severity"),
        status: chosen("Status"),
        classification: chosen("Classification"),
        reason: chosen("ClassificationReason"),
        commented: !columns.text("ClassificationComment", row).is_empty(),
        owner,
        changer,
        alerts: columns.elements("AlertIds", row).len().min(ALERTS),
        bookmarks: count(columns.elements("BookmarkIds", row).len()),
        comments: count(columns.elements("Comments", row).len()),
        tasks: count(columns.elements("Tasks", row).len()),
        labels: columns.elements("Labels", row).into_iter().take(MOST as usize).map(label).collect(),
    }
}

/// Returns a value that a column has by its documentation, or a constant; nothing for any other.
fn chosen(column: &str, text: &str) -> String {
    let known = TableInfo::find("SecurityIncident").and_then(|table| table.column(column));
    match known.is_some_and(|known| known.values.contains(&text)) {
        true => text.to_string(),
        false => constant(text),
    }
}
