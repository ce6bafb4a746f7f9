//! Records of one slice: which requests to send, what to make of the answers, when there are no more pages.
//!
//! Sends nothing itself: a [`Walk`] says what it wants next and takes the answer, so that several slices can be under way at once.
//! Knows no cursor and no partition router; `slice` gives it slices, and what they add to requests.

mod answer;
mod attempt;
mod blind;
mod budget;
mod chunk;
mod decode;
mod dpath;
mod error;
mod extract;
mod failure;
mod header;
mod job;
mod merge;
mod normalize;
mod paginate;
mod repeat;
mod request;
mod retriever;
mod select;
mod shared;
mod shrink;
mod source;
mod transform;
mod url;
mod walk;

pub use blind::{Blind, Reason};
pub use decode::decode_bytes;
pub use dpath::{delete as delete_path, get as get_path, put as put_path, values as path_values};
pub use failure::{system, template};
pub use shared::{Setup, Shared};
pub use source::{Retriever, Walk};
pub use transform::{Transformer, cast, snake};
pub use walk::{Inject, Page, Step};

#[cfg(test)]
mod tests;
