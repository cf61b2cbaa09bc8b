//! Holds the parser against the grammar in `grammar/kql.pest`, over the texts of `fixtures/syntax`.
//!
//! The grammar is run by an interpreter that shares no code with the parser, so each checks the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use alertq::syntax::{Parsed, parse, print};
use pest_meta::ast::RuleType;
use pest_meta::parser::{Rule, consume_rules, parse as parse_grammar};
use pest_vm::Vm;

/// One text of a fixture.
struct Snippet {
    /// File and number, for messages.
    name: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads the texts in a folder; a line `---` separates them.
fn snippets(folder: &str) -> Vec<Snippet> {
    let folder = root().join("fixtures/syntax").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| snippets_of(file)).collect()
}

fn snippets_of(file: &Path) -> Vec<Snippet> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = fs::read_to_string(file).unwrap();
    let texts = content.trim_end().split("\n---\n");
    texts.enumerate().map(|(n, text)| Snippet { name: format!("{name} #{}", n + 1), text: text.to_string() }).collect()
}

/// The rules of the grammar as written.
fn rules() -> Vec<pest_meta::ast::Rule> {
    let grammar = fs::read_to_string(root().join("grammar/kql.pest")).unwrap();
    let pairs = parse_grammar(Rule::grammar_rules, &grammar).unwrap_or_else(|error| panic!("{error}"));
    consume_rules(pairs).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn machine() -> Vm {
    Vm::new(pest_meta::optimizer::optimize(rules()))
}

fn is_accepted(parsed: &Parsed) -> bool {
    !parsed.problems.iter().any(|problem| problem.is_error())
}

#[test]
fn both_accept_the_same_texts() {
    let machine = machine();
    let mut faults = Vec::new();
    for snippet in snippets("accept") {
        let parsed = parse(&snippet.text);
        if !is_accepted(&parsed) {
            faults.push(format!("the parser rejects {}: {:?}", snippet.name, parsed.problems));
        }
        if let Err(error) = machine.parse("query", &snippet.text) {
            faults.push(format!("the grammar rejects {}: {error}", snippet.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn both_reject_the_same_texts() {
    let machine = machine();
    let mut faults = Vec::new();
    for snippet in snippets("reject") {
        if is_accepted(&parse(&snippet.text)) {
            faults.push(format!("the parser accepts {}: {}", snippet.name, snippet.text));
        }
        if machine.parse("query", &snippet.text).is_ok() {
            faults.push(format!("the grammar accepts {}: {}", snippet.name, snippet.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The first line of a rejected text says `// KS005 "b"`: the code of its first problem, and where it is.
#[test]
fn the_first_problem_is_what_and_where_it_should_be() {
    for snippet in snippets("reject") {
        let wanted = snippet.text.lines().next().unwrap_or_default();
        let parsed = parse(&snippet.text);
        let problem = parsed.problems.first().unwrap_or_else(|| panic!("{} is accepted", snippet.name));
        let place = &snippet.text[problem.span.start..problem.span.end];
        assert_eq!(format!("// {} \"{place}\"", problem.code), wanted, "{}", snippet.name);
    }
}

#[test]
fn what_is_printed_is_read_as_the_same_tree() {
    for snippet in snippets("accept") {
        let first = parse(&snippet.text).query;
        let printed = print::query(&first);
        let second = parse(&printed);
        assert!(second.problems.is_empty(), "{}: {:?}\n{printed}", snippet.name, second.problems);
        assert_eq!(print::tree(&first), print::tree(&second.query), "{}\n{printed}", snippet.name);
        assert_eq!(print::query(&second.query), printed, "{}", snippet.name);
    }
}

/// Every production is used by some accepted text, or the texts say nothing about it.
#[test]
fn every_production_is_used() {
    let machine = machine();
    let texts: Vec<String> = snippets("accept").into_iter().map(|snippet| snippet.text).collect();
    let mut used = BTreeSet::new();
    for text in &texts {
        let Ok(pairs) = machine.parse("query", text) else { continue };
        used.extend(pairs.flatten().map(|pair| pair.as_rule().to_string()));
    }
    // Atomic rules do not show what they are made of.
    let inner = ["begins_operator", "operator_word", "wildcard_part", "exponent", "unit", "escape", "is_query", "real"];
    let inner = inner.into_iter().chain(["compound", "reserved_word", "hexadecimal", "timespan", "body_statement"]);
    let inner = inner.chain(["begins_function", "word", "raw_guid", "not_identifier"]);
    let inner: BTreeSet<&str> = inner.collect();
    let is_production =
        |rule: &pest_meta::ast::Rule| rule.ty != RuleType::Silent && rule.name.starts_with(char::is_lowercase);
    let unused: Vec<String> = rules()
        .into_iter()
        .filter(|rule| is_production(rule) && !used.contains(&rule.name) && !inner.contains(rule.name.as_str()))
        .map(|rule| rule.name)
        .collect();
    assert!(unused.is_empty(), "no accepted text uses {unused:?}");
}
