//! Results that Microsoft's parser computes in a way of their own.

use super::Library;
use super::fit::{Call, Conversion, common, promoted};
use crate::bind::seen::{ANY, Member, Seen, member};
use crate::types::ScalarType;

impl Call<'_> {
    /// Returns the type of the result; None where the binder knows it, or nobody does.
    pub(super) fn computed(&self) -> Option<Seen> {
        if self.library == Library::Aggregates {
            return self.computed_of_rows();
        }
        Some(match self.name {
            "array_concat" => self.common_of_all(Conversion::None).unwrap_or_else(array),
            "array_iff" | "array_iif" => match self.seen(1)? {
                seen if seen.is_dynamic() => seen.clone(),
                seen => Seen::array_of(seen.clone()),
            },
            // Of all columns of the row the binder knows.
            "pack_array" if self.arguments.iter().any(|argument| argument.star) => return None,
            "pack_array" => Seen::array_of(self.common_of_all(Conversion::Promotable).unwrap_or(ANY)),
            "array_sort_asc" | "array_sort_desc" => match &self.sorted()[..] {
                [only] => only.clone(),
                _ => return None,
            },
            "set_union" | "set_intersect" | "set_difference" => match self.common_of_all(Conversion::Promotable) {
                Some(set @ Seen::Array(_)) => set,
                _ => array(),
            },
            "bag_pack" | "pack" | "pack_dictionary" => Seen::bag(self.packed()),
            "bag_merge" => self.merged(),
            // The parser means to leave out members, and knows of none in the end.
            "bag_remove_keys" => Seen::bag(Vec::new()),
            "bag_set_key" => self.with_key()?,
            _ => return None,
        })
    }

    fn computed_of_rows(&self) -> Option<Seen> {
        match self.name {
            "percentile" | "percentilew" => self.seen(0).filter(|seen| seen.is_dynamic()).cloned().map(promoted),
            "percentiles_array" | "percentilesw_array" => Some(array()),
            _ => None,
        }
    }

    /// Returns the types of the arrays that `array_sort_asc` gives: those that lead its arguments.
    pub(super) fn sorted(&self) -> Vec<Seen> {
        let is_array = |seen: &&Seen| matches!(seen, Seen::Array(_)) || **seen == ANY;
        self.arguments.iter().map(|argument| &argument.seen).take_while(is_array).cloned().collect()
    }

    fn seen(&self, index: usize) -> Option<&Seen> {
        self.arguments.get(index).map(|argument| &argument.seen)
    }

    fn common_of_all(&self, allowed: Conversion) -> Option<Seen> {
        let mut all = self.arguments.iter().map(|argument| argument.seen.clone());
        let first = all.next()?;
        all.try_fold(first, |found, next| common(&found, &next, allowed))
    }

    fn packed(&self) -> Vec<Member> {
        let pairs = self.arguments.chunks_exact(2);
        pairs.filter_map(|pair| Some((pair[0].text.clone()?, pair[1].seen.clone()))).collect()
    }

    /// Returns the bag of all members; of a name that stands twice the first counts.
    fn merged(&self) -> Seen {
        let Some(Seen::Bag(first)) = self.seen(0) else { return Seen::bag(Vec::new()) };
        let mut merged: Vec<Member> = first.to_vec();
        for argument in &self.arguments[1..] {
            let Seen::Bag(members) = &argument.seen else { continue };
            for (name, seen) in members.iter() {
                if member(&merged, name).is_none() {
                    merged.push((name.clone(), seen.clone()));
                }
            }
        }
        Seen::bag(merged)
    }

    fn with_key(&self) -> Option<Seen> {
        let (bag, value) = (self.seen(0)?, self.seen(2)?);
        let key = self.arguments[1].text.as_deref().filter(|key| !key.trim().is_empty() && !is_path(key));
        let Some(key) = key else { return Some(bag.clone()) };
        let members = match bag {
            Seen::Bag(members) => &members[..],
            _ => &[],
        };
        let set = (key.to_string(), value.clone());
        let Some(old) = member(members, key) else {
            return Some(Seen::bag(members.iter().cloned().chain([set]).collect()));
        };
        // The parser puts the member that is replaced in the place of all others, too.
        let old = (key.to_string(), old.clone());
        let last = members.iter().rposition(|(name, _)| name == key);
        let replaced = (0..members.len()).map(|index| if Some(index) == last { set.clone() } else { old.clone() });
        Some(Seen::bag(replaced.collect()))
    }
}

fn array() -> Seen {
    Seen::array_of(Seen::Scalar(ScalarType::Dynamic))
}

/// Tells whether a key may be a path into the bag.
fn is_path(key: &str) -> bool {
    key.contains(['$', '.', '[', ']'])
}
