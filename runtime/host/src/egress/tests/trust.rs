//! Who answers, from where, and how a login travels: certificates, regions, steps down from TLS.

use std::net::TcpListener;

use url::Url;

use super::*;

/// A TLS server with a certificate of its own for these names; it answers nobody who does not trust it.
fn self_signed(names: &[&str]) -> u16 {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut tls) = (stream.unwrap(), rustls::ServerConnection::new(Arc::new(config.clone())).unwrap());
            // The client breaks off when it has seen the certificate.
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        }
    });
    port
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_ends_the_run() {
    let port = self_signed(&["localhost", "127.0.0.1"]);
    for host in ["localhost", "127.0.0.1"] {
        let world = world(&format!("hosts = [\"https://{host}:{port}\"]"));
        let run = world.run();
        let answer = fetch(&run, get(format!("https://{host}:{port}/a?secret=1"))).await;
        assert_eq!(refusal(&run, &answer), Code::E402);
        let problem = run.refusal().unwrap();
        assert!(problem.title.contains(host) && problem.title.contains("`here`") && problem.title.contains("trusts"), "{problem}");
        assert!(!problem.title.contains("secret") && problem.help.contains("authority"), "{problem}");
        assert_eq!(world.notes.denied(), [Code::E402], "it is on record");
        assert!(matches!(fetch(&run, get(format!("https://{host}:{port}/"))).await, Err(FetchError::Ended(_))), "nothing more is sent");
    }
}

/// Sends everything for a TLS origin to a server of the test.
struct Detour(u16);

impl Lookup for Detour {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Err(io::Error::other("nobody looks names up here")) })
    }

    fn detour(&self, url: &Url) -> Option<Url> {
        let local = Url::parse(&format!("http://127.0.0.1:{}{}", self.0, url.path())).unwrap();
        (url.scheme() == "https").then_some(local)
    }
}

#[tokio::test]
async fn a_login_is_never_redirected_from_tls_to_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cr3t-t0ken").unwrap();
    let plain = serve(&[ok("{}")]);
    let target = format!("{}/next", plain.origin());
    let safe = serve(&[moved(307, &target), moved(302, "http://api.example.org/"), moved(307, &target)]);
    let scheme = "scheme = \"basic\", user = \"hub\", value = { file = \"token\" }";
    let grants = format!("hosts = [\"https://api.example.org\", {:?}]\ncredentials.api = {{ {scheme} }}", plain.origin());
    for _ in 0..2 {
        let mut world = world_in(folder.path(), &grants);
        world.lookup = Arc::new(Detour(safe.port));
        let run = world.run();
        let answer = fetch(&run, Fetch { credential: Some("api".into()), ..get("https://api.example.org/a") }).await;
        assert_eq!(refusal(&run, &answer), Code::E403);
        assert_eq!(world.notes.denied(), [Code::E403]);
    }
    assert_eq!(plain.count(), 0, "nothing was sent, with or without the login");
    let mut world = world_in(folder.path(), &grants);
    world.lookup = Arc::new(Detour(safe.port));
    fetch(&world.run(), get("https://api.example.org/a")).await.unwrap();
    assert!(!plain.seen(0).contains("authorization"), "without a login the address decides");
}

fn from_region(values: &[&str], body: &str) -> String {
    let headers: String = values.iter().map(|value| format!("X-Data-Region: {value}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn an_answer_from_another_region_reaches_nobody() {
    let region = "region = { header = \"x-data-region\", is = \"eu-central-1\" }";
    let body = r#"{"data":[{"id":1}]}"#;
    let server = serve(&[
        from_region(&["eu-central-1"], body),
        from_region(&["us-east-1"], body),
        from_region(&[], body),
        from_region(&["eu-central-1", "us-east-1"], body),
        from_region(&["eu-central-1"], body).replace("200 OK", "503 Busy"),
        moved(302, "/next"),
    ]);
    let run = granting(&[&server], region).run();
    let response = fetch(&run, get(server.origin())).await.unwrap();
    assert_eq!(response.length(&run, "/data").await.unwrap(), Some(1));
    for told in ["`us-east-1`", "no header `x-data-region`", "`us-east-1`"] {
        let world = granting(&[&server], region);
        let run = world.run();
        let answer = fetch(&run, get(server.origin())).await;
        assert_eq!(refusal(&run, &answer), Code::E205);
        let problem = run.refusal().unwrap();
        assert!(problem.title.contains(told) && problem.title.contains("`eu-central-1`") && !problem.labels.is_empty(), "{problem}");
        assert_eq!(world.notes.denied(), [Code::E205]);
    }
    let run = granting(&[&server], region).run();
    assert_eq!(fetch(&run, get(server.origin())).await.unwrap().status(), 503, "a failure from the right place is the connector's");
    let answer = fetch(&run, get(server.origin())).await;
    assert_eq!(refusal(&run, &answer), Code::E205, "a redirect has to prove it as well");
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn only_the_named_origins_have_to_prove_a_region() {
    let (api, login) = (serve(&[from_region(&["eu"], "{}")]), serve(&[ok("{}")]));
    let region = format!("region = {{ header = \"x-data-region\", is = \"eu\", origins = [{:?}] }}", api.origin());
    let run = granting(&[&api, &login], &region).run();
    fetch(&run, get(api.origin())).await.unwrap();
    fetch(&run, get(login.origin())).await.unwrap();
}

#[tokio::test]
async fn a_redirect_to_a_system_in_another_country_is_not_followed() {
    let server = serve(&[moved(307, "https://us.example.org/data")]);
    let place = "role = \"own\"\nhosting = { country = \"DE\" }";
    let other = "[system.abroad]\nconnector = \"builtin:test\"\nrole = \"own\"\nhosting = { country = \"US\" }\nhosts = [\"https://us.example.org\"]";
    let world = granting(&[&server], &format!("{place}\n{other}"));
    let run = world.run();
    let answer = fetch(&run, get(server.origin())).await;
    assert_eq!(refusal(&run, &answer), Code::E205);
    let problem = run.refusal().unwrap();
    assert!(problem.title.contains("`abroad`") && problem.title.contains("US"), "{problem}");
}
