//! What a picture remembers of how it was painted, as `impasto info` and `impasto again` read it.

use crate::{library::Library, options, options::LEARNED};
use impasto::{
    Engine,
    studio::{Given, PictureId, Request},
    style::Recipe,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module.
#[derive(Deserialize, Serialize)]
pub struct Record {
    impasto: String,
    command: String,
    /// Options in their order with their values.
    options: Vec<(String, Vec<String>)>,
    inputs: Vec<Input>,
    size: (u32, u32),
    device: String,
    back_end: String,
    precision: String,
    filters: String,
    recipe: serde_json::Value,
}

#[derive(Deserialize, Serialize)]
struct Input {
    what: String,
    name: String,
    sha256: Option<String>,
}

/// What an input is, by the option that names it; of a region the mask comes first.
const KINDS: [(&str, &[&str]); 5] = [
    ("content", &["the photograph"]),
    ("style", &["the painting"]),
    ("style-mask", &["a mask of a painting"]),
    ("region", &["the mask of a region", "the painting of a region"]),
    ("keep", &["the mask of what is kept"]),
];

impl Record {
    /// Of a picture that is painted as a request says.
    pub fn new(request: &Request, library: &Library, engine: &Engine, recipe: &Recipe, size: (u32, u32)) -> Record {
        let named = |id: &PictureId| library.name(id).into();
        let pictures = request.pictures_given(named).unwrap_or_default();
        let ids = request.pictures_given(|id| id.as_str().into()).unwrap_or_default();
        let inputs = pictures.iter().zip(&ids).flat_map(|(named, ids)| inputs(named, ids, library)).collect();
        let mut given = options::given(request).unwrap_or_default();
        if !given.iter().any(|(name, _)| name == "weights") {
            given.push(("weights".to_owned(), vec![LEARNED.into()]));
        }
        let text =
            |(name, values): Given| (name, values.iter().map(|value| value.to_string_lossy().into_owned()).collect());
        Record {
            impasto: env!("CARGO_PKG_VERSION").to_owned(),
            command: "stylize".to_owned(),
            options: pictures.into_iter().chain(given).map(text).collect(),
            inputs,
            size,
            device: engine.name().to_owned(),
            back_end: engine.back_end().to_owned(),
            precision: recipe.precision(engine.precision()).to_string(),
            filters: engine.filters().digest(recipe.deepest()).to_owned(),
            recipe: serde_json::to_value(recipe).expect("a recipe is numbers, words and lists"),
        }
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can be written")
    }

    /// Width and height of the picture.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// What was asked for, if all its pictures are in the library; else the names of those that are not.
    pub fn request(&self, library: &Library) -> Result<Request, Vec<String>> {
        let mut missing = Vec::new();
        let digests: BTreeMap<&str, Option<&str>> =
            self.inputs.iter().map(|input| (input.name.as_str(), input.sha256.as_deref())).collect();
        let mut find = |name: &str| {
            let found = digests.get(name).copied().flatten().and_then(|digest| library.by_digest(digest));
            if found.is_none() && !missing.iter().any(|known| known == name) {
                missing.push(name.to_owned());
            }
            found
        };
        let mut photograph = None;
        let mut paintings = Vec::new();
        let (mut masks, mut weights, mut keep) = (Vec::new(), Vec::new(), None);
        let mut others = BTreeMap::new();
        for (name, values) in &self.options {
            match (name.as_str(), &values[..]) {
                ("content", [value]) => photograph = find(value),
                ("style", [value]) => paintings.extend(find(value).map(|picture| (picture, None))),
                ("region", [mask, value]) => {
                    if let (Some(mask), Some(picture)) = (find(mask), find(value)) {
                        paintings.push((picture, Some(mask)));
                    }
                }
                ("style-mask", [value]) => masks.push(if value == "all" { None } else { find(value) }),
                ("keep", [value]) => keep = find(value),
                ("blend", [value]) => weights = value.split(',').map(|weight| weight.parse().ok()).collect(),
                (_, [value]) => drop(others.insert(name.clone(), value.clone())),
                _ => drop(others.insert(name.clone(), String::new())),
            }
        }
        let painting =
            |(number, (picture, region)): (usize, (PictureId, Option<PictureId>))| impasto::studio::Painting {
                picture,
                weight: weights.get(number).copied().flatten(),
                mask: masks.get(number).cloned().flatten(),
                region,
            };
        let paintings = paintings.into_iter().enumerate().map(painting).collect();
        match photograph {
            Some(photograph) if missing.is_empty() => Ok(Request { photograph, paintings, keep, options: others }),
            _ => Err(missing),
        }
    }
}

fn inputs(named: &Given, ids: &Given, library: &Library) -> Vec<Input> {
    let Some((_, kinds)) = KINDS.iter().find(|(option, _)| *option == named.0) else { return Vec::new() };
    let of = |((kind, name), id): ((&&str, &std::ffi::OsString), &std::ffi::OsString)| {
        let id = PictureId::try_from(id.to_string_lossy().into_owned()).ok()?;
        Some(Input { what: (*kind).to_owned(), name: name.to_string_lossy().into_owned(), sha256: library.digest(&id) })
    };
    kinds.iter().zip(&named.1).zip(&ids.1).filter_map(of).collect()
}
