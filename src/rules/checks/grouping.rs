use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::document::{Node, Value};
use crate::rules::model::{Detection, Duration, Grouping, MatchingMethod};

pub(super) const UNMAPPED: Check = Check {
    code: "AQ536",
    name: "grouping-by-unmapped",
    why: "Alerts are grouped by what they carry: an entity or a custom detail that the rule does not map is never there.",
    bad: "incidentConfiguration:\n  createIncident: true\n  groupingConfiguration:\n    enabled: true\n    reopenClosedIncident: \
          false\n    lookbackDuration: 5h\n    matchingMethod: Selected\n    groupByEntities: [Host]",
    good: "incidentConfiguration:\n  createIncident: true\n  groupingConfiguration:\n    enabled: true\n    reopenClosedIncident: \
           false\n    lookbackDuration: 5h\n    matchingMethod: Selected\n    groupByEntities: [Host]\nentityMappings:\n  - entityType: \
           Host\n    fieldMappings:\n      - identifier: FullName\n        columnName: CompromisedEntity",
    find: unmapped,
};

pub(super) const EVENTS: Check = Check {
    code: "AQ550",
    name: "event-grouping",
    why: "Azure-Sentinel refuses eventGroupingSettings that do not say how events are grouped.",
    bad: "eventGroupingSettings: {}",
    good: "eventGroupingSettings:\n  aggregationKind: AlertPerResult",
    find: events,
};

fn events(subject: &Subject) -> Vec<Diagnostic> {
    let settings = subject.rule.document.get("eventGroupingSettings");
    let settings = settings.filter(|settings| matches!(settings.value, Value::Map(_)));
    let wrong =
        settings.filter(|settings| !settings.entries().iter().any(|entry| entry.key.value == "aggregationKind"));
    let problem = |settings: &Node| {
        Diagnostic::error(EVENTS.code, settings.span, "the settings do not say how events are grouped")
            .help("say aggregationKind: SingleAlert, or AlertPerResult")
    };
    wrong.map(problem).into_iter().collect()
}

pub(super) const SETTINGS: Check = Check {
    code: "AQ537",
    name: "grouping-settings",
    why: "Sentinel groups alerts over 5 minutes to 7 days; where what to group by is selected, something must be.",
    bad: "incidentConfiguration:\n  createIncident: true\n  groupingConfiguration:\n    enabled: true\n    lookbackDuration: 14d\n    \
          matchingMethod: Selected",
    good: "incidentConfiguration:\n  createIncident: true\n  groupingConfiguration:\n    enabled: true\n    lookbackDuration: 7d\n    \
           matchingMethod: Selected\n    groupByAlertDetails: [DisplayName]",
    find: settings,
};

fn grouped<'a>(subject: &Subject<'a>) -> Option<(&'a Detection, &'a Grouping)> {
    let detection = subject.rule.detection()?;
    Some((detection, detection.incident.active_grouping()?))
}

fn unmapped(subject: &Subject) -> Vec<Diagnostic> {
    let Some((detection, grouping)) = grouped(subject) else { return Vec::new() };
    let mut problems = Vec::new();
    let is_mapped =
        |entity| detection.entity_mappings.iter().any(|m| m.entity.is_some_and(|known| known.value == entity));
    // What only a deployment tells may map anything.
    let open =
        subject.rule.document.get("entityMappings").is_some_and(|node| matches!(node.value, Value::Expression(_)));
    let ready = open || !detection.sentinel_entities.is_empty();
    match grouping.matching() {
        MatchingMethod::AnyAlert => {}
        MatchingMethod::AllEntities if detection.entity_mappings.is_empty() && !ready => {
            let place = grouping.matching.map_or(grouping.span, |matching| matching.span);
            let problem =
                Diagnostic::warning(UNMAPPED.code, place, "alerts are grouped by entities, and the rule maps none");
            problems.push(problem.help("add entityMappings, or group with matchingMethod AnyAlert"));
        }
        MatchingMethod::AllEntities => {}
        MatchingMethod::Selected => {
            for entity in grouping.by_entities.iter().filter(|entity| !is_mapped(entity.value) && !ready) {
                let word = entity.value.word();
                let message = format!("alerts are grouped by {word}, and the rule maps no {word}");
                let problem = Diagnostic::warning(UNMAPPED.code, entity.span, message);
                problems.push(problem.help(format!("add {word} to entityMappings, or take it away here")));
            }
            for detail in &grouping.by_custom_details {
                if !detection.custom_details.iter().any(|(key, _)| key.value == detail.value) {
                    let message =
                        format!("alerts are grouped by '{}', which is no custom detail of the rule", detail.value);
                    let problem = Diagnostic::warning(UNMAPPED.code, detail.span, message);
                    problems.push(problem.help("add it to customDetails, or take it away here"));
                }
            }
        }
    }
    problems
}

fn settings(subject: &Subject) -> Vec<Diagnostic> {
    let Some((_, grouping)) = grouped(subject) else { return Vec::new() };
    let mut problems = Vec::new();
    let (shortest, longest) = (Duration::minutes(5), Duration::days(7));
    if let Some(lookback) = grouping.lookback.filter(|lookback| !(shortest..=longest).contains(&lookback.value)) {
        let message = format!("an incident cannot take further alerts for {}", lookback.value);
        let problem = Diagnostic::error(SETTINGS.code, lookback.span, message);
        problems.push(problem.help(format!("say something from {shortest} to {longest}")));
    }
    let nothing = grouping.by_entities.is_empty()
        && grouping.by_alert_details.is_empty()
        && grouping.by_custom_details.is_empty();
    if let Some(matching) = grouping.matching.filter(|matching| matching.value == MatchingMethod::Selected && nothing) {
        let problem = Diagnostic::error(SETTINGS.code, matching.span, "nothing is selected to group by");
        problems.push(problem.help("name groupByEntities, groupByAlertDetails or groupByCustomDetails"));
    }
    problems
}
