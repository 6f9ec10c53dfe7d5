//! What a person sees and presses, in Chromium, by the names that the accessibility tree has.

use super::Studio;
use crate::{
    command_line::{folder::Folder, running::wait_until},
    common::browser::{Seen, browser},
};
use headless_chrome::protocol::cdp::{Emulation, Page};
use serde_json::Value;
use std::path::PathBuf;

#[test]
fn a_picture_is_painted_by_what_one_sees() {
    let Some(browser) = browser(&[]) else { return };
    let folder = Folder::with_pictures();
    folder.filters("deep.safetensors", "relu5_1");
    let studio = Studio::start_with(&folder, "--weights deep.safetensors");
    let page = Seen::open(&browser, &studio.url);
    page.wait_for("button", "Paint");
    // The token is in the cookie now, where no script and no screenshot sees it.
    wait_until("the page itself", || !page.tab.get_url().contains("token"));
    assert_eq!(page.value("document.cookie"), "");
    page.choose("Photograph", folder.path("photo.png"));
    page.choose("Painting", folder.path("painting.png"));
    wait_until("both pictures", || studio.get("/api/state")["pictures"].as_array().unwrap().len() == 4);
    let slider = page.wait_for("slider", "Style weight");
    assert_eq!(page.on(slider, "function() { return Number(this.value) > 0 }"), true);
    // By then the page knows of the pictures, too.
    wait_until("the names", || {
        page.value(
            "document.body.textContent.includes('photo.png') && document.body.textContent.includes('painting.png')",
        ) == true
    });
    page.press("Paint");
    wait_until("a work", || !studio.get("/api/state")["works"].as_array().unwrap().is_empty());
    let work = studio.work(1);
    let pictures = studio.get("/api/state");
    let name = |id: &Value| {
        let pictures = pictures["pictures"].as_array().unwrap();
        pictures.iter().find(|picture| picture["id"] == *id).unwrap()["name"].clone()
    };
    assert_eq!(
        (name(&work["photograph"]), name(&work["paintings"][0]["picture"])),
        ("photo.png".into(), "painting.png".into())
    );
    page.wait_for("image", "Result");
    page.press("Pause");
    studio.wait_while(1, "a pause", |work| !["paused", "done"].contains(&work["state"].as_str().unwrap()));
    if studio.work(1)["state"] == "paused" {
        page.press("Resume");
    }
    studio.wait_for(1, "done");
    page.wait_for("link", "Save picture");
    wait_until("the end", || !page.is_there("button", "Pause") && !page.is_there("button", "Stop"));
    let shown = page.wait_for("image", "Result");
    wait_until("the result's own pixels", || page.on(shown, "function() { return this.naturalWidth }") == 48);
    let saved = page.wait_for("link", "Save picture");
    assert!(page.on(saved, "function() { return this.href }").as_str().unwrap().contains("/api/works/1/result"));
}

#[test]
fn scale_and_iteration_are_told_and_a_work_is_stopped() {
    let Some(browser) = browser(&[]) else { return };
    let folder = Folder::with_pictures();
    folder.filters("deep.safetensors", "relu5_1");
    let studio = Studio::start_with(&folder, "--weights deep.safetensors");
    let page = Seen::open(&browser, &studio.url);
    // The demonstration's pictures are chosen: one press paints.
    page.press("Paint");
    wait_until("a work", || !studio.get("/api/state")["works"].as_array().unwrap().is_empty());
    let painted = studio.wait_while(1, "an iteration", |work| work["iteration"].as_u64() == Some(0));
    let demo = studio.get("/api/state")["pictures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|picture| picture["demo"] == "photograph")
        .unwrap()["id"]
        .clone();
    assert_eq!(painted["photograph"], demo);
    wait_until("size and iteration in the status", || {
        let status = page.status();
        let iterations = studio.work(1)["iterations"].to_string();
        status.contains("128") && status.contains(&iterations)
    });
    // The slider changes the running work, which goes on.
    let slider = page.wait_for("slider", "Style weight");
    page.on(slider, "function() { this.value = 3; for (const kind of ['input', 'change']) this.dispatchEvent(new Event(kind, { bubbles: true })) }");
    let changed = studio.wait_while(1, "another weight", |work| work["options"]["style-weight"].is_null());
    assert_eq!((&changed["state"], &changed["id"]), (&"painting".into(), &1.into()));
    page.press("Stop");
    studio.wait_for(1, "stopped");
    page.wait_for("link", "Save picture");
    page.wait_for("image", "Result");
}

/// What a page asked of others than the studio.
fn asked_of_others(page: &Seen) -> Value {
    page.value("JSON.stringify([...performance.getEntriesByType('resource')].map((entry) => entry.name).filter((name) => !name.startsWith(location.origin)))")
}

#[test]
fn the_page_fits_a_telephone_and_asks_nobody_else() {
    let Some(browser) = browser(&[]) else { return };
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let page = Seen::open(&browser, &studio.url);
    page.wait_for("button", "Paint");
    assert_eq!(asked_of_others(&page), "[]");
    for width in [360, 390, 768, 1440, 2560] {
        let metrics = Emulation::SetDeviceMetricsOverride {
            width,
            height: 800,
            device_scale_factor: 1.0,
            mobile: width < 500,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        page.tab.call_method(metrics).unwrap();
        let wide = page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(wide, 0, "the page is {wide} pixels wider than {width}");
        if let Some(folder) = std::env::var_os("IMPASTO_SCREENSHOTS") {
            let png = page.tab.capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true).unwrap();
            std::fs::write(PathBuf::from(folder).join(format!("studio-{width}.png")), png).unwrap();
        }
    }
    // Whoever does not use a mouse gets everywhere, and every control has a name.
    for (role, name, _) in page.tree() {
        let control =
            ["button", "link", "slider", "textbox", "combobox", "checkbox", "spinbutton"].contains(&role.as_str());
        assert!(!control || !name.is_empty(), "a {role} without a name");
    }
    assert_eq!(page.value("document.documentElement.lang"), "en");
    assert_eq!(
        page.value("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length"),
        0
    );
}

/// What axe-core finds in the page as it is, at the levels that keep somebody out. tools/setup --all-drivers fetches it.
fn barriers(page: &Seen) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(path) else {
        eprintln!("no axe-core: tools/setup --all-drivers fetches it where there is npm");
        return "[]".into();
    };
    page.tab.evaluate(&axe, false).unwrap();
    page.value(
        "axe.run().then((found) => JSON.stringify(found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => [one.id, one.nodes[0].html])))",
    )
}

#[test]
fn nothing_keeps_anybody_out() {
    let Some(browser) = browser(&[]) else { return };
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let done = studio.begin(&folder, &serde_json::json!({ "size": "48" }));
    studio.wait_for(done, "done");
    let page = Seen::open(&browser, &studio.url);
    page.wait_for("button", "Paint");
    for theme in ["light", "dark"] {
        page.value(&format!("document.documentElement.dataset.theme = '{theme}'"));
        for place in ["#studio", "#gallery"] {
            page.value(&format!("location.hash = '{place}'"));
            wait_until("the view", || page.value("document.readyState") == "complete");
            let found = barriers(&page);
            assert_eq!(found, "[]", "{theme} {place}");
        }
    }
}
