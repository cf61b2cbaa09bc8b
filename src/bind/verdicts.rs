//! Holds the binder against what Microsoft's parser says of the queries in `fixtures/verdicts`.

use std::fs;

use super::{Bound, Options, bind};
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::syntax;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/verdicts");

#[test]
fn as_microsofts_parser_says() {
    let catalog = Catalog::standard();
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for case in text.split("\n\n") {
            let (query, expected) = parts(case);
            assert!(!query.is_empty() && !expected.is_empty(), "{}: {case}", path.display());
            count += 1;
            let got = verdict(&query, &catalog, expected == ["ok"]);
            if got != expected {
                wrong.push(format!("{}\n{query}\nexpected {expected:#?}\ngot {got:#?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Takes a case apart: the query, and what is to be said of it.
fn parts(case: &str) -> (String, Vec<String>) {
    let lines = case.lines().filter(|line| !line.starts_with('#'));
    let (said, query): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("=> "));
    (query.join("\n"), said.into_iter().map(|line| line["=> ".len()..].to_string()).collect())
}

/// Tells what is wrong with a query, or the columns that it gives.
fn verdict(query: &str, catalog: &Catalog, columns_do_not_matter: bool) -> Vec<String> {
    let parsed = syntax::parse(query);
    let Bound { problems, strict, refusals, columns, .. } = bind(&parsed.query, catalog, &Options::default());
    let refused = !problems.is_empty() || !refusals.is_empty();
    let mut said: Vec<(&Diagnostic, &str)> = parsed.problems.iter().chain(&problems).map(|p| (p, "")).collect();
    said.extend(strict.iter().map(|problem| (problem, if refused { "" } else { "runs " })));
    said.retain(|(problem, _)| problem.is_error());
    said.sort_by_key(|(problem, _)| problem.span);
    if !said.is_empty() {
        let line = |(p, how): (&Diagnostic, &str)| format!("{how}{} {}", p.code, &query[p.span.start..p.span.end]);
        return said.into_iter().map(line).collect();
    }
    if columns_do_not_matter {
        return vec!["ok".into()];
    }
    let columns: Vec<String> =
        columns.unwrap_or_default().iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect();
    vec![columns.join(" ")]
}
