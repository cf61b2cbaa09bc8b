//! The entities of SecurityAlert.Entities: their types, and the fields that Microsoft documents for each.
//!
//! Products add fields of their own all the time, and write names in either letter case; what is not listed here is
//! none the worse for it.

/// A type of entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityType {
    /// The value of `Type`, in lower case.
    pub name: &'static str,
    /// The documented fields.
    pub fields: &'static [&'static str],
}

/// Fields that any entity may have besides its own.
pub const COMMON: &[&str] = &["$id", "Type"];

/// The known types; the last ones are those of machines and clouds that Defender for Cloud writes.
pub const ENTITY_TYPES: &[EntityType] = &[
    EntityType {
        name: "account",
        fields: &[
            "Name",
            "NTDomain",
            "DnsDomain",
            "UPNSuffix",
            "Host",
            "Sid",
            "AadTenantId",
            "AadUserId",
            "PUID",
            "IsDomainJoined",
            "ObjectGuid",
            "CloudAppAccountId",
            "IsAnonymized",
        ],
    },
    EntityType {
        name: "host",
        fields: &[
            "DnsDomain",
            "NTDomain",
            "HostName",
            "NetBiosName",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
            "IpInterfaces",
            "IoTDevice",
        ],
    },
    EntityType { name: "ip", fields: &["Address", "AddressScope", "Location"] },
    EntityType { name: "malware", fields: &["Name", "Category", "Files", "Processes"] },
    EntityType {
        name: "file",
        fields: &[
            "Directory",
            "Name",
            "AlternateDataStreamName",
            "Host",
            "HostUrl",
            "ReferrerUrl",
            "SizeInBytes",
            "FileHashes",
        ],
    },
    EntityType {
        name: "process",
        fields: &[
            "ProcessId",
            "CommandLine",
            "ElevationToken",
            "CreationTimeUtc",
            "ImageFile",
            "Account",
            "ParentProcess",
            "Host",
            "LogonSession",
        ],
    },
    EntityType { name: "cloud-application", fields: &["AppId", "SaasId", "Name", "InstanceName"] },
    EntityType { name: "dns", fields: &["DomainName", "IpAddress", "DnsServerIp", "HostIpAddress"] },
    EntityType { name: "azure-resource", fields: &["ResourceId", "SubscriptionId", "ResourceType", "ResourceName"] },
    EntityType { name: "filehash", fields: &["Algorithm", "Value"] },
    EntityType { name: "registry-key", fields: &["Hive", "Key"] },
    EntityType { name: "registry-value", fields: &["Host", "Key", "Name", "Value", "ValueType"] },
    EntityType { name: "security-group", fields: &["DistinguishedName", "SID", "ObjectGuid"] },
    EntityType { name: "url", fields: &["Url"] },
    EntityType { name: "iotdevice", fields: &["Host", "IoTHub", "DeviceId", "DeviceName", "IpAddress", "MacAddress"] },
    EntityType {
        name: "mailbox",
        fields: &["MailboxPrimaryAddress", "DisplayName", "Upn", "AadId", "RiskLevel", "ExternalDirectoryObjectId"],
    },
    EntityType { name: "mail-cluster", fields: &["NetworkMessageIds", "Query", "QueryTime", "MailCount", "Source"] },
    EntityType {
        name: "mail-message",
        fields: &["Recipient", "Sender", "Subject", "NetworkMessageId", "InternetMessageId", "Urls", "Files"],
    },
    EntityType {
        name: "submissionmail",
        fields: &["SubmissionId", "SubmissionDate", "Submitter", "NetworkMessageId", "Recipient", "Sender", "Subject"],
    },
    EntityType { name: "host-logon-session", fields: &["SessionId", "Host", "Account"] },
    EntityType { name: "k8s-cluster", fields: &["CloudResource"] },
    EntityType { name: "k8s-namespace", fields: &["Name", "Cluster"] },
    EntityType { name: "k8s-pod", fields: &["Name", "Namespace"] },
    EntityType { name: "amazon-resource", fields: &["AmazonResourceId"] },
    EntityType { name: "gcp-resource", fields: &[] },
    EntityType { name: "container", fields: &["Name", "Image", "Pod"] },
    EntityType { name: "container-image", fields: &["ImageId"] },
];

impl EntityType {
    /// Finds a type by its name in any letter case.
    ///
    /// ```
    /// use alertq::catalog::entities::EntityType;
    /// assert!(EntityType::find("Host").is_some_and(|host| host.documents("hostName")));
    /// assert!(EntityType::find("toaster").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static EntityType> {
        ENTITY_TYPES.iter().find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Tells whether a field is documented, in any letter case.
    pub fn documents(&self, field: &str) -> bool {
        self.fields.iter().chain(COMMON).any(|known| known.eq_ignore_ascii_case(field))
    }
}
