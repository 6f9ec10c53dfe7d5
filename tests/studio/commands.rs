//! What can be asked of a work, and what is refused.

use super::Studio;
use crate::command_line::folder::Folder;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

fn long() -> Value {
    json!({ "size": "48", "first-iterations": "5000", "iterations": "1000" })
}

/// A work that is being painted.
fn painting(studio: &Studio, folder: &Folder) -> u64 {
    let id = studio.begin(folder, &long());
    studio.wait_while(id, "an iteration", |work| work["iteration"].as_u64() == Some(0));
    id
}

#[test]
fn weights_change_on_the_way_and_nothing_that_would_start_over() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = painting(&studio, &folder);
    let path = format!("/api/works/{id}/change");
    let work = studio.post(&path, &json!({ "options": { "style-weight": "0.5", "tv-weight": "2" } }));
    assert_eq!((&work["options"]["style-weight"], &work["options"]["tv-weight"]), (&json!("0.5"), &json!("2")));
    assert!(work["command"].as_str().unwrap().contains("--style-weight=0.5"));
    for (name, value, word) in
        [("statistic", "gram", "statistic"), ("min-scale", "30", "smallest size"), ("pooling", "average", "pooling")]
    {
        let said = studio.refused(&path, &json!({ "options": { name: value } }), 409);
        assert!(said.contains(word) && said.contains("start a new one"), "{said}");
    }
    for (name, value) in [("style-weight", "much"), ("style-weight", "-1"), ("no-such-option", "1"), ("output", "x")] {
        studio.refused(&path, &json!({ "options": { name: value } }), 422);
    }
    assert_eq!(studio.work(id)["options"]["style-weight"], "0.5");
    // The number of iterations follows.
    studio.post(&path, &json!({ "options": { "first-iterations": "1", "iterations": "1" } }));
    studio.wait_for(id, "done");
    studio.refused(&path, &json!({ "options": { "style-weight": "1" } }), 409);
}

#[test]
fn a_stopped_work_has_a_picture_and_can_go_further_and_larger() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = painting(&studio, &folder);
    studio.post(&format!("/api/works/{id}/stop"), &json!({}));
    let stopped = studio.wait_for(id, "stopped");
    assert_eq!(stopped["result"], true);
    let short = studio.begin(&folder, &json!({ "size": "48" }));
    studio.wait_for(short, "done");
    let first = studio.result(short);
    studio.refused(&format!("/api/works/{short}/larger"), &json!({ "size": 48 }), 409);
    studio.post(&format!("/api/works/{short}/further"), &json!({ "iterations": 7 }));
    let work = studio.wait_for(short, "done");
    assert_eq!((work["scale"]["count"].as_u64(), work["iteration"].as_u64()), (Some(1), Some(7)), "{work}");
    assert!(studio.result(short) != first);
    let other = studio.begin(&folder, &json!({ "size": "32" }));
    studio.wait_for(other, "done");
    studio.post(&format!("/api/works/{other}/larger"), &json!({ "size": 64 }));
    let work = studio.wait_for(other, "done");
    assert_eq!((work["width"].as_u64(), work["height"].as_u64()), (Some(64), Some(48)));
    folder.write("large.png", studio.result(other));
    assert_eq!(folder.size("large.png"), (64, 48));
}

#[test]
fn further_iterations_of_the_present_size_are_done_on_the_way() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = painting(&studio, &folder);
    let work = studio.post(&format!("/api/works/{id}/further"), &json!({ "iterations": 100 }));
    assert_eq!(work["iterations"], 5100);
    // A change of weights does not take them away again.
    studio.post(&format!("/api/works/{id}/change"), &json!({ "options": { "style-weight": "2" } }));
    let work = studio.wait_while(id, "an iteration more", |before| *before == work);
    assert_eq!(work["iterations"], 5100);
}

#[test]
fn works_wait_for_their_turn_and_are_deleted_with_a_way_back() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let first = painting(&studio, &folder);
    let second = studio.begin(&folder, &json!({ "size": "32" }));
    assert_eq!(studio.work(second)["state"], "waiting");
    let photo = studio.work(second)["photograph"].as_str().unwrap().to_owned();
    assert_eq!(studio.ask("DELETE", &format!("/api/pictures/{photo}"), b"").status, 409);
    // A work that waits may be anything yet.
    let change = json!({ "options": { "statistic": "gram" } });
    assert_eq!(studio.post(&format!("/api/works/{second}/change"), &change)["options"]["statistic"], "gram");
    assert_eq!(studio.ask("DELETE", &format!("/api/works/{first}"), b"").status, 204);
    studio.wait_for(first, "stopped");
    studio.wait_for(second, "done");
    assert_eq!(studio.work(first)["deleted"], true);
    assert_eq!(studio.post(&format!("/api/works/{first}/restore"), &json!({}))["deleted"], false);
    assert_eq!(studio.ask("DELETE", &format!("/api/works/{second}"), b"").status, 204);
    studio.kill();
    let studio = Studio::start(&folder);
    assert_eq!(studio.ask("GET", &format!("/api/works/{second}"), b"").status, 404);
    assert_eq!(studio.work(first)["state"], "stopped");
    for (verb, body) in [("further", json!({ "iterations": 0 })), ("larger", json!({ "size": 0 }))] {
        studio.refused(&format!("/api/works/{first}/{verb}"), &body, 422);
    }
    for verb in ["pause", "resume", "stop", "further", "larger", "change", "restore"] {
        let body = json!({ "iterations": 1, "size": 64, "options": {} });
        let status = studio.ask("POST", &format!("/api/works/99/{verb}"), body.to_string().as_bytes()).status;
        assert!(matches!(status, 400 | 404), "{verb}: {status}");
    }
}

#[test]
fn a_work_that_is_stopped_before_it_began_has_a_picture() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = studio.begin(&folder, &long());
    studio.wait_while(id, "its turn", |work| work["state"] == "waiting");
    studio.post(&format!("/api/works/{id}/stop"), &json!({}));
    assert_eq!(studio.wait_for(id, "stopped")["result"], true);
}

#[test]
fn that_others_can_reach_it_is_said_aloud() {
    let folder = Folder::with_pictures();
    for (options, aloud) in [("--listen 0.0.0.0", true), ("", false)] {
        let call = format!("studio --no-open --port 0 --data data {options}");
        let mut child = folder.command(&call).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:") && url.contains("/?token="), "{url}");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        if aloud {
            said.read_line(&mut line).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        said.read_line(&mut line).unwrap();
        assert_eq!(line.contains("others in the network can reach the studio"), aloud, "{line}");
        assert!(!aloud || line.contains("unencrypted") && line.contains("token"), "{line}");
    }
}

#[test]
fn two_studios_do_not_share_a_directory() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let outcome = folder.run("studio --no-open --port 0 --data data");
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("another studio works in") && outcome.stderr.contains("--data"), "{outcome:?}");
    let port = studio.address.port();
    let outcome = folder.run(&format!("studio --no-open --port {port} --data other"));
    assert!(outcome.stderr.contains("cannot listen on") && outcome.stderr.contains("--port"), "{outcome:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_painted() {
    let folder = Folder::with_pictures();
    let mut studio = Studio::start(&folder);
    let id = painting(&studio, &folder);
    let kill = std::process::Command::new("kill").args(["-INT", &studio.child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(studio.child.wait().unwrap().code(), Some(130));
    assert!(folder.path(&format!("data/works/{id}/checkpoint")).exists());
    let studio = Studio::start(&folder);
    let work = studio.wait_for(id, "painting");
    assert_eq!(work["state"], "painting");
}
