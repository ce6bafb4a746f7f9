//! Names for people of what the manifest and the vocabulary call by keys. A key without a name is its own.

use super::text::{Named, Text};
use crate::manifest::{Manifest, Wording};
use crate::problem::Spanned;
use crate::record::StreamId;
use crate::vocab;

fn named(key: &str, own: Option<&Spanned<Wording>>, shipped: Option<Text>) -> Named {
    let name = own.map(|wording| Text::of(&wording.value)).or(shipped).unwrap_or_else(|| Text::same(key));
    Named { key: key.to_owned(), name }
}

pub(super) fn category(manifest: &Manifest, key: &str) -> Named {
    let own = manifest.categories.get(key).and_then(|category| category.name.as_ref());
    named(key, own, vocab::category(key).map(|category| Text::new(&category.name_de, &category.name_en)))
}

pub(super) fn subject(manifest: &Manifest, key: &str) -> Named {
    let own = manifest.subjects.get(key).and_then(|subject| subject.name.as_ref());
    named(key, own, vocab::subject(key).map(|subject| Text::new(&subject.name_de, &subject.name_en)))
}

pub(super) fn usage(key: &str) -> Named {
    named(key, None, vocab::use_key(key).map(|term| Text::new(&term.name_de, &term.name_en)))
}

pub(super) fn system(manifest: &Manifest, key: &str) -> Named {
    named(key, manifest.systems.get(key).and_then(|system| system.name.as_ref()), None)
}

pub(super) fn purpose(manifest: &Manifest, key: &str) -> Named {
    named(key, manifest.purposes.get(key).and_then(|purpose| purpose.name.as_ref()), None)
}

pub(super) fn stream(manifest: &Manifest, id: &StreamId) -> Named {
    named(&id.to_string(), manifest.streams.get(id).and_then(|stream| stream.name.as_ref()), None)
}
