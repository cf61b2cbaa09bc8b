//! Rules in the YAML of the Azure-Sentinel repository.

use super::fit::{Fitted, Fitter};
use super::typed::{self, Head};
use super::{Reading, kind_of};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::document::{Entry, Node, yaml};
use crate::rules::model::{Form, Kind, Rule};

/// Reads the rule of each document. None where the file is some other YAML: it has neither `kind` nor `query`.
pub(super) fn read(text: &str) -> Result<Option<Reading>, Diagnostic> {
    let documents = yaml::read_all(text)?;
    let rules: Vec<&Node> =
        documents.iter().filter(|root| root.get("kind").is_some() || root.get("query").is_some()).collect();
    if rules.is_empty() {
        return Ok(None);
    }
    let mut fitter = Fitter { form: Form::Yaml, problems: Vec::new() };
    let rules = rules.into_iter().map(|root| rule(root, &mut fitter, text)).collect::<Result<_, _>>()?;
    Ok(Some(Reading { rules, problems: fitter.problems }))
}

/// Keys that only rules with a schedule have.
const OF_SCHEDULES: [&str; 4] = ["queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"];

fn rule(root: &Node, fitter: &mut Fitter, text: &str) -> Result<Rule, Diagnostic> {
    let line = root.entries().first().map_or(0, |entry| entry.key.span.start);
    let start = Span::new(line, line + text.get(line..).and_then(|rest| rest.lines().next()).map_or(0, str::len));
    let before = fitter.problems.len();
    let has_schedule = OF_SCHEDULES.iter().any(|key| root.get(key).is_some());
    let kind = match root.get("kind") {
        Some(node) => match kind_of(node) {
            // A word that is wrong keeps nobody from being told of the rest.
            (meant, Some(problem)) => match meant.or(has_schedule.then_some(Kind::Scheduled)) {
                Some(kind) => {
                    fitter.problems.push(problem);
                    kind
                }
                None => return Err(problem),
            },
            (kind, None) => kind.unwrap_or(Kind::Hunting),
        },
        None if has_schedule => {
            let problem = Diagnostic::error("AQ501", start, "the key 'kind' is missing");
            fitter.problems.push(problem.help("a rule with a schedule has kind: Scheduled"));
            Kind::Scheduled
        }
        // Queries for people have none.
        None => Kind::Hunting,
    };
    let wrong_kind = fitter.problems.len() > before;
    let is_head = |entry: &Entry| ["id", "kind"].iter().any(|key| entry.key.value.eq_ignore_ascii_case(key));
    let entries: Vec<Entry> = root.entries().iter().filter(|entry| !is_head(entry)).cloned().collect();
    let Fitted { document, faulty } = fitter.rule(kind, &entries);
    let id = root.get("id").and_then(|id| id.located());
    let faulty = faulty || wrong_kind;
    Ok(typed::rule(Head { form: Form::Yaml, kind, id, start, envelope: Vec::new(), faulty }, document, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::form::testing::yaml_rule;
    #[test]
    fn other_yaml_is_no_rule() {
        assert_eq!(read("a: 1\n"), Ok(None));
        assert_eq!(read("name: x\ndescription: y\n"), Ok(None));
    }

    #[test]
    fn each_document_of_a_file_is_a_rule() {
        let file = "kind: NRT\nname: one\nquery: T\n---\na: 1\n---\nkind: NRT\nname: two\nqeury: U\nquery: V\n";
        let reading = read(file).unwrap().unwrap();
        let titles: Vec<_> = reading.rules.iter().map(Rule::title).collect();
        assert_eq!(titles, ["one", "two"]);
        let (problem, second) = (&reading.problems[0], &reading.rules[1]);
        assert_eq!(&file[problem.span.start..problem.span.end], "qeury");
        assert_eq!(&file[second.start.start..second.start.end], "kind: NRT");
        let query = second.query().unwrap();
        assert_eq!(&file[query.place(Span::new(0, 1)).start..][..1], "V");
    }

    #[test]
    fn a_schedule_without_a_kind_lacks_it() {
        let reading = read("name: n\nquery: T\nqueryPeriod: 1h\n").unwrap().unwrap();
        assert_eq!((reading.rules[0].kind(), reading.problems[0].code), (Kind::Scheduled, "AQ501"));
        assert_eq!(read("name: n\nquery: T\n").unwrap().unwrap().rules[0].kind(), Kind::Hunting);
    }

    #[test]
    fn kinds_without_a_query_are_known() {
        let rule = yaml_rule("kind: Fusion\nname: f\n");
        assert_eq!((rule.kind(), rule.query()), (Kind::Fusion, None));
        let problem = read("kind: Shceduled\n").unwrap_err();
        assert_eq!((problem.code, problem.help.as_deref()), ("AQ502", Some("did you mean 'Scheduled'?")));
    }

    #[test]
    fn a_kind_in_other_letters_keeps_the_rest_from_nobody() {
        for kind in ["scheduled", "Shceduled"] {
            let text = format!("kind: {kind}\nname: n\nqueryPeriod: 1h\nqeury: T\n");
            let reading = read(&text).unwrap().unwrap();
            let codes: Vec<_> = reading.problems.iter().map(|problem| problem.code).collect();
            assert_eq!((reading.rules[0].kind(), &codes[..]), (Kind::Scheduled, &["AQ502", "AQ511"][..]));
        }
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
