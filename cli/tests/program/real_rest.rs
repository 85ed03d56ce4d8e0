//! A person's day on a cluster that is asked through slurmrestd.

use crate::{
    desk::Desk,
    laptop::Laptop,
    real_jupiter::{charged, job, scheduler_job, text},
};
use lab::{Cluster, User};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
};

/// Ada's desk with a server and a token that holds for so long; the token.
pub(crate) fn by_rest(cluster: &Rc<Cluster>, seconds: u32) -> (Desk, String, PathBuf) {
    let desk = Desk::at_with_grant(cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let token = cluster.token(User::Ada, seconds).expect("a token");
    let file = desk.write("token", &token);
    let (user_id, group_id) = cluster.ids(User::Ada).expect("a user of the lab");
    std::os::unix::fs::chown(&file, Some(user_id), Some(group_id)).expect("root gives files away");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    let (_, socket) = cluster.rest().expect("it runs");
    let rest = format!("{{ url: \"unix:{}\", token_file: {} }}", socket.display(), file.display());
    desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: none\nslurm_rest: {rest}\n"));
    (desk, token, file)
}

#[test]
fn real_a_job_goes_its_way_by_slurmrestd_and_the_token_stays_where_it_is() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let (desk, token, file) = by_rest(&cluster, 3600);
    let doctor = desk.pakt(&["doctor"]).expect(0).stdout;
    let way = "by slurmrestd (v0.0.38: submissions, queue, cancelling; v0.0.38: jobs looked up in accounting), and all else by slurm commands";
    assert!(doctor.contains(way) && !doctor.contains("slurm rest"), "{doctor}");
    let path = job(&desk, "by-rest", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2");
    let submitted = desk.json(&["submit", &path]);
    desk.pakt(&["watch", text(&submitted["id"])]).expect(0);
    let id = scheduler_job(&submitted);
    // No `sbatch` has submitted it: the command is not there, and neither is its line.
    assert_eq!(desk.tool(&["sacct", "-nXP", "--format=SubmitLine", "--jobs", &id]).trim(), "");
    let row = lab::wait_until("the end of the job in accounting", std::time::Duration::from_mins(2), || {
        let row = desk.tool(&["sacct", "-nXP", "--format=State,ElapsedRaw,AllocTRES", "--jobs", &id]);
        row.starts_with("COMPLETED|").then_some(row)
    })
    .expect("it ended");
    let seconds: i64 = row.split('|').nth(1).and_then(|seconds| seconds.parse().ok()).expect("seconds");
    assert!(row.contains("gres/gpu=4"), "{row}");
    // The rest of a short job's row comes some seconds after its end.
    lab::wait_until("the charge of the job", std::time::Duration::from_mins(1), || {
        desk.json(&["settle"]);
        (charged(&desk, &id) > 0).then_some(())
    })
    .expect("it is charged");
    assert_eq!(charged(&desk, &id), seconds * 4 * 1000);
    let has_it = |bytes: &[u8]| bytes.windows(token.len()).any(|part| part == token.as_bytes());
    let shown = desk.everything().into_iter().filter(|(place, bytes)| *place != file && has_it(bytes));
    assert_eq!(shown.map(|(place, _)| place).collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn real_a_token_that_is_over_or_open_to_others_is_told_and_the_commands_do_all() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let (desk, token, file) = by_rest(&cluster, 5);
    let warned = |why: &str| {
        let doctor = desk.pakt(&["doctor"]).expect(0).stdout;
        assert!(doctor.contains("slurm rest     warning: slurmrestd did not do what it might"), "{doctor}");
        assert!(doctor.contains(why) && doctor.contains("by slurm commands"), "{doctor}");
        assert!(!doctor.contains(&token), "{doctor}");
        desk.json(&["jobs"]);
    };
    warned("has ended, or is about to");
    warned("scontrol token lifespan=86400");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("ours");
    warned("others may read or write it (mode 0644): `chmod 600` it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    fs::write(&file, cluster.token(User::Ben, 3600).expect("a token")).expect("ours");
    warned("is `pakt-ben`'s, and you are `pakt-ada`");
    fs::write(&file, "no-token-of-this-cluster").expect("ours");
    warned("so it says of a token that is not good");
}

/// Takes TLS off before a port of this machine, with a certificate of its own; says the port that it listens on.
const TAKES_TLS_OFF: &str = "
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
def pass_on(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve(client):
    try:
        client = context.wrap_socket(client, server_side=True)
    except (ssl.SSLError, OSError):
        return
    server = socket.create_connection(('127.0.0.1', int(sys.argv[3])))
    threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
    pass_on(client, server)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";

/// A stand-in before slurmrestd that ends with the value.
struct StandIn(Child, u16);

impl StandIn {
    /// With a certificate for a host that somebody has signed.
    fn new(folder: &Path, by: &str, host: &str, server: &str) -> Self {
        let made =
            format!("-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {host}.key -out {host}.crt");
        let says = format!("-addext subjectAltName=DNS:{host} -addext basicConstraints=critical,CA:FALSE");
        openssl(folder, &format!("req -x509 -CA {by}.crt -CAkey {by}.key {made} -subj /CN=server -days 2 {says}"));
        let [certificate, key] = ["crt", "key"].map(|kind| folder.join(format!("{host}.{kind}")));
        let mut command = Command::new("python3");
        command.args(["-c", TAKES_TLS_OFF]).arg(certificate).arg(key).arg(server).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        Self(child, line.trim().parse().expect("a port"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").current_dir(folder).args(words.split(' ')).output().expect("openssl");
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn real_slurmrestd_is_asked_over_tls_where_its_certificate_is_trusted_and_names_it() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let (desk, token, file) = by_rest(&cluster, 3600);
    let (url, _) = cluster.rest().expect("it runs");
    let server = url.rsplit(':').next().expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    for name in ["ours", "others"] {
        let made =
            format!("-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.crt");
        openssl(folder.path(), &format!("req -x509 {made} -subj /CN={name} -days 2"));
    }
    let right = StandIn::new(folder.path(), "ours", "localhost", server);
    let misnamed = StandIn::new(folder.path(), "ours", "rest.example.org", server);
    let pakt = |words: &[&str], stand_in: &StandIn, trusted: &str| {
        let rest = format!("{{ url: \"https://localhost:{}\", token_file: {} }}", stand_in.1, file.display());
        desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: none\nslurm_rest: {rest}\n"));
        let mut command = desk.command(words);
        command.env("SSL_CERT_FILE", folder.path().join(trusted));
        desk.finish(words, command)
    };
    let doctor = pakt(&["doctor"], &right, "ours.crt").expect(0).stdout;
    assert!(doctor.contains("by slurmrestd (v0.0.38: submissions") && !doctor.contains("slurm rest"), "{doctor}");
    let path = job(&desk, "over-tls", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "true");
    let submitted = pakt(&["--json", "submit", &path], &right, "ours.crt").json();
    // No `sbatch` has submitted it: the command is not there, and neither is its line.
    let row = lab::wait_until("the job in accounting", std::time::Duration::from_mins(2), || {
        let format = ["--format=JobID,SubmitLine", "--jobs"];
        let row = desk.tool(&[&["sacct", "-nXP"][..], &format, &[&scheduler_job(&submitted)]].concat());
        (!row.is_empty()).then_some(row)
    });
    assert!(row.expect("it is there").ends_with('|'), "submitted by the server");
    for (stand_in, trusted, why) in [
        (&right, "others.crt", "invalid peer certificate: UnknownIssuer"),
        (&misnamed, "ours.crt", "invalid peer certificate: certificate not valid for name \"localhost\""),
    ] {
        let doctor = pakt(&["doctor"], stand_in, trusted).expect(0).stdout;
        assert!(doctor.contains("slurm rest     warning: slurmrestd did not do what it might"), "{doctor}");
        assert!(doctor.contains(why) && doctor.contains("by slurm commands"), "{why}: {doctor}");
        assert!(!doctor.contains(&token), "{doctor}");
        pakt(&["--json", "jobs", "--fresh"], stand_in, trusted).json();
    }
    pakt(&["watch", text(&submitted["id"])], &right, "ours.crt").expect(0);
}

#[test]
fn real_a_server_that_is_named_on_a_laptop_is_not_asked_and_doctor_says_so() {
    let laptop = Laptop::new();
    laptop.open_as_told();
    let (server, _) = laptop.cluster.rest().expect("it runs");
    let file = laptop.home().join("config.yaml");
    let configuration = fs::read_to_string(&file).expect("ours");
    let warned = |configuration: &str| {
        fs::write(&file, configuration).expect("ours");
        let doctor = laptop.pakt(&["doctor"]).expect(0).stdout;
        assert!(doctor.contains("by slurm commands"), "{doctor}");
        doctor.contains(
            "slurm rest     warning: slurmrestd is not asked, and other ways do all: jupiter is reached through ssh",
        )
    };
    assert!(warned(&format!("{configuration}slurm_rest: {{ url: \"{server}\", token_file: ~/.token }}\n")));
    assert!(!warned(&configuration), "nothing is named");
}
