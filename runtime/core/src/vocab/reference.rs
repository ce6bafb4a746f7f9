//! `docs/reference/vocabulary.md`: every category, use and data subject. Pure: text out.

use std::fmt::Write as _;

use super::{Term, categories, subjects, uses};

/// The page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Vocabulary\n\n<!-- Generated from runtime/core/src/vocab/*.toml. Do not edit. -->\n\n\
         Keys and English names: [fideslang](https://github.com/ethyca/fideslang) by Ethyca Inc., CC BY 4.0, except those that hub adds (see `NOTICE`).\n\
         A key covers those below it. A manifest adds its own with `[[category]]` and `[[subject]]`.\n\n\
         ## Data categories\n\n| Key | English | Deutsch | Marks |\n|---|---|---|---|\n",
    );
    for category in categories() {
        let _ = writeln!(page, "| `{}` | {} | {} | {} |", category.key, category.name_en, category.name_de, category.marks.join(", "));
    }
    page.push_str("\n## Uses\n\n| Key | English | Deutsch |\n|---|---|---|\n");
    terms(&mut page, uses());
    page.push_str("\n## Data subjects\n\n| Key | English | Deutsch |\n|---|---|---|\n");
    terms(&mut page, subjects());
    page
}

fn terms(page: &mut String, terms: impl Iterator<Item = &'static Term>) {
    for term in terms {
        let _ = writeln!(page, "| `{}` | {} | {} |", term.key, term.name_en, term.name_de);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_line() {
        let page = reference_page();
        let lines = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(lines, categories().count() + uses().count() + subjects().count());
        assert!(page.contains("| `user.contact.email` | User Contact Email | E-Mail-Adresse | direct, enumerable |"));
    }
}
