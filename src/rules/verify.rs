//! Holds the incidents that a workspace has against those that its alerts should have made.
//!
//! Only the first row of an incident is looked at: later ones carry what analysts did. Incidents of Defender XDR and
//! those of scheduled rules are left out, for rules of this kind did not make them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::assume::Assumptions;
use super::incident::{CreationRule, Incidents, default_products};
use super::row::{Alert, Incident};
use super::workspace::Workspace;

/// What the comparison is about.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub assumptions: Assumptions,
    /// Of alerts and incidents.
    pub period: Period,
}

/// A period that may be open at its ends, which belong to it; in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl Period {
    /// Tells whether a moment lies in it.
    pub fn contains(&self, time: i64) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time <= to)
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Alerts of the period, each counted once, that were judged.
    pub alerts: usize,
    /// Incidents that should be there.
    pub expected: usize,
    /// Incidents that are there and were compared.
    pub found: usize,
    /// Incidents that rules of this kind do not make, and were left out: of Defender XDR, of analytics rules, by hand.
    pub left_out: usize,
    /// Of those left out, the incidents of Defender XDR.
    pub of_xdr: usize,
    /// Incidents whose first row is not here: what they were made as is not known, and not compared.
    pub without_first: usize,
    /// Alerts and incidents outside the period.
    pub outside: usize,
    /// In the order of the times of what they are about.
    pub differences: Vec<Difference>,
}

/// How an incident is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It should be there.
    Missing,
    /// It should not be there.
    Unexpected,
    /// It is there and is different.
    Differs,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub kind: Kind,
    /// When the alert was recorded, or the incident created; in ticks.
    pub time: i64,
    pub title: String,
    /// The alert's `SystemAlertId`; empty where the incident has none.
    pub alert: String,
    /// The number of the incident that is there.
    pub incident: Option<i64>,
    /// Why it should, or should not, be there.
    pub reason: String,
    /// What differs.
    pub fields: Vec<Field>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: Cow<'static, str>,
    pub expected: String,
    pub found: String,
}

impl Kind {
    /// Returns the word that outputs use.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Unexpected => "unexpected",
            Kind::Differs => "differs",
        }
    }
}

/// Compares what the rules make of alerts with the rows of SecurityIncident.
///
/// ```
/// use alertq::rules::{Alert, Assumptions, incident, verify};
/// let rules = [incident::default_rule("Azure Security Center", &Assumptions::default()).unwrap()];
/// let alert = Alert { id: "a".into(), product: "Azure Security Center".into(), severity: "High".into(), ..Alert::default() };
/// let verdict = verify::verify(&[alert], &[], &rules, &verify::Options::default());
/// assert_eq!(verdict.differences[0].kind, verify::Kind::Missing);
/// ```
pub fn verify(alerts: &[Alert], incidents: &[Incident], rules: &[CreationRule], options: &Options) -> Verdict {
    let first_alerts = first_versions(alerts);
    let mut desk = Incidents::new(Workspace::default(), options.assumptions, 1);
    first_alerts.iter().for_each(|alert| desk.of_product(alert, rules));
    let expected = desk.finish();
    let within = first_alerts.iter().filter(|alert| options.period.contains(alert.generated));
    let mut verdict = Verdict { alerts: within.count(), ..Verdict::default() };
    let known: HashMap<&str, &Alert> = first_alerts.iter().map(|alert| (alert.id.as_str(), *alert)).collect();
    let mut comparison = Comparison {
        rules,
        options,
        known,
        expected: expected.iter().map(|incident| (incident.alerts[0].as_str(), incident)).collect(),
        taken: HashMap::new(),
        last: incidents.iter().map(|incident| incident.time).max(),
    };
    for incident in first_rows(incidents) {
        if is_of_xdr(incident) {
            verdict.left_out += 1;
            verdict.of_xdr += 1;
        } else if !comparison.is_about(incident) {
            verdict.left_out += 1;
        } else if !options.period.contains(incident.created) {
            verdict.outside += 1;
            comparison.taken.extend(incident.alerts.iter().map(|alert| (alert.clone(), incident.number)));
        } else {
            verdict.found += 1;
            verdict.without_first += usize::from(is_later(incident));
            verdict.differences.extend(comparison.take(incident));
        }
    }
    for incident in &expected {
        if !options.period.contains(incident.created) {
            verdict.outside += 1;
        } else {
            verdict.expected += 1;
            verdict.differences.extend(comparison.missing(incident, incidents));
        }
    }
    verdict.differences.sort_by(|a, b| (a.time, a.kind, &a.alert).cmp(&(b.time, b.kind, &b.alert)));
    verdict
}

/// Returns the first row of each alert, in the order of their times.
fn first_versions(alerts: &[Alert]) -> Vec<&Alert> {
    let mut order: Vec<&Alert> = alerts.iter().collect();
    order.sort_by_key(|alert| alert.generated);
    let mut seen = HashSet::new();
    // What has no identifier is no repeat that anybody could tell.
    order.retain(|alert| alert.id.is_empty() || seen.insert(alert.id.as_str()));
    order
}

/// Returns the first row of each incident, in the order of their times.
fn first_rows(incidents: &[Incident]) -> Vec<&Incident> {
    let mut first: BTreeMap<(i64, &str), &Incident> = BTreeMap::new();
    for incident in incidents {
        let held = first.entry((incident.number, incident.name.as_str())).or_insert(incident);
        if incident.time < held.time {
            *held = incident;
        }
    }
    let mut rows: Vec<_> = first.into_values().collect();
    rows.sort_by_key(|incident| (incident.created, incident.number));
    rows
}

fn is_of_xdr(incident: &Incident) -> bool {
    matches!(incident.provider.as_str(), "Microsoft XDR" | "Microsoft 365 Defender" | "Microsoft Defender XDR")
}

/// Tells whether the row is one that changed the incident: the first is not here.
fn is_later(incident: &Incident) -> bool {
    incident.first_modified.is_some()
}

struct Comparison<'a> {
    rules: &'a [CreationRule],
    options: &'a Options,
    /// Alerts by their id, the first version of each.
    known: HashMap<&'a str, &'a Alert>,
    /// Incidents that should be there, by their alert.
    expected: HashMap<&'a str, &'a Incident>,
    /// Alerts whose incident was found, and its number.
    taken: HashMap<String, i64>,
    /// When the last row of an incident was written.
    last: Option<i64>,
}

impl Comparison<'_> {
    /// Tells whether rules of this kind could have made the incident: it is about alerts of a connected product.
    fn is_about(&self, incident: &Incident) -> bool {
        let product = |name: &str| default_products().any(|known| known == name) || self.has_rule(name);
        let mut alerts = incident.alerts.iter().filter_map(|id| self.known.get(id.as_str()));
        incident.products.iter().any(|name| product(name)) || alerts.any(|alert| product(&alert.product))
    }

    fn has_rule(&self, product: &str) -> bool {
        self.rules.iter().any(|rule| rule.product == product)
    }

    /// Compares an incident that is there with what should be.
    fn take(&mut self, incident: &Incident) -> Option<Difference> {
        let fitting = incident.alerts.iter().find(|id| self.expected.contains_key(id.as_str()));
        let Some(id) = fitting else { return Some(self.unexpected(incident, self.why_not(incident))) };
        if let Some(other) = self.taken.get(id) {
            let reason = format!("incident {other} is about the same alert; an alert makes one incident, repeats none");
            return Some(self.unexpected(incident, reason));
        }
        let fields = if is_later(incident) { Vec::new() } else { fields(self.expected[id.as_str()], incident) };
        self.taken.extend(incident.alerts.iter().map(|id| (id.clone(), incident.number)));
        (!fields.is_empty()).then(|| Difference {
            kind: Kind::Differs,
            time: incident.created,
            title: incident.title.clone(),
            alert: id.clone(),
            incident: Some(incident.number),
            reason: match incident.time > incident.created {
                false => "the first row of the incident is not what its alert says".to_string(),
                // As a list of incidents has them: each in its present state.
                true => "the incident is not what its alert says; it was changed after it was made".to_string(),
            },
            fields,
        })
    }

    fn unexpected(&self, incident: &Incident, reason: String) -> Difference {
        Difference {
            kind: Kind::Unexpected,
            time: incident.created,
            title: incident.title.clone(),
            alert: incident.alerts.first().cloned().unwrap_or_default(),
            incident: Some(incident.number),
            reason,
            fields: Vec::new(),
        }
    }

    /// Says why no rule makes the incident.
    fn why_not(&self, incident: &Incident) -> String {
        let Some(id) = incident.alerts.first() else { return "it has no alert".to_string() };
        let Some(alert) = self.known.get(id.as_str()) else {
            return "its alert is not among the alerts: the connector dropped it, or they do not reach back so far"
                .into();
        };
        let own: Vec<_> = self.rules.iter().filter(|rule| rule.product == alert.product).collect();
        if own.is_empty() {
            return format!("no rule is about {}", alert.product);
        }
        let reasons = own.iter().filter_map(|rule| {
            let pass = rule.judge(alert, &self.options.assumptions).err()?;
            Some(rule.reason(&pass, alert))
        });
        reasons.collect::<Vec<_>>().join("; ")
    }

    /// Says that an incident is not there, unless it is.
    fn missing(&self, expected: &Incident, incidents: &[Incident]) -> Option<Difference> {
        let id = expected.alerts.first()?;
        if self.taken.contains_key(id) {
            return None;
        }
        let elsewhere = incidents.iter().find(|incident| incident.alerts.contains(id));
        let names: Vec<_> = self.rules.iter().filter(|r| expected.rules.contains(&r.id)).map(|r| &r.name[..]).collect();
        let names = names.join("', '");
        let mut reason = format!("'{names}' takes its alert, and no incident begins with it");
        if let Some(other) = elsewhere {
            let whose = if is_of_xdr(other) { " of Defender XDR" } else { "" };
            reason = format!("'{names}' takes its alert, which is in incident {}{whose}", other.number);
        } else if self.last.is_none() {
            reason.push_str("; there are no incidents here at all");
        } else if self.last.is_some_and(|last| last < expected.created) {
            reason.push_str("; the alert is younger than every incident here: outside the period?");
        }
        Some(Difference {
            kind: Kind::Missing,
            time: expected.created,
            title: expected.title.clone(),
            alert: id.clone(),
            incident: None,
            reason,
            fields: Vec::new(),
        })
    }
}

/// Returns what differs between an incident as it should be and as it is.
fn fields(expected: &Incident, found: &Incident) -> Vec<Field> {
    let sorted = |items: &[String]| {
        let mut items = items.to_vec();
        items.sort();
        items.join(", ")
    };
    let all = [
        ("title", expected.title.clone(), found.title.clone()),
        ("severity", expected.severity.clone(), found.severity.clone()),
        ("tactics", sorted(&expected.tactics), sorted(&found.tactics)),
        ("alert ids", sorted(&expected.alerts), sorted(&found.alerts)),
    ];
    let differ = all.into_iter().filter(|(_, expected, found)| expected != found);
    differ.map(|(name, expected, found)| Field { name: name.into(), expected, found }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::incident::{DEFENDER_FOR_CLOUD, default_rule};
    use super::*;

    const HOUR: i64 = crate::types::ticks::TICKS_PER_HOUR;

    fn alert(id: &str, hour: i64) -> Alert {
        Alert {
            id: id.into(),
            generated: hour * HOUR,
            name: format!("alert {id}"),
            severity: "High".into(),
            product: DEFENDER_FOR_CLOUD.into(),
            tactics: "Execution, Impact".into(),
            status: "New".into(),
            ..Alert::default()
        }
    }

    fn rule() -> CreationRule {
        let rule = default_rule(DEFENDER_FOR_CLOUD, &Assumptions::default()).unwrap();
        CreationRule { exclude: vec!["[sample]".into()], ..rule }
    }

    /// What a workspace without faults has for these alerts, numbered from 1.
    fn incidents(alerts: &[Alert]) -> Vec<Incident> {
        let mut desk = Incidents::new(Workspace::default(), Assumptions::default(), 1);
        alerts.iter().for_each(|alert| desk.of_product(alert, &[rule()]));
        desk.finish()
    }

    fn found(alerts: &[Alert], incidents: &[Incident]) -> Vec<(Kind, Option<i64>, String)> {
        let verdict = verify(alerts, incidents, &[rule()], &Options::default());
        verdict.differences.into_iter().map(|d| (d.kind, d.incident, d.alert)).collect()
    }

    #[test]
    fn a_workspace_without_faults_has_no_differences() {
        let mut alerts: Vec<_> = (1..20).map(|hour| alert(&hour.to_string(), hour)).collect();
        let mut rows = incidents(&alerts);
        // A later version of an alert, what an analyst did, and incidents that other things made.
        alerts.push(Alert { status: "Resolved".into(), severity: "Low".into(), ..alert("3", 30) });
        rows.push(Incident { severity: "Low".into(), time: 40 * HOUR, status: "Closed".into(), ..rows[2].clone() });
        rows.push(Incident { number: 90, products: vec!["Azure Sentinel".into()], ..Incident::default() });
        rows.push(Incident {
            number: 91,
            products: vec![DEFENDER_FOR_CLOUD.into()],
            provider: "Microsoft XDR".into(),
            ..Incident::default()
        });
        let verdict = verify(&alerts, &rows, &[rule()], &Options::default());
        assert_eq!(verdict.differences, []);
        assert_eq!((verdict.alerts, verdict.expected, verdict.found), (19, 19, 19));
        assert_eq!((verdict.left_out, verdict.of_xdr), (2, 1));
    }

    /// Each of ten faults is found, with its reason, and nothing else.
    #[test]
    fn ten_planted_faults_are_found_and_nothing_else() {
        let mut alerts: Vec<_> = (1..=20).map(|hour| alert(&hour.to_string(), hour)).collect();
        let mut rows = incidents(&alerts);
        let place = |rows: &[Incident], number: i64| rows.iter().position(|row| row.number == number).unwrap();
        // 1: an incident was never made. 2, 3, 4, 5: one field is wrong in each.
        rows.remove(place(&rows, 1));
        for (number, change) in [
            (2, (|row: &mut Incident| row.severity = "Low".into()) as fn(&mut Incident)),
            (3, |row| row.title = "renamed".into()),
            (4, |row| row.tactics = vec!["Execution".into()]),
            (5, |row| row.alerts.push("foreign".into())),
        ] {
            let at = place(&rows, number);
            change(&mut rows[at]);
        }
        // 6: a second incident for an alert, as a repeat would make it.
        rows.push(Incident { number: 101, created: 50 * HOUR, time: 50 * HOUR, ..rows[place(&rows, 6)].clone() });
        alerts.push(Alert { status: "Resolved".into(), ..alert("6", 50) });
        // 7: an informational alert made an incident. 8: one whose name is left out. 9: one of a product without a rule.
        let made = |number: i64, alert: &Alert| Incident {
            number,
            created: alert.generated,
            time: alert.generated,
            alerts: vec![alert.id.clone()],
            products: vec![alert.product.clone()],
            provider: "Azure Sentinel".into(),
            ..Incident::default()
        };
        let quiet = Alert { severity: "Informational".into(), ..alert("quiet", 60) };
        let sample = Alert { name: "[SAMPLE] alert".into(), ..alert("sample", 61) };
        let other = Alert { product: "Microsoft Cloud App Security".into(), ..alert("other", 62) };
        rows.extend([made(102, &quiet), made(103, &sample), made(104, &other)]);
        alerts.extend([quiet, sample, other]);
        // 10: the connector dropped an alert whose incident is there.
        alerts.retain(|alert| alert.id != "10");
        let verdict = verify(&alerts, &rows, &[rule()], &Options::default());
        let seen: Vec<_> = verdict
            .differences
            .iter()
            .map(|d| (d.kind, d.alert.as_str(), d.fields.first().map(|f| f.name.as_ref())))
            .collect();
        assert_eq!(
            seen,
            [
                (Kind::Missing, "1", None),
                (Kind::Differs, "2", Some("severity")),
                (Kind::Differs, "3", Some("title")),
                (Kind::Differs, "4", Some("tactics")),
                (Kind::Differs, "5", Some("alert ids")),
                (Kind::Unexpected, "10", None),
                (Kind::Unexpected, "6", None),
                (Kind::Unexpected, "quiet", None),
                (Kind::Unexpected, "sample", None),
                (Kind::Unexpected, "other", None),
            ]
        );
        for (place, part) in [
            (0, "no incident begins with it"),
            (5, "not among the alerts"),
            (6, "incident 6 is about the same alert"),
            (7, "the alert is Informational"),
            (8, "leaves out names with '[sample]'"),
            (9, "no rule is about Microsoft Cloud App Security"),
        ] {
            let reason = &verdict.differences[place].reason;
            assert!(reason.contains(part), "'{part}' is not in '{reason}'");
        }
    }

    #[test]
    fn what_is_outside_the_period_is_counted_and_not_compared() {
        let alerts: Vec<_> = (1..=4).map(|hour| alert(&hour.to_string(), hour)).collect();
        let rows = incidents(&alerts[..2]);
        assert_eq!(found(&alerts, &rows).len(), 2);
        let options = Options { period: Period { from: None, to: Some(2 * HOUR) }, ..Options::default() };
        let verdict = verify(&alerts, &rows, &[rule()], &options);
        assert_eq!((verdict.differences.len(), verdict.outside), (0, 2));
        let late = Options { period: Period { from: Some(2 * HOUR), to: None }, ..Options::default() };
        let verdict = verify(&alerts, &rows, &[rule()], &late);
        assert_eq!((verdict.found, verdict.differences.len()), (1, 2));
        assert!(verdict.differences[0].reason.contains("outside the period"));
    }

    #[test]
    fn alerts_of_the_period_are_counted_and_those_without_an_id_are_no_repeats() {
        let alerts = [alert("", 1), alert("", 2), alert("a", 3), alert("a", 4)];
        let options = Options { period: Period { from: Some(2 * HOUR), to: None }, ..Options::default() };
        let verdict = verify(&alerts, &[], &[rule()], &options);
        assert_eq!((verdict.alerts, verdict.expected), (2, 2));
    }

    #[test]
    fn an_incident_without_its_first_row_is_not_compared_field_by_field() {
        let alerts = [alert("a", 1)];
        let made = incidents(&alerts).remove(0);
        let changed =
            Incident { severity: "Low".into(), time: 2 * HOUR, first_modified: Some(2 * HOUR), ..made.clone() };
        let verdict = verify(&alerts, std::slice::from_ref(&changed), &[rule()], &Options::default());
        assert_eq!((verdict.differences.len(), verdict.found, verdict.without_first), (0, 1, 1));
        // A list of incidents does not say when each was changed first: what it says is told as what it is.
        let listed = Incident { first_modified: None, ..changed };
        let verdict = verify(&alerts, &[listed], &[rule()], &Options::default());
        assert!(verdict.differences[0].reason.contains("changed after it was made"));
    }

    #[test]
    fn an_alert_in_another_incident_is_named_with_it() {
        let alerts = [alert("a", 1)];
        let xdr =
            Incident { number: 7, alerts: vec!["a".into()], provider: "Microsoft XDR".into(), ..Incident::default() };
        let verdict = verify(&alerts, &[xdr], &[rule()], &Options::default());
        assert!(verdict.differences[0].reason.contains("incident 7 of Defender XDR"));
    }
}
