use super::{Check, Subject};
use crate::diagnostic::Diagnostic;

pub(super) const CHECK: Check = Check {
    code: "AQ553",
    name: "auto-disabled",
    why: "Sentinel switches off a rule that fails for good, puts AUTO DISABLED before its name and the reason behind its \
          description: brought back as it is, the rule stays off.",
    bad: "name: AUTO DISABLED Loud hosts\nenabled: false",
    good: "name: Loud hosts\nenabled: false",
    find,
};

/// What Sentinel puts before the name (documented).
const MARK: &str = "AUTO DISABLED";

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let name = subject.rule.name.as_ref().filter(|name| name.value.trim_start().starts_with(MARK));
    let problem = |span| {
        Diagnostic::warning(CHECK.code, span, "Sentinel has switched this rule off, because it failed again and again")
            .help("its description ends with the reason: mend that, give the rule its name back, and enable it")
    };
    name.map(|name| problem(name.span)).into_iter().collect()
}
