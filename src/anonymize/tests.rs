//! Properties of the whole: consistency, forms, joins, and that nothing is left.

use proptest::prelude::*;

use super::*;

fn anonymizer(secret: u8) -> Anonymizer {
    Anonymizer::new(Key::new(&[secret; 32]).unwrap(), Options::default())
}

fn name(text: &str) -> String {
    anonymizer(1).text(text, Treatment::Name)
}

fn prose(text: &str) -> String {
    anonymizer(1).text(text, Treatment::Prose)
}

#[test]
fn a_value_has_one_replacement_wherever_it_stands() {
    for value in [
        "srv-042",
        "SRV-042",
        "ann.lee",
        "ann.lee@contoso.com",
        "srv-042.corp.contoso.com",
        "CONTOSO\\ann.lee",
        "73d664e4-0886-4743-9475-f9cf5bd79b35",
        "52.1.2.3",
        "2a01:111:f100::7",
        "/subscriptions/73d664e4-0886-4743-9475-f9cf5bd79b35/resourceGroups/rg-pay/providers/Microsoft.Compute/virtualMachines/srv-042",
        "c:\\users\\ann\\payroll2.xlsx",
        "/home/ann/.ssh/id_contoso",
        "https://shop.contoso.com/basket?id=ann77",
        "S-1-5-21-3061399664-1673012318-3185014992-20022",
        "d41d8cd98f00b204e9800998ecf8427e",
        "00:15:5d:01:02:03",
    ] {
        let replaced = name(value);
        assert_ne!(replaced, value);
        for (before, after) in [("It was seen on ", "."), ("The process (", ") was stopped"), ("'", "', and more")] {
            assert_eq!(prose(&format!("{before}{value}{after}")), format!("{before}{replaced}{after}"));
        }
        let bag = format!("{{\"Host Name\":{},\"x\":[{}]}}", quoted(value), quoted(&format!("[{}]", quoted(value))));
        let wanted =
            format!("{{\"Host Name\":{},\"x\":[{}]}}", quoted(&replaced), quoted(&format!("[{}]", quoted(&replaced))));
        assert_eq!(anonymizer(1).text(&bag, Treatment::Unknown), wanted);
    }
}

fn quoted(text: &str) -> String {
    crate::types::json::string(text)
}

#[test]
fn machines_share_their_replaced_domain() {
    let (a, b) = (name("a.corp.contoso.com"), name("b.corp.contoso.com"));
    assert_eq!(a.split('.').count(), 4);
    assert_eq!(a.split_once('.').unwrap().1, b.split_once('.').unwrap().1);
    assert_ne!(a, b);
    assert_eq!(a, format!("{}.{}", name("a"), name("corp.contoso.com")));
    assert!(a.ends_with(".example"));
    assert_ne!(name("contoso.com"), name("contoso.net"));
    assert_eq!(name("ann@contoso.com").split_once('@').unwrap().1, name("contoso.com"));
    assert_eq!(name("CONTOSO\\ann"), format!("{}\\{}", name("CONTOSO"), name("ann")));
    assert_eq!(name("files1.blob.core.windows.net"), format!("{}.blob.core.windows.net", name("files1")));
    assert_eq!(
        name("ann_contoso.com#EXT#@fabrikam.onmicrosoft.com"),
        format!("{}_{}#EXT#@{}.onmicrosoft.com", name("ann"), name("contoso.com"), name("fabrikam"))
    );
}

#[test]
fn paths_keep_their_folders_and_endings() {
    let path = name("C:\\Users\\Ann\\AppData\\Local\\Temp\\payroll.docx");
    assert_eq!(path, format!("C:\\Users\\{}\\AppData\\Local\\Temp\\{}.docx", name("Ann"), name("payroll")));
    assert_eq!(name("c:\\windows\\system32\\cmd.exe"), "c:\\windows\\system32\\cmd.exe");
    assert_eq!(name("/usr/bin/wget"), "/usr/bin/wget");
    assert_eq!(name("NT AUTHORITY\\SYSTEM"), "NT AUTHORITY\\SYSTEM");
}

#[test]
fn resources_keep_their_shape() {
    let id = "/SUBSCRIPTIONS/73d664e4-0886-4743-9475-f9cf5bd79b35/RESOURCEGROUPS/Pay-RG/providers/Microsoft.Compute/virtualMachines/Pay-VM/extensions/Agent7";
    let replaced = name(id);
    let parts: Vec<&str> = replaced.split('/').collect();
    assert_eq!(
        [parts[1], parts[3], parts[5], parts[6], parts[7], parts[9]],
        ["SUBSCRIPTIONS", "RESOURCEGROUPS", "providers", "Microsoft.Compute", "virtualMachines", "extensions"]
    );
    assert_eq!(
        [parts[2], parts[4], parts[8]],
        [name("73d664e4-0886-4743-9475-f9cf5bd79b35"), name("Pay-RG"), name("Pay-VM")]
    );
}

#[test]
fn sentences_keep_ordinary_words() {
    let text = "THIS IS A SAMPLE ALERT: Analysis of host data on Pay-VM detected the execution of a process.";
    assert_eq!(prose(text), text.replace("Pay-VM", &name("Pay-VM")));
    assert_eq!(
        prose("Failed attempts: 93 since 2023-03-22 07:27:09 UTC"),
        "Failed attempts: 93 since 2023-03-22 07:27:09 UTC"
    );
    assert!(!prose("Call Grace at extension 5551234").contains("Grace"));
    assert!(!prose("Call 5551234").contains("5551234"));
    assert_eq!(prose("CVE-2021-44228 and T1059.001 were used"), "CVE-2021-44228 and T1059.001 were used");
}

#[test]
fn command_lines_keep_programs_and_options() {
    let line = "powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AA==";
    let replaced = anonymizer(1).text(line, Treatment::Command);
    assert!(replaced.starts_with("powershell.exe -nop -w hidden -enc ") && !replaced.contains("SQBFAFg"), "{replaced}");
    assert_eq!(replaced.len(), line.len());
    let replaced = anonymizer(1).text("net user payadmin Summer2023! /add /domain", Treatment::Command);
    assert!(replaced.starts_with("net user ") && replaced.ends_with("! /add /domain") && !replaced.contains("Summer"));
}

#[test]
fn details_pass_nothing_whatever_their_keys() {
    let details = r#"{"Custom Details":"{\"Severity\":[\"Projekt Falke\"],\"Attempts\":[\"7\"]}"}"#;
    let replaced = anonymizer(1).text(details, Treatment::Unknown);
    assert!(
        !replaced.contains("Falke") && replaced.contains("Attempts") && replaced.contains("[\\\"7\\\"]"),
        "{replaced}"
    );
}

#[test]
fn numbers_of_json_keep_their_digits() {
    let bag = r#"{"Count":12345678901234567890123,"Score":1.10,"Employee":4711234,"Flag":true,"None":null}"#;
    let replaced = anonymizer(1).text(bag, Treatment::Unknown);
    assert!(replaced.starts_with(r#"{"Count":12345678901234567890123,"Score":1.10,"#), "{replaced}");
    assert!(!replaced.contains("4711234") && replaced.ends_with(r#","Flag":true,"None":null}"#), "{replaced}");
}

#[test]
fn times_are_shifted_by_weeks() {
    let options = Options { shift_times: true, ..Options::default() };
    let shifted =
        Anonymizer::new(Key::new(&[1; 32]).unwrap(), options).text("at 2023-03-22T07:27:09.4896442Z", Treatment::Prose);
    assert!(shifted.ends_with("T07:27:09.4896442Z") && !shifted.contains("2023-03-22"), "{shifted}");
}

/// Sentences of values that lines of records are full of.
fn values() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-zA-Z]{3,9}-[a-z0-9]{1,6}",
        "[a-z]{4,9}\\.[a-z]{4,9}@[a-z]{5,9}\\.(com|net|local|de)",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[c-z]:\\\\[a-z]{3,9}\\\\[a-zA-Z0-9 ]{3,9}\\.(exe|docx|zip)",
        "https?://[a-z]{3,9}\\.[a-z]{3,9}\\.org/[a-z0-9%]{3,9}",
        "\\PC{0,20}",
    ];
    prop::collection::vec(value, 1..4).prop_map(|values| values.join(" "))
}

fn found(text: &str, treatment: Treatment, looking: bool) -> Found {
    let (anonymizer, mut found, mut memory) = (anonymizer(1), Found::default(), memo::Memories::default());
    let always = HashSet::from(["1".to_string(), "2".to_string()]);
    let mut replacer = Replacer::new(&anonymizer.key, &always, &NONE, &mut memory);
    (replacer.found, replacer.looking) = (Some(&mut found), looking);
    Documents::new(replacer, &anonymizer.options).text(text, treatment);
    found
}

proptest! {
    #[test]
    fn any_text_gives_the_same_for_the_same_key_and_another_for_another(text in values()) {
        for treatment in [Treatment::Name, Treatment::Unknown, Treatment::Prose, Treatment::Command, Treatment::Safe] {
            prop_assert_eq!(anonymizer(1).text(&text, treatment), anonymizer(1).text(&text, treatment));
        }
        let replaced = anonymizer(1).text(&text, Treatment::Name);
        if replaced.bytes().filter(u8::is_ascii_lowercase).count() > 11 && replaced != text {
            prop_assert_ne!(anonymizer(2).text(&text, Treatment::Name), replaced);
        }
    }

    #[test]
    fn names_do_not_depend_on_case_but_for_their_own(text in "[a-zA-Z][a-zA-Z0-9]{2,12}(-[a-zA-Z0-9]{1,5})?") {
        let (as_it_is, lower) = (name(&text), name(&text.to_lowercase()));
        prop_assert_eq!(as_it_is.to_lowercase(), lower);
    }

    #[test]
    fn json_stays_json_with_its_keys(key in "[a-z ]{1,12}", text in values(), number in any::<f64>()) {
        let number = if number.is_finite() { number } else { 0.0 };
        let bag = serde_json::json!({"Type": "host", "HostName": text, "ParentProcess": {"Name": [text, number]}, key: text});
        let replaced = anonymizer(1).text(&bag.to_string(), Treatment::Unknown);
        let read: serde_json::Value = serde_json::from_str(&replaced).unwrap();
        prop_assert_eq!(read.as_object().unwrap().len(), bag.as_object().unwrap().len());
        prop_assert_eq!(&read["Type"], "host");
    }

    /// Who just looks leaves replacements out, and finds the same names.
    #[test]
    fn looking_finds_what_replacing_replaces(text in values(), number in 1000u32..70_000) {
        let bag = serde_json::json!([{"Type": "host", "HostName": text, "x": {"y.z": [text, number]}}]).to_string();
        for treatment in Treatment::ALL {
            for text in [&text, &bag, &format!("{number}.1.{number}.2 {text}/{number}")] {
                prop_assert_eq!(found(text, treatment, true), found(text, treatment, false), "{}", text);
            }
        }
    }

    #[test]
    fn what_was_replaced_is_nowhere_in_the_result(text in values(), sentence in "[a-z ]{0,20}") {
        use crate::types::Value;
        use crate::types::arrow::from_values;
        let columns = ["HostName", "Description", "Entities"].map(|name| Column::new(name, ScalarType::String));
        let entities = serde_json::json!([{"Type": "host", "HostName": text}]).to_string();
        let cells = [text.clone(), format!("{sentence} {text}"), entities];
        let arrays = cells.map(|cell| from_values(ScalarType::String, &[Value::String(cell)]));
        let batch = RecordBatch::try_new(schema(&columns), arrays.to_vec()).unwrap();
        let anonymizer = anonymizer(1);
        let plan = anonymizer.plan("SecurityAlert", &columns);
        let names = anonymizer.look(&plan, &batch, &mut Memory::default());
        let (_, report) = anonymizer.replace(&plan, &batch, &names, &mut Memory::default()).unwrap();
        prop_assert!(report.leaks.is_empty(), "{:?}", report.leaks);
    }
}

/// Products put their name before the names of their fields: what stands behind it is nobody's.
#[test]
fn the_fields_of_products_are_no_names() {
    let columns =
        [Column::new("ExtendedProperties", ScalarType::String), Column::new("ExtendedLinks", ScalarType::String)];
    let cells = [
        r#"{"MicrosoftDefenderAtp.Category":"Malware","MicrosoftDefenderAtp.InvestigationId":"","HostName":"pay-srv7",
            "Owner Name":"MicrosoftDefenderAtp"}"#,
        r#"[{"Href":"https://aka.ms/more","Category":null,"Label":"More information"}]"#,
    ];
    let arrays = cells.map(|cell| {
        crate::types::arrow::from_values(ScalarType::String, &[crate::types::Value::String(cell.to_string())])
    });
    let batch = RecordBatch::try_new(schema(&columns), arrays.to_vec()).unwrap();
    let anonymizer = anonymizer(1);
    let plan = anonymizer.plan("SecurityAlert", &columns);
    let mut memory = Memory::default();
    let names = anonymizer.look(&plan, &batch, &mut memory);
    // One memory serves both: what was left out while looking is there in the result.
    let (replaced, report) = anonymizer.replace(&plan, &batch, &names, &mut memory).unwrap();
    assert!(report.leaks.is_empty(), "{:?}", report.leaks);
    let properties = replaced.column(0).as_string_view().value(0);
    assert_eq!(
        properties,
        format!(
            "{{\"MicrosoftDefenderAtp.Category\":\"Malware\",\"MicrosoftDefenderAtp.InvestigationId\":\"\",\
             \"HostName\":{},\"Owner Name\":{}}}",
            quoted(&name("pay-srv7")),
            quoted(&anonymizer.text("MicrosoftDefenderAtp", Treatment::Unknown))
        )
    );
}

#[test]
fn the_check_finds_what_replacing_has_missed() {
    use crate::types::Value;
    use crate::types::arrow::from_values;
    let columns = ["HostName", "Status"].map(|name| Column::new(name, ScalarType::String));
    for (host, left, kind) in [
        ("pay-srv7", "on PAY-SRV7", LeakKind::Name),
        ("ann.lee", "{\"a\":[\"[\\\"Lee\\\"]\"]}", LeakKind::Name),
        ("x", "73d664e4-0886-4743-9475-f9cf5bd79b35", LeakKind::Guid),
        ("x", "of 52.1.2.3", LeakKind::Address),
        ("x", "d41d8cd98f00b204e9800998ecf8427e", LeakKind::Hash),
    ] {
        let cells = [host, left].map(|cell| from_values(ScalarType::String, &[Value::String(cell.to_string())]));
        let batch = RecordBatch::try_new(schema(&columns), cells.to_vec()).unwrap();
        let anonymizer = anonymizer(1);
        let plan = anonymizer.plan("SecurityAlert", &columns);
        let names = anonymizer.look(&plan, &batch, &mut Memory::default());
        let check = Check { key: &anonymizer.key, found: &names.0, options: &anonymizer.options };
        assert_eq!(check.text(left, &mut Known::default()), Some(kind), "{left}");
    }
}
