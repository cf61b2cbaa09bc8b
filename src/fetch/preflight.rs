//! What a user must know before a download: who they are, what they see, what is switched on.

use serde_json::Value;

use super::defender;
use super::error::{About, Error, ErrorKind};
use super::logs::Logs;
use super::manager::Manager;
use super::sentinel::Workspace;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// Something is missing or off.
    Missing,
    /// Worth knowing.
    Note,
}

impl Level {
    /// Returns the word that output has.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Good => "ok",
            Level::Missing => "missing",
            Level::Note => "note",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    fn new(level: Level, what: impl Into<String>) -> Finding {
        Finding { level, what: what.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }

    fn of_error(error: Error) -> Finding {
        Finding { level: Level::Missing, what: error.message, help: error.help }
    }
}

/// What is looked at.
pub struct Scope<'a> {
    /// Subscriptions; none: all that the identity sees.
    pub subscriptions: Vec<String>,
    /// Workspaces with Sentinel, by their resource ids.
    pub workspaces: Vec<Workspace>,
    /// A workspace whose query API is tried.
    pub logs: Option<&'a Logs>,
}

/// What reading Defender's alerts takes.
const READ_ALERTS: &str = "Microsoft.Security/alerts/read";

/// How Sentinel calls Defender for Cloud.
const PRODUCT: &str = "Azure Security Center";

/// Looks at everything.
///
/// # Errors
/// Where not even a token is given; what the services refuse later is a finding.
pub async fn look(manager: &Manager, scope: &Scope<'_>) -> Result<Vec<Finding>, Error> {
    let who = manager.who().await?;
    let mut findings = vec![Finding::new(Level::Good, format!("identity: {}, {}", manager.identity(), who.describe()))];
    let seen = match subscriptions(manager).await {
        Ok(seen) => seen,
        Err(error) => {
            findings.push(Finding::of_error(error));
            Vec::new()
        }
    };
    let all = || seen.iter().map(|(id, _)| id.clone()).collect();
    let asked = if scope.subscriptions.is_empty() { all() } else { scope.subscriptions.clone() };
    if asked.is_empty() {
        findings.push(Finding::new(Level::Missing, "the identity sees no subscription").help(format!(
            "az role assignment create --assignee {} --role 'Security Reader' --scope /subscriptions/ID",
            who.assignee()
        )));
    }
    for id in asked {
        let name = seen.iter().find(|(known, _)| *known == id).map(|(_, name)| name.as_str());
        findings.extend(of_subscription(manager, &id, name, &who).await);
    }
    for workspace in &scope.workspaces {
        findings.extend(of_workspace(manager, workspace).await);
    }
    if let Some(logs) = scope.logs {
        findings.push(match logs.rows("print Answer = 1").await {
            Ok(_) => Finding::new(Level::Good, format!("{}: answers queries", logs.about().what)),
            Err(error) => Finding::of_error(error),
        });
    }
    Ok(findings)
}

/// Who a token is for, by what it says itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Who {
    name: Option<String>,
    object: Option<String>,
    tenant: Option<String>,
}

impl Who {
    /// Reads the claims of a token; one that is no JWT says nothing.
    pub(super) fn read(token: &str) -> Who {
        use base64::Engine;
        let payload = token.split('.').nth(1).unwrap_or_default();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let claim = |key: &str| claims.get(key).and_then(Value::as_str).map(str::to_string);
        let name = ["upn", "unique_name", "app_displayname", "appid"].into_iter().find_map(claim);
        Who { name, object: claim("oid"), tenant: claim("tid") }
    }

    fn describe(&self) -> String {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_string());
        format!("{}, object {}, tenant {}", or(&self.name), or(&self.object), or(&self.tenant))
    }

    /// Returns how a command names it.
    fn assignee(&self) -> &str {
        self.object.as_deref().unwrap_or("OBJECT_ID")
    }
}

/// Lists the ids and names of the subscriptions that the identity sees.
async fn subscriptions(manager: &Manager) -> Result<Vec<(String, String)>, Error> {
    let about = About {
        what: "the list of subscriptions".to_string(),
        role: "Reader",
        scope: "/subscriptions/ID".to_string(),
        unknown: "choose the cloud with --cloud",
    };
    let list = manager.list("/subscriptions?api-version=2022-12-01", &about).await?;
    Ok(list.iter().map(|item| (text(item, "subscriptionId"), text(item, "displayName"))).collect())
}

async fn of_subscription(manager: &Manager, id: &str, name: Option<&str>, who: &Who) -> Vec<Finding> {
    let Ok(id) = defender::subscription(id) else {
        return vec![Finding::new(Level::Missing, format!("'{id}' is no id of a subscription"))];
    };
    let called = name.map_or_else(|| format!("subscription {id}"), |name| format!("subscription {id} ({name})"));
    let about = defender::about(&id);
    let grant = format!(
        "az role assignment create --assignee {} --role 'Security Reader' --scope /subscriptions/{id}",
        who.assignee()
    );
    let mut findings = Vec::new();
    let path = format!("/subscriptions/{id}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01");
    match manager.list(&path, &about).await {
        Ok(permissions) if permits(&permissions, READ_ALERTS) => {
            findings.push(Finding::new(Level::Good, format!("{called}: alerts may be read")));
        }
        Ok(_) => findings.push(
            Finding::new(
                Level::Missing,
                format!("{called}: the role Security Reader is missing: alerts may not be read"),
            )
            .help(grant),
        ),
        Err(error) => {
            findings.push(Finding::of_error(error));
            return findings;
        }
    }
    let path = format!("/subscriptions/{id}/providers/Microsoft.Security/pricings?api-version=2024-01-01");
    findings.push(match manager.get(&path, &about).await {
        Ok(pricings) => plans(&called, &id, &pricings),
        Err(error) => Finding::of_error(error),
    });
    findings
}

/// Says which of Defender's plans are on.
fn plans(called: &str, id: &str, pricings: &Value) -> Finding {
    let all = pricings.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_on =
        |plan: &&Value| plan.get("properties").is_some_and(|properties| text(properties, "pricingTier") == "Standard");
    let (on, off): (Vec<&Value>, Vec<&Value>) = all.iter().partition(is_on);
    let names = |plans: &[&Value]| plans.iter().map(|plan| text(plan, "name")).collect::<Vec<_>>().join(", ");
    if on.is_empty() {
        return Finding::new(
            Level::Missing,
            format!("{called}: no plan of Defender for Cloud is on: there will be no alerts"),
        )
        .help(format!("az security pricing create --name VirtualMachines --tier standard --subscription {id}"));
    }
    let off = if off.is_empty() { "none".to_string() } else { names(&off) };
    Finding::new(Level::Good, format!("{called}: plans that are on: {}; off: {off}", names(&on)))
}

async fn of_workspace(manager: &Manager, workspace: &Workspace) -> Vec<Finding> {
    let name = workspace.about().what;
    let (connectors, rules) = match (workspace.connectors(manager).await, workspace.rules(manager).await) {
        (Ok(connectors), Ok(rules)) => (connectors, rules),
        (Err(error), _) | (_, Err(error)) => {
            let error = match error.kind {
                ErrorKind::Unknown => error.help("is Sentinel enabled on this workspace?"),
                _ => error,
            };
            return vec![Finding::of_error(error)];
        }
    };
    let mut findings = vec![connector(&name, &connectors)];
    let joined = has_connector(&connectors, "MicrosoftThreatProtection");
    findings.push(incident_rule(&name, &rules, joined));
    if joined {
        findings.push(Finding::new(
            Level::Note,
            format!(
                "{name}: Defender XDR is connected: it makes, names and merges incidents, and rules that make them of \
                     Microsoft's alerts are disabled"
            ),
        ));
    }
    findings
}

fn has_connector(connectors: &[Value], kind: &str) -> bool {
    connectors.iter().any(|connector| text(connector, "kind") == kind)
}

/// Says whether Defender for Cloud is connected: one subscription after the other, or the whole tenant.
fn connector(name: &str, connectors: &[Value]) -> Finding {
    let of_tenant = has_connector(connectors, "MicrosoftDefenderForCloudTenantBased");
    let single: Vec<String> = connectors
        .iter()
        .filter(|connector| text(connector, "kind") == "AzureSecurityCenter")
        .filter_map(|connector| connector.get("properties").map(|properties| text(properties, "subscriptionId")))
        .collect();
    match (of_tenant, single.is_empty()) {
        (true, true) => Finding::new(Level::Good, format!("{name}: Defender for Cloud is connected, the whole tenant")),
        (false, false) => Finding::new(
            Level::Good,
            format!("{name}: Defender for Cloud is connected, the subscriptions {}", single.join(", ")),
        ),
        (true, false) => Finding::new(
            Level::Note,
            format!("{name}: Defender for Cloud is connected twice, by subscription and by tenant: alerts come twice"),
        )
        .help("disconnect the subscriptions on the page of the legacy connector"),
        (false, true) => Finding::new(Level::Missing, format!("{name}: Defender for Cloud is not connected"))
            .help("connect it in Sentinel under Data connectors"),
    }
}

/// Says whether a rule makes incidents of Defender for Cloud's alerts.
fn incident_rule(name: &str, rules: &[Value], joined: bool) -> Finding {
    let of_product = rules.iter().filter_map(|rule| {
        let properties = rule.get("properties")?;
        let fits =
            text(rule, "kind") == "MicrosoftSecurityIncidentCreation" && text(properties, "productFilter") == PRODUCT;
        fits.then_some(properties)
    });
    let enabled = |properties: &Value| properties.get("enabled").and_then(Value::as_bool) == Some(true);
    let found: Vec<&Value> = of_product.collect();
    let names = || found.iter().map(|properties| text(properties, "displayName")).collect::<Vec<_>>().join(", ");
    match found.iter().any(|properties| enabled(properties)) {
        true => Finding::new(Level::Good, format!("{name}: a rule makes incidents of its alerts: {}", names())),
        false if joined => Finding::new(Level::Note, format!("{name}: no rule makes incidents: Defender XDR does")),
        false if found.is_empty() => {
            Finding::new(Level::Missing, format!("{name}: no rule makes incidents of its alerts")).help(
                "switch on 'Create incidents' on the connector's page, or write a scheduled rule over SecurityAlert",
            )
        }
        false => {
            Finding::new(Level::Missing, format!("{name}: the rule that makes incidents is disabled: {}", names()))
                .help("enable it in Sentinel under Analytics")
        }
    }
}

/// Tells whether roles permit an action: each has actions and what of them it leaves out.
fn permits(permissions: &[Value], action: &str) -> bool {
    let any = |role: &Value, key: &str| {
        let mut patterns = role.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        patterns.any(|pattern| fits(pattern, action))
    };
    permissions.iter().any(|role| any(role, "actions") && !any(role, "notActions"))
}

/// Holds an action against a pattern with `*`, in any case.
fn fits(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let others: Vec<&str> = parts.collect();
    let Some((last, middle)) = others.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn roles_permit_what_their_patterns_say() {
        let role = |actions: &[&str], not: &[&str]| json!({"actions": actions, "notActions": not});
        for (actions, not, expected) in [
            (&["*/read"][..], &[][..], true),
            (&["Microsoft.Security/*/read"], &[], true),
            (&["*"], &["Microsoft.Security/alerts/*"], false),
            (&["Microsoft.Insights/*"], &[], false),
            (&["Microsoft.Security/alerts/read"], &[], true),
            (&["Microsoft.Security/alerts/read/x"], &[], false),
        ] {
            assert_eq!(permits(&[role(actions, not)], READ_ALERTS), expected, "{actions:?}");
        }
    }

    #[test]
    fn tokens_say_who_they_are_for() {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let token = format!("h.{}.s", encode(r#"{"upn":"a@b.example","oid":"o","tid":"t"}"#));
        assert_eq!(Who::read(&token).describe(), "a@b.example, object o, tenant t");
        assert_eq!(Who::read("opaque"), Who::default());
    }

    #[test]
    fn plans_and_rules_are_told() {
        let pricings = json!({"value": [{"name": "VirtualMachines", "properties": {"pricingTier": "Standard"}},
            {"name": "Dns", "properties": {"pricingTier": "Free"}}]});
        assert_eq!(plans("s", "i", &pricings).what, "s: plans that are on: VirtualMachines; off: Dns");
        assert_eq!(plans("s", "i", &json!({})).level, Level::Missing);
        let rule = |enabled: bool| {
            json!({"kind": "MicrosoftSecurityIncidentCreation",
            "properties": {"displayName": "R", "enabled": enabled, "productFilter": PRODUCT}})
        };
        assert_eq!(incident_rule("w", &[rule(true)], false).level, Level::Good);
        assert_eq!(incident_rule("w", &[rule(false)], false).what, "w: the rule that makes incidents is disabled: R");
        assert_eq!(incident_rule("w", &[rule(false)], true).level, Level::Note);
        assert_eq!(incident_rule("w", &[], false).level, Level::Missing);
    }
}
