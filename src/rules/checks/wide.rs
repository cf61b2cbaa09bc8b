use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::syntax::TokenKind;

pub(super) const CHECK: Check = Check {
    code: "AQ528",
    name: "every-table",
    why: "Sentinel refuses rules that read every table.",
    bad: "query: union * | take 5",
    good: "query: union SecurityAlert, SecurityIncident | take 5",
    find,
};

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let wide = subject.tokens.windows(2).find(|window| {
        matches!(window, [word, star] if matches!(subject.text(word), "union" | "search") && star.kind == TokenKind::Star)
    });
    let problem = |window: &[crate::syntax::Token]| {
        let word = subject.text(&window[0]);
        Diagnostic::error(
            CHECK.code,
            subject.place(&window[0]),
            format!("a rule cannot read every table with '{word} *'"),
        )
        .help("name the tables")
    };
    wide.map(problem).into_iter().collect()
}
