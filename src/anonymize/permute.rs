//! Digits of any base become other digits, as many, and no two numbers become the same one.
//!
//! A Feistel network over the digits (the construction of NIST SP 800-38G, with HMAC-SHA256 for its rounds): what is
//! short, such as a number of five digits, would meet its like by chance soon if it were drawn freely.

use std::fmt::Write;

use super::key::Key;

const ROUNDS: u32 = 8;
/// Digits that a half may have: 16 to this power still fits.
const HALF: usize = 30;

/// Permutes the digits of a number; a first digit that is not zero stays so.
///
/// What has one digit alone is returned as it is, and of very long numbers each part is permuted by itself.
pub(super) fn permute(key: &Key, digits: &[u8], base: u32) -> Vec<u8> {
    if digits.len() > 2 * HALF {
        return digits.chunks(2 * HALF).flat_map(|part| permute(key, part, base)).collect();
    }
    if digits.len() < 2 {
        return digits.to_vec();
    }
    let mut permuted = digits.to_vec();
    loop {
        permuted = rounds(key, &permuted, base);
        // Going on until the number is again one of those that are wanted keeps it a permutation of these.
        if digits[0] == 0 || permuted[0] != 0 {
            return permuted;
        }
    }
}

fn rounds(key: &Key, digits: &[u8], base: u32) -> Vec<u8> {
    let (left, right) = digits.split_at(digits.len() / 2);
    let (mut a, mut b) = ((value(left, base), left.len()), (value(right, base), right.len()));
    let mut text = format!("{base} {} ", digits.len());
    let head = text.len();
    for round in 0..ROUNDS {
        let size = power(base, a.1);
        text.truncate(head);
        push_number(round.into(), &mut text);
        text.push(' ');
        push_number(b.0, &mut text);
        let add = key.number("digits", &text) % size;
        let sum = (a.0 + add) % size;
        (a, b) = (b, (sum, a.1));
    }
    [spell(a.0, a.1, base), spell(b.0, b.1, base)].concat()
}

/// Writes a number: most of them are small, and what formats those of 128 bits takes its time.
fn push_number(number: u128, out: &mut String) {
    // A text takes all that is written.
    let _ = match u64::try_from(number) {
        Ok(small) => write!(out, "{small}"),
        Err(_) => write!(out, "{number}"),
    };
}

fn power(base: u32, digits: usize) -> u128 {
    (0..digits).fold(1, |power, _| power * u128::from(base))
}

fn value(digits: &[u8], base: u32) -> u128 {
    digits.iter().fold(0, |value, digit| value * u128::from(base) + u128::from(*digit))
}

fn spell(mut value: u128, count: usize, base: u32) -> Vec<u8> {
    let mut digits = vec![0; count];
    for digit in digits.iter_mut().rev() {
        *digit = (value % u128::from(base)) as u8;
        value /= u128::from(base);
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key() -> Key {
        Key::new(&[7; 32]).unwrap()
    }

    #[test]
    fn no_two_numbers_become_the_same() {
        let all: HashSet<Vec<u8>> = (100..1000u32)
            .map(|n| permute(&key(), &spell(n.into(), 3, 10), 10))
            .inspect(|digits| assert!(digits.len() == 3 && digits[0] != 0 && digits.iter().all(|digit| *digit < 10)))
            .collect();
        assert_eq!(all.len(), 900);
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        for number in [0, 9, 10, 4711, u128::from(u64::MAX), u128::from(u64::MAX) + 1] {
            let mut text = String::new();
            push_number(number, &mut text);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn lengths_stay_whatever_they_are() {
        for count in [0, 1, 2, 59, 60, 61, 150] {
            assert_eq!(permute(&key(), &vec![9; count], 16).len(), count);
        }
    }
}
