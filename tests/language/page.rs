//! Reads a page of `fixtures/language`: prose, and cases that run.
//!
//! A case begins with a heading of the second level. It has one ```kql block, then either a table of the rows, whose
//! head names each column with its type (`| Name: string |`), or lines that say why the query is refused
//! (``Refused: KS142 at `Nmae` ``), and a last line that begins with `Known from:`.

/// One case of a page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Case {
    pub title: String,
    pub query: String,
    /// `name: type` of each column.
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Code and place of each refusal.
    pub refused: Vec<(String, String)>,
    pub known_from: String,
}

/// Reads the cases of a page, or says what is wrong with it.
pub fn cases(text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { title: title.trim().to_string(), ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if line == "```kql" {
            if !case.query.is_empty() {
                return Err(format!("{}: two queries", case.title));
            }
            let query: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            case.query = query.join("\n");
        } else if line.starts_with('|') && case.head.is_empty() {
            case.head = cells(line);
            if !lines.next().is_some_and(|line| line.starts_with("|-")) {
                return Err(format!("{}: a table without its line", case.title));
            }
        } else if line.starts_with('|') {
            case.rows.push(cells(line));
        } else if let Some(refused) = line.strip_prefix("Refused: ") {
            let parts = refused.split_once(" at `").and_then(|(code, at)| Some((code, at.strip_suffix('`')?)));
            let (code, at) = parts.ok_or_else(|| format!("{}: `{line}`", case.title))?;
            case.refused.push((code.to_string(), at.to_string()));
        } else if let Some(known) = line.strip_prefix("Known from: ") {
            case.known_from = known.to_string();
        }
    }
    for case in &cases {
        let source = ["documented", "measured", "inferred", "parser"].iter().any(|s| case.known_from.starts_with(s));
        if case.query.is_empty() || (case.head.is_empty() == case.refused.is_empty()) || !source {
            return Err(format!("{}: a query, what comes out, and how it is known belong here", case.title));
        }
    }
    Ok(cases)
}

/// Reads a line of a table; `\|` is a bar within a cell.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let line = line.strip_suffix('|').unwrap_or(line).replace("\\|", "\u{1}");
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

#[test]
fn a_page_is_read() {
    let query = "# x\n\nProse.\n\n## A title\n\n```kql\nprint a = 1\n| count\n```\n\n";
    let page = format!("{query}| Count: long |\n|---|\n| 1 |\n\nKnown from: inferred\n");
    let case = &cases(&page).unwrap()[0];
    assert_eq!((case.title.as_str(), case.query.as_str()), ("A title", "print a = 1\n| count"));
    assert_eq!((&case.head, &case.rows), (&vec!["Count: long".to_string()], &vec![vec!["1".to_string()]]));
    assert!(cases("## T\n```kql\nprint 1\n```\nKnown from: inferred").is_err());
}
