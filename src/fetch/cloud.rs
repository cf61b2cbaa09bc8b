//! The clouds, and where their services are.

/// The addresses of a cloud's services, and the scopes that their tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    /// Where tokens come from.
    pub authority: String,
    /// The query API of Log Analytics.
    pub logs: String,
    /// The scope of its tokens; in the public cloud it is not the host's name.
    pub logs_scope: String,
    /// Azure Resource Manager.
    pub manager: String,
    /// The scope of its tokens.
    pub manager_scope: String,
}

impl Cloud {
    /// The names that users choose a cloud by, as the Azure CLI has them.
    pub const NAMES: [&str; 3] = ["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"];

    /// Finds a cloud by its name.
    pub fn from_name(name: &str) -> Option<Cloud> {
        let of = |authority: &str, logs: &str, logs_scope: &str, manager: &str| Cloud {
            authority: format!("https://{authority}"),
            logs: format!("https://{logs}"),
            logs_scope: format!("https://{logs_scope}/.default"),
            manager: format!("https://{manager}"),
            manager_scope: format!("https://{manager}/.default"),
        };
        Some(match name {
            "AzureCloud" => of(
                "login.microsoftonline.com",
                "api.loganalytics.azure.com",
                "api.loganalytics.io",
                "management.azure.com",
            ),
            "AzureUSGovernment" => of(
                "login.microsoftonline.us",
                "api.loganalytics.us",
                "api.loganalytics.us",
                "management.usgovcloudapi.net",
            ),
            "AzureChinaCloud" => of(
                "login.chinacloudapi.cn",
                "api.loganalytics.azure.cn",
                "api.loganalytics.azure.cn",
                "management.chinacloudapi.cn",
            ),
            _ => return None,
        })
    }
}

impl Default for Cloud {
    fn default() -> Self {
        Cloud::from_name(Cloud::NAMES[0]).unwrap_or_else(|| unreachable!("the public cloud has a name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_cloud() {
        assert!(Cloud::NAMES.into_iter().all(|name| Cloud::from_name(name).is_some()));
        assert_eq!(Cloud::default().logs_scope, "https://api.loganalytics.io/.default");
    }
}
