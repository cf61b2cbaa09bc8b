//! Plugins that are known and not computed, each with the reason.

use super::timeline::{DIMENSION, END, ID, START, TIMELINE, period_columns};
use super::{AMOUNT, Argument, BOOL, Columns, Invocation, PLAIN, Parameter, Plugin, Run, STRING, Takes};
use crate::functions::Kind;
use crate::types::{Column, ScalarType};

const SERVICE: &str = "it asks another service, and nothing here does";
const MODEL: &str = "it asks a model in the cloud, and nothing here does";
const LANGUAGE: &str = "it runs code of another language";
const STORAGE: &str = "it reads files in the cloud, and nothing here does";
const SAMPLED: &str = "Kusto finds its patterns in a random sample of the rows: there is no one answer";
const UNSURE: &str = "its rules are documented by examples alone, which leave open what it gives";
const INTERNAL: &str = "what it does is not documented";

const NONE: &[&[Parameter]] = &[&[]];
const STATE: Parameter = Parameter::new("StateColumn", PLAIN);
const ANY: Parameter = Parameter::new("argument", Takes::Anything);

/// Nothing is known of what comes out.
const UNKNOWN: Columns =
    Columns::Open { known: |_| Ok(Vec::new()), reads: "", discover: |call, _| Ok(call.columns.clone()) };

fn with_patterns(call: &Invocation, own: &[(&str, ScalarType)]) -> Vec<Column> {
    let own = own.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type));
    own.chain(call.input[..call.own].iter().cloned()).collect()
}

const PATTERNS: Columns = Columns::Closed(|call| {
    use ScalarType::{Long, Real};
    Ok(with_patterns(call, &[("SegmentId", Long), ("Count", Long), ("Percent", Real)]))
});

const RESPONSE: Columns = Columns::Closed(|_| {
    Ok(["ResponseHeaders", "ResponseBody"].map(|name| Column::new(name, ScalarType::Dynamic)).to_vec())
});

const fn refused(
    name: &'static str,
    summary: &'static str,
    signatures: &'static [&'static [Parameter]],
    columns: Columns,
    why: &'static str,
    page: &'static str,
) -> Plugin {
    Plugin {
        name,
        summary,
        signatures,
        columns,
        run: Run::Refused(why),
        examples: &[],
        page,
        unlisted: false,
        ordered: false,
    }
}

const TEXT: Takes = Takes::Expression(STRING);
const SHARE: Takes = Takes::Expression(Kind::Is(ScalarType::Real));
const NUMBER: Takes = Takes::Expression(Kind::Integer);
const WEIGHT: Parameter = Parameter::new("WeightColumn", Takes::Column(Kind::Any)).or_tilde();
const WILDCARD: Parameter =
    Parameter { max: 32767, ..Parameter::new("CustomWildcard", Takes::Expression(Kind::Any)).or_tilde() };

const REQUEST: &[&[Parameter]] =
    &[&[Parameter::new("ConnectionString", TEXT), Parameter::new("Query", TEXT), ANY.optional(), ANY.optional()]];
const SCRIPT: &[&[Parameter]] = &[&[ANY, Parameter::new("Script", TEXT), ANY.optional(), ANY.optional()]];

pub(super) static PLUGINS: &[&Plugin] = &[
    &refused(
        "ai_chat_completion",
        "Asks a language model with messages.",
        REQUEST,
        UNKNOWN,
        MODEL,
        "ai-chat-completion-plugin",
    ),
    &refused(
        "ai_chat_completion_prompt",
        "Asks a language model with a text.",
        REQUEST,
        UNKNOWN,
        MODEL,
        "ai-chat-completion-prompt-plugin",
    ),
    &refused("ai_embed_text", "Embeds text.", REQUEST, UNKNOWN, MODEL, "ai-embed-text-plugin"),
    &refused("ai_embeddings", "Embeds text.", REQUEST, UNKNOWN, MODEL, "ai-embeddings-plugin"),
    &refused(
        "azure_digital_twins_query_request",
        "Queries Azure Digital Twins.",
        &[&[ANY, ANY]],
        UNKNOWN,
        SERVICE,
        "azure-digital-twins-query-request-plugin",
    ),
    &refused("cosmosdb_sql_request", "Queries a Cosmos DB.", REQUEST, UNKNOWN, SERVICE, "cosmosdb-plugin"),
    &refused("mysql_request", "Queries a MySQL server.", REQUEST, UNKNOWN, SERVICE, "mysql-request-plugin"),
    &refused(
        "postgresql_request",
        "Queries a PostgreSQL server.",
        REQUEST,
        UNKNOWN,
        SERVICE,
        "postgresql-request-plugin",
    ),
    &refused("sql_request", "Queries an SQL server.", REQUEST, UNKNOWN, SERVICE, "sql-request-plugin"),
    &refused("dax_request", "Queries a Power BI model.", REQUEST, UNKNOWN, SERVICE, "evaluate-operator"),
    &refused("execute_query", "Queries another cluster.", &[&[ANY, ANY]], UNKNOWN, SERVICE, "evaluate-operator"),
    &refused(
        "execute_show_command",
        "Runs a command on another cluster.",
        &[&[ANY, ANY]],
        UNKNOWN,
        SERVICE,
        "evaluate-operator",
    ),
    &refused(
        "http_request",
        "Sends an HTTP GET request.",
        &[&[Parameter::new("Uri", TEXT), ANY.optional(), ANY.optional()]],
        RESPONSE,
        SERVICE,
        "http-request-plugin",
    ),
    &refused(
        "http_request_post",
        "Sends an HTTP POST request.",
        &[&[Parameter::new("Uri", TEXT), ANY.optional(), ANY.optional(), ANY.optional()]],
        RESPONSE,
        SERVICE,
        "http-request-post-plugin",
    ),
    &refused("python", "Runs Python code over the rows.", SCRIPT, UNKNOWN, LANGUAGE, "python-plugin"),
    &refused("r", "Runs R code over the rows.", SCRIPT, UNKNOWN, LANGUAGE, "r-plugin"),
    &refused("csharp", "Runs C# code over the rows.", SCRIPT, UNKNOWN, LANGUAGE, "evaluate-operator"),
    &refused(
        "infer_storage_schema",
        "Finds the columns of files in cloud storage.",
        &[&[ANY]],
        Columns::Closed(|_| Ok(vec![Column::new("CslSchema", ScalarType::String)])),
        STORAGE,
        "infer-storage-schema-plugin",
    ),
    &refused(
        "infer_storage_schema_with_suggestions",
        "Finds the columns of files in cloud storage, and types that may suit better.",
        &[&[ANY]],
        Columns::Closed(|_| Ok(vec![Column::new("SuggestedTableSchema", ScalarType::String)])),
        STORAGE,
        "infer-storage-schema-with-suggestions-plugin",
    ),
    &refused(
        "autocluster",
        "Finds patterns that many rows share.",
        &[&[
            Parameter::new("SizeWeight", SHARE).or_tilde(),
            WEIGHT,
            Parameter::new("NumSeeds", NUMBER).or_tilde(),
            WILDCARD,
        ]],
        PATTERNS,
        SAMPLED,
        "autocluster-plugin",
    ),
    &refused(
        "basket",
        "Finds patterns that many rows share, by a threshold.",
        &[&[
            Parameter::new("Threshold", SHARE).or_tilde(),
            WEIGHT,
            Parameter::new("MaxDimensions", NUMBER).or_tilde(),
            WILDCARD,
        ]],
        PATTERNS,
        SAMPLED,
        "basket-plugin",
    ),
    &refused(
        "diffpatterns",
        "Finds patterns that tell two sets of rows apart.",
        &[&[
            Parameter::new("SplitColumn", Takes::Column(Kind::Any)),
            Parameter::new("SplitValueA", TEXT),
            Parameter::new("SplitValueB", TEXT),
            WEIGHT,
            Parameter::new("Threshold", SHARE).or_tilde(),
            Parameter::new("MaxDimensions", NUMBER).or_tilde(),
            WILDCARD,
        ]],
        Columns::Closed(|call| {
            use ScalarType::{Long, Real};
            let own = [
                ("SegmentId", Long),
                ("CountA", Long),
                ("CountB", Long),
                ("PercentA", Real),
                ("PercentB", Real),
                ("PercentDiffAB", Real),
            ];
            Ok(with_patterns(call, &own))
        }),
        SAMPLED,
        "diffpatterns-plugin",
    ),
    &Plugin {
        unlisted: true,
        ..refused(
            "diffpatterns_text",
            "Finds patterns of words that tell two sets of texts apart.",
            &[&[ANY, ANY, ANY.repeated(0)]],
            UNKNOWN,
            SAMPLED,
            "diffpatterns-text-plugin",
        )
    },
    &refused(
        "activity_engagement",
        "Gives the part of the ids of a long period that come in a short one.",
        &[
            &[
                ID,
                TIMELINE,
                Parameter::new("InnerActivityWindow", AMOUNT),
                Parameter::new("OuterActivityWindow", AMOUNT),
            ],
            &[
                ID,
                TIMELINE,
                START,
                END,
                Parameter::new("InnerActivityWindow", AMOUNT),
                Parameter::new("OuterActivityWindow", AMOUNT),
                DIMENSION,
            ],
        ],
        Columns::Closed(|call| {
            use ScalarType::{Long, Real};
            let numbers =
                [("dcount_activities_inner", Long), ("dcount_activities_outer", Long), ("activity_ratio", Real)];
            Ok(period_columns(call, "TimelineColumn", &numbers))
        }),
        UNSURE,
        "activity-engagement-plugin",
    ),
    &refused(
        "session_count",
        "Counts sessions in each period.",
        &[&[
            ID,
            TIMELINE,
            START,
            END,
            Parameter::new("Bin", AMOUNT),
            Parameter::new("LookBackWindow", AMOUNT),
            DIMENSION,
        ]],
        Columns::Closed(|call| Ok(period_columns(call, "TimelineColumn", &[("count_sessions", ScalarType::Long)]))),
        UNSURE,
        "session-count-plugin",
    ),
    &refused(
        "sequence_detect",
        "Finds rows where conditions hold one after the other.",
        &[&[
            TIMELINE,
            Parameter::new("MaxSequenceStepWindow", AMOUNT),
            Parameter::new("MaxSequenceSpan", AMOUNT),
            Parameter::new("Expr", Takes::Expression(BOOL)).repeated(1),
            DIMENSION,
        ]],
        Columns::Closed(|call| {
            let mut columns: Vec<Column> =
                call.places("Dimension").iter().map(|place| call.input[*place].clone()).collect();
            if let Some(timeline) = call.column("TimelineColumn") {
                let steps = call.arguments.iter().filter(|argument| argument.parameter == "Expr");
                let moment =
                    |step: &Argument| Column::new(format!("{}_{}", step.name, timeline.name), timeline.scalar_type);
                columns.extend(steps.map(moment));
            }
            columns.push(Column::new("Duration", ScalarType::TimeSpan));
            Ok(columns)
        }),
        UNSURE,
        "sequence-detect-plugin",
    ),
    &refused(
        "funnel_sequence",
        "Counts what comes before and after a sequence of states.",
        &[&[
            ID,
            TIMELINE,
            START,
            END,
            Parameter::new("MaxWindowSizeBetweenSteps", AMOUNT),
            Parameter::new("Step", AMOUNT),
            STATE,
            Parameter::new("Sequence", Takes::Constant(Kind::Dynamic)),
        ]],
        Columns::Closed(|call| {
            let mut columns: Vec<Column> = call.column("TimelineColumn").cloned().into_iter().collect();
            let state = call.column("StateColumn").map_or(ScalarType::String, |column| column.scalar_type);
            columns
                .extend([("prev", state), ("next", state)].map(|(name, scalar_type)| Column::new(name, scalar_type)));
            columns.push(Column::new("dcount", ScalarType::Long));
            columns.push(Column::new("samples", ScalarType::Dynamic));
            Ok(columns)
        }),
        UNSURE,
        "funnel-sequence-plugin",
    ),
    &refused(
        "funnel_sequence_completion",
        "Counts the ids that go through a sequence of states in time.",
        &[&[
            ID,
            TIMELINE,
            START,
            END,
            Parameter::new("BinSize", AMOUNT),
            STATE,
            Parameter::new("Sequence", Takes::Constant(Kind::Dynamic)),
            Parameter::new("MaxSequencePeriods", Takes::Constant(Kind::Dynamic)),
        ]],
        Columns::Closed(|call| {
            let mut columns: Vec<Column> = call.column("TimelineColumn").cloned().into_iter().collect();
            let state = call.column("StateColumn").map_or("", |column| column.name.as_str());
            columns.push(Column::new(state, ScalarType::String));
            columns.push(Column::new("Period", ScalarType::TimeSpan));
            columns.push(Column::new("dcount", ScalarType::Long));
            Ok(columns)
        }),
        UNSURE,
        "funnel-sequence-completion-plugin",
    ),
    &refused(
        "preview",
        "Gives the first rows, and the number of all.",
        &[&[Parameter::new("NumberOfRows", Takes::Constant(Kind::Integer))]],
        Columns::Closed(|call| Ok(call.input.clone())),
        "it gives two results",
        "preview-plugin",
    ),
    &refused(
        "estimate_rows_count",
        "Estimates the number of rows.",
        NONE,
        Columns::Closed(|_| Ok(vec![Column::new("EstimatedRowsCount", ScalarType::Long)])),
        INTERNAL,
        "evaluate-operator",
    ),
    &refused("external_datatable", "Reads a table.", NONE, UNKNOWN, INTERNAL, "evaluate-operator"),
    &refused(
        "identity",
        "Gives the rows.",
        NONE,
        Columns::Closed(|call| Ok(call.input.clone())),
        INTERNAL,
        "evaluate-operator",
    ),
    &refused("identity_v3", "Gives the rows.", &[&[ANY, ANY]], UNKNOWN, INTERNAL, "evaluate-operator"),
];
