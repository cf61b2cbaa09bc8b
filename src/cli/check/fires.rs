//! `--replay`: rules that never fire over the records that are at hand.

use super::Checked;
use crate::cli::data::Opened;
use crate::cli::replayed::{MEMORY, Replayed, runs};
use crate::cli::stop::Stop;
use crate::cli::value::processors;
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::checks::Levels;
use crate::rules::scenario::unmet;
use crate::rules::schedule::{Data, Timing};
use crate::rules::simulate::{Replay, Summary};
use crate::rules::{Assumptions, Rule, Workspace};
use crate::types::ticks::TICKS_PER_DAY;

/// The longest time between two runs of a rule, in ticks (documented).
const LONGEST_PAUSE: i64 = 14 * TICKS_PER_DAY;

/// Replays the rules of files without errors, and tells those of which no run fires (AQ547).
///
/// Runs begin at the first record and end when every rule has seen the last.
pub(super) fn tell(
    checked: &mut [Checked],
    opened: &Opened,
    now: i64,
    memory: Option<usize>,
    levels: &Levels,
) -> Result<(), Stop> {
    let mut places = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    for (file, checked) in checked.iter().enumerate() {
        if checked.diagnostics.iter().any(Diagnostic::is_error) {
            continue;
        }
        for rule in checked.rules.iter().filter(|rule| runs(rule)) {
            places.push(file);
            rules.push(rule.clone());
        }
    }
    let threads = processors();
    let assumptions = Assumptions::default();
    let memory = memory.unwrap_or(MEMORY);
    let mut data = Replayed { opened, rules: &rules, recorded: None, now, memory, threads, assumptions }.data()?;
    let Some((from, last)) = data.period() else { return Ok(()) };
    let replay = Replay {
        rules: &rules,
        creation: &[],
        workspace: Workspace::default(),
        from,
        to: last.saturating_add(LONGEST_PAUSE),
        timing: Timing::Schedule,
        closings: Vec::new(),
        first_number: 1,
        threads,
    };
    let outcome = replay.replay(&mut data, &|_| {}).map_err(Stop::failure)?;
    data.look_at_all();
    for ((rule, file), summary) in rules.iter().zip(places).zip(&outcome.summaries) {
        if let Some(problem) = problem(rule, summary, &data, (from, last)) {
            checked[file].diagnostics.extend(levels.apply(problem));
            super::worst_first(&mut checked[file].diagnostics);
        }
    }
    Ok(())
}

fn problem(rule: &Rule, summary: &Summary, data: &Data, (from, last): (i64, i64)) -> Option<Diagnostic> {
    let start = rule.query().map_or(rule.start, |query| query.place(Span::new(0, 1)));
    if let Some(failure) = &summary.failure {
        let message = format!("the rule cannot be replayed over the records of --data: {failure}");
        return Some(
            Diagnostic::warning("AQ547", start, message).help("the records must hold the tables that it reads"),
        );
    }
    if summary.runs == 0 || summary.fired > 0 {
        return None;
    }
    let message = format!("none of the {} runs over the records of --data fires", summary.runs);
    let help = match summary.most_rows {
        0 => match unmet(rule, data, from, last.saturating_add(1)) {
            Some(condition) => format!("no record meets `{condition}`"),
            None => "its result is empty each time".to_string(),
        },
        rows => {
            let schedule = rule.schedule();
            let operator =
                schedule.and_then(|schedule| schedule.trigger_operator).map_or("GreaterThan", |o| o.value.word());
            let threshold = schedule.and_then(|schedule| schedule.trigger_threshold).map_or(0, |t| t.value);
            format!("its result has {rows} rows at most, and the rule waits for {operator} {threshold}")
        }
    };
    Some(Diagnostic::warning("AQ547", start, message).help(help))
}
