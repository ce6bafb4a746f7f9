//! The question: what is about to happen, in terms that a manifest can answer. Holds no cargo and no value of a record.

use std::collections::BTreeSet;

use url::Url;

use crate::date::Date;
use crate::manifest::{FolderAccess, TableName, Verb};
use crate::record::StreamId;

/// For what and when an effect is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The flow that it serves; empty = none.
    pub flow: &'a str,
    /// The day, in the operator's zone.
    pub today: Date,
    /// Origins that the flow has used so far, as [`super::shown`] writes them; none while too little is known.
    pub usual_hosts: Option<&'a BTreeSet<String>>,
}

/// Where a request goes: a URL, and where a server that was asked before sent it on.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    url: &'a Url,
    redirect: Option<&'a Redirect>,
}

/// What a redirect comes from.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The URL whose server redirects.
    pub from: Url,
    /// A credential went along to there.
    pub with_credential: bool,
}

impl<'a> Target<'a> {
    /// A URL that the connector, or a redirect, named.
    #[must_use]
    pub fn new(url: &'a Url, redirect: Option<&'a Redirect>) -> Self {
        Self { url, redirect }
    }

    /// What redirected there.
    #[must_use]
    pub fn redirect(self) -> Option<&'a Redirect> {
        self.redirect
    }
}

impl std::ops::Deref for Target<'_> {
    type Target = Url;

    fn deref(&self) -> &Url {
        self.url
    }
}

/// Why records are deleted at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// The source reports them as deleted.
    Reported,
    /// The person withdrew the consent under which they were delivered.
    Withdrawn,
}

/// An effect that somebody wants to have.
#[derive(Clone, Debug)]
pub enum Ask<'a> {
    /// Records of a stream go to a destination under a flow.
    Deliver {
        /// Flow id.
        flow: &'a str,
        /// Where they come from.
        from: &'a StreamId,
        /// Where they go.
        to: &'a StreamId,
    },
    /// Records are to be deleted at a destination under a flow, by their primary key.
    Delete {
        /// Flow id.
        flow: &'a str,
        /// Where they were.
        from: &'a StreamId,
        /// Where they are to be deleted.
        to: &'a StreamId,
        /// Why.
        because: Because,
    },
    /// A stream is read to judge or complete the records of a flow; nothing of it is delivered as such.
    Consult {
        /// Flow id.
        flow: &'a str,
        /// The stream.
        stream: &'a StreamId,
    },
    /// A request leaves for a URL; asked for the first address and again for each redirect.
    Send {
        /// System whose connector asks.
        system: &'a str,
        /// Where it goes.
        url: Target<'a>,
        /// Name of the credential that is to be injected.
        credential: Option<&'a str>,
    },
    /// The address that a permitted name led to.
    Connect {
        /// System whose connector asks.
        system: &'a str,
        /// Where it goes.
        url: &'a Url,
        /// The resolved address.
        address: std::net::IpAddr,
    },
    /// A body is to be read inside the sandbox.
    ReadBody {
        /// System whose connector asks.
        system: &'a str,
    },
    /// A file is to be opened.
    OpenFile {
        /// System whose connector asks.
        system: &'a str,
        /// Name of the folder grant.
        folder: &'a str,
        /// Direction.
        access: FolderAccess,
    },
    /// A statement is to be run, or rows are to be loaded.
    Statement {
        /// System whose connector asks.
        system: &'a str,
        /// Name of the database grant.
        database: &'a str,
        /// What it does with which table, beside those that last as long as the connection.
        uses: &'a BTreeSet<(TableName, Verb)>,
    },
    /// A component's imports are to be linked.
    Link {
        /// System that the component serves.
        system: &'a str,
        /// Interface names found in its type (`http`, `sink`, …; anything foreign by its full name).
        imports: &'a [String],
    },
}
