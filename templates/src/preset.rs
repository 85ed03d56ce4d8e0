//! Presets: the kinds of job file that `pakt init` can begin.

use crate::TemplateError;
use model::Launch;
use std::{fmt, str::FromStr};

/// A kind of job file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Training with torchrun.
    Train,
    /// Evaluating a model on one GPU.
    Evaluate,
    /// Any commands.
    Command,
    /// An MPI program.
    Mpi,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Train, Self::Evaluate, Self::Command, Self::Mpi];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Command => "command",
            Self::Mpi => "mpi",
        }
    }

    /// How its job is started, which not every site can.
    pub const fn launch(self) -> Launch {
        match self {
            Self::Train => Launch::Torchrun,
            Self::Evaluate | Self::Command => Launch::Command,
            Self::Mpi => Launch::Mpi,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Preset {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| TemplateError::UnknownPreset { text: text.to_owned(), nearest: nearest(text).name() })
    }
}

/// The preset whose name takes the fewest insertions, deletions and replacements, where each letter that both begin
/// with makes up for two of them: `eval` means `evaluate`.
fn nearest(text: &str) -> Preset {
    let lower = text.to_lowercase();
    let shared = |name: &str| name.chars().zip(lower.chars()).take_while(|(left, right)| left == right).count();
    let cost = |preset: &Preset| {
        let name = preset.name();
        // 16 is twice the longest name: the sum stays above zero.
        distance(&lower, name) + 16 - 2 * shared(name)
    };
    Preset::ALL.into_iter().min_by_key(cost).unwrap_or(Preset::Command)
}

/// The Levenshtein distance of two texts, by letters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, other) in right.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse::<Preset>().expect("its own name"), preset);
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        for (text, near) in [
            ("trian", "train"),
            ("training", "train"),
            ("eval", "evaluate"),
            ("Evaluation", "evaluate"),
            ("cmd", "command"),
            ("openmpi", "mpi"),
            ("mpirun", "mpi"),
        ] {
            match text.parse::<Preset>() {
                Err(TemplateError::UnknownPreset { nearest, .. }) => assert_eq!(nearest, near, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
