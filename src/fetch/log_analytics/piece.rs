//! A window of a download: what it should hold, and what became of it.

use serde::{Deserialize, Serialize};

use super::subject::Bucket;
use crate::fetch::{Window, moment};
use crate::types::ticks;

/// A window, or a part of the records of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    #[serde(with = "moment")]
    pub from: i64,
    #[serde(with = "moment")]
    pub to: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// Rows, as they were counted.
    pub rows: u64,
    /// What was written, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// What was written of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The file; none where there are no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Bytes of the answer.
    pub bytes: u64,
}

/// Buckets beyond this do not divide what is left.
const MOST_BUCKETS: u64 = 1 << 20;

/// The two windows that a window is cut into.
pub(super) type Halves = [(Window, Option<Bucket>); 2];

impl Piece {
    /// Makes a piece that is to be done; without rows there is nothing to do.
    pub(super) fn new(window: Window, bucket: Option<Bucket>, rows: u64) -> Piece {
        let done = (rows == 0).then_some(Done { file: None, bytes: 0 });
        Piece { from: window.from, to: window.to, bucket, rows, done }
    }

    pub(super) fn window(&self) -> Window {
        Window { from: self.from, to: self.to }
    }

    /// Tells whether it is the same part of the records, whatever became of it.
    pub(super) fn is_same(&self, other: &Piece) -> bool {
        (self.from, self.to, self.bucket) == (other.from, other.to, other.bucket)
    }

    /// Names its file.
    pub(super) fn file(&self) -> String {
        let part = self.bucket.map(|bucket| format!("_{}of{}", bucket.index, bucket.of)).unwrap_or_default();
        format!("{}_{}{part}.parquet", stamp(self.from), stamp(self.to))
    }

    /// Cuts it into two; none where that cannot be.
    pub(super) fn halves(&self) -> Option<Halves> {
        let Piece { from, to, bucket, rows, .. } = *self;
        let whole = self.window();
        match bucket {
            _ if rows <= 1 => None,
            None if to - from > 1 => {
                let middle = from + (to - from) / 2;
                Some([(Window { from, to: middle }, None), (Window { from: middle, to }, None)])
            }
            None => Some([0, 1].map(|index| (whole, Some(Bucket { index, of: 2 })))),
            Some(Bucket { of, .. }) if of >= MOST_BUCKETS => None,
            // What has the remainder k of n has k or k + n of 2n.
            Some(Bucket { index, of }) => {
                Some([index, index + of].map(|index| (whole, Some(Bucket { index, of: of * 2 }))))
            }
        }
    }

    /// Says which it is.
    pub(super) fn describe(&self) -> String {
        let (from, to) = (ticks::format_datetime(self.from), ticks::format_datetime(self.to));
        let part = self.bucket.map(|bucket| format!(", part {} of {}", bucket.index + 1, bucket.of));
        format!("{from} to {to}{}", part.unwrap_or_default())
    }
}

/// Writes a moment as part of a file's name: no sign in it means anything to a shell or a file system.
pub(super) fn stamp(moment: i64) -> String {
    ticks::format_datetime(moment).chars().filter(|c| !"-:.".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_whole() {
        let piece = |from, to, bucket| Piece::new(Window { from, to }, bucket, 9);
        let [(a, _), (b, _)] = piece(0, 5, None).halves().unwrap();
        assert_eq!((a.from, a.to, b.from, b.to), (0, 2, 2, 5));
        let [(_, a), (_, b)] = piece(0, 1, None).halves().unwrap();
        assert_eq!((a, b), (Some(Bucket { index: 0, of: 2 }), Some(Bucket { index: 1, of: 2 })));
        let [(_, a), (_, b)] = piece(0, 1, Some(Bucket { index: 3, of: 4 })).halves().unwrap();
        assert_eq!((a, b), (Some(Bucket { index: 3, of: 8 }), Some(Bucket { index: 7, of: 8 })));
        assert_eq!(piece(0, 1, Some(Bucket { index: 3, of: 1 << 20 })).halves(), None);
        assert_eq!(Piece::new(Window { from: 0, to: 5 }, None, 1).halves(), None);
    }

    #[test]
    fn files_are_named_for_their_window() {
        let day = ticks::parse_datetime("2026-01-01").unwrap();
        let window = Window { from: day, to: day + 1 };
        let name = Piece::new(window, Some(Bucket { index: 3, of: 8 }), 1).file();
        assert_eq!(name, "20260101T0000000000000Z_20260101T0000000000001Z_3of8.parquet");
    }
}
