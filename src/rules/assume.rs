//! What Microsoft does not say, and what is taken for it unless the user knows better.

use std::fmt;

/// The answers to open questions about Sentinel; `false` is the first choice of each [`Question`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// Name filters of incident creation rules tell capital letters from small ones.
    pub names_are_exact: bool,
    /// An alert whose first row is closed already makes no incident.
    pub closed_alerts_are_skipped: bool,
    /// The rule that the connector of Defender for Cloud switches on has no severity filter.
    pub all_severities: bool,
    /// The record at the very end of a query's window belongs to it.
    pub window_is_closed: bool,
    /// A grouped incident keeps the severity of its first alert.
    pub first_severity_stays: bool,
    /// Alerts without entities match each other.
    pub nothing_equals_nothing: bool,
    /// An incident that is opened again is new again.
    pub reopened_is_new: bool,
    /// Columns such as AccountCustomEntity make entities where a rule has no mapping.
    pub old_mappings_hold: bool,
}

/// A question that the documentation leaves open.
pub struct Question {
    /// The name by which it is answered.
    pub name: &'static str,
    /// The answers; the first is taken where nobody gives one.
    pub choices: [&'static str; 2],
    pub asks: &'static str,
    answer: fn(&mut Assumptions) -> &mut bool,
}

/// All open questions.
pub const QUESTIONS: &[Question] = &[
    Question {
        name: "name-match",
        choices: ["insensitive", "sensitive"],
        asks: "whether the name filters of incident creation rules tell capital letters apart",
        answer: |assumptions| &mut assumptions.names_are_exact,
    },
    Question {
        name: "closed-alerts",
        choices: ["create", "skip"],
        asks: "whether an alert whose first row is Resolved or Dismissed makes an incident",
        answer: |assumptions| &mut assumptions.closed_alerts_are_skipped,
    },
    Question {
        name: "default-severities",
        choices: ["template", "all"],
        asks: "whether the rule that the connector of Defender for Cloud switches on leaves Informational out",
        answer: |assumptions| &mut assumptions.all_severities,
    },
    Question {
        name: "window",
        choices: ["half-open", "inclusive"],
        asks: "whether a record at the very end of a query's window belongs to it",
        answer: |assumptions| &mut assumptions.window_is_closed,
    },
    Question {
        name: "grouped-severity",
        choices: ["highest", "first"],
        asks: "which of its alerts gives a grouped incident its severity",
        answer: |assumptions| &mut assumptions.first_severity_stays,
    },
    Question {
        name: "no-entities",
        choices: ["apart", "together"],
        asks: "whether alerts without entities are grouped where all entities must match",
        answer: |assumptions| &mut assumptions.nothing_equals_nothing,
    },
    Question {
        name: "reopened-status",
        choices: ["active", "new"],
        asks: "the status of an incident that a further alert opens again",
        answer: |assumptions| &mut assumptions.reopened_is_new,
    },
    Question {
        name: "old-mappings",
        choices: ["ignored", "read"],
        asks: "whether columns such as AccountCustomEntity make entities where a rule has no entityMappings",
        answer: |assumptions| &mut assumptions.old_mappings_hold,
    },
];

impl Assumptions {
    /// Answers a question, told as `name=choice`. Fails with what is wrong with it.
    ///
    /// ```
    /// use alertq::rules::Assumptions;
    /// let mut assumptions = Assumptions::default();
    /// assumptions.assume("name-match", "sensitive").unwrap();
    /// assert!(assumptions.names_are_exact);
    /// assert!(assumptions.assume("name-match", "maybe").unwrap_err().contains("insensitive, sensitive"));
    /// ```
    pub fn assume(&mut self, name: &str, choice: &str) -> Result<(), String> {
        let Some(question) = QUESTIONS.iter().find(|question| question.name == name) else {
            let names: Vec<_> = QUESTIONS.iter().map(|question| question.name).collect();
            let near = crate::diagnostic::nearest(name, names.iter().copied());
            return Err(match near {
                Some(near) => format!("there is no question '{name}'; did you mean '{near}'?"),
                None => format!("there is no question '{name}'; the questions are: {}", names.join(", ")),
            });
        };
        match question.choices.iter().position(|known| *known == choice) {
            Some(place) => {
                *(question.answer)(self) = place == 1;
                Ok(())
            }
            None => Err(format!("'{choice}' is no answer to '{name}'; say one of: {}", question.choices.join(", "))),
        }
    }

    /// Returns each question's name and the answer that holds.
    pub fn answers(&self) -> Vec<(&'static str, &'static str)> {
        let mut copy = *self;
        QUESTIONS.iter().map(|q| (q.name, q.choices[usize::from(*(q.answer)(&mut copy))])).collect()
    }
}

impl fmt::Display for Assumptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers: Vec<_> = self.answers().iter().map(|(name, answer)| format!("{name}={answer}")).collect();
        f.write_str(&answers.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_field_of_its_own() {
        for question in QUESTIONS {
            let mut assumptions = Assumptions::default();
            assumptions.assume(question.name, question.choices[1]).unwrap();
            let (mine, default) = (assumptions.answers(), Assumptions::default().answers());
            let changed = mine.iter().zip(&default).filter(|(mine, default)| mine != default);
            assert_eq!(changed.count(), 1, "{}", question.name);
        }
    }

    #[test]
    fn unknown_questions_name_the_nearest() {
        let error = Assumptions::default().assume("name-mach", "x").unwrap_err();
        assert_eq!(error, "there is no question 'name-mach'; did you mean 'name-match'?");
    }
}
