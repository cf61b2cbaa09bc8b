use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Located;
use crate::types::ScalarType;

pub(super) const CHECK: Check = Check {
    code: "AQ529",
    name: "column-type",
    why: "Identifiers, severities and tactics are texts: what a bag or a duration gives is no identifier.",
    bad: "entityMappings:\n  - entityType: Host\n    fieldMappings:\n      - identifier: FullName\n        columnName: Bag\n\
          query: SecurityAlert | extend Bag = parse_json(Entities)",
    good: "entityMappings:\n  - entityType: Host\n    fieldMappings:\n      - identifier: FullName\n        columnName: \
           CompromisedEntity",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let (Some(result), Some(detection)) = (subject.columns, subject.rule.detection()) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut check = |column: &Located<String>, what: &str, fits: fn(ScalarType) -> bool, help: &str| {
        let scalar_type = result.iter().find(|known| known.name == column.value).map(|known| known.scalar_type);
        if let Some(wrong) = scalar_type.filter(|scalar_type| !fits(*scalar_type)) {
            let message = format!("the column '{}' is {}: that is no {what}", column.value, wrong.name());
            problems.push(Diagnostic::warning(CHECK.code, column.span, message).help(help));
        }
    };
    for field in detection.entity_mappings.iter().flat_map(|mapping| &mapping.fields) {
        if let Some(column) = &field.column {
            check(column, "identifier", is_identifier, "take the part that names the entity: tostring(Bag.HostName)");
        }
    }
    for column in &detection.sentinel_entities {
        let fits = |scalar_type| matches!(scalar_type, ScalarType::String | ScalarType::Dynamic);
        check(column, "list of entities", fits, "give a column with entities, such as SecurityAlert's Entities");
    }
    let overrides = &detection.overrides;
    if let Some(column) = &overrides.severity_column {
        let fits = |scalar_type| matches!(scalar_type, ScalarType::String);
        check(column, "severity", fits, "give one of the texts High, Medium, Low, Informational");
    }
    if let Some(column) = &overrides.tactics_column {
        let fits = |scalar_type| matches!(scalar_type, ScalarType::String | ScalarType::Dynamic);
        check(column, "tactic", fits, "give the names of tactics as a text");
    }
    problems
}

/// Numbers name processes, truth tells whether a host is joined, and times when a process began.
fn is_identifier(scalar_type: ScalarType) -> bool {
    !matches!(scalar_type, ScalarType::Dynamic | ScalarType::TimeSpan | ScalarType::Real | ScalarType::Decimal)
}
