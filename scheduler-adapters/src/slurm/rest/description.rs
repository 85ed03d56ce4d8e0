//! A job as the server wants it described: the options of `sbatch`, in the names and forms of a version.
//!
//! What is not understood here, or not known to the server's version, is not tried: the command submits then.

use serde_json::{Map, Value, json};
use slurm_messages::amounts::{self, UNLIMITED};
use std::collections::{BTreeMap, BTreeSet};

/// The only version whose jobs have forms of their own: what the command line has, in JSON.
const OF_THE_COMMAND_LINE: u16 = 38;

/// Whether a job gets the caller's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Export {
    All,
    None,
}

/// A name of a description, and what stands there.
type Field = (&'static str, Value);

/// A job's description on its way.
#[derive(Debug)]
pub(super) struct Description {
    version: u16,
    fields: Map<String, Value>,
    pub(super) export: Export,
    nodes: Option<(u32, u32)>,
}

impl Description {
    /// Reads options in order; of one that comes twice the later one counts. The error names what is not understood.
    pub(super) fn of<'text>(
        version: u16,
        known: &BTreeSet<String>,
        words: impl IntoIterator<Item = &'text str>,
    ) -> Result<Self, String> {
        let mut description = Self { version, fields: Map::new(), export: Export::All, nodes: None };
        for word in words {
            description.take(word).ok_or_else(|| format!("it is not told `{word}`"))?;
        }
        description.derive(known);
        match description.fields.keys().find(|name| !known.contains(*name)) {
            Some(name) => Err(format!("v0.0.{version} has no `{name}`")),
            None => Ok(description),
        }
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let option = word.strip_prefix("--")?;
        let (field, value) = match option.split_once('=') {
            Some((_, "")) => return None,
            Some(("nodes", value)) => {
                self.nodes = Some(amounts::nodes(value)?);
                return Some(());
            }
            Some(("export", value)) => {
                self.export = export(value)?;
                return Some(());
            }
            Some((name, value)) => {
                text(name, value).or_else(|| self.resources(name, value)).or_else(|| self.amount(name, value))?
            }
            None => self.flag(option)?,
        };
        self.set(field, value);
        Some(())
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    const fn is_of_the_command_line(&self) -> bool {
        self.version == OF_THE_COMMAND_LINE
    }

    fn resources(&self, name: &str, value: &str) -> Option<Field> {
        match (name, self.is_of_the_command_line()) {
            ("gres", true) => Some(("gres", json!(value))),
            ("gpus-per-node", true) => Some(("gpus_per_node", json!(value))),
            ("gpus", true) => Some(("gpus", json!(value))),
            // One field holds both, so that what a second one means is sbatch's to judge.
            ("gres" | "gpus-per-node", false) if self.fields.contains_key("tres_per_node") => None,
            ("gres", false) => Some(("tres_per_node", json!(resources(value, "")))),
            ("gpus-per-node", false) => Some(("tres_per_node", json!(resources(value, "gpu:")))),
            ("gpus", false) => Some(("tres_per_job", json!(resources(value, "gpu:")))),
            _ => None,
        }
    }

    fn amount(&self, name: &str, value: &str) -> Option<Field> {
        Some(match name {
            "cpus-per-task" => ("cpus_per_task", json!(amounts::small(value)?)),
            "mem" => ("memory_per_node", json!(amounts::mebibytes(value)?)),
            "mem-per-cpu" => ("memory_per_cpu", json!(amounts::mebibytes(value)?)),
            "ntasks" => ("tasks", json!(amounts::small(value)?)),
            "ntasks-per-node" => ("tasks_per_node", json!(amounts::small(value)?)),
            "open-mode" if ["append", "truncate"].contains(&value) => {
                let is_word = self.is_of_the_command_line();
                ("open_mode", if is_word { json!(value) } else { json!([value.to_uppercase()]) })
            }
            "time" => ("time_limit", json!(amounts::minutes(value).filter(|minutes| *minutes < UNLIMITED)?)),
            _ => return None,
        })
    }

    fn flag(&self, name: &str) -> Option<Field> {
        Some(match name {
            "exclusive" if self.is_of_the_command_line() => ("exclusive", json!("true")),
            "exclusive" => ("shared", json!(["none"])),
            "hold" => ("hold", json!(true)),
            "no-requeue" => ("requeue", json!(false)),
            "requeue" => ("requeue", json!(true)),
            _ => return None,
        })
    }

    /// What `sbatch` makes of several options together (`fill_job_desc_from_opts` of `src/sbatch/sbatch.c`); v0.0.38 does it
    /// itself.
    fn derive(&mut self, known: &BTreeSet<String>) {
        if self.version == OF_THE_COMMAND_LINE {
            if let Some((least, most)) = self.nodes {
                self.set("nodes", json!([least, most]));
            }
            return;
        }
        if let Some((least, most)) = self.nodes {
            self.set("minimum_nodes", least);
            self.set("maximum_nodes", most);
        }
        let count = |name: &str| self.fields.get(name).and_then(Value::as_u64);
        let of_nodes = || {
            let (least, most) = self.nodes?;
            count("tasks_per_node").filter(|_| least == most).map(|tasks| tasks.saturating_mul(least.into()))
        };
        let tasks = count("tasks").or_else(of_nodes);
        let cpus = tasks.unwrap_or(1).saturating_mul(count("cpus_per_task").unwrap_or(1));
        if let Some(tasks) = tasks {
            self.set("tasks", tasks);
        }
        if known.contains("minimum_cpus") {
            self.set("minimum_cpus", cpus);
        }
    }

    /// Where it starts, unless an option says so.
    pub(super) fn start_in(&mut self, directory: &str) {
        self.fields.entry("current_working_directory").or_insert_with(|| json!(directory));
    }

    /// How many nodes, tasks and CPUs there are, for the variables that `sbatch` sets of them.
    pub(super) fn count(&self, name: &str) -> Option<String> {
        self.fields.get(name).filter(|value| value.is_u64()).map(ToString::to_string)
    }

    /// The whole request. A script's arguments come behind its own path, and v0.0.38 has none: they end the server (seen on
    /// 22.05.8, `free(): invalid pointer`).
    pub(super) fn request(
        mut self,
        known: &BTreeSet<String>,
        (path, script): (&str, &str),
        arguments: &[String],
        variables: &BTreeMap<String, String>,
    ) -> Result<Value, String> {
        if self.version == OF_THE_COMMAND_LINE {
            if !arguments.is_empty() {
                return Err("words for the script end the server of v0.0.38".to_owned());
            }
            self.set("environment", json!(variables));
        } else {
            let words: Vec<&str> = std::iter::once(path).chain(arguments.iter().map(String::as_str)).collect();
            self.set("argv", json!(words));
            let variables: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.set("environment", json!(variables));
        }
        if !self.fields.contains_key("name") {
            self.set("name", path.rsplit('/').next().unwrap_or(path));
        }
        if known.contains("script") {
            self.set("script", script);
            return Ok(json!({ "job": self.fields }));
        }
        Ok(json!({ "script": script, "job": self.fields }))
    }
}

fn text(name: &str, value: &str) -> Option<Field> {
    let field = match name {
        "account" => "account",
        "array" => "array",
        "chdir" => "current_working_directory",
        "comment" => "comment",
        "constraint" => "constraints",
        "dependency" => "dependency",
        "error" => "standard_error",
        "job-name" => "name",
        "licenses" => "licenses",
        "output" => "standard_output",
        "partition" => "partition",
        "qos" => "qos",
        "reservation" => "reservation",
        _ => return None,
    };
    Some((field, json!(value)))
}

fn export(value: &str) -> Option<Export> {
    match value {
        "ALL" => Some(Export::All),
        "NONE" => Some(Export::None),
        _ => None,
    }
}

/// A list of generic resources, each with its kind in front.
fn resources(list: &str, prefix: &str) -> String {
    list.split(',').map(|resource| format!("gres/{prefix}{resource}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OF_A_TEMPLATE: &str = "--account=hai --partition=booster --nodes=2 --ntasks-per-node=4 --gres=gpu:4 --cpus-per-task=72 \
                                 --time=12:00:00 --no-requeue --open-mode=append --constraint=gpu --exclusive --mem=0 \
                                 --export=NONE --comment=x --job-name=a.b --output=/o --chdir=/w";

    fn known(more: &[&str]) -> BTreeSet<String> {
        let all = "account argv comment constraints cpus_per_task current_working_directory environment hold memory_per_node \
                   name open_mode partition requeue standard_output tasks tasks_per_node time_limit";
        all.split(' ').chain(more.iter().copied()).map(str::to_owned).collect()
    }

    fn request(version: u16, known: &BTreeSet<String>) -> Value {
        let description = Description::of(version, known, OF_A_TEMPLATE.split_whitespace()).expect("all of them");
        assert_eq!(description.export, Export::None);
        let variables = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
        description.request(known, ("/w/job.sh", "#!/bin/sh\n"), &[], &variables).expect("a request")
    }

    #[test]
    fn what_templates_write_in_the_forms_of_three_versions() {
        let plain = request(38, &known(&["nodes", "gres", "exclusive"]));
        assert_eq!(
            plain,
            json!({"script": "#!/bin/sh\n", "job": {
                "account": "hai", "comment": "x", "constraints": "gpu", "cpus_per_task": 72, "current_working_directory": "/w",
                "environment": {"A": "b"}, "exclusive": "true", "gres": "gpu:4", "memory_per_node": 0, "name": "a.b",
                "nodes": [2, 2], "open_mode": "append", "partition": "booster", "requeue": false, "standard_output": "/o",
                "tasks_per_node": 4, "time_limit": 720
            }})
        );
        let newer = ["minimum_nodes", "maximum_nodes", "minimum_cpus", "tres_per_node", "shared"];
        let forty = request(40, &known(&newer));
        let mut job = plain["job"].clone();
        let fields = job.as_object_mut().expect("an object");
        for name in ["nodes", "gres", "exclusive"] {
            fields.remove(name);
        }
        for (name, value) in [
            ("minimum_nodes", json!(2)),
            ("maximum_nodes", json!(2)),
            ("tasks", json!(8)),
            ("minimum_cpus", json!(576)),
            ("tres_per_node", json!("gres/gpu:4")),
            ("shared", json!(["none"])),
            ("open_mode", json!(["APPEND"])),
            ("environment", json!(["A=b"])),
            ("argv", json!(["/w/job.sh"])),
        ] {
            fields.insert(name.to_owned(), value);
        }
        assert_eq!(forty, json!({"script": "#!/bin/sh\n", "job": job}));
        let within = request(44, &known(&[&newer[..], &["script"]].concat()));
        assert_eq!((&within["script"], &within["job"]["script"]), (&Value::Null, &json!("#!/bin/sh\n")));
    }

    #[test]
    fn what_is_not_understood_is_named_and_not_tried() {
        let known = known(&["nodes", "gres", "tres_per_node"]);
        for (version, words, why) in [
            (38, "--time=1 --switches=1", "`--switches=1`"),
            (38, "--time=UNLIMITED", "`--time=UNLIMITED`"),
            (38, "--export=ALL,X=1", "`--export=ALL,X=1`"),
            (38, "-N2", "`-N2`"),
            (38, "--account=", "`--account=`"),
            (38, "--reservation=r", "v0.0.38 has no `reservation`"),
            (44, "--gres=gpu:1 --gpus-per-node=1", "`--gpus-per-node=1`"),
            (44, "--nodes=1", "v0.0.44 has no `maximum_nodes`"),
        ] {
            let error = Description::of(version, &known, words.split_whitespace()).expect_err(words);
            assert!(error.contains(why), "{words}: {error}");
        }
        let description = Description::of(38, &known, ["--time=1"]).expect("one");
        let error = description.request(&known, ("/x", ""), &["a".to_owned()], &BTreeMap::new());
        assert!(error.expect_err("arguments").contains("end the server"));
    }

    proptest! {
        #[test]
        fn any_words_are_answered_without_panic(
            version in 38_u16..46,
            words in prop::collection::vec("--(time|mem|nodes|gres|gpus|ntasks|ntasks-per-node|cpus-per-task|x)=?.{0,6}", 0..6)
        ) {
            let known = known(&["nodes", "gres", "minimum_cpus", "minimum_nodes", "maximum_nodes", "tres_per_node"]);
            drop(Description::of(version, &known, words.iter().map(String::as_str)));
        }
    }
}
