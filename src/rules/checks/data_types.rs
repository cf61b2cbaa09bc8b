use super::{Check, Subject};
use crate::catalog::log_analytics;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::rules::model::{Form, Located};
use crate::syntax::TokenKind;

pub(super) const CHECK: Check = Check {
    code: "AQ552",
    name: "data-types",
    why: "Content hub tells from the dataTypes of a rule's connectors which tables must have records before it is of use: \
          those that the query reads, itself or through a function.",
    bad: "requiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes: [SecurityAlerts (ASC)]",
    good: "requiredDataConnectors:\n  - connectorId: AzureSecurityCenter\n    dataTypes: [SecurityAlert (ASC)]",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Some(detection) = subject.rule.detection().filter(|_| subject.rule.form == Form::Yaml) else {
        return Vec::new();
    };
    let named: Vec<&Located<String>> =
        detection.connectors.iter().flat_map(|connector| &connector.data_types).collect();
    // What a rule without any has to say of them is told elsewhere.
    let Some(first) = named.first() else { return Vec::new() };
    let mut problems: Vec<_> = named.iter().filter(|name| is_idle(subject, name)).map(|name| idle(name)).collect();
    for table in read(subject).filter(|table| !named.iter().any(|name| table_of(name) == *table)) {
        let slip = named.iter().find(|name| nearest(table_of(name), std::iter::once(table)).is_some());
        problems.push(match slip {
            Some(slip) => Diagnostic::warning(
                CHECK.code,
                slip.span,
                format!("'{}' is no table that the query reads", table_of(slip)),
            )
            .help(format!("did you mean '{table}'?")),
            None => Diagnostic {
                severity: Severity::Information,
                ..Diagnostic::warning(CHECK.code, first.span, format!("no connector of the rule brings '{table}'"))
            }
            .help(format!("add the connector of {table}, or the table to the dataTypes of one that is there")),
        });
    }
    problems
}

/// Tells whether a data type is a table of Log Analytics that the query reads neither itself nor through a function.
fn is_idle(subject: &Subject, name: &Located<String>) -> bool {
    let table = table_of(name);
    // Which tables there are is known of a query that is valid; which one a slip means is told otherwise.
    !subject.tables.is_empty()
        && log_analytics::find(table).is_some()
        && !subject.tables.iter().any(|read| read == table)
}

fn idle(name: &Located<String>) -> Diagnostic {
    let message = format!("the query does not read '{}'", table_of(name));
    Diagnostic { severity: Severity::Information, ..Diagnostic::warning(CHECK.code, name.span, message) }
        .help("leave it out: the rule would wait for records that it does not look at")
}

/// Returns the tables that the query itself names: what a function reads is the function's matter.
fn read<'s>(subject: &'s Subject) -> impl Iterator<Item = &'s str> {
    let is_named = |table: &str| {
        subject.tokens.iter().any(|token| token.kind == TokenKind::Identifier && subject.text(token) == table)
    };
    subject.tables.iter().map(String::as_str).filter(move |table| is_named(table))
}

/// Returns the table that a data type is about: `SecurityAlert` of `SecurityAlert (ASC)`.
fn table_of(name: &Located<String>) -> &str {
    name.value.split('(').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;
    use crate::catalog::Catalog;
    use crate::rules::form::testing::yaml_rule;

    /// Returns the severity, the place and the message of what is found.
    fn found(data_types: &str, query: &str) -> Vec<(Severity, String, String)> {
        let text = format!(
            "kind: NRT\nname: n\nrequiredDataConnectors:\n  - connectorId: A\n    dataTypes: [{data_types}]\nquery: {query}\n"
        );
        let rule = yaml_rule(&text);
        let checked = crate::rules::check(&rule, &Catalog::standard(), &bind::Options::default());
        let own = checked.problems.into_iter().filter(|problem| problem.code == CHECK.code);
        own.map(|problem| (problem.severity, text[problem.span.start..problem.span.end].to_string(), problem.message))
            .collect()
    }

    #[test]
    fn tables_that_the_query_names_have_a_connector() {
        assert_eq!(found("Syslog, Event", "union Syslog, Event"), []);
        assert_eq!(found("Syslog (a), 'Event(b)'", "Syslog | join kind=inner Event on Computer"), []);
        let other = found("Syslog", "Syslog | where Computer in ((Heartbeat | project Computer))");
        let message = "no connector of the rule brings 'Heartbeat'".to_string();
        assert_eq!(other, [(Severity::Information, "Syslog".to_string(), message)]);
        let idle = found("Syslog, Event, Anything (x)", "Syslog");
        assert_eq!(idle, [(Severity::Information, "Event".to_string(), "the query does not read 'Event'".to_string())]);
        let slip = found("Syslogs", "Syslog");
        assert_eq!(slip[0].0, Severity::Warning);
        // What does not bind, and tables that a pattern finds, are nobody's mistake here.
        assert_eq!(found("Event", "Syslog | where Nothing == 1"), []);
        assert_eq!(found("Syslog", "union Sys*"), []);
    }
}
