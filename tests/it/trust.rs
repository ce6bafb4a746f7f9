//! Who answers and from where: certificates of an authority of the test's own, over real TLS, and regions.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;

use super::lowcode::source::{Source, manifest};
use crate::support::program::{Outcome, Program};
use crate::support::server::{Answer, Server};

const ITEM: &str = r#"{"items":[{"id":1,"name":"Erika"}]}"#;

/// An authority and the text of its certificate.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let text = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), text)
}

/// A TLS server that shows a certificate of the authority for a name and gives one item to whoever trusts it.
fn serve(issuer: &Issuer<'_, KeyPair>, name: &str, last_year: i32) -> u16 {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 12, 31);
    let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), stream);
            // Who does not trust the certificate sends no request.
            let request = BufReader::new(&mut tls).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            if request > 0 {
                let _ = write!(tls, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ITEM}", ITEM.len());
                let _ = tls.flush();
            }
        }
    });
    port
}

/// Runs the flow from a server on this machine, with this certificate as the only one that the machine trusts.
fn run(port: u16, trusted: &str) -> (Program, Outcome) {
    let mut program = Program::with_manifest(&manifest(&format!("https://localhost:{port}"), "", ""));
    program.write("source.yaml", Source::default().yaml());
    let file = program.write("trusted.pem", trusted);
    program.set("SSL_CERT_FILE", file.to_string_lossy());
    let outcome = program.run(&["run"]);
    (program, outcome)
}

#[test]
fn an_authority_of_the_operators_own_is_trusted_if_the_machine_trusts_it() {
    let (issuer, text) = authority("Muster CA");
    let (program, outcome) = run(serve(&issuer, "localhost", 2099), &text);
    outcome.ends(0);
    assert_eq!(program.records("out/items.ndjson"), [json!({ "id": 1, "name": "Erika" })]);
}

#[test]
fn a_certificate_that_proves_nothing_ends_the_run_with_its_reason() {
    let ((issuer, text), (_, other)) = (authority("Muster CA"), authority("Another CA"));
    for (port, trusted, reason) in [
        (serve(&issuer, "localhost", 2099), &other, "nobody whom this machine trusts"),
        (serve(&issuer, "localhost", 2021), &text, "it has expired"),
        (serve(&issuer, "elsewhere.example", 2099), &text, "it is for another name"),
    ] {
        let (program, outcome) = run(port, trusted);
        outcome.ends(3).says("HUB-E402").says("`localhost`").says(reason);
        assert!(program.records("out/items.ndjson").is_empty(), "nothing was written: {reason}");
        let denied = program.audit().iter().filter(|entry| entry["kind"] == "flow.denied" && entry["code"] == "HUB-E402").count();
        assert_eq!(denied, 1, "{reason}");
    }
}

#[test]
fn an_answer_from_another_region_ends_the_run() {
    for (region, code) in [("eu-central-1", 0), ("us-east-1", 3)] {
        let server = Server::start(move |_, _| Answer::json(&serde_json::from_str(ITEM).unwrap()).header("X-Data-Region", region));
        let stated = "region = { header = \"x-data-region\", is = \"eu-central-1\" }\n";
        let program = Program::with_manifest(&manifest(&server.origin(), "", stated));
        program.write("source.yaml", Source::default().yaml());
        let outcome = program.run(&["run"]).ends(code);
        assert_eq!(program.records("out/items.ndjson").len(), usize::from(code == 0));
        if code != 0 {
            outcome.says("HUB-E205").says("`us-east-1`").says("`eu-central-1`");
        }
    }
}
