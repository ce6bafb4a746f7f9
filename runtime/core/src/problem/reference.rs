//! `docs/reference/problems.md`: every code in one table. Pure: text out.

use std::fmt::Write as _;

use super::Code;

/// The page as Markdown; the first sentence of each code's own page stands beside it.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Problem codes\n\n<!-- Generated from runtime/core/src/problem. Do not edit. -->\n\n\
         `hub explain CODE` prints the page of a code. Exit codes: 1 run-time failure, 2 usage or unreadable manifest, 3 denied by policy, 4 integrity.\n\n\
         | Code | Name | Exit | Meaning |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let link = format!("../../runtime/core/src/problem/codes/{}.md", code.id());
        let _ = writeln!(page, "| [{}]({link}) | {} | {} | {} |", code.id(), code.name(), code.class().exit_code(), summary(code.page()));
    }
    page
}

/// The first sentence below `## What`.
fn summary(page: &str) -> String {
    let text = page.split("## What\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default().replace('\n', " ");
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_with_a_sentence() {
        let page = reference_page();
        for code in Code::ALL {
            let line = page.lines().find(|line| line.contains(&format!("[{}]", code.id())));
            assert!(line.is_some_and(|line| line.contains(code.name()) && line.len() > 120), "{code}");
        }
    }
}
