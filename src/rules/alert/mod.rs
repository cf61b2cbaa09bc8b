//! Alerts: the rows of SecurityAlert that Sentinel writes for what a run of a rule found.

mod details;
mod entities;
mod properties;
mod results;

#[cfg(test)]
pub use results::results;
pub use results::{Results, json_of};

use serde_json::json;

use crate::rules::model::{Detection, EventGrouping, Kind, Rule};
use crate::rules::row::{Alert, derived_guid};
use crate::rules::{Assumptions, Workspace};

/// Alerts of one run where each row makes one (documented): the last stands for all rows.
const MOST_SCHEDULED: usize = 150;
const MOST_NEAR_REAL_TIME: usize = 30;

/// One run of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What the query took for `now()`, in ticks.
    pub now: i64,
    /// The first moment of the records that the query saw, in ticks.
    pub from: i64,
    /// When the alerts were written, in ticks.
    pub written: i64,
}

/// Makes the alerts of a run whose rows reached the rule's threshold.
pub fn alerts(rule: &Rule, run: Run, results: &Results, workspace: &Workspace, assumptions: Assumptions) -> Vec<Alert> {
    let Some(detection) = rule.detection() else { return Vec::new() };
    let maker = Maker { rule, detection, run, workspace, assumptions, count: results.count() };
    if detection.grouping_of_events() == EventGrouping::SingleAlert {
        return vec![maker.alert(0, results, None)];
    }
    let most = if rule.kind() == Kind::NearRealTime { MOST_NEAR_REAL_TIME } else { MOST_SCHEDULED };
    let single = if maker.count > most { most - 1 } else { maker.count };
    let mut alerts: Vec<_> = (0..single)
        .map(|place| {
            let row = results.row(place);
            maker.alert(place, &row, Some(&row))
        })
        .collect();
    if single < maker.count {
        alerts.push(maker.alert(single, results, None));
    }
    alerts
}

/// Returns the rule's GUID; one that follows from its title where it has none.
pub fn rule_id(rule: &Rule) -> String {
    rule.id.as_ref().map_or_else(|| derived_guid(&format!("rule\n{}", rule.title())), |id| id.value.clone())
}

struct Maker<'a> {
    rule: &'a Rule,
    detection: &'a Detection,
    run: Run,
    workspace: &'a Workspace,
    assumptions: Assumptions,
    /// Rows of the run.
    count: usize,
}

impl Maker<'_> {
    /// Makes the alert of some rows; `event` is the row that it stands for alone.
    fn alert(&self, ordinal: usize, rows: &Results, event: Option<&Results>) -> Alert {
        let Maker { rule, detection, run, workspace, .. } = *self;
        let id = rule_id(rule);
        let guid = |what: &str| derived_guid(&format!("{what}\n{}\n{id}\n{}\n{ordinal}", workspace.id, run.now));
        // A result without times stands for all that the query looked at (observed of a rule that fires on no rows).
        let (start, end) = rows.time_range().unwrap_or((run.from, run.now));
        let near_real_time = rule.kind() == Kind::NearRealTime;
        let (techniques, sub_techniques) = techniques(detection);
        let tactics: Vec<_> = detection.tactics.iter().map(|tactic| tactic.value.as_str()).collect();
        let mut alert = Alert {
            tenant: workspace.id.clone(),
            generated: run.written,
            name: rule.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
            severity: detection.severity.map_or("Medium", |severity| severity.value.word()).to_string(),
            description: rule.description.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
            provider: if near_real_time { "ASI NRT Alerts" } else { "ASI Scheduled Alerts" }.to_string(),
            vendor: "Microsoft".to_string(),
            vendor_id: guid("vendor"),
            id: guid("alert"),
            alert_type: format!("{}_{id}", workspace.id),
            start: Some(start),
            end: Some(end),
            processed: Some(run.written),
            entities: entities::entities(detection, rows, self.assumptions),
            source_system: "Detection".to_string(),
            subscription: workspace.subscription().to_string(),
            resource_group: workspace.resource_group().to_string(),
            product: "Azure Sentinel".to_string(),
            component: if near_real_time { "NRT Alerts" } else { "Scheduled Alerts" }.to_string(),
            status: "New".to_string(),
            tactics: if tactics.is_empty() { "Unknown".to_string() } else { tactics.join(", ") },
            techniques,
            sub_techniques,
            ..Alert::default()
        };
        details::override_details(&mut alert, detection, rows);
        let custom = details::custom_details(detection, rows);
        alert.extended_properties = properties::properties(self, &id, guid("correlation"), event, custom);
        alert
    }
}

/// Returns techniques and those below them, as JSON texts; empty where there are none.
fn techniques(detection: &Detection) -> (String, String) {
    let all = detection.techniques.iter().chain(&detection.sub_techniques).map(|technique| technique.value.as_str());
    let (mut whole, mut below): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for id in all {
        let technique = id.split('.').next().unwrap_or(id);
        if !whole.contains(&technique) {
            whole.push(technique);
        }
        if technique != id && !below.contains(&id) {
            below.push(id);
        }
    }
    let text = |ids: Vec<&str>| if ids.is_empty() { String::new() } else { json!(ids).to_string() };
    (text(whole), text(below))
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::rules::form::testing::yaml_rule;
    use crate::types::{ScalarType, Value};

    /// Makes the alerts of rows that have one minute and one address each; `text` is in every row.
    fn made(kind: &str, rows: i64, text: &str) -> Vec<Alert> {
        let rule = yaml_rule(&format!(
            "name: n\nkind: {kind}\nquery: T\neventGroupingSettings: {{aggregationKind: AlertPerResult}}\nentityMappings:\n  \
             - entityType: IP\n    fieldMappings: [{{identifier: Address, columnName: Address}}]\n"
        ));
        let row = |n: i64| {
            vec![
                Value::DateTime(n),
                Value::String(format!("192.0.2.{n}")),
                Value::String(text.to_string()),
                Value::Long(n),
            ]
        };
        let columns = [
            ("TimeGenerated", ScalarType::DateTime),
            ("Address", ScalarType::String),
            ("Text", ScalarType::String),
            ("Number", ScalarType::Long),
        ];
        let results = results(&columns, &(1..=rows).map(row).collect::<Vec<_>>());
        let run = Run { now: 1000, from: 0, written: 2000 };
        alerts(&rule, run, &results, &Workspace::default(), Assumptions::default())
    }

    fn properties(alert: &Alert) -> Json {
        serde_json::from_str(&alert.extended_properties).unwrap()
    }

    #[test]
    fn the_last_alert_stands_for_all_rows_where_they_are_too_many() {
        for (kind, most) in [("Scheduled", 150), ("NRT", 30)] {
            let all = made(kind, most, "x");
            assert_eq!((all.len(), all.last().unwrap().start), (most as usize, Some(most)), "{kind}");
            assert!(properties(all.last().unwrap())["OriginalQuery"] == "T");
            let all = made(kind, most + 1, "x");
            let (last, before) = all.split_last().unwrap();
            assert_eq!(before.len(), most as usize - 1, "{kind}");
            assert!(before.iter().all(|alert| alert.start == alert.end));
            assert_eq!((last.start, last.end), (Some(1), Some(most + 1)), "{kind}");
            assert_eq!(last.entities.matches("\"ip\"").count(), most as usize + 1, "{kind}");
            assert_eq!(properties(last)["OriginalQuery"], Json::Null);
            assert!(properties(last)["Query"].as_str().unwrap().ends_with(";\nT"));
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_not_in_the_query() {
        // Hardly to be compressed: digits that follow no rule to speak of.
        let long: String =
            (0_u64..4000).map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 7).to_string()).collect();
        let bag = properties(&made("Scheduled", 1, &long)[0]);
        assert!(bag["OriginalQuery"].is_null() && bag["Query"].as_str().unwrap().ends_with(";\nT"));
    }

    #[test]
    fn all_properties_are_texts() {
        let bag = properties(&made("Scheduled", 2, "x")[0]);
        let all = bag.as_object().unwrap();
        assert!(all.len() > 10 && all.values().all(Json::is_string), "{bag}");
    }
}
