//! Signatures of approvals: Ed25519 over a text that names flow, closure, role, day and reason, so that none can be moved to another of them.

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::date::Date;
use crate::key_file::{FileKey, Purpose};

/// Roles are names, not texts.
const MAX_ROLE_CHARACTERS: usize = 128;
/// A reason is a sentence or two.
const MAX_REASON_CHARACTERS: usize = 500;

/// A key that signs approvals.
pub type SigningKey = FileKey<Approving>;

/// Agreeing to flows.
pub enum Approving {}

impl Purpose for Approving {
    const HEAD: &'static str = "hub-approval-key-1 ";
    const NAME: &'static str = "SigningKey";
}

/// One person in one role agreed to one flow as it then was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Id of the flow.
    pub flow: String,
    /// Digest of its closure, hex.
    pub closure: String,
    /// Role or person.
    pub role: String,
    /// When.
    pub at: Date,
    /// Why, if something was said.
    pub reason: Option<String>,
    /// Ed25519 public key.
    pub key: [u8; 32],
    /// Ed25519 signature over [`Approval::signed_text`].
    pub signature: [u8; 64],
}

impl Approval {
    /// Signs. None if the role or the reason is empty, too long or not one line.
    #[must_use]
    pub fn sign(key: &SigningKey, flow: &str, closure: &str, role: &str, at: Date, reason: Option<&str>) -> Option<Self> {
        if !is_role(role) || !reason.is_none_or(is_reason) {
            return None;
        }
        let text = signed_text(flow, closure, role, at, reason);
        let signature = key.sign(text.as_bytes()).as_ref().try_into().ok()?;
        Some(Self {
            flow: flow.to_owned(),
            closure: closure.to_owned(),
            role: role.to_owned(),
            at,
            reason: reason.map(str::to_owned),
            key: key.public(),
            signature,
        })
    }

    /// True if the signature is of this key over exactly this flow, closure, role, day and reason.
    #[must_use]
    pub fn verify(&self) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key).verify(self.signed_text().as_bytes(), &self.signature).is_ok()
    }

    /// What is signed: a line that no other use of a key has, then each part behind its length in bytes.
    #[must_use]
    pub fn signed_text(&self) -> String {
        signed_text(&self.flow, &self.closure, &self.role, self.at, self.reason.as_deref())
    }
}

/// True for one line of 1 to 128 characters.
pub(super) fn is_role(role: &str) -> bool {
    is_line(role, MAX_ROLE_CHARACTERS)
}

/// True for one line of 1 to 500 characters.
pub(super) fn is_reason(reason: &str) -> bool {
    is_line(reason, MAX_REASON_CHARACTERS)
}

fn is_line(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
}

/// A reason is one more part: a signature with one does not fit without it, and the other way round.
fn signed_text(flow: &str, closure: &str, role: &str, at: Date, reason: Option<&str>) -> String {
    let day = at.to_string();
    let parts = [Some(flow), Some(closure), Some(role), Some(day.as_str()), reason];
    let parts: String = parts.into_iter().flatten().map(|part| format!("{} {part}\n", part.len())).collect();
    format!("hub approval 1\n{parts}")
}
