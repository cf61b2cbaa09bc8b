//! Time, cut into pieces that neither overlap nor leave a gap.

/// A time from one moment, inclusive, to another, exclusive; both in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

/// Cuts a time into windows of one length; the last one may be shorter.
///
/// Windows begin at multiples of the length, so that a pull that is repeated with another start asks for the same ones.
/// Gives nothing where the length is not positive or the time is empty.
pub fn windows(whole: Window, length: i64) -> impl Iterator<Item = Window> {
    let mut from = whole.from;
    std::iter::from_fn(move || {
        if length <= 0 || from >= whole.to {
            return None;
        }
        let next = from.div_euclid(length).saturating_add(1).saturating_mul(length);
        let window = Window { from, to: next.min(whole.to) };
        from = window.to;
        Some(window)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(from: i64, to: i64, length: i64) -> Vec<(i64, i64)> {
        windows(Window { from, to }, length).map(|window| (window.from, window.to)).collect()
    }

    #[test]
    fn windows_touch_and_begin_at_multiples() {
        assert_eq!(cut(7, 25, 10), [(7, 10), (10, 20), (20, 25)]);
        assert_eq!(cut(10, 30, 10), [(10, 20), (20, 30)]);
        assert_eq!(cut(-5, 5, 10), [(-5, 0), (0, 5)]);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(cut(5, 5, 10), []);
        assert_eq!(cut(6, 5, 10), []);
        assert_eq!(cut(0, 5, 0), []);
        assert_eq!(cut(i64::MAX - 1, i64::MAX, 10), [(i64::MAX - 1, i64::MAX)]);
    }
}
