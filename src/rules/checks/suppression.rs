use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Duration;

pub(super) const CHECK: Check = Check {
    code: "AQ526",
    name: "suppression",
    why: "A rule rests 24 hours at most after an alert; a rest that ends before the next run changes nothing.",
    bad: "queryFrequency: 5h\nsuppressionEnabled: true\nsuppressionDuration: 1h",
    good: "suppressionEnabled: true\nsuppressionDuration: 5h",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let suppression = subject.rule.detection().map(|detection| detection.suppression).unwrap_or_default();
    let Some(duration) = suppression.duration else { return Vec::new() };
    if duration.value > Duration::hours(24) {
        let message = format!("a rule cannot rest {} after an alert", duration.value);
        return vec![Diagnostic::error(CHECK.code, duration.span, message).help("24h is the most")];
    }
    let frequency = subject.rule.schedule().and_then(|schedule| schedule.frequency);
    let Some(frequency) = frequency.filter(|frequency| suppression.rest().is_some_and(|rest| rest < frequency.value))
    else {
        return Vec::new();
    };
    let message = format!(
        "the rule rests {} after an alert and runs every {}: no run is left out",
        duration.value, frequency.value
    );
    vec![Diagnostic::warning(CHECK.code, duration.span, message).help(format!("rest longer than {}", frequency.value))]
}
