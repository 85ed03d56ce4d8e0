//! What is refused of `ssh:` in the configuration, before anything connects.

use crate::desk::Desk;

/// What `pakt jobs` says of a configuration that cannot be used.
fn refused(configuration: &str) -> String {
    let desk = Desk::new();
    desk.configure(configuration);
    desk.pakt(&["jobs"]).expect(2).stderr
}

#[test]
fn a_name_of_no_site_is_told_with_the_nearest() {
    let said = refused("site: jupiter\nssh: { jupter: {} }\n");
    assert!(said.contains("`ssh: { jupter: … }` in the configuration names no known site"), "{said}");
    assert!(said.contains("did you mean `jupiter`?"), "{said}");
}

#[test]
fn a_site_without_a_known_login_node_wants_one() {
    let said = refused("ssh: { grete: {} }\n");
    assert!(said.contains("the profile of grete knows no login node"), "{said}");
    assert!(said.contains("`ssh: { grete: { hosts: [HOST] } }`"), "{said}");
}

#[test]
fn of_several_sites_one_has_to_be_named() {
    let said = refused("ssh: { jupiter: {}, horeka: {} }\n");
    assert!(said.contains("several are reached through ssh: horeka, jupiter"), "{said}");
}

#[test]
fn a_machine_of_a_known_site_needs_no_connection_to_it() {
    let desk = Desk::new();
    desk.configure("site: local\nssh: { jupiter: {}, horeka: {} }\n");
    desk.pakt(&["jobs"]).expect(0);
}
