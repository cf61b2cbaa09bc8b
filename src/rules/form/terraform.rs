//! Rules as resources of Terraform's provider azurerm.

use super::Reading;
use super::fit::{Fitted, Fitter};
use super::typed::{self, Head};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::document::{Entry, Located, Node, Value, hcl};
use crate::rules::model::{Form, Kind};

/// Types of resources, and the kinds of their rules.
const TYPES: [(&str, Kind); 8] = [
    ("azurerm_sentinel_alert_rule_scheduled", Kind::Scheduled),
    ("azurerm_sentinel_alert_rule_nrt", Kind::NearRealTime),
    ("azurerm_sentinel_alert_rule_ms_security_incident", Kind::IncidentCreation),
    ("azurerm_sentinel_alert_rule_fusion", Kind::Fusion),
    ("azurerm_sentinel_alert_rule_machine_learning_behavior_analytics", Kind::BehaviorAnalytics),
    ("azurerm_sentinel_alert_rule_threat_intelligence", Kind::ThreatIntelligence),
    ("azurerm_sentinel_alert_rule_anomaly_built_in", Kind::Anomaly),
    ("azurerm_sentinel_alert_rule_anomaly_duplicate", Kind::Anomaly),
];

/// What Terraform itself takes from a resource, and where it is deployed.
const OWN: [&str; 9] = [
    "name",
    "log_analytics_workspace_id",
    "count",
    "for_each",
    "depends_on",
    "provider",
    "lifecycle",
    "timeouts",
    "built_in_rule_id",
];

/// Returns the type of the resource that a kind of rule is; empty where there is none.
pub(crate) fn type_of(kind: Kind) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name)
}

/// Returns the name in `locals` of what the provider has no argument for, of the rule whose resource has this label.
pub(crate) fn kept_name(label: &str) -> String {
    format!("sentinel_rule_{label}")
}

/// Reads the rules of a file; none where it has none.
pub(super) fn read(text: &str, load: hcl::Load) -> Result<Option<Reading>, Diagnostic> {
    let mut fitter = Fitter { form: Form::Terraform, problems: Vec::new() };
    let mut rules = Vec::new();
    let file = hcl::read(text, load)?;
    for resource in &file.resources {
        let Some(written) = resource.labels.first() else { continue };
        let Some((_, kind)) = TYPES.iter().find(|(name, _)| name == written) else { continue };
        let entries = resource.body.entries();
        let is_own = |entry: &&Entry| OWN.contains(&entry.key.value.as_str());
        let keys: Vec<Entry> = entries.iter().filter(|entry| !is_own(entry)).cloned().collect();
        let start = resource.body.span.start;
        let line = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
        let mut head = Head {
            form: Form::Terraform,
            kind: *kind,
            id: id(entries),
            start: Span::new(start, start + line),
            envelope: Vec::new(),
            faulty: false,
        };
        let Fitted { mut document, mut faulty } = fitter.rule(*kind, &keys);
        let kept = resource.labels.get(1).and_then(|label| {
            let name = kept_name(label);
            file.locals.iter().find(|entry| entry.key.value == name)
        });
        if let (Some(kept), Value::Map(all)) = (kept, &mut document.value) {
            // They have the names of ARM.
            let mut others = Fitter { form: Form::Arm, problems: Vec::new() };
            let values = others.rule(*kind, kept.value.entries());
            fitter.problems.append(&mut others.problems);
            all.extend(values.document.entries().iter().cloned());
            faulty |= values.faulty;
        }
        head.faulty = faulty;
        fill(&mut document, &head);
        rules.push(typed::rule(head, document, text));
    }
    let found = !rules.is_empty();
    Ok(found.then_some(Reading { rules, problems: fitter.problems }))
}

/// What the provider writes where a resource says nothing, by ARM's names (documented).
const DEFAULTS: [(&str, &str); 4] = [
    ("queryFrequency", "PT5H"),
    ("queryPeriod", "PT5H"),
    ("triggerOperator", "GreaterThan"),
    ("triggerThreshold", "0"),
];

/// The same of a block `grouping`: others than the portal's.
const GROUPING: [(&str, &str); 4] = [
    ("enabled", "true"),
    ("reopenClosedIncident", "false"),
    ("lookbackDuration", "PT5M"),
    ("matchingMethod", "AnyAlert"),
];

/// Adds what the provider takes for keys that are not there.
fn fill(document: &mut Node, head: &Head) {
    if head.kind == Kind::Scheduled {
        add(document, &DEFAULTS, head.start);
    }
    let inner = |node: &mut Node, name: &str, then: &mut dyn FnMut(&mut Node)| {
        let Value::Map(entries) = &mut node.value else { return };
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key.value == name) {
            then(&mut entry.value);
        }
    };
    inner(document, "incidentConfiguration", &mut |incident| {
        inner(incident, "groupingConfiguration", &mut |grouping| add(grouping, &GROUPING, head.start));
    });
}

fn add(node: &mut Node, defaults: &[(&str, &str)], span: Span) {
    let Value::Map(entries) = &mut node.value else { return };
    for (name, written) in defaults {
        if entries.iter().any(|entry| entry.key.value == *name) {
            continue;
        }
        let value = match *written {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if number.parse::<i64>().is_ok() => Value::Number(number.to_string()),
            text => Value::Text(text.to_string()),
        };
        let key = Located { value: (*name).to_string(), span };
        entries.push(Entry { key, value: Node { value, span } });
    }
}

/// The name of the resource in Azure, where it is a literal.
fn id(entries: &[Entry]) -> Option<Located<String>> {
    let name = entries.iter().find(|entry| entry.key.value == "name")?;
    let known = !matches!(name.value.value, Value::Expression(_));
    name.value.located().filter(|_| known)
}

#[cfg(test)]
mod tests {
    use crate::rules::form;
    use crate::rules::model::{EntityType, Kind, MatchingMethod, Rule};

    const FILE: &str = r#"
locals { a = 1 }
resource "azurerm_sentinel_alert_rule_scheduled" "loud" {
  name                       = "6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.a.id
  display_name               = "Loud hosts"
  severity                   = "High"
  enabled                    = var.enabled
  query_frequency            = "PT1H"
  query_period               = "P1D"
  trigger_operator           = "GreaterThan"
  trigger_threshold          = 0
  tactics                    = ["Persistence"]
  custom_details             = { Host = "CompromisedEntity" }
  query                      = <<-QUERY
    SecurityAlert
      | where Severty == "High"
  QUERY
  entity_mapping {
    entity_type = "Host"
    field_mapping {
      identifier  = "FullName"
      column_name = "CompromisedEntity"
    }
  }
  entity_mapping {
    entity_type = "IP"
    field_mapping {
      identifier  = "Address"
      colum_name  = "RemoteIp"
    }
  }
  incident {
    create_incident_enabled = true
    grouping {
      enabled          = true
      lookback_duration = "PT5H"
      by_entities      = ["Host"]
      entity_matching_method = "Selected"
    }
  }
}
"#;

    #[test]
    fn a_resource_is_a_rule() {
        let reading = form::read("main.tf".as_ref(), FILE).unwrap().unwrap();
        let rule: &Rule = &reading.rules[0];
        assert_eq!((rule.kind(), rule.title()), (Kind::Scheduled, "Loud hosts"));
        assert_eq!(rule.id.as_ref().map(|id| &id.value[..8]), Some("6d1b4c1e"));
        let detection = rule.detection().unwrap();
        let entities: Vec<_> = detection.entity_mappings.iter().filter_map(|m| m.entity).map(|e| e.value).collect();
        assert_eq!(entities, [EntityType::Host, EntityType::Ip]);
        assert_eq!(detection.incident.active_grouping().map(|g| g.by_entities.len()), Some(1));
        let found: Vec<_> = reading.problems.iter().map(|p| (p.code, &FILE[p.span.start..p.span.end])).collect();
        assert_eq!(found, [("AQ515", "var.enabled"), ("AQ511", "colum_name")]);
        let query = rule.query().unwrap();
        assert_eq!(query.text, "SecurityAlert\n  | where Severty == \"High\"\n");
        let at = query.text.find("Severty").unwrap();
        let place = query.place(crate::diagnostic::Span::new(at, at + 7));
        assert_eq!(&FILE[place.start..place.end], "Severty");
    }

    #[test]
    fn the_provider_has_defaults_of_its_own() {
        let text = "resource \"azurerm_sentinel_alert_rule_scheduled\" \"x\" {\n  name = \"x\"\n  display_name = \"x\"\n  severity = \"Low\"\n  \
            query = \"T\"\n  incident {\n    create_incident_enabled = true\n    grouping {\n    }\n  }\n}\n";
        let reading = form::read("main.tf".as_ref(), text).unwrap().unwrap();
        let rule = &reading.rules[0];
        let schedule = rule.schedule().unwrap();
        let period = schedule.period.map(|period| period.value.short());
        assert_eq!((period.as_deref(), schedule.trigger_threshold.map(|t| t.value)), (Some("5h"), Some(0)));
        let grouping = rule.detection().unwrap().incident.active_grouping().unwrap();
        assert_eq!((grouping.lookback().short().as_str(), grouping.matching()), ("5m", MatchingMethod::AnyAlert));
        let checks = crate::rules::checks::run(&crate::rules::checks::Subject::new(rule, None));
        assert!(checks.iter().all(|problem| problem.code != "AQ501"), "{checks:?}");
    }
}
