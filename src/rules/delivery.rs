//! Holds the rows of SecurityAlert that the connector of Defender for Cloud wrote against Defender's own list of alerts.
//!
//! An alert of the list is known again in the table by VendorOriginalId, which holds the id that Defender gave it; the
//! connector makes a SystemAlertId of its own (observed). The table is a log: several rows with one SystemAlertId are
//! versions of one alert, the last of which is compared, as the list shows alerts as they are now. Fields that the list
//! leaves empty are not compared.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::incident::{DEFENDER_FOR_CLOUD, entities};
use super::row::Alert;
use super::verify::{Field, Period};
use crate::types::ticks;

/// What the comparison is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub period: Period,
    /// The time from which on a delay is a fault, in ticks.
    pub most_delay: Option<i64>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Alerts of the list that were looked for.
    pub listed: usize,
    /// Of them, those that are in the table.
    pub delivered: usize,
    /// Rows of other products.
    pub left_out: usize,
    /// Alerts of the list, and of the table, outside the period.
    pub outside: usize,
    /// In the order of their times.
    pub faults: Vec<Fault>,
    /// How long each alert took, in ticks, from the shortest on.
    pub delays: Vec<i64>,
}

/// What the connector did to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The list has it, the table does not.
    Dropped,
    /// The table has it more than once.
    Duplicated,
    /// It came later than allowed.
    Delayed,
    /// A field is another one.
    Changed,
    /// The table has it, the list does not.
    Unlisted,
}

/// One fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub kind: Kind,
    /// When Defender had made the alert; of one that the list lacks, when the row was recorded. In ticks.
    pub time: i64,
    pub title: String,
    /// Defender's id of the alert.
    pub id: String,
    /// The `SystemAlertId` of the rows of the table.
    pub rows: Vec<String>,
    pub reason: String,
    /// What differs: as the list has it, and as the table does.
    pub fields: Vec<Field>,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Kind; 5] = [Kind::Dropped, Kind::Duplicated, Kind::Delayed, Kind::Changed, Kind::Unlisted];

    /// Returns the word that outputs use.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Dropped => "dropped",
            Kind::Duplicated => "duplicated",
            Kind::Delayed => "delayed",
            Kind::Changed => "changed",
            Kind::Unlisted => "unlisted",
        }
    }
}

impl Verdict {
    /// Returns the delay that so many of a hundred alerts did not exceed, in ticks; None where no alert was delivered.
    pub fn percentile(&self, percent: usize) -> Option<i64> {
        let rank = (self.delays.len() * percent.min(100)).div_ceil(100);
        self.delays.get(rank.max(1) - 1).copied()
    }
}

/// Compares Defender's list, read as rows of SecurityAlert, with the rows that the connector wrote.
///
/// ```
/// use alertq::rules::{Alert, delivery};
/// let listed = Alert { vendor_id: "1_a".into(), product: "Azure Security Center".into(), ..Alert::default() };
/// let verdict = delivery::compare(&[listed], &[], &delivery::Options::default());
/// assert_eq!(verdict.faults[0].kind, delivery::Kind::Dropped);
/// ```
pub fn compare(list: &[Alert], table: &[Alert], options: &Options) -> Verdict {
    let (own, others): (Vec<&Alert>, Vec<&Alert>) = table.iter().partition(|row| row.product == DEFENDER_FOR_CLOUD);
    let mut verdict = Verdict { left_out: others.len(), ..Verdict::default() };
    let mut rows: HashMap<String, Vec<&Alert>> = HashMap::new();
    for row in &own {
        rows.entry(row.vendor_id.to_lowercase()).or_default().push(row);
    }
    rows.values_mut().for_each(|rows| rows.sort_by_key(|row| row.generated));
    let youngest = own.iter().map(|row| row.generated).max();
    // Of an alert that the list has twice, the later entry is how it is now.
    let mut listed: BTreeMap<String, &Alert> = BTreeMap::new();
    for alert in list {
        let held = listed.entry(alert.vendor_id.to_lowercase()).or_insert(alert);
        if made(alert) >= made(held) {
            *held = alert;
        }
    }
    for (id, alert) in &listed {
        if !options.period.contains(made(alert)) {
            verdict.outside += 1;
            continue;
        }
        verdict.listed += 1;
        match rows.get(id) {
            Some(rows) => verdict.delivered(alert, rows, options),
            None => verdict.faults.push(dropped(alert, youngest)),
        }
    }
    for (id, rows) in &rows {
        let Some(first) = rows.first().filter(|_| !listed.contains_key(id)) else { continue };
        if options.period.contains(first.generated) {
            let reason = "Defender's list has no alert of this id: it was removed there, or the list is not whole";
            verdict.faults.push(fault(Kind::Unlisted, first, rows, reason.to_string()));
        } else {
            verdict.outside += 1;
        }
    }
    verdict.faults.sort_by(|a, b| (a.time, a.kind, &a.id).cmp(&(b.time, b.kind, &b.id)));
    verdict.delays.sort_unstable();
    verdict
}

/// Returns when Defender had made an alert: the end of its processing, after which the connector can take it.
fn made(alert: &Alert) -> i64 {
    alert.processed.unwrap_or(alert.generated)
}

fn fault(kind: Kind, alert: &Alert, rows: &[&Alert], reason: String) -> Fault {
    let mut ids: Vec<String> = Vec::new();
    for row in rows {
        if !ids.contains(&row.id) {
            ids.push(row.id.clone());
        }
    }
    let time = if kind == Kind::Unlisted { alert.generated } else { made(alert) };
    let (title, id) = (alert.name.clone(), alert.vendor_id.clone());
    Fault { kind, time, title, id, rows: ids, reason, fields: Vec::new() }
}

fn dropped(alert: &Alert, youngest: Option<i64>) -> Fault {
    let mut reason = "no row of the table has its id as VendorOriginalId".to_string();
    if youngest.is_none_or(|youngest| youngest < made(alert)) {
        reason.push_str("; it is younger than every row: still on its way, or outside of what was exported?");
    }
    fault(Kind::Dropped, alert, &[], reason)
}

impl Verdict {
    /// Looks at an alert that is in the table; its rows come in the order of their times.
    fn delivered(&mut self, alert: &Alert, rows: &[&Alert], options: &Options) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        self.delivered += 1;
        if let Some(reason) = duplicates(rows) {
            self.faults.push(fault(Kind::Duplicated, alert, rows, reason));
        }
        let delay = first.generated.saturating_sub(made(alert)).max(0);
        self.delays.push(delay);
        if let Some(most) = options.most_delay.filter(|most| delay > *most) {
            let (delay, most) = (ticks::format_timespan(delay), ticks::format_timespan(most));
            let reason = format!("it was recorded {delay} after it was made, and {most} is allowed");
            self.faults.push(fault(Kind::Delayed, alert, rows, reason));
        }
        let fields = fields(alert, last);
        if !fields.is_empty() {
            let reason = "the last row of the table is not what Defender's list says".to_string();
            self.faults.push(Fault { fields, ..fault(Kind::Changed, alert, rows, reason) });
        }
    }
}

/// Says in what way the rows of an alert are more than its versions.
fn duplicates(rows: &[&Alert]) -> Option<String> {
    let ids: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    if ids.len() > 1 {
        return Some(format!("it was written as {} alerts, each with a SystemAlertId of its own", ids.len()));
    }
    let again = rows.windows(2).filter(|pair| pair[0] == pair[1]).count();
    (again > 0).then(|| format!("{} of its {} rows are the same as the one before", again, rows.len()))
}

/// Returns what differs between an alert of the list and its row.
fn fields(listed: &Alert, row: &Alert) -> Vec<Field> {
    let mut all = vec![
        ("name".to_string(), listed.name.clone(), row.name.clone()),
        ("severity".to_string(), listed.severity.clone(), row.severity.clone()),
        ("status".to_string(), listed.status.clone(), row.status.clone()),
        ("description".to_string(), listed.description.clone(), row.description.clone()),
        ("alert type".to_string(), listed.alert_type.clone(), row.alert_type.clone()),
        ("vendor".to_string(), listed.vendor.clone(), row.vendor.clone()),
        ("component".to_string(), listed.component.clone(), row.component.clone()),
        ("start".to_string(), moment(listed.start), moment(row.start)),
        ("end".to_string(), moment(listed.end), moment(row.end)),
        ("tactics".to_string(), sorted(listed.tactic_names()), sorted(row.tactic_names())),
        ("techniques".to_string(), sorted(listed.technique_ids()), sorted(row.technique_ids())),
        ("remediation steps".to_string(), json(&listed.remediation_steps), json(&row.remediation_steps)),
        ("links".to_string(), json(&listed.extended_links), json(&row.extended_links)),
        ("link".to_string(), listed.link.clone(), row.link.clone()),
        ("compromised entity".to_string(), listed.compromised_entity.clone(), row.compromised_entity.clone()),
        ("resource".to_string(), listed.resource.to_lowercase(), row.resource.to_lowercase()),
        ("workspace subscription".to_string(), listed.subscription.clone(), row.subscription.clone()),
        ("workspace resource group".to_string(), listed.resource_group.clone(), row.resource_group.clone()),
        ("entities".to_string(), identities(&listed.entities), identities(&row.entities)),
    ];
    all.extend(properties(&listed.extended_properties, &row.extended_properties));
    let differ = all.into_iter().filter(|(_, listed, found)| !listed.is_empty() && listed != found);
    differ.map(|(name, expected, found)| Field { name: name.into(), expected, found }).collect()
}

fn moment(time: Option<i64>) -> String {
    time.map(ticks::format_datetime).unwrap_or_default()
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.join(", ")
}

/// Returns a JSON text in one form; empty where there is nothing in it.
fn json(text: &str) -> String {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Null) => String::new(),
        Ok(Json::Array(items)) if items.is_empty() => String::new(),
        Ok(Json::Object(fields)) if fields.is_empty() => String::new(),
        // What has keys is sorted by them: their order says nothing.
        Ok(json) => canonical(json).to_string(),
        Err(_) => text.trim().to_string(),
    }
}

fn canonical(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().map(canonical).collect(),
        Json::Object(fields) => {
            let sorted: BTreeMap<String, Json> =
                fields.into_iter().map(|(key, value)| (key, canonical(value))).collect();
            Json::Object(sorted.into_iter().collect())
        }
        other => other,
    }
}

/// Returns the entities by what names them, which neither the case of keys nor the numbering changes.
fn identities(text: &str) -> String {
    let all = entities(text).into_iter().map(|entity| format!("{} {}", entity.kind, entity.key.replace('\n', " ")));
    let mut all: Vec<String> = all.collect();
    all.dedup();
    sorted(all)
}

/// Returns the extended properties that the list has, each with what the row has of it. Those that Sentinel adds of its
/// own are in the row alone.
fn properties(listed: &str, found: &str) -> Vec<(String, String, String)> {
    let read = |text: &str| serde_json::from_str::<serde_json::Map<String, Json>>(text).unwrap_or_default();
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => json(&other.to_string()),
    };
    let found = read(found);
    let pair = |(key, value): (&String, &Json)| {
        (format!("extended property '{key}'"), text(value), found.get(key).map(&text).unwrap_or_default())
    };
    read(listed).iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = ticks::TICKS_PER_SECOND;

    fn listed(number: i64) -> Alert {
        Alert {
            vendor_id: format!("{number}_aaaa"),
            id: format!("{number}_aaaa"),
            name: format!("alert {number}"),
            severity: "High".into(),
            status: "New".into(),
            product: DEFENDER_FOR_CLOUD.into(),
            vendor: "Microsoft".into(),
            processed: Some(number * 60 * SECOND),
            generated: number * 60 * SECOND,
            start: Some(number * SECOND),
            tactics: "Execution, Persistence".into(),
            entities: r#"[{"$id":"1","hostName":"h1","dnsDomain":"d","type":"host"}]"#.into(),
            extended_properties: r#"{"attacker":"x","count":"3"}"#.into(),
            ..Alert::default()
        }
    }

    /// What the connector writes of an alert where it does all right.
    fn row(listed: &Alert) -> Alert {
        Alert {
            id: format!("guid of {}", listed.vendor_id),
            generated: listed.generated + 5 * SECOND,
            tactics: "Persistence, Execution".into(),
            entities: r#"[{"$id":"4","Type":"host","HostName":"h1","DnsDomain":"d"}]"#.into(),
            extended_properties: r#"{"count":"3","ProcessedBySentinel":"True","attacker":"x"}"#.into(),
            ..listed.clone()
        }
    }

    #[test]
    fn a_sound_connector_has_no_faults() {
        let list: Vec<Alert> = (1..=10).map(listed).collect();
        let mut table: Vec<Alert> = list.iter().map(row).collect();
        // A later version of an alert, and the list says the same; a row of another product.
        let later = |alert: &Alert| Alert { status: "Resolved".into(), ..alert.clone() };
        table.push(Alert { generated: table[2].generated + SECOND, ..later(&table[2]) });
        table.push(Alert { product: "Azure Sentinel".into(), vendor_id: "other".into(), ..Alert::default() });
        let list: Vec<Alert> =
            list.iter().enumerate().map(|(n, a)| if n == 2 { later(a) } else { a.clone() }).collect();
        let verdict = compare(&list, &table, &Options::default());
        assert_eq!(verdict.faults, []);
        assert_eq!((verdict.listed, verdict.delivered, verdict.left_out), (10, 10, 1));
        assert_eq!(verdict.percentile(50), Some(5 * SECOND));
    }

    #[test]
    fn ten_planted_faults_are_found_and_nothing_else() {
        let list: Vec<Alert> = (1..=20).map(listed).collect();
        let mut table: Vec<Alert> = list.iter().map(row).collect();
        table[0].vendor_id = "gone".into();
        table[0].generated = 100 * SECOND;
        table[2].severity = "Low".into();
        table[3].name = "renamed".into();
        table[4].tactics = "Execution".into();
        table[5].entities = "[]".into();
        table[6].extended_properties = r#"{"count":"3"}"#.into();
        table[7].generated += 3600 * SECOND;
        table[8].start = Some(0);
        let twice = Alert { id: "another guid".into(), ..table[9].clone() };
        let again = table[10].clone();
        table.extend([twice, again]);
        let options = Options { most_delay: Some(600 * SECOND), ..Options::default() };
        let verdict = compare(&list, &table, &options);
        let found: Vec<_> = verdict
            .faults
            .iter()
            .map(|fault| {
                let field = fault.fields.iter().map(|field| field.name.as_ref()).collect::<Vec<_>>().join("+");
                (fault.kind, fault.id.split('_').next().unwrap_or_default(), field)
            })
            .collect();
        let fault = |kind, id, field: &str| (kind, id, field.to_string());
        assert_eq!(
            found,
            [
                fault(Kind::Dropped, "1", ""),
                fault(Kind::Unlisted, "gone", ""),
                fault(Kind::Changed, "3", "severity"),
                fault(Kind::Changed, "4", "name"),
                fault(Kind::Changed, "5", "tactics"),
                fault(Kind::Changed, "6", "entities"),
                fault(Kind::Changed, "7", "extended property 'attacker'"),
                fault(Kind::Delayed, "8", ""),
                fault(Kind::Changed, "9", "start"),
                fault(Kind::Duplicated, "10", ""),
                fault(Kind::Duplicated, "11", ""),
            ]
        );
        assert!(verdict.faults[9].reason.contains("2 alerts") && verdict.faults[9].rows.len() == 2);
        assert!(verdict.faults[10].reason.contains("1 of its 2 rows"));
        assert_eq!((verdict.delivered, verdict.percentile(50)), (19, Some(5 * SECOND)));
        assert_eq!(verdict.percentile(100), Some(3605 * SECOND));
    }

    #[test]
    fn what_is_outside_the_period_is_counted_and_not_compared() {
        let list: Vec<Alert> = (1..=4).map(listed).collect();
        let period = Period { from: Some(150 * SECOND), to: None };
        let verdict = compare(&list, &[], &Options { period, ..Options::default() });
        assert_eq!((verdict.listed, verdict.outside, verdict.faults.len()), (2, 2, 2));
        assert!(verdict.faults[0].reason.contains("younger than every row"));
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let verdict = Verdict { delays: (1..=10).collect(), ..Verdict::default() };
        let of = |percent| verdict.percentile(percent);
        assert_eq!([of(0), of(50), of(90), of(99), of(100)], [Some(1), Some(5), Some(9), Some(10), Some(10)]);
        assert_eq!(Verdict::default().percentile(50), None);
    }
}
