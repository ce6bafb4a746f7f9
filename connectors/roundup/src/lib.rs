//! The connector `roundup`: issues and users of a Roundup tracker, paged, by the date of their last change; issues written.
//!
//! What is read stays in the host (`pages`): this code sees counts, the date of the last change, and nothing else of it.

mod dates;
mod paging;
mod window;
mod write;

use hub_sdk::http::Request;
use hub_sdk::{Error, Output, Source, StreamRequest, runtime};

use paging::Paging;
use window::{State, Window};
use write::RoundupDestination;

/// A tracker's REST interface.
#[hub_sdk::config]
struct Config {
    /// Address of the tracker as a browser shows it, ending with `/`: `https://issues.example.org/tracker/`.
    base_url: String,
    /// Name of the credential (basic) in the manifest. The account's time zone must be UTC.
    #[serde(default = "default_credential")]
    credential: String,
    /// Records of one page. Large pages are cheaper for the tracker: for each it prepares all records that follow.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 10000))]
    page_size: u32,
    /// What changed in the last seconds of a run is read again by the next: a change may become visible after the time it carries.
    #[serde(default = "default_overlap")]
    #[schemars(range(max = 86400))]
    overlap_seconds: u32,
    /// Writing only: properties of text that this tracker's issues have beyond those of the classic template.
    #[serde(default)]
    extra_fields: Vec<String>,
}

fn default_credential() -> String {
    "tracker".into()
}

fn default_page_size() -> u32 {
    500
}

fn default_overlap() -> u32 {
    5
}

/// A class of the tracker and the fields that we know; `id` and `link` come with every record unasked.
struct Class {
    name: &'static str,
    fields: &'static [&'static str],
}

const ISSUE: Class = Class {
    name: "issue",
    fields: &[
        "title",
        "status",
        "priority",
        "assignedto",
        "nosy",
        "keyword",
        "superseder",
        "messages",
        "files",
        "creation",
        "creator",
        "activity",
        "actor",
    ],
};
const USER: Class = Class {
    name: "user",
    fields: &[
        "username",
        "realname",
        "address",
        "alternate_addresses",
        "phone",
        "organisation",
        "roles",
        "timezone",
        "creation",
        "creator",
        "activity",
        "actor",
    ],
};

impl Class {
    fn of_stream(name: &str) -> Result<&'static Self, Error> {
        match name {
            "issues" => Ok(&ISSUE),
            "users" => Ok(&USER),
            _ => Err(Error::Config(format!("there is no stream `{name}`; there are issues and users"))),
        }
    }
}

struct Roundup {
    config: Config,
}

hub_sdk::connector!(source: Roundup, destination: RoundupDestination);

impl Source for Roundup {
    type Config = Config;

    fn open(mut config: Config) -> Result<Self, Error> {
        if config.page_size == 0 || config.page_size > 10_000 {
            return Err(Error::config("`page_size` must be from 1 to 10000"));
        }
        if !config.base_url.ends_with('/') {
            config.base_url.push('/');
        }
        Ok(Self { config })
    }

    fn check(&mut self) -> Result<(), Error> {
        self.tracker_time(&ISSUE).map(|_| ())
    }

    fn read_stream(&mut self, request: &StreamRequest, output: &mut Output) -> Result<(), Error> {
        let class = Class::of_stream(&request.name)?;
        let state = request.state::<State>()?;
        let now = self.tracker_time(class)?;
        let window = Window::new(state.as_ref(), now)?;
        let mut paging = Paging::new(self, class, request, window);
        paging.read_all(output)?;
        if output.is_full() || output.records() == 0 {
            // A trial run goes on from its last page; without news the old state is as good.
            return output.flush();
        }
        paging.prove_time_zone()?;
        output.checkpoint(&window.next_state(self.config.overlap_seconds))
    }
}

impl Roundup {
    /// A request for records of a class whose last change matches the filter (`from;to`, either may be missing).
    fn request(&self, class: &Class, page_size: u32, filter: &str) -> Request {
        Request::get(format!("{}rest/data/{}", self.config.base_url, class.name))
            .header("accept", "application/json")
            .query("@verbose", 0)
            .query("@page_size", page_size)
            .query("@sort", "activity,id")
            .query("activity", filter)
            .credential(self.config.credential.as_str())
    }

    /// The tracker's clock, asked with a request that matches no record: dates of change are made by that clock, not by ours.
    fn tracker_time(&self, class: &Class) -> Result<u64, Error> {
        let response = self.request(class, 1, ";1970-01-02").send_for_success()?;
        if response.length(paging::RECORDS)?.is_none() {
            return Err(Error::drift("the answer holds no list of records: is `base_url` the address of a Roundup tracker?"));
        }
        Ok(response.header("date").and_then(|text| dates::from_http(&text)).unwrap_or_else(|| runtime::now().as_secs()))
    }
}

#[cfg(test)]
mod tests;
