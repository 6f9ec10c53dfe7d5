//! A studio that is killed comes back with its queue, and every picture is the one that it would have been.

use super::Studio;
use crate::command_line::folder::Folder;
use impasto::random::Random;
use serde_json::{Value, json};

fn options(number: u64) -> Value {
    json!({ "size": "48", "first-iterations": "120", "iterations": "40", "seed": number.to_string(), "init": "noise" })
}

#[test]
fn three_works_end_the_same_after_kills() {
    let (folder, undisturbed) = (Folder::with_pictures(), Folder::with_pictures());
    let studio = Studio::start(&undisturbed);
    let whole: Vec<u64> = (1..=3).map(|number| studio.begin(&undisturbed, &options(number))).collect();
    let whole = whole.into_iter().map(|id| {
        studio.wait_for(id, "done");
        studio.result(id)
    });
    let whole: Vec<Vec<u8>> = whole.collect();
    let mut studio = Studio::start(&folder);
    let works: Vec<u64> = (1..=3).map(|number| studio.begin(&folder, &options(number))).collect();
    let mut random = Random::new(5);
    for id in &works {
        for _ in 0..2 {
            // At some iteration of some size, wherever the last checkpoint was.
            let least = random.uniform(1.0, 60.0) as u64;
            studio.wait_while(*id, "its turn", |work| {
                work["state"] != "done" && (work["state"] != "painting" || work["iteration"].as_u64() < Some(least))
            });
            studio.kill();
            studio = Studio::start(&folder);
        }
    }
    for (id, whole) in works.iter().zip(&whole) {
        studio.wait_for(*id, "done");
        assert!(studio.result(*id) == *whole, "work {id}");
    }
    let state = studio.get("/api/state");
    assert_eq!(state["works"].as_array().unwrap().len(), 3);
    assert_eq!(state["pictures"].as_array().unwrap().len(), 4, "two of the demonstration, two that came in");
}

#[test]
fn half_of_a_picture_is_none() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = studio.bring(&folder, "photo.png");
    studio.kill();
    // As if the process had ended before the description was written, and before the view was.
    std::fs::remove_file(folder.path(&format!("data/pictures/{id}/about.json"))).unwrap();
    std::fs::create_dir_all(folder.path("data/works/7/strip")).unwrap();
    let studio = Studio::start(&folder);
    assert_eq!(studio.ask("GET", &format!("/api/pictures/{id}/view"), b"").status, 404);
    assert!(!folder.path("data/works/7").exists());
    assert_eq!(studio.bring(&folder, "photo.png"), id);
    assert_eq!(studio.ask("GET", &format!("/api/pictures/{id}/view"), b"").status, 200);
}
