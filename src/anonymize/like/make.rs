//! Alerts to a shape.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value as Json, json};

use crate::catalog::products::SENTINEL_PRODUCT;
use crate::catalog::tables::TableInfo;
use crate::types::arrow::{from_values, schema};
use crate::types::{Column, Value, ticks};

use super::shape::{Counted, Kind, Shape};
use super::spread::{Delays, Spread};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikeOptions {
    pub rows: u64,
    /// Chooses among all possible samples.
    pub seed: u64,
    pub days: u32,
    /// The moment at which they end, in ticks.
    pub end: i64,
}

/// Rows in a batch.
pub(super) const BATCH: usize = 4096;
/// Cards in a deck: longer ones are made shorter in proportion.
const CARDS: u64 = 1 << 20;

/// Cards that come in the shares in which they are in the deck, in an order of chance.
#[derive(Debug, Clone)]
pub(super) struct Deck {
    cards: Vec<u32>,
    /// How many different ones there may be.
    kinds: u32,
    at: usize,
    /// How often it has been shuffled.
    round: u32,
    chance: ChaCha8Rng,
}

impl Deck {
    pub(super) fn new(shares: impl IntoIterator<Item = u64>, seed: u64, purpose: u64) -> Deck {
        let shares: Vec<u64> = shares.into_iter().collect();
        let sum: u64 = shares.iter().sum();
        let share = |count: u64| {
            if sum > CARDS { (u128::from(count) * u128::from(CARDS)).div_ceil(u128::from(sum)) as u64 } else { count }
        };
        let cards = shares.iter().zip(0u32..).flat_map(|(count, card)| (0..share(*count)).map(move |_| card));
        let cards: Vec<u32> = cards.collect();
        let kinds = cards.iter().max().map_or(0, |last| last + 1);
        let mut deck = Deck { cards, kinds, at: 0, round: 0, chance: chance(seed, purpose) };
        deck.cards.shuffle(&mut deck.chance);
        deck
    }

    /// Returns the next card, and in which round it came; None where there are none.
    pub(super) fn deal(&mut self) -> Option<(u32, u32)> {
        if self.at == self.cards.len() {
            self.at = 0;
            self.round += 1;
            self.cards.shuffle(&mut self.chance);
        }
        let card = *self.cards.get(self.at)?;
        self.at += 1;
        Some((card, self.round))
    }
}

pub(super) fn chance(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(purpose);
    chance
}

/// A kind of alerts, and the decks of what changes from alert to alert.
struct Source {
    kind: Kind,
    /// What the kind's type and rule are called, where they are not taken over.
    number: usize,
    entities: (Vec<Vec<(&'static str, u32)>>, Deck),
}

/// A version of an alert that is still to come.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    time: i64,
    alert: u64,
    later: bool,
    left: u32,
}

/// Alerts to a shape, ordered by time.
pub struct Like {
    options: LikeOptions,
    sources: Vec<Source>,
    /// The source and the number of versions of each alert.
    alerts: Vec<(u32, u32)>,
    spread: Spread,
    next: u64,
    ahead: BinaryHeap<Reverse<Version>>,
    /// The alerts of which a further version is to come.
    open: BTreeMap<u64, Alert>,
    statuses: [(Vec<String>, Deck); 2],
    delays: Delays,
    values: BTreeMap<&'static str, Deck>,
    chance: ChaCha8Rng,
    tenant: String,
    columns: Vec<Column>,
}

/// What does not change from version to version.
#[derive(Debug, Clone)]
pub(super) struct Alert {
    pub(super) source: usize,
    pub(super) id: String,
    vendor_id: String,
    entities: Json,
    about: String,
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Like {
    /// Makes the alerts of a shape ready.
    pub fn new(shape: &Shape, options: LikeOptions) -> Like {
        let seed = options.seed;
        let kinds = shape.kinds();
        let mut by_kind = Deck::new(kinds.iter().map(|(_, counted)| alerts_of(counted)), seed, 1);
        let versions = |(at, (_, counted)): (usize, &(Kind, Counted))| {
            let numbers: Vec<u32> = counted.versions.keys().copied().collect();
            (numbers, Deck::new(counted.versions.values().copied(), seed, 100 + 2 * at as u64))
        };
        let mut versions: Vec<_> = kinds.iter().enumerate().map(versions).collect();
        let (mut alerts, mut rows) = (Vec::new(), 0);
        while rows < options.rows {
            let Some((kind, _)) = by_kind.deal() else { break };
            let (numbers, deck) = &mut versions[kind as usize];
            let count = deck.deal().and_then(|(card, _)| numbers.get(card as usize).copied()).unwrap_or(1);
            let count = u64::from(count).min(options.rows - rows);
            rows += count;
            alerts.push((kind, count as u32));
        }
        let source = |(at, (kind, counted)): (usize, (Kind, Counted))| {
            let deck = Deck::new(counted.entities.values().copied(), seed, 101 + 2 * at as u64);
            Source { kind, number: at + 1, entities: (counted.entities.into_keys().collect(), deck) }
        };
        let named = |counts: &BTreeMap<String, u64>, purpose| {
            (counts.keys().cloned().collect(), Deck::new(counts.values().copied(), seed, purpose))
        };
        let types = crate::catalog::entities::ENTITY_TYPES.iter().zip(10u64..);
        let values = types.map(|(known, purpose)| {
            (known.name, Deck::new(shape.repeats(known.name).into_iter().map(u64::from), seed, purpose))
        });
        Like {
            options,
            spread: Spread::new(&shape.hours, options, alerts.len() as u64),
            alerts,
            next: 0,
            ahead: BinaryHeap::new(),
            open: BTreeMap::new(),
            statuses: [named(&shape.statuses[0], 2), named(&shape.statuses[1], 3)],
            delays: Delays::new(&shape.delays, seed, 4),
            values: values.collect(),
            chance: chance(seed, 5),
            tenant: tenant(seed),
            columns: TableInfo::find("SecurityAlert").map(TableInfo::shown).unwrap_or_default(),
            sources: kinds.into_iter().enumerate().map(source).collect(),
        }
    }

    /// Returns the columns of the batches.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the next alert and the time of its first version, in the order of time.
    pub(super) fn next_alert(&mut self) -> Option<(i64, Alert)> {
        loop {
            let (version, alert) = self.next_version()?;
            if !version.later {
                return Some((version.time, alert));
            }
        }
    }

    /// Returns what the alerts of a source are called.
    pub(super) fn title(&self, source: usize) -> String {
        let Source { kind, number, .. } = &self.sources[source];
        if !kind.title.is_empty() {
            kind.title.clone()
        } else if kind.product == SENTINEL_PRODUCT {
            format!("Analytics rule {number}")
        } else {
            format!("Alert {number}")
        }
    }

    /// Returns what the alerts of a source say of themselves.
    pub(super) fn description(&self, source: usize) -> String {
        format!("An alert of kind {}.", self.sources[source].number)
    }

    /// Returns the product of a source.
    pub(super) fn product_name(&self, source: usize) -> &str {
        &self.sources[source].kind.product
    }

    /// Returns the id of the rule that makes the alerts of a source, or incidents of them.
    pub(super) fn rule(&self, source: usize) -> String {
        guid(&mut chance(self.options.seed ^ 0x72, self.sources[source].number as u64))
    }

    /// Returns the next version, in the order of time.
    fn next_version(&mut self) -> Option<(Version, Alert)> {
        while (self.next as usize) < self.alerts.len() {
            let time = self.spread.moment(self.next);
            if self.ahead.peek().is_some_and(|Reverse(version)| version.time < time) {
                break;
            }
            let (source, versions) = self.alerts[self.next as usize];
            let alert = self.alert(source as usize, time);
            self.open.insert(self.next, alert);
            self.ahead.push(Reverse(Version { time, alert: self.next, later: false, left: versions - 1 }));
            self.next += 1;
        }
        let Reverse(version) = self.ahead.pop()?;
        let alert = match version.left {
            0 => self.open.remove(&version.alert)?,
            left => {
                let time = self.delays.after(version.time, self.options.end, &mut self.chance);
                self.ahead.push(Reverse(Version { time, alert: version.alert, later: true, left: left - 1 }));
                self.open.get(&version.alert)?.clone()
            }
        };
        Some((version, alert))
    }

    fn alert(&mut self, source: usize, time: i64) -> Alert {
        let end = time - self.chance.random_range(60..1800) * ticks::TICKS_PER_SECOND;
        let start = end - self.chance.random_range(0..3600) * ticks::TICKS_PER_SECOND;
        let (id, vendor_id) = (guid(&mut self.chance), guid(&mut self.chance));
        let (signatures, deck) = &mut self.sources[source].entities;
        let signature = deck.deal().and_then(|(card, _)| signatures.get(card as usize).cloned()).unwrap_or_default();
        let mut entities = Vec::new();
        let mut about = String::new();
        for (name, count) in signature {
            for _ in 0..count {
                let dealt = self.values.get_mut(name).and_then(Deck::deal);
                let kinds = self.values.get(name).map_or(0, |deck| deck.kinds);
                let (card, round) = dealt.unwrap_or_default();
                let number = u64::from(round) * u64::from(kinds) + u64::from(card) + 1;
                let (entity, shown) = entity(name, number, entities.len() + 2);
                if about.is_empty() || name == "host" {
                    about = shown;
                }
                entities.push(entity);
            }
        }
        Alert { source, id, vendor_id, entities: Json::Array(entities), about, start, end }
    }

    fn value(&self, column: &Column, version: &Version, alert: &Alert, status: &str) -> Value {
        let Source { kind, number, .. } = &self.sources[alert.source];
        let text = |text: &str| Value::String(text.to_string());
        let of_rule = kind.product == SENTINEL_PRODUCT;
        match column.name.as_str() {
            "TenantId" => text(&self.tenant),
            "TimeGenerated" | "ProcessingEndTime" => Value::DateTime(version.time),
            "StartTime" => Value::DateTime(alert.start),
            "EndTime" => Value::DateTime(alert.end),
            "DisplayName" | "AlertName" => Value::String(self.title(alert.source)),
            "Description" => Value::String(self.description(alert.source)),
            "AlertSeverity" => text(&kind.severity),
            "ProviderName" => text(&kind.provider),
            "VendorName" => text(&kind.vendor),
            "ProductName" => text(&kind.product),
            "ProductComponentName" => text(&kind.component),
            "Tactics" => text(&kind.tactics),
            "Techniques" => text(&kind.techniques),
            "AlertType" if !kind.alert_type.is_empty() => text(&kind.alert_type),
            "AlertType" if of_rule => Value::String(format!("{}_{}", self.tenant, self.rule(alert.source))),
            "AlertType" => Value::String(format!("Type_{number}")),
            "SystemAlertId" => text(&alert.id),
            "VendorOriginalId" => text(if of_rule { &alert.id } else { &alert.vendor_id }),
            "Status" => text(status),
            "CompromisedEntity" => text(&alert.about),
            "Entities" => Value::String(alert.entities.to_string()),
            "ExtendedProperties" => text("{}"),
            "IsIncident" => Value::Bool(false),
            "SourceSystem" => text("Detection"),
            "Type" => text("SecurityAlert"),
            _ => Value::missing(column.scalar_type),
        }
    }
}

impl Iterator for Like {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cells: Vec<Vec<Value>> = vec![Vec::new(); self.columns.len()];
        for _ in 0..BATCH {
            let Some((version, alert)) = self.next_version() else { break };
            let (names, deck) = &mut self.statuses[usize::from(version.later)];
            let status = deck.deal().and_then(|(card, _)| names.get(card as usize).cloned()).unwrap_or_default();
            for (column, cells) in self.columns.iter().zip(&mut cells) {
                cells.push(self.value(column, &version, &alert, &status));
            }
        }
        if cells.first().is_none_or(Vec::is_empty) {
            return None;
        }
        let arrays = self.columns.iter().zip(&cells).map(|(column, cells)| from_values(column.scalar_type, cells));
        Some(RecordBatch::try_new(schema(&self.columns), arrays.collect()))
    }
}

/// Returns how many alerts the records of a kind are, by the mean number of their versions.
fn alerts_of(counted: &Counted) -> u64 {
    let alerts: u64 = counted.versions.values().sum();
    let rows: u64 = counted.versions.iter().map(|(versions, count)| u64::from(*versions) * count).sum();
    if rows == 0 { counted.rows } else { (counted.rows * alerts).div_ceil(rows) }
}

/// Returns the workspace of a sample.
pub(super) fn tenant(seed: u64) -> String {
    guid(&mut chance(seed, 6))
}

pub(super) fn guid(chance: &mut ChaCha8Rng) -> String {
    uuid::Builder::from_random_bytes(chance.random()).into_uuid().to_string()
}

/// The domain of everybody in a sample.
pub(super) const DOMAIN: &str = "sample.example";

/// Makes an entity of a type and a number, and what an alert about it names.
fn entity(name: &'static str, number: u64, id: usize) -> (Json, String) {
    let address = std::net::Ipv4Addr::from(0xc612_0000 | (number as u32 & 0x1_ffff));
    let (fields, shown) = match name {
        "host" => (json!({"HostName": format!("host-{number:05}"), "DnsDomain": DOMAIN}), format!("host-{number:05}")),
        "account" => {
            let shown = format!("user-{number:05}@{DOMAIN}");
            (json!({"Name": format!("user-{number:05}"), "UPNSuffix": DOMAIN}), shown)
        }
        "ip" if number < 0x2_0000 => (json!({"Address": address.to_string()}), address.to_string()),
        "ip" => {
            let address = std::net::Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(number));
            (json!({"Address": address.to_string()}), address.to_string())
        }
        "url" => (json!({"Url": format!("https://{DOMAIN}/{number}")}), format!("https://{DOMAIN}/{number}")),
        "file" => {
            (json!({"Directory": "c:\\temp", "Name": format!("file-{number:05}.exe")}), format!("file-{number:05}.exe"))
        }
        "filehash" => (json!({"Algorithm": "SHA256", "Value": format!("{number:064x}")}), format!("{number:064x}")),
        "process" => (
            json!({"ProcessId": format!("0x{number:x}"), "CommandLine": format!("program-{number:05}.exe")}),
            format!("program-{number:05}.exe"),
        ),
        "mailbox" => (
            json!({"MailboxPrimaryAddress": format!("user-{number:05}@{DOMAIN}")}),
            format!("user-{number:05}@{DOMAIN}"),
        ),
        "azure-resource" => {
            let path = format!(
                "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg-sample/providers/Microsoft.Compute/virtualMachines/vm-{number:05}"
            );
            (json!({"ResourceId": path}), format!("vm-{number:05}"))
        }
        other => (json!({"Name": format!("{other}-{number:05}")}), format!("{other}-{number:05}")),
    };
    let mut entity = Map::new();
    entity.insert("$id".into(), id.to_string().into());
    if let Json::Object(fields) = fields {
        entity.extend(fields);
    }
    entity.insert("Type".into(), name.into());
    (Json::Object(entity), shown)
}
