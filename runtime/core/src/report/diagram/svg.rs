//! The picture as SVG: `dagre` places boxes and arrows, text is wrapped and measured by its number of characters. Holds no colour that carries meaning
//! alone: what is red has a word too.

use std::collections::BTreeMap;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, Point, RankDir, layout};

use super::{Country, Diagram, Edge, Node};
use crate::manifest::Language;
use crate::report::html::escape;
use crate::report::words::Word;

/// Characters on a line.
const LINE: usize = 30;
/// Width of a character and height of a line, in pixels, of the font size below.
const CHARACTER: f64 = 6.2;
const HEIGHT: f64 = 14.0;
const PADDING: f64 = 10.0;
/// Room above the systems of a country for its name.
const TITLE: f64 = 20.0;

const STYLE: &str = "text{font:11px 'Liberation Sans',Arial,sans-serif;fill:#111}.box{fill:#fff;stroke:#333}.country{fill:#f4f4f4;stroke:#999}\
.third{stroke:#b00020;stroke-width:2}.arrow{fill:none;stroke:#333}.marked{stroke:#b00020;stroke-width:2}.label{fill:#fff;fill-opacity:.85}";

type Layout = Graph<NodeLabel, EdgeLabel>;

pub(super) fn render(diagram: &Diagram, language: Language) -> String {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let graph = laid_out(diagram, language, &mut texts);
    let (boxes, groups) = boxes(diagram, language, &graph, &texts);
    let arrows: String = diagram.edges.iter().map(|edge| arrow(edge, &graph, &texts)).collect();
    let (width, height) = size(&graph);
    let title = escape(Word::DiagramTitle.text(language));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         lang=\"{}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n{groups}{arrows}{boxes}</svg>\n",
        language.word()
    )
}

/// Places everything. Names in the graph are `c…` for countries, `s…` for systems, and the id of a flow behind `f` for its arrow.
fn laid_out(diagram: &Diagram, language: Language, texts: &mut BTreeMap<String, Vec<String>>) -> Layout {
    let mut graph = Layout::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (at, country) in diagram.countries.iter().enumerate() {
        let group = format!("c{at}");
        graph.set_node(group.clone(), Some(NodeLabel::default()));
        for node in &country.systems {
            let lines = wrap(node.title().in_language(language));
            let (width, height) = extent(&lines);
            let name = format!("s{}", node.id);
            graph.set_node(name.clone(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
            graph.set_parent(&name, Some(&group));
            texts.insert(name, lines);
        }
    }
    for edge in &diagram.edges {
        let (from, to) = (format!("s{}", edge.from), format!("s{}", edge.to));
        if graph.has_node(&from) && graph.has_node(&to) {
            let lines: Vec<String> = edge.lines().iter().flat_map(|line| wrap(line.in_language(language))).collect();
            let (width, height) = extent(&lines);
            let name = format!("f{}", edge.id);
            graph.set_edge(
                from,
                to,
                Some(EdgeLabel { width, height, labelpos: dagre::layout::types::LabelPos::Center, ..EdgeLabel::default() }),
                Some(&name),
            );
            texts.insert(name, lines);
        }
    }
    if graph.node_count() > 0 {
        let margins =
            LayoutOptions { rankdir: RankDir::LR, marginx: 20.0, marginy: 20.0 + TITLE, edgesep: 20.0 + TITLE, ..LayoutOptions::default() };
        layout(&mut graph, Some(margins));
    }
    graph
}

/// Lines of at most [`LINE`] characters, broken at blanks; a longer word stays whole.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn extent(lines: &[String]) -> (f64, f64) {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    (number(longest).mul_add(CHARACTER, 2.0 * PADDING), number(lines.len().max(1)).mul_add(HEIGHT, PADDING))
}

/// Right and lower end of everything, with a margin.
fn size(graph: &Layout) -> (f64, f64) {
    let (mut width, mut height) = (0.0_f64, 0.0_f64);
    for name in graph.nodes() {
        if let Some((node, (x, y))) = graph.node(&name).and_then(|node| Some((node, (node.x?, node.y?)))) {
            width = width.max(x + node.width / 2.0);
            height = height.max(y + node.height / 2.0);
        }
    }
    for edge in graph.edges() {
        let Some(label) = graph.edge_by_obj(&edge) else { continue };
        let ends = label.points.iter().map(|point| (point.x, point.y));
        let middle = label.x.zip(label.y).map(|(x, y)| (x + label.width / 2.0, y + label.height / 2.0));
        for (x, y) in ends.chain(middle) {
            width = width.max(x);
            height = height.max(y);
        }
    }
    (width + 20.0, height + 20.0)
}

fn boxes(diagram: &Diagram, language: Language, graph: &Layout, texts: &BTreeMap<String, Vec<String>>) -> (String, String) {
    let (mut boxes, mut groups) = (String::new(), String::new());
    for (at, country) in diagram.countries.iter().enumerate() {
        groups.push_str(&group(country, &format!("c{at}"), graph, language));
        for node in &country.systems {
            boxes.push_str(&system(node, graph, texts));
        }
    }
    (boxes, groups)
}

fn rectangle(graph: &Layout, name: &str) -> Option<(f64, f64, f64, f64)> {
    let node = graph.node(name)?;
    Some((node.x? - node.width / 2.0, node.y? - node.height / 2.0, node.width, node.height))
}

fn group(country: &Country, name: &str, graph: &Layout, language: Language) -> String {
    let Some((x, y, width, height)) = rectangle(graph, name) else { return String::new() };
    let third = if country.is_third { " third" } else { "" };
    let title = escape(country.title().in_language(language));
    let (top, baseline) = (y - TITLE, y - 6.0);
    format!(
        "<rect class=\"country{third}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
         <text x=\"{:.1}\" y=\"{baseline:.1}\">{title}</text>\n",
        height + TITLE,
        x + 6.0
    )
}

fn system(node: &Node, graph: &Layout, texts: &BTreeMap<String, Vec<String>>) -> String {
    let name = format!("s{}", node.id);
    let (Some((x, y, width, height)), Some(lines)) = (rectangle(graph, &name), texts.get(&name)) else { return String::new() };
    let third = if node.reached_from.is_empty() { "" } else { " third" };
    let text = paragraph(lines, x + width / 2.0, y + height / 2.0);
    format!("<rect class=\"box{third}\" rx=\"3\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>{text}\n")
}

fn arrow(edge: &Edge, graph: &Layout, texts: &BTreeMap<String, Vec<String>>) -> String {
    let name = format!("f{}", edge.id);
    let found = graph.edge(&format!("s{}", edge.from), &format!("s{}", edge.to), Some(&name)).zip(texts.get(&name));
    let Some((label, lines)) = found else { return String::new() };
    let step = |(at, point): (usize, &Point)| format!("{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, point.x, point.y);
    let path: String = label.points.iter().enumerate().map(step).collect();
    let marked = if edge.is_special || edge.is_transfer { " marked" } else { "" };
    let mut drawn = format!("<path class=\"arrow{marked}\" marker-end=\"url(#head)\" d=\"{path}\"/>");
    if let Some((x, y)) = label.x.zip(label.y) {
        let (width, height) = extent(lines);
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        drawn.push_str(&format!("<rect class=\"label\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"));
        drawn.push_str(&paragraph(lines, x, y));
    }
    drawn.push('\n');
    drawn
}

/// Lines of text around a middle.
fn paragraph(lines: &[String], x: f64, y: f64) -> String {
    let first = number(lines.len()).mul_add(-HEIGHT / 2.0, y) + HEIGHT * 0.75;
    let span = |(at, line): (usize, &String)| {
        format!("<tspan x=\"{x:.1}\" y=\"{:.1}\">{}</tspan>", number(at).mul_add(HEIGHT, first), escape(line))
    };
    let spans: String = lines.iter().enumerate().map(span).collect();
    format!("<text text-anchor=\"middle\">{spans}</text>")
}
