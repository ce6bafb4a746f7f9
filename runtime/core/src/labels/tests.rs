//! Labels as an operator writes them, proposals as an author reads them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::stream::{Foreign, StreamShape};

fn foreign(properties: Value) -> Foreign {
    StreamShape::from_foreign_schema(&json!({ "type": "object", "properties": properties }))
}

fn claim(name: &str, properties: Value) -> StreamClaim {
    let shape = foreign(properties).shape;
    StreamClaim {
        name: name.to_owned(),
        summary: name.to_owned(),
        shape,
        primary_key: Vec::new(),
        cursor: None,
        subjects: Vec::new(),
        deletes: false,
    }
}

fn read(text: &str) -> (Labels, Vec<Problem>) {
    parse(text, 0, &|key| key == "user.own", &|key| key == "donor")
}

fn category(claim: &StreamClaim, path: &str) -> Option<String> {
    claim.shape.leaves().into_iter().find(|(own, _)| own.as_str() == path).and_then(|(_, leaf)| leaf.category.clone())
}

const CONTACTS: &str = r#"
labels = 1
[stream.contacts]
subjects = ["customer", "donor"]
primary_key = ["uid"]
[stream.contacts.fields]
email = "user.contact.email"
address = "user.contact.address"
"address.city" = "user.contact.address.city"
phone = { category = "user.contact.phone_number", confirmed = false }
own = "user.own"
[stream."later on"]
confirmed = false
subjects = ["patient"]
fields = { a = "user.name", b = { category = "non-personal", confirmed = true } }
"#;

#[test]
fn confirmed_labels_reach_the_streams_and_nothing_else_does() {
    let (labels, faults) = read(CONTACTS);
    assert_eq!(faults, []);
    assert_eq!(labels.unconfirmed(), 2);
    let mut claims = [
        claim(
            "contacts",
            json!({ "uid": { "type": "string" }, "email": { "type": "string" }, "phone": { "type": "string" }, "own": {},
                "address": { "type": "object", "properties": { "city": { "type": "string" }, "zip": { "type": "string" } } } }),
        ),
        claim("later on", json!({ "a": { "type": "string" }, "b": { "type": "string" } })),
    ];
    assert_eq!(labels.apply(&mut claims), []);
    let [contacts, later] = &claims;
    for (path, expected) in [
        ("email", Some("user.contact.email")),
        ("address.city", Some("user.contact.address.city")),
        ("address.zip", Some("user.contact.address")),
        ("own", Some("user.own")),
        ("phone", None),
        ("uid", None),
    ] {
        assert_eq!(category(contacts, path).as_deref(), expected, "{path}");
    }
    assert_eq!(contacts.subjects, ["customer", "donor"]);
    assert_eq!(contacts.primary_key[0].as_str(), "uid");
    assert_eq!((category(later, "a"), category(later, "b").as_deref()), (None, Some("non-personal")));
    assert!(later.subjects.is_empty());
}

#[test]
fn a_stream_without_a_schema_is_what_its_labels_say() {
    let mut claims = [claim("contacts", json!({}))];
    let (labels, _) =
        read("labels = 1\n[stream.contacts.fields]\na.b = \"non-personal\"\nc = { category = \"user.name\", confirmed = false }");
    assert_eq!(labels.apply(&mut claims), []);
    assert_eq!(claims[0].shape.leaves().len(), 1);
    assert_eq!(category(&claims[0], "a.b").as_deref(), Some("non-personal"));
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "labels = 2\nextra = 1\n[stream.contacts]\nsubjects = [\"custommer\", 1]\nfeilds = {}\n[stream.contacts.fields]\na = \"user.contact.emial\"\nb = 3\nc = { confirmed = false }\nd = { category = \"user.name\", confirmed = \"no\" }\n";
    let (_, faults) = read(text);
    let titles: Vec<&str> = faults.iter().map(|fault| fault.title.as_str()).collect();
    assert_eq!(faults.len(), 9, "{titles:#?}");
    assert!(faults.iter().all(|fault| fault.code == Code::E011 && !fault.labels.is_empty() && !fault.help.is_empty()));
    let help = |word: &str| faults.iter().find(|fault| fault.title.contains(word)).unwrap().help.clone();
    assert_eq!(help("custommer"), "did you mean `customer`?");
    assert_eq!(help("emial"), "did you mean `user.contact.email`?");
    assert_eq!(help("feilds"), "did you mean `fields`?");
    assert!(read("labels = ").1[0].code == Code::E011);
}

#[test]
fn labels_that_hit_nothing_are_told_with_what_was_meant() {
    let (labels, faults) = read(
        "labels = 1\n[stream.contcts.fields]\na = \"user.name\"\n[stream.contacts]\nprimary_key = [\"idd\"]\n[stream.contacts.fields]\nemial = \"user.contact.email\"\n",
    );
    assert_eq!(faults, []);
    let found = labels.apply(&mut [claim("contacts", json!({ "id": { "type": "string" }, "email": { "type": "string" } }))]);
    let told: Vec<_> = found.iter().map(|problem| (problem.title.as_str(), problem.help.as_str())).collect();
    assert_eq!(
        told,
        [
            ("the manifest has no stream `contcts`", "did you mean `contacts`?"),
            ("stream `contacts` has no field `emial`", "did you mean `email`?"),
            ("stream `contacts` has no field `idd`", "did you mean `id`?"),
        ]
    );
}

fn guesses(stream: &str, properties: Value, sample: Option<&Sample>) -> Vec<String> {
    let found = propose(stream, &foreign(properties), None, sample);
    found.fields.iter().map(|guess| format!("{} {} {}", guess.path, guess.category, guess.confidence.name())).collect()
}

#[test]
fn names_formats_and_samples_make_proposals() {
    let text = || json!({ "type": ["null", "string"] });
    let properties = json!({
        "id": text(), "firstName": text(), "Nachname": text(), "PLZ": text(), "work_email": text(), "reach": { "type": "string", "format": "email" },
        "email_verified": { "type": "boolean" }, "born": { "type": "string", "format": "date" }, "dateOfBirth": { "type": "string", "format": "date" },
        "owner": { "type": "object", "properties": { "name": text(), "zzz": text() } }, "product": { "type": "object", "properties": { "name": text() } },
        "reached": text(), "score": { "type": "number" },
    });
    let mut sample = Sample::default();
    sample.read("{\"reached\":\"+49 30 123456\"}\n{\"reached\":\"+49 30 654321\"}").unwrap();
    let expected = [
        "Nachname user.name.last high",
        "PLZ user.contact.address.postal_code high",
        "born system.operations medium",
        "dateOfBirth user.demographic.date_of_birth high",
        "email_verified user.account.settings low",
        "firstName user.name.first high",
        "id user.unique_id medium",
        "owner.name user.name medium",
        "product.name non-personal low",
        "reach user.contact.email high",
        "reached user.contact.phone_number high",
        "score user.account.settings low",
        "work_email user.contact.email high",
    ];
    assert_eq!(guesses("contacts", properties.clone(), Some(&sample)), expected);
    let found = propose("contacts", &foreign(properties), None, None);
    assert_eq!(found.unknown.iter().map(FieldPath::as_str).collect::<Vec<_>>(), ["owner.zzz", "reached"]);
    assert_eq!(found.subjects[0].0, "customer");
    assert!(found.fields.iter().all(|guess| !guess.reason.is_empty()));
}

#[test]
fn what_is_written_is_read_again_and_counts_only_once_it_is_confirmed() {
    let found =
        foreign(json!({ "email": { "type": "string" }, "name": { "type": "string" }, "odd \"key\"": { "type": "string" }, "qqq": {} }));
    let proposals = propose("contacts", &found, None, None);
    let written = Written { name: "contacts \"new\"".to_owned(), primary_key: vec![FieldPath::parse("email").unwrap()], proposals };
    let text = write(&[written]);
    let mut claims = [claim("contacts \"new\"", json!({ "email": { "type": "string" }, "name": { "type": "string" }, "odd \"key\"": {} }))];
    let (labels, faults) = read(&text);
    assert_eq!(faults, [], "{text}");
    assert_eq!(labels.apply(&mut claims), []);
    assert!(claims[0].shape.leaves().iter().all(|(_, leaf)| leaf.category.is_none()));
    let (labels, _) = read(&text.replacen("confirmed = false", "confirmed = true", 2));
    assert_eq!(labels.apply(&mut claims), []);
    assert_eq!(category(&claims[0], "email").as_deref(), Some("user.contact.email"));
    assert_eq!(category(&claims[0], "name"), None);
}

#[test]
fn what_is_labelled_already_is_not_proposed_again() {
    let found = foreign(
        json!({ "email": { "type": "string" }, "phone": { "type": "string" }, "address": { "properties": { "city": { "type": "string" } } } }),
    );
    let (labels, _) = read(CONTACTS);
    let proposals = propose("contacts", &found, labels.stream("contacts"), None);
    assert_eq!(proposals.fields.iter().map(|guess| guess.path.as_str()).collect::<Vec<_>>(), ["phone"]);
    assert!(proposals.subjects.is_empty());
}
