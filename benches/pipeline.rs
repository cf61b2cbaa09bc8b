//! What each stage of a query costs on the built-in sample: parse, bind, query, convert.
//!
//! `cargo bench`, or `cargo bench -- parse` for one group. Figures of two machines, or of two days, do not compare.

use std::hint::black_box;

use alertq::bind::{self, bind};
use alertq::catalog::Catalog;
use alertq::engine::{self, Session, TableData};
use alertq::format::{Format, Limits};
use alertq::plan::Plan;
use alertq::plan::rewrite::rewrite;
use alertq::source::sample::{self, Options};
use alertq::syntax::parse;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Rows of the table that queries run over.
const ROWS: u64 = 20_000;

/// Names and texts, from the plainest to what triage dashboards hold.
const QUERIES: [(&str, &str); 4] = [
    ("count", "SecurityAlert | count"),
    (
        "filter",
        "SecurityAlert | where AlertSeverity == 'High' and CompromisedEntity startswith 'ws-' | project AlertName",
    ),
    (
        "latest",
        "SecurityAlert | summarize arg_max(TimeGenerated, Status) by SystemAlertId | summarize count() by Status",
    ),
    (
        "entities",
        "SecurityAlert | mv-expand Entity = parse_json(Entities) | where tostring(Entity.Type) == 'host' \
         | extend Host = tolower(tostring(Entity.HostName)) \
         | summarize Alerts = count(), Names = make_set(AlertName, 16) by Host | top 10 by Alerts desc",
    ),
];

fn plan(text: &str, catalog: &Catalog) -> Plan {
    let bound = bind(&parse(text).query, catalog, &bind::Options::default());
    rewrite(bound.plan.expect("the query is sound"))
}

fn session() -> Session {
    let options = Options { rows: ROWS, ..Options::default() };
    let (columns, _) = sample::table("SecurityAlert").expect("the sample has this table");
    Session::new().table("SecurityAlert", columns, TableData::Batches(sample::alerts(options).collect()))
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, text) in QUERIES {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| parse(black_box(text))));
    }
}

fn binding(criterion: &mut Criterion) {
    let catalog = Catalog::standard();
    let mut group = criterion.benchmark_group("bind");
    for (name, text) in QUERIES {
        let query = parse(text).query;
        let options = bind::Options::default();
        group.bench_function(name, |bencher| bencher.iter(|| bind(black_box(&query), &catalog, &options)));
    }
}

fn querying(criterion: &mut Criterion) {
    let (catalog, session) = (Catalog::standard(), session());
    let mut group = criterion.benchmark_group("query");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    for (name, text) in QUERIES {
        let plan = plan(text, &catalog);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let outputs = engine::run(black_box(&plan), &session).expect("the plan runs");
                outputs.into_iter().flatten().map(|batch| batch.expect("rows").num_rows()).sum::<usize>()
            });
        });
    }
}

fn converting(criterion: &mut Criterion) {
    let (columns, _) = sample::table("SecurityAlert").expect("the sample has this table");
    let batches: Vec<_> = sample::alerts(Options { rows: ROWS, ..Options::default() }).collect();
    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for format in [Format::JsonLines, Format::Csv, Format::Parquet] {
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| {
                let mut writer = format.writer(Box::new(std::io::sink()), Limits::default());
                writer.begin("SecurityAlert", &columns).expect("a sink takes all");
                for batch in &batches {
                    writer.write(batch).expect("a sink takes all");
                }
                writer.finish().expect("a sink takes all");
            });
        });
    }
}

criterion_group!(benches, parsing, binding, querying, converting);
criterion_main!(benches);
