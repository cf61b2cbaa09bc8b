//! What became of tests, for people and for machines.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::{Finding, Format, Tested, diagnostic};
use crate::diagnostic::render::junit::escape;
use crate::diagnostic::render::{self, Lines, Report, Style};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::rules::scenario::{Case, Verdict};
use crate::rules::schedule::Failure as Failed;

pub(super) fn report(files: &[Tested], format: Format, style: Style) -> String {
    match format {
        Format::Full => {
            let cases: String = files.iter().map(|file| full(file, style)).collect();
            cases + &findings(files) + &summary(files)
        }
        Format::Json => format!("{}\n", json(files)),
        Format::Junit => junit(files),
        Format::Github | Format::Sarif => {
            let diagnostics: Vec<Vec<Diagnostic>> = files.iter().map(Tested::diagnostics).collect();
            let report =
                |(file, diagnostics): (&'_ Tested, &'_ Vec<Diagnostic>)| (file.input.name.clone(), diagnostics.clone());
            let held: Vec<_> = files.iter().zip(&diagnostics).map(report).collect();
            let mut reports: Vec<Report> = files
                .iter()
                .zip(&held)
                .map(|(file, (path, diagnostics))| Report { path, text: &file.input.text, diagnostics })
                .collect();
            let findings: Vec<_> =
                files.iter().flat_map(|file| &file.findings).map(|f| (f, [f.diagnostic()])).collect();
            reports.extend(findings.iter().map(|(finding, diagnostics)| Report {
                path: &finding.source.name,
                text: &finding.source.text,
                diagnostics,
            }));
            if format == Format::Github { render::github::render(&reports) } else { render::sarif::render(&reports) }
        }
    }
}

impl Tested {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.problems.clone();
        for (case, verdict) in &self.cases {
            all.extend(verdict.failures.iter().map(|failure| diagnostic(failure, case)));
            all.extend(verdict.problems.iter().cloned());
            all.extend(verdict.failed.iter().map(|(_, failed)| Diagnostic::error("AQ661", case.span, reason(failed))));
        }
        all
    }

    fn line(&self, span: Span) -> usize {
        Lines::new(&self.input.text).position(span.start).line
    }
}

impl Finding {
    fn line(&self) -> usize {
        Lines::new(&self.source.text).position(self.span.start).line
    }

    fn diagnostic(&self) -> Diagnostic {
        let severity = if self.counts { Severity::Warning } else { Severity::Information };
        Diagnostic { severity, ..Diagnostic::warning("AQ662", self.span, self.message.clone()) }
    }
}

fn reason(failed: &Failed) -> String {
    format!("a rule did not run: {failed}")
}

fn full(file: &Tested, style: Style) -> String {
    let paint =
        |code: &str, text: &str| if style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() };
    let mut out = String::new();
    let path = &file.input.name;
    if !file.problems.is_empty() {
        out.push_str(&render::full(&Report { path, text: &file.input.text, diagnostics: &file.problems }, style));
    }
    for (case, verdict) in &file.cases {
        let line = file.line(case.span);
        if verdict.passed() {
            let _ = writeln!(out, "{}   {path}:{line}: {}", paint("32", "ok"), case.name);
            continue;
        }
        let _ = writeln!(out, "{} {path}:{line}: {}", paint("31", "FAIL"), case.name);
        for failure in &verdict.failures {
            let _ = writeln!(out, "     line {}: {}", file.line(failure.span), failure.message);
            for line in failure.diff.lines() {
                let code = if line.starts_with('-') {
                    "31"
                } else if line.starts_with('+') {
                    "32"
                } else {
                    "0"
                };
                let _ = writeln!(out, "       {}", paint(code, line));
            }
        }
        for (_, failed) in &verdict.failed {
            let _ = writeln!(out, "     {}", reason(failed));
        }
        if !verdict.problems.is_empty() {
            out.push_str(&render::full(
                &Report { path, text: &file.input.text, diagnostics: &verdict.problems },
                style,
            ));
        }
    }
    out
}

fn findings(files: &[Tested]) -> String {
    let all = files.iter().flat_map(|file| &file.findings);
    all.map(|finding| format!("{}:{}: {}\n", finding.source.name, finding.line(), finding.message)).collect()
}

fn count(files: &[Tested]) -> (usize, usize) {
    let cases = || files.iter().flat_map(|file| &file.cases);
    let passed = cases().filter(|(_, verdict)| verdict.passed()).count();
    (passed, cases().count() - passed)
}

fn summary(files: &[Tested]) -> String {
    let (passed, failed) = count(files);
    let unread = files.iter().filter(|file| !file.problems.is_empty()).count();
    let s = if unread == 1 { "" } else { "s" };
    let unread = if unread > 0 { format!(", {unread} file{s} could not be run") } else { String::new() };
    format!("{passed} passed, {failed} failed{unread}\n")
}

fn json(files: &[Tested]) -> Json {
    let (passed, failed) = count(files);
    let problem = |file: &Tested, span: Span, message: &str, diff: &str| json!({"line": file.line(span), "message": message, "diff": diff});
    let case = |file: &Tested, (case, verdict): &(Case, Verdict)| {
        let mut failures: Vec<Json> = verdict
            .failures
            .iter()
            .map(|failure| problem(file, failure.span, &failure.message, &failure.diff))
            .collect();
        failures.extend(verdict.problems.iter().map(|found| problem(file, found.span, &found.message, "")));
        failures.extend(verdict.failed.iter().map(|(_, failed)| problem(file, case.span, &reason(failed), "")));
        let (alerts, incidents) = (verdict.outcome.alerts.len(), verdict.outcome.incidents.len());
        json!({"name": case.name, "line": file.line(case.span), "passed": verdict.passed(), "failures": failures,
            "alerts": alerts, "incident_rows": incidents})
    };
    let file = |file: &Tested| {
        let problems: Vec<_> =
            file.problems.iter().map(|found| problem(file, found.span, &found.message, "")).collect();
        json!({"path": file.input.name, "problems": problems,
            "cases": file.cases.iter().map(|one| case(file, one)).collect::<Vec<_>>()})
    };
    let findings = files.iter().flat_map(|file| &file.findings);
    let finding =
        |found: &super::Finding| json!({"path": found.source.name, "line": found.line(), "message": found.message});
    json!({"passed": passed, "failed": failed, "findings": findings.map(finding).collect::<Vec<_>>(), "files": files.iter().map(file).collect::<Vec<_>>()})
}

fn junit(files: &[Tested]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for file in files {
        let failures = file.cases.iter().filter(|(_, verdict)| !verdict.passed()).count();
        let errors = usize::from(!file.problems.is_empty());
        let path = escape(&file.input.name);
        let tests = file.cases.len() + errors;
        let _ = writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
        );
        if let Some(first) = file.problems.first() {
            let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"the file can be run\">");
            let all: Vec<_> = file
                .problems
                .iter()
                .map(|problem| format!("line {}: {}", file.line(problem.span), problem.message))
                .collect();
            let _ = writeln!(
                out,
                "      <error message=\"{}\">{}</error>",
                escape(&first.message),
                escape(&all.join("\n"))
            );
            out.push_str("    </testcase>\n");
        }
        for (case, verdict) in &file.cases {
            let name = escape(&case.name);
            if verdict.passed() {
                let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"{name}\"/>");
                continue;
            }
            let mut texts: Vec<String> = verdict
                .failures
                .iter()
                .map(|f| format!("line {}: {}\n{}", file.line(f.span), f.message, f.diff))
                .collect();
            texts.extend(
                verdict.problems.iter().map(|problem| format!("line {}: {}", file.line(problem.span), problem.message)),
            );
            texts.extend(verdict.failed.iter().map(|(_, failed)| reason(failed)));
            let first = texts.first().and_then(|text| text.lines().next()).unwrap_or_default();
            let _ = writeln!(out, "    <testcase classname=\"{path}\" name=\"{name}\">");
            let _ =
                writeln!(out, "      <failure message=\"{}\">{}</failure>", escape(first), escape(&texts.join("\n")));
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
