use super::*;

fn replaced(text: &str, level: Level) -> String {
    let (key, none) = (Key::new(&[7; 32]).unwrap(), HashSet::new());
    Replacer::new(&key, &none, &none, &mut Memories::default()).text(text, level)
}

#[test]
fn forms_are_kept() {
    for (text, form) in [
        ("10.1.2.3:3389", r"^10\.\d+\.\d+\.\d+:3389$"),
        ("10.1.0.0/16", r"^10\.\d+\.0\.0/16$"),
        ("fe80::1%eth0", r"^fe80::[0-9a-f:]+%eth0$"),
        ("00-15-5D-01-02-03", r"^[0-9A-F]{2}(-[0-9A-F]{2}){5}$"),
        ("{73D664E4-0886-4743-9475-F9CF5BD79B35}", r"^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$"),
        ("2517228307705103557_73d664e4-0886-4743-9475-f9cf5bd79b35", r"^\d{19}_[0-9a-f]{8}-"),
        ("0x427d8dd9", r"^0x[0-9a-f]{8}$"),
        ("SRV01$", r"^[A-Z]{12}\$$"),
        (
            "ftp://ann:pw@files.contoso.com:2121/a.zip",
            r"^ftp://[a-z]{12}:[a-z]{12}@[a-z]{12}\.[a-z]{12}\.example:2121/",
        ),
        ("invoice-7.pdf", r"^[a-z]{12}\.pdf$"),
        ("\\\\fs01\\share7\\x.txt", r"^\\\\[a-z]{12}\\[a-z]{12}\\[a-z]{12}\.txt$"),
    ] {
        let after = replaced(text, Level::Name);
        assert!(pattern(form).is_match(&after), "{text} became {after}");
    }
}

#[test]
fn what_is_the_same_everywhere_stays() {
    for text in [
        "0x3e7",
        "root",
        "NT AUTHORITY",
        "00000000-0000-0000-0000-000000000000",
        "127.0.0.1",
        "2023-03-22T07:27:09Z",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run",
        "1.02:03:04",
        "12/31/2024",
    ] {
        assert_eq!(replaced(text, Level::Name), text);
    }
}

#[test]
fn safe_texts_lose_addresses_and_ids_alone() {
    for text in
        ["VM_EICAR", "ARM_AnomalousServiceOperation.CredentialAccess", "K8S.NODE_Part", "T1059.001", "10.0.17763"]
    {
        assert_eq!(replaced(text, Level::Safe), text);
    }
    let rule = replaced("CustomAlertRule_73d664e4-0886-4743-9475-f9cf5bd79b35", Level::Safe);
    assert!(rule.starts_with("CustomAlertRule_") && !rule.contains("73d664e4"));
    assert!(!replaced("of ann@contoso.com", Level::Safe).contains("contoso"));
}

#[test]
fn encodings_within_encodings_end() {
    let text = format!("https://a.b/%{}41", "25".repeat(5000));
    assert!(!replaced(&text, Level::Name).is_empty());
    assert!(!replaced("https://a.b/%41nn%40contoso.com", Level::Name).contains("contoso"));
}

#[test]
fn payloads_are_told_from_words() {
    assert!(is_payload("SQBFAFgAIAAoAE4AZQB3AA=="));
    for text in ["administrator12", "Users/John1/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "a=b"] {
        assert!(!is_payload(text), "{text}");
    }
}

#[test]
fn a_number_that_is_no_address_becomes_none_of_anybodys() {
    for number in ["1.0.0.522", "1.0.0.999", "300.12.13.14"] {
        let after = replaced(number, Level::Name);
        let address = after.parse::<Ipv4Addr>();
        assert!(address.is_err() || address.is_ok_and(address::is_nobodys), "{number} became {after}");
    }
}
