//! Canonical bytes, persons that can be erased, and rows that are recognised afterwards.

use crate::support::*;
use ledger::evidence::{Commitment, Domain, FieldWriter, InclusionProof, Pseudonym, Salt, TreeHash};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::io;

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Nothing,
    Text(String),
    Bytes(Vec<u8>),
    Integer(i64),
    List(Vec<Vec<Field>>),
}

fn put(writer: &mut FieldWriter, fields: &[Field]) {
    for field in fields {
        match field {
            Field::Nothing => writer.put_nothing(),
            Field::Text(text) => writer.put_text(text),
            Field::Bytes(bytes) => writer.put_bytes(bytes),
            Field::Integer(integer) => writer.put_integer(*integer),
            Field::List(items) => writer.put_list(items, |writer, item| put(writer, item)),
        };
    }
}

fn written(fields: &[Field]) -> Vec<u8> {
    let mut writer = FieldWriter::new(Domain::Entry);
    put(&mut writer, fields);
    writer.as_bytes().to_vec()
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8]) -> i64 {
    i64::from_be_bytes(take(bytes, 8).try_into().expect("eight bytes"))
}

fn counted<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::try_from(number(bytes)).expect("a length");
    take(bytes, length)
}

/// Reads fields up to the end, or up to what ends an item of a list.
fn fields(bytes: &mut &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while bytes.first().is_some_and(|&sort| sort < 5) {
        fields.push(match take(bytes, 1)[0] {
            0 => Field::Nothing,
            1 => Field::Text(String::from_utf8(counted(bytes).to_vec()).expect("UTF-8")),
            2 => Field::Bytes(counted(bytes).to_vec()),
            3 => Field::Integer(number(bytes)),
            _ => {
                let mut items = Vec::new();
                while take(bytes, 1)[0] == 5 {
                    items.push(self::fields(bytes));
                }
                Field::List(items)
            }
        });
    }
    fields
}

fn any_fields() -> impl Strategy<Value = Vec<Field>> {
    let text = prop_oneof![".{0,6}", Just(String::new()), Just("pakt/entry/v1\n".to_owned())];
    let plain = prop_oneof![
        Just(Field::Nothing),
        text.prop_map(Field::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Field::Bytes),
        prop_oneof![any::<i64>(), -2..3i64].prop_map(Field::Integer),
    ];
    let field = plain.prop_recursive(3, 24, 4, |field| {
        prop::collection::vec(prop::collection::vec(field, 0..4), 0..4).prop_map(Field::List)
    });
    prop::collection::vec(field, 0..8)
}

proptest! {
    /// What can be read back cannot have been written by anything else.
    #[test]
    fn different_fields_never_give_the_same_bytes(first in any_fields()) {
        let bytes = written(&first);
        let mut rest = bytes.strip_prefix(b"pakt/entry/v1\n").unwrap();
        prop_assert_eq!(fields(&mut rest), first);
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn fields_keep_their_borders() {
    let text = |text: &str| Field::Text(text.to_owned());
    let all = [
        vec![],
        vec![Field::Nothing],
        vec![text("")],
        vec![Field::Bytes(Vec::new())],
        vec![Field::Integer(0)],
        vec![Field::List(vec![])],
        vec![Field::List(vec![vec![]])],
        vec![text("ab"), text("c")],
        vec![text("a"), text("bc")],
        vec![text("abc")],
        vec![Field::Bytes(b"abc".to_vec())],
        vec![Field::List(vec![vec![text("a")]]), text("b")],
        vec![Field::List(vec![vec![text("a"), text("b")]])],
        vec![Field::List(vec![vec![text("a")], vec![text("b")]])],
    ];
    for (index, fields) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            assert_ne!(written(fields), written(other), "{fields:?} {other:?}");
        }
    }
}

#[test]
fn the_bytes_of_an_entry_stay_as_they_are_written_down() {
    let mut writer = FieldWriter::new(Domain::Entry);
    writer.put_text("hold").put_integer(-1).put_option(None::<&str>, |writer, text| {
        writer.put_text(text);
    });
    writer.put_list([b"a", b"b"], |writer, lot| {
        writer.put_bytes(lot);
    });
    let expected = b"pakt/entry/v1\n\
        \x01\0\0\0\0\0\0\0\x04hold\
        \x03\xff\xff\xff\xff\xff\xff\xff\xff\
        \x00\
        \x04\x05\x02\0\0\0\0\0\0\0\x01a\x05\x02\0\0\0\0\0\0\0\x01b\x06";
    assert_eq!(writer.as_bytes(), expected);
    let by_hand = Sha256::new().chain_update([0]).chain_update(expected).finalize();
    assert_eq!(writer.leaf_hash(), TreeHash::from_bytes(by_hand.into()));
    writer.restart(Domain::Person);
    assert_eq!(writer.as_bytes(), b"pakt/person/v1\n");
}

/// A person beside the log, and the leaf that names them.
struct Named {
    pseudonym: Pseudonym,
    commitment: Commitment,
    person: Option<(Salt, &'static str)>,
}

impl Named {
    fn leaf(&self, index: i64) -> TreeHash {
        let mut writer = FieldWriter::new(Domain::Entry);
        writer.put_integer(index).put_bytes(self.pseudonym.as_bytes()).put_bytes(self.commitment.as_bytes());
        writer.leaf_hash()
    }
}

#[test]
fn a_person_can_be_erased_and_every_proof_stays() {
    let mut random = bits(7);
    let pseudonym = Pseudonym::draw(&mut random).unwrap();
    let salt = Salt::draw(&mut random).unwrap();
    let commitment = Commitment::new(&salt, [Some("ada"), None]);
    let mut named = Named { pseudonym, commitment, person: Some((salt, "ada")) };
    let all: Vec<_> = (0..9).map(|index| named.leaf(index)).collect();
    let (head, proof) = (head_of(&all), InclusionProof::new(&all[..], 4, 9).unwrap());

    let (salt, user) = named.person.take().unwrap();
    assert!(named.commitment.opens_with(&salt, [Some(user), None]));
    assert!(!named.commitment.opens_with(&salt, [Some("bob"), None]));
    assert!(!named.commitment.opens_with(&salt, [Some(user), Some("")]));
    assert!(!named.commitment.opens_with(&Salt::from_bytes([0; 32]), [Some(user), None]));
    assert_eq!(named.person, None);
    assert_eq!(proof.verify(&named.leaf(4), &head), Ok(()));
}

#[test]
fn random_bits_are_asked_for_and_secrets_are_not_shown() {
    let mut none = |_: &mut [u8]| Ok(());
    assert!(Pseudonym::draw(&mut none).is_err());
    assert!(Salt::draw(&mut none).is_err());
    let mut broken = |_: &mut [u8]| Err(io::Error::other("no device"));
    assert_eq!(Salt::draw(&mut broken).unwrap_err().to_string(), "no device");
    assert_eq!(format!("{:?}", Salt::from_bytes([7; 32])), "Salt(..)");
    assert_eq!(format!("{:?}", log_key()), "SignerKey(example.org/atlas-ledger, ..)");
}

#[test]
fn pseudonyms_are_read_as_they_are_written() {
    let pseudonym = Pseudonym::from_bytes(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff");
    assert_eq!(pseudonym.to_string(), "000102030405060708090a0b0c0d0eff");
    assert_eq!(pseudonym.to_string().parse(), Ok(pseudonym));
    for text in [
        "",
        "0",
        "+00102030405060708090a0b0c0d0eff",
        "000102030405060708090A0b0c0d0eff",
        "é00102030405060708090a0b0c0d0ef",
    ] {
        assert!(text.parse::<Pseudonym>().is_err(), "{text}");
    }
}
