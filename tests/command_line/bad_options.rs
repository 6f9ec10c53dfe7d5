//! Wrong use: exit code 2, what is wrong, and nothing written.

use super::folder::{Folder, quick};

const PAINT: &str = "stylize photo.png --style painting.png -o out.png";

#[test]
fn what_cannot_be_parsed_is_named() {
    let folder = Folder::with_pictures();
    let before = folder.contents();
    let cases = [
        ("paint", "paint"),
        ("stylize", "--style"),
        ("stylize photo.png -o out.png", "--style"),
        ("stylize photo.png photo.png --style painting.png -o out.png", "photo.png"),
        ("--colour", "--colour"),
        ("weights", "fetch"),
        ("weights info", "<FILE>"),
        ("weights learn -o filters.safetensors", "<PICTURE>"),
        ("weights fetch --deepest conv4_2", "conv4_2"),
        ("bench --size 64", "write width x height"),
        ("bench --size 0x64", "write width x height"),
        ("bench --repeats 0", "--repeats"),
        ("bench --variant quick", "there is no variant \"quick\": there are plain, blocked"),
        ("dump --content photo.png --style photo.png --image photo.png", "--output"),
    ];
    let options = [
        ("--unknown 3", "--unknown"),
        ("--size large", "large"),
        ("--size -3", "-3"),
        ("--size 262145", "at most 262144 pixels"),
        ("--iterations 2.5", "2.5"),
        ("--iterations -5", "-5"),
        ("--save-every 0", "\"0\" is not a whole number above zero"),
        ("--threads 0", "\"0\" is not a whole number above zero"),
        ("--seed -1", "-1"),
        ("--content-weight nan", "\"nan\" is not a finite number"),
        ("--style-weight inf", "\"inf\" is not a finite number"),
        ("--tv-weight much", "\"much\" is not a number"),
        ("--style-scale NaN", "\"NaN\" is not a finite number"),
        ("--learning-rate 1e99", "\"1e99\" is not a finite number"),
        ("--content-layers relu6_1", "\"relu6_1\" is not a layer of VGG19: use relu1_1"),
        ("--content-layers relu4_2=nan", "\"nan\" is not a finite number"),
        ("--style-layers relu1_1,", "\"\" is not a layer"),
        ("--style-layers relu1_1=x", "\"x\" is not a number"),
        ("--loss l1", "relative, mse"),
        ("--pooling min", "max, average"),
        ("--optimizer sgd", "adam, lbfgs"),
        ("--weights-format keras", "torchvision, caffe"),
    ];
    let options = options.map(|(option, words)| (format!("{PAINT} {option}"), words));
    let cases = cases.iter().map(|&(arguments, words)| (arguments.to_owned(), words)).chain(options);
    for (arguments, words) in cases {
        let outcome = folder.run(&arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments}: {outcome:?}");
        assert!(outcome.stderr.contains(words), "{arguments}: no {words:?} in {}", outcome.stderr);
    }
    folder.assert_unchanged(&before, "wrong options");
}

#[test]
fn numbers_out_of_range_are_named_with_their_range() {
    let folder = Folder::with_pictures();
    let cases = [
        ("--iterations 0", "iterations is 0, but must be at least 1"),
        ("--first-iterations 0", "first-iterations is 0, but must be at least 1"),
        ("--min-scale 0", "min-scale is 0, but must be at least 1"),
        ("--content-weight -1", "content-weight is -1, but must be zero or a number above it"),
        ("--style-weight -0.5", "style-weight is -0.5, but must be zero or a number above it"),
        ("--tv-weight=-1e3", "tv-weight is -1000, but must be zero or a number above it"),
        ("--style-scale 0", "style-scale is 0, but must be a number above zero"),
        ("--style-scale -2", "style-scale is -2, but must be a number above zero"),
        ("--learning-rate 0", "learning-rate is 0, but must be a number above zero"),
        ("--style-layers relu1_1=-1", "style-layers is -1, but must be zero or a number above it"),
        ("--style-layers relu1_1=0,relu2_1=0", "all weights in style-layers are zero"),
        ("--content-layers relu2_1,relu1_1,relu2_1=2", "the content loss at relu2_1 is named twice"),
        ("--style-layers relu1_1,relu1_1", "the style loss at relu1_1 is named twice"),
    ];
    for (option, words) in cases {
        // Found without filters or a device.
        folder.refuses(&format!("{PAINT} {option}"), 2, &[words]);
    }
}

#[test]
fn devices_that_are_not_there_are_named_with_those_that_are() {
    let folder = Folder::with_pictures();
    folder.refuses(&format!("{PAINT} --device nonsense"), 2, &["\"nonsense\"", "--device cpu"]);
    folder.refuses(&format!("{PAINT} --device 4711"), 2, &["there is no device 4711", "impasto devices"]);
    folder.refuses("demo --device nonsense", 2, &["\"nonsense\""]);
    folder.refuses("validate --device nonsense", 2, &["\"nonsense\""]);
    folder.refuses("bench --device 4711", 2, &["there is no device 4711"]);
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let folder = Folder::with_pictures();
    let file = "--weights filters.safetensors --weights-url http://127.0.0.1:9/x";
    folder.refuses(&format!("{PAINT} {file}"), 2, &["--weights-url goes with --weights auto"]);
    folder.refuses(&format!("{PAINT} --weights-format caffe"), 2, &["--weights-format caffe", "--weights-url"]);
    folder.refuses("bench --device cpu --precision f16", 2, &["--precision f16 is for GPUs", "--device"]);
    folder.refuses("bench --device cpu --variant plain", 2, &["--variant plain is for GPUs", "--device"]);
    let tuned = format!("{PAINT} --device cpu --tune");
    folder.refuses(&tuned, 2, &["--tune is for GPUs", "--device"]);
    if super::devices::has_gpu(&folder) {
        let wide = "bench --device 0 --precision f32 --variant cooperative";
        folder.refuses(wide, 2, &["--variant cooperative cannot compute in f32", "impasto bench"]);
    }
    let learned = "--weights learned --weights-format caffe";
    folder.refuses(&format!("{PAINT} {learned}"), 2, &["--weights-format caffe", "--weights"]);
}

#[test]
fn a_picture_that_takes_more_memory_than_there_is_is_refused_with_a_size_that_fits() {
    let folder = Folder::with_pictures();
    if folder.run("stylize photo.png --style painting.png --explain --device cpu").stdout.contains("does not tell") {
        return;
    }
    // The picture and its gradient alone are more.
    let large = format!("{PAINT} {}", quick("--size 32768 --memory 3GiB"));
    folder.refuses(&large, 1, &["32768x24576", "MiB", "use --size ", "--force"]);
    let texture = "texture painting.png -o out.png --device cpu --weights filters.safetensors --size 40000x20000 \
                   --memory 12GiB";
    folder.refuses(texture, 1, &["40000x20000", "MiB", "use --size "]);
}

#[test]
fn a_picture_too_small_for_the_layers_is_told_what_it_needs() {
    let folder = Folder::with_pictures();
    folder.picture("sliver.png", 48, 1, 1);
    folder.filters("deep.safetensors", "relu3_1");
    let sliver = format!("stylize sliver.png --style painting.png -o out.png {}", quick(""));
    folder.refuses(&sliver, 1, &["the photograph", "48x1", "relu2_1", "at least 2"]);
    let deep = quick("--size 4 --min-scale 4 --weights deep.safetensors --content-layers relu3_1");
    folder.refuses(&format!("{PAINT} {deep}"), 1, &["the photograph", "4x3", "relu3_1", "at least 4"]);
    let sliver = format!("stylize photo.png --style sliver.png -o out.png {}", quick(""));
    folder.refuses(&sliver, 1, &["the painting", "relu2_1", "at least 2"]);
    folder.refuses("bench --device cpu --size 15x64", 2, &["15x64", "relu5_1", "at least 16"]);
}
