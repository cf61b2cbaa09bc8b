//! Rules as resources of Terraform's provider azurerm.
//!
//! What its resources have no argument for stands in `locals`, which deploy nothing, and is read from there again.

use std::collections::{BTreeMap, HashSet};

use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue, ObjectValueTerminator};
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body, Structure};
use hcl_edit::template::{Element, HeredocTemplate, Template};
use hcl_edit::{Decorate, Ident};
use serde_json::Value as Json;

use super::json;
use crate::rules::document::{Entry, Node, Value};
use crate::rules::form::key::{self, Key, Shape};
use crate::rules::form::terraform::{kept_name, type_of};
use crate::rules::model::{Form, Kind, Rule};

/// The variable that says which workspace the rules are for.
const WORKSPACE: &str = "log_analytics_workspace_id";

/// What Sentinel takes where a rule does not say, and the provider would take something else for it (documented).
pub(super) const GROUPING: [(&str, &str); 4] = [
    ("enabled", "false"),
    ("reopenClosedIncident", "false"),
    ("lookbackDuration", "PT5H"),
    ("matchingMethod", "AllEntities"),
];
/// Severities of a rule that takes any: the provider asks for a list.
const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];

/// Writes rules as one file, which asks for the id of the workspace; those whose kind is not written are given back.
pub fn write<'r>(rules: &[&'r Rule]) -> (String, Vec<&'r Rule>) {
    let is_written =
        |rule: &&&Rule| matches!(rule.kind(), Kind::Scheduled | Kind::NearRealTime | Kind::IncidentCreation);
    let (written, left): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| is_written(rule));
    let mut body = Body::new();
    body.push(variable());
    let mut taken = HashSet::new();
    for rule in written {
        let label = label(rule, &mut taken);
        resource(rule, &label, &mut body);
    }
    (laid_out(body, 0).to_string(), left)
}

fn variable() -> Block {
    let type_of = Attribute::new(Ident::new("type"), Expression::from(Ident::new("string")));
    let about = text("The resource id of the Log Analytics workspace that the rules are for.");
    Block::builder(Ident::new("variable"))
        .label(WORKSPACE)
        .attribute(Attribute::new(Ident::new("description"), about))
        .attribute(type_of)
        .build()
}

/// Adds a rule's resource, and the values that the provider has no argument for.
fn resource(rule: &Rule, label: &str, file: &mut Body) {
    let keys = arguments(rule.kind());
    let has_argument = |entry: &&Entry| keys.iter().any(|key| key.name == entry.key.value);
    let (own, kept): (Vec<&Entry>, Vec<&Entry>) = rule.document.entries().iter().partition(has_argument);
    let own: Vec<Entry> = own.into_iter().cloned().collect();
    let mut body = Body::new();
    // The provider takes any name; the label is the only one like it here.
    let name = rule.id.as_ref().map_or(label, |id| &id.value);
    body.push(Attribute::new(Ident::new("name"), text(name)));
    body.push(Attribute::new(Ident::new(WORKSPACE), raw(&format!("var.{WORKSPACE}"))));
    write_keys(&completed(own, rule), &keys, rule.form, &mut body);
    let labels = [type_of(rule.kind()), label].map(BlockLabel::from);
    let mut block = Block::builder(Ident::new("resource")).labels(labels).build();
    block.body = body;
    file.push(block);
    if !kept.is_empty() {
        let values = kept.iter().map(|entry| (entry.key.value.as_str(), of_json(&json(&entry.value))));
        let attribute = Attribute::new(Ident::new(kept_name(label)), object(values.collect()));
        file.push(Block::builder(Ident::new("locals")).attribute(attribute).build());
    }
}

/// Returns the keys that the resource of a kind of rule has an argument for.
fn arguments(kind: Kind) -> Vec<Key> {
    let mut keys = key::keys(kind);
    // The provider takes the version of a template of rules with a query alone.
    keys.retain(|key| !key.terraform.is_empty() && (kind != Kind::IncidentCreation || key.name != "templateVersion"));
    keys
}

/// Adds what the provider insists on, or would take something else for.
fn completed(mut entries: Vec<Entry>, rule: &Rule) -> Vec<Entry> {
    let is_empty = |entries: &[Entry], name: &str| {
        let says = |value: &Node| !value.items().is_empty() || matches!(value.value, Value::Expression(_));
        !entries.iter().any(|entry| entry.key.value == name && says(&entry.value))
    };
    match rule.kind() {
        Kind::NearRealTime => {
            let grouping = Node::new(Value::Map(vec![Entry::new("aggregationKind", Node::text("SingleAlert"))]));
            add(&mut entries, "eventGroupingSettings", grouping);
        }
        Kind::IncidentCreation if is_empty(&entries, "severitiesFilter") => {
            entries.retain(|entry| entry.key.value != "severitiesFilter");
            let all = SEVERITIES.iter().map(|severity| Node::text(*severity)).collect();
            entries.push(Entry::new("severitiesFilter", Node::new(Value::List(all))));
        }
        _ => {}
    }
    if let Some(Entry { value: Node { value: Value::Map(incident), .. }, .. }) =
        entries.iter_mut().find(|entry| entry.key.value == "incidentConfiguration")
    {
        add(incident, "createIncident", Node::new(Value::Bool(true)));
        add(incident, "groupingConfiguration", Node::new(Value::Map(Vec::new())));
        for entry in incident.iter_mut().filter(|entry| entry.key.value == "groupingConfiguration") {
            let Value::Map(grouping) = &mut entry.value.value else { continue };
            for (name, value) in GROUPING {
                let value = if value == "false" { Node::new(Value::Bool(false)) } else { Node::text(value) };
                add(grouping, name, value);
            }
        }
    }
    entries
}

fn add(entries: &mut Vec<Entry>, name: &str, value: Node) {
    if !entries.iter().any(|entry| entry.key.value == name) {
        entries.push(Entry::new(name, value));
    }
}

/// Adds arguments, and behind them blocks.
fn write_keys(entries: &[Entry], keys: &[Key], form: Form, body: &mut Body) {
    let known = |entry: &&Entry| keys.iter().find(|key| key.name == entry.key.value);
    let named: Vec<(&str, &Key, &Node)> = entries
        .iter()
        .filter(|entry| !entry.value.is_null())
        .filter_map(|entry| {
            let key = known(&entry)?;
            Some((*key.terraform.first()?, key, &entry.value))
        })
        .collect();
    let (blocks, arguments): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(_, key, _)| matches!(key.shape, Shape::Group(_) | Shape::Groups(_)));
    for (name, key, node) in arguments {
        let value = if key.name == "query" { query(node, form) } else { expression(node, form) };
        body.push(Attribute::new(Ident::new(name), value));
    }
    for (name, key, node) in blocks {
        if let Value::Expression(written) = &node.value {
            match written.parse::<Body>().ok().filter(|_| form == Form::Terraform) {
                Some(dynamic) => dynamic.into_iter().for_each(|structure| body.push(structure)),
                None => body.push(Attribute::new(Ident::new(name), text(written))),
            }
            continue;
        }
        let groups = match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let (Shape::Group(keys) | Shape::Groups(keys)) = key.shape else { continue };
        for group in groups {
            let mut block = Block::new(Ident::new(name));
            write_keys(group.entries(), keys, form, &mut block.body);
            body.push(block);
        }
    }
}

/// Writes a query as the lines that it is. KQL does not mind a line's end behind it, which such a text needs.
fn query(node: &Node, form: Form) -> Expression {
    match &node.value {
        Value::Text(query) if query.contains('\n') && !query.ends_with('\n') => lines(&format!("{query}\n")),
        _ => expression(node, form),
    }
}

fn expression(node: &Node, form: Form) -> Expression {
    match &node.value {
        Value::Text(all) if all.contains('\n') && all.ends_with('\n') => lines(all),
        // Only of Terraform's own language it is an expression here.
        Value::Expression(written) if form == Form::Terraform => raw(written),
        Value::List(items) => Expression::Array(items.iter().map(|item| expression(item, form)).collect::<Array>()),
        Value::Map(entries) => {
            object(entries.iter().map(|entry| (entry.key.value.as_str(), expression(&entry.value, form))).collect())
        }
        _ => of_json(&json(node)),
    }
}

/// Writes a text that ends with a line as a heredoc, which keeps it as it is.
fn lines(all: &str) -> Expression {
    let plain = !all.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    let mut end = "QUERY".to_string();
    while all.lines().any(|line| line.trim() == end) {
        end.push('_');
    }
    match plain {
        true => {
            let template = Template::from_iter([Element::from(all)]);
            Expression::from(HeredocTemplate::new(Ident::new(end), template))
        }
        false => text(all),
    }
}

fn of_json(value: &Json) -> Expression {
    match value {
        Json::Null => Expression::null(),
        Json::Bool(value) => Expression::from(*value),
        Json::Number(number) => raw(&number.to_string()),
        Json::String(value) => text(value),
        Json::Array(items) => Expression::Array(items.iter().map(of_json).collect()),
        Json::Object(fields) => object(fields.iter().map(|(key, value)| (key.as_str(), of_json(value))).collect()),
    }
}

/// Writes a group of keys on one line: `{ a = 1, b = 2 }`.
fn object(fields: Vec<(&str, Expression)>) -> Expression {
    let mut object = Object::with_capacity(fields.len());
    let last = fields.len().saturating_sub(1);
    for (place, (key, value)) in fields.into_iter().enumerate() {
        let mut key = quoted(key);
        key.decor_mut().set_prefix(" ");
        key.decor_mut().set_suffix(" ");
        let mut value = ObjectValue::new(value);
        value.set_terminator(if place < last { ObjectValueTerminator::Comma } else { ObjectValueTerminator::None });
        object.insert(key, value);
    }
    object.set_trailing(if object.is_empty() { "" } else { " " });
    Expression::Object(object)
}

fn text(value: &str) -> Expression {
    Expression::from(value)
}

fn raw(written: &str) -> Expression {
    written.parse().unwrap_or_else(|_| text(written))
}

/// Writes a key; without quotes where it is a name.
fn quoted(key: &str) -> ObjectKey {
    match Ident::try_new(key) {
        Ok(name) => ObjectKey::from(name),
        Err(_) => ObjectKey::from(text(key)),
    }
}

/// Makes the name of a resource of a rule's title.
fn label(rule: &Rule, taken: &mut HashSet<String>) -> String {
    let lower = rule.title().to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut stem: String = words.join("_").chars().take(60).collect();
    if !stem.starts_with(|c: char| c.is_ascii_alphabetic()) {
        stem = format!("rule_{stem}").trim_end_matches('_').to_string();
    }
    let numbered = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}_{number}")));
    let free = numbered.into_iter().find(|name| !taken.contains(name)).unwrap_or(stem);
    taken.insert(free.clone());
    free
}

/// Lays a body out as `terraform fmt` does: two blanks a level, blocks apart, the signs of neighbours below each other.
fn laid_out(body: Body, depth: usize) -> Body {
    let blanks = "  ".repeat(depth);
    let widths = widths(&body);
    let laid = body.into_iter().enumerate().map(|(place, structure)| match structure {
        Structure::Attribute(mut attribute) => {
            attribute.decor_mut().set_prefix(blanks.clone());
            let width = widths.get(&place).copied().unwrap_or_default();
            let padding = width.saturating_sub(attribute.key.as_str().len()) + 1;
            attribute.key.decor_mut().set_suffix(" ".repeat(padding));
            Structure::Attribute(attribute)
        }
        Structure::Block(mut block) => {
            let apart = if place > 0 { "\n" } else { "" };
            block.decor_mut().set_prefix(format!("{apart}{blanks}"));
            block.body = laid_out(std::mem::take(&mut block.body), depth + 1);
            block.body.decor_mut().set_suffix(blanks.clone());
            Structure::Block(block)
        }
    });
    laid.collect()
}

/// Returns how wide the keys are, of the neighbours of each attribute: of those without another one's lines between them.
fn widths(body: &Body) -> BTreeMap<usize, usize> {
    let mut widths = BTreeMap::new();
    let mut run: Vec<(usize, usize)> = Vec::new();
    let mut end = |run: &mut Vec<(usize, usize)>| {
        let widest = run.iter().map(|(_, width)| *width).max().unwrap_or_default();
        widths.extend(run.drain(..).map(|(place, _)| (place, widest)));
    };
    for (place, structure) in body.iter().enumerate() {
        match structure {
            Structure::Attribute(attribute) => {
                run.push((place, attribute.key.as_str().len()));
                if matches!(attribute.value, Expression::HeredocTemplate(_)) {
                    end(&mut run);
                }
            }
            Structure::Block(_) => end(&mut run),
        }
    }
    end(&mut run);
    widths
}

#[cfg(test)]
mod tests {
    use crate::rules::form;
    use crate::rules::form::testing::yaml_rule;

    const RULE: &str = "id: 7c0a4d4e-4f63-4d57-9d3a-5b7f0b6f6a10\nname: '2 Loud hosts, again'\nkind: Scheduled\nseverity: Medium\n\
        queryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\ntriggerThreshold: 0\nstatus: Available\nquery: |\n  SecurityAlert\n  \
        | where AlertName has '${x}' // QUERY\n  QUERY\nentityMappings:\n  - entityType: Host\n    fieldMappings:\n      - identifier: \
        FullName\n        columnName: CompromisedEntity\ncustomDetails:\n  Who: AlertName\nincidentConfiguration:\n  createIncident: \
        true\nversion: 1.0.2\nrequiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes: [SecurityAlert (ASC)]\n";

    const FILE: &str = r#"variable "log_analytics_workspace_id" {
  description = "The resource id of the Log Analytics workspace that the rules are for."
  type        = string
}

resource "azurerm_sentinel_alert_rule_scheduled" "rule_2_loud_hosts_again" {
  name                       = "7c0a4d4e-4f63-4d57-9d3a-5b7f0b6f6a10"
  log_analytics_workspace_id = var.log_analytics_workspace_id
  display_name               = "2 Loud hosts, again"
  severity                   = "Medium"
  query_frequency            = "PT1H"
  query_period               = "P1D"
  trigger_operator           = "GreaterThan"
  trigger_threshold          = 0
  query                      = <<QUERY_
SecurityAlert
| where AlertName has '$${x}' // QUERY
QUERY
QUERY_
  custom_details              = { Who = "AlertName" }
  alert_rule_template_version = "1.0.2"

  entity_mapping {
    entity_type = "Host"

    field_mapping {
      identifier  = "FullName"
      column_name = "CompromisedEntity"
    }
  }

  incident {
    create_incident_enabled = true

    grouping {
      enabled                 = false
      reopen_closed_incidents = false
      lookback_duration       = "PT5H"
      entity_matching_method  = "AllEntities"
    }
  }
}

locals {
  sentinel_rule_rule_2_loud_hosts_again = { status = "Available", requiredDataConnectors = [{ connectorId = "AzureSecurityCenter", dataTypes = ["SecurityAlert (ASC)"] }] }
}
"#;

    #[test]
    fn a_rule_is_a_resource_that_deploys() {
        let rule = yaml_rule(RULE);
        let (text, left) = super::write(&[&rule]);
        assert_eq!((text.as_str(), left.len()), (FILE, 0));
        let reading = form::read("rules.tf".as_ref(), &text).unwrap().unwrap();
        assert_eq!(reading.problems, []);
        let (again, _) = super::write(&[&reading.rules[0]]);
        assert_eq!(again, text);
    }

    #[test]
    fn what_the_provider_insists_on_is_there() {
        let nrt = yaml_rule("kind: NRT\nname: n\nseverity: Low\nquery: T\n");
        let made = yaml_rule(
            "kind: MicrosoftSecurityIncidentCreation\nname: n\nproductFilter: Azure Security Center\nversion: 1.0.0\n",
        );
        let fusion = yaml_rule("kind: Fusion\nname: f\n");
        let (text, left) = super::write(&[&nrt, &made, &fusion]);
        assert_eq!(left.iter().map(|rule| rule.title()).collect::<Vec<_>>(), ["f"]);
        for part in [
            "\"azurerm_sentinel_alert_rule_nrt\" \"n\"",
            "aggregation_method = \"SingleAlert\"",
            "\"azurerm_sentinel_alert_rule_ms_security_incident\" \"n_2\"",
            "severity_filter            = [\"High\", \"Medium\", \"Low\", \"Informational\"]",
            "sentinel_rule_n_2 = { templateVersion = \"1.0.0\" }",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn an_expression_of_terraform_stays_one() {
        let text = "resource \"azurerm_sentinel_alert_rule_nrt\" \"n\" {\n  display_name = \"n ${var.a}\"\n  enabled = var.on\n  \
            query = \"T\"\n}\n";
        let reading = form::read("rules.tf".as_ref(), text).unwrap().unwrap();
        let (again, _) = super::write(&[&reading.rules[0]]);
        assert!(again.contains("= \"n ${var.a}\"\n") && again.contains("= var.on\n"), "{again}");
        assert_eq!(reading.rules[0].document.open().len(), 2);
        let text = "resource \"azurerm_sentinel_alert_rule_ms_security_incident\" \"n\" {\n  display_name = \"n\"\n  \
            severity_filter = var.all\n}\nresource \"azurerm_sentinel_alert_rule_nrt\" \"m\" {\n  display_name = \"m\"\n  \
            dynamic \"entity_mapping\" {\n    for_each = var.all\n    content {}\n  }\n}\n";
        let reading = form::read("rules.tf".as_ref(), text).unwrap().unwrap();
        let (again, _) = super::write(&[&reading.rules[0], &reading.rules[1]]);
        for part in ["severity_filter            = var.all\n", "dynamic \"entity_mapping\" {\n", "for_each = var.all\n"]
        {
            assert!(again.contains(part), "{part}: {again}");
        }
        assert!(!again.contains("\n  entity_mapping {"), "{again}");
    }
}
