//! Approvals: what voids them, what forges them, and what a lock has to survive.

use super::super::canonical;
use super::super::closure::{Closure, Closures};
use super::super::lock::{Approval, Lock, SigningKey, check, parse};
use super::super::{ConnectorDigests, State};
use super::{EXAMPLE, edited, policy, read, state, today};
use crate::problem::Code;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn closure(text: &str, flow: &str) -> Closure {
    Closures::new(&canonical::of(&read(text)), &ConnectorDigests::new()).of(flow).unwrap()
}

fn sign(number: u8, flow: &str, digest: &str, role: &str) -> Approval {
    Approval::sign(&key(number), flow, digest, role, today(), None).unwrap()
}

/// Two roles sign every flow of a text.
fn approved(text: &str) -> Lock {
    let mut lock = Lock::default();
    for id in read(text).flows.keys() {
        let closure = closure(text, id);
        lock.approve(sign(1, id, &closure.digest, "role:sales"), &closure);
        lock.approve(sign(2, id, &closure.digest, "dpo"), &closure);
    }
    lock
}

/// Codes with titles and notes, joined.
fn found(text: &str, lock: &Lock) -> Vec<(Code, String)> {
    let problems = check(&policy(text), lock, &ConnectorDigests::new());
    problems.into_iter().map(|problem| (problem.code, format!("{} {}", problem.title, problem.notes.join(" ")))).collect()
}

const SYNC: &str = "crm-won-to-erp";

#[test]
fn two_roles_with_two_keys_are_enough() {
    assert_eq!(found(EXAMPLE, &Lock::default()), [], "records without a digest count until somebody signs");
    assert_eq!(found(EXAMPLE, &approved(EXAMPLE)), []);
    let strict = edited("mode     = \"enforce\"", "approvals = \"required\"\nmode     = \"enforce\"");
    assert_eq!(found(&strict, &Lock::default()).len(), 7);
    assert_eq!(found(&strict, &approved(&strict)), []);
}

#[test]
fn one_person_is_not_two() {
    let closure = closure(EXAMPLE, SYNC);
    let with = |approvals: [Approval; 2]| {
        let mut lock = Lock::default();
        approvals.into_iter().for_each(|approval| lock.approve(approval, &closure));
        found(EXAMPLE, &lock).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    let sign = |number, role| sign(number, SYNC, &closure.digest, role);
    assert_eq!(with([sign(1, "role:sales"), sign(2, "dpo")]), []);
    assert_eq!(with([sign(1, "role:sales"), sign(1, "dpo")]), [Code::E172], "one key");
    assert_eq!(with([sign(1, "dpo"), sign(2, "dpo")]), [Code::E172], "one role");
    let mut crossed = Lock::default();
    crossed.approve(sign(1, "role:sales"), &closure);
    crossed.approve(sign(1, "dpo"), &closure);
    assert_eq!(crossed.given(SYNC, &closure.digest), 1);
    crossed.approve(sign(2, "role:it"), &closure);
    assert_eq!(crossed.given(SYNC, &closure.digest), 2);
    assert_eq!(Approval::sign(&key(1), SYNC, &closure.digest, "dpo\nrole:sales", today(), None), None);
    assert_eq!(Approval::sign(&key(1), SYNC, &closure.digest, " ", today(), None), None);
}

#[test]
fn a_change_of_the_closure_voids_and_says_where() {
    let lock = approved(EXAMPLE);
    let later = edited("valid_until = 2027-02-28", "valid_until = 2028-02-28");
    let denied = found(&later, &lock);
    assert_eq!(denied.len(), 4, "the flows of that system: {denied:?}");
    for (code, words) in denied {
        assert_eq!(code, Code::E171);
        assert!(words.contains("`system.crm.contract.valid_until` differs from what was approved"), "{words}");
        assert!(!words.contains("system.erp"), "{words}");
    }
    let outside = edited("rotation = \"P14D\"", "rotation = \"P7D\"");
    let denied: Vec<String> = found(&outside, &lock).into_iter().map(|(_, words)| words).collect();
    assert_eq!(denied.len(), 1);
    assert!(denied[0].contains("erp-to-dwh-sales"), "{denied:?}");
    let editorial =
        edited("authority = \"LfD Niedersachsen\"", "authority = \"LfD Hessen\"").replace("Absatzstatistik\", en", "Statistik\", en");
    assert_eq!(found(&editorial, &lock), []);
}

#[test]
fn another_component_voids() {
    let connectors = ConnectorDigests::from([("erp".to_owned(), "ab".repeat(32))]);
    let problems = check(&policy(EXAMPLE), &approved(EXAMPLE), &connectors);
    assert!(problems.iter().all(|problem| problem.code == Code::E171 && problem.notes[0].contains("`connector.erp`")));
    assert_eq!(problems.len(), 5);
}

#[test]
fn a_digest_in_the_manifest_must_be_the_present_one() {
    let of = |digest: &str| edited("sha256:fill-by-hub-approve", &format!("sha256:{digest}"));
    let (good, bad) = (of(&closure(EXAMPLE, SYNC).digest), of(&"ab".repeat(32)));
    assert_eq!(found(&good, &approved(EXAMPLE)), []);
    assert_eq!(found(&good, &Lock::default())[0].0, Code::E171, "a full digest stands for signatures");
    let denied = found(&bad, &approved(EXAMPLE));
    assert_eq!(denied.len(), 1);
    assert!(denied[0].1.contains("what was approved has changed since"));
}

#[test]
fn a_signature_holds_for_what_was_signed_only() {
    let good = sign(1, SYNC, &"ab".repeat(32), "dpo");
    assert!(good.verify());
    let swapped: [fn(&mut Approval); 8] = [
        |approval| approval.flow = "erp-to-crm".to_owned(),
        |approval| approval.closure = "cd".repeat(32),
        |approval| approval.role = "role:sales".to_owned(),
        |approval| approval.at = approval.at.add_days(1).unwrap(),
        |approval| approval.reason = Some("because".to_owned()),
        |approval| approval.key = key(2).public(),
        |approval| approval.signature[0] ^= 1,
        |approval| approval.signature = [0; 64],
    ];
    for (index, swap) in swapped.iter().enumerate() {
        let mut forged = good.clone();
        swap(&mut forged);
        assert!(!forged.verify(), "{index}");
        let mut lock = approved(EXAMPLE);
        lock.approvals.push(forged);
        let problems = found(EXAMPLE, &lock);
        assert_eq!(problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::E506], "{index}");
    }
    // No part can lend characters to its neighbour.
    assert_ne!(sign(1, "a", "b", "c",).signed_text(), sign(1, "a\n1 b", "", "c").signed_text());
}

#[test]
fn where_roles_have_keys_no_other_key_counts() {
    let hex = |number: u8| data_encoding::HEXLOWER.encode(&key(number).public());
    let table = |sales: u8| format!("\n[approver]\ndpo = [\"{}\"]\n\"role:sales\" = [\"{}\"]\n", hex(2), hex(sales));
    let (good, other) = (format!("{EXAMPLE}{}", table(1)), format!("{EXAMPLE}{}", table(3)));
    assert_eq!(found(&good, &approved(&good)), []);
    let denied = found(&other, &approved(&other));
    assert_eq!(denied.len(), 7, "each flow that the wrong key signed: {denied:?}");
    assert!(denied.iter().all(|(code, words)| *code == Code::E506 && words.contains("`role:sales` with a key that `[approver]`")));
    let changes = super::super::diff::diff(&state(&good), &state(&other), today());
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].class.word(), changes[0].path.as_str()), ("material-high", "approver.role:sales"));
}

#[test]
fn a_reason_is_signed_and_read_again() {
    let form = closure(EXAMPLE, SYNC);
    let sign = |reason: &str| Approval::sign(&key(1), SYNC, &form.digest, "dpo", today(), Some(reason));
    let given = sign("contract renewed, \"AVV-7\"").unwrap();
    let mut lock = Lock::default();
    lock.approve(given.clone(), &form);
    assert_eq!(parse(&lock.text(), 0).unwrap().approvals.first(), Some(&given));
    assert!(given.verify() && !Approval { reason: None, ..given }.verify());
    for bad in ["", " ", "two\nlines", &"x".repeat(501)] {
        assert_eq!(sign(bad), None, "{bad}");
    }
}

#[test]
fn a_key_file_leads_to_the_same_key() {
    let file = SigningKey::file(&[7; 32]);
    assert_eq!(SigningKey::parse(&file).unwrap().public(), key(7).public());
    for bad in ["", "hub-approval-key-1 ", "hub-approval-key-1 AAAA", "AAAA", &file.replace("key-1", "key-2")] {
        assert!(SigningKey::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(format!("{:?}", key(7)), "SigningKey");
}

fn full() -> Lock {
    let connectors = ConnectorDigests::from([("erp".to_owned(), "ab".repeat(32))]);
    let mut lock = approved(EXAMPLE);
    lock.applied = Some(State { connectors, ..state(EXAMPLE) });
    lock
}

#[test]
fn a_lock_is_written_and_read_again() {
    for lock in [Lock::default(), approved(EXAMPLE), full()] {
        let text = lock.text();
        assert_eq!(parse(&text, 0).unwrap(), lock);
        assert_eq!(parse(&text, 0).unwrap().text(), text);
    }
    let mut odd = Lock::default();
    let form = closure(EXAMPLE, SYNC);
    odd.approve(sign(1, "a \"b\" \\ é\u{7f}", &form.digest, "rôle: \"x\" \\"), &form);
    assert_eq!(parse(&odd.text(), 0).unwrap(), odd);
}

#[test]
fn an_approval_replaces_that_of_the_same_role_and_drops_what_nobody_approves() {
    let (old, new) = (closure(EXAMPLE, SYNC), closure(&edited("P2Y", "P1Y"), SYNC));
    assert_ne!(old.digest, new.digest);
    let mut lock = Lock::default();
    lock.approve(sign(1, SYNC, &old.digest, "dpo"), &old);
    lock.approve(sign(1, SYNC, &new.digest, "dpo"), &new);
    assert_eq!(lock.approvals.len(), 1);
    assert!(lock.closure(&old.digest).is_none() && lock.closure(&new.digest).is_some());
}

#[test]
fn a_hostile_lock_is_refused_with_its_place() {
    let good = full().text();
    let digest = full().approvals[0].closure.clone();
    let rows: Vec<(String, &str)> = vec![
        ("lock = ".to_owned(), ""),
        ("lock = 2".to_owned(), "format that this hub does not know"),
        (String::new(), "does not say its format"),
        ("lock = 1\nmore = 1".to_owned(), "no key `more`"),
        ("lock = 1\napplied = 1".to_owned(), "`applied` is no table"),
        ("lock = 1\n[applied]".to_owned(), "`state` is missing"),
        ("lock = 1\napproval = 1".to_owned(), "no list of tables"),
        ("lock = 1\napproval = [1]".to_owned(), "`approval` is no table"),
        ("lock = 1\n[[approval]]".to_owned(), "`flow` is missing"),
        ("lock = 1\n[closure]\n\"ab\" = \"{}\"".to_owned(), "does not fit its digest"),
        (format!("lock = 1\n[closure]\n{} = \"[]\"", canonical::hash("[]")), "cannot be read"),
        (format!("lock = 1\n[closure]\n{} = {:?}", canonical::hash(&"[".repeat(5000)), "[".repeat(5000)), "cannot be read"),
        (good.replacen("customer-care", "other", 1).replacen("P8Y", "P1Y", 1), "the digest of what was applied does not fit"),
        (good.replacen(&digest, &digest.to_uppercase(), 1), "64 characters"),
        (good.replacen("role = \"", "role = \"\\n", 1), "one line"),
        (good.replacen("at = 2026-11-23", "at = \"2026-11-23\"", 1), "no day"),
        (good.replacen("key = \"", "key = \"zz", 1), "`key` has not the form"),
        (good.replacen("signature = \"", "signature = \"A", 1), "`signature` has not the form"),
        ("lock = 1\n".to_owned() + &"a.".repeat(100) + "b = 1", ""),
    ];
    for (text, words) in rows {
        let Err(problems) = parse(&text, 3) else { panic!("{words}: {text}") };
        let all: Vec<_> = problems.iter().collect();
        assert!(
            all.iter().all(|problem| problem.code == Code::E505 && !problem.help.is_empty() && problem.labels[0].span.file == 3),
            "{all:?}"
        );
        assert!(all.iter().any(|problem| problem.title.contains(words)), "{words}: {all:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_it_panic(at in 0..2000_usize, junk in "\\PC{0,8}") {
        let text = "lock = 1\n[[approval]]\nflow = \"a\"\nclosure = \"b\"\nrole = \"c\"\nat = 2026-11-23\nkey = \"d\"\nsignature = \"e\"\n[closure]\n[applied]\n";
        let at = at % text.len();
        let _ = parse(&format!("{}{junk}{}", &text[..at], &text[at..]), 0);
    }
}
