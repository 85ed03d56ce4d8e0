//! The head of a program: the ELF header (elf(5)).

use super::BuiltFor;
use model::Architecture;

/// For which machines the program is built; none where these are not the first bytes of one.
pub(super) fn read(head: &[u8]) -> Option<BuiltFor> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let machine: [u8; 2] = head.get(18..20)?.try_into().ok()?;
    let machine = match head.get(5)? {
        1 => u16::from_le_bytes(machine),
        2 => u16::from_be_bytes(machine),
        _ => return None,
    };
    // The numbers of `e_machine` (/usr/include/elf.h).
    Some(match machine {
        3 => BuiltFor::I386,
        21 => BuiltFor::Other("ppc64"),
        22 => BuiltFor::Other("s390x"),
        40 => BuiltFor::Other("arm"),
        62 => BuiltFor::Known(Architecture::X86_64),
        183 => BuiltFor::Known(Architecture::Aarch64),
        243 => BuiltFor::Other("riscv"),
        _ => BuiltFor::Other("a machine that Pakt does not know"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, order, 1]);
        head[18..20].copy_from_slice(&machine);
        head
    }

    #[test]
    fn the_machine_of_a_program_is_read_in_its_order_of_bytes() {
        for (order, machine, wanted) in [
            (1, [62, 0], Some(BuiltFor::Known(Architecture::X86_64))),
            (1, [183, 0], Some(BuiltFor::Known(Architecture::Aarch64))),
            (2, [0, 22], Some(BuiltFor::Other("s390x"))),
            (1, [3, 0], Some(BuiltFor::I386)),
            (3, [62, 0], None),
        ] {
            assert_eq!(read(&head(order, machine)), wanted, "{order} {machine:?}");
        }
        let own = std::env::current_exe().and_then(std::fs::read).expect("this test itself");
        let wanted = if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };
        assert_eq!(read(&own), Some(BuiltFor::Known(wanted)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(read(&bytes).is_some(), bytes.starts_with(b"\x7fELF") && bytes.len() > 19 && matches!(bytes[5], 1 | 2));
            let mut program = b"\x7fELF".to_vec();
            program.extend(&bytes);
            prop_assert!(read(&program[..program.len().min(19)]).is_none());
        }
    }
}
