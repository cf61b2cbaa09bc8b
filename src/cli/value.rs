//! What options of several commands have in common: the values that they take, instants, sizes, `NAME=VALUE`.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use crate::source;
use crate::types::ticks;

/// Ticks of 100 ns from 0001-01-01 to 1970-01-01.
const UNIX_TICKS: i64 = 621_355_968_000_000_000;

/// Reads the clock of this machine, in ticks.
pub(super) fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos() / 100).map_or(i64::MAX, |ticks| UNIX_TICKS.saturating_add(ticks))
}

/// What a command that explains things writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listing {
    Text,
    Json,
    Markdown,
}

/// Tells how many processors this machine lends.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reads an instant as KQL's `todatetime` does, into ticks.
pub(super) fn instant(text: &str) -> Result<i64, String> {
    ticks::parse_datetime(text).ok_or_else(|| format!("'{text}' is no time; say for example 2026-01-31T08:00:00Z"))
}

/// Reads a length of time in ticks: `15m`, `1h`, `00:30:00`.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let ticks = ticks::parse_timespan(text).filter(|ticks| *ticks >= 0);
    ticks.ok_or_else(|| format!("'{text}' is no length of time; say for example 15m or 1h"))
}

/// Reads a size in bytes: `512MB`, `2GiB`, `1.5G`, `1048576`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        other => return Err(format!("'{other}' is no unit of size; say for example 512MB or 2GiB")),
    };
    match number.parse::<f64>() {
        Ok(number) if number * unit >= 1.0 && number * unit < 1e18 => Ok((number * unit) as usize),
        _ => Err(format!("'{text}' is no size; say for example 512MB or 2GiB")),
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.to_string())),
        _ => Err("say NAME=VALUE".to_string()),
    }
}

/// Reads `NAME=PATH`.
pub(super) fn named_file(text: &str) -> Result<(String, String), String> {
    pair(text).ok().filter(|(_, path)| !path.is_empty()).ok_or_else(|| "say NAME=PATH".to_string())
}

/// Reads `PATH` or `NAME=PATH`.
pub(super) fn records(text: &str) -> Result<String, String> {
    match source::split_name(text).1 {
        "" => Err("say PATH or NAME=PATH".to_string()),
        _ => Ok(text.to_string()),
    }
}

/// Reads `ADDRESS=PATH`; an address may have `=` in it.
pub(super) fn address(text: &str) -> Result<(String, PathBuf), String> {
    match text.rsplit_once('=') {
        Some((address, path)) if !address.trim().is_empty() && !path.is_empty() => {
            Ok((address.trim().to_string(), PathBuf::from(path)))
        }
        _ => Err("say ADDRESS=PATH".to_string()),
    }
}

/// Reads a GUID, in lower case.
pub(super) fn guid(text: &str) -> Result<String, String> {
    let guid = uuid::Uuid::parse_str(text.trim());
    guid.map(|guid| guid.to_string()).map_err(|_| format!("'{text}' is no GUID"))
}

/// Reads the resource of a Log Analytics workspace.
pub(super) fn workspace(text: &str) -> Result<String, String> {
    let parts: Vec<String> = text.trim_end_matches('/').split('/').map(str::to_lowercase).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        [
            "",
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.operationalinsights",
            "workspaces",
            _,
        ] => Ok(text.to_string()),
        _ => Err(format!(
            "'{text}' is no workspace; say /subscriptions/ID/resourceGroups/GROUP/providers/\
             Microsoft.OperationalInsights/workspaces/NAME"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert_eq!(size("1.5G"), Ok(3 << 29));
        assert_eq!(size("512MB"), Ok(512_000_000));
        for wrong in ["", "MB", "-1", "1TBX", "0", "1e9", "1.2.3"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_those_of_the_language() {
        assert_eq!(duration("15m"), Ok(9_000_000_000));
        assert_eq!(duration("1.00:00:00"), duration("1d"));
        for wrong in ["", "soon", "-1h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_keep_what_follows_the_first_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_string(), "b=c".to_string())));
        assert!(pair("=b").is_err());
        assert!(pair("a").is_err());
    }
}
