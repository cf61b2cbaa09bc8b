//! Names and ids: what takes the place of one word, GUID, hash or number.

use super::key::Key;
use super::permute::permute;

/// Letters of the words that names become: without vowels none of them is a word of a language.
const LETTERS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
/// Letters of such a word: two names in a thousand million pairs of a million meet by chance.
const LENGTH: usize = 12;
/// Digits at the end of a GUID or hash by which it is known again as a replacement.
const MARK: usize = 8;

/// How the letters of a name are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    Capital,
    Mixed,
}

impl Case {
    fn of(text: &str) -> Case {
        let mut letters = text.chars().filter(|letter| letter.is_alphabetic());
        let Some(first) = letters.next() else { return Case::Lower };
        let rest: Vec<bool> = letters.map(char::is_uppercase).collect();
        match (first.is_uppercase(), rest.iter().any(|upper| *upper), rest.iter().all(|upper| *upper)) {
            (false, false, _) => Case::Lower,
            (true, _, true) => Case::Upper,
            (true, false, _) => Case::Capital,
            _ => Case::Mixed,
        }
    }
}

/// Replaces a name of one word.
///
/// Names that differ in case alone become names that differ in case alone: what compares without regard to case finds
/// them equal as before, and what regards it does not.
pub(super) fn word(key: &Key, name: &str) -> String {
    let number = key.number("word", &name.to_lowercase());
    let mut rest = number;
    let mut letters: Vec<u8> = Vec::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        letters.push(LETTERS[(rest % LETTERS.len() as u128) as usize]);
        rest /= LETTERS.len() as u128;
    }
    match Case::of(name) {
        Case::Lower => {}
        Case::Upper => letters.make_ascii_uppercase(),
        Case::Capital => letters[0].make_ascii_uppercase(),
        Case::Mixed => {
            // The third letter sets it apart from all other ways of writing.
            let upper = key.bytes("case", name);
            for (at, letter) in letters.iter_mut().enumerate() {
                if at == 2 || at != 3 && upper[at] & 1 == 1 {
                    letter.make_ascii_uppercase();
                }
            }
        }
    }
    letters.into_iter().map(char::from).collect()
}

/// Replaces 32 hexadecimal digits, those of a GUID: a GUID of version 4 whose end shows that it is a replacement.
pub(super) fn guid(key: &Key, digits: &str) -> String {
    let mut bytes = key.bytes("guid", &digits.to_lowercase());
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    cased(&marked(key, &hex(&bytes[..12])), digits)
}

/// Replaces the hexadecimal digits of a hash by as many, whose end shows that they are a replacement.
pub(super) fn hash(key: &Key, digits: &str) -> String {
    if digits.len() == 32 {
        return guid(key, digits);
    }
    let stream = key.stream("hash", &digits.to_lowercase(), digits.len() / 2 + 1);
    let text = hex(&stream);
    let body = &text[..digits.len().saturating_sub(MARK).min(text.len())];
    cased(&marked(key, body), digits)
}

/// Tells whether hexadecimal digits are what [`guid`] or [`hash`] gives.
pub(super) fn is_replacement(key: &Key, digits: &str) -> bool {
    let lower = digits.to_lowercase();
    let Some(at) = lower.len().checked_sub(MARK) else { return false };
    lower.split_at_checked(at).is_some_and(|(body, mark)| mark_of(key, body) == mark)
}

fn marked(key: &Key, body: &str) -> String {
    body.to_string() + &mark_of(key, body)
}

fn mark_of(key: &Key, body: &str) -> String {
    hex(&key.bytes("mark", body)[..MARK / 2])
}

/// Replaces a number of hexadecimal digits by one of as many.
pub(super) fn hex_number(key: &Key, digits: &str) -> String {
    let values: Vec<u8> = digits.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    let permuted = permute(key, &values, 16);
    let text: String = permuted.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)).collect();
    cased(&text, digits)
}

/// Replaces decimal digits by as many.
pub(super) fn digits(key: &Key, number: &str) -> String {
    let values: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    permute(key, &values, 10).into_iter().map(|digit| char::from(b'0' + digit)).collect()
}

/// Replaces text in base64 by as much of it.
pub(super) fn base64(key: &Key, text: &str) -> String {
    use base64::Engine;
    let body = text.trim_end_matches('=');
    let stream = key.stream("base64", text, body.len());
    let mut replaced = base64::engine::general_purpose::STANDARD_NO_PAD.encode(stream);
    replaced.truncate(body.len());
    replaced + &text[body.len()..]
}

/// Replaces a security identifier, in which the domain and the account have their own parts; None if it is none.
///
/// Well-known ones, and the well-known accounts of a domain (below 1000), stay. Those of Entra hold the object's id
/// and agree with it.
pub(super) fn sid(key: &Key, sid: &str) -> Option<String> {
    let parts: Vec<&str> = sid.split('-').collect();
    let number = |part: &&str| part.parse::<u32>().ok();
    if parts.len() < 4 || !parts[0].eq_ignore_ascii_case("s") || !parts[1..].iter().all(|part| is_digits(part)) {
        return None;
    }
    match (parts[1..4].join("-").as_str(), parts.get(4..)) {
        ("1-5-21", Some([a, b, c, rest @ ..])) => {
            let domain = key.number("sid", &format!("{a}-{b}-{c}"));
            let part = |shift: u32| (domain >> shift) as u32;
            let account = |rid: &&str| match number(rid) {
                Some(known) if known < 1000 => known.to_string(),
                _ => digits(key, rid),
            };
            let head = format!("{}-1-5-21-{}-{}-{}", parts[0], part(0), part(32), part(64));
            Some(rest.iter().fold(head, |sid, rid| format!("{sid}-{}", account(rid))))
        }
        ("1-12-1", Some(words)) if words.len() == 4 && words.iter().all(|word| number(word).is_some()) => {
            let words: Vec<u32> = words.iter().filter_map(number).collect();
            let replaced = words_of_guid(&guid(key, &guid_of_words(&words)));
            Some(replaced.iter().fold(format!("{}-1-12-1", parts[0]), |sid, word| format!("{sid}-{word}")))
        }
        // Names of services, virtual machines and logon sessions are hashes or numbers of this machine.
        ("1-5-80" | "1-5-83" | "1-5-5", Some(rest)) if !rest.is_empty() => {
            let head = parts[..4].join("-");
            Some(rest.iter().fold(head, |sid, part| format!("{sid}-{}", digits(key, part))))
        }
        _ if parts[2..].iter().all(|part| part.len() <= 4) => Some(sid.to_string()),
        _ => Some(
            parts[2..]
                .iter()
                .fold(format!("{}-{}", parts[0], parts[1]), |sid, part| format!("{sid}-{}", digits(key, part))),
        ),
    }
}

/// Spells the four numbers at the end of an Entra SID as the digits of the object's GUID: the bytes of a number come
/// lowest first, as do those of the first three parts of a GUID.
fn guid_of_words(words: &[u32]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    hex(&swapped(&bytes))
}

fn words_of_guid(digits: &str) -> Vec<u32> {
    let byte = |at: usize| digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or_default();
    let bytes: Vec<u8> = (0..16).map(|at| byte(2 * at)).collect();
    let word = |four: &[u8]| four.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    swapped(&bytes).chunks(4).map(word).collect()
}

fn swapped(bytes: &[u8]) -> Vec<u8> {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    ORDER.iter().map(|at| bytes.get(*at).copied().unwrap_or_default()).collect()
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// Writes hexadecimal digits in capitals where the original has some.
fn cased(digits: &str, like: &str) -> String {
    match like.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => digits.to_uppercase(),
        false => digits.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key() -> Key {
        Key::new(&[7; 32]).unwrap()
    }

    #[test]
    fn names_that_differ_in_case_alone_stay_so() {
        let all: Vec<String> = ["srv-a", "SRV-A", "Srv-a", "Srv-A", "sRv-a"].map(|name| word(&key(), name)).into();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 5, "{all:?}");
        assert_eq!(all.iter().map(|name| name.to_lowercase()).collect::<HashSet<_>>().len(), 1);
        assert_ne!(word(&key(), "srv-a"), word(&key(), "srv-b"));
        assert_eq!(word(&key(), "müller").len(), LENGTH);
    }

    #[test]
    fn guids_and_hashes_are_known_again() {
        let replaced = guid(&key(), "0123456789abcdef0123456789abcdef");
        assert!(replaced.len() == 32 && is_replacement(&key(), &replaced));
        assert!(!is_replacement(&key(), "0123456789abcdef0123456789abcdef"));
        assert_eq!(&replaced[12..13], "4");
        assert_eq!(guid(&key(), "0123456789ABCDEF0123456789ABCDEF"), replaced.to_uppercase());
        for count in [40, 64, 96, 128, 33] {
            let replaced = hash(&key(), &"a1".repeat(64)[..count]);
            assert!(replaced.len() == count && is_replacement(&key(), &replaced), "{count} {replaced}");
        }
    }

    #[test]
    fn identifiers_keep_domain_and_known_accounts() {
        let replaced = |text: &str| sid(&key(), text);
        for same in ["S-1-5-18", "S-1-1-0", "S-1-5-32-544"] {
            assert_eq!(replaced(same).as_deref(), Some(same));
        }
        let admin = replaced("S-1-5-21-3061399664-1673012318-3185014992-500").unwrap();
        let user = replaced("S-1-5-21-3061399664-1673012318-3185014992-20022").unwrap();
        assert!(admin.ends_with("-500") && !admin.contains("3061399664"));
        assert_eq!(admin.rsplit_once('-').unwrap().0, user.rsplit_once('-').unwrap().0);
        assert!(replaced("S-1").is_none() && replaced("S-x-y-z").is_none());
    }

    #[test]
    fn identifiers_of_entra_agree_with_the_objects() {
        let digits = "73d664e4088647439475f9cf5bd79b35";
        let of_guid = words_of_guid(&guid(&key(), digits));
        let words = words_of_guid(digits);
        assert_eq!(guid_of_words(&words), digits);
        let text = format!("S-1-12-1-{}-{}-{}-{}", words[0], words[1], words[2], words[3]);
        let wanted = of_guid.iter().fold("S-1-12-1".to_string(), |sid, word| format!("{sid}-{word}"));
        assert_eq!(sid(&key(), &text), Some(wanted));
    }

    #[test]
    fn numbers_and_payloads_keep_their_lengths() {
        assert_eq!(digits(&key(), "44512121212").len(), 11);
        assert_eq!(hex_number(&key(), "427D8DD9").len(), 8);
        let payload = base64(&key(), "SQBFAFgAIAAoAE4AZQB3AA==");
        assert!(payload.len() == 24 && payload.ends_with("==") && payload != "SQBFAFgAIAAoAE4AZQB3AA==");
    }
}
