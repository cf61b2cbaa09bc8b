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

/// The known types. Those up to `submissionmail` have the fields of Microsoft's reference of Sentinel's entity types, of
/// all its editions; it says nothing of the others, which are as records of Defender for Cloud have them (observed).
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
            "DisplayName",
            "ObjectGuid",
            "CloudAppAccountId",
            "IsAnonymized",
            "Stream",
        ],
    },
    EntityType {
        name: "host",
        fields: &[
            "IpInterfaces",
            "DnsDomain",
            "NTDomain",
            "HostName",
            "NetBiosName",
            "IoTDevice",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
        ],
    },
    EntityType { name: "ip", fields: &["Address", "AddressScope", "Location", "Stream"] },
    EntityType { name: "malware", fields: &["Name", "Category", "Files", "Processes"] },
    EntityType {
        name: "file",
        fields: &[
            "Directory",
            "Name",
            "AlternateDataStreamName",
            "Host",
            "HostUrl",
            "WindowsSecurityZoneType",
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
    EntityType {
        name: "cloud-application",
        fields: &["AppId", "SaasId", "Name", "InstanceName", "InstanceId", "Risk", "Stream"],
    },
    EntityType { name: "dns", fields: &["DomainName", "IpAddress", "DnsServerIp", "HostIpAddress"] },
    EntityType {
        name: "azure-resource",
        fields: &["ResourceId", "SubscriptionId", "ActiveContacts", "ResourceType", "ResourceName"],
    },
    EntityType { name: "filehash", fields: &["Algorithm", "Value"] },
    EntityType { name: "registry-key", fields: &["Hive", "Key"] },
    EntityType { name: "registry-value", fields: &["Host", "Key", "Name", "Value", "ValueType"] },
    EntityType { name: "security-group", fields: &["DistinguishedName", "SID", "ObjectGuid"] },
    EntityType { name: "url", fields: &["Url"] },
    EntityType {
        name: "iotdevice",
        fields: &[
            "IoTHub",
            "DeviceId",
            "DeviceName",
            "Owners",
            "IoTSecurityAgentId",
            "DeviceType",
            "DeviceTypeId",
            "DeviceSubType",
            "Source",
            "SourceRef",
            "Manufacturer",
            "Model",
            "OperatingSystem",
            "IpAddress",
            "MacAddress",
            "Nics",
            "Protocols",
            "SerialNumber",
            "Site",
            "Zone",
            "Sensor",
            "Importance",
            "PurdueLayer",
            "IsProgramming",
            "IsAuthorized",
            "IsScanner",
            "DevicePageLink",
        ],
    },
    EntityType {
        name: "mailbox",
        fields: &["MailboxPrimaryAddress", "DisplayName", "Upn", "AadId", "RiskLevel", "ExternalDirectoryObjectId"],
    },
    EntityType {
        name: "mail-cluster",
        fields: &[
            "NetworkMessageIds",
            "CountByDeliveryStatus",
            "CountByThreatType",
            "CountByProtectionStatus",
            "CountByDeliveryLocation",
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
    },
    EntityType {
        name: "mail-message",
        fields: &[
            "Files",
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
            "CampaignId",
            "SuspiciousRecipients",
            "ForwardedRecipients",
            "ForwardingType",
        ],
    },
    EntityType {
        name: "submissionmail",
        fields: &[
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
    },
    // Not in the reference.
    EntityType { name: "host-logon-session", fields: &["SessionId", "Host", "Account", "StartTimeUtc", "EndTimeUtc"] },
    EntityType {
        name: "alerts",
        fields: &[
            "DisplayName",
            "CompromisedEntity",
            "Count",
            "Severity",
            "SystemAlertIds",
            "AlertType",
            "VendorName",
            "ProviderName",
            "StartTimeUtc",
            "EndTimeUtc",
            "Location",
        ],
    },
    EntityType {
        name: "network-connection",
        fields: &["SourceAddress", "DestinationPort", "Protocol", "FriendlyName"],
    },
    EntityType { name: "k8s-cluster", fields: &["CloudResource"] },
    EntityType { name: "k8s-namespace", fields: &["Name", "Cluster"] },
    EntityType { name: "k8s-pod", fields: &["Name", "Namespace"] },
    EntityType { name: "container", fields: &["Name", "Image", "Pod"] },
    EntityType { name: "container-image", fields: &["ImageId"] },
    EntityType { name: "blob-container", fields: &["Name"] },
    EntityType { name: "blob", fields: &["Name", "BlobContainer", "Url"] },
    EntityType { name: "amazon-resource", fields: &["AmazonResourceId"] },
    EntityType { name: "gcp-resource", fields: &[] },
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
