//! Queries in files that are no rules: several in one file, in Markdown, in workbooks.

mod markdown;
mod several;
mod workbook;

use std::path::Path;

pub use several::several;

use super::Embedded;

/// Queries of a file, and what keeps others from being looked at.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    pub queries: Vec<Embedded>,
    /// Queries of a workbook that are whole only when a reader has chosen values: each with the first such place.
    pub waiting: Vec<(Embedded, String)>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.waiting.is_empty()
    }
}

/// Tells from a file's name whether it may hold queries among other things.
pub fn is_candidate(path: &Path) -> bool {
    const ENDINGS: [&str; 4] = ["json", "markdown", "md", "workbook"];
    path.extension().is_some_and(|ending| ENDINGS.contains(&ending.to_string_lossy().to_lowercase().as_str()))
}

/// Finds the queries of a file whose name tells its kind; none where it holds none.
///
/// ```
/// use alertq::rules::queries;
/// let page = "# Hunt\n\n```kql\nSecurityAlert\n| count\n```\n";
/// let found = queries::find("page.md".as_ref(), page).unwrap();
/// assert_eq!(found.queries[0].text, "SecurityAlert\n| count\n");
/// ```
pub fn find(path: &Path, text: &str) -> Option<Found> {
    let ending = path.extension()?.to_string_lossy().to_lowercase();
    let found = match ending.as_str() {
        "md" | "markdown" => Found { queries: markdown::find(text), waiting: Vec::new() },
        "json" | "workbook" => workbook::find(text),
        _ => Found::default(),
    };
    (!found.is_empty()).then_some(found)
}
