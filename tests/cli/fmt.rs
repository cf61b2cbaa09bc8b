//! `alertq fmt`: what it changes, and what it leaves.

use super::*;

const RULE: &str =
    "name: n  # kept\nkind: NRT\nquery: |\n  SecurityAlert|where  Status==\"New\" // open\n\nseverity:   Low\n";

#[test]
fn rules_keep_every_byte_but_the_query() {
    let (folder, path) = folder_with("rule.yaml", RULE);
    let folder = folder.path();
    fs::write(folder.join("other.yml"), "a:   1\n").unwrap();
    let check = run_in(folder, &["fmt", "--check", "."], "");
    assert_eq!((check.status, check.stdout.trim()), (Some(1), "rule.yaml"), "{}", check.stderr);
    let wanted = RULE.replace("SecurityAlert|where  Status==\"New\"", "SecurityAlert\n  | where Status == \"New\"");
    assert_eq!(run_in(folder, &["fmt", "--stdout", "rule.yaml"], "").stdout, wanted);
    assert_eq!(fs::read_to_string(&path).unwrap(), RULE);
    let write = run_in(folder, &["fmt", "--write", "."], "");
    assert_eq!((write.status, write.stdout.as_str()), (Some(0), ""), "{}", write.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    assert_eq!(run_in(folder, &["fmt", "--check", "."], "").status, Some(0));
}

#[test]
fn what_cannot_be_laid_out_keeps_nothing_else_from_it() {
    let (folder, path) = folder_with("b.kql", "T|count");
    fs::write(folder.path().join("a.kql"), "T | where").unwrap();
    fs::write(folder.path().join("c.yaml"), "query: 'T|count'\n").unwrap();
    let run = run_in(folder.path(), &["fmt", "."], "");
    refused(&run, &["a.kql:1:", "c.yaml: the query is no block of lines", "2 texts were left as they are"]);
    assert_eq!(fs::read_to_string(path).unwrap(), "T\n| count\n");
}

/// A name before a condition has no effect and is not in the tree: laid out, what the author meant would be gone.
#[test]
fn a_name_without_effect_stays_and_is_told() {
    let (folder, path) = folder_with("a.kql", "T|where Audit = true");
    let run = run_in(folder.path(), &["fmt", "."], "");
    refused(&run, &["AQ006", "a.kql:1:9", "`==`", "1 text was left as it is"]);
    assert_eq!(fs::read_to_string(path).unwrap(), "T|where Audit = true");
}

#[test]
fn ends_of_line_stay_as_they_are() {
    assert_eq!(run(&["fmt"], "T|take 5 // x\r\n|count\r\n").stdout, "T\r\n| take 5 // x\r\n| count\r\n");
}

/// `bool (x)` calls a function, and `bool(x)` is a literal.
#[test]
fn calls_stay_calls() {
    assert_eq!(run(&["fmt"], "print bool\n(null)\n").stdout, "print bool (null)\n");
    assert_eq!(run(&["fmt"], "print bool( null )\n").stdout, "print bool(null)\n");
}

#[test]
fn several_queries_are_laid_out_each_for_itself() {
    let text = "// the first\nT|count\n\n\n// the second\nlet n=1;\n\nU|take n\n";
    let wanted = "// the first\nT\n| count\n\n// the second\nlet n = 1;\nU\n| take n\n";
    assert_eq!(run(&["fmt"], text).stdout, wanted);
    assert_eq!(run(&["fmt"], wanted).stdout, wanted);
    // A mistake is told at its place in the file.
    refused(&run(&["fmt"], "T\n| count\n\nU\n| take\n\nV | count"), &[":5:7"]);
}

/// Every text of the syntax fixtures that is accepted.
#[test]
fn own_queries_keep_their_meaning_and_a_second_time_changes_nothing() {
    let accept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/syntax/accept");
    let files: Vec<PathBuf> = fs::read_dir(accept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5, "{}", files.len());
    for file in files {
        for text in fs::read_to_string(&file).unwrap().split("\n---\n") {
            let once = run(&["fmt"], text);
            assert_eq!(once.status, Some(0), "{text}: {}", once.stderr);
            let tree = |text: &str| alertq::syntax::print::tree(&alertq::syntax::parse(text).query);
            assert_eq!(tree(&once.stdout), tree(text), "{text}");
            assert_eq!(run(&["fmt"], &once.stdout).stdout, once.stdout, "{text}");
        }
    }
}
