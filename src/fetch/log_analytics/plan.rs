//! How a time is cut into windows: by counting first, so that no answer has to be thrown away.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::journal::Step;
use super::manifest::{Manifest, Place};
use super::piece::Piece;
use super::subject::{Bucket, Cut};
use super::{AT_ONCE, Job};
use crate::fetch::Window;
use crate::fetch::error::{Error, ErrorKind};

/// A run of bins that belong into one window, or one bin that is too large for that.
#[derive(Debug, PartialEq)]
struct Group {
    window: Window,
    rows: u64,
}

/// What became of a time that was counted.
struct Counted {
    whole: Window,
    /// What an answer holds, as far as it is known.
    pieces: Vec<Piece>,
    /// What is to be counted in more detail.
    denser: Vec<Window>,
}

impl Job<'_> {
    /// Cuts the last generation into pieces of at most so many rows as an answer should hold. They leave no gap.
    ///
    /// What is counted is kept each time, where there is a place for it: counting goes on where it stopped.
    pub(super) async fn plan(&self, place: Option<&Place>, manifest: &mut Manifest) -> Result<(), Error> {
        let Some(generation) = manifest.generations.last() else { return Ok(()) };
        let cut = generation.cut();
        let mut left = generation.uncounted.clone();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(window) = left.pop()
            {
                running.push(self.counted(window, cut));
            }
            let Some(counted) = running.next().await else { break };
            let Counted { whole, pieces, denser } = counted?;
            left.extend(&denser);
            let step = Step::Counted { whole, pieces, denser };
            match place {
                Some(place) => place.note(manifest, step)?,
                None => manifest.apply(step),
            }
        }
        if let Some(generation) = manifest.generations.last_mut() {
            generation.windows.sort_by_key(|piece| (piece.from, piece.bucket));
        }
        Ok(())
    }

    /// Counts the parts of a window.
    async fn counted(&self, whole: Window, cut: Cut) -> Result<Counted, Error> {
        let mut counted = Counted { whole, pieces: Vec::new(), denser: Vec::new() };
        let (width, counts) = loop {
            let bins = i64::try_from(self.window_rows).unwrap_or(i64::MAX).clamp(2, self.logs.most_counts().max(2));
            let width = ((whole.to - whole.from).saturating_add(bins - 1) / bins).max(1);
            match self.counts(&self.subject.histogram(whole, cut, width)).await {
                Ok(counts) => break (width, counts),
                Err(error) if error.kind == ErrorKind::TooLarge && self.logs.counts_were_too_many(bins) => {}
                Err(error) => return Err(error),
            }
        };
        for group in groups(whole, width, &counts, self.window_rows) {
            if group.rows <= self.window_rows {
                counted.pieces.push(Piece::new(group.window, None, group.rows));
            } else if width > 1 {
                counted.denser.push(group.window);
            } else {
                counted.pieces.extend(self.buckets(group, cut).await?);
            }
        }
        Ok(counted)
    }

    /// Cuts the records of one moment by their identifiers.
    async fn buckets(&self, group: Group, cut: Cut) -> Result<Vec<Piece>, Error> {
        let of = (group.rows.div_ceil(self.window_rows.max(1)) * 2).next_power_of_two();
        let counts = self.counts(&self.subject.buckets(group.window, cut, of)).await?;
        let rows = |index: u64| counts.get(&i64::try_from(index).unwrap_or(-1)).copied().unwrap_or(0);
        Ok((0..of).map(|index| Piece::new(group.window, Some(Bucket { index, of }), rows(index))).collect())
    }

    /// Asks for the columns `Bin` and `Rows`.
    async fn counts(&self, query: &str) -> Result<BTreeMap<i64, u64>, Error> {
        let answer = self.logs.rows(query).await?;
        let pair = |row: usize| {
            let rows = u64::try_from(answer.number(row, "Rows")?).ok()?;
            Some((answer.number(row, "Bin")?, rows))
        };
        Ok((0..answer.rows.len()).filter_map(pair).collect())
    }
}

/// Puts neighbouring bins together as long as they hold no more than `most` rows.
fn groups(whole: Window, width: i64, counts: &BTreeMap<i64, u64>, most: u64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut from, mut bin) = (whole.from, 0);
    while from < whole.to {
        let to = from.saturating_add(width).min(whole.to);
        let rows = counts.get(&bin).copied().unwrap_or(0);
        match groups.last_mut() {
            Some(last) if last.rows + rows <= most => {
                last.window.to = to;
                last.rows += rows;
            }
            _ => groups.push(Group { window: Window { from, to }, rows }),
        }
        (from, bin) = (to, bin + 1);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_go_together_and_leave_no_gap() {
        let counts = BTreeMap::from([(0, 3), (1, 4), (3, 9), (4, 30), (6, 1)]);
        let found = groups(Window { from: 100, to: 175 }, 10, &counts, 10);
        let expected = [(100, 130, 7), (130, 140, 9), (140, 150, 30), (150, 175, 1)];
        let tuple = |group: &Group| (group.window.from, group.window.to, group.rows);
        assert_eq!(found.iter().map(tuple).collect::<Vec<_>>(), expected);
        assert_eq!(groups(Window { from: 1, to: 1 }, 1, &counts, 10), []);
    }
}
