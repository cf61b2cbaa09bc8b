//! Where addresses are, from a database that the user gives.

use super::*;

const QUERY: &str = "datatable(Ip: string)['192.0.2.7', '198.51.100.1', '2001:db8::1', '10.0.0.1'] | project \
                     geo_info_from_ip_address(Ip)";

fn database() -> String {
    format!("{}/fixtures/places/made-up.mmdb", env!("CARGO_MANIFEST_DIR"))
}

fn known() -> Value {
    json!([
        [r#"{"country":"Nordland","state":"Küste","city":"Kiesel","latitude":10.5,"longitude":-20.25}"#],
        [r#"{"country":"Südland","latitude":-3.0,"longitude":44.125}"#],
        [r#"{"country":"Nordland"}"#],
        [null]
    ])
}

#[test]
fn a_flag_names_the_database() {
    let folder = TempDir::new().unwrap();
    let run = run_in(folder.path(), &["query", QUERY, "--geo-database", &database(), "--format", "log-analytics"], "");
    assert_eq!(rows(&run), known());
}

#[test]
fn the_project_names_the_database() {
    let (folder, _) = folder_with("places.mmdb", "");
    fs::copy(database(), folder.path().join("places.mmdb")).unwrap();
    fs::write(folder.path().join("alertq.toml"), "geo_database = 'places.mmdb'\n").unwrap();
    let run = run_in(folder.path(), &["query", QUERY, "--format", "log-analytics"], "");
    assert_eq!(rows(&run), known());
}

#[test]
fn without_a_database_the_remedy_is_told() {
    let folder = TempDir::new().unwrap();
    refused(&run_in(folder.path(), &["query", QUERY], ""), &["AQ001", "needs a database of places", "--geo-database"]);
}

#[test]
fn a_file_of_another_form_is_named() {
    let (folder, _) = folder_with("places.mmdb", "no database");
    let run = run_in(folder.path(), &["query", QUERY, "--geo-database", "places.mmdb"], "");
    refused(&run, &["places.mmdb is no database of places in MaxMind's form"]);
}

#[test]
fn what_a_function_refuses_has_its_place() {
    let folder = TempDir::new().unwrap();
    let query = "range X from 1 to 3 step 1\n| summarize H = hll(X)\n| project strcat_array(pack_array('a', H), ',')";
    refused(
        &run_in(folder.path(), &["query", query], ""),
        &["AQ001", ":3:11", "strcat_array(pack_array('a', H), ',')"],
    );
}
