//! Rules of the PowerShell module AzSentinel: lists under the names of their kinds.

use super::Reading;
use super::expression::entry;
use super::fit::{Fitted, Fitter};
use super::typed::{self, Head};
use crate::diagnostic::Span;
use crate::rules::document::{Entry, Node, Value};
use crate::rules::model::{Form, Kind};

/// Reads the lists under names of kinds; none where there is no such list.
pub(super) fn read(root: &Node, file: &str) -> Option<Reading> {
    let lists: Vec<(Kind, &Node)> = Kind::ALL
        .iter()
        .filter_map(|kind| Some((*kind, root.get(kind.word()).filter(|node| is_list(node))?)))
        .collect();
    if lists.is_empty() {
        return None;
    }
    let mut fitter = Fitter { form: Form::AzSentinel, problems: Vec::new() };
    let mut rules = Vec::new();
    for (kind, list) in lists {
        for item in list.items() {
            let start = Span::new(item.span.start, item.span.start + 1);
            let Fitted { document, faulty } = fitter.rule(kind, &gathered(item.entries()));
            let head = Head { form: Form::AzSentinel, kind, id: None, start, envelope: Vec::new(), faulty };
            rules.push(typed::rule(head, document, file));
        }
    }
    Some(Reading { rules, problems: fitter.problems })
}

fn is_list(node: &Node) -> bool {
    matches!(node.value, Value::List(_))
}

/// Puts keys of the module's first versions where the API has them.
fn gathered(entries: &[Entry]) -> Vec<Entry> {
    const PLACES: [(&str, &str); 3] = [
        ("aggregationKind", "eventGroupingSettings"),
        ("createIncident", "incidentConfiguration"),
        ("groupingConfiguration", "incidentConfiguration"),
    ];
    let mut gathered: Vec<Entry> = Vec::new();
    for written in entries {
        let place = PLACES.iter().find(|(key, _)| key.eq_ignore_ascii_case(&written.key.value));
        let Some((_, group)) = place else {
            gathered.push(written.clone());
            continue;
        };
        match gathered.iter_mut().find(|entry| entry.key.value == *group) {
            Some(Entry { value: Node { value: Value::Map(inner), .. }, .. }) => inner.push(written.clone()),
            _ => {
                let inner = Node { value: Value::Map(vec![written.clone()]), span: written.value.span };
                gathered.push(entry(group, inner));
            }
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use crate::rules::form::testing::json_rules;
    use crate::rules::model::{EventGrouping, MatchingMethod};

    #[test]
    fn keys_of_every_version_are_read() {
        let reading = json_rules(
            r#"{"Scheduled": [{"DisplayName": "a", "queryFrequency": "5H", "aggregationKind": "AlertPerResult", "createIncident": true,
            "groupingConfiguration": {"enabled": true, "entitiesMatchingMethod": "All", "groupByEntities": ["Ip"]}}], "Fusion": [{}]}"#,
        );
        assert_eq!((reading.problems, reading.rules.len()), (vec![], 2));
        let detection = reading.rules[0].detection().unwrap();
        assert_eq!(detection.grouping_of_events(), EventGrouping::AlertPerResult);
        assert_eq!(detection.incident.active_grouping().map(|g| g.matching()), Some(MatchingMethod::AllEntities));
        assert_eq!(
            reading.rules[0].schedule().and_then(|s| s.frequency).map(|f| f.value.to_string()).as_deref(),
            Some("5h")
        );
    }
}
