//! `hub plugin catalogue`: a page about the connectors of a registry that somebody trusted vouches for, for people who choose one. Installs nothing.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hub_core::audit::timestamp;
use hub_core::description::claimed_capability;
use hub_core::manifest::Language;
use hub_core::plugin::Reference;
use hub_core::problem::{Code, Problem};
use hub_core::report::catalogue::{self, Listed};
use hub_core::report::html;
use serde_json::json;

use super::registry::{Access, HERE, Offer, newest, offer, within};
use super::{Failure, io_problem, print_text};
use crate::clock;
use crate::registry::Client;

#[derive(Args, Debug)]
pub(super) struct Catalogue {
    /// `dir:FOLDER`, or `oci://HOST/PATH`
    #[arg(long = "in", value_name = "PLACE")]
    place: String,
    /// Folder for `index.html` and `catalogue.json`, made if it is not there
    #[arg(long = "to", value_name = "FOLDER", default_value = "catalogue")]
    folder: PathBuf,
    /// Language of the page
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    lang: Tongue,
    #[command(flatten)]
    access: Access,
}

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tongue {
    /// German.
    De,
    /// English.
    En,
}

impl Catalogue {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let inside = within(&self.place, "x")?;
        let client = self.access.client(&inside, Path::new(HERE))?;
        let (listed, left_out) = super::runtime()?.block_on(self.listed(&client, &inside))?;
        let day: String = timestamp(clock::now_ms()).chars().take(10).collect();
        let language = match self.lang {
            Tongue::De => Language::German,
            Tongue::En => Language::English,
        };
        let page = html::render(&catalogue::document(&self.place, &day, &listed, left_out.len()), language);
        let document = json!({ "version": 1, "place": self.place, "day": day, "connectors": listed, "left_out": left_out });
        self.write("index.html", &page)?;
        self.write("catalogue.json", &format!("{document:#}\n"))?;
        print_text(&format!("✓ {}   {} connectors\n", self.folder.join("index.html").display(), listed.len()));
        for name in &left_out {
            anstream::eprintln!("left out: `{name}`, for which nobody trusted vouches (`hub plugin trust`)");
        }
        Ok(0)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Problem> {
        let path = self.folder.join(name);
        std::fs::create_dir_all(&self.folder).and_then(|()| std::fs::write(&path, text)).map_err(|error| io_problem("write", &path, &error))
    }

    /// The connectors that are vouched for, and the names of the others.
    async fn listed(&self, client: &Client, inside: &Reference) -> Result<(Vec<Listed>, Vec<String>), Failure> {
        let below = inside.name.strip_suffix('x').unwrap_or_default();
        let (mut listed, mut left_out) = (Vec::new(), Vec::new());
        for name in client.names().await? {
            let Some(short) = name.strip_prefix(below).filter(|short| !short.contains('/')) else { continue };
            let Ok(reference) = newest(client, &Reference { name: name.clone(), ..inside.clone() }).await else { continue };
            match offer(client, reference, false).await {
                Ok(offer) => listed.push(line(&offer)),
                // A registry that breaks off is no connector that nobody vouches for.
                Err(problem) if problem.code == Code::E323 => return Err(problem.into()),
                Err(_) => left_out.push(short.to_owned()),
            }
        }
        Ok((listed, left_out))
    }
}

fn line(offer: &Offer) -> Listed {
    let description = &offer.package.description;
    let capability = claimed_capability(description);
    let streams = description.source.iter().flat_map(|source| &source.streams);
    let reads = streams.map(|stream| {
        let categories: std::collections::BTreeSet<String> =
            stream.shape.leaves().into_iter().filter_map(|(_, leaf)| leaf.category.clone()).collect();
        (stream.name.clone(), categories.into_iter().collect())
    });
    Listed {
        name: description.name.clone(),
        version: description.version.clone(),
        summary: description.summary.clone(),
        reads: reads.collect(),
        writes: description.destination.iter().flat_map(|claim| claim.accepts.clone()).collect(),
        hosts: capability.hosts.into_iter().collect(),
        imports: capability.imports.into_iter().collect(),
        conformance: offer.found.conformance.clone(),
        signer: (offer.known_as.clone(), offer.signer.clone().unwrap_or_default()),
        licence: offer.found.licence.clone(),
        reference: offer.reference.to_string(),
        digest: offer.found.digest.clone(),
    }
}
