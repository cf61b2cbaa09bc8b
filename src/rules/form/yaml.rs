//! Rules in the YAML of the Azure-Sentinel repository.

use super::fit::Fitter;
use super::typed::{self, Head};
use super::{Reading, kind_of};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::document::{Entry, yaml};
use crate::rules::model::{Form, Kind};

/// Reads a rule. None where the file is some other YAML: it has neither `kind` nor `query`.
pub(super) fn read(text: &str) -> Result<Option<Reading>, Diagnostic> {
    let root = yaml::read(text)?;
    let (kind, query) = (root.get("kind"), root.get("query"));
    if kind.is_none() && query.is_none() {
        return Ok(None);
    }
    let kind = match kind {
        Some(node) => kind_of(node)?,
        None => Kind::Hunting,
    };
    let mut fitter = Fitter { form: Form::Yaml, problems: Vec::new() };
    let is_head = |entry: &Entry| ["id", "kind"].iter().any(|key| entry.key.value.eq_ignore_ascii_case(key));
    let entries: Vec<Entry> = root.entries().iter().filter(|entry| !is_head(entry)).cloned().collect();
    let document = fitter.rule(kind, &entries);
    let head = Head {
        form: Form::Yaml,
        kind,
        id: root.get("id").and_then(|id| id.located()),
        start: Span::new(0, text.lines().next().map_or(0, str::len)),
        envelope: Vec::new(),
    };
    Ok(Some(Reading { rules: vec![typed::rule(head, document, text)], problems: fitter.problems }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::form::testing::yaml_rule;
    use crate::rules::model::Rule;

    #[test]
    fn other_yaml_is_no_rule() {
        assert_eq!(read("a: 1\n"), Ok(None));
        assert_eq!(read("name: x\ndescription: y\n"), Ok(None));
    }

    #[test]
    fn kinds_without_a_query_are_known() {
        let rule = yaml_rule("kind: Fusion\nname: f\n");
        assert_eq!((rule.kind(), rule.query()), (Kind::Fusion, None));
        let problem = read("kind: scheduled\n").unwrap_err();
        assert_eq!((problem.code, problem.help.as_deref()), ("AQ502", Some("did you mean 'Scheduled'?")));
    }

    #[test]
    fn columns_are_expected_wherever_the_rule_names_them() {
        let file = "query: T\nentityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: Address\n        \
                    columnName: A\ncustomDetails:\n  Key: B\n  Empty:\nalertDetailsOverride:\n  \
                    alertDisplayNameFormat: on {{C}}\n  alertSeverityColumnName: D\n  alertDynamicProperties:\n    \
                    - alertProperty: AlertLink\n      value: E\nsentinelEntitiesMappings:\n  - columnName: F\n";
        let rule = yaml_rule(file);
        let columns = rule.detection().unwrap().expected_columns();
        let mut names: Vec<_> = columns.into_iter().map(|column| column.value).collect();
        names.sort();
        assert_eq!(names, ["A", "B", "C", "D", "E", "F"]);
        assert_eq!(rule.kind(), Kind::Hunting);
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let helps = |file: &str| -> Vec<_> {
            let reading = read(file).unwrap().unwrap();
            reading
                .problems
                .into_iter()
                .map(|p| (p.code, file[p.span.start..p.span.end].to_string(), p.help.unwrap()))
                .collect()
        };
        let found = helps(
            "kind: NRT\nqeury: T\ntechniques: []\nqueryPeriod: 1h\neventGroupingSettings:\n  agregationKind: SingleAlert\n",
        );
        let found: Vec<_> = found.iter().map(|(code, key, help)| (*code, key.as_str(), help.as_str())).collect();
        assert_eq!(
            found,
            [
                ("AQ511", "qeury", "did you mean 'query'?"),
                ("AQ511", "techniques", "here it is called 'relevantTechniques'"),
                ("AQ512", "queryPeriod", "take the key away"),
                ("AQ511", "agregationKind", "did you mean 'aggregationKind'?"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_not_missing_too() {
        let file = "kind: NRT\nid: x\nname: [a]\nseverity: Hihg\nquery: T\nenabled: maybe\ntactics: Impact\n";
        let reading = read(file).unwrap().unwrap();
        let found: Vec<_> = reading.problems.iter().map(|p| (p.code, &file[p.span.start..p.span.end])).collect();
        assert_eq!(found[1..], [("AQ502", "Hihg"), ("AQ514", "maybe"), ("AQ514", "Impact")]);
        assert_eq!(found[0].0, "AQ514");
        let checks = crate::rules::checks::run(&crate::rules::checks::Subject::new(&reading.rules[0], None));
        assert!(checks.iter().all(|problem| problem.code != "AQ501"), "{checks:?}");
    }

    #[test]
    fn every_key_is_typed() {
        let rule: Rule = yaml_rule(
            "id: 5a2a1a3c-6a0e-4a55-9f39-9a3c8f0c7b11\nname: n\nkind: Scheduled\nseverity: High\nstatus: Available\nversion: 1.10\n\
             queryFrequency: 1h\nqueryPeriod: 1.12:00:00\ntriggerOperator: gt\ntriggerThreshold: 5\nquery: T\ntactics: [Impact]\n\
             relevantTechniques: [T1078.004]\nsuppressionEnabled: true\nsuppressionDuration: 5h\nrequiredDataConnectors:\n  \
             - connectorId: c\n    dataTypes: [SecurityAlert]\nincidentConfiguration:\n  createIncident: true\n  \
             groupingConfiguration:\n    enabled: true\n    lookbackDuration: 7d\n    matchingMethod: Selected\n    \
             groupByEntities: [IP]\n    groupByAlertDetails: [Severity]\n",
        );
        assert_eq!(rule.version.as_ref().map(|version| version.value.as_str()), Some("1.10"));
        let schedule = rule.schedule().unwrap();
        assert_eq!(schedule.period.map(|period| period.value.iso()).as_deref(), Some("P1DT12H"));
        assert_eq!(schedule.trigger_threshold.map(|threshold| threshold.value), Some(5));
        let detection = rule.detection().unwrap();
        assert_eq!(detection.suppression.rest().map(|rest| rest.to_string()).as_deref(), Some("5h"));
        let grouping = detection.incident.active_grouping().unwrap();
        assert_eq!((grouping.lookback().short(), grouping.by_entities.len()), ("7d".to_string(), 1));
    }
}
