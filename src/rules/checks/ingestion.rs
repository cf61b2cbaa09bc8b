use super::schedule::both;
use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, Severity};

pub(super) const CHECK: Check = Check {
    code: "AQ524",
    name: "ingestion-delay",
    why: "A run sees what was ingested up to five minutes after its window ends. Where windows do not overlap, a record \
          that comes later is in no run at all.",
    bad: "queryFrequency: 1h\nqueryPeriod: 1h\nquery: SecurityAlert",
    good: "queryFrequency: 1h\nqueryPeriod: 2h\nquery: SecurityAlert | where ingestion_time() > ago(1h)",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let same = both(subject).filter(|(frequency, period)| frequency.value == period.value);
    let asks = subject.tokens.iter().any(|token| matches!(subject.text(token), "ingestion_time" | "_TimeReceived"));
    let Some((frequency, period)) = same.filter(|_| !asks) else { return Vec::new() };
    let message = format!(
        "the query looks back {} and runs every {}: a record that is ingested more than 5m late may be in no run",
        period.value, frequency.value
    );
    let help = format!(
        "if its tables are late at times, look back further and keep what is new: `where ingestion_time() > ago({})`",
        frequency.value
    );
    let problem = Diagnostic::warning(CHECK.code, period.span, message).help(help);
    vec![Diagnostic { severity: Severity::Information, ..problem }]
}
