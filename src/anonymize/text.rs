//! Text is taken apart into what it is made of, and each part is replaced by what has its form.
//!
//! What replaces a part follows from the key and the part alone, never from the column or the sentence in which it
//! stands: that is why the same value has the same replacement wherever it occurs. What depends on the place is which
//! words may stay, the [`Level`].

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::found::Found;
use super::key::Key;
use super::memo::Memories;
use super::names::{self, is_digits};
use super::words::{self, COMMANDS, EXTENSIONS, FOLDERS, KNOWN, PROGRAMS, SERVICES, TOP_DOMAINS};
use super::{address, link};

/// Which words of a text may stay, besides those that are the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// None: the text is a name, an address, an id.
    Name,
    /// None, in a path or the name of a file: what is made of letters alone is not thought to name somebody.
    Path,
    /// None, and short numbers: nobody has said what the text is.
    Opaque,
    /// Options and words of command lines and queries.
    Command,
    /// Ordinary words.
    Prose,
    /// All of them: a product has chosen the text. Addresses, ids and paths are replaced here too.
    Safe,
}

impl Level {
    pub(super) const COUNT: usize = Level::Safe as usize + 1;
}

/// Replaces what identifies somebody or something.
pub(super) struct Replacer<'a> {
    pub(super) key: &'a Key,
    /// Words in lower case that are replaced wherever they stand.
    pub(super) always: &'a HashSet<String>,
    /// Ordinary words in lower case that are replaced in sentences, because they are names too.
    pub(super) ordinary: &'a HashSet<String>,
    /// Days by which moments are shifted.
    pub(super) days: i64,
    /// What has been replaced, where somebody wants to know.
    pub(super) found: Option<&'a mut Found>,
    /// Whether that is all that counts: then what takes the place of names is left out.
    pub(super) looking: bool,
    /// What has been replaced before, and by what.
    pub(super) memory: &'a mut Memories,
    depth: usize,
}

/// Levels of encoding within encodings that are followed.
const DEEPEST: usize = 4;
/// Digits of the longest number that is left alone in a sentence: years have four.
const SHORT_NUMBER: usize = 4;

static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{4}/\d{2}/\d{2}";
    let time = r"(?:\d+\.)?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?";
    pattern(&format!(r"^(?:(?:{date})(?:[Tt]{time})?|{time})(?:[Zz]|[+-]\d{{2}}:?\d{{2}})?$"))
});
/// Characters of a GUID.
const GUID_LENGTH: usize = 36;
static GUID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"));
/// Characters of a hardware address.
const HARDWARE_LENGTH: usize = 17;
static HARDWARE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5})$"));
/// Vulnerabilities, techniques, updates and bulletins: names that are published.
static PUBLISHED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^(?:cve-\d{4}-\d{4,7}|ta?\d{4}(?:\.\d{3})?|kb\d{6,7}|ms\d{2}-\d{3})$"));

/// # Panics
/// When one of this module's own patterns is none; every test that uses it would.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Tells whether a character ends whatever stands before it.
fn divides(letter: char) -> bool {
    const SIGNS: &str = "“”„‘’«»…–—";
    match letter {
        '"' | '\'' | '<' | '>' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '`' => true,
        ' '..='~' => letter == ' ',
        _ => letter.is_whitespace() || SIGNS.contains(letter),
    }
}

/// Tells whether a character joins parts to something larger, such as a path.
pub(super) fn joins(letter: char) -> bool {
    matches!(letter, '\\' | '/' | '=' | '&' | '?' | '#' | ':' | '%' | '+' | '*' | '!' | '^' | '~' | '@')
}

/// Tells whether a character can stand within a name.
pub(super) fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '$')
}

impl<'a> Replacer<'a> {
    pub(super) fn new(
        key: &'a Key,
        always: &'a HashSet<String>,
        ordinary: &'a HashSet<String>,
        memory: &'a mut Memories,
    ) -> Replacer<'a> {
        Replacer { key, always, ordinary, days: 0, found: None, looking: false, memory, depth: 0 }
    }

    /// Replaces what identifies in a text.
    pub(super) fn text(&mut self, text: &str, level: Level) -> String {
        if self.depth > DEEPEST {
            return self.replaced(text);
        }
        self.depth += 1;
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(divides) {
            let end =
                piece.char_indices().next_back().filter(|(_, last)| divides(*last)).map_or(piece.len(), |(at, _)| at);
            self.chunk(&piece[..end], level, &mut out);
            out.push_str(&piece[end..]);
        }
        self.depth -= 1;
        out
    }

    /// Replaces text without blanks and brackets.
    fn chunk(&mut self, chunk: &str, level: Level, out: &mut String) {
        if is_guid(chunk) {
            out.push_str(&self.guid(chunk));
            return;
        }
        if let Some(whole) = self.shape(chunk) {
            out.push_str(&whole);
            return;
        }
        // What ends a sentence is no part of its last word.
        let body = chunk.trim_end_matches(['.', ':', '!', '?', '*']);
        match self.shape(body).filter(|_| body.len() < chunk.len()) {
            Some(whole) => out.push_str(&whole),
            None => self.compound(body, level, out),
        }
        out.push_str(&chunk[body.len()..]);
    }

    /// Replaces text that is one thing with a form of its own; None if it is none.
    pub(super) fn shape(&mut self, text: &str) -> Option<String> {
        // Most texts are words, and everything but a payload has one of these signs.
        if !text.bytes().any(|byte| matches!(byte, b'-' | b'.' | b'/' | b':' | b'@')) {
            return if is_payload(text) { Some(self.payload(text)) } else { None };
        }
        if is_guid(text) {
            return Some(self.guid(text));
        }
        let digit = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
        if digit && MOMENT.is_match(text) {
            return Some(self.moment(text));
        }
        if let Some(at) = text.find("://") {
            return Some(link::url(self, text, at));
        }
        if link::is_resource(text) {
            return Some(link::resource(self, text));
        }
        if is_payload(text) {
            return Some(self.payload(text));
        }
        if text.contains('@') {
            return self.mail_address(text);
        }
        if text.len() > 4 && text.is_char_boundary(4) && text[..4].eq_ignore_ascii_case("s-1-") {
            return names::sid(self.key, text);
        }
        if text.len() == HARDWARE_LENGTH && HARDWARE.is_match(text) {
            return Some(self.hardware(text));
        }
        self.address(text)
    }

    fn payload(&self, text: &str) -> String {
        if self.looking { String::new() } else { names::base64(self.key, text) }
    }

    fn moment(&mut self, text: &str) -> String {
        use crate::types::ticks;
        if self.looking {
            return String::new();
        }
        if self.days == 0 {
            return text.to_string();
        }
        // A shift by whole days leaves the time of day alone.
        let date = text.get(..10).and_then(|date| Some((date, ticks::parse_datetime(date)?)));
        let shifted = |(date, moment): (&str, i64)| {
            let moved = ticks::format_datetime(moment.checked_add(self.days.checked_mul(ticks::TICKS_PER_DAY)?)?);
            let (year, month, day) = (moved.get(..4)?, moved.get(5..7)?, moved.get(8..10)?);
            Some(match date.find(['/', '.']) {
                None => format!("{year}-{month}-{day}"),
                Some(4) => format!("{year}/{month}/{day}"),
                Some(_) => format!("{month}/{day}/{year}"),
            })
        };
        match date.and_then(shifted) {
            Some(date) => date + &text[10..],
            None => text.to_string(),
        }
    }

    fn hardware(&mut self, text: &str) -> String {
        if self.looking {
            return String::new();
        }
        let sign = if text.contains(':') { ":" } else { "-" };
        let bytes: Vec<u8> = text.split(sign).filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
        let Ok(bytes) = <[u8; 6]>::try_from(bytes) else { return self.replaced(text) };
        let parts = address::mac(self.key, bytes).map(|byte| format!("{byte:02x}"));
        cased(parts.join(sign), text)
    }

    fn address(&mut self, text: &str) -> Option<String> {
        let first = text.bytes().next()?;
        if !first.is_ascii_hexdigit() && first != b':' {
            return None;
        }
        if let Some(cached) = self.memory.addresses.get(text) {
            return Some(cached.clone());
        }
        let found = self.v4(text).or_else(|| self.v6(text))?;
        self.memory.addresses.keep(text, found.clone());
        Some(found)
    }

    fn v4(&mut self, text: &str) -> Option<String> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        let address: Ipv4Addr = text[..end].parse().ok()?;
        let rest = &text[end..];
        let number = |sign: char| rest.strip_prefix(sign).filter(|number| is_digits(number) && number.len() <= 5);
        match (number('/').and_then(|length| length.parse().ok()), number(':')) {
            (Some(length), _) if length <= 32 => {
                Some(format!("{}{rest}", address::v4_network(self.key, address, length)))
            }
            (_, port) if rest.is_empty() || port.is_some() => {
                let replaced = address::v4(self.key, address);
                if let Some(found) = self.found.as_mut().filter(|_| !address::is_nobodys(address)) {
                    found.add_address(address.into(), replaced.into());
                }
                Some(format!("{replaced}{rest}"))
            }
            _ => None,
        }
    }

    fn v6(&self, text: &str) -> Option<String> {
        if text.bytes().filter(|byte| *byte == b':').count() < 2 {
            return None;
        }
        let end = text.find(['%', '/']).unwrap_or(text.len());
        let address: Ipv6Addr = text[..end].parse().ok()?;
        if self.looking {
            return Some(String::new());
        }
        let replaced = address::v6(self.key, address);
        let full = |address: Ipv6Addr| address.segments().map(|part| format!("{part:04x}")).join(":");
        let spelled =
            if text[..end].eq_ignore_ascii_case(&full(address)) { full(replaced) } else { replaced.to_string() };
        Some(cased(spelled, text) + &text[end..])
    }

    fn mail_address(&mut self, text: &str) -> Option<String> {
        let (left, domain) = text.rsplit_once('@')?;
        if left.is_empty() || domain.is_empty() || !domain.chars().all(is_of_name) {
            return None;
        }
        let mut out = String::new();
        let at = left.rfind([':', '=', '/', '\\', '@']).map_or(0, |at| at + 1);
        self.compound(&left[..at], Level::Opaque, &mut out);
        let local = &left[at..];
        // A guest's name holds their own address: `user_domain#EXT#`.
        let guest = local.to_ascii_lowercase().find("#ext#");
        match guest.and_then(|end| Some((local[..end].rsplit_once('_')?, &local[end..]))) {
            Some(((user, home), mark)) => {
                self.part(user, Level::Name, &mut out);
                out.push('_');
                self.part(home, Level::Name, &mut out);
                out.push_str(mark);
            }
            None => local.split_inclusive(joins).for_each(|piece| self.joined(piece, Level::Name, false, &mut out)),
        }
        out.push('@');
        self.part(domain, Level::Name, &mut out);
        Some(out)
    }

    /// Replaces the parts of something that is joined of several.
    pub(super) fn compound(&mut self, text: &str, level: Level, out: &mut String) {
        let mut rest = text;
        while let Some(found) = if rest.len() < GUID_LENGTH { None } else { GUID.find(rest) } {
            let (before, after) = (&rest[..found.start()], &rest[found.end()..]);
            self.pieces(before, level, out);
            out.push_str(&self.guid(found.as_str()));
            rest = after;
        }
        self.pieces(rest, level, out);
    }

    /// Replaces a GUID.
    pub(super) fn guid(&mut self, text: &str) -> String {
        if self.looking {
            return String::new();
        }
        if text.bytes().all(|byte| byte == b'0' || byte == b'-') {
            return text.to_string();
        }
        if let Some(cached) = self.memory.addresses.get(text) {
            return cached.clone();
        }
        let digits = names::guid(self.key, &text.replace('-', ""));
        let guid = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-");
        self.memory.addresses.keep(text, guid.clone());
        guid
    }

    fn pieces(&mut self, text: &str, level: Level, out: &mut String) {
        let rooted = |first: &str| FOLDERS.contains(first.to_lowercase().as_str());
        let path = text.contains(":\\")
            || text.matches(['\\', '/']).count() > 1
            || text.split_once('\\').is_some_and(|(first, _)| rooted(first));
        // What stands in a path is a name, whatever word it is, and so are both parts of `DOMAIN\user`.
        let level = match level {
            Level::Safe => level,
            _ if path => Level::Path,
            _ if text.contains('\\') => Level::Name,
            _ => level,
        };
        for side in text.split_inclusive('=') {
            let value = side.trim_end_matches('=');
            match self.shape(value).filter(|_| value.len() < text.len()) {
                Some(whole) => {
                    out.push_str(&whole);
                    out.push_str(&side[value.len()..]);
                }
                None => side.split_inclusive(joins).for_each(|piece| self.joined(piece, level, path, out)),
            }
        }
    }

    /// Replaces a part that ends, perhaps, in a sign that joins it to the next.
    fn joined(&mut self, piece: &str, level: Level, path: bool, out: &mut String) {
        let part = piece.trim_end_matches(joins);
        let drive = part.len() == 1 && piece.ends_with(':');
        let folder = path && FOLDERS.contains(part.to_lowercase().as_str());
        match self.shape(part) {
            _ if drive || folder => out.push_str(part),
            Some(whole) => out.push_str(&whole),
            None => self.part(part, level, out),
        }
        out.push_str(&piece[part.len()..]);
    }

    /// Replaces names and what stands between them.
    pub(super) fn part(&mut self, part: &str, level: Level, out: &mut String) {
        let mut rest = part;
        while !rest.is_empty() {
            let start = rest.find(|letter: char| letter.is_alphanumeric()).unwrap_or(rest.len());
            let (between, name) = rest.split_at(start);
            out.push_str(between);
            let end = name.find(|letter| !is_of_name(letter)).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            let body = name.trim_end_matches(|letter: char| !letter.is_alphanumeric());
            self.known_or_new(body, level, out);
            out.push_str(&name[body.len()..]);
            rest = after;
        }
    }

    /// Replaces a name, perhaps one that is joined by dots. Numbers, of which each may be another, are not remembered.
    fn known_or_new(&mut self, name: &str, level: Level, out: &mut String) {
        let lasting = name.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.');
        if lasting && let Some(known) = self.memory.parts(level).get(name) {
            out.push_str(known);
            return;
        }
        let start = out.len();
        match name.contains('.') {
            true => self.dotted(name, level, out),
            false => self.word(name, level, out),
        }
        if lasting {
            self.memory.parts(level).keep(name, out[start..].to_string());
        }
    }

    /// Replaces names that are joined by dots: the domain of a machine, a file, a version.
    fn dotted(&mut self, name: &str, level: Level, out: &mut String) {
        let lower = name.to_ascii_lowercase();
        let kept =
            PROGRAMS.contains(lower.as_str()) || !matches!(level, Level::Name | Level::Path) && is_published(name);
        if kept || SERVICES.contains(lower.as_str()) {
            out.push_str(name);
            return;
        }
        if let Some(address) = self.address(name) {
            out.push_str(&address);
            return;
        }
        let Some((stem, last)) = name.rsplit_once('.') else { return self.word(name, level, out) };
        let ending = last.to_lowercase();
        if let Some(suffix) = service_of(&lower) {
            let head = &name[..name.len() - suffix - 1];
            self.labels(head, Level::Name, true, out);
            out.push_str(&name[head.len()..]);
        } else if EXTENSIONS.contains(ending.as_str()) && level != Level::Safe {
            self.labels(stem, Level::Path, false, out);
            out.push('.');
            out.push_str(last);
        } else if is_top(&ending, level) {
            self.domain(stem, last, out);
        } else if level == Level::Safe {
            out.push_str(name);
        } else if name.split('.').all(is_digits) {
            let mut numbers = String::new();
            // What becomes of them counts, also for who just looks.
            let looking = std::mem::replace(&mut self.looking, false);
            for number in name.split_inclusive('.') {
                self.word(number.trim_end_matches('.'), level, &mut numbers);
                numbers.push_str(&number[number.trim_end_matches('.').len()..]);
            }
            self.looking = looking;
            // What was no address may have become somebody's.
            let address = self.v4(&numbers);
            out.push_str(&address.unwrap_or(numbers));
        } else {
            self.labels(name, Level::Name, false, out);
        }
    }

    /// Replaces each of the names before a suffix that stays.
    fn labels(&mut self, labels: &str, level: Level, of_service: bool, out: &mut String) {
        let mut sign = "";
        for label in labels.split('.') {
            out.push_str(sign);
            match of_service && words::LABELS.contains(label.to_lowercase().as_str()) {
                true => out.push_str(label),
                false => self.word(label, level, out),
            }
            sign = ".";
        }
    }

    /// Replaces a domain: the last label becomes `example`, which nobody can register (RFC 2606), unless it is one of
    /// those that stay within a house.
    ///
    /// The label before it stands for both where the last is not `com`: two domains that differ there stay two.
    fn domain(&mut self, stem: &str, last: &str, out: &mut String) {
        const COMMON: &str = "com";
        const INTERNAL: [&str; 10] =
            ["local", "localdomain", "internal", "intranet", "lan", "corp", "home", "test", "invalid", "onion"];
        let top = last.to_lowercase();
        let inner = INTERNAL.contains(&top.as_str());
        let (before, label) = stem.rsplit_once('.').map_or(("", stem), |(before, label)| (before, label));
        if !before.is_empty() {
            self.labels(before, Level::Name, false, out);
            out.push('.');
        }
        self.note(label);
        let name = match inner || top == COMMON {
            true => self.replaced(label),
            false => self.replaced(&cased(format!("{label}.{top}"), label)),
        };
        out.push_str(&name);
        out.push('.');
        out.push_str(&if inner { last.to_string() } else { cased("example".to_string(), last) });
    }

    /// Replaces a word, unless it may stay.
    fn word(&mut self, word: &str, level: Level, out: &mut String) {
        if word.is_empty() {
            return;
        }
        let lower = word.to_lowercase();
        if self.always.contains(&lower) {
            // Falls through to a replacement.
        } else if self.may_stay(word, &lower, level) {
            out.push_str(word);
            return;
        } else if self.looking && is_number(word, &lower) {
            return;
        } else if is_digits(word) && word.len() < 32 {
            let digits = self.digits(word);
            out.push_str(&digits);
            return;
        } else if is_prefixed_hex(&lower) {
            out.push_str(&word[..2]);
            out.push_str(&names::hex_number(self.key, &word[2..]));
            return;
        } else if word.len() >= 32 && is_hex(word) {
            out.push_str(&names::hash(self.key, word));
            return;
        } else if is_hex_number(word) {
            out.push_str(&names::hex_number(self.key, word));
            return;
        }
        // A word of a sentence that is just unknown says nothing against its being chosen by a product elsewhere.
        let named = word.contains(|letter: char| !letter.is_alphabetic());
        if level == Level::Name || matches!(level, Level::Path | Level::Opaque) && named {
            self.note(word);
        }
        let name = self.replaced(word);
        out.push_str(&name);
    }

    /// Replaces decimal digits.
    pub(super) fn digits(&mut self, number: &str) -> String {
        if let Some(known) = self.memory.numbers.get(number) {
            return known.clone();
        }
        let digits = names::digits(self.key, number);
        self.memory.numbers.keep(number, digits.clone());
        digits
    }

    fn may_stay(&self, word: &str, lower: &str, level: Level) -> bool {
        /// Sessions of the system itself, the local and the network service.
        const SESSIONS: [&str; 3] = ["0x3e7", "0x3e5", "0x3e4"];
        let single = || word.chars().nth(1).is_none();
        if KNOWN.contains(lower) || PROGRAMS.contains(lower) || SESSIONS.contains(&lower) {
            return true;
        }
        let published = || is_published(word);
        match level {
            Level::Name | Level::Path => false,
            Level::Opaque if is_digits(word) => word.len() < SHORT_NUMBER,
            Level::Safe if is_digits(word) => word.len() <= 2 * SHORT_NUMBER,
            _ if is_digits(word) => word.len() <= SHORT_NUMBER,
            Level::Opaque => single() || published(),
            Level::Command => {
                word.len() <= 2 || COMMANDS.contains(lower) || words::SCHEMA.contains(lower) || published()
            }
            Level::Prose => single() || published() || words::is_plain(word) && !self.ordinary.contains(lower),
            // Words of products have few digits; ids have more, whatever their form.
            Level::Safe => word.bytes().filter(u8::is_ascii_digit).count() <= SHORT_NUMBER,
        }
    }

    /// Returns what takes the place of a name.
    pub(super) fn replaced(&mut self, name: &str) -> String {
        if self.looking {
            return String::new();
        }
        if let Some(cached) = self.memory.words.get(name) {
            return cached.clone();
        }
        let replaced = names::word(self.key, name);
        self.memory.words.keep(name, replaced.clone());
        replaced
    }

    fn note(&mut self, name: &str) {
        if let Some(found) = &mut self.found {
            found.add_name(name);
        }
    }
}

/// Returns the length of the cloud's domain at the end of a name, where there is something before it.
fn service_of(lower: &str) -> Option<usize> {
    let starts = lower.match_indices('.').map(|(at, _)| &lower[at + 1..]);
    starts.filter(|end| SERVICES.contains(end)).map(str::len).next()
}

/// Tells whether a last label is that of a domain: of a country, or one of the others.
fn is_top(ending: &str, level: Level) -> bool {
    let country = ending.len() == 2 && ending.bytes().all(|byte| byte.is_ascii_alphabetic());
    TOP_DOMAINS.contains(ending) || country && level != Level::Safe
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_prefixed_hex(lower: &str) -> bool {
    lower.len() > 2 && lower.strip_prefix("0x").is_some_and(is_hex)
}

fn is_hex_number(word: &str) -> bool {
    word.len() >= 8 && is_hex(word) && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Tells whether a word is replaced by another number or hash, not by a name.
fn is_number(word: &str, lower: &str) -> bool {
    is_digits(word) && word.len() < 32
        || is_prefixed_hex(lower)
        || is_hex(word) && word.len() >= 32
        || is_hex_number(word)
}

/// Tells whether a text is a moment as ISO 8601 has it, in UTC, and nothing else: most moments of records are.
pub(super) fn is_moment(text: &str) -> bool {
    const FORM: &[u8; 19] = b"0000-00-00T00:00:00";
    let Some((whole, rest)) = text.as_bytes().split_first_chunk::<19>() else { return false };
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let fraction = match rest {
        [b'Z'] => return whole.iter().zip(FORM).all(fits),
        [b'.', fraction @ .., b'Z'] => fraction,
        _ => return false,
    };
    (1..=9).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit) && whole.iter().zip(FORM).all(fits)
}

/// Tells whether a text is a GUID and nothing else.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == GUID_LENGTH
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Tells whether a vulnerability, a technique or the like is called so: see [`PUBLISHED`].
fn is_published(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && PUBLISHED.is_match(text)
}

/// Tells whether a text is bytes in base64, long enough to hold something.
fn is_payload(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padded = text.len() - body.len();
    let of = |test: fn(&u8) -> bool| body.as_bytes().iter().any(test);
    let mixed = || of(u8::is_ascii_uppercase) && of(u8::is_ascii_lowercase) && of(u8::is_ascii_digit);
    padded <= 2
        && body.len() >= 14
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        && (padded > 0 && text.len().is_multiple_of(4)
            || body.len() >= 24 && mixed() && (body.contains('+') || body.len() >= 40 && !body.contains('/')))
}

/// Writes a replacement in capitals where the original has no other letters.
pub(super) fn cased(replaced: String, like: &str) -> String {
    let upper = like.chars().any(char::is_uppercase) && !like.chars().any(char::is_lowercase);
    if upper { replaced.to_uppercase() } else { replaced }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
