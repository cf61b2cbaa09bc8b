//! The shape of an export: how many alerts of which kind, when, how often again, about how many machines.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use xxhash_rust::xxh3::xxh3_64;

use crate::anonymize::words;
use crate::catalog::entities::EntityType;
use crate::catalog::products::SENTINEL_PRODUCT;
use crate::types::{json, ticks};

/// Hours of a week, which begins on a Monday.
pub(super) const HOURS: usize = 168;
/// Whose products have fixed names for what they detect.
const MICROSOFT: &str = "Microsoft";
/// Kinds of alerts, and ways in which entities go together, that are told apart.
const KINDS: usize = 10_000;
/// Alerts, and entities of one type, that are followed one by one.
const FOLLOWED: usize = 1 << 20;
/// Entities of one type that one alert can have.
const MOST: u32 = 50;

/// What all alerts of a kind have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) product: String,
    pub(super) provider: String,
    pub(super) vendor: String,
    pub(super) component: String,
    pub(super) severity: String,
    pub(super) tactics: String,
    pub(super) techniques: String,
    /// Empty where it is not taken over.
    pub(super) alert_type: String,
    /// Empty where it is not taken over.
    pub(super) title: String,
    /// The hash of type and title, so that those which are not taken over are told apart.
    own: u64,
}

/// What was counted of one kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    /// Records.
    pub(super) rows: u64,
    /// Alerts by the number of their versions.
    pub(super) versions: BTreeMap<u32, u64>,
    /// Alerts by their entities: how many of each type.
    pub(super) entities: BTreeMap<Vec<(&'static str, u32)>, u64>,
}

/// An alert that is followed.
#[derive(Debug, Clone, Copy, Default)]
struct Alert {
    kind: usize,
    versions: u32,
    last: i64,
}

/// The shape of an export of SecurityAlert.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Records.
    pub rows: u64,
    kinds: HashMap<Kind, usize>,
    pub(super) counted: Vec<Counted>,
    alerts: Followed<Alert>,
    /// For each type of entity, how many alerts each of them is in.
    repeats: BTreeMap<&'static str, Followed<u32>>,
    /// Statuses of first and of later versions.
    pub(super) statuses: [BTreeMap<String, u64>; 2],
    /// Versions by the time since the one before: the exponent of two of the seconds.
    pub(super) delays: BTreeMap<u32, u64>,
    pub(super) hours: Vec<u64>,
    period: Option<(i64, i64)>,
}

/// Things that are followed by the hashes of their names.
#[derive(Debug, Clone, Default)]
struct Followed<T> {
    by_hash: HashMap<u64, T>,
    /// How many of the hash's first bits must be zero.
    bits: u32,
}

impl<T> Followed<T> {
    fn follows(&self, hash: u64) -> bool {
        hash.leading_zeros() >= self.bits
    }

    fn insert(&mut self, hash: u64, value: T) {
        self.by_hash.insert(hash, value);
        if self.by_hash.len() > FOLLOWED {
            self.bits += 1;
            let bits = self.bits;
            self.by_hash.retain(|hash, _| hash.leading_zeros() >= bits);
        }
    }
}

impl Shape {
    /// Learns of records.
    pub fn add(&mut self, batch: &RecordBatch) {
        self.hours.resize(HOURS, 0);
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_view_opt().cloned());
        let names = [
            "ProductName",
            "ProviderName",
            "VendorName",
            "ProductComponentName",
            "AlertSeverity",
            "Tactics",
            "Techniques",
            "AlertType",
            "AlertName",
            "SystemAlertId",
            "Status",
            "Entities",
        ]
        .map(texts);
        let moments = batch.column_by_name("TimeGenerated").and_then(|column| column.as_primitive_opt::<Int64Type>());
        for row in 0..batch.num_rows() {
            let [
                product,
                provider,
                vendor,
                component,
                severity,
                tactics,
                techniques,
                kind,
                title,
                id,
                status,
                entities,
            ] = names.each_ref().map(|column| column.as_ref().filter(|c| c.is_valid(row)).map_or("", |c| c.value(row)));
            let of_rule = product == SENTINEL_PRODUCT;
            let kind = Kind {
                product: plain(product),
                provider: plain(provider),
                vendor: plain(vendor),
                component: constant(component),
                severity: constant(severity),
                tactics: list(tactics),
                techniques: list(techniques),
                alert_type: if of_rule || vendor != MICROSOFT { String::new() } else { constant(kind) },
                title: if of_rule { String::new() } else { plain(title) },
                own: xxh3_64(format!("{kind}\0{title}").as_bytes()),
            };
            let moment = moments.filter(|moments| moments.is_valid(row)).map(|moments| moments.value(row));
            self.add_record(kind, id, status, entities, moment);
        }
    }

    fn add_record(&mut self, kind: Kind, id: &str, status: &str, entities: &str, moment: Option<i64>) {
        let next = self.counted.len();
        let kind = match self.kinds.get(&kind) {
            Some(kind) => *kind,
            // Beyond that many they are counted as the first one.
            None if next >= KINDS => 0,
            None => {
                self.counted.push(Counted::default());
                *self.kinds.entry(kind).or_insert(next)
            }
        };
        self.rows += 1;
        self.counted[kind].rows += 1;
        if let Some(moment) = moment {
            let hour = moment.div_euclid(ticks::TICKS_PER_HOUR).rem_euclid(HOURS as i64);
            self.hours[hour as usize] += 1;
            let (first, last) = self.period.unwrap_or((moment, moment));
            self.period = Some((first.min(moment), last.max(moment)));
        }
        // Without an id every record is an alert of its own.
        let hash = if id.is_empty() { xxh3_64(&self.rows.to_le_bytes()) } else { xxh3_64(id.as_bytes()) };
        if !self.alerts.follows(hash) {
            return;
        }
        let moment = moment.unwrap_or_default();
        let first = match self.alerts.by_hash.get_mut(&hash) {
            Some(alert) => {
                let seconds = (moment - alert.last).unsigned_abs() / ticks::TICKS_PER_SECOND as u64;
                *self.delays.entry(seconds.max(1).ilog2()).or_default() += 1;
                (alert.versions, alert.last) = (alert.versions + 1, moment);
                false
            }
            None => {
                self.alerts.insert(hash, Alert { kind, versions: 1, last: moment });
                true
            }
        };
        *self.statuses[usize::from(!first)].entry(constant(status)).or_default() += 1;
        if first {
            self.add_entities(kind, entities);
        }
    }

    fn add_entities(&mut self, kind: usize, text: &str) {
        let mut types: BTreeMap<&'static str, u32> = BTreeMap::new();
        let list = if json::is_valid(text) { text } else { "[]" };
        for entity in json::elements(list) {
            let own = json::members(entity).find(|(key, _)| key.eq_ignore_ascii_case("type"));
            let own = own.and_then(|(_, value)| json::as_string(value));
            let Some(known) = own.and_then(|name| EntityType::find(&name)) else { continue };
            *types.entry(known.name).or_default() += 1;
            let repeats = self.repeats.entry(known.name).or_default();
            let hash = xxh3_64(identity(known.name, entity).as_bytes());
            if let Some(count) = repeats.by_hash.get_mut(&hash) {
                *count += 1;
            } else if repeats.follows(hash) {
                repeats.insert(hash, 1);
            }
        }
        let types: Vec<_> = types.into_iter().map(|(name, count)| (name, count.min(MOST))).collect();
        let entities = &mut self.counted[kind].entities;
        if entities.len() < KINDS || entities.contains_key(&types) {
            *entities.entry(types).or_default() += 1;
        }
    }

    /// Returns what is known of each kind, in the order of the kinds.
    pub(super) fn kinds(&self) -> Vec<(Kind, Counted)> {
        let mut counted = self.counted.clone();
        for alert in self.alerts.by_hash.values() {
            if let Some(counted) = counted.get_mut(alert.kind) {
                *counted.versions.entry(alert.versions).or_default() += 1;
            }
        }
        let kinds = self.kinds.iter().filter_map(|(kind, at)| Some((kind.clone(), counted.get(*at)?.clone())));
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_by(|(a, _), (b, _)| a.cmp(b));
        kinds
    }

    /// Returns, for a type of entity, how many alerts each of them is in; the largest first.
    pub(super) fn repeats(&self, name: &str) -> Vec<u32> {
        let counts = self.repeats.get(name).map(|followed| followed.by_hash.values().copied().collect());
        let mut counts: Vec<u32> = counts.unwrap_or_default();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    }

    /// Returns how many days the records are spread over, at least one.
    pub fn days(&self) -> u32 {
        let ticks = self.period.map_or(0, |(first, last)| last - first);
        u32::try_from(ticks / ticks::TICKS_PER_DAY + 1).unwrap_or(1).min(36_500)
    }
}

/// Returns what makes an entity the same in another alert.
fn identity(name: &str, entity: &str) -> String {
    let keys: &[&str] = match name {
        "host" => &["hostname", "netbiosname", "dnsdomain", "azureid"],
        "account" => &["name", "upnsuffix", "ntdomain", "sid", "aaduserid"],
        "ip" => &["address"],
        "url" => &["url"],
        "azure-resource" => &["resourceid"],
        "file" => &["directory", "name"],
        "filehash" => &["value"],
        "process" => &["commandline", "imagefile"],
        "mailbox" => &["mailboxprimaryaddress", "upn"],
        _ => &[],
    };
    let part = |key: &str| json::members(entity).find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    match keys {
        [] => json::members(entity)
            .filter(|(key, _)| key != "$id")
            .map(|(key, value)| format!("{key}:{value};"))
            .collect(),
        keys => keys.iter().map(|key| part(key).unwrap_or("").to_lowercase() + ";").collect(),
    }
}

/// Returns text that is made of ordinary words alone, and nothing for any other.
fn plain(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '-').filter(|word| !word.is_empty());
    let known = |word: &str| {
        words::is_plain(word)
            || words::KNOWN.contains(word.to_lowercase().as_str())
            || word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit())
    };
    if words.into_iter().all(known) && !text.contains(['@', '\\', '/']) { text.to_string() } else { String::new() }
}

/// Returns a constant of a product's: one name of ordinary words or abbreviations, such as `VM_SuspiciousLogin`, and
/// nothing for any other.
fn constant(text: &str) -> String {
    let known = |word: &String| word.len() <= 2 || words::is_listed(word);
    let shaped =
        text.len() <= 100 && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_. -".contains(letter));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if shaped && digits <= 4 && crate::anonymize::document::parts(text).iter().all(known) {
        text.to_string()
    } else {
        String::new()
    }
}

/// Returns a list of tactics or techniques, and nothing for any other text.
fn list(text: &str) -> String {
    let names =
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.').filter(|name| !name.is_empty());
    let known = |name: &str| {
        let technique = name
            .strip_prefix(['T', 't'])
            .is_some_and(|rest| rest.len() <= 9 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        technique || !constant(name).is_empty()
    };
    if text.len() <= 1000 && names.into_iter().all(known) { text.to_string() } else { String::new() }
}
