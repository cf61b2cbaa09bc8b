//! Rules written as files, with nothing of them lost.
//!
//! What one form has no key for is kept all the same: in YAML under the name that ARM has, in ARM in the resource's
//! `metadata`, which Azure leaves alone.

pub mod arm;
pub mod yaml;

use serde_json::{Map, Value as Json};

use super::document::{Entry, Node, Value};

/// Returns a part of a document as JSON.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        // A version such as 1.10 keeps its digits where a number would not.
        Value::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) if number.to_string() == *text => Json::Number(number),
            _ => Json::String(text.clone()),
        },
        Value::Text(text) | Value::Expression(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => Json::Object(object(entries)),
    }
}

fn object(entries: &[Entry]) -> Map<String, Json> {
    entries.iter().map(|entry| (entry.key.value.clone(), json(&entry.value))).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::Rule;
    use crate::rules::document::{Node, Value};
    use crate::rules::form::testing::{json_rules, yaml_rule};

    /// Says what a rule is, without places.
    fn meaning(rule: &Rule) -> String {
        fn plain(node: &Node) -> serde_json::Value {
            let mut value = super::json(node);
            if let (Value::Map(_), Some(map)) = (&node.value, value.as_object_mut()) {
                map.sort_keys();
            }
            value
        }
        format!("{:?} {} {}", rule.id.as_ref().map(|id| &id.value), rule.kind().word(), plain(&rule.document))
    }

    const FULL: &str = "id: 7c0a4d4e-4f63-4d57-9d3a-5b7f0b6f6a10\nname: 'Loud: hosts'\ndescription: |\n  'Finds hosts.\n\n  Twice.'\nkind: \
        Scheduled\nseverity: Medium\nstatus: Available\nrequiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes:\n      \
        - SecurityAlert (ASC)\nqueryFrequency: 90m\nqueryPeriod: 1.12:00:00\ntriggerOperator: gt\ntriggerThreshold: 0\ntactics: \
        [Persistence]\nrelevantTechniques: [T1078.004]\nquery: |\n  SecurityAlert\n  | where AlertSeverity == 'High' // \"one\" \\ {{x}}\n  \
        | where a == @'\\b'\n\nentityMappings:\n  - entityType: Host\n    fieldMappings:\n      - identifier: FullName\n        \
        columnName: CompromisedEntity\ncustomDetails:\n  B: AlertName\n  A: Tactics\nalertDetailsOverride:\n  alertDisplayNameFormat: \
        '{{AlertName}}'\neventGroupingSettings:\n  aggregationKind: AlertPerResult\nincidentConfiguration:\n  createIncident: true\n  \
        groupingConfiguration:\n    enabled: true\n    lookbackDuration: 7d\n    matchingMethod: AllEntities\n    reopenClosedIncident: \
        false\nsuppressionDuration: 5h\nsuppressionEnabled: false\ntags:\n  - Solorigate\n  - Schema: ASIMDns\nversion: 1.10\nenabled: \
        false\nx-own: {a: [1, null, 'no', \"yes\", '0x1', '1e3', ~, 2020-01-01]}\n";

    #[test]
    fn yaml_is_written_and_read_again() {
        let rule = yaml_rule(FULL);
        let text = super::yaml::write(&rule);
        assert_eq!(meaning(&yaml_rule(&text)), meaning(&rule), "{text}");
        assert!(text.contains("query: |\n  SecurityAlert\n"), "{text}");
        assert!(text.contains("queryPeriod: 36h\n") && text.contains("triggerOperator: gt\n"), "{text}");
    }

    #[test]
    fn arm_is_written_and_read_again() {
        let rule = yaml_rule(FULL);
        let text = super::arm::write(&[&rule]);
        let reading = json_rules(&text);
        let wrong: Vec<_> = reading.problems.iter().filter(|problem| problem.code != "AQ511").collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{text}");
        assert!(text.contains("\"queryPeriod\": \"P1DT12H\"") && text.contains("\"GreaterThan\""), "{text}");
        let again = super::yaml::write(&reading.rules[0]);
        assert_eq!(meaning(&yaml_rule(&again)), meaning(&rule), "{text}\n{again}");
    }

    #[test]
    fn what_looks_like_an_expression_stays_a_text() {
        let rule =
            yaml_rule("id: 7c0a4d4e-4f63-4d57-9d3a-5b7f0b6f6a10\nkind: NRT\nname: '[x]'\nquery: '[[\"T\"] | count'\n");
        let reading = json_rules(&super::arm::write(&[&rule]));
        assert_eq!(reading.rules[0].title(), "[x]");
        assert_eq!(reading.rules[0].query().map(|query| query.text.as_str()), Some("[[\"T\"] | count"));
    }

    #[test]
    fn what_a_template_says_around_a_rule_is_kept() {
        let text = r#"{"parameters": {"on": {"type": "bool"}}, "resources": [{"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
            "name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/6d1b4c1e')]", "kind": "Fusion", "apiVersion": "2020-01-01",
            "condition": "[parameters('on')]", "properties": {"alertRuleTemplateName": "t", "enabled": "[parameters('on')]"}}]}"#;
        let written: serde_json::Value =
            serde_json::from_str(&super::arm::write(&[&json_rules(text).rules[0]])).unwrap();
        let resource = &written["resources"][0];
        assert_eq!(
            (&resource["condition"], &resource["apiVersion"]),
            (&"[parameters('on')]".into(), &"2020-01-01".into())
        );
        assert_eq!(resource["properties"]["enabled"], "[parameters('on')]");
        assert_eq!(resource["name"], "[concat(parameters('workspace'), '/Microsoft.SecurityInsights/6d1b4c1e')]");
        assert_eq!(written["parameters"]["on"]["type"], "string");
    }
}
