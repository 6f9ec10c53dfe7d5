//! The page that paints in the browser itself, in Chromium with a software GPU. IMPASTO_WEB names the folder that
//! tools/build-web made; without it these tests say so and pass.

use crate::{
    command_line::{folder::Folder, running::wait_until},
    common::browser::{Seen, WITH_WEBGPU, browser},
};
use headless_chrome::Browser;
use impasto::{
    demo::{DRAWN, brushwork, townscape},
    picture::Picture,
};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Stdio},
};

/// Mean difference, in levels of 255, between what the browser's GPU paints and what the processor does, with the same filters
/// or with filters that each has learned.
const MEAN_LEVELS: f64 = 2.0;

/// Of so many cases one is run: no divisor of how many there are of a kind.
const ONE_IN: u32 = 13;

/// `impasto studio --static` with the page; it is killed at the end of the test.
struct Page {
    child: Child,
    url: String,
}

impl Page {
    fn show(folder: &Folder) -> Option<Page> {
        let Some(web) = std::env::var_os("IMPASTO_WEB") else {
            eprintln!("no page for browsers: make it with tools/build-web and name target/web in IMPASTO_WEB");
            return None;
        };
        let mut command = folder.command("studio --no-open --port 0 --static");
        let mut child = command.arg(absolute(web)).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Some(Page { child, url: url.trim_end().to_owned() })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn absolute(path: OsString) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A browser with WebGPU, and the folder's page.
fn both(folder: &Folder) -> Option<(Browser, Page)> {
    let page = Page::show(folder)?;
    Some((browser(&WITH_WEBGPU)?, page))
}

/// Waits for the end of something long: as long as it moves, it is not too late.
fn wait_while_it_moves(page: &Seen, ended: impl Fn(&str) -> bool) -> String {
    let mut status = page.status();
    while !ended(&status) {
        let before = status.clone();
        wait_until(&format!("what comes after \"{before}\""), || {
            status = page.status();
            status != before
        });
    }
    status
}

#[test]
fn chromium_compiles_every_entry_point_of_every_shader() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    let seen = Seen::open(&browser, &format!("{}check.html", page.url));
    let script = r"(async () => {
        const { default: load, shaders } = await import(new URL('page/impasto_web.js', location.href));
        await load();
        const adapter = await navigator.gpu.requestAdapter();
        const f16 = adapter.features.has('shader-f16');
        const device = await adapter.requestDevice({
            requiredFeatures: f16 ? ['shader-f16'] : [],
            requiredLimits: Object.fromEntries(
                ['maxComputeWorkgroupStorageSize', 'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX',
                    'maxStorageBuffersPerShaderStage'].map((name) => [name, adapter.limits[name]])),
        });
        const wrong = [];
        let compiled = 0;
        for (const { name, precision, source } of JSON.parse(shaders())) {
            if (precision === 'f16' && !f16) continue;
            const module = device.createShaderModule({ code: source });
            const told = (await module.getCompilationInfo()).messages.filter(({ type }) => type === 'error');
            wrong.push(...told.map(({ message, lineNum }) => `${name} ${precision}:${lineNum}: ${message}`));
            const flags = [...source.matchAll(/override\s+(\w+)\s*:\s*bool/g)].map(([, flag]) => flag);
            for (const [, entryPoint] of source.matchAll(/@compute[\s\S]*?fn\s+(\w+)/g)) {
                for (const value of [0, 1]) {
                    const constants = Object.fromEntries(flags.map((flag) => [flag, value]));
                    await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint, constants } }).then(
                        () => (compiled += 1), (error) => wrong.push(`${name} ${entryPoint} ${precision}: ${error.message}`));
                }
            }
        }
        return JSON.stringify({ compiled, wrong });
    })()";
    let found: Value = serde_json::from_str(seen.value(script).as_str().expect("an answer")).unwrap();
    assert_eq!(found["wrong"], serde_json::json!([]));
    // Each shader that is no tensor core's has an entry point, compiled with its flags off and on.
    let shaders = impasto::gpu::SHADERS.iter().filter(|shader| !shader.is_cooperative()).count() as u64;
    assert!(found["compiled"].as_u64().unwrap() >= 2 * shaders, "{found}");
}

#[test]
fn no_kernel_fails_in_chromium() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    // The software driver takes a second to compile a kernel, and there are thousands with all their constants. Of convolutions
    // with pooling, some have two outputs less, for which nothing may be bound twice.
    for (asked, least) in [(format!("one-in={ONE_IN}"), 100), ("only=of any numbers".to_owned(), 4)] {
        let seen = Seen::open(&browser, &format!("{}check.html?{asked}", page.url));
        wait_until("the engine", || seen.value("document.getElementById('validate').disabled") == false);
        seen.press("Validate");
        let status = wait_while_it_moves(&seen, |status| status.contains(" on "));
        let failures = seen.value("document.getElementById('failures').textContent");
        assert!(status.ends_with(", 0 failed."), "{status}: {failures}");
        let cases: u32 = status.split(' ').next().unwrap().parse().unwrap();
        assert!(cases >= least, "{status}");
    }
}

/// Paints what is chosen, saves it, lets the command line paint it again on the processor from what the picture remembers, and
/// tells the mean difference in levels.
fn paint(seen: &Seen, folder: &Folder, name: &str, options: &str) -> f64 {
    seen.value(&format!(
        "import(new URL('page/actions.js', location.href)).then((actions) => {{ actions.show(null); actions.setOptions({options}) }})"
    ));
    wait_until("an empty stage", || !seen.status().contains("Done"));
    seen.press("Paint");
    let status = wait_while_it_moves(seen, |status| status.contains("Done") || status.contains("failed"));
    assert!(status.contains("Done, 128 × 96"), "{status}");
    let saved = seen.wait_for("link", "Save picture");
    assert_eq!(seen.on(saved, "function() { return this.download }"), "town-brushwork.png");
    let script = "async function() { return Array.from(new Uint8Array(await (await fetch(this.href)).arrayBuffer())) }";
    let bytes = seen.on(saved, script);
    let bytes: Vec<u8> = bytes.as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap() as u8).collect();
    let (browsers, commands) = (format!("{name}.png"), format!("{name}-again.png"));
    std::fs::write(folder.path(&browsers), bytes).unwrap();
    let told = folder.run(&format!("info {browsers}"));
    assert!(told.stdout.contains("--weights: learned") && told.stdout.contains("town.png"), "{told:?}");
    let again = folder.run(&format!("again {browsers} --device cpu -o {commands}"));
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.contains("back end was webgpu") && !again.stderr.contains("has changed"), "{again:?}");
    if let Some(screenshots) = std::env::var_os("IMPASTO_SCREENSHOTS") {
        for name in [&browsers, &commands] {
            std::fs::copy(folder.path(name), PathBuf::from(&screenshots).join(name)).unwrap();
        }
    }
    let [one, other] = [browsers, commands].map(|name| Picture::open(folder.path(&name)).unwrap().pixels().to_vec());
    assert_eq!(one.len(), other.len());
    let sum: f64 = one.iter().zip(&other).map(|(one, other)| f64::from((one - other).abs())).sum();
    255.0 * sum / one.len() as f64
}

#[test]
fn the_page_paints_what_the_command_paints() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    townscape(DRAWN).save(folder.path("town.png")).unwrap();
    brushwork(DRAWN).save(folder.path("brushwork.png")).unwrap();
    let seen = Seen::open(&browser, &page.url);
    seen.wait_for("button", "Paint");
    wait_until("the engine", || seen.value("document.getElementById('paint').disabled") == false);
    seen.choose("Photograph", folder.path("town.png"));
    seen.choose("Painting", folder.path("brushwork.png"));
    wait_until("both pictures", || {
        let captions =
            "['photograph', 'painting'].map((name) => document.getElementById(`${name}-caption`).textContent).join()";
        seen.value(captions) == "town.png768 × 576,brushwork.png768 × 576"
    });
    // The same filters for both, by the file of filters that a page can open.
    let learned = folder.run("weights learn town.png brushwork.png -o learned.safetensors");
    assert_eq!(learned.code, Some(0), "{learned:?}");
    seen.choose("Filters from a file", folder.path("learned.safetensors"));
    wait_until("the filters", || {
        seen.value("document.querySelector('#option-weights option[value=\"learned.safetensors\"]') !== null") == true
    });
    // Long tasks of the page itself are noted from here on.
    seen.value(
        "window.longest = 0, new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (longest = Math.max(longest, duration)))).observe({ type: 'longtask' })",
    );
    let of_file =
        paint(&seen, &folder, "file", "{ size: '128', 'first-iterations': '8', weights: 'learned.safetensors' }");
    let of_page = paint(&seen, &folder, "page", "{ size: '128', 'first-iterations': '8', weights: null }");
    let longest = seen.value("window.longest");
    println!("differences {of_file:.3} and {of_page:.3} levels; longest task of the page {longest} ms");
    assert!(of_file < MEAN_LEVELS, "with the same filters they differ by {of_file:.2} levels");
    assert!(of_page < MEAN_LEVELS, "with filters learned by each they differ by {of_page:.2} levels");

    // A saved picture is taken up again: it knows what it was painted from.
    seen.value("import(new URL('page/actions.js', location.href)).then((actions) => actions.show(null))");
    wait_until("an empty stage", || !seen.status().contains("Done"));
    seen.choose("Open a saved picture", folder.path("page.png"));
    wait_until("the saved picture", || seen.status().contains("Done, 128 × 96"));
    seen.wait_for("button", "Further");

    // The page works without its server, and what was painted is there when it is opened again.
    assert_eq!(seen.value("navigator.serviceWorker.ready.then(() => 'ready')"), "ready");
    drop(page);
    seen.tab.reload(false, None).unwrap();
    seen.value("location.hash = '#gallery'");
    for number in 1..=3 {
        seen.wait_for("button", &format!("Open no. {number}"));
    }
}

/// The processes that a browser has begun, or those that it has begun have, by the kind that they say they are.
#[cfg(target_os = "linux")]
fn processes(browser: &Browser, kind: &str) -> Vec<String> {
    let read =
        |process: &str, name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
    let parent = |process: &str| {
        let status = read(process, "status");
        status.lines().find_map(|line| Some(line.strip_prefix("PPid:")?.trim().to_owned()))
    };
    let own = browser.get_process_id().unwrap().to_string();
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_own = |process: &String| {
        std::iter::successors(Some(process.clone()), |process| parent(process)).any(|above| above == own)
    };
    all.filter(|process| read(process, "cmdline").contains(kind) && is_own(process)).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_gpu_that_is_lost_leaves_its_picture_and_the_work_begins_anew() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    let seen = Seen::open(&browser, &page.url);
    seen.wait_for("button", "Paint");
    wait_until("the engine", || seen.value("document.getElementById('paint').disabled") == false);
    seen.value(
        "import(new URL('page/actions.js', location.href)).then((actions) => actions.setOptions({ size: '48', 'first-iterations': '1000' }))",
    );
    seen.press("Paint");
    seen.wait_for("image", "Result");
    let gpu = processes(&browser, "--type=gpu-process");
    assert_eq!(gpu.len(), 1, "{gpu:?}");
    let killed = std::process::Command::new("kill").arg("-KILL").args(gpu).status().unwrap();
    assert!(killed.success());
    wait_until("the end of the work", || seen.status().contains("failed"));
    assert!(seen.status().contains("the browser's GPU stopped working"), "{}", seen.status());
    seen.wait_for("image", "Result");
    seen.wait_for("link", "Save picture");
    seen.press("Resume");
    wait_until("an iteration", || seen.status().contains("iteration 1 of 1000"));
}
