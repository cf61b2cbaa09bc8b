use super::{Check, Subject};
use crate::diagnostic::{Diagnostic, nearest};
use crate::rules::model::Body;

pub(super) const CHECK: Check = Check {
    code: "AQ540",
    name: "incident-creation",
    why: "A rule that makes incidents of another product's alerts goes by the product's name of old, in full.",
    bad: "kind: MicrosoftSecurityIncidentCreation\nproductFilter: Microsoft Defender for Cloud",
    good: "kind: MicrosoftSecurityIncidentCreation\nproductFilter: Azure Security Center",
    find,
};

/// Products as `ProductName` of their alerts has them, and what they are called today.
const PRODUCTS: [(&str, &str); 7] = [
    ("Azure Security Center", "Microsoft Defender for Cloud"),
    ("Azure Security Center for IoT", "Microsoft Defender for IoT"),
    ("Azure Advanced Threat Protection", "Microsoft Defender for Identity"),
    ("Azure Active Directory Identity Protection", "Microsoft Entra ID Protection"),
    ("Microsoft Cloud App Security", "Microsoft Defender for Cloud Apps"),
    ("Microsoft Defender Advanced Threat Protection", "Microsoft Defender for Endpoint"),
    ("Office 365 Advanced Threat Protection", "Microsoft Defender for Office 365"),
];

fn find(subject: &Subject) -> Vec<Diagnostic> {
    let Body::IncidentCreation(creation) = &subject.rule.body else { return Vec::new() };
    let mut problems = Vec::new();
    if let Some(product) = creation.product.as_ref().filter(|p| !PRODUCTS.iter().any(|(name, _)| *name == p.value)) {
        let message = format!("'{}' is no product whose alerts this kind of rule takes", product.value);
        let problem = Diagnostic::error(CHECK.code, product.span, message);
        let today = PRODUCTS.iter().find(|(_, today)| today.eq_ignore_ascii_case(&product.value));
        let near = today.map(|(name, _)| *name).or(nearest(&product.value, PRODUCTS.map(|(name, _)| name)));
        problems.push(match near {
            Some(near) => problem.help(format!("its alerts say '{near}'")),
            None => problem.help(format!("the products are: {}", PRODUCTS.map(|(name, _)| name).join(", "))),
        });
    }
    for name in &creation.names {
        // An alert with the one has the other too.
        let excluded =
            creation.excluded_names.iter().find(|out| name.value.to_lowercase().contains(&out.value.to_lowercase()));
        if let Some(out) = excluded {
            let message =
                format!("no alert makes an incident by '{}': displayNamesExcludeFilter takes it out", name.value);
            let problem = Diagnostic::warning(CHECK.code, name.span, message).label(out.span, "taken out by this");
            problems.push(problem.help("take it from one of the two lists"));
        }
    }
    problems
}
