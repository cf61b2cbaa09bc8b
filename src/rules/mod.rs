//! Analytics rules: what stands in a rule file, and what is wrong with it.
//!
//! ```text
//! file --form--> Rule --checks--> problems, with their places in the file
//!                  \-- query: syntax, bind ----^
//! ```

pub mod alert;
pub mod assume;
pub mod checks;
pub mod delivery;
pub mod document;
pub mod embedded;
pub mod form;
pub mod incident;
pub mod model;
pub mod queries;
pub mod row;
pub mod scenario;
pub mod schedule;
pub mod simulate;
pub mod verify;
pub mod workspace;
pub mod write;

use crate::bind;
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::syntax;
use crate::types::Column;

pub use assume::Assumptions;
pub use embedded::Embedded;
pub use model::Rule;
pub use row::{Alert, Incident};
pub use workspace::Workspace;

/// What became of a rule's query.
#[derive(Debug, Default)]
pub struct Checked {
    /// In the order of their places in the file.
    pub problems: Vec<Diagnostic>,
    /// Why alertq could not run the query although it is valid, with places in the file.
    pub refusals: Vec<Diagnostic>,
    /// Columns of the query's result, None where it has none.
    pub columns: Option<Vec<Column>>,
    /// More columns may come, which only the data tell.
    pub open: bool,
    /// The query as it was read, and what was noted of it, where it has no error of syntax.
    pub read: Option<(syntax::ast::Query, bind::Trace)>,
}

/// Checks a rule: its query over the catalog, and what the rest of the rule says about the result.
///
/// ```
/// use alertq::{bind, catalog::Catalog, rules};
/// let file = "kind: NRT\nname: n\nid: 1\nseverity: Low\nquery: |\n  SecurityAlert\n  | where Severty == 'High'\n";
/// let reading = rules::form::read("rule.yaml".as_ref(), file).unwrap().unwrap();
/// let checked = rules::check(&reading.rules[0], &Catalog::standard(), &bind::Options::default());
/// let unknown = checked.problems.iter().find(|problem| problem.code == "KS142").unwrap();
/// assert_eq!(&file[unknown.span.start..unknown.span.end], "Severty");
/// ```
pub fn check(rule: &Rule, catalog: &Catalog, options: &bind::Options) -> Checked {
    let Some(query) = rule.query() else {
        return Checked { problems: sorted(checks::run(&checks::Subject::new(rule, None))), ..Checked::default() };
    };
    let parsed = syntax::parse(&query.text);
    let bound = bind::bind(&parsed.query, catalog, options);
    let sound = !parsed.problems.iter().any(Diagnostic::is_error);
    let valid = parsed.problems.is_empty() && bound.is_valid();
    let subject = checks::Subject::new(rule, Some(&parsed.query)).bound(&bound, valid);
    let mut problems = checks::run(&subject);
    let in_file = |problem: Diagnostic| query.in_file(problem);
    problems.extend(parsed.problems.into_iter().chain(bound.problems).chain(bound.strict).map(in_file));
    Checked {
        problems: sorted(problems),
        refusals: bound.refusals.into_iter().map(in_file).collect(),
        columns: bound.columns,
        open: bound.open,
        read: sound.then_some((parsed.query, bound.trace)),
    }
}

fn sorted(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.span);
    problems
}
