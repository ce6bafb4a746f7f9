//! The catalogue of connectors: what there is, what each may do, how it was tried, and who vouches for it. Knows no registry.

use serde::Serialize;

use super::sheet::{Document, Row, Section};
use super::text::Text;
use super::words::Word;

/// A connector that somebody trusted vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its newest version.
    pub version: String,
    /// One sentence, in its author's language.
    pub summary: String,
    /// Streams and the data categories that they hold.
    pub reads: Vec<(String, Vec<String>)>,
    /// Data categories that it takes as a destination.
    pub writes: Vec<String>,
    /// Where it connects to.
    pub hosts: Vec<String>,
    /// Interfaces of the host that it uses.
    pub imports: Vec<String>,
    /// How the checks of the standard went; none = nobody says.
    pub conformance: Option<String>,
    /// Who vouches for it: the name that this machine knows, and the public key.
    pub signer: (String, String),
    /// SPDX expression.
    pub licence: Option<String>,
    /// Where it is, with its version.
    pub reference: String,
    /// Hex SHA-256 of its manifest in the registry.
    pub digest: String,
}

/// The catalogue as a document. `left_out`: connectors that nobody trusted vouches for.
#[must_use]
pub fn document(place: &str, day: &str, listed: &[Listed], left_out: usize) -> Document {
    let mut about = vec![Text::with(Word::CatalogueAbout, &[&place, &day])];
    if left_out > 0 {
        about.push(Text::with(Word::CatalogueLeftOut, &[&left_out.to_string()]));
    }
    Document { title: Text::word(Word::CatalogueTitle), about, sections: listed.iter().map(section).collect() }
}

fn section(one: &Listed) -> Section {
    let same = |texts: &[String]| texts.iter().map(Text::same).collect::<Vec<_>>();
    let reads = one.reads.iter().map(|(stream, categories)| Text::same(format!("{stream}: {}", categories.join(", "))));
    let said = |text: &Option<String>| text.iter().map(Text::same).collect::<Vec<_>>();
    let rows = vec![
        Row::new(Word::CatalogueSummary, vec![Text::same(&one.summary)], Word::NotSaid),
        Row::new(Word::CatalogueReads, reads.collect(), Word::Nothing),
        Row::new(Word::CatalogueWrites, same(&one.writes), Word::Nothing),
        Row::new(Word::CatalogueHosts, same(&one.hosts), Word::Nothing),
        Row::new(Word::CatalogueImports, same(&one.imports), Word::Nothing),
        Row::new(Word::CatalogueConformance, said(&one.conformance), Word::NotSaid),
        Row::new(Word::CatalogueSigner, vec![Text::same(format!("{} ({})", one.signer.0, one.signer.1))], Word::NotSaid),
        Row::new(Word::CatalogueLicence, said(&one.licence), Word::NotSaid),
        Row::new(
            Word::CatalogueInstall,
            vec![Text::same(format!("hub plugin install {}", one.reference)), Text::same(format!("sha256:{}", one.digest))],
            Word::NotSaid,
        ),
    ];
    Section { title: Text::same(format!("{} {}", one.name, one.version)), rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Language;
    use crate::report::html;

    #[test]
    fn what_a_publisher_writes_is_text_and_what_is_absent_is_told() {
        let one = Listed {
            name: "acme".to_owned(),
            version: "1.0.0".to_owned(),
            summary: "<script>alert(1)</script>".to_owned(),
            reads: vec![("people".to_owned(), vec!["user.name".to_owned(), "user.contact.email".to_owned()])],
            writes: Vec::new(),
            hosts: vec!["https://api.acme.example".to_owned()],
            imports: vec!["http".to_owned()],
            conformance: None,
            signer: ("Acme".to_owned(), "ed25519:00".to_owned()),
            licence: Some("MIT".to_owned()),
            reference: "dir:plugins/acme:1.0.0".to_owned(),
            digest: "ab".to_owned(),
        };
        let english = html::render(&document("dir:plugins", "2026-11-29", std::slice::from_ref(&one), 2), Language::English);
        assert!(english.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !english.contains("<script"), "{english}");
        for wanted in [
            "people: user.name, user.contact.email",
            "https://api.acme.example",
            "Acme (ed25519:00)",
            "hub plugin install dir:plugins/acme:1.0.0",
            "not said",
            "nothing",
        ] {
            assert!(english.contains(wanted), "{wanted}");
        }
        let german = html::render(&document("dir:plugins", "2026-11-29", &[one], 0), Language::German);
        assert!(german.contains("Servicekatalog") && german.contains("Liest"), "{german}");
    }
}
