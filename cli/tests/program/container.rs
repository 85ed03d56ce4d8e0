//! The image of a job: which it is, and that one for other machines is told before it waits, with its place in the file.

use crate::{desk::Desk, files::refused};
use std::{fs, os::unix::fs::symlink};

/// This machine's architecture and another one, each with its codes in SIF and in ELF.
const OWN: (&str, &[u8; 2], u8) =
    if cfg!(target_arch = "aarch64") { ("aarch64", b"04", 183) } else { ("x86_64", b"02", 62) };
const OTHER: (&str, &[u8; 2], u8) =
    if cfg!(target_arch = "aarch64") { ("x86_64", b"02", 62) } else { ("aarch64", b"04", 183) };

/// Writes a job for this machine inside images.
fn job(desk: &Desk, container: &str) {
    desk.write(
        "job.yaml",
        &format!(
            "name: x\nkind: command\nproject: atlas\nsite: local\nresources: {{ nodes: 1, time: 10m }}\n\
             launch: command\nenvironment:\n  container: {container}\nrun: \"true\"\n"
        ),
    );
}

/// Writes the head of a SIF file.
fn sif(desk: &Desk, name: &str, (_, code, _): (&str, &[u8; 2], u8)) {
    let mut head = b"#!/usr/bin/env run-singularity\n\0SIF_MAGIC\x0001\0".to_vec();
    head.extend(code);
    head.resize(128, 0);
    fs::write(desk.work().join(name), head).expect("ours");
}

/// Writes the head of a program.
fn elf(desk: &Desk, name: &str, (_, _, machine): (&str, &[u8; 2], u8)) {
    let mut head = b"\x7fELF\x02\x01\x01".to_vec();
    head.resize(64, 0);
    head[18] = machine;
    fs::write(desk.work().join(name), head).expect("ours");
}

/// What `check`, `plan` and `submit` say of a file that none of them takes.
#[track_caller]
fn wrong(desk: &Desk) -> String {
    let said = ["check", "plan", "submit"].map(|command| refused(desk, &[command, "job.yaml"]));
    let mistakes =
        |said: &String| said.lines().take_while(|line| !line.starts_with("error: ")).collect::<Vec<_>>().join("\n");
    assert_eq!(mistakes(&said[1]), mistakes(&said[0]), "plan");
    assert_eq!(mistakes(&said[2]), mistakes(&said[0]), "submit");
    said[0].clone()
}

/// What `check` doubts of a file that it takes.
#[track_caller]
fn doubted(desk: &Desk) -> String {
    let said = desk.pakt(&["check", "job.yaml"]).expect(0).stderr;
    said.replace(desk.work().to_str().expect("text"), "<work>")
}

#[test]
fn an_image_for_other_machines_is_refused_with_its_place() {
    let desk = Desk::new();
    let (own, other) = (OWN.0, OTHER.0);
    sif(&desk, "torch.sif", OTHER);
    job(&desk, "torch.sif");
    let said = wrong(&desk);
    for wanted in [
        format!(
            "job.yaml:8:14: error: the image `<work>/torch.sif` is built for {other}, and nodes of `local` are {own}\n"
        ),
        "  8 |   container: torch.sif\n    |              ^^^^^^^^^\n".to_owned(),
        format!("= name one that is built for {own}; for both: `container: {{ {own}: …, {other}: … }}` ("),
    ] {
        assert!(said.contains(&wanted), "{wanted}\n{said}");
    }
    sif(&desk, "torch.sif", OWN);
    assert_eq!(doubted(&desk), "");
    // Of several the one that was chosen is read, and told at its own place.
    sif(&desk, "other.sif", OTHER);
    job(&desk, &format!("{{ {other}: torch.sif, {own}: other.sif }}"));
    let (said, column) = (wrong(&desk), 14 + format!("{{ {other}: torch.sif, {own}: ").len());
    assert!(said.contains(&format!("job.yaml:8:{column}: error: the image `<work>/other.sif` is built for")), "{said}");
    job(&desk, &format!("{{ {other}: other.sif, {own}-cpu: torch.sif }}"));
    assert_eq!(doubted(&desk), "");
    let shown = desk.pakt(&["check", "job.yaml"]).expect(0).shown();
    assert!(shown.contains("of local/local for 00:10:00, inside <work>/torch.sif\n"), "{shown}");
    job(&desk, &format!("{{ {other}: other.sif }}"));
    let said = wrong(&desk);
    assert!(said.contains("job.yaml:8:3: error: no image is for nodes of `local`"), "{said}");
    assert!(said.contains(&format!("= add `{own}: IMAGE`, or `{own}-cpu: IMAGE` for these alone")), "{said}");
}

#[test]
fn a_variable_of_the_path_is_read_as_the_nodes_have_it() {
    let desk = Desk::new();
    sif(&desk, "torch.sif", OTHER);
    job(&desk, "$IMAGES/torch.sif");
    let mut command = desk.command(["check", "job.yaml"]);
    command.env("IMAGES", desk.work());
    let output = command.output().expect("pakt");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("/torch.sif` is built for {}", OTHER.0)), "{said}");
}

#[test]
fn a_folder_is_read_by_a_program_that_is_no_link() {
    let desk = Desk::new();
    fs::create_dir_all(desk.work().join("box/usr/bin")).expect("ours");
    // A link from the root of the image leads to this machine's own shell.
    symlink("/bin/sh", desk.work().join("box/usr/bin/bash")).expect("ours");
    elf(&desk, "box/usr/bin/env", OTHER);
    job(&desk, "box");
    let said = wrong(&desk);
    assert!(said.contains(&format!("the image `<work>/box` is built for {}", OTHER.0)), "{said}");
    elf(&desk, "box/usr/bin/env", OWN);
    assert_eq!(doubted(&desk), "");
    fs::remove_file(desk.work().join("box/usr/bin/env")).expect("ours");
    let said = doubted(&desk);
    assert!(said.contains("warning: `<work>/box` is no image that Pakt knows"), "{said}");
}

#[test]
fn what_does_not_say_is_doubted_until_the_file_or_the_name_says_it() {
    let desk = Desk::new();
    let own = OWN.0;
    fs::write(desk.work().join("torch.sqsh"), b"hsqs\x01\0\0\0").expect("ours");
    fs::write(desk.work().join(format!("torch-{own}.sqsh")), b"hsqs\x01\0\0\0").expect("ours");
    job(&desk, "torch.sqsh");
    let said = doubted(&desk);
    let wanted =
        format!("warning: whether `<work>/torch.sqsh` is built for {own} is not known: a squashfs file does not say\n");
    assert!(said.contains(&wanted) && said.contains(&format!("say so: `container: {{ {own}: … }}`")), "{said}");
    for container in [format!("{{ {own}: torch.sqsh }}"), format!("torch-{own}.sqsh")] {
        job(&desk, &container);
        assert_eq!(doubted(&desk), "", "{container}");
    }
    desk.write("page.sif", "<html>not found</html>\n");
    job(&desk, "page.sif");
    let said = doubted(&desk);
    assert!(said.contains("warning: `<work>/page.sif` is no image that Pakt knows"), "{said}");
}
