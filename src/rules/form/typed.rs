//! A rule of keys and values, from the keys as ARM names them.
//!
//! What is wrong has been told before: here a wrong value is none.

use crate::diagnostic::Span;
use crate::rules::Embedded;
use crate::rules::document::{Entry, Located, Node, Value};
use crate::rules::model::{
    AlertDetail, AlertDetailsOverride, AlertProperty, Anomaly, Body, DataConnector, Detection, Duration,
    DynamicProperty, EntityMapping, EntityType, EventGrouping, FieldMapping, Form, Fusion, Grouping,
    IncidentConfiguration, IncidentCreation, Kind, Managed, MatchingMethod, NearRealTime, Rule, Schedule, Scheduled,
    Severity, Suppression, TriggerOperator,
};

/// What a form of file tells of a rule apart from its keys.
pub(super) struct Head {
    pub(super) form: Form,
    pub(super) kind: Kind,
    pub(super) id: Option<Located<String>>,
    pub(super) start: Span,
    pub(super) envelope: Vec<Entry>,
    pub(super) faulty: bool,
}

/// Makes a rule of its keys.
pub(super) fn rule(head: Head, document: Node, file: &str) -> Rule {
    Rule {
        form: head.form,
        start: head.start,
        id: head.id,
        name: text(&document, "displayName"),
        description: text(&document, "description"),
        template: text(&document, "alertRuleTemplateName"),
        version: text(&document, "templateVersion"),
        enabled: bool(&document, "enabled"),
        body: body(head.kind, &document, file),
        document,
        envelope: head.envelope,
        faulty: head.faulty,
    }
}

fn body(kind: Kind, node: &Node, file: &str) -> Body {
    match kind {
        Kind::Scheduled => Body::Scheduled(Scheduled { schedule: schedule(node), detection: detection(node, file) }),
        Kind::NearRealTime => Body::NearRealTime(NearRealTime { detection: detection(node, file) }),
        Kind::Hunting => Body::Hunting(detection(node, file)),
        Kind::IncidentCreation => Body::IncidentCreation(IncidentCreation {
            product: text(node, "productFilter"),
            severities: words(node, "severitiesFilter", Severity::read),
            names: texts(node, "displayNamesFilter"),
            excluded_names: texts(node, "displayNamesExcludeFilter"),
        }),
        Kind::Fusion => Body::Fusion(Fusion {
            sources: node.get("sourceSettings").cloned(),
            exclusions: node.get("scenarioExclusionPatterns").cloned(),
        }),
        Kind::BehaviorAnalytics => Body::BehaviorAnalytics(managed(node)),
        Kind::ThreatIntelligence => Body::ThreatIntelligence(managed(node)),
        Kind::Anomaly => Body::Anomaly(Anomaly {
            status: text(node, "settingsStatus"),
            observations: node.get("customizableObservations").cloned(),
        }),
    }
}

fn managed(node: &Node) -> Managed {
    Managed { severity: word(node, "severity", Severity::read) }
}

fn schedule(node: &Node) -> Schedule {
    Schedule {
        frequency: duration(node, "queryFrequency"),
        period: duration(node, "queryPeriod"),
        trigger_operator: word(node, "triggerOperator", TriggerOperator::read),
        trigger_threshold: typed(node.get("triggerThreshold"), |text| text.parse().ok()),
        start: text(node, "startTimeUtc"),
    }
}

fn detection(node: &Node, file: &str) -> Detection {
    Detection {
        query: query(node, file),
        severity: word(node, "severity", Severity::read),
        tactics: texts(node, "tactics"),
        techniques: texts(node, "techniques"),
        sub_techniques: texts(node, "subTechniques"),
        entity_mappings: items(node, "entityMappings").iter().map(entity).collect(),
        sentinel_entities: items(node, "sentinelEntitiesMappings")
            .iter()
            .filter_map(|item| text(item, "columnName"))
            .collect(),
        custom_details: details(node),
        overrides: node.get("alertDetailsOverride").map(overrides).unwrap_or_default(),
        event_grouping: node
            .get("eventGroupingSettings")
            .and_then(|group| word(group, "aggregationKind", EventGrouping::read)),
        incident: node.get("incidentConfiguration").map(incident).unwrap_or_default(),
        suppression: Suppression {
            enabled: bool(node, "suppressionEnabled"),
            duration: duration(node, "suppressionDuration"),
        },
        connectors: items(node, "requiredDataConnectors")
            .iter()
            .map(|item| DataConnector { connector: text(item, "connectorId"), data_types: texts(item, "dataTypes") })
            .collect(),
        status: text(node, "status"),
        tags: node.get("tags").cloned(),
        metadata: node.get("metadata").cloned(),
    }
}

fn query(node: &Node, file: &str) -> Option<Embedded> {
    let query = node.get("query")?;
    match &query.value {
        Value::Text(text) => Some(Embedded::new(text.clone(), file, query.span)),
        _ => None,
    }
}

fn entity(node: &Node) -> EntityMapping {
    let fields = items(node, "fieldMappings");
    let field = |node: &Node| FieldMapping { identifier: text(node, "identifier"), column: text(node, "columnName") };
    EntityMapping {
        span: node.span,
        entity: word(node, "entityType", EntityType::read),
        fields: fields.iter().map(field).collect(),
    }
}

fn details(node: &Node) -> Vec<(Located<String>, Located<String>)> {
    let entries = node.get("customDetails").map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.located()?))).collect()
}

fn overrides(node: &Node) -> AlertDetailsOverride {
    let property = |node: &Node| DynamicProperty {
        property: word(node, "alertProperty", AlertProperty::read),
        column: text(node, "value"),
    };
    AlertDetailsOverride {
        name_format: text(node, "alertDisplayNameFormat"),
        description_format: text(node, "alertDescriptionFormat"),
        tactics_column: text(node, "alertTacticsColumnName"),
        severity_column: text(node, "alertSeverityColumnName"),
        dynamic_properties: items(node, "alertDynamicProperties").iter().map(property).collect(),
    }
}

fn incident(node: &Node) -> IncidentConfiguration {
    IncidentConfiguration {
        create: bool(node, "createIncident"),
        grouping: node.get("groupingConfiguration").map(|group| Grouping {
            span: group.span,
            enabled: bool(group, "enabled"),
            reopen_closed: bool(group, "reopenClosedIncident"),
            lookback: duration(group, "lookbackDuration"),
            matching: word(group, "matchingMethod", MatchingMethod::read),
            by_entities: words(group, "groupByEntities", EntityType::read),
            by_alert_details: words(group, "groupByAlertDetails", AlertDetail::read),
            by_custom_details: texts(group, "groupByCustomDetails"),
        }),
    }
}

fn text(node: &Node, key: &str) -> Option<Located<String>> {
    node.get(key)?.located()
}

fn texts(node: &Node, key: &str) -> Vec<Located<String>> {
    items(node, key).iter().filter_map(Node::located).collect()
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::items).unwrap_or_default()
}

fn bool(node: &Node, key: &str) -> Option<Located<bool>> {
    typed(node.get(key), |text| text.parse().ok())
}

fn duration(node: &Node, key: &str) -> Option<Located<Duration>> {
    typed(node.get(key), Duration::read)
}

fn word<T>(node: &Node, key: &str, read: fn(&str) -> Option<T>) -> Option<Located<T>> {
    typed(node.get(key), read)
}

fn words<T>(node: &Node, key: &str, read: fn(&str) -> Option<T>) -> Vec<Located<T>> {
    items(node, key).iter().filter_map(|item| typed(Some(item), read)).collect()
}

fn typed<T>(node: Option<&Node>, read: impl Fn(&str) -> Option<T>) -> Option<Located<T>> {
    let node = node?;
    Some(Located { value: read(node.as_text()?)?, span: node.span })
}
