//! Bundles as whoever takes them in sees them: what was changed, dropped, moved or cut is refused, and what stands before
//! it is given out.

use crate::support::{bits, key};
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use ledger::evidence::{KeyKind, SignerKey, TreeHash};
use ledger::{
    Batch, BatchCoverage, BundleFault, BundleHeader, BundleReader, BundleWriter, BundledRun, KeyTrust, Scope,
};
use model::{
    BaseState, EvidenceClass, ExitCode, JobState, Run, RunKey, SchedulerJobId, Timestamp, Tres, WallTime, Window,
};
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch_seconds(seconds)
}

fn signer(seed: u8) -> SignerKey {
    key("pakt-bundle", KeyKind::Log, seed)
}

/// A line with the signature of the key of this seed, by hand.
fn signed_by(seed: u8, line: &[u8]) -> Vec<u8> {
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(&[b"pakt/bundle/v1\n", line].concat());
    let text = Base64::encode_string(&signature.to_bytes());
    [line, b"\n{\"signature\":\"", text.as_bytes(), b"\"}\n"].concat()
}

fn header(key: &SignerKey) -> BundleHeader {
    BundleHeader {
        site: "jupiter".parse().expect("a site"),
        user: "ada".parse().expect("a user"),
        key: key.verifier().clone(),
        began_at: at(1_793_000_000),
        mark: 7,
        made_by: "pakt test".to_owned(),
    }
}

fn run(job: u64, user: &str) -> Run {
    Run {
        key: RunKey {
            site: "jupiter".parse().expect("a site"),
            cluster: "booster".parse().expect("a cluster"),
            scheduler_job: SchedulerJobId::new(job),
            submitted_at: at(1_793_000_000),
        },
        sluid: Some(format!("s{job}")),
        shown_id: job.to_string(),
        user: user.parse().expect("a user"),
        account: None,
        partition: None,
        qos: None,
        name: "secret".to_owned(),
        work_directory: None,
        stamp: None,
        state: JobState::of(BaseState::Completed),
        restarts: None,
        started_at: at(1_793_000_010),
        ended_at: Some(at(1_793_000_110)),
        elapsed: WallTime::from_seconds(100),
        time_limit: None,
        allocated: Tres::read("cpu=4,gres/gpu=1,node=1").expect("a list"),
        exit: ExitCode::default(),
        evidence: EvidenceClass::SiteSigned,
        observed_at: at(1_793_000_200),
        raw: "the row".to_owned(),
    }
}

fn batch(jobs: &[u64]) -> Batch {
    Batch {
        number: 0,
        previous: TreeHash::from_bytes([0; 32]),
        written_at: at(1_793_000_200),
        cluster: "booster".parse().expect("a cluster"),
        scope: Scope::User("ada".parse().expect("a user")),
        runs: jobs.iter().map(|job| BundledRun::of(run(*job, "ada")).expect("it has ended")).collect(),
        sight: None,
        coverage: Some(BatchCoverage {
            rights: None,
            whole_accounts: Vec::new(),
            window: Window { from: at(1_792_000_000), to: at(1_793_000_200) },
        }),
    }
}

/// The parts of a bundle: the header, and so many batches, each with its signature.
fn parts(key: &SignerKey, count: u64) -> Vec<Vec<u8>> {
    let (mut writer, first) = BundleWriter::begin(key, &header(key)).expect("a header");
    let mut parts = vec![first];
    parts.extend((1..=count).map(|number| writer.batch(batch(&[number, number + 100])).expect("a batch")));
    parts
}

/// The batches that are given out, and why no more are; none where all of it was read.
fn read(bytes: &[u8]) -> (Vec<Batch>, Option<BundleFault>) {
    let mut reader = match BundleReader::open(bytes) {
        Ok(reader) => reader,
        Err(fault) => return (Vec::new(), Some(fault)),
    };
    let mut batches = Vec::new();
    loop {
        match reader.batch() {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => {
                assert_eq!(reader.whole_bytes(), bytes.len() as u64);
                return (batches, None);
            }
            Err(fault) => return (batches, Some(fault)),
        }
    }
}

#[test]
fn what_is_written_is_read_without_what_no_ledger_needs() {
    let (batches, fault) = read(&parts(&signer(1), 3).concat());
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(batches.iter().map(|batch| batch.number).collect::<Vec<_>>(), [1, 2, 3]);
    let header = header(&signer(1));
    let bundled = batches[1].runs[0].clone().into_run(&header.site, &batches[1].cluster, &header.user, KeyTrust::Own);
    let expected = Run { name: String::new(), raw: String::new(), evidence: EvidenceClass::SelfRead, ..run(2, "ada") };
    assert_eq!(bundled, expected);
    let coverage = batches[0].coverage_of(&header, KeyTrust::Own).expect("it has one");
    assert_eq!((coverage.site, coverage.window.to), (header.site, at(1_793_000_200)));
}

#[test]
fn a_bundle_of_another_key_or_header_is_none_of_this_one() {
    let (ours, theirs) = (parts(&signer(1), 3), parts(&signer(9), 3));
    let mixed = [&ours[0], &theirs[1]].map(Clone::clone).concat();
    assert!(matches!(read(&mixed), (batches, Some(BundleFault::Broken { line: 4, .. })) if batches.is_empty()));
    // The same key, another bundle: its first batch continues another header.
    let other = BundleHeader { mark: 8, ..header(&signer(1)) };
    let key = signer(1);
    let (_, first) = BundleWriter::begin(&key, &other).expect("a header");
    let (batches, fault) = read(&[first, ours[1].clone()].concat());
    let fault = fault.expect("refused").to_string();
    assert!(batches.is_empty() && fault.contains("does not continue what stands before it"), "{fault}");
}

#[test]
fn what_its_reader_cannot_have_seen_is_refused_though_it_is_signed() {
    let key = signer(1);
    let of = |change: &dyn Fn(&mut Batch)| {
        let (mut writer, mut bytes) = BundleWriter::begin(&key, &header(&key)).expect("a header");
        let mut changed = batch(&[1]);
        change(&mut changed);
        let refused = writer.batch(changed.clone()).expect_err("it is not written");
        // Somebody whose program writes it all the same.
        changed = Batch { number: 1, previous: writer.last(), ..changed };
        bytes.extend(signed_by(1, &serde_json::to_vec(&changed).expect("JSON")));
        let (batches, fault) = read(&bytes);
        assert!(batches.is_empty());
        let fault = fault.expect("refused").to_string();
        assert!(fault.ends_with(&refused), "{fault} and not {refused}");
        fault
    };
    let bob = || BundledRun::of(run(2, "bob")).expect("it has ended");
    let name = |text: &str| text.parse().expect("a user");
    for (change, why) in [
        (&(|batch: &mut Batch| batch.runs.push(bob())) as &dyn Fn(&mut Batch), "has one of `bob`"),
        (&|batch| batch.scope = Scope::User(name("bob")), "it was read by `bob`"),
        (&|batch| batch.scope = Scope::All(name("bob")), "it was read by `bob`"),
        (&|batch| batch.scope = Scope::Site(name("ada")), "it calls itself the site's"),
        (&|batch| batch.runs = vec![batch.runs[0].clone(); 4_001], "more than 4000 runs"),
        (
            &|batch| {
                let long = Run { shown_id: "7".repeat(65), ..run(7, "ada") };
                batch.runs = BundledRun::of(long).into_iter().collect();
            },
            "an id of job 7",
        ),
        (
            &|batch| {
                batch.coverage.as_mut().expect("it has one").window = Window { from: at(2), to: at(2) };
            },
            "an empty span of time",
        ),
    ] {
        let said = of(change);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn lines_without_end_and_other_formats_are_refused() {
    let long = [b"{\"format\":\"".as_slice(), &vec![b'x'; 17 * 1024 * 1024]].concat();
    assert!(matches!(read(&long).1, Some(BundleFault::Broken { line: 1, .. })));
    let bytes = parts(&signer(1), 1).concat();
    let later = String::from_utf8(bytes).expect("text").replace("pakt/bundle/v1", "pakt/bundle/v2");
    let fault = read(later.as_bytes()).1.expect("refused").to_string();
    assert!(fault.contains("another release of pakt may read it"), "{fault}");
    assert!(matches!(read(b"").1, Some(BundleFault::Torn)));
    let mut random = bits(3);
    let mut noise = vec![0; 4_096];
    random(&mut noise).expect("bits");
    assert!(read(&noise).1.is_some());
}

/// One way to spoil a bundle.
#[derive(Clone, Debug)]
enum Spoil {
    Change { at: prop::sample::Index, to: u8 },
    Insert { at: prop::sample::Index, byte: u8 },
    Remove { at: prop::sample::Index },
    Cut { at: prop::sample::Index },
    Drop { part: prop::sample::Index },
    Swap { one: prop::sample::Index, other: prop::sample::Index },
    Repeat { part: prop::sample::Index },
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, to)| Spoil::Change { at, to }),
        (index(), any::<u8>()).prop_map(|(at, byte)| Spoil::Insert { at, byte }),
        index().prop_map(|at| Spoil::Remove { at }),
        index().prop_map(|at| Spoil::Cut { at }),
        index().prop_map(|part| Spoil::Drop { part }),
        (index(), index()).prop_map(|(one, other)| Spoil::Swap { one, other }),
        index().prop_map(|part| Spoil::Repeat { part }),
    ]
}

/// The spoilt bytes.
fn spoilt(mut parts: Vec<Vec<u8>>, spoil: &Spoil) -> Vec<u8> {
    let count = parts.len();
    match spoil {
        Spoil::Drop { part } => drop(parts.remove(part.index(count - 1))),
        Spoil::Swap { one, other } => parts.swap(one.index(count), other.index(count)),
        Spoil::Repeat { part } => {
            let again = parts[part.index(count)].clone();
            parts.insert(part.index(count), again);
        }
        _ => {}
    }
    let mut bytes = parts.concat();
    let length = bytes.len();
    match spoil {
        Spoil::Change { at, to } => bytes[at.index(length)] = *to,
        Spoil::Insert { at, byte } => bytes.insert(at.index(length), *byte),
        Spoil::Remove { at } => drop(bytes.remove(at.index(length))),
        Spoil::Cut { at } => bytes.truncate(at.index(length)),
        _ => {}
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_spoilt_is_refused_and_what_stands_before_it_given_out(spoil in spoil(), count in 1_u64..5) {
        let parts = parts(&signer(1), count);
        let whole = parts.concat();
        let bytes = spoilt(parts.clone(), &spoil);
        let (expected, _) = read(&whole);
        let (given, fault) = read(&bytes);
        // Whole parts that stand where they were written are given out, and nothing else ever is.
        let same = whole.iter().zip(&bytes).take_while(|(one, other)| one == other).count();
        let mut end = 0;
        let untouched = parts.iter().take_while(|part| { end += part.len(); end <= same }).count();
        prop_assert_eq!(&given[..], &expected[..untouched.saturating_sub(1)]);
        let is_prefix = bytes.len() == same && parts.iter().scan(0, |end, part| { *end += part.len(); Some(*end) })
            .any(|end| end == same);
        prop_assert_eq!(fault.is_none(), is_prefix, "{:?}", fault);
    }
}
