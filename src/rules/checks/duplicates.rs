//! What only several rules together tell.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::rules::model::Located;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

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
