//! A token for slurmrestd is on no command line and in no environment while a person's verbs go by it.

use crate::{
    desk::Desk,
    real_jupiter::{charged, job, scheduler_job, text},
    real_rest::by_rest,
};
use lab::wait_until;
use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// The command line and the environment of every process of this machine.
fn processes() -> Vec<[Vec<u8>; 2]> {
    let folders = fs::read_dir("/proc").expect("it is mounted").flatten().map(|process| process.path());
    // One that has just ended has none.
    folders.map(|folder| ["cmdline", "environ"].map(|what| fs::read(folder.join(what)).unwrap_or_default())).collect()
}

fn shows(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}

/// What was seen at one request.
#[derive(Debug)]
struct Look {
    /// The verbs on command lines of processes whose environment has the desk's variable.
    verbs: Vec<&'static str>,
    with_token: Vec<String>,
}

/// Stands before slurmrestd and looks at all processes whenever a request brings the token: whoever asks has it then, and
/// waits. A process that is gone between two requests is not seen here, but by [`RECORDS`].
#[derive(Clone)]
struct Watcher {
    server: PathBuf,
    token: String,
    /// A variable that this desk alone sets.
    variable: String,
    looks: Arc<Mutex<Vec<Look>>>,
}

/// What asks the server: for all jobs of a person, as `jobs` does, `squeue` is asked.
const VERBS: [&str; 3] = ["submit", "watch", "settle"];

impl Watcher {
    fn listen(&self, socket: &Path) {
        let listener = UnixListener::bind(socket).expect("a fresh socket");
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).expect("ours");
        let watcher = self.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let watcher = watcher.clone();
                thread::spawn(move || watcher.serve(client.expect("a client")));
            }
        });
    }

    fn serve(&self, mut client: UnixStream) {
        let mut server = UnixStream::connect(&self.server).expect("it runs");
        let (mut answers, mut asker) = [&server, &client].map(|end| end.try_clone().expect("a copy")).into();
        // Whoever asked may be gone before the end of the answer.
        thread::spawn(move || std::io::copy(&mut answers, &mut asker).and_then(|_| asker.shutdown(Shutdown::Write)));
        let mut piece = vec![0; 1024 * 1024];
        while let Ok(length @ 1..) = client.read(&mut piece) {
            if shows(&piece[..length], &self.token) {
                self.look();
            }
            server.write_all(&piece[..length]).expect("it reads");
        }
        let _gone = server.shutdown(Shutdown::Write);
    }

    fn look(&self) {
        let seen = processes();
        let own = || seen.iter().filter(|[_, environment]| shows(environment, &self.variable));
        let goes = |verb: &&str| own().any(|[line, _]| shows(line, &format!("\0--json\0{verb}\0")));
        let with_token = seen.iter().flatten().filter(|bytes| shows(bytes, &self.token));
        let look = Look {
            verbs: VERBS.into_iter().filter(goes).collect(),
            with_token: with_token.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect(),
        };
        self.looks.lock().expect("no panic").push(look);
    }
}

/// Notes what a program was called with, and is that program.
const RECORDS: &str = "#!/bin/sh
{ echo \"$0 $*\"; /usr/bin/env; } >>\"$RECORD\"
exec \"/usr/bin/${0##*/}\" \"$@\"
";

const RECORDED: [&str; 12] =
    ["cat", "env", "id", "ps", "sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sh", "sinfo", "squeue"];

/// Puts recorded programs before those of the machine; what the program's PATH is then.
fn recorded(desk: &Desk) -> OsString {
    let folder = desk.work().join("bin");
    fs::create_dir(&folder).expect("fresh");
    let program = desk.write("record", RECORDS);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    for name in RECORDED {
        symlink(&program, folder.join(name)).expect("fresh");
    }
    let command = desk.command([""]);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).expect("set");
    let mut before = folder.into_os_string();
    before.push(":");
    before.push(path);
    before
}

#[test]
fn real_a_token_is_on_no_command_line_and_in_no_environment() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    for (name, source) in [("from-file", "token_file: <token>"), ("from-command", "token_command: [cat, <token>]")] {
        let (desk, token, file) = by_rest(&cluster, 3600);
        let (_, server) = cluster.rest().expect("it runs");
        let variable = format!("PAKT_HOME={}", desk.home().display());
        let watcher = Watcher { server, token: token.clone(), variable: variable.clone(), looks: Arc::default() };
        let socket = desk.work().join("socket");
        watcher.listen(&socket);
        let source = source.replace("<token>", &file.display().to_string());
        let rest = format!("{{ url: \"unix:{}\", {source} }}", socket.display());
        desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: none\nslurm_rest: {rest}\n"));
        let (path, record) = (recorded(&desk), desk.write("recorded", ""));
        fs::set_permissions(&record, fs::Permissions::from_mode(0o666)).expect("ours");
        let pakt = |words: &[&str]| {
            let words = [&["--json"], words].concat();
            let mut command = desk.command(&words);
            command.env("PATH", &path).env("RECORD", &record);
            desk.finish(&words, command).json()
        };

        let submitted =
            pakt(&["submit", &job(&desk, name, "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2")]);
        let id = scheduler_job(&submitted);
        assert!(pakt(&["jobs", "--fresh"]).to_string().contains(text(&submitted["id"])));
        pakt(&["watch", text(&submitted["id"])]);
        wait_until("the charge of the job", Duration::from_mins(2), || {
            pakt(&["settle"]);
            (charged(&desk, &id) > 0).then_some(())
        })
        .expect("it is charged");
        assert_eq!(desk.tool(&["sacct", "-nXP", "--format=SubmitLine", "--jobs", &id]).trim(), "", "by the server");

        let looks = watcher.looks.lock().expect("no panic");
        for verb in VERBS {
            assert!(
                looks.iter().any(|look| look.verbs.contains(&verb)),
                "{name}: {verb} is seen while it has the token: {looks:?}"
            );
        }
        assert_eq!(looks.iter().flat_map(|look| &look.with_token).collect::<Vec<_>>(), Vec::<&String>::new(), "{name}");
        let record = fs::read_to_string(record).expect("text");
        for word in ["/bin/sh -c ", "/bin/squeue ", &variable] {
            assert!(record.contains(word), "{name}: {word}: {record}");
        }
        let with_token: Vec<&str> = record.lines().filter(|line| line.contains(&token)).collect();
        assert_eq!(with_token, Vec::<&str>::new(), "{name}");
    }
}
