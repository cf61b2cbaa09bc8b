use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::rules::model::{Form, Located};

pub(super) const CHECK: Check = Check {
    code: "AQ548",
    name: "unknown-connector",
    why: "Content hub finds what a rule needs by the ids of connectors, and Azure-Sentinel takes those of its list alone.",
    bad: "requiredDataConnectors:\n  - connectorId: AzureSecurityCentre\n    dataTypes: [SecurityAlert (ASC)]",
    good: "requiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes: [SecurityAlert (ASC)]",
    find,
};

/// The ids that Azure-Sentinel's build takes, one a line, without regard to case in their order.
const KNOWN: &str = include_str!("connector-ids.txt");

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let detection = subject.rule.detection().filter(|_| subject.rule.form == Form::Yaml);
    let named = detection.into_iter().flat_map(|detection| &detection.connectors);
    named.filter_map(|connector| connector.connector.as_ref()).filter_map(unknown).collect()
}

fn unknown(connector: &Located<String>) -> Option<Diagnostic> {
    if KNOWN.lines().any(|known| known == connector.value) {
        return None;
    }
    let problem = Diagnostic::warning(
        CHECK.code,
        connector.span,
        format!("Azure-Sentinel's list has no connector '{}'", connector.value),
    );
    Some(match nearest(&connector.value, KNOWN.lines()) {
        Some(near) => problem.help(format!("did you mean '{near}'?")),
        // A connector of one's own is nobody's mistake.
        None => Diagnostic { severity: Severity::Information, ..problem }
            .help("a new connector has to be added to that list; your own repository may name what it likes"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_a_connector_of_ones_own() {
        let of = |id: &str| {
            let problem = unknown(&Located { value: id.to_string(), span: Default::default() });
            problem.map(|problem| (problem.severity, problem.help.unwrap_or_default()))
        };
        assert_eq!(of("SecurityEvents"), None);
        assert_eq!(of("securityEvents"), Some((Severity::Warning, "did you mean 'SecurityEvents'?".to_string())));
        assert_eq!(of("HarborGateOfOurOwn").map(|(severity, _)| severity), Some(Severity::Information));
    }

    #[test]
    fn each_id_stands_once() {
        let mut all: Vec<&str> = KNOWN.lines().collect();
        let count = all.len();
        all.dedup();
        assert!(count == all.len() && count > 200 && all.iter().all(|id| !id.trim().is_empty()));
    }
}
