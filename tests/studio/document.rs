//! The document that describes the interface is true: every path of it is there, and answers have the shapes it says.

use super::Studio;
use crate::command_line::folder::Folder;
use serde_json::{Value, json};

/// A schema, where a reference leads.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// Checks a value against as much of JSON Schema as the document uses.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    if let Some(any) = schema["anyOf"].as_array() {
        let null = any.iter().any(|schema| schema["type"] == "null");
        assert!(null || !value.is_null(), "{place} is null");
        if !value.is_null() {
            check(document, &any[0], value, place);
        }
        return;
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{place} is {value}");
        return;
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{place} has the type {other:?}"),
    };
    assert!(right, "{place} is {value}");
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item, &format!("{place}[]"));
    }
    if let (Some(properties), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(fields.contains_key(name.as_str().unwrap()), "{place} has no {name}");
        }
        for (name, field) in fields {
            // Only a work tells the page a little more than others may rely on.
            match properties.get(name) {
                Some(schema) => check(document, schema, field, &format!("{place}.{name}")),
                None => assert!(["stride", "since"].contains(&name.as_str()), "{place}.{name} is not described"),
            }
        }
    }
}

#[test]
fn every_path_is_there_and_answers_as_described() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let document = studio.get("/openapi.json");
    let id = studio.begin(&folder, &json!({ "size": "32" }));
    let work = studio.wait_for(id, "done");
    let picture = work["photograph"].as_str().unwrap();
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let place = if path.starts_with("/api/pictures/") { picture.to_owned() } else { id.to_string() };
        let real = path.replace("{id}", &place).replace("{number}", "1").replace("{name}", "index.html");
        for (method, operation) in operations.as_object().unwrap() {
            if path == "/api/events" {
                continue;
            }
            let body = match path.as_str() {
                "/api/works" => json!({ "photograph": picture, "paintings": [{ "picture": picture }] }),
                path if path.ends_with("further") => json!({ "iterations": 1 }),
                path if path.ends_with("larger") => json!({ "size": 16 }),
                path if path.ends_with("change") => json!({ "options": {} }),
                _ => json!({}),
            };
            let reply = studio.ask(&method.to_uppercase(), &real, body.to_string().as_bytes());
            let told = &operation["responses"][reply.status.to_string()];
            assert!(told.is_object(), "{method} {path}: {} is not described: {}", reply.status, reply.text());
            if let Some(schema) = told.pointer("/content/application~1json/schema") {
                check(&document, schema, &reply.json(), &format!("{method} {path}"));
                checked += 1;
            }
            // Nobody may ask without the token.
            let stranger = studio.send(&method.to_uppercase(), &real, &[("Host", &studio.address.to_string())], b"");
            assert!(stranger.status == 401 && operation["responses"]["401"].is_object(), "{method} {path}");
        }
    }
    assert!(checked > 12, "{checked}");
    check(&document, &json!({ "$ref": "#/components/schemas/State" }), &studio.get("/api/state"), "state");
}

#[test]
fn options_come_from_the_command_line() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let options = studio.get("/api/options");
    let groups = options["groups"].as_array().unwrap();
    let offered: Vec<&Value> = groups.iter().flat_map(|group| group["options"].as_array().unwrap()).collect();
    let help = folder.run("stylize --help").answer();
    for option in &offered {
        assert!(help.contains(&format!("--{} ", option["name"].as_str().unwrap())), "{option}");
    }
    let weight = offered.iter().find(|option| option["name"] == "style-weight").unwrap();
    assert_eq!((&weight["kind"], &weight["default"], &weight["live"]), (&json!("number"), &json!("6"), &json!(true)));
}
