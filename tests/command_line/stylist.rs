//! Several paintings, regions, colours and textures as users ask for them.

use super::folder::{Folder, quick};
use image::{GrayImage, Luma};
use safetensors::SafeTensors;

/// photo.png, painting.png, and other.png; half.png is white on the left, none.png black.
fn folder() -> Folder {
    let folder = Folder::with_pictures();
    folder.picture("other.png", 44, 31, 9);
    let half = |x: u32, _| Luma([if x < 24 { 255 } else { 0 }]);
    GrayImage::from_fn(48, 36, half).save(folder.path("half.png")).unwrap();
    // Of another size and depth than the photograph.
    GrayImage::from_fn(20, 15, |_, _| Luma([0])).save(folder.path("none.png")).unwrap();
    folder
}

fn painted(folder: &Folder, options: &str) -> Vec<u8> {
    let arguments = format!("stylize photo.png -o out.png {}", quick(options));
    assert_eq!(folder.run(&arguments).answer(), "", "{arguments}");
    folder.read("out.png")
}

#[test]
fn paintings_are_blended_as_asked_and_name_the_result() {
    let folder = folder();
    let alone = painted(&folder, "--style painting.png");
    let both = painted(&folder, "--style painting.png --style other.png");
    assert_ne!(alone, both);
    assert_eq!(painted(&folder, "--style painting.png --style other.png --blend 2,2"), both);
    assert_ne!(painted(&folder, "--style painting.png --style other.png --blend 2,1"), both);
    assert_ne!(painted(&folder, "--style painting.png --style other.png --style-scale 1,0.9"), both);
    let named = folder.run(&format!("stylize photo.png {}", quick("--style painting.png --style other.png"))).answer();
    assert_eq!(named, "photo-painting-other.png\n");
}

#[test]
fn every_statistic_and_colour_gives_its_own_picture() {
    let folder = folder();
    let options = [
        "",
        "--statistic gram",
        "--statistic wasserstein",
        "--colors photo",
        "--colors match",
        "--colors match --color-strength 0.5",
        "--edges 5",
    ];
    let pictures = options.map(|options| painted(&folder, &format!("--style painting.png {options}")));
    for (index, picture) in pictures.iter().enumerate() {
        assert!(!pictures[..index].contains(picture), "{}", options[index]);
    }
}

#[test]
fn regions_take_any_file_name_and_need_no_other_painting() {
    let folder = folder();
    for (from, to) in [("half.png", "a=b,c.png"), ("other.png", "x,y=z.png")] {
        std::fs::copy(folder.path(from), folder.path(to)).unwrap();
    }
    let plain = painted(&folder, "--region half.png other.png --style painting.png");
    let strange = painted(&folder, "--region a=b,c.png x,y=z.png --style painting.png");
    assert_eq!(plain, strange);
    let alone = painted(&folder, "--region half.png other.png");
    let soft = painted(&folder, "--region half.png other.png --feather 6");
    assert!(alone != plain && soft != alone);
}

#[test]
fn what_is_kept_is_the_photograph() {
    let folder = folder();
    painted(&folder, "--style painting.png --keep half.png");
    let (photo, out) = (folder.open("photo.png"), folder.open("out.png"));
    let rows = photo.pixels().chunks_exact(3 * 48).zip(out.pixels().chunks_exact(3 * 48));
    for (photo, out) in rows {
        assert_eq!(photo[..3 * 22], out[..3 * 22]);
        assert_ne!(photo[3 * 26..], out[3 * 26..]);
    }
}

#[test]
fn masks_that_say_nothing_and_numbers_for_others_are_refused_by_name() {
    let folder = folder();
    let refused = |options: &str, words: &[&str]| {
        folder.refuses(&format!("stylize photo.png -o out.png {}", quick(options)), 2, words);
    };
    refused("--style painting.png --keep none.png", &["none.png", "the mask of what is kept, is empty"]);
    refused("--region none.png other.png", &["none.png", "the mask of a region, is empty"]);
    refused("--style painting.png --style-mask none.png", &["none.png", "the mask of a painting, is empty"]);
    refused("--style painting.png --blend 1,2", &["--blend has 2 numbers", "one painting"]);
    refused("--style painting.png --style other.png --style-scale 1,1,1", &["--style-scale has 3", "2 paintings"]);
    refused("--style painting.png --style-mask all --style-mask all", &["--style-mask is given 2 times"]);
    refused("--style painting.png --color-strength 1.5", &["color-strength is 1.5"]);
    refused("--style painting.png --edges -1", &["edges is -1"]);
    folder.refuses(
        "stylize photo.png -o half.png --region half.png other.png",
        2,
        &["half.png", "the mask of a region"],
    );
}

#[test]
fn a_texture_needs_no_photograph_and_wraps_if_asked() {
    let folder = folder();
    let texture = |options: &str| {
        let fixed = "--device cpu --weights filters.safetensors --first-iterations 4 --iterations 2";
        folder.run(&format!("texture painting.png --size 48x40 {fixed} {options}"))
    };
    assert_eq!(texture("-o plain.png").answer(), "");
    assert_eq!(texture("-o seamless.png --seamless").answer(), "");
    assert_eq!(texture("-o other.png --seed 1").answer(), "");
    assert_eq!(folder.size("seamless.png"), (48, 40));
    assert!(
        folder.read("plain.png") != folder.read("seamless.png") && folder.read("plain.png") != folder.read("other.png")
    );
    assert_eq!(texture("").answer(), "painting-texture.png\n");
    let odd = "texture painting.png --size 47x41 --weights filters.safetensors --device cpu --seamless -o odd.png";
    folder.refuses(odd, 2, &["--seamless needs sides that are multiples of 2", "48x42 is near"]);
    folder.refuses("texture painting.png -o painting.png", 2, &["painting.png, which is the painting"]);
}

#[test]
fn dump_says_which_loss_is_which() {
    let folder = folder();
    folder.picture("image.png", 48, 36, 4);
    let fixed =
        "dump --content photo.png --image image.png -o out.safetensors --weights filters.safetensors --device cpu";
    let options = "--style painting.png --region half.png other.png --statistic wasserstein --edges 2 --loss relative";
    assert_eq!(folder.run(&format!("{fixed} {options}")).answer(), "");
    let bytes = folder.read("out.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: &str| -> Vec<f32> { bytemuck::pod_collect_to_vec(file.tensor(name).unwrap().data()) };
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let losses = &header.metadata().as_ref().unwrap()["style_losses"];
    let expected = "style loss at relu1_1 (wasserstein); style loss at relu2_1 (wasserstein); style loss at relu1_1 in \
                    region 2 (wasserstein); style loss at relu2_1 in region 2 (wasserstein)";
    assert_eq!(losses, expected);
    let (losses, shares) = (values("loss_style"), values("share_style"));
    assert_eq!((losses.len(), shares.len()), (4, 4));
    // Each region is half of the picture.
    assert!(shares.iter().all(|share| (share - 0.25).abs() < 0.02), "{shares:?}");
    let style: f32 = losses.iter().zip(&shares).map(|(loss, share)| loss * share).sum();
    let [total, content, tv, edges] =
        ["total", "content", "tv", "edges"].map(|name| values(&format!("loss_{name}"))[0]);
    let sum = content + 1e-3 * style + 10.0 * tv + 2.0 * edges;
    assert!(edges > 0.0 && (total / sum - 1.0).abs() < 1e-4, "{total} for {sum}");
}
