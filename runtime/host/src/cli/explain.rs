//! `hub explain CODE`: prints the page of a problem code.

use clap::Args;
use hub_core::problem::{Code, Problem};

use super::Failure;

#[derive(Args, Debug)]
pub(super) struct Explain {
    /// A code such as HUB-E101; without one, all codes are listed
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let Some(wanted) = &self.code else {
            let list: String = Code::ALL.iter().map(|code| format!("{}  {}\n", code.id(), code.name())).collect();
            super::print_text(&list);
            return Ok(0);
        };
        let unknown = || Problem::new(Code::E009, format!("there is no code `{wanted}`"), "list them all with `hub explain`");
        super::print_text(Code::parse(wanted).ok_or_else(unknown)?.page());
        Ok(0)
    }
}
