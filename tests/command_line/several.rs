//! `--device 0,cpu`: devices that paint one picture together.

use super::folder::{Folder, quick};

/// Enough windows for two devices.
const WINDOWS: &str =
    "--size 200 --min-scale 200 --content-layers relu2_1 --style-layers relu1_1,relu2_1 --first-iterations 6";

fn folder() -> Folder {
    Folder::with_pictures_of([200, 150], [120, 90])
}

#[test]
fn several_devices_paint_what_one_paints_to_rounding_and_the_same_bits_twice() {
    let folder = folder();
    let options = quick(&format!("{WINDOWS} --device cpu,0"));
    let explained = folder.run(&format!("stylize photo.png --style painting.png --explain {options}")).answer();
    assert!(explained.contains("in overlapping windows of ") && explained.contains("\n  CPU: "), "{explained}");
    assert!(explained.contains("\nCPU: takes "), "{explained}");
    for (method, most) in [("adam", 2), ("lbfgs", 4)] {
        let options = format!("{WINDOWS} --optimizer {method}");
        folder.paint("alone.png", &options);
        folder.paint("together.png", &format!("{options} --device cpu,0"));
        folder.paint("again.png", &format!("{options} --device cpu,0"));
        assert!(folder.read("together.png") == folder.read("again.png"), "{method}");
        assert!(levels_apart(&folder, "alone.png", "together.png") <= most, "{method}");
    }
}

/// The largest difference of two pictures.
fn levels_apart(folder: &Folder, one: &str, other: &str) -> u32 {
    let [one, other] = [one, other].map(|name| folder.open(name));
    let apart = one.pixels().iter().zip(other.pixels()).map(|(a, b)| (255.0 * (a - b).abs()).round() as u32);
    apart.max().unwrap()
}

#[test]
fn a_seamless_texture_is_the_same_in_windows_and_by_several_devices() {
    let folder = folder();
    let texture = |name: &str, options: &str| {
        let fixed = "--size 192x160 --weights filters.safetensors --optimizer adam --first-iterations 4 --iterations 2";
        let run = folder.run(&format!("texture painting.png -o {name} --seamless {fixed} {options} -v"));
        assert_eq!(run.code, Some(0), "{run:?}");
        let taken = run.stderr.split(" MiB of memory").next().and_then(|before| before.rsplit(' ').next());
        taken.and_then(|taken| taken.parse::<u32>().ok()).unwrap_or_else(|| panic!("{run:?}"))
    };
    let whole = texture("whole.png", "--device cpu");
    let windows = texture("windows.png", "--device cpu --memory 37MiB");
    assert!(windows <= 37 && 37 < whole, "{windows} of {whole} MiB");
    texture("together.png", "--device cpu,0");
    for name in ["windows.png", "together.png"] {
        assert!(levels_apart(&folder, "whole.png", name) <= 2, "{name}");
    }
}

#[test]
fn all_devices_are_the_processor_where_there_is_no_other() {
    let folder = folder();
    folder.paint("all.png", &format!("{WINDOWS} --device all"));
    assert_eq!(folder.size("all.png"), (200, 150));
}

#[test]
fn lists_that_are_none_are_refused_with_a_sentence() {
    let folder = folder();
    let stylize = |device: &str| {
        format!("stylize photo.png --style painting.png -o out.png {}", quick(&format!("--device {device}")))
    };
    folder.refuses(&stylize("cpu,cpu"), 1, &["the CPU is named twice", "0,1,cpu"]);
    folder.refuses(&stylize("0,0"), 1, &["is named twice"]);
    folder.refuses(&stylize("cpu,auto"), 1, &["auto stands alone"]);
    folder.refuses(&stylize("cpu,4711"), 2, &["there is no device 4711"]);
    folder.refuses(&format!("{} --precision f16", stylize("cpu,0")), 2, &["--precision f16 is for one device"]);
}
