//! The calendar of ticks: 100 ns steps since 0001-01-01T00:00:00Z in the proleptic Gregorian calendar, and the texts
//! of `datetime` and `timespan`.

/// Ticks in a microsecond.
pub const TICKS_PER_MICROSECOND: i64 = 10;
/// Ticks in a millisecond.
pub const TICKS_PER_MILLISECOND: i64 = 10_000;
/// Ticks in a second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks in a minute.
pub const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// Ticks in an hour.
pub const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
/// Ticks in a day.
pub const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;
/// The first moment that a `datetime` can hold: 0001-01-01T00:00:00.
pub const MIN_DATETIME: i64 = 0;
/// The last moment that a `datetime` can hold: 9999-12-31T23:59:59.9999999.
pub const MAX_DATETIME: i64 = 3_155_378_975_999_999_999;
/// 1970-01-01T00:00:00.
pub const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

/// A moment as the calendar writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Civil {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// Ticks within the second, 0 to 9,999,999.
    pub tick: u32,
}

impl Civil {
    /// Makes the midnight at which a day starts; not validated, see [`from_civil`].
    pub const fn date(year: i32, month: u32, day: u32) -> Self {
        Civil { year, month, day, hour: 0, minute: 0, second: 0, tick: 0 }
    }
}

/// Checks that ticks are a moment that `datetime` can hold.
pub const fn in_range(ticks: i64) -> Option<i64> {
    if ticks >= MIN_DATETIME && ticks <= MAX_DATETIME { Some(ticks) } else { None }
}

/// Returns what the calendar writes for ticks; those out of range are brought to the nearest moment in range.
pub fn civil(ticks: i64) -> Civil {
    let ticks = ticks.clamp(MIN_DATETIME, MAX_DATETIME);
    let (year, month, day) = date_of_days(ticks / TICKS_PER_DAY);
    let time = ticks % TICKS_PER_DAY;
    Civil {
        year,
        month,
        day,
        hour: (time / TICKS_PER_HOUR) as u32,
        minute: (time / TICKS_PER_MINUTE % 60) as u32,
        second: (time / TICKS_PER_SECOND % 60) as u32,
        tick: (time % TICKS_PER_SECOND) as u32,
    }
}

/// Returns the ticks of a calendar moment, or None if there is no such moment.
pub fn from_civil(civil: &Civil) -> Option<i64> {
    let days = days_of_date(civil.year, civil.month, civil.day)?;
    if civil.hour > 23 || civil.minute > 59 || civil.second > 59 || civil.tick > 9_999_999 {
        return None;
    }
    Some(
        days * TICKS_PER_DAY
            + i64::from(civil.hour) * TICKS_PER_HOUR
            + i64::from(civil.minute) * TICKS_PER_MINUTE
            + i64::from(civil.second) * TICKS_PER_SECOND
            + i64::from(civil.tick),
    )
}

/// Returns the days between 0001-01-01 and a date, or None if there is no such date.
pub fn days_of_date(year: i32, month: u32, day: u32) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    // Counting years from March puts the leap day last; a cycle of 400 years has 146,097 days.
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 306)
}

/// Returns year, month and day of a number of days since 0001-01-01.
fn date_of_days(days: i64) -> (i32, u32, u32) {
    let days = days + 306;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

/// Tells whether February has 29 days.
pub const fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns how many days a month (1 to 12) has; 0 if there is no such month.
pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Returns the day of the week, 0 for Sunday.
pub const fn day_of_week(ticks: i64) -> i64 {
    // 0001-01-01 was a Monday.
    (ticks.div_euclid(TICKS_PER_DAY) + 1).rem_euclid(7)
}

/// Returns the day of the year, 1 for the first of January.
pub fn day_of_year(ticks: i64) -> i64 {
    let date = civil(ticks);
    let first = days_of_date(date.year, 1, 1).unwrap_or(0);
    ticks.div_euclid(TICKS_PER_DAY) - first + 1
}

/// Returns the week of the year by ISO 8601: weeks start on Monday, week 1 has the year's first Thursday.
pub fn iso_week(ticks: i64) -> i64 {
    // The week belongs to the year in which its Thursday lies.
    let days = ticks.div_euclid(TICKS_PER_DAY);
    let thursday = days - days.rem_euclid(7) + 3;
    if thursday * TICKS_PER_DAY > MAX_DATETIME {
        return 52;
    }
    (day_of_year(thursday * TICKS_PER_DAY) - 1) / 7 + 1
}

/// Adds calendar months, keeping the time of day; a day past the month's end becomes its last day (measured:
/// `datetime_add('month', 13, datetime(2019-01-31))` is 2020-02-29). None where the result is out of range.
pub fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let mut date = civil(ticks);
    let count = (i64::from(date.year) * 12 + i64::from(date.month) - 1).checked_add(months)?;
    let year = i32::try_from(count.div_euclid(12)).ok()?;
    if !(1..=9999).contains(&year) {
        return None;
    }
    date.year = year;
    date.month = count.rem_euclid(12) as u32 + 1;
    date.day = date.day.min(days_in_month(date.year, date.month));
    from_civil(&date)
}

/// Returns the moment that is so many nanoseconds after 1970; parts of a tick are dropped.
pub const fn from_unix_nanos(nanos: i64) -> i64 {
    UNIX_EPOCH + nanos.div_euclid(100)
}

/// Returns nanoseconds since 1970, or None where 64 bits do not hold them (before 1677, after 2262).
pub const fn to_unix_nanos(ticks: i64) -> Option<i64> {
    match ticks.checked_sub(UNIX_EPOCH) {
        Some(since) => since.checked_mul(100),
        None => None,
    }
}

/// Returns microseconds since 1970, or None where the moment lies between two of them.
pub const fn to_unix_micros(ticks: i64) -> Option<i64> {
    match ticks.checked_sub(UNIX_EPOCH) {
        Some(since) if since % TICKS_PER_MICROSECOND == 0 => Some(since / TICKS_PER_MICROSECOND),
        _ => None,
    }
}

/// Returns the moment that is so many microseconds after 1970, or None if `datetime` can't hold it.
pub fn from_unix_micros(micros: i64) -> Option<i64> {
    from_unix(micros, TICKS_PER_MICROSECOND)
}

/// Returns the moment that is so many milliseconds after 1970, or None if `datetime` can't hold it.
pub fn from_unix_millis(millis: i64) -> Option<i64> {
    from_unix(millis, TICKS_PER_MILLISECOND)
}

/// Returns the moment that is so many seconds after 1970, or None if `datetime` can't hold it.
pub fn from_unix_seconds(seconds: i64) -> Option<i64> {
    from_unix(seconds, TICKS_PER_SECOND)
}

fn from_unix(count: i64, unit: i64) -> Option<i64> {
    in_range(count.checked_mul(unit)?.checked_add(UNIX_EPOCH)?)
}

/// Writes a moment as `tostring` does: `2020-01-01T00:00:00.0000000Z`, always with seven digits.
pub fn write_datetime(ticks: i64, out: &mut String) {
    let at = civil(ticks);
    write_padded(at.year as u64, 4, out);
    for (separator, number) in [('-', at.month), ('-', at.day), ('T', at.hour), (':', at.minute), (':', at.second)] {
        out.push(separator);
        write_padded(u64::from(number), 2, out);
    }
    out.push('.');
    write_padded(u64::from(at.tick), 7, out);
    out.push('Z');
}

/// Returns the text of a moment, see [`write_datetime`].
pub fn format_datetime(ticks: i64) -> String {
    let mut out = String::with_capacity(28);
    write_datetime(ticks, &mut out);
    out
}

/// Writes a span as `tostring` does: `[-][d.]hh:mm:ss[.fffffff]`, the fraction with seven digits or not at all.
pub fn write_timespan(ticks: i64, out: &mut String) {
    if ticks < 0 {
        out.push('-');
    }
    let span = ticks.unsigned_abs();
    let (day, hour, minute, second) = (
        span / TICKS_PER_DAY as u64,
        span / TICKS_PER_HOUR as u64 % 24,
        span / TICKS_PER_MINUTE as u64 % 60,
        span / TICKS_PER_SECOND as u64 % 60,
    );
    if day > 0 {
        write_padded(day, 1, out);
        out.push('.');
    }
    write_padded(hour, 2, out);
    out.push(':');
    write_padded(minute, 2, out);
    out.push(':');
    write_padded(second, 2, out);
    let fraction = span % TICKS_PER_SECOND as u64;
    if fraction > 0 {
        out.push('.');
        write_padded(fraction, 7, out);
    }
}

/// Returns the text of a span, see [`write_timespan`].
pub fn format_timespan(ticks: i64) -> String {
    let mut out = String::with_capacity(16);
    write_timespan(ticks, &mut out);
    out
}

/// Writes a number with at least so many digits.
pub(crate) fn write_padded(mut number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let start = start.min(digits.len() - width.min(digits.len()));
    out.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

/// Reads the text of a datetime as `todatetime` does; None if it is none.
///
/// Taken are ISO 8601 with or without time, fraction and zone, `yyyymmdd`, numbers with the month first
/// (`12/02/2022`), and forms with the month's name as RFC 822, 850 and 1123 have them (measured and documented).
/// A moment with an offset becomes UTC, one without is UTC. Digits after the seventh of a fraction are dropped.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let mut cursor = Cursor { rest: text.trim().as_bytes() };
    cursor.weekday();
    let (year, month, day) = cursor.date()?;
    let days = days_of_date(year, month, day)?;
    let (time, offset) = cursor.time_and_zone()?;
    if !cursor.rest.is_empty() {
        return None;
    }
    in_range(days * TICKS_PER_DAY + time - offset)
}

/// Reads what stands between the parentheses of `datetime(...)`: None if it is no datetime, `Some(None)` for `null`.
///
/// Beside the forms of [`parse_datetime`] it may be quoted, or numbers with commas: `2025, 6, 14`, or a date with blanks
/// around its dashes: `2025 - 06 - 14` (documented by example).
pub fn read_datetime_literal(text: &str) -> Option<Option<i64>> {
    let text = unquoted(text);
    if text.eq_ignore_ascii_case("null") {
        return Some(None);
    }
    parse_datetime(text).or_else(|| comma_datetime(text)).or_else(|| spaced_date(text)).map(Some)
}

/// Reads what `datetime(...)` counts from the clock: nothing is now (documented), a time alone is that of the day of now
/// (documented by the example of time_window_rolling_avg_fl: `datetime(8:00)`).
pub fn read_clock_literal(text: &str, now: i64) -> Option<i64> {
    if text.trim().is_empty() {
        return Some(now);
    }
    let mut cursor = Cursor { rest: unquoted(text).as_bytes() };
    let time = cursor.time()?;
    cursor.rest.is_empty().then_some(now - now.rem_euclid(TICKS_PER_DAY) + time)
}

/// Reads `year - month - day`.
fn spaced_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(str::trim);
    let [year, month, day] = [parts.next()?, parts.next()?, parts.next()?];
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    parse_datetime(&format!("{year}-{month}-{day}"))
}

/// Reads `year, month, day [, hour, minute [, second]]`.
fn comma_datetime(text: &str) -> Option<i64> {
    let mut parts = [0_u32; 6];
    let mut count = 0;
    for part in text.split(',') {
        *parts.get_mut(count)? = number(part.trim().as_bytes())?;
        count += 1;
    }
    if !matches!(count, 3 | 5 | 6) {
        return None;
    }
    let [year, month, day, hour, minute, second] = parts;
    from_civil(&Civil { year: i32::try_from(year).ok()?, month, day, hour, minute, second, tick: 0 })
}

/// Removes blanks and one pair of quotes around a text.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    text
}

/// Reads all of a text as a number of at most nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Finds a name, whole or by its first three letters, in any case.
fn position_of_name(names: &[&str], word: &[u8]) -> Option<usize> {
    let same =
        |name: &str| name.as_bytes().eq_ignore_ascii_case(word) || name.as_bytes()[..3].eq_ignore_ascii_case(word);
    names.iter().position(|name| same(name))
}

/// What of a text is not read yet.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn digits(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    fn letters(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_alphabetic())
    }

    fn blanks(&mut self) -> bool {
        !self.take_while(|byte| byte == b' ' || byte == b'\t').is_empty()
    }

    /// `Sat, ` or `Saturday, `; it is not held against the date.
    fn weekday(&mut self) {
        let start = self.rest;
        let word = self.letters();
        if position_of_name(&WEEKDAYS, word).is_some() {
            self.eat(b',');
            self.blanks();
        } else {
            self.rest = start;
        }
    }

    fn date(&mut self) -> Option<(i32, u32, u32)> {
        if self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            return self.date_from_month_name();
        }
        let first = self.digits();
        if first.len() == 8 {
            return Some((number(&first[..4])? as i32, number(&first[4..6])?, number(&first[6..])?));
        }
        let separator = self.peek()?;
        if !matches!(separator, b'-' | b'/' | b'.' | b' ') {
            return None;
        }
        self.rest = &self.rest[1..];
        if separator == b' ' {
            self.blanks();
        }
        if self.peek()?.is_ascii_alphabetic() {
            return self.date_around_month_name(first, separator);
        }
        if separator == b' ' {
            return None;
        }
        let second = self.digits();
        if !self.eat(separator) {
            return None;
        }
        let third = self.digits();
        if first.len() == 4 {
            return Some((number(first)? as i32, short(second)?, short(third)?));
        }
        Some((year(third)?, short(first)?, short(second)?))
    }

    /// `Dec 2, 2022`
    fn date_from_month_name(&mut self) -> Option<(i32, u32, u32)> {
        let month = position_of_name(&MONTHS, self.letters())? as u32 + 1;
        if !self.blanks() {
            return None;
        }
        let day = short(self.digits())?;
        let comma = self.eat(b',');
        if !self.blanks() && !comma {
            return None;
        }
        Some((year(self.digits())?, month, day))
    }

    /// `2 Dec 2022`, `08-Nov-14`, `2014-Nov-08`; stands at the month.
    fn date_around_month_name(&mut self, first: &[u8], separator: u8) -> Option<(i32, u32, u32)> {
        let month = position_of_name(&MONTHS, self.letters())? as u32 + 1;
        if separator == b' ' {
            self.eat(b',');
            if !self.blanks() {
                return None;
            }
        } else if !self.eat(separator) {
            return None;
        }
        let last = self.digits();
        if first.len() == 4 {
            return Some((number(first)? as i32, month, short(last)?));
        }
        Some((year(last)?, month, short(first)?))
    }

    /// The rest of a datetime: time of day and offset, in ticks.
    fn time_and_zone(&mut self) -> Option<(i64, i64)> {
        let blanks = self.blanks();
        if self.rest.is_empty() {
            return Some((0, 0));
        }
        let separated = blanks || self.eat(b'T') || self.eat(b't');
        let time = if separated && self.peek().is_some_and(|byte| byte.is_ascii_digit()) { self.time()? } else { 0 };
        self.blanks();
        Some((time, self.zone()?))
    }

    fn time(&mut self) -> Option<i64> {
        let mut hour = short(self.digits())?;
        if !self.eat(b':') {
            return None;
        }
        let minute = short(self.digits())?;
        let (mut second, mut tick) = (0, 0);
        if self.eat(b':') {
            second = short(self.digits())?;
            if self.eat(b'.') {
                tick = fraction(self.digits());
            }
        }
        let start = self.rest;
        self.blanks();
        match self.letters() {
            half if half.eq_ignore_ascii_case(b"am") || half.eq_ignore_ascii_case(b"pm") => {
                if !(1..=12).contains(&hour) {
                    return None;
                }
                hour = hour % 12 + if half.eq_ignore_ascii_case(b"pm") { 12 } else { 0 };
            }
            _ => self.rest = start,
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(
            i64::from(hour) * TICKS_PER_HOUR
                + i64::from(minute) * TICKS_PER_MINUTE
                + i64::from(second) * TICKS_PER_SECOND
                + tick,
        )
    }

    /// `Z`, `GMT`, `UTC`, `+02:00`, `+0200`, `+02` or nothing.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.peek() {
            None => return Some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => {
                let name = self.letters();
                let known = [&b"Z"[..], b"GMT", b"UTC"].iter().any(|zone| zone.eq_ignore_ascii_case(name));
                return known.then_some(0);
            }
        };
        self.rest = &self.rest[1..];
        let first = self.digits();
        let (hour, minute) = match first.len() {
            4 => (number(&first[..2])?, number(&first[2..])?),
            1 | 2 => (number(first)?, if self.eat(b':') { short(self.digits())? } else { 0 }),
            _ => return None,
        };
        // .NET knows offsets of up to 14 hours.
        let minutes = i64::from(hour) * 60 + i64::from(minute);
        (minute < 60 && minutes <= 14 * 60).then_some(sign * minutes * TICKS_PER_MINUTE)
    }
}

/// Reads a number of one or two digits.
fn short(digits: &[u8]) -> Option<u32> {
    if digits.len() > 2 { None } else { number(digits) }
}

/// Reads a year of four digits, or of two: 00 to 49 lie after 2000, the others before (inferred: as .NET does).
fn year(digits: &[u8]) -> Option<i32> {
    let year = number(digits)? as i32;
    match digits.len() {
        4 => Some(year),
        2 if year < 50 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

/// Reads digits after a point as ticks of a second; an eighth digit is dropped (measured for `totimespan`).
fn fraction(digits: &[u8]) -> i64 {
    (0..7).fold(0, |ticks, index| ticks * 10 + digits.get(index).map_or(0, |digit| i64::from(digit - b'0')))
}

/// Reads the text of a timespan as `totimespan` does: `[-][d.]hh:mm[:ss[.f]]` or a number with its unit (`1d`,
/// `-90s`); None if it is none. A number without unit is none (measured).
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    clock(text).or_else(|| with_unit(text))
}

/// Reads what stands between the parentheses of `timespan(...)`, or a bare literal: None if it is no timespan,
/// `Some(None)` for `null`. A number without unit counts days (documented).
pub fn read_timespan_literal(text: &str) -> Option<Option<i64>> {
    let text = unquoted(text);
    if text.eq_ignore_ascii_case("null") {
        return Some(None);
    }
    let (sign, digits) = split_sign(text);
    clock(text).or_else(|| with_unit(text)).or_else(|| scaled(digits, TICKS_PER_DAY * 1000, sign)).map(Some)
}

fn split_sign(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `[-][d.]hh:mm[:ss[.f]]`
fn clock(text: &str) -> Option<i64> {
    let (sign, rest) = split_sign(text);
    let mut cursor = Cursor { rest: rest.as_bytes() };
    let mut day = 0;
    let mut first = cursor.digits();
    if cursor.eat(b'.') {
        day = number(first)?;
        first = cursor.digits();
    }
    let hour = short(first)?;
    if !cursor.eat(b':') {
        return None;
    }
    let minute = short(cursor.digits())?;
    let (mut second, mut tick) = (0, 0);
    if cursor.eat(b':') {
        second = short(cursor.digits())?;
        if cursor.eat(b'.') {
            tick = fraction(cursor.digits());
        }
    }
    if hour > 23 || minute > 59 || second > 59 || !cursor.rest.is_empty() {
        return None;
    }
    let ticks = i128::from(day) * i128::from(TICKS_PER_DAY)
        + i128::from(hour) * i128::from(TICKS_PER_HOUR)
        + i128::from(minute) * i128::from(TICKS_PER_MINUTE)
        + i128::from(second) * i128::from(TICKS_PER_SECOND)
        + i128::from(tick);
    i64::try_from(sign * ticks).ok()
}

/// Returns the thousandths of a tick in a unit of timespan literals: `d`, `hours`, `milli` ...
///
/// Names as the language's own lexer has them; there is no `us`, `ns` or `w` (measured).
fn unit(name: &str) -> Option<i64> {
    let ticks = match name {
        "d" | "day" | "days" => TICKS_PER_DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => TICKS_PER_HOUR,
        "m" | "min" | "minute" | "minutes" => TICKS_PER_MINUTE,
        "s" | "sec" | "second" | "seconds" => TICKS_PER_SECOND,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => TICKS_PER_MILLISECOND,
        "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => TICKS_PER_MICROSECOND,
        "tick" | "ticks" => 1,
        "nano" | "nanos" | "nanosec" | "nanosecond" | "nanoseconds" => return Some(10),
        _ => return None,
    };
    Some(ticks * 1000)
}

/// `1d`, `1.5h`, `15 seconds`
fn with_unit(text: &str) -> Option<i64> {
    let (sign, rest) = split_sign(text);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, name) = rest.split_at(end);
    scaled(digits, unit(name.trim_start())?, sign)
}

/// Multiplies a decimal number with thousandths of ticks, exactly; what is less than a tick is dropped.
fn scaled(digits: &str, unit: i64, sign: i128) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() > 18 {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(18)];
    let mut number = 0_i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i128::from(digit - b'0');
    }
    let places = u32::try_from(fraction.len()).ok()?;
    let ticks = number.checked_mul(i128::from(unit))? / 10_i128.pow(places) / 1000;
    i64::try_from(sign * ticks).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datetime(text: &str) -> Option<String> {
        parse_datetime(text).map(format_datetime)
    }

    fn timespan(text: &str) -> Option<String> {
        parse_timespan(text).map(format_timespan)
    }

    #[test]
    fn calendar_round_trips() {
        for ticks in [MIN_DATETIME, UNIX_EPOCH, MAX_DATETIME, 637_134_336_000_000_000, 630_822_815_999_999_999] {
            assert_eq!(from_civil(&civil(ticks)), Some(ticks));
        }
        assert_eq!(civil(UNIX_EPOCH), Civil::date(1970, 1, 1));
        assert_eq!(days_of_date(9999, 12, 31), Some(MAX_DATETIME / TICKS_PER_DAY));
        for days in 0..800_000 {
            let (year, month, day) = date_of_days(days);
            assert_eq!(days_of_date(year, month, day), Some(days));
        }
    }

    #[test]
    fn weeks_and_days() {
        let at = |text| parse_datetime(text).unwrap();
        assert_eq!(day_of_week(at("1970-05-12")), 2);
        assert_eq!(day_of_week(at("1947-11-30")), 0);
        assert_eq!(day_of_year(at("2020-12-31")), 366);
        assert_eq!(iso_week(at("2000-01-01")), 52);
        assert_eq!(iso_week(at("2020-12-31")), 53);
        assert_eq!(iso_week(at("2021-01-04")), 1);
        assert_eq!(iso_week(0), 1);
        assert_eq!(iso_week(MAX_DATETIME), 52);
    }

    #[test]
    fn iso_texts() {
        let noon = Some("2014-05-25T08:20:03.1234560Z".to_string());
        assert_eq!(datetime("2014-05-25T08:20:03.123456Z"), noon);
        assert_eq!(datetime(" 2014-05-25 08:20:03.123456 "), noon);
        assert_eq!(datetime("2014-05-25T10:20:03.123456+02:00"), noon);
        assert_eq!(datetime("2014-05-25T08:20"), Some("2014-05-25T08:20:00.0000000Z".into()));
        assert_eq!(datetime("2020-01-01T00:00:00.99999999Z"), Some("2020-01-01T00:00:00.9999999Z".into()));
        assert_eq!(datetime("1970-5-12"), Some("1970-05-12T00:00:00.0000000Z".into()));
        assert_eq!(datetime("20221202"), datetime("2022/12/02"));
        assert_eq!(datetime("2014-11-08 15:05 GMT"), Some("2014-11-08T15:05:00.0000000Z".into()));
        assert_eq!(datetime("0001-01-01T00:00:00+01:00"), None);
    }

    #[test]
    fn other_texts_of_datetime() {
        let second = Some("2022-12-02T00:00:00.0000000Z".to_string());
        for text in ["12-02-2022", "12/02/2022", "12.02.2022", "12/2/2022", "2 Dec 2022", "Dec 2, 2022"] {
            assert_eq!(datetime(text), second, "{text}");
        }
        let eighth = Some("2014-11-08T15:05:02.0000000Z".to_string());
        for text in [
            "Sat, 8 Nov 14 15:05:02 GMT",
            "Sat, 08 Nov 2014 15:05:02 GMT",
            "Saturday, 08-Nov-14 15:05:02",
            "08-Nov-14 15:05:02",
            "11/8/2014 3:05:02 PM",
        ] {
            assert_eq!(datetime(text), eighth, "{text}");
        }
        for text in
            ["", "junk", "13-01-2022", "2020-02-30", "2020-01-01x", "2020-01-01 25:00", "5", "T", "é", "2020-01"]
        {
            assert_eq!(datetime(text), None, "{text}");
        }
    }

    #[test]
    fn texts_of_timespan() {
        assert_eq!(timespan(" 1.02:03:04.5 "), Some("1.02:03:04.5000000".into()));
        assert_eq!(timespan("-1.02:03:04.5"), Some("-1.02:03:04.5000000".into()));
        assert_eq!(timespan("0:0:0.001"), Some("00:00:00.0010000".into()));
        assert_eq!(timespan("00:00:00.12345678"), Some("00:00:00.1234567".into()));
        assert_eq!(timespan("-1d"), Some("-1.00:00:00".into()));
        assert_eq!(timespan("90s"), Some("00:01:30".into()));
        for text in ["", "1.5", "10", "abc", "1d x", "24:00:00", "1us", "99999999999d", "-", "."] {
            assert_eq!(timespan(text), None, "{text}");
        }
    }

    #[test]
    fn literals() {
        assert_eq!(read_timespan_literal("2"), Some(Some(2 * TICKS_PER_DAY)));
        assert_eq!(read_timespan_literal("15 seconds"), Some(Some(15 * TICKS_PER_SECOND)));
        assert_eq!(read_timespan_literal("1.5h"), Some(Some(90 * TICKS_PER_MINUTE)));
        assert_eq!(read_timespan_literal("10ticks"), Some(Some(10)));
        assert_eq!(read_timespan_literal("150nanoseconds"), Some(Some(1)));
        assert_eq!(read_timespan_literal("null"), Some(None));
        assert_eq!(read_timespan_literal("-10675199.02:48:05.4775808"), Some(Some(i64::MIN)));
        assert_eq!(read_datetime_literal("2025, 6, 14"), Some(parse_datetime("2025-06-14")));
        assert_eq!(read_datetime_literal("2025 - 06 - 14"), Some(parse_datetime("2025-06-14")));
        assert_eq!(read_datetime_literal("2025 - 6 - 14"), None);
        assert_eq!(read_datetime_literal("2025 - 06 - 14 - 1"), None);
        assert_eq!(read_datetime_literal("'2025-06-14'"), Some(parse_datetime("2025-06-14")));
        assert_eq!(read_datetime_literal("null"), Some(None));
        assert_eq!(read_datetime_literal("now"), None);
        let now = parse_datetime("2025-06-14 12:34:56.7").expect("a datetime");
        let at = |text| read_clock_literal(text, now);
        assert_eq!(at(" "), Some(now));
        assert_eq!(at("8:00"), parse_datetime("2025-06-14 08:00"));
        assert_eq!(at("'23:59:59.5'"), parse_datetime("2025-06-14 23:59:59.5"));
        assert_eq!(at("8:00 pm"), parse_datetime("2025-06-14 20:00"));
        for text in ["8", "24:00", "8:60", "8:00Z", "8:00 +01:00", "''", "now"] {
            assert_eq!(at(text), None, "{text}");
        }
        assert_eq!(format_timespan(i64::MIN), "-10675199.02:48:05.4775808");
    }

    #[test]
    fn months_end() {
        let at = |text| parse_datetime(text).unwrap();
        assert_eq!(add_months(at("2019-01-31"), 13), parse_datetime("2020-02-29"));
        assert_eq!(add_months(at("2020-02-29"), 12), parse_datetime("2021-02-28"));
        assert_eq!(add_months(at("2020-02-29"), i64::MAX), None);
        assert_eq!(add_months(at("0001-01-01"), -1), None);
    }

    #[test]
    fn unix_times() {
        assert_eq!(from_unix_nanos(-1), UNIX_EPOCH - 1);
        assert_eq!(to_unix_nanos(from_unix_nanos(1_546_300_800_000_000_000)), Some(1_546_300_800_000_000_000));
        assert_eq!(to_unix_nanos(MAX_DATETIME), None);
        assert_eq!(from_unix_millis(i64::MAX), None);
    }
}
