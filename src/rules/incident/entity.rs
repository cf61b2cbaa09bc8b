//! What makes two entities the same: identifiers that name one thing alone, with references resolved.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

/// Entities stand in each other (a process on a host): identity looks so deep, whatever refers to itself.
const DEEPEST: usize = 4;

/// An entity of an alert, as far as it tells it from others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The type in lower case: `account`, `host`, `ip`.
    pub kind: String,
    /// Its identifiers and their values.
    pub key: String,
}

/// For each type the sets of identifiers of which one is enough, the strongest first (documented).
///
/// `Host`, `Account` and their like are entities themselves.
const STRONG: &[(&str, &[&[&str]])] = &[
    (
        "account",
        &[
            &["AadUserId"],
            &["PUID"],
            &["ObjectGuid"],
            &["Sid"],
            &["Name", "UPNSuffix"],
            &["Name", "NTDomain"],
            &["Name", "DnsDomain"],
            &["Name", "Host"],
        ],
    ),
    (
        "host",
        &[
            &["AzureID"],
            &["OMSAgentID"],
            &["HostName", "DnsDomain"],
            &["HostName", "NTDomain"],
            &["NetBiosName", "DnsDomain"],
            &["NetBiosName", "NTDomain"],
        ],
    ),
    ("ip", &[&["Address", "AddressScope"], &["Address"]]),
    ("url", &[&["Url"]]),
    ("malware", &[&["Name", "Category"]]),
    ("file", &[&["Host", "Directory", "Name"], &["Directory", "Name"]]),
    ("filehash", &[&["Algorithm", "Value"]]),
    (
        "process",
        &[
            &["Host", "ProcessId", "CreationTimeUtc"],
            &["ProcessId", "CreationTimeUtc"],
            &["Host", "ProcessId", "CommandLine"],
        ],
    ),
    ("cloud-application", &[&["AppId", "InstanceName"], &["AppId"], &["Name", "InstanceName"], &["Name"]]),
    ("dns", &[&["DomainName", "DnsServerIp", "HostIpAddress"], &["DomainName"]]),
    ("azure-resource", &[&["ResourceId"]]),
    ("registry-key", &[&["Hive", "Key"]]),
    ("registry-value", &[&["Host", "Key", "Name"], &["Key", "Name"], &["Name"]]),
    ("security-group", &[&["SID"], &["ObjectGuid"], &["DistinguishedName"]]),
    ("iotdevice", &[&["IoTHub", "DeviceId"], &["DeviceId"]]),
    ("mailbox", &[&["MailboxPrimaryAddress"]]),
    ("mail-cluster", &[&["Query", "Source"]]),
    ("mail-message", &[&["NetworkMessageId", "Recipient"]]),
    ("submissionmail", &[&["SubmissionId", "NetworkMessageId", "Recipient", "Submitter"]]),
];

/// Reads the entities of an alert's `Entities`, each once, in the order of their keys; none where it is no JSON array.
///
/// ```
/// use alertq::rules::incident::entities;
/// let twice = r#"[{"$id":"2","HostName":"a","DnsDomain":"x.example","Type":"host"},{"$ref":"2"}]"#;
/// assert_eq!(entities(twice).len(), 1);
/// ```
pub fn entities(text: &str) -> Vec<Identity> {
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let Some(list) = json.as_array() else { return Vec::new() };
    let mut found = References::default();
    list.iter().for_each(|entity| found.collect(entity));
    let mut all: Vec<_> = list.iter().filter_map(|entity| found.identity(entity, 0)).collect();
    all.sort();
    all.dedup();
    all
}

/// An object and where it stands in the text.
type Placed<'a> = (usize, &'a Map<String, Json>);

/// Where each `$id` is defined, and where each object stands in the text.
#[derive(Default)]
struct References<'a> {
    defined: HashMap<&'a str, Vec<Placed<'a>>>,
    places: HashMap<usize, usize>,
}

impl<'a> References<'a> {
    fn collect(&mut self, json: &'a Json) {
        match json {
            Json::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Json::Object(fields) => {
                let place = self.places.len();
                self.places.insert(std::ptr::from_ref(fields) as usize, place);
                if let Some(id) = fields.get("$id").and_then(Json::as_str) {
                    self.defined.entry(id).or_default().push((place, fields));
                }
                fields.values().for_each(|value| self.collect(value));
            }
            _ => {}
        }
    }

    /// Follows a reference. Some products give an id twice: the nearest before the reference is meant, else the next.
    fn object(&self, json: &'a Json) -> Option<&'a Map<String, Json>> {
        let fields = json.as_object()?;
        let Some(id) = fields.get("$ref").and_then(Json::as_str) else { return Some(fields) };
        let here = self.places.get(&(std::ptr::from_ref(fields) as usize)).copied().unwrap_or_default();
        let all = self.defined.get(id)?;
        let before = all.iter().rev().find(|(place, _)| *place < here);
        before.or_else(|| all.first()).map(|(_, fields)| *fields)
    }

    fn identity(&self, json: &'a Json, depth: usize) -> Option<Identity> {
        let fields = self.object(json)?;
        let kind = field(fields, "Type")?.as_str()?.to_lowercase();
        let sets = STRONG.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, sets)| sets);
        let strong = sets.iter().find_map(|set| self.key(fields, set, depth));
        // Without a strong one, all that is said of it must be the same.
        let key = strong.unwrap_or_else(|| {
            let mut said: Vec<String> = fields
                .iter()
                .filter(|(name, value)| !name.starts_with('$') && (value.is_string() || value.is_number()))
                .map(|(name, value)| format!("{}={value}", name.to_lowercase()))
                .collect();
            said.sort();
            said.join("\n")
        });
        Some(Identity { kind, key })
    }

    /// Returns the values of a set of identifiers; None where one of them is missing.
    fn key(&self, fields: &'a Map<String, Json>, set: &[&str], depth: usize) -> Option<String> {
        let mut parts = Vec::new();
        for name in set {
            let value = match field(fields, name)? {
                Json::String(text) if !text.is_empty() => text.clone(),
                Json::Number(number) => number.to_string(),
                nested @ Json::Object(_) if depth < DEEPEST => self.identity(nested, depth + 1)?.key,
                _ => return None,
            };
            parts.push(format!("{}={value}", name.to_lowercase()));
        }
        Some(parts.join("\n"))
    }
}

/// Finds a field whatever its case: the tables write `HostName`, the APIs `hostName`.
fn field<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        entities(text).into_iter().map(|entity| entity.key.replace('\n', " ")).collect()
    }

    #[test]
    fn strong_identifiers_win_over_what_else_is_said() {
        let one = keys(r#"[{"Type":"account","Name":"ada","AadUserId":"7","LogonId":"1"}]"#);
        let other = keys(r#"[{"Type":"account","Name":"ada","AadUserId":"7","LogonId":"2"}]"#);
        assert_eq!(one, ["aaduserid=7"]);
        assert_eq!(one, other);
    }

    #[test]
    fn cases_of_keys_do_not_matter() {
        assert_eq!(keys(r#"[{"type":"IP","address":"192.0.2.1"}]"#), ["address=192.0.2.1"]);
        assert_eq!(
            entities(r#"[{"type":"IP","address":"192.0.2.1"}]"#),
            entities(r#"[{"Type":"ip","Address":"192.0.2.1"}]"#)
        );
    }

    #[test]
    fn references_lead_to_what_they_name() {
        let text = r#"[
            {"$id":"2","Type":"process","ProcessId":"1","CreationTimeUtc":"t","Host":{"$ref":"3"}},
            {"$id":"3","Type":"host","HostName":"h","DnsDomain":"d"},
            {"$ref":"3"}]"#;
        assert_eq!(keys(text), ["hostname=h dnsdomain=d", "host=hostname=h dnsdomain=d processid=1 creationtimeutc=t"]);
    }

    #[test]
    fn an_id_given_twice_means_the_nearest_before() {
        let text = r#"[{"$id":"2","Type":"ip","Address":"a"},{"$id":"2","Type":"ip","Address":"b"},
            {"$id":"4","Type":"registry-value","Name":"n","Key":{"$ref":"2"}}]"#;
        assert_eq!(keys(text), ["address=a", "address=b", "key=address=b name=n"]);
    }

    #[test]
    fn circles_and_nonsense_end() {
        let circle = r#"[{"$id":"1","Type":"account","Name":"a","Host":{"$ref":"1"}}]"#;
        assert_eq!(keys(circle).len(), 1);
        for nonsense in ["", "{}", "[1,null,{}]", "[{\"$ref\":\"9\"}]"] {
            assert!(entities(nonsense).is_empty(), "{nonsense}");
        }
    }
}
