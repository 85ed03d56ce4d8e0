//! The step of training, from the name of a checkpoint.

use model::{ModelName, NameError, Subject};
use regex::Regex;
use std::sync::LazyLock;

/// How trainers name the folders of their checkpoints: `checkpoint-100` (Hugging Face), `global_step100` (`DeepSpeed`),
/// `iter_0000100` (Megatron-LM), `step-100` (torchtitan), behind a folder or a name, and before a folder `hf` of a
/// converted one.
static CHECKPOINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(.*?)[-_./])?((?:checkpoint|ckpt|global[-_]?step|step|iter(?:ation)?))[-_=]?([0-9]{1,18})(?:/hf)?/*$",
    )
    .ok()
});

/// Folders that hold checkpoints and name no model.
const HOLDERS: [&str; 3] = ["/checkpoints", "/checkpoint", "/ckpts"];

/// The model and the step that a name says; the step of a revision (`step3000`) where the name has none.
pub(super) fn subject(name: &str, revision: Option<&str>) -> Result<Subject, NameError> {
    if let Some((model, step)) = cut(name) {
        return Ok(Subject { model: model.parse()?, step: Some(step) });
    }
    let step = revision.and_then(cut).map(|(_, step)| step);
    Ok(Subject { model: name.parse::<ModelName>()?, step })
}

/// The model and the step that a job's own name of a model says, as nodes read it: two dollars are one, and behind commas there may be arguments
/// of the harness, of which a revision may tell the step.
pub(crate) fn subject_of_job(text: &str, has_arguments: bool) -> Result<Subject, NameError> {
    let text = text.replace("$$", "$");
    if !has_arguments {
        return subject(&text, None);
    }
    let (path, rest) = text.split_once(',').unwrap_or((&text, ""));
    let revision = rest.split(',').find_map(|argument| argument.strip_prefix("revision="));
    let told = subject(path, revision)?;
    // Arguments that tell no step make another model of it.
    let is_step = |argument: &&str| told.step.is_some() && argument.starts_with("revision=") && cut(path).is_none();
    let others: Vec<&str> = rest.split(',').filter(|argument| !argument.is_empty() && !is_step(argument)).collect();
    if others.is_empty() {
        return Ok(told);
    }
    Ok(Subject { model: format!("{},{}", told.model, others.join(",")).parse()?, ..told })
}

/// What stands before the step, or the word for a checkpoint where nothing does; and the step.
fn cut(name: &str) -> Option<(&str, u64)> {
    let found = CHECKPOINT.as_ref()?.captures(name)?;
    let step = found.get(3)?.as_str().parse().ok()?;
    let before = found.get(1).map(|part| part.as_str().trim_end_matches('/')).unwrap_or_default();
    let model = HOLDERS.iter().find_map(|holder| before.strip_suffix(holder)).unwrap_or(before);
    let model = [model, before, found.get(2)?.as_str()].into_iter().find(|text| !text.is_empty())?;
    Some((model, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_checkpoints_say_model_and_step() {
        for (name, revision, model, step) in [
            ("tiny/checkpoint-100", None, "tiny", Some(100)),
            ("/scratch/ada/7b/checkpoints/iter_0001000", None, "/scratch/ada/7b", Some(1000)),
            ("7b/global_step200/hf/", None, "7b", Some(200)),
            ("7b-step300", None, "7b", Some(300)),
            ("7b/step=300", None, "7b", Some(300)),
            ("checkpoint-7", None, "checkpoint", Some(7)),
            ("checkpoints/step_5", None, "checkpoints", Some(5)),
            ("EleutherAI/pythia-70m", Some("step3000"), "EleutherAI/pythia-70m", Some(3000)),
            ("EleutherAI/pythia-70m", Some("main"), "EleutherAI/pythia-70m", None),
            // Numbers that are no steps.
            ("onestep2", None, "onestep2", None),
            ("llama-3-8b", None, "llama-3-8b", None),
            ("gpt2", None, "gpt2", None),
            ("step-audio", None, "step-audio", None),
            ("7b/checkpoint-99999999999999999999", None, "7b/checkpoint-99999999999999999999", None),
        ] {
            let read = subject(name, revision).expect(name);
            assert_eq!((read.model.as_str(), read.step), (model, step), "{name}");
        }
        assert!(subject("", None).is_err());
    }

    #[test]
    fn what_a_job_calls_a_model_is_one_model_however_it_is_told() {
        for (text, model, step) in [
            ("$SCRATCH/7b/checkpoint-100", "$SCRATCH/7b", Some(100)),
            ("/odd/$$x/checkpoint-100", "/odd/$x", Some(100)),
            ("EleutherAI/pythia-70m,revision=step3000", "EleutherAI/pythia-70m", Some(3000)),
            ("EleutherAI/pythia-70m,revision=main", "EleutherAI/pythia-70m,revision=main", None),
            ("a/step5,dtype=float16", "a,dtype=float16", Some(5)),
            ("a/step5,revision=step7", "a,revision=step7", Some(5)),
            ("a,revision=step7,peft=b", "a,peft=b", Some(7)),
        ] {
            let read = subject_of_job(text, true).expect(text);
            assert_eq!((read.model.as_str(), read.step), (model, step), "{text}");
        }
        // To any other program a comma is a comma.
        for (text, model, step) in [("lr=1e-4,wd=0.1/checkpoint-5", "lr=1e-4,wd=0.1", Some(5)), ("a,b", "a,b", None)] {
            let read = subject_of_job(text, false).expect(text);
            assert_eq!((read.model.as_str(), read.step), (model, step), "{text}");
        }
    }
}
