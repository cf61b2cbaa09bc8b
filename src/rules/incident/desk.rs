//! Takes alerts in the order of their times, and writes the rows of SecurityIncident.

use std::collections::{HashMap, HashSet};

use super::creation::CreationRule;
use super::grouping::Key;
use crate::rules::assume::Assumptions;
use crate::rules::model::{Grouping, IncidentConfiguration};
use crate::rules::row::{Alert, Incident, derived_guid};
use crate::rules::workspace::Workspace;

/// Alerts of one incident (documented); what comes after makes another one.
pub const MOST_ALERTS: usize = 150;

/// What the row of a new incident says of who wrote it (observed).
const CREATED: &str = "Incident created from alert";
/// What the row says that a further alert wrote.
const ADDED: &str = "Alert added to incident";

/// Words of severity from low to high.
const SEVERITIES: [&str; 4] = ["Informational", "Low", "Medium", "High"];

/// The incidents of a workspace while alerts come in.
#[derive(Debug)]
pub struct Incidents {
    workspace: Workspace,
    assumptions: Assumptions,
    /// The number of the next incident.
    next: i64,
    /// Alerts that have been seen.
    seen: HashSet<String>,
    held: Vec<Held>,
    /// The incidents of each rule that groups.
    of_rule: HashMap<String, Vec<usize>>,
    rows: Vec<Incident>,
}

/// An incident as it is now.
#[derive(Debug)]
struct Held {
    /// The row that was written last.
    row: usize,
    /// When its first alert came.
    began: i64,
    key: Option<Key>,
}

impl Incidents {
    /// Begins with no incident; the first gets this number.
    pub fn new(workspace: Workspace, assumptions: Assumptions, first_number: i64) -> Incidents {
        Incidents {
            workspace,
            assumptions,
            next: first_number,
            seen: HashSet::new(),
            held: Vec::new(),
            of_rule: HashMap::new(),
            rows: Vec::new(),
        }
    }

    /// Takes an alert of a connected product; rules that take it make an incident, unless the alert was seen before.
    pub fn of_product(&mut self, alert: &Alert, rules: &[CreationRule]) {
        // What has no identifier is no repeat that anybody could tell.
        let repeat = !alert.id.is_empty() && !self.seen.insert(alert.id.clone());
        if self.workspace.leaves_incidents_to_xdr() || repeat {
            return;
        }
        let takes = |rule: &&CreationRule| rule.judge(alert, &self.assumptions).is_ok();
        let ids: Vec<String> = rules.iter().filter(takes).map(|rule| rule.id.clone()).collect();
        if !ids.is_empty() {
            self.create(alert, ids, None);
        }
    }

    /// Takes note of an alert that came before: what follows of it is a repeat.
    pub fn seen(&mut self, alert: &Alert) {
        self.seen.insert(alert.id.clone());
    }

    /// Takes an alert that a scheduled rule raised; tells whether it made a new incident.
    pub fn of_rule(&mut self, alert: &Alert, rule: &str, configuration: &IncidentConfiguration) -> bool {
        if !configuration.creates() {
            return false;
        }
        let Some(grouping) = configuration.active_grouping() else {
            self.create(alert, vec![rule.to_string()], None);
            return true;
        };
        let key = Key::of(alert, grouping, &self.assumptions);
        match self.fitting(alert, rule, grouping, key.as_ref()) {
            Some(place) => {
                self.add(place, alert);
                false
            }
            None => {
                let place = self.create(alert, vec![rule.to_string()], key);
                self.of_rule.entry(rule.to_string()).or_default().push(place);
                true
            }
        }
    }

    /// Closes the incidents that are open and have this title; returns how many there are.
    pub fn close(&mut self, title: &str, time: i64, by: &str) -> usize {
        let is_open = |held: &Held| {
            self.rows.get(held.row).is_some_and(|latest| latest.title == title && latest.status != "Closed")
        };
        let open: Vec<usize> =
            self.held.iter().enumerate().filter(|(_, held)| is_open(held)).map(|(place, _)| place).collect();
        for place in &open {
            self.write(*place, time, by, |latest| {
                latest.status = "Closed".to_string();
                latest.closed = Some(time);
            });
        }
        open.len()
    }

    /// Writes a further row of an incident.
    fn write(&mut self, place: usize, time: i64, by: &str, change: impl FnOnce(&mut Incident)) {
        let Some(held) = self.held.get_mut(place) else { return };
        let Some(mut latest) = self.rows.get(held.row).cloned() else { return };
        latest.first_modified = latest.first_modified.or(Some(time));
        (latest.time, latest.modified_by) = (time, by.to_string());
        change(&mut latest);
        held.row = self.rows.len();
        self.rows.push(latest);
    }

    /// Returns the rows so far, in the order in which they were written.
    pub fn rows(&self) -> &[Incident] {
        &self.rows
    }

    /// Ends, with all rows.
    pub fn finish(self) -> Vec<Incident> {
        self.rows
    }

    /// Finds the youngest incident of the rule that takes the alert.
    fn fitting(&self, alert: &Alert, rule: &str, grouping: &Grouping, key: Option<&Key>) -> Option<usize> {
        let key = key?;
        let reopens = grouping.reopens() && !self.workspace.in_defender_portal;
        let takes_more =
            |latest: &Incident| latest.alerts.len() < MOST_ALERTS && (reopens || latest.status != "Closed");
        let fits = |held: &Held| held.key.as_ref() == Some(key) && self.rows.get(held.row).is_some_and(takes_more);
        // They stand in the order in which they began: what lies before one that is too old is older.
        let oldest = alert.generated.saturating_sub(grouping.lookback().ticks());
        let young = self.of_rule.get(rule)?.iter().rev().copied().take_while(|place| self.held[*place].began >= oldest);
        young.into_iter().find(|place| fits(&self.held[*place]))
    }

    fn create(&mut self, alert: &Alert, rules: Vec<String>, key: Option<Key>) -> usize {
        let number = self.next;
        self.next += 1;
        let tenant = if alert.tenant.is_empty() { &self.workspace.id } else { &alert.tenant };
        let name = derived_guid(&format!("incident\n{tenant}\n{number}\n{}", alert.id));
        let incident = Incident {
            tenant: tenant.clone(),
            time: alert.generated,
            title: alert.name.clone(),
            description: alert.description.clone(),
            severity: alert.severity.clone(),
            status: "New".to_string(),
            provider: "Azure Sentinel".to_string(),
            first_activity: alert.start,
            last_activity: alert.end,
            first_modified: None,
            created: alert.generated,
            closed: None,
            number,
            rules,
            alerts: vec![alert.id.clone()],
            url: self.workspace.incident_url(&name),
            name,
            products: vec![alert.product.clone()],
            tactics: alert.tactic_names(),
            techniques: alert.technique_ids(),
            modified_by: CREATED.to_string(),
        };
        self.held.push(Held { row: self.rows.len(), began: alert.generated, key });
        self.rows.push(incident);
        self.held.len() - 1
    }

    fn add(&mut self, place: usize, alert: &Alert) {
        let Assumptions { first_severity_stays, reopened_is_new, .. } = self.assumptions;
        self.write(place, alert.generated, ADDED, |latest| {
            latest.alerts.push(alert.id.clone());
            latest.first_activity = [latest.first_activity, alert.start].into_iter().flatten().min();
            latest.last_activity = [latest.last_activity, alert.end].into_iter().flatten().max();
            merge(&mut latest.tactics, alert.tactic_names());
            merge(&mut latest.techniques, alert.technique_ids());
            merge(&mut latest.products, vec![alert.product.clone()]);
            if !first_severity_stays && rank(&alert.severity) > rank(&latest.severity) {
                latest.severity.clone_from(&alert.severity);
            }
            if latest.status == "Closed" {
                latest.status = if reopened_is_new { "New" } else { "Active" }.to_string();
                latest.closed = None;
            }
        });
    }
}

fn rank(severity: &str) -> Option<usize> {
    SEVERITIES.iter().position(|known| *known == severity)
}

/// Adds what is not there yet.
fn merge(all: &mut Vec<String>, more: Vec<String>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DEFENDER_FOR_CLOUD, default_rule};
    use super::*;
    use crate::types::ticks::TICKS_PER_HOUR;

    fn alert(id: &str, generated: i64, entities: &str) -> Alert {
        Alert {
            id: id.into(),
            generated,
            name: "n".into(),
            severity: "Low".into(),
            product: DEFENDER_FOR_CLOUD.into(),
            entities: entities.into(),
            ..Alert::default()
        }
    }

    fn desk() -> Incidents {
        Incidents::new(Workspace::default(), Assumptions::default(), 1)
    }

    fn configuration(text: &str) -> IncidentConfiguration {
        let text = format!("name: r\nkind: Scheduled\nquery: T\nincidentConfiguration: {{{text}}}\n");
        let reading = crate::rules::form::read("r.yaml".as_ref(), &text).unwrap().unwrap();
        assert_eq!(reading.problems, []);
        reading.rules[0].detection().unwrap().incident.clone()
    }

    fn grouped(matching: &str, reopen: bool) -> IncidentConfiguration {
        configuration(&format!(
            "groupingConfiguration: {{enabled: true, lookbackDuration: 5h, reopenClosedIncident: {reopen}, \
             matchingMethod: {matching}}}"
        ))
    }

    fn ip(address: &str) -> String {
        format!("[{{\"Type\":\"ip\",\"Address\":\"{address}\"}}]")
    }

    /// The alerts of each incident at the end.
    fn alerts(desk: Incidents) -> Vec<Vec<String>> {
        let last: std::collections::BTreeMap<_, _> =
            desk.finish().into_iter().map(|row| (row.number, row.alerts)).collect();
        last.into_values().collect()
    }

    #[test]
    fn several_rules_make_one_incident_and_repeats_none() {
        let rule = default_rule(DEFENDER_FOR_CLOUD, &Assumptions::default()).unwrap();
        let mine = CreationRule { id: "mine".into(), ..rule.clone() };
        let mut desk = desk();
        for time in [1, 2] {
            desk.of_product(&alert("a", time, ""), &[rule.clone(), mine.clone()]);
        }
        let rows = desk.finish();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].rules, [rule.id, mine.id]);
        assert_eq!((rows[0].time, rows[0].created, rows[0].first_modified), (1, 1, None));
    }

    #[test]
    fn without_grouping_each_alert_is_an_incident() {
        let mut desk = desk();
        for id in ["a", "b"] {
            desk.of_rule(&alert(id, 1, ""), "r", &IncidentConfiguration::default());
        }
        desk.of_rule(&alert("c", 1, ""), "r", &configuration("createIncident: false"));
        assert_eq!(alerts(desk), [["a"], ["b"]]);
    }

    #[test]
    fn entities_must_all_match() {
        let settings = grouped("AllEntities", false);
        let mut desk = desk();
        let both = r#"[{"Type":"ip","Address":"1"},{"Type":"ip","Address":"2"}]"#;
        for (id, entities) in [("a", ip("1")), ("b", ip("2")), ("c", ip("1")), ("d", both.into()), ("e", "".into())] {
            desk.of_rule(&alert(id, 1, &entities), "r", &settings);
        }
        desk.of_rule(&alert("f", 1, ""), "r", &settings);
        desk.of_rule(&alert("g", 1, &ip("1")), "another rule", &settings);
        assert_eq!(alerts(desk), [vec!["a", "c"], vec!["b"], vec!["d"], vec!["e"], vec!["f"], vec!["g"]]);
    }

    #[test]
    fn the_look_back_counts_from_the_first_alert() {
        let settings = grouped("AnyAlert", false);
        let mut desk = desk();
        for (id, hour) in [("a", 0), ("b", 4), ("c", 5), ("d", 6)] {
            desk.of_rule(&alert(id, hour * TICKS_PER_HOUR, ""), "r", &settings);
        }
        assert_eq!(alerts(desk), [vec!["a", "b", "c"], vec!["d"]]);
    }

    #[test]
    fn an_incident_takes_150_alerts() {
        let mut desk = desk();
        for id in 0..=MOST_ALERTS {
            desk.of_rule(&alert(&id.to_string(), 1, ""), "r", &grouped("AnyAlert", false));
        }
        let sizes: Vec<_> = alerts(desk).iter().map(Vec::len).collect();
        assert_eq!(sizes, [MOST_ALERTS, 1]);
    }

    #[test]
    fn closed_incidents_are_opened_again_where_the_rule_says_so() {
        for (reopen, expected) in [(false, 2), (true, 1)] {
            let settings = grouped("AnyAlert", reopen);
            let mut desk = desk();
            desk.of_rule(&alert("a", 1, ""), "r", &settings);
            assert_eq!(desk.close("n", 2, "analyst"), 1);
            assert_eq!(desk.close("n", 2, "analyst"), 0);
            desk.of_rule(&alert("b", 3, ""), "r", &settings);
            let last = desk.rows().last().unwrap().clone();
            assert_eq!((last.closed, last.status.as_str()), (None, if reopen { "Active" } else { "New" }));
            assert_eq!(alerts(desk).len(), expected);
        }
    }

    #[test]
    fn selected_grouping_looks_at_what_was_selected() {
        let selected = "Selected, groupByEntities: [IP], groupByAlertDetails: [Severity], groupByCustomDetails: [Team]";
        let details = |team: &str| {
            let inner = serde_json::json!({"Team": [team], "Other": [team, "x"]}).to_string();
            serde_json::json!({ "Custom Details": inner }).to_string()
        };
        let mut desk = desk();
        let base = alert("a", 1, r#"[{"Type":"ip","Address":"1"},{"Type":"url","Url":"u"}]"#);
        let first = Alert { extended_properties: details("red"), ..base };
        let same = Alert { id: "b".into(), entities: ip("1"), name: "other".into(), ..first.clone() };
        let severe = Alert { id: "c".into(), severity: "High".into(), ..first.clone() };
        let other = Alert { id: "d".into(), extended_properties: details("blue"), ..first.clone() };
        for alert in [first, same, severe, other] {
            desk.of_rule(&alert, "r", &grouped(selected, false));
        }
        assert_eq!(alerts(desk), [vec!["a", "b"], vec!["c"], vec!["d"]]);
    }

    #[test]
    fn a_grouped_incident_is_as_severe_as_its_worst_alert() {
        let settings = grouped("AnyAlert", false);
        let mut desk = desk();
        desk.of_rule(&alert("a", 1, ""), "r", &settings);
        desk.of_rule(&Alert { severity: "High".into(), tactics: "Impact".into(), ..alert("b", 2, "") }, "r", &settings);
        let last = desk.finish().pop().unwrap();
        assert_eq!((last.severity.as_str(), last.tactics), ("High", vec!["Impact".to_string()]));
        assert_eq!((last.time, last.created, last.first_modified), (2, 1, Some(2)));
    }
}
