//! The options that name paintings and masks, and how these are read.

use super::{
    CliError,
    console::Console,
    input::{read_mask, read_picture},
    overwrite::Input,
};
use clap::{ArgAction, Args};
use impasto::{
    options::{BlendOptions, counted, detail_for},
    picture::{Detail, Mask},
    style::StyleInput,
};
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Which parts of paintings count.
#[derive(Args, Clone, Debug)]
pub(crate) struct MaskOptions {
    /// The part of a painting that counts: white where it does. The first is for the first painting, and so on; all for
    /// one that counts whole
    #[arg(long, value_name = "MASK|all", action = ArgAction::Append)]
    pub style_mask: Vec<MaskChoice>,
}

#[derive(Clone, Debug)]
pub(crate) enum MaskChoice {
    All,
    File(PathBuf),
}

impl FromStr for MaskChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "all" => MaskChoice::All,
            path => MaskChoice::File(path.into()),
        })
    }
}

/// A painting's file, and the mask of the photograph on which it rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PaintingFile<'a> {
    pub painting: &'a Path,
    pub region: Option<&'a Path>,
}

impl MaskOptions {
    /// Checks that numbers and masks are as many as there are paintings, before anything is read.
    pub fn check(&self, blend: &BlendOptions, paintings: usize) -> Result<(), CliError> {
        blend.check(paintings).map_err(CliError::Usage)?;
        if self.style_mask.len() > paintings {
            return Err(CliError::Usage(format!(
                "--style-mask is given {} times, but there are {}: give it once for each at most",
                self.style_mask.len(),
                counted(paintings)
            )));
        }
        Ok(())
    }

    /// Every file of masks.
    pub fn inputs(&self) -> impl Iterator<Item = Input> {
        self.style_mask.iter().filter_map(|choice| match choice {
            MaskChoice::All => None,
            MaskChoice::File(path) => Some(Input::new("a mask of a painting", path)),
        })
    }

    /// Resolves relative paths against another directory than the current one.
    pub fn look_in(&mut self, directory: &Path) {
        for choice in &mut self.style_mask {
            if let MaskChoice::File(path) = choice {
                *path = directory.join(&*path);
            }
        }
    }

    /// Reads paintings with their masks, with the detail that a picture of this long side needs, or all of it.
    pub fn read(
        &self,
        files: &[PaintingFile<'_>],
        blend: &BlendOptions,
        long: Option<u32>,
        console: &Console,
    ) -> Result<Vec<StyleInput>, CliError> {
        let read = |(number, file): (usize, &PaintingFile<'_>)| {
            let scale = blend.scale(number);
            let detail =
                long.map_or(Detail::Full, |long| detail_for((f64::from(long) * f64::from(scale)).ceil() as u32));
            let opened = read_picture(file.painting, detail, console)?;
            let mask = match self.style_mask.get(number) {
                Some(MaskChoice::File(path)) => Some(used_mask(path, detail, "of a painting")?),
                Some(MaskChoice::All) | None => None,
            };
            let mask = match (mask, opened.alpha) {
                (Some(mask), Some(alpha)) => Some(mask.and(&alpha)),
                (mask, alpha) => mask.or(alpha),
            };
            let region = file.region.map(|path| used_mask(path, long.map_or(Detail::Full, detail_for), "of a region"));
            Ok(StyleInput { picture: opened.picture, mask, region: region.transpose()? })
        };
        files.iter().enumerate().map(read).collect()
    }
}

/// Reads a mask that must cover something.
pub(crate) fn used_mask(path: &Path, detail: Detail, of: &str) -> Result<Mask, CliError> {
    let mask = read_mask(path, detail)?;
    if mask.is_empty() {
        return Err(CliError::Usage(format!(
            "{}, the mask {of}, is empty: a mask is white where it counts, and this one is black or transparent everywhere",
            path.display()
        )));
    }
    Ok(mask)
}

/// Where paintings rule, and where the photograph stays.
#[derive(Args, Clone, Debug)]
pub(crate) struct RegionOptions {
    /// Let a painting rule where a mask of the photograph is white, grey for in between; any number of times. The
    /// paintings of --style rule what is left
    #[arg(long, num_args = 2, value_names = ["MASK", "PAINTING"], action = ArgAction::Append)]
    region: Vec<PathBuf>,

    /// Keep the photograph where this mask is white, grey for in between
    #[arg(long, value_name = "MASK")]
    pub keep: Option<PathBuf>,
}

impl RegionOptions {
    /// Each mask with its painting.
    pub fn pairs(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.region.as_chunks::<2>().0.iter().map(|[mask, painting]| (mask.as_path(), painting.as_path()))
    }

    /// The paintings: those given by themselves, then those of regions.
    pub fn paintings<'a>(&'a self, styles: &'a [PathBuf]) -> Vec<PaintingFile<'a>> {
        let whole = styles.iter().map(|painting| PaintingFile { painting, region: None });
        whole.chain(self.pairs().map(|(mask, painting)| PaintingFile { painting, region: Some(mask) })).collect()
    }

    /// Every file that is read.
    pub fn inputs(&self) -> impl Iterator<Item = Input> {
        let pairs = self.pairs().flat_map(|(mask, painting)| {
            [Input::new("the mask of a region", mask), Input::new("the painting of a region", painting)]
        });
        pairs.chain(self.keep.iter().map(|path| Input::new("the mask of what is kept", path)))
    }

    /// Resolves relative paths against another directory than the current one.
    pub fn look_in(&mut self, directory: &Path) {
        for path in self.region.iter_mut().chain(&mut self.keep) {
            *path = directory.join(&*path);
        }
    }
}
