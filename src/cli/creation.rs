//! The flags of commands that make incidents: which rules are on, and what is assumed where nobody knows.

use clap::Args;

use super::rule_files::RuleFiles;
use super::stop::Stop;
use super::value;
use crate::rules::Assumptions;
use crate::rules::incident::{CreationRule, DEFENDER_FOR_CLOUD, default_products, default_rule};

/// What `--create-incidents` takes beside products.
const ALL: &str = "all";
const NONE: &str = "none";

#[derive(Debug, Args)]
pub(super) struct Creation {
    /// Switches on the rule that a product's connector has for it, by ProductName or brand; `all`, `none`. May be given
    /// several times. Default: Microsoft Defender for Cloud, unless the rule files say how incidents are created.
    #[arg(long, value_name = "PRODUCT")]
    create_incidents: Vec<String>,
    /// Answers a question that Microsoft's documentation leaves open; the output says what was assumed. May be given
    /// several times: name-match=insensitive|sensitive, closed-alerts=create|skip, default-severities=template|all,
    /// window=half-open|inclusive, grouped-severity=highest|first, no-entities=apart|together,
    /// reopened-status=active|new, old-mappings=ignored|read. The first of each is the default.
    #[arg(long, value_name = "QUESTION=ANSWER", value_parser = value::pair)]
    assume: Vec<(String, String)>,
}

impl Creation {
    /// Returns what was answered.
    pub(super) fn assumptions(&self) -> Result<Assumptions, Stop> {
        let mut assumptions = Assumptions::default();
        for (name, choice) in &self.assume {
            assumptions.assume(name, choice).map_err(|error| Stop::failure(format!("--assume: {error}")))?;
        }
        Ok(assumptions)
    }

    /// Adds the rules that connectors switch on to those of the user's files.
    pub(super) fn rules(&self, files: &RuleFiles) -> Result<Vec<CreationRule>, Stop> {
        self.added(files.creation(), files.tell_creation())
    }

    /// Adds to the user's own; `told` says whether these leave nothing to be taken for granted.
    fn added(&self, mut own: Vec<CreationRule>, told: bool) -> Result<Vec<CreationRule>, Stop> {
        let assumptions = self.assumptions()?;
        let mut products: Vec<&str> = self.create_incidents.iter().map(String::as_str).collect();
        if products.is_empty() && !told {
            products.push(DEFENDER_FOR_CLOUD);
        }
        for product in products {
            own.extend(rules_of(product, &assumptions).ok_or_else(|| unknown(product))?);
        }
        Ok(own)
    }
}

/// Returns the rules that connectors switch on for a product, for `all` or `none`; None where there is no such product.
pub(super) fn rules_of(product: &str, assumptions: &Assumptions) -> Option<Vec<CreationRule>> {
    match product {
        NONE => Some(Vec::new()),
        ALL => Some(default_products().filter_map(|product| default_rule(product, assumptions)).collect()),
        _ => default_rule(product, assumptions).map(|rule| vec![rule]),
    }
}

fn unknown(product: &str) -> Stop {
    Stop::failure(format!("--create-incidents: no connector makes incidents for '{product}'")).help(remedy())
}

/// Says which products there are.
pub(super) fn remedy() -> String {
    let known: Vec<&str> = default_products().collect();
    format!("say one of: {}, {ALL}, {NONE}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::assume::QUESTIONS;

    #[test]
    fn the_help_names_every_question_and_answer() {
        let command = Creation::augment_args(clap::Command::new("x"));
        let help = command.get_arguments().find(|a| a.get_id() == "assume").unwrap().get_help().unwrap().to_string();
        for question in QUESTIONS {
            assert!(help.contains(&format!("{}={}", question.name, question.choices.join("|"))), "{}", question.name);
        }
    }

    #[test]
    fn the_rule_for_defender_for_cloud_is_on_unless_something_else_is_said() {
        let rules = |products: &[&str], own: Vec<CreationRule>| {
            let create_incidents = products.iter().map(ToString::to_string).collect();
            let told = !own.is_empty();
            Creation { create_incidents, assume: Vec::new() }.added(own, told).map(|rules| rules.len()).ok()
        };
        assert_eq!(rules(&[], vec![]), Some(1));
        assert_eq!(rules(&["all"], vec![]), Some(7));
        assert_eq!(rules(&["none"], vec![]), Some(0));
        assert_eq!(rules(&["microsoft defender for cloud"], vec![]), Some(1));
        assert_eq!(rules(&[], vec![CreationRule::default()]), Some(1));
        assert_eq!(rules(&["Contoso"], vec![]), None);
    }
}
