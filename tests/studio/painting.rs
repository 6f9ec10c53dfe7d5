//! What is painted is what the command line paints, and what is asked on the way happens.

use super::Studio;
use crate::command_line::folder::{Folder, quick};
use impasto::picture::Picture;
use serde_json::json;

#[test]
fn the_studio_paints_what_the_command_line_paints() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = studio.begin(&folder, &json!({ "size": "48", "style-weight": "8" }));
    let work = studio.wait_for(id, "done");
    folder.write("studio.png", studio.result(id));
    folder.paint("typed.png", "--size 48 --style-weight 8 --threads 1");
    assert!(folder.open("studio.png") == folder.open("typed.png"));
    assert_eq!(
        (work["width"].as_u64(), work["height"].as_u64(), work["result"].as_bool()),
        (Some(48), Some(36), Some(true))
    );
    assert!(!work["losses"].as_array().unwrap().is_empty());
    // It remembers its options, and can be painted again from the files that its user named.
    assert_eq!(folder.run("again studio.png -o again.png --threads 1").code, Some(2), "again has no --threads");
    assert_eq!(folder.run("again studio.png -o again.png").answer(), "");
    assert!(folder.open("again.png") == folder.open("typed.png"));
    // What is shown to be typed does the same.
    let typed = work["command"].as_str().unwrap().strip_prefix("impasto ").unwrap();
    assert!(typed.ends_with("--output=photo-painting.png"), "{typed}");
    assert_eq!(folder.run(typed).answer(), "");
    assert!(folder.open("photo-painting.png") == folder.open("typed.png"));
}

#[test]
fn regions_masks_and_several_paintings_are_painted() {
    let folder = Folder::with_pictures();
    folder.picture("other.png", 33, 29, 5);
    folder.picture("mask.png", 24, 18, 6);
    let studio = Studio::start(&folder);
    let [photo, painting, other] = ["photo.png", "painting.png", "other.png"].map(|name| studio.bring(&folder, name));
    let mask = studio.ask("POST", "/api/pictures?name=mask.png&mask=1", &folder.read("mask.png")).json();
    assert_eq!(mask["mask"], true);
    let mask = &mask["id"];
    let options = json!({ "size": "40", "min-scale": "20", "content-layers": "relu2_1", "style-layers": "relu1_1,relu2_1",
        "first-iterations": "4", "iterations": "2", "feather": "2" });
    let request = json!({ "photograph": photo, "keep": mask, "options": options, "paintings": [
        { "picture": other, "weight": 2.5, "region": mask }, { "picture": painting, "mask": mask }, { "picture": other },
    ]});
    let id = studio.post("/api/works", &request)["id"].as_u64().unwrap();
    studio.wait_for(id, "done");
    folder.write("studio.png", studio.result(id));
    let options =
        quick("--size 40 --min-scale 20 --first-iterations 4 --iterations 2 --feather 2 --threads 1 --blend 1,1,2.5");
    let call = format!(
        "stylize photo.png -s painting.png -s other.png --region mask.png other.png --keep mask.png --style-mask mask.png \
         -o typed.png {options}"
    );
    assert_eq!(folder.run(&call).answer(), "");
    assert!(folder.open("studio.png") == folder.open("typed.png"));
}

#[test]
fn a_paused_work_goes_on_to_the_same_bits() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let options = json!({ "size": "48", "first-iterations": "150", "iterations": "40" });
    let id = studio.begin(&folder, &options);
    studio.wait_while(id, "an iteration", |work| work["iteration"].as_u64() == Some(0) && work["state"] != "done");
    studio.post(&format!("/api/works/{id}/pause"), &json!({}));
    let work = studio.wait_for(id, "paused");
    assert!(work["scale"]["number"].as_u64() == Some(1) || work["iteration"].as_u64() > Some(0), "{work}");
    // While it rests, others are painted.
    let other = studio.begin(&folder, &options);
    studio.wait_for(other, "done");
    assert_eq!(studio.work(id)["state"], "paused");
    studio.post(&format!("/api/works/{id}/resume"), &json!({}));
    studio.wait_for(id, "done");
    assert!(studio.result(id) == studio.result(other));
}

#[test]
fn pictures_on_the_way_are_shown_while_somebody_watches() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let unwatched = studio.begin(&folder, &json!({ "size": "48", "first-iterations": "60" }));
    let unwatched = studio.wait_for(unwatched, "done");
    // Only the result itself.
    assert_eq!(unwatched["strip"].as_array().unwrap().len(), 1);
    let events = studio.watch();
    let id = studio.begin(&folder, &json!({ "size": "48", "first-iterations": "300", "min-scale": "24" }));
    let work = studio.wait_for(id, "done");
    let strip = work["strip"].as_array().unwrap();
    assert!(strip.len() > 1, "{work}");
    for number in strip {
        let path = format!("/api/works/{id}/pictures/{number}");
        let reply = studio.ask("GET", &path, b"");
        assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "image/jpeg"));
        let size = Picture::read_for("x".as_ref(), &reply.body[..], impasto::picture::Detail::Full).unwrap().size;
        assert!(size.width >= 24 && size.width <= 48);
        // It never changes, and is asked for once.
        let mut headers = studio.allowed();
        headers.push(("If-None-Match", reply.headers["etag"].clone()));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(studio.send("GET", &path, &headers, b"").status, 304);
    }
    drop(events);
}
