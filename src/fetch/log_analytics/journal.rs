//! What was done since the manifest was written, one line for each step.
//!
//! The manifest is as long as the windows are many. Written anew after each of them it would cost more than the download,
//! so a step is a line behind others. The journal belongs to one state of the manifest, whose number its name has: lines
//! that a newer manifest holds already are nobody's.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::manifest::{Generation, NamedType};
use super::piece::Piece;
use crate::fetch::Window;

/// A change to the generation that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Step {
    /// A time was counted: windows that an answer holds, and times to be counted in more detail.
    Counted { whole: Window, pieces: Vec<Piece>, denser: Vec<Window> },
    /// A window was fetched, or cut into parts: what stands in its place.
    Fetched { piece: Piece, by: Vec<Piece>, columns: Vec<NamedType> },
}

impl Step {
    /// Makes the change.
    pub(super) fn apply(self, generation: &mut Generation) {
        match self {
            Step::Counted { whole, pieces, denser } => {
                generation.uncounted.retain(|window| *window != whole);
                generation.uncounted.extend(denser);
                generation.windows.extend(pieces);
            }
            Step::Fetched { piece, by, columns } => {
                if generation.columns.is_empty() {
                    generation.columns = columns;
                }
                if let Some(at) = generation.windows.iter().position(|known| known.is_same(&piece)) {
                    generation.windows.splice(at..=at, by);
                }
            }
        }
    }
}

/// The journal of a download's folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journal<'a> {
    pub(super) folder: &'a Path,
}

/// What the names of journals are, around the number.
const NAME: (&str, &str) = ("_fetch.", ".jsonl");

impl Journal<'_> {
    fn path(self, state: u64) -> PathBuf {
        self.folder.join(format!("{}{state}{}", NAME.0, NAME.1))
    }

    /// Adds a step behind the others of a state. The files of windows are on disk by then; a line that a failure of the
    /// machine takes away costs no more than to fetch its window again.
    pub(super) fn add(self, state: u64, step: &Step) -> io::Result<()> {
        let mut line = serde_json::to_vec(step)?;
        line.push(b'\n');
        let mut file = File::options().create(true).append(true).open(self.path(state))?;
        file.write_all(&line)
    }

    /// Reads the steps behind a state; what follows a line that is not whole is not believed.
    pub(super) fn steps(self, state: u64) -> io::Result<Vec<Step>> {
        let file = match File::open(self.path(state)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::new(file);
        let (mut steps, mut line) = (Vec::new(), Vec::new());
        while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            let Ok(step) = serde_json::from_slice(&line) else { break };
            steps.push(step);
            line.clear();
        }
        Ok(steps)
    }

    /// Removes the journals of every other state.
    pub(super) fn forget_but(self, state: u64) -> io::Result<()> {
        let keep = self.path(state);
        for entry in fs::read_dir(self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_journal = name.starts_with(NAME.0) && name.ends_with(NAME.1) && entry.path() != keep;
            if is_journal && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: i64) -> Step {
        let window = Window { from, to: from + 1 };
        Step::Counted { whole: window, pieces: vec![Piece::new(window, None, 7)], denser: Vec::new() }
    }

    #[test]
    fn half_a_line_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal { folder: folder.path() };
        assert_eq!(journal.steps(3).unwrap(), []);
        journal.add(3, &step(1)).unwrap();
        journal.add(3, &step(2)).unwrap();
        assert_eq!(journal.steps(3).unwrap(), [step(1), step(2)]);
        let whole = fs::read(journal.path(3)).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for end in 0..whole.len() {
            fs::write(journal.path(3), &whole[..end]).unwrap();
            let expected = if end >= first { vec![step(1)] } else { Vec::new() };
            assert_eq!(journal.steps(3).unwrap(), expected, "{end}");
        }
    }

    #[test]
    fn each_state_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal { folder: folder.path() };
        journal.add(3, &step(1)).unwrap();
        journal.add(4, &step(2)).unwrap();
        journal.forget_but(4).unwrap();
        assert_eq!((journal.steps(3).unwrap(), journal.steps(4).unwrap()), (vec![], vec![step(2)]));
    }
}
