//! What a checked manifest is made of, one file for each of its parts. Data only: how it is read is `check`'s, what it means is the policy's.

mod declare;
mod flow;
mod govern;
mod observe;
mod operator;
mod party;
mod stream;
mod system;
mod timing;
pub(in crate::manifest) mod words;

pub use declare::*;
pub use flow::*;
pub use govern::*;
pub use observe::*;
pub use operator::*;
pub use party::*;
pub use stream::*;
pub use system::*;
pub use timing::*;
