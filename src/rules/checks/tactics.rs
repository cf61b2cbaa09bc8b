use super::attack::{self, TACTICS as KNOWN};
use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, nearest};

pub(super) const TACTICS: Check = Check {
    code: "AQ538",
    name: "unknown-tactic",
    why: "Sentinel knows the tactics of MITRE ATT&CK, written without spaces.",
    bad: "tactics: [Lateral Movement]",
    good: "tactics: [LateralMovement]",
    find: tactics,
};

pub(super) const TECHNIQUES: Check = Check {
    code: "AQ539",
    name: "technique-without-tactic",
    why: "A technique belongs to tactics, and the rule must name one of them.",
    bad: "tactics: [Impact]\nrelevantTechniques: [T1078]",
    good: "tactics: [Persistence]\nrelevantTechniques: [T1078.004]",
    find: techniques,
};

fn tactics(subject: &Subject) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for tactic in subject.rule.detection().map(|detection| detection.tactics.as_slice()).unwrap_or_default() {
        if attack::is_tactic(&tactic.value) {
            continue;
        }
        let near = nearest(&tactic.value, KNOWN.iter().map(|known| known.name));
        let same = near.is_some_and(|near| near.eq_ignore_ascii_case(&tactic.value));
        let message = format!("'{}' is no tactic", tactic.value);
        let problem = if same {
            Diagnostic::warning(TACTICS.code, tactic.span, message)
        } else {
            Diagnostic::error(TACTICS.code, tactic.span, message)
        };
        problems.push(match near {
            Some(near) => problem.help(format!("write '{near}'")),
            None => problem
                .help(format!("the tactics are: {}", KNOWN.iter().map(|t| t.name).collect::<Vec<_>>().join(", "))),
        });
    }
    problems
}

fn techniques(subject: &Subject) -> Vec<Diagnostic> {
    let Some(detection) = subject.rule.detection() else { return Vec::new() };
    let named = |tactic: &&str| detection.tactics.iter().any(|known| known.value.eq_ignore_ascii_case(tactic));
    // Lists of these tactics' techniques are not ours: they may hold any.
    let unlisted = KNOWN.iter().any(|tactic| tactic.techniques.is_empty() && named(&tactic.name));
    let mut problems = Vec::new();
    for technique in detection.techniques.iter().chain(&detection.sub_techniques) {
        let Some(number) = number(&technique.value) else {
            let message = format!("'{}' is no technique", technique.value);
            let problem = Diagnostic::error(TECHNIQUES.code, technique.span, message);
            problems.push(problem.help("write T and four digits: T1078, or T1078.004"));
            continue;
        };
        let homes = attack::tactics_of(number);
        if homes.is_empty() || unlisted || homes.iter().any(named) {
            continue;
        }
        let message = format!("{} belongs to no tactic of the rule", technique.value);
        let problem = Diagnostic::error(TECHNIQUES.code, technique.span, message);
        problems.push(problem.help(format!("add one of its tactics: {}", homes.join(", "))));
    }
    problems
}

/// Reads `T1078` or `T1078.004`.
fn number(text: &str) -> Option<u16> {
    let (technique, sub) = text.split_once('.').unwrap_or((text, "000"));
    let digits = technique.strip_prefix('T')?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits.len() == 4 && sub.len() == 3 && all_digits(digits) && all_digits(sub);
    if fits { digits.parse().ok() } else { None }
}
