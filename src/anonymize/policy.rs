//! What becomes of each column and each field: documented data, and a refusal for all that is not in it.

use super::text::Level;

/// What becomes of the values of a column or field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// They stay: times, flags, numbers, and what the user wants to keep.
    Kept,
    /// A product has chosen them from a list; addresses, ids and paths within them are replaced.
    Safe,
    /// Sentences: ordinary words stay.
    Prose,
    /// Command lines and queries: options and keywords stay.
    Command,
    /// Names, addresses and ids.
    Name,
    /// Degrees on the globe.
    Coordinate,
    /// Objects whose keys somebody has made up: nothing that lies within counts as known.
    Details,
    /// Nobody has said what they are: all words are replaced.
    Unknown,
}

impl Treatment {
    /// All of them, in the order of their declaration.
    pub const ALL: [Treatment; 8] = [Kept, Safe, Prose, Command, Name, Coordinate, Details, Unknown];

    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Treatment::Kept => "kept",
            Treatment::Safe => "safe",
            Treatment::Prose => "prose",
            Treatment::Command => "command",
            Treatment::Name => "name",
            Treatment::Coordinate => "coordinate",
            Treatment::Details => "details",
            Treatment::Unknown => "unknown",
        }
    }

    /// Returns what it does, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Treatment::Kept => "Stays as it is.",
            Treatment::Safe => {
                "Words that a product has chosen stay; addresses, ids, URLs and e-mail within are replaced."
            }
            Treatment::Prose => "Ordinary words and short numbers stay; everything else is replaced.",
            Treatment::Command => "Options, keywords and well-known programs and folders stay.",
            Treatment::Name => "Everything is replaced but what is the same everywhere, such as `root`.",
            Treatment::Coordinate => "Another place on the globe.",
            Treatment::Details => "As unknown, whatever the names of its fields.",
            Treatment::Unknown => "As a name; numbers of up to four digits, times, true and false stay.",
        }
    }

    pub(super) const fn level(self) -> Level {
        match self {
            Treatment::Kept | Treatment::Safe => Level::Safe,
            Treatment::Prose => Level::Prose,
            Treatment::Command => Level::Command,
            Treatment::Name => Level::Name,
            Treatment::Coordinate | Treatment::Details | Treatment::Unknown => Level::Opaque,
        }
    }
}

/// Fields of one place that are treated alike.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The table, or the type of entity in lower case; nothing for fields of any of them, and of any bag.
    pub of: &'static str,
    pub treatment: Treatment,
    /// The names in lower case, without blanks and signs: products write `User Name`, `user name` and `UserName`.
    pub names: &'static [&'static str],
}

const fn rule(of: &'static str, treatment: Treatment, names: &'static [&'static str]) -> Rule {
    Rule { of, treatment, names }
}

use Treatment::{Command, Coordinate, Details, Kept, Name, Prose, Safe, Unknown};

/// Everything that is known of columns and fields. What is not in here is [`Treatment::Unknown`].
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // The titles of alerts are prose: those of products stay, and names that a rule has put into them do not.
    rule("SecurityAlert", Prose, &["displayname", "alertname", "description", "remediationsteps", "providername",
        "vendorname", "productname"]),
    rule("SecurityAlert", Safe, &["alertseverity", "alerttype", "confidencelevel", "sourcesystem",
        "productcomponentname", "status", "tactics", "techniques", "subtechniques", "type", "isbillable"]),
    rule("SecurityAlert", Kept, &["timegenerated", "confidencescore", "isincident", "starttime", "endtime",
        "processingendtime", "timereceived", "billedsize"]),
    rule("SecurityAlert", Name, &["tenantid", "vendororiginalid", "systemalertid", "resourceid", "sourcecomputerid",
        "workspacesubscriptionid", "workspaceresourcegroup", "alertlink", "compromisedentity", "itemid",
        "subscriptionid", "internalworkspaceresourceid"]),
    rule("SecurityIncident", Prose, &["title", "description", "classificationcomment", "providername", "modifiedby"]),
    rule("SecurityIncident", Safe, &["severity", "status", "classification", "classificationreason", "sourcesystem",
        "type", "isbillable"]),
    // The number counts the incidents of a workspace; its provider's says the same as text.
    rule("SecurityIncident", Kept, &["timegenerated", "firstactivitytime", "lastactivitytime", "firstmodifiedtime",
        "lastmodifiedtime", "createdtime", "closedtime", "incidentnumber", "providerincidentid", "timereceived",
        "billedsize"]),
    rule("SecurityIncident", Name, &["tenantid", "incidentname", "relatedanalyticruleids", "alertids", "bookmarkids",
        "incidenturl", "itemid", "resourceid", "subscriptionid", "internalworkspaceresourceid"]),

    rule("malware", Safe, &["name", "category"]),
    rule("registry-key", Unknown, &["key"]),
    rule("registry-value", Unknown, &["key", "name", "value"]),
    rule("alerts", Prose, &["displayname"]),
    rule("alerts", Safe, &["location"]),
    rule("cloud-application", Safe, &["appid", "saasid"]),
    rule("cloud-application", Prose, &["name"]),
    rule("iotdevice", Prose, &["devicetype", "manufacturer", "model", "operatingsystem", "importance", "purduelayer",
        "source", "protocols"]),
    rule("mail-message", Safe, &["language", "deliveryaction", "deliverylocation", "threatdetectionmethods",
        "antispamdirection", "threats"]),
    rule("gcp-resource", Safe, &["resourcetype", "locationtype"]),

    rule("", Kept, &["count", "alertscount", "bookmarkscount", "commentscount", "totalhostentities",
        "totalipentities", "totalaccountentities", "sizeinbytes", "mailcount", "confidence", "confidencescore",
        "timegenerated", "starttime", "endtime", "starttimeutc", "endtimeutc", "creationtimeutc", "createdtimeutc",
        "lastmodifiedtimeutc", "querystarttimeutc", "queryendtimeutc", "detectedtimeutc", "querytime",
        "submissiondate", "receiveddate", "createddatetime", "lastupdatedatetime", "firstactivitydatetime",
        "lastactivitydatetime", "resolveddatetime", "firstseendatetime"]),
    rule("", Safe, &["type", "odatatype", "category", "severity", "alertseverity", "status", "alerttype", "kind",
        "tactics", "techniques", "subtechniques", "tactic", "technique", "alertproductnames", "productcomponentname",
        "algorithm", "osfamily", "osversion", "osplatform", "ostype", "isdomainjoined", "accounttype",
        "elevationtoken", "valuetype", "hive", "addressscope", "asset", "countrycode", "countryname",
        "countryorregion", "protocol", "transportprotocol", "destinationport", "sourceport", "attackerport",
        "victimport", "port", "processid", "parentprocessid", "suspiciousprocessid", "threattype", "threatname",
        "malware", "threatfamilyname", "risklevel", "riskscore", "riskstate", "isanonymized", "isvalid", "isincident",
        "crossvm", "detectionstatus", "remediationstatus", "verdict", "servicesource", "detectionsource",
        "determination", "classification", "roles", "detailedroles", "healthstatus", "onboardingstatus",
        "defenderavstatus", "labeltype", "resourcetype", "reportingsystem", "occuringdatacenter",
        "occurringdatacenter", "queryperiod", "queryintervalinminutes", "suppressioninminutes", "triggeroperator",
        "triggerthreshold", "thresholdoperator", "thresholdvalue", "searchqueryresultsoverallcount", "eventgrouping",
        "alertmode", "alertgenerationstatus", "processedbysentinel", "hitcount", "successfullogins", "failedattempts",
        "nonexistentusers", "existingusers", "attackduration", "modelscore", "actiontaken", "scanaction",
        "scanresult", "processversion", "argumentsauditingenabled", "incidentstage", "deliveryaction",
        "deliverylocation", "microsoftdefenderatpcategory"]),
    rule("", Prose, &["description", "alertname", "alertdisplayname", "analyticrulename", "title", "label",
        "labelname", "message", "comment", "remediationsteps", "recommendedactions", "investigationsteps",
        "displayvalue", "potentialcauses", "commandlist", "threatdescription", "remediationstatusdetails",
        "providername", "vendorname", "productname", "classificationcomment", "resultdescription"]),
    rule("", Command, &["commandline", "processcommandline", "suspiciouscommandline", "fullcommand", "command",
        "suspiciousscript", "vulnerablestatement", "query", "originalquery", "searchquery", "datasources"]),
    rule("", Coordinate, &["latitude", "longitude"]),
    rule("", Details, &["customdetails"]),
    // Fields whose whole value is a name, so that it is known as one where it is an ordinary word besides.
    rule("", Name, &["name", "hostname", "netbiosname", "devicename", "devicednsname", "dnsdomain", "ntdomain",
        "domainname", "fqdn", "accountname", "username", "useraccount", "useraccountname", "upnsuffix",
        "userprincipalname", "upn", "email", "assignedto", "displayname", "address", "ipaddress", "clientipaddress",
        "url", "resourceid", "resourcename", "subscriptionid", "compromisedentity", "compromisedhost", "machinename",
        "sid", "usersid", "objectid", "objectguid", "aadtenantid", "aaduserid", "azureid", "azureresourceid",
        "omsagentid", "tenantid", "directory", "imagefile", "key", "value", "asn", "recipient", "sender",
        "mailboxprimaryaddress", "deviceid", "mdatpdeviceid", "systemalertids", "instancename", "accountlist",
        "principalname", "database", "server"]),
];

/// Returns what becomes of a column of a table, or of a field in a type of entity.
pub(super) fn treatment(of: Option<&str>, name: &str) -> Treatment {
    // What links entities to each other within one record.
    if name == "$id" || name == "$ref" {
        return Treatment::Kept;
    }
    let folded = folded(name);
    let find = |of: &str| {
        let mut rules = RULES.iter().filter(|rule| rule.of.eq_ignore_ascii_case(of));
        rules.find(|rule| rule.names.contains(&folded.as_str())).map(|rule| rule.treatment)
    };
    of.and_then(find).or_else(|| find("")).unwrap_or(Treatment::Unknown)
}

/// Writes a name without regard to case, blanks and signs.
pub fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tables::TABLES;

    #[test]
    fn every_known_column_of_text_has_a_rule_or_is_json() {
        use crate::catalog::tables::Json;
        for table in TABLES {
            for column in table.columns.iter().filter(|column| column.json == Json::None) {
                assert_ne!(
                    treatment(Some(table.name), column.name),
                    Treatment::Unknown,
                    "{}.{}",
                    table.name,
                    column.name
                );
            }
        }
    }

    #[test]
    fn names_are_written_as_they_are_compared_and_stand_once() {
        for rule in RULES {
            assert!(rule.names.iter().all(|name| folded(name) == **name), "{:?}", rule.of);
            for name in rule.names {
                let count = RULES.iter().filter(|other| other.of == rule.of && other.names.contains(name)).count();
                assert_eq!(count, 1, "{}.{name}", rule.of);
            }
        }
    }

    #[test]
    fn a_type_of_entity_goes_before_all_of_them() {
        assert_eq!(treatment(Some("malware"), "Name"), Treatment::Safe);
        assert_eq!(treatment(Some("account"), "Name"), Treatment::Name);
        assert_eq!(treatment(None, "user name"), Treatment::Name);
        assert_eq!(treatment(None, "Favourite Colour"), Treatment::Unknown);
    }
}
