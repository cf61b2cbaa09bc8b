//! Rules as resources: in templates of Azure Resource Manager, in what Bicep is built to, in answers of the REST API.

use super::expression::{Scope, UNKNOWN};
use super::fit::{Fitted, Fitter};
use super::typed::{self, Head};
use super::{Reading, kind_of};
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::document::{Entry, Located, Node, Value};
use crate::rules::model::{Form, Kind};

/// A loop repeats a resource no more often than this.
const MOST_COPIES: usize = 10_000;

/// Endings of the resource types that hold rules, or templates of rules.
const TYPES: [&str; 3] = ["alertrules", "alertruletemplates", "securitymlanalyticssettings"];

/// Reads every rule of a document, however deep it lies; none where there is none.
pub(super) fn read(root: &Node, file: &str) -> Option<Reading> {
    let form = if root.get("resources").is_some() { Form::Arm } else { Form::Rest };
    let mut reader = Reader { file, fitter: Fitter { form, problems: Vec::new() }, rules: Vec::new() };
    reader.search(root, &Scope::default());
    let found = !reader.rules.is_empty() || !reader.fitter.problems.is_empty();
    found.then_some(Reading { rules: reader.rules, problems: reader.fitter.problems })
}

struct Reader<'a> {
    file: &'a str,
    fitter: Fitter,
    rules: Vec<crate::rules::Rule>,
}

impl Reader<'_> {
    fn search<'n>(&mut self, node: &'n Node, scope: &Scope<'n>) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.search(item, scope)),
            Value::Map(_) if is_rule(node) => self.repeated(node, scope),
            Value::Map(entries) => {
                let inner = if node.get("resources").is_some() { scope.within(node) } else { scope.clone() };
                for entry in entries {
                    self.search(&entry.value, &inner);
                }
            }
            _ => {}
        }
    }

    /// Reads a resource as often as its loop says.
    fn repeated(&mut self, node: &Node, scope: &Scope) {
        let Some(copy) = node.get("copy") else { return self.rule(node, scope) };
        let count = copy.get("count").map(|count| scope.resolve(count));
        let count = count.as_ref().and_then(Node::as_text).and_then(|count| count.parse::<usize>().ok());
        match count.filter(|count| *count <= MOST_COPIES) {
            Some(count) => (0..count).for_each(|iteration| self.rule(node, &scope.iteration(iteration))),
            None => self.rule(node, scope),
        }
    }

    fn rule(&mut self, node: &Node, scope: &Scope) {
        let start = Span::new(node.span.start, node.span.start + 1);
        let Some(kind) = node.get("kind").map(|kind| scope.resolve(kind)) else {
            let problem = Diagnostic::error("AQ501", start, "the key 'kind' is missing");
            let words: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            self.fitter.problems.push(problem.help(format!("say one of: {}", words.join(", "))));
            return;
        };
        let (kind, problem) = kind_of(&kind);
        let wrong_kind = problem.is_some();
        self.fitter.problems.extend(problem);
        let Some(kind) = kind else { return };
        // Answers of the API have no expressions: what looks like one is a text.
        let resolve = |node| if self.fitter.form == Form::Arm { scope.resolve(node) } else { node.clone() };
        let properties = node.get("properties").map(resolve);
        let entries = properties.as_ref().map(Node::entries).unwrap_or_default();
        let mut entries: Vec<Entry> = entries.to_vec();
        // What other forms of file say and ARM has no place for: Azure leaves `metadata` alone.
        if let Some(metadata) = node.get("metadata") {
            entries.extend(metadata.entries().iter().filter(|entry| is_kept(&entry.key.value)).cloned());
        }
        let Fitted { document, faulty } = self.fitter.rule(kind, &entries);
        let (form, faulty) = (self.fitter.form, faulty || wrong_kind);
        let head = Head { form, kind, id: id(node, scope), start, envelope: envelope(node), faulty };
        self.rules.push(typed::rule(head, document, self.file));
    }
}

/// Keys that ARM has no place for, and that stand in a resource's `metadata`.
pub(crate) const KEPT: [&str; 5] = ["requiredDataConnectors", "status", "tags", "metadata", "description-detailed"];

fn is_kept(key: &str) -> bool {
    KEPT.contains(&key)
}

/// Tells rules from other resources: by their type, or by their kind where an answer of the API has no type.
fn is_rule(node: &Node) -> bool {
    let Some(properties) = node.get("properties") else { return false };
    match node.get("type").and_then(Node::as_text) {
        Some(text) => {
            let last = text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            TYPES.contains(&last.as_str())
        }
        None => {
            let kind = node.get("kind").and_then(Node::as_text).unwrap_or_default();
            Kind::ALL.iter().any(|known| known.word() == kind) && !properties.entries().is_empty()
        }
    }
}

/// Returns the last part of a resource's name, where it is known.
fn id(node: &Node, scope: &Scope) -> Option<Located<String>> {
    let name = node.get("name")?;
    let text = scope.partly(name)?;
    let last = text.rsplit('/').next().unwrap_or_default();
    let known = !last.is_empty() && !last.contains([UNKNOWN, '[']);
    known.then(|| Located { value: last.to_string(), span: name.span })
}

fn envelope(node: &Node) -> Vec<Entry> {
    let own = ["kind", "properties"];
    let is_own = |entry: &&Entry| own.iter().any(|key| entry.key.value.eq_ignore_ascii_case(key));
    let mut envelope: Vec<Entry> = node.entries().iter().filter(|entry| !is_own(entry)).cloned().collect();
    for entry in envelope.iter_mut().filter(|entry| entry.key.value.eq_ignore_ascii_case("metadata")) {
        entry.key.value = "metadata".to_string();
        if let Value::Map(entries) = &mut entry.value.value {
            entries.retain(|entry| !is_kept(&entry.key.value));
        }
    }
    envelope
}

#[cfg(test)]
mod tests {
    use crate::rules::form::testing::json_rules;
    use crate::rules::model::{Form, Kind};

    /// As the portal exports rules, with a parameter for the workspace that has no default.
    const EXPORT: &str = r#"{"$schema": "x", "parameters": {"workspace": {"type": "String"}}, "resources": [{
        "id": "[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace')), '/alertRules/6d1b4c1e')]",
        "name": "[concat(parameters('workspace'), '/Microsoft.SecurityInsights/6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11')]",
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "kind": "Scheduled", "apiVersion": "2022-09-01-preview",
        "properties": {"displayName": "Loud hosts", "severity": "High", "enabled": true, "query": "SecurityAlert\n| where Severty == \"\u00fc\"",
            "queryFrequency": "PT1H", "queryPeriod": "P1D", "triggerOperator": "GreaterThan", "triggerThreshold": 0,
            "customDetails": null, "displyName": "x", "tactics": "Impact"}}]}"#;

    #[test]
    fn an_export_of_the_portal_is_read() {
        let reading = json_rules(EXPORT);
        let rule = &reading.rules[0];
        assert_eq!((rule.form, rule.kind(), rule.title()), (Form::Arm, Kind::Scheduled, "Loud hosts"));
        assert_eq!(rule.id.as_ref().map(|id| id.value.as_str()), Some("6d1b4c1e-0d4f-4c5e-8a0c-0f0d3a6c9b11"));
        assert_eq!(rule.envelope.len(), 4);
        let found: Vec<_> = reading.problems.iter().map(|p| (p.code, &EXPORT[p.span.start..p.span.end])).collect();
        assert_eq!(found, [("AQ511", "displyName"), ("AQ514", "\"Impact\"")]);
        let query = rule.query().unwrap();
        let at = query.text.find("Severty").unwrap();
        let span = query.place(crate::diagnostic::Span::new(at, at + 7));
        assert_eq!(&EXPORT[span.start..span.end], "Severty");
    }

    #[test]
    fn what_bicep_builds_is_read() {
        let text = r#"{"languageVersion": "2.0", "parameters": {"workspaceName": {"type": "string"}},
            "variables": {"$fxv#0": "SecurityAlert | count", "rules": [{"name": "one"}, {"name": "two"}]},
            "resources": {"rule": {"copy": {"name": "rule", "count": "[length(variables('rules'))]"},
                "type": "Microsoft.SecurityInsights/alertRules", "apiVersion": "2025-09-01", "kind": "NRT",
                "scope": "[resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspaceName'))]",
                "name": "[guid(variables('rules')[copyIndex()].name)]", "properties": {"severity": "Low", "enabled": true,
                    "displayName": "[format('Rule {0}', variables('rules')[copyIndex()].name)]", "query": "[variables('$fxv#0')]"}}}}"#;
        let reading = json_rules(text);
        assert_eq!(reading.problems, []);
        let names: Vec<_> = reading.rules.iter().map(crate::rules::Rule::title).collect();
        assert_eq!(names, ["Rule one", "Rule two"]);
        let query = reading.rules[0].query().unwrap();
        assert_eq!(&text[query.span.start..query.span.end], "\"SecurityAlert | count\"");
        assert_eq!(reading.rules[0].id, None);
    }

    #[test]
    fn nested_templates_have_variables_of_their_own() {
        let text = r#"{"parameters": {}, "variables": {"p": "Azure Security Center", "n": "outer"}, "resources": [
            {"type": "Microsoft.Resources/deployments", "properties": {"mode": "Incremental", "template": {
                "variables": {"n": "inner"}, "resources": [{"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                    "kind": "MicrosoftSecurityIncidentCreation", "name": "w/Microsoft.SecurityInsights/a", "properties": {
                        "displayName": "[variables('n')]", "productFilter": "[variables('p')]", "enabled": "[parameters('on')]"}}]}}}]}"#;
        let reading = json_rules(text);
        let codes: Vec<_> = reading.problems.iter().map(|problem| (problem.code, problem.severity.word())).collect();
        assert_eq!(codes, [("AQ515", "information")]);
        assert_eq!(reading.rules[0].title(), "inner");
    }

    #[test]
    fn answers_of_the_api_have_no_expressions() {
        let text = r#"{"name": "a", "kind": "NRT", "properties": {"displayName": "[x] and [y]", "query": "[[\"T\"] | count"}}"#;
        let reading = json_rules(text);
        assert_eq!((reading.rules[0].title(), reading.problems), ("[x] and [y]", vec![]));
        assert_eq!(reading.rules[0].query().map(|query| query.text.as_str()), Some("[[\"T\"] | count"));
    }

    #[test]
    fn answers_of_the_api_are_read() {
        let text = r#"{"value": [{"id": "/subscriptions/s/alertRules/a", "name": "a", "etag": "e", "type": "Microsoft.SecurityInsights/alertRules",
            "kind": "Fusion", "properties": {"alertRuleTemplateName": "t", "enabled": true, "severity": "High"}}, {"kind": "Fushion",
            "type": "Microsoft.SecurityInsights/alertRules", "properties": {}}]}"#;
        let reading = json_rules(text);
        assert_eq!(
            (reading.rules[0].form, reading.rules[0].kind(), reading.rules.len()),
            (Form::Rest, Kind::Fusion, 1)
        );
        assert_eq!(reading.problems[0].help.as_deref(), Some("did you mean 'Fusion'?"));
        assert_eq!(crate::rules::form::read("a.json".as_ref(), r#"{"value": [{"kind": "x"}]}"#), Ok(None));
    }
}
