//! The page that paints in the browser itself, in Chromium with a software GPU. IMPASTO_WEB names the folder that
//! tools/build-web made; without it these tests say so and pass.

use crate::{
    command_line::{folder::Folder, running::wait_until},
    common::browser::{Seen, WITH_WEBGPU, browser},
    pictures::avif_files,
};
use headless_chrome::{Browser, protocol::cdp::Storage};
use impasto::{
    demo::{DRAWN, brushwork, townscape},
    picture::{Detail, Picture},
};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

/// Mean difference, in levels of 255, between what the browser's GPU paints and what the processor does, with the same filters
/// or with filters that each has learned.
const MEAN_LEVELS: f64 = 2.0;

/// The same between two decoders of a small AVIF file: they blow up its colours in different ways.
const AVIF_LEVELS: f64 = 3.0;

/// Of so many cases one is run, where `IMPASTO_ONE_IN` gives no other number: no divisor of how many there are of a kind.
const ONE_IN: &str = "13";

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
    let one_in = std::env::var("IMPASTO_ONE_IN").unwrap_or_else(|_| ONE_IN.to_owned());
    for (asked, least) in [(format!("one-in={one_in}"), 100), ("only=of any numbers".to_owned(), 4)] {
        let seen = Seen::open(&browser, &format!("{}check.html?{asked}", page.url));
        wait_until("the engine", || seen.value("document.getElementById('validate').disabled") == false);
        seen.press("Validate");
        let status = wait_while_it_moves(&seen, |status| status.contains(" on "));
        let failures = seen.value("document.getElementById('failures').textContent");
        assert!(status.ends_with(", 0 failed."), "{status}: {failures}");
        let cases: u32 = status.split(' ').next().unwrap().parse().unwrap();
        assert!(cases >= least, "{status}");
        println!("{status}");
    }
}

/// Paints what is chosen, saves it, lets the command line paint it again on the processor from what the picture remembers, and
/// tells the mean difference in levels.
fn paint(seen: &Seen, folder: &Folder, name: &str, options: &str) -> f64 {
    set(seen, options);
    seen.press("Paint");
    let status = wait_while_it_moves(seen, |status| status.contains("Done") || status.contains("failed"));
    assert!(status.contains("Done, 128 × 96"), "{status}");
    let bytes = result(seen);
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
    let [one, other] = [browsers, commands].map(|name| Picture::open(folder.path(&name)).unwrap());
    levels_between(&one, &other)
}

/// The file of the result on the stage.
fn result(seen: &Seen) -> Vec<u8> {
    let saved = seen.wait_for("link", "Save picture");
    assert_eq!(seen.on(saved, "function() { return this.download }"), "town-brushwork.png");
    let script = "async function() { return Array.from(new Uint8Array(await (await fetch(this.href)).arrayBuffer())) }";
    bytes_in(&seen.on(saved, script))
}

/// A file that a script gave as an array of numbers.
fn bytes_in(value: &Value) -> Vec<u8> {
    value.as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap() as u8).collect()
}

/// Mean difference of two pictures, in levels of 255.
fn levels_between(one: &Picture, other: &Picture) -> f64 {
    assert_eq!(one.size(), other.size());
    let pairs = one.pixels().iter().zip(other.pixels());
    let sum: f64 = pairs.map(|(one, other)| f64::from((one - other).abs())).sum();
    255.0 * sum / one.pixels().len() as f64
}

#[test]
fn the_page_paints_what_the_command_paints() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    townscape(DRAWN).save(folder.path("town.png")).unwrap();
    brushwork(DRAWN).save(folder.path("brushwork.png")).unwrap();
    let seen = Seen::open(&browser, &page.url);
    wait_for_engine(&seen);
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

fn wait_for_engine(seen: &Seen) {
    seen.wait_for("button", "Paint");
    wait_until("the engine", || seen.value("document.getElementById('paint').disabled") == false);
}

/// Sets options, on an empty stage.
fn set(seen: &Seen, options: &str) {
    seen.value(&format!(
        "import(new URL('page/actions.js', location.href)).then((actions) => {{ actions.show(null); actions.setOptions({options}) }})"
    ));
    wait_until("an empty stage", || !seen.status().contains("Done"));
}

/// The iteration of the checkpoint that the browser keeps of a work.
fn checkpoint(seen: &Seen, work: u32) -> Option<u32> {
    let found = seen.value(&format!(
        "import(new URL('page/kept.js', location.href)).then((kept) => kept.checkpointOf({work})).then((kept) => kept?.then.iteration ?? null)"
    ));
    found.as_u64().map(|iteration| iteration as u32)
}

#[track_caller]
fn wait_for_checkpoint(seen: &Seen, work: u32) -> u32 {
    let mut found = None;
    wait_until("a checkpoint", || {
        found = checkpoint(seen, work);
        found.is_some()
    });
    found.unwrap()
}

/// The iteration that the page tells, 0 if it tells none.
fn iteration(seen: &Seen) -> u32 {
    let status = seen.status();
    let after = status.split("iteration ").nth(1).and_then(|rest| rest.split(' ').next());
    after.map_or(0, |number| number.parse().unwrap())
}

#[test]
fn a_painting_goes_on_when_its_page_is_opened_again() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    let room = browser.new_tab().unwrap();
    let give = |quota_size: Option<f64>| {
        let origin = page.url.trim_end_matches('/').to_owned();
        room.call_method(Storage::OverrideQuotaForOrigin { origin, quota_size }).unwrap();
    };
    let paint = |seen: &Seen| {
        set(seen, "{ size: '48', 'first-iterations': '12' }");
        seen.press("Paint");
        wait_until("an iteration", || iteration(seen) >= 2);
        seen.press("Pause");
    };
    let finish = |seen: &Seen| {
        seen.press("Resume");
        let status = wait_while_it_moves(seen, |status| status.contains("Done") || status.contains("failed"));
        assert!(status.contains("Done, 48 × 36"), "{status}");
        Picture::read_for(Path::new("the result"), &result(seen)[..], Detail::Full).unwrap().picture
    };

    // Where there is no room for a checkpoint the page says so, and goes on.
    give(Some(1.0));
    let seen = Seen::open(&browser, &page.url);
    wait_for_engine(&seen);
    paint(&seen);
    wait_until("a sentence", || seen.status().contains("cannot be kept in this browser (there is no more room)"));
    assert_eq!(checkpoint(&seen, 1), None);
    let at_once = finish(&seen);

    give(None);
    paint(&seen);
    let kept = wait_for_checkpoint(&seen, 2);
    assert!((2..12).contains(&kept), "{}", seen.status());
    // It is on its way again when the page is closed.
    seen.press("Resume");
    wait_until("what comes after it", || iteration(&seen) > kept);
    seen.tab.reload(false, None).unwrap();
    wait_for_engine(&seen);
    let kept = wait_for_checkpoint(&seen, 2);
    wait_until("the work as it was", || {
        seen.status().contains(&format!("iteration {kept} of 12")) && seen.status().contains("paused")
    });
    seen.wait_for("image", "Result");
    let resumed = finish(&seen);
    wait_until("the end of the checkpoint", || checkpoint(&seen, 2).is_none());
    let levels = levels_between(&at_once, &resumed);
    println!("opened again and not: {levels:.4} levels");
    assert!(levels == 0.0, "they differ by {levels:.3} levels");
}

#[test]
fn a_picture_that_the_browser_reads_for_the_engine_is_taken_upright() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    let turned = avif_files::bytes(avif_files::TURNED);
    std::fs::write(folder.path("turned.avif"), &turned).unwrap();
    std::fs::write(folder.path("broken.avif"), &turned[..turned.len() / 2]).unwrap();
    let seen = Seen::open(&browser, &page.url);
    wait_for_engine(&seen);
    seen.choose("Photograph", folder.path("turned.avif"));
    let caption = "document.getElementById('photograph-caption').textContent";
    wait_until("the picture", || seen.value(caption) == "turned.avif16 × 32");
    let script = "async function() { return Array.from(new Uint8Array(await (await fetch(document.querySelector('#photograph-well img').src)).arrayBuffer())) }";
    let view = seen.on(seen.wait_for("button", "Paint"), script);
    let [view, own] = [bytes_in(&view), turned]
        .map(|file| Picture::read_for(Path::new("turned.avif"), &file[..], Detail::Full).unwrap().picture);
    let levels = levels_between(&view, &own);
    println!("an AVIF file by the browser and by the command: {levels:.3} levels");
    assert!(levels < AVIF_LEVELS, "they differ by {levels:.2} levels");

    // What neither reads is refused in the engine's words.
    seen.choose("Painting", folder.path("broken.avif"));
    let trouble = || seen.value("document.getElementById('trouble').textContent");
    wait_until("a refusal", || trouble().as_str().is_some_and(|text| text.contains("broken.avif")));
    assert!(trouble().as_str().unwrap().contains("save it again as a PNG"), "{}", trouble());

    seen.tab.reload(false, None).unwrap();
    wait_for_engine(&seen);
    let known = "import(new URL('page/state.js', location.href)).then((state) => [...state.now().pictures.values()].map(({ name, width, height }) => `${name} ${width}x${height}`).join())";
    let known = seen.value(known);
    assert!(known.as_str().unwrap().contains("turned.avif 16x32"), "{known}");
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
fn a_gpu_that_is_lost_leaves_its_picture_and_the_work_goes_on_from_its_checkpoint() {
    let folder = Folder::empty();
    let Some((browser, page)) = both(&folder) else { return };
    let seen = Seen::open(&browser, &page.url);
    wait_for_engine(&seen);
    set(&seen, "{ size: '48', 'first-iterations': '1000' }");
    seen.press("Paint");
    seen.wait_for("image", "Result");
    // A pause makes a checkpoint.
    seen.press("Pause");
    let kept = wait_for_checkpoint(&seen, 1);
    assert!(kept > 0);
    seen.press("Resume");
    wait_until("what comes after it", || iteration(&seen) > kept);
    let gpu = processes(&browser, "--type=gpu-process");
    assert_eq!(gpu.len(), 1, "{gpu:?}");
    let killed = std::process::Command::new("kill").arg("-KILL").args(gpu).status().unwrap();
    assert!(killed.success());
    wait_until("the end of the work", || seen.status().contains("failed"));
    assert!(seen.status().contains("the browser's GPU stopped working"), "{}", seen.status());
    seen.wait_for("image", "Result");
    seen.wait_for("link", "Save picture");
    seen.press("Resume");
    wait_until("the painting", || seen.status().contains("iteration"));
    wait_until("an iteration", || iteration(&seen) > 0);
    assert!(iteration(&seen) > kept, "{}", seen.status());
}
