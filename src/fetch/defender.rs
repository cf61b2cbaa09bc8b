//! Defender for Cloud's alerts, of one subscription after the other.

use serde_json::Value;

use super::error::{About, Error, ErrorKind};
use super::manager::Manager;
use super::records::Records;

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
pub async fn alerts(manager: &Manager, id: &str) -> Result<Records, Error> {
    let id = subscription(id)?;
    let path = format!("/subscriptions/{id}/providers/Microsoft.Security/alerts?api-version={API}");
    let time = |alert: &Value| {
        let time = alert.get("properties").and_then(|properties| properties.get("timeGeneratedUtc"));
        time.and_then(Value::as_str).unwrap_or_default().to_string()
    };
    manager.gather(&path, &about(&id), time).await
}
