//! Everything that decides how a picture is painted, with all defaults.

use super::{coefficients::Scaling, objective::WeightedTerm, outline::Outline};
use crate::{
    picture::Picture,
    plan::{AdamSettings, Border, Optimizer, PlanError, Pooling, Precision, Size, Statistic, Style, Term, check_terms},
    vgg19::Layer,
    weights::{Filters, Origin},
};
use serde::{Deserialize, Serialize};
use std::{ops::RangeInclusive, sync::Arc};

/// A layer and how much its loss counts among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedLayer {
    /// The layer.
    pub layer: Layer,
    /// Relative to the others; not negative, not all zero.
    pub weight: f32,
}

/// How much each loss counts, by kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// See [`Recipe::content_weight`].
    pub content: f32,
    /// See [`Recipe::style_weight`].
    pub style: f32,
    /// See [`Recipe::style_growth`].
    pub style_growth: f32,
    /// See [`Recipe::tv_weight`].
    pub tv: f32,
}

impl Weights {
    /// The default with this scaling of losses, this statistic of style and filters of this origin.
    ///
    /// With [`Scaling::Relative`] learned filters want more style than those of a network, and the more the larger a picture is
    /// (`docs/learned-filters.md`). The weights of [`Scaling::Mse`] were chosen with the filters that VGG19's
    /// authors trained, where style losses of Gram matrices begin near 1e8 and content losses end near 100. Those grow with
    /// the fourth power of a feature map's values and content losses with the second, so filters of another scale, such
    /// as learned ones, want another style weight: where values are ten times smaller, one a hundred times larger. The
    /// Wasserstein distance grows with the second power, like content.
    pub const fn default_for(scaling: Scaling, statistic: Statistic, origin: Origin) -> Weights {
        let style = match (scaling, statistic, origin) {
            (Scaling::Relative, _, Origin::Network) => 6.0,
            (Scaling::Relative, _, Origin::Learned) => 90.0,
            (Scaling::Mse, Statistic::Gram | Statistic::Moments, _) => 3e-4,
            (Scaling::Mse, Statistic::Wasserstein, _) => 0.3,
        };
        let tv = match scaling {
            Scaling::Relative => 0.5,
            Scaling::Mse => 100.0,
        };
        let style_growth = match (scaling, origin) {
            (Scaling::Relative, Origin::Learned) => 1.0,
            _ => 0.0,
        };
        Weights { content: 1.0, style, style_growth, tv }
    }
}

/// What the smallest scale starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Init {
    /// The photograph.
    #[default]
    Content,
    /// Noise from the seed.
    Noise,
    /// Another picture, stretched to the photograph's size.
    Picture(Arc<Picture>),
}

/// Whose colours the picture has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Colours {
    /// The painting's.
    #[default]
    Painting,
    /// The photograph's: only luminance is painted.
    Photo,
    /// The painting's, moved to the photograph's before anything is painted.
    Match,
}

/// Which optimiser moves the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Method {
    /// Robust and fast; the result is the running average of the iterates.
    Adam,
    /// Fewer, costlier steps, each with a strong-Wolfe line search; the result is the last iterate.
    Lbfgs,
}

/// How much time a picture is given: see `docs/choosing-defaults.md` for what each buys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Quality {
    /// To see where it leads
    Draft,
    /// Longer shows little more
    #[default]
    Normal,
    /// The last percents
    Fine,
}

impl Quality {
    /// Iterations at the smallest scale and at each of the others. Adam's steps are cheaper to take and worth less.
    pub const fn iterations(self, method: Method) -> (u32, u32) {
        match (self, method) {
            (Quality::Draft, Method::Lbfgs) => (60, 20),
            (Quality::Normal, Method::Lbfgs) => (150, 50),
            (Quality::Fine, Method::Lbfgs) => (300, 150),
            (Quality::Draft, Method::Adam) => (120, 60),
            (Quality::Normal, Method::Adam) => (300, 150),
            (Quality::Fine, Method::Adam) => (1000, 500),
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Long side of the result in pixels.
    pub size: u32,
    /// Long side of the smallest scale.
    pub min_scale: u32,
    /// Iterations at each scale but the smallest.
    pub iterations: u32,
    /// Iterations at the smallest scale.
    pub first_iterations: u32,
    /// Long side of the paintings as a multiple of the result's: one number for all, or one for each. They are never
    /// enlarged.
    pub style_scales: Vec<f32>,
    /// How much each painting counts, relative to the others of its region; if empty, all count the same.
    pub blend: Vec<f32>,
    /// What pictures of one style have in common.
    pub statistic: Statistic,
    /// Whose colours the picture has.
    pub colours: Colours,
    /// How far they go, from 0, the painting's colours, to 1.
    pub colour_strength: f32,
    /// How far the edges of regions are softened, in pixels of the result.
    pub feather: f32,
    /// What the smallest scale starts from. A picture cannot be text, so this is not serialised.
    #[serde(skip)]
    pub init: Init,
    /// Seed of the noise.
    pub seed: u64,
    /// Which optimiser.
    pub method: Method,
    /// Step of Adam in units of the picture's range (0.02 if none), or first trial of a line search of L-BFGS as a
    /// multiple of the whole step (1 if none).
    pub learning_rate: Option<f32>,
    /// Layers that keep the photograph.
    pub content_layers: Vec<WeightedLayer>,
    /// Layers that bring the painting.
    pub style_layers: Vec<WeightedLayer>,
    /// Weight of the content loss, the weighted mean over its layers.
    pub content_weight: f32,
    /// Weight of the style loss, the weighted mean over its layers, to a long side of 256 pixels.
    pub style_weight: f32,
    /// How the weight of the style loss grows beyond: with this power of the long side. A checkpoint without it has 0.
    #[serde(default)]
    pub style_growth: f32,
    /// Weight of the total variation.
    pub tv_weight: f32,
    /// Weight of the edge loss.
    pub edge_weight: f32,
    /// What losses are measured by.
    pub scaling: Scaling,
    /// Pooling between the blocks.
    pub pooling: Pooling,
    /// What the first convolution sees beyond the edge.
    pub border: Border,
    /// Pixels around the picture that are painted too, on a mirror image of the photograph, and cut off. Every layer sees
    /// zeros beyond its edge, and answers with a frame; it falls into the margin. No margin is needed on a torus.
    pub margin: u32,
}

/// Sizes of the painting that make sense, see [`Recipe::style_scale`]: beyond, it is a few pixels large, or larger than
/// any painting.
const STYLE_SCALES: RangeInclusive<f32> = 0.01..=100.0;

/// The widest margin that makes sense: no layer sees farther.
const WIDEST_MARGIN: u32 = 256;

/// The longest side of a picture: at 300 dpi more than twenty metres. A square of it has 2^36 pixels, and all counts of
/// bytes and of operations for so many stay far below 2^64; plans, which grow with the rows, are made within a minute.
pub const LONGEST_SIDE: u32 = 1 << 18;

/// The long side beyond which [`Recipe::style_growth`] counts.
const GROWN_FROM: u32 = 256;

/// Powers with which the style weight may grow: beyond, nothing else counts in large pictures, or nothing of the style.
const GROWTHS: RangeInclusive<f32> = -2.0..=2.0;

/// Curvature pairs that L-BFGS keeps. With ten, pictures were no better, and a picture takes 252 bytes a pixel for them
/// instead of 108.
const LBFGS_MEMORY: usize = 4;

impl Default for Recipe {
    fn default() -> Self {
        let (scaling, statistic, method) = (Scaling::default(), Statistic::Moments, Method::Lbfgs);
        let weights = Weights::default_for(scaling, statistic, Origin::Network);
        let (first_iterations, iterations) = Quality::default().iterations(method);
        Recipe {
            size: 512,
            min_scale: 128,
            iterations,
            first_iterations,
            style_scales: vec![1.0],
            blend: Vec::new(),
            statistic,
            colours: Colours::default(),
            colour_strength: 1.0,
            feather: 0.0,
            init: Init::Content,
            seed: 0,
            method,
            learning_rate: None,
            content_layers: Self::content_layers_within(Layer::DEEPEST, Origin::Network),
            style_layers: Self::style_layers_within(Layer::DEEPEST, Origin::Network),
            content_weight: weights.content,
            style_weight: weights.style,
            style_growth: weights.style_growth,
            tv_weight: weights.tv,
            edge_weight: 0.0,
            scaling,
            pooling: Pooling::Max,
            border: Border::Replicate,
            margin: 12,
        }
    }
}

fn weighted(names: &[(&str, f32)], deepest: Layer) -> Vec<WeightedLayer> {
    names
        .iter()
        .map(|&(name, weight)| WeightedLayer { layer: name.parse().expect("the table names layers of VGG19"), weight })
        .filter(|weighted| weighted.layer <= deepest)
        .collect()
}

impl Recipe {
    /// Iterations at a size, counted from 0.
    pub fn iterations_of(&self, index: usize) -> u32 {
        if index == 0 { self.first_iterations } else { self.iterations }
    }

    /// The default recipe for these filters, with layers that they reach. It pools by maxima; filters for averages are
    /// [`Filters::for_average_pooling`].
    pub fn for_filters(filters: &Filters) -> Recipe {
        let deepest = filters.deepest().unwrap_or(Layer::FIRST);
        let default = Recipe::default();
        let weights = Weights::default_for(default.scaling, default.statistic, filters.origin);
        Recipe {
            content_layers: Self::content_layers_within(deepest, filters.origin),
            style_layers: Self::style_layers_within(deepest, filters.origin),
            style_weight: weights.style,
            style_growth: weights.style_growth,
            ..default
        }
    }

    /// The default content layers for filters that reach `deepest`, and come from `origin`: relu4_2 of a network, or relu3_2
    /// where it ends before; of learned filters relu2_2 and relu3_2 (`docs/learned-filters.md`); `deepest` itself where they
    /// end before relu3_2.
    pub fn content_layers_within(deepest: Layer, origin: Origin) -> Vec<WeightedLayer> {
        let sets: &[&[_]] = match origin {
            Origin::Network => &[&[("relu4_2", 1.0)], &[("relu3_2", 1.0)]],
            Origin::Learned => &[&[("relu2_2", 1.0), ("relu3_2", 2.0)]],
        };
        let reached = sets.iter().find(|set| weighted(set, deepest).len() == set.len());
        reached.map_or_else(|| vec![WeightedLayer { layer: deepest, weight: 1.0 }], |set| weighted(set, deepest))
    }

    /// The default style layers as far as filters of this origin reach. Shallow ones count more: they carry the stroke and
    /// leave the photograph its shapes. With learned filters they count most, since what deep ones have learned is least
    /// like what a network knows, and layers between help: what one has not learned to see another may have.
    pub fn style_layers_within(deepest: Layer, origin: Origin) -> Vec<WeightedLayer> {
        let layers: &[_] = match origin {
            Origin::Network => {
                &[("relu1_1", 4.0), ("relu2_1", 3.0), ("relu3_1", 2.0), ("relu4_1", 1.0), ("relu5_1", 0.5)]
            }
            Origin::Learned => &[
                ("relu1_1", 20.0),
                ("relu1_2", 6.0),
                ("relu2_1", 6.0),
                ("relu2_2", 4.0),
                ("relu3_1", 3.0),
                ("relu3_2", 3.0),
                ("relu3_4", 3.0),
                ("relu4_1", 3.0),
            ],
        };
        weighted(layers, deepest)
    }

    /// The deepest layer that the recipe looks at.
    pub fn deepest(&self) -> Option<Layer> {
        self.content_layers.iter().chain(&self.style_layers).map(|weighted| weighted.layer).max()
    }

    /// Weight of the style loss of a picture with this long side.
    pub fn style_weight_at(&self, long: u32) -> f64 {
        let grown = f64::from(long.max(GROWN_FROM)) / f64::from(GROWN_FROM);
        f64::from(self.style_weight) * grown.powf(f64::from(self.style_growth))
    }

    /// What is minimised of a picture with this long side, with weights. The layers of a kind divide its weight in proportion
    /// to their own, and regions in proportion to their areas, so that a pixel of each moves as it would if the region were
    /// the whole picture.
    pub fn weighted_terms(&self, outline: &Outline, long: u32) -> Vec<WeightedTerm> {
        let shares = |layers: &[WeightedLayer]| -> Vec<(Layer, f64)> {
            let sum: f64 = layers.iter().map(|weighted| f64::from(weighted.weight)).sum();
            layers.iter().map(|weighted| (weighted.layer, f64::from(weighted.weight) / sum)).collect()
        };
        let mut terms = Vec::new();
        let mut add = |term, share, weight| terms.push(WeightedTerm { term, share, weight });
        for (layer, share) in shares(&self.content_layers) {
            add(Term::Content(layer), share, f64::from(self.content_weight));
        }
        for region in &outline.regions {
            for (layer, share) in shares(&self.style_layers) {
                let style = Style { layer, region: region.region, statistic: self.statistic };
                add(Term::Style(style), share * region.area, self.style_weight_at(long));
            }
        }
        add(Term::TotalVariation, 1.0, f64::from(self.tv_weight));
        if self.edge_weight > 0.0 {
            add(Term::Edges, 1.0, f64::from(self.edge_weight));
        }
        terms
    }

    /// The losses, for a plan.
    pub fn terms(&self, outline: &Outline) -> Vec<Term> {
        self.weighted_terms(outline, self.size).into_iter().map(|weighted| weighted.term).collect()
    }

    /// The losses of a photograph and one painting, both whole.
    pub fn terms_of_whole_pictures(&self) -> Vec<Term> {
        // Sizes change nothing.
        let any = Size { width: 1, height: 1 };
        self.terms(&Outline::simple(any, any, self))
    }

    /// The style scale of a painting, counted from 0.
    pub(super) fn style_scale(&self, painting: usize) -> f32 {
        *self.style_scales.get(painting).unwrap_or(&self.style_scales[0])
    }

    /// How much a painting counts.
    pub(super) fn blend_weight(&self, painting: usize) -> f64 {
        self.blend.get(painting).map_or(1.0, |&weight| f64::from(weight))
    }

    /// Whether the numbers for each painting are as many as there are paintings.
    pub(super) fn check_paintings(&self, paintings: usize) -> Result<(), RecipeError> {
        let counts = [("style-scale", self.style_scales.len(), 1), ("blend", self.blend.len(), 0)];
        match counts.into_iter().find(|&(_, found, also)| found != paintings && found != also) {
            Some((name, found, _)) => Err(RecipeError::Count { name, found, paintings }),
            None => Ok(()),
        }
    }

    /// The learning rate, or the optimiser's own default.
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate.unwrap_or(match self.method {
            Method::Adam => 0.02,
            Method::Lbfgs => 1.0,
        })
    }

    /// The optimiser, for a plan.
    pub fn optimizer(&self) -> Optimizer {
        match self.method {
            Method::Adam => Optimizer::Adam(AdamSettings::default()),
            Method::Lbfgs => Optimizer::Lbfgs { memory: LBFGS_MEMORY },
        }
    }

    /// The precision in which maps are first stored, where an engine is asked for `asked`.
    pub fn precision(&self, asked: Precision) -> Precision {
        match self.method {
            Method::Adam => asked,
            // L-BFGS compares losses that lie closer together than the rounding of f16.
            Method::Lbfgs => Precision::F32,
        }
    }

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), RecipeError> {
        let positive = |name, value: f32| {
            if value.is_finite() && value > 0.0 { Ok(()) } else { Err(RecipeError::NotPositive { name, value }) }
        };
        let not_negative = |name, value: f32| {
            if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(RecipeError::Negative { name, value }) }
        };
        let counted = |name, value: u32| if value > 0 { Ok(()) } else { Err(RecipeError::Zero { name }) };
        let within = |name, value: f32, range: RangeInclusive<f32>| {
            let (least, most) = (*range.start(), *range.end());
            if range.contains(&value) { Ok(()) } else { Err(RecipeError::OutOfRange { name, value, least, most }) }
        };
        counted("size", self.size)?;
        if self.size > LONGEST_SIDE {
            return Err(RecipeError::TooLarge { size: self.size, most: LONGEST_SIDE });
        }
        counted("min-scale", self.min_scale)?;
        counted("iterations", self.iterations)?;
        counted("first-iterations", self.first_iterations)?;
        if self.style_scales.is_empty() {
            return Err(RecipeError::Count { name: "style-scale", found: 0, paintings: 1 });
        }
        for &scale in &self.style_scales {
            positive("style-scale", scale)?;
            within("style-scale", scale, STYLE_SCALES)?;
        }
        self.blend.iter().try_for_each(|&weight| positive("blend", weight))?;
        within("color-strength", self.colour_strength, 0.0..=1.0)?;
        not_negative("feather", self.feather)?;
        within("margin", self.margin as f32, 0.0..=WIDEST_MARGIN as f32)?;
        positive("learning-rate", self.learning_rate())?;
        not_negative("content-weight", self.content_weight)?;
        not_negative("style-weight", self.style_weight)?;
        within("style-growth", self.style_growth, GROWTHS)?;
        not_negative("tv-weight", self.tv_weight)?;
        not_negative("edges", self.edge_weight)?;
        for (kind, layers) in [("content-layers", &self.content_layers), ("style-layers", &self.style_layers)] {
            layers.iter().try_for_each(|weighted| not_negative(kind, weighted.weight))?;
            if !layers.is_empty() && layers.iter().all(|weighted| weighted.weight == 0.0) {
                return Err(RecipeError::NoWeight { name: kind });
            }
        }
        if self.border == Border::Wrap && !self.content_layers.is_empty() {
            return Err(RecipeError::PhotographOnTorus);
        }
        // Which pictures there are changes only how often a style layer is listed.
        Ok(check_terms(&self.terms_of_whole_pictures())?)
    }
}

/// What is wrong with a recipe.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
#[non_exhaustive]
pub enum RecipeError {
    #[error("{name} is {value}, but must be a number above zero")]
    NotPositive { name: &'static str, value: f32 },
    #[error("{name} is {value}, but must be zero or a number above it")]
    Negative { name: &'static str, value: f32 },
    #[error("{name} is 0, but must be at least 1")]
    Zero { name: &'static str },
    #[error("{name} is {value}, but must lie between {least} and {most}")]
    OutOfRange { name: &'static str, value: f32, least: f32, most: f32 },
    #[error("size is {size}, but a picture has at most {most} pixels on a side: ask for fewer")]
    TooLarge { size: u32, most: u32 },
    #[error("{name} has {found} numbers for {paintings} paintings: give one for each")]
    Count { name: &'static str, found: usize, paintings: usize },
    #[error("all weights in {name} are zero: give at least one layer a weight above zero")]
    NoWeight { name: &'static str },
    #[error(
        "a picture that is repeated is a texture, with no photograph to keep: leave content-layers empty, or take another border"
    )]
    PhotographOnTorus,
    #[error(transparent)]
    Terms(#[from] PlanError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::generated;

    #[test]
    fn the_default_recipe_is_in_range() {
        assert_eq!(Recipe::default().check(), Ok(()));
        assert_eq!(Recipe::default().deepest().unwrap().name(), "relu5_1");
    }

    #[test]
    fn each_scaling_and_statistic_has_weights_of_its_own() {
        let recipe = Recipe::default();
        let weights = Weights {
            content: recipe.content_weight,
            style: recipe.style_weight,
            style_growth: recipe.style_growth,
            tv: recipe.tv_weight,
        };
        assert_eq!(weights, Weights::default_for(recipe.scaling, recipe.statistic, Origin::Network));
        assert_eq!(recipe.scaling, Scaling::Relative);
        for statistic in [Statistic::Gram, Statistic::Moments, Statistic::Wasserstein] {
            let Weights { content, style, style_growth, tv } =
                Weights::default_for(Scaling::Mse, statistic, Origin::Network);
            let mse = Recipe {
                statistic,
                scaling: Scaling::Mse,
                content_weight: content,
                style_weight: style,
                style_growth,
                tv_weight: tv,
                ..Recipe::default()
            };
            assert_eq!(mse.check(), Ok(()));
            assert_ne!(Weights::default_for(Scaling::Mse, statistic, Origin::Network), weights);
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let large = Recipe { size: LONGEST_SIDE + 1, ..Recipe::default() };
        let said = large.check().unwrap_err().to_string();
        assert_eq!(said, "size is 262145, but a picture has at most 262144 pixels on a side: ask for fewer");
        assert_eq!(Recipe { size: LONGEST_SIDE, ..Recipe::default() }.check(), Ok(()));
        let nan = Recipe { style_weight: f32::NAN, ..Recipe::default() };
        assert_eq!(nan.check().unwrap_err().to_string(), "style-weight is NaN, but must be zero or a number above it");
        let none = Recipe { iterations: 0, ..Recipe::default() };
        assert_eq!(none.check(), Err(RecipeError::Zero { name: "iterations" }));
        let tiny = Recipe { style_scales: vec![0.001], ..Recipe::default() };
        assert_eq!(tiny.check().unwrap_err().to_string(), "style-scale is 0.001, but must lie between 0.01 and 100");
        let mut silent = Recipe::default();
        silent.style_layers.iter_mut().for_each(|weighted| weighted.weight = 0.0);
        assert_eq!(silent.check(), Err(RecipeError::NoWeight { name: "style-layers" }));
        let torus = Recipe { border: Border::Wrap, ..Recipe::default() };
        assert_eq!(torus.check(), Err(RecipeError::PhotographOnTorus));
        assert_eq!(Recipe { content_layers: Vec::new(), ..torus }.check(), Ok(()));
        let mut twice = Recipe::default();
        twice.content_layers.extend(twice.content_layers.clone());
        assert_eq!(
            twice.check().unwrap_err().to_string(),
            "the content loss at relu4_2 is named twice: name it once, with its weight"
        );
    }

    #[test]
    fn layer_defaults_follow_what_the_filters_reach() {
        let deepest = "relu4_1".parse().unwrap();
        let content = |deepest: Layer, origin| {
            let layers = Recipe::content_layers_within(deepest, origin);
            layers.iter().map(|layer| (layer.layer.to_string(), layer.weight)).collect::<Vec<_>>()
        };
        let shallow: Layer = "relu2_2".parse().unwrap();
        assert_eq!(content(Layer::DEEPEST, Origin::Network), [("relu4_2".to_owned(), 1.0)]);
        assert_eq!(content(deepest, Origin::Network), [("relu3_2".to_owned(), 1.0)]);
        assert_eq!(content(deepest, Origin::Learned), [("relu2_2".to_owned(), 1.0), ("relu3_2".to_owned(), 2.0)]);
        for origin in [Origin::Network, Origin::Learned] {
            assert_eq!(content(shallow, origin), [("relu2_2".to_owned(), 1.0)]);
        }
        assert_eq!(Recipe::style_layers_within(deepest, Origin::Learned).len(), 8);
        let shallow = Recipe::for_filters(&generated(1, "relu2_1".parse().unwrap()));
        assert_eq!((shallow.content_layers[0].layer.name(), shallow.style_layers.len()), ("relu2_1", 2));
        shallow.check().unwrap();
        let learned = Filters { origin: Origin::Learned, ..generated(1, "relu2_1".parse().unwrap()) };
        let learned = Recipe::for_filters(&learned);
        assert!(learned.style_weight > shallow.style_weight);
        let [small, nominal, large] = [100, 256, 1024].map(|long| learned.style_weight_at(long));
        assert!(small == nominal && large == 4.0 * nominal && nominal == f64::from(learned.style_weight));
        assert_eq!(shallow.style_weight_at(1024), f64::from(shallow.style_weight));
        // It is what the terms of a size are made of.
        let (long, any) = (1024, Size { width: 1, height: 1 });
        let styles = learned.weighted_terms(&Outline::simple(any, any, &learned), long).into_iter();
        let styles: Vec<_> = styles.filter(|weighted| matches!(weighted.term, Term::Style(_))).collect();
        assert!(styles.len() == 3 && styles.iter().all(|weighted| weighted.weight == large), "{styles:?}");
    }
}
