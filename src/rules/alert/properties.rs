//! `ExtendedProperties` of an alert that a rule raised: a bag of texts, some of which hold JSON again.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value as Json, json};

use super::Maker;
use super::results::Results;
use crate::rules::model::{Duration, EventGrouping, Kind};
use crate::types::ticks::{self, TICKS_PER_SECOND};

/// Bytes of an event within an alert (documented); a longer one is left out.
const LONGEST_EVENT: usize = 10 << 10;

/// Returns the text of ExtendedProperties; keys and values as observed in rows of such alerts.
pub(super) fn properties(
    maker: &Maker,
    rule_id: &str,
    correlation: String,
    event: Option<&Results>,
    custom_details: Option<String>,
) -> String {
    let Maker { rule, detection, run, workspace, count, .. } = maker;
    let mut bag = Map::new();
    let mut put = |key: &str, value: String| _ = bag.insert(key.to_string(), Json::String(value));
    if let Some(schedule) = rule.schedule() {
        let period = Duration::of_ticks(run.now.saturating_sub(run.from)).map(Duration::clock).unwrap_or_default();
        put("Query Period", period);
        put("Trigger Operator", schedule.trigger_operator.map_or("GreaterThan", |o| o.value.word()).to_string());
        put("Trigger Threshold", schedule.trigger_threshold.map_or(0, |t| t.value).to_string());
    }
    put("Correlation Id", correlation);
    put("Search Query Results Overall Count", count.to_string());
    let sources: Vec<&str> = Some(workspace.name()).into_iter().filter(|name| !name.is_empty()).collect();
    put("Data Sources", json!(sources).to_string());
    let query = detection.query.as_ref().map(|query| query.text.as_str()).unwrap_or_default();
    match event.and_then(event_query) {
        Some(event) => {
            put("Query", event);
            // The rule's own words, without the clock (observed).
            put("OriginalQuery", query.to_string());
        }
        None => put("Query", format!("set query_now = datetime({});\n{query}", ticks::format_datetime(run.now))),
    }
    put("Query Start Time UTC", seconds(run.from));
    put("Query End Time UTC", seconds(run.now.saturating_add(TICKS_PER_SECOND - 1)));
    put("Analytic Rule Ids", json!([rule_id]).to_string());
    let grouping = match (rule.kind(), detection.grouping_of_events()) {
        (Kind::NearRealTime, EventGrouping::AlertPerResult) => "AlertPerEvent",
        (_, grouping) => grouping.word(),
    };
    put("Event Grouping", grouping.to_string());
    put("Analytic Rule Name", rule.title().to_string());
    put("ProcessedBySentinel", "True".to_string());
    put("Alert generation status", "Full alert created".to_string());
    if let Some(details) = custom_details {
        put("Custom Details", details);
    }
    Json::Object(bag).to_string()
}

/// Writes a moment as these properties have it, in whole seconds: `2026-01-31 08:00:00Z`.
fn seconds(moment: i64) -> String {
    let text = ticks::format_datetime(moment);
    text.get(..19).map_or(text.clone(), |text| format!("{}Z", text.replace('T', " ")))
}

/// Makes a query that gives the event: its fields are packed into the text. None where they are too many.
fn event_query(event: &Results) -> Option<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(event.first_bag().to_string().as_bytes()).ok()?;
    let packed = STANDARD.encode(encoder.finish().ok()?);
    let query = format!(
        "datatable(packed: string)['{packed}']\n\
         | project event = parse_json(zlib_decompress_from_base64_string(packed))\n\
         | evaluate bag_unpack(event)"
    );
    (query.len() <= LONGEST_EVENT).then_some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_fraction() {
        let moment = ticks::parse_datetime("2026-01-31T08:00:00.107Z").unwrap();
        assert_eq!(seconds(moment), "2026-01-31 08:00:00Z");
        assert_eq!(seconds(moment + TICKS_PER_SECOND - 1), "2026-01-31 08:00:01Z");
    }
}
