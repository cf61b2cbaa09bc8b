//! Sentinel's incidents, rules and watchlists, by its REST API.

use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::error::{About, Error, ErrorKind};
use super::manager::Manager;
use super::records::Records;

const API: &str = "2024-03-01";

/// The version that lists rules of every kind; the stable one knows three of them.
pub const RULES_API: &str = "2023-05-01-preview";

/// Requests about single incidents that are under way at a time.
const AT_ONCE: usize = 5;

/// A workspace, as Resource Manager calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `/subscriptions/S/resourceGroups/G/providers/Microsoft.OperationalInsights/workspaces/NAME`
    id: String,
}

/// A watchlist with its items, as a table of texts.
#[derive(Debug)]
pub struct Watchlist {
    pub alias: String,
    pub columns: Vec<String>,
    /// The column whose values stand in `SearchKey` too.
    search_key: String,
    items: Records,
}

impl Workspace {
    /// Takes a workspace by its resource id.
    ///
    /// ```
    /// use alertq::fetch::Workspace;
    /// let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";
    /// assert!(Workspace::new(id).is_ok());
    /// assert!(Workspace::new("w").is_err());
    /// ```
    ///
    /// # Errors
    /// Where the text is no such id.
    pub fn new(id: &str) -> Result<Workspace, Error> {
        let parts: Vec<&str> = id.trim_end_matches('/').split('/').collect();
        let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c));
        let is = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
        let fits = parts.len() == 9
            && parts.first() == Some(&"")
            && is(1, "subscriptions")
            && is(3, "resourceGroups")
            && is(6, "Microsoft.OperationalInsights")
            && is(7, "workspaces");
        if fits && parts.iter().skip(1).all(plain) {
            return Ok(Workspace { id: parts.join("/") });
        }
        Err(Error::new(ErrorKind::Unknown, format!("'{id}' is no resource id of a workspace")).help(UNKNOWN))
    }

    /// Returns the resource id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the path of something of Sentinel's in it.
    pub(super) fn path(&self, what: &str, api: &str) -> String {
        let separator = if what.contains('?') { '&' } else { '?' };
        format!("{}/providers/Microsoft.SecurityInsights/{what}{separator}api-version={api}", self.id)
    }

    pub(super) fn about(&self) -> About {
        let name = self.id.rsplit('/').next().unwrap_or_default();
        About {
            what: format!("Sentinel in the workspace {name}"),
            role: "Microsoft Sentinel Reader",
            scope: self.id.clone(),
            unknown: UNKNOWN,
        }
    }

    /// Lists the incidents, each with the ids of its alerts as `Alerts` if they are asked for.
    pub async fn incidents(&self, manager: &Manager, alerts: bool) -> Result<Records, Error> {
        let what = "incidents?$orderby=properties/createdTimeUtc%20asc&$top=1000";
        let changed = |incident: &Value| {
            let time = |key: &str| incident.get("properties").map(|of| text(of, key)).unwrap_or_default();
            let changed = time("lastModifiedTimeUtc");
            if changed.is_empty() { time("createdTimeUtc") } else { changed }
        };
        let mut incidents = manager.gather(&self.path(what, API), &self.about(), changed).await?;
        if !alerts {
            return Ok(incidents);
        }
        let mut ids = Vec::new();
        incidents.each(&mut |incident| {
            ids.push(text(&value(incident), "name"));
            Ok(())
        })?;
        let asked = ids.iter().map(|id| self.alerts_of(manager, id));
        let mut found = Vec::new();
        let mut answers = futures::stream::iter(asked).buffered(AT_ONCE);
        while let Some(alerts) = answers.next().await {
            found.push(alerts?.to_string());
        }
        // The ids of alerts are short beside their incidents: these stay on disk.
        let (mut whole, mut found) = (manager.records()?, found.into_iter());
        incidents.each(&mut |incident| {
            let mut incident = value(incident);
            if let (Value::Object(fields), Some(alerts)) = (&mut incident, found.next()) {
                fields.insert("Alerts".to_string(), value(&alerts));
            }
            whole.push("", String::new(), &incident)
        })?;
        Ok(whole)
    }

    async fn alerts_of(&self, manager: &Manager, incident: &str) -> Result<Value, Error> {
        let path = self.path(&format!("incidents/{}/alerts", encoded(incident)), API);
        let alerts = manager.list_by_post(&path, &self.about()).await?;
        let id = |alert: &Value| {
            let own = alert.get("properties").map(|properties| text(properties, "systemAlertId")).unwrap_or_default();
            json!({"ID": if own.is_empty() { text(alert, "name") } else { own }})
        };
        Ok(alerts.iter().map(id).collect())
    }

    /// Lists the analytics rules of every kind.
    pub async fn rules(&self, manager: &Manager) -> Result<Vec<Value>, Error> {
        manager.list(&self.path("alertRules", RULES_API), &self.about()).await
    }

    /// Lists the data connectors.
    pub(super) async fn connectors(&self, manager: &Manager) -> Result<Vec<Value>, Error> {
        manager.list(&self.path("dataConnectors", RULES_API), &self.about()).await
    }

    /// Reads all watchlists with their items.
    pub async fn watchlists(&self, manager: &Manager) -> Result<Vec<Watchlist>, Error> {
        let mut watchlists = Vec::new();
        for list in manager.list(&self.path("watchlists", API), &self.about()).await? {
            let properties = list.get("properties").cloned().unwrap_or_default();
            let alias = text(&properties, "watchlistAlias");
            let alias = if alias.is_empty() { text(&list, "name") } else { alias };
            if properties.get("isDeleted").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            let path = self.path(&format!("watchlists/{}/watchlistItems", encoded(&alias)), API);
            let items = manager.gather(&path, &self.about(), |_| String::new()).await?;
            watchlists.push(Watchlist::new(alias, text(&properties, "itemsSearchKey"), items)?);
        }
        Ok(watchlists)
    }
}

/// Makes an analytics rule a template that can be deployed, the form in which the portal exports rules.
pub(super) fn template(rule: &Value) -> Value {
    let name = text(rule, "name");
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspace": {"type": "String"}},
        "resources": [{
            "id": format!("[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', \
                           parameters('workspace'), 'Microsoft.SecurityInsights'), '/alertRules/{name}')]"),
            "name": format!("[concat(parameters('workspace'), '/Microsoft.SecurityInsights/{name}')]"),
            "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
            "kind": rule.get("kind"),
            "apiVersion": RULES_API,
            "properties": escaped(rule.get("properties").cloned().unwrap_or_default()),
        }],
    })
}

/// Names the file of a rule: its title, and the beginning of its id.
pub(super) fn file_name(rule: &Value) -> String {
    let title = rule.get("properties").map(|properties| text(properties, "displayName")).unwrap_or_default();
    let safe: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = safe.split('-').filter(|word| !word.is_empty()).collect();
    let id: String = text(rule, "name").chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let title: String = words.join("-").chars().take(80).collect();
    format!("{title}-{id}.json").trim_start_matches('-').to_string()
}

impl Workspace {
    /// Returns the file's name and the template of a rule.
    pub fn file_of(rule: &Value) -> (String, Value) {
        (file_name(rule), template(rule))
    }
}

/// Keeps texts that begin with a bracket from being read as expressions of the template.
fn escaped(value: Value) -> Value {
    // As deep as the service nests, which the parser limits.
    match value {
        Value::String(text) if text.starts_with('[') => Value::String(format!("[{text}")),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (key, escaped(value))).collect()),
        other => other,
    }
}

impl Watchlist {
    fn new(alias: String, search_key: String, mut items: Records) -> Result<Watchlist, Error> {
        // What `_GetWatchlist` gives before an item's own columns.
        let mut columns = FIRST.map(str::to_string).to_vec();
        items.each(&mut |item| {
            for key in values(&value(item)).keys() {
                if !columns[FIRST.len()..].contains(key) {
                    columns.push(key.clone());
                }
            }
            Ok(())
        })?;
        Ok(Watchlist { alias, columns, search_key, items })
    }

    /// Returns how many items it has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Tells whether it has none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Gives the row of each item to `f`, with a text for each column.
    pub fn each_row(&mut self, f: &mut dyn FnMut(Vec<String>) -> Result<(), Error>) -> Result<(), Error> {
        let plain = |value: Option<&Value>| match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let (own, search_key) = (&self.columns[FIRST.len()..], &self.search_key);
        self.items.each(&mut |item| {
            let item = value(item);
            let (of_item, values) = (item.get("properties"), values(&item));
            let about = |key: &str| plain(of_item.and_then(|item| item.get(key)));
            let first = [about("watchlistItemId"), about("updated"), plain(values.get(search_key))];
            f(first.into_iter().chain(own.iter().map(|key| plain(values.get(key)))).collect())
        })
    }
}

/// The columns of a watchlist that are not its author's.
const FIRST: [&str; 3] = ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey"];

/// Returns an item's own values.
fn values(item: &Value) -> Map<String, Value> {
    let values = item.get("properties").and_then(|item| item.get("itemsKeyValue"));
    values.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Reads what was written as JSON.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
}

/// Writes a name as a part of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    name.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

const UNKNOWN: &str = "the resource id is what `az monitor log-analytics workspace show -g GROUP -n NAME --query id` \
                       prints";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_become_templates() {
        let rule = json!({"name": "0f1e2d3c-aaaa", "kind": "Scheduled",
            "properties": {"displayName": "Many failed sign-ins / one host", "query": "['T'] | count"}});
        let (name, template) = Workspace::file_of(&rule);
        assert_eq!(name, "Many-failed-sign-ins-one-host-0f1e2d3c.json");
        assert_eq!(template["resources"][0]["properties"]["query"], "[['T'] | count");
        assert_eq!(template["resources"][0]["kind"], "Scheduled");
    }

    #[test]
    fn items_become_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut items = Records::new(folder.path()).unwrap();
        for (id, values) in [("a", json!({"Host": "h", "Port": 7})), ("b", json!({"Host": "i", "Owner": null}))] {
            let item = json!({"watchlistItemId": id, "updated": "2026-01-01T00:00:00Z", "itemsKeyValue": values});
            items.push(id, String::new(), &json!({ "properties": item })).unwrap();
        }
        let mut list = Watchlist::new("W".into(), "Host".into(), items).unwrap();
        assert_eq!(list.columns, ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey", "Host", "Port", "Owner"]);
        let mut rows = Vec::new();
        list.each_row(&mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
        assert_eq!(rows[0], ["a", "2026-01-01T00:00:00Z", "h", "h", "7", ""]);
        assert_eq!((&rows[1][3..], list.len()), (&["i".to_string(), String::new(), String::new()][..], 2));
    }

    #[test]
    fn paths_are_paths() {
        assert_eq!(encoded("a/b c?"), "a%2Fb%20c%3F");
        for wrong in ["", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/x/workspaces/w", "w"] {
            assert!(Workspace::new(wrong).is_err(), "{wrong}");
        }
    }
}
