//! A connector as an OCI artifact in the layout of the CNCF for WebAssembly: a configuration and one layer, the component. A signature and a list of what it is
//! made of are artifacts of their own beside it, found by tags that name its digest, since common registries know no referrers.

use hub_core::description::{Description, component_names};
use hub_core::plugin::{BadSignature, Envelope, PublisherKey, Reference, Statement, is_digest, is_version};
use hub_core::problem::{Code, Problem};
use serde_json::{Value, json};

use super::{Client, MAX_TEXT_BYTES, Trust, failed, hex, wanted};

/// Media type of every manifest that is read or written.
pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";
const SIGNATURE_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";
const LICENCE: &str = "org.opencontainers.image.licenses";
const VERSION: &str = "org.opencontainers.image.version";
const CONFORMANCE: &str = "dev.hub.conformance";
const REPORT: &str = "dev.hub.conformance.report";
/// Characters of a summary that a registry tells.
const MAX_SUMMARY_CHARACTERS: usize = 300;
/// The greatest size of a component.
const MAX_COMPONENT_BYTES: u64 = 64 << 20;

/// A connector on its way into a registry.
pub struct Artifact<'a> {
    /// The component.
    pub component: &'a [u8],
    /// What it says about itself.
    pub description: &'a Description,
    /// SPDX expression, if its author names one.
    pub licence: Option<&'a str>,
    /// JSON document of what it is made of (CycloneDX or SPDX), if there is one.
    pub materials: Option<&'a [u8]>,
    /// How the checks of the standard went, if its author tried them.
    pub conformance: Option<Conformance<'a>>,
    /// When it is published, RFC 3339.
    pub created: &'a str,
}

/// How the checks of a component went.
#[derive(Clone, Copy, Debug)]
pub struct Conformance<'a> {
    /// In one line.
    pub summary: &'a str,
    /// The whole report, JSON.
    pub report: &'a [u8],
}

/// A connector that lies in a registry now.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where, with its tag.
    pub reference: Reference,
    /// Hex SHA-256 of its manifest.
    pub digest: String,
}

/// A connector that was fetched whole and proven.
pub struct Found {
    /// Hex SHA-256 of its manifest.
    pub digest: String,
    /// The component.
    pub component: Vec<u8>,
    /// SPDX expression.
    pub licence: Option<String>,
    /// The signature, as it stands in the registry.
    pub envelope: Option<Vec<u8>>,
    /// Something beside it says what it is made of.
    pub has_materials: bool,
    /// How the checks of the standard went, as its publisher says in what is signed.
    pub conformance: Option<String>,
}

/// Puts a connector, its signature and its materials under `NAME:VERSION`. A version that is there is never replaced by other bytes.
///
/// # Errors
/// E323; E211 if the version is there with other bytes.
pub async fn publish(
    client: &Client,
    target: &Reference,
    artifact: &Artifact<'_>,
    key: Option<&PublisherKey>,
) -> Result<Published, Problem> {
    let name = &target.name;
    let version = &artifact.description.version;
    if !is_version(version) {
        return Err(failed(format!("`{version}` is no version that can be a tag: MAJOR.MINOR.PATCH")));
    }
    let config = configuration(artifact).to_string().into_bytes();
    let manifest = manifest(artifact, &config).to_string().into_bytes();
    let there = client.manifest(name, version).await?;
    if there.as_ref().is_some_and(|there| layer_digest(there) != Some(hex(artifact.component))) {
        let title = format!("`{name}:{version}` is in the registry with other bytes: a version never changes");
        return Err(Problem::new(Code::E211, title, "give the connector a new version and publish that"));
    }
    // What was published before keeps its manifest, which names its own date.
    let digest = hex(there.as_ref().unwrap_or(&manifest));
    if let Some(key) = key {
        let statement = Statement { name: artifact.description.name.clone(), version: version.clone(), digest: digest.clone() };
        let envelope = Envelope::sign(key, &statement).text();
        beside(client, name, &digest, "sig", SIGNATURE_TYPE, envelope.as_bytes()).await?;
    }
    if let Some(materials) = artifact.materials {
        beside(client, name, &digest, "sbom", "application/json", materials).await?;
    }
    if let Some(conformance) = artifact.conformance {
        beside(client, name, &digest, "conformance", "application/json", conformance.report).await?;
    }
    if there.is_none() {
        client.put_blob(name, artifact.component).await?;
        client.put_blob(name, &config).await?;
        // Last: whoever sees the version sees all of it, signature included.
        client.put_manifest(name, version, &manifest).await?;
    }
    Ok(Published { reference: Reference { tag: Some(version.clone()), digest: None, ..target.clone() }, digest })
}

/// Fetches a connector whole: manifest, component, signature. Everything is what its digest says; who signed it is for [`vouched_for`] to say.
///
/// # Errors
/// E323.
pub async fn fetch(client: &Client, reference: &Reference) -> Result<Found, Problem> {
    let name = &reference.name;
    let which = wanted(reference).ok_or_else(|| failed(format!("`{reference}` names neither a version nor a whole digest")))?;
    let manifest = client.manifest(name, &which).await?.ok_or_else(|| failed(format!("there is no `{reference}`")))?;
    let digest = hex(&manifest);
    if reference.digest.as_ref().is_some_and(|wanted| *wanted != digest) {
        return Err(failed(format!("`{reference}` is sha256:{digest}")));
    }
    let document: Value = serde_json::from_slice(&manifest).map_err(|_| failed(format!("the manifest of `{reference}` is no JSON")))?;
    let (layer, size) = only_layer(&document, LAYER_TYPE)
        .ok_or_else(|| failed(format!("`{reference}` is no connector: it has not one layer `{LAYER_TYPE}`")))?;
    let component = client.blob(name, &layer, size, MAX_COMPONENT_BYTES).await?;
    let (licence, conformance) = (note(&document, LICENCE), note(&document, CONFORMANCE));
    let envelope = fetch_beside(client, name, &digest, "sig", SIGNATURE_TYPE).await?;
    let has_materials = client.manifest(name, &tag_beside(&digest, "sbom")).await?.is_some();
    Ok(Found { digest, component, licence, envelope, has_materials, conformance })
}

impl Found {
    /// The key of whoever vouches for it.
    ///
    /// # Errors
    /// E508: nobody whom this machine trusts for its place.
    pub fn signer(&self, repository: &str, description: &Description, trust: &Trust) -> Result<[u8; 32], Problem> {
        let statement = Statement { name: description.name.clone(), version: description.version.clone(), digest: self.digest.clone() };
        let verified = match &self.envelope {
            None => Err(BadSignature::Untrusted(Vec::new())),
            Some(envelope) => Envelope::parse(envelope).and_then(|envelope| envelope.verify(&statement, &trust.keys_for(repository))),
        };
        verified.map_err(|bad| {
            let title = format!("connector `{}` {} of `{repository}` is not vouched for: {bad}", description.name, description.version);
            let help = format!("if you know whose key it is: `hub plugin trust ed25519:… --namespace {repository} --name NAME`");
            Problem::new(Code::E508, title, help)
        })
    }
}

/// Puts something beside a manifest, under a tag that names its digest.
async fn beside(client: &Client, name: &str, digest: &str, what: &str, kind: &str, bytes: &[u8]) -> Result<(), Problem> {
    client.put_blob(name, EMPTY).await?;
    client.put_blob(name, bytes).await?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": kind,
        "config": { "mediaType": EMPTY_TYPE, "digest": format!("sha256:{}", hex(EMPTY)), "size": EMPTY.len() },
        "layers": [{ "mediaType": kind, "digest": format!("sha256:{}", hex(bytes)), "size": bytes.len() }],
    });
    client.put_manifest(name, &tag_beside(digest, what), manifest.to_string().as_bytes()).await
}

async fn fetch_beside(client: &Client, name: &str, digest: &str, what: &str, kind: &str) -> Result<Option<Vec<u8>>, Problem> {
    let Some(manifest) = client.manifest(name, &tag_beside(digest, what)).await? else { return Ok(None) };
    let document: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let Some((layer, size)) = only_layer(&document, kind) else { return Ok(None) };
    client.blob(name, &layer, size, MAX_TEXT_BYTES).await.map(Some)
}

fn tag_beside(digest: &str, what: &str) -> String {
    format!("sha256-{digest}.{what}")
}

/// Digest (hex) and size of the one layer of a kind; none if there is another number of layers.
fn only_layer(manifest: &Value, kind: &str) -> Option<(String, u64)> {
    let [layer] = manifest.get("layers")?.as_array()?.as_slice() else { return None };
    let digest = layer.get("digest")?.as_str()?.strip_prefix("sha256:").filter(|digest| is_digest(digest))?;
    (layer.get("mediaType")?.as_str()? == kind).then_some((digest.to_owned(), layer.get("size")?.as_u64()?))
}

fn layer_digest(manifest: &[u8]) -> Option<String> {
    only_layer(&serde_json::from_slice(manifest).ok()?, LAYER_TYPE).map(|(digest, _)| digest)
}

fn configuration(artifact: &Artifact<'_>) -> Value {
    let (imports, exports) = component_names(artifact.component);
    json!({
        "created": artifact.created,
        // The field's convention; the component itself imports nothing of WASI.
        "architecture": "wasm", "os": "wasip2",
        "layerDigests": [format!("sha256:{}", hex(artifact.component))],
        "component": { "imports": imports, "exports": exports, "target": null },
    })
}

fn manifest(artifact: &Artifact<'_>, config: &[u8]) -> Value {
    let mut notes = json!({
        "org.opencontainers.image.title": artifact.description.name,
        "org.opencontainers.image.description": artifact.description.summary,
        VERSION: artifact.description.version,
    });
    let said = [(LICENCE, artifact.licence), (CONFORMANCE, artifact.conformance.map(|conformance| conformance.summary))];
    for (key, said) in said {
        if let (Some(said), Some(notes)) = (said, notes.as_object_mut()) {
            notes.insert(key.to_owned(), json!(said));
        }
    }
    if let (Some(conformance), Some(notes)) = (artifact.conformance, notes.as_object_mut()) {
        notes.insert(REPORT.to_owned(), json!(format!("sha256:{}", hex(conformance.report))));
    }
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": { "mediaType": CONFIG_TYPE, "digest": format!("sha256:{}", hex(config)), "size": config.len() },
        "layers": [{ "mediaType": LAYER_TYPE, "digest": format!("sha256:{}", hex(artifact.component)), "size": artifact.component.len() }],
        "annotations": notes,
    })
}

/// What a registry says of a connector, unproven: enough to choose by.
pub struct About {
    /// Its newest version.
    pub newest: String,
    /// All of them.
    pub versions: Vec<String>,
    /// One sentence.
    pub summary: String,
    /// SPDX expression.
    pub licence: Option<String>,
    /// How the checks of the standard went, as its publisher says.
    pub conformance: Option<String>,
    /// There is a signature, whoever made it.
    pub signed: bool,
}

/// None if there is no version, or if it is no connector.
///
/// # Errors
/// E323.
pub async fn about(client: &Client, reference: &Reference) -> Result<Option<About>, Problem> {
    let name = &reference.name;
    let versions: Vec<String> = client.tags(name).await?.into_iter().filter(|tag| is_version(tag)).collect();
    let Some(newest) = super::newest(&versions).cloned() else { return Ok(None) };
    let Some(bytes) = client.manifest(name, &newest).await? else { return Ok(None) };
    let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if only_layer(&document, LAYER_TYPE).is_none() {
        return Ok(None);
    }
    let note = |key: &str| note(&document, key);
    let signed = client.manifest(name, &tag_beside(&hex(&bytes), "sig")).await?.is_some();
    let summary = note("org.opencontainers.image.description").unwrap_or_default();
    Ok(Some(About { newest, versions, summary, licence: note(LICENCE), conformance: note(CONFORMANCE), signed }))
}

/// What a manifest says of itself, as it may be shown.
fn note(manifest: &Value, key: &str) -> Option<String> {
    let text = manifest.get("annotations")?.get(key)?.as_str()?;
    Some(text.chars().filter(|character| !character.is_control()).take(MAX_SUMMARY_CHARACTERS).collect())
}

/// Copies a version with everything beside it, byte by byte: its digest and signature stay what they are.
///
/// # Errors
/// E323; E211 if the version is there with other bytes.
pub async fn mirror(source: &Client, from: &Reference, target: &Client, to: &Reference) -> Result<Published, Problem> {
    let which = wanted(from).ok_or_else(|| failed(format!("`{from}` names no version")))?;
    let manifest = source.manifest(&from.name, &which).await?.ok_or_else(|| failed(format!("there is no `{from}`")))?;
    let digest = hex(&manifest);
    let tag = from.tag.clone().ok_or_else(|| failed(format!("`{from}` names no version")))?;
    if target.manifest(&to.name, &tag).await?.is_some_and(|there| hex(&there) != digest) {
        let title = format!("`{}:{tag}` is there with other bytes: a version never changes", to.repository());
        return Err(Problem::new(Code::E211, title, "find out which of the two is right"));
    }
    for what in ["sig", "sbom", "conformance"] {
        let beside = tag_beside(&digest, what);
        if let Some(manifest) = source.manifest(&from.name, &beside).await? {
            copy(source, from, target, to, &beside, &manifest).await?;
        }
    }
    copy(source, from, target, to, &tag, &manifest).await?;
    Ok(Published { reference: Reference { tag: Some(tag), digest: None, ..to.clone() }, digest })
}

async fn copy(source: &Client, from: &Reference, target: &Client, to: &Reference, tag: &str, manifest: &[u8]) -> Result<(), Problem> {
    let document: Value = serde_json::from_slice(manifest).map_err(|_| failed(format!("the manifest of `{from}` is no JSON")))?;
    let layers = document.get("layers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for part in document.get("config").into_iter().chain(layers) {
        let digest = part.get("digest").and_then(Value::as_str).and_then(|digest| digest.strip_prefix("sha256:"));
        let (Some(digest), Some(size)) = (digest.filter(|digest| is_digest(digest)), part.get("size").and_then(Value::as_u64)) else {
            return Err(failed(format!("`{from}` names a part without digest or size")));
        };
        let bytes = source.blob(&from.name, digest, size, MAX_COMPONENT_BYTES).await?;
        target.put_blob(&to.name, &bytes).await?;
    }
    target.put_manifest(&to.name, tag, manifest).await
}
