//! Exports and proofs against whoever changes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::super::note::LogKey;
use super::super::proof::{consistency, inclusion};
use super::super::tree::{BLOCK, stored_hash};
use super::super::{Draft, Kind};
use super::*;

struct Log {
    lines: Vec<Vec<u8>>,
    stored: Vec<Vec<u8>>,
    heads: Vec<TreeHead>,
}

fn key() -> LogKey {
    LogKey::from_seed("hub/test", &[3; 32]).unwrap()
}

fn log(size: u64) -> Log {
    let mut frontier = Frontier::default();
    let mut log = Log { lines: Vec::new(), stored: Vec::new(), heads: vec![frontier.head()] };
    let mut previous = [0; 32];
    for seq in 0..size {
        let line = Draft::new(Kind::FlowIntent).flow(format!("flow-{}", seq % 3)).batch(seq).seal(seq, 1000 * seq, &previous).unwrap();
        previous = leaf_hash(&line);
        log.stored.push(frontier.push(previous).concat());
        log.lines.push(line);
        log.heads.push(frontier.head());
    }
    log
}

impl Log {
    fn note(&self, size: usize) -> String {
        key().sign(&self.heads[size])
    }

    fn check(&self, lines: &[Vec<u8>], anchors: &[TreeHead]) -> Result<Checkpoint, Untrue> {
        let note = self.note(self.lines.len());
        let mut check = ExportCheck::begin(header(&note, &Frontier::default()).as_bytes(), &key().verifier(), anchors)?;
        for line in lines {
            check.take(line)?;
        }
        check.finish()
    }

    fn stored(&self) -> impl FnMut(u64, u32) -> Option<Hash> {
        |seq, level| stored_hash(self.stored.get(usize::try_from(seq).unwrap())?, level)
    }
}

#[test]
fn a_whole_log_is_believed_with_its_anchors() {
    let log = log(20);
    let found = log.check(&log.lines, &[log.heads[20].clone(), log.heads[7].clone(), log.heads[0].clone()]).unwrap();
    assert_eq!(found, Checkpoint { origin: "hub/test".to_owned(), head: log.heads[20].clone() });
    assert!(self::log(0).check(&[], &[]).is_ok(), "an empty log");
}

#[test]
fn another_log_is_told_by_an_anchor() {
    let log = log(20);
    let forked = TreeHead { root: [1; 32], ..log.heads[7].clone() };
    assert_eq!(log.check(&log.lines, &[forked]), Err(Untrue::Fork(7)));
    let longer = TreeHead { size: 21, root: [1; 32] };
    assert_eq!(log.check(&log.lines, &[longer]), Err(Untrue::Shorter { known: 21, found: 20 }), "an older state was put in its place");
}

#[test]
fn what_is_no_export_is_told_so() {
    let verifier = key().verifier();
    for line in [
        "",
        "{}",
        "[]",
        "{\"hub_audit_export\":1}",
        "{\"hub_audit_export\":2,\"note\":\"\"}",
        "{\"hub_audit_export\":1,\"note\":\"\",\"x\":1}",
        "{\"hub_audit_export\":1,\"note\":\"\",\"from\":256}",
        "{\"hub_audit_export\":2,\"note\":\"\",\"from\":256,\"edge\":[\"AA==\"]}",
        "{\"hub_audit_export\":2,\"note\":\"\",\"from\":256}",
        "{\"hub_audit_export\":2,\"note\":\"\",\"from\":0}",
    ] {
        assert!(matches!(ExportCheck::begin(line.as_bytes(), &verifier, &[]), Err(Untrue::Form(_))), "{line}");
    }
    assert!(matches!(
        ExportCheck::begin(header("no note", &Frontier::default()).as_bytes(), &verifier, &[]),
        Err(Untrue::Note(BadNote::Form))
    ));
    let foreign = LogKey::from_seed("hub/test", &[4; 32]).unwrap().verifier();
    assert!(matches!(
        ExportCheck::begin(header(&log(3).note(3), &Frontier::default()).as_bytes(), &foreign, &[]),
        Err(Untrue::Note(BadNote::Unsigned))
    ));
}

#[test]
fn entries_and_growth_are_proven_offline() {
    let (log, verifier) = (log(20), key().verifier());
    let hashes = inclusion(11, 20, &mut log.stored()).unwrap();
    let entry = String::from_utf8(log.lines[11].clone()).unwrap();
    let proof = entry_proof(&entry, &hashes, &log.note(20));
    assert!(matches!(verify_proof(&proof, &verifier), Ok(Proven::Entry { seq: 11, .. })));
    let changed = proof.replace("flow-2", "flow-1");
    assert_eq!(verify_proof(&changed, &verifier), Err(Untrue::Entry { seq: 11, why: "the signed head does not know these bytes" }));
    let hashes = consistency(7, 20, &mut log.stored()).unwrap();
    let proof = growth_proof(&log.note(7), &hashes, &log.note(20));
    assert!(matches!(verify_proof(&proof, &verifier), Ok(Proven::Growth { .. })));
    let swapped = growth_proof(&log.note(6), &hashes, &log.note(20));
    assert_eq!(verify_proof(&swapped, &verifier), Err(Untrue::Fork(6)));
    for bad in ["", "{}", &proof.replace("\"hub_audit_proof\": 1", "\"hub_audit_proof\": 2"), &"x".repeat(MAX_DOCUMENT_BYTES + 1)] {
        assert_eq!(verify_proof(bad, &verifier), Err(Untrue::Form("a proof")), "{bad:.80}");
    }
}

#[test]
fn an_export_of_a_pruned_log_says_where_it_begins_and_why() {
    use super::super::prune::Cut;
    let (mut frontier, mut previous, mut lines, mut edge) = (Frontier::default(), [0; 32], Vec::new(), Frontier::default());
    let mut old = Vec::new();
    for seq in 0..600 {
        let cut = Cut { to: BLOCK, root: edge.root() };
        let draft = if seq == 500 { cut.draft(BLOCK, "a test") } else { Draft::new(Kind::FlowIntent).batch(seq) };
        let line = draft.seal(seq, 0, &previous).unwrap();
        previous = leaf_hash(&line);
        frontier.push(previous);
        if frontier.size() == BLOCK {
            edge = frontier.clone();
        }
        if [100, BLOCK, 400].contains(&frontier.size()) {
            old.push(frontier.head());
        }
        lines.push(line);
    }
    let note = key().sign(&frontier.head());
    let check = |start: &Frontier, lines: &[Vec<u8>]| {
        let mut check = ExportCheck::begin(header(&note, start).as_bytes(), &key().verifier(), &old)?;
        lines.iter().try_for_each(|line| check.take(line))?;
        let found = (check.first(), check.older_anchors());
        check.finish().map(|_| found)
    };
    assert_eq!(check(&edge, &lines[256..]), Ok((BLOCK, 1)));
    assert_eq!(check(&Frontier::default(), &lines), Ok((0, 0)));
    let mut forged = edge.roots().to_vec();
    forged[0][0] ^= 1;
    assert_eq!(check(&Frontier::from_roots(BLOCK, forged).unwrap(), &lines[256..]), Err(Untrue::Fork(BLOCK)));
    assert!(check(&edge, &lines[257..]).is_err());
    let mut further = Frontier::default();
    lines[..512].iter().for_each(|line| drop(further.push(leaf_hash(line))));
    let unnamed = {
        let mut check = ExportCheck::begin(header(&note, &further).as_bytes(), &key().verifier(), &[]).unwrap();
        lines[512..].iter().for_each(|line| check.take(line).unwrap());
        check.finish()
    };
    assert_eq!(unnamed, Err(Untrue::Gap(512)), "no entry says so");
}

#[derive(Clone, Debug)]
enum Attack {
    Flip(usize, usize, u8),
    Delete(usize),
    Insert(usize, usize),
    Swap(usize, usize),
    Truncate(usize),
    Cut(usize, usize),
}

fn attack() -> impl Strategy<Value = Attack> {
    let at = || 0..40_usize;
    prop_oneof![
        (at(), 0..300_usize, 1..=255_u8).prop_map(|(line, byte, by)| Attack::Flip(line, byte, by)),
        at().prop_map(Attack::Delete),
        (at(), at()).prop_map(|(from, to)| Attack::Insert(from, to)),
        (at(), at()).prop_map(|(one, other)| Attack::Swap(one, other)),
        (0..40_usize).prop_map(Attack::Truncate),
        (at(), 1..200_usize).prop_map(|(line, bytes)| Attack::Cut(line, bytes)),
    ]
}

proptest! {
    #[test]
    fn whatever_is_changed_is_noticed(attacks in prop::collection::vec(attack(), 1..4)) {
        let log = log(40);
        let mut lines = log.lines.clone();
        for attack in attacks {
            let count = lines.len();
            match attack {
                _ if count == 0 => {}
                Attack::Flip(line, byte, by) => {
                    let line = &mut lines[line % count];
                    let place = byte % line.len().max(1);
                    if let Some(byte) = line.get_mut(place) {
                        *byte ^= by;
                    }
                }
                Attack::Delete(line) => drop(lines.remove(line % count)),
                Attack::Insert(from, to) => lines.insert(to % count, lines[from % count].clone()),
                Attack::Swap(one, other) => lines.swap(one % count, other % count),
                Attack::Truncate(length) => lines.truncate(length),
                Attack::Cut(line, bytes) => {
                    let line = &mut lines[line % count];
                    line.truncate(line.len().saturating_sub(bytes));
                }
            }
        }
        prop_assert_eq!(log.check(&lines, &[]).is_ok(), lines == log.lines);
    }

    #[test]
    fn no_text_panics(text in ".{0,400}", line in prop::collection::vec(any::<u8>(), 0..400)) {
        let verifier = key().verifier();
        prop_assert!(verify_proof(&text, &verifier).is_err());
        prop_assert!(ExportCheck::begin(&line, &verifier, &[]).is_err());
        let mut check = ExportCheck::begin(header(&log(2).note(2), &Frontier::default()).as_bytes(), &verifier, &[]).unwrap();
        prop_assert!(check.take(&line).is_err());
    }
}
