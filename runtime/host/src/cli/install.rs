//! `hub plugin install|update|remove|list|verify`: which connectors from registries count here, pinned in the lock. Runs none of them.

use std::path::Path;

use clap::Args;
use hub_core::description::claimed_capability;
use hub_core::manifest::ConnectorRef;
use hub_core::plugin::{Envelope, Pin, Reference, Statement, parse_key};
use hub_core::problem::{Code, Problem, Problems, Sources};
use serde_json::json;

use super::registry::{Access, Beside, HERE, Offer, kept, newest, offer, reference};
use super::{Failure, Output, load, lock, print_json, print_text};
use crate::config::Config;
use crate::registry::{self, hex};

#[derive(Args, Debug)]
pub(super) struct Install {
    /// `oci://HOST/NAME:VERSION` or `dir:FOLDER/NAME:VERSION`, with or without a version; absent = everything that the lock pins
    reference: Option<String>,
    #[command(flatten)]
    beside: Beside,
    #[command(flatten)]
    access: Access,
    /// Install it even if nobody vouches for it
    #[arg(long)]
    unsigned: bool,
    /// Install it even if it is older, other or does more than what is pinned now
    #[arg(long)]
    accept: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// Its name
    name: String,
    /// To this version; absent = the newest
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    #[command(flatten)]
    beside: Beside,
    #[command(flatten)]
    access: Access,
    /// Take it even if it is older or does more than what is pinned now
    #[arg(long)]
    accept: bool,
}

#[derive(Args, Debug)]
pub(super) struct Remove {
    /// Its name
    name: String,
    #[command(flatten)]
    beside: Beside,
}

#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    beside: Beside,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    #[command(flatten)]
    beside: Beside,
    /// Object also if the manifest names a connector that the lock does not pin: for continuous integration
    #[arg(long)]
    locked: bool,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Install {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let runtime = super::runtime()?;
        match &self.reference {
            Some(text) => {
                let wanted = reference(text)?;
                let client = self.access.client(&wanted, Path::new(HERE))?;
                runtime.block_on(async {
                    let wanted = if wanted.tag.is_none() && wanted.digest.is_none() { newest(&client, &wanted).await? } else { wanted };
                    let offer = offer(&client, wanted, self.unsigned).await?;
                    let reference = kept(offer.reference.clone(), &self.beside.place().manifest);
                    take(Offer { reference, ..offer }, &self.beside, self.accept)
                })
            }
            None => runtime.block_on(self.pinned()),
        }
    }

    /// Fetches again whatever the lock pins and is not here as it pins it.
    async fn pinned(&self) -> Result<u8, Failure> {
        let place = self.beside.place();
        let config = place.config();
        let pins = lock::read(&place.manifest)?.plugins;
        if pins.is_empty() {
            print_text("the lock pins no connector\n");
        }
        for pin in pins.values() {
            if load::pinned_package(pin, &config).is_ok() {
                print_text(&format!("✓ {} {} is here\n", pin.name, pin.version));
                continue;
            }
            let by_digest = Reference { tag: None, digest: Some(pin.digest.clone()), ..reference(&pin.from)? };
            let client = self.access.client(&by_digest, &load::folder_of(&place.manifest))?;
            let found = registry::fetch(&client, &by_digest).await?;
            if hex(&found.component) != pin.component {
                let title = format!("`{by_digest}` holds other bytes than the lock pins");
                return Err(Problem::new(Code::E211, title, "restore the lock from version control").into());
            }
            registry::keep(&config, &pin.component, &found.component, found.envelope.as_deref())?;
            load::pinned_package(pin, &config)?;
            print_text(&format!("✓ {} {} from {}\n", pin.name, pin.version, pin.from));
        }
        Ok(0)
    }
}

impl Update {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let place = self.beside.place();
        let pin = pin(&place.manifest, &self.name)?;
        let from = reference(&pin.from)?;
        let client = self.access.client(&from, &load::folder_of(&place.manifest))?;
        super::runtime()?.block_on(async {
            let wanted = match &self.to {
                Some(version) => reference(&format!("{}:{version}", from.repository()))?,
                None => newest(&client, &from).await?,
            };
            take(offer(&client, wanted, pin.signer.is_none()).await?, &self.beside, self.accept)
        })
    }
}

impl Remove {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let place = self.beside.place();
        let pin = pin(&place.manifest, &self.name)?;
        let used: Vec<String> = if place.manifest.exists() {
            let manifest = load::written(&place.manifest)?;
            let uses = |system: &&hub_core::manifest::System| system.connector.value == ConnectorRef::Plugin(self.name.clone());
            manifest.systems.values().filter(uses).map(|system| system.id.value.clone()).collect()
        } else {
            Vec::new()
        };
        if !used.is_empty() {
            let title = format!("connector `{}` serves the systems {}", self.name, used.join(", "));
            return Err(Problem::new(Code::E009, title, "take them out of the manifest first").into());
        }
        let mut lock = lock::read(&place.manifest)?;
        lock.plugins.remove(&self.name);
        lock::write(&place.manifest, &lock)?;
        registry::forget(&place.config(), &pin.component);
        print_text(&format!("✓ `{}` {} is not pinned any more\n", pin.name, pin.version));
        Ok(0)
    }
}

impl List {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let place = self.beside.place();
        let config = place.config();
        let pins = lock::read(&place.manifest)?.plugins;
        let state = |pin: &Pin| if load::pinned_package(pin, &config).is_ok() { "here" } else { "missing" };
        match self.output {
            Output::Json => {
                let plugins: Vec<_> = pins.values().map(|pin| json!({
                    "name": pin.name, "version": pin.version, "from": pin.from, "digest": pin.digest, "component": pin.component, "signer": pin.signer,
                    "licence": pin.licence, "state": state(pin), "categories": pin.capability.categories, "hosts": pin.capability.hosts, "imports": pin.capability.imports,
                })).collect();
                print_json(&json!({ "version": 1, "plugins": plugins }));
            }
            Output::Human => {
                let line = |pin: &Pin| format!("{}  {}  {}  {}\n", pin.name, pin.version, state(pin), pin.from);
                let text: String = pins.values().map(line).collect();
                print_text(if text.is_empty() { "no connector is installed; `hub plugin search` shows what there is\n" } else { &text });
            }
        }
        Ok(0)
    }
}

impl Verify {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let place = self.beside.place();
        let config = place.config();
        let pins = lock::read(&place.manifest)?.plugins;
        let mut found: Vec<Problem> = pins.values().filter_map(|pin| proven(pin, &config).err()).collect();
        if self.locked {
            let manifest = load::written(&place.manifest)?;
            for system in manifest.systems.values() {
                if let ConnectorRef::Plugin(name) = &system.connector.value
                    && !pins.contains_key(name)
                {
                    let title = format!("system `{}` names the connector `{name}`, which the lock does not pin", system.id.value);
                    found.push(Problem::new(Code::E211, title, "install it and put the lock under version control"));
                }
            }
        }
        match Problems::new(found) {
            Some(problems) => Err(Failure { problems, sources: Sources::default() }),
            None if self.output == Output::Json => {
                print_json(&json!({ "version": 1, "verified": pins.len() }));
                Ok(0)
            }
            None => {
                print_text(&format!("✓ {} connectors are what the lock pins, and are vouched for as it says\n", pins.len()));
                Ok(0)
            }
        }
    }
}

fn pin(manifest: &Path, name: &str) -> Result<Pin, Failure> {
    let mut plugins = lock::read(manifest)?.plugins;
    plugins.remove(name).ok_or_else(|| {
        let known: Vec<&String> = plugins.keys().collect();
        let help = if known.is_empty() { "none is".to_owned() } else { format!("these are: {known:?}") };
        Problem::new(Code::E009, format!("no connector `{name}` is installed"), help).into()
    })
}

/// The bytes are the pinned ones, and the pinned key vouches for them.
fn proven(pin: &Pin, config: &Config) -> Result<(), Problem> {
    load::pinned_package(pin, config).map_err(|problem| Problem { code: Code::E211, ..problem })?;
    let Some(signer) = pin.signer.as_ref().and_then(|key| parse_key(key)) else { return Ok(()) };
    let statement = Statement { name: pin.name.clone(), version: pin.version.clone(), digest: pin.digest.clone() };
    let kept = registry::signature(config, &pin.component).ok().flatten().unwrap_or_default();
    let verified = Envelope::parse(&kept).and_then(|envelope| envelope.verify(&statement, &[signer]));
    verified.map(drop).map_err(|bad| {
        let title = format!("connector `{}` {}: the signature that the lock names does not hold: {bad}", pin.name, pin.version);
        Problem::new(Code::E508, title, "`hub plugin install` fetches it again, once its files are moved away")
    })
}

/// Pins an offer, unless that would loosen what is pinned.
fn take(offer: Offer, beside: &Beside, accept: bool) -> Result<u8, Failure> {
    let place = beside.place();
    let mut lock = lock::read(&place.manifest)?;
    let description = &offer.package.description;
    let from = Reference { tag: Some(description.version.clone()), digest: None, ..offer.reference.clone() };
    let pin = Pin {
        name: description.name.clone(),
        version: description.version.clone(),
        from: from.to_string(),
        digest: offer.found.digest.clone(),
        component: offer.package.digest.clone(),
        signer: offer.signer.clone(),
        abi: description.abi.clone(),
        licence: offer.found.licence.clone(),
        capability: claimed_capability(description),
    };
    if let Some(known) = lock.plugins.get(&pin.name)
        && !accept
    {
        loosened(known, &pin)?;
    }
    registry::keep(&place.config(), &pin.component, &offer.found.component, offer.found.envelope.as_deref())?;
    let before = lock.plugins.insert(pin.name.clone(), pin.clone());
    if before.as_ref() != Some(&pin) {
        lock::write(&place.manifest, &lock)?;
    }
    print_text(&summary(&offer, &pin, before.as_ref()));
    Ok(0)
}

/// E211 for other bytes under the same version and for an older one, E215 for more abilities, E508 for another signer.
fn loosened(known: &Pin, new: &Pin) -> Result<(), Problem> {
    let again = format!("if that is wanted, say so with `--accept`: `hub plugin update {} --accept`", new.name);
    if known.version == new.version && known.component != new.component {
        let title = format!("connector `{}` {} is offered with other bytes than the lock pins", new.name, new.version);
        return Err(
            Problem::new(Code::E211, title, again).note(format!("pinned sha256:{}, offered sha256:{}", known.component, new.component))
        );
    }
    let version = |pin: &Pin| semver::Version::parse(&pin.version).ok();
    if version(new) < version(known) {
        let title = format!("connector `{}`: version {} is older than {}, which is installed", new.name, new.version, known.version);
        return Err(Problem::new(Code::E211, title, again));
    }
    if known.signer.is_some() && known.signer != new.signer {
        let title = format!("connector `{}` {} is signed by another key than the installed version", new.name, new.version);
        return Err(Problem::new(Code::E508, title, again));
    }
    let wider = known.capability.widened_by(&new.capability);
    if wider.is_empty() {
        return Ok(());
    }
    let title = format!("connector `{}` {} claims more than the installed version {}", new.name, new.version, known.version);
    Err(wider.into_iter().fold(Problem::new(Code::E215, title, again), |problem, what| problem.note(format!("+ {what}"))))
}

fn summary(offer: &Offer, pin: &Pin, before: Option<&Pin>) -> String {
    let of = |prefix: &str| {
        let found: Vec<&str> = pin.capability.categories.iter().filter_map(|category| category.strip_prefix(prefix)).collect();
        if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
    };
    let list = |items: &std::collections::BTreeSet<String>| {
        if items.is_empty() { "nothing".to_owned() } else { items.iter().cloned().collect::<Vec<_>>().join(", ") }
    };
    let what = match before {
        Some(known) if known == pin => format!("{} {} was installed already", pin.name, pin.version),
        Some(known) if known.version != pin.version => format!("{} {}, {} before", pin.name, pin.version, known.version),
        _ => format!("{} {}", pin.name, pin.version),
    };
    format!(
        "✓ {what}   {}\n  signer     {}\n  digest     sha256:{}\n  reads      {}\n  writes     {}\n  may reach  {}\n  imports    {}\n  licence    {}\n  materials  {}\n  standard   {}\nA manifest names it `plugin:{}`; the lock pins it: put `hub.lock` under version control.\n",
        offer.package.description.summary,
        offer.known_as,
        pin.digest,
        of("read:"),
        of("write:"),
        list(&pin.capability.hosts),
        list(&pin.capability.imports),
        pin.licence.as_deref().unwrap_or("not said"),
        if offer.found.has_materials { "listed beside it" } else { "not said" },
        offer.found.conformance.as_deref().unwrap_or("not said"),
        pin.name
    )
}
