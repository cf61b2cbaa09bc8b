//! Rules written as files, with nothing of them lost.
//!
//! What one form has no key for is kept all the same: in YAML under the name that ARM has, in ARM and REST in the
//! resource's `metadata`, which Azure leaves alone, in Terraform in `locals`.

pub mod arm;
pub mod rest;
pub mod terraform;
pub mod yaml;

use serde_json::{Map, Value as Json};

use super::document::{Entry, Node, Value};
use super::form::KEPT;
use super::model::Rule;

/// Returns a part of a document as JSON.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        // A version such as 1.10 keeps its digits where a number would not; JSON has none such.
        Value::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) if number.to_string() == *text => Json::Number(number),
            _ => Json::String(text.clone()),
        },
        Value::Text(text) | Value::Expression(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => Json::Object(object(entries)),
    }
}

/// Parts a rule into what a resource's `metadata` holds, if there is any, and its properties.
fn metadata(rule: &Rule) -> (Option<Json>, Vec<&Entry>) {
    let is_kept = |entry: &&Entry| KEPT.contains(&entry.key.value.as_str());
    let (kept, properties): (Vec<&Entry>, Vec<&Entry>) = rule.document.entries().iter().partition(is_kept);
    let around = rule.envelope.iter().filter(|entry| entry.key.value == "metadata");
    let kept: Vec<Entry> = kept.into_iter().chain(around.flat_map(|entry| entry.value.entries())).cloned().collect();
    ((!kept.is_empty()).then(|| Json::Object(object(&kept))), properties)
}

fn object(entries: &[Entry]) -> Map<String, Json> {
    entries.iter().map(|entry| (entry.key.value.clone(), json(&entry.value))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::{Value as Json, json};

    use crate::rules::Rule;
    use crate::rules::document::{Node, Value};
    use crate::rules::form::testing::{json_rules, yaml_rule};

    /// Says what a rule is, without places.
    fn meaning(rule: &Rule) -> String {
        fn plain(node: &Node) -> serde_json::Value {
            let mut value = super::json(node);
            if let (Value::Map(_), Some(map)) = (&node.value, value.as_object_mut()) {
                map.sort_keys();
                // How lines of a query end says nothing.
                if let Some(Json::String(query)) = map.get_mut("query") {
                    *query = query.replace("\r\n", "\n");
                }
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
        assert!(
            text.contains("tactics:\n  - Persistence\n") && text.contains("  - entityType: Host\n    field"),
            "{text}"
        );
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

    /// Takes a rule from YAML to YAML through every form that is written.
    fn around(rule: &Rule) -> String {
        let one = |text: String| {
            let reading = json_rules(&text);
            let wrong: Vec<_> = reading.problems.iter().filter(|problem| problem.is_error()).collect();
            assert!(wrong.is_empty() && reading.rules.len() == 1, "{wrong:?}\n{text}");
            reading.rules.into_iter().next().unwrap()
        };
        let rest = one(super::rest::write(&[rule]));
        let arm = one(super::arm::write(&[&rest]));
        let yaml = yaml_rule(&super::yaml::write(&arm));
        let rest = one(super::rest::write(&[&one(super::arm::write(&[&yaml]))]));
        super::yaml::write(&rest)
    }

    #[test]
    fn a_rule_goes_around_all_forms() {
        let rule = yaml_rule(FULL);
        assert_eq!(meaning(&yaml_rule(&around(&rule))), meaning(&rule));
    }

    /// Says what a rule is where what it leaves out is what Sentinel and Terraform's provider take for it.
    fn effect(rule: &Rule) -> String {
        let mut value: Json = super::json(&rule.document);
        fn prune(value: &mut Json) {
            let items = value.as_array_mut().into_iter().flatten();
            items.for_each(prune);
            if let Some(fields) = value.as_object_mut() {
                fields.values_mut().for_each(prune);
                fields.retain(|_, value| *value != json!([]) && *value != json!({}) && !value.is_null());
                fields.sort_keys();
            }
        }
        let mut put = |path: &[&str], default: Json| {
            let mut place = &mut value;
            for key in path {
                place = &mut place[*key];
            }
            if place.is_null() {
                *place = default;
            }
        };
        put(&["eventGroupingSettings", "aggregationKind"], json!("SingleAlert"));
        if rule.kind() == crate::rules::model::Kind::Scheduled {
            put(&["queryFrequency"], json!("PT5H"));
            put(&["queryPeriod"], json!("PT5H"));
            put(&["triggerOperator"], json!("GreaterThan"));
            put(&["triggerThreshold"], json!(0));
        }
        for (key, default) in super::terraform::GROUPING {
            let default = if default == "false" { json!(false) } else { json!(default) };
            put(&["incidentConfiguration", "groupingConfiguration", key], default);
        }
        put(&["incidentConfiguration", "createIncident"], json!(true));
        if let Some(query) = value["query"].as_str() {
            value["query"] = json!(query.replace("\r\n", "\n").trim_end_matches('\n'));
        }
        prune(&mut value);
        format!("{} {value}", rule.kind().word())
    }

    /// Texts that YAML, JSON or templates may take for something else.
    fn text() -> impl Strategy<Value = String> {
        const ODD: &[&str] = &[
            "",
            "null",
            "~",
            "no",
            "1.10",
            "0x1f",
            "[x]",
            "[[y",
            "{{Column}}",
            "a: b",
            "# c",
            "'q'",
            "\"d\"",
            "- e",
            "@f",
            "%g",
            "line\nline\n",
            "\ttab",
            " space ",
            "Größe",
            "a\\b",
            "|",
            ">",
            "? h",
            "*i",
            "&j",
            "!k",
            "1e3",
            "2020-01-01",
            "\u{1F600}",
            "${var.x}",
            "$${x}",
            "%{if x}\nQUERY\n  y\n",
            "  indented\n    more\n",
            "\r\n",
            "$",
        ];
        prop_oneof![prop::sample::select(ODD).prop_map(str::to_string), "[ -~\n]{1,40}"]
    }

    fn words(all: &'static [&'static str]) -> impl Strategy<Value = Json> {
        prop::collection::vec(prop::sample::select(all), 0..4).prop_map(|words| json!(words))
    }

    /// Rules as the API has them, whose keys each may be there or not.
    fn properties() -> impl Strategy<Value = Json> {
        const DURATIONS: &[&str] = &["PT5M", "PT1H", "P1D", "P14D", "P1DT12H", "PT90M", "PT1M30S"];
        let duration = || prop::sample::select(DURATIONS).prop_map(|text| json!(text));
        let words_of = |words: &'static [&'static str]| prop::sample::select(words).prop_map(|word| json!(word));
        let texts = || prop::collection::vec(text(), 0..3).prop_map(|texts| json!(texts));
        let maybe = |name: &'static str, value: BoxedStrategy<Json>| {
            prop::option::of(value).prop_map(move |value| value.map(|value| (name.to_string(), value)))
        };
        let field =
            (text(), text()).prop_map(|(identifier, column)| json!({"identifier": identifier, "columnName": column}));
        let entity = (words_of(&["Account", "Host", "IP", "URL"]), prop::collection::vec(field, 0..3))
            .prop_map(|(kind, fields)| json!({"entityType": kind, "fieldMappings": fields}));
        let details = prop::collection::btree_map("[A-Za-z]{1,8}", text(), 0..3).prop_map(|details| json!(details));
        let grouping =
            (any::<bool>(), duration(), words_of(&["AllEntities", "AnyAlert", "Selected"]), words(&["IP", "Host"]))
                .prop_map(|(on, lookback, matching, entities)| {
                    json!({"createIncident": on, "groupingConfiguration": {"enabled": on, "reopenClosedIncident": !on,
                    "lookbackDuration": lookback, "matchingMethod": matching, "groupByEntities": entities,
                    "groupByAlertDetails": ["Severity"], "groupByCustomDetails": []}})
                });
        let tags = prop::collection::vec(
            prop_oneof![text().prop_map(|t| json!(t)), text().prop_map(|t| json!({"Schema": t}))],
            0..3,
        );
        let first = (
            maybe("displayName", text().prop_map(|t| json!(t)).boxed()),
            maybe("description", text().prop_map(|t| json!(t)).boxed()),
            maybe("query", text().prop_map(|t| json!(t)).boxed()),
            maybe("enabled", any::<bool>().prop_map(|b| json!(b)).boxed()),
            maybe("severity", words_of(&["Informational", "Low", "Medium", "High"]).boxed()),
            maybe("queryFrequency", duration().boxed()),
            maybe("queryPeriod", duration().boxed()),
            maybe("triggerOperator", words_of(&["GreaterThan", "LessThan", "Equal", "NotEqual"]).boxed()),
            maybe("triggerThreshold", (0..10_000_u32).prop_map(|n| json!(n)).boxed()),
            maybe("tactics", words(&["Impact", "Execution"]).boxed()),
        );
        let second = (
            maybe("techniques", words(&["T1078", "T1110"]).boxed()),
            maybe("subTechniques", words(&["T1078.004"]).boxed()),
            maybe("entityMappings", prop::collection::vec(entity, 0..3).prop_map(|all| json!(all)).boxed()),
            maybe("customDetails", details.boxed()),
            maybe("incidentConfiguration", grouping.boxed()),
            maybe("suppressionDuration", duration().boxed()),
            maybe("alertDetailsOverride", text().prop_map(|t| json!({"alertDisplayNameFormat": t})).boxed()),
            maybe("templateVersion", text().prop_map(|t| json!(t)).boxed()),
            maybe("tags", tags.prop_map(|all| json!(all)).boxed()),
            maybe("own", texts().boxed()),
        );
        (first, second).prop_map(|(a, b)| {
            let first = [a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7, a.8, a.9];
            let second = [b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7, b.8, b.9];
            Json::Object(first.into_iter().chain(second).flatten().collect())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_rule_is_the_same_in_every_form(properties in properties(), kind in prop::sample::select(&["Scheduled", "NRT"][..])) {
            let answer = json!({"value": [{"name": "6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11", "kind": kind,
                "type": "Microsoft.SecurityInsights/alertRules", "properties": properties}]});
            let reading = json_rules(&answer.to_string());
            let rule = &reading.rules[0];
            let (written, again) = (super::yaml::write(rule), around(rule));
            prop_assert_eq!(meaning(&yaml_rule(&written)), meaning(rule), "{}", written);
            // What ARM has no place for stands behind the rest then.
            prop_assert_eq!(meaning(&yaml_rule(&again)), meaning(rule), "{}", again);
            let (resources, _) = super::terraform::write(&[rule]);
            let reading = crate::rules::form::read("rules.tf".as_ref(), &resources).unwrap().unwrap();
            prop_assert!(!reading.problems.iter().any(|problem| problem.code == "AQ515"), "{}", resources);
            prop_assert_eq!(effect(&reading.rules[0]), effect(rule), "{}", resources);
        }
    }

    #[test]
    fn an_answer_of_the_api_stays_what_it_was() {
        let answer = json!({"value": [{"id": "/subscriptions/s/alertRules/6d1b4c1e", "etag": "\"e\"", "name": "6d1b4c1e",
            "type": "Microsoft.SecurityInsights/alertRules", "kind": "NRT",
            "properties": {"displayName": "n", "query": "T\r\n| count", "own": {"a": [1, 2.5, -0.25, true, null, "1.10"]}}}]});
        let text = answer.to_string().replace("2.5,", "2.50,").replace("-0.25", "-25e-2");
        let written: Json = serde_json::from_str(&super::rest::write(&[&json_rules(&text).rules[0]])).unwrap();
        assert_eq!(written, answer);
    }

    /// The portal ends lines as Windows does; YAML has no block for them.
    #[test]
    fn a_query_of_several_lines_is_a_block() {
        let yaml = |query: &str| {
            let answer = json!({"value": [{"name": "a", "type": "Microsoft.SecurityInsights/alertRules", "kind": "NRT",
                "properties": {"displayName": "n", "query": query}}]});
            super::yaml::write(&json_rules(&answer.to_string()).rules[0])
        };
        assert!(yaml("T\r\n| where a == 'x'\r\n| count").contains("query: |-\n  T\n  | where a == 'x'\n  | count\n"));
        assert!(yaml("print ```a\r\nb```").contains("a\\r\\nb"), "a literal over several lines is what it says");
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
            "condition": "[parameters('on')]", "metadata": {"owner": "soc", "tags": ["a"]}, "properties": {"alertRuleTemplateName": "t", "enabled": "[parameters('on')]"}}]}"#;
        let written: serde_json::Value =
            serde_json::from_str(&super::arm::write(&[&json_rules(text).rules[0]])).unwrap();
        let resource = &written["resources"][0];
        assert_eq!(
            (&resource["condition"], &resource["apiVersion"]),
            (&"[parameters('on')]".into(), &"2020-01-01".into())
        );
        assert_eq!(resource["properties"]["enabled"], "[parameters('on')]");
        assert_eq!(resource["metadata"], json!({"tags": ["a"], "owner": "soc"}));
        assert_eq!(resource["name"], "[concat(parameters('workspace'), '/Microsoft.SecurityInsights/6d1b4c1e')]");
        assert_eq!(written["parameters"]["on"]["type"], "string");
    }
}
