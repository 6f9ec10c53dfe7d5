//! What a painter of such pictures asks for, shown on pictures: several paintings, regions, what is kept, colours,
//! transparency, seamless textures, and statistics that stay numbers.

use crate::common::{gpu, layer, shared, weighted};
use impasto::{
    Device, Engine,
    demo::{brushwork, townscape},
    picture::{Mask, Picture},
    plan::{Border, Pooling, Precision, Region, Representation, Size, Statistic},
    style::{Colours, Init, Inputs, MaskOf, Method, Painting, Reason, Recipe, StyleInput, features, stylize},
    weights::{Filters, generated},
};
use std::sync::Arc;

const SIZE: Size = Size { width: 49, height: 37 };

fn filters() -> Arc<Filters> {
    Arc::new(generated(7, layer("relu2_1")))
}

fn cpu() -> Engine {
    Engine::new(&Device::Cpu(None), filters()).unwrap()
}

/// A quick recipe.
fn recipe() -> Recipe {
    Recipe {
        size: 49,
        min_scale: 40,
        first_iterations: 40,
        iterations: 20,
        content_layers: weighted(&["relu2_1"]),
        style_layers: weighted(&["relu1_1", "relu2_1"]),
        statistic: Statistic::Gram,
        method: Method::Adam,
        ..Recipe::default()
    }
}

fn photograph() -> Picture {
    shared_picture("tubingen.jpg").unwrap_or_else(|| townscape(Size { width: 160, height: 120 })).resize(SIZE)
}

fn painting() -> Picture {
    shared_picture("starry_night.jpg").unwrap_or_else(|| brushwork(Size { width: 160, height: 120 })).resize(SIZE)
}

fn shared_picture(name: &str) -> Option<Picture> {
    let path = shared()?.join("images").join(name);
    path.exists().then(|| Picture::open(path).unwrap())
}

fn mask(share: impl Fn(u32, u32) -> f32) -> Mask {
    let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
    Mask::new(SIZE, pixels.map(|(x, y)| share(x, y)).collect()).unwrap()
}

fn paint(engine: &Engine, inputs: &Inputs, recipe: &Recipe) -> Picture {
    stylize(engine, inputs, recipe, None, &mut |_| {}).unwrap()
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [f32; 3] {
    picture.pixels().as_chunks::<3>().0[(y * picture.size().width + x) as usize]
}

fn apart(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Part of a picture.
fn cut(picture: &Picture, left: u32, right: u32) -> Picture {
    let height = picture.size().height;
    let pixels = (0..height).flat_map(|y| (left..right).flat_map(move |x| pixel(picture, x, y)));
    Picture::new(Size { width: right - left, height }, pixels.collect()).unwrap()
}

/// Relative distance of Gram matrices at two layers.
fn style_distance(engine: &Engine, a: &Picture, b: &Picture) -> f64 {
    let wanted = ["relu1_1", "relu2_1"].map(|name| Representation::Gram(layer(name), Region::WHOLE));
    let grams = |picture| features(engine, Precision::F32, picture, Border::Replicate, Pooling::Max, &wanted).unwrap();
    let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
    let pairs = grams(a).into_iter().zip(grams(b));
    let distances =
        pairs.map(|(a, b)| squares(&mut a.iter().zip(&b).map(|(a, b)| a - b)) / squares(&mut b.iter().copied()));
    distances.sum()
}

#[test]
fn two_regions_take_each_the_style_of_its_own_painting() {
    let engine = cpu();
    // One is dark and blue, the other light and red.
    let tint = |picture: Picture, factors: [f32; 3]| {
        let pixels = picture.pixels().as_chunks::<3>().0.iter();
        let tinted = pixels.flat_map(|pixel| [0, 1, 2].map(|c| (pixel[c] * factors[c]).min(1.0)));
        Picture::new(picture.size(), tinted.collect()).unwrap()
    };
    let paintings = [tint(painting(), [0.3, 0.5, 1.0]), tint(painting(), [2.0, 0.8, 0.5])];
    let halves = [mask(|x, _| f32::from(u8::from(x < 24))), mask(|x, _| f32::from(u8::from(x >= 24)))];
    for statistic in [Statistic::Gram, Statistic::Moments, Statistic::Wasserstein] {
        for feather in [0.0, 4.0] {
            let regions = paintings.iter().zip(&halves);
            let input = |(picture, region): (&Picture, &Mask)| StyleInput {
                region: Some(region.clone()),
                ..StyleInput::whole(picture.clone())
            };
            let inputs = Inputs { paintings: regions.map(input).collect(), ..Inputs::new(photograph(), painting()) };
            let recipe = Recipe { statistic, feather, style_weight: 30.0, ..recipe() };
            let painted = paint(&engine, &inputs, &recipe);
            // The insides of both, away from the border between them.
            for (number, part) in [cut(&painted, 0, 20), cut(&painted, 29, 49)].iter().enumerate() {
                let own = style_distance(&engine, part, &paintings[number]);
                let other = style_distance(&engine, part, &paintings[1 - number]);
                assert!(own < 0.5 * other, "{statistic:?}, feather {feather}, region {number}: {own} and {other}");
            }
        }
    }
}

#[test]
fn a_painting_without_a_region_rules_what_others_leave() {
    let engine = cpu();
    let red = Picture::new(SIZE, [0.9, 0.1, 0.1].repeat(SIZE.pixels())).unwrap();
    let blue = Picture::new(SIZE, [0.1, 0.1, 0.9].repeat(SIZE.pixels())).unwrap();
    let region = Some(mask(|_, y| f32::from(u8::from(y < 12))));
    let paintings = vec![StyleInput::whole(blue), StyleInput { region, ..StyleInput::whole(red) }];
    let inputs = Inputs { paintings, ..Inputs::new(photograph(), painting()) };
    let painted = paint(&engine, &inputs, &Recipe { style_weight: 100.0, ..recipe() });
    let redness = |y: u32| (4..45).map(|x| pixel(&painted, x, y)).map(|[red, _, blue]| red - blue).sum::<f32>() / 41.0;
    assert!(redness(4) - redness(28) > 0.2, "{} and {}", redness(4), redness(28));
}

#[test]
fn what_is_kept_stays_the_photograph_and_shows_no_seam() {
    let engine = cpu();
    let photograph = photograph();
    // Kept on the left, painted on the right, in between over eight pixels.
    let keep = mask(|x, _| ((29.0 - x as f32) / 8.0).clamp(0.0, 1.0));
    for (method, init) in [(Method::Adam, Init::Content), (Method::Lbfgs, Init::Content), (Method::Adam, Init::Noise)] {
        let recipe = Recipe { method, init: init.clone(), style_weight: 60.0, ..recipe() };
        let whole = Inputs::new(photograph.clone(), painting());
        let painted = paint(&engine, &Inputs { keep: Some(keep.clone()), ..whole.clone() }, &recipe);
        let everywhere = paint(&engine, &whole, &recipe);
        for y in 0..SIZE.height {
            for x in 0..21 {
                let error = apart(pixel(&painted, x, y), pixel(&photograph, x, y));
                assert!(error <= 2.0 / 255.0, "{method:?} {init:?}: {error} at {x}, {y}");
            }
        }
        // Neighbours across columns differ no more where the mask ends than where all is painted.
        let step = |picture: &Picture, x: u32| {
            (0..SIZE.height).map(|y| apart(pixel(picture, x, y), pixel(picture, x + 1, y))).sum::<f32>()
        };
        let most = (30..48).map(|x| step(&everywhere, x)).fold(0.0, f32::max);
        for x in 18..32 {
            let limit = most.max(step(&photograph, x)) * 1.1;
            assert!(step(&painted, x) <= limit, "{method:?} {init:?}: {} of {limit} at {x}", step(&painted, x));
        }
        let changed = (34..49).map(|x| apart(pixel(&painted, x, 20), pixel(&photograph, x, 20))).fold(0.0, f32::max);
        assert!(changed > 0.05, "{method:?} {init:?}: nothing was painted");
    }
}

#[test]
fn what_is_transparent_counts_nowhere_and_does_not_change() {
    let engine = cpu();
    // A hole with a soft edge.
    let alpha = mask(|x, y| ((x as f32 - 20.0).hypot(y as f32 - 18.0) / 4.0 - 1.5).clamp(0.0, 1.0));
    let hidden = |colour: f32| {
        let mut picture = photograph();
        for (pixel, alpha) in picture.pixels_mut().chunks_exact_mut(3).zip(alpha.values()) {
            if *alpha == 0.0 {
                pixel.fill(colour);
            }
        }
        picture
    };
    let inputs = |content| Inputs { alpha: Some(alpha.clone()), ..Inputs::new(content, painting()) };
    // What the network sees in the hole is a fill; a painting of it alone must not move.
    let painted = paint(&engine, &inputs(hidden(0.5)), &recipe());
    for ((pixel, alpha), [x, y]) in painted.pixels().as_chunks::<3>().0.iter().zip(alpha.values()).zip(places()) {
        if *alpha == 0.0 {
            assert_eq!(*pixel, [0.5; 3], "{x}, {y}");
        }
    }
    // Weights of statistics are zero in the hole: another painting for it alone changes nothing outside.
    let region = mask(|x, y| f32::from(u8::from((x as f32 - 20.0).hypot(y as f32 - 18.0) < 5.0)));
    let only_hole = StyleInput { region: Some(region), ..StyleInput::whole(painting()) };
    let refused = Painting::new(&engine, Inputs { paintings: vec![only_hole], ..inputs(hidden(0.5)) }, recipe());
    assert!(matches!(refused.err(), Some(Reason::RegionCoversNothing { painting: 0 })));
}

fn places() -> impl Iterator<Item = [u32; 2]> {
    (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| [x, y]))
}

#[test]
fn with_the_photographs_colours_only_luminance_is_painted() {
    let engine = cpu();
    let recipe = Recipe { colours: Colours::Photo, style_weight: 30.0, ..recipe() };
    let photograph = photograph();
    let painted = paint(&engine, &Inputs::new(photograph.clone(), painting()), &recipe);
    let level = |value: f32| (value * 255.0).round() / 255.0;
    // A luminance-preserving chroma: differences of channels.
    let chroma = |[red, green, blue]: [f32; 3]| [red - green, blue - green];
    let mut changed = 0.0_f32;
    for [x, y] in places() {
        let (found, expected) = (pixel(&painted, x, y).map(level), pixel(&photograph, x, y).map(level));
        for (found, expected) in chroma(found).into_iter().zip(chroma(expected)) {
            assert!((found - expected).abs() <= 1.01 / 255.0, "{x}, {y}: {found} for {expected}");
        }
        changed = changed.max((found[1] - expected[1]).abs());
    }
    assert!(changed > 0.02, "nothing was painted");
    let half = paint(&engine, &Inputs::new(photograph, painting()), &Recipe { colour_strength: 0.5, ..recipe.clone() });
    assert_ne!(half, painted);
}

#[test]
fn matched_colours_are_nearer_to_the_photographs() {
    let engine = cpu();
    let photograph = photograph();
    let red = |picture: Picture| {
        let pixels = picture.pixels().as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [0.5 + 0.5 * r, 0.4 * g, 0.4 * b]);
        Picture::new(SIZE, pixels.collect()).unwrap()
    };
    let inputs = Inputs::new(photograph.clone(), red(painting()));
    let mean = |picture: &Picture| {
        [0, 1, 2].map(|channel| {
            picture.pixels().iter().skip(channel).step_by(3).sum::<f32>() / picture.size().pixels() as f32
        })
    };
    let painted = |colours, colour_strength| {
        paint(&engine, &inputs, &Recipe { colours, colour_strength, style_weight: 30.0, ..recipe() })
    };
    let distances = [(Colours::Painting, 1.0), (Colours::Match, 0.5), (Colours::Match, 1.0)]
        .map(|(colours, strength)| apart(mean(&painted(colours, strength)), mean(&photograph)));
    assert!(distances.is_sorted_by(|a, b| a > b) && distances[2] < 0.05, "{distances:?}");
    assert_eq!(painted(Colours::Match, 0.0), painted(Colours::Painting, 1.0));
}

#[test]
fn several_paintings_are_blended_and_cost_no_more_for_each_iteration() {
    let engine = cpu();
    let other = brushwork(SIZE);
    let both = |share: f32| {
        let mut inputs = Inputs::new(photograph(), painting());
        inputs.paintings.push(StyleInput::whole(other.clone()));
        (inputs, Recipe { blend: vec![1.0, share], ..recipe() })
    };
    let alone = paint(&engine, &Inputs::new(photograph(), painting()), &recipe());
    let at = |share| {
        let (inputs, recipe) = both(share);
        paint(&engine, &inputs, &recipe)
    };
    let distance =
        |picture: &Picture| picture.pixels().iter().zip(alone.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Rounding of the blend grows over sixty iterations.
    assert!(distance(&at(1e-7)) < 0.05, "{}", distance(&at(1e-7)));
    let [own, mixed] = [&alone, &at(1.0)].map(|picture| style_distance(&engine, picture, &other));
    assert!(mixed < own, "{mixed} and {own}");
    let steps = |inputs: &Inputs, recipe: &Recipe| {
        let outline = impasto::style::Outline::new(inputs, recipe).unwrap();
        impasto::style::ScalePlans::last(&engine, &outline, recipe).unwrap().iteration.plan().steps.len()
    };
    let (inputs, recipe_of_both) = both(1.0);
    assert_eq!(steps(&inputs, &recipe_of_both), steps(&Inputs::new(photograph(), painting()), &recipe()));
    let (_, recipe) = both(1.0);
    let error = Painting::new(&engine, Inputs::new(photograph(), painting()), recipe).err().unwrap();
    assert_eq!(error.to_string(), "blend has 2 numbers for 1 paintings: give one for each");
}

#[test]
fn only_the_part_of_a_painting_that_counts_gives_its_style() {
    let engine = cpu();
    let (inner, mut spoilt) = (painting(), painting());
    for (pixel, [x, _]) in spoilt.pixels_mut().chunks_exact_mut(3).zip(places()) {
        if x >= 30 {
            pixel.copy_from_slice(&[1.0, 0.0, 1.0]);
        }
    }
    let part = Some(mask(|x, _| f32::from(u8::from(x < 26))));
    let with = |picture, mask| {
        let paintings = vec![StyleInput { mask, ..StyleInput::whole(picture) }];
        paint(&engine, &Inputs { paintings, ..Inputs::new(photograph(), painting()) }, &recipe())
    };
    let reference = with(inner, part.clone());
    let [masked, whole] = [part, None].map(|mask| style_distance(&engine, &with(spoilt.clone(), mask), &reference));
    assert!(masked < 0.05 * whole, "{masked} and {whole}");
}

#[test]
fn masks_that_say_nothing_are_refused_by_name() {
    let engine = cpu();
    let empty = || Some(mask(|_, _| 0.0));
    let refused = |change: &dyn Fn(&mut Inputs)| {
        let mut inputs = Inputs::new(photograph(), painting());
        inputs.paintings.push(StyleInput::whole(painting()));
        change(&mut inputs);
        Painting::new(&engine, inputs, recipe()).err().unwrap()
    };
    let error = refused(&|inputs| inputs.paintings[1].mask = empty());
    assert!(matches!(error, Reason::EmptyMask { of: MaskOf::Painting(1) }), "{error}");
    assert!(error.to_string().starts_with("the mask of painting 2 is empty: "), "{error}");
    let error = refused(&|inputs| inputs.paintings[0].region = empty());
    assert!(matches!(error, Reason::EmptyMask { of: MaskOf::Region(0) }), "{error}");
    let error = refused(&|inputs| inputs.keep = Some(mask(|_, _| 1.0)));
    assert!(matches!(error, Reason::NothingToPaint), "{error}");
    let error = refused(&|inputs| inputs.alpha = empty());
    assert!(matches!(error, Reason::NothingToPaint), "{error}");
}

#[test]
fn statistics_of_dead_layers_and_flat_paintings_stay_numbers() {
    let flat = Picture::new(SIZE, [0.2, 0.6, 0.4].repeat(SIZE.pixels())).unwrap();
    // Every second channel is dead.
    let mut filters = generated(7, layer("relu2_1"));
    for filters in &mut filters.layers {
        let each = filters.weight.len() / filters.bias.len();
        for channel in (0..filters.bias.len()).step_by(2) {
            filters.weight[channel * each..][..each].fill(0.0);
            filters.bias[channel] = -1.0;
        }
    }
    for device in [Device::Cpu(None), Device::Gpu(gpu())] {
        let engine = Engine::new(&device, Arc::new(filters.clone())).unwrap();
        for statistic in [Statistic::Moments, Statistic::Wasserstein] {
            for (content, style) in [(photograph(), &flat), (flat.clone(), &flat)] {
                let recipe =
                    Recipe { statistic, min_scale: 49, first_iterations: 12, method: Method::Lbfgs, ..recipe() };
                let inputs = Inputs::new(content, style.clone());
                let what = || format!("{statistic:?} of {:?} on {}", inputs.content.pixels()[0], engine.name());
                let painted =
                    stylize(&engine, &inputs, &recipe, None, &mut |_| {}).unwrap_or_else(|_| panic!("{}", what()));
                assert!(painted.pixels().iter().all(|value| value.is_finite()), "{statistic:?} on {}", engine.name());
            }
        }
    }
}

#[test]
fn a_seamless_texture_wraps_as_smoothly_as_it_goes_on() {
    let engine = cpu();
    let size = Size { width: 48, height: 32 };
    let content = Picture::new(size, vec![0.5; 3 * size.pixels()]).unwrap();
    let texture = |border| {
        let recipe = Recipe {
            size: 48,
            content_layers: Vec::new(),
            init: Init::Noise,
            border,
            min_scale: 32,
            first_iterations: 60,
            iterations: 40,
            ..recipe()
        };
        paint(&engine, &Inputs::new(content.clone(), painting()), &recipe)
    };
    let across = |picture: &Picture, a: u32, b: u32| {
        (0..size.height).map(|y| apart(pixel(picture, a, y), pixel(picture, b, y))).sum::<f32>()
    };
    let down = |picture: &Picture, a: u32, b: u32| {
        (0..size.width).map(|x| apart(pixel(picture, x, a), pixel(picture, x, b))).sum::<f32>()
    };
    let seamless = texture(Border::Wrap);
    assert_eq!(seamless.size(), size);
    let inner = (0..47).map(|x| across(&seamless, x, x + 1)).fold(0.0, f32::max);
    assert!(across(&seamless, 47, 0) <= inner, "{} of {inner}", across(&seamless, 47, 0));
    let inner = (0..31).map(|y| down(&seamless, y, y + 1)).fold(0.0, f32::max);
    assert!(down(&seamless, 31, 0) <= inner, "{} of {inner}", down(&seamless, 31, 0));
    // Without wrapping, opposite edges have nothing to do with each other.
    let plain = texture(Border::Replicate);
    let mean = (0..47).map(|x| across(&plain, x, x + 1)).sum::<f32>() / 47.0;
    assert!(across(&plain, 47, 0) > 1.3 * mean, "{} of {mean}", across(&plain, 47, 0));
}

#[test]
fn a_texture_moved_along_its_torus_has_the_same_losses() {
    let size = Size { width: 32, height: 48 };
    let recipe = Recipe { border: Border::Wrap, content_layers: Vec::new(), tv_weight: 0.0, ..recipe() };
    let image = Picture::noise(size, 3);
    let moved = |by: [u32; 2]| {
        let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| [x, y]));
        let pixels = places.flat_map(|[x, y]| pixel(&image, (x + by[0]) % size.width, (y + by[1]) % size.height));
        Picture::new(size, pixels.collect()).unwrap()
    };
    for device in [Device::Cpu(None), Device::Gpu(gpu())] {
        let engine = Engine::new(&device, filters()).unwrap();
        let inputs = Inputs::new(image.clone(), painting());
        let evaluate = |image| impasto::style::evaluate(&engine, &inputs, &image, &recipe).unwrap();
        let (here, there) = (evaluate(image.clone()), evaluate(moved([10, 6])));
        assert!((here.loss.total / there.loss.total - 1.0).abs() < 1e-4, "{:?} {:?}", here.loss, there.loss);
        let gradient = Picture::new(size, here.gradient).unwrap();
        let largest = gradient.pixels().iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        for y in 0..size.height {
            for x in 0..size.width {
                let expected = pixel(&gradient, (x + 10) % size.width, (y + 6) % size.height);
                let found = &there.gradient[((y * size.width + x) * 3) as usize..][..3];
                let error = apart(expected, [found[0], found[1], found[2]]);
                assert!(error < 1e-3 * largest, "{}: {error} of {largest} at {x}, {y}", engine.name());
            }
        }
    }
}

#[test]
fn edges_of_the_photograph_are_kept_by_their_loss() {
    let engine = cpu();
    let photograph = photograph();
    let painted = |edge_weight| {
        let recipe = Recipe { edge_weight, style_weight: 30.0, ..recipe() };
        paint(&engine, &Inputs::new(photograph.clone(), painting()), &recipe)
    };
    let edges = |picture: &Picture| {
        let recipe = Recipe { edge_weight: 1.0, ..recipe() };
        let inputs = Inputs::new(photograph.clone(), painting());
        impasto::style::evaluate(&engine, &inputs, picture, &recipe).unwrap().loss.edges
    };
    let [without, with] = [0.0, 20.0].map(|weight| edges(&painted(weight)));
    assert!(with < 0.5 * without, "{with} and {without}");
}

#[test]
fn there_is_no_frame_around_what_is_painted_on_a_flat_photograph() {
    let engine = cpu();
    let flat = Picture::new(SIZE, [0.47, 0.51, 0.55].repeat(SIZE.pixels())).unwrap();
    // How far the mean colour of the outermost pixels is from that of the inside.
    let frame = |margin| {
        let recipe = Recipe { margin, style_weight: 30.0, ..recipe() };
        let painted = paint(&engine, &Inputs::new(flat.clone(), painting()), &recipe);
        let mean = |ring: &dyn Fn(u32) -> bool| {
            let distance = |x: u32, y: u32| x.min(y).min(SIZE.width - 1 - x).min(SIZE.height - 1 - y);
            let pixels: Vec<[f32; 3]> =
                places().filter(|[x, y]| ring(distance(*x, *y))).map(|[x, y]| pixel(&painted, x, y)).collect();
            [0, 1, 2].map(|channel| pixels.iter().map(|pixel| pixel[channel]).sum::<f32>() / pixels.len() as f32)
        };
        apart(mean(&|ring| ring < 2), mean(&|ring| ring >= 6))
    };
    let [without, with] = [0, 12].map(frame);
    assert!(with < 0.5 * without && with < 0.05, "{with} with a margin and {without} without");
}
