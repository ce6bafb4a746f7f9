//! Who vouches for a connector: an in-toto statement that names the digest of its manifest, in a DSSE envelope signed with Ed25519.
//!
//! The statement is bound to a name and a version: a signature of one cannot be put under another.

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::key_file::{FileKey, Purpose};

const PUBLIC_HEAD: &str = "ed25519:";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "hub/plugin/v1";
/// Characters of a foreign name in a message.
const MAX_SHOWN: usize = 64;
/// Signatures that are looked at in one envelope.
const MAX_SIGNATURES: usize = 16;

/// A publisher's key.
pub type PublisherKey = FileKey<Publishing>;

/// Vouching for connectors.
pub enum Publishing {}

impl Purpose for Publishing {
    const HEAD: &'static str = "hub-publisher-key-1 ";
    const NAME: &'static str = "PublisherKey";
}

/// What a publisher says: these bytes are this version of this connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Name of the connector.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Hex SHA-256 of its manifest in the registry.
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
struct InToto {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: Sha256Digest,
}

#[derive(Serialize, Deserialize)]
struct Sha256Digest {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Predicate {
    version: String,
}

/// A DSSE envelope, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    #[serde(rename = "payloadType")]
    pub(super) payload_type: String,
    pub(super) payload: String,
    pub(super) signatures: Vec<Signature>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Signature {
    keyid: String,
    sig: String,
}

/// Why nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// Not the form of one.
    #[error("the signature has not the form of one")]
    Form,
    /// No key that is trusted signed it.
    #[error("it is signed by {}, whom nobody trusts for it", signers(.0))]
    Untrusted(Vec<String>),
    /// The signature does not fit the text.
    #[error("the signature is not of the key that it names")]
    Forged,
    /// It vouches for something else.
    #[error("the signature is of {0}")]
    Other(String),
}

fn signers(keys: &[String]) -> String {
    if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") }
}

impl Envelope {
    /// Signs a statement.
    #[must_use]
    pub fn sign(key: &PublisherKey, statement: &Statement) -> Self {
        let said = InToto {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject { name: statement.name.clone(), digest: Sha256Digest { sha256: statement.digest.clone() } }],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate { version: statement.version.clone() },
        };
        // A structure of texts always has a JSON form.
        let payload = serde_json::to_vec(&said).unwrap_or_default();
        let sig = BASE64.encode(key.sign(&encoded(PAYLOAD_TYPE, &payload)).as_ref());
        let signatures = vec![Signature { keyid: key_text(&key.public()), sig }];
        Self { payload_type: PAYLOAD_TYPE.to_owned(), payload: BASE64.encode(&payload), signatures }
    }

    /// Its JSON.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// Not the form of one.
    pub fn parse(json: &[u8]) -> Result<Self, BadSignature> {
        serde_json::from_slice(json).map_err(|_| BadSignature::Form)
    }

    /// Answers with the trusted key that vouches for exactly this.
    ///
    /// # Errors
    /// Nobody does; why.
    pub fn verify(&self, expected: &Statement, trusted: &[[u8; 32]]) -> Result<[u8; 32], BadSignature> {
        let payload = BASE64.decode(self.payload.as_bytes()).map_err(|_| BadSignature::Form)?;
        let text = encoded(&self.payload_type, &payload);
        let mut named = Vec::new();
        for signature in self.signatures.iter().take(MAX_SIGNATURES) {
            let key = parse_key(&signature.keyid).ok_or(BadSignature::Form)?;
            if !trusted.contains(&key) {
                named.push(key_text(&key));
                continue;
            }
            let bytes = BASE64.decode(signature.sig.as_bytes()).map_err(|_| BadSignature::Form)?;
            UnparsedPublicKey::new(&ED25519, &key).verify(&text, &bytes).map_err(|_| BadSignature::Forged)?;
            // Only what somebody trusted has signed is read.
            return of_payload(&self.payload_type, &payload, expected).map(|()| key);
        }
        Err(BadSignature::Untrusted(named))
    }
}

fn of_payload(payload_type: &str, payload: &[u8], expected: &Statement) -> Result<(), BadSignature> {
    let said: InToto = serde_json::from_slice(payload).map_err(|_| BadSignature::Form)?;
    let [subject] = &said.subject[..] else { return Err(BadSignature::Form) };
    if payload_type != PAYLOAD_TYPE || said.kind != STATEMENT_TYPE || said.predicate_type != PREDICATE_TYPE {
        return Err(BadSignature::Form);
    }
    let found = Statement { name: subject.name.clone(), version: said.predicate.version, digest: subject.digest.sha256.clone() };
    if found == *expected {
        return Ok(());
    }
    let shown = |text: &str| text.chars().filter(|character| !character.is_control()).take(MAX_SHOWN).collect::<String>();
    Err(BadSignature::Other(format!("{} {}, sha256:{}", shown(&found.name), shown(&found.version), shown(&found.digest))))
}

/// What is signed: type and payload, each behind its length.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// `ed25519:HEX`.
#[must_use]
pub fn key_text(key: &[u8; 32]) -> String {
    format!("{PUBLIC_HEAD}{}", HEXLOWER.encode(key))
}

/// Reads `ed25519:HEX`.
#[must_use]
pub fn parse_key(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.strip_prefix(PUBLIC_HEAD)?.as_bytes()).ok()?.try_into().ok()
}
