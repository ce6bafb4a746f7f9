//! `docs/reference/problems.md`: every code in one table. Pure: text out.

use std::fmt::Write as _;

use super::Code;

/// The page as Markdown; the first sentence of each code's own page stands beside it.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Problem codes\n\n<!-- Generated from runtime/core/src/problem. Do not edit. -->\n\n\
         `hub explain CODE` prints the page of a code. Exit codes: 1 run-time failure, 2 usage or unreadable manifest, 3 denied by policy, 4 integrity. \
         A warning (`W`) is told and hinders nothing.\n\n\
         | Code | Name | Severity | Exit | Meaning |\n|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let link = format!("../../runtime/core/src/problem/codes/{}.md", code.id());
        let (severity, exit) = if code.is_warning() { ("warning", 0) } else { ("error", code.class().exit_code()) };
        let meaning = summary(code.page());
        let _ = writeln!(page, "| [{}]({link}) | {} | {severity} | {exit} | {meaning} |", code.id(), code.name());
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

    #[test]
    fn every_code_is_listed_with_its_severity() {
        let page = reference_page();
        for code in Code::ALL {
            let severity =
                if code.is_warning() { "| warning | 0 |".to_owned() } else { format!("| error | {} |", code.class().exit_code()) };
            let line = page.lines().find(|line| line.contains(&format!("[{}]", code.id())));
            assert!(line.is_some_and(|line| line.contains(&severity)), "{code}");
        }
    }

    /// A sentence that is cut at an abbreviation ("Art.") would say nothing.
    #[test]
    fn the_sentence_of_a_code_is_a_whole_one() {
        for code in Code::ALL {
            let sentence = summary(code.page());
            assert!(sentence.ends_with(['.', ':']) || sentence.ends_with(".)"), "{code}: {sentence}");
            assert!(!["Art.", "no.", "Abs.", "Nr."].iter().any(|cut| sentence.ends_with(cut)), "{code}: {sentence}");
        }
    }
}
