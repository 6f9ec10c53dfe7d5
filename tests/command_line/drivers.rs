//! Two more real drivers that need no card: SwiftShader, which runs everything in f32, and RADV, AMD's driver, whose
//! compiler reports statistics of each kernel. `tools/setup --all-drivers` installs them; where they are missing the
//! tests say so and pass, unless IMPASTO_ALL_DRIVERS is set.

use super::folder::{Folder, quick, said};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where distributions put the drivers' descriptions.
const FOLDERS: [&str; 5] = [
    "/usr/lib/chromium",
    "/usr/lib64/chromium-browser",
    "/usr/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
];

/// The description of a driver: a file whose name has the given beginning.
fn driver(prefix: &str) -> Option<PathBuf> {
    let described = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".json")
    };
    let files = FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let found = files.filter_map(|entry| Some(entry.ok()?.path())).find(described);
    if found.is_none() {
        assert!(std::env::var_os("IMPASTO_ALL_DRIVERS").is_none(), "no {prefix}*.json: run tools/setup --all-drivers");
        eprintln!("not run: there is no {prefix}*.json; tools/setup --all-drivers installs it");
    }
    found
}

#[test]
fn every_kernel_agrees_with_the_reference_on_swiftshader() {
    let Some(driver) = driver("vk_swiftshader_icd") else { return };
    let folder = Folder::empty();
    let output = folder.command("validate --device swiftshader").env("VK_DRIVER_FILES", driver).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = text.lines().filter(|line| line.contains("FAIL")).collect();
    assert_eq!((output.status.code(), failed), (Some(0), vec![]), "{}", String::from_utf8_lossy(&output.stderr));
    let last = text.lines().last().unwrap_or_default();
    let passed: usize = last.split(' ').next().unwrap_or_default().parse().unwrap();
    assert!(passed > 500 && last.contains(" passed on SwiftShader"), "{last}");
}

#[test]
fn two_drivers_and_the_processor_paint_one_picture_together() {
    let (Some(swiftshader), Some(llvmpipe)) = (driver("vk_swiftshader_icd"), driver("lvp_icd")) else { return };
    let drivers = std::env::join_paths([llvmpipe, swiftshader]).unwrap();
    let folder = Folder::with_pictures_of([200, 150], [120, 90]);
    let run = |arguments: &str| {
        let output = folder.command(arguments).env("VK_DRIVER_FILES", &drivers).output().unwrap();
        let (printed, said) = (String::from_utf8(output.stdout).unwrap(), said(output.stderr));
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{arguments}: {printed}");
        printed
    };
    let options = "--size 200 --min-scale 200 --optimizer adam --first-iterations 6";
    let stylize = format!(
        "stylize photo.png --style painting.png {}",
        quick(&format!("{options} --device llvmpipe,swiftshader,cpu"))
    );
    run(&format!("{stylize} --explain"));
    // As if all were equally fast, so that each has something to do.
    let speeds: Vec<PathBuf> =
        std::fs::read_dir(folder.path("cache/speeds")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(speeds.len(), 3);
    speeds.iter().for_each(|file| std::fs::write(file, "0\n").unwrap());
    let explained = run(&format!("{stylize} --explain"));
    let shares: Vec<&str> = explained.lines().filter(|line| line.ends_with(" of them")).collect();
    assert!(shares.len() == 3 && shares.iter().all(|share| !share.contains(" 0 ")), "{shares:?}");
    assert!(shares[0].contains("llvmpipe") && shares[1].contains("SwiftShader") && shares[2].contains("CPU"));
    run(&format!("{stylize} -o together.png"));
    run(&format!("{stylize} -o again.png"));
    assert!(folder.read("together.png") == folder.read("again.png"));
    folder.paint("alone.png", options);
    let [alone, together] = ["alone.png", "together.png"].map(|name| folder.open(name));
    let apart = alone.pixels().iter().zip(together.pixels()).map(|(a, b)| (255.0 * (a - b).abs()).round() as u32);
    assert!(apart.max().unwrap() <= 2);
}

#[test]
fn a_gpu_that_cannot_start_is_passed_over_by_auto_and_named_otherwise() {
    let Some(driver) = driver("radeon_icd") else { return };
    let folder = Folder::with_pictures();
    folder.paint("expected.png", "");
    let run = |arguments: &str| {
        let mut command = folder.command(arguments);
        // A card that is not there: it can be opened and compile, and is lost at its first submission.
        let output = command.env("VK_DRIVER_FILES", &driver).env("RADV_FORCE_FAMILY", "navi21").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), said(output.stderr))
    };
    let stylize = |device: &str| {
        let options = quick(&format!("--device {device}"));
        run(&format!("stylize photo.png --style painting.png -o out.png {options}"))
    };
    let (code, _, said) = stylize("auto");
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains("RADV NAVI21) cannot start (") && said.ends_with("going on with CPU\n"), "{said}");
    assert!(folder.read("out.png") == folder.read("expected.png"));
    std::fs::remove_file(folder.path("out.png")).unwrap();
    for device in ["radv", "0"] {
        let (code, _, said) = stylize(device);
        assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains("RADV NAVI21) cannot start (") && said.contains("another device"), "{said}");
        assert!(!folder.path("out.png").exists());
    }
    let (code, listed, _) = run("devices");
    assert!(
        code == Some(0) && listed.contains("auto passes it over") && listed.contains("back end   <- auto"),
        "{listed}"
    );
}

/// Cards of three generations: GCN 4, GCN 5 and RDNA 2.
const FAMILIES: [&str; 3] = ["polaris10", "vega10", "navi21"];

/// Milliseconds that one pipeline may take to compile.
const SLOWEST: f64 = 2000.0;

#[test]
fn amds_compiler_spills_no_register_and_is_quick() {
    let Some(driver) = driver("radeon_icd") else { return };
    for family in FAMILIES {
        let (mut kernels, mut bad) = (0, Vec::new());
        for line in statistics(&driver, family).lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = |key: &str| line[key].as_f64().unwrap_or_else(|| panic!("{key} in {line}"));
            assert!(number("vgprs") > 0.0 && number("code_bytes") > 0.0, "{line}");
            assert!(number("subgroups_per_simd") > 0.0 && number("lds_bytes") >= 0.0, "{line}");
            assert!(line["kernel"].is_string() && line["precision"].is_string(), "{line}");
            if number("spilled_vgprs") > 0.0 || number("milliseconds") > SLOWEST {
                bad.push(line);
            }
            kernels += 1;
        }
        assert_eq!(bad, Vec::<serde_json::Value>::new(), "{family}");
        assert!(kernels > 50, "{family}: {kernels} pipelines");
    }
}

/// What `examples/compile_statistics` prints for a card.
fn statistics(driver: &Path, family: &str) -> String {
    // Cargo builds examples beside the folder of the tests.
    let program =
        std::env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join("compile_statistics");
    assert!(program.exists(), "cargo test builds the example, unless it is told to build less: {}", program.display());
    let mut command = Command::new(program);
    command.arg("--json").stdin(Stdio::null()).env("VK_DRIVER_FILES", driver).env("RADV_FORCE_FAMILY", family);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{family}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
