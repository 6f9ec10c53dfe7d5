//! Every option of `impasto stylize` that concerns the look changes the picture.

use super::folder::{Folder, quick, remembered};
use crate::common::{file_bytes, layer, torchvision_tensors};
use impasto::{
    style::{Recipe, Scaling, Weights},
    weights::{Filters, Origin, generated},
};
use safetensors::Dtype;

#[test]
fn each_option_of_the_look_changes_the_picture_and_nothing_about_its_size() {
    let folder = Folder::with_pictures();
    folder.paint("plain.png", "");
    let plain = folder.read("plain.png");
    let options = [
        "--content-weight 50",
        "--style-weight 0.5",
        "--tv-weight 20",
        "--style-scale 0.5",
        "--loss mse --style-weight 100",
        "--pooling average",
        "--optimizer adam",
        "--statistic gram",
        "--learning-rate 0.005",
        "--iterations 9",
        "--first-iterations 20",
        "--min-scale 24",
        "--init noise",
    ];
    for option in options {
        folder.paint("out.png", option);
        assert!(folder.read("out.png") != plain, "{option} changed nothing");
        assert_eq!(folder.size("out.png"), (48, 36), "{option}");
    }
}

#[test]
fn values_that_are_the_defaults_change_nothing() {
    let folder = Folder::with_pictures();
    folder.paint("plain.png", "");
    let plain = folder.read("plain.png");
    let Recipe { content_weight, style_weight, tv_weight, style_scales, .. } = Recipe::default();
    let style_scale = style_scales[0];
    let weights = format!("--content-weight {content_weight} --style-weight {style_weight} --tv-weight {tv_weight}");
    let options = [
        format!("{weights} --style-scale {style_scale}"),
        "--loss relative --pooling max --optimizer lbfgs --learning-rate 1 --statistic moments --quality normal"
            .to_owned(),
        "--init content --weights-format torchvision".to_owned(),
    ];
    for option in options {
        folder.paint("out.png", &option);
        assert!(folder.read("out.png") == plain, "{option} changed something");
    }
}

#[test]
fn mean_squared_errors_have_default_weights_of_their_own() {
    let folder = Folder::with_pictures();
    folder.paint("default.png", "--loss mse");
    let Weights { content, style, tv, .. } =
        Weights::default_for(Scaling::Mse, Recipe::default().statistic, Origin::Network);
    let weights = format!("--content-weight {content} --style-weight {style} --tv-weight {tv}");
    folder.paint("named.png", &format!("--loss mse {weights}"));
    assert!(folder.read("default.png") == folder.read("named.png"));
    let Recipe { content_weight, style_weight, tv_weight, .. } = Recipe::default();
    let others = format!("--content-weight {content_weight} --style-weight {style_weight} --tv-weight {tv_weight}");
    folder.paint("others.png", &format!("--loss mse {others}"));
    assert!(folder.read("default.png") != folder.read("others.png"));
}

#[test]
fn learned_filters_have_a_default_style_of_their_own() {
    let folder = Folder::with_pictures();
    let learned = Filters { origin: Origin::Learned, ..generated(3, layer("relu2_1")) };
    impasto::weights::save(&learned, &folder.path("learned.safetensors")).unwrap();
    folder.paint("default.png", "--weights learned.safetensors");
    let weight = Recipe::for_filters(&learned).style_weight;
    folder.paint("named.png", &format!("--weights learned.safetensors --style-weight {weight}"));
    assert!(folder.read("default.png") == folder.read("named.png"));
    folder.paint("network.png", "");
    assert!(folder.read("default.png") != folder.read("network.png"));
}

#[test]
fn average_pooling_doubles_the_filters_that_read_what_was_pooled() {
    let folder = Folder::with_pictures();
    let doubled = generated(3, layer("relu2_1")).for_average_pooling();
    impasto::weights::save(&doubled, &folder.path("doubled.safetensors")).unwrap();
    // The record of a picture has the digest of the filters that painted it.
    let digest = |options: &str| {
        let options = remembered(options);
        assert_eq!(folder.run(&format!("stylize photo.png --style painting.png -o out.png {options}")).answer(), "");
        let record = folder.run("info out.png --json");
        let record: serde_json::Value = serde_json::from_str(&record.answer()).unwrap();
        record["filters"].as_str().unwrap().to_owned()
    };
    let [max, average, doubled] = ["", "--pooling average", "--weights doubled.safetensors"].map(digest);
    assert_ne!(max, doubled);
    assert_eq!(average, doubled);
}

#[test]
fn a_better_jpeg_is_a_longer_one() {
    let folder = Folder::with_pictures();
    let lengths = ["--jpeg-quality 10", "--jpeg-quality 60", "", "--jpeg-quality 100"].map(|quality| {
        folder.paint("out.jpg", quality);
        folder.read("out.jpg").len()
    });
    assert!(lengths.is_sorted_by(|a, b| a < b), "{lengths:?}");
}

#[test]
fn an_option_given_twice_counts_as_given_last() {
    let folder = Folder::with_pictures();
    folder.paint("small.png", "--size 24 --tv-weight 3");
    let expected = folder.read("small.png");
    let alias = quick("--size 40 --tv-weight 1 --pooling average");
    let twice = format!("stylize photo.png -s painting.png -o a.png -o out.png {alias}");
    assert_eq!(folder.run(&format!("{twice} --size 24 --pooling max --tv-weight 3")).answer(), "");
    assert!(folder.read("out.png") == expected && !folder.path("a.png").exists());
    let layers =
        "--content-layers relu1_2 --content-layers relu2_1 --style-layers relu2_1 --style-layers relu1_1,relu2_1";
    assert_eq!(folder.run(&format!("{twice} --size 24 --pooling max --tv-weight 3 {layers}")).answer(), "");
    assert!(folder.read("out.png") == expected, "lists are replaced, not joined");
}

/// Paints with the given layers.
fn layers(folder: &Folder, layers: &str) -> Vec<u8> {
    let options =
        "--no-metadata --device cpu --weights filters.safetensors --min-scale 24 --first-iterations 4 --iterations 2";
    let outcome = folder.run(&format!("stylize photo.png -s painting.png -o out.png {options} {layers}"));
    assert_eq!(outcome.answer(), "", "{layers}");
    folder.read("out.png")
}

#[test]
fn layers_and_their_weights_count_relative_to_each_other() {
    let folder = Folder::with_pictures();
    let even = layers(&folder, "--content-layers relu1_2,relu2_1 --style-layers relu1_1,relu2_1");
    let doubled = layers(&folder, "--content-layers relu1_2=2,relu2_1=2 --style-layers relu1_1=2,relu2_1=2");
    assert!(even == doubled, "weights that are all doubled");
    let uneven = layers(&folder, "--content-layers relu1_2=9,relu2_1 --style-layers relu1_1,relu2_1");
    assert!(even != uneven, "content weights");
    let uneven = layers(&folder, "--content-layers relu1_2,relu2_1 --style-layers relu1_1=9,relu2_1");
    assert!(even != uneven, "style weights");
    let silent = layers(&folder, "--content-layers relu1_2,relu2_1=0 --style-layers relu1_1,relu2_1=0");
    let alone = layers(&folder, "--content-layers relu1_2 --style-layers relu1_1");
    assert!(silent == alone, "layers of no weight");
}

#[test]
fn caffe_filters_read_blue_first_in_0_to_255_less_the_mean() {
    let folder = Folder::with_pictures();
    folder
        .write("plain.safetensors", file_bytes(&torchvision_tensors(&generated(3, layer("relu2_1")), Dtype::F32), &[]));
    folder.paint("torchvision.png", "--weights plain.safetensors");
    folder.paint("saved.png", "");
    assert!(folder.read("torchvision.png") == folder.read("saved.png"), "the same filters in two files");
    // (255 x - mean of 255 in BGR) . k with k = K / 255 over RGB is what mean and deviation say of a file that has them.
    let mut filters = generated(3, layer("relu2_1"));
    filters.normalisation.mean = [123.68 / 255.0, 116.779 / 255.0, 103.939 / 255.0];
    filters.normalisation.deviation = [1.0 / 255.0; 3];
    impasto::weights::save(&filters, &folder.path("described.safetensors")).unwrap();
    exchange_red_and_blue(&mut filters.layers[0].weight);
    folder.write("caffe.safetensors", file_bytes(&torchvision_tensors(&filters, Dtype::F32), &[]));
    folder.paint("described.png", "--weights described.safetensors");
    folder.paint("caffe.png", "--weights caffe.safetensors --weights-format caffe");
    assert!(folder.read("caffe.png") == folder.read("described.png"), "the same filters told in two ways");
    assert!(folder.read("caffe.png") != folder.read("torchvision.png"));
}

/// In `[tap][4][64]`.
fn exchange_red_and_blue(weight: &mut [f32]) {
    for tap in weight.chunks_exact_mut(4 * 64) {
        let (red, others) = tap.split_at_mut(64);
        red.swap_with_slice(&mut others[64..128]);
    }
}
