//! The workspace that rules run in.

/// What rows say of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The workspace's GUID: `TenantId`.
    pub id: String,
    /// The name of its resource in Azure, with a `/` at its beginning; empty where nobody told.
    pub resource: String,
    /// It is onboarded to the Defender portal: Defender XDR makes the incidents of connected products, rules for that
    /// are off, and no rule opens closed incidents again (documented).
    pub in_defender_portal: bool,
    /// Defender XDR's incidents come into Sentinel, and it makes those of connected products: rules for that are off here
    /// too, in the Azure portal (documented).
    pub xdr_incidents: bool,
}

impl Default for Workspace {
    /// A workspace without a name.
    fn default() -> Workspace {
        Workspace {
            id: uuid::Uuid::nil().to_string(),
            resource: String::new(),
            in_defender_portal: false,
            xdr_incidents: false,
        }
    }
}

impl Workspace {
    /// Tells whether Defender XDR makes the incidents of connected products.
    pub fn leaves_incidents_to_xdr(&self) -> bool {
        self.in_defender_portal || self.xdr_incidents
    }

    /// Returns a part of the resource's name, which says `/name/value` in pairs.
    fn part(&self, name: &str) -> &str {
        let mut parts = self.resource.split('/').skip_while(|part| !part.eq_ignore_ascii_case(name));
        parts.nth(1).unwrap_or_default()
    }

    /// Returns the subscription's GUID.
    pub fn subscription(&self) -> &str {
        self.part("subscriptions")
    }

    /// Returns the name of the resource group.
    pub fn resource_group(&self) -> &str {
        self.part("resourceGroups")
    }

    /// Returns the workspace's own name.
    pub fn name(&self) -> &str {
        self.part("workspaces")
    }

    /// Returns the address of an incident in the portal (observed); empty where the resource is not known.
    pub fn incident_url(&self, incident: &str) -> String {
        if self.resource.is_empty() {
            return String::new();
        }
        format!(
            "https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{}/providers/\
             Microsoft.SecurityInsights/Incidents/{incident}",
            self.resource
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_name() {
        let resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";
        let workspace = Workspace { resource: resource.into(), ..Workspace::default() };
        assert_eq!((workspace.subscription(), workspace.resource_group(), workspace.name()), ("s", "g", "w"));
        assert!(workspace.incident_url("i").ends_with("workspaces/w/providers/Microsoft.SecurityInsights/Incidents/i"));
        assert_eq!(Workspace::default().incident_url("i"), "");
    }
}
