//! Lists of Resource Manager's: every record once, whatever the server does.

use std::sync::atomic::Ordering;

use alertq::fetch::{ErrorKind, Workspace, defender};
use alertq::serve::Limits;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::faults::{ALL, Fault, Script};
use super::log_analytics::run;
use super::server::{Fixed, Server};
use super::table::Alerts;

const RESOURCE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";

/// Records of a list, and how many of them a page has.
const RECORDS: usize = 43;
const PAGE: usize = 5;

/// Makes the pages of a list: each but the first begins with the last record of the page before it, as it happens
/// where a record comes in between. The first that fits is taken, so that the page without a number is the last.
fn pages(path: &'static str, of: impl Fn(usize) -> Value) -> Fixed {
    let count = RECORDS.div_ceil(PAGE);
    let page = |number: usize| {
        let records = (number * PAGE).saturating_sub(1)..RECORDS.min((number + 1) * PAGE);
        let next = format!("{{address}}{path}?page={:03}", number + 1);
        let next = if number + 1 < count { Value::from(next) } else { Value::Null };
        json!({"value": records.map(&of).collect::<Vec<_>>(), "nextLink": next})
    };
    let numbered = (1..count).map(|number| (&*format!("{path}?page={number:03}").leak(), 200, page(number)));
    numbered.chain([(path, 200, page(0))]).collect()
}

fn alert(number: usize) -> Value {
    json!({"id": format!("/alerts/{number}"), "name": number.to_string(), "properties": {
        "alertDisplayName": format!("Alert {number}"), "timeGeneratedUtc": format!("2026-06-01T00:{number:02}:00Z")}})
}

async fn server(fixed: Fixed, script: Script) -> Server {
    Server::with(Alerts::new(1), Limits::default(), script, fixed, None).await
}

/// Returns the names of records, in their order.
fn names(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| record["name"].as_str().unwrap().to_string()).collect()
}

#[test]
fn lists_come_whole_whatever_happens() {
    let path = "/subscriptions/s/providers/Microsoft.Security/alerts";
    let rules = "/providers/Microsoft.SecurityInsights/alertRules";
    let incidents = "/providers/Microsoft.SecurityInsights/incidents";
    let named = |number: usize| {
        json!({"id": format!("/x/{number}"), "name": number.to_string(), "properties": {
        "createdTimeUtc": format!("2026-06-01T00:{number:02}:00Z")}})
    };
    let expected: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    for seed in 1..=5 {
        let folder = TempDir::new().unwrap();
        run(async {
            let alerts = json!({"value": [{"name": "a", "properties": {"systemAlertId": "sys"}}]});
            let of_incident = ("/alerts?api-version", 200, alerts);
            let fixed = [pages(path, alert), pages(rules, named), vec![of_incident], pages(incidents, named)].concat();
            let server = server(fixed, Script::new(seed, &ALL, 0.03)).await;
            let manager = server.manager(folder.path(), seed, 100);
            let found = defender::alerts(&manager, "s").await.unwrap().read().unwrap();
            assert_eq!(names(&found), expected, "seed {seed}");
            let workspace = Workspace::new(RESOURCE).unwrap();
            assert_eq!(names(&workspace.rules(&manager).await.unwrap()), expected, "seed {seed}");
            let found = workspace.incidents(&manager, true).await.unwrap().read().unwrap();
            assert_eq!(names(&found), expected, "seed {seed}");
            assert!(found.iter().all(|incident| incident["Alerts"] == json!([{"ID": "sys"}])), "seed {seed}");
        });
        // Bodies of answers are gone.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "seed {seed}");
    }
}

#[test]
fn watchlists_come_whole_whatever_happens() {
    let item = |number: usize| {
        json!({"id": format!("/i/{number}"), "name": number.to_string(), "properties": {
        "watchlistItemId": format!("{number:02}"), "itemsKeyValue": {"Host": format!("h{number}")}}})
    };
    let list = |name: &str| json!({"id": name, "name": name, "properties": {"watchlistAlias": name, "itemsSearchKey": "Host"}});
    for seed in 1..=5 {
        let folder = TempDir::new().unwrap();
        run(async {
            let lists = ("/watchlists?", 200, json!({"value": [list("One"), list("Two")]}));
            let fixed = [pages("/watchlistItems", item), vec![lists]].concat();
            let server = server(fixed, Script::new(seed, &ALL, 0.03)).await;
            let manager = server.manager(folder.path(), seed, 100);
            let mut lists = Workspace::new(RESOURCE).unwrap().watchlists(&manager).await.unwrap();
            assert_eq!(
                lists.iter().map(|list| (list.alias.as_str(), list.len())).collect::<Vec<_>>(),
                [("One", RECORDS), ("Two", RECORDS)]
            );
            for list in &mut lists {
                let mut at = 0;
                list.each_row(&mut |row| {
                    assert_eq!(row[3], format!("h{at}"));
                    at += 1;
                    Ok(())
                })
                .unwrap();
            }
        });
    }
}

/// What a list ends with where this always happens.
async fn always(fault: Fault) -> (ErrorKind, String, usize) {
    let folder = TempDir::new().unwrap();
    let path = "/subscriptions/s/providers/Microsoft.Security/alerts";
    let server = server(pages(path, alert), Script::new(1, &[fault], 1.0)).await;
    let manager = server.manager(folder.path(), 1, 5);
    let error = defender::alerts(&manager, "s").await.unwrap_err();
    (error.kind, error.to_string(), server.state.requests.load(Ordering::SeqCst))
}

#[test]
fn what_never_gets_better_is_told_and_not_tried_for_ever() {
    for (fault, kind, part, most) in [
        (Fault::Throttled(Some("3")), ErrorKind::Throttled, "takes no more requests for now", 5),
        (Fault::Status(503), ErrorKind::Service, "status 503", 5),
        (Fault::Cut, ErrorKind::Service, "connection to the subscription s was lost", 5),
        (Fault::Garbage, ErrorKind::Service, "an answer that cannot be read", 5),
        (Fault::Empty, ErrorKind::Service, "gave an empty answer", 5),
        (Fault::NoContent, ErrorKind::Service, "gave nothing where something must be", 5),
        (Fault::WrongType, ErrorKind::Service, "text/html in place of JSON", 5),
        (Fault::Partial, ErrorKind::Service, "an answer that is not whole", 5),
        (Fault::Expired, ErrorKind::Token, "sign in again (az login)", 4),
    ] {
        let (found, message, requests) = run(always(fault));
        assert_eq!(found, kind, "{fault:?}: {message}");
        assert!(message.contains(part), "{fault:?}: {message}");
        assert!(requests <= most, "{fault:?}: {requests} requests");
    }
}

#[test]
fn a_list_without_records_is_an_answer_and_one_without_a_list_is_none() {
    let folder = TempDir::new().unwrap();
    run(async {
        let path = "/subscriptions/s/providers/Microsoft.Security/alerts";
        let empty = server(vec![(path, 200, json!({"value": []}))], Script::none()).await;
        assert!(defender::alerts(&empty.manager(folder.path(), 1, 3), "s").await.unwrap().is_empty());
        let other = server(vec![(path, 200, json!({"values": []}))], Script::none()).await;
        let error = defender::alerts(&other.manager(folder.path(), 1, 3), "s").await.unwrap_err();
        assert!(error.message.contains("gave no list"), "{error}");
    });
}
