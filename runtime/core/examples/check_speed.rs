//! How long a manifest takes from its text to a verdict, by the number of its flows: 200 systems, 15 fields a flow, every stream a source and a
//! destination, so that purposes travel in circles. `cargo run --release -p hub-core --example check_speed`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a program of its own: it measures the crate from outside"
)]

use std::fmt::Write as _;
use std::time::Instant;

use hub_core::date::Date;
use hub_core::manifest::{self, NoFiles};
use hub_core::policy::{Catalogue, Policy};

const SYSTEMS: usize = 200;
const PURPOSES: usize = 20;
const FIELDS: usize = 15;
const CATEGORIES: [&str; 4] = ["user.contact.email", "user.name", "user.unique_id", "user.contact.phone_number"];

fn text(flows: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "manifest = 1\noperator = { name = \"Big\", contact = \"a@b.example\" }\n[retention.r]\nkind = \"limit\"\nperiod = \"P3Y\"\n",
    );
    for purpose in 0..PURPOSES {
        writeln!(
            text,
            "[purpose.p{purpose}]\nuse = \"essential.service\"\nbasis = {{ art6 = \"b\", contract = \"c\" }}\nallows = [\"user\"]"
        )?;
    }
    for system in 0..SYSTEMS {
        writeln!(
            text,
            "[system.s{system}]\nconnector = \"oci://registry.example/hub/x@sha256:aaaa\"\nrole = \"processor\"\nhosting = {{ country = \"DE\" }}\naccess_from = [\"US\"]\n\
             dsr = {{ erase = \"native\" }}\n[system.s{system}.contract]\nkind = \"art28\"\nref = \"A\"\nsigned = 2024-03-01\n[[system.s{system}.transfer]]\nto = \"US\"\n\
             mechanism = \"scc\"\nmodule = 2\ntia = {{ ref = \"T\" }}"
        )?;
        for stream in 0..2 {
            writeln!(
                text,
                "[stream.s{system}.t{stream}]\nsubjects = [\"customer\"]\ncollected_for = [\"p{}\"]\nretention = [\"r\"]\n\
                 identity = {{ email = {{ field = \"f0\", strength = \"strong\" }} }}\n[stream.s{system}.t{stream}.fields]",
                system % PURPOSES
            )?;
            for (field, category) in (0..FIELDS).zip(CATEGORIES.iter().cycle()) {
                writeln!(text, "f{field} = \"{category}\"")?;
            }
        }
    }
    let fields: Vec<String> = (0..FIELDS).map(|field| format!("\"f{field}\"")).collect();
    for flow in 0..flows {
        let (from, at) = (flow % SYSTEMS, flow / SYSTEMS);
        let to = (from + at + 1) % SYSTEMS;
        writeln!(
            text,
            "[flow.fl{flow}]\nfrom = \"s{from}.t{}\"\nto = \"s{to}.t{}\"\npurpose = \"p{}\"\nfields = [{}]",
            at % 2,
            (at + 1) % 2,
            at % PURPOSES,
            fields.join(", ")
        )?;
    }
    Ok(text)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let today = Date::parse("2026-11-23").ok_or("no such day")?;
    for flows in [250, 500, 1_000, 2_000, 4_000] {
        let text = text(flows)?;
        let begun = Instant::now();
        let manifest = manifest::read("manifest.toml", &text, &NoFiles).map_err(|failed| format!("{:?}", failed.problems))?;
        let read = begun.elapsed();
        let policy = Policy::build(manifest, &Catalogue::new(), today).map_err(|denied| format!("{:?}", denied.problems))?;
        let whole = begun.elapsed();
        println!(
            "{flows:>5} flows: {:>7.1} ms read, {:>7.1} ms judged, {} warnings",
            read.as_secs_f64() * 1e3,
            (whole - read).as_secs_f64() * 1e3,
            policy.warnings().len()
        );
    }
    Ok(())
}
