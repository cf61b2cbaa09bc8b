//! Defender for Cloud's alerts, of one subscription after the other.

use serde_json::Value;

use super::error::{About, Error, ErrorKind};
use super::manager::Manager;

/// The version of the API that has `value` and `nextLink`.
const API: &str = "2022-01-01";

/// Says what requests about a subscription are about.
pub(super) fn about(subscription: &str) -> About {
    About {
        what: format!("the subscription {subscription}"),
        role: "Security Reader",
        scope: format!("/subscriptions/{subscription}"),
        unknown: "`az account list --output table` shows the subscriptions of an account",
    }
}

/// Checks that a text can be a subscription's id, so that it leads nowhere else.
pub fn subscription(text: &str) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_string()),
        false => Err(Error::new(ErrorKind::Unknown, format!("'{text}' is no id of a subscription"))
            .help("`az account list --output table` shows the subscriptions of an account")),
    }
}

/// Lists the alerts of a subscription, by the time at which they were made.
pub async fn alerts(manager: &Manager, id: &str) -> Result<Vec<Value>, Error> {
    let id = subscription(id)?;
    let path = format!("/subscriptions/{id}/providers/Microsoft.Security/alerts?api-version={API}");
    let mut alerts = manager.list(&path, &about(&id)).await?;
    let time = |alert: &Value| {
        let properties = alert.get("properties");
        properties.and_then(|p| p.get("timeGeneratedUtc")).and_then(Value::as_str).map(str::to_string)
    };
    alerts.sort_by_cached_key(time);
    Ok(alerts)
}
