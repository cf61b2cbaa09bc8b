//! Moments in files: ticks here, ISO text there.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

use crate::types::ticks;

pub(super) fn serialize<S: Serializer>(moment: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&ticks::format_datetime(*moment))
}

pub(super) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<i64, D::Error> {
    read(&String::deserialize(deserializer)?)
}

fn read<E: Error>(text: &str) -> Result<i64, E> {
    ticks::parse_datetime(text).ok_or_else(|| E::custom(format!("'{text}' is no time")))
}

/// Moments that may be missing.
pub(super) mod maybe {
    use super::{Deserialize, Deserializer, Serializer, read, ticks};

    pub(crate) fn serialize<S: Serializer>(moment: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.serialize_str(&ticks::format_datetime(*moment)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| read(&text)).transpose()
    }
}
