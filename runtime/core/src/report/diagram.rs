//! The flows as a picture: systems grouped by country, flows with purpose and categories. Third countries and special categories are marked.
//!
//! One model, two forms: Mermaid text, and SVG laid out by `dagre`.

mod svg;

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::text::Text;
use super::words::Word;
use crate::date::Date;
use crate::manifest::Language;
use crate::policy::Policy;
use crate::vocab::law;

/// The picture's parts.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// Groups of systems by country, sorted by country.
    pub countries: Vec<Country>,
    /// Flows, sorted by id.
    pub edges: Vec<Edge>,
}

/// The systems that stand in a country.
#[derive(Clone, Debug)]
pub struct Country {
    /// ISO 3166 alpha-2; None: nothing says.
    pub code: Option<String>,
    /// It is outside of the European Economic Area.
    pub is_third: bool,
    /// Ids and names.
    pub systems: Vec<Node>,
}

/// A system.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// Third countries from which its data can be reached, its own among them.
    pub reached_from: Vec<String>,
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Its id.
    pub id: String,
    /// Source system.
    pub from: String,
    /// Destination system.
    pub to: String,
    /// Purpose.
    pub purpose: Text,
    /// Personal categories that pass.
    pub categories: Vec<Text>,
    /// Data of Art. 9 or 10 is among them.
    pub is_special: bool,
    /// The destination reaches a third country.
    pub is_transfer: bool,
}

impl Diagram {
    /// The picture of everything that is declared, on a day.
    #[must_use]
    pub fn build(policy: &Policy, day: Date) -> Self {
        let manifest = policy.manifest();
        let mut countries: BTreeMap<Option<String>, Vec<Node>> = BTreeMap::new();
        for (id, system) in &manifest.systems {
            let code = system.hosting.as_ref().map(|hosting| hosting.country.value.clone());
            let reached_from = policy.third_countries(id, day).into_iter().map(str::to_owned).collect();
            countries.entry(code).or_default().push(Node { id: id.clone(), name: names::system(manifest, id).name, reached_from });
        }
        let country = |(code, systems): (Option<String>, Vec<Node>)| {
            let is_third = code.as_ref().is_some_and(|code| !law::is_eea(code, day));
            Country { code, is_third, systems }
        };
        Self {
            countries: countries.into_iter().map(country).collect(),
            edges: manifest.flows.keys().filter_map(|id| edge(policy, id, day)).collect(),
        }
    }

    /// Mermaid text.
    #[must_use]
    pub fn mermaid(&self, language: Language) -> String {
        let mut text = String::from("flowchart LR\n");
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, country) in self.countries.iter().enumerate() {
            text.push_str(&format!("  subgraph c{at}[\"{}\"]\n", quote(country.title().in_language(language))));
            for node in &country.systems {
                let number = numbers.len();
                numbers.insert(&node.id, number);
                let class = if node.reached_from.is_empty() { "" } else { ":::third" };
                text.push_str(&format!("    s{number}[\"{}\"]{class}\n", quote(node.title().in_language(language))));
            }
            text.push_str("  end\n");
        }
        for edge in &self.edges {
            let (Some(from), Some(to)) = (numbers.get(edge.from.as_str()), numbers.get(edge.to.as_str())) else { continue };
            let arrow = if edge.is_special || edge.is_transfer { "==>" } else { "-->" };
            let label: Vec<String> = edge.lines().iter().map(|line| quote(line.in_language(language))).collect();
            text.push_str(&format!("  s{from} {arrow}|\"{}\"| s{to}\n", label.join("<br/>")));
        }
        text.push_str("  classDef third stroke:#b00020,stroke-width:2px\n");
        text
    }

    /// SVG, without script or font of its own.
    #[must_use]
    pub fn svg(&self, language: Language) -> String {
        svg::render(self, language)
    }
}

fn edge(policy: &Policy, id: &str, day: Date) -> Option<Edge> {
    let manifest = policy.manifest();
    let (flow, rule) = policy.flow(id)?;
    let personal: BTreeSet<&str> = rule.fields.iter().map(|field| field.resulting.as_str()).filter(|key| policy.is_personal(key)).collect();
    let special = |key: &&str| policy.carries(key, "art9") || policy.carries(key, "art10");
    let to = &*flow.to.value.system;
    Some(Edge {
        id: id.to_owned(),
        from: flow.from.value.system.to_string(),
        to: to.to_owned(),
        purpose: names::purpose(manifest, &flow.purpose.value).name,
        is_special: personal.iter().any(special),
        is_transfer: !personal.is_empty() && !policy.third_countries(to, day).is_empty(),
        categories: personal.into_iter().map(|key| names::category(manifest, key).name).collect(),
    })
}

impl Country {
    fn title(&self) -> Text {
        let code = self.code.as_ref().map_or_else(|| Text::word(Word::CountryUnknown), Text::same);
        if self.is_third { Text::with(Word::OnDay, &[&code, &Text::word(Word::ThirdCountry)]) } else { code }
    }
}

impl Node {
    fn title(&self) -> Text {
        if self.reached_from.is_empty() {
            return self.name.clone();
        }
        let reached = Text::join([&Text::word(Word::ThirdCountry), &Text::same(self.reached_from.join(", "))], " ");
        Text::with(Word::OnDay, &[&self.name, &reached])
    }
}

impl Edge {
    /// What stands at the arrow: purpose, categories, marks.
    fn lines(&self) -> Vec<Text> {
        let mut lines = vec![self.purpose.clone()];
        if !self.categories.is_empty() {
            lines.push(Text::join(&self.categories, ", "));
        }
        let marks = [(self.is_special, Word::SpecialMark), (self.is_transfer, Word::ThirdCountry)];
        lines.extend(marks.into_iter().filter(|(is, _)| *is).map(|(_, word)| Text::join([&Text::same("⚠"), &Text::word(word)], " ")));
        lines
    }
}

/// Text inside of quotes: Mermaid's own entities, so that a name can neither end the quote nor become markup.
fn quote(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '#' => safe.push_str("#35;"),
            '"' => safe.push_str("#quot;"),
            '&' => safe.push_str("#amp;"),
            '<' => safe.push_str("#lt;"),
            '>' => safe.push_str("#gt;"),
            '`' => safe.push_str("#96;"),
            '\\' => safe.push_str("#92;"),
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
