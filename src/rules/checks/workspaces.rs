use std::collections::HashSet;

use super::{Check, Subject};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Token, TokenKind};

pub(super) const CHECK: Check = Check {
    code: "AQ544",
    name: "too-many-workspaces",
    why: "A rule reads 20 workspaces at most, its own among them; Sentinel refuses one that names more.",
    bad: "query: union workspace('w01').SecurityAlert, workspace('w02').SecurityAlert, workspace('w03').SecurityAlert, \
          workspace('w04').SecurityAlert, workspace('w05').SecurityAlert, workspace('w06').SecurityAlert, \
          workspace('w07').SecurityAlert, workspace('w08').SecurityAlert, workspace('w09').SecurityAlert, \
          workspace('w10').SecurityAlert, workspace('w11').SecurityAlert, workspace('w12').SecurityAlert, \
          workspace('w13').SecurityAlert, workspace('w14').SecurityAlert, workspace('w15').SecurityAlert, \
          workspace('w16').SecurityAlert, workspace('w17').SecurityAlert, workspace('w18').SecurityAlert, \
          workspace('w19').SecurityAlert, workspace('w20').SecurityAlert, workspace('w21').SecurityAlert",
    good: "query: union workspace('w01').SecurityAlert, workspace('w02').SecurityAlert",
    find,
};

/// Workspaces of one rule (documented).
const MOST: usize = 20;

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let mut seen: HashSet<&str> = HashSet::new();
    let calls = subject.tokens.windows(3).filter_map(|window| match window {
        [name, open, argument] if subject.text(name) == "workspace" && open.kind == TokenKind::OpenParen => {
            Some((name, subject.text(argument).trim_matches(['\'', '"'])))
        }
        _ => None,
    });
    let beyond = calls.filter(|(_, workspace)| seen.insert(workspace) && seen.len() > MOST).map(|(name, _)| name);
    let problem = |token: &Token| {
        let message = format!("the query reads more than {MOST} workspaces");
        Diagnostic::error(CHECK.code, subject.place(token), message)
            .help("make several rules of it, or collect the records in one workspace")
    };
    beyond.take(1).map(problem).collect()
}
