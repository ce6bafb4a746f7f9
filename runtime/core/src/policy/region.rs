//! E205: where an answer comes from, and where a redirect leads, as far as a manifest can tell. It knows no map: a country is what `hosting` says.

use url::Url;

use super::decide::{origin_of, show};
use super::verdict::Refusal;
use crate::manifest::{Manifest, Origin, Region, System};
use crate::problem::Code;

/// More of a foreign text is not shown, and nothing of one that does not look like the name of a region.
const MAX_SHOWN_BYTES: usize = 32;

/// What an answer from a URL proves about its region: `values` are those of the header that the manifest names. None = what it should.
#[must_use]
pub fn elsewhere(system: &str, region: &Region, url: &Url, values: &[&str]) -> Option<Refusal> {
    let origin = origin_of(url)?;
    let is_right = !values.is_empty() && values.iter().all(|value| value.trim() == region.is.value);
    if is_right || !region.origins.contains(&origin) {
        return None;
    }
    let header = &region.header.value;
    let found = match values.iter().find(|value| value.trim() != region.is.value) {
        None => format!("has no header `{header}`"),
        Some(value) => format!("comes from {}", shown(value.trim())),
    };
    Some(Refusal {
        code: Code::E205,
        title: format!("an answer of {} to system `{system}` {found}: the manifest states region `{}`", show(&origin), region.is.value),
        span: Some(region.span),
        help: "ask the provider where the data is processed; if it has moved, correct `hosting` and `region` and have that approved"
            .to_owned(),
    })
}

fn shown(value: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let fits = (1..=MAX_SHOWN_BYTES).contains(&value.len()) && value.bytes().all(is_name);
    if fits { format!("region `{value}`") } else { "another region".to_owned() }
}

/// A redirect to a host of a system in another country. Of a host that no system has, [`super::decide`] says that it is not granted.
pub(super) fn led_abroad(manifest: &Manifest, system: &System, from: &Origin, to: &Origin) -> Option<Refusal> {
    let own = &system.hosting.as_ref()?.country;
    let abroad = |other: &&System| other.hosting.as_ref().is_some_and(|hosting| hosting.country.value != own.value);
    let owners = manifest.systems.values().filter(|other| other.hosts.iter().any(|host| host.value == *to));
    let other = owners.filter(|_| from != to).find(abroad)?;
    let country = other.hosting.as_ref().map_or("", |hosting| hosting.country.value.as_str());
    let (id, other) = (&system.id.value, &other.id.value);
    Some(Refusal {
        code: Code::E205,
        title: format!(
            "{} redirects system `{id}`, which stands in {}, to {} of system `{other}` in {country}",
            show(from),
            own.value,
            show(to)
        ),
        span: Some(own.span),
        help: format!(
            "ask the provider of `{id}` why; if it has moved, correct `hosting` and what carries the transfer, and have that approved"
        ),
    })
}
