//! Everything that decides how a picture looks, besides the pictures, the filters and its size.

use super::{
    blend::BlendOptions,
    duration::DurationOptions,
    values::{finite, weighted_layer},
};
use crate::{
    plan::{Pooling, Size},
    style::{Colours, Init, Method, Recipe, Scaling, WeightedLayer, Weights},
    vgg19::Layer,
    weights::{FilterSummary, Origin},
};
use clap::{ArgAction, Args};

/// See the module.
#[derive(Args, Clone, Debug)]
pub struct RecipeOptions {
    /// Long side of the smallest size the picture grows from [default: 128]
    #[arg(long, value_name = "N", help_heading = "Size and time")]
    min_scale: Option<u32>,

    #[command(flatten, next_help_heading = "Size and time")]
    duration: DurationOptions,

    /// How much of the photograph is kept [default: 1]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    content_weight: Option<f32>,

    /// How much of the painting is taken [default: 6; with learned filters 90, which beyond 256 pixels
    /// grows with the size; with --loss mse 0.0003, and 0.3 for wasserstein]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    style_weight: Option<f32>,

    /// How smooth the picture is kept (total variation) [default: 0.5, with --loss mse 100]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    tv_weight: Option<f32>,

    /// How much the edges of the photograph are kept, for faces, text and architecture: 1 is a good start [default: 0]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = 0.0, hide_default_value = true)]
    edges: f32,

    /// Whose colours the picture has: the painting's; the photograph's, so that only light and shade are painted; or the
    /// painting's, matched to the photograph's first
    #[arg(long, value_enum, value_name = "WHOSE", help_heading = "Look", default_value = "painting")]
    colors: Colours,

    /// How far --colors goes, from 0 to 1
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = 1.0)]
    color_strength: f32,

    /// Seed of the noise [default: 0]
    #[arg(long, value_name = "N", help_heading = "Look")]
    seed: Option<u64>,

    #[command(flatten, next_help_heading = "Paintings")]
    pub paintings: BlendOptions,

    /// Soften the edges of regions over so many pixels of the result
    #[arg(long, value_name = "PX", value_parser = finite, default_value_t = 0.0, help_heading = "Regions")]
    feather: f32,

    /// Layers that keep the photograph, with weights [default: relu4_2, with learned filters
    /// relu2_2=1,relu3_2=2]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', action = ArgAction::Set, value_parser = weighted_layer, help_heading = "Network")]
    content_layers: Vec<WeightedLayer>,

    /// Layers that bring the painting, with weights [default:
    /// relu1_1=4,relu2_1=3,relu3_1=2,relu4_1=1,relu5_1=0.5, with learned filters
    /// relu1_1=20,relu1_2=6,relu2_1=6,relu2_2=4 and 3 for each of relu3_1, relu3_2, relu3_4, relu4_1]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', action = ArgAction::Set, value_parser = weighted_layer, help_heading = "Network")]
    style_layers: Vec<WeightedLayer>,

    /// How losses are measured: relative suits all filters; the default weights of mse are for VGG19
    #[arg(long, value_enum, default_value = "relative", help_heading = "Network")]
    loss: Scaling,

    /// How the network shrinks its maps
    #[arg(long, value_enum, default_value = "max", help_heading = "Network")]
    pooling: Pooling,

    /// What moves the pixels [default: lbfgs, with --precision f16 adam]
    #[arg(long, value_enum, help_heading = "Optimiser")]
    pub optimizer: Option<Method>,

    /// Step of the optimiser [default: 0.02 for adam, 1 for lbfgs]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Optimiser")]
    learning_rate: Option<f32>,
}

impl RecipeOptions {
    /// What can change while a picture is painted, by the names of the options.
    pub const LIVE: [&str; 8] = [
        "content-weight",
        "style-weight",
        "tv-weight",
        "edges",
        "content-layers",
        "style-layers",
        "learning-rate",
        "iterations",
    ];

    /// The recipe for a result of this long side, with the layers named or the defaults for the deepest filters. `usual` is
    /// the optimiser where none is named.
    pub fn recipe(&self, size: u32, init: Init, usual: Method) -> Recipe {
        let (default, weights) = (Recipe::default(), self.default_weights(Origin::Network));
        let method = self.optimizer.unwrap_or(usual);
        let (first_iterations, iterations) = self.duration.iterations(method);
        let layers = |named: &[WeightedLayer], default: Vec<WeightedLayer>| {
            if named.is_empty() { default } else { named.to_vec() }
        };
        Recipe {
            size,
            min_scale: self.min_scale.unwrap_or(default.min_scale),
            iterations,
            first_iterations,
            style_scales: self.paintings.style_scale.clone(),
            blend: self.paintings.blend.clone(),
            statistic: self.paintings.statistic(),
            colours: self.colors,
            colour_strength: self.color_strength,
            feather: self.feather,
            init,
            seed: self.seed.unwrap_or(default.seed),
            method,
            learning_rate: self.learning_rate,
            content_layers: layers(&self.content_layers, default.content_layers),
            style_layers: layers(&self.style_layers, default.style_layers),
            content_weight: self.content_weight.unwrap_or(weights.content),
            style_weight: self.style_weight.unwrap_or(weights.style),
            style_growth: weights.style_growth,
            tv_weight: self.tv_weight.unwrap_or(weights.tv),
            edge_weight: self.edges,
            scaling: self.loss,
            pooling: self.pooling,
            border: default.border,
            margin: default.margin,
        }
    }

    fn default_weights(&self, origin: Origin) -> Weights {
        Weights::default_for(self.loss, self.paintings.statistic(), origin)
    }

    /// The deepest layer for which filters are wanted, and the deepest that was named, for which they are needed.
    pub fn depth(&self, recipe: &Recipe) -> (Layer, Option<Layer>) {
        let named = self.content_layers.iter().chain(&self.style_layers).map(|weighted| weighted.layer).max();
        (recipe.deepest().max(named).unwrap_or(Layer::DEEPEST), named)
    }

    /// Default layers depend on how deep the filters reach, default weights on where they come from.
    pub fn follow(&self, recipe: &mut Recipe, reach: Layer, origin: Origin) {
        let weights = self.default_weights(origin);
        recipe.style_weight = self.style_weight.unwrap_or(weights.style);
        recipe.style_growth = weights.style_growth;
        if self.content_layers.is_empty() {
            recipe.content_layers = Recipe::content_layers_within(reach, origin);
        }
        if self.style_layers.is_empty() {
            recipe.style_layers = Recipe::style_layers_within(reach, origin);
        }
    }

    /// Lets another optimiser paint, for as long as it takes.
    pub fn paint_by(&self, method: Method, recipe: &Recipe) -> Recipe {
        let (first_iterations, iterations) = self.duration.iterations(method);
        Recipe { method, first_iterations, iterations, ..recipe.clone() }
    }

    /// The recipe of a painting that is on its way, of `before` and with these filters, where only what can change has changed.
    /// So many iterations were added meanwhile at the smallest size and at each of the others.
    pub fn on_the_way(&self, before: &Recipe, filters: &FilterSummary, further: (u32, u32)) -> Recipe {
        let mut recipe = self.recipe(before.size, before.init.clone(), before.method);
        if let Some(reach) = filters.deepest() {
            self.follow(&mut recipe, reach, filters.origin);
        }
        recipe.first_iterations = recipe.first_iterations.saturating_add(further.0);
        recipe.iterations = recipe.iterations.saturating_add(further.1);
        recipe
    }

    /// What is probably not meant, in sentences.
    pub fn remarks(&self, recipe: &Recipe, paintings: &[Size]) -> Vec<String> {
        let mut remarks: Vec<String> = recipe.remarks(paintings).iter().map(ToString::to_string).collect();
        if let Some(seed) = self.seed
            && !matches!(recipe.init, Init::Noise)
        {
            remarks.push(format!("--seed {seed} changes nothing without --init noise"));
        }
        if let Some(smallest) = self.min_scale
            && smallest > recipe.size
        {
            let size = recipe.size;
            remarks.push(format!("--min-scale {smallest} is above the size, so that {size} is the only size painted"));
        }
        remarks
    }
}
