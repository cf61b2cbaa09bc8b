//! What only several rules together tell.

use std::collections::HashMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Span};
use crate::rules::model::{Located, Rule};

/// Finds ids that stand in more than one rule (AQ543): deployed, one rule would replace the other.
///
/// Takes the ids of each file with its path, and gives the number of the file with each problem.
pub fn duplicate_ids(files: &[(&str, &[Located<String>])]) -> Vec<(usize, Diagnostic)> {
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for (number, (path, ids)) in files.iter().enumerate() {
        for id in *ids {
            match first.get(&id.value.to_lowercase()) {
                Some(other) => {
                    let message = format!("the id '{}' is that of a rule in {other} too", id.value);
                    let problem = Diagnostic::error("AQ543", id.span, message);
                    found.push((number, problem.help("give each rule an id of its own, as with uuidgen or New-Guid")));
                }
                None => {
                    first.insert(id.value.to_lowercase(), path);
                }
            }
        }
    }
    found
}

/// As [`duplicate_ids`], of the rules of each file.
pub fn twins<'a>(files: impl IntoIterator<Item = (&'a str, &'a [Rule])>) -> Vec<(usize, Diagnostic)> {
    let ids = |rules: &[Rule]| rules.iter().filter_map(|rule| rule.id.clone()).collect::<Vec<_>>();
    let named: Vec<_> = files.into_iter().map(|(path, rules)| (path, ids(rules))).collect();
    duplicate_ids(&named.iter().map(|(path, ids)| (*path, ids.as_slice())).collect::<Vec<_>>())
}

/// Folders that hold rules in the Azure-Sentinel repository and in those that follow it.
const FOLDERS: [&str; 3] = ["Detections", "Analytic Rules", "Analytics Rules"];

/// Finds names of files that Azure-Sentinel's build does not take (AQ549): in its folders of rules all end in `.yaml`, and
/// no two have one name.
///
/// Takes the paths of files with rules, and gives the number of the file with each problem.
pub fn file_names(files: &[&str]) -> Vec<(usize, Diagnostic)> {
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let parts = Path::new(path);
        let is_place = |part: &Path| part.file_name().is_some_and(|name| FOLDERS.iter().any(|folder| name == *folder));
        let Some(name) = parts.file_name().filter(|_| parts.ancestors().skip(1).any(is_place)) else { continue };
        let name = name.to_string_lossy();
        let mut tell = |message: String, help: &str| {
            found.push((number, Diagnostic::warning("AQ549", Span::default(), message).help(help)));
        };
        if name.to_lowercase().ends_with(".yml") {
            tell(format!("Azure-Sentinel's build does not look at '{name}'"), "let its name end in .yaml");
        }
        match first.get(&name.to_lowercase()) {
            Some(other) => {
                let message = format!("{other} has the same name; Azure-Sentinel's build takes each once");
                tell(message, "give the file a name of its own");
            }
            None => _ = first.insert(name.to_lowercase(), path),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_matter_in_folders_of_rules_alone() {
        let paths =
            ["a/r.yaml", "b/r.yaml", "Detections/x/r.yaml", "Solutions/s/Analytic Rules/R.yaml", "Detections/s.yml"];
        let found: Vec<_> = file_names(&paths).into_iter().map(|(number, problem)| (number, problem.message)).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].0 == 3 && found[0].1.starts_with("Detections/x/r.yaml has the same name"), "{found:?}");
        assert!(found[1].0 == 4 && found[1].1.contains("'s.yml'"), "{found:?}");
    }

    #[test]
    fn the_later_rule_is_told_of_the_earlier() {
        let id = |value: &str| Located { value: value.to_string(), span: Span::new(0, 1) };
        let (a, b) = ([id("x"), id("y")], [id("X")]);
        let found = duplicate_ids(&[("a.yaml", &a), ("b.yaml", &b)]);
        assert_eq!((found.len(), found[0].0), (1, 1));
        assert_eq!(found[0].1.message, "the id 'X' is that of a rule in a.yaml too");
        assert!(duplicate_ids(&[("a.yaml", &a)]).is_empty());
    }
}
