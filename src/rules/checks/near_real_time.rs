use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::rules::model::Kind;
use crate::syntax::{Token, TokenKind};

pub(super) const CHECK: Check = Check {
    code: "AQ527",
    name: "near-real-time",
    why: "A rule of kind NRT reads one workspace, and sees the records that were ingested in the last minute.",
    bad: "kind: NRT\nquery: workspace('contoso').SecurityAlert",
    good: "kind: NRT\nquery: SecurityAlert | extend app = parse_json(Entities) | where app.app == 1",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    if subject.rule.kind() != Kind::NearRealTime {
        return Vec::new();
    }
    // `app.name` is a property, `app("contoso")` another place.
    let calls = subject.tokens.windows(2).filter(|window| window[1].kind == TokenKind::OpenParen);
    let leads_away = |token: &&Token| matches!(subject.text(token), "workspace" | "app" | "adx" | "arg");
    let elsewhere = calls.map(|window| &window[0]).find(leads_away);
    let problem = |token: &Token| {
        let message = format!("a rule of kind NRT reads one workspace, not what '{}' leads to", subject.text(token));
        Diagnostic::error(CHECK.code, subject.place(token), message).help("make it a Scheduled rule")
    };
    elsewhere.map(problem).into_iter().collect()
}
