//! `--preview`: the small sizes of a large picture, and a checkpoint from which the others follow.

use super::Arguments;
use crate::cli::{CliError, input::is_standard_stream, output::free_name};
use impasto::{
    plan::Size,
    style::{Recipe, scales},
};
use std::path::Path;

/// The longest side that is painted. Sizes grow by the square root of two, so that the last one is the nearest to 512.
const LONGEST: u32 = 608;

/// The extension of a checkpoint that has no name of its own.
const EXTENSION: &str = "checkpoint";

/// How many of a picture's sizes, given by their long sides, its preview has: those up to [`LONGEST`], and at least one.
pub(super) fn preview_scales(long_sides: impl IntoIterator<Item = u32>) -> usize {
    long_sides.into_iter().take_while(|long| *long <= LONGEST).count().max(1)
}

/// The recipe of what is painted now.
pub(super) fn painted_now(arguments: &Arguments, recipe: &Recipe) -> Recipe {
    let all = scales(recipe.size, recipe.min_scale);
    let last = if arguments.preview { preview_scales(all.iter().copied()) } else { all.len() };
    Recipe { size: all[last - 1], ..recipe.clone() }
}

impl Arguments {
    /// Gives the checkpoint of a preview a name, if it has none: that of the picture.
    pub fn name_checkpoint(&mut self, output: Option<&Path>) -> Result<(), CliError> {
        if self.preview && self.checkpoint.is_none() {
            let beside = output.and_then(Path::parent).unwrap_or(Path::new(""));
            let stem = output.and_then(Path::file_stem).map_or("impasto".into(), |stem| stem.to_string_lossy());
            let free = free_name(beside, &stem, EXTENSION);
            self.checkpoint = Some(free.ok_or_else(|| {
                CliError::Usage(format!("all names like {stem}.{EXTENSION} are taken: name one with --checkpoint"))
            })?);
        }
        Ok(())
    }

    /// Whether a file that is read comes from standard input, which can be read once.
    pub fn reads_standard_input(&self) -> bool {
        self.inputs().iter().any(|input| is_standard_stream(&input.path))
    }
}

/// What there is to do after a preview.
pub(super) fn way_on(checkpoint: &Path, size: Size) -> String {
    let checkpoint = checkpoint.display();
    format!(
        "this shows what will come: `impasto resume {checkpoint}` paints it at {size}, with --size or --print larger or smaller"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_ends_at_the_size_nearest_to_512_and_has_one_at_least() {
        let last = |end, smallest| {
            let all = scales(end, smallest);
            all[preview_scales(all.iter().copied()) - 1]
        };
        assert_eq!([4096, 3000, 512, 608, 609, 100].map(|end| last(end, 128)), [512, 530, 512, 608, 431, 100]);
        assert_eq!(last(4096, 1500), 2048, "the smallest there is");
        for end in 609..5000 {
            assert!((430..=608).contains(&last(end, 128)), "{end}");
        }
    }
}
