//! A server that plays slurmrestd: it gives each path the answer that a test wrote for it, and keeps what it was asked.

use scheduler_adapters::{RestConfiguration, TokenSource};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// What a path is answered with: the status and the text. A status of zero closes the connection without a word.
pub(crate) type Answers = BTreeMap<String, (u16, String)>;

/// A server; it ends with the process.
pub(crate) struct FakeRest {
    pub(crate) address: String,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<String>>>,
    token: PathBuf,
    _folder: tempfile::TempDir,
}

/// The token that it is shown; it ends in a far time.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2VjcmV0";

impl FakeRest {
    /// A server that offers these questions in a version, with the filters and fields of that version.
    pub(crate) fn offering(version: u16) -> Self {
        let fake = Self::silent();
        fake.gives("/openapi/v3", 200, &description(version).to_string());
        fake
    }

    /// A server that answers 404 to everything.
    pub(crate) fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let (answers, asked) = (Arc::new(Mutex::new(Answers::new())), Arc::new(Mutex::new(Vec::new())));
        let (theirs, heard) = (Arc::clone(&answers), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.expect("a client"), &theirs, &heard);
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        fs::write(&token, TOKEN).expect("ours");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("ours");
        Self { address, answers, asked, token, _folder: folder }
    }

    pub(crate) fn gives(&self, path: &str, status: u16, text: &str) {
        self.answers.lock().expect("no test panics in it").insert(path.to_owned(), (status, text.to_owned()));
    }

    /// The requests so far, from their first line on.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics in it").clone()
    }

    /// How often something was asked, by the begin of the request.
    pub(crate) fn count(&self, begin: &str) -> usize {
        self.asked().iter().filter(|request| request.starts_with(begin)).count()
    }

    pub(crate) fn configuration(&self) -> RestConfiguration {
        RestConfiguration {
            place: reach::http::HttpPlace::parse(&self.address).expect("a place"),
            token: Some(TokenSource::File(self.token.clone())),
        }
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<Answers>, asked: &Mutex<Vec<String>>) {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    let text = loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
                break text;
            }
        }
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => heard.extend_from_slice(&piece[..read]),
            _ => return,
        }
    };
    let path = text.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let (status, body) = {
        let known = answers.lock().expect("no test panics in it");
        known.get(&path).cloned().unwrap_or((404, "Unable find requested URL.".to_owned()))
    };
    asked.lock().expect("no test panics in it").push(text);
    if status > 0 {
        // Who is asked too often says for how long it wants to be left alone.
        let retry = if status == 429 { "Retry-After: 120\r\n" } else { "" };
        let first =
            format!("HTTP/1.1 {status} X\r\n{retry}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all((first + &body).as_bytes());
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// What such a server says of itself.
fn description(version: u16) -> Value {
    let mut filters = vec!["cluster", "account", "step", "start_time", "end_time", "skip_steps"];
    if version > 38 {
        filters.extend(["users", "show_duplicates", "disable_truncate_usage_time"]);
    }
    let filters: Vec<Value> = filters.into_iter().map(|name| json!({"name": name, "in": "query"})).collect();
    let (schema, mut fields) = if version == 38 {
        ("job_properties", vec!["argv", "nodes", "gres", "exclusive"])
    } else {
        ("job_desc_msg", vec!["argv", "minimum_nodes", "maximum_nodes", "minimum_cpus", "tres_per_node", "shared"])
    };
    if version > 40 {
        fields.push("script");
    }
    fields.extend([
        "account",
        "comment",
        "constraints",
        "cpus_per_task",
        "current_working_directory",
        "environment",
        "hold",
        "memory_per_node",
        "name",
        "open_mode",
        "partition",
        "requeue",
        "standard_output",
        "tasks",
        "tasks_per_node",
        "time_limit",
    ]);
    let fields: BTreeMap<&str, Value> = fields.into_iter().map(|name| (name, json!({}))).collect();
    json!({
        "paths": {
            format!("/slurm/v0.0.{version}/jobs/"): {"get": {"parameters": []}},
            format!("/slurm/v0.0.{version}/job/submit"): {"post": {}},
            format!("/slurmdb/v0.0.{version}/jobs/"): {"get": {"parameters": filters}},
        },
        "components": {"schemas": {format!("v0.0.{version}_{schema}"): {"properties": fields}}},
    })
}
