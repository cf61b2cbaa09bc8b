//! Tests of rules: records, moments, and what must come of them.
//!
//! ```yaml
//! rules: [brute-force.yaml]            # default: the rule beside this file, brute-force.test.yaml
//! start: 2026-01-01T00:00:00Z          # what +5m and -1h count from
//! cases:
//!   - name: five failures in an hour raise one alert
//!     records:
//!       SigninLogs:                    # only the columns that matter; without TimeGenerated: a minute before start
//!         - {TimeGenerated: -30m, ResultType: "50126", UserPrincipalName: ada@harbor.example}
//!     at: +0m                          # a moment at which every rule runs; or from: and to:
//!     expect:
//!       alerts:                        # all alerts, each as far as it is told here
//!         - {rule: Brute force, AlertSeverity: High}
//!       incidents: []                  # silence
//! ```

mod coverage;
mod dead;
mod expect;
mod mutate;
mod pipeline;
mod read;
mod records;
mod run;
mod update;
mod why;

pub use coverage::{Condition, coverage};
pub use dead::unmet;
pub use expect::{Failure, Mismatch};
pub use mutate::{Mutant, Mutation, survivors};
pub use read::read;
pub use run::{Context, Verdict, run};
pub use update::updated;
pub use why::{End, Fate, why};

use super::assume::Assumptions;
use super::document::{Located, Node};
use super::workspace::Workspace;
use crate::diagnostic::Span;

/// A file of tests.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    /// Paths of rule files, as written; None where the file names none, and the rule beside it is meant.
    pub rules: Option<Vec<Located<String>>>,
    /// Products whose connector makes incidents.
    pub create_incidents: Vec<Located<String>>,
    pub assumptions: Assumptions,
    pub workspace: Workspace,
    /// What offsets count from, in ticks.
    pub start: i64,
    /// Records of every case.
    pub records: Vec<Records>,
    pub cases: Vec<Case>,
}

/// One test, its parameters filled in.
#[derive(Debug, Clone)]
pub struct Case {
    /// With its parameters, where it has some.
    pub name: String,
    pub span: Span,
    pub records: Vec<Records>,
    pub when: When,
    /// Incidents that an analyst closes: a title and a moment.
    pub closings: Vec<(i64, String)>,
    pub expect: Expect,
    /// It has parameters: what it expects cannot be written back.
    pub has_parameters: bool,
}

/// Records of a table.
#[derive(Debug, Clone)]
pub struct Records {
    pub table: Located<String>,
    pub items: Vec<Node>,
}

/// When rules run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// No rule runs on its own; incidents are made of the records.
    Never,
    /// At these moments.
    At(Vec<i64>),
    /// As their schedule says, from one moment to another.
    Period(i64, i64),
}

/// What must come out. None is not looked at; an empty list is silence.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Where `expect` stands.
    pub span: Span,
    /// Alerts that rules raised.
    pub alerts: Option<Node>,
    /// Incidents, each as it was in the end.
    pub incidents: Option<Node>,
    /// Every row of SecurityIncident.
    pub incident_rows: Option<Node>,
    /// How many alerts and incidents there are.
    pub alert_count: Option<Located<usize>>,
    pub incident_count: Option<Located<usize>>,
}
