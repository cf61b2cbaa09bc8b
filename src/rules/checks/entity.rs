use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, nearest};
use crate::rules::model::{EntityMapping, EntityType};

pub(super) const IDENTIFIERS: Check = Check {
    code: "AQ530",
    name: "identifier-of-entity",
    why: "Each type of entity has identifiers of its own; Sentinel refuses others, and the same one twice.",
    bad: "entityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: Adress\n        columnName: AlertName",
    good: "entityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: Address\n        columnName: AlertName",
    find: identifiers,
};

pub(super) const INCOMPLETE: Check = Check {
    code: "AQ531",
    name: "entity-not-identified",
    why: "An entity needs an identifier that names it: a domain alone is no account.",
    bad: "entityMappings:\n  - entityType: Account\n    fieldMappings:\n      - identifier: NTDomain\n        columnName: AlertName",
    good: "entityMappings:\n  - entityType: Account\n    fieldMappings:\n      - identifier: Name\n        columnName: AlertName\n      \
           - identifier: NTDomain\n        columnName: CompromisedEntity",
    find: incomplete,
};

pub(super) const COUNT: Check = Check {
    code: "AQ532",
    name: "too-many-entities",
    why: "A rule takes 10 mappings of 1 to 3 identifiers each.",
    bad: "entityMappings:\n  - entityType: Account\n    fieldMappings: []",
    good: "entityMappings:\n  - entityType: Account\n    fieldMappings:\n      - identifier: Name\n        columnName: AlertName",
    find: count,
};

fn mappings<'a>(subject: &Subject<'a>) -> &'a [EntityMapping] {
    subject.rule.detection().map(|detection| detection.entity_mappings.as_slice()).unwrap_or_default()
}

fn identifiers(subject: &Subject) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for mapping in mappings(subject) {
        let Some(entity) = mapping.entity else { continue };
        let known = identifiers_of(entity.value);
        let given: Vec<_> = mapping.fields.iter().filter_map(|field| field.identifier.as_ref()).collect();
        for (at, identifier) in given.iter().enumerate() {
            let word = entity.value.word();
            if !known.contains(&identifier.value.as_str()) {
                let message = format!("'{}' is no identifier of {word}", identifier.value);
                let problem = Diagnostic::error(IDENTIFIERS.code, identifier.span, message);
                problems.push(match nearest(&identifier.value, known.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean '{near}'?")),
                    None => problem.help(format!("those of {word} are: {}", known.join(", "))),
                });
            } else if given[..at].iter().any(|before| before.value == identifier.value) {
                let message = format!("'{}' is mapped twice for the same {word}", identifier.value);
                problems.push(
                    Diagnostic::error(IDENTIFIERS.code, identifier.span, message)
                        .help("map the second entity in an entry of its own"),
                );
            }
        }
    }
    problems
}

fn incomplete(subject: &Subject) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for mapping in mappings(subject) {
        let Some(entity) = mapping.entity else { continue };
        let sets = required_of(entity.value);
        let has = |name: &&str| {
            mapping.fields.iter().any(|field| field.identifier.as_ref().is_some_and(|i| i.value == **name))
        };
        if mapping.fields.is_empty() || sets.is_empty() || sets.iter().any(|set| set.iter().all(&has)) {
            continue;
        }
        let sets: Vec<String> = sets.iter().map(|set| set.join(" with ")).collect();
        let message = format!("nothing here names an entity of type {}", entity.value.word());
        problems
            .push(Diagnostic::error(INCOMPLETE.code, entity.span, message).help(format!("map {}", sets.join(", or "))));
    }
    problems
}

fn count(subject: &Subject) -> Vec<Diagnostic> {
    let mappings = mappings(subject);
    let mut problems = Vec::new();
    if let Some(eleventh) = mappings.get(10) {
        let message = format!("the rule maps {} entities", mappings.len());
        problems.push(Diagnostic::error(COUNT.code, eleventh.span, message).help("10 is the most"));
    }
    for mapping in mappings.iter().filter(|mapping| !(1..=3).contains(&mapping.fields.len())) {
        let message = format!("the entity has {} identifiers", mapping.fields.len());
        let place = mapping.entity.map_or(mapping.span, |entity| entity.span);
        problems.push(Diagnostic::error(COUNT.code, place, message).help("map one to three"));
    }
    problems
}

/// Returns the identifiers that Sentinel documents for a type of entity.
const fn identifiers_of(entity: EntityType) -> &'static [&'static str] {
    match entity {
        EntityType::Account => &[
            "Name",
            "FullName",
            "NTDomain",
            "DnsDomain",
            "UPNSuffix",
            "Sid",
            "AadTenantId",
            "AadUserId",
            "PUID",
            "IsDomainJoined",
            "DisplayName",
            "ObjectGuid",
            "CloudAppAccountId",
        ],
        EntityType::Host => &[
            "DnsDomain",
            "NTDomain",
            "HostName",
            "FullName",
            "NetBiosName",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
        ],
        EntityType::Ip => &["Address", "AddressScope"],
        EntityType::Malware => &["Name", "Category"],
        EntityType::File => &["Directory", "Name"],
        EntityType::Process => &["ProcessId", "CommandLine", "ElevationToken", "CreationTimeUtc"],
        EntityType::CloudApplication => &["AppId", "Name", "InstanceName"],
        EntityType::Dns => &["DomainName"],
        EntityType::AzureResource => &["ResourceId"],
        EntityType::FileHash => &["Algorithm", "Value"],
        EntityType::RegistryKey => &["Hive", "Key"],
        EntityType::RegistryValue => &["Name", "Value", "ValueType"],
        EntityType::SecurityGroup => &["DistinguishedName", "SID", "ObjectGuid"],
        EntityType::Url => &["Url"],
        EntityType::IoTDevice => &[
            "IoTHub",
            "DeviceId",
            "DeviceName",
            "IoTSecurityAgentId",
            "DeviceType",
            "Source",
            "SourceRef",
            "Manufacturer",
            "Model",
            "OperatingSystem",
            "IpAddress",
            "MacAddress",
            "Protocols",
            "SerialNumber",
        ],
        EntityType::Mailbox => {
            &["MailboxPrimaryAddress", "DisplayName", "Upn", "ExternalDirectoryObjectId", "RiskLevel"]
        }
        EntityType::MailCluster => &[
            "NetworkMessageIds",
            "CountByDeliveryStatus",
            "CountByThreatType",
            "CountByProtectionStatus",
            "Threats",
            "Query",
            "QueryTime",
            "MailCount",
            "IsVolumeAnomaly",
            "Source",
            "ClusterSourceIdentifier",
            "ClusterSourceType",
            "ClusterQueryStartTime",
            "ClusterQueryEndTime",
            "ClusterGroup",
        ],
        EntityType::MailMessage => &[
            "Recipient",
            "Urls",
            "Threats",
            "Sender",
            "P1Sender",
            "P1SenderDisplayName",
            "P1SenderDomain",
            "SenderIP",
            "P2Sender",
            "P2SenderDisplayName",
            "P2SenderDomain",
            "ReceivedDate",
            "NetworkMessageId",
            "InternetMessageId",
            "Subject",
            "BodyFingerprintBin1",
            "BodyFingerprintBin2",
            "BodyFingerprintBin3",
            "BodyFingerprintBin4",
            "BodyFingerprintBin5",
            "AntispamDirection",
            "DeliveryAction",
            "DeliveryLocation",
            "Language",
            "ThreatDetectionMethods",
        ],
        EntityType::SubmissionMail => &[
            "SubmissionId",
            "SubmissionDate",
            "Submitter",
            "NetworkMessageId",
            "Timestamp",
            "Recipient",
            "Sender",
            "SenderIp",
            "Subject",
            "ReportType",
        ],
    }
}

/// Returns the sets of identifiers of which an entity needs one; empty where that is not established.
const fn required_of(entity: EntityType) -> &'static [&'static [&'static str]] {
    match entity {
        EntityType::Account => &[&["FullName"], &["Sid"], &["Name"], &["AadUserId"], &["PUID"], &["ObjectGuid"]],
        EntityType::Host => &[&["FullName"], &["HostName"], &["NetBiosName"], &["AzureID"], &["OMSAgentID"]],
        EntityType::Ip => &[&["Address"]],
        EntityType::Malware | EntityType::File => &[&["Name"]],
        EntityType::Process => &[&["CommandLine"], &["ProcessId"]],
        EntityType::CloudApplication => &[&["AppId"], &["Name"]],
        EntityType::Dns => &[&["DomainName"]],
        EntityType::AzureResource => &[&["ResourceId"]],
        EntityType::FileHash => &[&["Algorithm", "Value"]],
        EntityType::RegistryKey => &[&["Hive", "Key"]],
        EntityType::RegistryValue => &[&["Name"]],
        EntityType::SecurityGroup => &[&["DistinguishedName"], &["SID"], &["ObjectGuid"]],
        EntityType::Url => &[&["Url"]],
        EntityType::Mailbox => &[&["MailboxPrimaryAddress"]],
        EntityType::IoTDevice | EntityType::MailCluster | EntityType::MailMessage | EntityType::SubmissionMail => &[],
    }
}
