//! How the alerts of each product differ: what stands in the columns that tell where an alert comes from.

/// A source of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// What people call it.
    pub name: &'static str,
    /// `ProductName`.
    pub product_name: &'static str,
    /// `ProviderName`.
    pub provider_name: &'static str,
    /// What `ProductComponentName` holds.
    pub component: &'static str,
    /// What `AlertType` holds.
    pub alert_type: &'static str,
    /// What `VendorOriginalId` holds.
    pub original_id: &'static str,
    /// How far this is known.
    pub known: &'static str,
}

/// `ProductName` of the alerts that analytics rules make.
pub const SENTINEL_PRODUCT: &str = "Azure Sentinel";

/// The sources whose alerts have been looked at.
pub const PRODUCTS: &[Product] = &[
    Product {
        name: "Scheduled rule",
        product_name: SENTINEL_PRODUCT,
        provider_name: "ASI Scheduled Alerts",
        component: "Scheduled Alerts",
        alert_type: "the workspace's GUID, `_`, the rule's GUID",
        original_id: "a GUID",
        known: "observed",
    },
    Product {
        name: "Near-real-time rule",
        product_name: SENTINEL_PRODUCT,
        provider_name: "ASI NRT Alerts",
        component: "not known",
        alert_type: "as for scheduled rules (inferred)",
        original_id: "a GUID (inferred)",
        known: "provider observed",
    },
    Product {
        name: "Microsoft Defender for Cloud",
        product_name: "Azure Security Center",
        provider_name: "Azure Security Center",
        component: "the plan, such as VirtualMachines",
        alert_type: "the detection, such as VM_EICAR",
        original_id: "ticks, `_`, a GUID; sometimes a GUID alone",
        known: "observed, for both connectors; its own export writes the product's present name",
    },
    Product {
        name: "Microsoft Defender for Endpoint",
        product_name: "Microsoft Defender Advanced Threat Protection",
        provider_name: "MDATP",
        component: "empty",
        alert_type: "WindowsDefenderAtp",
        original_id: "a GUID and `_1`",
        known: "observed",
    },
];
