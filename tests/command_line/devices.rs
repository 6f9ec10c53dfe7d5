//! `impasto devices`, `validate` and `bench`, and painting on the first GPU there is.

use super::folder::{Folder, quick};
use impasto::gpu::Variant;

/// Whether `impasto devices` lists a GPU or a driver that behaves like one.
pub fn has_gpu(folder: &Folder) -> bool {
    folder.run("devices").stdout.starts_with('0')
}

#[test]
fn devices_are_listed_and_one_of_them_is_taken() {
    let outcome = Folder::empty().run("devices");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let entries: Vec<&str> = outcome.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    for (index, entry) in entries[..entries.len() - 1].iter().enumerate() {
        assert!(entry.starts_with(&format!("{index} ")), "{entry}");
    }
    assert!(entries[entries.len() - 1].starts_with("cpu  "), "{entries:?}");
    assert_eq!(entries.iter().filter(|entry| entry.ends_with("<- auto")).count(), 1, "{entries:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_reason_to_panic() {
    let folder = Folder::empty();
    for arguments in ["devices", "weights list", "validate --device cpu"] {
        // The reader is gone before the process starts.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = folder.command(arguments).stdout(writer).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.contains("panic")), (Some(1), false), "{arguments}: {stderr}");
    }
}

#[test]
fn validation_ends_with_a_table_and_a_verdict() {
    let table = Folder::empty().run("validate --device cpu").answer();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("case") && lines[0].contains("allowed") && lines[0].ends_with("CPU"), "{}", lines[0]);
    let cases: Vec<&str> = lines[1..].iter().copied().take_while(|line| !line.is_empty()).collect();
    assert!(cases.len() > 80 && cases.iter().all(|line| line.ends_with("  ok")), "{table}");
    for operation in ["conv3x3 relu1_1", "conv3x3_backward", "gram relu", "gram_loss", "adam", "lbfgs_dots"] {
        assert!(table.contains(operation), "{operation} is not in {table}");
    }
    let kernels = &lines[cases.len() + 2..lines.len() - 1];
    let of_kernel = |line: &str| line.split_whitespace().rev().nth(1).unwrap().parse::<usize>().unwrap();
    assert_eq!(kernels.iter().map(|line| of_kernel(line)).sum::<usize>(), cases.len(), "{table}");
    let verdict = format!("{} cases by {} kernels passed on CPU", cases.len(), kernels.len());
    assert_eq!(lines[lines.len() - 1], verdict);
}

/// The answer's lines as JSON; the last counts the others.
fn validated(folder: &Folder, options: &str) -> (Vec<serde_json::Value>, serde_json::Value) {
    let answer = folder.run(&format!("validate --json {options}")).answer();
    let mut lines: Vec<serde_json::Value> = answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    assert_eq!((summary["passed"].as_u64(), summary["failed"].as_u64()), (Some(lines.len() as u64), Some(0)));
    let kernels = summary["kernels"].as_array().unwrap();
    assert_eq!(kernels.iter().map(|kernel| kernel["cases"].as_u64().unwrap()).sum::<u64>(), lines.len() as u64);
    (lines, summary)
}

#[test]
fn validation_can_be_of_one_operation_variant_or_case() {
    let folder = Folder::empty();
    let (lines, summary) = validated(&folder, "--device cpu --only max_pool");
    assert!(lines.len() > 3 && lines.iter().all(|line| line["operation"] == "max_pool"), "{lines:?}");
    assert_eq!(summary["device"], "CPU");
    let (lines, _) = validated(&folder, "--device cpu --only 130x33");
    let operations: Vec<&str> = lines.iter().filter_map(|line| line["operation"].as_str()).collect();
    assert!(operations.contains(&"total_variation") && operations.contains(&"network_input"), "{operations:?}");
    for line in &lines {
        assert!(line["error"].as_f64() <= line["tolerance"].as_f64() && line["passed"] == true, "{line}");
        assert!(line["case"].as_str().unwrap().contains("130x33") && line["precision"] == "f32", "{line}");
    }
    folder.refuses("validate --device cpu --only nothing", 2, &["\"nothing\"", "conv3x3+max_pool", "winograd2"]);
    if has_gpu(&folder) {
        let (lines, summary) = validated(&folder, "--device 0 --only gram");
        let of = |variant: &str| lines.iter().filter(|line| line["variant"] == variant).count();
        assert!(of("blocked") > 10 && of("tiled") > 10 && of("blocked") + of("tiled") <= lines.len(), "{lines:?}");
        let constants: Vec<_> = summary["kernels"].as_array().unwrap().iter().map(|k| &k["constants"]).collect();
        assert!(constants.contains(&&"EDGE=128".into()) && constants.contains(&&"EDGE=64".into()), "{constants:?}");
    }
}

const BENCH_KEYS: [&str; 11] = [
    "device",
    "driver",
    "host_ms",
    "iteration_ms",
    "iteration_ms_min",
    "kernels",
    "measured_peak",
    "peak_bytes",
    "precision",
    "size",
    "variant",
];

#[test]
fn a_benchmark_is_one_object_or_a_table() {
    let folder = Folder::empty();
    let text = folder.run("bench --device cpu --size 64x48 --repeats 1 --json").answer();
    assert_eq!(text.lines().count(), 1, "{text}");
    let report: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut keys: Vec<&str> = report.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, BENCH_KEYS);
    assert!(["driver", "host_ms", "variant", "measured_peak"].iter().all(|key| report[*key].is_null()), "{text}");
    assert_eq!((report["device"].as_str(), report["size"].as_str()), (Some("CPU"), Some("64x48")));
    let number = |key: &str| report[key].as_f64().unwrap();
    assert!(number("iteration_ms") >= number("iteration_ms_min") && number("iteration_ms_min") > 0.0, "{text}");
    assert!(number("peak_bytes") > 4e7, "{text}");
    let kernels = report["kernels"].as_array().unwrap();
    for kernel in kernels {
        let times = ["ms", "gflops", "gbytes"].map(|key| kernel[key].as_f64());
        assert!(times.iter().all(|time| time.is_some_and(|time| time >= 0.0 && time.is_finite())), "{kernel}");
        assert!(kernel["operation"].is_string() && kernel["layer"].is_string(), "{kernel}");
    }
    let count = |operation: &str| kernels.iter().filter(|kernel| kernel["operation"] == operation).count();
    assert_eq!((count("conv3x3"), count("conv3x3_backward"), count("gram"), count("adam")), (13, 13, 5, 1), "{text}");
    let table = folder.run("bench --device cpu --size 32x24 --repeats 1").answer();
    assert!(table.starts_with("CPU at 32x24\n") && table.contains("conv1_1 32x24x64"), "{table}");
    assert!(table.contains("iteration: ") && table.contains("peak: "), "{table}");
    let short = folder.run("bench --device cpu --size 32x24 --repeats 1 --no-kernels").answer();
    assert!(short.lines().count() == 3 && short.contains("iteration: "), "{short}");
}

#[test]
fn a_benchmark_of_a_gpu_has_its_peaks_and_every_variant() {
    let folder = Folder::empty();
    if !has_gpu(&folder) {
        return;
    }
    let text = folder.run("bench --device 0 --size 16x16 --repeats 1 --json").answer();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(report["driver"].is_string() && report["host_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{text}");
    for peak in ["gflops", "gbytes"] {
        assert!(report["measured_peak"][peak].as_f64().is_some_and(|peak| peak > 0.0), "{text}");
    }
    let kernels = report["kernels"].as_array().unwrap();
    for kernel in kernels {
        let numbers = ["ms", "gflops", "gbytes", "arithmetic_fraction", "bandwidth_fraction"];
        assert!(numbers.iter().all(|key| kernel[key].as_f64().is_some_and(|number| number >= 0.0)), "{kernel}");
    }
    let count = |test: &dyn Fn(&serde_json::Value) -> bool| kernels.iter().filter(|kernel| test(kernel)).count();
    for variant in Variant::ALL {
        let of_it = count(&|kernel| kernel["variant"] == variant.name());
        // Only devices with tensor cores have their peak and their variant.
        let can = variant != Variant::Cooperative || report["measured_peak"]["cooperative_gflops"].is_number();
        assert_eq!(of_it > 0, can, "{} in {text}", variant.name());
    }
    // Every step counts once, however many ways to compute it there are.
    let chosen = |operation: &str| count(&|kernel| kernel["operation"] == operation && kernel["chosen"] == true);
    let of_each = ["conv3x3", "conv3x3_backward", "gram", "max_pool", "adam"].map(chosen);
    assert_eq!(of_each, [13, 13, 5, 4, 1], "{text}");
    let halves = count(&|kernel| kernel["precision"] == "f16" && kernel["chosen"] == false);
    assert_eq!(halves, count(&|kernel| kernel["precision"] == "f16"), "{text}");
    let forced = folder.run("bench --device 0 --size 16x16 --repeats 1 --no-kernels --variant plain --json").answer();
    let report: serde_json::Value = serde_json::from_str(&forced).unwrap();
    assert_eq!((report["variant"].as_str(), report["kernels"].as_array().map(Vec::len)), (Some("plain"), Some(0)));
}

#[test]
fn the_first_gpu_paints_what_the_processor_paints() {
    let folder = Folder::with_pictures();
    if !has_gpu(&folder) {
        return;
    }
    let options = quick("--device 0 --min-scale 48");
    let outcome = folder.run(&format!("stylize photo.png --style painting.png -o gpu.png {options}"));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
    folder.paint("cpu.png", "--min-scale 48");
    let (found, expected) = (folder.open("gpu.png"), folder.open("cpu.png"));
    assert_eq!(found.size(), expected.size());
    let apart: f32 = found.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs()).sum();
    let mean = apart / found.pixels().len() as f32;
    assert!(mean < 0.5 / 255.0, "the pictures are {mean} apart on average");
}

#[test]
fn what_a_device_cannot_bind_at_once_is_painted_in_windows() {
    let folder = Folder::with_pictures();
    // The second scale's features take 192 MiB: too much for llvmpipe, nothing for a GPU.
    if !folder.run("devices").stdout.contains("128 MiB in one binding") {
        return;
    }
    let one_layer = "--content-layers relu1_1 --style-layers relu1_1 --first-iterations 1 --iterations 1";
    let options = quick(&format!("--device 0 --size 1000 --min-scale 700 {one_layer}"));
    let stylize = format!("stylize photo.png --style painting.png {options}");
    assert!(folder.run(&format!("{stylize} --explain")).answer().contains("in overlapping windows of "));
    assert_eq!(folder.run(&format!("{stylize} -o out.png")).answer(), "");
    assert_eq!(folder.size("out.png"), (1000, 750));
}
