//! Reads a file of tests.

use std::collections::BTreeMap;

use super::records::json_of;
use super::run::RULE;
use super::{Case, Expect, Records, Scenario, When};
use crate::catalog::tables::TableInfo;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::rules::Workspace;
use crate::rules::document::{Entry, Located, Node, Value, yaml};
use crate::rules::model::Duration;
use crate::rules::row::{Alert, Incident, Row};
use crate::types::ticks;

const KEYS: [&str; 7] = ["rules", "create_incidents", "assume", "workspace", "start", "records", "cases"];
const CASE_KEYS: [&str; 8] = ["name", "each", "records", "at", "from", "to", "close", "expect"];
const EXPECT_KEYS: [&str; 5] = ["alerts", "alert_count", "incidents", "incident_count", "incident_rows"];

/// What offsets count from where the file does not say: 2026-01-01.
const START: &str = "2026-01-01T00:00:00Z";

/// Reads a file of tests. Fails with what is wrong with it, each problem with its place.
///
/// ```
/// let text = "cases:\n- name: quiet\n  at: +1h\n  expct: {alerts: []}\n";
/// let problems = alertq::rules::scenario::read(text).unwrap_err();
/// assert_eq!(problems[0].help.as_deref(), Some("did you mean 'expect'?"));
/// ```
pub fn read(text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    let root = yaml::read(text).map_err(|problem| vec![problem])?;
    let mut reader = Reader { start: ticks::parse_datetime(START).unwrap_or_default(), problems: Vec::new() };
    let scenario = reader.scenario(&root);
    if reader.problems.is_empty() { Ok(scenario) } else { Err(reader.problems) }
}

struct Reader {
    start: i64,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn scenario(&mut self, root: &Node) -> Scenario {
        if root.get("cases").is_none() && root.get("query").is_some() {
            self.wrong(root.span, "this is a rule, and no tests of one: they are in a file that ends in .test.yaml");
            return Scenario::default();
        }
        self.known(root, &KEYS);
        if let Some(start) = root.get("start") {
            self.start = self.moment(start).unwrap_or(self.start);
        }
        let mut scenario = Scenario {
            rules: root.get("rules").map(|node| texts(Some(node))),
            create_incidents: texts(root.get("create_incidents")),
            start: self.start,
            records: self.records(root.get("records")),
            ..Scenario::default()
        };
        for Entry { key, value } in root.get("assume").map(Node::entries).unwrap_or_default() {
            let answer = value.as_text().unwrap_or_default();
            if let Err(error) = scenario.assumptions.assume(&key.value, answer) {
                self.wrong(key.span, error);
            }
        }
        if let Some(workspace) = root.get("workspace") {
            self.known(workspace, &["id", "resource", "portal", "xdr_incidents"]);
            let in_defender_portal = match workspace.get("portal").map(|node| (node.as_text(), node.span)) {
                None | Some((Some("azure"), _)) => false,
                Some((Some("defender"), _)) => true,
                Some((_, span)) => {
                    self.wrong(span, "the portal is azure or defender");
                    false
                }
            };
            let xdr_incidents = match workspace.get("xdr_incidents").map(|node| (&node.value, node.span)) {
                None => false,
                Some((Value::Bool(on), _)) => *on,
                Some((_, span)) => {
                    self.wrong(span, "'xdr_incidents' is true or false");
                    false
                }
            };
            let text = |key: &str| workspace.get(key).and_then(Node::as_text).map(str::to_string);
            let default = Workspace::default();
            scenario.workspace = Workspace {
                id: text("id").unwrap_or(default.id),
                resource: text("resource").unwrap_or_default(),
                in_defender_portal,
                xdr_incidents,
            };
        }
        match root.get("cases") {
            Some(cases) if !cases.items().is_empty() => {
                for case in cases.items() {
                    let made = self.cases(case);
                    scenario.cases.extend(made);
                }
            }
            other => self.wrong(other.map_or(root.span, |node| node.span), "there are no cases: say cases: and a list"),
        }
        scenario
    }

    /// Makes the cases of an item: one, or one for each set of parameters.
    fn cases(&mut self, node: &Node) -> Vec<Case> {
        self.known(node, &CASE_KEYS);
        let Some(sets) = node.get("each") else { return vec![self.case(node, String::new(), false)] };
        let mut cases = Vec::new();
        for set in sets.items() {
            let parameters: BTreeMap<&str, &Node> =
                set.entries().iter().map(|entry| (entry.key.value.as_str(), &entry.value)).collect();
            let shown: Vec<_> = set
                .entries()
                .iter()
                .map(|entry| format!("{}={}", entry.key.value, entry.value.as_text().unwrap_or("...")))
                .collect();
            let mut filled = node.clone();
            if let Value::Map(entries) = &mut filled.value {
                entries.retain(|entry| entry.key.value != "each");
            }
            self.fill(&mut filled, &parameters);
            cases.push(self.case(&filled, format!(" [{}]", shown.join(", ")), true));
        }
        if cases.is_empty() {
            self.wrong(sets.span, "'each' is a list of parameters, such as [{severity: High}, {severity: Low}]");
        }
        cases
    }

    /// Puts parameters in the place of `${name}`; a text that is nothing else becomes the parameter, whatever it is.
    fn fill(&mut self, node: &mut Node, parameters: &BTreeMap<&str, &Node>) {
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.fill(item, parameters)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| self.fill(&mut entry.value, parameters)),
            Value::Text(text) | Value::Expression(text) if text.contains("${") => {
                let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
                if let Some(value) = whole.and_then(|name| parameters.get(name)) {
                    node.value = value.value.clone();
                    return;
                }
                let (mut filled, mut rest) = (String::new(), text.as_str());
                let mut unknown = Vec::new();
                while let Some((before, (name, behind))) =
                    rest.split_once("${").and_then(|(before, after)| Some((before, after.split_once('}')?)))
                {
                    filled.push_str(before);
                    match parameters.get(name) {
                        Some(value) => filled.push_str(&shown(value)),
                        None => unknown.push(name.to_string()),
                    }
                    rest = behind;
                }
                filled.push_str(rest);
                node.value = Value::Text(filled);
                let known: Vec<_> = parameters.keys().copied().collect();
                for name in unknown {
                    let known = known.join(", ");
                    self.wrong(node.span, format!("no parameter is called '{name}'; there are: {known}"));
                }
            }
            _ => {}
        }
    }

    fn case(&mut self, node: &Node, parameters: String, has_parameters: bool) -> Case {
        let name = node.get("name").and_then(Node::as_text).unwrap_or_default();
        if name.is_empty() {
            self.wrong(node.span, "the case has no name");
        }
        let closings = node.get("close").map(Node::items).unwrap_or_default().iter().filter_map(|closing| {
            self.known(closing, &["title", "at"]);
            let title = closing.get("title").and_then(Node::as_text).map(str::to_string);
            let at = closing.get("at").and_then(|at| self.moment(at));
            if title.is_none() || at.is_none() {
                self.wrong(closing.span, "what is closed has a title and a moment: {title: TEXT, at: +1h}");
            }
            Some((at?, title?))
        });
        let closings = closings.collect();
        let span = node.get("name").map_or(node.span, |name| name.span);
        let (records, when) = (self.records(node.get("records")), self.when(node));
        Case {
            name: format!("{name}{parameters}"),
            span,
            records,
            when,
            closings,
            expect: self.expect(node),
            has_parameters,
        }
    }

    fn when(&mut self, node: &Node) -> When {
        let moments = match node.get("at") {
            Some(Node { value: Value::List(items), .. }) => items.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let moments: Vec<i64> = moments.into_iter().filter_map(|moment| self.moment(moment)).collect();
        let (from, to) = (node.get("from"), node.get("to"));
        match (from, to) {
            (None, None) if moments.is_empty() => When::Never,
            (None, None) => When::At(moments),
            (Some(from), Some(to)) if moments.is_empty() => {
                let ends = (self.moment(from), self.moment(to));
                if let (Some(from), Some(end)) = ends
                    && end < from
                {
                    self.wrong(to.span, "the period ends before it begins");
                }
                When::Period(ends.0.unwrap_or_default(), ends.1.unwrap_or_default())
            }
            _ => {
                self.wrong(node.span, "say moments with at:, or a period with from: and to:");
                When::Never
            }
        }
    }

    fn expect(&mut self, node: &Node) -> Expect {
        let Some(expect) = node.get("expect").filter(|expect| !expect.entries().is_empty()) else {
            self.wrong(node.span, "the case expects nothing: say expect: with alerts: or incidents:");
            return Expect::default();
        };
        self.known(expect, &EXPECT_KEYS);
        let mut list = |key: &str| {
            // An empty list is null to nobody: `alerts: []` is silence.
            let found = expect.entries().iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)?;
            if !matches!(found.value, Value::List(_)) {
                self.wrong(found.span, format!("'{key}' is a list; [] is none at all"));
            }
            found.items().iter().for_each(|item| self.expected(item, key));
            Some(found.clone())
        };
        let (alerts, incidents, incident_rows) = (list("alerts"), list("incidents"), list("incident_rows"));
        let mut count = |key: &str| {
            let node = expect.get(key)?;
            let count = node.as_text().and_then(|text| text.parse().ok());
            if count.is_none() {
                self.wrong(node.span, format!("'{key}' is a whole number"));
            }
            Some(Located { value: count?, span: node.span })
        };
        let (alert_count, incident_count) = (count("alert_count"), count("incident_count"));
        Expect { span: expect.span, alerts, incidents, incident_rows, alert_count, incident_count }
    }

    /// Looks at what is said of one row that is expected: it must name columns.
    fn expected(&mut self, item: &Node, key: &str) {
        let Value::Map(entries) = &item.value else {
            let what = item.what();
            return self
                .wrong(item.span, format!("what is expected has keys, as in {{Title: Port scan}}; here is {what}"));
        };
        let table = if key == "alerts" { Alert::TABLE } else { Incident::TABLE };
        let columns = TableInfo::find(table).map(TableInfo::shown).unwrap_or_default();
        let own = (key == "alerts").then_some(RULE);
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).chain(own).collect();
        for Entry { key, .. } in entries.iter().filter(|entry| !known.contains(&entry.key.value.as_str())) {
            let problem = Diagnostic::error("AQ652", key.span, format!("{table} has no column '{}'", key.value));
            self.problems.push(match nearest(&key.value, known.iter().copied()) {
                Some(near) => problem.help(format!("did you mean '{near}'?")),
                None => problem.help(format!("`alertq schema {table}` lists its columns")),
            });
        }
    }

    fn records(&mut self, node: Option<&Node>) -> Vec<Records> {
        let Some(node) = node else { return Vec::new() };
        if node.entries().is_empty() {
            self.wrong(node.span, "'records' has tables, each with a list: SecurityAlert: [{AlertSeverity: High}]");
        }
        let records = |entry: &Entry| {
            if !matches!(entry.value.value, Value::List(_) | Value::Null) {
                let name = &entry.key.value;
                self.wrong(entry.value.span, format!("the records of {name} are a list: [{{Column: value}}]"));
            }
            Records { table: entry.key.clone(), items: entry.value.items().to_vec() }
        };
        node.entries().iter().map(records).collect()
    }

    fn moment(&mut self, node: &Node) -> Option<i64> {
        let text = node.as_text().unwrap_or_default();
        let moment = moment(text, self.start);
        if moment.is_none() {
            let message = format!("'{text}' is no moment; say 2026-01-31T08:00:00Z, or +5m from the start");
            self.wrong(node.span, message);
        }
        moment
    }

    fn known(&mut self, node: &Node, keys: &[&'static str]) {
        for entry in node.entries() {
            if keys.contains(&entry.key.value.as_str()) {
                continue;
            }
            let problem = Diagnostic::error("AQ650", entry.key.span, format!("unknown key '{}'", entry.key.value));
            self.problems.push(match nearest(&entry.key.value, keys.iter().copied()) {
                Some(near) => problem.help(format!("did you mean '{near}'?")),
                None => problem.help(format!("the keys are: {}", keys.join(", "))),
            });
        }
    }

    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(Diagnostic::error("AQ651", span, message));
    }
}

/// Returns a parameter as it stands within a text.
fn shown(value: &Node) -> String {
    value.as_text().map_or_else(|| json_of(value).to_string(), str::to_string)
}

/// Reads a moment, or how long before or after the start it is: `+5m`, `-1h`.
pub(super) fn moment(text: &str, start: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(after) = text.strip_prefix('+') {
        return start.checked_add(Duration::read(after)?.ticks());
    }
    if let Some(before) = text.strip_prefix('-') {
        return start.checked_sub(Duration::read(before)?.ticks());
    }
    ticks::parse_datetime(text)
}

/// Returns one text, or those of a list.
fn texts(node: Option<&Node>) -> Vec<Located<String>> {
    match node {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(Node::located).collect(),
        Some(one) => one.located().into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the cases, and the first expected alert of each.
    fn cases(each: &str) -> Vec<(String, Value)> {
        let text = format!(
            "cases:\n- name: \"of ${{x}}, ${{x}}\"\n  each: {each}\n  at: +1h\n  expect: {{alerts: [{{Entities: \"${{x}}\"}}]}}\n"
        );
        let scenario = read(&text).unwrap();
        let expected = |case: &Case| case.expect.alerts.clone().unwrap().items()[0].entries()[0].value.value.clone();
        scenario.cases.iter().map(|case| (case.name.clone(), expected(case))).collect()
    }

    #[test]
    fn a_parameter_is_what_it_is_and_a_part_of_a_text_is_text() {
        let found = cases("[{x: a}, {x: [1, b]}, {x: 'q${y}'}, {x: null}]");
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["of a, a [x=a]", "of [1,\"b\"], [1,\"b\"] [x=...]", "of q${y}, q${y} [x=q${y}]", "of null, null [x=...]"]
        );
        assert!(matches!(&found[1].1, Value::List(items) if items.len() == 2));
        assert_eq!(found[2].1, Value::Text("q${y}".to_string()));
    }

    #[test]
    fn a_parameter_that_is_not_there_is_told() {
        let text = "cases:\n- name: n\n  each: [{x: 1}]\n  records: {Syslog: [{Computer: 'a${z} and ${x'}]}\n  at: +1h\n  expect: {alerts: []}\n";
        let problems = read(text).unwrap_err();
        assert_eq!(
            problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>(),
            ["no parameter is called 'z'; there are: x"]
        );
    }
}
