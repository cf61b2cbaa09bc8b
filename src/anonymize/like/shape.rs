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
pub(super) const FOLLOWED: usize = 1 << 20;
/// Entities of one type that one alert can have.
pub(super) const MOST: u32 = 50;

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
    /// The hash of its title.
    title: u64,
}

/// What counts of one record besides its kind.
#[derive(Debug, Clone, Copy)]
struct Record<'r> {
    id: &'r str,
    title: &'r str,
    status: &'r str,
    entities: &'r str,
    moment: Option<i64>,
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
    period: Period,
}

/// Things that are followed by the hashes of their names.
#[derive(Debug, Clone)]
pub(super) struct Followed<T, const MOST: usize = FOLLOWED> {
    pub(super) by_hash: HashMap<u64, T>,
    /// How many of the hash's first bits must be zero.
    pub(super) bits: u32,
}

impl<T, const MOST: usize> Default for Followed<T, MOST> {
    fn default() -> Self {
        Followed { by_hash: HashMap::new(), bits: 0 }
    }
}

impl<T, const MOST: usize> Followed<T, MOST> {
    pub(super) fn follows(&self, hash: u64) -> bool {
        hash.leading_zeros() >= self.bits
    }

    pub(super) fn insert(&mut self, hash: u64, value: T) {
        self.by_hash.insert(hash, value);
        if self.by_hash.len() > MOST {
            self.bits += 1;
            let bits = self.bits;
            self.by_hash.retain(|hash, _| hash.leading_zeros() >= bits);
        }
    }
}

impl<const MOST: usize> Followed<u32, MOST> {
    /// Counts one that is met.
    pub(super) fn count(&mut self, hash: u64) {
        if let Some(count) = self.by_hash.get_mut(&hash) {
            *count += 1;
        } else if self.follows(hash) {
            self.insert(hash, 1);
        }
    }

    /// Returns how often each of them was met, the largest first.
    pub(super) fn counts(&self) -> Vec<u32> {
        let mut counts: Vec<u32> = self.by_hash.values().copied().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    }
}

/// The period of records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Period(Option<(i64, i64)>);

impl Period {
    pub(super) fn add(&mut self, moment: i64) {
        let (first, last) = self.0.unwrap_or((moment, moment));
        self.0 = Some((first.min(moment), last.max(moment)));
    }

    /// Returns how many days it has, at least one.
    pub(super) fn days(self) -> u32 {
        let ticks = self.0.map_or(0, |(first, last)| last.saturating_sub(first));
        u32::try_from(ticks / ticks::TICKS_PER_DAY + 1).unwrap_or(1).min(36_500)
    }
}

/// Returns the hour of the week of a moment.
pub(super) fn hour(moment: i64) -> usize {
    moment.div_euclid(ticks::TICKS_PER_HOUR).rem_euclid(HOURS as i64) as usize
}

/// Returns the exponent of two of the seconds between two moments.
pub(super) fn delay(from: i64, to: i64) -> u32 {
    (from.abs_diff(to) / ticks::TICKS_PER_SECOND as u64).max(1).ilog2()
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
            let alert = Record { id, title, status, entities, moment };
            self.add_record(kind, &alert);
        }
    }

    fn add_record(&mut self, kind: Kind, record: &Record<'_>) {
        let Record { id, title, status, entities, moment } = *record;
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
            self.hours[hour(moment)] += 1;
            self.period.add(moment);
        }
        // Without an id every record is an alert of its own.
        let hash = if id.is_empty() { xxh3_64(&self.rows.to_le_bytes()) } else { xxh3_64(id.as_bytes()) };
        if !self.alerts.follows(hash) {
            return;
        }
        let moment = moment.unwrap_or_default();
        let first = match self.alerts.by_hash.get_mut(&hash) {
            Some(alert) => {
                *self.delays.entry(delay(alert.last, moment)).or_default() += 1;
                (alert.versions, alert.last) = (alert.versions + 1, moment);
                false
            }
            None => {
                let title = xxh3_64(title.as_bytes());
                self.alerts.insert(hash, Alert { kind, versions: 1, last: moment, title });
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
            let hash = xxh3_64(identity(known.name, entity).as_bytes());
            self.repeats.entry(known.name).or_default().count(hash);
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

    /// Returns, for each kind in the order in which they were met, its place in the order of the kinds.
    pub(super) fn places(&self) -> Vec<usize> {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort();
        let mut places = vec![0; kinds.len()];
        for (place, (_, at)) in kinds.into_iter().enumerate() {
            places[*at] = place;
        }
        places
    }

    /// Returns the kind and the hash of the title of the alert with this hash; None where there is none.
    pub(super) fn alert(&self, hash: u64) -> Option<(usize, u64)> {
        self.alerts.by_hash.get(&hash).map(|alert| (alert.kind, alert.title))
    }

    /// Tells whether an alert of this hash would be known.
    pub(super) fn follows(&self, hash: u64) -> bool {
        self.alerts.follows(hash)
    }

    /// Returns, for a type of entity, how many alerts each of them is in; the largest first.
    pub(super) fn repeats(&self, name: &str) -> Vec<u32> {
        self.repeats.get(name).map(Followed::counts).unwrap_or_default()
    }

    /// Returns how many days the records are spread over, at least one.
    pub fn days(&self) -> u32 {
        self.period.days()
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
pub(super) fn plain(text: &str) -> String {
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
pub(super) fn constant(text: &str) -> String {
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
pub(super) fn list(text: &str) -> String {
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
