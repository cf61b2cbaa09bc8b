//! What the sample's products detect.

/// What an alert is about, and so which entities it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A process that an account ran on a machine.
    Process,
    /// A log-on from an address.
    Logon,
    /// A storage account, a database or another Azure resource.
    Resource,
    /// A message in a mailbox.
    Mail,
    /// A file that was found.
    File,
    /// Something in a Kubernetes cluster.
    Cluster,
}

/// A detection: everything about its alerts that does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detection {
    /// AlertType; empty for analytics rules, whose type is made of two ids.
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) severity: &'static str,
    pub(super) tactics: &'static str,
    pub(super) techniques: &'static [&'static str],
    pub(super) sub_techniques: &'static [&'static str],
    pub(super) about: About,
    /// ProductComponentName.
    pub(super) component: &'static str,
    pub(super) description: &'static str,
}

/// A product and what it detects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    /// How many of a hundred alerts are the product's.
    pub(super) share: u32,
    pub(super) detections: &'static [Detection],
}

const fn detection(
    kind: &'static str,
    name: &'static str,
    severity: &'static str,
    attack: (&'static str, &'static [&'static str], &'static [&'static str]),
    about: About,
    component: &'static str,
    description: &'static str,
) -> Detection {
    let (tactics, techniques, sub_techniques) = attack;
    Detection { kind, name, severity, tactics, techniques, sub_techniques, about, component, description }
}

pub(super) const SCHEDULED: &str = "ASI Scheduled Alerts";
pub(super) const NRT: &str = "ASI NRT Alerts";
pub(super) const DEFENDER_FOR_CLOUD: &str = "Azure Security Center";
pub(super) const SENTINEL: &str = "Azure Sentinel";

pub(super) const PRODUCTS: &[Product] = &[
    Product {
        name: DEFENDER_FOR_CLOUD,
        provider: "Azure Security Center",
        share: 31,
        detections: &[
            detection(
                "VM_DigitalCurrencyMining",
                "Process that mines digital currency",
                "High",
                ("Execution", &["T1496"], &[]),
                About::Process,
                "VirtualMachines",
                "A process on the machine behaves as miners of digital currency do.",
            ),
            detection(
                "VM_SuspiciousPowerShell",
                "PowerShell with an encoded command",
                "Medium",
                ("Execution,DefenseEvasion", &["T1059", "T1027"], &["T1059.001"]),
                About::Process,
                "VirtualMachines",
                "PowerShell was started with a command line that hides what it does.",
            ),
            detection(
                "VM_EICAR",
                "Antimalware test file was found",
                "Informational",
                ("Unknown", &[], &[]),
                About::File,
                "VirtualMachines",
                "A file that tests antimalware software was written to disk.",
            ),
            detection(
                "VM_LoginBruteForceSuccess",
                "Log-on succeeded after many failures",
                "High",
                ("CredentialAccess,InitialAccess", &["T1110"], &["T1110.001"]),
                About::Logon,
                "VirtualMachines",
                "Many log-ons from one address failed before one of them succeeded.",
            ),
            detection(
                "VM_SuspectProcessTermination",
                "Security software was stopped",
                "Low",
                ("DefenseEvasion", &["T1562"], &["T1562.001"]),
                About::Process,
                "VirtualMachines",
                "A process ended software that watches over the machine.",
            ),
            detection(
                "K8S_PrivilegedContainer",
                "Privileged container was started",
                "Low",
                ("PrivilegeEscalation", &["T1611"], &[]),
                About::Cluster,
                "Containers",
                "A container was started with access to its node.",
            ),
            detection(
                "K8S.NODE_SuspiciousDownload",
                "Download and start of a file within a container",
                "Medium",
                ("Execution", &["T1105"], &[]),
                About::Cluster,
                "Containers",
                "A process in a container downloaded a file and ran it.",
            ),
            detection(
                "Storage.Blob_AnonymousAccessAnomaly",
                "Unusual anonymous access to a storage container",
                "Medium",
                ("Collection", &["T1530"], &[]),
                About::Resource,
                "StorageAccounts",
                "A container was read without authentication, which did not happen before.",
            ),
            detection(
                "SQL.VM_BruteForce",
                "Attempted log-on to a database by guessing",
                "Medium",
                ("PreAttack", &["T1110"], &[]),
                About::Logon,
                "Databases",
                "Someone tries names and passwords of a database from one address.",
            ),
            detection(
                "KV_UserAnomaly",
                "Unusual user read secrets from a key vault",
                "Low",
                ("CredentialAccess", &["T1555"], &[]),
                About::Resource,
                "KeyVaults",
                "A user who never did so before read secrets from the vault.",
            ),
            detection(
                "ARM_AnomalousServiceOperation.CredentialAccess",
                "Unusual operation that can reveal credentials",
                "Medium",
                ("CredentialAccess", &["T1552"], &[]),
                About::Resource,
                "Arm",
                "An operation that can reveal credentials was called in an unusual way.",
            ),
            detection(
                "AzureDNS_DomainGenerationAlgorithm",
                "Names that look made by an algorithm were resolved",
                "Low",
                ("CommandAndControl", &["T1568"], &["T1568.002"]),
                About::Resource,
                "Dns",
                "The resource asked for many names of a kind that malware makes.",
            ),
        ],
    },
    Product {
        name: SENTINEL,
        provider: SCHEDULED,
        share: 26,
        detections: &[
            detection(
                "",
                "Sign-ins from two countries within an hour",
                "Medium",
                ("InitialAccess", &["T1078"], &["T1078.004"]),
                About::Logon,
                "Scheduled Alerts",
                "One account signed in from places too far apart.",
            ),
            detection(
                "",
                "Many failed sign-ins to one account",
                "Low",
                ("CredentialAccess", &["T1110"], &[]),
                About::Logon,
                "Scheduled Alerts",
                "Sign-ins to one account failed more often than usual.",
            ),
            detection(
                "",
                "New inbox rule that hides mail",
                "Medium",
                ("Persistence,DefenseEvasion", &["T1098", "T1564"], &["T1564.008"]),
                About::Mail,
                "Scheduled Alerts",
                "A rule was made that moves or deletes incoming mail.",
            ),
            detection(
                "",
                "Rare process on a domain controller",
                "High",
                ("Execution,LateralMovement", &["T1059"], &[]),
                About::Process,
                "Scheduled Alerts",
                "A process that no domain controller ran before was started.",
            ),
            detection(
                "",
                "Mass deletion of Azure resources",
                "High",
                ("Impact", &["T1485"], &[]),
                About::Resource,
                "Scheduled Alerts",
                "One caller deleted many resources within a short time.",
            ),
            detection(
                "",
                "Traffic to an address on a watchlist",
                "Informational",
                ("Unknown", &[], &[]),
                About::Logon,
                "Scheduled Alerts",
                "A device talked to an address that the watchlist has.",
            ),
        ],
    },
    Product {
        name: SENTINEL,
        provider: NRT,
        share: 4,
        detections: &[
            detection(
                "",
                "Role of a global administrator was assigned",
                "High",
                ("PrivilegeEscalation", &["T1078"], &["T1078.004"]),
                About::Logon,
                "NRT Alerts",
                "An account became global administrator.",
            ),
            detection(
                "",
                "Audit log was switched off",
                "High",
                ("DefenseEvasion", &["T1562"], &["T1562.008"]),
                About::Resource,
                "NRT Alerts",
                "The log of changes to the subscription was switched off.",
            ),
        ],
    },
    Product {
        name: "Microsoft Defender Advanced Threat Protection",
        provider: "MDATP",
        share: 15,
        detections: &[
            detection(
                "WindowsDefenderAtp",
                "Suspicious sequence of exploration activities",
                "Low",
                ("Discovery", &["T1087", "T1082"], &["T1087.002"]),
                About::Process,
                "",
                "Commands that explore a machine ran one after the other.",
            ),
            detection(
                "WindowsDefenderAv",
                "'Harborlight' malware was prevented",
                "Informational",
                ("Unknown", &[], &[]),
                About::File,
                "",
                "A file was recognised as malware and put into quarantine.",
            ),
            detection(
                "WindowsDefenderAtp",
                "Process memory dump of the local security authority",
                "High",
                ("CredentialAccess", &["T1003"], &["T1003.001"]),
                About::Process,
                "",
                "A process read the memory in which credentials are kept.",
            ),
            detection(
                "CustomDetection",
                "Script started by an office program",
                "Medium",
                ("InitialAccess,Execution", &["T1566", "T1059"], &["T1566.001"]),
                About::Process,
                "",
                "A document led to a script being run.",
            ),
        ],
    },
    Product {
        name: "Azure Active Directory Identity Protection",
        provider: "IPC",
        share: 10,
        detections: &[
            detection(
                "UnfamiliarLocation",
                "Unfamiliar sign-in properties",
                "Medium",
                ("InitialAccess", &["T1078"], &[]),
                About::Logon,
                "",
                "The sign-in has properties that this user did not show before.",
            ),
            detection(
                "AnonymousLogin",
                "Anonymous IP address",
                "Medium",
                ("InitialAccess", &["T1090"], &[]),
                About::Logon,
                "",
                "The sign-in came through an anonymising service.",
            ),
            detection(
                "LeakedCredentials",
                "Leaked credentials",
                "High",
                ("CredentialAccess", &["T1589"], &["T1589.001"]),
                About::Logon,
                "",
                "The user's name and password were found among leaked ones.",
            ),
        ],
    },
    Product {
        name: "Microsoft Cloud App Security",
        provider: "MCAS",
        share: 6,
        detections: &[
            detection(
                "MCAS_ALERT_ANUBIS_DETECTION_VELOCITY",
                "Impossible travel activity",
                "Medium",
                ("InitialAccess", &["T1078"], &[]),
                About::Logon,
                "",
                "One user was active in two distant places within a short time.",
            ),
            detection(
                "MCAS_ALERT_CABINET_EVENT_MATCH_AUDIT",
                "Mass download by a single user",
                "High",
                ("Exfiltration", &["T1567"], &["T1567.002"]),
                About::File,
                "",
                "A user downloaded more files than anybody does.",
            ),
        ],
    },
    Product {
        name: "Office 365 Advanced Threat Protection",
        provider: "OATP",
        share: 4,
        detections: &[
            detection(
                "8e6ba277-ef39-404e-aaf1-294f6d9a2b88",
                "Email messages with a malicious URL removed after delivery",
                "Informational",
                ("InitialAccess", &["T1566"], &["T1566.002"]),
                About::Mail,
                "",
                "Messages were taken out of mailboxes because of a link in them.",
            ),
            detection(
                "b26a5770-0c38-434a-9380-3a3c2c27bbb3",
                "Email reported by user as malware or phish",
                "Low",
                ("InitialAccess", &["T1566"], &[]),
                About::Mail,
                "",
                "A user reported a message.",
            ),
        ],
    },
    Product {
        name: "Azure Advanced Threat Protection",
        provider: "Azure Advanced Threat Protection",
        share: 2,
        detections: &[detection(
            "AccountEnumerationSecurityAlert",
            "Account enumeration reconnaissance",
            "Medium",
            ("Discovery", &["T1087"], &["T1087.002"]),
            About::Logon,
            "",
            "Someone tried many names to learn which accounts exist.",
        )],
    },
    Product {
        name: "Azure Security Center for IoT",
        provider: "IoTSecurity",
        share: 2,
        detections: &[detection(
            "IoT_BruteForceSuccessful",
            "Log-on to a device succeeded after many failures",
            "High",
            ("CredentialAccess", &["T1110"], &[]),
            About::Logon,
            "",
            "A device accepted a password after many wrong ones.",
        )],
    },
];
