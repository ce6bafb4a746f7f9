//! Against a small ERP in memory that searches, creates and changes as Tryton 8.2 does (checked against the real one in tests/e2e).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use data_encoding::BASE64URL;
use hub_sdk::http::{FetchError, Method, Request};
use hub_sdk::testing::{Answer, FakeHost, Writer, check, read};
use hub_sdk::{Error, Mode, StreamRequest, Target};
use serde_json::{Map, Value, json};

use super::moment::Moment;
use super::{TrytonDestination, TrytonSource};

/// 2026-11-23T15:38:21Z
const NOW: u64 = 1_795_448_301;
const CONFIG: &str = r#"{ "base_url": "https://erp.example.org/company", "page_size": 10, "overlap_seconds": 0 }"#;

/// Records by model and number.
#[derive(Default)]
struct Company {
    records: BTreeMap<(String, u64), Map<String, Value>>,
    requests: Vec<String>,
    /// What the ERP answers to the question which fields further modules gave to a model: none yet.
    further: Option<Answer>,
    /// Answers to come before the right ones.
    odd: Vec<Answer>,
    /// After so many searches this party is changed.
    change_after: Option<(usize, u64)>,
}

impl Company {
    /// Parties, one created a minute, the last one an hour ago; every third was changed when it was created.
    fn with(count: u64) -> Rc<RefCell<Self>> {
        let mut company = Self::default();
        for id in 1..=count {
            let created = Moment::from_seconds(NOW - 3600 - (count - id) * 60).to_tryton();
            let written = if id % 3 == 0 { created.clone() } else { Value::Null };
            let party = json!({ "code": id.to_string(), "name": format!("Köhler {id}"), "lang": { "id": 1, "code": "de" }, "active": if id % 2 == 0 { json!(id % 7 != 0) } else { json!(u8::from(id % 7 != 0)) },
                "replaced_by": null, "create_date": created, "write_date": written });
            company.records.insert(("party.party".into(), id), party.as_object().unwrap().clone());
        }
        Rc::new(RefCell::new(company))
    }

    fn change(&mut self, id: u64, seconds: u64) {
        let party = self.records.get_mut(&("party.party".to_owned(), id)).unwrap();
        party.insert("write_date".into(), Moment::from_seconds(seconds).to_tryton());
    }

    fn answer(&mut self, request: &Request) -> Answer {
        assert_eq!(request.credential_name(), Some("erp"));
        if let Some(odd) = self.odd.pop() {
            return odd;
        }
        let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
        let path = path.strip_prefix("https://erp.example.org/company/rest/model/").unwrap();
        if path == "ir.model.field" {
            return self.further.clone().unwrap_or_else(|| Answer::json(&json!([])));
        }
        self.requests.push(format!("{:?} {path}", request.method()));
        match (request.method(), path.split_once('/')) {
            (Method::Get, None) => self.search(path, query).header("Date", "Mon, 23 Nov 2026 15:38:21 GMT"),
            (Method::Post, None) => self.create(path, body(request)),
            (Method::Put, Some((model, id))) => {
                let key = (model.to_owned(), id.parse().unwrap());
                let Some(record) = self.records.get_mut(&key) else { return Answer::status(404) };
                record.extend(body(request));
                Answer::json(&json!({ "id": key.1 }))
            }
            other => panic!("{other:?}"),
        }
    }

    fn search(&mut self, model: &str, query: &str) -> Answer {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.into(), value.replace("%3D", "=")))
            .collect();
        let one = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let decoded = |text: String| serde_json::from_slice::<Value>(&BASE64URL.decode(text.as_bytes()).unwrap()).unwrap();
        let domain = decoded(one("d").unwrap());
        let mut found: Vec<(u64, &Map<String, Value>)> = self
            .records
            .iter()
            .filter(|((kind, id), record)| kind == model && matches(&domain, *id, record))
            .map(|((_, id), record)| (*id, record))
            .collect();
        if let Some(order) = one("o").map(decoded) {
            let field = order[0][0].as_str().unwrap().to_owned();
            found.sort_by_key(|(id, record)| (moment(&record[&field]), *id));
        }
        let fields: Vec<String> =
            pairs.iter().filter(|(name, _)| name == "f").map(|(_, path)| path.split('.').next().unwrap().to_owned()).collect();
        let size: usize = one("s").unwrap().parse().unwrap();
        let records = found.into_iter().take(size).map(|(id, record)| {
            let mut shown: Map<String, Value> =
                fields.iter().filter(|field| *field != "id").map(|field| (field.clone(), record[field].clone())).collect();
            shown.insert("id".into(), id.into());
            shown.insert("__name__".into(), model.into());
            Value::Object(shown)
        });
        let answer = Answer::json(&records.collect());
        let searches = self.requests.len();
        if let Some((_, id)) = self.change_after.filter(|(after, _)| *after == searches) {
            self.change(id, NOW + 5);
        }
        answer
    }

    fn create(&mut self, model: &str, mut values: Map<String, Value>) -> Answer {
        let is_taken =
            |((kind, _), record): (&(String, u64), &Map<String, Value>)| kind == model && record.get("code") == values.get("code");
        if values.get("name") == Some(&json!("refuse")) || (model == "party.party" && self.records.iter().any(is_taken)) {
            return Answer { status: 400, ..Answer::json(&json!({ "status": 400, "message": "The secret of Anna must be unique." })) };
        }
        if let Some(party) = values.get("party").cloned() {
            values.insert("party".into(), json!({ "id": party }));
        }
        for field in ["name", "comment", "active"] {
            values.entry(field).or_insert(Value::Null);
        }
        let id = self.records.keys().map(|(_, id)| *id).max().unwrap_or(0) + 1;
        self.records.insert((model.into(), id), values);
        Answer::json(&json!({ "id": id }))
    }

    fn writes(&self) -> usize {
        self.requests.iter().filter(|request| !request.starts_with("Get")).count()
    }
}

fn body(request: &Request) -> Map<String, Value> {
    serde_json::from_slice(request.body_bytes().unwrap()).unwrap()
}

fn moment(value: &Value) -> Option<Moment> {
    Moment::from_tryton(&value.to_string())
}

fn matches(domain: &Value, id: u64, record: &Map<String, Value>) -> bool {
    let clauses = domain.as_array().unwrap();
    if clauses.first().is_some_and(Value::is_string) && clauses[0] == "OR" {
        return clauses[1..].iter().any(|inner| matches(inner, id, record));
    }
    if clauses.first().is_some_and(Value::is_string) {
        return holds(clauses, id, record);
    }
    clauses.iter().all(|clause| matches(clause, id, record))
}

fn holds(clause: &[Value], id: u64, record: &Map<String, Value>) -> bool {
    let (field, operator, wanted) = (clause[0].as_str().unwrap(), clause[1].as_str().unwrap(), &clause[2]);
    let id = Value::from(id);
    let is = if field == "id" { &id } else { &record[field] };
    let is = is.get("id").unwrap_or(is);
    match operator {
        "in" => wanted.as_array().unwrap().contains(is),
        "=" => is == wanted,
        _ if field == "id" => is.as_i64() > wanted.as_i64(),
        _ => match (moment(is), moment(wanted), operator) {
            (Some(is), Some(wanted), ">") => is > wanted,
            (Some(is), Some(wanted), ">=") => is >= wanted,
            (Some(is), Some(wanted), "<") => is < wanted,
            (None, ..) => false,
            other => panic!("{other:?}"),
        },
    }
}

fn host(company: &Rc<RefCell<Company>>) -> FakeHost {
    let (host, company) = (FakeHost::new(), Rc::clone(company));
    host.grant_read_body();
    host.serve(move |request| Ok(company.borrow_mut().answer(request)));
    host
}

fn parties(state: Option<Vec<u8>>) -> Vec<StreamRequest> {
    vec![StreamRequest { state, ..StreamRequest::new("parties") }]
}

fn ids(host: &FakeHost) -> Vec<u64> {
    host.records(0).iter().map(|record| record["id"].as_u64().unwrap()).collect()
}

#[test]
fn everything_is_read_once_changed_or_not() {
    for count in [1, 9, 10, 11, 35] {
        let host = host(&Company::with(count));
        assert_eq!(read::<TrytonSource>(CONFIG, parties(None)), Ok(count));
        assert_eq!(ids(&host).into_iter().collect::<BTreeSet<_>>(), (1..=count).collect());
        assert_eq!(host.checkpoints(0).last().unwrap(), br#"{"since":"2026-11-23T15:38:21.000000Z"}"#);
    }
}

#[test]
fn a_record_is_plain() {
    let host = host(&Company::with(3));
    read::<TrytonSource>(CONFIG, parties(None)).unwrap();
    let last = host.records(0).pop().unwrap();
    assert_eq!(
        last,
        json!({ "id": 3, "code": "3", "name": "Köhler 3", "lang": "de", "active": true, "replaced_by": null, "create_date": "2026-11-23T14:38:21.000000Z",
            "write_date": "2026-11-23T14:38:21.000000Z", "changed_at": "2026-11-23T14:38:21.000000Z" })
    );
}

#[test]
fn a_document_comes_with_its_lines() {
    let company = Company::with(0);
    let line = |id: u64, product: Value| {
        json!({ "__name__": "sale.line", "id": id, "type": "line", "product": product, "description": "Tau", "quantity": 2.0,
            "unit": { "id": 1, "symbol": "m" }, "unit_price": { "__class__": "Decimal", "decimal": "4.1050" },
            "amount": { "__class__": "Decimal", "decimal": "8.21" } })
    };
    let sale = json!({ "number": null, "state": "draft", "party": { "id": 4, "code": "K4" }, "sale_date": { "__class__": "date", "year": 2025, "month": 1, "day": 4 },
        "total_amount": { "__class__": "Decimal", "decimal": "16.42" }, "lines": [line(8, json!({ "id": 1, "code": "T-30" })), line(7, Value::Null)],
        "create_date": Moment::from_seconds(NOW - 60).to_tryton(), "write_date": null });
    company.borrow_mut().records.insert(("sale.sale".into(), 3), sale.as_object().unwrap().clone());
    let read_fields = |fields: &[&str]| {
        let host = host(&company);
        let fields = fields.iter().map(|field| (*field).into()).collect();
        assert_eq!(read::<TrytonSource>(CONFIG, vec![StreamRequest { fields, ..StreamRequest::new("sales") }]), Ok(1));
        let asked = host.requests().last().unwrap().url().to_owned();
        (String::from_utf8(host.batches(0).concat()).unwrap(), asked)
    };
    let (record, asked) = read_fields(&["party_code", "sale_date", "total_amount", "lines"]);
    let line = |id: u64, product: &str| {
        format!(
            r#"{{"id":{id},"type":"line","product":{product},"description":"Tau","quantity":2.0,"unit":"m","unit_price":4.1050,"amount":8.21}}"#
        )
    };
    let lines = [line(8, "\"T-30\""), line(7, "null")].join(",");
    assert_eq!(
        record,
        format!("{{\"id\":3,\"sale_date\":\"2025-01-04\",\"party_code\":\"K4\",\"total_amount\":16.42,\"lines\":[{lines}]}}\n")
    );
    assert!(asked.contains("f=lines.product.code") && !asked.contains("f=state"), "{asked}");
    let (record, asked) = read_fields(&["lines.amount"]);
    assert_eq!(record, "{\"id\":3,\"lines\":[{\"id\":8,\"amount\":8.21},{\"id\":7,\"amount\":8.21}]}\n");
    assert!(asked.contains("f=lines.id") && !asked.contains("product"), "{asked}");
    let (record, asked) = read_fields(&["state"]);
    assert_eq!((record.as_str(), asked.contains("lines")), ("{\"id\":3,\"state\":\"draft\"}\n", false));
}

#[test]
fn the_next_run_reads_what_changed_since() {
    let company = Company::with(25);
    let first = host(&company);
    read::<TrytonSource>(CONFIG, parties(None)).unwrap();
    let state = first.checkpoints(0).pop();
    let idle = host(&company);
    assert_eq!(read::<TrytonSource>(CONFIG, parties(state.clone())), Ok(0));
    assert!(idle.checkpoints(0).is_empty());
    company.borrow_mut().change(4, NOW);
    let second = host(&company);
    assert_eq!(read::<TrytonSource>(CONFIG, parties(state)), Ok(1));
    assert_eq!(ids(&second), [4]);
}

/// An import of many records is one transaction: they all carry the same microsecond.
#[test]
fn equal_dates_are_neither_lost_nor_endless() {
    let company = Company::with(57);
    for id in 1..=57 {
        company.borrow_mut().change(id, NOW - 100);
    }
    for checkpoints in 1..=5 {
        let stopped = host(&company);
        stopped.cancel_after_checkpoints(checkpoints);
        assert_eq!(read::<TrytonSource>(CONFIG, parties(None)), Err(Error::Cancelled));
        assert_eq!(ids(&stopped).len(), checkpoints * 10);
        let state = stopped.checkpoints(0).pop();
        let rest = host(&company);
        assert_eq!(read::<TrytonSource>(CONFIG, parties(state)), Ok(57), "all of that moment once more");
        assert_eq!(ids(&rest).into_iter().collect::<BTreeSet<_>>().len(), 57);
    }
}

#[test]
fn an_interrupted_run_goes_on_in_the_same_window() {
    let company = Company::with(60);
    for checkpoints in 1..=6 {
        let stopped = host(&company);
        stopped.cancel_after_checkpoints(checkpoints);
        assert_eq!(read::<TrytonSource>(CONFIG, parties(None)), Err(Error::Cancelled));
        let mut seen: BTreeSet<u64> = ids(&stopped).into_iter().collect();
        let state = stopped.checkpoints(0).pop();
        let rest = host(&company);
        let again = read::<TrytonSource>(CONFIG, parties(state)).unwrap();
        assert!(again <= 60 - seen.len() as u64 + 1, "only the last record's moment comes again");
        seen.extend(ids(&rest));
        assert_eq!(seen.len(), 60, "after {checkpoints} checkpoints");
        assert_eq!(rest.checkpoints(0).pop().unwrap(), br#"{"since":"2026-11-23T15:38:21.000000Z"}"#);
    }
}

#[test]
fn a_change_while_reading_loses_no_record() {
    for (after, changed) in [(2, 5), (2, 35), (3, 30), (4, 1), (5, 35)] {
        let company = Company::with(35);
        company.borrow_mut().change_after = Some((after, changed));
        let first = host(&company);
        read::<TrytonSource>(CONFIG, parties(None)).unwrap();
        let missing: Vec<_> = (1..=35).filter(|id| !ids(&first).contains(id)).collect();
        assert!(missing.iter().all(|id| *id == changed), "after search {after}: {missing:?}");
        let state = first.checkpoints(0).pop();
        company.borrow_mut().change_after = None;
        company.borrow_mut().change(changed, NOW);
        let next = host(&company);
        read::<TrytonSource>(CONFIG, parties(state)).unwrap();
        assert_eq!(ids(&next), [changed]);
    }
}

#[test]
fn a_limit_is_kept_and_only_wanted_fields_are_asked_for() {
    let host = host(&Company::with(30));
    let request = StreamRequest { limit: Some(14), fields: vec!["id".into(), "name".into()], ..StreamRequest::new("parties") };
    assert_eq!(read::<TrytonSource>(CONFIG, vec![request]), Ok(14));
    let record = host.records(0).remove(0);
    assert_eq!(record.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name"]);
    assert!(!host.requests().iter().any(|request| request.url().contains("f=code")));
}

#[test]
fn fields_of_further_modules_are_told_by_name_and_their_values_only_if_they_are_wanted() {
    let company = Company::with(1);
    let further = ["date_of_birth:date", "vip:boolean", "name:char", "odd name:char"].map(|field| {
        let (name, kind) = field.split_once(':').unwrap();
        json!({ "id": 1, "name": name, "ttype": kind })
    });
    company.borrow_mut().further = Some(Answer::json(&json!(further)));
    let party = [("date_of_birth", json!({ "__class__": "date", "year": 1980, "month": 5, "day": 17 })), ("vip", json!(1))];
    let party = party.map(|(name, value)| (name.to_owned(), value));
    company.borrow_mut().records.get_mut(&("party.party".into(), 1)).unwrap().extend(party);
    let read_with = |fields: &[&str]| {
        let host = host(&company);
        let request = StreamRequest { fields: fields.iter().map(ToString::to_string).collect(), ..StreamRequest::new("parties") };
        read::<TrytonSource>(CONFIG, vec![request]).unwrap();
        let is_asked = host.requests().iter().any(|request| request.url().contains("f=date_of_birth"));
        (host.records(0).remove(0), is_asked)
    };
    let (record, is_asked) = read_with(&["id", "name"]);
    assert_eq!((record, is_asked), (json!({ "id": 1, "name": "Köhler 1", "date_of_birth": null, "vip": null }), false));
    let (record, is_asked) = read_with(&["id", "date_of_birth", "vip"]);
    assert_eq!((record, is_asked), (json!({ "id": 1, "date_of_birth": "1980-05-17", "vip": true }), true));
    company.borrow_mut().further = Some(Answer::status(403));
    let (record, is_asked) = read_with(&["id", "date_of_birth"]);
    assert_eq!((record, is_asked), (json!({ "id": 1 }), false));
}

#[test]
fn answers_that_are_none_become_the_right_error() {
    let address = "https://erp.example.org/company/rest/model/party.party answered with status";
    let cases: [(Result<Answer, FetchError>, Error); 5] = [
        (Ok(Answer::status(401)), Error::Auth(format!("{address} 401"))),
        (Ok(Answer::status(404)), Error::Permanent(format!("{address} 404"))),
        (Ok(Answer::status(500)), Error::Transient { message: format!("{address} 500"), retry_after: None }),
        (Err(FetchError::Denied("no".into())), Error::Cancelled),
        (
            Ok(Answer::json(&json!({ "data": 1 }))),
            Error::drift("the answer is no list of records: is `base_url` the address of a Tryton database?"),
        ),
    ];
    for (answer, error) in cases {
        let host = FakeHost::new();
        host.grant_read_body();
        host.serve(move |_| answer.clone());
        assert_eq!(check::<TrytonSource>(CONFIG), Err(error.clone()));
        assert_eq!(read::<TrytonSource>(CONFIG, parties(None)), Err(error));
    }
}

#[test]
fn records_that_are_none_are_told_without_their_values() {
    let date = Moment::from_seconds(NOW - 9).to_tryton();
    let cases = [
        (json!([{ "id": 1, "create_date": date, "lang": "Anna" }]), "`lang` holds no linked record"),
        (json!([{ "id": "Anna", "create_date": date }]), "a record has no number in `id`"),
        (json!([{ "id": 1, "create_date": "Anna" }]), "`create_date` holds no date"),
        (json!([{ "id": 1 }]), "must be allowed to read both"),
        (json!([["Anna"]]), "a response body is not of the expected form"),
        (json!([{ "id": 2, "create_date": date }, { "id": 1, "create_date": date }]), "does not keep the order"),
    ];
    for (page, part) in cases {
        let host = FakeHost::new();
        host.grant_read_body();
        let clock = json!([]);
        host.serve(move |request| Ok(Answer::json(if request.url().contains("o=") { &page } else { &clock })));
        let message = read::<TrytonSource>(CONFIG, parties(None)).unwrap_err().to_string();
        assert!(message.contains(part) && !message.contains("Anna"), "{message}");
    }
}

#[test]
fn wrong_input_has_a_message() {
    let company = Company::with(1);
    let _host = host(&company);
    let message = |config: &str, stream: &str| read::<TrytonSource>(config, vec![StreamRequest::new(stream)]).unwrap_err().to_string();
    assert!(message(CONFIG, "purchases").contains("there are parties, addresses, contact_mechanisms, sales, invoices"));
    assert!(message(r#"{ "base_url": "https://a.example/x/", "page_size": 0 }"#, "parties").contains("`page_size` must be from 1 to 5000"));
    for state in [r#"{"since":"yesterday"}"#, r#"{"until":1}"#, "7"] {
        let odd = read::<TrytonSource>(CONFIG, parties(Some(state.as_bytes().to_vec()))).unwrap_err().to_string();
        assert!(odd.contains("reset the flow's state"), "{odd}");
    }
}

fn target(stream: &str, key: &[&str], fields: &[&str]) -> Target {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Target {
        index: 0,
        name: stream.into(),
        mode: Mode::Upsert,
        primary_key: owned(key),
        fields: fields.iter().map(|field| hub_sdk::Field::text(field)).collect(),
    }
}

fn open(stream: &str, key: &[&str], fields: &[&str]) -> Result<Writer<TrytonDestination>, Error> {
    Writer::open(CONFIG, vec![target(stream, key, fields)])
}

#[test]
fn parties_are_found_by_code_and_a_second_delivery_changes_nothing() {
    let company = Company::with(3);
    let _host = host(&company);
    let mut writer = open("parties", &["code"], &["code", "name", "active"]).unwrap();
    let batch = r#"{"code":"2","name":"Köhler & Söhne"}
{"code":"A-7","name":"Neu","active":true}
{"code":"3","name":"Köhler 3"}
{"code":"A-7","name":"Neuer","active":true}"#;
    assert_eq!(writer.write_as(0, "key", batch).unwrap().written, 4);
    assert_eq!(company.borrow().writes(), 3, "{:?}", company.borrow().requests);
    let named = |code: &str| {
        company.borrow().records.values().filter(|record| record["code"] == code).map(|record| record["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((named("2"), named("A-7")), (vec![json!("Köhler & Söhne")], vec![json!("Neuer")]));
    let last_state = r#"{"code":"2","name":"Köhler & Söhne"}
{"code":"A-7","name":"Neuer","active":true}"#;
    assert_eq!(writer.write_as(0, "key", last_state).unwrap().written, 2);
    assert_eq!(company.borrow().writes(), 3, "what is there already is not written");
    writer.finish(0).unwrap();
}

#[test]
fn more_rows_than_one_search_can_look_for() {
    let company = Company::with(0);
    let _host = host(&company);
    let mut writer = open("parties", &["code"], &["code", "name"]).unwrap();
    let batch: String = (0..130).map(|number| format!("{{\"code\":\"{number}{}\",\"name\":\"x\"}}\n", "c".repeat(60))).collect();
    assert_eq!(writer.write(0, &batch).unwrap().written, 130);
    assert_eq!(writer.write(0, &batch).unwrap().written, 130);
    assert_eq!((company.borrow().records.len(), company.borrow().writes()), (130, 130));
}

#[test]
fn contact_mechanisms_find_their_party_and_themselves() {
    let company = Company::with(2);
    let _host = host(&company);
    let mut writer = open("contact_mechanisms", &["party_code", "type", "value"], &["party_code", "type", "value", "name"]).unwrap();
    let batch = r#"{"party_code":"1","type":"phone","value":"+49 30 23125-001","name":"Büro"}
{"party_code":"1","type":"email","value":"a@example.org"}
{"party_code":"9","type":"email","value":"nobody@example.org"}
{"party_code":"2","type":"phone","value":"+49 30 23125-001"}"#;
    let report = writer.write(0, batch).unwrap();
    assert_eq!(report.written, 3);
    assert_eq!(report.failed.iter().map(|row| (row.row, row.code.as_str())).collect::<Vec<_>>(), [(2, "unknown-party")]);
    for record in company.borrow_mut().records.values_mut().filter(|record| record.get("type") == Some(&json!("phone"))) {
        record.insert("value".into(), json!("+49 30 23125001"));
    }
    let again = batch.replace("Büro", "Zentrale");
    assert_eq!(writer.write(0, &again).unwrap().written, 3);
    let company = company.borrow();
    let contacts: Vec<_> = company.records.iter().filter(|((model, _), _)| model == "party.contact_mechanism").collect();
    assert_eq!(contacts.len(), 3);
    assert_eq!(contacts[0].1["name"], "Zentrale");
    assert_eq!((company.writes(), contacts[0].1["value"].clone()), (4, json!("+49 30 23125001")), "the number as Tryton wrote it stays");
}

#[test]
fn the_value_may_be_what_changes() {
    let company = Company::with(1);
    let _host = host(&company);
    let mut writer = open("contact_mechanisms", &["party_code", "type"], &["party_code", "type", "value"]).unwrap();
    for value in ["old@example.org", "new@example.org"] {
        let row = json!({ "party_code": "1", "type": "email", "value": value });
        assert_eq!(writer.write(0, &row.to_string()).unwrap().written, 1);
    }
    let second =
        json!({ "type": "email", "value": "two@example.org", "party": { "id": 1 }, "name": null, "comment": null, "active": true });
    company.borrow_mut().records.insert(("party.contact_mechanism".into(), 99), second.as_object().unwrap().clone());
    let report = writer.write(0, r#"{"party_code":"1","type":"email","value":"which@example.org"}"#).unwrap();
    assert_eq!(report.failed[0].code, "ambiguous-key");
    let company = company.borrow();
    let values: Vec<_> = company.records.values().filter_map(|record| record.get("value")).collect();
    assert_eq!(values, ["new@example.org", "two@example.org"]);
}

#[test]
fn rows_that_do_not_fit_are_named_by_a_word() {
    let company = Company::with(1);
    let _host = host(&company);
    let mut writer = open("parties", &["code"], &["code", "name", "active"]).unwrap();
    let long = format!("{{\"code\":\"{}\"}}", "x".repeat(600));
    let rows = [
        "[1]",
        r#"{"code":5}"#,
        r#"{"name":"x"}"#,
        r#"{"code":" "}"#,
        &long,
        r#"{"code":"n","name":"refuse"}"#,
        r#"{"code":"1","active":"yes"}"#,
        r#"{"code":"1","iban":"x"}"#,
        r#"{"code":"1","name":"y"}"#,
    ];
    let report = writer.write(0, &rows.join("\n")).unwrap();
    assert_eq!(report.written, 1);
    let words: Vec<_> = report.failed.iter().map(|row| (row.row, row.code.as_str())).collect();
    let wanted = ["not-a-json-object", "wrong-type", "no-key", "no-key", "key-too-long", "refused", "wrong-type", "unknown-field"];
    assert_eq!(words, (0..).zip(wanted).collect::<Vec<_>>());
}

#[test]
fn a_target_that_cannot_be_is_refused_when_opening() {
    let company = Company::with(1);
    let _host = host(&company);
    let message = |target: Target| Writer::<TrytonDestination>::open(CONFIG, vec![target]).unwrap_err().to_string();
    assert!(message(target("addresses", &["id"], &["id"])).contains("only parties and contact_mechanisms"));
    assert!(message(Target { mode: Mode::Append, ..target("parties", &["code"], &["code"]) }).contains("use the mode upsert"));
    assert!(message(target("parties", &[], &["code"])).contains("the primary key needs code"));
    assert!(message(target("parties", &["name"], &["name"])).contains("the primary key needs code"));
    assert!(message(target("parties", &["code"], &["code", "iban"])).contains("there is no field `iban`"));
    assert!(message(target("contact_mechanisms", &["type"], &["type"])).contains("the primary key needs party or party_code"));
}

#[test]
fn trouble_with_the_server_ends_the_batch_with_the_right_error() {
    for (status, is_right) in [
        (401, (|error| matches!(error, Error::Auth(_))) as fn(&Error) -> bool),
        (409, |error| matches!(error, Error::Transient { .. })),
        (503, |error| matches!(error, Error::Transient { .. })),
    ] {
        let company = Company::with(1);
        let _host = host(&company);
        let mut writer = open("parties", &["code"], &["code"]).unwrap();
        company.borrow_mut().odd.push(Answer::status(status));
        let error = writer.write(0, r#"{"code":"1"}"#).unwrap_err();
        assert!(is_right(&error), "{error}");
    }
}
