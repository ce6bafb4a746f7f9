//! Connectors from registries: published, signed, installed, pinned. What is not exactly what was pinned and vouched for does not run.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::{Outcome, Program, connectors};
use crate::support::registry::{Breaking, PASSWORD, Registry, USER};
use crate::support::story::{ARCHIVE, HEAD, PURPOSE, flow};

const LICENCE: [&str; 2] = ["--licence", "Apache-2.0"];

/// A manifest whose source is an installed connector.
fn manifest() -> String {
    let crm = "\n[system.crm]\nconnector = \"plugin:sample\"\nconfig = { records = 50 }\ncollected_for = [\"care\"]\n";
    [HEAD, PURPOSE, crm, ARCHIVE, &flow("contacts", "crm.contacts", "archive.contacts", "fields = [\"id\", \"email\"]\nmode = \"append\"")]
        .concat()
}

/// A folder with that manifest. Each has settings of its own: neither the key nor the trust of another one.
fn program() -> Program {
    Program::with_manifest(&manifest())
}

/// The component `sample` with another description.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let component = std::fs::read(connectors().join("sample.wasm")).unwrap();
    let mut out = component[..8].to_vec();
    let (mut at, mut change) = (8, Some(change));
    while at < component.len() {
        let (length, begin) = leb(&component, at + 1);
        let body = &component[begin..begin + length];
        let (name_length, name) = leb(body, 0);
        if component[at] == 0 && &body[name..name + name_length] == b"hub:manifest" {
            let mut description: Value = serde_json::from_slice(&body[name + name_length..]).unwrap();
            change.take().unwrap()(&mut description);
            let body = [&[12][..], b"hub:manifest", description.to_string().as_bytes()].concat();
            out.push(0);
            out.extend(leb_of(body.len()));
            out.extend(body);
        } else {
            out.extend(&component[at..begin + length]);
        }
        at = begin + length;
    }
    assert!(change.is_none(), "it has a description");
    out
}

fn leb(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let (mut value, mut shift) = (0, 0);
    loop {
        value |= usize::from(bytes[at] & 0x7f) << shift;
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            return (value, at);
        }
        shift += 7;
    }
}

fn leb_of(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn version(version: &str) -> Vec<u8> {
    changed(|description| description["version"] = json!(version))
}

/// A version that claims to speak HTTP to a host as well.
fn wider(version: &str) -> Vec<u8> {
    changed(|description| {
        description["version"] = json!(version);
        description["imports"].as_array_mut().unwrap().push(json!("http"));
        description["hosts"] = json!(["https://collector.example.org"]);
    })
}

fn publish(program: &Program, component: &[u8], place: &str) -> Outcome {
    program.write("new.wasm", component);
    program.run(&[&["publish", "new.wasm", place][..], &LICENCE].concat())
}

/// A folder registry with version 0.1.0, installed.
fn installed() -> Program {
    let program = program();
    program.run(&[&["publish", "builtin:sample", "dir:registry"][..], &LICENCE].concat()).ends(0).prints("signed by  ed25519:");
    program.run(&["plugin", "install", "dir:registry/sample"]).ends(0).prints("plugin:sample");
    program
}

fn key_of(program: &Program) -> String {
    let published = program.run(&["publish", "builtin:sample", "dir:registry"]).ends(0).stdout;
    published.split_whitespace().find(|word| word.starts_with("ed25519:")).unwrap().to_owned()
}

fn pinned(program: &Program) -> Value {
    program.run(&["plugin", "list", "-o", "json"]).ends(0).json()["plugins"][0].clone()
}

fn nothing_installed(program: &Program) {
    assert!(!program.has("hub.lock") && !program.has("hub-data/plugins"), "nothing of it is here");
}

#[test]
fn published_installed_pinned_and_run() {
    let program = installed();
    let pin = pinned(&program);
    assert_eq!((&pin["name"], &pin["state"], &pin["licence"]), (&json!("sample"), &json!("here"), &json!("Apache-2.0")));
    program.run(&["check"]).ends(0);
    program.run(&["run"]).ends(0).says("50 records written");
    assert_eq!(program.records("out/contacts.ndjson").len(), 50);
    program.run(&["plugin", "verify", "--locked"]).ends(0).prints("1 connectors are what the lock pins");
    program.run(&["plugin", "inspect", "dir:registry/sample:0.1.0"]).ends(0).prints("reads contacts");
    program.run(&["plugin", "search", "invented", "--in", "dir:registry"]).ends(0).prints("sample  0.1.0  signed  Apache-2.0");
    program.run(&["plugin", "search", "nowhere", "--in", "dir:registry"]).ends(0).prints("nothing was found");
    program.run(&["plugin", "remove", "sample"]).ends(2).says("serves the systems crm");
    // A clone of the project has the lock and not the data; wherever somebody stands, its registry is found.
    std::fs::remove_dir_all(program.path("hub-data")).unwrap();
    std::fs::create_dir(program.path("below")).unwrap();
    program
        .shell("cd below && hub plugin install --manifest ../manifest.toml && hub plugin update sample --manifest ../manifest.toml")
        .ends(0);
    std::fs::remove_dir_all(program.path("hub-data")).unwrap();
    program.run(&["run"]).ends(2).says("HUB-E007").says("hub plugin install");
    program.run(&["plugin", "install"]).ends(0).prints("sample 0.1.0 from dir:registry/sample:0.1.0");
    program.run(&["run"]).ends(0);
}

#[test]
fn what_is_not_pinned_does_not_run() {
    let program = program();
    program.run(&["run"]).ends(2).says("HUB-E007").says("is not installed");
    program.run(&["plugin", "verify", "--locked"]).ends(4).says("HUB-E211").says("which the lock does not pin");
    for (wrong, why) in
        [("sample", "begins with neither"), ("oci://Registry/x", "its host is none"), ("dir:registry/sample:9.9.9", "there is no")]
    {
        program.run(&["plugin", "install", wrong]).says(why);
    }
    nothing_installed(&program);
}

#[test]
fn a_stranger_installs_nothing_before_the_key_is_trusted() {
    let first = installed();
    let key = key_of(&first);
    let other = program();
    let from = format!("dir:{}/sample:0.1.0", first.path("registry").display());
    other.run(&["plugin", "install", &from]).ends(4).says("HUB-E508").says(&key);
    nothing_installed(&other);
    let forged = format!("ed25519:{}", "0".repeat(64));
    for (key, namespace) in [(&*key, "oci://registry.example.org/hub"), (&*forged, "dir:")] {
        other.run(&["plugin", "trust", key, "--namespace", namespace, "--name", "acme"]).ends(0);
        other.run(&["plugin", "install", &from]).ends(4).says("HUB-E508");
    }
    other.run(&["plugin", "trust", &key, "--namespace", "dir:", "--name", "acme"]).ends(0);
    other.run(&["plugin", "install", &from]).ends(0).prints("acme (trusted since ");
    other.run(&["plugin", "trust"]).ends(0).prints(&format!("acme  dir:  {key}"));
    other.run(&["plugin", "trust", &key, "--remove"]).ends(0);
    other.run(&["plugin", "verify"]).ends(0).prints("1 connectors");

    let unsigned = program();
    unsigned.run(&["publish", "builtin:sample", "dir:registry", "--unsigned"]).ends(0).prints("signed by  nobody");
    unsigned.run(&["plugin", "install", "dir:registry/sample"]).ends(4).says("HUB-E508").says("signed by nobody");
    unsigned.run(&["plugin", "install", "dir:registry/sample", "--unsigned"]).ends(0);
    assert_eq!(pinned(&unsigned)["signer"], Value::Null);
}

#[test]
fn changed_bytes_are_told_wherever_they_lie() {
    let program = installed();
    let pin = pinned(&program);
    let [component, digest] = ["component", "digest"].map(|key| pin[key].as_str().unwrap().to_owned());
    let kept = format!("hub-data/plugins/{component}.wasm");
    let good = std::fs::read(program.path(&kept)).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    program.write(&kept, &bad);
    program.run(&["run"]).ends(4).says("HUB-E211").says("the lock pins");
    program.run(&["plugin", "verify"]).ends(4).says("HUB-E211");
    assert!(!program.has("out/contacts.ndjson"));
    program.run(&["plugin", "install"]).ends(0);
    program.run(&["run"]).ends(0);

    program.write(&format!("registry/sample/blobs/sha256/{component}"), &bad);
    let other = self::program();
    let from = format!("dir:{}/sample:0.1.0", program.path("registry").display());
    other.run(&["plugin", "install", &from, "--unsigned"]).ends(1).says("HUB-E323").says("not what its digest");
    nothing_installed(&other);
    program.write(&format!("registry/sample/blobs/sha256/{component}"), &good);

    program.write(&format!("hub-data/plugins/{component}.sig.json"), "{}");
    program.run(&["plugin", "verify"]).ends(4).says("HUB-E508");
    let lock = program.read("hub.lock");
    let line = |digest: &str| format!("\ncomponent = \"{digest}\"");
    program.write("hub.lock", lock.replace(&line(&component), &line(&digest)));
    program.run(&["run"]).says("HUB-E007");
    program.write("hub.lock", lock.replace("name = \"sample\"", "name = \"../sample\""));
    program.run(&["run"]).ends(4).says("HUB-E505");
}

#[test]
fn an_older_version_is_not_taken_for_a_new_one() {
    let program = installed();
    publish(&program, &version("0.2.0"), "dir:registry").ends(0);
    program.run(&["plugin", "update", "sample"]).ends(0).prints("sample 0.2.0, 0.1.0 before");
    program.run(&["plugin", "install", "dir:registry/sample:0.1.0"]).ends(4).says("HUB-E211").says("is older than 0.2.0");
    assert_eq!(pinned(&program)["version"], "0.2.0");
    program.run(&["run"]).ends(0);
    // Somebody moves the tag of a new version to the old one.
    let index = program.read("registry/sample/index.json");
    let mut moved: Value = serde_json::from_str(&index).unwrap();
    let old = moved["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["annotations"]["org.opencontainers.image.ref.name"] == "0.1.0")
        .unwrap()
        .clone();
    moved["manifests"].as_array_mut().unwrap().push({
        let mut entry = old;
        entry["annotations"]["org.opencontainers.image.ref.name"] = json!("0.3.0");
        entry
    });
    program.write("registry/sample/index.json", moved.to_string());
    program.run(&["plugin", "update", "sample"]).ends(4).says("HUB-E508").says("holds version 0.1.0");
    // A version is published once.
    program.write("registry/sample/index.json", index);
    publish(&program, &changed(|description| description["summary"] = json!("Other.")), "dir:registry")
        .ends(4)
        .says("HUB-E211")
        .says("a version never changes");
    program.run(&["plugin", "update", "sample", "--to", "0.1.0", "--accept"]).ends(0).prints("0.2.0 before");
}

#[test]
fn a_version_that_may_do_more_is_shown_and_has_to_be_accepted() {
    let program = installed();
    publish(&program, &wider("0.2.0"), "dir:registry").ends(0);
    program
        .run(&["plugin", "update", "sample"])
        .ends(3)
        .says("HUB-E215")
        .says("+ interface http")
        .says("+ host https://collector.example.org")
        .says("--accept");
    let before = program.read("hub.lock");
    assert_eq!(pinned(&program)["version"], "0.1.0");
    program.run(&["plugin", "update", "sample", "--accept"]).ends(0).prints("https://collector.example.org");
    // Validly signed and present: what its lock does not name it may not have, and it is not started.
    let after = program.read("hub.lock");
    let value = |text: &str, key: &str| text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap().to_owned();
    let mut edited = after.clone();
    for key in ["hosts", "imports"] {
        edited = edited.replace(&value(&after, key), &value(&before, key));
    }
    program.write("hub.lock", edited);
    program
        .run(&["run"])
        .ends(4)
        .says("HUB-E211")
        .says("interface http is not in the lock")
        .says("host https://collector.example.org is not in the lock");
    assert!(!program.has("out/contacts.ndjson"));
}

#[test]
fn a_connector_goes_by_its_own_name() {
    let program = program();
    publish(&program, &changed(|description| description["name"] = json!("other")), "dir:registry").ends(0);
    std::fs::rename(program.path("registry/other"), program.path("registry/sample")).unwrap();
    program.run(&["plugin", "install", "dir:registry/sample:0.1.0"]).ends(4).says("HUB-E508").says("is called `other`");
    nothing_installed(&program);
}

fn login(program: &Program, registry: &Registry) -> Vec<String> {
    program.write("registry-password", format!("{PASSWORD}\n"));
    program.write("ca.pem", registry.authority.as_deref().unwrap());
    ["--user", USER, "--password-file", "registry-password", "--ca", "ca.pem"].map(str::to_owned).to_vec()
}

#[test]
fn a_registry_with_tls_and_a_login_serves_what_others_can_read() {
    let registry = Registry::guarded();
    let program = program();
    let login = login(&program, &registry);
    let with = |words: &[&str]| -> Outcome {
        let words: Vec<&str> = words.iter().copied().chain(login.iter().map(String::as_str)).collect();
        program.run(&words)
    };
    let place = registry.place("hub");
    with(&[&["publish", "builtin:sample", &place][..], &LICENCE].concat()).ends(0);
    with(&["plugin", "search", "--in", &place]).ends(0).prints("sample  0.1.0  signed");
    with(&["plugin", "install", &format!("{place}/sample:0.1.0")]).ends(0);
    program.run(&["run"]).ends(0).says("50 records written");
    let pin = pinned(&program);
    let digest = pin["digest"].as_str().unwrap();
    with(&["plugin", "install", &format!("{place}/sample@sha256:{digest}")]).ends(0).prints("was installed already");

    // Another client, which shares no code with us.
    let image = format!("docker://localhost:{}/hub/sample:0.1.0", registry.port);
    let certificates = program.path("certificates");
    std::fs::create_dir_all(&certificates).unwrap();
    std::fs::copy(program.path("ca.pem"), certificates.join("ca.crt")).unwrap();
    let skopeo = |words: &[&str]| {
        let ran =
            Command::new("skopeo").args(words).current_dir(program.folder()).output().expect("skopeo is installed: apt-get install skopeo");
        assert!(ran.status.success(), "skopeo {words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        ran.stdout
    };
    let account = format!("{USER}:{PASSWORD}");
    let raw = skopeo(&["inspect", "--raw", "--creds", &account, "--cert-dir", "certificates", &image]);
    program.write("manifest.json", &raw);
    let told = String::from_utf8(skopeo(&["manifest-digest", "manifest.json"])).unwrap();
    assert_eq!(told.trim(), format!("sha256:{digest}"), "both mean the same bytes");
    skopeo(&["copy", "--src-creds", &account, "--src-cert-dir", "certificates", &image, "oci:pulled:0.1.0"]);
    let component = pin["component"].as_str().unwrap();
    assert_eq!(
        std::fs::read(program.path(&format!("pulled/blobs/sha256/{component}"))).unwrap(),
        std::fs::read(connectors().join("sample.wasm")).unwrap()
    );

    with(&["plugin", "mirror", &format!("{place}/sample:0.1.0"), "dir:mirrored"]).ends(0).prints(digest);
    program.run(&["plugin", "install", "dir:mirrored/sample:0.1.0"]).ends(0);
    // Wrong in every way.
    let anonymous = ["plugin", "install", &*format!("{place}/sample:0.1.0"), "--ca", "ca.pem"];
    program.run(&anonymous).ends(1).says("HUB-E323").says("refused the login");
    program.write("registry-password", "another");
    with(&["plugin", "install", &format!("{place}/sample:0.1.0")]).ends(1).says("refused the login");
    program.run(&["plugin", "install", &format!("{place}/sample:0.1.0")]).ends(1).says("HUB-E323");
    let said = program.run(&["-vv", "plugin", "search", "--in", &place, "--ca", "ca.pem"]).stderr;
    assert!(!said.contains(PASSWORD), "{said}");
}

#[test]
fn a_registry_that_breaks_or_lies_leaves_nothing_by_halves() {
    let registry = Registry::open();
    let program = program();
    let place = registry.place("hub");
    let size = std::fs::metadata(connectors().join("sample.wasm")).unwrap().len();
    let size = usize::try_from(size).unwrap();
    // An upload that is cut: no version is there, and the next one works.
    let broken = Breaking::before(registry.port, size / 2, true);
    program.run(&["publish", "builtin:sample", &format!("oci://127.0.0.1:{}/hub", broken.port)]).ends(1).says("HUB-E323");
    assert!(broken.broke());
    program.run(&["plugin", "install", &format!("{place}/sample:0.1.0")]).ends(1).says("there is no");
    program.run(&["plugin", "search", "--in", &place]).ends(0).prints("nothing was found");
    program.run(&["publish", "builtin:sample", &place]).ends(0);
    // A download that is cut.
    let broken = Breaking::before(registry.port, size / 2, false);
    program.run(&["plugin", "install", &format!("oci://127.0.0.1:{}/hub/sample:0.1.0", broken.port)]).ends(1).says("HUB-E323");
    assert!(broken.broke());
    nothing_installed(&program);
    program.run(&["plugin", "install", &format!("{place}/sample:0.1.0")]).ends(0);
    let pin = pinned(&program);
    // A server whose stored bytes were changed.
    let component = pin["component"].as_str().unwrap().to_owned();
    let stored = registry.stored(&component);
    let mut bytes = std::fs::read(&stored).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&stored, bytes).unwrap();
    let before = program.read("hub.lock");
    std::fs::remove_dir_all(program.path("hub-data")).unwrap();
    program.run(&["plugin", "install"]).ends(1).says("HUB-E323");
    assert_eq!(program.read("hub.lock"), before);
    assert!(!program.has(&format!("hub-data/plugins/{component}.wasm")));
    drop(registry);
    program.run(&["plugin", "install"]).ends(1).says("HUB-E323").says("cannot be reached");
}
