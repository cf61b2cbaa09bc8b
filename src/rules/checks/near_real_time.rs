use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Kind;

pub(super) const CHECK: Check = Check {
    code: "AQ527",
    name: "near-real-time",
    why: "A rule of kind NRT reads one workspace, and sees the records that were ingested in the last minute.",
    bad: "kind: NRT\nquery: workspace('contoso').SecurityAlert",
    good: "kind: NRT\nquery: SecurityAlert",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    if subject.rule.kind() != Kind::NearRealTime {
        return Vec::new();
    }
    let elsewhere =
        subject.tokens.iter().find(|token| matches!(subject.text(token), "workspace" | "app" | "adx" | "arg"));
    let problem = |token| {
        let message = format!("a rule of kind NRT reads one workspace, not what '{}' leads to", subject.text(token));
        Diagnostic::error(CHECK.code, subject.place(token), message).help("make it a Scheduled rule")
    };
    elsewhere.map(problem).into_iter().collect()
}
