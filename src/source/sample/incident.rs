//! The sample's incidents: what the default rule and the analytics rules make of its alerts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use rand::Rng;
use serde_json::json;

use crate::types::ticks;

use super::alert::{Alert, DOMAIN, default_rule, first_row, guid};
use super::detections::DEFENDER_FOR_CLOUD;
use super::{Made, Options, Rows, chance};

const CONTENT: u64 = 3;
/// One analytics rule in two adds alerts to an incident that is not older than this.
const GROUPING: i64 = 5 * ticks::TICKS_PER_HOUR;

/// The versions of all incidents in the order of their times.
pub(super) struct Versions {
    options: Options,
    next_row: u64,
    numbers: i64,
    /// Versions that lie ahead, the earliest on top: time, a number to keep the order, and which.
    ahead: BinaryHeap<Reverse<(i64, u64, usize)>>,
    waiting: HashMap<usize, Version>,
    made: usize,
    ready: VecDeque<Version>,
    /// For each rule that groups: the rows of the alerts of its present incident, its number and when it began.
    open: HashMap<String, (Vec<u64>, i64, i64)>,
}

/// One version of an incident.
#[derive(Clone)]
pub(super) struct Version {
    options: Options,
    number: i64,
    /// The rows that begin its alerts.
    alerts: Vec<u64>,
    time: i64,
    created: i64,
    status: &'static str,
    modified_by: &'static str,
}

impl Versions {
    pub(super) fn new(options: Options) -> Versions {
        Versions {
            options,
            next_row: 0,
            numbers: 1000,
            ahead: BinaryHeap::new(),
            waiting: HashMap::new(),
            made: 0,
            ready: VecDeque::new(),
            open: HashMap::new(),
        }
    }

    /// Returns the next version; those at or behind the end of the sample did not happen.
    pub(super) fn next(&mut self) -> Option<Version> {
        loop {
            if let Some(version) = self.ready.pop_front() {
                return Some(version);
            }
            let reached = match self.next_row < self.options.rows {
                true => {
                    let row = self.next_row;
                    self.next_row += 1;
                    self.take_alert(row)
                }
                false if self.ahead.is_empty() => return None,
                false => self.options.end,
            };
            while let Some(Reverse((time, _, which))) = self.ahead.peek().copied() {
                if time >= reached {
                    break;
                }
                self.ahead.pop();
                self.ready.extend(self.waiting.remove(&which));
            }
            if self.next_row >= self.options.rows && reached == self.options.end {
                self.ahead.clear();
            }
        }
    }

    /// Plans what follows from a row of SecurityAlert; returns its time, before which nothing new can come.
    fn take_alert(&mut self, row: u64) -> i64 {
        let alert = Alert::of_row(&self.options, row);
        let of_defender = alert.product.name == DEFENDER_FOR_CLOUD && alert.detection.severity != "Informational";
        if first_row(&self.options, row) != row || !(of_defender || alert.is_of_rule()) {
            return alert.generated;
        }
        let mut dice = chance(&self.options, row, CONTENT);
        let time = alert.generated + dice.random_range(1..20) * ticks::TICKS_PER_SECOND;
        let groups = alert.is_of_rule() && alert.rule.as_bytes().first().is_some_and(|byte| byte % 2 == 0);
        if groups
            && let Some((alerts, number, began)) = self.open.get_mut(&alert.rule)
            && time - *began < GROUPING
        {
            alerts.push(row);
            let (alerts, number, created) = (alerts.clone(), *number, *began);
            self.plan(number, alerts, time, created, "New", "Alert added to incident");
            return alert.generated;
        }
        self.numbers += 1;
        let number = self.numbers;
        if groups {
            self.open.insert(alert.rule.clone(), (vec![row], number, time));
        }
        self.plan(number, vec![row], time, time, "New", "Incident created from alert");
        if !groups && dice.random_bool(0.5) {
            let taken = time + dice.random_range(5..600) * ticks::TICKS_PER_MINUTE;
            self.plan(number, vec![row], taken, time, "Active", "analyst@harbor.example");
            if dice.random_bool(0.8) {
                let closed = taken + dice.random_range(10..2000) * ticks::TICKS_PER_MINUTE;
                self.plan(number, vec![row], closed, time, "Closed", "analyst@harbor.example");
            }
        }
        alert.generated
    }

    fn plan(
        &mut self,
        number: i64,
        alerts: Vec<u64>,
        time: i64,
        created: i64,
        status: &'static str,
        modified_by: &'static str,
    ) {
        let version = Version { options: self.options, number, alerts, time, created, status, modified_by };
        self.ahead.push(Reverse((time, self.made as u64, self.made)));
        self.waiting.insert(self.made, version);
        self.made += 1;
    }
}

impl Version {
    pub(super) fn append(&self, rows: &mut Rows) {
        let alerts: Vec<Alert> = self.alerts.iter().map(|row| Alert::first(&self.options, *row)).collect();
        let Some(first) = alerts.first() else { return };
        let mut dice = chance(&self.options, self.alerts[0], CONTENT + 1);
        let (name, classified) = (guid(&mut dice), dice.random_range(0..4));
        let rule = if first.is_of_rule() { first.rule.clone() } else { default_rule(&self.options) };
        let ids: Vec<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
        let url = format!("https://alerts.harbor.example/subscriptions/{}/incidents/{name}", first.subscription);
        let tactics: Vec<&str> = first.detection.tactics.split(',').filter(|tactic| *tactic != "Unknown").collect();
        let owner = (self.status != "New").then(|| format!("analyst@{DOMAIN}"));
        let classification = ["TruePositive", "BenignPositive", "FalsePositive", "Undetermined"][classified];
        let reason = ["SuspiciousActivity", "SuspiciousButExpected", "InaccurateData", ""][classified];
        let is_closed = self.status == "Closed";
        rows.add(|column| match column {
            "TenantId" => first.tenant().into(),
            "TimeGenerated" | "LastModifiedTime" => Made::Moment(self.time),
            "IncidentName" => name.as_str().into(),
            "Title" => first.detection.name.into(),
            "Description" => first.detection.description.into(),
            "Severity" => first.detection.severity.into(),
            "Status" => self.status.into(),
            "Classification" if is_closed => classification.into(),
            "ClassificationComment" if is_closed => "looked into".into(),
            "ClassificationReason" if is_closed => reason.into(),
            "Owner" => json!({"objectId": null, "email": owner, 
                "assignedTo": owner.as_ref().map(|_| "Analyst"), "userPrincipalName": owner})
            .into(),
            "ProviderName" => "Azure Sentinel".into(),
            "ProviderIncidentId" => self.number.to_string().into(),
            "FirstActivityTime" => alerts.iter().map(|alert| alert.start).min().map_or(Made::Nothing, Made::Moment),
            "LastActivityTime" => alerts.iter().map(|alert| alert.end).max().map_or(Made::Nothing, Made::Moment),
            "FirstModifiedTime" if self.time != self.created => Made::Moment(self.time),
            "CreatedTime" => Made::Moment(self.created),
            "ClosedTime" if is_closed => Made::Moment(self.time),
            "IncidentNumber" => Made::Number(self.number),
            "RelatedAnalyticRuleIds" => json!([rule]).into(),
            "AlertIds" => json!(ids).into(),
            "BookmarkIds" | "Comments" | "Tasks" | "Labels" => "[]".into(),
            "IncidentUrl" => url.as_str().into(),
            "AdditionalData" => json!({"alertsCount": ids.len(), "bookmarksCount": 0, "commentsCount": 0,
                "alertProductNames": [first.product.name], "tactics": tactics,
                "techniques": first.detection.techniques})
            .into(),
            "ModifiedBy" => self.modified_by.into(),
            "SourceSystem" => "Azure".into(),
            "Type" => "SecurityIncident".into(),
            _ => Made::Nothing,
        });
    }
}
