//! The library's top-level modules, here called rooms, form no cycle, as docs/design.md says. The test reads the
//! sources and follows which room uses which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Names that the crate's root exports, and the rooms they come from.
type Exports = BTreeMap<String, String>;

/// Rooms and the rooms they name in `crate::` paths outside unit tests.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The text without comments, and without the unit tests at its end.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]") && !line.starts_with("mod tests"));
    lines.map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first names of the paths that follow a `crate::`: one, or those between braces.
fn names(after: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(list) = after.strip_prefix('{') else { return vec![word(after)] };
    let (mut names, mut depth, mut first) = (Vec::new(), 0, true);
    for (index, character) in list.char_indices() {
        if depth == 0 && first {
            names.push(word(&list[index..]));
            first = false;
        }
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => first = true,
            _ => {}
        }
    }
    // Behind a trailing comma there is no name.
    names.retain(|name: &String| !name.is_empty());
    names
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The root's `pub use room::{..}`.
fn exports(root: &str) -> Exports {
    let mut exports = Exports::new();
    for part in code(root).split("pub use ").skip(1) {
        let part = part.split(';').next().unwrap_or_default();
        let Some((room, rest)) = part.split_once("::") else { continue };
        exports.extend(names(rest).into_iter().map(|name| (name, room.to_owned())));
    }
    exports
}

fn uses() -> Uses {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = exports(&std::fs::read_to_string(source.join("lib.rs")).unwrap());
    let mut files = Vec::new();
    sources(&source, &mut files);
    let mut uses = Uses::new();
    for file in files {
        let inner = file.strip_prefix(&source).unwrap();
        let room = Path::new(inner.components().next().unwrap().as_os_str()).with_extension("");
        let room = room.to_string_lossy().into_owned();
        if ["main", "lib", "cli"].contains(&room.as_str()) {
            continue;
        }
        let text = code(&std::fs::read_to_string(&file).unwrap());
        let named = text.split("crate::").skip(1).flat_map(names);
        let named = named.map(|name| exports.get(&name).cloned().unwrap_or(name)).filter(|name| *name != room);
        uses.entry(room.clone()).or_default().extend(named);
    }
    uses
}

/// The first path found from a room back to itself.
fn cycle(uses: &Uses) -> Option<Vec<String>> {
    fn follow(uses: &Uses, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        let here = way[way.len() - 1].clone();
        if !done.insert(here.clone()) {
            return false;
        }
        for next in uses.get(&here).into_iter().flatten() {
            if let Some(start) = way.iter().position(|room| room == next) {
                way.drain(..start);
                way.push(next.clone());
                return true;
            }
            way.push(next.clone());
            if follow(uses, way, done) {
                return true;
            }
            way.pop();
        }
        false
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|room| {
        let mut way = vec![room.clone()];
        follow(uses, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn the_rooms_of_the_library_form_no_cycle() {
    let uses = uses();
    assert!(uses.len() > 10 && uses["style"].contains("plan"), "{uses:?}");
    assert_eq!(cycle(&uses), None, "{uses:?}");
}

#[test]
fn a_cycle_is_found() {
    let room = |name: &str, others: &[&str]| (name.to_owned(), others.iter().map(|&other| other.to_owned()).collect());
    let chain = Uses::from([room("a", &["b", "c"]), room("b", &["c"]), room("c", &[])]);
    assert_eq!(cycle(&chain), None);
    let ring = Uses::from([room("a", &["b"]), room("b", &["c"]), room("c", &["d", "b"]), room("d", &[])]);
    assert_eq!(cycle(&ring).unwrap(), ["b", "c", "b"]);
    let text = "use crate::{plan::{Size, Step}, Engine}; // crate::wrong\nfn f() -> crate::style::Recipe {}";
    let found: Vec<String> = code(text).split("crate::").skip(1).flat_map(names).collect();
    assert_eq!(found, ["plan", "Engine", "style"]);
}
