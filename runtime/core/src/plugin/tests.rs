//! Names, pins and signatures as data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

#[test]
fn names_are_read_and_written() {
    for text in [
        "oci://registry.example.org/hub/crm:1.2.0",
        "oci://127.0.0.1:5000/hub/crm",
        "oci://localhost:5000/crm:1.0.0-rc.1@sha256:00ff",
        "dir:../plugins/crm:1.2.0",
        "dir:/srv/plugins/crm",
        "dir:./crm:0.1.0",
    ] {
        assert_eq!(Reference::parse(text).unwrap().to_string(), text);
    }
    let read = Reference::parse("dir:crm:0.1.0").unwrap();
    assert_eq!((read.registry, read.name.as_str()), (Registry::Folder(".".into()), "crm"));
    let read = Reference::parse("oci://r.example:5000/a/b/crm:2.0.0").unwrap();
    assert_eq!((read.repository().as_str(), read.short_name()), ("oci://r.example:5000/a/b/crm", "crm"));
}

#[test]
fn what_is_no_name_is_refused() {
    for text in [
        "",
        "crm",
        "https://r.example/crm",
        "oci://r.example",
        "oci:///crm",
        "oci://user@r.example/crm",
        "oci://r.example:0/crm",
        "oci://r.example/../crm",
        "oci://r.example/CRM",
        "oci://r.example/crm:",
        "oci://r.example/crm:a b",
        "oci://r.example/crm@sha256:XY",
        "dir:plugins/",
        "dir:plugins/..:1",
    ] {
        assert!(Reference::parse(text).is_err(), "{text}");
    }
    assert!(Reference::parse(&format!("oci://r.example/{}", "a".repeat(600))).is_err());
    assert!(is_version("1.20.3") && is_version("1.0.0-rc.1"));
    assert!(!is_version("1.0") && !is_version("1.0.x") && !is_version("1.0.0-") && !is_version("v1.0.0"));
    assert!(is_plugin_name("acme-crm") && !is_plugin_name("Acme") && !is_plugin_name("-a") && !is_plugin_name(""));
}

fn statement() -> Statement {
    Statement { name: "crm".into(), version: "1.0.0".into(), digest: "ab".repeat(32) }
}

#[test]
fn a_signature_vouches_for_one_thing_only() {
    let (key, other) = (PublisherKey::from_seed(&[7; 32]).unwrap(), PublisherKey::from_seed(&[8; 32]).unwrap());
    let envelope = Envelope::parse(Envelope::sign(&key, &statement()).text().as_bytes()).unwrap();
    let trusted = [other.public(), key.public()];
    assert_eq!(envelope.verify(&statement(), &trusted), Ok(key.public()));
    let untrusted = envelope.verify(&statement(), &[other.public()]);
    assert_eq!(untrusted, Err(BadSignature::Untrusted(vec![key_text(&key.public())])));
    for wrong in [
        Statement { name: "erp".into(), ..statement() },
        Statement { version: "1.0.1".into(), ..statement() },
        Statement { digest: "cd".repeat(32), ..statement() },
    ] {
        assert!(matches!(envelope.verify(&wrong, &trusted), Err(BadSignature::Other(_))), "{wrong:?}");
    }
}

#[test]
fn a_changed_envelope_is_told() {
    let (key, other) = (PublisherKey::from_seed(&[7; 32]).unwrap(), PublisherKey::from_seed(&[8; 32]).unwrap());
    let signed = Envelope::sign(&key, &statement());
    let elsewhere = Envelope::sign(&other, &Statement { digest: "cd".repeat(32), ..statement() });
    let trusted = [key.public()];
    let swapped = Envelope { payload: elsewhere.payload.clone(), ..signed.clone() };
    assert_eq!(swapped.verify(&statement(), &trusted), Err(BadSignature::Forged));
    let renamed = Envelope { payload_type: "text/plain".into(), ..signed.clone() };
    assert_eq!(renamed.verify(&statement(), &trusted), Err(BadSignature::Forged));
    let unsigned = Envelope { signatures: Vec::new(), ..signed };
    assert_eq!(unsigned.verify(&statement(), &trusted), Err(BadSignature::Untrusted(Vec::new())));
    assert!(matches!(Envelope::parse(b"{}"), Err(BadSignature::Form)));
    assert_eq!(parse_key(&key_text(&key.public())), Some(key.public()));
    assert!(PublisherKey::parse(&PublisherKey::file(&[7; 32])).is_some() && PublisherKey::parse("x").is_none());
}

#[test]
fn a_pin_holds_bytes_and_abilities() {
    let text = r#"{"hub":"0.1","name":"crm","version":"1.0.0","summary":"S.","config":{},"imports":["http"],"hosts":["https://a.example"],
        "destination":{"modes":["append"],"accepts":["user"]}}"#;
    let description = crate::description::parse(text.as_bytes()).unwrap();
    let pin = Pin {
        name: "crm".into(),
        version: "1.0.0".into(),
        from: "dir:x/crm:1.0.0".into(),
        digest: "ab".repeat(32),
        component: "cd".repeat(32),
        signer: None,
        abi: "0.1".into(),
        licence: None,
        capability: crate::description::claimed_capability(&description),
    };
    assert!(pin.objections(&description).is_empty());
    let less = Pin { capability: crate::description::Capability::default(), ..pin.clone() };
    assert_eq!(less.objections(&description).len(), 3);
    assert_eq!(pin.other_bytes(&"cd".repeat(32)), None);
    assert!(pin.other_bytes("ef").unwrap().contains("the lock pins"));
}
