//! A real registry on 127.0.0.1 with a folder and a port of its own, ended with this value; and a proxy before it that breaks on demand.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// The one account, where there is one.
pub const USER: &str = "hub";
/// Invented; the server lives as long as the test.
pub const PASSWORD: &str = "planted-registry-password-4711";
/// bcrypt, which is all that this server takes.
const ENTRY: &str = "hub:$2b$04$LppsN6GTJ02O2dd8iORTweG85s9tlK3lvPrCEXKRuRl1N/oUFQG1K\n";

/// The server of Debian's package `docker-registry`.
pub struct Registry {
    folder: tempfile::TempDir,
    server: Child,
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Certificate (PEM) of who signed the server's, if it speaks TLS.
    pub authority: Option<String>,
}

impl Registry {
    /// A server for everybody, without TLS.
    pub fn open() -> Self {
        Self::start(false)
    }

    /// A server with TLS and one account.
    pub fn guarded() -> Self {
        Self::start(true)
    }

    fn start(guarded: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut text = format!("version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n", at("data"));
        let mut http = format!("http: {{ addr: \"127.0.0.1:{port}\"");
        let authority = guarded.then(|| {
            let (authority, certificate, key) = certificate();
            for (name, content) in [("certificate.pem", &*certificate), ("key.pem", &*key), ("accounts", ENTRY)] {
                std::fs::write(folder.path().join(name), content).unwrap();
            }
            http += &format!(", tls: {{ certificate: {}, key: {} }}", at("certificate.pem"), at("key.pem"));
            text += &format!("auth: {{ htpasswd: {{ realm: hub, path: {} }} }}\n", at("accounts"));
            authority
        });
        std::fs::write(folder.path().join("config.yml"), format!("{text}{http} }}\n")).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(folder.path().join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().expect("docker-registry is installed: apt-get install docker-registry");
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "docker-registry did not start within half a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { folder, server, port, authority }
    }

    /// `oci://HOST:PORT/PATH`; the name is in its certificate.
    pub fn place(&self, path: &str) -> String {
        format!("oci://localhost:{}/{path}", self.port)
    }

    /// Where the server keeps the bytes with a digest (hex).
    pub fn stored(&self, digest: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{digest}/data", &digest[..2]))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// An authority's certificate, and certificate and key of a server `localhost`.
fn certificate() -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Muster CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    (authority, certificate.pem(), own.serialize_pem())
}

/// Hands bytes on to a server, each way, until so many have come from one side; then it breaks the connection and takes no other.
pub struct Breaking {
    /// Port on 127.0.0.1.
    pub port: u16,
    left: Arc<AtomicUsize>,
}

impl Breaking {
    /// `bytes` may pass from whoever connects (`upwards`), or from the server.
    pub fn before(server: u16, bytes: usize, upwards: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicUsize::new(bytes));
        let counted = Arc::clone(&left);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if counted.load(Ordering::SeqCst) == 0 {
                    let _ = client.shutdown(Shutdown::Both);
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let unlimited = Arc::new(AtomicUsize::new(usize::MAX));
                let (up, down) = if upwards { (Arc::clone(&counted), unlimited) } else { (unlimited, Arc::clone(&counted)) };
                let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(client, server, &up));
                std::thread::spawn(move || pass(server_too, client_too, &down));
            }
        });
        Self { port, left }
    }

    /// True once it broke.
    pub fn broke(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicUsize) {
    let mut buffer = [0_u8; 4096];
    while let Ok(read) = from.read(&mut buffer) {
        let may = left.load(Ordering::SeqCst).min(read);
        if read == 0 || to.write_all(&buffer[..may]).is_err() {
            break;
        }
        if left.fetch_sub(may, Ordering::SeqCst) == may {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
