//! Digests of compiled components, kept in the store: what is not on record there is compiled again, never trusted.

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_core::problem::{Code, Problem};

use crate::plugin::package::Ledger;
use crate::store::format::Compiled;
use crate::store::{Durability, Namespace, Put, Store, Transaction};

/// The store as a ledger.
pub(super) struct StoreLedger(pub Arc<dyn Store>);

impl Ledger for StoreLedger {
    fn digest(&self, key: &str) -> Option<String> {
        let bytes = self.0.get(Namespace::Compiled, key.as_bytes()).ok()??;
        Compiled::decode(&bytes).ok().map(|compiled| compiled.digest)
    }

    fn record(&self, key: &str, digest: &str) -> BoxFuture<'static, Result<(), Problem>> {
        let value = Compiled { digest: digest.to_owned() }.encode();
        let put = Put { namespace: Namespace::Compiled, key: key.as_bytes().to_vec(), value: Some(value) };
        let written = self.0.commit(Transaction { puts: vec![put], audit: Vec::new() }, Durability::Sync);
        Box::pin(async move {
            written.await.map(drop).map_err(|error| {
                Problem::new(
                    Code::E502,
                    format!("the digest of compiled code cannot be stored: {error}"),
                    "free disk space or mend the store",
                )
            })
        })
    }
}
