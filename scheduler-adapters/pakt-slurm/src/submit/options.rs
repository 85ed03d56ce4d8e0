//! The options of `sbatch` that this program understands.

use super::lengths;
use slurm_messages::amounts::small;

/// What a job asks for, by the options of sbatch(1). Of an option that comes twice the later one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(super) account: Option<String>,
    pub(super) array: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) constraint: Option<String>,
    pub(super) cpus_per_task: Option<u16>,
    pub(super) dependency: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) error: Option<String>,
    pub(super) exclude: Option<String>,
    pub(super) export: Option<Export>,
    pub(super) gpus: Option<String>,
    pub(super) gpus_per_node: Option<String>,
    pub(super) gres: Option<String>,
    pub(super) is_exclusive: bool,
    pub(super) is_held: bool,
    pub(super) job_name: Option<String>,
    pub(super) kills_invalid_dependent: Option<bool>,
    pub(super) licenses: Option<String>,
    pub(super) memory_per_cpu: Option<u64>,
    pub(super) memory_per_node: Option<u64>,
    pub(super) minutes: Option<u32>,
    pub(super) node_list: Option<String>,
    pub(super) nodes: Option<(u32, u32)>,
    pub(super) ntasks: Option<u32>,
    pub(super) ntasks_per_node: Option<u16>,
    pub(super) output: Option<String>,
    pub(super) partition: Option<String>,
    pub(super) qos: Option<String>,
    pub(super) requeues: Option<bool>,
    pub(super) reservation: Option<String>,
    pub(super) signal: Option<(u16, u16, u16)>,
    pub(super) truncates: Option<bool>,
}

/// Which variables of the caller a job gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Export {
    All,
    None,
}

impl Options {
    /// Reads options in order. The error names the first that is not understood.
    pub(crate) fn read<'text>(words: impl IntoIterator<Item = &'text str>) -> Result<Self, String> {
        let mut options = Self::default();
        for word in words {
            options.take(word).ok_or_else(|| format!("`{word}`"))?;
        }
        // One member of a description holds both, so that what they mean together is sbatch's to judge.
        if options.gres.is_some() && options.gpus_per_node.is_some() {
            return Err("`--gres` beside `--gpus-per-node`".to_owned());
        }
        Ok(options)
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let option = word.strip_prefix("--")?;
        match option.split_once('=') {
            Some((name, value)) if !value.is_empty() => {
                self.take_text(name, value).or_else(|| self.take_amount(name, value))
            }
            Some(_) => None,
            None => self.take_flag(option),
        }
    }

    fn take_text(&mut self, name: &str, value: &str) -> Option<()> {
        let member = match name {
            "account" => &mut self.account,
            "array" => &mut self.array,
            "chdir" => &mut self.directory,
            "comment" => &mut self.comment,
            "constraint" => &mut self.constraint,
            "dependency" => &mut self.dependency,
            "error" => &mut self.error,
            "exclude" => &mut self.exclude,
            "job-name" => &mut self.job_name,
            "licenses" => &mut self.licenses,
            "nodelist" => &mut self.node_list,
            "output" => &mut self.output,
            "partition" => &mut self.partition,
            "qos" => &mut self.qos,
            "reservation" => &mut self.reservation,
            _ => return None,
        };
        *member = Some(value.to_owned());
        Some(())
    }

    fn take_amount(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "cpus-per-task" => self.cpus_per_task = Some(small(value)?.try_into().ok()?),
            "export" => self.export = Some(export(value)?),
            "gpus" => self.gpus = Some(lengths::resources(value, "gpu:")),
            "gpus-per-node" => self.gpus_per_node = Some(lengths::resources(value, "gpu:")),
            "gres" => self.gres = Some(lengths::resources(value, "")),
            "kill-on-invalid-dep" => self.kills_invalid_dependent = Some(yes(value)?),
            "mem" => self.memory_per_node = Some(lengths::mebibytes(value)?),
            "mem-per-cpu" => self.memory_per_cpu = Some(lengths::mebibytes(value)?),
            "nodes" => self.nodes = Some(lengths::nodes(value)?),
            "ntasks" => self.ntasks = Some(small(value)?),
            "ntasks-per-node" => self.ntasks_per_node = Some(small(value)?.try_into().ok()?),
            "open-mode" => self.truncates = Some(truncates(value)?),
            "signal" => self.signal = Some(lengths::signal(value)?),
            "time" => self.minutes = Some(lengths::minutes(value)?),
            _ => return None,
        }
        Some(())
    }

    fn take_flag(&mut self, name: &str) -> Option<()> {
        match name {
            "exclusive" => self.is_exclusive = true,
            "hold" => self.is_held = true,
            "no-requeue" => self.requeues = Some(false),
            "parsable" => {}
            "requeue" => self.requeues = Some(true),
            _ => return None,
        }
        Some(())
    }

    /// The tasks in all: as many as were asked for, or those of each of so many nodes.
    pub(super) fn tasks(&self) -> Option<u32> {
        let of_nodes = || {
            let (least, most) = self.nodes?;
            least.checked_mul(self.ntasks_per_node?.into()).filter(|_| least == most)
        };
        self.ntasks.or_else(of_nodes)
    }
}

fn export(value: &str) -> Option<Export> {
    match value {
        "ALL" => Some(Export::All),
        "NONE" => Some(Export::None),
        _ => None,
    }
}

fn yes(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn truncates(value: &str) -> Option<bool> {
    match value {
        "append" => Some(false),
        "truncate" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_templates_write_is_understood() {
        let words = "--account=hai --nodes=2 --ntasks-per-node=4 --cpus-per-task=72 --gres=gpu:4 --time=12:00:00 --open-mode=append \
                     --no-requeue --export=NONE --constraint=gpu --exclusive --mem=0 --partition=booster --parsable";
        let options = Options::read(words.split_whitespace()).expect("all of them");
        assert_eq!((options.nodes, options.tasks(), options.minutes), (Some((2, 2)), Some(8), Some(720)));
        assert_eq!(
            (options.memory_per_node, options.export, options.requeues),
            (Some(0), Some(Export::None), Some(false))
        );
    }

    #[test]
    fn the_later_one_counts_and_the_first_unknown_one_is_named() {
        let options = Options::read(["--time=1", "--time=2"]).expect("both");
        assert_eq!(options.minutes, Some(2));
        for (words, named) in [
            (vec!["--time=1", "--switches=1", "--x"], "`--switches=1`"),
            (vec!["--time"], "`--time`"),
            (vec!["--time="], "`--time=`"),
            (vec!["--export=ALL,X=1"], "`--export=ALL,X=1`"),
            (vec!["-N2"], "`-N2`"),
            (vec!["--exclusive=user"], "`--exclusive=user`"),
            (vec!["--gres=gpu:4", "--time=1", "--gpus-per-node=2"], "`--gres` beside `--gpus-per-node`"),
            (vec!["--gpus-per-node=2", "--gres=shard:1"], "`--gres` beside `--gpus-per-node`"),
        ] {
            assert_eq!(Options::read(words).expect_err(named), named);
        }
    }

    proptest! {
        #[test]
        fn any_words_are_answered_without_panic(words in prop::collection::vec("--(time|mem|nodes|gres|signal|x)=?.{0,6}", 0..6)) {
            drop(Options::read(words.iter().map(String::as_str)));
        }
    }
}
