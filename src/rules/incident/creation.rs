//! Rules that make an incident of each alert of a product: the seven that Sentinel has templates for, and the user's.

use crate::rules::alert::rule_id;
use crate::rules::assume::Assumptions;
use crate::rules::model::{Body, Located, Rule};
use crate::rules::row::Alert;

/// A rule of the kind MicrosoftSecurityIncidentCreation, ready to judge alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreationRule {
    /// The rule's GUID: what RelatedAnalyticRuleIds of its incidents hold.
    pub id: String,
    pub name: String,
    pub enabled: bool,
    /// What ProductName of its alerts is.
    pub product: String,
    /// The severities that it takes; empty means any.
    pub severities: Vec<String>,
    /// Texts of which the alert's name must contain one; empty means any name.
    pub include: Vec<String>,
    /// Texts of which the alert's name must contain none.
    pub exclude: Vec<String>,
}

/// Why a rule makes no incident of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    Disabled,
    Product,
    Severity,
    /// None of the texts is in the name.
    NotIncluded,
    /// This text is in the name.
    Excluded(String),
    /// The alert was closed before it came.
    Closed,
}

/// A product whose connector can switch a rule on.
struct Template {
    product: &'static str,
    id: &'static str,
    severities: &'static [&'static str],
    /// As today's brands have it.
    brand: &'static str,
}

/// Defender for Cloud's ProductName, which kept its old brand.
pub const DEFENDER_FOR_CLOUD: &str = "Azure Security Center";

/// The templates of the service (observed in exports of workspaces).
const TEMPLATES: &[Template] = &[
    Template {
        product: DEFENDER_FOR_CLOUD,
        id: "90586451-7ba8-4c1e-9904-7d1b7c3cc4d6",
        severities: &["Low", "Medium", "High"],
        brand: "Microsoft Defender for Cloud",
    },
    Template {
        product: "Azure Active Directory Identity Protection",
        id: "532c1811-79ee-4d9f-8d4d-6304c840daa1",
        severities: &[],
        brand: "Azure Active Directory Identity Protection",
    },
    Template {
        product: "Azure Security Center for IoT",
        id: "a2e0eb51-1f11-461a-999b-cd0ebe5c7a72",
        severities: &[],
        brand: "Microsoft Defender for IoT",
    },
    Template {
        product: "Microsoft Cloud App Security",
        id: "b3cfc7c0-092c-481c-a55b-34a3979758cb",
        severities: &[],
        brand: "Microsoft Defender for Cloud Apps",
    },
    Template {
        product: "Microsoft Defender Advanced Threat Protection",
        id: "327cd4ed-ca42-454b-887c-54e1c91363c6",
        severities: &[],
        brand: "Microsoft Defender for Endpoint",
    },
    Template {
        product: "Azure Advanced Threat Protection",
        id: "40ba9493-4183-4eee-974f-87fe39c8f267",
        severities: &[],
        brand: "Microsoft Defender for Identity",
    },
    Template {
        product: "Office 365 Advanced Threat Protection",
        id: "ee1d718b-9ed9-4a71-90cd-a483a4f008df",
        severities: &[],
        brand: "Microsoft Defender for Office 365",
    },
];

/// Returns the rule that the connector of a product switches on, with the id of its template; the product by its
/// ProductName or by its brand. None where there is no such template.
///
/// ```
/// use alertq::rules::{Assumptions, incident::default_rule};
/// let rule = default_rule("Microsoft Defender for Cloud", &Assumptions::default()).unwrap();
/// assert_eq!(rule.name, "Create incidents based on Microsoft Defender for Cloud");
/// assert_eq!((rule.product.as_str(), rule.severities.len()), ("Azure Security Center", 3));
/// ```
pub fn default_rule(product: &str, assumptions: &Assumptions) -> Option<CreationRule> {
    let named =
        |template: &&Template| [template.product, template.brand].iter().any(|n| n.eq_ignore_ascii_case(product));
    let template = TEMPLATES.iter().find(named)?;
    let severities = if assumptions.all_severities { &[] } else { template.severities };
    // The template for Defender for Cloud is the one whose name does not end with the word.
    let end = if template.product == DEFENDER_FOR_CLOUD { "" } else { " alerts" };
    Some(CreationRule {
        id: template.id.to_string(),
        name: format!("Create incidents based on {}{end}", template.brand),
        enabled: true,
        product: template.product.to_string(),
        severities: severities.iter().map(ToString::to_string).collect(),
        ..CreationRule::default()
    })
}

/// Returns the ProductName of every product whose connector can switch a rule on.
pub fn default_products() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.product)
}

impl CreationRule {
    /// Takes a rule of the user's; None where it is of another kind.
    pub fn of(rule: &Rule) -> Option<CreationRule> {
        let Body::IncidentCreation(body) = &rule.body else { return None };
        let texts = |texts: &[Located<String>]| texts.iter().map(|text| text.value.clone()).collect();
        Some(CreationRule {
            id: rule_id(rule),
            name: rule.title().to_string(),
            enabled: rule.is_enabled(),
            product: body.product.as_ref().map(|product| product.value.clone()).unwrap_or_default(),
            severities: body.severities.iter().map(|severity| severity.value.word().to_string()).collect(),
            include: texts(&body.names),
            exclude: texts(&body.excluded_names),
        })
    }

    /// Tells whether the rule makes an incident of an alert, and if not, why.
    pub fn judge(&self, alert: &Alert, assumptions: &Assumptions) -> Result<(), Pass> {
        let fold = |text: &str| if assumptions.names_are_exact { text.to_string() } else { text.to_lowercase() };
        let name = fold(&alert.name);
        let found = |texts: &'_ [String]| texts.iter().find(|text| name.contains(&fold(text))).cloned();
        if !self.enabled {
            Err(Pass::Disabled)
        } else if alert.product != self.product {
            Err(Pass::Product)
        } else if !self.severities.is_empty() && !self.severities.contains(&alert.severity) {
            Err(Pass::Severity)
        } else if let Some(text) = found(&self.exclude) {
            Err(Pass::Excluded(text))
        } else if !self.include.is_empty() && found(&self.include).is_none() {
            Err(Pass::NotIncluded)
        } else if assumptions.closed_alerts_are_skipped && matches!(alert.status.as_str(), "Resolved" | "Dismissed") {
            Err(Pass::Closed)
        } else {
            Ok(())
        }
    }

    /// Says why the rule passed an alert by.
    pub fn reason(&self, pass: &Pass, alert: &Alert) -> String {
        let what = match pass {
            Pass::Disabled => "is disabled".to_string(),
            Pass::Product => format!("is about {}, not '{}'", self.product, alert.product),
            Pass::Severity => format!("takes {}, and the alert is {}", self.severities.join(", "), alert.severity),
            Pass::NotIncluded => format!("takes names with {}", quoted(&self.include)),
            Pass::Excluded(text) => format!("leaves out names with '{text}'"),
            Pass::Closed => format!("leaves out what is {} when it comes", alert.status),
        };
        format!("'{}' {what}", self.name)
    }
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, severity: &str) -> Alert {
        Alert { name: name.into(), severity: severity.into(), product: DEFENDER_FOR_CLOUD.into(), ..Alert::default() }
    }

    fn rule() -> CreationRule {
        default_rule(DEFENDER_FOR_CLOUD, &Assumptions::default()).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_rule_leaves_informational_out() {
        let assumptions = Assumptions::default();
        for severity in ["Low", "Medium", "High"] {
            assert_eq!(rule().judge(&alert("a", severity), &assumptions), Ok(()));
        }
        assert_eq!(rule().judge(&alert("a", "Informational"), &assumptions), Err(Pass::Severity));
        let all = Assumptions { all_severities: true, ..assumptions };
        let rule = default_rule(DEFENDER_FOR_CLOUD, &all).unwrap();
        assert_eq!(rule.judge(&alert("a", "Informational"), &all), Ok(()));
    }

    #[test]
    fn each_product_has_a_rule_of_its_own() {
        let rules: Vec<_> =
            default_products().map(|product| default_rule(product, &Assumptions::default()).unwrap()).collect();
        assert_eq!(rules.len(), 7);
        let other = Alert { product: "Azure Sentinel".into(), ..alert("a", "High") };
        assert!(rules.iter().all(|rule| rule.judge(&other, &Assumptions::default()) == Err(Pass::Product)));
        assert!(default_rule("Contoso", &Assumptions::default()).is_none());
    }

    #[test]
    fn name_filters_look_for_parts_and_exclusion_wins() {
        let rule = CreationRule { include: texts(&["brute", "sql"]), exclude: texts(&["sample"]), ..rule() };
        let judge = |name: &str| rule.judge(&alert(name, "High"), &Assumptions::default());
        assert_eq!(judge("Brute force on a machine"), Ok(()));
        assert_eq!(judge("Odd SQL login"), Ok(()));
        assert_eq!(judge("Malware"), Err(Pass::NotIncluded));
        assert_eq!(judge("[SAMPLE] brute force"), Err(Pass::Excluded("sample".into())));
        let exact = Assumptions { names_are_exact: true, ..Assumptions::default() };
        assert_eq!(rule.judge(&alert("Odd SQL login", "High"), &exact), Err(Pass::NotIncluded));
    }

    #[test]
    fn disabled_rules_and_closed_alerts() {
        let off = CreationRule { enabled: false, ..rule() };
        assert_eq!(off.judge(&alert("a", "High"), &Assumptions::default()), Err(Pass::Disabled));
        let closed = Alert { status: "Resolved".into(), ..alert("a", "High") };
        assert_eq!(rule().judge(&closed, &Assumptions::default()), Ok(()));
        let skip = Assumptions { closed_alerts_are_skipped: true, ..Assumptions::default() };
        assert_eq!(rule().judge(&closed, &skip), Err(Pass::Closed));
    }
}
