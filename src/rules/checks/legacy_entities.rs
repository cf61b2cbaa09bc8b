use super::{Check, Subject};
use crate::diagnostic::Diagnostic;

pub(super) const CHECK: Check = Check {
    code: "AQ533",
    name: "legacy-entity-column",
    why: "Columns such as AccountCustomEntity made entities before mappings did: without a mapping they make none.",
    bad: "query: SecurityAlert | extend HostCustomEntity = CompromisedEntity",
    good: "query: SecurityAlert | extend HostCustomEntity = CompromisedEntity\nentityMappings:\n  - entityType: Host\n    \
           fieldMappings:\n      - identifier: FullName\n        columnName: HostCustomEntity",
    find,
};

const COLUMNS: [&str; 6] = [
    "AccountCustomEntity",
    "HostCustomEntity",
    "IPCustomEntity",
    "URLCustomEntity",
    "ProcessCustomEntity",
    "FileHashCustomEntity",
];

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some(detection) = subject.rule.detection() else { return Vec::new() };
    let mapped = detection.expected_columns();
    let unmapped = COLUMNS.iter().filter(|name| !mapped.iter().any(|column| column.value == **name));
    let used = unmapped.filter_map(|name| subject.tokens.iter().find(|token| subject.text(token) == *name));
    let problem = |token| {
        let name = subject.text(token);
        let message = format!("'{name}' makes no entity unless entityMappings names it");
        let entity = name.strip_suffix("CustomEntity").unwrap_or(name);
        Diagnostic::warning(CHECK.code, subject.place(token), message)
            .help(format!("map it to an entity of type {entity} in entityMappings"))
    };
    used.map(problem).collect()
}
